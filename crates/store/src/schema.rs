//! Tables, as diesel knows them.

diesel::table! {
    tenants (id) {
        id -> Uuid,
        name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        tenant_id -> Uuid,
        name -> Text,
        prefix -> Text,
        sha256 -> Bytea,
        permissions -> Array<Text>,
        role -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    servers (id) {
        id -> Uuid,
        tenant_id -> Uuid,
        number -> Integer,
        name -> Text,
        host -> Text,
        port -> Integer,
        username -> Text,
        sealed_password -> Nullable<Bytea>,
        tls_mode -> Text,
        tls_ca -> Nullable<Text>,
        preflight -> Nullable<Jsonb>,
        preflight_at -> Nullable<Timestamptz>,
        first_identity -> Nullable<Text>,
        first_file -> Nullable<Text>,
        first_position -> Nullable<BigInt>,
        first_seen_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    schedules (id) {
        id -> Uuid,
        tenant_id -> Uuid,
        server_id -> Uuid,
        schedule_cron -> Text,
        timezone -> Text,
        backup_tool -> Text,
        retention_days -> Integer,
        s3_prefix -> Nullable<Text>,
        enabled -> Bool,
        missed_run_policy -> Text,
        jitter_seconds -> Integer,
        next_run_at -> Nullable<Timestamptz>,
        due_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    runs (id) {
        id -> Uuid,
        kind -> Text,
        tenant_id -> Uuid,
        server_id -> Uuid,
        status -> Text,
        phase -> Text,
        attempt -> Integer,
        cancel_requested -> Bool,
        fencing -> BigInt,
        lease_holder -> Nullable<Text>,
        lease_expires_at -> Nullable<Timestamptz>,
        s3_path -> Nullable<Text>,
        key_prefix -> Nullable<Text>,
        size_bytes -> Nullable<BigInt>,
        file_count -> Nullable<BigInt>,
        error_code -> Nullable<Text>,
        error_message -> Nullable<Text>,
        warnings -> Array<Text>,
        progress -> Nullable<Jsonb>,
        manifest -> Nullable<Jsonb>,
        tool_log -> Nullable<Text>,
        traceparent -> Nullable<Text>,
        started_at -> Timestamptz,
        queued_at -> Timestamptz,
        claimed_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        schedule_id -> Nullable<Uuid>,
        slot_at -> Nullable<Timestamptz>,
        backup_tool -> Nullable<Text>,
        retention_days -> Nullable<Integer>,
        s3_prefix -> Nullable<Text>,
        coordinates_file -> Nullable<Text>,
        coordinates_position -> Nullable<BigInt>,
        gtid_set -> Nullable<Text>,
        consistent -> Bool,
        snapshot_from -> Nullable<Timestamptz>,
        consistent_at -> Nullable<Timestamptz>,
        timeline -> Nullable<Text>,
        expired_at -> Nullable<Timestamptz>,
        target_time -> Nullable<Timestamptz>,
        target_gtid -> Nullable<Text>,
        target_position -> Nullable<Text>,
        tables_filter -> Nullable<Text>,
        allow_gaps -> Bool,
        baseline_id -> Nullable<Uuid>,
        plan -> Nullable<Jsonb>,
        report -> Nullable<Jsonb>,
        cut -> Nullable<Text>,
        cut_gtid_set -> Nullable<Text>,
    }
}

diesel::table! {
    prefixes (key_prefix) {
        key_prefix -> Text,
        run_id -> Uuid,
        attempt -> Integer,
        taken_at -> Timestamptz,
        orphaned_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    outbox (id) {
        id -> Uuid,
        kind -> Text,
        run_id -> Uuid,
        tenant_id -> Uuid,
        server_id -> Uuid,
        payload -> Bytea,
        traceparent -> Nullable<Text>,
        created_at -> Timestamptz,
        held_until -> Nullable<Timestamptz>,
        published_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    agents (server_id) {
        server_id -> Uuid,
        tenant_id -> Uuid,
        fencing -> BigInt,
        holder -> Nullable<Text>,
        lease_expires_at -> Nullable<Timestamptz>,
        last_ordinal -> BigInt,
        archive_timeline -> Nullable<Text>,
        archive_file -> Nullable<Text>,
        archive_position -> Nullable<BigInt>,
        archive_gtid_set -> Nullable<Text>,
        heartbeat_at -> Nullable<Timestamptz>,
        timeline -> Nullable<Text>,
        covered_until -> Nullable<Timestamptz>,
        source_file -> Nullable<Text>,
        source_position -> Nullable<BigInt>,
        source_oldest_file -> Nullable<Text>,
        binlog_expiry -> Nullable<Timestamptz>,
        lag_seconds -> Nullable<BigInt>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    segments (id) {
        id -> Uuid,
        tenant_id -> Uuid,
        server_id -> Uuid,
        ordinal -> BigInt,
        timeline -> Text,
        file -> Text,
        start_position -> BigInt,
        end_position -> BigInt,
        rotated_to -> Nullable<Text>,
        object_key -> Text,
        size_bytes -> BigInt,
        content_size -> BigInt,
        sha256 -> Bytea,
        gtid_before -> Nullable<Text>,
        gtid_after -> Nullable<Text>,
        first_commit_at -> Nullable<Timestamptz>,
        last_commit_at -> Nullable<Timestamptz>,
        first_row_event_at -> Nullable<Timestamptz>,
        last_row_event_at -> Nullable<Timestamptz>,
        events -> BigInt,
        row_changes -> BigInt,
        tables -> Jsonb,
        file_created_at -> Nullable<Timestamptz>,
        sealed_at -> Timestamptz,
        expired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    gaps (id) {
        id -> Uuid,
        tenant_id -> Uuid,
        server_id -> Uuid,
        after_ordinal -> BigInt,
        from_timeline -> Text,
        from_file -> Text,
        from_position -> BigInt,
        to_timeline -> Text,
        to_file -> Text,
        to_position -> BigInt,
        from_time -> Nullable<Timestamptz>,
        to_time -> Nullable<Timestamptz>,
        cause -> Text,
        detected_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency (api_key_id, key) {
        tenant_id -> Uuid,
        api_key_id -> Uuid,
        key -> Text,
        request_sha256 -> Bytea,
        begun_at -> Timestamptz,
        status -> Nullable<Integer>,
        content_type -> Nullable<Text>,
        body -> Nullable<Bytea>,
    }
}

diesel::joinable!(runs -> servers (server_id));
diesel::joinable!(agents -> servers (server_id));
diesel::joinable!(prefixes -> runs (run_id));

diesel::allow_tables_to_appear_in_same_query!(servers, runs, schedules, agents, outbox, prefixes, segments, gaps);
