//! Agents in the words of programs that execute them, and what the API says of models and the webhook.

use std::time::Duration;

use axum::{body::to_bytes, http::StatusCode};
use domain::{
    PageRequest, RunId,
    keys::Scope,
    models::{ModelInput, ModelKind},
    runs::{RunFilter, RunView},
};
use serde_json::{Value, json};
use service::{jobs::WorkOnRun, models::NoAnswer};
use testing::TestCompany;
use tokio_util::sync::CancellationToken;

use crate::{api::Program, support::TestApp};

/// Answers without a language model.
const ECHO: &str =
    "---\nname: echo\ndescription: Says it again.\nplaybook:\n- answer: \"You said {{ task }}\"\n---\nSay it again.\n";
/// Can do nothing without one.
const THINKER: &str = "---\nname: thinker\ndescription: Thinks.\n---\nThink.\n";

async fn program<'a>(app: &'a TestApp, company: &TestCompany<'_>) -> Program<'a> {
    let (_, secret) = company.key(Scope::ALL).await;
    let program = Program { app, secret };
    for definition in [ECHO, THINKER] {
        let made = program.post("/agents", json!({ "definition": definition })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
    }
    program
}

/// A worker that waits for one run and does it.
async fn work(app: &TestApp, company: &TestCompany<'_>) {
    let open = RunFilter { view: Some(RunView::Open), ..RunFilter::default() };
    let run: RunId = loop {
        let mut t = app.db.tenant(&company.owner).await.expect("open");
        let page = t.runs().list(&open, &PageRequest::default()).await.expect("a list");
        t.commit().await.expect("read");
        match page.items.first() {
            Some(run) => break run.id,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let job = WorkOnRun { company: company.id, run };
    engine::agents::work(&app.db, &job, &CancellationToken::new()).await.expect("the worker works");
}

async fn standing(program: &Program<'_>, agent: &str) -> (String, bool) {
    let answer = program.get(&format!("/agents/{agent}/status")).await.json;
    assert_eq!(answer["name"], agent, "{answer}");
    let listed = program.get("/agents").await.json;
    let listed = listed.as_array().expect("a list").iter().find(|a| a["name"] == agent).expect("it is there").clone();
    assert_eq!((&listed["status"], &listed["last_run"]), (&answer["status"], &answer["last_run"]), "both say the same");
    assert!(listed["team"].is_string());
    (answer["status"].as_str().expect("a word").to_owned(), !answer["last_run"].is_null())
}

#[tokio::test]
async fn an_execution_is_a_run_that_ends_later() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let program = program(&app, &company).await;
    assert_eq!(standing(&program, "echo").await, ("idle".to_owned(), false));

    let asked = program.post("/agents/execute", json!({"agent_name": "Echo", "task": "hello"})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.json);
    assert_eq!((&asked.json["agent_name"], &asked.json["status"]), (&json!("echo"), &json!("pending")));
    assert_eq!((&asked.json["result"], &asked.json["error"]), (&Value::Null, &Value::Null));
    let run = asked.json["run_id"].as_str().expect("an id").to_owned();
    assert_eq!(asked.response.headers()["location"], format!("/api/v1/runs/{run}"));
    assert_eq!(standing(&program, "echo").await, ("running".to_owned(), true));

    work(&app, &company).await;
    assert_eq!(standing(&program, "echo").await, ("idle".to_owned(), true));
    let results = program.get("/agents/echo/results").await.json;
    let result = &results["items"][0];
    assert_eq!((&result["run_id"], &result["status"]), (&json!(run), &json!("completed")), "{results}");
    assert_eq!((&result["result"], &result["error"]), (&json!("You said hello"), &Value::Null));
    assert!(result["finished_at"].is_string(), "{result}");
}

#[tokio::test]
async fn who_waits_gets_the_answer_itself() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let program = program(&app, &company).await;

    let task = json!({"agent_name": "echo", "task": "hello", "parameters": {}});
    let (answer, ()) = tokio::join!(program.post("/agents/execute?wait=30", task), work(&app, &company));
    assert_eq!((answer.status, &answer.json["status"]), (StatusCode::OK, &json!("success")), "{}", answer.json);
    assert_eq!((&answer.json["result"], &answer.json["error"]), (&json!("You said hello"), &Value::Null));

    app.db.clock().advance(chrono::Duration::seconds(1));
    let task = json!({"agent_name": "thinker", "task": "hello"});
    let (answer, ()) = tokio::join!(program.post("/agents/execute?wait=30", task), work(&app, &company));
    assert_eq!((answer.status, &answer.json["status"]), (StatusCode::OK, &json!("error")), "{}", answer.json);
    assert_eq!(answer.json["result"], Value::Null);
    assert!(answer.json["error"].as_str().is_some_and(|words| words.contains("model")), "{}", answer.json);
    assert_eq!(program.get("/agents/thinker/results").await.json["items"][0]["status"], "failed");
    assert_eq!(standing(&program, "thinker").await.0, "error");

    app.db.clock().advance(chrono::Duration::seconds(1));
    let slow = program.post("/agents/execute?wait=1", json!({"agent_name": "thinker"})).await;
    assert_eq!((slow.status, &slow.json["status"]), (StatusCode::ACCEPTED, &json!("pending")), "nobody works on it");
    assert_eq!(standing(&program, "thinker").await.0, "running", "an open run counts more than the last failure");
    let id = slow.json["run_id"].as_str().expect("an id");
    let cancelled = program.send("POST", &format!("/runs/{id}/cancel"), &[], None).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{}", cancelled.json);
    assert_eq!(standing(&program, "thinker").await.0, "idle", "to cancel is no error of the agent");
    let results = program.get("/agents/thinker/results").await.json;
    assert_eq!(
        (&results["items"][0]["status"], &results["items"][0]["error"]),
        (&json!("failed"), &json!("Cancelled."))
    );
}

#[tokio::test]
async fn an_unknown_agent_is_named_and_a_wrong_wait_is_told() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let program = program(&app, &company).await;
    let nobody = "019aa5e0-7c00-7000-8000-000000000001";
    for name in ["nobody", nobody] {
        for (method, path, body) in [
            ("POST", "/agents/execute".to_owned(), Some(json!({"agent_name": name, "task": "x"}))),
            ("GET", format!("/agents/{name}/status"), None),
            ("GET", format!("/agents/{name}/results"), None),
        ] {
            let answer = program.send(method, &path, &[], body.as_ref()).await;
            let told = (answer.status, &answer.json["code"], &answer.json["detail"]);
            let words = json!(format!("Agent '{name}' not found"));
            assert_eq!(told, (StatusCode::NOT_FOUND, &json!("not_found"), &words), "{path}");
        }
    }
    let too_long = program.post("/agents/execute?wait=61", json!({"agent_name": "echo"})).await;
    assert_eq!((too_long.status.as_u16(), &too_long.json["code"]), (422, &json!("number_invalid")));
    let runs = program.get("/agents/echo/results").await.json;
    assert_eq!(runs["items"], json!([]), "nothing was started");
    let disabled = program.send("POST", "/agents/echo/disable", &[], None).await;
    assert_eq!(disabled.status, StatusCode::OK, "{}", disabled.json);
    let refused = program.post("/agents/execute", json!({"agent_name": "echo"})).await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (409, &json!("agent_disabled")));
}

#[tokio::test]
async fn executing_needs_the_scopes_of_runs() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    program(&app, &company).await;
    let (_, secret) = company.key(&[Scope::AgentsRead, Scope::AgentsWrite]).await;
    let program = Program { app: &app, secret };
    let refused = program.post("/agents/execute", json!({"agent_name": "echo"})).await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (403, &json!("scope_missing")));
    for path in ["/agents/echo/status", "/agents/echo/results"] {
        assert_eq!(program.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_repeated_execution_is_one_run() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let program = program(&app, &company).await;
    let task = json!({"agent_name": "echo", "task": "hello"});
    let again = [("idempotency-key", "once")];
    let first = program.send("POST", "/agents/execute", &again, Some(&task)).await;
    let second = program.send("POST", "/agents/execute", &again, Some(&task)).await;
    assert_eq!((first.status, &first.json), (StatusCode::ACCEPTED, &second.json));
    assert_eq!(program.get("/agents/echo/results").await.json["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_model_is_set_up_moved_and_removed_and_its_key_is_never_told() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::AgentsWrite, Scope::AgentsRead]).await;
    let program = Program { app: &app, secret };
    let model = |name: &str| json!({"name": name, "kind": "openai", "model": "gpt-5-mini", "key": "sk-private"});
    let first = program.post("/models", model("First")).await;
    assert_eq!((first.status, &first.json["has_key"]), (StatusCode::CREATED, &json!(true)), "{}", first.json);
    let path = format!("/models/{}", program.post("/models", model("Second")).await.id());

    let moved = program.send("POST", &format!("{path}/ask-earlier"), &[], None).await;
    assert_eq!((moved.status, &moved.json["place"]), (StatusCode::OK, &json!(1)), "{}", moved.json);
    let list = program.get("/models").await.json;
    assert_eq!((&list["items"][0]["name"], &list["items"][1]["name"]), (&json!("Second"), &json!("First")));
    let tested = program.send("POST", &format!("{path}/test"), &[], None).await;
    assert_eq!(tested.status, StatusCode::ACCEPTED, "{}", tested.json);
    let off = program.send("PATCH", &path, &[], Some(&json!({"enabled": false}))).await;
    assert_eq!((off.status, &off.json["enabled"]), (StatusCode::OK, &json!(false)), "{}", off.json);
    let away = program.send("PATCH", &path, &[], Some(&json!({"base_url": "https://evil.example"}))).await;
    assert_eq!((away.status.as_u16(), &away.json["errors"][0]["field"]), (422, &json!("key")), "{}", away.json);
    for answer in [&first.json, &list, &tested.json, &off.json] {
        assert!(!answer.to_string().contains("sk-private"), "{answer}");
    }
    assert_eq!(program.send("DELETE", &path, &[], None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_of_models_says_how_each_stands() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    for (name, failures) in [("Good", 0), ("Tired", 1), ("Broken", 5), ("New", 0), ("Unused", 1)] {
        let input = ModelInput {
            name: Some(name.to_owned()),
            kind: Some(ModelKind::Anthropic),
            model: Some("claude".to_owned()),
            key: Some("sk-private".to_owned()),
            enabled: Some(name != "Unused"),
            ..ModelInput::default()
        };
        let id = t.models().create(input).await.expect("set up").id;
        for _ in 0..failures {
            t.models()
                .record(id, Err(NoAnswer { words: "It is out of order (500).", wait: None }))
                .await
                .expect("kept");
        }
        if name == "Good" {
            t.models().record(id, Ok(())).await.expect("kept");
        }
    }
    t.commit().await.expect("kept");
    let cookie = app.sign_in(&company.owner_email, false).await;
    let page = app.get(&format!("/t/{}/settings/models", company.slug), &cookie).await;
    assert_eq!(page.status(), StatusCode::OK);
    let page = to_bytes(page.into_body(), 1 << 20).await.expect("a body");
    let page = String::from_utf8_lossy(&page);
    for words in ["Answers", "Does not answer", "Left alone", "Being tested", "Not asked", "Asked first"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("Asked when Good does not answer"), "{page}");
    assert!(!page.contains("sk-private"));
}

#[tokio::test]
async fn the_secret_of_a_webhook_is_told_once() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::AgentsWrite, Scope::AgentsRead]).await;
    let program = Program { app: &app, secret };
    assert_eq!(program.get("/webhook").await.status, StatusCode::NOT_FOUND);
    let body = json!({"url": "https://hooks.example.com/agents"});
    let kept = program.send("PUT", "/webhook", &[("idempotency-key", "a")], Some(&body)).await;
    assert_eq!((kept.status.as_u16(), &kept.json["code"]), (422, &json!("idempotency_unsupported")));
    assert_eq!(program.get("/webhook").await.status, StatusCode::NOT_FOUND, "nothing was done");

    let connected = program.send("PUT", "/webhook", &[], Some(&body)).await;
    assert_eq!((connected.status, &connected.json["url"]), (StatusCode::OK, &body["url"]), "{}", connected.json);
    assert!(connected.json["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")));
    assert_eq!(connected.response.headers()["cache-control"], "no-store");
    let found = program.get("/webhook").await.json;
    assert_eq!((&found["url"], &found["secret"]), (&body["url"], &Value::Null));
    assert_eq!(program.send("DELETE", "/webhook", &[], None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.send("DELETE", "/webhook", &[], None).await.status, StatusCode::NOT_FOUND);
}
