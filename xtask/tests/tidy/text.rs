//! What can be seen in the text of a file, without understanding it.

use crate::{Source, no_complaints, read, rust_sources, sources};

/// Longer files hide things. Data and what a program wrote are not meant.
const MAX_LINES: usize = 600;
const README_LINES: usize = 250;

fn written_by_people(source: &Source) -> bool {
    source.path != "Cargo.lock" && !source.has_extension(&["snap", "json", "lock"])
}

fn leftovers(source: &Source) -> Vec<String> {
    // Put together here, so that this file does not complain about itself.
    let markers = [
        concat!("todo", "!"),
        concat!("unimplemented", "!"),
        concat!("dbg", "!"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("#[", "ignore"),
    ];
    let mut complaints = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        for marker in markers.iter().filter(|marker| contains_word(line, marker)) {
            complaints.push(format!("{}:{}: finish or remove this: {marker}", source.path, number + 1));
        }
    }
    complaints
}

/// Whether `word` is in `line` and isn't just the end or the beginning of a longer one.
fn contains_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(part_of_word);
        let after = line[at + word.len()..].chars().next().is_some_and(part_of_word);
        let open_end = word.ends_with(|c: char| !part_of_word(c));
        !before && (open_end || !after)
    })
}

#[test]
fn nothing_is_left_unfinished() {
    let found: Vec<String> =
        sources().iter().filter(|source| written_by_people(source)).flat_map(leftovers).collect();
    no_complaints(&found);
}

#[test]
fn leftovers_are_recognised() {
    let text = format!(
        "fine\n{}();\n// {}: later\nxTODOx Autodoc\n#[{}]\n",
        concat!("todo", "!"),
        concat!("TO", "DO"),
        concat!("ignore", " = \"slow\"")
    );
    let found = leftovers(&Source { path: "a.rs".to_owned(), text });
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[1].starts_with("a.rs:3: "), "{found:?}");
}

#[test]
fn no_file_is_too_long() {
    let complaints: Vec<String> = sources()
        .iter()
        .filter(|source| written_by_people(source))
        .map(|source| (&source.path, source.text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{path} has {lines} lines; split it, {MAX_LINES} are the most"))
        .collect();
    no_complaints(&complaints);
}

#[test]
fn every_module_says_what_it_is_for() {
    let complaints: Vec<String> = rust_sources()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| {
            format!("{} does not open with `//!`: say what it is for and must never do", source.path)
        })
        .collect();
    no_complaints(&complaints);
}

#[test]
fn no_package_registry_is_named() {
    // A host name in a file sooner or later becomes a download. Cargo knows by itself where its packages are.
    let hosts = [
        concat!("crates", ".io"),
        concat!("npmjs", ".org"),
        concat!("npmjs", ".com"),
        concat!("pypi", ".org"),
        concat!("pythonhosted", ".org"),
        concat!("rubygems", ".org"),
        concat!("proxy.golang", ".org"),
        concat!("docker", ".io"),
        concat!("ghcr", ".io"),
        concat!("quay", ".io"),
        concat!("jsdelivr", ".net"),
        concat!("unpkg", ".com"),
    ];
    let mut complaints = Vec::new();
    // Cargo writes its own index's name into the lock file.
    for source in sources().iter().filter(|source| source.path != "Cargo.lock") {
        for host in hosts.iter().filter(|host| source.text.contains(**host)) {
            complaints.push(format!("{} names the host {host}", source.path));
        }
    }
    no_complaints(&complaints);
}

#[test]
fn the_readme_is_short() {
    let exists = crate::root().join("README.md").is_file();
    assert!(
        exists,
        "README.md is missing: write down two commands, one request traced, and the map of this repository"
    );
    let lines = read("README.md").lines().count();
    assert!(lines < README_LINES, "README.md has {lines} lines; fewer than {README_LINES} get read");
}
