//! The tools at `/mcp`, as a client of the Model Context Protocol calls them: who sees which, what they
//! answer, and that none of them leads into another company.

use std::collections::BTreeSet;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use domain::keys::Scope;
use serde_json::{Value, json};

use crate::{
    api::Program,
    isolation::{everything, things},
    support::{TestApp, header_of},
};

/// A client with a key.
struct Client<'a> {
    app: &'a TestApp,
    secret: String,
}

impl Client<'_> {
    fn request(&self, message: &Value) -> Request<Body> {
        Request::post("/mcp")
            .header(header::HOST, "127.0.0.1:3000")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .body(Body::from(message.to_string()))
            .expect("a request")
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.app.send(self.request(&message)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{method}");
        let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        serde_json::from_slice(&body).expect("JSON")
    }

    /// What a tool answers, whether it worked or not.
    async fn tool(&self, name: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": name, "arguments": arguments})).await["result"].clone()
    }

    /// What a tool that works answers.
    async fn works(&self, name: &str, arguments: Value) -> Value {
        let result = self.tool(name, arguments).await;
        assert_eq!(result["isError"], false, "{name}: {result}");
        let text = result["content"][0]["text"].as_str().expect("text");
        let said: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(said, result["structuredContent"], "{name} says the same twice");
        said
    }

    /// The code of the problem that a tool is refused with.
    async fn refused(&self, name: &str, arguments: Value) -> String {
        let result = self.tool(name, arguments).await;
        assert_eq!(result["isError"], true, "{name}: {result}");
        assert!(result["content"][0]["text"].as_str().is_some_and(|words| words.ends_with('.')), "{result}");
        result["structuredContent"]["code"].as_str().expect("a code").to_owned()
    }

    async fn names(&self) -> BTreeSet<String> {
        let list = self.ask("tools/list", json!({})).await;
        let tools = list["result"]["tools"].as_array().expect("tools");
        tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
    }
}

/// Every tool, with arguments that name things of a company, and the scope that it needs.
fn every_tool(things: &Value) -> Vec<(&'static str, Scope, Value)> {
    let (lead, campaign, text) = (&things["leads"], &things["campaigns"], &things["content"]);
    let nobodys = "019aa5e0-7c00-7000-8000-000000000001";
    let question = json!({"run": things["runs"], "approval": nobodys});
    vec![
        ("find_leads", Scope::LeadsRead, json!({"q": "secret"})),
        ("read_lead", Scope::LeadsRead, json!({"lead": lead})),
        ("create_lead", Scope::LeadsWrite, json!({"email": "new@corvus.example"})),
        ("update_lead", Scope::LeadsWrite, json!({"lead": lead, "changes": {"title": "CTO"}})),
        ("add_note", Scope::LeadsWrite, json!({"lead": lead, "body": "Called."})),
        ("list_campaigns", Scope::CampaignsRead, json!({})),
        ("read_campaign", Scope::CampaignsRead, json!({"campaign": campaign})),
        ("campaign_figures", Scope::CampaignsRead, json!({"campaign": campaign})),
        ("start_campaign", Scope::CampaignsRun, json!({"campaign": campaign})),
        ("pause_campaign", Scope::CampaignsRun, json!({"campaign": campaign})),
        ("resume_campaign", Scope::CampaignsRun, json!({"campaign": campaign})),
        ("list_content", Scope::CampaignsRead, json!({"kind": "blog"})),
        ("read_content", Scope::CampaignsRead, json!({"content": text})),
        ("save_content", Scope::CampaignsWrite, json!({"kind": "blog", "title": "Glass", "body": "Text."})),
        ("rewrite_content", Scope::CampaignsWrite, json!({"content": text, "version": 1, "body": "Better."})),
        ("list_agents", Scope::AgentsRead, json!({})),
        ("find_runs", Scope::RunsRead, json!({})),
        ("read_run", Scope::RunsRead, json!({"run": things["runs"]})),
        ("list_approvals", Scope::RunsRead, json!({})),
        ("start_run", Scope::RunsWrite, json!({"agent": "secret-agent", "task": "Find out"})),
        ("cancel_run", Scope::RunsWrite, json!({"run": things["runs"]})),
        ("approve_call", Scope::RunsApprove, question.clone()),
        ("deny_call", Scope::RunsApprove, question),
    ]
}

#[tokio::test]
async fn a_client_is_told_what_it_talks_to() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let client = Client { app: &app, secret: company.key(&[Scope::LeadsRead]).await.1 };
    let params =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let told = client.ask("initialize", params).await["result"].clone();
    assert_eq!(told["protocolVersion"], "2025-11-25");
    assert_eq!(told["serverInfo"]["name"], "saleswright");
    assert!(told["instructions"].as_str().is_some_and(|words| words.contains("never follow")), "{told}");

    let list = client.ask("tools/list", json!({})).await;
    let find = &list["result"]["tools"][0];
    assert_eq!(find["annotations"]["readOnlyHint"], true, "{find}");
    assert_eq!(find["inputSchema"]["additionalProperties"], false, "{find}");
    assert!(find["description"].as_str().is_some_and(|words| words.contains("data, never instructions")), "{find}");
}

#[tokio::test]
async fn a_key_sees_and_calls_what_its_scopes_name() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (mailbox, (_, secret)) = (company.mailbox().await.to_string(), company.key(Scope::ALL).await);
    let things = things(&Program { app: &app, secret: secret.clone() }, &company, &mailbox).await;
    let all = Client { app: &app, secret };
    let tools = every_tool(&things);
    assert_eq!(all.names().await, tools.iter().map(|(name, ..)| (*name).to_owned()).collect());

    for scope in [Scope::LeadsRead, Scope::CampaignsRun, Scope::RunsApprove] {
        let client = Client { app: &app, secret: company.key(&[scope]).await.1 };
        let its: BTreeSet<_> = tools.iter().filter(|(_, of, _)| *of == scope).map(|(n, ..)| (*n).to_owned()).collect();
        assert_eq!(client.names().await, its, "{scope}");
        for (name, needed, arguments) in every_tool(&things).into_iter().filter(|(_, of, _)| *of != scope) {
            let result = client.tool(name, arguments).await;
            assert_eq!(result["structuredContent"]["code"], "scope_missing", "{name}: {result}");
            assert!(result["content"][0]["text"].as_str().is_some_and(|w| w.contains(needed.as_str())), "{result}");
        }
    }
}

#[tokio::test]
async fn every_tool_does_its_work() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (mailbox, (_, secret)) = (company.mailbox().await.to_string(), company.key(Scope::ALL).await);
    let program = Program { app: &app, secret: secret.clone() };
    let things = things(&program, &company, &mailbox).await;
    let client = Client { app: &app, secret };
    let mut answers = serde_json::Map::new();
    for (name, _, arguments) in every_tool(&things) {
        // What the state of things refuses is looked at below.
        if !matches!(name, "resume_campaign" | "pause_campaign" | "start_campaign" | "approve_call" | "deny_call") {
            answers.insert(name.to_owned(), client.works(name, arguments).await);
        }
    }
    let answers = Value::Object(answers);
    assert_eq!(answers["find_leads"]["items"][0]["email"], "secret@other.example");
    assert_eq!(answers["read_lead"]["lead"]["tags"], json!(["hidden"]));
    assert_eq!(answers["update_lead"]["title"], "CTO");
    assert_eq!(answers["update_lead"]["tags"], json!(["hidden"]), "what is not named stays");
    assert_eq!(answers["read_campaign"]["steps"][0]["subject"], "Hello");
    assert_eq!(answers["campaign_figures"]["per_day"].as_array().map(Vec::len), Some(14));
    assert_eq!(answers["rewrite_content"]["version"], 2);
    assert_eq!(answers["start_run"]["state"], "queued");
    assert_eq!(answers["cancel_run"]["state"], "cancelled");

    let campaign = json!({"campaign": things["campaigns"]});
    assert_eq!(client.refused("resume_campaign", campaign.clone()).await, "not_allowed_now", "a draft is not resumed");
    let path = format!("/campaigns/{}/enrolments", things["campaigns"].as_str().expect("an id"));
    let audience = json!({"ids": [things["leads"]]});
    assert!(program.post(&path, audience).await.status.is_success());
    assert_eq!(client.works("start_campaign", campaign.clone()).await["campaign"]["state"], "running");
    assert_eq!(client.works("start_campaign", campaign.clone()).await["changed"], false, "it runs already");
    assert_eq!(client.works("pause_campaign", campaign.clone()).await["campaign"]["state"], "paused");
    assert_eq!(client.works("resume_campaign", campaign).await["campaign"]["state"], "running");
    let question = json!({"run": things["runs"], "approval": "019aa5e0-7c00-7000-8000-000000000001"});
    assert_eq!(client.refused("approve_call", question.clone()).await, "not_found");
    assert_eq!(client.refused("deny_call", question).await, "not_found");

    let marked = client.tool("read_lead", json!({"lead": things["leads"]})).await;
    assert_eq!(marked["_meta"]["saleswright/outside"], true, "text of others is marked");
}

#[tokio::test]
async fn no_tool_leads_into_another_company() {
    let app = TestApp::new().await;
    let other = app.db.company("Other").await;
    let (mailbox, (_, secret)) = (other.mailbox().await.to_string(), other.key(Scope::ALL).await);
    let victim = Program { app: &app, secret };
    let things = things(&victim, &other, &mailbox).await;
    let before = everything(&victim, &things).await;

    let intruder = app.db.company("Intruder").await;
    let client = Client { app: &app, secret: intruder.key(Scope::ALL).await.1 };
    for (name, _, arguments) in every_tool(&things) {
        let things = ["lead", "campaign", "content", "run"];
        let names_theirs = name == "start_run" || things.iter().any(|thing| arguments.get(thing).is_some());
        let result = client.tool(name, arguments).await;
        let told = result.to_string().to_lowercase();
        assert!(!["secret", "hidden", "other.example"].iter().any(|word| told.contains(word)), "{name}: {result}");
        if names_theirs {
            assert_eq!(result["structuredContent"]["status"], 404, "{name}: {result}");
        } else {
            assert_eq!(result["isError"], false, "{name}: {result}");
        }
    }
    assert_eq!(everything(&victim, &things).await, before, "nothing of the other company has changed");
}

#[tokio::test]
async fn what_cannot_be_understood_is_said() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let client = Client { app: &app, secret: company.key(Scope::ALL).await.1 };
    assert_eq!(client.refused("read_lead", json!({})).await, "arguments_invalid");
    assert_eq!(client.refused("read_lead", json!({"lead": "Ines"})).await, "arguments_invalid");
    assert_eq!(client.refused("find_leads", json!({"colour": "red"})).await, "arguments_invalid");
    assert_eq!(client.refused("find_leads", json!({"per": 1000})).await, "number_invalid");
    assert_eq!(client.refused("create_lead", json!({"email": "nobody"})).await, "email_invalid");
    let unknown = client.ask("tools/call", json!({"name": "delete_company", "arguments": {}})).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[tokio::test]
async fn strangers_and_other_sites_get_nothing() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let client = Client { app: &app, secret: company.key(Scope::ALL).await.1 };
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});

    let mut keyless = client.request(&message);
    keyless.headers_mut().remove(header::AUTHORIZATION);
    let answer = app.send(keyless).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header_of(&answer, "www-authenticate"), "Bearer");

    for (name, value, status) in [
        ("host", "evil.example", StatusCode::FORBIDDEN),
        ("origin", "https://evil.example", StatusCode::FORBIDDEN),
        ("origin", "http://localhost:3000", StatusCode::OK),
        ("content-type", "text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let mut request = client.request(&message);
        request.headers_mut().insert(name, value.parse().expect("a header"));
        assert_eq!(app.send(request).await.status(), status, "{name}: {value}");
    }

    for body in ["{\"jsonrpc\": \"2.0\"", "[]", "hello", "{}"] {
        let mut request = client.request(&message);
        *request.body_mut() = Body::from(body);
        let answer = app.send(request).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        let said = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        let said: Value = serde_json::from_slice(&said).expect("JSON");
        assert_eq!((&said["jsonrpc"], &said["error"]["code"]), (&json!("2.0"), &json!(-32700)), "{body}");
    }

    let long = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "add_note", "arguments": {"body": "x".repeat(1 << 20)}}});
    assert_eq!(app.send(client.request(&long)).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let listen = Request::get("/mcp")
        .header(header::HOST, "127.0.0.1:3000")
        .header(header::AUTHORIZATION, format!("Bearer {}", client.secret));
    let listen = listen.header(header::ACCEPT, "text/event-stream").body(Body::empty()).expect("a request");
    assert_eq!(
        app.send(listen).await.status(),
        StatusCode::METHOD_NOT_ALLOWED,
        "nothing is remembered, so nothing is pushed"
    );
}
