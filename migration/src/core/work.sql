-- The inbox: every webhook whose signature was right, exactly as it came.
CREATE TABLE IF NOT EXISTS webhook_events (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  id {uuid} NOT NULL,
  provider text NOT NULL CHECK (provider IN ('stripe', 'square', 'paypal')),
  endpoint text NOT NULL CHECK (endpoint IN ('platform', 'connect')),
  provider_event text NOT NULL,
  type text NOT NULL,
  account text,
  livemode boolean NOT NULL,
  api_version text,
  body text NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'done', 'ignored', 'dead')),
  reason text,
  attempts bigint NOT NULL CHECK (attempts >= 0),
  run_at {time} NOT NULL,
  occurred_at {time} NOT NULL,
  received_at {time} NOT NULL,
  finished_at {time},
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, provider, provider_event)
);

CREATE INDEX IF NOT EXISTS webhook_events_due ON webhook_events (run_at, id) WHERE status = 'pending';

CREATE INDEX IF NOT EXISTS webhook_events_by_status ON webhook_events (tenant_id, status, id);

-- `run_at` doubles as the lease: a worker moves it into the future, does the work, and whoever comes after a crash
-- finds it in the past again.
CREATE TABLE IF NOT EXISTS jobs (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  id {uuid} NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL,
  payload {json} NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'done', 'dead')),
  attempts bigint NOT NULL CHECK (attempts >= 0),
  last_error text,
  run_at {time} NOT NULL,
  created_at {time} NOT NULL,
  finished_at {time},
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, kind, subject)
);

CREATE INDEX IF NOT EXISTS jobs_due ON jobs (run_at, id) WHERE status = 'pending';

CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (tenant_id, status, id);

CREATE TABLE IF NOT EXISTS idempotency_keys (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  actor text NOT NULL,
  operation text NOT NULL,
  key text NOT NULL,
  request_hash text NOT NULL,
  subject {uuid},
  status bigint,
  body {json},
  locked_until {time} NOT NULL,
  created_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, actor, operation, key)
);

CREATE INDEX IF NOT EXISTS idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE IF NOT EXISTS audit_log (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  id {uuid} NOT NULL,
  actor_kind text NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  detail {json} NOT NULL,
  request_id text,
  created_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE INDEX IF NOT EXISTS audit_log_of_subject ON audit_log (tenant_id, subject, id);

-- Up to when the provider's events have been listed, per account ('' is the platform).
CREATE TABLE IF NOT EXISTS event_cursors (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  provider text NOT NULL,
  account text NOT NULL,
  seen_until {time} NOT NULL,
  updated_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, provider, account)
);

-- What souk says to people. In the demo this is where mail stays; delivery is a job.
CREATE TABLE IF NOT EXISTS mails (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  id {uuid} NOT NULL,
  kind text NOT NULL,
  subject_ref text NOT NULL,
  recipient text NOT NULL,
  subject text NOT NULL,
  body text NOT NULL,
  created_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, kind, subject_ref)
);
