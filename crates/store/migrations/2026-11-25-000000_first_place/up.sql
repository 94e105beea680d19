-- Where the server's binary log stood when it was first looked at, and when that was by its own clock: the archive reaches
-- back to there, however late its agent begins. Servers of before have none; the agent notes it when it next looks.
ALTER TABLE servers
    ADD COLUMN first_identity  text,
    ADD COLUMN first_file      text,
    ADD COLUMN first_position  bigint CHECK (first_position >= 4),
    ADD COLUMN first_seen_at   timestamptz,
    ADD CONSTRAINT servers_first_place
        CHECK (num_nulls(first_identity, first_file, first_position, first_seen_at) IN (0, 4));
