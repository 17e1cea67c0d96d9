//! Jobs by name: asked for, done by a worker with the rights of whoever asked, and read. A job that was begun
//! twice is done once: its row is locked, its effect and its answer are one commit.

mod work;

use domain::{
    CampaignId, ContentId, NamedJobId, Permission, RunId,
    named_jobs::{JobName, JobState, NamedJob},
};
use serde_json::{Map, Value, json};
use sqlx::types::Json;

use crate::{
    Error, Result, Tenant,
    jobs::{ExecuteMarketingAgent, GenerateMarketingReport},
};

pub use work::work;

/// The jobs of the company that have names.
#[derive(Debug)]
pub struct NamedJobs<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The jobs of the company that have names.
    pub fn named_jobs(&mut self) -> NamedJobs<'_> {
        NamedJobs { t: self }
    }
}

impl NamedJobs<'_> {
    /// Asks for a run of an agent, done in its usual way. Whether there is such an agent is found out by the worker.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to run agents.
    pub async fn execute_marketing_agent(
        &mut self,
        agent_name: String,
        task: String,
        parameters: Map<String, Value>,
    ) -> Result<NamedJob> {
        self.t.require(Permission::RunAgents).await?;
        let arguments = json!({ "agent_name": agent_name, "task": task, "parameters": parameters });
        let id = self.add(JobName::ExecuteMarketingAgent, arguments, None).await?;
        let company = self.t.actor().company();
        let job = ExecuteMarketingAgent { company, job: id, agent_name, task, parameters };
        self.t.enqueue(&job).await?;
        self.get(id).await
    }

    /// Asks for the report of a campaign. While one is asked for, asking again means the same one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] without the right to write texts.
    pub async fn generate_marketing_report(&mut self, campaign: CampaignId) -> Result<NamedJob> {
        self.t.require(Permission::EditCampaigns).await?;
        self.t.campaigns().get(campaign).await?;
        let arguments = json!({ "campaign_id": campaign });
        let id = self.add(JobName::GenerateMarketingReport, arguments, Some(campaign)).await?;
        let company = self.t.actor().company();
        self.t.enqueue(&GenerateMarketingReport { company, job: id, campaign_id: campaign }).await?;
        self.get(id).await
    }

    /// One job.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: NamedJobId) -> Result<NamedJob> {
        self.t.require(Permission::Read).await?;
        self.select(Some(id), None).await?.ok_or(Error::NotFound("job"))
    }

    /// The report of a campaign that was asked for last.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the campaign, and when nobody has asked for a report of it.
    pub async fn latest_report(&mut self, campaign: CampaignId) -> Result<NamedJob> {
        self.t.require(Permission::Read).await?;
        self.t.campaigns().get(campaign).await?;
        self.select(None, Some(campaign)).await?.ok_or(Error::NotFound("report"))
    }

    async fn select(&mut self, id: Option<NamedJobId>, campaign: Option<CampaignId>) -> Result<Option<NamedJob>> {
        let row = sqlx::query!(
            r#"SELECT id AS "id: NamedJobId", name AS "name: JobName", arguments AS "arguments: Json<Map<String, Value>>",
                      state AS "state: JobState", answer, error, run_id AS "run: RunId", content_id AS "content: ContentId",
                      requested_by, created_at, finished_at
               FROM named_jobs
               WHERE ($1::uuid IS NULL OR id = $1) AND ($2::uuid IS NULL OR campaign_id = $2)
               ORDER BY created_at DESC, id DESC LIMIT 1"#,
            id.map(|id| id.0),
            campaign.map(|campaign| campaign.0),
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(row.map(|row| NamedJob {
            id: row.id,
            name: row.name,
            arguments: row.arguments.0,
            state: row.state,
            answer: row.answer,
            error: row.error,
            run: row.run,
            content: row.content,
            requested_by: row.requested_by,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }))
    }

    /// Writes down a job with the rights of whoever asks, or finds the one that means the same.
    async fn add(&mut self, name: JobName, arguments: Value, campaign: Option<CampaignId>) -> Result<NamedJobId> {
        let (id, now): (NamedJobId, _) = (self.t.new_id(), self.t.now());
        let actor = self.t.actor();
        let (person, key, who) = (actor.user_id(), actor.api_key_id(), actor.to_string());
        Ok(sqlx::query_scalar!(
            r#"INSERT INTO named_jobs (id, name, arguments, campaign_id, person_id, api_key_id, requested_by, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
               ON CONFLICT (company_id, campaign_id) WHERE state = 'queued'
               DO UPDATE SET requested_by = named_jobs.requested_by
               RETURNING id AS "id: NamedJobId""#,
            id.0,
            name.as_str(),
            arguments,
            campaign.map(|campaign| campaign.0),
            person.map(|person| person.0),
            key.map(|key| key.0),
            who,
            now,
        )
        .fetch_one(self.t.conn())
        .await?)
    }
}
