//! The log of a campaign: what its entries are called, and by what they are chosen.

use crate::{MailboxId, StepId};

/// Which entries of a log are wanted; what is absent is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// About this step.
    pub step: Option<StepId>,
    /// About an e-mail of this mailbox.
    pub mailbox: Option<MailboxId>,
    /// About leads that have these words in their name, address, title or account.
    pub lead: Option<String>,
}

/// Every kind of entry with the words people read, by what it is about.
pub const EVENT_KINDS: &[(&str, &[(&str, &str)])] = &[
    (
        "E-mails",
        &[
            ("sent", "E-mail sent"),
            ("opened", "E-mail opened"),
            ("clicked", "Link followed"),
            ("bounced", "E-mail refused"),
            ("unknown", "E-mail: outcome unknown"),
            ("resent", "E-mail: once more"),
            ("left_unknown", "E-mail: left unknown"),
        ],
    ),
    (
        "Answers",
        &[
            ("replied", "Replied"),
            ("meeting_booked", "Meeting booked"),
            ("converted", "Became a customer"),
            ("unsubscribed", "Unsubscribed"),
            ("complained", "Complaint"),
        ],
    ),
    (
        "Leads",
        &[
            ("enrolled", "Leads added"),
            ("leads_paused", "Leads paused"),
            ("leads_resumed", "Leads resumed"),
            ("leads_skipped", "Leads skipped a step"),
            ("leads_moved", "Leads moved to another step"),
            ("leads_removed", "Leads removed"),
        ],
    ),
    (
        "Steps",
        &[
            ("published", "Steps published"),
            ("variant_won", "A wording has won"),
            ("task_given", "Task given"),
            ("run_started", "Agent started"),
            ("run_not_started", "Agent not started"),
            ("webhook_called", "Webhook called"),
            ("webhook_failed", "Webhook not reached"),
        ],
    ),
    (
        "Campaign",
        &[
            ("created", "Created"),
            ("edited", "Edited"),
            ("scheduled", "Scheduled"),
            ("unscheduled", "Back to a draft"),
            ("started", "Started"),
            ("paused", "Paused"),
            ("drained", "Nothing is being sent any more"),
            ("resumed", "Resumed"),
            ("caught_up", "Plans moved after an outage"),
            ("reopened", "Goes on for leads that were added"),
            ("stopped", "Stopped"),
            ("ended", "All leads have left"),
            ("completed", "Completed"),
            ("archived", "Archived"),
            ("unarchived", "Back from the archive"),
        ],
    ),
    ("Mailboxes", &[("rotated", "A mailbox cannot send"), ("mailbox_refused", "Mailbox needs a person")]),
];

/// The words for a kind of entry; nothing for one that this version does not write.
#[must_use]
pub fn event_label(kind: &str) -> Option<&'static str> {
    EVENT_KINDS.iter().flat_map(|(_, kinds)| *kinds).find(|(known, _)| *known == kind).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_words_of_its_own() {
        let all: Vec<_> = EVENT_KINDS.iter().flat_map(|(_, kinds)| *kinds).collect();
        assert_eq!(all.iter().map(|(kind, _)| kind).collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(all.iter().map(|(_, words)| words).collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!((event_label("bounced"), event_label("teleported")), (Some("E-mail refused"), None));
    }
}
