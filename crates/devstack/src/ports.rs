//! Free TCP ports on the loopback interface.
//!
//! Ports are drawn at random below the range from which the kernel numbers outgoing connections, so that a connection
//! opened between the draw and the server's own `bind` cannot take the port.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{LazyLock, Mutex, PoisonError};

use rand::Rng;

use crate::error::DevstackError;

const RANGE: std::ops::Range<u16> = 15_000..32_000;
const ATTEMPTS: u32 = 500;

static HANDED_OUT: LazyLock<Mutex<BTreeSet<u16>>> = LazyLock::new(Mutex::default);

/// A port that nobody listens on and that this process has not handed out before.
pub fn free() -> Result<u16, DevstackError> {
    for _ in 0..ATTEMPTS {
        let port = rand::rng().random_range(RANGE);
        let unused = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
            && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
        if unused && HANDED_OUT.lock().unwrap_or_else(PoisonError::into_inner).insert(port) {
            return Ok(port);
        }
    }
    Err(DevstackError::NoFreePort { attempts: ATTEMPTS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_distinct_and_can_be_bound() {
        let ports: Vec<u16> = (0..50).map(|_| free().expect("a port")).collect();
        let distinct: BTreeSet<u16> = ports.iter().copied().collect();
        assert_eq!(distinct.len(), ports.len());
        for port in ports {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("still free");
        }
    }
}
