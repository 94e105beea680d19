//! Being asked to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal as listen};
use tokio_util::sync::CancellationToken;

/// A token that SIGTERM or SIGINT cancels. A second signal ends the process at once, with status 130: the operator has
/// lost patience, and whatever is cut off here is what a crash would cut off.
///
/// # Errors
/// The signal handlers could not be installed.
pub fn signal() -> io::Result<CancellationToken> {
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            let name = tokio::select! {
                received = terminate.recv() => received.map(|()| "SIGTERM"),
                received = interrupt.recv() => received.map(|()| "SIGINT"),
            };
            let Some(name) = name else { return };
            if asked {
                tracing::warn!(signal = name, "asked to stop a second time: ending at once");
                std::process::exit(130);
            }
            asked = true;
            tracing::info!(signal = name, "asked to stop");
            cancelled.cancel();
        }
    });
    Ok(token)
}
