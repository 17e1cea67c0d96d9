//! What happens in the company: told once, with the change that causes it, to everybody who looks at it. Triggers
//! of agents and workflows write it down in the same transaction, and workers look at what is written.

use std::collections::HashMap;

use domain::{
    AgentId, CampaignId, InboundId, LeadId, WorkflowId,
    campaigns::CampaignState,
    leads::LeadStatus,
    suppressions::SuppressionReason,
    threads::ThreadClass,
    triggers::TriggerKind,
    workflows::{WorkflowTrigger, WorkflowTriggerKind},
};
use uuid::Uuid;

use crate::{
    Result, Tenant,
    triggers::Watch,
    workflows::{Happened, WorkflowWatch},
};

/// What happens in the company.
#[derive(Debug)]
pub(crate) struct Events<'t> {
    t: &'t mut Tenant,
}

/// Leads before a change, as far as somebody looks at what changes.
#[derive(Debug, Default)]
pub(crate) struct Before {
    triggers: Vec<Watch>,
    scores: Vec<WorkflowWatch>,
    statuses: Vec<WorkflowWatch>,
    leads: HashMap<Uuid, (i32, LeadStatus)>,
}

/// What stands behind something that happens.
#[derive(Debug)]
pub(crate) struct Behind {
    /// The agent that acts, if one does.
    pub agent: Option<AgentId>,
    /// The workflows that have led to it.
    pub workflows: Vec<WorkflowId>,
    /// How many triggers and workflows stand in a row with whatever this sets off.
    pub depth: i32,
}

impl Tenant {
    /// What happens in the company.
    pub(crate) fn events(&mut self) -> Events<'_> {
        Events { t: self }
    }
}

impl Events<'_> {
    /// These leads are new.
    pub(crate) async fn leads_created(&mut self, leads: &[Uuid]) -> Result<()> {
        if leads.is_empty() {
            return Ok(());
        }
        self.t.triggers().leads_created(leads).await?;
        for watch in self.t.workflows().watching(&[WorkflowTriggerKind::LeadCreated]).await? {
            self.t.workflows().happened(&watch, Happened::to(leads, "The lead is new")).await?;
        }
        let before = self.before(&[]).await?;
        self.leads_changed(before, leads).await
    }

    /// What leads are like before their score or their status may change.
    pub(crate) async fn before(&mut self, leads: &[Uuid]) -> Result<Before> {
        let triggers = self.t.triggers().watching(TriggerKind::ScoreCrossed).await?;
        let kinds = [WorkflowTriggerKind::ScoreCrossed, WorkflowTriggerKind::StatusChanged];
        let (scores, statuses): (Vec<_>, Vec<_>) =
            self.t.workflows().watching(&kinds).await?.into_iter().partition(|watch| watch.threshold().is_some());
        let mut before = Before { triggers, scores, statuses, leads: HashMap::new() };
        let looked_at = !(before.triggers.is_empty() && before.scores.is_empty() && before.statuses.is_empty());
        if looked_at && !leads.is_empty() {
            let rows = sqlx::query!(
                r#"SELECT id, score, status AS "status: LeadStatus" FROM leads WHERE id = ANY($1)"#,
                leads
            )
            .fetch_all(self.t.conn())
            .await?;
            before.leads = rows.into_iter().map(|row| (row.id, (row.score, row.status))).collect();
        }
        Ok(before)
    }

    /// These leads may be others than `before`; one that is not among those had no score.
    pub(crate) async fn leads_changed(&mut self, before: Before, leads: &[Uuid]) -> Result<()> {
        let was = |lead: &Uuid| before.leads.get(lead).map_or(0, |(score, _)| *score);
        for watch in &before.triggers {
            let threshold = watch.threshold.unwrap_or_default();
            let below: Vec<_> = leads.iter().copied().filter(|lead| was(lead) < threshold).collect();
            self.t.triggers().scores_crossed(watch, threshold, &below).await?;
        }
        for watch in &before.scores {
            let threshold = watch.threshold().unwrap_or_default();
            let below: Vec<_> = leads.iter().copied().filter(|lead| was(lead) < threshold).collect();
            let crossed =
                sqlx::query_scalar!("SELECT id FROM leads WHERE id = ANY($1) AND score >= $2", &below, threshold)
                    .fetch_all(self.t.conn())
                    .await?;
            let cause = format!("Its score came to {threshold}");
            self.t.workflows().happened(watch, Happened::to(&crossed, cause)).await?;
        }
        if before.statuses.is_empty() || before.leads.is_empty() {
            return Ok(());
        }
        let now = sqlx::query!(r#"SELECT id, status AS "status: LeadStatus" FROM leads WHERE id = ANY($1)"#, leads)
            .fetch_all(self.t.conn())
            .await?;
        let changes = now.into_iter().filter_map(|row| Some((row.id, before.leads.get(&row.id)?.1, row.status)));
        self.tell_statuses(&before.statuses, &changes.collect::<Vec<_>>()).await
    }

    /// The status of these leads was another one: each with what it was.
    pub(crate) async fn statuses_changed(&mut self, leads: &[(Uuid, LeadStatus)], is: LeadStatus) -> Result<()> {
        if leads.is_empty() {
            return Ok(());
        }
        let watching = self.t.workflows().watching(&[WorkflowTriggerKind::StatusChanged]).await?;
        let changes: Vec<_> = leads.iter().map(|(lead, was)| (*lead, *was, is)).collect();
        self.tell_statuses(&watching, &changes).await
    }

    async fn tell_statuses(
        &mut self,
        watching: &[WorkflowWatch],
        changes: &[(Uuid, LeadStatus, LeadStatus)],
    ) -> Result<()> {
        for watch in watching {
            let mut by_change: HashMap<(LeadStatus, LeadStatus), Vec<Uuid>> = HashMap::new();
            for (lead, was, is) in changes {
                if watch.trigger.takes(*was, *is) {
                    by_change.entry((*was, *is)).or_default().push(*lead);
                }
            }
            let mut by_change: Vec<_> = by_change.into_iter().collect();
            by_change.sort_unstable();
            for ((was, is), leads) in by_change {
                let cause = format!("Its status went from {was} to {is}");
                self.t.workflows().happened(watch, Happened::to(&leads, cause)).await?;
            }
        }
        Ok(())
    }

    /// A campaign has come to a state.
    pub(crate) async fn campaign_entered(&mut self, campaign: CampaignId, state: CampaignState) -> Result<()> {
        self.t.triggers().campaign_entered(campaign, state).await
    }

    /// A person has answered.
    pub(crate) async fn reply_received(
        &mut self,
        lead: LeadId,
        campaign: Option<CampaignId>,
        mail: InboundId,
    ) -> Result<()> {
        self.t.triggers().reply_received(lead, campaign, mail).await?;
        self.replied(lead, campaign, mail, None).await
    }

    /// A mail of a lead was classified: by the rules, by a model, or by a person who knows better.
    pub(crate) async fn reply_classified(
        &mut self,
        lead: LeadId,
        campaign: Option<CampaignId>,
        mail: InboundId,
        class: ThreadClass,
    ) -> Result<()> {
        self.replied(lead, campaign, mail, Some(class)).await
    }

    async fn replied(
        &mut self,
        lead: LeadId,
        campaign: Option<CampaignId>,
        mail: InboundId,
        as_class: Option<ThreadClass>,
    ) -> Result<()> {
        for watch in self.t.workflows().watching(&[WorkflowTriggerKind::Replied]).await? {
            let WorkflowTrigger::Replied { class, campaign: only } = &*watch.trigger else { continue };
            if *class != as_class || only.is_some_and(|only| Some(only) != campaign) {
                continue;
            }
            let cause = match class {
                Some(class) => format!("It has replied: {}", class.label().to_lowercase()),
                None => "It has replied".to_owned(),
            };
            let happened = Happened::to(&[lead.0], cause).by(mail);
            self.t.workflows().happened(&watch, happened).await?;
        }
        Ok(())
    }

    /// The addresses of these leads were put on the suppression list.
    pub(crate) async fn suppressed(&mut self, leads: &[Uuid], reason: SuppressionReason) -> Result<()> {
        let (kind, cause) = match reason {
            SuppressionReason::Unsubscribed => (WorkflowTriggerKind::Unsubscribed, "It has unsubscribed"),
            SuppressionReason::Bounced => (WorkflowTriggerKind::Bounced, "Its address has bounced for good"),
            _ => return Ok(()),
        };
        self.tell_all(kind, leads, cause).await
    }

    /// A task about a lead is done.
    pub(crate) async fn task_done(&mut self, lead: LeadId, title: &str) -> Result<()> {
        self.tell_all(WorkflowTriggerKind::TaskDone, &[lead.0], &format!("Its task “{title}” is done")).await
    }

    async fn tell_all(&mut self, kind: WorkflowTriggerKind, leads: &[Uuid], cause: &str) -> Result<()> {
        if leads.is_empty() {
            return Ok(());
        }
        for watch in self.t.workflows().watching(&[kind]).await? {
            self.t.workflows().happened(&watch, Happened::to(leads, cause)).await?;
        }
        Ok(())
    }

    /// What stands behind what the actor does now.
    pub(crate) async fn behind(&mut self) -> Result<Behind> {
        if let Some(workflow) = self.t.actor().workflow() {
            return Ok(Behind { agent: None, workflows: workflow.behind.clone(), depth: workflow.depth + 1 });
        }
        let Some(run) = self.t.actor().run().map(|run| run.id) else {
            return Ok(Behind { agent: None, workflows: Vec::new(), depth: 1 });
        };
        let row = sqlx::query!(
            r#"SELECT agent_id AS "agent: AgentId", depth, behind_workflows FROM runs WHERE id = $1"#,
            run.0
        )
        .fetch_one(self.t.conn())
        .await?;
        let workflows = row.behind_workflows.into_iter().map(WorkflowId).collect();
        Ok(Behind { agent: Some(row.agent), workflows, depth: row.depth + 1 })
    }
}
