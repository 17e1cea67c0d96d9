//! The operating-system user as whom the database runs.
//! Invariant: Postgres never runs as root; when we are root it runs as the owner of the cluster,
//! which is `postgres`, or `nobody` where that user does not exist.

use std::fs::{self, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Who runs the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// The user of this process.
    Own,
    /// Another one, because this process is root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// The account for the cluster in `data_dir`; an existing cluster keeps its owner.
    pub fn for_cluster(data_dir: &Path) -> Result<Account> {
        let cluster = data_dir.join(super::layout::CLUSTER);
        let owner = fs::metadata(&cluster).ok().map(|found| (found.uid(), found.gid()));
        let me = rustix::process::geteuid();
        if !me.is_root() {
            ensure!(
                owner.is_none_or(|(uid, _)| uid == me.as_raw()),
                "{} belongs to another user: start Saleswright as that user, as root, or with \
                 another data folder",
                cluster.display()
            );
            return Ok(Account::Own);
        }
        if let Some((uid, gid)) = owner
            && uid != 0
        {
            return Ok(Account::Other { uid, gid });
        }
        let passwd = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        ["postgres", "nobody"].iter().find_map(|name| find_user(&passwd, name)).context(
            "Postgres refuses to run as root, and there is no user `postgres` or `nobody` \
                 to run it as: install postgresql, or start Saleswright as another user",
        )
    }

    /// A command that runs as this account, with nothing of our environment but the path: what
    /// is secret there is no business of the database's.
    pub fn command(self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/")
            // Its own group, so that Ctrl-C in a terminal reaches us and not the database.
            .process_group(0);
        if let Account::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Creates a folder that only this account may enter, or makes an existing one such.
    pub fn own_folder(self, folder: &Path) -> Result<()> {
        let made = match fs::symlink_metadata(folder) {
            Ok(found) => {
                ensure!(found.is_dir(), "{} is in the way: it is not a folder", folder.display());
                self.may_take(&found, folder)
            }
            Err(_) => fs::DirBuilder::new().mode(0o700).create(folder).map_err(Into::into),
        };
        made.with_context(|| format!("cannot create the folder {}", folder.display()))?;
        if let Account::Other { uid, gid } = self {
            chown(folder, Some(uid), Some(gid))
                .with_context(|| format!("cannot hand {} to the database", folder.display()))?;
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .with_context(|| format!("cannot close {} to others", folder.display()))
    }

    /// Postgres resolves absolute paths, so its user must be able to enter every folder above.
    pub fn check_reaches(self, folder: &Path) -> Result<()> {
        let Account::Other { uid, gid } = self else {
            return Ok(());
        };
        for above in folder.ancestors() {
            let found = fs::metadata(above).with_context(|| format!("cannot look at {}", above.display()))?;
            if !may_enter(&found, uid, gid) {
                bail!(
                    "Postgres does not run as root, and its user (uid {uid}) cannot enter {0}: \
                     choose another data folder, for example \
                     SALESWRIGHT_DATA_DIR=/var/lib/saleswright, or run `chmod o+x {0}`",
                    above.display()
                );
            }
        }
        Ok(())
    }

    /// Folders with known names in `/tmp` could be somebody's trap.
    fn may_take(self, found: &Metadata, folder: &Path) -> Result<()> {
        let owner = match self {
            Account::Own => rustix::process::geteuid().as_raw(),
            Account::Other { uid, .. } => uid,
        };
        ensure!(
            found.uid() == owner || found.uid() == rustix::process::geteuid().as_raw(),
            "{} belongs to uid {}, who is neither we nor the database",
            folder.display(),
            found.uid()
        );
        Ok(())
    }
}

/// Where caches go: the home of root is closed to the user of the database.
#[expect(
    clippy::disallowed_methods,
    reason = "names a cache folder for tests by the XDG convention; no setting of the product"
)]
pub(super) fn cache_dir() -> Result<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/cache/saleswright"));
    }
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .map(|cache| cache.join("saleswright"))
        .context("neither XDG_CACHE_HOME nor HOME is set")
}

fn find_user(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        found.then_some(Account::Other { uid, gid })
    })
}

fn may_enter(folder: &Metadata, uid: u32, gid: u32) -> bool {
    let bit = match folder {
        folder if folder.uid() == uid => 0o100,
        folder if folder.gid() == gid => 0o010,
        _ => 0o001,
    };
    folder.mode() & bit != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:7::/:/bin/sh\nbroken\n\
                      postgres:x:101:104::/var/lib/postgresql:/bin/sh\n";

        assert_eq!(find_user(passwd, "postgres"), Some(Account::Other { uid: 101, gid: 104 }));
        assert_eq!(find_user(passwd, "nobody"), None);
    }
}
