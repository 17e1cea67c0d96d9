//! The needs that look across companies. Each method is one function of the migrations and says why
//! it cannot have a tenant.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, CompanyId, ConnectorId, DomainId, DraftId, ImportId, LinkHostId, MailboxId, MessageId, NamedJobId,
    RunId, ThreadId, TriggerId, UserId, WorkflowId, leads::HISTORY_MONTHS, tracking::KEPT_MONTHS,
};
use uuid::Uuid;

use super::{Db, Tenant};
use crate::{Actor, Error, Result, secrets::hash_token};

/// Tables that have a part for each month, and how many months are kept.
const BY_MONTH: [(&str, i32); 3] =
    [("tracking_events", KEPT_MONTHS), ("lead_events", HISTORY_MONTHS), ("campaign_events", HISTORY_MONTHS)];

/// Cross-company work; made by [`Db::platform`].
#[derive(Debug)]
pub struct Platform<'d> {
    db: &'d Db,
}

impl<'d> Platform<'d> {
    pub(super) fn new(db: &'d Db) -> Self {
        Self { db }
    }

    /// The system as an actor in a company, for work that a job or a command names by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the company is gone.
    pub async fn system_actor(&self, company: CompanyId, name: &'static str) -> Result<Actor> {
        let row = sqlx::query!(r#"SELECT time_zone AS "time_zone!" FROM platform_company($1)"#, company.0)
            .fetch_optional(self.db.pool())
            .await?
            .ok_or(Error::NotFound("company"))?;
        Ok(Actor::system(company, row.time_zone, name))
    }

    /// The same by slug, for the command line.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such company.
    pub async fn system_actor_by_slug(&self, slug: &str, name: &'static str) -> Result<Actor> {
        let row =
            sqlx::query!(r#"SELECT id AS "id!", time_zone AS "time_zone!" FROM platform_company_by_slug($1)"#, slug)
                .fetch_optional(self.db.pool())
                .await?
                .ok_or(Error::NotFound("company"))?;
        Ok(Actor::system(CompanyId(row.id), row.time_zone, name))
    }

    /// The sender's next mailbox, locked until the returned tenant commits; never one of the companies of
    /// `passed`. The sender serves all companies and cannot know beforehand whose turn it is.
    ///
    /// A claim is a few rows that are looked up by keys, however full the tables are. So its transaction plans each query
    /// once in a connection, and never to read a table as a whole, which a table that has just been filled seems to be
    /// worth. And it does not wait for the disk: a claim that a crash of the database takes back is one that never was,
    /// because its e-mails cannot begin any more, and what began was committed after it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn claim_mailbox(&self, now: DateTime<Utc>, passed: &[Uuid]) -> Result<Option<(Tenant, MailboxId)>> {
        let mut tx = self.db.begin("BEGIN").await?;
        let row = sqlx::query!(
            r#"
            SELECT c.company_id AS "company!", c.mailbox_id AS "mailbox!", p.time_zone AS "time_zone!",
                   set_config('app.company_id', c.company_id::text, true) AS "set!",
                   set_config('plan_cache_mode', 'force_generic_plan', true) AS "kept!",
                   set_config('enable_seqscan', 'off', true) AS "by_index!",
                   set_config('enable_bitmapscan', 'off', true) AS "by_row!",
                   set_config('enable_hashjoin', 'off', true) AS "by_key!",
                   set_config('enable_sort', 'off', true) AS "in_order!",
                   set_config('enable_mergejoin', 'off', true) AS "one_by_one!",
                   set_config('synchronous_commit', 'off', true) AS "at_leisure!"
            FROM platform_claim_mailbox($1, $2) c, platform_company(c.company_id) p
            "#,
            now,
            passed
        )
        .fetch_optional(&mut *tx)
        .await?;
        Ok(row.map(|row| {
            let actor = Actor::system(CompanyId(row.company), row.time_zone, "sender");
            (Tenant::new(tx, actor, self.db.clone()), MailboxId(row.mailbox))
        }))
    }

    /// The schedule that is due the longest, locked until the returned tenant commits; never one of
    /// `passed`. Who starts what is due serves all companies.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn claim_trigger(&self, now: DateTime<Utc>, passed: &[Uuid]) -> Result<Option<(Tenant, TriggerId)>> {
        let mut tx = self.db.begin("BEGIN").await?;
        let row = sqlx::query!(
            r#"
            SELECT c.company_id AS "company!", c.trigger_id AS "trigger!", p.time_zone AS "time_zone!",
                   set_config('app.company_id', c.company_id::text, true) AS "set!"
            FROM platform_claim_trigger($1, $2) c, platform_company(c.company_id) p
            "#,
            now,
            passed
        )
        .fetch_optional(&mut *tx)
        .await?;
        Ok(row.map(|row| {
            let actor = Actor::system(CompanyId(row.company), row.time_zone, "triggers");
            (Tenant::new(tx, actor, self.db.clone()), TriggerId(row.trigger))
        }))
    }

    /// When the next schedule is due.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn next_trigger_at(&self) -> Result<Option<DateTime<Utc>>> {
        Ok(sqlx::query_scalar!("SELECT platform_next_trigger_at()").fetch_one(self.db.pool()).await?)
    }

    /// Triggers with something that happened and that no worker has looked at.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_triggers(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, TriggerId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!", trigger_id AS "trigger!" FROM platform_waiting_triggers($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|r| (CompanyId(r.company), TriggerId(r.trigger))).collect())
    }

    /// The company of an incoming webhook: who delivers to it belongs to none.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn trigger_company(&self, trigger: TriggerId) -> Result<Option<CompanyId>> {
        let company =
            sqlx::query_scalar!("SELECT platform_trigger_company($1)", trigger.0).fetch_one(self.db.pool()).await?;
        Ok(company.map(CompanyId))
    }

    /// The company of an answer that a run waits for: who sends it belongs to none.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn awaited_answer(&self, id: Uuid) -> Result<Option<CompanyId>> {
        let company = sqlx::query_scalar!("SELECT platform_awaited_answer($1)", id).fetch_one(self.db.pool()).await?;
        Ok(company.map(CompanyId))
    }

    /// Takes the inbox that is due the longest: a worker serves all companies and cannot know beforehand whose
    /// turn it is.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn claim_inbox(
        &self,
        now: DateTime<Utc>,
        token: Uuid,
        until: DateTime<Utc>,
    ) -> Result<Option<(CompanyId, MailboxId)>> {
        let row = sqlx::query!(
            r#"SELECT company_id AS "company!", mailbox_id AS "mailbox!" FROM platform_claim_inbox($1, $2, $3)"#,
            now,
            token,
            until
        )
        .fetch_optional(self.db.pool())
        .await?;
        Ok(row.map(|row| (CompanyId(row.company), MailboxId(row.mailbox))))
    }

    /// The sender as an actor in the company of a mailbox that it has claimed.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the mailbox is gone.
    pub async fn actor_of_mailbox(&self, mailbox: MailboxId) -> Result<Actor> {
        let company = sqlx::query_scalar!("SELECT platform_mailbox_owner($1)", mailbox.0)
            .fetch_one(self.db.pool())
            .await?
            .ok_or(Error::NotFound("mailbox"))?;
        self.system_actor(CompanyId(company), "sender").await
    }

    /// Messages whose worker has not been heard of since its lease ended.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn expired_leases(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, MessageId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!", message_id AS "message!" FROM platform_expired_leases($1, 500)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|r| (CompanyId(r.company), MessageId(r.message))).collect())
    }

    /// Unknown messages that are to be sent again, or to be left alone for good.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unknown_messages(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, MessageId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!", message_id AS "message!" FROM platform_unknown_messages($1, 500)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|r| (CompanyId(r.company), MessageId(r.message))).collect())
    }

    /// Campaigns that may have something to do besides sending.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_campaigns(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, CampaignId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!", campaign_id AS "campaign!" FROM platform_waiting_campaigns($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|r| (CompanyId(r.company), CampaignId(r.campaign))).collect())
    }

    /// Companies whose agents are not of the newest catalogue.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn companies_behind(&self, newest: &str) -> Result<Vec<CompanyId>> {
        let rows = sqlx::query_scalar!(r#"SELECT company_id AS "company!" FROM platform_companies_behind($1)"#, newest)
            .fetch_all(self.db.pool())
            .await?;
        Ok(rows.into_iter().map(CompanyId).collect())
    }

    /// Imports that should be worked on and are in nobody's hands.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_imports(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, ImportId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!", import_id AS "import!" FROM platform_waiting_imports($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|r| (CompanyId(r.company), ImportId(r.import))).collect())
    }

    /// Connectors whose tools are to be looked at.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_connectors(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, ConnectorId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!", connector_id AS "connector!" FROM platform_waiting_connectors($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|r| (CompanyId(r.company), ConnectorId(r.connector))).collect())
    }

    /// The company and the person of a sign-in at the provider of a connector, by the word that the browser
    /// brings back: the address that it comes to names neither.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn connector_sign_in(&self, word: &str) -> Result<Option<(String, UserId)>> {
        let row = sqlx::query!(
            r#"SELECT slug AS "slug!", user_id AS "user!" FROM platform_connector_sign_in($1)"#,
            hash_token(word)
        )
        .fetch_optional(self.db.pool())
        .await?;
        Ok(row.map(|r| (r.slug, UserId(r.user))))
    }

    /// Runs that somebody should look after.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_runs(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, RunId)>> {
        let rows =
            sqlx::query!(r#"SELECT company_id AS "company!", run_id AS "run!" FROM platform_waiting_runs($1)"#, now)
                .fetch_all(self.db.pool())
                .await?;
        Ok(rows.into_iter().map(|r| (CompanyId(r.company), RunId(r.run))).collect())
    }

    /// Workflows with something that happened and that nobody goes on with.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_workflows(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, WorkflowId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!", workflow_id AS "workflow!" FROM platform_waiting_workflows($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|r| (CompanyId(r.company), WorkflowId(r.workflow))).collect())
    }

    /// Named jobs that nobody has begun.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_named_jobs(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, NamedJobId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!", job_id AS "job!" FROM platform_waiting_named_jobs($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|r| (CompanyId(r.company), NamedJobId(r.job))).collect())
    }

    /// Companies whose drafts nobody writes.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_drafts(&self, now: DateTime<Utc>) -> Result<Vec<CompanyId>> {
        Ok(sqlx::query_scalar!(r#"SELECT company_id AS "company!: CompanyId" FROM platform_waiting_drafts($1)"#, now)
            .fetch_all(self.db.pool())
            .await?)
    }

    /// Rejections of drafts that are due to be carried out.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn due_rejections(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, DraftId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!: CompanyId", draft_id AS "draft!: DraftId"
               FROM platform_due_rejections($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|row| (row.company, row.draft)).collect())
    }

    /// Sending domains that are due to be checked.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn due_domains(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, DomainId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!: CompanyId", domain_id AS "domain!: DomainId" FROM platform_due_domains($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|row| (row.company, row.domain)).collect())
    }

    /// Host names for links that are due to be checked.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn due_link_hosts(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, LinkHostId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!: CompanyId", host_id AS "host!: LinkHostId" FROM platform_due_link_hosts($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|row| (row.company, row.host)).collect())
    }

    /// Makes the months of events that come, and lets those go that were kept long enough. A table belongs to no
    /// company.
    ///
    /// # Errors
    /// When the database is away, or others write just then for long; the next look tries again.
    pub async fn keep_months(&self, now: DateTime<Utc>) -> Result<()> {
        for (events, months) in BY_MONTH {
            sqlx::query!("SELECT platform_keep_months($1, $2, $3)", events, now, months)
                .fetch_one(self.db.pool())
                .await?;
        }
        Ok(())
    }

    /// Snoozed threads whose time has come.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waking_threads(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, ThreadId)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!: CompanyId", thread_id AS "thread!: ThreadId"
               FROM platform_waking_threads($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|row| (row.company, row.thread)).collect())
    }

    /// Mails of the system that are due.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_system_mails(&self, now: DateTime<Utc>) -> Result<Vec<(CompanyId, Uuid)>> {
        let rows = sqlx::query!(
            r#"SELECT company_id AS "company!", mail_id AS "mail!" FROM platform_waiting_system_mails($1)"#,
            now
        )
        .fetch_all(self.db.pool())
        .await?;
        Ok(rows.into_iter().map(|r| (CompanyId(r.company), r.mail)).collect())
    }

    /// Judges mails of the system and test mails whose worker has not been heard of since its lease
    /// ended: they may have arrived, so nobody sends them again.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn judge_lost_mails(&self, now: DateTime<Utc>) -> Result<()> {
        let words = "The worker ended while the e-mail was handed over. It may have arrived.";
        sqlx::query!("SELECT platform_judge_lost_mails($1, $2)", now, words).fetch_one(self.db.pool()).await?;
        Ok(())
    }

    /// The company of a message: a recipient who follows a link belongs to none.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn message_company(&self, message: MessageId) -> Result<Option<CompanyId>> {
        let company =
            sqlx::query_scalar!("SELECT platform_message_company($1)", message.0).fetch_one(self.db.pool()).await?;
        Ok(company.map(CompanyId))
    }

    /// The company of a sandbox mailbox, which signs in by its id.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sandbox_mailbox_company(&self, mailbox: MailboxId) -> Result<Option<CompanyId>> {
        let company =
            sqlx::query_scalar!("SELECT platform_mailbox_company($1)", mailbox.0).fetch_one(self.db.pool()).await?;
        Ok(company.map(CompanyId))
    }

    /// Forgets what is kept for a time only.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<()> {
        sqlx::query!("SELECT platform_sweep($1)", now).fetch_one(self.db.pool()).await?;
        sqlx::query!("SELECT platform_sweep_ended($1)", now).fetch_one(self.db.pool()).await?;
        sqlx::query!("SELECT platform_sweep_firings($1)", now).fetch_one(self.db.pool()).await?;
        sqlx::query!("SELECT platform_sweep_workflow_firings($1)", now).fetch_one(self.db.pool()).await?;
        sqlx::query!("SELECT platform_sweep_conversations($1)", now).fetch_one(self.db.pool()).await?;
        sqlx::query!("SELECT platform_sweep_memories($1)", now).fetch_one(self.db.pool()).await?;
        sqlx::query!("DELETE FROM sessions WHERE expires_at < $1", now).execute(self.db.pool()).await?;
        // Tries count for minutes.
        let yesterday = now - Duration::days(1);
        sqlx::query!("DELETE FROM sign_in_attempts WHERE last_at < $1", yesterday).execute(self.db.pool()).await?;
        Ok(())
    }
}
