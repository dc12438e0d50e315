//! Who may depend on whom, asked of cargo itself.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::{no_complaints, root};

/// Every arrow between crates of this workspace, in dependencies of any kind. An arrow that isn't here is a mistake in
/// the crate that has it.
const ALLOWED: [(&str, &[&str]); 7] = [
    ("souk-domain", &[]),
    ("souk-migration", &[]),
    ("souk-infra", &["souk-domain", "souk-migration"]),
    ("souk", &["souk-domain", "souk-infra", "souk-migration", "stripe-sandbox"]),
    ("stripe-sandbox", &[]),
    ("souk-tests", &["souk", "souk-domain", "souk-infra", "souk-migration", "stripe-sandbox"]),
    ("xtask", &[]),
];

/// Arrows without which the design would be another one.
const REQUIRED: [(&str, &str); 3] =
    [("souk", "souk-infra"), ("souk-infra", "souk-domain"), ("souk-infra", "souk-migration")];

/// What decides must not be able to do anything: these names, and all that begin with them.
const NOT_IN_DOMAIN: [&str; 9] =
    ["sea-orm", "sea-query", "sqlx", "axum", "hyper", "tokio", "reqwest", "async-stripe", "redis"];

fn arrows(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let members = metadata.workspace_packages();
    let names: BTreeSet<String> = members.iter().map(|package| package.name.to_string()).collect();
    let known = |package: &&cargo_metadata::Package| {
        let dependencies = package.dependencies.iter().map(|dependency| dependency.name.clone());
        (package.name.to_string(), dependencies.filter(|name| names.contains(name)).collect())
    };
    members.iter().map(known).collect()
}

#[test]
fn crates_depend_only_on_what_they_may_know() {
    let metadata =
        MetadataCommand::new().current_dir(root()).no_deps().exec().expect("cargo describes the workspace");
    let arrows = arrows(&metadata);
    let mut complaints = Vec::new();
    let expected: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    let actual: BTreeSet<&str> = arrows.keys().map(String::as_str).collect();
    if expected != actual {
        complaints.push(format!("the workspace has the crates {actual:?}; this test knows {expected:?}"));
    }
    for (name, allowed) in ALLOWED {
        for target in
            arrows.get(name).into_iter().flatten().filter(|target| !allowed.contains(&target.as_str()))
        {
            complaints.push(format!("{name} must not depend on {target}"));
        }
    }
    for (name, target) in REQUIRED {
        if !arrows.get(name).is_some_and(|targets| targets.contains(target)) {
            complaints.push(format!("{name} should depend on {target}"));
        }
    }
    no_complaints(&complaints);
}

/// The system that this was compiled for, as cargo calls it. Without it cargo would want every system's packages.
fn this_system() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc answers");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_owned()
}

/// The crates that `name` is built with, each with the chain of names that leads to it. Not its tests' crates.
fn built_with(metadata: &Metadata, name: &str) -> BTreeMap<PackageId, Vec<String>> {
    let resolve = metadata.resolve.as_ref().expect("asked for with dependencies");
    let start =
        metadata.packages.iter().find(|package| package.name.as_str() == name).expect("it is a member");
    let mut seen = BTreeMap::from([(start.id.clone(), vec![name.to_owned()])]);
    let mut open = vec![start.id.clone()];
    while let Some(id) = open.pop() {
        let chain = seen[&id].clone();
        let node = resolve.nodes.iter().find(|node| node.id == id).expect("every package has a node");
        for dependency in &node.deps {
            let only_for_tests =
                dependency.dep_kinds.iter().all(|kind| kind.kind == DependencyKind::Development);
            if only_for_tests || seen.contains_key(&dependency.pkg) {
                continue;
            }
            let mut longer = chain.clone();
            longer.push(metadata[&dependency.pkg].name.to_string());
            seen.insert(dependency.pkg.clone(), longer);
            open.push(dependency.pkg.clone());
        }
    }
    seen
}

#[test]
fn decisions_can_not_reach_a_database_or_the_network() {
    let filter = ["--filter-platform".to_owned(), this_system()];
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .other_options(filter)
        .exec()
        .expect("cargo resolves the workspace");
    let crates = built_with(&metadata, "souk-domain");
    assert!(crates.len() > 5, "the walk stopped early: {crates:?}");
    let forbidden = |name: &String| NOT_IN_DOMAIN.iter().any(|start| name.starts_with(start));
    let complaints: Vec<String> = crates
        .values()
        .filter(|chain| chain.last().is_some_and(forbidden))
        .map(|chain| format!("souk-domain is built with {}", chain.join(" -> ")))
        .collect();
    no_complaints(&complaints);
    // The same walk finds them where they belong: the check above can fail.
    let infra = built_with(&metadata, "souk-infra");
    assert!(
        infra.values().any(|chain| chain.last().is_some_and(forbidden)),
        "souk-infra without a database?"
    );
}
