//! What a workflow does to a lead.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::MOST_PEOPLE;
use crate::{
    CampaignId, Permission, Problem, UserId,
    companies::check_name,
    leads::{LeadStatus, check_tags},
    runs::MAX_TASK,
    tasks::{MAX_DAYS, MAX_TITLE},
    wire::wire_enum,
};

wire_enum! {
    /// What kind of thing an action is.
    pub enum WorkflowActionKind {
        /// Puts the lead into a campaign.
        Enrol = "enrol",
        /// Adds a tag.
        AddTag = "add_tag",
        /// Removes a tag.
        RemoveTag = "remove_tag",
        /// Gives the lead to somebody.
        Assign = "assign",
        /// Gives a person something to do.
        CreateTask = "create_task",
        /// Says where the lead stands.
        SetStatus = "set_status",
        /// Starts a run of an agent.
        RunAgent = "run_agent",
        /// Tells another system.
        CallWebhook = "call_webhook",
    }
}

impl WorkflowActionKind {
    /// The words people choose by.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Enrol => "Enrol in a campaign",
            Self::AddTag => "Add a tag",
            Self::RemoveTag => "Remove a tag",
            Self::Assign => "Assign an owner",
            Self::CreateTask => "Create a task",
            Self::SetStatus => "Change the status",
            Self::RunAgent => "Run an agent",
            Self::CallWebhook => "Call the webhook",
        }
    }

    /// The rights that it needs, besides the one to change leads of other people.
    #[must_use]
    pub const fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Enrol => &[Permission::EditCampaigns, Permission::RunCampaigns],
            Self::RunAgent => &[Permission::RunAgents],
            Self::AddTag | Self::RemoveTag | Self::Assign | Self::CreateTask | Self::SetStatus => {
                &[Permission::EditLeads]
            }
            Self::CallWebhook => &[],
        }
    }
}

/// What is done to a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum WorkflowAction {
    /// Puts the lead into a campaign that runs, with all of its rules of exclusion.
    Enrol {
        /// Which.
        campaign: CampaignId,
    },
    /// Adds a tag.
    AddTag {
        /// Which.
        tag: String,
    },
    /// Removes a tag.
    RemoveTag {
        /// Which.
        tag: String,
    },
    /// Gives the lead to somebody.
    Assign {
        /// To whom; of several, each gets one in turn, and who has the lead already keeps it.
        people: Vec<UserId>,
    },
    /// Gives a person something to do about the lead.
    CreateTask {
        /// What, 1 to 200 characters.
        title: String,
        /// Days until it is due, 0 to 3,650.
        #[serde(default)]
        due_in_days: i32,
        /// Who; the owner of the lead when absent, and anybody when it has none.
        #[serde(default)]
        assignee: Option<UserId>,
    },
    /// Says where the lead stands.
    SetStatus {
        /// Where.
        status: LeadStatus,
    },
    /// Starts a run of an agent with the lead.
    RunAgent {
        /// Name of the agent.
        agent: String,
        /// What it is to do, in words.
        #[serde(default)]
        task: String,
    },
    /// Tells the webhook of the company about the lead.
    CallWebhook {
        /// What the event is called there, as in `lead.interested`.
        event: String,
    },
}

impl WorkflowAction {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> WorkflowActionKind {
        match self {
            Self::Enrol { .. } => WorkflowActionKind::Enrol,
            Self::AddTag { .. } => WorkflowActionKind::AddTag,
            Self::RemoveTag { .. } => WorkflowActionKind::RemoveTag,
            Self::Assign { .. } => WorkflowActionKind::Assign,
            Self::CreateTask { .. } => WorkflowActionKind::CreateTask,
            Self::SetStatus { .. } => WorkflowActionKind::SetStatus,
            Self::RunAgent { .. } => WorkflowActionKind::RunAgent,
            Self::CallWebhook { .. } => WorkflowActionKind::CallWebhook,
        }
    }

    /// The action in words. `campaign` tells the name of a campaign, `person` that of a person.
    #[must_use]
    pub fn words(
        &self,
        campaign: impl Fn(CampaignId) -> Option<String>,
        person: impl Fn(UserId) -> Option<String>,
    ) -> String {
        let name = |id: &UserId| person(*id).unwrap_or_else(|| "somebody who has left".to_owned());
        match self {
            Self::Enrol { campaign: id } => match campaign(*id) {
                Some(name) => format!("Enrol in “{name}”"),
                None => "Enrol in a campaign that is gone".to_owned(),
            },
            Self::AddTag { tag } => format!("Add the tag “{tag}”"),
            Self::RemoveTag { tag } => format!("Remove the tag “{tag}”"),
            Self::Assign { people } => {
                let names: Vec<_> = people.iter().map(name).collect();
                let turns = if people.len() > 1 { ", in turn" } else { "" };
                format!("Assign to {}{turns}", names.join(", "))
            }
            Self::CreateTask { title, due_in_days, assignee } => {
                let who = assignee.as_ref().map_or_else(|| "the owner".to_owned(), name);
                let due = match due_in_days {
                    0 => "due the same day".to_owned(),
                    1 => "due in 1 day".to_owned(),
                    days => format!("due in {days} days"),
                };
                format!("Create the task “{title}” for {who}, {due}")
            }
            Self::SetStatus { status } => format!("Change the status to {status}"),
            Self::RunAgent { agent, .. } => format!("Run the agent {agent}"),
            Self::CallWebhook { event } => format!("Call the webhook with {event}"),
        }
    }

    /// The action, tidied.
    pub(super) fn check(self) -> Result<Self, Problem> {
        match self {
            Self::AddTag { tag } => Ok(Self::AddTag { tag: one_tag(tag)? }),
            Self::RemoveTag { tag } => Ok(Self::RemoveTag { tag: one_tag(tag)? }),
            Self::Assign { mut people } => {
                let mut seen = HashSet::new();
                people.retain(|person| seen.insert(*person));
                if people.is_empty() {
                    return Err(Problem::field("people", "people_missing", "Choose who gets the leads."));
                }
                if people.len() > MOST_PEOPLE {
                    let words = format!("Choose at most {MOST_PEOPLE} people.");
                    return Err(Problem::field("people", "people_many", words));
                }
                Ok(Self::Assign { people })
            }
            Self::CreateTask { title, due_in_days, assignee } => {
                let words = "Say in 1 to 200 characters, on one line, what is to be done.";
                let title =
                    check_name(&title, MAX_TITLE).map_err(|_| Problem::field("title", "title_invalid", words))?;
                if !(0..=MAX_DAYS).contains(&i64::from(due_in_days)) {
                    let words = "Use a number of days from 0 to 3,650.";
                    return Err(Problem::field("due_in_days", "number_invalid", words));
                }
                Ok(Self::CreateTask { title, due_in_days, assignee })
            }
            Self::RunAgent { agent, task } => {
                let (agent, task) = (agent.trim().to_owned(), task.trim().to_owned());
                if agent.is_empty() {
                    return Err(Problem::field("agent", "agent_missing", "Choose an agent."));
                }
                if task.chars().count() > MAX_TASK || task.contains('\0') {
                    let words = "Write the task in at most 10,000 characters.";
                    return Err(Problem::field("task", "task_invalid", words));
                }
                Ok(Self::RunAgent { agent, task })
            }
            Self::CallWebhook { event } => {
                let event = event.trim().to_owned();
                if event.is_empty() {
                    return Err(Problem::field("event", "event_missing", "Say what the event is called."));
                }
                let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
                if event.len() > 100 || !event.chars().all(fits) {
                    let words =
                        "Use at most 100 letters, digits, dots, hyphens and underscores, as in lead.interested.";
                    return Err(Problem::field("event", "event_invalid", words));
                }
                Ok(Self::CallWebhook { event })
            }
            Self::Enrol { .. } | Self::SetStatus { .. } => Ok(self),
        }
    }
}

fn one_tag(tag: String) -> Result<String, Problem> {
    let tag = check_tags(vec![tag]).map_err(|problem| problem.on("tag"))?.pop();
    let tag = tag.filter(|tag| !tag.contains('\0'));
    tag.ok_or_else(|| Problem::field("tag", "tag_missing", "Enter a tag."))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn person(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[test]
    fn actions_are_tidied() {
        let tag = WorkflowAction::AddTag { tag: " Hot ".into() };
        assert_eq!(tag.check(), Ok(WorkflowAction::AddTag { tag: "hot".into() }));
        let twice = WorkflowAction::Assign { people: vec![person(2), person(1), person(2)] };
        assert_eq!(twice.check(), Ok(WorkflowAction::Assign { people: vec![person(2), person(1)] }));
    }

    #[test]
    fn what_is_missing_is_named() {
        let task =
            |title: &str, due_in_days| WorkflowAction::CreateTask { title: title.into(), due_in_days, assignee: None };
        let agent = |agent: &str| WorkflowAction::RunAgent { agent: agent.into(), task: String::new() };
        for (action, code) in [
            (WorkflowAction::AddTag { tag: " ".into() }, "tag_missing"),
            (WorkflowAction::RemoveTag { tag: "a,b".into() }, "tag_invalid"),
            (WorkflowAction::Assign { people: vec![] }, "people_missing"),
            (WorkflowAction::Assign { people: (0..51).map(person).collect() }, "people_many"),
            (task(" ", 1), "title_invalid"),
            (task("Call", -1), "number_invalid"),
            (task("Call", 3_651), "number_invalid"),
            (agent(" "), "agent_missing"),
            (WorkflowAction::CallWebhook { event: "".into() }, "event_missing"),
            (WorkflowAction::CallWebhook { event: "two words".into() }, "event_invalid"),
        ] {
            let words = format!("{action:?}");
            assert_eq!(action.check().expect_err(&words).code, code, "{words}");
        }
    }

    #[test]
    fn actions_read_well() {
        let campaign = |_| Some("Autumn".to_owned());
        let name = |id| (id == person(1)).then(|| "Nora".to_owned());
        for (action, words) in [
            (WorkflowAction::Enrol { campaign: CampaignId(Uuid::nil()) }, "Enrol in “Autumn”"),
            (WorkflowAction::Assign { people: vec![person(1)] }, "Assign to Nora"),
            (
                WorkflowAction::Assign { people: vec![person(1), person(2)] },
                "Assign to Nora, somebody who has left, in turn",
            ),
            (
                WorkflowAction::CreateTask { title: "Call".into(), due_in_days: 1, assignee: None },
                "Create the task “Call” for the owner, due in 1 day",
            ),
            (WorkflowAction::SetStatus { status: LeadStatus::Qualified }, "Change the status to qualified"),
        ] {
            assert_eq!(action.words(campaign, name), words);
        }
    }

    #[test]
    fn an_enrolment_asks_for_the_right_to_start_campaigns() {
        assert!(WorkflowActionKind::Enrol.permissions().contains(&Permission::RunCampaigns));
    }
}
