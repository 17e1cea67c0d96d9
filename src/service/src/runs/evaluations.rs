//! Runs of the case that says whether an agent still does its job. They are runs like others, marked as what they are;
//! what came of one is read from its journal and from the file of the version that worked.

use std::collections::HashMap;

use domain::{
    AgentId, Page, PageRequest, Permission, RunId,
    agents::Definition,
    runs::{Evaluation, Run, RunFilter, StepKind, Taken, Verdict},
};
use uuid::Uuid;

use super::{Cause, Runs};
use crate::{Error, Result};

impl Runs<'_> {
    /// Runs the case that says whether an agent still does its job.
    ///
    /// # Errors
    /// As [`Self::create_example`]; a conflict when the agent has no such case.
    pub async fn create_evaluation(&mut self, id: AgentId) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        let definition = self.t.agents().definition(id).await?;
        let Some(case) = definition.evaluation.clone() else {
            let words = "This agent has no case to be judged by. Write one in its file, under `evaluation`.";
            return Err(Error::conflict("no_evaluation", words));
        };
        self.start_case(id, &definition, case, Cause { evaluation: true, ..Cause::default() }).await
    }

    /// The evaluations of an agent, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a cursor that is none of this list.
    pub async fn evaluations(&mut self, agent: AgentId, page: &PageRequest) -> Result<Page<Evaluation>> {
        self.t.agents().get(agent).await?;
        let filter = RunFilter { agent: Some(agent), evaluations: true, ..RunFilter::default() };
        let Page { items, next, previous } = self.list(&filter, page).await?;
        let mut verdicts = self.verdicts(agent, &items).await?;
        let judged = |run: Run| Evaluation { verdict: verdicts.remove(&run.id), run };
        Ok(Page { items: items.into_iter().map(judged).collect(), next, previous })
    }

    /// What came of an evaluation; nothing for other runs, and while it goes on.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn verdict(&mut self, run: &Run) -> Result<Option<Verdict>> {
        self.t.require(Permission::Read).await?;
        if !run.evaluation {
            return Ok(None);
        }
        Ok(self.verdicts(run.agent_id, std::slice::from_ref(run)).await?.remove(&run.id))
    }

    /// The verdicts on those of the runs of an agent that have ended.
    async fn verdicts(&mut self, agent: AgentId, runs: &[Run]) -> Result<HashMap<RunId, Verdict>> {
        let ended: Vec<_> = runs.iter().filter(|run| run.state.has_ended()).collect();
        let ids: Vec<Uuid> = ended.iter().map(|run| run.id.0).collect();
        let versions: Vec<i32> = ended.iter().map(|run| run.agent_version).collect();
        let files = sqlx::query!(
            "SELECT version, definition FROM agent_versions WHERE agent_id = $1 AND version = ANY($2)",
            agent.0,
            &versions
        )
        .fetch_all(self.t.conn())
        .await?;
        let expects: HashMap<i32, Vec<String>> = files
            .into_iter()
            .filter_map(|file| {
                let case = Definition::from_markdown(&file.definition).ok()?.evaluation?;
                Some((file.version, case.expects))
            })
            .collect();
        let rows = sqlx::query!(
            r#"SELECT s.run_id AS "run: RunId", s.kind AS "kind: StepKind", s.name, s.state = 'done' AS "done!"
               FROM runs r JOIN run_steps s ON s.run_id = r.id AND s.attempt = r.attempt
               -- That no model had time is no work of the agent.
               WHERE r.id = ANY($1) AND (s.kind <> 'model_call' OR s.model IS NOT NULL)"#,
            &ids
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut steps: HashMap<RunId, Vec<Taken>> = HashMap::new();
        for row in rows {
            steps.entry(row.run).or_default().push(Taken { kind: row.kind, name: row.name, done: row.done });
        }
        let judged = |run: &&Run| {
            let expects = expects.get(&run.agent_version)?;
            let steps = steps.get(&run.id).map(Vec::as_slice).unwrap_or_default();
            let answer = run.answer.as_deref().unwrap_or_default();
            Some((run.id, Verdict::of(run.state, expects, answer, steps)?))
        };
        Ok(ended.iter().filter_map(judged).collect())
    }
}
