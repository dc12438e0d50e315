//! Files that nothing uses: Rust files that no `mod` names, pages and assets that no file mentions.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use syn::{Expr, ExprLit, Item, ItemMod, Lit, Meta};

use crate::{Source, no_complaints, root, rust_sources, sources};

/// Folders, anywhere in the repository, whose files are there to be used by other files.
const ASSET_FOLDERS: [&str; 3] = ["templates", "static", "assets"];

/// Follows the modules of a crate from its root. `folder` is where the files of `items` have their children.
fn follow(items: &[Item], file: &Path, folder: &Path, seen: &mut BTreeSet<PathBuf>) {
    let modules =
        items.iter().filter_map(|item| if let Item::Mod(module) = item { Some(module) } else { None });
    for module in modules {
        let name = module.ident.to_string().trim_start_matches("r#").to_owned();
        if let Some((_, items)) = &module.content {
            follow(items, file, &folder.join(name), seen);
        } else if let Some(path) = path_attribute(module) {
            let path = file.parent().expect("a file lies in a folder").join(path);
            visit(&path, path.parent().expect("a file lies in a folder"), seen);
        } else {
            let (flat, nested) = (folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs"));
            visit(if flat.is_file() { &flat } else { &nested }, &folder.join(&name), seen);
        }
    }
}

fn visit(file: &Path, children: &Path, seen: &mut BTreeSet<PathBuf>) {
    // A module for another system, or behind a feature, may lack its file: the compiler is the judge of that.
    let Ok(text) = fs::read_to_string(file) else { return };
    if seen.insert(file.to_path_buf()) {
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        follow(&parsed.items, file, children, seen);
    }
}

fn path_attribute(module: &ItemMod) -> Option<String> {
    module.attrs.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn every_rust_file_belongs_to_a_crate() {
    let metadata =
        MetadataCommand::new().current_dir(root()).no_deps().exec().expect("cargo describes the workspace");
    let mut seen = BTreeSet::new();
    for target in metadata.workspace_packages().iter().flat_map(|package| &package.targets) {
        let file = target.src_path.clone().into_std_path_buf();
        visit(&file, file.parent().expect("a file lies in a folder"), &mut seen);
    }
    assert!(seen.len() > 10, "the walk stopped early: {seen:?}");
    let complaints: Vec<String> = rust_sources()
        .iter()
        .filter(|source| !seen.contains(&root().join(&source.path)))
        .map(|source| format!("{} is compiled by nothing: name it in a `mod`, or remove it", source.path))
        .collect();
    no_complaints(&complaints);
}

#[test]
fn a_file_without_a_mod_is_noticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in [
        ("lib.rs", "mod a; mod b { mod c; } #[path = \"odd.rs\"] mod d;"),
        ("a.rs", "mod e;"),
        ("a/e/mod.rs", ""),
        ("b/c.rs", ""),
        ("odd.rs", ""),
        ("dead.rs", ""),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let mut seen = BTreeSet::new();
    visit(&folder.path().join("lib.rs"), folder.path(), &mut seen);
    let names: Vec<_> = seen
        .iter()
        .map(|path| path.strip_prefix(folder.path()).expect("below").display().to_string())
        .collect();
    assert_eq!(names, ["a/e/mod.rs", "a.rs", "b/c.rs", "lib.rs", "odd.rs"]);
}

/// The part of an asset's path by which other files name it: the one below its folder of assets.
fn asset_name(path: &str) -> Option<&str> {
    ASSET_FOLDERS.iter().find_map(|folder| {
        let (before, name) = path.split_once(&format!("{folder}/"))?;
        (before.is_empty() || before.ends_with('/')).then_some(name)
    })
}

/// All files, text or not, below a folder of assets.
fn assets(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the repository can be read").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if name == "target" || name == ".git" || path.join("CACHEDIR.TAG").exists() {
            continue;
        }
        if path.is_dir() {
            assets(&path, found);
        } else if let Ok(relative) = path.strip_prefix(root()) {
            found.push(relative.to_string_lossy().into_owned());
        }
    }
}

fn is_mentioned(path: &str, name: &str, sources: &[Source]) -> bool {
    sources.iter().any(|source| source.path != path && source.text.contains(name))
}

#[test]
fn every_page_and_asset_is_used() {
    let sources = sources();
    let mut files = Vec::new();
    assets(&root(), &mut files);
    let complaints: Vec<String> = files
        .iter()
        .filter(|path| asset_name(path).is_some_and(|name| !is_mentioned(path, name, &sources)))
        .map(|path| format!("{path} is mentioned by no other file: use it, or remove it"))
        .collect();
    no_complaints(&complaints);
}

#[test]
fn assets_are_known_by_the_path_below_their_folder() {
    assert_eq!(asset_name("api/templates/seller/home.html"), Some("seller/home.html"));
    assert_eq!(asset_name("static/souk.css"), Some("souk.css"));
    assert_eq!(asset_name("api/src/my_static/souk.css"), None);
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let files = [source("a/static/x.css", "x.css"), source("a/page.html", "/static/y.css")];
    assert!(!is_mentioned("a/static/x.css", "x.css", &files));
    assert!(is_mentioned("a/static/y.css", "y.css", &files));
}
