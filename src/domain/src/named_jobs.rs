//! Jobs that programs ask for by name: an agent does a task, a campaign gets a report. A job says what became
//! of it once, and never changes after that.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{CampaignId, ContentId, NamedJobId, RunId, wire::wire_enum};

wire_enum! {
    /// What is to be done.
    pub enum JobName {
        /// An agent does a task.
        ExecuteMarketingAgent = "execute_marketing_agent",
        /// The figures of a campaign are kept as a text.
        GenerateMarketingReport = "generate_marketing_report",
    }
}

wire_enum! {
    /// How far a job is.
    pub enum JobState {
        /// Waits for a worker.
        Queued = "queued",
        /// Its agent works.
        Running = "running",
        /// It has an answer.
        Done = "done",
        /// It has none, and the error says why.
        Failed = "failed",
    }
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NamedJob {
    /// Id.
    pub id: NamedJobId,
    /// What is to be done.
    pub name: JobName,
    /// With what.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub arguments: Map<String, Value>,
    /// How far it is.
    pub state: JobState,
    /// What came of it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub answer: Option<Value>,
    /// Why nothing came of it.
    pub error: Option<String>,
    /// The run of its agent.
    pub run: Option<RunId>,
    /// The text that keeps its report.
    pub content: Option<ContentId>,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// The figures of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarketingReport {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Articles of the library that belong to it.
    pub blog_posts: i64,
    /// Posts for networks.
    pub social_media_posts: i64,
    /// Images.
    pub images_generated: i64,
    /// E-mails that a mail server has taken.
    pub emails_sent: i64,
}

impl MarketingReport {
    /// The report in words, as Markdown, about the campaign with this name.
    #[must_use]
    pub fn text(&self, campaign: &str) -> String {
        let name: String = campaign.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!(
            "What there is of the campaign “{name}”:\n\n\
             | What | How many |\n|--|--:|\n\
             | Blog posts | {} |\n| Social media posts | {} |\n| Images | {} |\n| E-mails sent | {} |\n\n\
             An e-mail counts when a mail server has taken it. Texts count as long as they are in the library.",
            self.blog_posts, self.social_media_posts, self.images_generated, self.emails_sent
        )
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_report_says_its_figures_and_keeps_to_its_lines() {
        let report = MarketingReport {
            campaign_id: CampaignId(Uuid::nil()),
            blog_posts: 1,
            social_media_posts: 22,
            images_generated: 333,
            emails_sent: 4444,
        };
        let text = report.text("Spring\n| E-mails sent | 9");
        for line in ["| Blog posts | 1 |", "| Social media posts | 22 |", "| Images | 333 |", "| E-mails sent | 4444 |"]
        {
            assert!(text.lines().any(|l| l == line), "{line} in {text}");
        }
        assert!(!text.lines().any(|line| line.starts_with("| E-mails sent | 9")), "a name makes no line: {text}");
    }
}
