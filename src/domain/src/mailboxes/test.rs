//! The test of a connection as a list of steps, so that the one that fails has a name.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Security;
use crate::{domains::Standing, wire::wire_enum, words::sentence};

wire_enum! {
    /// The way to a server.
    pub enum Protocol {
        /// To send.
        Smtp = "smtp",
        /// To read replies.
        Imap = "imap",
    }
}

wire_enum! {
    /// A step of a connection.
    pub enum TestStepKind {
        /// Looking up the name of the host.
        NameLookup = "name_lookup",
        /// Opening the connection.
        Connect = "connect",
        /// Encrypting it.
        Tls = "tls",
        /// Whether the certificate is that of the host.
        Certificate = "certificate",
        /// The first words of the server.
        Greeting = "greeting",
        /// User name and password.
        SignIn = "sign_in",
        /// Whether the server sends for the address.
        Sender = "sender",
        /// Whether it takes return paths of their own.
        ReturnPath = "return_path",
        /// The folder that is read.
        Inbox = "inbox",
        /// The folder of what was sent.
        Sent = "sent",
    }
}

impl TestStepKind {
    /// What people call it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NameLookup => "Name look-up",
            Self::Connect => "Connection",
            Self::Tls => "Encryption",
            Self::Certificate => "Certificate",
            Self::Greeting => "Greeting",
            Self::SignIn => "Sign-in",
            Self::Sender => "Sender",
            Self::ReturnPath => "Return path",
            Self::Inbox => "INBOX",
            Self::Sent => "Sent folder",
        }
    }

    /// What to look at when it fails.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::NameLookup => "Check the host for typing errors.",
            Self::Connect => "Check host and port, and whether a firewall is in between.",
            Self::Tls => "Port and protection have to go together: 465 or 993 with TLS, 587 or 143 with STARTTLS.",
            Self::Certificate => "Enter the host under the name that its certificate is for, or have it renewed.",
            Self::Greeting => "Something else may listen at this port: check port and protection.",
            Self::SignIn => "Check user name and password. Many providers ask for a password made for apps.",
            Self::Sender => "Let the provider add this address to the account, or sign in with that of the address.",
            Self::ReturnPath => {
                "Ask the provider for addresses with a part after “+”, or switch off return paths of their own."
            }
            Self::Inbox => "Ask the provider whether this account may be read by IMAP.",
            Self::Sent => "Nothing has to be done: it is not needed to send or to read replies.",
        }
    }
}

/// The steps up to the session, in the order in which they happen.
#[must_use]
pub fn steps_of(protocol: Protocol, security: Security) -> Vec<TestStepKind> {
    use TestStepKind::{Certificate, Connect, Greeting, Inbox, NameLookup, Sender, SignIn, Tls};
    let mut steps = vec![NameLookup, Connect];
    steps.extend(match security {
        Security::Tls => &[Tls, Certificate, Greeting][..],
        Security::StartTls => &[Greeting, Tls, Certificate][..],
        Security::None => &[Greeting][..],
    });
    steps.push(SignIn);
    steps.push(if protocol == Protocol::Smtp { Sender } else { Inbox });
    steps
}

/// What one step has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TestStep {
    /// On the way to which server.
    pub protocol: Protocol,
    /// Which.
    pub step: TestStepKind,
    /// How it went.
    pub standing: Standing,
    /// Sentence for people: what happened, and what to do.
    pub message: String,
}

/// The last test of a mailbox. What comes after a failed step was not reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionTest {
    /// When.
    pub at: DateTime<Utc>,
    /// Its steps: those to the server that sends, then those to the one that is read.
    pub steps: Vec<TestStep>,
}

/// Turns what was done, and why it went no further, into steps with words.
#[must_use]
pub fn report(
    protocol: Protocol,
    security: Security,
    host: &str,
    done: &[TestStepKind],
    failure: Option<&str>,
) -> Vec<TestStep> {
    let step = |step, standing, message| TestStep { protocol, step, standing, message };
    let mut steps: Vec<_> = done.iter().map(|kind| step(*kind, Standing::Pass, good(*kind, host))).collect();
    if let Some(words) = failure {
        let all = steps_of(protocol, security);
        let failed = all.into_iter().find(|kind| !done.contains(kind)).unwrap_or(TestStepKind::Greeting);
        let words = words.trim_end_matches('.');
        steps.push(step(failed, Standing::Fail, format!("{}. {}", sentence(words), failed.hint())));
    }
    steps
}

/// One more step, after the way there was good: what the server said to it, if it was no yes.
#[must_use]
pub fn one_more(protocol: Protocol, host: &str, step: TestStepKind, failure: Option<&str>) -> TestStep {
    let (standing, message) = match failure {
        None => (Standing::Pass, good(step, host)),
        Some(words) => (Standing::Fail, format!("{}. {}", sentence(words.trim_end_matches('.')), step.hint())),
    };
    TestStep { protocol, step, standing, message }
}

fn good(step: TestStepKind, host: &str) -> String {
    match step {
        TestStepKind::NameLookup => format!("{host} has an address."),
        TestStepKind::Connect => "The server takes connections.".to_owned(),
        TestStepKind::Tls => "The connection is encrypted.".to_owned(),
        TestStepKind::Certificate => format!("The certificate is valid for {host}."),
        TestStepKind::Greeting => "The server greets as it should.".to_owned(),
        TestStepKind::SignIn => "User name and password are right.".to_owned(),
        TestStepKind::Sender => "The server sends for this address.".to_owned(),
        TestStepKind::ReturnPath => "The server takes a return path of its own for each e-mail.".to_owned(),
        TestStepKind::Inbox => "INBOX can be read.".to_owned(),
        TestStepKind::Sent => "There is a folder of what was sent.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_after_the_last_good_one_is_the_one_that_failed() {
        use TestStepKind::{Connect, Greeting, NameLookup, Tls};
        let failed = |security, done: &[TestStepKind]| {
            report(Protocol::Smtp, security, "smtp.halden.example", done, Some("it hung up")).pop().map(|s| s.step)
        };
        assert_eq!(failed(Security::Tls, &[]), Some(NameLookup));
        assert_eq!(failed(Security::Tls, &[NameLookup, Connect]), Some(Tls));
        assert_eq!(failed(Security::Tls, &[NameLookup, Connect, Tls]), Some(TestStepKind::Certificate));
        assert_eq!(failed(Security::StartTls, &[NameLookup, Connect]), Some(Greeting));
        assert_eq!(failed(Security::None, &[NameLookup, Connect, Greeting]), Some(TestStepKind::SignIn));
        let steps = report(Protocol::Smtp, Security::Tls, "x.example", &[NameLookup], Some("refused"));
        assert_eq!(steps[0].message, "x.example has an address.");
        assert!(steps[1].message.starts_with("Refused. Check host and port"), "{}", steps[1].message);
    }
}
