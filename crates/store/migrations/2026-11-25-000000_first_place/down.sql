ALTER TABLE servers
    DROP COLUMN first_identity,
    DROP COLUMN first_file,
    DROP COLUMN first_position,
    DROP COLUMN first_seen_at;
