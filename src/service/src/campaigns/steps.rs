//! The steps of a campaign, as people write them. What they write goes into the version that is being edited.

use domain::{
    CampaignId, Permission, Problem, StepId,
    steps::{Action, Delay, DelayUnit, Gap, Place, Sequence, Step, StepInput, StepKind},
};

use super::Campaigns;
use crate::{Error, Result};

impl Campaigns<'_> {
    /// The steps of the version that is being edited, in reading order.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such campaign.
    pub async fn steps(&mut self, campaign: CampaignId) -> Result<Sequence> {
        self.require_there(campaign).await?;
        Ok(self.working(campaign).await?.1)
    }

    /// A new step.
    ///
    /// # Errors
    /// Problems of the input; [`Error::Refused`] when the state of the campaign allows no edit.
    pub async fn add_step(&mut self, campaign: CampaignId, mut input: StepInput) -> Result<Step> {
        let (version, mut sequence) = self.edit_sequence(campaign).await?;
        let (kind, place) = (input.kind.take().unwrap_or(StepKind::Email), input.place.take().unwrap_or_default());
        let input = input.check()?;
        self.t.documents().require_sources(input.sources.as_deref().unwrap_or_default()).await?;
        let id: StepId = self.t.new_id();
        let delay = match kind {
            StepKind::Wait => Delay { amount: 1, unit: DelayUnit::WorkingDays },
            _ => Delay::NONE,
        };
        let mut step = Step { id, position: 0, branch: None, delay, version: 1, action: Action::empty(kind) };
        let says_when = input.delay.is_some();
        input.write_to(&mut step)?;
        self.check_agent(&step).await?;
        sequence.add(step.clone(), place)?;
        // Later e-mails leave time for an answer; everything else happens at once.
        if kind == StepKind::Email && !says_when && sequence.has_mail_before(id) {
            let placed = sequence.get(id).cloned().unwrap_or(step);
            sequence.replace(Step { delay: Delay { amount: 3, unit: DelayUnit::WorkingDays }, ..placed });
        }
        self.save_sequence(campaign, version, &sequence).await?;
        sequence.get(id).cloned().ok_or(Error::NotFound("step"))
    }

    /// Changes a step; what is absent stays.
    ///
    /// # Errors
    /// Problems of the input; [`Error::NotFound`]; [`Error::Refused`] when the state of the campaign allows no edit;
    /// a conflict when `version` is not the newest.
    pub async fn update_step(
        &mut self,
        campaign: CampaignId,
        id: StepId,
        input: StepInput,
        version: Option<i64>,
    ) -> Result<Step> {
        let (number, mut sequence) = self.edit_sequence(campaign).await?;
        let mut step = sequence.get(id).cloned().ok_or(Error::NotFound("step"))?;
        if version.is_some_and(|v| v != step.version) {
            return Err(Error::stale());
        }
        let input = input.check()?;
        self.t.documents().require_sources(input.sources.as_deref().unwrap_or_default()).await?;
        input.write_to(&mut step)?;
        self.check_agent(&step).await?;
        step.version += 1;
        sequence.replace(step.clone());
        self.save_sequence(campaign, number, &sequence).await?;
        Ok(step)
    }

    /// Takes what a step does, and the wait before it, from another version.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the step is in none of the two; [`Error::Refused`] when the state of the campaign
    /// allows no edit.
    pub async fn restore_step(&mut self, campaign: CampaignId, id: StepId, number: i32) -> Result<Step> {
        let (version, mut sequence) = self.edit_sequence(campaign).await?;
        let mut step = sequence.get(id).cloned().ok_or(Error::NotFound("step"))?;
        let old = self.sequence(campaign, number).await?.get(id).cloned().ok_or(Error::NotFound("step"))?;
        (step.action, step.delay, step.version) = (old.action, old.delay, step.version + 1);
        sequence.replace(step.clone());
        self.save_sequence(campaign, version, &sequence).await?;
        Ok(step)
    }

    /// Takes a step out, with everything in its branches.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] when the state of the campaign allows no edit.
    pub async fn remove_step(&mut self, campaign: CampaignId, id: StepId) -> Result<()> {
        let (version, mut sequence) = self.edit_sequence(campaign).await?;
        if sequence.get(id).is_none() {
            return Err(Error::NotFound("step"));
        }
        sequence.remove(id);
        self.save_sequence(campaign, version, &sequence).await
    }

    /// Moves a step to another place, with everything in its branches.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a problem of the place; [`Error::Refused`] when the state of the campaign allows no edit.
    pub async fn move_step(&mut self, campaign: CampaignId, id: StepId, to: Place) -> Result<Sequence> {
        let (version, sequence) = self.edit_sequence(campaign).await?;
        self.relocate(campaign, version, sequence, id, to).await
    }

    /// The same, into a gap between steps.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a problem when the gap is gone, lies in a branch of the step itself, or lies too deep;
    /// [`Error::Refused`] when the state of the campaign allows no edit.
    pub async fn move_step_to(&mut self, campaign: CampaignId, id: StepId, gap: Gap) -> Result<Sequence> {
        let (version, sequence) = self.edit_sequence(campaign).await?;
        let to = sequence.place(gap, Some(id))?;
        self.relocate(campaign, version, sequence, id, to).await
    }

    async fn relocate(
        &mut self,
        campaign: CampaignId,
        version: i32,
        mut sequence: Sequence,
        id: StepId,
        to: Place,
    ) -> Result<Sequence> {
        if sequence.get(id).is_none() {
            return Err(Error::NotFound("step"));
        }
        sequence.relocate(id, to)?;
        self.save_sequence(campaign, version, &sequence).await?;
        Ok(sequence)
    }

    pub(crate) async fn step(&mut self, campaign: CampaignId, id: StepId) -> Result<Step> {
        self.t.require(Permission::Read).await?;
        self.working(campaign).await?.1.get(id).cloned().ok_or(Error::NotFound("step"))
    }

    /// An agent of a step gets the lead and nothing else, so it must be content with that.
    async fn check_agent(&mut self, step: &Step) -> Result<()> {
        let Action::Agent { agent, .. } = &step.action else { return Ok(()) };
        if agent.is_empty() {
            return Ok(());
        }
        let Ok(id) = self.t.agents().by_name(agent).await else {
            return Err(Problem::field("agent", "agent_unknown", format!("There is no agent “{agent}”.")).into());
        };
        let needs = self.t.agents().definition(id).await?.required_inputs();
        match needs.into_iter().find(|name| name != "lead") {
            Some(name) => {
                let words = format!("“{agent}” needs “{name}”, which a campaign cannot give it. Choose another agent.");
                Err(Problem::field("agent", "agent_needs_more", words).into())
            }
            None => Ok(()),
        }
    }

    pub(super) async fn touched(&mut self, campaign: CampaignId) -> Result<()> {
        let now = self.t.now();
        sqlx::query!("UPDATE campaigns SET updated_at = $2, version = version + 1 WHERE id = $1", campaign.0, now)
            .execute(self.t.conn())
            .await?;
        self.simulate_again(campaign, "The steps were edited").await?;
        self.t.tell("campaigns", campaign.0).await
    }
}
