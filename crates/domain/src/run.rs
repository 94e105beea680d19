//! Runs: a backup or a PITR from the moment it is asked for to its end.
//!
//! A run is one row and one state machine. [`transition`] is the only way to move it; whoever stores runs turns the
//! effects into one compare-and-set, so that of two movers one wins and the other is told.
//!
//! ```text
//!              Claim                 Enter(phase)            Succeed
//!   queued ───────────> working ────────────────> working ───────────> completed
//!     │  ^                 │ Fail (final), third LeaseExpired
//!     │  └─────────────────┤ Fail (retryable), LeaseExpired: one more attempt
//!     │ Cancel             └─────────────────────────────────────────> failed
//!     └──────────────────────────────────────────────────────────────> cancelled
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How often a run is tried before it fails for good.
pub const MAX_ATTEMPTS: u32 = 3;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $what:literal, $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word used in answers, rows and logs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = $crate::run::UnknownWordError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::run::UnknownWordError { text: text.to_owned(), what: $what, known: &[$($text,)+] }),
                }
            }
        }
    };
}
pub(crate) use named;

/// A word that names none of the things it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}; known are {}", known.join(", "))]
pub struct UnknownWordError {
    pub(crate) text: String,
    pub(crate) what: &'static str,
    pub(crate) known: &'static [&'static str],
}

named! {
    /// What a run does.
    RunKind, "a kind of run",
    /// Dumps a server.
    Backup = "backup",
    /// Rebuilds tables as they stood at an instant.
    Pitr = "pitr",
}

named! {
    /// The three states a client sees.
    RunStatus, "a run status",
    /// Waits for a worker or is worked on.
    Running = "running",
    /// Ended with a result.
    Completed = "completed",
    /// Ended without one: failed or cancelled.
    Failed = "failed",
}

named! {
    /// How far a run is. Backups know no `reconstructing`, PITR runs no `dumping`: see [`RunKind::phases`].
    Phase, "a phase",
    /// Waits for a worker.
    Queued = "queued",
    /// Claimed: checks and plans.
    Preparing = "preparing",
    /// Backup: mydumper runs, and closed files are on their way up.
    Dumping = "dumping",
    /// PITR: baseline and binlog are being merged.
    Reconstructing = "reconstructing",
    /// The last objects and the manifest are on their way up.
    Uploading = "uploading",
    /// The result is there.
    Complete = "complete",
    /// Ended at a client's wish.
    Cancelled = "cancelled",
}

impl RunKind {
    /// The phases in which a worker works, in order. A run only moves forward through them.
    pub fn phases(self) -> &'static [Phase] {
        match self {
            Self::Backup => &[Phase::Preparing, Phase::Dumping, Phase::Uploading],
            Self::Pitr => &[Phase::Preparing, Phase::Reconstructing, Phase::Uploading],
        }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Waits for a worker. A worker's claim moves it on; the sweep when its message was lost.
    Queued {
        /// How many tries began before this one, without those that were given back.
        attempt: u32,
    },
    /// A worker holds the lease. That worker moves it; the sweep when the lease expired.
    Working {
        /// This try, from 1.
        attempt: u32,
        /// One of [`RunKind::phases`].
        phase: Phase,
        /// A client asked for the end; the worker sees it when it renews its lease.
        cancel_requested: bool,
    },
    /// The result is there. Nobody moves it any more.
    Completed {
        /// The try that succeeded.
        attempt: u32,
    },
    /// No result. Nobody moves it any more.
    Failed {
        /// Tries that began.
        attempt: u32,
        /// The phase it failed in.
        phase: Phase,
    },
    /// No result, at a client's wish. Nobody moves it any more.
    Cancelled {
        /// Tries that began.
        attempt: u32,
    },
}

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunEvent {
    /// A worker takes it.
    Claim,
    /// Its worker is still there.
    Renew,
    /// Its worker enters a phase (or stays in it).
    Enter(Phase),
    /// Its worker has stored the result.
    Succeed,
    /// Its worker could not; another try may help if `retryable`.
    Fail {
        /// Whether another try may help.
        retryable: bool,
    },
    /// Its worker ended it because a client asked.
    Stopped,
    /// Its worker is asked to stop, and hands it back unfinished.
    GivenBack,
    /// Its worker has not been heard of for longer than its lease.
    LeaseExpired,
    /// It waits, its message was published, and nobody came for it.
    MessageLost,
    /// It waits for very long, and its message may be lost or may still stand in a long queue.
    MessageOverdue,
    /// It waits, and its message is one that no worker can process.
    Undeliverable,
    /// A client wants it ended.
    Cancel,
}

/// What has to be done together with a move, in the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunEffect {
    /// A new lease under a new fencing token: every older token is void from now on.
    GrantLease,
    /// The lease lasts from now.
    ExtendLease,
    /// Nobody holds the run.
    EndLease,
    /// A new message for the workers.
    Publish,
    /// The run ends now: set its completion time.
    End,
    /// What it stored so far belongs to no result: have it deleted.
    Orphan,
    /// The reason that the system, rather than a worker, gives for the failure.
    Reason(EndReason),
}

named! {
    /// Why the system ended a run: its `error_code`.
    EndReason, "a reason",
    /// Every try's worker vanished.
    WorkerLost = "worker_lost",
    /// No worker ever came for its messages.
    NeverClaimed = "never_claimed",
    /// No worker could process its message.
    Undeliverable = "undeliverable",
    /// A client asked.
    Cancelled = "cancelled",
}

/// A move that the state does not allow. For whoever asked, it means: somebody else was there first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {kind} run that is {state:?} cannot take {event:?}")]
pub struct RefusedMove {
    /// The run's kind.
    pub kind: RunKind,
    /// Where it stands.
    pub state: RunState,
    /// What was asked of it.
    pub event: RunEvent,
}

impl RunState {
    /// A new run.
    pub fn new() -> Self {
        Self::Queued { attempt: 0 }
    }

    /// What a client sees.
    pub fn status(&self) -> RunStatus {
        match self {
            Self::Queued { .. } | Self::Working { .. } => RunStatus::Running,
            Self::Completed { .. } => RunStatus::Completed,
            Self::Failed { .. } | Self::Cancelled { .. } => RunStatus::Failed,
        }
    }

    /// How far it is; for a failed run, where it failed.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Queued { .. } => Phase::Queued,
            Self::Working { phase, .. } | Self::Failed { phase, .. } => *phase,
            Self::Completed { .. } => Phase::Complete,
            Self::Cancelled { .. } => Phase::Cancelled,
        }
    }

    /// Tries that began.
    pub fn attempt(&self) -> u32 {
        match self {
            Self::Queued { attempt }
            | Self::Working { attempt, .. }
            | Self::Completed { attempt }
            | Self::Failed { attempt, .. }
            | Self::Cancelled { attempt } => *attempt,
        }
    }

    /// Whether a client asked for the end and the worker has not yet followed.
    pub fn cancel_requested(&self) -> bool {
        matches!(self, Self::Working { cancel_requested: true, .. })
    }

    /// Whether nobody moves it any more.
    pub fn is_final(&self) -> bool {
        self.status() != RunStatus::Running
    }

    /// Reads a state back from what a row says; `None` for words that do not go together.
    pub fn from_row(
        kind: RunKind,
        status: RunStatus,
        phase: Phase,
        attempt: u32,
        cancel_requested: bool,
    ) -> Option<Self> {
        let works = kind.phases().contains(&phase);
        match (status, phase) {
            (RunStatus::Running, Phase::Queued) if !cancel_requested => Some(Self::Queued { attempt }),
            (RunStatus::Running, _) if works && attempt > 0 => Some(Self::Working { attempt, phase, cancel_requested }),
            (RunStatus::Completed, Phase::Complete) => Some(Self::Completed { attempt }),
            (RunStatus::Failed, Phase::Cancelled) => Some(Self::Cancelled { attempt }),
            (RunStatus::Failed, _) if works || phase == Phase::Queued => Some(Self::Failed { attempt, phase }),
            _ => None,
        }
    }
}

impl Default for RunState {
    fn default() -> Self {
        Self::new()
    }
}

/// Moves a run.
///
/// # Errors
/// The state does not allow the move. A final state allows none.
pub fn transition(
    kind: RunKind,
    state: RunState,
    event: RunEvent,
) -> Result<(RunState, &'static [RunEffect]), RefusedMove> {
    use RunEffect::{End, EndLease, ExtendLease, GrantLease, Orphan, Publish, Reason};

    let (next, effects): (RunState, &'static [RunEffect]) = match (state, event) {
        (RunState::Queued { attempt }, RunEvent::Claim) => (
            RunState::Working { attempt: attempt + 1, phase: Phase::Preparing, cancel_requested: false },
            &[GrantLease],
        ),
        // An attempt that no worker began counts as well, or a run whose messages are always lost would wait for ever.
        (RunState::Queued { attempt }, RunEvent::MessageLost) if attempt + 1 < MAX_ATTEMPTS => {
            (RunState::Queued { attempt: attempt + 1 }, &[Publish])
        }
        (RunState::Queued { attempt }, RunEvent::MessageLost) => {
            (RunState::Failed { attempt, phase: Phase::Queued }, &[Reason(EndReason::NeverClaimed), End])
        }
        // Perhaps all workers are busy: that must fail no run.
        (RunState::Queued { attempt }, RunEvent::MessageOverdue) => (RunState::Queued { attempt }, &[Publish]),
        (RunState::Queued { attempt }, RunEvent::Undeliverable) => {
            (RunState::Failed { attempt, phase: Phase::Queued }, &[Reason(EndReason::Undeliverable), End])
        }
        (RunState::Queued { attempt }, RunEvent::Cancel) => {
            (RunState::Cancelled { attempt }, &[Reason(EndReason::Cancelled), End])
        }

        (RunState::Working { .. }, RunEvent::Renew) => (state, &[ExtendLease]),
        (RunState::Working { attempt, phase, cancel_requested }, RunEvent::Enter(next))
            if kind.phases().contains(&next) && next >= phase =>
        {
            (RunState::Working { attempt, phase: next, cancel_requested }, &[ExtendLease])
        }
        // The result is stored and its manifest stands: a wish to cancel comes too late.
        (RunState::Working { attempt, .. }, RunEvent::Succeed) => (RunState::Completed { attempt }, &[EndLease, End]),
        // Whatever ends a try that a client wanted ended ends it as that.
        (
            RunState::Working { attempt, cancel_requested: true, .. },
            RunEvent::Fail { .. } | RunEvent::Stopped | RunEvent::LeaseExpired | RunEvent::GivenBack,
        ) => (RunState::Cancelled { attempt }, &[EndLease, Orphan, Reason(EndReason::Cancelled), End]),
        // The try that a stop in good order cut short counts as none: nothing was wrong with the run.
        (RunState::Working { attempt, .. }, RunEvent::GivenBack) => {
            (RunState::Queued { attempt: attempt.saturating_sub(1) }, &[EndLease, Orphan, Publish])
        }
        (RunState::Working { attempt, .. }, RunEvent::LeaseExpired | RunEvent::Fail { retryable: true })
            if attempt < MAX_ATTEMPTS =>
        {
            (RunState::Queued { attempt }, &[EndLease, Orphan, Publish])
        }
        (RunState::Working { attempt, phase, .. }, RunEvent::LeaseExpired) => {
            (RunState::Failed { attempt, phase }, &[EndLease, Orphan, Reason(EndReason::WorkerLost), End])
        }
        (RunState::Working { attempt, phase, .. }, RunEvent::Fail { .. }) => {
            (RunState::Failed { attempt, phase }, &[EndLease, Orphan, End])
        }
        (RunState::Working { attempt, phase, .. }, RunEvent::Cancel) => {
            (RunState::Working { attempt, phase, cancel_requested: true }, &[])
        }

        _ => return Err(RefusedMove { kind, state, event }),
    };
    Ok((next, effects))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn working(attempt: u32, phase: Phase) -> RunState {
        RunState::Working { attempt, phase, cancel_requested: false }
    }

    #[track_caller]
    fn check(state: RunState, event: RunEvent, expect: Option<RunState>) {
        let got = transition(RunKind::Backup, state, event).ok().map(|(next, _)| next);
        assert_eq!(got, expect, "{state:?} {event:?}");
    }

    #[test]
    fn moves() {
        use RunEvent::{
            Cancel, Claim, Enter, Fail, GivenBack, LeaseExpired, MessageLost, MessageOverdue, Renew, Stopped, Succeed,
            Undeliverable,
        };
        let queued = |attempt| RunState::Queued { attempt };
        let cancelling = RunState::Working { attempt: 1, phase: Phase::Dumping, cancel_requested: true };
        check(queued(0), Claim, Some(working(1, Phase::Preparing)));
        check(working(1, Phase::Preparing), Claim, None);
        check(working(1, Phase::Preparing), Enter(Phase::Dumping), Some(working(1, Phase::Dumping)));
        check(working(1, Phase::Dumping), Enter(Phase::Dumping), Some(working(1, Phase::Dumping)));
        check(working(1, Phase::Dumping), Enter(Phase::Preparing), None);
        check(working(1, Phase::Preparing), Enter(Phase::Reconstructing), None);
        check(working(1, Phase::Preparing), Enter(Phase::Complete), None);
        check(working(1, Phase::Uploading), Succeed, Some(RunState::Completed { attempt: 1 }));
        check(cancelling, Succeed, Some(RunState::Completed { attempt: 1 }));
        check(working(2, Phase::Dumping), Fail { retryable: true }, Some(queued(2)));
        check(
            working(3, Phase::Dumping),
            Fail { retryable: true },
            Some(RunState::Failed { attempt: 3, phase: Phase::Dumping }),
        );
        check(
            working(1, Phase::Dumping),
            Fail { retryable: false },
            Some(RunState::Failed { attempt: 1, phase: Phase::Dumping }),
        );
        check(working(1, Phase::Dumping), LeaseExpired, Some(queued(1)));
        check(working(3, Phase::Dumping), LeaseExpired, Some(RunState::Failed { attempt: 3, phase: Phase::Dumping }));
        check(queued(1), LeaseExpired, None);
        check(queued(0), MessageLost, Some(queued(1)));
        check(queued(2), MessageLost, Some(RunState::Failed { attempt: 2, phase: Phase::Queued }));
        check(queued(2), MessageOverdue, Some(queued(2)));
        check(working(1, Phase::Dumping), MessageOverdue, None);
        check(queued(0), Undeliverable, Some(RunState::Failed { attempt: 0, phase: Phase::Queued }));
        check(working(1, Phase::Dumping), Undeliverable, None);
        check(queued(0), Cancel, Some(RunState::Cancelled { attempt: 0 }));
        check(working(1, Phase::Dumping), Cancel, Some(cancelling));
        check(cancelling, Cancel, Some(cancelling));
        check(cancelling, Renew, Some(cancelling));
        check(cancelling, Stopped, Some(RunState::Cancelled { attempt: 1 }));
        check(cancelling, Fail { retryable: true }, Some(RunState::Cancelled { attempt: 1 }));
        check(cancelling, LeaseExpired, Some(RunState::Cancelled { attempt: 1 }));
        check(working(1, Phase::Dumping), Stopped, None);
        check(working(3, Phase::Dumping), GivenBack, Some(queued(2)));
        check(cancelling, GivenBack, Some(RunState::Cancelled { attempt: 1 }));
        check(queued(0), GivenBack, None);
    }

    fn any_event() -> impl Strategy<Value = RunEvent> {
        prop_oneof![
            Just(RunEvent::Claim),
            Just(RunEvent::Renew),
            prop::sample::select(Phase::ALL).prop_map(RunEvent::Enter),
            Just(RunEvent::Succeed),
            any::<bool>().prop_map(|retryable| RunEvent::Fail { retryable }),
            Just(RunEvent::Stopped),
            Just(RunEvent::GivenBack),
            Just(RunEvent::LeaseExpired),
            Just(RunEvent::MessageLost),
            Just(RunEvent::MessageOverdue),
            Just(RunEvent::Undeliverable),
            Just(RunEvent::Cancel),
        ]
    }

    fn any_kind() -> impl Strategy<Value = RunKind> {
        prop::sample::select(RunKind::ALL)
    }

    proptest! {
        #[test]
        fn laws(kind in any_kind(), events in prop::collection::vec(any_event(), 0..60)) {
            let mut state = RunState::new();
            for event in events {
                let Ok((next, effects)) = transition(kind, state, event) else { continue };
                prop_assert!(!state.is_final(), "a final state does not move");
                prop_assert!(next.attempt() <= MAX_ATTEMPTS);
                let given_back = u32::from(event == RunEvent::GivenBack);
                prop_assert!(next.attempt() + given_back >= state.attempt());
                let leased = |state: &RunState| matches!(state, RunState::Working { .. });
                prop_assert_eq!(!leased(&state) && leased(&next), effects.contains(&RunEffect::GrantLease));
                prop_assert_eq!(leased(&state) && !leased(&next), effects.contains(&RunEffect::EndLease));
                prop_assert_eq!(next.is_final(), effects.contains(&RunEffect::End));
                // Whoever waits has a message on its way.
                let waits = matches!(next, RunState::Queued { .. });
                prop_assert_eq!(waits, effects.contains(&RunEffect::Publish));
                // A row says the state.
                let read = RunState::from_row(kind, next.status(), next.phase(), next.attempt(), next.cancel_requested());
                prop_assert_eq!(read, Some(next));
                state = next;
            }
        }

        #[test]
        fn left_alone_every_run_ends(kind in any_kind(), claimed in prop::collection::vec(any::<bool>(), 16)) {
            // Workers come and vanish, or do not come: sweeps alone end the run.
            let mut state = RunState::new();
            for claim in claimed {
                let event = match state {
                    RunState::Queued { .. } if claim => RunEvent::Claim,
                    RunState::Queued { .. } => RunEvent::MessageLost,
                    RunState::Working { .. } => RunEvent::LeaseExpired,
                    _ => break,
                };
                state = transition(kind, state, event).unwrap().0;
            }
            prop_assert!(state.is_final());
        }
    }
}
