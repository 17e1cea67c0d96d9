//! The tools of the product: what an agent can do to the world, and how much of a risk that is.

use crate::{connectors::connector_of, wire::wire_enum};

wire_enum! {
    /// What calling a tool may do.
    pub enum Risk {
        /// Looks; may be repeated freely.
        Read = "read",
        /// Changes something of the company that a person can change back; repeated with the same key it does nothing more.
        Write = "write",
        /// Reaches somebody outside, or cannot be taken back: never repeated by itself, and only by approval.
        Unsafe = "unsafe",
    }
}

impl Risk {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Read => "Reads",
            Self::Write => "Changes",
            Self::Unsafe => "Acts outside",
        }
    }
}

wire_enum! {
    /// How much an agent does without a person, by the most that one of its tools does.
    pub enum Autonomy {
        /// It looks and answers.
        Reads = "reads",
        /// It also changes what a person can change back.
        Changes = "changes",
        /// It also reaches people outside, and asks before it does.
        Asks = "asks",
    }
}

impl Autonomy {
    /// That of an agent with these tools. What a tool of a connector does is known to its server alone, so it counts
    /// as reaching outside; names that are no tools count for nothing.
    #[must_use]
    pub fn of(tools: &[String]) -> Self {
        let risk_of = |name: &String| tool(name).map(|tool| tool.risk).or(connector_of(name).map(|_| Risk::Unsafe));
        match tools.iter().filter_map(risk_of).max() {
            Some(Risk::Unsafe) => Self::Asks,
            Some(Risk::Write) => Self::Changes,
            Some(Risk::Read) | None => Self::Reads,
        }
    }

    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reads => "Reads and answers",
            Self::Changes => "Works inside",
            Self::Asks => "Asks before it acts outside",
        }
    }

    /// The same in a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Reads => "It looks things up and answers. It changes nothing.",
            Self::Changes => {
                "It also keeps texts, notes and tasks here, without asking. Nothing leaves, and a person can change it back."
            }
            Self::Asks => "It can reach people or systems outside, and asks a person before each such call.",
        }
    }
}

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name in definitions and calls.
    pub name: &'static str,
    /// What it does, in words.
    pub what: &'static str,
    /// How much of a risk it is.
    pub risk: Risk,
}

const fn tool_of(name: &'static str, risk: Risk, what: &'static str) -> Tool {
    Tool { name, what, risk }
}

/// Every tool, by risk.
pub const TOOLS: [Tool; 27] = [
    tool_of("find_leads", Risk::Read, "Find leads by status, score, country, tag or words"),
    tool_of("read_lead", Risk::Read, "Read a lead with its account, score and notes"),
    tool_of("read_timeline", Risk::Read, "Read what happened with a lead"),
    tool_of("find_accounts", Risk::Read, "Find accounts by name or domain"),
    tool_of("read_account", Risk::Read, "Read an account with its leads"),
    tool_of("find_campaigns", Risk::Read, "Find campaigns by state"),
    tool_of("read_campaign", Risk::Read, "Read a campaign with its steps and checks"),
    tool_of("campaign_figures", Risk::Read, "Read the figures of a campaign"),
    tool_of("read_mailboxes", Risk::Read, "Read the mailboxes and what they have sent"),
    tool_of("find_content", Risk::Read, "Find texts in the content library"),
    tool_of("read_content", Risk::Read, "Read a text of the content library"),
    tool_of("find_documents", Risk::Read, "Find documents by collection, by facts in them, or by lead and account"),
    tool_of("read_document", Risk::Read, "Read a document"),
    tool_of("recall", Risk::Read, "Look up what was remembered in earlier runs"),
    tool_of("ask_person", Risk::Read, "Ask a person and wait for the answer"),
    tool_of("wait", Risk::Read, "Wait for minutes, hours or days"),
    tool_of("hand_over", Risk::Write, "Hand a task over to another agent and wait for its answer"),
    tool_of("remember", Risk::Write, "Keep something for later runs"),
    tool_of("draft_mail", Risk::Write, "Keep a draft of an e-mail to a lead"),
    tool_of("add_note", Risk::Write, "Write a note on a lead"),
    tool_of("tag_leads", Risk::Write, "Give leads a tag"),
    tool_of("set_lead_status", Risk::Write, "Set the status of a lead"),
    tool_of("create_task", Risk::Write, "Create a task for a person"),
    tool_of("save_content", Risk::Write, "Keep a text in the content library"),
    tool_of("save_document", Risk::Write, "Keep facts as a document; the same key again makes a new version"),
    tool_of("enrol_leads", Risk::Unsafe, "Enrol leads in a campaign, which mails them"),
    tool_of("call_webhook", Risk::Unsafe, "Send data to a webhook of the company"),
];

/// The tool with this name, if it is one of the product.
#[must_use]
pub fn tool(name: &str) -> Option<Tool> {
    TOOLS.into_iter().find(|tool| tool.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_as_free_as_its_boldest_tool() {
        let of = |tools: &[&str]| Autonomy::of(&tools.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&[]), Autonomy::Reads);
        assert_eq!(of(&["find_leads", "WebSearch"]), Autonomy::Reads);
        assert_eq!(of(&["find_leads", "add_note"]), Autonomy::Changes);
        assert_eq!(of(&["enrol_leads", "add_note"]), Autonomy::Asks);
        assert_eq!(of(&["find_leads", "crm__*"]), Autonomy::Asks, "only its server knows what it does");
    }
}
