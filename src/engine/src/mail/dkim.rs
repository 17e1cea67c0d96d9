//! Signs mails (RFC 6376): rsa-sha256, relaxed in headers and body, so that relays which fold lines break nothing.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_auth::{
    common::{
        crypto::{RsaKey, Sha256},
        headers::HeaderWriter,
    },
    dkim::{DkimSigner, Done},
};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::MimeError;

/// What a signature covers. A name that the mail has once and that stands here twice, or that it does not have,
/// cannot be added on the way (RFC 6376, 8.15). One-click unsubscribing counts only when it is covered (RFC 8058, 4).
const COVERED: [&str; 14] = [
    "From",
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// Signs for one domain.
pub struct Signer(DkimSigner<RsaKey<Sha256>, Done>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl Signer {
    /// With a key as PKCS #8 in Base64, whose public half stands at `{selector}._domainkey.{domain}`.
    ///
    /// # Errors
    /// When it is not an RSA key of 2048 to 4096 bits.
    pub fn new(domain: &str, selector: &str, key: &str) -> Result<Self, MimeError> {
        let unusable = |error: &dyn std::fmt::Display| MimeError::Signature(format!("its key cannot be used: {error}"));
        let der = STANDARD.decode(key).map_err(|error| unusable(&error))?;
        let key = RsaKey::<Sha256>::from_key_der(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)))
            .map_err(|error| unusable(&error))?;
        Ok(Self(DkimSigner::from_key(key).domain(domain).selector(selector).headers(COVERED)))
    }

    /// The mail with its signature in front.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn sign(&self, mime: &[u8]) -> Result<Vec<u8>, MimeError> {
        let signature = self.0.sign(mime).map_err(|error| MimeError::Signature(error.to_string()))?;
        let mut signed = signature.to_header().into_bytes();
        signed.extend_from_slice(mime);
        Ok(signed)
    }
}
