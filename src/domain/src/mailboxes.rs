//! Mailboxes: the addresses that e-mails leave from, and how much they may send.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    EmailAddress, MailboxId, Problem, campaigns::PausedBy, companies::check_name, problem::Problems, wire::wire_enum,
};

mod health;
mod limits;
mod return_path;
mod test;

pub use health::{BOUNCE_WINDOW, COMPLAINT_WINDOW, Health, Outlook};
pub use limits::{RecipientLimits, group_label, recipient_group};
pub use return_path::{TOKEN, return_path, token_of};
pub use test::{ConnectionTest, Protocol, TestStep, TestStepKind, one_more, report, steps_of};

wire_enum! {
    /// What stands behind a mailbox.
    pub enum MailboxKind {
        /// The company's own server, by SMTP.
        Smtp = "smtp",
        /// The sandbox of this installation: mails are caught, nobody is mailed.
        Sandbox = "sandbox",
    }
}

wire_enum! {
    /// Whether a mailbox can send.
    pub enum MailboxState {
        /// It can.
        Connected = "connected",
        /// Its server refuses the sign-in or cannot be reached; somebody has to look.
        Reconnect = "reconnect",
        /// A person paused it, or the system did because of what came back.
        Paused = "paused",
    }
}

wire_enum! {
    /// How the connection to a server is protected.
    pub enum Security {
        /// TLS from the first byte (RFC 8314), usually port 465.
        Tls = "tls",
        /// STARTTLS (RFC 3207), usually port 587.
        StartTls = "start_tls",
        /// Not at all. Only for servers on this machine.
        None = "none",
    }
}

/// A mailbox; its password is never given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mailbox {
    /// Id.
    pub id: MailboxId,
    /// What stands behind it.
    pub kind: MailboxKind,
    /// Name that recipients read.
    pub from_name: String,
    /// Address that recipients read.
    pub address: EmailAddress,
    /// Host of its server.
    pub host: String,
    /// Port of its server.
    pub port: i32,
    /// How the connection is protected.
    pub security: Security,
    /// Name used to sign in.
    pub username: Option<String>,
    /// Whether it can send.
    pub state: MailboxState,
    /// Why not, in the words of its server.
    pub last_error: Option<String>,
    /// Who paused it.
    pub paused_by: Option<PausedBy>,
    /// Why the system paused it, and what to do.
    pub pause_reason: Option<String>,
    /// What came back of its e-mails.
    pub health: Health,
    /// The most e-mails in any 24 hours.
    pub daily_cap: i32,
    /// It begins with 20 e-mails a day, and may send two more each day, up to `daily_cap`.
    pub ramp: bool,
    /// The most e-mails in 24 hours as of now.
    pub cap_now: i32,
    /// The least time between two e-mails, in seconds.
    pub gap_seconds: i32,
    /// The most time between two e-mails that are due; each gap is drawn anew.
    pub gap_max_seconds: i32,
    /// Whether each e-mail has a return path of its own, `local+…@domain` (RFC 5233), so that a report is matched even
    /// if it quotes nothing.
    pub own_return_paths: bool,
    /// E-mails handed over in the last 24 hours, test mails among them.
    pub sent_24h: i64,
    /// When it may send next, if something waits.
    pub next_send_at: Option<DateTime<Utc>>,
    /// When its connection was last tested, and found good.
    pub checked_at: Option<DateTime<Utc>>,
    /// The last test of its connection, step by step.
    pub test: Option<ConnectionTest>,
    /// Version for If-Match; grows with every change.
    pub version: i64,
}

/// What is entered to connect or change a mailbox; an absent value stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MailboxInput {
    /// What stands behind it; `smtp` when absent. Cannot be changed later.
    pub kind: Option<MailboxKind>,
    /// Name that recipients read.
    pub from_name: Option<String>,
    /// Address that recipients read.
    pub address: Option<String>,
    /// Host of its server. Not for the sandbox.
    pub host: Option<String>,
    /// Port of its server.
    pub port: Option<i32>,
    /// How the connection is protected.
    pub security: Option<Security>,
    /// Name used to sign in.
    pub username: Option<String>,
    /// Password; kept encrypted, never shown. Needed again with another host, port or `security`.
    pub password: Option<String>,
    /// The most e-mails in any 24 hours, 0 to 100,000; 50 when absent.
    pub daily_cap: Option<i32>,
    /// Begin with 20 e-mails a day and two more each day; true when absent, except for the sandbox.
    pub ramp: Option<bool>,
    /// The least time between two e-mails, 0 to 86,400 seconds; 60 when absent.
    pub gap_seconds: Option<i32>,
    /// The most time between two e-mails that are due; 300 seconds when absent, or `gap_seconds` if that is more.
    pub gap_max_seconds: Option<i32>,
    /// Whether each e-mail has a return path of its own, `local+…@domain` (RFC 5233), so that a report is matched even
    /// if it quotes nothing; false when absent. Not every provider takes them: the test of the connection tells.
    pub own_return_paths: Option<bool>,
}

impl MailboxInput {
    /// Checks what is there. `new` also asks for what a new mailbox cannot do without.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self, new: bool) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        let sandbox = self.kind == Some(MailboxKind::Sandbox);
        if new && self.from_name.is_none() {
            problems.push(Problem::field("from_name", "name_missing", "Enter the name that recipients read."));
        }
        if let Some(name) = &self.from_name {
            self.from_name = problems.check("from_name", check_name(name, 100));
        }
        match &self.address {
            Some(raw) => {
                let address = problems.check("address", EmailAddress::parse(raw));
                // The domain also stands in the ids of its e-mails, which are ASCII (RFC 5322, 3.6.4).
                if address.as_ref().is_some_and(|a| !a.as_str().is_ascii()) {
                    let words = "Write the address in ASCII: the domain as xn--…, as your provider shows it.";
                    problems.push(Problem::field("address", "address_not_ascii", words));
                }
                self.address = address.map(String::from);
            }
            None if new => problems.push(Problem::field("address", "email_missing", "Enter an e-mail address.")),
            None => {}
        }
        self.host = self.host.map(|h| h.trim().to_lowercase()).filter(|h| !h.is_empty());
        if new && !sandbox && self.host.is_none() {
            problems.push(Problem::field("host", "host_missing", "Enter the host of the mail server."));
        }
        if self.host.as_ref().is_some_and(|h| h.len() > 253 || h.contains(|c: char| c.is_whitespace() || c == '/')) {
            problems.push(Problem::field("host", "host_invalid", "Enter a host name, as in smtp.example.com."));
        }
        if self.port.is_some_and(|p| !(1..=65_535).contains(&p)) {
            problems.push(Problem::field("port", "port_invalid", "Use a port from 1 to 65535."));
        }
        if self.daily_cap.is_some_and(|n| !(0..=100_000).contains(&n)) {
            problems.push(Problem::field("daily_cap", "number_invalid", "Use 0 to 100,000 e-mails."));
        }
        if self.gap_seconds.is_some_and(|n| !(0..=86_400).contains(&n)) {
            problems.push(Problem::field("gap_seconds", "number_invalid", "Use 0 to 86,400 seconds."));
        }
        if self.gap_max_seconds.is_some_and(|n| !(self.gap_seconds.unwrap_or(0)..=86_400).contains(&n)) {
            let words = "Use at least the shortest gap, and at most 86,400 seconds.";
            problems.push(Problem::field("gap_max_seconds", "number_invalid", words));
        }
        problems.finish()?;
        Ok(self)
    }

    /// The longest gap that goes with a new shortest one, when none is entered: as it was, but never shorter, and
    /// none at all without a gap.
    #[must_use]
    pub fn longest_gap(&self, before: i32) -> i32 {
        match (self.gap_max_seconds, self.gap_seconds) {
            (Some(most), _) => most,
            (None, Some(0)) => 0,
            (None, least) => before.max(least.unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_mailbox_says_all_that_is_missing() {
        let problems =
            MailboxInput { port: Some(0), ..MailboxInput::default() }.check(true).expect_err("nothing there");
        let fields: Vec<_> = problems.iter().filter_map(|p| p.field.as_deref()).collect();
        assert_eq!(fields, ["from_name", "address", "host", "port"]);
    }

    #[test]
    fn a_sandbox_needs_no_host() {
        let input = MailboxInput {
            kind: Some(MailboxKind::Sandbox),
            from_name: Some("Nora Berg".into()),
            address: Some("nora@halden.example".into()),
            ..MailboxInput::default()
        };
        assert!(input.check(true).is_ok());
    }
}
