//! The steps of a campaign: written while it is a draft, reworded while it is paused.

use domain::{
    CampaignId, Permission, Problem, StepId,
    steps::{Delay, DelayUnit, MAX_STEPS, Step, StepInput, Writing},
};

use super::{Campaigns, editing_refused};
use crate::{Error, Result};

impl Campaigns<'_> {
    /// The steps, in order.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such campaign.
    pub async fn steps(&mut self, campaign: CampaignId) -> Result<Vec<Step>> {
        self.t.require(Permission::Read).await?;
        self.load(campaign, false).await?;
        self.steps_of(campaign).await
    }

    /// A new step at the end.
    ///
    /// # Errors
    /// Problems of the input; [`Error::Refused`] unless the campaign is a draft.
    pub async fn add_step(&mut self, campaign: CampaignId, input: StepInput) -> Result<Step> {
        self.edit(campaign, true).await?;
        let input = input.check()?;
        self.t.documents().require_sources(input.sources.as_deref().unwrap_or_default()).await?;
        let steps = self.steps_of(campaign).await?;
        if steps.len() >= MAX_STEPS {
            return Err(Problem::new("steps_many", format!("A campaign has at most {MAX_STEPS} steps.")).into());
        }
        let id: StepId = self.t.new_id();
        let position = i32::try_from(steps.len()).map_err(Error::internal)? + 1;
        // The first e-mail goes at once; later ones leave time for an answer.
        let default = if position == 1 { Delay::NONE } else { Delay { amount: 3, unit: DelayUnit::WorkingDays } };
        let delay = input.delay.unwrap_or(default);
        sqlx::query!(
            "INSERT INTO campaign_steps (id, campaign_id, position, delay_amount, delay_unit, subject, body, writing,
                                         instructions, sources)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            id.0,
            campaign.0,
            position,
            delay.amount,
            delay.unit.as_str(),
            input.subject.unwrap_or_default(),
            input.body.unwrap_or_default(),
            input.writing.unwrap_or(Writing::Template).as_str(),
            input.instructions.unwrap_or_default(),
            &input.sources.unwrap_or_default(),
        )
        .execute(self.t.conn())
        .await?;
        self.touched(campaign).await?;
        self.step(campaign, id).await
    }

    /// Changes a step; what is absent stays. While the campaign is paused this reworks the e-mails
    /// that have not been frozen yet.
    ///
    /// # Errors
    /// Problems of the input; [`Error::Refused`] while it runs; a conflict when `version` is not the newest.
    pub async fn update_step(
        &mut self,
        campaign: CampaignId,
        id: StepId,
        input: StepInput,
        version: Option<i64>,
    ) -> Result<Step> {
        // A new delay or another way of writing changes what is planned already: they belong to the structure.
        self.edit(campaign, false).await?;
        let old = self.step(campaign, id).await?;
        if version.is_some_and(|v| v != old.version) {
            return Err(Error::stale());
        }
        let input = input.check()?;
        self.t.documents().require_sources(input.sources.as_deref().unwrap_or_default()).await?;
        let planned = input.delay.is_some_and(|d| d != old.delay) || input.writing.is_some_and(|w| w != old.writing);
        if planned {
            self.edit(campaign, true).await?;
        }
        sqlx::query!(
            "UPDATE campaign_steps SET delay_amount = coalesce($2, delay_amount), delay_unit = coalesce($3, delay_unit),
                 subject = coalesce($4, subject), body = coalesce($5, body), writing = coalesce($6, writing),
                 instructions = coalesce($7, instructions), sources = coalesce($8, sources), version = version + 1
             WHERE id = $1",
            id.0,
            input.delay.map(|d| d.amount),
            input.delay.map(|d| d.unit.as_str()),
            input.subject,
            input.body,
            input.writing.map(Writing::as_str),
            input.instructions,
            input.sources.as_deref(),
        )
        .execute(self.t.conn())
        .await?;
        self.touched(campaign).await?;
        self.step(campaign, id).await
    }

    /// Takes a step out; later ones move up.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] unless the campaign is a draft.
    pub async fn remove_step(&mut self, campaign: CampaignId, id: StepId) -> Result<()> {
        self.edit(campaign, true).await?;
        let step = self.step(campaign, id).await?;
        sqlx::query!("DELETE FROM campaign_steps WHERE id = $1", id.0).execute(self.t.conn()).await?;
        sqlx::query!(
            "UPDATE campaign_steps SET position = position - 1 WHERE campaign_id = $1 AND position > $2",
            campaign.0,
            step.position,
        )
        .execute(self.t.conn())
        .await?;
        self.touched(campaign).await
    }

    /// Moves a step to another place, from 1; others make room.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] unless the campaign is a draft.
    pub async fn move_step(&mut self, campaign: CampaignId, id: StepId, to: i32) -> Result<()> {
        self.edit(campaign, true).await?;
        let step = self.step(campaign, id).await?;
        let last = i32::try_from(self.steps_of(campaign).await?.len()).map_err(Error::internal)?;
        let to = to.clamp(1, last);
        sqlx::query!(
            "UPDATE campaign_steps SET position = CASE
                 WHEN id = $2 THEN $4::int
                 WHEN $3::int < $4 AND position > $3 AND position <= $4 THEN position - 1
                 WHEN $3 > $4 AND position >= $4 AND position < $3 THEN position + 1
                 ELSE position END
             WHERE campaign_id = $1",
            campaign.0,
            id.0,
            step.position,
            to,
        )
        .execute(self.t.conn())
        .await?;
        self.touched(campaign).await
    }

    pub(crate) async fn steps_of(&mut self, campaign: CampaignId) -> Result<Vec<Step>> {
        let rows = sqlx::query!(
            r#"SELECT id AS "id: StepId", position, delay_amount, delay_unit AS "delay_unit: DelayUnit", subject, body,
                      writing AS "writing: Writing", instructions, sources, version
               FROM campaign_steps WHERE campaign_id = $1 ORDER BY position"#,
            campaign.0
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| Step {
                id: r.id,
                position: r.position,
                delay: Delay { amount: r.delay_amount, unit: r.delay_unit },
                subject: r.subject,
                body: r.body,
                writing: r.writing,
                instructions: r.instructions,
                sources: r.sources,
                version: r.version,
            })
            .collect())
    }

    pub(crate) async fn step(&mut self, campaign: CampaignId, id: StepId) -> Result<Step> {
        let steps = self.steps_of(campaign).await?;
        steps.into_iter().find(|s| s.id == id).ok_or(Error::NotFound("step"))
    }

    /// Holds the campaign's row and goes on only if its state allows the edit.
    async fn edit(&mut self, campaign: CampaignId, structure: bool) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let state = self.load(campaign, true).await?.lifecycle.state;
        if structure && state.allows_edit() && !state.allows_structure_edit() {
            return Err(domain::Refusal::new(
                "structure_fixed",
                "Steps are added, removed, moved, timed or given to a writer only in a draft. Wording can be changed now.",
                state.allowed(),
            )
            .into());
        }
        if !state.allows_edit() {
            return Err(editing_refused(state));
        }
        Ok(())
    }

    async fn touched(&mut self, campaign: CampaignId) -> Result<()> {
        let now = self.t.now();
        sqlx::query!("UPDATE campaigns SET updated_at = $2, version = version + 1 WHERE id = $1", campaign.0, now)
            .execute(self.t.conn())
            .await?;
        self.t.tell("campaigns", campaign.0).await
    }
}
