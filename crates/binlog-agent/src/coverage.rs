//! Until when everything is archived.

use std::collections::VecDeque;
use std::time::Duration;

use backtrail_domain::BinlogPosition;
use time::OffsetDateTime;

/// Samples that wait for the archive to reach them. More are thinned out: under load one covers for its neighbours.
const MOST_WAITING: usize = 256;

/// Pairs of clock and place, and the newest clock whose place the archive has reached.
#[derive(Debug)]
pub(crate) struct Coverage {
    /// Taken off the clock, for servers whose commit times are those of the statement's beginning.
    allowance: Duration,
    waiting: VecDeque<(OffsetDateTime, BinlogPosition)>,
    until: Option<OffsetDateTime>,
}

impl Coverage {
    pub(crate) fn new(allowance: Duration) -> Self {
        Self { allowance, waiting: VecDeque::new(), until: None }
    }

    /// The source's clock showed `clock`, and *after that* its log ended at `end`.
    pub(crate) fn sample(&mut self, clock: OffsetDateTime, end: BinlogPosition) {
        if self.waiting.len() >= MOST_WAITING {
            let mut keep = false;
            self.waiting.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.waiting.push_back((clock, end));
    }

    /// Everything up to this place of the same timeline is archived.
    pub(crate) fn reached(&mut self, place: &BinlogPosition) {
        while let Some((clock, _)) = self.waiting.front().filter(|(_, end)| end <= place) {
            let until = *clock - self.allowance;
            self.until = self.until.max(Some(until));
            self.waiting.pop_front();
        }
    }

    pub(crate) fn until(&self) -> Option<OffsetDateTime> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_when_the_archive_has_reached_its_place() {
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let place = |text: &str| text.parse::<BinlogPosition>().unwrap();
        let mut coverage = Coverage::new(Duration::from_secs(1));
        coverage.sample(at(10), place("b.000001:100"));
        coverage.sample(at(20), place("b.000001:100"));
        coverage.sample(at(30), place("b.000002:4"));
        coverage.reached(&place("b.000001:99"));
        assert_eq!(coverage.until(), None);
        coverage.reached(&place("b.000001:100"));
        assert_eq!(coverage.until(), Some(at(19)));
        coverage.reached(&place("b.000003:4"));
        assert_eq!(coverage.until(), Some(at(29)));
        for second in 0..10_000 {
            coverage.sample(at(100 + second), place("b.000009:4"));
        }
        assert!(coverage.waiting.len() <= MOST_WAITING);
        coverage.reached(&place("b.000009:4"));
        assert_eq!(coverage.until(), Some(at(10_098)));
    }
}
