//! Tests of the repository itself: who may depend on whom, how long things get, what may not be left lying about.
//! They read files and never run souk. A complaint names the file, and says what to do.
#![expect(clippy::expect_used, reason = "a test that can't read the repository has to fail")]

mod arrows;
mod deployment;
mod functions;
mod reachable;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the repository.
struct Source {
    /// Relative to the repository's root, with forward slashes.
    path: String,
    text: String,
}

impl Source {
    fn has_extension(&self, extensions: &[&str]) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| extensions.iter().any(|one| found == *one))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path} can't be read: {error}"))
}

/// Every text file, found by walking: git may be missing, or refuse a folder that belongs to somebody else.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root(), &root(), &mut found);
    assert!(found.len() > 20, "the repository was not found");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn rust_sources() -> Vec<Source> {
    sources().into_iter().filter(|source| source.has_extension(&["rs"])).collect()
}

fn walk(folder: &Path, root: &Path, found: &mut Vec<Source>) {
    // The tag marks a folder of build output, whatever its name is.
    if folder.join("CACHEDIR.TAG").exists() {
        return;
    }
    for entry in fs::read_dir(folder).expect("the repository can be read").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if name == ".git" || name == "target" {
            continue;
        }
        let kind = entry.file_type().expect("an entry has a type");
        if kind.is_dir() {
            walk(&path, root, found);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(&path)
        {
            let path =
                path.strip_prefix(root).expect("walked from the root").to_string_lossy().replace('\\', "/");
            found.push(Source { path, text });
        }
    }
}

/// Fails with every complaint at once, so that one run is enough to see them all.
#[track_caller]
fn no_complaints(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
