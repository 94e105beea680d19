//! A session's beginning: the connections to the source, and the place to read from.

use std::time::Duration;

use backtrail_binlog::{BinlogError, EventBody, parse_event};
use backtrail_domain::GtidSet;
use backtrail_source::{BinlogStream, Connection, ServerFacts, SourceEndpoint, StreamOptions};
use backtrail_store::agents::{self, ArchiveEnd};
use backtrail_store::{AgentLease, FirstPlace, Gap, Segment, Server};
use bytes::Bytes;
use secrecy::SecretString;
use time::OffsetDateTime;
use uuid::Uuid;

use super::SessionError;
use crate::Parts;
use crate::start::{ArchiveFacts, Before, ResumedFile, SourceFacts, Start, decide, earliest};

/// A source that is about to be read.
pub(super) struct Opened {
    pub(super) server: Server,
    /// For questions while the stream flows.
    pub(super) control: Connection,
    pub(super) facts: ServerFacts,
    pub(super) start: Start,
    /// The format description event of the file to begin in.
    pub(super) format: Bytes,
    pub(super) stream: BinlogStream,
}

/// Connects, decides where to begin, and records the gap before that place if there is one.
pub(super) async fn open(parts: &Parts, lease: &AgentLease) -> Result<Opened, SessionError> {
    let server = Server::by_id(&parts.store, lease.server.id).await?.filter(|server| server.deleted_at.is_none());
    let server = server.ok_or(SessionError::LeaseLost)?;
    let endpoint = endpoint(parts, &server)?;
    let mut control = endpoint.connect().await?;
    let facts = control.facts().await?;
    if !facts.is_on("log_bin") {
        let reason = format!("{} writes no binary log; set log_bin and restart it", endpoint.name());
        return Err(SessionError::Unusable(reason));
    }
    // Another installation may read the same source: only the registration's own id is nobody else's.
    let options = StreamOptions::new(replica_id(parts, &server, &mut control, &facts).await, server.id.0);
    let start = gather(parts, &server, &endpoint, &mut control, &facts, &options).await?;
    if let Some(gap) = &start.gap {
        tracing::warn!(from = %gap.from, to = %gap.to, cause = gap.cause, "a gap in the binary log");
        metrics::counter!("backtrail_gaps_total").increment(1);
        Gap::record(&parts.store, &lease.token, gap.clone()).await?;
    }
    tracing::info!(from = %start.from, timeline = %start.timeline, "reading the binary log");
    let format = BinlogStream::format_of(&endpoint, &start.from.file, &options).await?.bytes;
    let stream = BinlogStream::open(&endpoint, start.from.clone(), options).await?;
    Ok(Opened { server, control, facts, start, format, stream })
}

fn endpoint(parts: &Parts, server: &Server) -> Result<SourceEndpoint, SessionError> {
    let password = parts.key.unseal(server)?.unwrap_or_else(|| SecretString::from(""));
    let mut endpoint = SourceEndpoint::new(&server.host, server.port, &server.username, password);
    endpoint.tls = server
        .tls_mode
        .parse()
        .map_err(|error: backtrail_source::UnknownTlsModeError| SessionError::Unusable(error.to_string()))?;
    endpoint.ca_pem = server.tls_ca.clone();
    endpoint.query_deadline = Duration::from_secs(20);
    Ok(endpoint)
}

/// Our id among the server's replicas: by the registration's id, and none that another replica has.
async fn replica_id(parts: &Parts, server: &Server, control: &mut Connection, facts: &ServerFacts) -> u32 {
    // Not every account may list replicas; then it is unlikely enough that two have one id.
    let others = control.replicas(facts).await.unwrap_or_else(|error| {
        tracing::debug!(error = %error, "the source's replicas could not be listed");
        Vec::new()
    });
    // What is left of our last connection is no other replica.
    let ours = StreamOptions::host_of(server.id.0);
    let taken = |id| id == facts.server_id || others.iter().any(|(other, host)| *other == id && *host != ours);
    free_id(parts.settings.replica_id_base, server.id.0, taken)
}

/// The first free id above the base, beginning at a place that the UUID gives.
fn free_id(base: u32, uuid: Uuid, taken: impl Fn(u32) -> bool) -> u32 {
    let (base, room) = (u64::from(base.max(1)), u64::from(u32::MAX - base.max(1)) + 1);
    // The end of a UUID is its random part.
    let begin = uuid.as_u128() as u64 % room;
    let id = |turn: u64| ((base + (begin + turn) % room) as u32).max(1);
    (0..1000).map(id).find(|id| !taken(*id)).unwrap_or_else(|| id(0))
}

/// Gathers what decides where to begin, and decides.
async fn gather(
    parts: &Parts,
    server: &Server,
    endpoint: &SourceEndpoint,
    control: &mut Connection,
    facts: &ServerFacts,
    options: &StreamOptions,
) -> Result<Start, SessionError> {
    // Before the source is asked for its files: what is known of its log lies behind none of them.
    let before = match agents::archive_end(&parts.store, server.id).await? {
        Some(end) => Before::Archive(archive_facts(end)),
        None => Before::Place(first_place(parts, server, control, facts).await?),
    };
    let logs = control.binary_logs().await?;
    let (Some(oldest), Some(newest)) = (logs.first(), logs.last()) else {
        return Err(SessionError::Unusable(format!("{} has no binary log file", endpoint.name())));
    };
    let mut resumed = None;
    if before.identity() == facts.identity
        && let Some(log) = logs.iter().find(|log| log.file == before.position().file)
    {
        let format = BinlogStream::format_of(endpoint, &log.file, options).await?;
        let gtids_before = match &format.gtids {
            Some(event) => gtids_in(&format.bytes, event)?,
            None => None,
        };
        let created_at = OffsetDateTime::from_unix_timestamp(i64::from(format.created)).ok();
        resumed = Some(ResumedFile { size: log.size, created_at, gtids_before });
    }
    let source = SourceFacts {
        identity: facts.identity.clone(),
        oldest: oldest.file.clone(),
        newest: newest.file.clone(),
        resumed,
    };
    Ok(decide(&before, &source, parts.settings.archive_from))
}

fn archive_facts(end: ArchiveEnd) -> ArchiveFacts {
    let same_file =
        |segment: &&Segment| segment.content.timeline == end.timeline && segment.content.file == end.position.file;
    ArchiveFacts {
        file_created_at: end.segment.as_ref().filter(same_file).and_then(|segment| segment.content.file_created_at),
        last_commit_at: end.segment.as_ref().and_then(|segment| segment.content.last_commit_at),
        timeline: end.timeline,
        position: end.position,
        gtid_set: end.gtid_set,
    }
}

/// The place to begin an archive with. Where nobody has looked at the server before, this is the first look.
async fn first_place(
    parts: &Parts,
    server: &Server,
    control: &mut Connection,
    facts: &ServerFacts,
) -> Result<FirstPlace, SessionError> {
    let position = control.position(facts).await?;
    let now = FirstPlace { identity: facts.identity.clone(), position, seen_at: control.clock().await? };
    // Kept, since the log may have gone on before this session has stored its first segment.
    now.keep(&parts.store, server.id).await?;
    let places = FirstPlace::list(&parts.store, server.tenant_id, server.id).await?;
    Ok(earliest(&places, &facts.identity).cloned().unwrap_or(now))
}

fn gtids_in(format: &[u8], event: &[u8]) -> Result<Option<GtidSet>, BinlogError> {
    let EventBody::FormatDescription(format) = parse_event(format, None)?.body()? else { return Ok(None) };
    Ok(match parse_event(event, Some(&format))?.body()? {
        EventBody::PreviousGtids(set) => Some(set),
        EventBody::GtidList(list) => Some(list.position),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_installations_have_two_ids() {
        let ids: Vec<u32> = (0..100).map(|_| free_id(3_900_000_000, Uuid::now_v7(), |_| false)).collect();
        assert!(ids.iter().all(|id| *id >= 3_900_000_000));
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert!(different.len() > 95, "{ids:?}");
        let uuid = Uuid::from_u128(7);
        assert_eq!(free_id(100, uuid, |_| false), 107);
        assert_eq!(free_id(100, uuid, |id| id < 110), 110);
        // The last one, and round again.
        assert_eq!(free_id(u32::MAX - 1, Uuid::from_u128(1), |id| id == u32::MAX), u32::MAX - 1);
        assert_eq!(free_id(u32::MAX, uuid, |_| true), u32::MAX);
    }
}
