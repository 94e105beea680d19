//! Where the events of the replica protocol are in the server's files.

use backtrail_domain::BinlogPosition;

use crate::body::file_name;
use crate::{BinlogError, Event, EventBody, EventType};

/// Follows the server's files through a stream of events, which by themselves know only the lower 32 bits of where they
/// end.
#[derive(Debug, Clone, Default)]
pub struct StreamPosition {
    next: Option<BinlogPosition>,
}

impl StreamPosition {
    /// Knows nothing: the stream's first event names the file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the next event of a file would be.
    pub fn next(&self) -> Option<&BinlogPosition> {
        self.next.as_ref()
    }

    /// Takes in the next event of the stream and gives it its offset. Says whether it is in the server's file at all:
    /// heartbeats, the ROTATE before a file, and the format description that precedes a start within a file are not.
    ///
    /// Where the server left out events (those that a replica has already), the offset follows the event's own.
    ///
    /// # Errors
    /// A ROTATE without a usable file name, or an event of a file before any file was named.
    pub fn observe(&mut self, event: &mut Event<'_>) -> Result<bool, BinlogError> {
        if event.header.event_type.is_heartbeat() {
            return Ok(false);
        }
        let names_file = event.header.event_type == EventType::ROTATE;
        if names_file && (event.header.is_artificial() || event.header.timestamp == 0) {
            self.next = Some(rotated(event)?);
            return Ok(false);
        }
        // Behind a start within a file, the format description states no end.
        let foreign_format =
            event.header.event_type == EventType::FORMAT_DESCRIPTION && event.header.next_position == 0;
        if event.header.is_artificial() || foreign_format {
            return Ok(false);
        }
        let Some(next) = &mut self.next else {
            return Err(BinlogError::Sequence {
                place: event.place(),
                event: event.header.event_type,
                problem: "came before the server named its file",
            });
        };
        let size = u64::from(event.header.event_size);
        let counted = next.offset + size;
        let left_out = match event.header.next_position {
            0 => 0,
            stated => u64::from(stated.wrapping_sub(counted as u32)),
        };
        event.offset = Some(next.offset + left_out);
        next.offset = counted + left_out;
        if names_file {
            self.next = Some(rotated(event)?);
        }
        Ok(true)
    }
}

fn rotated(event: &Event<'_>) -> Result<BinlogPosition, BinlogError> {
    match event.body()? {
        EventBody::Rotate(rotate) => {
            let file = file_name(rotate.file).map_err(|problem| event.corrupt(problem))?;
            Ok(BinlogPosition { file, offset: rotate.position })
        }
        _ => Err(BinlogError::Sequence {
            place: event.place(),
            event: event.header.event_type,
            problem: "is not the ROTATE that it should be",
        }),
    }
}
