//! Reads `application/x-www-form-urlencoded` as Stripe's clients write it: nested keys, indexed and `[]`
//! arrays, raw or percent-encoded brackets, `+` for space. Must never judge whether a parameter is known.

use std::fmt;

/// A parsed form: text at the leaves, names (or array positions, or nothing for `[]`) above them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A value as the client meant it, decoded.
    Text(String),
    /// Children in the order in which they first appeared.
    Branch(Vec<(String, Node)>),
}

/// A body that is not a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Deeper nesting than any real parameter; a bound on what a hostile body may cost.
const MAX_DEPTH: usize = 12;

/// Parses a body or a query string. An empty one is an empty branch.
pub(crate) fn parse(input: &str) -> Result<Node, Malformed> {
    let mut root = Vec::new();
    for pair in input.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let path = split_key(key)?;
        insert(&mut root, &path, decode(value)?)?;
    }
    Ok(Node::Branch(root))
}

/// Splits `a[b][c]` into its segments. Brackets that separate may be raw or percent-encoded as a pair; when
/// raw ones are present, encoded ones belong to the name.
fn split_key(raw: &str) -> Result<Vec<String>, Malformed> {
    let decoded;
    let key = if raw.contains('[') {
        raw
    } else {
        decoded = raw.replace("%5B", "[").replace("%5b", "[").replace("%5D", "]").replace("%5d", "]");
        &decoded
    };
    let (head, mut rest) = match key.find('[') {
        Some(at) => key.split_at(at),
        None => (key, ""),
    };
    let mut path = vec![decode(head)?];
    while let Some(open) = rest.strip_prefix('[') {
        let close = open.find(']').ok_or_else(|| Malformed(format!("Invalid parameter name: {raw}")))?;
        path.push(decode(&open[..close])?);
        rest = &open[close + 1..];
    }
    if !rest.is_empty() || path[0].is_empty() || path.len() > MAX_DEPTH {
        return Err(Malformed(format!("Invalid parameter name: {raw}")));
    }
    Ok(path)
}

fn insert(branch: &mut Vec<(String, Node)>, path: &[String], value: String) -> Result<(), Malformed> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    if rest.is_empty() {
        // `a[]=x&a[]=y` repeats an empty name; any other repeated name means that the last one wins.
        match branch.iter_mut().find(|(key, _)| key == name && !name.is_empty()) {
            Some((_, slot)) => *slot = Node::Text(value),
            None => branch.push((name.clone(), Node::Text(value))),
        }
        return Ok(());
    }
    let found = branch.iter().position(|(key, node)| key == name && (!name.is_empty() || !holds(node, rest)));
    let at = found.unwrap_or_else(|| {
        branch.push((name.clone(), Node::Branch(Vec::new())));
        branch.len() - 1
    });
    match &mut branch[at].1 {
        Node::Branch(children) => insert(children, rest, value),
        Node::Text(_) => Err(Malformed(format!("Parameter {name} is both a value and a hash"))),
    }
}

/// Whether `node` already has a value at `path`: the sign that `a[][b]` begins the next element.
fn holds(node: &Node, path: &[String]) -> bool {
    match (node, path.split_first()) {
        (Node::Text(_), _) | (_, None) => true,
        (Node::Branch(children), Some((name, rest))) => {
            !name.is_empty() && children.iter().any(|(key, child)| key == name && holds(child, rest))
        }
    }
}

/// Percent-decoding with `+` as space.
fn decode(text: &str) -> Result<String, Malformed> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'+' => out.push(b' '),
            b'%' => {
                let pair = bytes.get(at + 1..at + 3).and_then(|pair| {
                    let high = char::from(pair[0]).to_digit(16)?;
                    let low = char::from(pair[1]).to_digit(16)?;
                    u8::try_from(high * 16 + low).ok()
                });
                // A lone percent sign is taken as itself, as lenient servers do.
                if let Some(byte) = pair {
                    out.push(byte);
                    at += 2;
                } else {
                    out.push(b'%');
                }
            }
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).map_err(|_| Malformed("Invalid UTF-8 in a parameter".to_owned()))
}

impl Node {
    /// The tree as JSON with text leaves, for the request log.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => serde_json::Value::String(text.clone()),
            Self::Branch(children) if is_array(children) => {
                children.iter().map(|(_, child)| child.to_json()).collect()
            }
            Self::Branch(children) => serde_json::Value::Object(
                children.iter().map(|(key, child)| (key.clone(), child.to_json())).collect(),
            ),
        }
    }
}

/// Names that are all positions, or all empty.
pub(crate) fn is_array(children: &[(String, Node)]) -> bool {
    !children.is_empty() && children.iter().all(|(key, _)| key.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn json_of(input: &str) -> serde_json::Value {
        parse(input).unwrap().to_json()
    }

    #[test]
    fn reads_what_the_rust_client_sends() {
        let body = "line_items[0][tax_rates][1]=txr_2&metadata[order+id%5Bx%5D]=a%26b%3Dc+%C3%A9&success_url=https://x/y?session_id%3D{CHECKOUT_SESSION_ID}";
        assert_eq!(
            json_of(body),
            json!({"line_items": [{"tax_rates": ["txr_2"]}], "metadata": {"order id[x]": "a&b=c é"},
                   "success_url": "https://x/y?session_id={CHECKOUT_SESSION_ID}"})
        );
    }

    #[test]
    fn reads_encoded_brackets_and_empty_indexes() {
        assert_eq!(json_of("a%5Bb%5D%5B0%5D=1&a%5Bb%5D%5B1%5D=2"), json!({"a": {"b": ["1", "2"]}}));
        assert_eq!(json_of("e[]=x&e[]=y"), json!({"e": ["x", "y"]}));
        assert_eq!(json_of("i[][p]=1&i[][q]=2&i[][p]=3"), json!({"i": [{"p": "1", "q": "2"}, {"p": "3"}]}));
    }

    #[test]
    fn refuses_names_that_make_no_tree() {
        assert!(parse("a[b=1").is_err());
        assert!(parse("a=1&a[b]=2").is_err());
        assert!(parse("[a]=1").is_err());
        assert!(parse(&format!("a{}=1", "[b]".repeat(50))).is_err());
    }
}
