//! How the database would run a statement, and whether that is any good when its tables are large.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde_json::Value;

/// The tables that grow with the marketplace.
const LARGE: &[&str] = &[
    "audit_log",
    "connected_accounts",
    "fee_schedules",
    "idempotency_keys",
    "jobs",
    "listings",
    "mails",
    "memberships",
    "order_lines",
    "orders",
    "payment_receipts",
    "payments",
    "promotions",
    "refunds",
    "sellers",
    "sessions",
    "slot_holds",
    "slots",
    "users",
    "webhook_events",
];

/// Indexes of the few rows that wait for something: reading all of one is reading what is wanted.
const PARTIAL: &[&str] = &[" jobs_due", " orders_waiting", " sellers_waiting", " webhook_events_due"];

/// A sort of more rows than this is a large one: a page has a hundred, with some lines each.
const LARGE_SORT: f64 = 2_000.0;
/// In PostgreSQL's units; reading one of the large tables costs 2,000 and more.
const LARGE_COST: f64 = 1_500.0;

/// A statement without the number of its values: `IN (?, ?, ?)` is `IN (…)`.
pub fn shape(sql: &str) -> String {
    let mut shape = String::new();
    let mut rest = sql;
    while let Some(open) = rest.find('(') {
        let (before, after) = rest.split_at(open + 1);
        shape.push_str(before);
        let close = after.find(')').unwrap_or(after.len());
        let inside = &after[..close];
        let values = inside.split(", ").all(|part| part == "?" || part.starts_with('$'));
        rest = if values && !inside.is_empty() { &after[close..] } else { after };
        if values && !inside.is_empty() {
            shape.push('…');
        }
    }
    shape.push_str(rest);
    shape
}

/// What is wrong with how the database would run a statement, if anything.
pub async fn judge(db: &DatabaseConnection, statement: &Statement) -> Option<String> {
    let explained = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];
    if !explained.iter().any(|verb| statement.sql.starts_with(verb)) {
        return None;
    }
    let complaints = if db.get_database_backend() == DbBackend::Postgres {
        let rows = explain(db, statement, "EXPLAIN (FORMAT JSON)").await;
        let plan: Value = rows[0].try_get_by_index(0).unwrap();
        postgres(&plan[0]["Plan"])
    } else {
        let rows = explain(db, statement, "EXPLAIN QUERY PLAN").await;
        let steps: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        sqlite(&statement.sql, &steps)
    };
    (!complaints.is_empty()).then(|| format!("{}\n  {}", statement.sql, complaints.join("\n  ")))
}

async fn explain(db: &DatabaseConnection, statement: &Statement, how: &str) -> Vec<sea_orm::QueryResult> {
    let sql = format!("{how} {}", statement.sql);
    let explain = match &statement.values {
        Some(values) => Statement::from_sql_and_values(statement.db_backend, sql, values.clone()),
        None => Statement::from_string(statement.db_backend, sql),
    };
    db.query_all_raw(explain).await.unwrap_or_else(|error| panic!("{}: {error}", statement.sql))
}

/// PostgreSQL knows how many rows there are, and says what it expects to read.
fn postgres(plan: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    walk(plan, false, &mut complaints);
    let cost = plan["Total Cost"].as_f64().unwrap();
    if cost > LARGE_COST {
        complaints.push(format!("costs {cost}"));
    }
    if !complaints.is_empty() {
        complaints.push(plan.to_string());
    }
    complaints
}

fn walk(plan: &Value, limited: bool, complaints: &mut Vec<String>) {
    let node = plan["Node Type"].as_str().unwrap();
    let table = plan["Relation Name"].as_str().unwrap_or_default();
    let rows = plan["Plan Rows"].as_f64().unwrap();
    let limited = limited || node == "Limit";
    if node == "Seq Scan" && LARGE.contains(&table) {
        complaints.push(format!("reads all of {table}"));
    }
    let whole_index = node.starts_with("Index") && plan.get("Index Cond").is_none() && !limited;
    if whole_index && LARGE.contains(&table) && rows > LARGE_SORT {
        complaints.push(format!("reads a whole index of {table}"));
    }
    if node.contains("Sort") && rows > LARGE_SORT {
        complaints.push(format!("sorts {rows} rows"));
    }
    for inner in plan["Plans"].as_array().into_iter().flatten() {
        walk(inner, limited, complaints);
    }
}

/// SQLite only says which way it goes. Knowing no more than the tenant is reading everything, unless the rows come in
/// order and only a page of them is wanted; a sort is small where an index has found the rows by more than that.
fn sqlite(sql: &str, steps: &[String]) -> Vec<String> {
    let mut complaints = Vec::new();
    let paged = sql.contains(" LIMIT ");
    let sorted = steps.iter().any(|step| step.contains("USE TEMP B-TREE FOR ORDER BY"));
    for step in steps {
        let mut words = step.split(' ');
        let (verb, table) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if !LARGE.contains(&table) {
            continue;
        }
        if PARTIAL.iter().any(|index| step.contains(index)) {
            continue;
        }
        let ordered_page = paged && !sorted && step.contains(" INDEX ");
        let by_tenant_only = step.ends_with("(tenant_id=?)");
        if verb == "SCAN" && !ordered_page {
            complaints.push(format!("reads all of {table}: {step}"));
        } else if verb == "SEARCH" && by_tenant_only && !ordered_page {
            complaints.push(format!("reads the tenant's {table}: {step}"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_count() {
        assert_eq!(
            shape("SELECT a FROM t WHERE b IN (?, ?) AND c IN (?)"),
            "SELECT a FROM t WHERE b IN (…) AND c IN (…)"
        );
        assert_eq!(shape("x IN ($1, $2, $3) AND (y = $4)"), "x IN (…) AND (y = $4)");
        assert_eq!(shape("count(*) f()"), "count(*) f()");
    }

    #[test]
    fn sqlite_plans_that_read_everything_are_found() {
        let judged = |sql: &str, steps: &[&str]| {
            sqlite(sql, &steps.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>()).len()
        };
        assert_eq!(judged("SELECT", &["SCAN orders"]), 1);
        assert_eq!(judged("SELECT", &["SEARCH orders USING INDEX x (tenant_id=?)"]), 1);
        assert_eq!(judged("SELECT LIMIT 5 ", &["SEARCH orders USING INDEX x (tenant_id=?)"]), 0);
        let sort = "USE TEMP B-TREE FOR ORDER BY";
        assert_eq!(judged("SELECT LIMIT 5 ", &["SEARCH orders USING INDEX x (tenant_id=?)", sort]), 1);
        assert_eq!(judged("SELECT", &["SEARCH orders USING INDEX x (tenant_id=? AND id=?)", sort]), 0);
        assert_eq!(judged("SELECT", &["SCAN tenants"]), 0);
    }
}
