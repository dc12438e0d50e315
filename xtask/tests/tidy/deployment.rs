//! The files that put souk on a machine: they must name settings that exist, and ask for secrets instead of having them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{no_complaints, read, root};

/// The settings that souk reads from its environment. It refuses to start with one that it does not know.
const SETTINGS: [&str; 14] = [
    "DATABASE_URL",
    "REDIS_URL",
    "SOUK_ENV",
    "SOUK_BIND",
    "SOUK_PUBLIC_URL",
    "SOUK_SANDBOX_BIND",
    "STRIPE_SECRET_KEY",
    "STRIPE_PUBLISHABLE_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_CONNECT_WEBHOOK_SECRET",
    "STRIPE_API_BASE",
    "SOUK_JWT_SECRET",
    "SOUK_ENCRYPTION_KEY",
    "SOUK_SMTP_URL",
];

/// Variables that the compose file itself asks for.
const OF_COMPOSE: [&str; 3] = ["POSTGRES_PASSWORD", "POSTGRES_PORT", "REDIS_PORT"];

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
struct Service {
    build: Option<String>,
    image: Option<String>,
    command: Option<Words>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    ports: Vec<String>,
    #[serde(default)]
    volumes: Vec<String>,
    #[serde(default)]
    depends_on: BTreeMap<String, Dependency>,
    healthcheck: HealthCheck,
    deploy: Option<Deploy>,
}

#[derive(Deserialize)]
struct Dependency {
    condition: String,
}

#[derive(Deserialize)]
struct Deploy {
    replicas: u32,
}

#[derive(Deserialize)]
struct HealthCheck {
    #[serde(default)]
    test: Vec<String>,
    #[serde(default)]
    disable: bool,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Words {
    Line(String),
    List(Vec<String>),
}

fn compose() -> Compose {
    serde_saphyr::from_str(&read("docker-compose.yml"))
        .unwrap_or_else(|error| panic!("docker-compose.yml: {error}"))
}

/// The `${NAME…}` of a text: each name with what follows it up to the brace.
fn variables(text: &str) -> Vec<(&str, &str)> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(inside, _)| inside.split_at(inside.find(':').unwrap_or(inside.len())))
        .collect()
}

#[test]
fn compose_has_the_whole_installation() {
    let compose = compose();
    let names: Vec<&str> = compose.services.keys().map(String::as_str).collect();
    assert_eq!(names, ["mailpit", "migrate", "postgres", "redis", "souk"]);
    for (name, service) in &compose.services {
        assert!(service.image.is_some(), "{name} has no image");
        // A one-shot service is judged by its exit code.
        let one_shot = name == "migrate";
        assert_eq!(service.healthcheck.test.is_empty(), one_shot, "{name}'s health check");
        assert_eq!(service.healthcheck.disable, one_shot, "{name}'s health check");
        for port in &service.ports {
            assert!(port.starts_with("127.0.0.1:"), "{name} would answer to the whole network on {port}");
        }
        for volume in &service.volumes {
            let volume = volume.split(':').next().unwrap_or_default();
            assert!(
                compose.volumes.contains_key(volume),
                "{name} uses the volume {volume}, which isn't declared"
            );
        }
    }
}

#[test]
fn replicas_start_on_a_migrated_database_and_are_watched() {
    let compose = compose();
    let (souk, migrate) = (&compose.services["souk"], &compose.services["migrate"]);
    assert!(souk.deploy.as_ref().is_some_and(|deploy| deploy.replicas >= 2), "one replica proves nothing");
    assert!(souk.healthcheck.test.iter().any(|word| word.ends_with("/readyz")));
    assert_eq!(souk.command, Some(Words::List(vec!["serve".to_owned()])));
    assert_eq!(migrate.command, Some(Words::List(vec!["migrate".to_owned()])));
    assert_eq!((&souk.build, &souk.environment), (&migrate.build, &migrate.environment));
    assert!(souk.build.is_some());
    let conditions = |service: &Service| -> Vec<(String, String)> {
        service.depends_on.iter().map(|(name, one)| (name.clone(), one.condition.clone())).collect()
    };
    let healthy = |name: &str| (name.to_owned(), "service_healthy".to_owned());
    let migrated = ("migrate".to_owned(), "service_completed_successfully".to_owned());
    assert_eq!(conditions(souk), [healthy("mailpit"), migrated, healthy("postgres"), healthy("redis")]);
    assert_eq!(conditions(migrate), [healthy("postgres")]);
}

#[test]
fn every_variable_is_a_setting() {
    let compose = compose();
    let mut complaints = Vec::new();
    for (name, service) in compose.services.iter().filter(|(_, service)| service.build.is_some()) {
        for variable in service.environment.keys().filter(|variable| !SETTINGS.contains(&variable.as_str())) {
            complaints.push(format!("{name} sets {variable}, which souk does not know"));
        }
    }
    let text = read("docker-compose.yml");
    for (variable, _) in variables(&text) {
        if !SETTINGS.contains(&variable) && !OF_COMPOSE.contains(&variable) {
            complaints.push(format!("docker-compose.yml asks for {variable}, which is no setting"));
        }
    }
    for line in read("Dockerfile").lines().filter_map(|line| line.strip_prefix("ENV ")) {
        let variable = line.split('=').next().unwrap_or(line);
        if !SETTINGS.contains(&variable) {
            complaints.push(format!("the Dockerfile sets {variable}, which souk does not know"));
        }
    }
    no_complaints(&complaints);
}

#[test]
fn secrets_are_asked_for() {
    let text = read("docker-compose.yml");
    let secret = |name: &str| ["SECRET", "KEY", "PASSWORD"].iter().any(|word| name.contains(word));
    let mut asked = BTreeSet::new();
    for (name, rule) in variables(&text).into_iter().filter(|(name, _)| secret(name)) {
        assert!(
            rule.starts_with(":?") && rule.len() > 4,
            "{name} needs `:?` and what to put there, not {rule}"
        );
        asked.insert(name);
    }
    for (name, value) in &compose().services["souk"].environment {
        assert!(!secret(name) || value.starts_with("${"), "{name} has its value in the file");
    }
    // The tests borrow two services of the file, and have to satisfy all that it asks for.
    let borrower = read("xtask/src/services/compose.rs");
    for name in asked {
        assert!(borrower.contains(&format!("\"{name}\"")), "xtask does not set {name} for docker compose");
    }
}

#[test]
fn the_image_is_built_from_every_crate_and_runs_without_rights() {
    let dockerfile = read("Dockerfile");
    let lines = |start: &str| dockerfile.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((lines("FROM "), lines("USER "), lines("HEALTHCHECK ")), (2, 1, 1));
    assert_eq!(lines("USER root"), 0);
    let ignore = read(".dockerignore");
    let copied: BTreeSet<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for name in &copied {
        assert!(root().join(name).exists(), ".dockerignore lets {name} through, which does not exist");
    }
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .expect("cargo describes the workspace");
    for package in metadata.workspace_packages() {
        let folder = package
            .manifest_path
            .parent()
            .and_then(|folder| folder.file_name())
            .expect("a crate has a folder");
        assert!(copied.contains(folder), ".dockerignore keeps the crate in {folder} out of the image");
    }
}

#[test]
fn variables_are_found_with_their_rules() {
    assert_eq!(variables("a ${B} c ${D:-e} ${F:?g}"), [("B", ""), ("D", ":-e"), ("F", ":?g")]);
}
