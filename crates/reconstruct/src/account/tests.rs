//! Sums that do and do not add up.

use backtrail_domain::BinlogPosition;

use super::*;

fn table(name: &str) -> TableName {
    name.parse().unwrap()
}

fn at(offset: u64) -> BinlogPosition {
    format!("binlog.000001:{offset}").parse().unwrap()
}

/// Ten events before the baseline; a transaction of two row events; a file's end; one that lies behind the cut.
fn tally() -> Tally {
    let mut tally = Tally::default();
    (0..10).for_each(|_| tally.outside(false));
    for offset in 0..4 {
        tally.event(|| at(100 + offset), 10);
    }
    tally.row_event(Some(0), &table("shop.a"));
    tally.row_event(None, &table("mysql.gtid_slave_pos"));
    tally.ends(true);
    tally.event(|| at(200), 5);
    tally.event(|| at(300), 5);
    tally.row_event(Some(0), &table("shop.a"));
    tally
}

/// The last transaction of these never ended.
fn torn() -> Tally {
    let mut tally = tally();
    tally.undone_if_seen(&BTreeMap::from([(0, 1)]));
    tally
}

fn account(tally: Tally, delivered: u64, cut: u64, committed: u64) -> Result<EventCounts, EngineError> {
    let followed = Followed { id: 0, name: table("shop.a"), committed, fate: Fate::Applied };
    tally.account(delivered, &at(cut), vec![followed], &|_| Fate::OtherTable).map(|(counts, _)| counts)
}

#[test]
fn what_is_held_back_lies_behind_the_cut() {
    let mut behind = tally();
    behind.ends(false);
    let counts = account(behind, 16, 104, 1).unwrap();
    assert_eq!((counts.read, counts.before_baseline, counts.seen, counts.behind_cut), (16, 10, 4, 2));
    assert_eq!((counts.row_events, counts.row_events_applied, counts.row_events_other_tables), (2, 1, 1));
    assert_eq!(counts.bytes, 40);
    // The end of the walk counts like the end of a transaction.
    assert_eq!(account(tally(), 16, 104, 1).unwrap(), counts);
    assert_eq!(account(torn(), 16, 104, 1).unwrap(), counts);
}

#[test]
fn what_stands_before_a_cut_by_position_is_in() {
    let counts = account(torn(), 16, 400, 1).unwrap();
    assert_eq!((counts.seen, counts.behind_cut), (6, 0));
    // The row event of a transaction that never ended.
    assert_eq!((counts.row_events_applied, counts.row_events_rolled_back), (1, 1));
}

#[test]
fn events_that_are_missing() {
    let lost = account(tally(), 17, 104, 1).unwrap_err().to_string();
    assert!(lost.contains("17 were read, 10 lie before the baseline, 4 between it and the cut, 2 behind"), "{lost}");
    let more = account(tally(), 16, 104, 2).unwrap_err().to_string();
    assert!(more.contains("shop.a") && more.contains("1 row events were seen and 0 carried"), "{more}");
    // What is neither committed nor undone is lost.
    let lost = account(tally(), 16, 400, 1).unwrap_err().to_string();
    assert!(lost.contains("2 row events were seen") && lost.contains("0 were rolled back"), "{lost}");
}

#[test]
fn what_is_carried_from_before_the_baseline() {
    let carried = |undone: u64| {
        let mut rows = RowTally::default();
        for _ in 0..3 {
            rows.event(Some(0), &table("shop.a"));
        }
        rows.event(None, &table("shop.elsewhere"));
        rows.undone(&BTreeMap::from([(0, undone)]));
        let mut tally = tally();
        tally.carry(rows);
        tally
    };
    let counts = account(carried(1), 16, 104, 3).unwrap();
    assert_eq!((counts.read, counts.seen, counts.row_events, counts.row_events_carried), (16, 4, 2, 4));
    let parts = (counts.row_events_applied, counts.row_events_rolled_back, counts.row_events_other_tables);
    assert_eq!(parts, (3, 1, 2));
    let lost = account(carried(0), 16, 104, 3).unwrap_err().to_string();
    assert!(lost.contains("1 row events were seen and 3 carried from before the baseline, 3 committed"), "{lost}");
}

#[test]
fn numbers_that_were_changed() {
    let followed = Followed { id: 0, name: table("shop.a"), committed: 1, fate: Fate::Applied };
    let (counts, tables) = torn().account(16, &at(104), vec![followed], &|_| Fate::OtherTable).unwrap();
    check(&counts, &tables).unwrap();
    let changes: [fn(&mut EventCounts); 10] = [
        |counts| counts.read += 1,
        |counts| counts.before_baseline += 1,
        |counts| counts.behind_cut += 1,
        |counts| counts.seen += 1,
        |counts| counts.without_rows += 1,
        |counts| counts.row_events += 1,
        |counts| counts.row_events_carried += 1,
        |counts| counts.row_events_applied += 1,
        |counts| counts.row_events_ended += 1,
        |counts| {
            counts.row_events_applied -= 1;
            counts.row_events_refused += 1;
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = counts;
        change(&mut changed);
        assert!(check(&changed, &tables).is_err(), "change {number}");
    }
    let mut changed = tables.clone();
    changed.get_mut(&table("shop.a")).unwrap().applied += 1;
    let error = check(&counts, &changed).unwrap_err().to_string();
    assert!(error.contains("account of shop.a"), "{error}");
    let mut fewer = tables;
    fewer.remove(&table("mysql.gtid_slave_pos"));
    assert!(check(&counts, &fewer).is_err());
}
