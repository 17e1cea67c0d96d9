//! Starting runs: what is asked for is checked against what the agent takes, and the run has the rights of
//! whoever asked.

use domain::{
    AgentId, ApiKeyId, ConversationId, Permission, Problem, RunId, TriggerId, UserId,
    agents::{Case, Definition, Limits},
    runs::{MAX_TASK, NewRun, Run, RunOrigin, RunState},
};
use serde_json::{Map, Value, json};
use sqlx::types::Json;

use super::{Runs, parameters};
use crate::{Error, Result, actor::Who, audit::Entry, leads::is_storable};

/// Where a run comes from, besides the actor who asks for it.
#[derive(Debug, Default)]
pub(crate) struct Cause {
    /// The run that it does once more, or that has handed its work over to it.
    pub parent: Option<RunId>,
    /// The trigger whose task it is.
    pub trigger: Option<TriggerId>,
    /// Who started it, if it was not the actor.
    pub by: Option<StartedBy>,
    /// How many triggers stand in a row behind it.
    pub depth: i32,
    /// What came from outside with it.
    pub payload: Option<Value>,
    /// The attempt and the step of the parent that wait for its end.
    pub step: Option<(i32, String)>,
    /// What is left of the limits of its parent, or the limits of the run that it does once more.
    pub left: Option<Limits>,
    /// Its task, or what was said before, was made from text from outside.
    pub outside: bool,
    /// The conversation in which it answers.
    pub conversation: Option<ConversationId>,
    /// It is a run of the case that says whether its agent still does its job.
    pub evaluation: bool,
}

/// Who started a run, and whose rights it has.
#[derive(Debug)]
pub(crate) struct StartedBy {
    /// What it was.
    pub origin: RunOrigin,
    /// The same in words.
    pub words: String,
    /// The person whose rights it has.
    pub person: Option<UserId>,
    /// The key whose rights it has.
    pub key: Option<ApiKeyId>,
}

impl Runs<'_> {
    /// Starts a run: it waits for a free slot, then works.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an agent; a conflict when it is not enabled; problems of the task
    /// and of the parameters, each with its field.
    pub async fn create(&mut self, new: NewRun) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        let id = self.t.agents().by_name(&new.agent).await?;
        self.start(id, new, Cause::default()).await
    }

    /// Runs the example of an agent: with `first` standing for the first one of the company's list.
    ///
    /// # Errors
    /// As [`Self::create`]; a conflict when the agent has no example.
    pub async fn create_example(&mut self, id: AgentId) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        let definition = self.t.agents().definition(id).await?;
        let Some(example) = definition.example.clone() else {
            let words = "This agent has no example. Start it with a task of your own.";
            return Err(Error::conflict("no_example", words));
        };
        self.start_case(id, &definition, example, Cause::default()).await
    }

    pub(super) async fn start_case(
        &mut self,
        id: AgentId,
        definition: &Definition,
        case: Case,
        cause: Cause,
    ) -> Result<Run> {
        let mut parameters = parameters::object(&case.parameters)?;
        parameters::resolve_first(self.t, definition, &mut parameters).await?;
        let new = NewRun { agent: definition.name.clone(), task: case.task, parameters, ..NewRun::default() };
        self.start(id, new, cause).await
    }

    /// The same task once more, as a run of its own. An evaluation is done once more by the case as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict for a run of a conversation; as [`Self::create`].
    pub async fn fork(&mut self, id: RunId) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        let run = self.get(id).await?;
        if run.conversation.is_some() {
            let words = "This run answers in a conversation. Say it there once more.";
            return Err(Error::conflict("in_a_conversation", words));
        }
        if run.evaluation {
            return self.create_evaluation(run.agent_id).await;
        }
        let Run { agent, task, parameters, limits, model, built_in, dry_run, .. } = run;
        let new = NewRun { agent, task, parameters, model, built_in, dry_run, ..NewRun::default() };
        // What came from outside stays from outside.
        let with =
            sqlx::query!("SELECT payload, outside_task FROM runs WHERE id = $1", id.0).fetch_one(self.t.conn()).await?;
        let cause = Cause {
            parent: Some(id),
            payload: with.payload,
            outside: with.outside_task,
            left: Some(limits),
            ..Cause::default()
        };
        self.start(run.agent_id, new, cause).await
    }

    /// Starts a run of an agent. What came from outside with it makes it one that has read such text.
    pub(crate) async fn start(&mut self, agent: AgentId, new: NewRun, cause: Cause) -> Result<Run> {
        let found = self.t.agents().require_enabled(agent).await?;
        let definition = self.t.agents().definition(agent).await?;
        let task = new.task.trim().to_owned();
        if task.chars().count() > MAX_TASK || !is_storable(&task) {
            return Err(Problem::field("task", "task_invalid", "Write the task in at most 10,000 characters.").into());
        }
        // In a conversation the agent asks for what it needs.
        let parameters = match cause.conversation {
            Some(_) => Map::new(),
            None => parameters::checked(&definition, new.parameters.clone())?,
        };
        self.check_writer(&definition, &new).await?;
        let (id, now): (RunId, _) = (self.t.new_id(), self.t.now());
        let actor = self.t.actor().clone();
        let by = cause.by.unwrap_or_else(|| StartedBy {
            origin: match actor.who() {
                _ if actor.run().is_some() => RunOrigin::Agent,
                Who::Person { .. } => RunOrigin::Person,
                Who::Key { .. } => RunOrigin::Key,
                Who::System { .. } => RunOrigin::System,
            },
            words: actor.to_string(),
            person: actor.user_id(),
            key: actor.api_key_id(),
        });
        let behind: Vec<_> = actor.workflow().iter().flat_map(|w| w.behind.iter().map(|id| id.0)).collect();
        let limits = new.limits.of(&definition.limits)?;
        let limits = cause.left.map_or(limits, |left| limits.within(left));
        sqlx::query!(
            "INSERT INTO runs (id, agent_id, agent_version, agent, task, parameters, limits, person_id, api_key_id,
                               started_by, origin, parent_id, created_at, trigger_id, depth, payload, read_outside,
                               parent_attempt, parent_step, outside_task, conversation_id, evaluation, dry_run,
                               model_id, built_in, behind_workflows)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                     greatest($15, (SELECT depth FROM runs WHERE id = $16)), $17::jsonb, $17::jsonb IS NOT NULL OR $20,
                     $18, $19, $20, $21,
                     -- What is handed over is part of an evaluation, and of a dry run, and done by the same writer.
                     $22 OR coalesce((SELECT evaluation FROM runs WHERE id = $12 AND $19::text IS NOT NULL), false),
                     $23 OR coalesce((SELECT dry_run FROM runs WHERE id = $12 AND $19::text IS NOT NULL), false),
                     coalesce($24, (SELECT model_id FROM runs WHERE id = $12 AND $19::text IS NOT NULL)),
                     $25 OR $26 AND coalesce((SELECT built_in FROM runs WHERE id = $12 AND $19::text IS NOT NULL), false),
                     $27 || coalesce((SELECT behind_workflows FROM runs WHERE id = $16), '{}'))",
            id.0,
            agent.0,
            found.version,
            found.name,
            task,
            Value::Object(parameters),
            Json(limits) as _,
            by.person.map(|id| id.0),
            by.key.map(|id| id.0),
            by.words,
            by.origin.as_str(),
            cause.parent.map(|id| id.0),
            now,
            cause.trigger.map(|id| id.0),
            cause.depth,
            actor.run().map(|run| run.id.0),
            cause.payload,
            cause.step.as_ref().map(|(attempt, _)| *attempt),
            cause.step.map(|(_, key)| key),
            cause.outside,
            cause.conversation.map(|id| id.0),
            cause.evaluation,
            new.dry_run,
            new.model.map(|id| id.0),
            new.built_in,
            !definition.playbook.is_empty(),
            &behind,
        )
        .execute(self.t.conn())
        .await?;
        self.emit(id, "state", json!({ "state": RunState::Queued })).await?;
        self.t.audit().record(Entry::done("run.created").on(found.name)).await?;
        self.admit().await?;
        self.get(id).await
    }

    /// Whether whoever is to think in a run can.
    async fn check_writer(&mut self, definition: &Definition, new: &NewRun) -> Result<()> {
        if new.built_in && new.model.is_some() {
            let words = "Choose a model or the built-in writer, not both.";
            return Err(Problem::field("built_in", "writer_ambiguous", words).into());
        }
        if new.built_in && definition.playbook.is_empty() {
            let words = "This agent has no playbook: it needs a language model.";
            return Err(Problem::field("built_in", "no_playbook", words).into());
        }
        if let Some(model) = new.model
            && !self.t.models().get(model).await?.enabled
        {
            let words = "This model is not enabled. Choose another one.";
            return Err(Problem::field("model", "model_disabled", words).into());
        }
        Ok(())
    }
}
