//! Finds the programs of a Postgres server on this machine.
//! Invariant: a cluster is only ever opened by the major version that created it.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, anyhow};

/// The oldest major version whose SQL the migrations may use.
const OLDEST_MAJOR: u32 = 15;

/// Folders that hold one folder for each installed version.
const VERSIONED: [&str; 6] = [
    "/usr/lib/postgresql",
    "/opt/homebrew/opt",
    "/usr/local/opt",
    "/usr/local",
    "/Library/PostgreSQL",
    "/Applications/Postgres.app/Contents/Versions",
];

/// The programs of one Postgres version.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// The programs of version `wanted`, or the newest ones.
    pub fn find(wanted: Option<u32>) -> Result<Binaries> {
        let mut found: Vec<Binaries> = candidates().into_iter().filter_map(Binaries::at).collect();
        found.sort_by_key(|binaries| Reverse(binaries.major));
        let newest = found.first().map(|binaries| binaries.major);
        found
            .into_iter()
            .find(|binaries| match wanted {
                Some(major) => binaries.major == major,
                None => binaries.major >= OLDEST_MAJOR,
            })
            .ok_or_else(|| match (wanted, newest) {
                (Some(major), _) => anyhow!(
                    "this database was made by PostgreSQL {major}, whose server programs are not \
                     installed: install postgresql-{major}, or set PG_BIN to their folder"
                ),
                (None, Some(newest)) => anyhow!(
                    "PostgreSQL {newest} is too old: install version {OLDEST_MAJOR} or newer, or \
                     set DATABASE_URL to a server that is"
                ),
                (None, None) => anyhow!(
                    "no PostgreSQL server programs found: install them (`apt install postgresql`, \
                     `brew install postgresql@17`), set PG_BIN to their folder, or set \
                     DATABASE_URL to a server that runs elsewhere"
                ),
            })
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn at(folder: PathBuf) -> Option<Binaries> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let version = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let major = parse_major(&String::from_utf8_lossy(&version.stdout))?;
        Some(Binaries { folder, major })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "looks for programs as a shell would; the settings of the product are elsewhere"
)]
fn candidates() -> Vec<PathBuf> {
    // Who names a folder means it.
    if let Some(folder) = std::env::var_os("PG_BIN") {
        return vec![folder.into()];
    }
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    for parent in VERSIONED.map(Path::new) {
        let versions = fs::read_dir(parent).into_iter().flatten().flatten();
        folders.extend(versions.map(|version| version.path().join("bin")));
    }
    folders
}

/// Reads the 15 of `postgres (PostgreSQL) 15.18 (Debian ..)` and of `17beta1`.
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("sh: postgres: not found"), None);
    }

    #[test]
    fn a_missing_version_says_what_to_install() {
        let error = Binaries::find(Some(3)).expect_err("nobody has PostgreSQL 3").to_string();
        assert!(error.contains("install postgresql-3"), "{error}");
    }
}
