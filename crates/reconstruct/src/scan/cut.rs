//! Finding the cut.

use std::cmp::Ordering;

use backtrail_binlog::CommitInfo;
use backtrail_domain::{BinlogPosition, CutTarget, GtidSet};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::EngineError;
use crate::input::log::{Flow, Walked};
use crate::plan::{Coordinates, Cut};
use crate::request::Request;

/// How far behind the cut commits with earlier times are looked for, in microseconds of commit time.
const LOOK_BEHIND_CUT: i64 = 60_000_000;

/// Follows the boundaries of a log and says where to stop.
pub(crate) struct CutFinder<'a> {
    request: &'a Request,
    baseline: &'a Coordinates,
    /// The target time in microseconds since 1970.
    target_micros: i64,
    reached_baseline: bool,
    /// The latest boundary that was seen.
    boundary: Option<BinlogPosition>,
    /// What has been executed there, as far as anything tells.
    executed: Option<GtidSet>,
    /// The first boundary at which a GTID target had committed, before the baseline.
    complete_before_baseline: Option<BinlogPosition>,
    /// Commit time of the last transaction before the baseline.
    last_before_baseline: Option<i64>,
    /// The timestamp of the first file's first event, when all of the file before the baseline was seen.
    file_begun: Option<i64>,
    /// The latest of all timestamps of events.
    latest_event: i64,
    /// The end of the last transaction that is in, and its commit time.
    included: Option<(BinlogPosition, i64)>,
    transactions: u64,
    cut: Option<BinlogPosition>,
    /// Transactions behind the cut that committed at or before the target by their times.
    late: u64,
}

impl<'a> CutFinder<'a> {
    pub(crate) fn new(request: &'a Request, baseline: &'a Coordinates) -> Result<Self, EngineError> {
        if let CutTarget::Position(target) = &request.target
            && *target < baseline.position
        {
            return Err(EngineError::TargetBeforeBaseline {
                target: target.to_string(),
                evidence: format!("it stands at {}", baseline.position),
            });
        }
        let target_micros = match &request.target {
            CutTarget::Time(time) => micros(*time),
            _ => 0,
        };
        Ok(Self {
            request,
            baseline,
            target_micros,
            reached_baseline: false,
            boundary: None,
            executed: None,
            complete_before_baseline: None,
            last_before_baseline: None,
            file_begun: None,
            latest_event: 0,
            included: None,
            transactions: 0,
            cut: None,
            late: 0,
        })
    }

    /// Whether what is seen now is between baseline and cut.
    pub(crate) fn in_window(&self) -> bool {
        self.reached_baseline && self.cut.is_none()
    }

    /// Whether the baseline's place has been seen.
    pub(crate) fn has_reached_baseline(&self) -> bool {
        self.reached_baseline
    }

    /// An event's timestamp. `first`: of the log's very first event, at the beginning of its file.
    pub(crate) fn timestamp(&mut self, seconds: u32, first: bool) {
        let micros = i64::from(seconds) * 1_000_000;
        self.latest_event = self.latest_event.max(micros);
        if first {
            self.file_begun = Some(micros);
        }
    }

    /// A file's GTID header.
    pub(crate) fn header_set(&mut self, set: &GtidSet) {
        if !self.reached_baseline {
            self.executed = Some(set.clone());
        }
    }

    /// A place between two transactions.
    pub(crate) fn boundary(&mut self, at: &BinlogPosition) -> Result<Flow, EngineError> {
        if !self.reached_baseline {
            match at.cmp(&self.baseline.position) {
                Ordering::Less => {}
                Ordering::Equal => {
                    self.reached_baseline = true;
                    self.at_baseline()?;
                }
                Ordering::Greater => {
                    let before =
                        self.boundary.as_ref().map_or_else(|| "the log's beginning".to_owned(), ToString::to_string);
                    return Err(EngineError::LogDoesNotReachBaseline {
                        baseline: self.baseline.position.clone(),
                        reason: format!(
                            "that is no place between two transactions, {before} and {at} are: this is not the log of the baseline's server, or the dump was not consistent"
                        ),
                    });
                }
            }
        }
        if self.reached_baseline
            && self.cut.is_none()
            && let CutTarget::Position(target) = &self.request.target
        {
            match at.cmp(target) {
                Ordering::Less => {}
                Ordering::Equal => self.cut = Some(at.clone()),
                Ordering::Greater => {
                    let before = self.boundary.clone().unwrap_or_else(|| self.baseline.position.clone());
                    if target.file < at.file {
                        return Err(EngineError::TargetImpossible {
                            target: target.to_string(),
                            reason: format!("the file ends at {before}"),
                        });
                    }
                    return Err(EngineError::TargetInsideTransaction {
                        position: target.clone(),
                        nearest: Box::new((before, at.clone())),
                    });
                }
            }
        }
        self.boundary = Some(at.clone());
        Ok(self.flow(at))
    }

    fn flow(&self, at: &BinlogPosition) -> Flow {
        match (&self.cut, &self.request.target) {
            (None, _) => Flow::Continue,
            // Behind the cut by time, look on a little for commits out of order.
            (Some(cut), CutTarget::Time(_)) if cut.file == at.file => Flow::Continue,
            _ => Flow::Stop,
        }
    }

    fn at_baseline(&mut self) -> Result<(), EngineError> {
        if let (Some(GtidSet::Mysql(_)), Some(stated), Some(seen)) =
            (&self.executed, &self.baseline.gtid_set, &self.executed)
            && !(stated.is_superset(seen) && seen.is_superset(stated))
        {
            return Err(EngineError::LogDoesNotReachBaseline {
                baseline: self.baseline.position.clone(),
                reason: format!(
                    "the log has {seen} executed there, the baseline's metadata says {stated}: this is not the log of the baseline's server"
                ),
            });
        }
        if self.baseline.gtid_set.is_some() {
            self.executed.clone_from(&self.baseline.gtid_set);
        }
        let CutTarget::Gtid(target) = &self.request.target else { return Ok(()) };
        if let Some(executed) = &self.executed {
            if std::mem::discriminant(executed) != std::mem::discriminant(target) && !executed.is_empty() {
                return Err(EngineError::TargetImpossible {
                    target: target.to_string(),
                    reason: format!("the server's GTIDs are of the form {executed}"),
                });
            }
            if executed.is_superset(target) {
                let exactly_here = target.is_superset(executed)
                    || self.complete_before_baseline.as_ref() == Some(&self.baseline.position);
                if !exactly_here {
                    return Err(EngineError::TargetBeforeBaseline {
                        target: target.to_string(),
                        evidence: format!("it holds {executed}"),
                    });
                }
                self.cut = Some(self.baseline.position.clone());
            }
        } else {
            self.executed = Some(match target {
                GtidSet::Mysql(_) => GtidSet::Mysql(std::collections::BTreeMap::new()),
                GtidSet::Mariadb(_) => GtidSet::Mariadb(std::collections::BTreeMap::new()),
            });
        }
        Ok(())
    }

    /// A transaction ends; `end` is the place behind it. Says whether it is in.
    pub(crate) fn transaction(&mut self, commit: &CommitInfo, end: &BinlogPosition) -> bool {
        if let CutTarget::Time(_) = self.request.target
            && self.reached_baseline
            && commit.commit_time_micros > self.target_micros
            && self.cut.is_none()
        {
            let last = self.included.as_ref().map_or(&self.baseline.position, |(position, _)| position);
            self.cut = Some(last.clone());
        }
        if self.cut.is_some() {
            self.late += u64::from(commit.commit_time_micros <= self.target_micros);
            return false;
        }
        if let (Some(executed), Some(gtid)) = (&mut self.executed, &commit.gtid) {
            executed.insert(gtid);
        }
        let complete = match (&self.executed, &self.request.target) {
            (Some(executed), CutTarget::Gtid(target)) => executed.is_superset(target),
            _ => false,
        };
        if !self.reached_baseline {
            self.last_before_baseline = self.last_before_baseline.max(Some(commit.commit_time_micros));
            if complete && self.complete_before_baseline.is_none() {
                self.complete_before_baseline = Some(end.clone());
            }
            return true;
        }
        self.transactions += 1;
        self.included = Some((end.clone(), commit.commit_time_micros));
        if complete {
            self.cut = Some(end.clone());
        }
        true
    }

    /// Whether enough has been seen behind a cut by time.
    pub(crate) fn seen_enough(&self, commit: &CommitInfo) -> bool {
        self.cut.is_some() && commit.commit_time_micros > self.target_micros.saturating_add(LOOK_BEHIND_CUT)
    }

    /// The cut, when the walk is over.
    pub(crate) fn finish(mut self, walked: &Walked, warnings: &mut Vec<String>) -> Result<Cut, EngineError> {
        if !self.reached_baseline {
            return Err(EngineError::LogDoesNotReachBaseline {
                baseline: self.baseline.position.clone(),
                reason: format!("it ends at {}", walked.end),
            });
        }
        if self.cut.is_none() {
            self.cut = Some(self.end_of_log(walked, warnings)?);
        }
        if let CutTarget::Time(_) = self.request.target
            && self.included.is_none()
        {
            self.check_not_before_baseline()?;
        }
        if self.late > 0 {
            warnings.push(format!(
                "{} transactions behind the cut have commit times at or before the target: the server's clock went \
                 back, or transactions committed out of order; they are not in the result",
                self.late
            ));
        }
        let position = self.cut.unwrap_or_else(|| self.baseline.position.clone());
        Ok(Cut {
            position,
            gtid_set: self.executed.filter(|set| !set.is_empty()),
            last_commit: self.included.map(|(_, micros)| instant(micros)),
            transactions: self.transactions,
        })
    }

    /// The log has no more and the target was not met in it.
    fn end_of_log(&self, walked: &Walked, warnings: &mut Vec<String>) -> Result<BinlogPosition, EngineError> {
        let last = self.included.as_ref().map_or(&self.baseline.position, |(position, _)| position);
        let not_covered = |end: String| EngineError::TargetNotCovered { target: self.request.target.to_string(), end };
        if !matches!(self.request.target, CutTarget::Time(_)) {
            let executed = match (&self.request.target, &self.executed) {
                (CutTarget::Gtid(_), Some(executed)) => format!(" with {executed} executed"),
                _ => String::new(),
            };
            return Err(not_covered(format!("at {}{executed}", walked.end)));
        }
        let covered = self.latest_event > self.target_micros
            || self.request.covered_until.is_some_and(|until| micros(until) >= self.target_micros);
        if !covered {
            let end = format!("at {} with an event of {}", walked.end, instant(self.latest_event));
            // Of no log at all nothing can be assumed: it is another directory, as a rule.
            if !self.request.assume_complete_log || walked.pieces.is_empty() {
                return Err(not_covered(end));
            }
            warnings.push(format!(
                "the log ends {end}, before the target {}; it is taken that nothing followed",
                self.request.target
            ));
        }
        Ok(last.clone())
    }

    /// The cut is the baseline itself. Whether it was so at the target time, or only later, is to be told.
    fn check_not_before_baseline(&self) -> Result<(), EngineError> {
        let before = |evidence: String| {
            Err(EngineError::TargetBeforeBaseline { target: self.request.target.to_string(), evidence })
        };
        if let Some(last) = self.last_before_baseline {
            return if last > self.target_micros {
                before(format!("a transaction that is in it committed at {}", instant(last)))
            } else {
                Ok(())
            };
        }
        if let Some(begun) = self.file_begun {
            return if begun > self.target_micros {
                before(format!("its log file {} was begun at {}", self.baseline.position.file, instant(begun)))
            } else {
                Ok(())
            };
        }
        match self.request.baseline_instant {
            Some(at) if micros(at) <= self.target_micros => Ok(()),
            Some(at) => before(format!("it was taken at about {}", instant(micros(at)))),
            None => before("nothing in the log shows that it was taken earlier".to_owned()),
        }
    }
}

fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// Microseconds since 1970 as RFC 3339.
pub(crate) fn instant(micros: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{micros} µs after 1970"))
}
