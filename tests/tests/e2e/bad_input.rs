//! Nonsense at every route of `/openapi.json`: never a fault of souk's, always a problem that names what is wrong,
//! never a word of the libraries or the database.
//!
//! What is sent is made from the document, so that a new route is spoilt like the others.

mod ground;
mod judge;
mod webhooks;

use serde_json::{Value, json};

use self::ground::{Ground, fields, filled, kinds};
use self::judge::{Complaints, MARKER, Wanted};
use crate::support::raw::{chunked, exchange};
use crate::support::{Operation, Place};

const MEBIBYTE: usize = 1024 * 1024;

#[tokio::test]
async fn what_is_no_json_is_refused_at_every_route() {
    let ground = Ground::new().await;
    let mut complaints = Complaints::default();
    let writing = ground.writing();
    assert!(writing.len() >= 20, "{writing:?}");
    for operation in &writing {
        let malformed = Wanted { statuses: &[400], codes: &["malformed_json"], pointer: None };
        let good = operation.bodies.first().map_or(json!({}), |form| ground.good_body(form)).to_string();
        let mut not_utf8 = format!("{{\"{MARKER}").into_bytes();
        not_utf8.extend(b"\xff\": 1}");
        for (what, body) in [
            ("an open brace", b"{".to_vec()),
            ("a bare word", MARKER.as_bytes().to_vec()),
            ("a field without a value", b"{\"email\":}".to_vec()),
            ("half of it", good.as_bytes()[..good.len() - 1].to_vec()),
            ("something after the end", format!("{good} {MARKER}").into_bytes()),
            ("a byte that is no UTF-8", not_utf8),
            ("half a surrogate pair", br#"{"\ud800": 1}"#.to_vec()),
            ("a control character in a string", b"{\"a\x01\": 1}".to_vec()),
            ("nothing but zeros", vec![0; 64]),
        ] {
            let reply = ground.send(operation, body).await;
            complaints.refused(operation, what, &reply, malformed);
        }
        let refused = Wanted { statuses: &[400], codes: &["malformed_json", "invalid_field"], pointer: None };
        for (what, body) in [
            ("null", "null".to_owned()),
            ("an array", "[]".to_owned()),
            ("an array of texts", format!("[\"{MARKER}\", \"{MARKER}\"]")),
            ("a text", format!("\"{MARKER}\"")),
            ("a number", "1".to_owned()),
            ("deep nesting", "[".repeat(100_000)),
            ("deep nesting that ends", format!("{}{}", "[".repeat(5_000), "]".repeat(5_000))),
        ] {
            let reply = ground.send(operation, body).await;
            complaints.refused(operation, what, &reply, refused);
        }
        let deep = format!("{{\"a\": {}1{}}}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
        let reply = ground.send(operation, deep).await;
        let any = Wanted { statuses: &[400], ..Wanted::default() };
        complaints.refused(operation, "a deep object", &reply, any);
        let reply = ground.send(operation, "").await;
        if operation.optional_body {
            complaints.judge(operation, "an empty body", &reply);
        } else {
            complaints.refused(operation, "an empty body", &reply, malformed);
        }
    }
    complaints.settle(300);
    ground.world.finish().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_or_of_another_kind_is_refused_at_every_route() {
    let ground = Ground::new().await;
    let mut complaints = Complaints::default();
    let base = ground.world.info().base_url.clone();
    for operation in &ground.writing() {
        let good = operation.bodies.first().map_or(json!({}), |form| ground.good_body(form)).to_string();
        let other = Wanted { statuses: &[415], codes: &["unsupported_media_type"], pointer: None };
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("nonsense")] {
            let reply = ground.send_as(operation, kind, good.clone()).await;
            complaints.refused(operation, &format!("as {kind:?}"), &reply, other);
        }
        let too_large = Wanted { statuses: &[413], codes: &["body_too_large"], pointer: None };
        let token = ground.admin.token().unwrap();
        let authorization = if operation.path.starts_with("/v1/auth/") {
            String::new()
        } else {
            format!("authorization: Bearer {token}\r\n")
        };
        let head = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nidempotency-key: k\r\n{authorization}",
            operation.method,
            ground.path(operation),
            base.strip_prefix("http://").unwrap(),
        );
        // One that says how long it is gets its answer before it has sent anything.
        let announced = format!("{head}content-length: {}\r\nconnection: close\r\n\r\n", MEBIBYTE + 1);
        let reply = exchange(&base, announced.as_bytes()).await;
        complaints.refused(operation, "1 MiB and a byte, announced", &reply, too_large);
        let reply = exchange(&base, &chunked(&head, &vec![b' '; MEBIBYTE + 1])).await;
        complaints.refused(operation, "1 MiB and a byte, in chunks", &reply, too_large);
    }
    complaints.settle(100);
    ground.world.finish().await;
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let ground = Ground::new().await;
    let mut complaints = Complaints::default();
    for operation in &ground.writing() {
        for form in &operation.bodies {
            let good = ground.good_body(form);
            for place in ground.document.places(form) {
                wrong_types(&ground, &mut complaints, operation, &good, &place).await;
                wrong_fields(&ground, &mut complaints, operation, &good, &place).await;
            }
        }
    }
    complaints.settle(300);
    ground.world.finish().await;
}

/// Sets what is at a pointer; all but its last step must be there.
fn put(body: &mut Value, pointer: &str, value: Value) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent) {
        Some(Value::Object(fields)) => _ = fields.insert(last.to_owned(), value),
        Some(Value::Array(entries)) => entries[0] = value,
        other => panic!("the good body has {other:?} at {parent}"),
    }
}

/// A value of each JSON type that may not stand at this place.
async fn wrong_types(
    ground: &Ground,
    complaints: &mut Complaints,
    operation: &Operation,
    good: &Value,
    place: &Place,
) {
    if place.pointer.is_empty() {
        return;
    }
    let wrong = Wanted {
        statuses: &[400],
        codes: &["invalid_field", "missing_field"],
        pointer: Some(&place.pointer),
    };
    for (kind, value) in [
        ("null", json!(null)),
        ("boolean", json!(true)),
        ("integer", json!(12)),
        ("number", json!(1.5)),
        ("string", json!(MARKER)),
        ("array", json!([])),
        ("object", json!({})),
    ] {
        if place.types.contains(kind) || (kind == "integer" && place.types.contains("number")) {
            continue;
        }
        let mut body = good.clone();
        put(&mut body, &place.pointer, value);
        let reply = ground.send(operation, body.to_string()).await;
        complaints.refused(operation, &format!("{} is {kind}", place.pointer), &reply, wrong);
    }
}

/// A field too many, one too few, and one twice.
async fn wrong_fields(
    ground: &Ground,
    complaints: &mut Complaints,
    operation: &Operation,
    good: &Value,
    place: &Place,
) {
    if !place.types.contains("object") {
        return;
    }
    let mut body = good.clone();
    let pointer = format!("{}/surprise", place.pointer);
    put(&mut body, &pointer, json!(MARKER));
    let reply = ground.send(operation, body.to_string()).await;
    let wanted = Wanted { statuses: &[400], codes: &["unknown_field"], pointer: Some(&pointer) };
    complaints.refused(operation, "an unknown field", &reply, wanted);
    for field in &place.required {
        let mut body = good.clone();
        body.pointer_mut(&place.pointer).unwrap().as_object_mut().unwrap().remove(field);
        let reply = ground.send(operation, body.to_string()).await;
        let pointer = format!("{}/{field}", place.pointer);
        let wanted = Wanted { statuses: &[400], codes: &["missing_field"], pointer: Some(&pointer) };
        complaints.refused(operation, &format!("without {pointer}"), &reply, wanted);
    }
    let first = place.schema["properties"].as_object().and_then(|fields| fields.keys().next());
    if let (Some(field), true) = (first, place.pointer.is_empty()) {
        let text = good.to_string();
        let body = format!("{},\"{field}\":{}}}", &text[..text.len() - 1], good[field]);
        let reply = ground.send(operation, body).await;
        let pointer = format!("/{field}");
        let wanted = Wanted { statuses: &[400], codes: &["invalid_field"], pointer: Some(&pointer) };
        complaints.refused(operation, &format!("{pointer} twice"), &reply, wanted);
    }
}

#[tokio::test]
async fn no_value_however_strange_is_a_fault() {
    let ground = Ground::new().await;
    let mut complaints = Complaints::default();
    for operation in &ground.writing() {
        for form in &operation.bodies {
            let good = ground.good_body(form);
            for place in fields(&ground.document, form) {
                if place.types.contains("integer") {
                    strange_numbers(&ground, &mut complaints, operation, &good, &place).await;
                }
                if place.types.contains("string") {
                    strange_texts(&ground, &mut complaints, operation, &good, &place).await;
                }
            }
        }
    }
    complaints.settle(300);
    ground.world.finish().await;
}

async fn strange_numbers(
    ground: &Ground,
    complaints: &mut Complaints,
    operation: &Operation,
    good: &Value,
    place: &Place,
) {
    const PLACEHOLDER: &str = "\"the number\"";
    let mut body = good.clone();
    put(&mut body, &place.pointer, json!("the number"));
    let body = body.to_string();
    for number in ["0", "-1", "-9223372036854775808", "9223372036854775807", "2147483648"] {
        let reply = ground.send(operation, body.replace(PLACEHOLDER, number)).await;
        complaints.judge(operation, &format!("{} is {number}", place.pointer), &reply);
    }
    // What does not fit is the field's mistake, and a number that JSON's readers give up on is the body's.
    for number in
        ["9223372036854775808", "18446744073709551616", "-9223372036854775809", "1e300", "1.0", "2.5"]
    {
        let reply = ground.send(operation, body.replace(PLACEHOLDER, number)).await;
        let wanted = Wanted { statuses: &[400], codes: &["invalid_field"], pointer: Some(&place.pointer) };
        complaints.refused(operation, &format!("{} is {number}", place.pointer), &reply, wanted);
    }
    for number in ["1e999", "-1e999", "01", "+1", "0x10", "NaN", "Infinity"] {
        let reply = ground.send(operation, body.replace(PLACEHOLDER, number)).await;
        let wanted = Wanted { statuses: &[400], codes: &["malformed_json"], pointer: None };
        complaints.refused(operation, &format!("{} is {number}", place.pointer), &reply, wanted);
    }
}

async fn strange_texts(
    ground: &Ground,
    complaints: &mut Complaints,
    operation: &Operation,
    good: &Value,
    place: &Place,
) {
    for (what, text) in [
        ("empty", String::new()),
        ("blank", " \t\r\n ".to_owned()),
        ("a quote", "'; DROP TABLE orders; --".to_owned()),
        ("markup", "<script>alert(1)</script>".to_owned()),
        ("right to left", "\u{202e}abc\u{feff}".to_owned()),
        ("10,000 characters", "x".repeat(10_000)),
        ("200,000 wide characters", "ü".repeat(200_000)),
        ("a zero in it", format!("{MARKER}\u{0}{MARKER}")),
        ("an escape in it", format!("{MARKER}\u{1b}[31m{MARKER}")),
    ] {
        let mut body = good.clone();
        put(&mut body, &place.pointer, json!(text));
        let reply = ground.send(operation, body.to_string()).await;
        let what = format!("{} is {what}", place.pointer);
        // No field takes either; where it is not the field's mistake (a password) it is a login that fails. Ending a
        // login that there is not is harmless.
        let harmless = operation.path == "/v1/auth/logout";
        if harmless || (text.len() < 10_000 && !text.contains(['\0', '\u{1b}'])) {
            complaints.judge(operation, &what, &reply);
        } else {
            let field = (reply.status == 400).then_some(place.pointer.as_str());
            complaints.refused(operation, &what, &reply, Wanted { pointer: field, ..Wanted::default() });
        }
    }
}

#[tokio::test]
async fn ids_that_name_nothing_are_404_everywhere() {
    let ground = Ground::new().await;
    let mut complaints = Complaints::default();
    let nothing = Wanted { statuses: &[404], codes: &["not_found"], pointer: None };
    let (owner, _) = ground.world.seller("destination").await;
    for operation in &ground.operations() {
        let body = operation.bodies.first().map_or(json!({}), |form| ground.good_body(form)).to_string();
        let kinds = kinds(&operation.path);
        for &kind in &kinds {
            let right = &ground.ids[kind];
            let (prefix, digits) = right.split_once('_').unwrap();
            for (what, id) in [
                ("no id", "nonsense".to_owned()),
                ("a number", "1".to_owned()),
                ("a zero", "%00".to_owned()),
                ("no UTF-8", "%ff%fe".to_owned()),
                ("a quote", "%27%20OR%201%3D1".to_owned()),
                ("very long", "x".repeat(5_000)),
                ("in capitals", right.to_uppercase()),
                ("cut short", right[..right.len() - 1].to_owned()),
                ("with hyphens", format!("{prefix}_{}", uuid::Uuid::parse_str(digits).unwrap())),
                ("bare", digits.to_owned()),
                ("of another kind", format!("ten_{digits}")),
                ("unknown", format!("{prefix}_{}", uuid::Uuid::now_v7().simple())),
                ("another marketplace's", ground.foreign[kind].clone()),
            ] {
                let path =
                    filled(
                        &operation.path,
                        |of| {
                            if of == kind { id.clone() } else { ground.ids[of].clone() }
                        },
                    );
                let json = Some("application/json");
                let reply = ground.send_to(&ground.admin, operation, &path, json, body.clone()).await;
                complaints.refused(operation, &format!("{kind} {what}"), &reply, nothing);
            }
        }
        let of_an_owner =
            operation.path.starts_with("/v1/sellers/{") || operation.path.starts_with("/v1/orders/{");
        if of_an_owner {
            let json = Some("application/json");
            let reply = ground.send_to(&owner, operation, &ground.path(operation), json, body).await;
            complaints.refused(operation, "another owner's", &reply, nothing);
        }
    }
    let foreign_slot = json!({"slot_id": ground.foreign["slots"], "quantity": 1});
    let reply = ground.admin.checkout_with(json!({"items": [foreign_slot], "email": "a@b.example"})).await;
    reply.refused(404, "slot_not_found");
    complaints.settle(200);
    ground.world.finish().await;
}

#[tokio::test]
async fn wrong_queries_are_refused_and_named() {
    let ground = Ground::new().await;
    let mut complaints = Complaints::default();
    let lists: Vec<Operation> = ground
        .operations()
        .into_iter()
        .filter(|operation| operation.query.contains(&"limit".to_owned()))
        .collect();
    assert!(lists.len() >= 10, "{lists:?}");
    for operation in &lists {
        let path = ground.path(operation);
        let ask = async |query: &str| ground.admin.get(&format!("{path}?{query}")).await;
        for limit in
            ["0", "101", "-1", "", "ten", "1.5", "1e1", "99999999999999999999", "%00", "%ff", "%F0%9F%8E%89"]
        {
            let reply = ask(&format!("limit={limit}")).await;
            let named = Wanted { statuses: &[400], codes: &["invalid_query"], pointer: Some("#/limit") };
            complaints.refused(operation, &format!("limit={limit}"), &reply, named);
        }
        for id in ["", "nonsense", "%00", "ten_0192f0c1a2b37c4d8e5f60718293a4b5", "1"] {
            let reply = ask(&format!("starting_after={id}")).await;
            let named =
                Wanted { statuses: &[400], codes: &["invalid_query"], pointer: Some("#/starting_after") };
            complaints.refused(operation, &format!("starting_after={id}"), &reply, named);
        }
        let reply = ask(&format!("surprise={MARKER}")).await;
        let named = Wanted { statuses: &[400], codes: &["invalid_query"], pointer: Some("#/surprise") };
        complaints.refused(operation, "an unknown parameter", &reply, named);
        for (query, most) in [("limit=1", 1), ("limit=100", 100)] {
            let reply = ask(query).await;
            let rows =
                reply.body["data"].as_array().unwrap_or_else(|| panic!("{path}: {}", reply.body)).len();
            assert!(
                reply.status == 200 && rows <= most && reply.body["has_more"].is_boolean(),
                "{path}?{query}"
            );
        }
        for name in
            operation.query.iter().filter(|name| !["limit", "starting_after"].contains(&name.as_str()))
        {
            for value in ["", "%00", MARKER, "%ff", "'", "-1"] {
                let reply = ask(&format!("{name}={value}")).await;
                complaints.judge(operation, &format!("{name}={value}"), &reply);
                if ["status", "from", "to", "seller_id"].contains(&name.as_str()) {
                    let pointer = format!("#/{name}");
                    let named =
                        Wanted { statuses: &[400], codes: &["invalid_query"], pointer: Some(&pointer) };
                    complaints.refused(operation, &format!("{name}={value}"), &reply, named);
                }
            }
        }
    }
    // A guest's token is a text like any other.
    let order = &ground.ids["orders"];
    for token in ["", "%00", "%ff", "x", &"x".repeat(5_000)] {
        let reply = ground.world.anonymous().get(&format!("/v1/orders/{order}?token={token}")).await;
        reply.refused(404, "not_found");
    }
    complaints.settle(200);
    ground.world.finish().await;
}

#[tokio::test]
async fn unknown_addresses_and_methods_say_so() {
    let ground = Ground::new().await;
    let anonymous = ground.world.anonymous();
    for path in
        ["/nowhere", "/v1", "/v1/", "/v1/orders", "/v2/listings", "/v1/listings/", "/webhooks", "/V1/me"]
    {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let request = anonymous.request(method.parse().unwrap(), path).body("{");
            anonymous.send(request).await.refused(404, "route_not_found");
        }
    }
    let operations = ground.document.operations();
    let mut paths: Vec<&str> = operations.iter().map(|operation| operation.path.as_str()).collect();
    paths.dedup();
    for path in paths {
        let mut taken: Vec<&str> =
            operations.iter().filter(|o| o.path == path).map(|o| o.method.as_str()).collect();
        if taken.contains(&"GET") {
            taken.push("HEAD");
        }
        taken.sort_unstable();
        let filled = filled(path, |kind| ground.ids[kind].clone());
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if taken.contains(&method) {
                continue;
            }
            let reply = anonymous.send(anonymous.request(method.parse().unwrap(), &filled).body("{")).await;
            let mut allowed: Vec<String> = reply.headers.get("allow").map_or_else(Vec::new, |allow| {
                allow.to_str().unwrap().split(',').map(|method| method.trim().to_owned()).collect()
            });
            allowed.sort_unstable();
            reply.refused(405, "method_not_allowed");
            assert_eq!(allowed, taken, "{method} {path}");
        }
    }
    ground.world.finish().await;
}
