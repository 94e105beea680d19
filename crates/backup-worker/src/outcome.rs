//! From what came out of a dump to its manifest: checks first, no I/O.

use std::collections::{BTreeMap, BTreeSet};

use backtrail_contracts::manifest::{
    BackupManifest, Consistency, Coordinates, MANIFEST_VERSION, ManifestFile, SourceIdentity,
};
use backtrail_domain::{BinlogPosition, GtidSet, TableName};
use backtrail_dump::names::{Layout, TableFiles};
use backtrail_store::BackupRun;
use backtrail_worker::WorkError;
use time::OffsetDateTime;

use crate::dump::Dumped;
use crate::source::Source;

/// What the run's row needs besides the manifest.
pub(crate) struct Proven {
    pub(crate) manifest: BackupManifest,
    pub(crate) coordinates: Option<(BinlogPosition, Option<GtidSet>)>,
    pub(crate) warnings: Vec<String>,
}

/// Checks the dump against the source's tables and its own counts, and describes it.
pub(crate) fn prove(
    run: &BackupRun,
    source: &Source,
    lasting: &BTreeSet<TableName>,
    dumped: &Dumped,
    completed_at: OffsetDateTime,
) -> Result<Proven, WorkError> {
    let incomplete = |why: String| {
        WorkError::failed(
            "dump_incomplete",
            format!("the dump of {} is not whole: {why}; take the backup again", source.endpoint.name()),
        )
        .with_tool_log(dumped.tool_log.clone())
    };
    let names: Vec<&str> = dumped.files.iter().map(|file| file.name.as_str()).collect();
    let layout = Layout::of(names.iter().copied().chain(["metadata"]), Some(&dumped.metadata))
        .map_err(|error| WorkError::of("dump_incomplete", false, &error))?;
    let doubtful = |(name, files): (_, &TableFiles)| Some((name, files.doubtful.clone()?));
    if let Some((name, why)) = layout.tables.iter().find_map(doubtful) {
        return Err(incomplete(format!("of {name}, {why} (mydumper 0.15 and later names them otherwise)")));
    }
    let missing: Vec<String> = lasting
        .iter()
        .filter(|name| layout.tables.get(name).is_none_or(|files| files.schema.is_none()))
        .map(ToString::to_string)
        .collect();
    if !missing.is_empty() {
        return Err(incomplete(format!("{} are missing", missing.join(", "))));
    }

    let rows: BTreeMap<&str, u64> =
        dumped.files.iter().filter_map(|file| Some((file.name.as_str(), file.rows?))).collect();
    let mut owners: BTreeMap<String, &TableName> = BTreeMap::new();
    let mut tables = BTreeMap::new();
    for (name, files) in &layout.tables {
        let mut counted = 0;
        for file in files.data.iter().map(|file| &file.name).chain(&files.schema) {
            owners.insert(file.clone(), name);
            counted += rows.get(file.as_str()).copied().unwrap_or(0);
        }
        if let Some(said) = files.rows.filter(|said| *said != counted) {
            return Err(incomplete(format!("{name} has {counted} rows in its files, and mydumper counted {said}")));
        }
        if files.schema.is_some() && files.view.is_none() {
            tables.insert(name.to_string(), counted);
        }
    }

    let mut warnings = dumped.warnings.clone();
    let coordinates = dumped.metadata.coordinates.as_ref();
    warnings.extend(source.unmet.warnings.iter().cloned());
    let known_before = dumped.plan.not_a_baseline_because.as_ref().or(source.unmet.not_a_baseline_because.as_ref());
    let reason = match (coordinates, dumped.plan.consistent, known_before) {
        (_, _, Some(reason)) => Some(reason.clone()),
        (None, ..) => Some(format!(
            "{} wrote no position in the binary log of {} {}; give the backup worker mydumper 1.0 or later (BACKTRAIL_MYDUMPER)",
            dumped.tool,
            source.facts.flavour.as_str(),
            source.facts.version
        )),
        (Some(_), false, None) => Some("its tables do not all stand at one place of the binary log".to_owned()),
        (Some(_), true, None) => None,
    };
    let coordinates = coordinates.filter(|_| reason.is_none());
    if let Some(reason) = &reason {
        warnings.push(format!("this backup can be restored, but is no baseline for PITR: {reason}"));
    }
    if !source.rounded.is_empty() {
        let names: Vec<String> = source.rounded.iter().map(ToString::to_string).collect();
        warnings.push(format!(
            "FLOAT columns are in the dump with six digits, as the server prints them ({}); DOUBLE and DECIMAL are exact",
            names.join(", ")
        ));
    }
    let mut files: Vec<ManifestFile> = dumped.files.clone();
    for file in &mut files {
        file.table = owners.get(&file.name).map(ToString::to_string);
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));

    let manifest = BackupManifest {
        version: MANIFEST_VERSION,
        backup_id: run.id,
        tenant_id: run.tenant_id,
        server_id: run.server_id,
        source: SourceIdentity {
            flavour: source.facts.flavour.as_str().to_owned(),
            version: source.facts.version.clone(),
            identity: source.facts.identity.clone(),
            lower_case_table_names: source
                .facts
                .variable("lower_case_table_names")
                .and_then(|value| value.parse().ok()),
        },
        tool: dumped.tool.clone(),
        started_at: source.clock,
        completed_at,
        coordinates: coordinates.map(|coordinates| Coordinates {
            file: coordinates.position.file.to_string(),
            position: coordinates.position.offset,
            gtid_set: coordinates.gtid_set.as_ref().map(ToString::to_string).unwrap_or_default(),
        }),
        not_a_baseline_because: reason,
        consistency: Consistency { lock_mode: dumped.plan.lock_mode.to_owned(), consistent: dumped.plan.consistent },
        tables,
        files,
    };
    let coordinates = coordinates.map(|c| (c.position.clone(), c.gtid_set.clone()));
    Ok(Proven { manifest, coordinates, warnings })
}
