//! What happens to leads and sets workflows off: written with the change that causes it, for the leads that meet the
//! conditions at that moment. Of many leads at once as many are kept as may be acted for; the others are counted.

use domain::{
    InboundId, WorkflowId,
    leads::LeadFilter,
    workflows::{MAX_DEPTH, WorkflowNotStarted, WorkflowTrigger, WorkflowTriggerKind},
};
use sqlx::types::Json;
use uuid::Uuid;

use super::Workflows;
use crate::{
    Result,
    events::Behind,
    jobs::CarryOutWorkflow,
    leads::query::{Query, push_test},
};

/// A workflow that looks at something.
#[derive(Clone, Debug)]
pub(crate) struct WorkflowWatch {
    id: WorkflowId,
    /// What it looks at.
    pub trigger: Json<WorkflowTrigger>,
    conditions: Json<LeadFilter>,
    hourly_cap: i32,
}

impl WorkflowWatch {
    /// The score that it looks at, if it looks at scores.
    pub(crate) fn threshold(&self) -> Option<i32> {
        match &self.trigger.0 {
            WorkflowTrigger::ScoreCrossed { threshold } => Some(*threshold),
            _ => None,
        }
    }
}

/// Something that has happened to leads.
#[derive(Debug)]
pub(crate) struct Happened {
    /// To which.
    leads: Vec<Uuid>,
    /// What, in words.
    cause: String,
    /// The mail that it was. Of one mail the same may be told several times.
    mail: Option<InboundId>,
}

impl Happened {
    /// Something that has happened to these leads.
    pub(crate) fn to(leads: &[Uuid], cause: impl Into<String>) -> Self {
        Self { leads: leads.to_vec(), cause: cause.into(), mail: None }
    }

    /// The same, which is this mail.
    pub(crate) fn by(self, mail: InboundId) -> Self {
        Self { mail: Some(mail), ..self }
    }
}

impl Workflows<'_> {
    /// The workflows that look at things of these kinds.
    pub(crate) async fn watching(&mut self, kinds: &[WorkflowTriggerKind]) -> Result<Vec<WorkflowWatch>> {
        let kinds: Vec<_> = kinds.iter().map(ToString::to_string).collect();
        Ok(sqlx::query_as!(
            WorkflowWatch,
            r#"SELECT id AS "id: WorkflowId", trigger AS "trigger: Json<WorkflowTrigger>",
                      conditions AS "conditions: Json<LeadFilter>", hourly_cap
               FROM workflows WHERE enabled AND kind = ANY($1) ORDER BY id"#,
            &kinds
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Writes down what happened to a workflow, and wakes a worker for it.
    pub(crate) async fn happened(&mut self, watch: &WorkflowWatch, happened: Happened) -> Result<()> {
        let leads = self.meeting(&watch.conditions.0, happened.leads).await?;
        if leads.is_empty() {
            return Ok(());
        }
        let Behind { workflows, depth, .. } = self.t.events().behind().await?;
        let against = if workflows.contains(&watch.id) {
            Some(WorkflowNotStarted::OwnChange)
        } else {
            (depth > MAX_DEPTH).then_some(WorkflowNotStarted::TooDeep)
        };
        let most = if against.is_some() { 0 } else { usize::try_from(watch.hourly_cap).unwrap_or_default() };
        let (kept, others) = leads.split_at(most.min(leads.len()));
        let behind: Vec<_> = workflows.iter().map(|id| id.0).collect();
        let (now, mail) = (self.t.now(), happened.mail.map(|id| id.0));
        sqlx::query!(
            "INSERT INTO workflow_firings (id, workflow_id, at, cause, event_key, lead_id, inbound_id, depth, behind, state)
             SELECT gen_random_uuid(), $1, $2, $3, $4, lead_id, $5, $6, $7, 'pending' FROM unnest($8::uuid[]) AS n (lead_id)
             ON CONFLICT ON CONSTRAINT workflow_firings_event_key DO NOTHING",
            watch.id.0,
            now,
            happened.cause,
            mail.map(|id| format!("mail:{id}")),
            mail,
            depth,
            &behind,
            kept,
        )
        .execute(self.t.conn())
        .await?;
        if let Ok(count @ 1..) = i32::try_from(others.len()) {
            sqlx::query!(
                "INSERT INTO workflow_firings (id, workflow_id, at, cause, lead_id, inbound_id, depth, behind, events, state,
                                               reason)
                 VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7, $8, 'not_started', $9)",
                watch.id.0,
                now,
                happened.cause,
                (count == 1).then(|| others[0]),
                mail,
                depth,
                &behind,
                count,
                against.unwrap_or(WorkflowNotStarted::HourlyCap).as_str(),
            )
            .execute(self.t.conn())
            .await?;
        }
        if !kept.is_empty() {
            let company = self.t.actor().company();
            self.t.enqueue(&CarryOutWorkflow { company, workflow: watch.id }).await?;
        }
        // The worker tells open pages: this is part of whatever has happened, and of each e-mail that is recorded.
        Ok(())
    }

    /// Those of these leads that are as the conditions say.
    async fn meeting(&mut self, conditions: &LeadFilter, leads: Vec<Uuid>) -> Result<Vec<Uuid>> {
        if leads.is_empty() || conditions.is_empty() {
            return Ok(leads);
        }
        let mut query = Query::new("SELECT l.id FROM leads l WHERE l.id = ANY(");
        query.push_bind(leads).push(")");
        push_test(&mut query, conditions);
        query.push(" ORDER BY l.id");
        Ok(query.build_query_scalar().persistent(false).fetch_all(self.t.conn()).await?)
    }
}
