//! The worker: takes jobs, sends, and looks once a minute for work that nobody was woken for.

use std::{sync::Arc, time::Duration};

use service::{
    Db, Error, Result,
    jobs::{
        AdvanceCampaign, AnswerSandboxMail, BeginSignIn, CallStepWebhook, CarryOutRejection, CarryOutWorkflow,
        CheckConnector, CheckDomain, CheckLinkHost, ClassifyThread, ExecuteMarketingAgent, FinishSignIn, FireTrigger,
        GenerateMarketingReport, LookAtSchedules, ProveSends, SendSignUpMail, SendSystemMail, SendTestMail,
        SimulateCampaign, TestMailbox, TestModel, WakeThread, WatchCampaign, WorkOnImport, WorkOnRun, Worker,
        WriteDrafts, WriteSamples,
    },
};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    agents, classifying, domains, drafting, inbox, letters, mcp, models, schedules, sender, step_webhooks, tracking,
};

/// How often the reconciler looks.
const RECONCILE: Duration = Duration::from_secs(60);
/// Old things are looked for at every so many looks: once an hour.
const SWEEP: u64 = 60;
/// The wait after the database did not answer.
const AWAY: Duration = Duration::from_secs(2);
/// Quick jobs at the same time.
const QUICK: usize = 4;
/// Imports at the same time: each one is long and keeps the database busy.
const LONG: usize = 1;
/// Runs of agents and companies with drafts at the same time: they mostly wait for somebody's answer.
const RUNS: usize = 16;

/// Mail of the system itself, when the operator has a server for it.
#[derive(Clone, Debug)]
pub struct SystemMailServer {
    /// The server.
    pub server: crate::mail::smtp::SmtpServer,
    /// Sender of these mails.
    pub from: String,
}

/// How mails of the system itself leave.
#[derive(Clone, Debug)]
pub enum SystemPost {
    /// Through the operator's server.
    Server(SystemMailServer),
    /// The operator has none: the sandbox keeps those of companies; those that belong to no company are
    /// told to whoever sits at the terminal, by this function.
    Kept(fn(&str)),
}

/// Works until `stop` is cancelled, then ends what it holds in its hands.
pub async fn run(db: Db, system_post: SystemPost, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let changed = Arc::new(Notify::new());
    tasks.spawn(send(db.clone(), stop.clone()));
    tasks.spawn(schedules::run(db.clone(), changed.clone(), stop.clone()));
    tasks.spawn(inbox::run(db.clone(), stop.clone()));
    tasks.spawn(quick_jobs(&db, system_post, changed).run(QUICK, stop.clone().cancelled_owned()));
    tasks.spawn(long_jobs(&db).run(LONG, stop.clone().cancelled_owned()));
    tasks.spawn(runs(&db, &stop).run(RUNS, stop.clone().cancelled_owned()));
    tasks.spawn(reconcile(db, stop));
    tasks.close();
    tasks.wait().await;
}

fn quick_jobs(db: &Db, system_post: SystemPost, changed: Arc<Notify>) -> Worker {
    let (campaigns, mailboxes, tests, system, sign_ups) = (db.clone(), db.clone(), db.clone(), db.clone(), db.clone());
    let (sign_up_post, asked, set_off) = (system_post.clone(), db.clone(), db.clone());
    let (executions, reports, answered) = (db.clone(), db.clone(), db.clone());
    let (rejections, names, snoozed, calls) = (db.clone(), db.clone(), db.clone(), db.clone());
    let (looked, begun, finished, hosts) = (db.clone(), db.clone(), db.clone(), db.clone());
    let (proven, watched, workflows) = (db.clone(), db.clone(), db.clone());
    Worker::new(db.clone())
        .on(move |job: AdvanceCampaign| {
            let db = campaigns.clone();
            async move { Ok(service::campaigns::advance::advance(&db, job.company, job.campaign).await?) }
        })
        .on(move |job: ProveSends| {
            let db = proven.clone();
            async move { Ok(service::campaigns::proofs::prove(&db, job.company, job.campaign, job.at).await?) }
        })
        .on(move |job: WatchCampaign| {
            let db = watched.clone();
            async move { Ok(service::campaigns::guards::watch(&db, job.company, job.campaign).await?) }
        })
        .on(move |job: CarryOutRejection| {
            let db = rejections.clone();
            async move { Ok(service::drafts::carry_out(&db, job.company, job.draft).await?) }
        })
        .on(move |job: WakeThread| {
            let db = snoozed.clone();
            async move { Ok(service::threads::wake(&db, job.company, job.thread).await?) }
        })
        .on(move |job: CallStepWebhook| {
            let db = calls.clone();
            async move { step_webhooks::call(&db, &job).await }
        })
        .on(move |job: TestMailbox| {
            let db = mailboxes.clone();
            async move { letters::test_mailbox(&db, &job).await }
        })
        .on(move |job: TestModel| {
            let db = asked.clone();
            async move { models::test(&db, &job).await }
        })
        .on(move |job: FireTrigger| {
            let db = set_off.clone();
            async move { Ok(service::triggers::fire(&db, job.company, job.trigger).await?) }
        })
        .on(move |job: CarryOutWorkflow| {
            let db = workflows.clone();
            async move { Ok(service::workflows::carry_out(&db, job.company, job.workflow).await?) }
        })
        .on(move |job: AnswerSandboxMail| {
            let db = answered.clone();
            async move { Ok(db.answer_sandbox_mail(job.company, job.mail, job.how).await?) }
        })
        .on(move |_: LookAtSchedules| {
            changed.notify_one();
            async { Ok(()) }
        })
        .on(move |job: ExecuteMarketingAgent| {
            let db = executions.clone();
            async move { Ok(service::named_jobs::work(&db, job.company, job.job).await?) }
        })
        .on(move |job: GenerateMarketingReport| {
            let db = reports.clone();
            async move { Ok(service::named_jobs::work(&db, job.company, job.job).await?) }
        })
        .on(move |job: CheckConnector| {
            let db = looked.clone();
            async move { mcp::check(&db, &job).await }
        })
        .on(move |job: CheckDomain| {
            let db = names.clone();
            async move { domains::check(&db, &job).await }
        })
        .on(move |job: CheckLinkHost| {
            let db = hosts.clone();
            async move { tracking::check_host(&db, &job).await }
        })
        .on(move |job: BeginSignIn| {
            let db = begun.clone();
            async move { mcp::begin_sign_in(&db, &job).await }
        })
        .on(move |job: FinishSignIn| {
            let db = finished.clone();
            async move { mcp::finish_sign_in(&db, &job).await }
        })
        .on(move |job: SendTestMail| {
            let db = tests.clone();
            async move { letters::send_test(&db, &job).await }
        })
        .on(move |job: SendSystemMail| {
            let (db, post) = (system.clone(), system_post.clone());
            async move { letters::send_system(&db, &post, &job).await }
        })
        .on(move |job: SendSignUpMail| {
            let (db, post) = (sign_ups.clone(), sign_up_post.clone());
            async move { letters::send_sign_up(&db, &post, &job).await }
        })
}

fn long_jobs(db: &Db) -> Worker {
    let (imports, simulated) = (db.clone(), db.clone());
    Worker::new(db.clone())
        .on(move |job: WorkOnImport| {
            let db = imports.clone();
            async move { Ok(service::imports::work(&db, job.company, job.import).await?) }
        })
        .on(move |job: SimulateCampaign| {
            let db = simulated.clone();
            async move { Ok(service::campaigns::simulations::simulate(&db, job.company, job.campaign).await?) }
        })
}

fn runs(db: &Db, stop: &CancellationToken) -> Worker {
    let (runs, stop) = (db.clone(), stop.clone());
    let (drafts, halt) = (db.clone(), stop.clone());
    let (samples, end) = (db.clone(), stop.clone());
    let (threads, over) = (db.clone(), stop.clone());
    Worker::new(db.clone())
        .on(move |job: WorkOnRun| {
            let (db, stop) = (runs.clone(), stop.clone());
            async move { agents::work(&db, &job, &stop).await }
        })
        .on(move |job: WriteDrafts| {
            let (db, stop) = (drafts.clone(), halt.clone());
            async move { Ok(drafting::write(&db, &job, &stop).await?) }
        })
        .on(move |job: ClassifyThread| {
            let (db, stop) = (threads.clone(), over.clone());
            async move { Ok(classifying::classify(&db, &job, &stop).await?) }
        })
        .on(move |job: WriteSamples| {
            let (db, stop) = (samples.clone(), end.clone());
            async move { Ok(drafting::write_samples(&db, &job, &stop).await?) }
        })
}

/// Sends, after plans that were missed while nobody worked have been caught up with.
async fn send(db: Db, stop: CancellationToken) {
    while let Err(error) = service::campaigns::replanning::catch_up(&db).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "The sender waits for the database");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(AWAY) => {}
        }
    }
    sender::run(db, stop).await;
}

/// Jobs are wake-ups and may be lost; what they were about lies in rows, and here somebody looks.
async fn reconcile(db: Db, stop: CancellationToken) {
    for look in 0_u64.. {
        let mut outcome = reconcile_once(&db).await;
        if outcome.is_ok() && look.is_multiple_of(SWEEP) {
            outcome = upkeep(&db).await;
        }
        if let Err(error) = outcome {
            tracing::warn!(error = &error as &dyn std::error::Error, "The reconciler waits for the database");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RECONCILE) => {}
        }
    }
}

/// Forgets what is kept for a time only, and gives companies the newest catalogue of agents.
///
/// # Errors
/// When the database is away.
pub async fn upkeep(db: &Db) -> Result<()> {
    db.platform().sweep(db.clock().now()).await?;
    if let Err(error) = db.platform().keep_months(db.clock().now()).await {
        // Months are made three ahead, so this may wait for the next hour.
        tracing::warn!(error = &error as &dyn std::error::Error, "The months of events were not looked after");
    }
    service::agents::refresh(db).await
}

/// One look: expired leases are judged, waiting rows are woken. One row that fails does not keep the
/// others waiting.
///
/// # Errors
/// When the database is away.
pub async fn reconcile_once(db: &Db) -> Result<()> {
    let now = db.clock().now();
    service::messages::reap::reap(db).await?;
    service::messages::unknown::settle(db).await?;
    for (company, campaign) in db.platform().waiting_campaigns(now).await? {
        go_on(campaign, wake(db, company, &AdvanceCampaign { company, campaign }).await)?;
    }
    for (company, import) in db.platform().waiting_imports(now).await? {
        go_on(import, wake(db, company, &WorkOnImport { company, import }).await)?;
    }
    for (company, run) in db.platform().waiting_runs(now).await? {
        go_on(run, look_after(db, company, run).await)?;
    }
    service::triggers::fire_due(db).await?;
    for (company, trigger) in db.platform().waiting_triggers(now).await? {
        go_on(trigger, wake(db, company, &FireTrigger { company, trigger }).await)?;
    }
    for (company, workflow) in db.platform().waiting_workflows(now).await? {
        go_on(workflow, wake(db, company, &CarryOutWorkflow { company, workflow }).await)?;
    }
    for (company, job) in db.platform().waiting_named_jobs(now).await? {
        go_on(job, service::named_jobs::work(db, company, job).await)?;
    }
    for company in db.platform().waiting_drafts(now).await? {
        go_on(company, wake(db, company, &WriteDrafts { company }).await)?;
    }
    for (company, draft) in db.platform().due_rejections(now).await? {
        go_on(draft, service::drafts::carry_out(db, company, draft).await)?;
    }
    for (company, thread) in db.platform().waking_threads(now).await? {
        go_on(thread, service::threads::wake(db, company, thread).await)?;
    }
    for (company, connector) in db.platform().waiting_connectors(now).await? {
        go_on(connector, wake(db, company, &CheckConnector { company, connector }).await)?;
    }
    for (company, domain) in db.platform().due_domains(now).await? {
        go_on(domain, wake(db, company, &CheckDomain { company, domain }).await)?;
    }
    for (company, host) in db.platform().due_link_hosts(now).await? {
        go_on(host, wake(db, company, &CheckLinkHost { company, host }).await)?;
    }
    for (company, mail) in db.platform().waiting_system_mails(now).await? {
        go_on(mail, wake(db, company, &SendSystemMail { company, mail }).await)?;
    }
    db.people().reconcile_sign_ups(now).await?;
    db.platform().judge_lost_mails(now).await
}

/// Puts the failure of one row into the log; only a database that is away ends the look.
fn go_on(row: impl std::fmt::Display, outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(Error::Unavailable) => Err(Error::Unavailable),
        Err(error) => {
            tracing::error!(row.id = %row, error = &error as &dyn std::error::Error, "The reconciler passes over a row");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn look_after(db: &Db, company: domain::CompanyId, run: domain::RunId) -> Result<()> {
    let actor = db.platform().system_actor(company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    t.runs().reconcile(run).await?;
    t.commit().await
}

async fn wake<J: service::jobs::Job>(db: &Db, company: domain::CompanyId, job: &J) -> Result<()> {
    let actor = db.platform().system_actor(company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    t.enqueue(job).await?;
    t.commit().await
}
