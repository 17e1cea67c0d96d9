//! Tools about agents and their runs. A run works with the rights of the key that started it.

use domain::{
    AgentId, ApprovalId, RunId,
    keys::Scope,
    runs::{Decision, NewRun, RunFilter, RunView},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service::Tenant;

use super::tools::{Effect, Paging, ToolOf, input, page, read, shown};
use crate::{problem::Result, v1::runs::in_full};

pub(super) static TOOLS: [ToolOf; 8] = [
    ToolOf {
        name: "list_agents",
        title: "List agents",
        what: "List the agents of the company: what each is for, and whether it is enabled.",
        scope: Scope::AgentsRead,
        effect: Effect::Reads,
        outside: false,
        input: input::<Nothing>,
        call: |t, arguments| Box::pin(async move { agents(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "find_runs",
        title: "Find runs",
        what: "List runs of agents, the newest first.",
        scope: Scope::RunsRead,
        effect: Effect::Reads,
        outside: true,
        input: input::<FindRuns>,
        call: |t, arguments| Box::pin(async move { find(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "read_run",
        title: "Read a run",
        what: "Read how far a run is: its state, its steps, what it asks of people, and its answer once it has ended.",
        scope: Scope::RunsRead,
        effect: Effect::Reads,
        outside: true,
        input: input::<OneRun>,
        call: |t, arguments| Box::pin(async move { open(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "list_approvals",
        title: "List open questions",
        what: "List the calls that runs ask a person to approve, the oldest first.",
        scope: Scope::RunsRead,
        effect: Effect::Reads,
        outside: true,
        input: input::<Paging>,
        call: |t, arguments| Box::pin(async move { questions(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "start_run",
        title: "Start a run",
        what: "Give an agent a task. The run is queued; read_run tells how it goes. What acts outside waits for approval.",
        scope: Scope::RunsWrite,
        effect: Effect::Adds,
        outside: false,
        input: input::<NewRun>,
        call: |t, arguments| Box::pin(async move { start(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "cancel_run",
        title: "Cancel a run",
        what: "Stop a run, and the runs that it started.",
        scope: Scope::RunsWrite,
        effect: Effect::Sets,
        outside: false,
        input: input::<OneRun>,
        call: |t, arguments| Box::pin(async move { cancel(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "approve_call",
        title: "Approve a call",
        what: "Let a run make the call that it asks about, with exactly the arguments it shows or with those sent here. \
               Only when a person asked.",
        scope: Scope::RunsApprove,
        effect: Effect::ReachesOut,
        outside: true,
        input: input::<ApproveCall>,
        call: |t, arguments| Box::pin(async move { approve(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "deny_call",
        title: "Deny a call",
        what: "Keep a run from making the call that it asks about. It goes on without it, and its agent reads why.",
        scope: Scope::RunsApprove,
        effect: Effect::Sets,
        outside: true,
        input: input::<DenyCall>,
        call: |t, arguments| Box::pin(async move { deny(t, read(arguments)?).await }),
    },
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct FindRuns {
    /// Only those of a view.
    view: Option<RunView>,
    /// Only those of this agent.
    agent: Option<AgentId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 20 when absent.
    per: Option<i64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneRun {
    /// Id of the run.
    run: RunId,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ApproveCall {
    /// Id of the run.
    run: RunId,
    /// Id of its question.
    approval: ApprovalId,
    /// Also for further calls of the same tool in this run, as long as it has read no text from outside.
    #[serde(default)]
    for_this_run: bool,
    /// Arguments in the place of those that were asked about.
    #[serde(default)]
    arguments: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DenyCall {
    /// Id of the run.
    run: RunId,
    /// Id of its question.
    approval: ApprovalId,
    /// Why; the agent reads it.
    #[serde(default)]
    reason: String,
}

async fn agents(t: &mut Tenant, Nothing {}: Nothing) -> Result<Value> {
    Ok(json!({ "items": shown(&t.agents().list().await?)? }))
}

async fn find(t: &mut Tenant, FindRuns { view, agent, after, per }: FindRuns) -> Result<Value> {
    shown(&t.runs().list(&RunFilter { view, agent, ..RunFilter::default() }, &page(after, per)?).await?)
}

async fn open(t: &mut Tenant, OneRun { run }: OneRun) -> Result<Value> {
    shown(&in_full(t, run).await?)
}

async fn questions(t: &mut Tenant, Paging { after, per }: Paging) -> Result<Value> {
    shown(&t.runs().pending_approvals(&page(after, per)?).await?)
}

async fn start(t: &mut Tenant, new: NewRun) -> Result<Value> {
    shown(&t.runs().create(new).await?)
}

async fn cancel(t: &mut Tenant, OneRun { run }: OneRun) -> Result<Value> {
    shown(&t.runs().cancel(run).await?)
}

async fn approve(t: &mut Tenant, ApproveCall { run, approval, for_this_run, arguments }: ApproveCall) -> Result<Value> {
    let edited = arguments.map(Value::Object);
    t.runs().decide(run, approval, Decision::Approve { for_this_run, edited }).await?;
    shown(&in_full(t, run).await?)
}

async fn deny(t: &mut Tenant, DenyCall { run, approval, reason }: DenyCall) -> Result<Value> {
    t.runs().decide(run, approval, Decision::Deny { reason }).await?;
    shown(&in_full(t, run).await?)
}
