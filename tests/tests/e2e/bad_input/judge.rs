//! What every answer to nonsense must look like.

use crate::support::{Operation, Reply};

/// Words of the libraries and of the database that have no business in an answer.
const TELLTALE: &[&str] = &[
    "sql",
    "postgres",
    "sea_orm",
    "sea-orm",
    "serde",
    "panick",
    "unwrap",
    ".rs",
    "constraint",
    "struct ",
    "variant",
    "untagged",
    "invalid type",
    "invalid value",
    "invalid length",
    "expected",
    "i64",
    "u64",
    "u32",
    "i32",
    " map",
    "sequence",
    "newtype",
    "tuple",
    "deseriali",
    "backtrace",
];

/// A text that is sent in bad places and must never come back.
pub const MARKER: &str = "hunter2secret";

/// What is wrong with the answers so far.
#[derive(Default)]
pub struct Complaints {
    list: Vec<String>,
    pub judged: usize,
}

/// What a refusal must say beside being one.
#[derive(Default, Clone, Copy)]
pub struct Wanted<'a> {
    /// One of these, if any are given.
    pub statuses: &'a [u16],
    /// One of these, if any are given.
    pub codes: &'a [&'a str],
    /// The first error is at or below this.
    pub pointer: Option<&'a str>,
}

impl Complaints {
    /// Any answer at all: not a fault of souk's, and a proper problem if it is a refusal.
    pub fn judge(&mut self, operation: &Operation, what: &str, reply: &Reply) {
        self.judged += 1;
        if let Err(why) = sound(reply) {
            self.add(operation, what, reply, &why);
        }
    }

    /// A refusal that says this.
    pub fn refused(&mut self, operation: &Operation, what: &str, reply: &Reply, wanted: Wanted<'_>) {
        self.judged += 1;
        if let Err(why) = sound(reply).and_then(|()| says(reply, wanted)) {
            self.add(operation, what, reply, &why);
        }
    }

    fn add(&mut self, operation: &Operation, what: &str, reply: &Reply, why: &str) {
        let Operation { method, path, .. } = operation;
        self.list.push(format!("{method} {path}, {what}: {why}\n    {} {}", reply.status, reply.body));
    }

    /// Fails if there are any.
    #[track_caller]
    pub fn settle(self, at_least: usize) {
        assert!(self.judged >= at_least, "only {} answers were judged", self.judged);
        assert!(self.list.is_empty(), "{} of {}:\n{}", self.list.len(), self.judged, self.list.join("\n"));
    }
}

/// Whether an answer is a success or a proper problem.
fn sound(reply: &Reply) -> Result<(), String> {
    let status = reply.status.as_u16();
    if status >= 500 {
        return Err("a fault of souk's".to_owned());
    }
    if status < 400 {
        return Ok(());
    }
    if reply.headers.get("content-type").is_none_or(|kind| kind != "application/problem+json") {
        return Err("not problem+json".to_owned());
    }
    let text = |name: &str| match reply.body[name].as_str() {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(format!("{name} is missing")),
    };
    let (kind, code, id) = (text("type")?, text("code")?, text("request_id")?);
    text("title")?;
    if reply.body["status"] != status {
        return Err("another status inside".to_owned());
    }
    if !code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') || !kind.ends_with(&format!("#{code}")) {
        return Err("the code is no stable name".to_owned());
    }
    if reply.headers["x-request-id"] != id {
        return Err("another request id inside".to_owned());
    }
    let mut said = text("detail")?.to_owned();
    for error in reply.body["errors"].as_array().into_iter().flatten() {
        let pointer = error["pointer"].as_str().unwrap_or("no pointer");
        if !(pointer.is_empty() || pointer.starts_with('/') || pointer.starts_with("#/")) {
            return Err("a pointer that is none".to_owned());
        }
        said.push(' ');
        said.push_str(
            error["detail"].as_str().filter(|text| !text.is_empty()).ok_or("an error without a detail")?,
        );
    }
    let said = said.to_lowercase();
    match TELLTALE.iter().find(|word| said.contains(**word)) {
        Some(word) => Err(format!("tells its insides ({word})")),
        None if reply.body.to_string().contains(MARKER) => Err("sends back what it refused".to_owned()),
        None => Ok(()),
    }
}

fn says(reply: &Reply, wanted: Wanted<'_>) -> Result<(), String> {
    let status = reply.status.as_u16();
    let right = if wanted.statuses.is_empty() {
        (400..500).contains(&status)
    } else {
        wanted.statuses.contains(&status)
    };
    if !right {
        return Err(format!("the status is not one of {:?}", wanted.statuses));
    }
    let code = reply.body["code"].as_str().unwrap_or("");
    if !wanted.codes.is_empty() && !wanted.codes.contains(&code) {
        return Err(format!("the code is not one of {:?}", wanted.codes));
    }
    let Some(pointer) = wanted.pointer else { return Ok(()) };
    let said = reply.body["errors"][0]["pointer"].as_str();
    if said.is_some_and(|said| said == pointer || said.starts_with(&format!("{pointer}/"))) {
        Ok(())
    } else {
        Err(format!("does not name {pointer:?}"))
    }
}
