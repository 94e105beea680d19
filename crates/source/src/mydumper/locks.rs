//! After a dump that was killed: nothing of it may go on holding up the source.

use crate::{Connection, SourceError};

/// Ends what a killed dump has left on the server: connections of our account, newer than `since`, that still wait for
/// a lock or hold one through a statement. A connection whose client is gone ends by itself unless it is waiting; one that
/// waits for the global read lock would hold up every writer. Says how many were ended.
///
/// # Errors
/// As [`Connection::query`].
pub async fn release_locks(connection: &mut Connection, since: u32) -> Result<usize, SourceError> {
    // Without privileges the list holds the account's own connections alone; with them, others' too.
    let own = connection.scalar("SELECT SUBSTRING_INDEX(USER(), '@', 1)").await?.unwrap_or_default();
    let mine = connection.connection_id();
    let mut ended = 0;
    for row in connection.query("SHOW FULL PROCESSLIST").await? {
        let Some(id) = row.text("Id").and_then(|id| id.parse::<u32>().ok()) else { continue };
        let statement = row.text("Info").unwrap_or_default().to_ascii_uppercase();
        let locks = ["FLUSH TABLES", "FLUSH NO_WRITE_TO_BINLOG", "FLUSH LOCAL", "LOCK ", "BACKUP "]
            .iter()
            .any(|begin| statement.trim_start().starts_with(begin));
        if id <= since || id == mine || row.text("User").as_deref() != Some(own.as_str()) || !locks {
            continue;
        }
        match connection.execute(&format!("KILL {id}")).await {
            Ok(()) => ended += 1,
            // No such thread: it has ended by itself.
            Err(error) if error.code() == Some(1094) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ended)
}
