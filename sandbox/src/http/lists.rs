//! Cursor lists: newest first, `limit`, `starting_after`, `ending_before`, `created` ranges.

use serde_json::{Value, json};

use super::Call;
use crate::error::{Answer, StripeError};
use crate::object::Fields;
use crate::state::vault::Kind;

/// Lists a family of the acting account, keeping what `wanted` accepts. `created` is applied when given.
pub(crate) fn page(call: &Call<'_>, kind: Kind, url: &str, wanted: impl Fn(&Value) -> bool) -> Answer {
    let range = call.params.get("created").cloned().unwrap_or_default();
    let rows: Vec<&Value> = call
        .state
        .peek(&call.account)
        .into_iter()
        .flat_map(|vault| vault.all(kind))
        .filter(|object| in_range(object.int("created"), &range) && wanted(object))
        .collect();
    cut(&rows, &call.params, kind.noun(), url)
}

/// The page of `rows` (newest first) that the cursor parameters ask for.
pub(crate) fn cut(rows: &[&Value], params: &Value, noun: &str, url: &str) -> Answer {
    let limit = match params.opt_int("limit").unwrap_or(10) {
        given @ 1..=100 => usize::try_from(given).unwrap_or(10),
        given => {
            let bound = if given < 1 { "greater than or equal to 1" } else { "less than or equal to 100" };
            let message = format!("This value must be {bound}.");
            return Err(StripeError::parameter("parameter_invalid_integer", "limit", message));
        }
    };
    let (after, before) = (params.opt_text("starting_after"), params.opt_text("ending_before"));
    if after.is_some() && before.is_some() {
        let message = "Received both starting_after and ending_before parameters. Please pass in only one.";
        return Err(StripeError::parameter("parameters_exclusive", "starting_after", message));
    }
    let place = |param: &str, id: &str| {
        let found = rows.iter().position(|row| row.text("id") == id);
        found.ok_or_else(|| StripeError::no_such_in(param, noun, id))
    };
    let (slice, has_more) = if let Some(id) = before {
        let end = place("ending_before", id)?;
        let start = end.saturating_sub(limit);
        (&rows[start..end], start > 0)
    } else {
        let start = match after {
            Some(id) => place("starting_after", id)? + 1,
            None => 0,
        };
        let end = rows.len().min(start + limit);
        (&rows[start..end], end < rows.len())
    };
    Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": slice }))
}

/// A `range` parameter: a plain number means exactly that one.
pub(crate) fn in_range(value: i64, range: &Value) -> bool {
    if let Some(exact) = range.as_i64() {
        return value == exact;
    }
    range.opt_int("gt").is_none_or(|bound| value > bound)
        && range.opt_int("gte").is_none_or(|bound| value >= bound)
        && range.opt_int("lt").is_none_or(|bound| value < bound)
        && range.opt_int("lte").is_none_or(|bound| value <= bound)
}

/// A filter on one field: absent parameters accept everything.
pub(crate) fn matches(object: &Value, params: &Value, name: &str) -> bool {
    params.get(name).is_none_or(|wanted| object.get(name) == Some(wanted))
}
