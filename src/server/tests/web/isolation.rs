//! Every operation of the API, called with the ids of another company. An operation that is missing
//! here fails the test, so a new one cannot be forgotten.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use domain::{InboundId, PageRequest, SandboxMailId, ThreadId, inbound::AnswerAs, keys::Scope, threads::ThreadFilter};
use serde_json::{Value, json};
use testing::TestCompany;

use crate::{api::Program, support::TestApp};

/// What an intruder gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gets {
    /// 404, as if the thing did not exist.
    NotFound,
    /// A list or a figure in which nothing of the other company is.
    OwnOnly,
    /// 422: a body that names things of the other company is not accepted.
    Refused,
    /// Nothing of another company can be named.
    NoIds,
}
use Gets::{NoIds, NotFound, OwnOnly, Refused};

/// By the id of the operation.
const OPERATIONS: &[(&str, Gets)] = &[
    ("get_me", OwnOnly),
    ("list_leads", OwnOnly),
    ("count_leads", OwnOnly),
    ("create_lead", Refused),
    ("get_lead", NotFound),
    ("change_lead", NotFound),
    ("delete_lead", NotFound),
    ("upsert_leads", NoIds),
    ("bulk_change_leads", OwnOnly),
    ("list_lead_timeline", NotFound),
    ("list_lead_messages", NotFound),
    ("list_lead_notes", NotFound),
    ("add_lead_note", NotFound),
    ("list_tags", OwnOnly),
    ("list_accounts", OwnOnly),
    ("create_account", NoIds),
    ("get_account", NotFound),
    ("change_account", NotFound),
    ("delete_account", NotFound),
    ("list_imports", OwnOnly),
    ("upload_import", NoIds),
    ("get_import", NotFound),
    ("change_import_format", NotFound),
    ("plan_import", NotFound),
    ("preview_import", NotFound),
    ("start_import", NotFound),
    ("cancel_import", NotFound),
    ("list_rejected_rows", NotFound),
    ("download_rejected_rows", NotFound),
    ("list_campaigns", OwnOnly),
    ("create_campaign", Refused),
    ("get_campaign", NotFound),
    ("change_campaign", NotFound),
    ("delete_campaign", NotFound),
    ("duplicate_campaign", NotFound),
    ("archive_campaign", NotFound),
    ("unarchive_campaign", NotFound),
    ("check_campaign", NotFound),
    ("get_campaign_ledger", NotFound),
    ("list_send_proofs", NotFound),
    ("list_simulations", NotFound),
    ("simulate_campaign", NotFound),
    ("download_send_proof", NotFound),
    ("list_campaign_messages", NotFound),
    ("resend_unknown_message", NotFound),
    ("leave_unknown_message", NotFound),
    ("list_campaign_events", NotFound),
    ("get_campaign_tracking", NotFound),
    ("list_message_tracking", NotFound),
    ("schedule_campaign", NotFound),
    ("unschedule_campaign", NotFound),
    ("start_campaign", NotFound),
    ("pause_campaign", NotFound),
    ("resume_campaign", NotFound),
    ("stop_campaign", NotFound),
    ("list_steps", NotFound),
    ("add_step", NotFound),
    ("change_step", NotFound),
    ("remove_step", NotFound),
    ("move_step", NotFound),
    ("preview_step", NotFound),
    ("list_samples", NotFound),
    ("write_samples", NotFound),
    ("list_versions", NotFound),
    ("get_version", NotFound),
    ("restore_version", NotFound),
    ("get_edits", NotFound),
    ("discard_edits", NotFound),
    ("publish_edits", NotFound),
    ("compare_variants", NotFound),
    ("list_test_mails", NotFound),
    ("send_test_mail", NotFound),
    ("list_enrolments", NotFound),
    ("enrol_leads", NotFound),
    ("bulk_change_enrolments", NotFound),
    ("pause_enrolment", NotFound),
    ("resume_enrolment", NotFound),
    ("remove_enrolment", NotFound),
    ("list_mailboxes", OwnOnly),
    ("list_inbound", OwnOnly),
    ("get_inbound", NotFound),
    ("list_threads", OwnOnly),
    ("get_thread", NotFound),
    ("change_thread", NotFound),
    ("unsubscribe_thread", NotFound),
    ("book_meeting", NotFound),
    ("reply_to_thread", NotFound),
    ("take_reply_back", NotFound),
    ("get_inbox", NotFound),
    ("set_inbox", NotFound),
    ("remove_inbox", NotFound),
    ("compare_inbox", NotFound),
    ("create_mailbox", NoIds),
    ("get_mailbox", NotFound),
    ("change_mailbox", NotFound),
    ("delete_mailbox", NotFound),
    ("pause_mailbox", NotFound),
    ("reconnect_mailbox", NotFound),
    ("test_mailbox", NotFound),
    ("get_recipient_limits", OwnOnly),
    ("set_recipient_limits", NoIds),
    ("list_domains", OwnOnly),
    ("create_domain", NoIds),
    ("get_domain", NotFound),
    ("delete_domain", NotFound),
    ("check_domain", NotFound),
    ("set_signing", NotFound),
    ("remove_signing", NotFound),
    ("list_link_hosts", OwnOnly),
    ("create_link_host", NoIds),
    ("get_link_host", NotFound),
    ("delete_link_host", NotFound),
    ("check_link_host", NotFound),
    ("list_suppressions", OwnOnly),
    ("add_suppressions", NoIds),
    ("remove_suppression", NotFound),
    ("list_agents", OwnOnly),
    ("create_agent", NoIds),
    ("get_agent", NotFound),
    ("change_agent", NotFound),
    ("delete_agent", NotFound),
    ("download_agent", NotFound),
    ("list_agent_versions", NotFound),
    ("download_agent_version", NotFound),
    ("restore_agent", NotFound),
    ("enable_agent", NotFound),
    ("disable_agent", NotFound),
    ("import_agents", NoIds),
    ("execute_agent", NotFound),
    ("evaluate_agent", NotFound),
    ("get_agent_status", NotFound),
    ("list_agent_results", NotFound),
    ("list_triggers", NotFound),
    ("create_trigger", NotFound),
    ("get_trigger", NotFound),
    ("change_trigger", NotFound),
    ("delete_trigger", NotFound),
    ("list_firings", NotFound),
    ("run_trigger", NotFound),
    ("renew_trigger_secret", NotFound),
    ("list_conversations", OwnOnly),
    ("create_conversation", NotFound),
    ("get_conversation", NotFound),
    ("delete_conversation", NotFound),
    ("say_in_conversation", NotFound),
    ("list_memories", NotFound),
    ("empty_memory", NotFound),
    ("delete_memory", NotFound),
    ("list_content", OwnOnly),
    ("create_content", NotFound),
    ("get_content", NotFound),
    ("change_content", NotFound),
    ("delete_content", NotFound),
    ("list_content_versions", NotFound),
    ("get_content_version", NotFound),
    ("get_content_file", NotFound),
    ("attach_content_file", NotFound),
    ("detach_content_file", NotFound),
    ("list_documents", OwnOnly),
    ("create_document", NotFound),
    ("get_document", NotFound),
    ("change_document", NotFound),
    ("delete_document", NotFound),
    ("list_document_versions", NotFound),
    ("get_document_version", NotFound),
    ("list_tasks", OwnOnly),
    ("create_task", NotFound),
    ("delete_task", NotFound),
    ("complete_task", NotFound),
    ("reopen_task", NotFound),
    ("list_workflows", OwnOnly),
    ("create_workflow", NotFound),
    ("get_workflow", NotFound),
    ("change_workflow", NotFound),
    ("delete_workflow", NotFound),
    ("list_workflow_log", NotFound),
    ("look_back_on_workflow", NotFound),
    ("list_lead_drafts", NotFound),
    ("create_lead_draft", NotFound),
    ("change_draft", NotFound),
    ("dismiss_draft", NotFound),
    ("list_drafts", OwnOnly),
    ("get_draft", NotFound),
    ("use_draft", NotFound),
    ("approve_draft", NotFound),
    ("reject_draft", NotFound),
    ("rewrite_draft", NotFound),
    ("undo_draft", NotFound),
    ("approve_passing_drafts", OwnOnly),
    ("list_runs", OwnOnly),
    ("create_run", NotFound),
    ("get_run", NotFound),
    ("watch_run", NotFound),
    ("cancel_run", NotFound),
    ("retry_run", NotFound),
    ("fork_run", NotFound),
    ("answer_run", NotFound),
    ("live", NoIds),
    ("get_agent_analytics", OwnOnly),
    ("queue_execution", NoIds),
    ("get_job", NotFound),
    ("make_campaign_report", NotFound),
    ("get_campaign_report", NotFound),
    ("list_approvals", OwnOnly),
    ("approve_call", NotFound),
    ("deny_call", NotFound),
    ("list_models", OwnOnly),
    ("create_model", NoIds),
    ("get_model", NotFound),
    ("change_model", NotFound),
    ("delete_model", NotFound),
    ("test_model", NotFound),
    ("ask_model_earlier", NotFound),
    ("get_webhook", NoIds),
    ("connect_webhook", NoIds),
    ("disconnect_webhook", NoIds),
    ("list_connectors", OwnOnly),
    ("create_connector", NoIds),
    ("get_connector", NotFound),
    ("change_connector", NotFound),
    ("delete_connector", NotFound),
    ("test_connector", NotFound),
    ("pause_connector", NotFound),
    ("resume_connector", NotFound),
    ("list_connector_tools", NotFound),
    ("review_connector_tool", NotFound),
    ("list_connector_calls", NotFound),
];

/// An operation as it is described.
struct Operation {
    id: String,
    method: String,
    path: String,
    body: Option<Value>,
}

fn described() -> Vec<Operation> {
    let document = api::openapi::document();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
            let example = schema
                .map(|s| document["components"]["schemas"][s.rsplit('/').next().expect("a name")]["example"].clone());
            found.push(Operation {
                id: operation["operationId"].as_str().expect("an id").to_owned(),
                method: method.to_uppercase(),
                path: path.strip_prefix("/api/v1").expect("below /api/v1").to_owned(),
                body: example,
            });
        }
    }
    found
}

#[test]
fn every_operation_of_the_api_is_listed_here() {
    let here: BTreeSet<_> = OPERATIONS.iter().map(|(id, _)| (*id).to_owned()).collect();
    let there: BTreeSet<_> = described().into_iter().map(|operation| operation.id).collect();
    assert_eq!(here.len(), OPERATIONS.len(), "one is listed twice");
    assert_eq!(here, there);
}

/// One thing of each kind in a company, by the word that its path begins with.
pub async fn things(program: &Program<'_>, company: &TestCompany<'_>, mailbox: &str) -> Value {
    let made = |answer: crate::api::Answer| {
        assert!(answer.status.is_success(), "{}", answer.json);
        answer.id()
    };
    let lead = made(program.post("/leads", json!({"email": "secret@other.example", "tags": ["hidden"]})).await);
    let account = made(program.post("/accounts", json!({"name": "Secret Works"})).await);
    let campaign = made(program.post("/campaigns", json!({"name": "Secret plan", "mailboxes": [mailbox]})).await);
    let step = json!({"subject": "Hello", "body": "Hello", "delay": {"amount": 0, "unit": "days"}});
    let step = made(program.post(&format!("/campaigns/{campaign}/steps"), step).await);
    let domain = made(program.post("/domains", json!({"name": "secret.example"})).await);
    let link_host = made(program.post("/link-hosts", json!({"name": "links.secret.example"})).await);
    let import = made(program.upload("/imports", "email\nnew@other.example\n").await);
    let added = program.post("/suppressions", json!({"targets": ["@secret.example"]})).await;
    assert!(added.status.is_success(), "{}", added.json);
    let suppression = program.get("/suppressions").await.json["items"][0]["id"].clone();
    let definition = "---\nname: secret-agent\ndescription: Hidden work.\n---\nWork.\n";
    let agent = made(program.post("/agents", json!({"definition": definition})).await);
    let trigger =
        json!({"name": "Secret watch", "when": {"kind": "lead_created", "tag": "hidden"}, "task": "Hidden work"});
    let trigger = made(program.post(&format!("/agents/{agent}/triggers"), trigger).await);
    let content = json!({"kind": "blog", "title": "Secret plan", "body": "Hidden.", "campaign": campaign});
    let content = made(program.post("/content", content).await);
    let document = json!({"collection": "plans", "key": "secret", "body": {"fact": "hidden"}});
    let document = made(program.post("/documents", document).await);
    let task = made(program.post("/tasks", json!({"title": "Secret call", "lead": lead})).await);
    let workflow = json!({"name": "Secret rule", "trigger": {"kind": "lead_created"}, "conditions": {"tag": ["hidden"]},
        "actions": [{"kind": "enrol", "campaign": campaign}], "enabled": true});
    let workflow = made(program.post("/workflows", workflow).await);
    let draft = json!({"subject": "Secret offer", "body": "Hidden."});
    let draft = made(program.post(&format!("/leads/{lead}/drafts"), draft).await);
    let run = made(program.post("/runs", json!({"agent": "secret-agent", "task": "Hidden task"})).await);
    let job = made(program.post(&format!("/campaigns/{campaign}/report"), json!({})).await);
    let talk = json!({"agent": "secret-agent", "message": "Hidden question"});
    let conversation = made(program.post("/conversations", talk).await);
    let model = json!({"name": "Secret model", "kind": "ollama", "model": "hidden", "base_url": "http://127.0.0.1:9"});
    let model = made(program.post("/models", model).await);
    let webhook = json!({"url": "https://other.example/hidden"});
    let webhook = program.send("PUT", "/webhook", &[], Some(&webhook)).await;
    assert!(webhook.status.is_success(), "{}", webhook.json);
    let connector = json!({"name": "hidden", "transport": "http", "url": "http://127.0.0.1:9/secret", "auth": "none"});
    let connector = made(program.post("/connectors", connector).await);
    let (mail, inbound, thread) = mails(program, company, mailbox).await;
    json!({"mail": mail, "inbound": inbound, "threads": thread, "leads": lead, "accounts": account, "campaigns": campaign, "step": step, "imports": import,
        "mailboxes": mailbox, "domains": domain, "link-hosts": link_host, "suppressions": suppression, "agents": agent, "trigger": trigger,
        "content": content, "tasks": task, "workflows": workflow, "documents": document, "drafts": draft, "runs": run,
        "conversations": conversation, "models": model, "jobs": job, "connectors": connector})
}

/// A mail that the sandbox has caught, its answer, and their thread.
async fn mails(
    program: &Program<'_>,
    company: &TestCompany<'_>,
    mailbox: &str,
) -> (SandboxMailId, InboundId, ThreadId) {
    let db = &program.app.db;
    let mut t = db.tenant(&company.owner).await.expect("open");
    let connection = t.mailboxes().connection(mailbox.parse().expect("an id")).await.expect("a mailbox");
    let (name, password) = connection.sign_in.expect("it signs in");
    let user = db.sandbox_sign_in(&name, &password).await.expect("asked").expect("known");
    let raw = b"To: secret@other.example\r\nMessage-ID: <hidden@other.example>\r\n\r\nSecret";
    let to = ["secret@other.example".to_owned()];
    let mail = db.keep_sandbox_mail(user, "nora@other.example", &to, Some("Hidden"), raw, None).await.expect("kept");
    t.sandbox().answer(mail, AnswerAs::Reply, "Hidden answer").await.expect("answered");
    let inbound = t.inbound().list(None, &PageRequest::default()).await.expect("a list").items[0].id;
    let thread = t.threads().list(&ThreadFilter::default(), &PageRequest::default()).await.expect("a list").items[0].id;
    t.commit().await.expect("kept");
    (mail, inbound, thread)
}

#[tokio::test]
async fn an_intruder_gets_nothing_through_any_operation() {
    let app = TestApp::new().await;
    let other = app.db.company("Other").await;
    let (mailbox, (_, secret)) = (other.mailbox().await.to_string(), other.key(Scope::ALL).await);
    let victim = Program { app: &app, secret };
    let things = things(&victim, &other, &mailbox).await;
    let before = everything(&victim, &things).await;

    let company = app.db.company("Intruder").await;
    let (_, secret) = company.key(Scope::ALL).await;
    let intruder = Program { app: &app, secret };
    let mut wrong = Vec::new();
    for operation in described() {
        let gets = OPERATIONS.iter().find(|(id, _)| *id == operation.id).expect("listed").1;
        let noun = operation.path.split('/').nth(1).expect("a noun");
        let nobodys = "019aa5e0-7c00-7000-8000-000000000001";
        let thing = things[noun].as_str().unwrap_or(nobodys);
        let path = operation.path.replace("{id}", thing).replace("{step}", things["step"].as_str().expect("a step"));
        // Their run asks nothing; the run itself must not be found before its questions are looked for.
        let path = path.replace("{approval}", nobodys).replace("{memory}", nobodys).replace("{message}", nobodys);
        let path = path.replace("{trigger}", things["trigger"].as_str().expect("a trigger"));
        let body = match operation.id.as_str() {
            "create_lead" => Some(json!({"email": "x@x.example", "owner_id": other.owner_id})),
            "create_campaign" => Some(json!({"name": "x", "mailboxes": [mailbox]})),
            "create_content" => {
                Some(json!({"kind": "blog", "title": "x", "body": "x", "campaign": things["campaigns"]}))
            }
            "create_document" => Some(json!({"collection": "plans", "key": "x", "body": {}, "lead": things["leads"]})),
            "create_task" => Some(json!({"title": "x", "lead": things["leads"]})),
            "create_workflow" => Some(json!({"name": "x", "trigger": {"kind": "lead_created"},
                "actions": [{"kind": "enrol", "campaign": things["campaigns"]}]})),
            "create_conversation" => Some(json!({"agent": "secret-agent", "message": "x"})),
            "create_run" => Some(json!({"agent": "secret-agent", "task": "x"})),
            "execute_agent" => Some(json!({"agent_name": things["agents"], "task": "x"})),
            "bulk_change_leads" => Some(json!({"leads": {"ids": [things["leads"]]}, "action": "delete"})),
            _ => operation.body,
        };
        let answer = intruder.send(&operation.method, &path, &[], body.as_ref()).await;
        let what = format!("{} {path}: {} {}", operation.method, answer.status, answer.json);
        let expected = match gets {
            NotFound => StatusCode::NOT_FOUND,
            Refused => StatusCode::UNPROCESSABLE_ENTITY,
            OwnOnly => StatusCode::OK,
            NoIds => answer.status,
        };
        // The name of a value is no leak.
        let mut told = answer.json.to_string().to_lowercase();
        for name in ["\"secret\":", "\"has_secret\":", "\"secret_name\":"] {
            told = told.replace(name, "");
        }
        let leaks = ["secret", "hidden", "other.example"].iter().any(|word| told.contains(word));
        if answer.status != expected || leaks {
            wrong.push(what);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(everything(&victim, &things).await, before, "nothing of the other company has changed");
}

/// What its own people see of each thing.
pub async fn everything(program: &Program<'_>, things: &Value) -> Vec<Value> {
    let mut seen = Vec::new();
    for noun in [
        "documents",
        "inbound",
        "threads",
        "leads",
        "accounts",
        "campaigns",
        "imports",
        "mailboxes",
        "domains",
        "link-hosts",
        "agents",
        "content",
        "runs",
        "conversations",
        "models",
        "jobs",
        "connectors",
        "workflows",
    ] {
        seen.push(program.get(&format!("/{noun}/{}", things[noun].as_str().expect("an id"))).await.json);
    }
    seen.push(program.get(&format!("/campaigns/{}/steps", things["campaigns"].as_str().expect("an id"))).await.json);
    seen.push(program.get(&format!("/leads/{}/drafts", things["leads"].as_str().expect("an id"))).await.json);
    let triggers = format!("/agents/{}/triggers", things["agents"].as_str().expect("an id"));
    seen.push(program.get(&triggers).await.json);
    seen.push(program.get("/tasks").await.json);
    seen.push(program.get("/webhook").await.json);
    seen.push(program.get("/suppressions").await.json);
    seen
}
