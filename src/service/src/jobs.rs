//! Jobs: wake-ups that carry ids. The work itself is a row of ours, claimed by compare-and-set,
//! so a job that is lost or doubled changes nothing but a delay.

mod worker;

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, CompanyId, ConnectorId, DomainId, DraftId, ImportId, LinkHostId, MailboxId, ModelId, NamedJobId, RunId,
    SandboxMailId, StepId, ThreadId, TriggerId, WorkflowId, inbound::AnswerAs, named_jobs::JobName,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sqlx::{
    PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use uuid::Uuid;

pub use worker::Worker;

use crate::{Result, Tenant};

/// A kind of job.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its name in the queue.
    const NAME: &'static str;
    /// Two waiting jobs with the same key are one.
    fn key(&self) -> String;
}

/// Something of a campaign is to be done besides sending.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AdvanceCampaign {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub campaign: CampaignId,
}

impl Job for AdvanceCampaign {
    const NAME: &'static str = "advance_campaign";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.campaign)
    }
}

/// A campaign has paused or ended: who got what is to be put down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProveSends {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub campaign: CampaignId,
    /// When it paused or ended.
    pub at: DateTime<Utc>,
}

impl Job for ProveSends {
    const NAME: &'static str = "prove_sends";
    fn key(&self) -> String {
        format!("{}:{}:{}", Self::NAME, self.campaign, self.at.timestamp_micros())
    }
}

/// Something bad came of an e-mail of a campaign: whether it may go on is to be judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WatchCampaign {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub campaign: CampaignId,
}

impl Job for WatchCampaign {
    const NAME: &'static str = "watch_campaign";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.campaign)
    }
}

/// What a campaign is going to do is to be computed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SimulateCampaign {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub campaign: CampaignId,
}

impl Job for SimulateCampaign {
    const NAME: &'static str = "simulate_campaign";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.campaign)
    }
}

/// A step of a campaign calls the webhook of the company.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallStepWebhook {
    /// Whose.
    pub company: CompanyId,
    /// Which call.
    pub call: Uuid,
}

impl Job for CallStepWebhook {
    const NAME: &'static str = "call_step_webhook";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.call)
    }
}

/// An import is to be counted or stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkOnImport {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub import: ImportId,
}

impl Job for WorkOnImport {
    const NAME: &'static str = "work_on_import";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.import)
    }
}

/// A run of an agent was let in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkOnRun {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub run: RunId,
}

impl Job for WorkOnRun {
    const NAME: &'static str = "work_on_run";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.run)
    }
}

/// A mail that the sandbox has caught is to be answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnswerSandboxMail {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub mail: SandboxMailId,
    /// How.
    pub how: AnswerAs,
}

impl Job for AnswerSandboxMail {
    const NAME: &'static str = "answer_sandbox_mail";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.mail)
    }
}

/// Something happened that sets a trigger off.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FireTrigger {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub trigger: TriggerId,
}

impl Job for FireTrigger {
    const NAME: &'static str = "fire_trigger";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.trigger)
    }
}

/// Something happened that sets a workflow off.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CarryOutWorkflow {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub workflow: WorkflowId,
}

impl Job for CarryOutWorkflow {
    const NAME: &'static str = "carry_out_workflow";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.workflow)
    }
}

/// A schedule has changed: whoever sleeps until the next one is due looks again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LookAtSchedules {}

impl Job for LookAtSchedules {
    const NAME: &'static str = "look_at_schedules";
    fn key(&self) -> String {
        Self::NAME.to_owned()
    }
}

/// Drafts of campaigns are to be written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WriteDrafts {
    /// Whose.
    pub company: CompanyId,
}

impl Job for WriteDrafts {
    const NAME: &'static str = "write_drafts";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.company)
    }
}

/// Samples of a step are to be written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WriteSamples {
    /// Whose.
    pub company: CompanyId,
    /// Which step.
    pub step: StepId,
}

impl Job for WriteSamples {
    const NAME: &'static str = "write_samples";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.step)
    }
}

/// The time to take a rejection of a draft back is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CarryOutRejection {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub draft: DraftId,
}

impl Job for CarryOutRejection {
    const NAME: &'static str = "carry_out_rejection";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.draft)
    }
}

/// A snoozed thread is to come back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WakeThread {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub thread: ThreadId,
}

impl Job for WakeThread {
    const NAME: &'static str = "wake_thread";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.thread)
    }
}

/// A model is to be asked what a mail wants that the rules leave open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClassifyThread {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub thread: ThreadId,
}

impl Job for ClassifyThread {
    const NAME: &'static str = "classify_thread";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.thread)
    }
}

/// A language model is to be asked whether it answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestModel {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub model: ModelId,
}

impl Job for TestModel {
    const NAME: &'static str = "test_model";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.model)
    }
}

/// An agent is to do a task that a program has asked for by this name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExecuteMarketingAgent {
    /// Whose.
    pub company: CompanyId,
    /// The row that says what is wanted, and by whom.
    pub job: NamedJobId,
    /// Name of the agent, for whoever looks at the queue.
    pub agent_name: String,
    /// What it is to do.
    pub task: String,
    /// Values for its inputs.
    pub parameters: Map<String, Value>,
}

impl Job for ExecuteMarketingAgent {
    const NAME: &'static str = JobName::ExecuteMarketingAgent.as_str();
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.job)
    }
}

/// The report of a campaign is to be written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GenerateMarketingReport {
    /// Whose.
    pub company: CompanyId,
    /// The row that says what is wanted, and by whom.
    pub job: NamedJobId,
    /// Which, for whoever looks at the queue.
    pub campaign_id: CampaignId,
}

impl Job for GenerateMarketingReport {
    const NAME: &'static str = JobName::GenerateMarketingReport.as_str();
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.job)
    }
}

/// The tools of a connector are to be looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckConnector {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub connector: ConnectorId,
}

impl Job for CheckConnector {
    const NAME: &'static str = "check_connector";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.connector)
    }
}

/// Somebody wants to sign in at the provider of a connector.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginSignIn {
    /// Whose.
    pub company: CompanyId,
    /// Which attempt.
    pub attempt: Uuid,
}

impl Job for BeginSignIn {
    const NAME: &'static str = "begin_sign_in";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.attempt)
    }
}

/// Somebody has come back from there with a code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FinishSignIn {
    /// Whose.
    pub company: CompanyId,
    /// Which attempt.
    pub attempt: Uuid,
}

impl Job for FinishSignIn {
    const NAME: &'static str = "finish_sign_in";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.attempt)
    }
}

/// A mail of the system itself is to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendSystemMail {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub mail: Uuid,
}

impl Job for SendSystemMail {
    const NAME: &'static str = "send_system_mail";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.mail)
    }
}

/// The mail of a sign-up is to be sent. There is no company yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendSignUpMail {
    /// Which.
    pub sign_up: Uuid,
}

impl Job for SendSignUpMail {
    const NAME: &'static str = "send_sign_up_mail";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.sign_up)
    }
}

/// The connection of a mailbox is to be tested.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestMailbox {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub mailbox: MailboxId,
}

impl Job for TestMailbox {
    const NAME: &'static str = "test_mailbox";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.mailbox)
    }
}

/// The records of a sending domain are to be looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckDomain {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub domain: DomainId,
}

impl Job for CheckDomain {
    const NAME: &'static str = "check_domain";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.domain)
    }
}

/// A host name for links is to be looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckLinkHost {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub host: LinkHostId,
}

impl Job for CheckLinkHost {
    const NAME: &'static str = "check_link_host";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.host)
    }
}

/// A test mail of a campaign is to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendTestMail {
    /// Whose.
    pub company: CompanyId,
    /// Which.
    pub mail: Uuid,
}

impl Job for SendTestMail {
    const NAME: &'static str = "send_test_mail";
    fn key(&self) -> String {
        format!("{}:{}", Self::NAME, self.mail)
    }
}

impl Tenant {
    /// Queues a job with this transaction: it exists when the change exists that caused it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn enqueue<J: Job>(&mut self, job: &J) -> Result<()> {
        enqueue(self.conn(), job).await
    }

    /// The same for a job that is not to be taken before `at`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn enqueue_at<J: Job>(&mut self, job: &J, at: DateTime<Utc>) -> Result<()> {
        sqlx::query("SELECT graphile_worker.add_job($1, $2::json, run_at => $3, job_key => $4)")
            .bind(J::NAME)
            .bind(serde_json::to_value(job)?)
            .bind(at)
            .bind(job.key())
            .execute(self.conn())
            .await?;
        Ok(())
    }
}

/// Queues a job with the transaction of a connection.
pub(crate) async fn enqueue<J: Job>(conn: &mut PgConnection, job: &J) -> Result<()> {
    let payload = serde_json::to_value(job)?;
    sqlx::query("SELECT graphile_worker.add_job($1, $2::json, job_key => $3)")
        .bind(J::NAME)
        .bind(payload)
        .bind(job.key())
        .execute(conn)
        .await?;
    Ok(())
}

/// Brings the tables of the queue to this version, as the owner, and gives the application role
/// the rights it needs on them.
pub(crate) async fn migrate(owner: &PgConnectOptions) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new().max_connections(2).connect_with(owner.clone()).await?;
    // The library migrates when a worker is made; this one takes nothing.
    graphile_worker::WorkerOptions::default()
        .pg_pool(pool.clone())
        .listen_os_shutdown_signals(false)
        .init()
        .await
        .map_err(|e| anyhow::anyhow!("preparing the job queue: {e}"))?;
    sqlx::raw_sql(include_str!("jobs/grants.sql")).execute(&pool).await?;
    pool.close().await;
    Ok(())
}
