//! A return path of its own for an e-mail: `local+token@domain`, by sub-addressing (RFC 5233). A report that comes back
//! is then known by whom it is to, even if it quotes nothing.

use crate::EmailAddress;

/// Octets of a token. It is written in small letters and digits, because some servers change the case of addresses.
pub const TOKEN: usize = 32;
/// Most octets of a local part (RFC 5321, 4.5.3.1.1).
const LOCAL: usize = 64;

/// The address with a token in it; nothing when there is no room for one.
#[must_use]
pub fn return_path(address: &EmailAddress, token: &str) -> Option<String> {
    let (local, domain) = address.as_str().rsplit_once('@')?;
    (local.len() + 1 + token.len() <= LOCAL).then(|| format!("{local}+{token}@{domain}"))
}

/// What may be the token in an address that a mail came to, in small letters.
#[must_use]
pub fn token_of(recipient: &str) -> Option<String> {
    let (local, _) = recipient.rsplit_once('@')?;
    let (_, token) = local.rsplit_once('+')?;
    (token.len() == TOKEN).then(|| token.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_where_it_was_put() {
        let token = "a2".repeat(TOKEN / 2);
        for address in ["nora@halden.example", "nora+sales@halden.example", &format!("{}@x.example", "n".repeat(31))] {
            let path = return_path(&EmailAddress::parse(address).expect("an address"), &token).expect("room");
            assert_eq!(token_of(&path).as_deref(), Some(token.as_str()));
            assert_eq!(token_of(&path.to_uppercase()).as_deref(), Some(token.as_str()), "whatever the case");
        }
        let long = EmailAddress::parse(&format!("{}@x.example", "n".repeat(32))).expect("an address");
        assert_eq!(return_path(&long, &token), None);
        for other in ["nora@halden.example", "nora+sales@halden.example", "nora", ""] {
            assert_eq!(token_of(other), None, "{other}");
        }
    }
}
