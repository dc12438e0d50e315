CREATE TABLE IF NOT EXISTS connected_accounts (
  tenant_id {uuid} NOT NULL,
  seller_id {uuid} NOT NULL,
  provider text NOT NULL CHECK (provider IN ('stripe', 'square', 'paypal')),
  account text NOT NULL,
  charges_enabled boolean NOT NULL,
  payouts_enabled boolean NOT NULL,
  details_submitted boolean NOT NULL,
  transfers_active boolean NOT NULL,
  requirements {json} NOT NULL,
  default_currency text,
  as_of {time} NOT NULL,
  created_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, seller_id, provider),
  UNIQUE (tenant_id, provider, account),
  FOREIGN KEY (tenant_id, seller_id) REFERENCES sellers (tenant_id, id)
);

-- `seller_id` is null for the tenant's default. Rows are never changed: the newest one in effect counts.
CREATE TABLE IF NOT EXISTS fee_schedules (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  id {uuid} NOT NULL,
  seller_id {uuid},
  fee_bps bigint NOT NULL CHECK (fee_bps BETWEEN 0 AND 10000),
  fixed bigint NOT NULL CHECK (fixed >= 0),
  min bigint CHECK (min >= 0),
  max bigint CHECK (max >= 0),
  currency text NOT NULL CHECK (length(currency) = 3),
  effective_from {time} NOT NULL,
  created_by text NOT NULL,
  created_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, seller_id) REFERENCES sellers (tenant_id, id),
  CHECK (min IS NULL OR max IS NULL OR min <= max)
);

CREATE INDEX IF NOT EXISTS fee_schedules_in_effect ON fee_schedules (tenant_id, seller_id, effective_from, id);
