//! Messages: one e-mail to one lead, and what is known about its way.
//!
//! The send axis only moves forward. From `sending` on a message is never tried
//! again by itself unless the server has said “later”.

mod meaning;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

pub use meaning::meaning;

use crate::{CampaignId, EnrolmentId, LeadId, MailboxId, MessageId, StepId, why_not::WhyNot, wire::wire_enum};

wire_enum! {
    /// Where an e-mail stands.
    pub enum MessageState {
        /// Planned for a time.
        Scheduled = "scheduled",
        /// A worker has taken it and will hand it over at once.
        Claimed = "claimed",
        /// It is being handed over. Nobody else will ever try.
        Sending = "sending",
        /// A server has taken it.
        Sent = "sent",
        /// A server said “later”; it is tried again.
        Deferred = "deferred",
        /// Its lead is paused.
        Held = "held",
        /// A server refused it.
        Failed = "failed",
        /// Nobody knows whether a server took it. Evidence is looked for; it is sent again only if its campaign says so.
        Unknown = "unknown",
        /// It will not be sent.
        Cancelled = "cancelled",
    }
}

impl MessageState {
    /// States from which a claim may take a message.
    pub const CLAIMABLE: &'static [Self] = &[Self::Scheduled, Self::Deferred];
    /// States that a cancellation may end: nothing has left yet.
    pub const CANCELLABLE: &'static [Self] = &[Self::Scheduled, Self::Claimed, Self::Deferred, Self::Held];

    /// Whether nothing more happens to it by itself.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Sent | Self::Failed | Self::Unknown | Self::Cancelled)
    }

    /// Whether the way from `self` to `next` exists. What was judged unknown becomes known when the
    /// answer of the server arrives after all, never the other way round.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Scheduled | Self::Deferred, Self::Claimed | Self::Held | Self::Cancelled)
                | (Self::Held, Self::Scheduled | Self::Deferred | Self::Cancelled)
                | (Self::Claimed, Self::Sending | Self::Scheduled | Self::Deferred | Self::Held | Self::Cancelled)
                | (Self::Sending, Self::Sent | Self::Deferred | Self::Failed | Self::Unknown | Self::Scheduled)
                | (Self::Unknown, Self::Sent | Self::Deferred | Self::Failed | Self::Scheduled)
        )
    }

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Scheduled => "Planned",
            Self::Claimed => "Next",
            Self::Sending => "Being sent",
            Self::Sent => "Sent",
            Self::Deferred => "Tried again later",
            Self::Held => "Held",
            Self::Failed => "Refused",
            Self::Unknown => "Unknown",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// How long a worker may hold a claimed or sending message before others may judge it.
/// Longer than a hand-over may take, with the ten minutes that RFC 5321, 4.5.3.2.6, gives a server after
/// the final dot: who holds a lease that is not over may still hear the answer.
pub const LEASE: Duration = Duration::minutes(20);

/// A server may say “later” for this long, counted from the first try.
pub const SOFT_BOUNCE_LIMIT: Duration = Duration::hours(72);

/// So many reports within [`SOFT_BOUNCE_LIMIT`] that an address could not be reached, and nothing from it in between, are
/// as good as one that it does not exist.
pub const SOFT_BOUNCES: i64 = 3;

/// Why nobody knows what became of an e-mail whose worker was killed: nothing of the e-mail's.
pub const WORKER_ENDED: &str = "The worker ended while the e-mail was handed over. It may have arrived.";
/// After so long without evidence a campaign may have an unknown e-mail handed over once more. The database function
/// `platform_unknown_messages` says the same.
pub const RESEND_AFTER: Duration = Duration::hours(24);

impl Message {
    /// Its server has said nothing, it had no second try, and nobody has given it up.
    #[must_use]
    pub const fn is_open_question(&self) -> bool {
        matches!(self.state, MessageState::Unknown) && self.resent_at.is_none() && self.final_at.is_none()
    }
}

/// After so long nobody looks for evidence of an unknown e-mail any more; `platform_unknown_messages` says the same.
pub const FINAL_AFTER: Duration = Duration::hours(72);

/// The folder of sent mails is searched again after this.
pub const LOOK_AGAIN: Duration = Duration::hours(1);

wire_enum! {
    /// What has shown that an unknown e-mail was taken.
    pub enum Evidence {
        /// A copy lies in the folder of sent mails.
        SentFolder = "sent_folder",
        /// An answer or a report names it.
        Answer = "answer",
        /// One of its links or pictures was asked for.
        Tracking = "tracking",
    }
}

impl Evidence {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SentFolder => "a copy lies in the folder of sent mails",
            Self::Answer => "an answer or a report names it",
            Self::Tracking => "one of its links or pictures was asked for",
        }
    }
}

/// The wait before the next try, after `attempts` tries that were answered with “later”.
/// RFC 5321, 4.5.4.1, asks for at least 30 minutes after the first ones.
#[must_use]
pub fn retry_delay(attempts: i32) -> Duration {
    match attempts {
        ..=1 => Duration::minutes(30),
        2 => Duration::hours(2),
        3 => Duration::hours(6),
        4 => Duration::hours(12),
        _ => Duration::hours(24),
    }
}

/// What a mail server made of an e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// Taken, with the words and the queue id of the server.
    Accepted {
        /// Reply of the server.
        reply: String,
        /// Its id for the e-mail, when the reply names one.
        queue_id: Option<String>,
    },
    /// “Later” (4xx).
    Deferred {
        /// Reply of the server.
        reply: String,
    },
    /// “No” (5xx).
    Rejected {
        /// Reply of the server.
        reply: String,
        /// The address itself is to blame.
        hard: bool,
    },
    /// The connection could not be made, or broke before the final dot: surely not taken.
    NotStarted {
        /// What went wrong.
        reason: String,
        /// Waiting does not help: the mailbox needs a person.
        needs_person: bool,
    },
    /// The final dot may have gone out and no reply came.
    Unknown {
        /// What went wrong.
        reason: String,
    },
}

impl SendOutcome {
    /// The words of a server, or about it, that did not take the e-mail.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::Deferred { reply } | Self::Rejected { reply, .. } | Self::NotStarted { reason: reply, .. } => {
                Some(reply)
            }
            Self::Accepted { .. } | Self::Unknown { .. } => None,
        }
    }
}

/// An e-mail of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// Id.
    pub id: MessageId,
    /// The enrolment it belongs to.
    pub enrolment_id: EnrolmentId,
    /// The lead; absent once it was deleted.
    pub lead_id: Option<LeadId>,
    /// Name of the lead, or its address.
    pub lead_name: Option<String>,
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Its name.
    pub campaign_name: String,
    /// The step.
    pub step_id: StepId,
    /// Place of the step, from 1.
    pub position: i32,
    /// The mailbox.
    pub mailbox_id: MailboxId,
    /// Where it stands.
    pub state: MessageState,
    /// When it is or was due.
    pub due_at: DateTime<Utc>,
    /// When the hand-over began.
    pub sending_at: Option<DateTime<Utc>>,
    /// When the server took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// The server it was handed to, as `host:port`.
    pub server: Option<String>,
    /// The server's id for it.
    pub queue_id: Option<String>,
    /// Last words of the server, or why it was cancelled.
    pub detail: Option<String>,
    /// What has shown that it was taken, when its server did not say so.
    pub evidence: Option<Evidence>,
    /// When that was found.
    pub evidence_at: Option<DateTime<Utc>>,
    /// When it was handed over once more, because nothing had shown that it was taken.
    pub resent_at: Option<DateTime<Utc>>,
    /// Since when nobody looks for evidence any more, while it is unknown.
    pub final_at: Option<DateTime<Utc>>,
    /// Tries that were answered.
    pub attempts: i32,
    /// The address it was written to, once it was.
    pub recipient: Option<String>,
    /// Subject, once it was written.
    pub subject: Option<String>,
    /// `Message-ID` header, once it was written.
    pub message_id_header: Option<String>,
    /// It was sent with a picture that tells of opens.
    pub tracks_opens: bool,
    /// It was sent with links that tell of clicks.
    pub tracks_clicks: bool,
    /// The first time that a person opened it, as far as one can tell.
    pub opened_at: Option<DateTime<Utc>>,
    /// The first time that a person followed one of its links.
    pub clicked_at: Option<DateTime<Utc>>,
    /// The last thing that a program did with it, in words, while no person has opened it.
    pub machine: Option<String>,
}

/// An e-mail, and why it has not left yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageInFull {
    /// What is known about it.
    #[serde(flatten)]
    pub message: Message,
    /// Why it has not left yet, while it may.
    pub why_not_yet: Option<WhyNot>,
}

#[cfg(test)]
mod tests {
    use super::MessageState as S;
    use super::*;

    #[test]
    fn the_send_axis_only_moves_forward() {
        let table: Vec<String> = S::ALL
            .iter()
            .map(|from| {
                let to: Vec<_> = S::ALL.iter().filter(|to| from.may_become(**to)).map(|s| s.as_str()).collect();
                format!("{from} -> {}", to.join(" "))
            })
            .collect();
        assert_eq!(
            table,
            [
                "scheduled -> claimed held cancelled",
                "claimed -> scheduled sending deferred held cancelled",
                "sending -> scheduled sent deferred failed unknown",
                "sent -> ",
                "deferred -> claimed held cancelled",
                "held -> scheduled deferred cancelled",
                "failed -> ",
                "unknown -> scheduled sent deferred failed",
                "cancelled -> ",
            ]
        );
    }

    #[test]
    fn lists_agree_with_the_table() {
        for s in S::ALL {
            assert_eq!(s.may_become(S::Claimed), S::CLAIMABLE.contains(s), "{s}");
            assert_eq!(s.may_become(S::Cancelled), S::CANCELLABLE.contains(s), "{s}");
            let moves_by_itself = *s != S::Unknown && S::ALL.iter().any(|to| s.may_become(*to));
            assert_eq!(s.is_terminal(), !moves_by_itself, "{s}");
        }
    }

    #[test]
    fn the_lease_outlives_the_longest_silence_of_a_server() {
        assert!(LEASE > Duration::minutes(10));
    }
}
