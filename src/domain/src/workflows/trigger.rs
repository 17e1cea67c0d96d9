//! What sets a workflow off: one thing that happens to a lead.

use serde::{Deserialize, Serialize};

use crate::{CampaignId, Problem, leads::LeadStatus, problem::Problems, threads::ThreadClass, wire::wire_enum};

wire_enum! {
    /// What kind of thing sets a workflow off.
    pub enum WorkflowTriggerKind {
        /// A lead is new.
        LeadCreated = "lead_created",
        /// The score of a lead has come to a threshold from below.
        ScoreCrossed = "score_crossed",
        /// A lead has answered.
        Replied = "replied",
        /// The status of a lead is another one.
        StatusChanged = "status_changed",
        /// A lead wants no more e-mail.
        Unsubscribed = "unsubscribed",
        /// The address of a lead does not exist.
        Bounced = "bounced",
        /// A task about a lead is done.
        TaskDone = "task_done",
    }
}

impl WorkflowTriggerKind {
    /// The words people choose by.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::LeadCreated => "A lead is created",
            Self::ScoreCrossed => "A score comes to a threshold",
            Self::Replied => "A lead replies",
            Self::StatusChanged => "A status changes",
            Self::Unsubscribed => "A lead unsubscribes",
            Self::Bounced => "An address bounces for good",
            Self::TaskDone => "A task is done",
        }
    }

    /// What exactly counts, for whoever chooses.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::LeadCreated => "By hand, by an import or by a program.",
            Self::ScoreCrossed => "From below; a new lead comes from nothing.",
            Self::Replied => "A person answers, or an answer is classified in the inbox.",
            Self::StatusChanged => "From any status to any, or between two that you choose.",
            Self::Unsubscribed => "By the link, by an answer or in the inbox.",
            Self::Bounced => "The address does not exist, so it is on the suppression list.",
            Self::TaskDone => "Any task about the lead.",
        }
    }
}

/// What sets a workflow off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum WorkflowTrigger {
    /// A lead is new.
    LeadCreated {},
    /// The score of a lead has come to `threshold` from below; a new lead comes from nothing.
    ScoreCrossed {
        /// 1 to 100.
        threshold: i32,
    },
    /// A lead has answered.
    Replied {
        /// Only answers that are classified so in the inbox, by rules, a model or a person. When absent, every
        /// answer of a person counts, and what programs answer does not.
        #[serde(default)]
        class: Option<ThreadClass>,
        /// Only answers to this campaign.
        #[serde(default)]
        campaign: Option<CampaignId>,
    },
    /// The status of a lead is another one.
    StatusChanged {
        /// Only from this status.
        #[serde(default)]
        from: Option<LeadStatus>,
        /// Only to this status.
        #[serde(default)]
        to: Option<LeadStatus>,
    },
    /// A lead wants no more e-mail.
    Unsubscribed {},
    /// The address of a lead does not exist.
    Bounced {},
    /// A task about a lead is done.
    TaskDone {},
}

impl WorkflowTrigger {
    /// A trigger of this kind before anything is entered about it.
    #[must_use]
    pub const fn empty(kind: WorkflowTriggerKind) -> Self {
        match kind {
            WorkflowTriggerKind::LeadCreated => Self::LeadCreated {},
            WorkflowTriggerKind::ScoreCrossed => Self::ScoreCrossed { threshold: 70 },
            WorkflowTriggerKind::Replied => Self::Replied { class: None, campaign: None },
            WorkflowTriggerKind::StatusChanged => Self::StatusChanged { from: None, to: None },
            WorkflowTriggerKind::Unsubscribed => Self::Unsubscribed {},
            WorkflowTriggerKind::Bounced => Self::Bounced {},
            WorkflowTriggerKind::TaskDone => Self::TaskDone {},
        }
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> WorkflowTriggerKind {
        match self {
            Self::LeadCreated {} => WorkflowTriggerKind::LeadCreated,
            Self::ScoreCrossed { .. } => WorkflowTriggerKind::ScoreCrossed,
            Self::Replied { .. } => WorkflowTriggerKind::Replied,
            Self::StatusChanged { .. } => WorkflowTriggerKind::StatusChanged,
            Self::Unsubscribed {} => WorkflowTriggerKind::Unsubscribed,
            Self::Bounced {} => WorkflowTriggerKind::Bounced,
            Self::TaskDone {} => WorkflowTriggerKind::TaskDone,
        }
    }

    /// The campaign that it looks at, if it looks at one only.
    #[must_use]
    pub const fn campaign(&self) -> Option<CampaignId> {
        match self {
            Self::Replied { campaign, .. } => *campaign,
            _ => None,
        }
    }

    /// The trigger in words; `campaign` is the name of the campaign that it looks at.
    #[must_use]
    pub fn words(&self, campaign: Option<&str>) -> String {
        match self {
            Self::LeadCreated {} => "A lead is created".to_owned(),
            Self::ScoreCrossed { threshold } => format!("The score of a lead comes to {threshold}"),
            Self::Replied { class, .. } => {
                let to = campaign.map(|name| format!(" to “{name}”")).unwrap_or_default();
                let class = class.map(|class| format!(", classified “{}”", class.label())).unwrap_or_default();
                format!("A lead replies{to}{class}")
            }
            Self::StatusChanged { from: None, to: None } => "The status of a lead changes".to_owned(),
            Self::StatusChanged { from, to } => {
                let from = from.map(|status| format!(" from {status}")).unwrap_or_default();
                let to = to.map(|status| format!(" to {status}")).unwrap_or_default();
                format!("The status of a lead changes{from}{to}")
            }
            Self::Unsubscribed {} => "A lead unsubscribes".to_owned(),
            Self::Bounced {} => "The address of a lead bounces for good".to_owned(),
            Self::TaskDone {} => "A task about a lead is done".to_owned(),
        }
    }

    /// Whether a change from one status to another is meant.
    #[must_use]
    pub fn takes(&self, was: LeadStatus, is: LeadStatus) -> bool {
        match self {
            Self::StatusChanged { from, to } => {
                was != is && from.is_none_or(|from| from == was) && to.is_none_or(|to| to == is)
            }
            _ => false,
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        match self {
            Self::ScoreCrossed { threshold } if !(1..=100).contains(threshold) => {
                problems.push(Problem::field("threshold", "threshold_invalid", "Enter a score, 1 to 100."));
            }
            Self::StatusChanged { from: Some(from), to: Some(to) } if from == to => {
                let words = "A change leads to another status. Choose two different ones.";
                problems.push(Problem::field("to", "status_same", words));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_status_is_taken_by_both_its_ends() {
        use LeadStatus::{New, Qualified, Working};
        let trigger = |from, to| WorkflowTrigger::StatusChanged { from, to };
        assert!(trigger(None, None).takes(New, Working));
        assert!(!trigger(None, None).takes(New, New), "it has not changed");
        assert!(trigger(Some(New), None).takes(New, Working));
        assert!(!trigger(Some(Working), None).takes(New, Working));
        assert!(trigger(None, Some(Qualified)).takes(New, Qualified));
        assert!(!trigger(None, Some(Qualified)).takes(New, Working));
        assert!(!WorkflowTrigger::LeadCreated {}.takes(New, Working));
    }

    #[test]
    fn every_kind_travels_and_reads() {
        for kind in WorkflowTriggerKind::ALL {
            let trigger = WorkflowTrigger::empty(*kind);
            let json = serde_json::to_value(&trigger).expect("it is JSON");
            assert_eq!(json["kind"], kind.as_str());
            assert_eq!(serde_json::from_value::<WorkflowTrigger>(json).expect("and back"), trigger);
            assert!(trigger.words(None).len() > 10);
        }
        let replied = WorkflowTrigger::Replied { class: Some(ThreadClass::Interested), campaign: None };
        assert_eq!(replied.words(Some("Autumn")), "A lead replies to “Autumn”, classified “Interested”");
    }
}
