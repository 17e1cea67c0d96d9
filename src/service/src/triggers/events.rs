//! What happens in the company and sets triggers off: written with the change that causes it, looked at by
//! a worker. Of many things at once as many are kept as may start a run; the others are counted.

use domain::{
    AgentId, CampaignId, InboundId, LeadId, TriggerId,
    campaigns::CampaignState,
    triggers::{MAX_DEPTH, NotStarted, TriggerKind},
};
use uuid::Uuid;

use super::Triggers;
use crate::{Result, events::Behind, jobs::FireTrigger};

/// A trigger that looks at something.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    id: TriggerId,
    agent: AgentId,
    tag: Option<String>,
    /// The score that it looks at.
    pub threshold: Option<i32>,
    campaign: Option<CampaignId>,
    state: Option<CampaignState>,
    hourly_cap: i32,
}

/// What a trigger is told of.
#[derive(Debug)]
enum Happened {
    Leads(Vec<Uuid>),
    Campaign(CampaignId),
    Reply { lead: LeadId, campaign: Option<CampaignId>, mail: InboundId },
}

impl Triggers<'_> {
    /// These leads are new.
    pub(crate) async fn leads_created(&mut self, leads: &[Uuid]) -> Result<()> {
        for watch in self.watching(TriggerKind::LeadCreated).await? {
            let leads = sqlx::query_scalar!(
                "SELECT id FROM leads WHERE id = ANY($1) AND ($2::text IS NULL OR $2 = ANY (tags)) ORDER BY id",
                leads,
                watch.tag
            )
            .fetch_all(self.t.conn())
            .await?;
            self.happened(&watch, "A lead is new", Happened::Leads(leads)).await?;
        }
        Ok(())
    }

    /// The scores of those of these leads that have the threshold now came to it from below.
    pub(crate) async fn scores_crossed(&mut self, watch: &Watch, threshold: i32, below: &[Uuid]) -> Result<()> {
        let crossed = sqlx::query_scalar!(
            "SELECT id FROM leads
             WHERE id = ANY($1) AND score >= $2 AND ($3::text IS NULL OR $3 = ANY (tags))
             ORDER BY id",
            below,
            threshold,
            watch.tag
        )
        .fetch_all(self.t.conn())
        .await?;
        let cause = format!("The score of a lead came to {threshold}");
        self.happened(watch, &cause, Happened::Leads(crossed)).await
    }

    /// A campaign has come to a state.
    pub(crate) async fn campaign_entered(&mut self, campaign: CampaignId, state: CampaignState) -> Result<()> {
        for watch in self.watching(TriggerKind::CampaignState).await? {
            if watch.state == Some(state) && watch.campaign.is_none_or(|one| one == campaign) {
                let cause = format!("A campaign is {}", state.label().to_lowercase());
                self.happened(&watch, &cause, Happened::Campaign(campaign)).await?;
            }
        }
        Ok(())
    }

    /// A person has answered.
    pub(crate) async fn reply_received(
        &mut self,
        lead: LeadId,
        campaign: Option<CampaignId>,
        mail: InboundId,
    ) -> Result<()> {
        for watch in self.watching(TriggerKind::ReplyReceived).await? {
            if watch.campaign.is_none() || watch.campaign == campaign {
                self.happened(&watch, "A lead has answered", Happened::Reply { lead, campaign, mail }).await?;
            }
        }
        Ok(())
    }

    /// The triggers that look at things of this kind.
    pub(crate) async fn watching(&mut self, kind: TriggerKind) -> Result<Vec<Watch>> {
        Ok(sqlx::query_as!(
            Watch,
            r#"SELECT id AS "id: TriggerId", agent_id AS "agent: AgentId", tag, threshold,
                      campaign_id AS "campaign: CampaignId", campaign_state AS "state: CampaignState", hourly_cap
               FROM triggers WHERE enabled AND kind = $1 ORDER BY id"#,
            kind.as_str()
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Writes down what happened to a trigger, and wakes a worker for it.
    async fn happened(&mut self, watch: &Watch, cause: &str, what: Happened) -> Result<()> {
        let (leads, campaign, mail) = match what {
            Happened::Leads(leads) if leads.is_empty() => return Ok(()),
            Happened::Leads(leads) => (leads.into_iter().map(Some).collect(), None, None),
            Happened::Campaign(campaign) => (vec![None], Some(campaign.0), None),
            Happened::Reply { lead, campaign, mail } => (vec![Some(lead.0)], campaign.map(|id| id.0), Some(mail.0)),
        };
        let Behind { agent, depth, .. } = self.t.events().behind().await?;
        let against = if agent == Some(watch.agent) {
            Some(NotStarted::OwnChange)
        } else {
            (depth > MAX_DEPTH).then_some(NotStarted::TooDeep)
        };
        let most = if against.is_some() { 0 } else { usize::try_from(watch.hourly_cap).unwrap_or_default() };
        let (kept, others) = leads.split_at(most.min(leads.len()));
        let now = self.t.now();
        sqlx::query!(
            "INSERT INTO trigger_firings (id, trigger_id, at, cause, lead_id, campaign_id, depth, state, inbound_id)
             SELECT gen_random_uuid(), $1, $2, $3, lead_id, $5, $6, 'pending', $7 FROM unnest($4::uuid[]) AS n (lead_id)",
            watch.id.0,
            now,
            cause,
            kept as &[Option<Uuid>],
            campaign,
            depth,
            mail
        )
        .execute(self.t.conn())
        .await?;
        if let Ok(count @ 1..) = i32::try_from(others.len()) {
            let lead = (count == 1).then(|| others[0]).flatten();
            sqlx::query!(
                "INSERT INTO trigger_firings (id, trigger_id, at, cause, lead_id, campaign_id, depth, events, state, reason,
                                              inbound_id)
                 VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7, 'not_started', $8, $9)",
                watch.id.0,
                now,
                cause,
                lead,
                campaign,
                depth,
                count,
                against.unwrap_or(NotStarted::HourlyCap).as_str(),
                mail
            )
            .execute(self.t.conn())
            .await?;
        }
        if !kept.is_empty() {
            let company = self.t.actor().company();
            self.t.enqueue(&FireTrigger { company, trigger: watch.id }).await?;
        }
        self.t.tell("triggers", watch.id.0).await
    }
}
