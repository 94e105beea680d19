-- Everything that Backtrail keeps. Constraints have names, since answers are made from them; a row that the types of the
-- code could not express is refused here as well.

CREATE TABLE tenants (
    id          uuid PRIMARY KEY,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_name UNIQUE (name)
);

-- A key itself is never here: only its SHA-256, and its first characters to tell keys apart.
CREATE TABLE api_keys (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL REFERENCES tenants (id),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    prefix        text NOT NULL CHECK (length(prefix) <= 20),
    sha256        bytea NOT NULL CHECK (octet_length(sha256) = 32),
    permissions   text[] NOT NULL CHECK (
        permissions <@ ARRAY['backup:create', 'servers:read', 'servers:write', 'servers:delete', 'keys:manage']
        AND cardinality(permissions) > 0),
    role          text CHECK (role IN ('viewer', 'operator', 'admin')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz,
    last_used_at  timestamptz,
    revoked_at    timestamptz,
    CONSTRAINT api_keys_sha256 UNIQUE (sha256)
);
CREATE INDEX api_keys_tenant ON api_keys (tenant_id, created_at);

CREATE SEQUENCE server_numbers AS integer;

CREATE TABLE servers (
    id               uuid PRIMARY KEY,
    tenant_id        uuid NOT NULL REFERENCES tenants (id),
    number           integer NOT NULL DEFAULT nextval('server_numbers') CHECK (number > 0),
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    host             text NOT NULL CHECK (length(host) BETWEEN 1 AND 255),
    port             integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    username         text NOT NULL CHECK (length(username) <= 128),
    -- Version byte, nonce, AES-256-GCM ciphertext and tag: never shorter than this.
    sealed_password  bytea CHECK (octet_length(sealed_password) >= 29),
    tls_mode         text NOT NULL
        CHECK (tls_mode IN ('disabled', 'preferred', 'required', 'verify_ca', 'verify_identity')),
    tls_ca           text,
    preflight        jsonb,
    preflight_at     timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    deleted_at       timestamptz,
    CONSTRAINT servers_number UNIQUE (number),
    -- For the foreign keys that carry the tenant along.
    CONSTRAINT servers_tenant UNIQUE (tenant_id, id),
    CONSTRAINT servers_forgotten CHECK (deleted_at IS NULL OR sealed_password IS NULL),
    CONSTRAINT servers_preflight CHECK ((preflight IS NULL) = (preflight_at IS NULL))
);
ALTER SEQUENCE server_numbers OWNED BY servers.number;
CREATE UNIQUE INDEX servers_name ON servers (tenant_id, name) WHERE deleted_at IS NULL;

CREATE TABLE schedules (
    id                 uuid PRIMARY KEY,
    tenant_id          uuid NOT NULL,
    server_id          uuid NOT NULL,
    schedule_cron      text NOT NULL,
    timezone           text NOT NULL,
    backup_tool        text NOT NULL CHECK (backup_tool IN ('mydumper')),
    retention_days     integer NOT NULL CHECK (retention_days BETWEEN 1 AND 365),
    s3_prefix          text,
    enabled            boolean NOT NULL,
    missed_run_policy  text NOT NULL CHECK (missed_run_policy IN ('run_once', 'skip')),
    jitter_seconds     integer NOT NULL CHECK (jitter_seconds BETWEEN 0 AND 3600),
    -- The next slot, and when it is due: the slot and its jitter.
    next_run_at        timestamptz,
    due_at             timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schedules_server FOREIGN KEY (tenant_id, server_id) REFERENCES servers (tenant_id, id),
    CONSTRAINT schedules_tenant UNIQUE (tenant_id, id),
    CONSTRAINT schedules_slot CHECK ((next_run_at IS NULL) = (due_at IS NULL) AND due_at >= next_run_at),
    CONSTRAINT schedules_disabled CHECK (enabled OR next_run_at IS NULL)
);
CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX schedules_of_server ON schedules (server_id);

-- Backups and PITR runs. What moves them is the same; what they are about is in columns of their own.
CREATE TABLE runs (
    id                    uuid PRIMARY KEY,
    kind                  text NOT NULL CHECK (kind IN ('backup', 'pitr')),
    tenant_id             uuid NOT NULL,
    server_id             uuid NOT NULL,

    status                text NOT NULL DEFAULT 'running',
    phase                 text NOT NULL DEFAULT 'queued',
    attempt               integer NOT NULL DEFAULT 0 CHECK (attempt BETWEEN 0 AND 100),
    cancel_requested      boolean NOT NULL DEFAULT false,
    -- Rises with every claim: a write under an older number is refused.
    fencing               bigint NOT NULL DEFAULT 0,
    lease_holder          text,
    lease_expires_at      timestamptz,

    s3_path               text,
    key_prefix            text CHECK (key_prefix LIKE '%/'),
    size_bytes            bigint CHECK (size_bytes >= 0),
    file_count            bigint CHECK (file_count >= 0),
    error_code            text,
    error_message         text,
    warnings              text[] NOT NULL DEFAULT '{}',
    progress              jsonb,
    manifest              jsonb,
    tool_log              text,
    traceparent           text,
    started_at            timestamptz NOT NULL DEFAULT now(),
    queued_at             timestamptz NOT NULL DEFAULT now(),
    claimed_at            timestamptz,
    completed_at          timestamptz,

    schedule_id           uuid,
    slot_at               timestamptz,
    backup_tool           text CHECK (backup_tool IN ('mydumper')),
    retention_days        integer CHECK (retention_days BETWEEN 1 AND 365),
    s3_prefix             text,
    coordinates_file      text,
    coordinates_position  bigint CHECK (coordinates_position >= 4),
    gtid_set              text,
    consistent            boolean NOT NULL DEFAULT false,
    snapshot_from         timestamptz,
    consistent_at         timestamptz,
    timeline              text,
    expired_at            timestamptz,

    target_time           timestamptz,
    target_gtid           text,
    target_position       text,
    tables_filter         text,
    allow_gaps            boolean NOT NULL DEFAULT false,
    baseline_id           uuid REFERENCES runs (id),
    plan                  jsonb,
    report                jsonb,
    cut                   text,
    cut_gtid_set          text,

    CONSTRAINT runs_server FOREIGN KEY (tenant_id, server_id) REFERENCES servers (tenant_id, id),
    CONSTRAINT runs_schedule FOREIGN KEY (schedule_id) REFERENCES schedules (id) ON DELETE SET NULL,
    -- Each slot of a schedule at most once, whoever fires it.
    CONSTRAINT runs_slot UNIQUE (schedule_id, slot_at),

    CONSTRAINT runs_state CHECK (
        (status = 'running' AND phase = 'queued' AND lease_holder IS NULL AND lease_expires_at IS NULL
            AND completed_at IS NULL AND NOT cancel_requested)
        OR (status = 'running' AND phase IN ('preparing', 'dumping', 'reconstructing', 'uploading')
            AND lease_holder IS NOT NULL AND lease_expires_at IS NOT NULL AND completed_at IS NULL
            AND attempt > 0 AND claimed_at IS NOT NULL)
        OR (status = 'completed' AND phase = 'complete' AND lease_holder IS NULL AND lease_expires_at IS NULL
            AND completed_at IS NOT NULL AND error_code IS NULL AND error_message IS NULL
            AND s3_path IS NOT NULL AND key_prefix IS NOT NULL AND manifest IS NOT NULL
            AND size_bytes IS NOT NULL AND file_count IS NOT NULL)
        OR (status = 'failed' AND phase IN ('queued', 'preparing', 'dumping', 'reconstructing', 'uploading', 'cancelled')
            AND lease_holder IS NULL AND lease_expires_at IS NULL AND completed_at IS NOT NULL
            AND error_code IS NOT NULL AND error_message IS NOT NULL)),
    CONSTRAINT runs_order CHECK (completed_at >= started_at),
    CONSTRAINT runs_kind_phase CHECK (phase <> CASE kind WHEN 'backup' THEN 'reconstructing' ELSE 'dumping' END),
    CONSTRAINT runs_location CHECK ((s3_path IS NULL) = (key_prefix IS NULL)),

    CONSTRAINT runs_backup CHECK (
        kind = 'pitr' OR (backup_tool IS NOT NULL AND retention_days IS NOT NULL
            AND num_nonnulls(target_time, target_gtid, target_position, tables_filter, baseline_id, plan, report, cut,
                cut_gtid_set) = 0 AND NOT allow_gaps)),
    CONSTRAINT runs_pitr CHECK (
        kind = 'backup' OR (num_nonnulls(target_time, target_gtid, target_position) = 1
            AND num_nonnulls(schedule_id, slot_at, backup_tool, retention_days, s3_prefix, coordinates_file,
                coordinates_position, gtid_set, snapshot_from, consistent_at, timeline, expired_at) = 0
            AND NOT consistent)),
    CONSTRAINT runs_pitr_done CHECK (
        kind = 'backup' OR status <> 'completed' OR (baseline_id IS NOT NULL AND cut IS NOT NULL AND report IS NOT NULL)),
    CONSTRAINT runs_coordinates CHECK (num_nulls(coordinates_file, coordinates_position) IN (0, 2)),
    -- What stands at proven coordinates says from which instant on it can be used.
    CONSTRAINT runs_baseline CHECK (
        coordinates_file IS NULL OR (status = 'completed' AND consistent_at IS NOT NULL AND snapshot_from IS NOT NULL
            AND snapshot_from <= consistent_at)),
    CONSTRAINT runs_expired CHECK (expired_at IS NULL OR status = 'completed')
);
CREATE UNIQUE INDEX runs_one_running_backup ON runs (server_id) WHERE kind = 'backup' AND status = 'running';
CREATE UNIQUE INDEX runs_one_running_pitr ON runs (server_id) WHERE kind = 'pitr' AND status = 'running';
CREATE INDEX runs_history ON runs (tenant_id, kind, started_at DESC, id DESC);
CREATE INDEX runs_history_of_server ON runs (server_id, kind, started_at DESC, id DESC);
CREATE INDEX runs_of_schedule ON runs (schedule_id, started_at DESC) WHERE schedule_id IS NOT NULL;
CREATE INDEX runs_leased ON runs (lease_expires_at) WHERE lease_expires_at IS NOT NULL;
CREATE INDEX runs_queued ON runs (queued_at) WHERE status = 'running' AND phase = 'queued';
CREATE INDEX runs_started_from ON runs (baseline_id) WHERE baseline_id IS NOT NULL AND status = 'running';

-- Every prefix that a try of a run ever took: a key is never used twice.
CREATE TABLE prefixes (
    key_prefix   text NOT NULL CHECK (key_prefix LIKE '%/'),
    run_id       uuid NOT NULL REFERENCES runs (id),
    attempt      integer NOT NULL,
    taken_at     timestamptz NOT NULL DEFAULT now(),
    -- Since when what is below it belongs to no result, and when all of it was deleted.
    orphaned_at  timestamptz,
    deleted_at   timestamptz,
    CONSTRAINT prefixes_pkey PRIMARY KEY (key_prefix),
    CONSTRAINT prefixes_deleted CHECK (deleted_at IS NULL OR orphaned_at IS NOT NULL)
);
CREATE INDEX prefixes_orphaned ON prefixes (orphaned_at) WHERE orphaned_at IS NOT NULL AND deleted_at IS NULL;

-- Messages on their way to the queue.
CREATE TABLE outbox (
    id            uuid PRIMARY KEY,
    kind          text NOT NULL CHECK (kind IN ('backup', 'pitr')),
    run_id        uuid NOT NULL REFERENCES runs (id),
    tenant_id     uuid NOT NULL,
    server_id     uuid NOT NULL,
    payload       bytea NOT NULL,
    traceparent   text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    -- A relay has it at hand until then.
    held_until    timestamptz,
    published_at  timestamptz
);
CREATE INDEX outbox_waiting ON outbox (created_at, id) WHERE published_at IS NULL;
CREATE INDEX outbox_of_run ON outbox (run_id);
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

-- One row a server: who reads its binary log, where the archive ends, and what the agent last said.
CREATE TABLE agents (
    server_id           uuid PRIMARY KEY,
    tenant_id           uuid NOT NULL,
    fencing             bigint NOT NULL DEFAULT 0,
    holder              text,
    lease_expires_at    timestamptz,
    last_ordinal        bigint NOT NULL DEFAULT 0 CHECK (last_ordinal >= 0),
    archive_timeline    text,
    archive_file        text,
    archive_position    bigint CHECK (archive_position >= 4),
    archive_gtid_set    text,
    heartbeat_at        timestamptz,
    timeline            text,
    covered_until       timestamptz,
    source_file         text,
    source_position     bigint CHECK (source_position >= 0),
    source_oldest_file  text,
    binlog_expiry       timestamptz,
    lag_seconds         bigint CHECK (lag_seconds >= 0),
    error               text,
    CONSTRAINT agents_server FOREIGN KEY (tenant_id, server_id) REFERENCES servers (tenant_id, id),
    CONSTRAINT agents_lease CHECK ((holder IS NULL) = (lease_expires_at IS NULL)),
    CONSTRAINT agents_archive CHECK (num_nulls(archive_timeline, archive_file, archive_position) IN (0, 3)),
    CONSTRAINT agents_covered CHECK (covered_until IS NULL OR timeline IS NOT NULL)
);

CREATE TABLE segments (
    id                  uuid PRIMARY KEY,
    tenant_id           uuid NOT NULL,
    server_id           uuid NOT NULL,
    ordinal             bigint NOT NULL CHECK (ordinal > 0),
    timeline            text NOT NULL,
    file                text NOT NULL,
    start_position      bigint NOT NULL CHECK (start_position >= 4),
    end_position        bigint NOT NULL,
    rotated_to          text,
    object_key          text NOT NULL,
    size_bytes          bigint NOT NULL CHECK (size_bytes > 0),
    content_size        bigint NOT NULL CHECK (content_size > 0),
    sha256              bytea NOT NULL CHECK (octet_length(sha256) = 32),
    gtid_before         text,
    gtid_after          text,
    first_commit_at     timestamptz,
    last_commit_at      timestamptz,
    first_row_event_at  timestamptz,
    last_row_event_at   timestamptz,
    events              bigint NOT NULL CHECK (events >= 0),
    row_changes         bigint NOT NULL CHECK (row_changes >= 0),
    tables              jsonb NOT NULL,
    file_created_at     timestamptz,
    sealed_at           timestamptz NOT NULL,
    expired_at          timestamptz,
    CONSTRAINT segments_server FOREIGN KEY (tenant_id, server_id) REFERENCES servers (tenant_id, id),
    CONSTRAINT segments_ordinal UNIQUE (server_id, ordinal),
    CONSTRAINT segments_start UNIQUE (server_id, timeline, file, start_position),
    CONSTRAINT segments_key UNIQUE (object_key),
    CONSTRAINT segments_range CHECK (end_position > start_position),
    CONSTRAINT segments_commits CHECK ((first_commit_at IS NULL) = (last_commit_at IS NULL)),
    CONSTRAINT segments_row_events CHECK (
        (first_row_event_at IS NULL) = (last_row_event_at IS NULL) AND (row_changes = 0 OR first_row_event_at IS NOT NULL))
);
CREATE INDEX segments_expired ON segments (expired_at) WHERE expired_at IS NOT NULL;

-- A gap lies behind the segment of that ordinal (0: before the first).
CREATE TABLE gaps (
    id             uuid PRIMARY KEY,
    tenant_id      uuid NOT NULL,
    server_id      uuid NOT NULL,
    after_ordinal  bigint NOT NULL CHECK (after_ordinal >= 0),
    from_timeline  text NOT NULL,
    from_file      text NOT NULL,
    from_position  bigint NOT NULL CHECK (from_position >= 4),
    to_timeline    text NOT NULL,
    to_file        text NOT NULL,
    to_position    bigint NOT NULL CHECK (to_position >= 4),
    from_time      timestamptz,
    to_time        timestamptz,
    cause          text NOT NULL CHECK (cause <> ''),
    detected_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT gaps_server FOREIGN KEY (tenant_id, server_id) REFERENCES servers (tenant_id, id),
    CONSTRAINT gaps_place UNIQUE (server_id, after_ordinal)
);

-- Answers to requests with an Idempotency-Key. Bodies hold no secret: the one answer that does (a new key) is not kept.
CREATE TABLE idempotency (
    tenant_id       uuid NOT NULL REFERENCES tenants (id),
    key             text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_sha256  bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
    begun_at        timestamptz NOT NULL DEFAULT now(),
    status          integer CHECK (status BETWEEN 100 AND 599),
    content_type    text,
    body            bytea,
    CONSTRAINT idempotency_pkey PRIMARY KEY (tenant_id, key),
    CONSTRAINT idempotency_answer CHECK (num_nulls(status, content_type, body) IN (0, 3))
);
CREATE INDEX idempotency_age ON idempotency (begun_at);
