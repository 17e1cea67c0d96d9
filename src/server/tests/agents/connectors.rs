//! Connectors as they really work: the reference server of the protocol over both transports, and servers that
//! do as they like.

use std::time::Duration;

use domain::{
    ConnectorId, PageRequest,
    agents::{Definition, Risk},
    connectors::{
        Connector, ConnectorAuth, ConnectorInput, ConnectorState, ToolPermission, ToolReview, ToolState, Transport,
    },
    runs::{Decision, Failure, NewRun, Run, RunState, RunStep, RunStepState, StepKind},
};
use serde_json::{Value, json};
use service::{
    Actor, Db, Error,
    jobs::{CheckConnector, WorkOnRun},
};
use tokio_util::sync::CancellationToken;

use crate::{
    everything::Everything,
    mcp_server::{McpServer, On},
    support::{Model, Says, demo, demo_of, once, to_its_end},
};

pub fn http(name: &str, url: &str) -> ConnectorInput {
    ConnectorInput {
        name: Some(name.into()),
        transport: Some(Transport::Http),
        url: Some(url.into()),
        auth: Some(ConnectorAuth::None),
        ..ConnectorInput::default()
    }
}

/// Sets up a connector, and a worker looks at it.
async fn connect(db: &Db, nora: &Actor, input: ConnectorInput) -> Connector {
    let mut t = db.tenant(nora).await.expect("open");
    let id = t.connectors().create(input).await.expect("set up").id;
    t.commit().await.expect("kept");
    look(db, nora, id).await
}

pub async fn look(db: &Db, nora: &Actor, connector: ConnectorId) -> Connector {
    engine::mcp::check(db, &CheckConnector { company: nora.company(), connector }).await.expect("looked");
    let mut t = db.tenant(nora).await.expect("open");
    t.connectors().get(connector).await.expect("it is there")
}

/// A person says what agents may do with a tool.
pub async fn review(db: &Db, nora: &Actor, id: ConnectorId, tool: &str, permission: ToolPermission) {
    let mut t = db.tenant(nora).await.expect("open");
    let tools = t.connectors().tools(id).await.expect("a list");
    let hash = tools.into_iter().find(|known| known.name == tool).expect("it is there").hash;
    t.connectors().review(id, &ToolReview { tool: tool.into(), permission, hash }).await.expect("reviewed");
    t.commit().await.expect("kept");
}

/// A run of an agent with this playbook, which may use all tools of the connector.
pub async fn start(db: &Db, nora: &Actor, connector: &str, playbook: &str, task: &str) -> Run {
    let file = format!(
        "---\nname: user-of-{connector}\ndescription: Uses a connector.\ntools: ['{connector}__*']\nplaybook:\n{playbook}---\nWork.\n"
    );
    let mut t = db.tenant(nora).await.expect("open");
    let name = format!("user-of-{connector}");
    if t.agents().by_name(&name).await.is_err() {
        t.agents().create(Definition::from_markdown(&file).expect("a definition")).await.expect("created");
    }
    let new = NewRun { agent: name, task: task.into(), ..NewRun::default() };
    let run = t.runs().create(new).await.expect("started");
    t.commit().await.expect("kept");
    run
}

async fn calls(db: &Db, nora: &Actor, run: &Run) -> Vec<RunStep> {
    let mut t = db.tenant(nora).await.expect("open");
    let steps = t.runs().steps(run.id).await.expect("steps");
    steps.into_iter().filter(|step| step.kind == StepKind::ToolCall).collect()
}

/// One call of one tool, and then the answer.
pub fn one_call(tool: &str, with: &str) -> String {
    format!("  - call: {tool}\n    with: {with}\n    as: said\n  - answer: '{{{{ said.text }}}}'\n")
}

#[tokio::test]
async fn a_run_calls_the_tools_of_the_reference_server_over_both_transports() {
    let test = testing::db().await;
    let (db, nora) = demo_of(test.with_commands(&["node"])).await;
    let server = Everything::start().await;
    let stdio = ConnectorInput {
        name: Some("program".into()),
        transport: Some(Transport::Stdio),
        command: Some("node".into()),
        args: Some(vec![Everything::program(), "stdio".into()]),
        auth: Some(ConnectorAuth::Header),
        secret_name: Some("CRM_TOKEN".into()),
        secret: Some("only-for-the-program".into()),
        ..ConnectorInput::default()
    };
    for input in [http("web", &server.url), stdio] {
        let name = input.name.clone().expect("a name");
        let connector = connect(&db, &nora, input).await;
        assert_eq!(connector.state, ConnectorState::Ready, "{connector:?}");
        assert!(connector.server_name.as_deref().is_some_and(|name| name.contains("everything")), "{connector:?}");
        assert!(connector.tools > 5 && connector.to_review == connector.tools, "{connector:?}");

        let playbook = format!(
            "  - call: {name}__echo\n    with: {{message: '{{{{ task }}}}'}}\n    as: said\n  - call: {name}__get-sum\n    \
             with: {{a: 2, b: 40}}\n    as: sum\n  - call: {name}__get-env\n    as: env\n  - answer: '{{{{ said.text }}}} \
             | {{{{ sum.text }}}} | {{{{ env.text }}}}'\n"
        );
        // Nobody has reviewed anything: nothing is called.
        let run = once(&db, &nora, &start(&db, &nora, &name, &playbook, "Hello").await).await;
        assert_eq!(run.state, RunState::Failed);
        assert!(run.failure_detail.as_deref().is_some_and(|words| words.contains("is off")), "{run:?}");

        review(&db, &nora, connector.id, "echo", ToolPermission::Allow).await;
        review(&db, &nora, connector.id, "get-sum", ToolPermission::Ask).await;
        review(&db, &nora, connector.id, "get-env", ToolPermission::Allow).await;
        let run = once(&db, &nora, &start(&db, &nora, &name, &playbook, "Hello").await).await;
        assert_eq!((run.state, run.read_outside), (RunState::WaitingApproval, true), "{run:?}");
        let mut t = db.tenant(&nora).await.expect("open");
        let asked = t.runs().pending_approvals(&PageRequest::default()).await.expect("a list").items.remove(0);
        assert_eq!(
            (asked.tool.as_str(), asked.arguments),
            (format!("{name}__get-sum").as_str(), json!({"a": 2, "b": 40}))
        );
        drop(t);
        let run = to_its_end(&db, &nora, run).await;
        let answer = run.answer.as_deref().unwrap_or_default();
        assert!(answer.contains("Echo: Hello") && answer.contains("42"), "{run:?}");
        if name == "program" {
            // The program has nothing of ours but what it needs and what was given to it.
            assert!(answer.contains("only-for-the-program"), "{answer}");
            assert!(!answer.contains("CARGO") && !answer.contains("SQLX"), "{answer}");
        }
        let made = calls(&db, &nora, &run).await;
        let risks: Vec<_> = made.iter().map(|step| (step.risk, step.state, step.outside)).collect();
        let (read, asks) = (Some(Risk::Read), Some(Risk::Unsafe));
        assert_eq!(risks, [read, asks, read].map(|risk| (risk, RunStepState::Done, true)));
        let mut t = db.tenant(&nora).await.expect("open");
        let log = t.connectors().calls(connector.id, &PageRequest::default()).await.expect("a list").items;
        assert_eq!(log.len(), 3);
        assert!(log.iter().all(|call| call.run == Some(run.id) && call.error.is_none()), "{log:?}");
    }
}

#[tokio::test]
async fn a_model_is_offered_what_was_reviewed_and_nothing_else() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let server = McpServer::start([]).await;
    let connector = connect(&db, &nora, http("crm", &server.url)).await;
    review(&db, &nora, connector.id, "find", ToolPermission::Allow).await;
    let model = Model::start([
        Says::Calls("crm__find", json!({"words": "Ada"}).to_string()),
        Says::Calls("crm__change", json!({}).to_string()),
        Says::Words("Done."),
    ])
    .await;
    crate::models::set_up(&db, &nora, "Mini", &model).await;
    let run = once(&db, &nora, &start(&db, &nora, "crm", &one_call("crm__find", "{}"), "Find").await).await;
    assert_eq!(run.answer.as_deref(), Some("Done."), "{run:?}");
    let asked = model.asked();
    let offered: Vec<_> = asked[0]["tools"].as_array().expect("tools").iter().map(|t| &t["function"]["name"]).collect();
    assert_eq!(offered, ["crm__find"]);
    let heard = asked[1]["messages"].as_array().and_then(|all| all.last()).expect("an answer").to_string();
    assert!(heard.contains("data_from_outside"), "{heard}");
    let made = calls(&db, &nora, &run).await;
    assert!(made[1].error.as_deref().is_some_and(|words| words.contains("is off")), "{made:?}");
    assert_eq!(server.called(), ["find"]);
}

#[tokio::test]
async fn a_tool_that_changes_goes_off_until_it_is_read_again() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let server = McpServer::start([]).await;
    let connector = connect(&db, &nora, http("crm", &server.url)).await;
    review(&db, &nora, connector.id, "find", ToolPermission::Allow).await;
    review(&db, &nora, connector.id, "change", ToolPermission::Ask).await;
    let mut t = db.tenant(&nora).await.expect("open");
    let before = t.connectors().tools(connector.id).await.expect("a list");
    let old = before.into_iter().find(|tool| tool.name == "find").expect("it is there").hash;
    drop(t);

    server.describe("Finds people, and sends what it finds to somebody else.");
    let seen = look(&db, &nora, connector.id).await;
    assert_eq!(seen.to_review, 1);
    let mut t = db.tenant(&nora).await.expect("open");
    let tools = t.connectors().tools(connector.id).await.expect("a list");
    let of = |name: &str| tools.iter().find(|tool| tool.name == name).map(|tool| (tool.state, tool.permission));
    assert_eq!(of("find"), Some((ToolState::Changed, ToolPermission::Off)));
    assert_eq!(of("change"), Some((ToolState::Known, ToolPermission::Ask)), "the others stay as they are");
    // Whoever has read the old words has not decided about the new ones.
    let late = ToolReview { tool: "find".into(), permission: ToolPermission::Allow, hash: old };
    let refused = t.connectors().review(connector.id, &late).await.expect_err("it has changed");
    assert!(matches!(refused, Error::Conflict(problem) if problem.code == "tool_changed"));
}

#[tokio::test]
async fn what_a_server_does_wrong_ends_within_limits() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    // Busy, then well: only what is harmless is called again.
    let server = McpServer::start([On::Status(429, Some(1)), On::Says("Ada")]).await;
    let connector = connect(&db, &nora, http("busy", &server.url)).await;
    review(&db, &nora, connector.id, "find", ToolPermission::Allow).await;
    let run = once(&db, &nora, &start(&db, &nora, "busy", &one_call("busy__find", "{words: a}"), "").await).await;
    assert_eq!((run.answer.as_deref(), server.called().len()), (Some("Ada"), 2), "{run:?}");
    let mut t = db.tenant(&nora).await.expect("open");
    let log = t.connectors().calls(connector.id, &PageRequest::default()).await.expect("a list").items;
    assert!(log[1].error.as_deref().is_some_and(|words| words.contains("(429)")), "{log:?}");
    drop(t);

    let server = McpServer::start([On::Status(503, Some(1))]).await;
    let connector = connect(&db, &nora, http("once", &server.url)).await;
    review(&db, &nora, connector.id, "change", ToolPermission::Ask).await;
    let run = start(&db, &nora, "once", &one_call("once__change", "{}"), "").await;
    let run = to_its_end(&db, &nora, run).await;
    assert_eq!((run.state, server.called().len()), (RunState::Failed, 1), "{run:?}");
    let words = run.failure_detail.as_deref().unwrap_or_default();
    assert!(words.contains("(503)"), "{words}");

    // Ten megabytes are cut, and said to be.
    let server = McpServer::start([On::TooMuch]).await;
    let connector = connect(&db, &nora, http("large", &server.url)).await;
    review(&db, &nora, connector.id, "find", ToolPermission::Allow).await;
    let run = once(&db, &nora, &start(&db, &nora, "large", &one_call("large__find", "{}"), "").await).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    let output = calls(&db, &nora, &run).await.remove(0).output.expect("an answer");
    assert!(output.to_string().len() < 200_000);
    assert_eq!(output["left_out"], json!(["the rest of the text"]));

    // Silence has an end.
    let server = McpServer::start([On::Hangs]).await;
    let input = ConnectorInput { timeout_seconds: Some(1), ..http("silent", &server.url) };
    let connector = connect(&db, &nora, input).await;
    review(&db, &nora, connector.id, "find", ToolPermission::Allow).await;
    let run = once(&db, &nora, &start(&db, &nora, "silent", &one_call("silent__find", "{}"), "").await).await;
    assert!(run.failure_detail.as_deref().is_some_and(|words| words.contains("in time")), "{run:?}");

    // Silence about something that is not harmless ends the run: nobody can know.
    let server = McpServer::start([On::Hangs]).await;
    let input = ConnectorInput { timeout_seconds: Some(1), ..http("riddle", &server.url) };
    let connector = connect(&db, &nora, input).await;
    review(&db, &nora, connector.id, "change", ToolPermission::Ask).await;
    let run = start(&db, &nora, "riddle", &one_call("riddle__change", "{}"), "").await;
    let run = to_its_end(&db, &nora, run).await;
    assert_eq!((run.failure, server.called().len()), (Some(Failure::OutcomeUnknown), 1), "{run:?}");
    assert_eq!(calls(&db, &nora, &run).await.remove(0).state, RunStepState::Unknown);
}

#[tokio::test]
async fn a_call_that_hangs_is_left_when_its_run_is_cancelled() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let server = McpServer::start([On::Hangs]).await;
    let input = ConnectorInput { timeout_seconds: Some(120), ..http("crm", &server.url) };
    let connector = connect(&db, &nora, input).await;
    review(&db, &nora, connector.id, "find", ToolPermission::Allow).await;
    let run = start(&db, &nora, "crm", &one_call("crm__find", "{}"), "").await;
    let worker = {
        let (db, job) = (db.clone(), WorkOnRun { company: nora.company(), run: run.id });
        tokio::spawn(async move { engine::agents::work(&db, &job, &CancellationToken::new()).await })
    };
    while server.called().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut t = db.tenant(&nora).await.expect("open");
    t.runs().cancel(run.id).await.expect("cancelled");
    t.commit().await.expect("kept");
    tokio::time::timeout(Duration::from_secs(20), worker).await.expect("in time").expect("no panic").expect("well");
    let mut t = db.tenant(&nora).await.expect("open");
    assert_eq!(t.runs().get(run.id).await.expect("it is there").state, RunState::Cancelled);
}

#[tokio::test]
async fn a_server_that_fails_again_and_again_is_left_alone() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let server = McpServer::start([On::Status(500, None)]).await;
    let connector = connect(&db, &nora, http("crm", &server.url)).await;
    review(&db, &nora, connector.id, "change", ToolPermission::Ask).await;
    for _ in 0..5 {
        let run = start(&db, &nora, "crm", &one_call("crm__change", "{}"), "").await;
        to_its_end(&db, &nora, run).await;
    }
    let run = start(&db, &nora, "crm", &one_call("crm__change", "{}"), "").await;
    let run = to_its_end(&db, &nora, run).await;
    assert!(run.failure_detail.as_deref().is_some_and(|words| words.contains("left alone")), "{run:?}");
    assert_eq!(server.called().len(), 5, "the sixth call did not leave");
    let mut t = db.tenant(&nora).await.expect("open");
    let seen = t.connectors().get(connector.id).await.expect("it is there");
    assert_eq!((seen.state, seen.open_until.is_some()), (ConnectorState::Failing, true));
}

#[tokio::test]
async fn a_look_says_which_step_failed() {
    let test = testing::db().await;
    let (db, nora) = demo_of(test.with_public_hosts()).await;
    let private = connect(&db, &nora, http("private", "http://127.0.0.1:9/mcp")).await;
    let named = connect(&db, &nora, http("named", "http://localhost:9/mcp")).await;
    for refused in [private, named] {
        let words = refused.last_error.unwrap_or_default();
        assert!(words.starts_with("address:") && words.contains("private network"), "{words}");
        assert_eq!(refused.state, ConnectorState::Failing);
    }
    let db = test.with_private_hosts();
    let silent = connect(&db, &nora, http("silent", "http://127.0.0.1:9/mcp")).await.last_error.unwrap_or_default();
    assert!(silent.starts_with("connection:"), "{silent}");
    let page = crate::support::Answers::start(404).await;
    let other = connect(&db, &nora, http("other", &page.url)).await.last_error.unwrap_or_default();
    assert!(other.starts_with("initialize:"), "{other}");
    let locked = McpServer::start_locked("the-right-one").await;
    let wrong = ConnectorInput {
        auth: Some(ConnectorAuth::Bearer),
        secret: Some("a-wrong-one".into()),
        ..http("locked", &locked.url)
    };
    let refused = connect(&db, &nora, wrong).await;
    assert_eq!(refused.state, ConnectorState::NeedsSignIn, "{refused:?}");
    let right = ConnectorInput { secret: Some("the-right-one".into()), ..ConnectorInput::default() };
    let mut t = db.tenant(&nora).await.expect("open");
    t.connectors().update(refused.id, right).await.expect("changed");
    t.commit().await.expect("kept");
    assert_eq!(look(&db, &nora, refused.id).await.state, ConnectorState::Ready);
}

#[tokio::test]
async fn a_command_is_started_only_if_the_operator_has_listed_it() {
    let test = testing::db().await;
    let (db, nora) = demo_of(test.with_commands(&["node"])).await;
    let program = |command: &str| ConnectorInput {
        name: Some(command.trim_start_matches('/').replace('/', "-")),
        transport: Some(Transport::Stdio),
        command: Some(command.into()),
        auth: Some(ConnectorAuth::None),
        ..ConnectorInput::default()
    };
    let mut t = db.tenant(&nora).await.expect("open");
    for other in ["sh", "/usr/bin/node"] {
        let refused = t.connectors().create(program(other)).await.expect_err("not listed");
        assert!(matches!(&refused, Error::Invalid(all) if all[0].code == "command_not_listed"), "{refused:?}");
    }
    let listed =
        ConnectorInput { args: Some(vec!["-e".into(), "console.error('no such key')".into()]), ..program("node") };
    let id = t.connectors().create(listed).await.expect("listed").id;
    t.commit().await.expect("kept");
    let words = look(&db, &nora, id).await.last_error.unwrap_or_default();
    assert!(words.contains("no such key"), "a program that ends says why: {words}");
    // An operator who has taken it off the list is obeyed at once.
    let words = look(&test.with_private_hosts(), &nora, id).await.last_error.unwrap_or_default();
    assert!(words.starts_with("command:"), "{words}");
}

#[tokio::test]
async fn a_yes_is_for_one_call() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let server = McpServer::start([]).await;
    let connector = connect(&db, &nora, http("crm", &server.url)).await;
    review(&db, &nora, connector.id, "change", ToolPermission::Ask).await;
    let playbook =
        "  - call: crm__change\n    with: {n: 1}\n  - call: crm__change\n    with: {n: 2}\n  - answer: Done\n";
    let mut run = once(&db, &nora, &start(&db, &nora, "crm", playbook, "").await).await;
    for n in [1, 2] {
        assert_eq!(run.state, RunState::WaitingApproval);
        let mut t = db.tenant(&nora).await.expect("open");
        let asked = t.runs().pending_approvals(&PageRequest::default()).await.expect("a list").items.remove(0);
        assert_eq!(asked.arguments["n"], Value::from(n));
        let yes = Decision::Approve { for_this_run: true, edited: None };
        t.runs().decide(run.id, asked.id, yes).await.expect("decided");
        t.commit().await.expect("kept");
        run = once(&db, &nora, &run).await;
    }
    assert_eq!((run.state, server.called().len()), (RunState::Succeeded, 2), "{run:?}");
}

#[tokio::test]
async fn an_old_server_that_answers_unknown_questions_with_nothing_is_spoken_to_in_its_own_revision() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let server = McpServer::start([]).await;
    server.be_vague();
    let connector = connect(&db, &nora, http("crm", &server.url)).await;
    assert_eq!(connector.state, ConnectorState::Ready, "{connector:?}");
    assert_eq!(connector.protocol.as_deref(), Some("2025-11-25"), "{connector:?}");
}
