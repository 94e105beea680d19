//! Moments of a source: places in its log, and instants of its clock.

use std::time::Duration;

use anyhow::Context;
use backtrail_devstack::{DatabaseAddress, Family};
use mysql_async::prelude::Queryable;

/// The place in the source's binary log now, and its GTID (MariaDB; empty on MySQL).
///
/// # Errors
/// The server refuses a question.
pub async fn position(source: &DatabaseAddress) -> anyhow::Result<(String, String)> {
    let mut connection = source.connect().await?;
    let status = match source.family {
        Family::Mariadb => "SHOW MASTER STATUS",
        Family::Mysql => "SHOW BINARY LOG STATUS",
    };
    let row: mysql_async::Row = connection.query_first(status).await?.context("no binary log")?;
    let (file, offset): (String, u64) = (row.get(0).context("no file")?, row.get(1).context("no position")?);
    let gtid: Option<String> = connection.query_first("SELECT @@gtid_binlog_pos").await.unwrap_or(None);
    connection.disconnect().await?;
    Ok((format!("{file}:{offset}"), gtid.unwrap_or_default()))
}

/// An instant of the source's clock with a quiet second on either side.
///
/// # Errors
/// The server has no clock.
pub async fn quiet_instant(source: &DatabaseAddress) -> anyhow::Result<String> {
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut connection = source.connect().await?;
    let now: Option<String> =
        connection.query_first("SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ')").await?;
    connection.disconnect().await?;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    now.context("no clock")
}
