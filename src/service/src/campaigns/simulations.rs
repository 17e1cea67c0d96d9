//! Simulations: keeps what `domain::simulation` says of a campaign, with what it was made of, so that one is known to be
//! out of date when that has changed.
//!
//! What is gathered for one (`gather.rs`) is of one moment, and so is every way in which it is played (`plays.rs`).

mod gather;
mod plays;

use chrono::Duration;
use domain::{
    CampaignId, CompanyId, MailboxId, Permission, Refusal,
    campaigns::{Campaign, CampaignState},
    simulation::{AskedSimulation, Basis, SendingMailbox, Simulation},
};
use sqlx::types::Json;

use super::Campaigns;
use crate::{Db, Error, Result, jobs::SimulateCampaign};

/// Simulations of a campaign that are kept.
const KEPT: i32 = 10;
/// The time between an edit and the simulation of it: edits come in a row.
const SOON: Duration = Duration::seconds(2);

/// Makes the simulations that a campaign waits for. Safe to call again.
///
/// # Errors
/// When the database is away.
pub async fn simulate(db: &Db, company: CompanyId, id: CampaignId) -> Result<()> {
    let actor = db.platform().system_actor(company, "system").await?;
    // One snapshot, so that nobody is counted twice while leads are being placed.
    let mut t = db.snapshot(&actor).await?;
    let made = match t.campaigns().gather(id).await {
        Ok(facts) => Ok(facts),
        Err(Error::NotFound(_)) => return Ok(()),
        Err(Error::Refused(refusal)) => Err(refusal.message),
        Err(other) => return Err(other),
    };
    drop(t);
    let made = match made {
        // Counting takes seconds for a large audience, and others want to go on meanwhile.
        Ok(facts) => tokio::task::spawn_blocking(move || facts.run()).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "A simulation has failed");
            "It could not be computed.".to_owned()
        }),
        Err(words) => Err(words),
    };
    let mut t = db.tenant(&actor).await?;
    t.campaigns().keep_simulation(id, made).await?;
    t.commit().await
}

impl Campaigns<'_> {
    /// The simulations of a campaign, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn simulations(&mut self, id: CampaignId) -> Result<Vec<AskedSimulation>> {
        let campaign = self.get(id).await?;
        self.simulations_of(&campaign).await
    }

    /// The same, of a campaign as [`Campaigns::get`] gives it.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn simulations_of(&mut self, campaign: &Campaign) -> Result<Vec<AskedSimulation>> {
        self.t.require(Permission::Read).await?;
        let rows = sqlx::query!(
            r#"SELECT number, asked_at, cause, made_at, result AS "result: Json<Simulation>", error, basis
               FROM campaign_simulations WHERE campaign_id = $1 ORDER BY number DESC"#,
            campaign.id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        // Of what has ended nothing is made again.
        let now = match rows.iter().any(|row| row.basis.is_some()) && !has_ended(campaign) {
            true => Some(self.basis(campaign).await?),
            false => None,
        };
        let changed = |was: Option<serde_json::Value>| {
            // What another release has written may not be read any more.
            let was = was.and_then(|was| serde_json::from_value::<Basis>(was).ok());
            was.zip(now.as_ref()).map(|(was, now)| was.changed(now)).unwrap_or_default()
        };
        Ok(rows
            .into_iter()
            .map(|row| AskedSimulation {
                number: row.number,
                asked_at: row.asked_at,
                cause: row.cause,
                made_at: row.made_at,
                result: row.result.map(|result| result.0),
                error: row.error,
                changed: changed(row.basis),
            })
            .collect())
    }

    /// Asks for a simulation. One that nobody has made yet is made for both.
    ///
    /// # Errors
    /// [`Error::NotFound`]; refused when the campaign has ended.
    pub async fn ask_simulation(&mut self, id: CampaignId) -> Result<AskedSimulation> {
        self.t.require(Permission::EditCampaigns).await?;
        let campaign = self.load(id, false).await?;
        if has_ended(&campaign) {
            let words = "This campaign has ended, so there is nothing ahead of it.";
            return Err(Refusal::new("campaign_ended", words, campaign.lifecycle.state.allowed()).into());
        }
        self.plan_simulation(id, None).await?;
        self.simulations(id).await?.into_iter().next().ok_or(Error::NotFound("simulation"))
    }

    /// Something was edited: what was simulated before is simulated again.
    pub(super) async fn simulate_again(&mut self, id: CampaignId, cause: &str) -> Result<()> {
        let has_one = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM campaign_simulations WHERE campaign_id = $1) AS "has!""#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        if has_one { self.plan_simulation(id, Some(cause)).await } else { Ok(()) }
    }

    async fn plan_simulation(&mut self, id: CampaignId, cause: Option<&str>) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "INSERT INTO campaign_simulations (campaign_id, number, asked_at, cause)
             SELECT $1, coalesce(max(number), 0) + 1, $2, $3 FROM campaign_simulations WHERE campaign_id = $1
             HAVING count(*) FILTER (WHERE made_at IS NULL) = 0
             ON CONFLICT DO NOTHING",
            id.0,
            now,
            cause
        )
        .execute(self.t.conn())
        .await?;
        let company = self.t.actor().company();
        self.t.enqueue_at(&SimulateCampaign { company, campaign: id }, now + SOON).await?;
        self.t.tell("campaigns", id.0).await
    }

    async fn keep_simulation(
        &mut self,
        id: CampaignId,
        made: std::result::Result<(Simulation, Basis), String>,
    ) -> Result<()> {
        let now = self.t.now();
        let (result, basis, error) = match made {
            Ok((result, basis)) => (Some(Json(result)), Some(Json(basis)), None),
            Err(words) => (None, None, Some(words)),
        };
        sqlx::query!(
            "WITH made AS (
                 UPDATE campaign_simulations SET made_at = $2, result = $3, error = $4, basis = $6
                 WHERE campaign_id = $1 AND made_at IS NULL RETURNING number
             )
             DELETE FROM campaign_simulations WHERE campaign_id = $1 AND number <= (SELECT max(number) FROM made) - $5::int",
            id.0,
            now,
            result as Option<Json<Simulation>>,
            error,
            KEPT,
            basis as Option<Json<Basis>>
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("campaigns", id.0).await
    }

    /// What a simulation of now is made of. The campaign is one whose audience was counted.
    async fn basis(&mut self, campaign: &Campaign) -> Result<Basis> {
        let (_, steps) = self.working(campaign.id).await?;
        let senders = self.senders_of(campaign).await?;
        let ids: Vec<_> = campaign.mailboxes.iter().map(|id| id.0).collect();
        let rows = sqlx::query!(
            r#"SELECT id AS "id: MailboxId", state = 'connected' AND mailbox_failing(id) IS NULL AS "is_connected!",
                      daily_cap, ramp_from, gap_seconds, gap_max_seconds
               FROM mailboxes WHERE id = ANY($1) ORDER BY array_position($1::uuid[], id)"#,
            &ids
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Basis {
            steps,
            version: campaign.sequence_version,
            audience: campaign.audience.clone(),
            audience_size: campaign.audience_size,
            window: campaign.window.clone(),
            rules: campaign.rules,
            mailboxes: rows
                .into_iter()
                .map(|row| SendingMailbox {
                    id: row.id,
                    is_connected: row.is_connected,
                    takes_leads: senders.contains(&row.id),
                    daily_cap: row.daily_cap,
                    ramp_from: row.ramp_from,
                    gaps: (row.gap_seconds, row.gap_max_seconds),
                })
                .collect(),
            limits: self.t.mailboxes().limits().await?,
        })
    }
}

/// Whether nothing is ahead of a campaign.
fn has_ended(campaign: &Campaign) -> bool {
    let state = campaign.lifecycle.state;
    state.is_terminal() || state == CampaignState::Stopping
}
