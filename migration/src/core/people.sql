CREATE TABLE IF NOT EXISTS users (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  id {uuid} NOT NULL,
  email text NOT NULL,
  name text,
  password_hash text NOT NULL,
  created_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, email)
);

CREATE TABLE IF NOT EXISTS sellers (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  id {uuid} NOT NULL,
  display_name text NOT NULL,
  country text NOT NULL CHECK (length(country) = 2),
  email text NOT NULL,
  charge_model text CHECK (charge_model IN ('direct', 'destination', 'separate')),
  status text NOT NULL CHECK (status IN ('pending', 'onboarding', 'active', 'restricted', 'suspended', 'deauthorized')),
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE INDEX IF NOT EXISTS sellers_by_status ON sellers (tenant_id, status, id);

-- The sweeper's: sellers of every tenant who wait for the provider.
CREATE INDEX IF NOT EXISTS sellers_waiting ON sellers (tenant_id, id) WHERE status IN ('onboarding', 'restricted');

CREATE TABLE IF NOT EXISTS memberships (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  user_id {uuid} NOT NULL,
  role text NOT NULL CHECK (role IN ('buyer', 'seller_owner', 'seller_staff', 'tenant_admin', 'tenant_finance', 'operator')),
  seller_id {uuid},
  created_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
  FOREIGN KEY (tenant_id, seller_id) REFERENCES sellers (tenant_id, id),
  CHECK ((role IN ('seller_owner', 'seller_staff')) = (seller_id IS NOT NULL))
);

-- Read for every request; the two below are partial, and no use to a query that wants a person's every role.
CREATE INDEX IF NOT EXISTS memberships_of_user ON memberships (tenant_id, user_id, id);

CREATE UNIQUE INDEX IF NOT EXISTS memberships_of_tenant ON memberships (tenant_id, user_id, role) WHERE seller_id IS NULL;

CREATE UNIQUE INDEX IF NOT EXISTS memberships_of_seller ON memberships (tenant_id, user_id, seller_id) WHERE seller_id IS NOT NULL;

-- One row per login; the refresh token rotates, the row stays. Only the
-- current token's hash is kept: any other token that names this row is a reuse, which revokes it.
CREATE TABLE IF NOT EXISTS sessions (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  user_id {uuid} NOT NULL,
  token_hash text NOT NULL,
  created_at {time} NOT NULL,
  rotated_at {time} NOT NULL,
  expires_at {time} NOT NULL,
  revoked_at {time},
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (tenant_id, user_id);

CREATE TABLE IF NOT EXISTS api_keys (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  id {uuid} NOT NULL,
  name text NOT NULL,
  key_hash text NOT NULL,
  created_at {time} NOT NULL,
  revoked_at {time},
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key_hash)
);
