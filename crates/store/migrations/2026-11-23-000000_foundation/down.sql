DROP TABLE idempotency, gaps, segments, agents, outbox, prefixes, runs, schedules, servers, api_keys, tenants;
