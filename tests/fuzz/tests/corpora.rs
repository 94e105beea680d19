//! The corpora, replayed: what fuzzing has found, the recorded data it began with, and damage to both.

use backtrail_fuzz::{Target, seeds};

/// As much of a corpus as the repository keeps.
const CORPORA: usize = 300 << 10;

/// How many damaged inputs a target gets.
const DAMAGED: usize = 3_000;

fn inputs(target: Target) -> Vec<(String, Vec<u8>)> {
    let corpus = seeds::files(&seeds::corpus(target));
    assert!(!corpus.is_empty(), "{} has no corpus", target.name());
    let mut inputs: Vec<_> = corpus.iter().map(|path| (path.display().to_string(), seeds::read(path))).collect();
    inputs.extend(seeds::of(target));
    inputs
}

/// Names the input that fails, which the panic's own message cannot.
fn check(target: Target, name: &str, input: &[u8]) {
    let failed = std::panic::catch_unwind(|| target.check(input)).is_err();
    assert!(!failed, "{}: {name} fails: {:?}", target.name(), String::from_utf8_lossy(input));
}

fn replay(target: Target) {
    for (name, input) in inputs(target) {
        check(target, &name, &input);
    }
}

/// Bytes changed, taken out, doubled, and ends cut off, by numbers that are always the same.
fn damage(target: Target) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % most.max(1) as u64) as usize
    };
    let mut inputs = inputs(target);
    inputs.retain(|(_, input)| input.len() <= 8 << 10);
    for (name, input) in &inputs {
        for _ in 0..=DAMAGED / inputs.len() {
            let mut damaged = input.clone();
            for _ in 0..=below(3) {
                let at = below(damaged.len());
                let length = below(16).min(damaged.len() - at);
                match below(4) {
                    0 => damaged.truncate(at),
                    1 => drop(damaged.drain(at..at + length)),
                    2 => {
                        let doubled = damaged[at..at + length].to_vec();
                        damaged.splice(at..at, doubled);
                    }
                    _ => {
                        if let Some(byte) = damaged.get_mut(at) {
                            *byte = [0, 1, 0x7f, 0x80, 0xff, b'\'', b'`', b'"', b'\\', b'(', b';', b'/'][below(12)];
                        }
                    }
                }
            }
            check(target, name, &damaged);
        }
    }
}

#[test]
fn binlog_corpus() {
    replay(Target::Binlog);
}

#[test]
fn binlog_damaged() {
    damage(Target::Binlog);
}

#[test]
fn dump_corpus() {
    replay(Target::Dump);
}

#[test]
fn dump_damaged() {
    damage(Target::Dump);
}

#[test]
fn load_data_corpus() {
    replay(Target::LoadData);
}

#[test]
fn load_data_damaged() {
    damage(Target::LoadData);
}

#[test]
fn ddl_corpus() {
    replay(Target::Ddl);
}

#[test]
fn ddl_damaged() {
    damage(Target::Ddl);
}

#[test]
fn metadata_corpus() {
    replay(Target::Metadata);
}

#[test]
fn metadata_damaged() {
    damage(Target::Metadata);
}

#[test]
fn corpora_are_small() {
    let size: usize = Target::ALL
        .into_iter()
        .flat_map(|target| seeds::files(&seeds::corpus(target)))
        .map(|path| seeds::read(&path).len())
        .sum();
    assert!(size <= CORPORA, "{size} bytes");
}

#[test]
fn a_reader_that_takes_too_much_is_noticed() {
    // The measure itself: it counts what an input costs and not what was there before.
    let kept = vec![0_u8; 64 << 20];
    Target::Metadata.check(b"Started dump at: x\n");
    assert_eq!(kept.len(), 64 << 20);
}
