//! The work of a named job, by a worker. It has the rights that whoever asked has now; without any, or where
//! the service refuses, the job has failed and says why.

use std::collections::BTreeMap;

use domain::{
    ApiKeyId, CampaignId, CompanyId, ContentId, NamedJobId, RunId, UserId,
    content::{ContentInput, ContentKind},
    named_jobs::{JobName, JobState, MarketingReport},
    runs::NewRun,
};
use serde_json::{Map, Value};
use sqlx::types::Json;

use super::NamedJobs;
use crate::{Actor, Db, Error, Result, Tenant};

/// What a job is to be done with.
struct Wanted {
    name: JobName,
    arguments: Map<String, Value>,
    campaign: Option<CampaignId>,
}

/// Does a job that waits; one that does not is left alone.
///
/// # Errors
/// When the database is away: the job goes on waiting.
pub async fn work(db: &Db, company: CompanyId, id: NamedJobId) -> Result<()> {
    let system = db.platform().system_actor(company, "jobs").await?;
    let mut t = db.tenant(&system).await?;
    let rights = t.named_jobs().rights_of(id).await?;
    t.commit().await?;
    let outcome = match rights {
        None => return Ok(()),
        Some(None) => Err(Error::conflict("rights_lost", "Whoever asked for this has no rights any more.")),
        Some(Some(actor)) => attempt(db, &actor, id).await,
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(Error::Unavailable) => Err(Error::Unavailable),
        Err(error) => {
            let mut t = db.tenant(&system).await?;
            t.named_jobs().fail(id, &words(error)).await?;
            t.commit().await
        }
    }
}

/// The effect and its answer, in one commit.
async fn attempt(db: &Db, actor: &Actor, id: NamedJobId) -> Result<()> {
    let mut t = db.tenant(actor).await?;
    let Some(wanted) = t.named_jobs().take(id).await? else { return Ok(()) };
    match (wanted.name, wanted.campaign) {
        (JobName::ExecuteMarketingAgent, _) => start_run(&mut t, id, wanted.arguments).await?,
        (JobName::GenerateMarketingReport, Some(campaign)) => write_report(&mut t, id, campaign).await?,
        (JobName::GenerateMarketingReport, None) => return Err(Error::NotFound("campaign")),
    }
    t.commit().await
}

async fn start_run(t: &mut Tenant, id: NamedJobId, mut arguments: Map<String, Value>) -> Result<()> {
    let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
    let (agent, task) = (text("agent_name"), text("task"));
    let parameters = serde_json::from_value(arguments["parameters"].take())?;
    let run = t.runs().create(NewRun { agent, task, parameters, ..NewRun::default() }).await?;
    t.named_jobs().close(id, JobState::Running, None, Some(run.id), None).await
}

async fn write_report(t: &mut Tenant, id: NamedJobId, campaign: CampaignId) -> Result<()> {
    let report = t.named_jobs().figures(campaign).await?;
    let name = t.campaigns().get(campaign).await?.name;
    let input = ContentInput {
        kind: ContentKind::Report,
        title: format!("Report of {name}"),
        body: report.text(&name),
        metadata: BTreeMap::from([
            ("blog_posts".to_owned(), report.blog_posts.to_string()),
            ("social_media_posts".to_owned(), report.social_media_posts.to_string()),
            ("images_generated".to_owned(), report.images_generated.to_string()),
            ("emails_sent".to_owned(), report.emails_sent.to_string()),
        ]),
        campaign: Some(campaign),
    };
    // One text for the reports of a campaign: its versions are the reports.
    let text = match t.named_jobs().text_of(campaign).await? {
        Some(text) => t.content().update(text, input, None).await?,
        None => t.content().create(input).await?,
    };
    t.named_jobs().close(id, JobState::Done, Some(serde_json::to_value(report)?), None, Some(text.id)).await
}

impl NamedJobs<'_> {
    /// The rights that a waiting job has: nothing for one that does not wait.
    async fn rights_of(&mut self, id: NamedJobId) -> Result<Option<Option<Actor>>> {
        let row = sqlx::query!(
            r#"SELECT person_id AS "person: UserId", api_key_id AS "key: ApiKeyId"
               FROM named_jobs WHERE id = $1 AND state = 'queued'"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(match (row.person, row.key) {
            (Some(person), _) => self.t.rights_of_person(person).await?,
            (None, Some(key)) => self.t.rights_of_key(key).await?,
            (None, None) => Some(self.t.actor().clone()),
        }))
    }

    /// What a job is to be done with, its row locked; nothing when another worker was faster.
    async fn take(&mut self, id: NamedJobId) -> Result<Option<Wanted>> {
        let row = sqlx::query!(
            r#"SELECT name AS "name: JobName", arguments AS "arguments: Json<Map<String, Value>>",
                      campaign_id AS "campaign: CampaignId"
               FROM named_jobs WHERE id = $1 AND state = 'queued' FOR UPDATE"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(row.map(|row| Wanted { name: row.name, arguments: row.arguments.0, campaign: row.campaign }))
    }

    async fn figures(&mut self, campaign: CampaignId) -> Result<MarketingReport> {
        let row = sqlx::query!(
            r#"SELECT count(*) FILTER (WHERE kind = 'blog') AS "blog!", count(*) FILTER (WHERE kind = 'social') AS "social!",
                      count(*) FILTER (WHERE kind = 'image' AND EXISTS (
                          SELECT FROM content_files f WHERE f.content_id = content.id AND f.media_type LIKE 'image/%')
                      ) AS "image!",
                      (SELECT count(*) FROM messages WHERE campaign_id = $1 AND state = 'sent') AS "sent!"
               FROM content WHERE campaign_id = $1 AND deleted_at IS NULL"#,
            campaign.0
        )
        .fetch_one(self.t.conn())
        .await?;
        Ok(MarketingReport {
            campaign_id: campaign,
            blog_posts: row.blog,
            social_media_posts: row.social,
            images_generated: row.image,
            emails_sent: row.sent,
        })
    }

    /// The text with the reports before, unless somebody has deleted it.
    async fn text_of(&mut self, campaign: CampaignId) -> Result<Option<ContentId>> {
        Ok(sqlx::query_scalar!(
            r#"SELECT t.id AS "id: ContentId" FROM named_jobs j JOIN content t ON t.id = j.content_id
               WHERE j.campaign_id = $1 AND t.deleted_at IS NULL ORDER BY j.created_at DESC LIMIT 1"#,
            campaign.0
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    async fn close(
        &mut self,
        id: NamedJobId,
        state: JobState,
        answer: Option<Value>,
        run: Option<RunId>,
        content: Option<ContentId>,
    ) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE named_jobs SET state = $2, answer = $3, run_id = $4, content_id = $5,
                    finished_at = CASE WHEN $2 = 'done' THEN $6::timestamptz END
             WHERE id = $1",
            id.0,
            state.as_str(),
            answer,
            run.map(|run| run.0),
            content.map(|content| content.0),
            now,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    async fn fail(&mut self, id: NamedJobId, why: &str) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE named_jobs SET state = 'failed', error = $2, finished_at = $3 WHERE id = $1 AND state = 'queued'",
            id.0,
            why,
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}

/// Why a job has failed, for whoever asked for it.
fn words(error: Error) -> String {
    match error {
        Error::NotFound(what) => format!("There is no such {what}."),
        Error::Forbidden(permission) => format!("Whoever asked for this may not {}.", permission.label()),
        Error::Invalid(problems) => problems.into_iter().map(|p| p.message).collect::<Vec<_>>().join(" "),
        Error::Refused(refusal) => refusal.message,
        Error::Conflict(problem) => problem.message,
        other => {
            tracing::error!(error = &other as &dyn std::error::Error, "A named job failed");
            "Something went wrong on our side. Ask for it again.".to_owned()
        }
    }
}
