//! The two ways to sign in: AUTH PLAIN (RFC 4616) and AUTH LOGIN.
//! Decodes what the client sends; whether it fits is for the storage to say.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

/// The challenges of AUTH LOGIN: `Username:` and `Password:`.
pub(super) const LOGIN_CHALLENGES: [&str; 2] = ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"];

/// A user name with its password.
pub(super) struct Claim {
    pub username: String,
    pub password: String,
}

/// Decodes one base64 word; `=` stands for the empty string (RFC 4954 section 4).
pub(super) fn decode(word: &str) -> Option<String> {
    if word == "=" {
        return Some(String::new());
    }
    String::from_utf8(BASE64.decode(word).ok()?).ok()
}

/// Reads `authorization NUL user NUL password`. Acting for somebody else is not possible.
pub(super) fn plain(word: &str) -> Option<Claim> {
    let text = decode(word)?;
    let mut parts = text.split('\0');
    let (on_behalf, username, password) = (parts.next()?, parts.next()?, parts.next()?);
    let is_own = on_behalf.is_empty() || on_behalf == username;
    (is_own && parts.next().is_none())
        .then(|| Claim { username: username.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_three_parts_for_oneself() {
        let claim = plain(&BASE64.encode("\0ines\0secret")).unwrap();
        assert_eq!((claim.username.as_str(), claim.password.as_str()), ("ines", "secret"));
        for bad in ["\0ines", "ines\0secret", "boss\0ines\0secret", "\0a\0b\0c"] {
            assert!(plain(&BASE64.encode(bad)).is_none(), "{bad:?}");
        }
        assert!(plain("not base64!").is_none());
    }

    #[test]
    fn the_challenges_say_what_they_ask_for() {
        let asked: Vec<_> = LOGIN_CHALLENGES.iter().map(|line| decode(&line[4..]).unwrap()).collect();
        assert_eq!(asked, ["Username:", "Password:"]);
    }
}
