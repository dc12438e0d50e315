//! What a session costs: lines, discount, total. Integer arithmetic; the lines' discounts always add up to
//! the session's.

use serde_json::{Value, json};

use crate::error::StripeError;
use crate::money;
use crate::object::Fields;
use crate::routes::prices::new_price;
use crate::state::State;
use crate::state::vault::Kind;

/// Turns `line_items` into lines with amounts, all in one currency. Gives back the currency too.
pub(super) fn lines(
    state: &mut State,
    account: &str,
    params: &Value,
) -> Result<(Vec<Value>, String), StripeError> {
    let asked = params.list("line_items");
    if asked.is_empty() {
        return Err(StripeError::missing("line_items"));
    }
    if asked.len() > 100 {
        return Err(StripeError::invalid("You can pass at most 100 line items.").param("line_items"));
    }
    let mut lines = Vec::with_capacity(asked.len());
    let mut currency = String::new();
    for (place, item) in asked.iter().enumerate() {
        let at = format!("line_items[{place}]");
        let line = line(state, account, item, &at)?;
        if currency.is_empty() {
            line.text("currency").clone_into(&mut currency);
        } else if currency != line.text("currency") {
            return Err(StripeError::invalid("All line items must have the same currency.").param(&at));
        }
        lines.push(line);
    }
    Ok((lines, currency))
}

fn line(state: &mut State, account: &str, item: &Value, at: &str) -> Result<Value, StripeError> {
    let price = match (item.opt_text("price"), item.get("price_data")) {
        (Some(id), None) => {
            let param = format!("{at}[price]");
            let price = state.get(account, Kind::Price, id);
            price.map_err(|_| StripeError::no_such_in(&param, "price", id))?
        }
        (None, Some(data)) => new_price(state, account, data, &format!("{at}[price_data]"))?,
        _ => {
            let message = format!("You must specify either {at}[price] or {at}[price_data], and not both.");
            return Err(StripeError::invalid(message).param(at));
        }
    };
    let quantity = item.opt_int("quantity").ok_or_else(|| {
        StripeError::parameter(
            "parameter_missing",
            &format!("{at}[quantity]"),
            format!("Quantity is required. Add `quantity` to `{at}`"),
        )
    })?;
    if !(1..=999_999).contains(&quantity) {
        let error = StripeError::invalid("This value must be greater than or equal to 1.");
        return Err(error.code("parameter_invalid_integer").param(&format!("{at}[quantity]")));
    }
    if item["adjustable_quantity"].flag("enabled") {
        return Err(StripeError::not_simulated("adjustable_quantity"));
    }
    let currency = price.text("currency").to_owned();
    let subtotal = price.int("unit_amount").saturating_mul(quantity);
    money::check_largest(subtotal, &currency, at)?;
    let product = state.get(account, Kind::Product, price.text("product")).unwrap_or_default();
    Ok(json!({
        "id": state.ids.object("li_1"), "object": "item", "adjustable_quantity": null, "amount_discount": 0,
        "amount_subtotal": subtotal, "amount_tax": 0, "amount_total": subtotal, "currency": currency,
        "description": product.text("name"), "metadata": crate::object::metadata_of(item), "price": price,
        "quantity": quantity,
    }))
}

/// Spreads a coupon over the lines it applies to, in place. Gives back the whole discount.
pub(super) fn discount(
    lines: &mut [Value],
    coupon: Option<&Value>,
    currency: &str,
) -> Result<i64, StripeError> {
    for line in lines.iter_mut() {
        set_discount(line, 0);
    }
    let Some(coupon) = coupon else { return Ok(0) };
    let products = coupon["_applies_to"].list("products").to_vec();
    let applies = |line: &Value| products.is_empty() || products.contains(&line["price"]["product"]);
    let base: i64 = lines.iter().filter(|line| applies(line)).map(|line| line.int("amount_subtotal")).sum();
    let total = match (coupon.opt_int("amount_off"), coupon.opt_text("_percent")) {
        (Some(_), _) if coupon.text("currency") != currency => {
            let message = format!(
                "The coupon's currency ({}) does not match the session's ({currency}).",
                coupon.text("currency")
            );
            return Err(StripeError::invalid(message).param("discounts"));
        }
        (Some(off), _) => off.min(base),
        (None, Some(percent)) => money::share(base, money::percent(percent, "percent_off")?, 1_000_000),
        (None, None) => 0,
    };
    let (mut seen, mut given) = (0, 0);
    for line in lines.iter_mut().filter(|line| applies(line)) {
        // Each line takes what brings the running sum to its exact share, so nothing is lost to rounding.
        seen += line.int("amount_subtotal");
        let until_here = if base == 0 { 0 } else { money::share(total, seen, base) };
        set_discount(line, until_here - given);
        given = until_here;
    }
    Ok(total)
}

fn set_discount(line: &mut Value, amount: i64) {
    let subtotal = line.int("amount_subtotal");
    line.put("amount_discount", amount);
    line.put("amount_total", subtotal - amount);
}

/// Writes lines and totals onto a session. A total between nothing and the smallest charge is refused.
pub(super) fn apply(
    session: &mut Value,
    mut lines: Vec<Value>,
    coupon: Option<&Value>,
) -> Result<(), StripeError> {
    let currency = session.text("currency").to_owned();
    let subtotal: i64 = lines.iter().map(|line| line.int("amount_subtotal")).sum();
    let discount = discount(&mut lines, coupon, &currency)?;
    let total = subtotal - discount;
    if total > 0 && total < money::minimum(&currency) {
        let least = money::display(money::minimum(&currency), &currency);
        let message =
            format!("The Checkout Session's total amount due must add up to at least {least} {currency}");
        return Err(StripeError::invalid(message).code("amount_too_small"));
    }
    money::check_largest(total, &currency, "line_items")?;
    money::check_step(total, &currency, "line_items")?;
    session.put("amount_subtotal", subtotal);
    session.put("amount_total", total);
    session
        .put("total_details", json!({ "amount_discount": discount, "amount_shipping": 0, "amount_tax": 0 }));
    session.put("_line_items", lines);
    Ok(())
}
