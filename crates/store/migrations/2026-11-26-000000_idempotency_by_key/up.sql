-- An answer is given again to the API key that had it, and to no other of the tenant. What is stored from before is of no
-- use then: it does not say whose it is, and answers to `POST /keys` held the new key (sealed). Those hold none any more.
DELETE FROM idempotency;
ALTER TABLE idempotency
    DROP CONSTRAINT idempotency_pkey,
    ADD COLUMN api_key_id uuid NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (api_key_id, key);
