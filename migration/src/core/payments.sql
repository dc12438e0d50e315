CREATE TABLE IF NOT EXISTS payments (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  order_id {uuid} NOT NULL,
  provider text NOT NULL CHECK (provider IN ('stripe', 'square', 'paypal')),
  status text NOT NULL CHECK (status IN ('created', 'open', 'processing', 'authorised', 'succeeded', 'failed', 'cancelled')),
  charge_model text NOT NULL CHECK (charge_model IN ('direct', 'destination', 'separate')),
  account text NOT NULL,
  ui_mode text NOT NULL CHECK (ui_mode IN ('hosted', 'embedded', 'custom')),
  currency text NOT NULL CHECK (length(currency) = 3),
  amount bigint NOT NULL CHECK (amount >= 0),
  refunded bigint NOT NULL CHECK (refunded >= 0),
  application_fee bigint NOT NULL CHECK (application_fee BETWEEN 0 AND amount),
  request {json} NOT NULL,
  session text,
  provider_payment text,
  checkout_url text,
  client_secret_sealed text,
  failure text,
  expires_at {time} NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, provider, session),
  UNIQUE (tenant_id, provider, provider_payment),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK (refunded <= amount)
);

CREATE INDEX IF NOT EXISTS payments_of_order ON payments (tenant_id, order_id);

-- That money has moved is recorded here first; one row per payment of the provider's, whoever tells and how often.
CREATE TABLE IF NOT EXISTS payment_receipts (
  tenant_id {uuid} NOT NULL,
  provider text NOT NULL,
  receipt text NOT NULL,
  payment_id {uuid} NOT NULL,
  order_id {uuid} NOT NULL,
  kind text NOT NULL CHECK (kind IN ('captured', 'authorised', 'free')),
  amount bigint NOT NULL CHECK (amount >= 0),
  currency text NOT NULL CHECK (length(currency) = 3),
  verdict text NOT NULL,
  source text NOT NULL,
  occurred_at {time} NOT NULL,
  created_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, provider, receipt),
  FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id)
);

CREATE INDEX IF NOT EXISTS payment_receipts_of_order ON payment_receipts (tenant_id, order_id);

CREATE TABLE IF NOT EXISTS refunds (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  order_id {uuid} NOT NULL,
  payment_id {uuid} NOT NULL,
  kind text NOT NULL CHECK (kind IN ('requested', 'unfulfillable', 'duplicate')),
  status text NOT NULL CHECK (status IN ('pending', 'requires_action', 'succeeded', 'failed', 'cancelled')),
  amount bigint NOT NULL CHECK (amount > 0),
  currency text NOT NULL CHECK (length(currency) = 3),
  application_fee_refunded bigint NOT NULL CHECK (application_fee_refunded >= 0),
  transfer_reversed bigint NOT NULL CHECK (transfer_reversed >= 0),
  release boolean NOT NULL,
  released boolean NOT NULL,
  reason text,
  provider_refund text,
  failure text,
  requested_by text NOT NULL,
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id),
  UNIQUE (tenant_id, provider_refund)
);

-- What souk gives back by itself, it gives back once per payment.
CREATE UNIQUE INDEX IF NOT EXISTS refunds_automatic ON refunds (tenant_id, payment_id) WHERE kind <> 'requested';

CREATE INDEX IF NOT EXISTS refunds_of_order ON refunds (tenant_id, order_id);

CREATE INDEX IF NOT EXISTS refunds_of_payment ON refunds (tenant_id, payment_id);
