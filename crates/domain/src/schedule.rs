//! What a schedule does when its time has come, or has passed unseen.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::run::named;
use crate::{CronExpression, Zone};

/// A slot seen later than this was missed: no scheduler was there when it came.
pub const MISSED_AFTER: Duration = Duration::minutes(5);

/// Longest jitter a schedule may have.
pub const MAX_JITTER: Duration = Duration::hours(1);

named! {
    /// What to do about slots that came while no scheduler was there.
    MissedRunPolicy, "a missed-run policy",
    /// One run now, however many were missed.
    RunOnce = "run_once",
    /// Nothing until the next slot.
    Skip = "skip",
}

/// What the decision needs to know of a schedule.
#[derive(Debug, Clone)]
pub struct ScheduleFacts<'a> {
    /// When it fires.
    pub cron: &'a CronExpression,
    /// In whose time.
    pub zone: &'a Zone,
    /// The slot that is due.
    pub next_run_at: OffsetDateTime,
    /// What to do about missed slots.
    pub missed_run_policy: MissedRunPolicy,
    /// Its fires are spread over this many seconds after the slot.
    pub jitter_seconds: u32,
    /// Anything that differs from schedule to schedule and never changes: spreads schedules apart.
    pub jitter_seed: u128,
}

/// What to do about a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fire {
    /// Not yet.
    Wait,
    /// Start a backup for this slot.
    Run {
        /// The slot: never fired twice.
        slot: OffsetDateTime,
    },
    /// The slot was missed, and missed slots are not made up for.
    Skip {
        /// The slot that is left out.
        slot: OffsetDateTime,
    },
}

/// A decision, and when the next one is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirePlan {
    /// What to do now.
    pub fire: Fire,
    /// The next slot, strictly later than both `now` and the slot at hand. `None` where the calendar ends.
    pub next_run_at: Option<OffsetDateTime>,
}

/// Decides what to do about a schedule now.
pub fn decide(facts: &ScheduleFacts<'_>, now: OffsetDateTime) -> FirePlan {
    let slot = facts.next_run_at;
    let due = due_at(slot, facts.jitter_seed, facts.jitter_seconds);
    if now < due {
        return FirePlan { fire: Fire::Wait, next_run_at: Some(slot) };
    }
    let missed = now - due > MISSED_AFTER;
    let fire = match facts.missed_run_policy {
        MissedRunPolicy::Skip if missed => Fire::Skip { slot },
        MissedRunPolicy::Skip | MissedRunPolicy::RunOnce => Fire::Run { slot },
    };
    FirePlan { fire, next_run_at: facts.cron.next_after(now.max(slot), facts.zone) }
}

/// When a slot is due: at most `seconds` after it, and the same for everyone who asks, so that several schedulers agree
/// without talking.
pub fn due_at(slot: OffsetDateTime, seed: u128, seconds: u32) -> OffsetDateTime {
    // splitmix64 over the seed's halves and the slot.
    let mut x = (seed as u64) ^ ((seed >> 64) as u64).rotate_left(32) ^ (slot.unix_timestamp() as u64);
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    slot + Duration::seconds((x % (u64::from(seconds) + 1)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    #[track_caller]
    fn check(policy: MissedRunPolicy, now: OffsetDateTime, fire: Fire, next: OffsetDateTime) {
        let (cron, zone) = ("0 2 * * *".parse().unwrap(), Zone::utc());
        let facts = ScheduleFacts {
            cron: &cron,
            zone: &zone,
            next_run_at: datetime!(2026-04-13 02:00 UTC),
            missed_run_policy: policy,
            jitter_seconds: 0,
            jitter_seed: 1,
        };
        assert_eq!(decide(&facts, now), FirePlan { fire, next_run_at: Some(next) });
    }

    #[test]
    fn policies() {
        let slot = datetime!(2026-04-13 02:00 UTC);
        for policy in [MissedRunPolicy::RunOnce, MissedRunPolicy::Skip] {
            check(policy, datetime!(2026-04-13 01:59:59 UTC), Fire::Wait, slot);
            check(policy, slot, Fire::Run { slot }, datetime!(2026-04-14 02:00 UTC));
            check(policy, datetime!(2026-04-13 02:04 UTC), Fire::Run { slot }, datetime!(2026-04-14 02:00 UTC));
        }
        // Three days without a scheduler: one run, or none.
        let late = datetime!(2026-04-16 12:00 UTC);
        check(MissedRunPolicy::RunOnce, late, Fire::Run { slot }, datetime!(2026-04-17 02:00 UTC));
        check(MissedRunPolicy::Skip, late, Fire::Skip { slot }, datetime!(2026-04-17 02:00 UTC));
    }

    proptest! {
        #[test]
        fn a_slot_fires_once_and_never_early(
            seed in any::<u128>(), jitter_seconds in 0u32..3600, now in 1_700_000_000i64..1_900_000_000, late in 0i64..1_000_000,
        ) {
            let (cron, zone) = ("*/10 * * * *".parse().unwrap(), Zone::utc());
            let now = OffsetDateTime::from_unix_timestamp(now).unwrap();
            let slot = CronExpression::next_after(&cron, now - Duration::seconds(late), &zone).unwrap();
            let facts = ScheduleFacts {
                cron: &cron, zone: &zone, next_run_at: slot, missed_run_policy: MissedRunPolicy::RunOnce, jitter_seconds, jitter_seed: seed,
            };
            let plan = decide(&facts, now);
            match plan.fire {
                Fire::Run { slot: fired } | Fire::Skip { slot: fired } => {
                    prop_assert_eq!(fired, slot);
                    prop_assert!(now >= slot);
                    prop_assert!(plan.next_run_at.unwrap() > now);
                }
                Fire::Wait => {
                    prop_assert_eq!(plan.next_run_at, Some(slot));
                    prop_assert!(now < slot + Duration::seconds(i64::from(jitter_seconds)));
                }
            }
        }
    }
}
