//! Creates the files of a new cluster.
//! Invariant: a cluster is either complete or not there, whenever the machine stops.

use std::ffi::OsStr;
use std::fs;

use anyhow::{Context, Result, ensure};

use super::Durability;
use super::binaries::Binaries;
use super::layout::Layout;

/// Creates the cluster next to its place and then renames it.
pub(super) fn create(layout: &Layout, binaries: &Binaries, durability: Durability) -> Result<()> {
    tracing::info!("Creating the database in {}", layout.data.display());
    let unfinished = layout.data.with_extension("new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))?;
    }
    layout.account.own_folder(&unfinished)?;
    let mut initdb = layout.account.command(binaries.program("initdb"));
    initdb
        .args([OsStr::new("--pgdata"), unfinished.as_os_str()])
        .args(["--username", "postgres", "--auth", "trust", "--encoding", "UTF8"])
        .args(locale())
        .args(["--data-checksums", "--no-instructions"]);
    if durability == Durability::Throwaway {
        initdb.arg("--no-sync");
    }
    let output = initdb.output().context("cannot run initdb")?;
    ensure!(
        output.status.success(),
        "initdb could not create the database: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    fs::rename(&unfinished, &layout.data)
        .with_context(|| format!("cannot put the new database at {}", layout.data.display()))
}

/// Text is ordered by code point everywhere and upper case is known for all letters; macOS has
/// no locale of that name.
fn locale() -> &'static [&'static str] {
    if cfg!(target_os = "macos") { &["--locale=C", "--lc-ctype=UTF-8"] } else { &["--locale=C.UTF-8"] }
}
