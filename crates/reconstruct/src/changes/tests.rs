use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::io::SpillFile;

/// Temporary files in memory.
struct MemorySpill;

struct MemoryFile(Mutex<Vec<u8>>);

impl Spill for MemorySpill {
    fn create(&self) -> std::io::Result<Box<dyn SpillFile>> {
        Ok(Box::new(MemoryFile(Mutex::new(Vec::new()))))
    }
}

impl SpillFile for MemoryFile {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        let bytes = self.0.lock().unwrap();
        let start = usize::try_from(offset).unwrap();
        buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
        Ok(())
    }
}

fn no_misfit(problem: Misfit, record: &Record<'_>) -> EngineError {
    panic!("{problem:?} at {:?}", record.key)
}

#[derive(Debug, Clone)]
enum Step {
    /// What a server could do to a key, chosen by whether it is there; the number says how long the row is.
    Touch {
        key: u16,
        delete: bool,
        length: u16,
    },
    Spill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let touch =
        (0_u16..40, any::<bool>(), 0_u16..400).prop_map(|(key, delete, length)| Step::Touch { key, delete, length });
    prop::collection::vec(prop_oneof![9 => touch, 1 => Just(Step::Spill)], 0..200)
}

fn key(number: u16) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

proptest! {
    #[test]
    fn a_keyed_set_is_a_map(steps in steps(), baseline in prop::collection::btree_set(0_u16..40, 0..40)) {
        let mut set = ChangeSet::keyed();
        let mut rows: BTreeMap<u16, Option<Vec<u8>>> = baseline.iter().map(|key| (*key, None)).collect();
        let mut touched = BTreeMap::new();
        for (number, step) in steps.iter().enumerate() {
            let at = EventAt::new(0, number as u64);
            match step {
                Step::Spill => set.spill(&MemorySpill).unwrap(),
                Step::Touch { key: number, delete, length } => {
                    let image = vec![*number as u8; usize::from(*length)];
                    let there = rows.contains_key(number);
                    touched.entry(*number).or_insert(there);
                    if there && *delete {
                        set.delete(&key(*number), at).unwrap();
                        rows.remove(number);
                    } else if there {
                        set.update(&key(*number), at, &image).unwrap();
                        rows.insert(*number, Some(image));
                    } else {
                        set.insert(&key(*number), at, &image).unwrap();
                        rows.insert(*number, Some(image));
                    }
                }
            }
        }
        let changes = set.freeze(&MemorySpill, &mut no_misfit).unwrap();
        let mut lookup = changes.lookup();
        for number in 0..40 {
            if baseline.contains(&number) {
                let met = lookup.meet(&key(number)).unwrap();
                prop_assert_eq!(met.is_some(), touched.contains_key(&number));
                if let Some((record, before)) = met {
                    let present = rows.contains_key(&number);
                    prop_assert_eq!((record.effect, before), (Effect::Row { existed: true, present }, 0));
                    if let Some(Some(image)) = rows.get(&number) {
                        prop_assert_eq!(record.image, image.as_slice());
                    }
                }
            }
        }
        let mut last: Option<Vec<u8>> = None;
        let mut entries = 0;
        changes.for_each(&mut |record, seen| {
            assert!(last.as_deref() < Some(record.key), "in order");
            last = Some(record.key.to_vec());
            let number = u16::from_be_bytes(record.key.try_into().unwrap());
            assert_eq!(seen, u32::from(baseline.contains(&number)));
            assert_eq!(record.effect, Effect::Row { existed: touched[&number], present: rows.contains_key(&number) });
            entries += 1;
            Ok(())
        }).unwrap();
        prop_assert_eq!(entries, touched.len());
    }

    #[test]
    fn a_counted_set_is_a_multiset(steps in steps(), baseline in prop::collection::vec(0_i64..4, 40)) {
        let mut set = ChangeSet::counted(0);
        let mut rows = baseline.clone();
        for (number, step) in steps.iter().enumerate() {
            let at = EventAt::new(0, number as u64);
            match step {
                Step::Spill => set.spill(&MemorySpill).unwrap(),
                Step::Touch { key: number, delete, .. } => {
                    let count = &mut rows[usize::from(*number)];
                    if *delete && *count > 0 {
                        set.delete(&key(*number), at).unwrap();
                        *count -= 1;
                    } else {
                        set.insert(&key(*number), at, b"image").unwrap();
                        *count += 1;
                    }
                }
            }
        }
        let changes = set.freeze(&MemorySpill, &mut no_misfit).unwrap();
        let mut lookup = changes.lookup();
        for (number, count) in baseline.iter().enumerate() {
            for before in 0..*count {
                if let Some((_, seen)) = lookup.meet(&key(number as u16)).unwrap() {
                    prop_assert_eq!(i64::from(seen), before);
                }
            }
        }
        changes.for_each(&mut |record, seen| {
            let number = usize::from(u16::from_be_bytes(record.key.try_into().unwrap()));
            let Effect::Count { delta, low } = record.effect else { panic!() };
            assert_eq!(i64::from(seen), baseline[number]);
            assert_eq!(baseline[number] + delta, rows[number]);
            assert!(baseline[number] + low >= 0);
            if delta > 0 {
                assert_eq!(record.image, b"image");
            }
            Ok(())
        }).unwrap();
    }
}

proptest! {
    /// Rows of a letter and an exact number, of which the baseline has the letter alone.
    #[test]
    fn rows_that_print_alike_are_a_multiset(
        baseline in prop::collection::vec((0_u8..3, 0_u8..3), 0..12),
        steps in prop::collection::vec((0_u8..3, 0_u8..3, any::<bool>(), any::<bool>()), 0..40),
    ) {
        let mut set = ChangeSet::counted(1);
        let mut rows = baseline.clone();
        for (number, (letter, exact, delete, spill)) in steps.iter().enumerate() {
            let (row, at) = ((*letter, *exact), EventAt::new(0, number as u64));
            let there = rows.iter().position(|other| *other == row);
            match there.filter(|_| *delete) {
                Some(place) => {
                    set.delete(&[row.0, row.1], at).unwrap();
                    rows.remove(place);
                }
                None => {
                    set.insert(&[row.0, row.1], at, &[row.0, row.1]).unwrap();
                    rows.push(row);
                }
            }
            if *spill && number % 7 == 0 {
                set.spill(&MemorySpill).unwrap();
            }
        }
        let changes = set.freeze(&MemorySpill, &mut no_misfit).unwrap();
        let mut lookup = changes.lookup();
        // Letters of the baseline that stay, and exact rows that come.
        let mut left: Vec<u8> = Vec::new();
        for (letter, _) in &baseline {
            let goes = lookup.meet_written(&[*letter]).unwrap().is_some_and(|(record, before)| {
                let Effect::Count { delta, .. } = record.effect else { panic!() };
                i64::from(before) < -delta
            });
            if !goes {
                left.push(*letter);
            }
        }
        let mut came = Vec::new();
        changes.for_each(&mut |record, _| {
            let Effect::Count { delta, low } = record.effect else { panic!() };
            let (_, comes) = changes.goes_and_comes(delta, low);
            for _ in 0..comes {
                assert_eq!(record.image, record.key);
                came.push((record.key[0], record.key[1]));
            }
            Ok(())
        }).unwrap();
        changes.check_rounded(&mut |record, problem| panic!("{problem} {:?}", record.key)).unwrap();
        left.extend(came.iter().map(|row| row.0));
        left.sort_unstable();
        let mut expected: Vec<u8> = rows.iter().map(|row| row.0).collect();
        expected.sort_unstable();
        prop_assert_eq!(left, expected);
        // What the window left behind of its own is there exactly.
        for row in &came {
            rows.remove(rows.iter().position(|other| other == row).unwrap());
        }
    }
}

#[test]
fn rounded_rows_must_be_as_many_as_the_log_says() {
    let at = EventAt::new(0, 1);
    let problems = |written: usize, exact: usize| {
        let mut set = ChangeSet::counted(1);
        set.delete(b"a1", at).unwrap();
        set.delete(b"a2", at).unwrap();
        set.insert(b"b3", at, b"image").unwrap();
        let changes = set.freeze(&MemorySpill, &mut no_misfit).unwrap();
        let mut lookup = changes.lookup();
        (0..written).for_each(|_| assert!(lookup.meet_written(b"a").unwrap().is_some()));
        (0..exact).for_each(|_| assert!(lookup.meet(b"a1").unwrap().is_some()));
        let mut problem = None;
        let checked = changes.check_rounded(&mut |record, text| {
            problem = Some((record.key.to_vec(), text));
            EngineError::Cancelled
        });
        assert_eq!(checked.is_err(), problem.is_some());
        problem.map(|(key, text)| (key, text.contains("cannot be told")))
    };
    assert_eq!(problems(2, 0), None);
    assert_eq!(problems(5, 0), None);
    assert_eq!(problems(1, 1), None);
    assert_eq!(problems(1, 0), Some((b"a".to_vec(), false)));
    assert_eq!(problems(2, 1), Some((b"a".to_vec(), true)));
}

#[test]
fn contradictions_are_found() {
    let at = EventAt::new(0, 1);
    let mut set = ChangeSet::keyed();
    set.insert(b"a", at, b"1").unwrap();
    assert_eq!(set.insert(b"a", at, b"2"), Err(Misfit::InsertOfPresent));
    set.delete(b"a", at).unwrap();
    assert_eq!(set.delete(b"a", at), Err(Misfit::DeleteOfAbsent));
    assert_eq!(set.update(b"a", at, b"3"), Err(Misfit::UpdateOfAbsent));
    // Across a spill they come out when the runs are merged.
    set.spill(&MemorySpill).unwrap();
    set.update(b"a", at, b"3").unwrap();
    let mut found = None;
    let frozen = set.freeze(&MemorySpill, &mut |problem, record| {
        found = Some((problem, record.key.to_vec()));
        EngineError::Cancelled
    });
    assert!(frozen.is_err());
    assert_eq!(found, Some((Misfit::UpdateOfAbsent, b"a".to_vec())));
}

#[test]
fn large_sets_and_images_come_back_from_disk() {
    let mut set = ChangeSet::keyed();
    let image = |number: u32| vec![number as u8; if number.is_multiple_of(500) { 700_000 } else { 90 }];
    for round in 0..3_u32 {
        for number in (round..3000).step_by(3) {
            set.insert(&number.to_be_bytes(), EventAt::new(0, 7), &image(number)).unwrap();
        }
        set.spill(&MemorySpill).unwrap();
        assert!(set.bytes() < 1000);
    }
    let changes = set.freeze(&MemorySpill, &mut no_misfit).unwrap();
    assert!(changes.bytes_spilled() > 6_000_000);
    let mut count = 0;
    changes
        .for_each(&mut |record, _| {
            let number = u32::from_be_bytes(record.key.try_into().unwrap());
            assert_eq!((number, record.image), (count, image(number).as_slice()));
            count += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(count, 3000);
    let mut lookup = changes.lookup();
    for number in [0_u32, 1, 500, 2999, 1500, 3] {
        assert_eq!(lookup.meet(&number.to_be_bytes()).unwrap().unwrap().0.image, image(number));
    }
    assert!(lookup.meet(&3000_u32.to_be_bytes()).unwrap().is_none());
    assert!(lookup.meet(b"").unwrap().is_none());
}
