//! The borders between the crates, as what is absent. A crate earns its place by what it may not
//! depend on.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand};

/// What each crate names as a dependency; test dependencies are free.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .no_deps()
        .exec()
        .expect("cargo describes the workspace");
    let names = |package: &cargo_metadata::Package| {
        let used = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
        used.map(|d| d.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), names(package))).collect()
}

/// The crates that name `dependency`.
fn users(dependency: &str) -> Vec<String> {
    dependencies().into_iter().filter(|(_, named)| named.contains(dependency)).map(|(name, _)| name).collect()
}

#[test]
fn only_the_service_and_what_stands_under_it_knows_sql() {
    // `domain` derives how ids and enums are stored, behind a feature; `testing` makes databases.
    assert_eq!(users("sqlx"), ["domain", "service", "testing"]);
    assert_eq!(users("graphile_worker"), ["service"]);
}

#[test]
fn only_the_engine_speaks_to_the_outside() {
    assert_eq!(users("lettre"), ["engine"]);
    assert_eq!(users("tokio-rustls"), ["engine"]);
    assert_eq!(users("engine"), ["server"], "pages enqueue, they never send");
}

#[test]
fn rules_and_work_know_nothing_of_the_web() {
    for web in ["axum", "leptos", "leptos_axum", "tower-sessions"] {
        let users = users(web);
        for inner in ["domain", "service", "engine"] {
            assert!(!users.contains(&inner.to_owned()), "{inner} names {web}");
        }
    }
}

#[test]
fn the_domain_stands_alone() {
    let own: BTreeSet<String> = dependencies().into_keys().collect();
    let named = &dependencies()["domain"];
    assert!(named.is_disjoint(&own), "domain names another crate of ours");
    assert!(!named.contains("tokio"), "domain is not asynchronous");
}

#[test]
fn nothing_of_the_tests_is_shipped() {
    assert_eq!(users("testing"), Vec::<String>::new());
}
