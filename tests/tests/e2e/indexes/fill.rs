//! A hundred thousand rows in every table that grows, made by the database itself, with the same statements on both.
//!
//! The rows are the past of a busy marketplace: nearly all of them are done with, few are open, none is due. What
//! belongs together has the same number: order `i` has line, payment, receipt and job `i`.

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend};
use uuid::Uuid;

/// Rows of each table that grows with sales.
const MANY: i64 = 100_000;
/// Rows of each table that grows with sellers.
const SELLERS: i64 = 20_000;

/// How each database spells what a filler needs.
struct Dialect {
    postgres: bool,
    tenant: Uuid,
}

impl Dialect {
    /// An id that only depends on the kind (two hexadecimal digits) and the number; older than any real one.
    fn id(&self, kind: &str, number: &str) -> String {
        if self.postgres {
            format!("('01800000-00{kind}-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid")
        } else {
            format!("unhex('0180000000{kind}70008000' || printf('%012x', {number}))")
        }
    }

    fn tenant(&self) -> String {
        if self.postgres {
            format!("'{}'::uuid", self.tenant)
        } else {
            format!("x'{}'", self.tenant.simple())
        }
    }

    /// A time so many minutes after 2024 began; all of them are in the past.
    fn time(&self, minutes: &str) -> String {
        if self.postgres {
            format!("(timestamptz '2024-01-01 00:00:00+00' + ({minutes}) * interval '1 minute')")
        } else {
            format!("strftime('%Y-%m-%dT%H:%M:%S+00:00', 1704067200 + ({minutes}) * 60, 'unixepoch')")
        }
    }

    fn json(&self, text: &str) -> String {
        if self.postgres { format!("'{text}'::jsonb") } else { format!("'{text}'") }
    }

    /// `INSERT INTO table (columns) SELECT values`, for each `i` from 1 to `count`.
    fn insert(&self, table: &str, count: i64, row: &[(&str, String)]) -> String {
        let columns = row.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let values = row.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
        let numbers = if self.postgres {
            format!("generate_series(1, {count}) AS numbers (i)")
        } else {
            format!(
                "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n)"
            )
        };
        format!(
            "INSERT INTO {table} (tenant_id, {columns}) SELECT {}, {values} FROM {numbers}",
            self.tenant()
        )
    }
}

/// Fills the tenant's tables and has the database count them.
pub async fn fill(url: &str, tenant: Uuid) {
    // One connection: what is switched off here is switched off for it alone.
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await.unwrap();
    let postgres = db.get_database_backend() == DbBackend::Postgres;
    let dialect = Dialect { postgres, tenant };
    let mut script = vec![if postgres {
        "SET session_replication_role = replica".to_owned()
    } else {
        "PRAGMA foreign_keys = OFF".to_owned()
    }];
    script.push("BEGIN".to_owned());
    script.extend(people(&dialect));
    script.extend(seller_records(&dialect));
    script.extend(catalogue(&dialect));
    script.extend(orders(&dialect));
    script.extend(payments(&dialect));
    script.extend(work(&dialect));
    script.extend(records(&dialect));
    script.push("COMMIT".to_owned());
    script.push("ANALYZE".to_owned());
    for statement in script {
        db.execute_unprepared(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    db.close().await.unwrap();
}

fn text(value: &str) -> String {
    format!("'{value}'")
}

fn people(d: &Dialect) -> Vec<String> {
    let (now, user, seller) = (d.time("i"), d.id("01", "i"), d.id("02", "i"));
    vec![
        d.insert(
            "users",
            MANY,
            &[
                ("id", user.clone()),
                ("email", "'user' || i || '@filler.example'".to_owned()),
                ("password_hash", text("x")),
                ("created_at", now.clone()),
            ],
        ),
        d.insert(
            "sessions",
            MANY,
            &[
                ("id", d.id("03", "i")),
                ("user_id", user.clone()),
                ("token_hash", text("x")),
                ("created_at", now.clone()),
                ("rotated_at", now.clone()),
                ("expires_at", d.time("i + 43200")),
            ],
        ),
        d.insert(
            "sellers",
            SELLERS,
            &[
                ("id", seller.clone()),
                ("display_name", "'Seller ' || i".to_owned()),
                ("country", text("US")),
                ("email", "'seller' || i || '@filler.example'".to_owned()),
                (
                    "status",
                    "CASE i % 1000 WHEN 0 THEN 'onboarding' WHEN 1 THEN 'restricted' WHEN 2 THEN 'suspended' ELSE 'active' END"
                        .to_owned(),
                ),
                ("created_at", now.clone()),
                ("updated_at", now.clone()),
            ],
        ),
        d.insert(
            "memberships",
            SELLERS,
            &[
                ("id", d.id("04", "i")),
                ("user_id", user),
                ("role", text("seller_owner")),
                ("seller_id", seller),
                ("created_at", now),
            ],
        ),
    ]
}

fn seller_records(d: &Dialect) -> Vec<String> {
    let (now, seller) = (d.time("i"), d.id("02", "i"));
    vec![
        d.insert(
            "connected_accounts",
            SELLERS,
            &[
                ("seller_id", seller.clone()),
                ("provider", text("stripe")),
                ("account", "'acct_filler' || i".to_owned()),
                ("charges_enabled", "true".to_owned()),
                ("payouts_enabled", "true".to_owned()),
                ("details_submitted", "true".to_owned()),
                ("transfers_active", "true".to_owned()),
                ("requirements", d.json(r#"{"currently_due":[],"past_due":[],"disabled_reason":null}"#)),
                // Read just now, so that the sweeper has nobody to ask about.
                ("as_of", d.time("5256000")),
                ("created_at", now.clone()),
            ],
        ),
        d.insert(
            "fee_schedules",
            SELLERS,
            &[
                ("id", d.id("05", "i")),
                ("seller_id", seller),
                ("fee_bps", "900".to_owned()),
                ("fixed", "0".to_owned()),
                ("currency", text("usd")),
                ("effective_from", now.clone()),
                ("created_by", text("filler")),
                ("created_at", now),
            ],
        ),
    ]
}

fn catalogue(d: &Dialect) -> Vec<String> {
    let now = d.time("i");
    let seller = d.id("02", &format!("1 + i % {SELLERS}"));
    // Of each listing five slots.
    let listing = d.id("06", &format!("1 + i % {SELLERS}"));
    let at = |minutes: i64| d.time(&format!("1576800 + i * 30 + {minutes}"));
    vec![
        d.insert(
            "listings",
            SELLERS,
            &[
                ("id", d.id("06", "i")),
                ("seller_id", d.id("02", "i")),
                ("title", "'Listing ' || i".to_owned()),
                ("description", text("")),
                ("price", "2500".to_owned()),
                ("currency", text("usd")),
                ("timezone", text("UTC")),
                ("capture", text("automatic")),
                ("status", "CASE i % 10 WHEN 0 THEN 'archived' ELSE 'active' END".to_owned()),
                ("created_at", now.clone()),
                ("updated_at", now.clone()),
            ],
        ),
        d.insert(
            "slots",
            MANY,
            &[
                ("id", d.id("07", "i")),
                ("listing_id", listing),
                ("seller_id", seller),
                ("starts_at", at(0)),
                ("ends_at", at(60)),
                ("timezone", text("UTC")),
                ("capacity", "10".to_owned()),
                ("sold", "1".to_owned()),
                ("status", text("open")),
                ("created_at", now.clone()),
                ("updated_at", now.clone()),
            ],
        ),
        d.insert(
            "promotions",
            SELLERS,
            &[
                ("id", d.id("08", "i")),
                ("code", "'FILLER' || i".to_owned()),
                ("percent_bps", "1000".to_owned()),
                ("redeemed", "0".to_owned()),
                ("active", "true".to_owned()),
                ("created_at", now),
            ],
        ),
    ]
}

fn status(paid: &str, open: &str, rest: &str) -> String {
    format!("CASE WHEN i % 200 = 0 THEN '{open}' WHEN i % 20 = 1 THEN '{rest}' ELSE '{paid}' END")
}

fn number(value: i64) -> String {
    value.to_string()
}

fn orders(d: &Dialect) -> Vec<String> {
    let (now, order) = (d.time("i"), d.id("09", "i"));
    vec![
        d.insert(
            "orders",
            MANY,
            &[
                ("id", order.clone()),
                ("status", status("paid", "pending", "expired")),
                ("buyer_id", d.id("01", "i")),
                ("email", "'user' || i || '@filler.example'".to_owned()),
                ("seller_id", d.id("02", &format!("1 + i % {SELLERS}"))),
                ("charge_model", text("direct")),
                ("capture", text("automatic")),
                ("provider_codes", "false".to_owned()),
                ("currency", text("usd")),
                ("subtotal", number(2_500)),
                ("discount", number(0)),
                ("total", number(2_500)),
                ("application_fee", number(250)),
                ("refunded", number(0)),
                ("hold_expires_at", d.time("i + 15")),
                // Open ones were made just now, so that the sweeper leaves them alone.
                ("created_at", d.time("CASE WHEN i % 200 = 0 THEN 5256000 ELSE i END")),
                ("updated_at", now.clone()),
            ],
        ),
        d.insert(
            "order_lines",
            MANY,
            &[
                ("id", d.id("0b", "i")),
                ("order_id", order.clone()),
                ("slot_id", d.id("07", "i")),
                ("listing_id", d.id("06", &format!("1 + i % {SELLERS}"))),
                ("seller_id", d.id("02", &format!("1 + i % {SELLERS}"))),
                ("title", "'Listing ' || i".to_owned()),
                ("starts_at", now.clone()),
                ("timezone", text("UTC")),
                ("quantity", number(1)),
                ("unit_price", number(2_500)),
                ("total", number(2_500)),
                ("discount", number(0)),
                ("application_fee", number(250)),
            ],
        ),
        d.insert(
            "slot_holds",
            MANY,
            &[
                ("order_id", order),
                ("slot_id", d.id("07", "i")),
                ("quantity", number(1)),
                ("expires_at", d.time("i + 15")),
                ("created_at", now),
            ],
        ),
    ]
}

fn payments(d: &Dialect) -> Vec<String> {
    let (now, order, payment) = (d.time("i"), d.id("09", "i"), d.id("0a", "i"));
    vec![
        d.insert(
            "payments",
            MANY,
            &[
                ("id", payment.clone()),
                ("order_id", order.clone()),
                ("provider", text("stripe")),
                ("status", status("succeeded", "open", "cancelled")),
                ("charge_model", text("direct")),
                ("account", "'acct_filler' || i".to_owned()),
                ("ui_mode", text("hosted")),
                ("currency", text("usd")),
                ("amount", number(2_500)),
                ("refunded", number(0)),
                ("application_fee", number(250)),
                ("request", d.json("{}")),
                ("session", "'cs_filler' || i".to_owned()),
                ("provider_payment", "'pi_filler' || i".to_owned()),
                ("expires_at", d.time("i + 15")),
                ("created_at", now.clone()),
                ("updated_at", now.clone()),
            ],
        ),
        d.insert(
            "payment_receipts",
            MANY,
            &[
                ("provider", text("stripe")),
                ("receipt", "'pi_filler' || i".to_owned()),
                ("payment_id", payment.clone()),
                ("order_id", order.clone()),
                ("kind", text("captured")),
                ("amount", number(2_500)),
                ("currency", text("usd")),
                ("verdict", text("paid")),
                ("source", text("webhook")),
                ("occurred_at", now.clone()),
                ("created_at", now.clone()),
            ],
        ),
        d.insert(
            "refunds",
            MANY,
            &[
                ("id", d.id("0c", "i")),
                ("order_id", order),
                ("payment_id", payment),
                ("kind", text("requested")),
                ("status", text("succeeded")),
                ("amount", number(100)),
                ("currency", text("usd")),
                ("application_fee_refunded", number(10)),
                ("transfer_reversed", number(0)),
                ("release", "false".to_owned()),
                ("released", "false".to_owned()),
                ("provider_refund", "'re_filler' || i".to_owned()),
                ("requested_by", text("filler")),
                ("created_at", now.clone()),
                ("updated_at", now),
            ],
        ),
    ]
}

fn work(d: &Dialect) -> Vec<String> {
    let now = d.time("i");
    // A few wait for a time that is far off.
    let status = "CASE WHEN i % 200 = 0 THEN 'pending' WHEN i % 1000 = 1 THEN 'dead' ELSE 'done' END";
    let due = d.time("CASE WHEN i % 200 = 0 THEN 5256000 ELSE i END");
    vec![
        d.insert(
            "webhook_events",
            MANY,
            &[
                ("id", d.id("0d", "i")),
                ("provider", text("stripe")),
                ("endpoint", text("platform")),
                ("provider_event", "'evt_filler' || i".to_owned()),
                ("type", text("checkout.session.completed")),
                ("livemode", "false".to_owned()),
                ("body", text("{}")),
                ("status", status.to_owned()),
                ("attempts", "1".to_owned()),
                ("run_at", due.clone()),
                ("occurred_at", now.clone()),
                ("received_at", now.clone()),
            ],
        ),
        d.insert(
            "jobs",
            MANY,
            &[
                ("id", d.id("0e", "i")),
                ("kind", text("order_mail")),
                ("subject", "'filler' || i".to_owned()),
                ("payload", d.json("null")),
                ("status", status.to_owned()),
                ("attempts", "1".to_owned()),
                ("run_at", due),
                ("created_at", now),
            ],
        ),
    ]
}

fn records(d: &Dialect) -> Vec<String> {
    let now = d.time("i");
    vec![
        d.insert(
            "idempotency_keys",
            MANY,
            &[
                ("actor", "'user' || i".to_owned()),
                ("operation", text("checkout")),
                ("key", "'key' || i".to_owned()),
                ("request_hash", text("x")),
                ("locked_until", now.clone()),
                // Few are old enough to be forgotten.
                ("created_at", d.time("CASE WHEN i % 1000 = 0 THEN i ELSE 5256000 END")),
            ],
        ),
        d.insert(
            "audit_log",
            MANY,
            &[
                ("id", d.id("0f", "i")),
                ("actor_kind", text("user")),
                ("actor", "'user' || i".to_owned()),
                ("action", text("listing.update")),
                ("subject", "'subject' || i".to_owned()),
                ("detail", d.json("{}")),
                ("created_at", now.clone()),
            ],
        ),
        d.insert(
            "mails",
            MANY,
            &[
                ("id", d.id("10", "i")),
                ("kind", text("order_paid")),
                ("subject_ref", "'filler' || i".to_owned()),
                ("recipient", "'user' || i || '@filler.example'".to_owned()),
                ("subject", text("x")),
                ("body", text("x")),
                ("created_at", now),
            ],
        ),
    ]
}
