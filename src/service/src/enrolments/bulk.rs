//! Changes to many leads of a campaign at once, some hundred by each statement. What cannot be changed stays as it is
//! and is counted by why. Nobody goes back to a step: so nothing is ever sent twice.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, EnrolmentId, Permission, Problem, StepId,
    campaigns::Campaign,
    enrolments::{EndReason, EnrolmentAction, EnrolmentSelection, EnrolmentState, EnrolmentsChanged},
    page::{COUNT_CAP, Count},
    steps::{Answer, Sequence},
    words::plural,
};
use uuid::Uuid;

use super::Enrolments;
use crate::{Error, Result, audit::Entry, campaigns::walk::At, jobs::AdvanceCampaign};

/// Leads of one change: so few that whoever sends to one of them waits some seconds at most.
const MOST: usize = 10_000;
/// Leads that one statement changes.
const CHUNK: usize = 500;

/// A lead that is selected and has not reached its end, locked.
struct Open {
    id: Uuid,
    state: EnrolmentState,
    step: Option<StepId>,
    version: i32,
    updated_at: DateTime<Utc>,
}

/// Why a lead is left where it is.
enum Left {
    /// It has gone on since the question was asked.
    GoneOn,
    /// The step is not ahead of it.
    Passed,
    /// The step is not in its version.
    Elsewhere,
}

impl Enrolments<'_> {
    /// How many leads of a campaign are in a state, or in any, exact up to the cap.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn count(&mut self, campaign: CampaignId, state: Option<EnrolmentState>) -> Result<Count> {
        self.t.require(Permission::Read).await?;
        let counted = sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM (
                   SELECT FROM enrolments WHERE campaign_id = $1 AND ($2::text IS NULL OR state = $2) LIMIT $3) counted"#,
            campaign.0,
            state.map(EnrolmentState::as_str),
            COUNT_CAP + 1,
        )
        .fetch_one(self.t.conn())
        .await?;
        Ok(Count::capped(counted))
    }

    /// How many leads of a selection have not reached their end.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn count_open(&mut self, campaign: CampaignId, selection: &EnrolmentSelection) -> Result<i64> {
        self.t.require(Permission::Read).await?;
        self.count_selected(campaign, selection, true).await
    }

    /// Changes every lead of a selection that can be changed so, and says what has kept the others. A lead whose e-mail
    /// is in the hands of a worker or of a mail server neither skips a step nor moves to one.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to edit campaigns; [`Error::NotFound`] for the campaign; a problem when
    /// more than 10,000 leads are selected that have not reached their end.
    pub async fn bulk(
        &mut self,
        campaign: CampaignId,
        selection: &EnrolmentSelection,
        action: &EnrolmentAction,
    ) -> Result<EnrolmentsChanged> {
        self.t.require(Permission::EditCampaigns).await?;
        // The campaign before its leads, as everybody locks them.
        self.t.campaigns().share(campaign).await?.ok_or(Error::NotFound("campaign"))?;
        let campaign = self.t.campaigns().load(campaign, false).await?;
        let open = self.lock_selection(campaign.id, selection).await?;
        let ended = self.count_selected(campaign.id, selection, false).await?;
        let mut done =
            EnrolmentsChanged { selected: ended + length(open.len()), ended, ..EnrolmentsChanged::default() };
        for chunk in open.chunks(CHUNK) {
            match action {
                EnrolmentAction::Pause => self.pause_some(chunk, &mut done).await?,
                EnrolmentAction::Resume => self.resume_some(&campaign, chunk, &mut done).await?,
                EnrolmentAction::Remove => {
                    let ids: Vec<_> = chunk.iter().map(|one| one.id).collect();
                    self.end(&ids, EnrolmentState::Stopped, Some(EndReason::Removed)).await?;
                    done.changed += length(ids.len());
                }
                EnrolmentAction::Skip { .. } | EnrolmentAction::Move { .. } => {
                    self.send_on(&campaign, chunk, action, &mut done).await?;
                }
            }
        }
        if done.changed > 0 {
            self.tell_what_was_done(campaign, action, done.changed).await?;
        }
        Ok(done)
    }

    /// The selected leads that have not reached their end, locked in the order of everybody.
    async fn lock_selection(&mut self, campaign: CampaignId, selection: &EnrolmentSelection) -> Result<Vec<Open>> {
        let open = match selection {
            EnrolmentSelection::Ids(ids) if ids.len() > MOST => return Err(too_many()),
            EnrolmentSelection::Ids(ids) => {
                sqlx::query_as!(
                    Open,
                    r#"SELECT e.id AS "id!", e.state AS "state!: EnrolmentState", e.step_id AS "step: StepId",
                              e.version_number AS "version!", e.updated_at AS "updated_at!"
                       FROM by_key($2) k JOIN enrolments e ON e.id = k.id
                       WHERE e.campaign_id = $1 AND e.is_open
                       ORDER BY e.id FOR UPDATE OF e"#,
                    campaign.0,
                    &distinct(ids),
                )
                .fetch_all(self.t.conn())
                .await?
            }
            EnrolmentSelection::All { state } => sqlx::query_as!(
                Open,
                r#"SELECT id, state AS "state: EnrolmentState", step_id AS "step: StepId", version_number AS version,
                          updated_at
                   FROM enrolments
                   WHERE campaign_id = $1 AND is_open AND ($2::text IS NULL OR state = $2)
                   ORDER BY id LIMIT $3 FOR UPDATE"#,
                campaign.0,
                state.map(EnrolmentState::as_str),
                length(MOST + 1),
            )
            .fetch_all(self.t.conn())
            .await?,
        };
        if open.len() > MOST { Err(too_many()) } else { Ok(open) }
    }

    /// How many of the selected leads have reached their end, or have not.
    async fn count_selected(
        &mut self,
        campaign: CampaignId,
        selection: &EnrolmentSelection,
        is_open: bool,
    ) -> Result<i64> {
        Ok(match selection {
            EnrolmentSelection::Ids(ids) => {
                sqlx::query_scalar!(
                    r#"SELECT count(*) AS "n!" FROM by_key($2) k JOIN enrolments e ON e.id = k.id
                       WHERE e.campaign_id = $1 AND e.is_open = $3"#,
                    campaign.0,
                    &distinct(ids),
                    is_open,
                )
                .fetch_one(self.t.conn())
                .await?
            }
            EnrolmentSelection::All { state } => {
                sqlx::query_scalar!(
                    r#"SELECT count(*) AS "n!" FROM enrolments
                       WHERE campaign_id = $1 AND is_open = $3 AND ($2::text IS NULL OR state = $2)"#,
                    campaign.0,
                    state.map(EnrolmentState::as_str),
                    is_open,
                )
                .fetch_one(self.t.conn())
                .await?
            }
        })
    }

    async fn pause_some(&mut self, chunk: &[Open], done: &mut EnrolmentsChanged) -> Result<()> {
        let (paused, going) = apart(chunk);
        let by = format!("by {}", self.t.actor());
        self.put_on_hold(&going, &by).await?;
        done.unchanged += length(paused.len());
        done.changed += length(going.len());
        Ok(())
    }

    async fn resume_some(&mut self, campaign: &Campaign, chunk: &[Open], done: &mut EnrolmentsChanged) -> Result<()> {
        let (paused, going) = apart(chunk);
        self.let_go_on(campaign, &paused).await?;
        done.unchanged += length(going.len());
        done.changed += length(paused.len());
        Ok(())
    }

    /// Lets leads leave the step that they are at. What was planned there is given up.
    async fn send_on(
        &mut self,
        campaign: &Campaign,
        chunk: &[Open],
        action: &EnrolmentAction,
        done: &mut EnrolmentsChanged,
    ) -> Result<()> {
        let ids: Vec<_> = chunk.iter().map(|one| one.id).collect();
        let in_flight = self.in_flight(&ids).await?;
        let had = match action {
            EnrolmentAction::Move { step } => self.have_had(&ids, *step).await?,
            _ => HashSet::new(),
        };
        let sequences = self.sequences(campaign.id, chunk.iter().map(|one| one.version).collect()).await?;
        let mut walkers: BTreeMap<i32, Vec<(EnrolmentId, At)>> = BTreeMap::new();
        for one in chunk {
            if in_flight.contains(&one.id) {
                done.in_flight += 1;
                continue;
            }
            match one.goal(action, &sequences[&one.version], &had) {
                Ok(at) => walkers.entry(one.version).or_default().push((EnrolmentId(one.id), at)),
                Err(Left::GoneOn) => done.unchanged += 1,
                Err(Left::Passed) => done.passed += 1,
                Err(Left::Elsewhere) => done.elsewhere += 1,
            }
        }
        let leaving: Vec<_> = walkers.values().flatten().map(|(enrolment, _)| enrolment.0).collect();
        self.give_up(&leaving, action).await?;
        for (version, walkers) in walkers {
            self.t.campaigns().walk_on(campaign.id, version, &walkers).await?;
        }
        done.changed += length(leaving.len());
        Ok(())
    }

    /// Those of whom an e-mail is in the hands of a worker or of a mail server.
    async fn in_flight(&mut self, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
        let rows = sqlx::query_scalar!(
            r#"SELECT m.enrolment_id AS "id!" FROM by_key($1) k JOIN messages m ON m.enrolment_id = k.id
               WHERE m.state IN ('claimed', 'sending')"#,
            ids
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// Those for whom an e-mail of this step was planned before, whatever has become of it.
    async fn have_had(&mut self, ids: &[Uuid], step: StepId) -> Result<HashSet<Uuid>> {
        let rows = sqlx::query_scalar!(
            r#"SELECT m.enrolment_id AS "id!" FROM by_key($1) k JOIN messages m ON m.enrolment_id = k.id
               WHERE m.step_id = $2"#,
            ids,
            step.0
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// Cancels what is planned for these leads, and closes the tasks that they wait for.
    async fn give_up(&mut self, ids: &[Uuid], action: &EnrolmentAction) -> Result<()> {
        let (now, actor) = (self.t.now(), self.t.actor().to_string());
        let why = match action {
            EnrolmentAction::Move { .. } => format!("{actor} has moved the lead to another step"),
            _ => format!("{actor} has skipped the step"),
        };
        self.t.campaigns().cancel_unsent(ids, &why).await?;
        // Whoever is just finishing one of these tasks holds it, and waits for its lead: it is done then anyway.
        let closed = sqlx::query!(
            "WITH given AS (
                 SELECT t.id FROM by_key($1) k JOIN enrolments e ON e.id = k.id JOIN tasks t ON t.id = e.waits_on
                 WHERE t.done_at IS NULL FOR UPDATE OF t SKIP LOCKED
             )
             UPDATE tasks t SET done_at = $2, done_by = $3 FROM given WHERE t.id = given.id",
            ids,
            now,
            format!("{actor} (its step was given up)"),
        )
        .execute(self.t.conn())
        .await?;
        if closed.rows_affected() > 0 {
            self.t.tell("tasks", None).await?;
        }
        Ok(())
    }

    /// Log, audit, worker, open pages.
    async fn tell_what_was_done(&mut self, campaign: Campaign, action: &EnrolmentAction, changed: i64) -> Result<()> {
        let kind = match action {
            EnrolmentAction::Pause => "leads_paused",
            EnrolmentAction::Resume => "leads_resumed",
            EnrolmentAction::Skip { .. } => "leads_skipped",
            EnrolmentAction::Move { .. } => "leads_moved",
            EnrolmentAction::Remove => "leads_removed",
        };
        let text = plural(changed, "lead", "leads");
        self.t.campaigns().log(campaign.id, kind, Some(&text)).await?;
        self.t.audit().record(Entry::done(&format!("campaign.{kind}")).on(campaign.name).details(text)).await?;
        let company = self.t.actor().company();
        self.t.enqueue(&AdvanceCampaign { company, campaign: campaign.id }).await?;
        self.t.tell("campaigns", campaign.id.0).await
    }
}

impl Open {
    /// Where the lead goes on.
    fn goal(&self, action: &EnrolmentAction, sequence: &Sequence, had: &HashSet<Uuid>) -> Result<At, Left> {
        match action {
            EnrolmentAction::Skip { as_of: Some(at) } if self.updated_at > *at => Err(Left::GoneOn),
            EnrolmentAction::Move { step } => {
                let goal = sequence.get(*step).ok_or(Left::Elsewhere)?;
                let here = self.step.and_then(|id| sequence.get(id));
                let ahead = here.is_some_and(|here| goal.position > here.position) && !had.contains(&self.id);
                if ahead { Ok(self.towards(Some(*step))) } else { Err(Left::Passed) }
            }
            _ => Ok(self.towards(self.behind(sequence))),
        }
    }

    /// The step behind the one that the lead is at. What was to be waited for has not happened.
    fn behind(&self, sequence: &Sequence) -> Option<StepId> {
        let here = sequence.get(self.step?)?;
        let next = if here.kind().branches() { sequence.on(here.id, Answer::No) } else { sequence.after(here.id) };
        next.map(|step| step.id)
    }

    fn towards(&self, step: Option<StepId>) -> At {
        match step {
            Some(step) if self.state == EnrolmentState::Paused => At::Held(step),
            Some(step) => At::Later(step),
            None => At::End,
        }
    }
}

/// The paused ones, and the others.
fn apart(chunk: &[Open]) -> (Vec<Uuid>, Vec<Uuid>) {
    let (paused, going): (Vec<_>, Vec<_>) = chunk.iter().partition(|one| one.state == EnrolmentState::Paused);
    let ids = |some: Vec<&Open>| some.into_iter().map(|one| one.id).collect::<Vec<_>>();
    (ids(paused), ids(going))
}

fn distinct(ids: &[EnrolmentId]) -> Vec<Uuid> {
    let mut ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn too_many() -> Error {
    let words = "At most 10,000 leads are changed at once. Choose a state, or tick them.";
    Problem::new("selection_too_large", words).into()
}
