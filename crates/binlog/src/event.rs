//! One event: framing and checksum, its body parsed on demand.

use backtrail_domain::BinlogFile;

use crate::format::FormatProblem;
use crate::{
    BinlogError, ChecksumAlgorithm, EventHeader, EventType, FormatDescription, HEADER_LENGTH, MAX_EVENT_SIZE,
    Malformed, Place,
};

/// One event, borrowed from wherever its bytes are. Its checksum, if any, has been verified.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Offset of its first byte in its file; `None` when it came without a file. An event within a transaction payload
    /// has the payload's.
    pub offset: Option<u64>,
    /// Its header.
    pub header: EventHeader,
    /// All between header and checksum.
    pub body: &'a [u8],
    /// The whole event as it was written, header and checksum included. A copy of it is what an archive keeps.
    pub raw: &'a [u8],
    pub(crate) file: Option<&'a BinlogFile>,
    /// Within a transaction payload: the payload event's whole size.
    pub(crate) outer_size: Option<u32>,
    /// The file's; `None` in a format description itself (and in the few events that may stand before one).
    pub(crate) format: Option<&'a FormatDescription>,
}

impl<'a> Event<'a> {
    /// Offset of the byte after the event (or after the payload that it is in), where it has an offset.
    pub fn end(&self) -> Option<u64> {
        self.offset.map(|offset| offset + u64::from(self.outer_size.unwrap_or(self.header.event_size)))
    }

    /// Whether it comes out of a transaction payload, whose offset it then has.
    pub fn is_in_payload(&self) -> bool {
        self.outer_size.is_some()
    }

    /// Where the event is, for messages.
    pub fn place(&self) -> Place {
        Place { file: self.file.cloned(), offset: self.offset }
    }

    /// An error about this event's content.
    pub fn corrupt(&self, problem: Malformed) -> BinlogError {
        BinlogError::Corrupt { place: self.place(), event: self.header.event_type, source: problem }
    }

    /// The format description that is in force here; `None` in the format description event itself.
    pub fn format(&self) -> Option<&'a FormatDescription> {
        self.format
    }

    pub(crate) fn post_header_length(&self, default: usize) -> usize {
        self.format.map_or(default, |format| format.post_header_length(self.header.event_type))
    }

    /// Parses the event's bytes as a format description.
    pub(crate) fn format_description(&self) -> Result<FormatDescription, BinlogError> {
        let rest = self.raw.get(HEADER_LENGTH..).unwrap_or_default();
        FormatDescription::parse(rest, self.header.flags & EventHeader::FLAG_IN_USE != 0).map_err(|problem| {
            let place = self.place();
            match problem {
                FormatProblem::Version(version) => BinlogError::OldVersion { place, version },
                FormatProblem::Checksum(algorithm) => BinlogError::UnknownChecksum { place, algorithm },
                FormatProblem::Malformed(problem) => self.corrupt(problem),
            }
        })
    }
}

/// Takes apart one whole event, as a file or the replica protocol delivers it, and verifies its checksum.
///
/// `format` is the file's format description. Only a format description itself, and the artificial ROTATE that the
/// replica protocol sends first, can be read without (an artificial event before the first format description has no
/// checksum, unless the connection asked for it, and then it is left in the body).
///
/// # Errors
/// A size that is not the slice's, a checksum that does not fit, an old or encrypted log, an event before its format.
pub fn parse_event<'a>(raw: &'a [u8], format: Option<&'a FormatDescription>) -> Result<Event<'a>, BinlogError> {
    parse_at(raw, format, None, None)
}

pub(crate) fn parse_at<'a>(
    raw: &'a [u8],
    format: Option<&'a FormatDescription>,
    file: Option<&'a BinlogFile>,
    offset: Option<u64>,
) -> Result<Event<'a>, BinlogError> {
    let place = || Place { file: file.cloned(), offset };
    let header = EventHeader::parse(raw).map_err(|problem| BinlogError::Corrupt {
        place: place(),
        event: EventType(0),
        source: problem,
    })?;
    let event_type = header.event_type;
    let mut event = Event { offset, header, body: &[], raw, file, outer_size: None, format };
    check_size(&header, format, file, offset)?;
    if raw.len() != header.event_size as usize {
        let problem = format!("the header says {} bytes, {} were delivered", header.event_size, raw.len());
        return Err(event.corrupt(Malformed::invalid("event size", problem)));
    }
    let mut own_checksum = false;
    let checksum = match event_type {
        EventType::FORMAT_DESCRIPTION => {
            event.format = None;
            let own = event.format_description()?;
            own_checksum = ends_with_room_for_checksum(&own, raw);
            let room = if own_checksum { 4 } else { 0 };
            event.body = raw.get(HEADER_LENGTH..raw.len().saturating_sub(room)).unwrap_or_default();
            own.checksum
        }
        EventType::START_V3 => return Err(BinlogError::OldVersion { place: place(), version: 3 }),
        // A server that decrypts its log as it sends it marks the event as one to pass over.
        EventType::START_ENCRYPTION if header.flags & EventHeader::FLAG_IGNORABLE == 0 => {
            return Err(BinlogError::Encrypted { place: place() });
        }
        _ => {
            let (header_length, checksum) = match format {
                Some(format) => (usize::from(format.header_length), format.checksum),
                None if event_type == EventType::ROTATE || header.is_artificial() => {
                    (HEADER_LENGTH, ChecksumAlgorithm::None)
                }
                None => return Err(BinlogError::NoFormat { place: place(), event: event_type }),
            };
            event.body = raw.get(header_length..raw.len().saturating_sub(checksum.length())).unwrap_or_default();
            checksum
        }
    };
    // In a file, a format description has a checksum even when the other events have none. (On the wire, a server that
    // leaves out checksums may not have adjusted it.)
    let verified = checksum == ChecksumAlgorithm::Crc32 || own_checksum && file.is_some();
    if verified && let Some((covered, stored)) = raw.split_last_chunk::<4>() {
        let stored = u32::from_le_bytes(*stored);
        let computed = checksum_of(&header, covered);
        if stored != computed && (checksum == ChecksumAlgorithm::Crc32 || stored != 0) {
            return Err(BinlogError::Checksum { place: place(), event: event_type, stored, computed });
        }
    }
    Ok(event)
}

/// Whether the format description ends with four bytes for a checksum: all do that have an algorithm field.
fn ends_with_room_for_checksum(format: &FormatDescription, raw: &[u8]) -> bool {
    let fixed = HEADER_LENGTH + 57 + format.post_header_lengths.len();
    raw.len() == fixed + 5
}

/// The checksum of a format description is that of its closed state: the server clears the flag in place.
fn checksum_of(header: &EventHeader, covered: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    match covered.split_first_chunk::<HEADER_LENGTH>() {
        Some((first, rest))
            if header.event_type == EventType::FORMAT_DESCRIPTION && header.flags & EventHeader::FLAG_IN_USE != 0 =>
        {
            let mut first = *first;
            first[17] &= !1;
            hasher.update(&first);
            hasher.update(rest);
        }
        _ => hasher.update(covered),
    }
    hasher.finalize()
}

/// Whether the header's size is possible at all; asked before anything of that size is read.
pub(crate) fn check_size(
    header: &EventHeader,
    format: Option<&FormatDescription>,
    file: Option<&BinlogFile>,
    offset: Option<u64>,
) -> Result<(), BinlogError> {
    let least = match format {
        Some(format) if header.event_type != EventType::FORMAT_DESCRIPTION => {
            u32::from(format.header_length) + format.checksum.length() as u32
        }
        _ => HEADER_LENGTH as u32,
    };
    if header.event_size < least || header.event_size > MAX_EVENT_SIZE {
        return Err(BinlogError::EventSize {
            place: Place { file: file.cloned(), offset },
            event: header.event_type,
            size: header.event_size,
            least,
            most: MAX_EVENT_SIZE,
        });
    }
    Ok(())
}
