//! What a server can do, as its reply to EHLO tells (RFC 5321 section 4.1.1.1).
//! Nothing is used that was not announced on this connection, after encryption.

use super::reply::Reply;

/// The announced extensions that the client knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// The name by which the server calls itself.
    pub name: String,
    pub start_tls: bool,
    pub auth_plain: bool,
    pub auth_login: bool,
    /// RFC 6152.
    pub eight_bit: bool,
    /// RFC 6531.
    pub utf8: bool,
    /// RFC 1870: announced, and the largest mail when the server tells it.
    pub size: Option<Option<u64>>,
}

impl Features {
    pub fn from_reply(reply: &Reply) -> Self {
        let mut lines = reply.text.lines();
        let name = lines.next().and_then(|line| line.split_whitespace().next()).unwrap_or_default().to_owned();
        let mut features = Self { name, ..Self::default() };
        for line in lines {
            // `AUTH=PLAIN` is how servers wrote it before the standard; some still do.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty()).map(str::to_ascii_uppercase);
            match words.next().unwrap_or_default().as_str() {
                "STARTTLS" => features.start_tls = true,
                "8BITMIME" => features.eight_bit = true,
                "SMTPUTF8" => features.utf8 = true,
                // A limit of 0 means that there is none (RFC 1870 section 4).
                "SIZE" => features.size = Some(words.next().and_then(|word| word.parse().ok()).filter(|&max| max > 0)),
                "AUTH" => {
                    for mechanism in words {
                        features.auth_plain |= mechanism == "PLAIN";
                        features.auth_login |= mechanism == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        features
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(text: &str) -> Features {
        Features::from_reply(&Reply { code: 250, text: text.to_owned() })
    }

    #[test]
    fn announced_extensions_are_known() {
        let found = features("mx.example at your service\nsize 35882577\n8BITMIME\nAUTH PLAIN XOAUTH2\nSMTPUTF8");

        assert_eq!(found.name, "mx.example");
        assert_eq!(found.size, Some(Some(35_882_577)));
        assert!(found.eight_bit && found.utf8 && found.auth_plain);
        assert!(!found.auth_login && !found.start_tls);
    }

    #[test]
    fn old_and_odd_spellings_are_understood() {
        assert!(features("mx\nAUTH=LOGIN PLAIN").auth_login);
        assert_eq!(features("mx\nSIZE").size, Some(None));
        assert_eq!(features("mx\nSIZE 0").size, Some(None));
        assert!(!features("STARTTLS").start_tls, "the first line is the name");
    }
}
