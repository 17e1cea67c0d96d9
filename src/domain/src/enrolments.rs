//! Enrolments: one lead in one campaign, from the first wait to its end.

mod bulk;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use bulk::{EnrolmentAction, EnrolmentSelection, EnrolmentsChanged};

use crate::{EmailAddress, EnrolmentId, LeadId, MailboxId, StepId, why_not::WhyNot, wire::wire_enum};

wire_enum! {
    /// Where a lead stands in a campaign.
    pub enum EnrolmentState {
        /// Its next e-mail may go as soon as a mailbox is free.
        Active = "active",
        /// Its next e-mail waits for the delay before the step.
        WaitingDelay = "waiting_delay",
        /// Its next e-mail waits for the sending window.
        WaitingWindow = "waiting_window",
        /// A person has something to do before it goes on.
        WaitingTask = "waiting_task",
        /// It waits for something to happen, or for an agent to end.
        WaitingEvent = "waiting_event",
        /// Held by a person or by an answer; goes on when somebody says so.
        Paused = "paused",
        /// Every step is done.
        Finished = "finished",
        /// The lead has answered, by mail or, as the reason then says, by a meeting.
        Replied = "replied",
        /// The lead has become a customer.
        Converted = "converted",
        /// Its address does not take mail.
        Bounced = "bounced",
        /// The lead asked for no more e-mail.
        Unsubscribed = "unsubscribed",
        /// Its address was put on the suppression list.
        Suppressed = "suppressed",
        /// A person or the campaign stopped it.
        Stopped = "stopped",
        /// Could not go on; the reason says why.
        Failed = "failed",
        /// Never got an e-mail; the reason says why.
        Skipped = "skipped",
    }
}

impl EnrolmentState {
    /// States in which something is still to come. The column `is_open` says the same.
    pub const OPEN: &'static [Self] =
        &[Self::Active, Self::WaitingDelay, Self::WaitingWindow, Self::WaitingTask, Self::WaitingEvent, Self::Paused];

    /// Whether something is still to come.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Active
                | Self::WaitingDelay
                | Self::WaitingWindow
                | Self::WaitingTask
                | Self::WaitingEvent
                | Self::Paused
        )
    }

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "Next in line",
            Self::WaitingDelay => "Waits for its delay",
            Self::WaitingWindow => "Waits for the window",
            Self::WaitingTask => "Waits for a task",
            Self::WaitingEvent => "Waits for an event",
            Self::Paused => "Paused",
            Self::Finished => "Finished",
            Self::Replied => "Replied",
            Self::Converted => "Became a customer",
            Self::Bounced => "Bounced",
            Self::Unsubscribed => "Unsubscribed",
            Self::Suppressed => "Suppressed",
            Self::Stopped => "Stopped",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
        }
    }
}

wire_enum! {
    /// Why an enrolment ended as it did.
    pub enum EndReason {
        /// The campaign was stopped.
        CampaignStopped = "campaign_stopped",
        /// A person took the lead out.
        Removed = "removed",
        /// The lead was deleted.
        LeadDeleted = "lead_deleted",
        /// The lead has no address.
        NoAddress = "no_address",
        /// The address was on the suppression list when the campaign started.
        OnSuppressionList = "on_suppression_list",
        /// A variable had no value and no fallback.
        MissingVariable = "missing_variable",
        /// The server said that the address does not exist.
        HardBounce = "hard_bounce",
        /// The server said “later” until there was no later.
        SoftExhausted = "soft_exhausted",
        /// The server refused the e-mail itself.
        Rejected = "rejected",
        /// The e-mail was given to a server that did not say whether it took it.
        /// It is not sent again, because it may have arrived (RFC 5321, 4.5.3.2.6).
        OutcomeUnknown = "outcome_unknown",
        /// A person did not want what was written for the lead.
        DraftRejected = "draft_rejected",
        /// It is a customer.
        Customer = "customer",
        /// It was in another campaign.
        ActiveElsewhere = "active_elsewhere",
        /// It got an e-mail from us a short time before.
        ContactedRecently = "contacted_recently",
        /// Somebody of its account has answered.
        AccountReplied = "account_replied",
        /// Nobody knows whether its address takes mail.
        UnverifiedAddress = "unverified_address",
        /// The company asks for a lawful basis, and none is recorded.
        NoLawfulBasis = "no_lawful_basis",
        /// It belongs to those who get nothing, for comparison.
        HeldOut = "held_out",
        /// A person says that there is a meeting with the lead.
        MeetingBooked = "meeting_booked",
    }
}

impl EndReason {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::CampaignStopped => "the campaign was stopped",
            Self::Removed => "taken out by hand",
            Self::LeadDeleted => "the lead was deleted",
            Self::NoAddress => "no e-mail address",
            Self::OnSuppressionList => "on the suppression list",
            Self::MissingVariable => "a variable has no value",
            Self::HardBounce => "the address does not exist",
            Self::SoftExhausted => "the server said “later” for 72 hours",
            Self::Rejected => "the server refused the e-mail",
            Self::OutcomeUnknown => "the server never said whether it took the e-mail",
            Self::DraftRejected => "its draft was rejected",
            Self::Customer => "a customer already",
            Self::ActiveElsewhere => "active in another campaign",
            Self::ContactedRecently => "contacted a short time before",
            Self::AccountReplied => "somebody of its account has answered",
            Self::UnverifiedAddress => "the address is not verified",
            Self::NoLawfulBasis => "no lawful basis is recorded",
            Self::HeldOut => "held out for comparison",
            Self::MeetingBooked => "a meeting is booked",
        }
    }
}

/// A lead in a campaign, as listed on its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrolment {
    /// Id.
    pub id: EnrolmentId,
    /// The lead; absent once it was deleted.
    pub lead_id: Option<LeadId>,
    /// Its display name.
    pub lead_name: String,
    /// Its address.
    pub email: Option<EmailAddress>,
    /// Where it stands.
    pub state: EnrolmentState,
    /// Why it ended as it did.
    pub reason: Option<EndReason>,
    /// Steps done.
    pub steps_done: i32,
    /// The version of the steps that it follows.
    pub sequence_version: i32,
    /// The step that is next.
    pub step: Option<StepId>,
    /// The mailbox that writes to it; the same for the whole sequence.
    pub mailbox_id: Option<MailboxId>,
    /// When its next e-mail is due.
    pub due_at: Option<DateTime<Utc>>,
    /// Why the next e-mail has not gone yet.
    pub why_not_yet: Option<WhyNot>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_open_states_are_those_that_say_so() {
        let open: Vec<_> = EnrolmentState::ALL.iter().copied().filter(|s| s.is_open()).collect();
        assert_eq!(open, EnrolmentState::OPEN);
    }
}
