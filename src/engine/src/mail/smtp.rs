//! An SMTP submission client (RFC 5321, RFC 6409) that knows at every moment whether a mail may have been taken over.
//! A mail is [`HandOver::NotStarted`] only while its final dot is unwritten, and [`HandOver::Unknown`] only after.
//!
//! The client is our own because that one octet decides whether a mail may be sent again: the common client
//! libraries report a connection lost before and after the final dot as the same error, and give up on a
//! reply whose text is not UTF-8 although its code is plain.

mod connect;
mod data;
mod features;
mod limits;
mod outcome;
mod reply;
mod session;
mod sign_in;
mod wire;

use std::fmt;

use zeroize::Zeroizing;

pub use connect::{ConnectError, ProbeReport, SmtpClient};
pub use limits::Limits;
pub use outcome::{HandOver, Phase};
pub use reply::EnhancedCode;
pub use session::Session;

/// A mail server and how to talk to it.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    /// Host name or address. The certificate is checked against it.
    pub host: String,
    /// 465 for [`Security::Tls`] and 587 for [`Security::StartTls`], as a rule.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// With whom to sign in; absent for servers that ask nobody.
    pub credentials: Option<Credentials>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first octet (RFC 8314).
    Tls,
    /// A plain connection that must become TLS before anything else happens (RFC 3207).
    StartTls,
    /// No encryption. A password is then sent to private networks and this machine only.
    None,
}

/// A user name and its password.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name as the server knows it, often the mail address.
    pub username: String,
    /// The password.
    pub password: Password,
}

/// A password that is never printed and is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password over.
    pub fn new(password: String) -> Self {
        Self(Zeroizing::new(password))
    }

    fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let credentials = Credentials { username: "ines".into(), password: Password::new("opensesame".into()) };

        assert!(!format!("{credentials:?}").contains("opensesame"));
    }
}
