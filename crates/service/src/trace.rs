//! The trace context that joins a request to the run it started, in the form of <https://www.w3.org/TR/trace-context/>.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A `traceparent`: `00-<32 hex: trace>-<16 hex: parent>-<2 hex: flags>`. It travels in HTTP requests, in the outbox and in
/// queue messages, and the trace's id stands in log lines as `trace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace: u128,
    parent: u64,
    flags: u8,
}

impl TraceParent {
    /// A new trace.
    pub fn root() -> Self {
        // Version 4 UUIDs are random enough for ids, and never zero, which the format forbids.
        Self { trace: Uuid::new_v4().as_u128(), parent: Uuid::new_v4().as_u64_pair().0, flags: 0 }
    }

    /// The trace of what came in, with a parent of our own; a new trace when nothing (or nonsense) came in.
    pub fn continued(incoming: Option<&str>) -> Self {
        let root = Self::root();
        match incoming.and_then(|text| text.parse::<Self>().ok()) {
            Some(incoming) => Self { parent: root.parent, ..incoming },
            None => root,
        }
    }

    /// The trace's id: 32 lower-case hex digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.parent, self.flags)
    }
}

impl FromStr for TraceParent {
    type Err = ParseTraceParentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let mut hex = |digits: usize| {
            parts
                .next()
                .filter(|part| part.len() == digits && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
                .ok_or(ParseTraceParentError)
        };
        let (version, trace, parent, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        // A later version may append parts; version ff is forbidden.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return Err(ParseTraceParentError);
        }
        let number = |text| u128::from_str_radix(text, 16).map_err(|_| ParseTraceParentError);
        let (trace, parent, flags) = (number(trace)?, number(parent)?, number(flags)?);
        if trace == 0 || parent == 0 {
            return Err(ParseTraceParentError);
        }
        // Both fit: their digits were counted.
        Ok(Self { trace, parent: parent as u64, flags: flags as u8 })
    }
}

/// A text that is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct ParseTraceParentError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let root = TraceParent::root();
        assert_eq!(root.to_string().parse(), Ok(root));
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(text.parse::<TraceParent>().unwrap().to_string(), text);
    }

    #[test]
    fn continues_a_trace_under_a_new_parent() {
        let incoming = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let continued = TraceParent::continued(Some(incoming));
        assert_eq!(continued.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(continued.to_string(), incoming);
    }

    #[test]
    fn nonsense_starts_a_new_trace() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
            assert_ne!(TraceParent::continued(Some(text)).trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        }
    }
}
