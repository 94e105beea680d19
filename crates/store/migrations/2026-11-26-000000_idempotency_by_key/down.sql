DELETE FROM idempotency;
ALTER TABLE idempotency
    DROP CONSTRAINT idempotency_pkey,
    DROP COLUMN api_key_id,
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (tenant_id, key);
