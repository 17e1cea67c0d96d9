//! Keys and what is made with them: sealed secrets, signed links, derived passwords.
//!
//! Everything comes from one master key by HKDF (RFC 5869) with a label per use, so
//! a key for one use is worthless for another.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use data_encoding::BASE32_NOPAD;
use domain::CompanyId;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Error, Result};

/// The master key and what is derived from it.
#[derive(Clone)]
pub struct Secrets(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

/// Length of the signature in a link: 128 bits cannot be guessed online.
const SIGNATURE: usize = 16;

impl Secrets {
    /// From 32 bytes.
    #[must_use]
    pub fn new(master: [u8; 32]) -> Self {
        Self(Zeroizing::new(master))
    }

    /// From the 64 hexadecimal digits of a configuration.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_hex(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        anyhow::ensure!(
            text.len() == 64 && text.is_ascii(),
            "the master key must be 64 hexadecimal digits, as `openssl rand -hex 32` prints them"
        );
        let mut master = [0; 32];
        for (i, byte) in master.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16)?;
        }
        Ok(Self::new(master))
    }

    /// A new master key, as hexadecimal digits.
    #[must_use]
    pub fn generate_hex() -> String {
        hex(&random::<32>())
    }

    /// Seals a secret of a company: XChaCha20-Poly1305 with a random nonce in front.
    /// `identity` names the row it is kept in; it cannot be opened in any other.
    ///
    /// # Errors
    /// Never in practice: the cipher only fails on texts of many gigabytes.
    pub fn seal(&self, company: CompanyId, identity: Uuid, plain: &str) -> Result<Vec<u8>> {
        let nonce = random::<24>();
        let aad = aad(company, identity);
        let sealed = self
            .cipher(company)
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain.as_bytes(), aad: &aad })
            .map_err(|_| Error::internal(anyhow::anyhow!("a secret could not be sealed")))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// When the master key has changed or the row was tampered with.
    pub fn open(&self, company: CompanyId, identity: Uuid, sealed: &[u8]) -> Result<Zeroizing<String>> {
        let unreadable = || Error::internal(anyhow::anyhow!("a secret cannot be opened: was the master key changed?"));
        let (nonce, text) = sealed.split_at_checked(24).ok_or_else(unreadable)?;
        let aad = aad(company, identity);
        let plain = self
            .cipher(company)
            .decrypt(XNonce::from_slice(nonce), Payload { msg: text, aad: &aad })
            .map_err(|_| unreadable())?;
        String::from_utf8(plain).map(Zeroizing::new).map_err(|_| unreadable())
    }

    /// A token for a link that names `id` and cannot be made by anybody else.
    #[must_use]
    pub fn link_token(&self, purpose: &str, id: Uuid) -> String {
        self.signed(purpose, id.as_bytes())
    }

    /// The id in a token of [`Self::link_token`], if we signed it.
    #[must_use]
    pub fn read_link_token(&self, purpose: &str, token: &str) -> Option<Uuid> {
        self.read_signed::<16>(purpose, token).map(Uuid::from_bytes)
    }

    /// A token for one of many links of `id`.
    #[must_use]
    pub fn place_token(&self, purpose: &str, id: Uuid, place: i16) -> String {
        self.signed(purpose, &[id.as_bytes().as_slice(), &place.to_be_bytes()].concat())
    }

    /// The id and the place in a token of [`Self::place_token`], if we signed it.
    #[must_use]
    pub fn read_place_token(&self, purpose: &str, token: &str) -> Option<(Uuid, i16)> {
        let bytes = self.read_signed::<18>(purpose, token)?;
        let (id, place) = bytes.split_first_chunk::<16>()?;
        Some((Uuid::from_bytes(*id), i16::from_be_bytes(place.try_into().ok()?)))
    }

    /// A short token for an id, in small letters and digits: for addresses, whose case some servers change. Whoever
    /// knows no id guesses none, so 32 bits of signature tell ours from chance.
    #[must_use]
    pub fn address_token(&self, purpose: &str, id: Uuid) -> String {
        let value = [id.as_bytes().as_slice(), &self.mac(purpose, id.as_bytes())[..4]].concat();
        BASE32_NOPAD.encode(&value).to_ascii_lowercase()
    }

    /// The id in a token of [`Self::address_token`], whatever its case, if we signed it.
    #[must_use]
    pub fn read_address_token(&self, purpose: &str, token: &str) -> Option<Uuid> {
        let bytes = BASE32_NOPAD.decode(token.to_ascii_uppercase().as_bytes()).ok()?;
        let (id, signature) = bytes.split_first_chunk::<16>()?;
        let expected = self.mac(purpose, id);
        (signature.len() == 4 && bool::from(signature.ct_eq(&expected[..4]))).then(|| Uuid::from_bytes(*id))
    }

    fn signed(&self, purpose: &str, value: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([value, &self.mac(purpose, value)[..SIGNATURE]].concat())
    }

    /// The value of a token that has `N` octets and a signature of ours.
    fn read_signed<const N: usize>(&self, purpose: &str, token: &str) -> Option<[u8; N]> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (value, signature) = bytes.split_first_chunk::<N>()?;
        let expected = self.mac(purpose, value);
        (signature.len() == SIGNATURE && bool::from(signature.ct_eq(&expected[..SIGNATURE]))).then_some(*value)
    }

    /// A password that belongs to a name: the sandbox needs no table of them.
    #[must_use]
    pub fn derived_password(&self, name: &str) -> String {
        URL_SAFE_NO_PAD.encode(&self.mac("sandbox-password", name.as_bytes())[..24])
    }

    /// A hash under a key, for values that must not be readable in the database.
    #[must_use]
    pub fn keyed_hash(&self, purpose: &str, value: &[u8]) -> Vec<u8> {
        self.mac(purpose, value).to_vec()
    }

    fn mac(&self, purpose: &str, value: &[u8]) -> [u8; 32] {
        let key = self.derive(purpose);
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key.as_slice()).expect("HMAC takes a key of any length");
        mac.update(value);
        mac.finalize().into_bytes().into()
    }

    fn cipher(&self, company: CompanyId) -> XChaCha20Poly1305 {
        let key = self.derive(&format!("company-secrets:{company}"));
        XChaCha20Poly1305::new_from_slice(key.as_slice()).expect("the key has 32 bytes")
    }

    fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, self.0.as_slice())
            .expand(label.as_bytes(), key.as_mut_slice())
            .expect("32 bytes are within what HKDF gives");
        key
    }
}

/// A random token of 256 bits for links and keys, and the hash that is kept of it.
#[must_use]
pub fn new_token() -> (String, Vec<u8>) {
    let token = URL_SAFE_NO_PAD.encode(random::<32>());
    let hash = hash_token(&token);
    (token, hash)
}

/// A secret for the signatures of one sender (Standard Webhooks): 24 random bytes.
#[must_use]
pub(crate) fn signing_secret() -> String {
    format!("whsec_{}", STANDARD.encode(random::<24>()))
}

/// A password of 100 random bits for a person who has given none, in letters and digits that are
/// not mistaken for each other.
#[must_use]
pub fn new_password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = random::<20>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    letters.chunks(5).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// The SHA-256 of a token. No salt: tokens have 256 random bits.
#[must_use]
pub fn hash_token(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

fn aad(company: CompanyId, identity: Uuid) -> Vec<u8> {
    [company.0.as_bytes().as_slice(), identity.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::new([7; 32])
    }

    #[test]
    fn a_new_password_is_good_enough_for_ourselves() {
        let password = new_password();
        assert_eq!(password.len(), 23, "{password}");
        assert!(domain::companies::check_password(&password).is_ok(), "{password}");
        assert_ne!(password, new_password());
    }

    fn company(n: u128) -> CompanyId {
        CompanyId(Uuid::from_u128(n))
    }

    #[test]
    fn a_secret_opens_only_in_its_own_row() {
        let sealed = secrets().seal(company(1), Uuid::from_u128(2), "hunter2").expect("sealed");
        assert_eq!(secrets().open(company(1), Uuid::from_u128(2), &sealed).expect("opened").as_str(), "hunter2");
        assert!(secrets().open(company(1), Uuid::from_u128(3), &sealed).is_err());
        assert!(secrets().open(company(2), Uuid::from_u128(2), &sealed).is_err());
        assert!(Secrets::new([8; 32]).open(company(1), Uuid::from_u128(2), &sealed).is_err());
        assert!(secrets().open(company(1), Uuid::from_u128(2), &sealed[..20]).is_err());
    }

    #[test]
    fn a_link_token_holds_one_id_for_one_purpose() {
        let id = Uuid::from_u128(42);
        let token = secrets().link_token("unsubscribe", id);
        assert_eq!(secrets().read_link_token("unsubscribe", &token), Some(id));
        assert_eq!(secrets().read_link_token("other", &token), None);
        let mut forged = token.clone();
        forged.replace_range(0..1, if token.starts_with('A') { "B" } else { "A" });
        assert_eq!(secrets().read_link_token("unsubscribe", &forged), None);
        assert_eq!(secrets().read_link_token("unsubscribe", ""), None);
    }

    #[test]
    fn a_token_of_a_place_is_of_that_place_only() {
        let id = Uuid::from_u128(42);
        let token = secrets().place_token("click", id, 7);
        assert_eq!(secrets().read_place_token("click", &token), Some((id, 7)));
        assert_eq!(secrets().read_place_token("open", &token), None);
        assert_eq!(secrets().read_link_token("click", &token), None, "another kind of token");
        let mut bytes = URL_SAFE_NO_PAD.decode(&token).expect("ours");
        bytes[17] = 8;
        assert_eq!(secrets().read_place_token("click", &URL_SAFE_NO_PAD.encode(bytes)), None, "the place is signed");
    }

    #[test]
    fn a_master_key_is_read_from_hexadecimal_digits() {
        assert!(Secrets::from_hex(&Secrets::generate_hex()).is_ok());
        assert!(Secrets::from_hex("short").is_err());
        assert!(Secrets::from_hex(&"zz".repeat(32)).is_err());
    }
}
