//! The two ways to sign in: AUTH PLAIN (RFC 4616) and AUTH LOGIN.
//! Decodes what the client sends; whether it fits is for the storage to say.

use std::{io, ops::ControlFlow};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::{SandboxStore, session::Session};

/// The challenges of AUTH LOGIN: `Username:` and `Password:`.
const LOGIN_CHALLENGES: [&str; 2] = ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"];

/// A user name with its password.
struct Claim {
    username: String,
    password: String,
}

impl<S: SandboxStore> Session<S> {
    /// AUTH (RFC 4954), with or without the first answer along with it.
    pub(super) async fn auth(&mut self, mechanism: &str, initial: Option<String>) -> io::Result<ControlFlow<()>> {
        if !self.has_greeted || self.mailbox.is_some() || self.envelope.is_some() {
            return Ok(self.fault("503 5.5.1 Not now"));
        }
        let claim = match mechanism {
            "PLAIN" => match self.answer("334 ", initial).await? {
                Some(word) => plain(&word),
                None => return Ok(ControlFlow::Break(())),
            },
            "LOGIN" => {
                let Some(username) = self.answer(LOGIN_CHALLENGES[0], initial).await? else {
                    return Ok(ControlFlow::Break(()));
                };
                let Some(password) = self.answer(LOGIN_CHALLENGES[1], None).await? else {
                    return Ok(ControlFlow::Break(()));
                };
                decode(&username).zip(decode(&password)).map(|(username, password)| Claim { username, password })
            }
            _ => return Ok(self.fault("504 5.5.4 AUTH PLAIN or AUTH LOGIN")),
        };
        let Some(claim) = claim else {
            return Ok(self.fault("501 5.5.2 That could not be decoded"));
        };
        match self.store.sign_in(&claim.username, &claim.password).await {
            Ok(Some(mailbox)) => {
                self.mailbox = Some(mailbox);
                self.reply("235 2.7.0 Welcome");
                Ok(ControlFlow::Continue(()))
            }
            Ok(None) => Ok(self.fault("535 5.7.8 User name or password are wrong")),
            Err(error) => {
                tracing::error!(error.message = %error, "The sandbox could not check a sign-in");
                self.reply("454 4.7.0 Signing in is not possible now");
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    /// The client's answer to a challenge, which it may have sent along. `*` takes everything back.
    async fn answer(&mut self, challenge: &str, initial: Option<String>) -> io::Result<Option<String>> {
        match initial {
            Some(word) => Ok(Some(word)),
            None => {
                self.reply(challenge);
                self.next_line().await
            }
        }
    }
}

/// Decodes one base64 word; `=` stands for the empty string (RFC 4954 section 4).
fn decode(word: &str) -> Option<String> {
    if word == "=" {
        return Some(String::new());
    }
    String::from_utf8(BASE64.decode(word).ok()?).ok()
}

/// Reads `authorization NUL user NUL password`. Acting for somebody else is not possible.
fn plain(word: &str) -> Option<Claim> {
    let text = decode(word)?;
    let mut parts = text.split('\0');
    let (on_behalf, username, password) = (parts.next()?, parts.next()?, parts.next()?);
    let is_own = on_behalf.is_empty() || on_behalf == username;
    (is_own && parts.next().is_none()).then(|| Claim { username: username.to_owned(), password: password.to_owned() })
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
