//! The binary log as one stream of events, whatever pieces it comes in, and the proof that nothing is missing in it.
//!
//! Continuity is proved piece by piece. Within a file, a piece begins where the last one ended. Between files, the next
//! one has the next number and starts at its beginning, and the last one was closed: by a ROTATE or STOP event, or by the
//! server's recovery after a crash (which clears its in-use flag), or the next file's GTID header names nothing that was
//! not seen. Everything else is a gap.

use std::cmp::Reverse;

use backtrail_binlog::{
    BinlogError, Boundary, CommitInfo, Event, EventBody, EventReader, EventType, FormatDescription, TransactionTracker,
};
use backtrail_domain::{BinlogFile, BinlogPosition, GtidSet};

use crate::EngineError;
use crate::input::decompress;
use crate::input::ledger::Reading;
use crate::input::place::{Coordinates, Gap, PlannedPiece};
use crate::io::{BinaryLog, LogPiece};

/// The offset of a file's first event.
pub(crate) const FIRST_EVENT: u64 = 4;

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    Stop,
}

/// Where an event lies in the server's log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a BinlogFile,
    /// Of the event's first byte; for an event inside a compressed transaction, the compressed event's.
    pub(crate) offset: u64,
    /// Of the byte behind it.
    pub(crate) end: u64,
}

impl Place<'_> {
    pub(crate) fn start_position(&self) -> BinlogPosition {
        BinlogPosition { file: self.file.clone(), offset: self.offset }
    }

    pub(crate) fn end_position(&self) -> BinlogPosition {
        BinlogPosition { file: self.file.clone(), offset: self.end }
    }
}

/// What is done with the events of a walk.
pub(crate) trait Visitor {
    /// Before an event that is not inside a transaction, or at the end of the log: a boundary.
    fn boundary(&mut self, at: &Place<'_>) -> Result<Flow, EngineError>;

    /// An event. A compressed transaction's come one by one, in place of the event that holds them.
    fn event(&mut self, place: &Place<'_>, event: &Event<'_>, boundary: &Boundary) -> Result<Flow, EngineError>;

    /// A new file begins, or a gap was crossed: a transaction that is still open never committed.
    fn interrupted(&mut self) -> Result<(), EngineError>;
}

/// How a walk ended.
#[derive(Debug)]
pub(crate) struct Walked {
    /// The pieces that were read, and how far.
    pub(crate) pieces: Vec<PlannedPiece>,
    pub(crate) gaps: Vec<Gap>,
    /// The end of what was read.
    pub(crate) end: BinlogPosition,
    /// The visitor did not stop it: the log has no more.
    pub(crate) exhausted: bool,
    pub(crate) warnings: Vec<String>,
    /// Events that the visitor was given.
    pub(crate) events: u64,
}

/// All pieces of a log, in order.
pub(crate) struct Log<'a> {
    source: &'a dyn BinaryLog,
    pieces: Vec<LogPiece>,
}

impl<'a> Log<'a> {
    pub(crate) fn open(source: &'a dyn BinaryLog) -> Result<Self, EngineError> {
        let mut pieces =
            source.pieces().map_err(|source| EngineError::LogRead { piece: "list of pieces".to_owned(), source })?;
        // Of pieces that begin at the same place the longest comes first.
        pieces.sort_by(|a, b| {
            (&a.file, a.start, Reverse(a.end.unwrap_or(u64::MAX)), &a.name).cmp(&(
                &b.file,
                b.start,
                Reverse(b.end.unwrap_or(u64::MAX)),
                &b.name,
            ))
        });
        Ok(Self { source, pieces })
    }

    /// The format description of the piece that holds a place; `None` where there is no log at all.
    pub(crate) fn format(&self, at: &BinlogPosition) -> Result<Option<FormatDescription>, EngineError> {
        if self.pieces.is_empty() {
            return Ok(None);
        }
        let piece = self.first_piece(at)?;
        let mut reader = self.reader(piece)?;
        while let Some(event) = reader.next_event().map_err(|error| broken(piece, error))? {
            if let EventBody::FormatDescription(format) = event.body()? {
                return Ok(Some(format));
            }
        }
        Err(EngineError::LogDoesNotReachBaseline {
            baseline: at.clone(),
            reason: format!("{} has no format description", piece.name),
        })
    }

    fn reader(&self, piece: &LogPiece) -> Result<EventReader<Box<dyn std::io::Read + Send>>, EngineError> {
        let failed = |source| EngineError::LogRead { piece: piece.name.clone(), source };
        let bytes = decompress::reader(self.source.open(piece).map_err(failed)?).map_err(failed)?;
        let reader = if piece.start > FIRST_EVENT {
            EventReader::resumed(bytes, piece.file.clone(), piece.start)
        } else {
            EventReader::new(bytes, piece.file.clone())
        };
        reader.map_err(|error| broken(piece, error))
    }

    /// The piece to begin with for a place: one with something before it where there is one, since that helps to tell
    /// whether a target lies before the baseline.
    fn first_piece(&self, at: &BinlogPosition) -> Result<&LogPiece, EngineError> {
        let of_file = || self.pieces.iter().filter(|piece| piece.file == at.file);
        let ends_at_or_after = |piece: &&LogPiece| piece.end.is_none_or(|end| at.offset <= end);
        of_file()
            .filter(|piece| piece.start < at.offset)
            .find(ends_at_or_after)
            .or_else(|| of_file().filter(|piece| piece.start <= at.offset).find(ends_at_or_after))
            .ok_or_else(|| EngineError::LogDoesNotReachBaseline {
                baseline: at.clone(),
                reason: match (self.pieces.first(), self.pieces.last()) {
                    (Some(first), Some(last)) => match of_file().next() {
                        Some(_) => "the file is there, but not that part of it".to_owned(),
                        None => format!("there are pieces from {}:{} to {}", first.file, first.start, last.file),
                    },
                    _ => "there is no log at all".to_owned(),
                },
            })
    }

    /// The beginning of the piece that holds a place, or of the one that lies so many pieces before it.
    pub(crate) fn start_before(
        &self,
        at: &BinlogPosition,
        pieces: usize,
    ) -> Result<Option<BinlogPosition>, EngineError> {
        let first = self.first_piece(at)?;
        let start = |piece: &LogPiece| BinlogPosition { file: piece.file.clone(), offset: piece.start };
        if pieces == 0 {
            return Ok(Some(start(first)));
        }
        let mut before: Vec<&LogPiece> =
            self.pieces.iter().filter(|piece| (&piece.file, piece.start) < (&first.file, first.start)).collect();
        before.dedup_by(|a, b| (&a.file, a.start) == (&b.file, b.start));
        // Further back than all there is, is all there is, once.
        let step = pieces.min(before.len());
        let again = pieces > before.len() && pieces / 2 >= before.len();
        Ok(before.get(before.len() - step).filter(|_| !again && step > 0).map(|piece| start(piece)))
    }

    /// Walks from a place on, from the beginning of the piece that holds it. Where there is no log at all, it ends there.
    pub(crate) fn walk(
        &self,
        from: &Coordinates,
        allow_gaps: bool,
        visitor: &mut dyn Visitor,
    ) -> Result<Walked, EngineError> {
        let nothing = Walked {
            pieces: Vec::new(),
            gaps: Vec::new(),
            end: from.position.clone(),
            exhausted: false,
            warnings: Vec::new(),
            events: 0,
        };
        if self.pieces.is_empty() {
            let BinlogPosition { file, offset } = &from.position;
            let flow = visitor.boundary(&Place { file, offset: *offset, end: *offset })?;
            return Ok(Walked { exhausted: flow == Flow::Continue, ..nothing });
        }
        let first = self.first_piece(&from.position)?;
        let mut walk = Walk {
            allow_gaps,
            visitor,
            file: first.file.clone(),
            at: first.start,
            tracker: TransactionTracker::new(),
            inside: false,
            closed: false,
            in_use: false,
            executed: if first.start > FIRST_EVENT { from.gtid_set.clone() } else { None },
            unproved: None,
            segment: false,
            walked: nothing,
        };
        let mut next = Some(first);
        while let Some(piece) = next {
            if walk.piece(self, piece)? == Flow::Stop {
                walk.walked.end = BinlogPosition { file: walk.file, offset: walk.at };
                return Ok(walk.walked);
            }
            next = walk.next_piece(&self.pieces)?;
        }
        let end = BinlogPosition { file: walk.file.clone(), offset: walk.at };
        if !walk.inside {
            let place = Place { file: &end.file, offset: end.offset, end: end.offset };
            walk.walked.exhausted = walk.visitor.boundary(&place)? == Flow::Continue;
        } else {
            walk.walked.exhausted = true;
        }
        walk.walked.end = end;
        Ok(walk.walked)
    }
}

struct Walk<'v> {
    allow_gaps: bool,
    visitor: &'v mut dyn Visitor,
    file: BinlogFile,
    /// How far the file has been read.
    at: u64,
    tracker: TransactionTracker,
    inside: bool,
    /// A ROTATE or STOP event was the file's last.
    closed: bool,
    /// The file's format description says that the server has it open.
    in_use: bool,
    /// The last piece is a segment: its format description says nothing about the end of the file.
    segment: bool,
    /// What has been executed, as far as the log tells.
    executed: Option<GtidSet>,
    /// The last file was not closed and the next one has begun: its GTID header must prove that nothing is missing.
    unproved: Option<Gap>,
    walked: Walked,
}

impl Walk<'_> {
    fn piece(&mut self, log: &Log<'_>, piece: &LogPiece) -> Result<Flow, EngineError> {
        tracing::debug!(piece = piece.name, from = self.at, "reading the binary log");
        let mut reader = log.reader(piece)?;
        self.segment = piece.end.is_some();
        let from = self.at.max(piece.start);
        self.walked.pieces.push(PlannedPiece {
            name: piece.name.clone(),
            file: piece.file.clone(),
            from,
            to: from,
            reading: Reading::default(),
        });
        let flow = self.events(&mut reader, piece)?;
        if let Some(planned) = self.walked.pieces.last_mut() {
            planned.to = self.at;
        }
        if flow == Flow::Continue
            && let Some(end) = piece.end
            && self.at < end
        {
            return Err(EngineError::LogEvent {
                position: self.position(),
                problem: format!("{} ends here and should go on to {end}: it is damaged or cut short", piece.name),
            });
        }
        Ok(flow)
    }

    fn events(
        &mut self,
        reader: &mut EventReader<Box<dyn std::io::Read + Send>>,
        piece: &LogPiece,
    ) -> Result<Flow, EngineError> {
        loop {
            let event = match reader.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(Flow::Continue),
                Err(error) if error.is_unfinished_tail() => {
                    self.walked.warnings.push(format!(
                        "{} ends within an event at {}: the server had it open when it was copied, or crashed",
                        piece.name, self.at
                    ));
                    return Ok(Flow::Continue);
                }
                Err(error) => return Err(broken(piece, error)),
            };
            let offset = event.offset.unwrap_or_default();
            if event.header.event_type == EventType::FORMAT_DESCRIPTION {
                if let EventBody::FormatDescription(format) = event.body()? {
                    self.in_use = format.in_use;
                }
                if piece.start > FIRST_EVENT && offset == FIRST_EVENT {
                    // The copy in front of a segment.
                    continue;
                }
            }
            let end = offset + u64::from(event.header.event_size);
            if offset < self.at {
                if end <= self.at {
                    continue;
                }
                return Err(EngineError::LogEvent {
                    position: self.position(),
                    problem: format!("{} has an event from {offset} to {end} across this place", piece.name),
                });
            }
            let file = self.file.clone();
            let place = Place { file: &file, offset, end };
            if self.one(&place, &event)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
    }

    /// One event of a file, and the boundaries before and behind it.
    fn one(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<Flow, EngineError> {
        if !self.inside && self.visitor.boundary(place)? == Flow::Stop {
            return Ok(Flow::Stop);
        }
        let flow = self.content(place, event)?;
        self.at = place.end;
        if flow == Flow::Stop || self.inside {
            return Ok(flow);
        }
        self.visitor.boundary(&Place { offset: place.end, ..*place })
    }

    fn content(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<Flow, EngineError> {
        match event.header.event_type {
            EventType::ROTATE | EventType::STOP => self.closed = true,
            EventType::PREVIOUS_GTIDS | EventType::GTID_LIST => self.header_set(place, event)?,
            EventType::FORMAT_DESCRIPTION | EventType::BINLOG_CHECKPOINT => {}
            _ => self.give_up_proof()?,
        }
        // A compressed transaction is seen as the events in it.
        if event.header.event_type == EventType::TRANSACTION_PAYLOAD
            && let EventBody::TransactionPayload(payload) = event.body()?
        {
            let mut inner = payload.events()?;
            while let Some(event) = inner.next_event()? {
                if self.deliver(place, &event)? == Flow::Stop {
                    return Ok(Flow::Stop);
                }
            }
            return Ok(Flow::Continue);
        }
        self.deliver(place, event)
    }

    fn deliver(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<Flow, EngineError> {
        let boundary = self.tracker.observe(event)?;
        self.inside = !self.tracker.at_boundary();
        if let Some(CommitInfo { gtid: Some(gtid), .. }) = boundary.ending()
            && let Some(executed) = &mut self.executed
        {
            executed.insert(gtid);
        }
        self.walked.events += 1;
        self.visitor.event(place, event, &boundary)
    }

    /// A file's GTID header: what all files before it hold.
    fn header_set(&mut self, place: &Place<'_>, event: &Event<'_>) -> Result<(), EngineError> {
        let stated = match event.body()? {
            EventBody::PreviousGtids(set) => set,
            EventBody::GtidList(list) => list.position,
            _ => return Ok(()),
        };
        if let Some(executed) = &self.executed
            && !stated.is_empty()
        {
            if executed.is_superset(&stated) {
                self.unproved = None;
            } else {
                let gap = self.unproved.take().unwrap_or_else(|| Gap {
                    from: BinlogPosition { file: self.file.clone(), offset: FIRST_EVENT },
                    to: place.end_position(),
                    cause: format!(
                        "the file says that {stated} was executed before it, of which the files before have only {executed}"
                    ),
                });
                self.gap(gap)?;
            }
        }
        self.executed = Some(stated);
        Ok(())
    }

    /// An event of a transaction comes, and no header has proved that nothing is missing before it.
    fn give_up_proof(&mut self) -> Result<(), EngineError> {
        match self.unproved.take() {
            Some(gap) => self.gap(gap),
            None => Ok(()),
        }
    }

    fn gap(&mut self, gap: Gap) -> Result<(), EngineError> {
        if !self.allow_gaps {
            return Err(EngineError::LogGap { gap: Box::new(gap) });
        }
        self.walked.gaps.push(gap);
        // What was lost would be missing in every header from here on.
        self.executed = None;
        self.interrupt()
    }

    fn interrupt(&mut self) -> Result<(), EngineError> {
        self.tracker = TransactionTracker::new();
        self.inside = false;
        self.visitor.interrupted()
    }

    fn position(&self) -> BinlogPosition {
        BinlogPosition { file: self.file.clone(), offset: self.at }
    }

    /// The piece that goes on where the log has been read to, if the log goes on.
    fn next_piece<'p>(&mut self, pieces: &'p [LogPiece]) -> Result<Option<&'p LogPiece>, EngineError> {
        let of_file = pieces.iter().filter(|piece| piece.file == self.file);
        let goes_on = of_file
            .clone()
            .filter(|piece| piece.start <= self.at && piece.end.is_some_and(|end| end > self.at))
            .max_by_key(|piece| piece.end);
        if goes_on.is_some() {
            return Ok(goes_on);
        }
        if let Some(later) = of_file.filter(|piece| piece.start > self.at).min_by_key(|piece| piece.start) {
            let cause = format!("no piece has the part between {} and {} of the file", self.at, later.start);
            let to = BinlogPosition { file: later.file.clone(), offset: later.start };
            self.gap(Gap { from: self.position(), to, cause })?;
            self.at = later.start;
            return Ok(Some(later));
        }
        let Some(next) = pieces.iter().find(|piece| piece.file > self.file) else { return Ok(None) };
        let to = BinlogPosition { file: next.file.clone(), offset: next.start };
        let gap = |cause: &str| Gap { from: self.position(), to: to.clone(), cause: cause.to_owned() };
        if !self.file.is_followed_by(&next.file) {
            let gap = gap("the file in between is missing");
            self.gap(gap)?;
        } else if next.start > FIRST_EVENT {
            let gap = gap("the beginning of the file is missing");
            self.gap(gap)?;
        } else if self.inside || (!self.closed && (self.in_use || self.segment)) {
            self.unproved = Some(gap(
                "the file does not end with a rotation, and was open when its last part was copied: what came after is missing",
            ));
        } else if !self.closed {
            self.walked.warnings.push(format!(
                "{} ends at {} without a rotation, as after a crash of the server; had it been cut short when it was copied, nothing could tell",
                self.file, self.at
            ));
        }
        self.file = next.file.clone();
        self.at = next.start;
        self.closed = false;
        self.interrupt()?;
        Ok(Some(next))
    }
}

/// Where a log error is, for those that name no piece.
pub(crate) fn at_event(place: &Place<'_>, problem: impl Into<String>) -> EngineError {
    EngineError::LogEvent { position: place.start_position(), problem: problem.into() }
}

/// A piece that cannot be read on. That of a server's file has the file's name, which the error has as well. Where its bytes
/// did not come, nothing is said of them.
fn broken(piece: &LogPiece, error: BinlogError) -> EngineError {
    match error {
        BinlogError::Read { source, .. } if source.kind() != std::io::ErrorKind::InvalidData => {
            return EngineError::LogRead { piece: piece.name.clone(), source };
        }
        _ => {}
    }
    match piece.end {
        Some(_) => EngineError::LogPiece { piece: piece.name.clone(), source: Box::new(error) },
        None => error.into(),
    }
}

/// An event that cannot be understood.
pub(crate) fn corrupt(event: &Event<'_>, problem: backtrail_binlog::Malformed) -> EngineError {
    let error: BinlogError = event.corrupt(problem);
    error.into()
}
