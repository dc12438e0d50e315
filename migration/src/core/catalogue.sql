CREATE TABLE IF NOT EXISTS listings (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  seller_id {uuid} NOT NULL,
  title text NOT NULL,
  description text NOT NULL,
  price bigint NOT NULL CHECK (price >= 0),
  currency text NOT NULL CHECK (length(currency) = 3),
  timezone text NOT NULL,
  capture text NOT NULL CHECK (capture IN ('automatic', 'on_confirmation')),
  status text NOT NULL CHECK (status IN ('active', 'archived')),
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, seller_id) REFERENCES sellers (tenant_id, id)
);

CREATE INDEX IF NOT EXISTS listings_of_seller ON listings (tenant_id, seller_id, id);

CREATE INDEX IF NOT EXISTS listings_by_status ON listings (tenant_id, status, id);

-- `sold` is written by confirm and by a refund that releases seats, and by nothing else.
CREATE TABLE IF NOT EXISTS slots (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  listing_id {uuid} NOT NULL,
  seller_id {uuid} NOT NULL,
  starts_at {time} NOT NULL,
  ends_at {time} NOT NULL,
  timezone text NOT NULL,
  capacity bigint NOT NULL,
  sold bigint NOT NULL,
  status text NOT NULL CHECK (status IN ('open', 'cancelled')),
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, listing_id, starts_at),
  FOREIGN KEY (tenant_id, listing_id) REFERENCES listings (tenant_id, id),
  CHECK (0 <= sold AND sold <= capacity),
  CHECK (starts_at < ends_at)
);

CREATE TABLE IF NOT EXISTS promotions (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  id {uuid} NOT NULL,
  code text NOT NULL,
  percent_bps bigint CHECK (percent_bps BETWEEN 1 AND 10000),
  amount_off bigint CHECK (amount_off > 0),
  currency text CHECK (length(currency) = 3),
  min_subtotal bigint CHECK (min_subtotal >= 0),
  max_redemptions bigint CHECK (max_redemptions >= 0),
  redeemed bigint NOT NULL CHECK (redeemed >= 0),
  active boolean NOT NULL,
  starts_at {time},
  ends_at {time},
  created_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code),
  CHECK ((percent_bps IS NULL) <> (amount_off IS NULL)),
  CHECK ((amount_off IS NULL) = (currency IS NULL)),
  CHECK (max_redemptions IS NULL OR redeemed <= max_redemptions)
);
