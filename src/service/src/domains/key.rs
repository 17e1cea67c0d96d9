//! Keys that sign e-mails: made here or read from what a person entered.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::Problem;
use rsa::{
    RsaPrivateKey,
    pkcs1::DecodeRsaPrivateKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey},
    rand_core::OsRng,
    traits::PublicKeyParts,
};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// Bits of a new key: what RFC 8301 (3.2) asks signers for, and the most that fits into one DNS answer everywhere.
const BITS: usize = 2048;
/// What the library that signs can work with.
const ALLOWED: std::ops::RangeInclusive<usize> = 2048..=4096;

/// The key that signs an e-mail, opened for the sender.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// The domain it signs for.
    pub domain: String,
    /// Where receivers find its public half.
    pub selector: String,
    /// PKCS #8 in Base64.
    pub private: Zeroizing<String>,
}

/// Both halves of a key, in Base64.
pub(super) struct Made {
    /// PKCS #8.
    pub(super) private: Zeroizing<String>,
    /// SubjectPublicKeyInfo, as records of DKIM have it.
    pub(super) public: String,
}

/// A new key. It takes a moment of computing, which is done aside.
pub(super) async fn generate() -> Result<Made> {
    let made = tokio::task::spawn_blocking(|| RsaPrivateKey::new(&mut OsRng, BITS)).await.map_err(Error::internal)?;
    written(&made.map_err(Error::internal)?)
}

/// A key that a person entered, as PEM.
pub(super) fn read(pem: &str) -> Result<Made> {
    let pem = Zeroizing::new(pem.trim().replace("\r\n", "\n"));
    let words = "This is not an RSA key as PEM. Paste it whole, from -----BEGIN to -----END, without a passphrase.";
    let key = RsaPrivateKey::from_pkcs8_pem(&pem)
        .or_else(|_| RsaPrivateKey::from_pkcs1_pem(&pem))
        .map_err(|_| Problem::field("private_key", "key_invalid", words))?;
    let bits = key.n().bits();
    if !ALLOWED.contains(&bits) {
        let words = format!("The key has {bits} bits. Use one of 2048 to 4096.");
        return Err(Problem::field("private_key", "key_size", words).into());
    }
    written(&key)
}

fn written(key: &RsaPrivateKey) -> Result<Made> {
    let private = key.to_pkcs8_der().map_err(Error::internal)?;
    let public = key.to_public_key().to_public_key_der().map_err(Error::internal)?;
    Ok(Made {
        private: Zeroizing::new(STANDARD.encode(private.as_bytes())),
        public: STANDARD.encode(public.as_bytes()),
    })
}

/// A selector that no key before had: `sw1`, `sw2`, ...
pub(super) fn next_selector(old: Option<&str>) -> String {
    let n: u32 = old.and_then(|old| old.strip_prefix("sw")?.parse().ok()).unwrap_or(0);
    format!("sw{}", n.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_never_used_twice_in_a_row() {
        assert_eq!(next_selector(None), "sw1");
        assert_eq!(next_selector(Some("sw1")), "sw2");
        assert_eq!(next_selector(Some("google")), "sw1");
    }

    #[tokio::test]
    async fn a_key_is_read_in_both_forms_and_others_are_refused() {
        let key = RsaPrivateKey::new(&mut OsRng, BITS).expect("a key");
        let ours = written(&key).expect("written");
        let pkcs8 = key.to_pkcs8_pem(rsa::pkcs8::LineEnding::CRLF).expect("PEM");
        let pkcs1 = rsa::pkcs1::EncodeRsaPrivateKey::to_pkcs1_pem(&key, rsa::pkcs8::LineEnding::LF).expect("PEM");
        for pem in [pkcs8.as_str(), pkcs1.as_str()] {
            assert_eq!(read(&format!("\n{pem}\n")).expect("read").public, ours.public);
        }
        let small = RsaPrivateKey::new(&mut OsRng, 1024).expect("a key");
        let small = small.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF).expect("PEM");
        for (pem, code) in [(small.as_str(), "key_size"), ("-----BEGIN NONSENSE-----", "key_invalid")] {
            let Err(Error::Invalid(problems)) = read(pem) else { panic!("taken: {code}") };
            assert_eq!(problems[0].code, code);
        }
    }
}
