-- Amounts are minor units of `currency`. `refunded` counts what is given back or reserved for it.
CREATE TABLE IF NOT EXISTS orders (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id),
  id {uuid} NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'processing', 'paid', 'expired', 'cancelled', 'failed', 'unfulfillable', 'review')),
  review_reason text,
  buyer_id {uuid},
  email text,
  seller_id {uuid},
  charge_model text NOT NULL CHECK (charge_model IN ('direct', 'destination', 'separate')),
  capture text NOT NULL CHECK (capture IN ('automatic', 'on_confirmation')),
  provider_codes boolean NOT NULL,
  promotion_id {uuid},
  promotion_code text,
  currency text NOT NULL CHECK (length(currency) = 3),
  subtotal bigint NOT NULL CHECK (subtotal >= 0),
  discount bigint NOT NULL CHECK (discount >= 0),
  total bigint NOT NULL CHECK (total >= 0),
  application_fee bigint NOT NULL CHECK (application_fee >= 0),
  refunded bigint NOT NULL CHECK (refunded >= 0),
  hold_expires_at {time} NOT NULL,
  paid_at {time},
  created_at {time} NOT NULL,
  updated_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, buyer_id) REFERENCES users (tenant_id, id),
  FOREIGN KEY (tenant_id, seller_id) REFERENCES sellers (tenant_id, id),
  FOREIGN KEY (tenant_id, promotion_id) REFERENCES promotions (tenant_id, id),
  CHECK (total = subtotal - discount),
  CHECK (application_fee <= total),
  CHECK (refunded <= total)
);

CREATE INDEX IF NOT EXISTS orders_of_buyer ON orders (tenant_id, buyer_id, id);

CREATE INDEX IF NOT EXISTS orders_of_seller ON orders (tenant_id, seller_id, id);

CREATE INDEX IF NOT EXISTS orders_by_status ON orders (tenant_id, status, id);

-- The sweeper's: open orders of every tenant, the longest waiting first.
CREATE INDEX IF NOT EXISTS orders_waiting ON orders (created_at) WHERE status IN ('pending', 'processing');

CREATE TABLE IF NOT EXISTS order_lines (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  order_id {uuid} NOT NULL,
  slot_id {uuid} NOT NULL,
  listing_id {uuid} NOT NULL,
  seller_id {uuid} NOT NULL,
  title text NOT NULL,
  starts_at {time} NOT NULL,
  timezone text NOT NULL,
  quantity bigint NOT NULL CHECK (quantity > 0),
  unit_price bigint NOT NULL CHECK (unit_price >= 0),
  total bigint NOT NULL CHECK (total >= 0),
  discount bigint NOT NULL CHECK (discount BETWEEN 0 AND total),
  application_fee bigint NOT NULL CHECK (application_fee >= 0),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, order_id, slot_id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  FOREIGN KEY (tenant_id, slot_id) REFERENCES slots (tenant_id, id),
  FOREIGN KEY (tenant_id, listing_id) REFERENCES listings (tenant_id, id),
  FOREIGN KEY (tenant_id, seller_id) REFERENCES sellers (tenant_id, id),
  CHECK (total = quantity * unit_price)
);

CREATE INDEX IF NOT EXISTS order_lines_of_slot ON order_lines (tenant_id, slot_id);

CREATE INDEX IF NOT EXISTS order_lines_of_seller ON order_lines (tenant_id, seller_id, order_id);

-- A hold belongs to one order; whoever deletes it names that order, so that no expiry frees another buyer's seat.
CREATE TABLE IF NOT EXISTS slot_holds (
  tenant_id {uuid} NOT NULL,
  order_id {uuid} NOT NULL,
  slot_id {uuid} NOT NULL,
  quantity bigint NOT NULL CHECK (quantity > 0),
  expires_at {time} NOT NULL,
  created_at {time} NOT NULL,
  PRIMARY KEY (tenant_id, order_id, slot_id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  FOREIGN KEY (tenant_id, slot_id) REFERENCES slots (tenant_id, id)
);

CREATE INDEX IF NOT EXISTS slot_holds_of_slot ON slot_holds (tenant_id, slot_id);
