//! The launch checklist: gathers the facts, the domain judges them.

use chrono::Duration;
use domain::{
    CampaignId, Permission,
    campaigns::{
        Campaign, Check,
        checks::{self, Checklist, DomainFacts, Facts},
    },
    domains::RecordCheck,
    mailboxes::MailboxState,
    simulation::{AskedSimulation, Simulation},
    steps::StepKind,
};
use sqlx::types::Json;

use super::{Campaigns, left_out::Reach};
use crate::{Error, Result};

/// A simulation that is older says nothing about today: caps are used up, and other campaigns plan.
const CURRENT: Duration = Duration::days(1);

impl Campaigns<'_> {
    /// Every check, in the order of the checklist.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn checks(&mut self, id: CampaignId) -> Result<Vec<Check>> {
        Ok(self.checklist(id).await?.checks)
    }

    /// The checks, and how many leads are reached.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn checklist(&mut self, id: CampaignId) -> Result<Checklist> {
        self.t.require(Permission::Read).await?;
        let campaign = self.load(id, false).await?;
        self.run_checks(&campaign, true).await
    }

    /// Goes on only if no check blocks.
    pub(super) async fn require_checks(&mut self, campaign: &Campaign) -> Result<()> {
        let problems = checks::blockers(&self.run_checks(campaign, false).await?.checks);
        if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
    }

    /// Every check. What was simulated says how long it takes, which keeps no campaign from starting.
    async fn run_checks(&mut self, campaign: &Campaign, asks_how_long: bool) -> Result<Checklist> {
        // What is being edited is what is checked: it is what comes next.
        let sequence = self.working(campaign.id).await?.1;
        let (reach, simulated) = match campaign.lifecycle.is_frozen() {
            // Those who get nothing are in the ledger already.
            true => (Reach { audience: campaign.audience_size, ..Reach::default() }, None),
            false => {
                let reach = self.reach(campaign, &sequence).await?;
                let simulated = match asks_how_long && reach.reached() > 0 {
                    true => self.simulated(campaign, &reach).await?,
                    false => None,
                };
                (reach, simulated)
            }
        };
        let calls = sequence.steps().iter().any(|step| step.kind() == StepKind::Webhook);
        let without_webhook = calls && !self.has_webhook().await?;
        let boxes = sqlx::query!(
            r#"SELECT m.state AS "state: MailboxState", m.daily_cap,
                      m.kind = 'sandbox' OR m.checked_at IS NOT NULL AS "tested!"
               FROM campaign_mailboxes c JOIN mailboxes m ON m.id = c.mailbox_id WHERE c.campaign_id = $1"#,
            campaign.id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        let domains = sqlx::query!(
            r#"SELECT DISTINCT ON (n.name) n.name AS "name!", d.records AS "records?: Json<Vec<RecordCheck>>"
               FROM campaign_mailboxes c
               JOIN mailboxes m ON m.id = c.mailbox_id
               CROSS JOIN LATERAL (SELECT split_part(m.address, '@', 2) AS name) n
               LEFT JOIN sending_domains d ON d.name = n.name
               WHERE c.campaign_id = $1 AND m.kind = 'smtp' ORDER BY n.name"#,
            campaign.id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        let domains: Vec<_> = domains
            .into_iter()
            .map(|row| DomainFacts { name: row.name, records: row.records.map(|json| json.0).unwrap_or_default() })
            .collect();
        let link_host = self.t.link_hosts().used().await?;
        let lately = self.t.now() - Duration::days(7);
        let tried = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM test_mails WHERE campaign_id = $1 AND created_at > $2) AS "tried!""#,
            campaign.id.0,
            lately
        )
        .fetch_one(self.t.conn())
        .await?;
        let address = sqlx::query_scalar!("SELECT postal_address FROM companies").fetch_one(self.t.conn()).await?;
        let has_model = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM models WHERE enabled) AS "has_model!""#)
            .fetch_one(self.t.conn())
            .await?;
        Ok(checks::run(&Facts {
            has_model,
            audience: reach.audience,
            left_out: &reach.left_out,
            sequence: &sequence,
            without_webhook,
            skips_missing: campaign.rules.exclude.missing_variable,
            mailboxes: boxes.len(),
            connected: boxes.iter().filter(|b| b.state == MailboxState::Connected).count(),
            untested: boxes.iter().filter(|b| b.state == MailboxState::Connected && !b.tested).count(),
            tried,
            domains: &domains,
            daily_cap: boxes.iter().map(|b| i64::from(b.daily_cap)).sum(),
            simulated: simulated.as_ref(),
            public_url: &self.t.db().settings().public_url.clone(),
            tracking: campaign.rules.tracking,
            link_host: link_host.as_deref(),
            has_postal_address: address.is_some_and(|a| !a.trim().is_empty()),
            window: &campaign.window,
        }))
    }

    /// What was simulated, if that is what would happen now.
    async fn simulated(&mut self, campaign: &Campaign, reach: &Reach) -> Result<Option<Simulation>> {
        let since = self.t.now() - CURRENT;
        let counted = Campaign { audience_size: reach.audience, ..campaign.clone() };
        let newest = self.simulations_of(&counted).await?.into_iter().next();
        let is_current = |one: &AskedSimulation| one.changed.is_empty() && one.made_at.is_some_and(|at| at > since);
        let simulation = newest.filter(is_current).and_then(|one| one.result);
        Ok(simulation.filter(|simulation| simulation.leads == reach.reached()))
    }
}
