//! Inboxes: where the replies to a mailbox are read, and how far that has come.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{MailboxId, Problem, mailboxes::Security, problem::Problems, wire::wire_enum};

wire_enum! {
    /// A folder that is read.
    pub enum Folder {
        /// Where mail comes.
        Inbox = "inbox",
        /// What the provider has taken for spam (RFC 6154, `\Junk`). Only what is known to be for us is stored.
        Junk = "junk",
    }
}

/// Where the replies to a mailbox are read; its password is never given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Inbox {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Host of its IMAP server.
    pub host: String,
    /// Port of its server.
    pub port: i32,
    /// How the connection is protected.
    pub security: Security,
    /// Name used to sign in.
    pub username: String,
    /// The mails from this day on are read.
    pub since: NaiveDate,
    /// When its mails were last read to the end.
    pub read_at: Option<DateTime<Utc>>,
    /// Why they cannot be read, and what to do.
    pub error: Option<String>,
    /// When the server is asked next, when no worker is there now.
    pub next_read_at: DateTime<Utc>,
    /// Mails that the last comparison found on the server and not here.
    pub missing: i32,
    /// How many of them have been read since.
    pub mended: i32,
    /// When the server and what is stored were last compared.
    pub compared_at: Option<DateTime<Utc>>,
}

/// What is entered about an inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InboxInput {
    /// Host of its IMAP server.
    pub host: String,
    /// Port of its server; 993 when absent, 143 without TLS from the first byte.
    #[serde(default)]
    pub port: Option<i32>,
    /// How the connection is protected; `tls` when absent.
    #[serde(default)]
    pub security: Option<Security>,
    /// Name used to sign in.
    pub username: String,
    /// Password; kept encrypted, never shown. Needed again with another host, port or `security`.
    #[serde(default)]
    pub password: Option<String>,
}

impl InboxInput {
    /// Checks and tidies what was entered.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        self.host = self.host.trim().to_lowercase();
        if self.host.is_empty() {
            problems.push(Problem::field("host", "host_missing", "Enter the host of the IMAP server."));
        } else if self.host.len() > 253 || self.host.contains(|c: char| c.is_whitespace() || c == '/') {
            problems.push(Problem::field("host", "host_invalid", "Enter a host name, as in imap.example.com."));
        }
        let security = self.security.unwrap_or(Security::Tls);
        let port = self.port.unwrap_or(if security == Security::Tls { 993 } else { 143 });
        if !(1..=65_535).contains(&port) {
            problems.push(Problem::field("port", "port_invalid", "Use a port from 1 to 65535."));
        }
        (self.security, self.port) = (Some(security), Some(port));
        self.username = self.username.trim().to_owned();
        if self.username.is_empty() || self.username.len() > 320 || self.username.contains(char::is_control) {
            problems.push(Problem::field("username", "username_missing", "Enter the name used to sign in."));
        }
        self.password = self.password.filter(|password| !password.is_empty());
        if self.password.as_ref().is_some_and(|password| password.contains(['\r', '\n', '\0'])) {
            problems.push(Problem::field("password", "password_invalid", "The password must be one line."));
        }
        problems.finish()?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_follow_the_protection() {
        let input = |security| InboxInput {
            host: " IMAP.halden.example ".into(),
            security,
            username: "nora".into(),
            ..InboxInput::default()
        };
        let checked = input(None).check().expect("good");
        assert_eq!(
            (checked.host.as_str(), checked.port, checked.security),
            ("imap.halden.example", Some(993), Some(Security::Tls))
        );
        assert_eq!(input(Some(Security::StartTls)).check().expect("good").port, Some(143));
    }

    #[test]
    fn what_cannot_be_is_told_by_field() {
        let input = InboxInput { port: Some(0), password: Some("a\r\nb".into()), ..InboxInput::default() };
        let fields: Vec<_> = input.check().expect_err("bad").into_iter().filter_map(|p| p.field).collect();
        assert_eq!(fields, ["host", "port", "username", "password"]);
    }
}
