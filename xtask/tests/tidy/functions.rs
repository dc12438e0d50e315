//! How long functions get. Blank lines and comment lines are free: nobody should save on those.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::{Source, no_complaints, rust_sources};

const MAX_LINES: usize = 70;

/// `(file, function, lines)` of functions that are longer all the same. The list may only shrink: an entry goes
/// when its function has become shorter, and no entry is ever raised or added.
const LONGER: [(&str, &str, usize); 0] = [];

struct Function {
    name: String,
    /// Lines of code, from the `fn` to the closing brace.
    lines: usize,
    first_line: usize,
}

struct Functions<'a> {
    text: Vec<&'a str>,
    found: Vec<Function>,
}

impl Functions<'_> {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span().start().line;
        let last = block.brace_token.span.close().end().line;
        let code = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        let lines = self.text[first - 1..last].iter().filter(code).count();
        self.found.push(Function { name: signature.ident.to_string(), lines, first_line: first });
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.add(&node.sig, &node.block);
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.add(&node.sig, &node.block);
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.add(&node.sig, block);
        }
        visit::visit_trait_item_fn(self, node);
    }
}

fn functions(source: &Source) -> Vec<Function> {
    let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path));
    let mut functions = Functions { text: source.text.lines().collect(), found: Vec::new() };
    functions.visit_file(&file);
    functions.found
}

#[test]
fn no_function_is_too_long() {
    let mut complaints = Vec::new();
    let mut listed: Vec<_> = LONGER.to_vec();
    for source in rust_sources() {
        for Function { name, lines, first_line } in functions(&source) {
            if lines <= MAX_LINES {
                continue;
            }
            let place = format!("{}:{first_line}: {name}", source.path);
            match listed.iter().position(|(file, function, _)| *file == source.path && *function == name) {
                Some(at) if listed[at].2 >= lines => drop(listed.swap_remove(at)),
                Some(at) => complaints.push(format!("{place} grew from {} to {lines} lines", listed[at].2)),
                None => complaints
                    .push(format!("{place} has {lines} lines of code; split it, {MAX_LINES} are the most")),
            }
        }
    }
    complaints.extend(
        listed.iter().map(|(file, name, _)| format!("{file}: {name} is short now; take it off the list")),
    );
    no_complaints(&complaints);
}

#[test]
fn length_is_counted_in_lines_of_code() {
    let text = "//! For a test.\n\nstruct A;\n\nimpl A {\n    fn long(\n        &self,\n    ) {\n        // Why.\n\n        \
                fn inner() {}\n    }\n}\n";
    let found = functions(&Source { path: "a.rs".to_owned(), text: text.to_owned() });
    let seen: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.first_line, one.lines)).collect();
    assert_eq!(seen, [("long", 6, 5), ("inner", 11, 1)]);
}
