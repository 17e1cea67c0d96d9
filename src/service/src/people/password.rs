//! Passwords: argon2id with the parameters that OWASP names (19 MiB, two passes, one lane). Each
//! hash costs memory and time on purpose, so only a few are made at once.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::{Error, Result};

/// Hashes at the same time: 19 MiB each, and every one keeps a core busy.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// What unknown addresses are checked against, so that they take as long as known ones.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

/// Hashes a password.
///
/// # Errors
/// Internal, when the thread cannot run.
pub(super) async fn hash(password: String) -> Result<String> {
    run(move || hash_now(&password)).await
}

/// Whether a password fits. Without a hash it never does, and takes as long to say so.
///
/// # Errors
/// Internal, when a stored hash cannot be read.
pub(super) async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    run(move || {
        let known = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODY.clone());
        let parsed = PasswordHash::new(&text).map_err(|e| anyhow::anyhow!("{e}"))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await
}

fn hash_now(password: &str) -> anyhow::Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(hash.to_string())
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> Result<T> {
    let _permit = AT_ONCE.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?.map_err(Error::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hash = hash("correct horse".into()).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse".into(), Some(hash.clone())).await.expect("checked"));
        assert!(!verify("wrong horse".into(), Some(hash)).await.expect("checked"));
        assert!(!verify("nobody has this password".into(), None).await.expect("checked"));
    }
}
