//! What a run of an agent will probably take: what its last runs took that succeeded. Runs that were only tried, or that
//! others handed over to it, say little about that and are left out.

use domain::{
    AgentId, Permission,
    runs::{Estimate, NewRun},
};

use super::{Runs, parameters};
use crate::Result;

/// Runs that an estimate is made of, at most.
const LAST: i64 = 20;

impl Runs<'_> {
    /// What a run of this agent will probably take; nothing before one has succeeded.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without the right to read.
    pub async fn estimate(&mut self, agent: AgentId) -> Result<Option<Estimate>> {
        self.t.require(Permission::Read).await?;
        let row = sqlx::query!(
            r#"
            WITH last AS (
                SELECT steps, tokens_in + tokens_out AS tokens, cost_micros, active_ms FROM runs
                WHERE agent_id = $1 AND state = 'succeeded' AND NOT dry_run AND NOT evaluation AND parent_step IS NULL
                ORDER BY created_at DESC LIMIT $2
            )
            SELECT count(*) AS "runs!",
                   percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY steps::bigint) AS steps,
                   percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY tokens) AS tokens,
                   percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY cost_micros) AS cost_micros,
                   percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY active_ms) AS ms
            FROM last
            "#,
            agent.0,
            LAST
        )
        .fetch_one(self.t.conn())
        .await?;
        let pair = |figures: Option<Vec<i64>>| figures.and_then(|figures| <[i64; 2]>::try_from(figures).ok());
        let figures = (pair(row.steps), pair(row.tokens), pair(row.cost_micros), pair(row.ms));
        let (Some(steps), Some(tokens), Some(cost_micros), Some(ms)) = figures else { return Ok(None) };
        Ok(Some(Estimate { runs: row.runs, steps, tokens, cost_micros, ms }))
    }

    /// What the example of an agent would start, with `first` standing for the first one of the company's list;
    /// nothing without an example.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; a problem when the company has none yet of what the example is about.
    pub async fn example(&mut self, agent: AgentId) -> Result<Option<NewRun>> {
        let definition = self.t.agents().definition(agent).await?;
        let Some(case) = definition.example.clone() else { return Ok(None) };
        let mut parameters = parameters::object(&case.parameters)?;
        parameters::resolve_first(self.t, &definition, &mut parameters).await?;
        Ok(Some(NewRun { agent: definition.name, task: case.task, parameters, ..NewRun::default() }))
    }
}
