//! A server's binary log files cut into segments, as the archive keeps them.

use std::path::Path;

use anyhow::Context;
use backtrail_binlog::{EventReader, EventType, MAGIC, TransactionTracker};
use backtrail_domain::BinlogFile;
use backtrail_objects::SegmentName;

/// Writes every file of a directory as segments of that many transactions into another one.
///
/// # Errors
/// A log that cannot be read.
pub(crate) fn cut(from: &Path, to: &Path, transactions: usize) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file: BinlogFile = name.parse().context("a binary log file's name")?;
        std::fs::create_dir_all(to.join(&name))?;
        cut_file(&std::fs::read(&path)?, &file, to, transactions)?;
    }
    Ok(())
}

fn cut_file(bytes: &[u8], file: &BinlogFile, to: &Path, transactions: usize) -> anyhow::Result<()> {
    let mut reader = EventReader::new(bytes, file.clone())?;
    let mut tracker = TransactionTracker::new();
    let (mut format, mut content, mut start, mut end, mut count) = (Vec::new(), Vec::new(), 4, 4, 0);
    let seal = |start: u64, end: u64, format: &[u8], content: &[u8]| -> anyhow::Result<()> {
        let format = if start == 4 { &[] } else { format };
        let segment = zstd::encode_all([&MAGIC[..], format, content].concat().as_slice(), 1)?;
        let name = SegmentName { file: file.clone(), start, end };
        Ok(std::fs::write(to.join(name.to_string()), segment)?)
    };
    while let Some(event) = reader.next_event()? {
        if event.header.event_type == EventType::FORMAT_DESCRIPTION {
            format = event.raw.to_vec();
        }
        content.extend_from_slice(event.raw);
        end += event.raw.len() as u64;
        count += usize::from(tracker.observe(&event)?.ending().is_some());
        if count == transactions {
            seal(start, end, &format, &content)?;
            (start, count) = (end, 0);
            content.clear();
        }
    }
    if !content.is_empty() {
        seal(start, end, &format, &content)?;
    }
    Ok(())
}
