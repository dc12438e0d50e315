-- Owned by the installation: which marketplaces there are, and by which host each is found.
CREATE TABLE IF NOT EXISTS tenants (
  id {uuid} NOT NULL PRIMARY KEY,
  slug text NOT NULL UNIQUE,
  name text NOT NULL,
  currency text NOT NULL CHECK (length(currency) = 3),
  country text NOT NULL CHECK (length(country) = 2),
  charge_model text NOT NULL CHECK (charge_model IN ('direct', 'destination', 'separate')),
  public_url text NOT NULL,
  hold_seconds bigint NOT NULL CHECK (hold_seconds BETWEEN 60 AND 86400),
  provider_codes boolean NOT NULL,
  mixed_baskets boolean NOT NULL,
  created_at {time} NOT NULL
);

CREATE TABLE IF NOT EXISTS tenant_hosts (
  host text NOT NULL PRIMARY KEY,
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  created_at {time} NOT NULL
);

-- A tenant's keys at a payment provider; every *_sealed column is authenticated encryption.
CREATE TABLE IF NOT EXISTS tenant_gateways (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  provider text NOT NULL CHECK (provider IN ('stripe', 'square', 'paypal')),
  api_base text NOT NULL,
  livemode boolean NOT NULL,
  secret_key_sealed text NOT NULL,
  publishable_key text,
  webhook_secrets_sealed text NOT NULL,
  connect_webhook_secrets_sealed text NOT NULL,
  updated_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, provider)
);
