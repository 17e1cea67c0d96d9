//! Every server function, called by somebody of another company: with the company's address, and with
//! the ids of its things. A function that is missing here fails the test.

use std::collections::BTreeSet;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use domain::keys::Scope;
use leptos::server_fn::axum::server_fn_paths;

use crate::{
    api::Program,
    isolation::{everything, things},
    support::{TestApp, header_of},
};

/// What an intruder gets who names things of the other company in a company of their own.
#[derive(Clone, Copy, PartialEq)]
enum Gets {
    /// 404, as if the thing did not exist.
    NotFound,
    /// An answer without anything of the other company.
    OwnOnly,
}
use Gets::{NotFound, OwnOnly};

/// Name, arguments besides the company, and what an intruder gets. `LEAD` and the like stand for ids.
const FUNCTIONS: &[(&str, &str, Gets)] = &[
    ("load_frame", "", OwnOnly),
    ("load_home", "", OwnOnly),
    ("load_leads", "query=", OwnOnly),
    ("create_lead", "fields[email]=new%40intruder.example", OwnOnly),
    ("update_lead", "id=LEAD&fields[email]=x%40x.example", NotFound),
    ("load_fields", "id=LEAD", NotFound),
    ("load_lead", "id=LEAD", NotFound),
    ("add_note", "id=LEAD&body=Hello", NotFound),
    ("set_lead_status", "id=LEAD&status=lost", NotFound),
    ("assign_lead", "id=LEAD&owner=", NotFound),
    ("delete_lead", "id=LEAD", NotFound),
    ("load_accounts", "q=&after=", OwnOnly),
    ("load_account", "id=ACCOUNT", NotFound),
    ("load_imports", "", OwnOnly),
    ("load_import", "id=IMPORT", NotFound),
    ("format_import", "id=IMPORT&encoding=UTF-8&delimiter=%3B", NotFound),
    ("plan_import", "id=IMPORT&form[duplicates]=skip", NotFound),
    ("decide_import", "id=IMPORT&what=start", NotFound),
    ("load_campaigns", "view=&after=", OwnOnly),
    ("create_campaign", "name=Mine", OwnOnly),
    ("command_campaign", "id=CAMPAIGN&command=start", NotFound),
    ("load_overview", "id=CAMPAIGN", NotFound),
    ("load_enrolments", "id=CAMPAIGN&state=&after=", NotFound),
    ("load_campaign_mails", "id=CAMPAIGN&state=&after=", NotFound),
    ("decide_unknown", "campaign=CAMPAIGN&id=LEAD&again=true", NotFound),
    ("load_campaign_log", "id=CAMPAIGN&query=", NotFound),
    ("load_send_proofs", "id=CAMPAIGN", NotFound),
    ("load_simulation", "id=CAMPAIGN", NotFound),
    ("simulate_campaign", "id=CAMPAIGN", NotFound),
    ("load_sequence", "id=CAMPAIGN", NotFound),
    ("arrange_steps", "id=CAMPAIGN&what=add", NotFound),
    ("load_step", "id=CAMPAIGN&step=STEP&lead=", NotFound),
    ("save_step", "id=CAMPAIGN&step=STEP&version=1&form[subject]=x&form[body]=x", NotFound),
    ("restore_step", "id=CAMPAIGN&step=STEP&number=1", NotFound),
    ("load_sequence_versions", "id=CAMPAIGN", NotFound),
    ("publish_sequence", "id=CAMPAIGN&leads=keep", NotFound),
    ("change_edits", "id=CAMPAIGN&what=discard", NotFound),
    ("write_samples", "id=CAMPAIGN&step=STEP", NotFound),
    ("send_test", "id=CAMPAIGN&step=STEP&to=x%40x.example", NotFound),
    ("load_pulse", "", OwnOnly),
    ("load_agents", "query=", OwnOnly),
    ("load_agent_analytics", "period=90d", OwnOnly),
    ("load_agent", "id=AGENT", NotFound),
    ("load_agent_versions", "id=AGENT&version=0", NotFound),
    ("load_agent_file", "id=AGENT", NotFound),
    ("create_agent", "definition=---%0Aname:+x%0Adescription:+y%0A---%0Az", OwnOnly),
    ("save_agent", "id=AGENT&version=1&definition=---%0Aname:+x%0Adescription:+y%0A---%0Az", NotFound),
    ("change_agent", "id=AGENT&what=disable", NotFound),
    ("load_triggers", "id=AGENT&new=&edit=&log=TRIGGER&after=", NotFound),
    ("save_trigger", "id=AGENT&form[kind]=lead_created&form[name]=x&form[task]=y&form[while_busy]=skip", NotFound),
    ("change_trigger", "id=AGENT&trigger=TRIGGER&what=disable", NotFound),
    ("load_library", "kind=&q=&after=", OwnOnly),
    ("load_content", "id=CONTENT&version=0", NotFound),
    ("load_content_form", "id=CONTENT", NotFound),
    ("create_content", "fields[kind]=blog&fields[title]=x&fields[body]=y&fields[campaign]=CAMPAIGN", NotFound),
    ("save_content", "id=CONTENT&fields[kind]=blog&fields[title]=x&fields[body]=y&fields[version]=1", NotFound),
    ("delete_content", "id=CONTENT", NotFound),
    ("remove_content_file", "id=CONTENT", NotFound),
    ("load_documents", "collection=&new=&after=", OwnOnly),
    ("load_document", "id=DOCUMENT&version=0&edit=", NotFound),
    ("save_document", "form[id]=DOCUMENT&form[version]=1&form[collection]=x&form[key]=y&form[body]={}", NotFound),
    ("delete_document", "id=DOCUMENT", NotFound),
    ("load_workflows", "", OwnOnly),
    ("load_new_workflow", "kind=replied", OwnOnly),
    ("load_workflow", "id=WORKFLOW&edit=&add=&action=&after=", NotFound),
    ("create_workflow", "form[kind]=replied&form[name]=x&form[campaign]=CAMPAIGN&form[hourly_cap]=1", NotFound),
    ("save_workflow", "id=WORKFLOW&version=1&form[name]=x&form[hourly_cap]=1", NotFound),
    ("save_action", "id=WORKFLOW&version=1&place=0&kind=add_tag&form[tag]=x", NotFound),
    ("change_workflow", "id=WORKFLOW&what=off", NotFound),
    ("load_tasks", "after=", OwnOnly),
    ("create_task", "title=x&lead=LEAD", NotFound),
    ("change_task", "id=TASK&what=complete", NotFound),
    ("dismiss_draft", "id=DRAFT", NotFound),
    ("use_draft", "id=DRAFT", NotFound),
    ("load_runs", "query=", OwnOnly),
    ("load_agent_runs", "id=AGENT&query=", NotFound),
    ("load_agent_tools", "id=AGENT", NotFound),
    ("load_quality", "id=AGENT&after=", NotFound),
    ("evaluate_agent", "id=AGENT", NotFound),
    ("load_run", "id=RUN&view=log&step=1&full=1", NotFound),
    ("command_run", "id=RUN&command=cancel", NotFound),
    ("decide_run", "id=RUN&approval=LEAD&answer=deny", NotFound),
    ("answer_run", "id=RUN&step=1&answer=x", NotFound),
    ("load_conversations", "agent=&after=", OwnOnly),
    ("start_conversation", "agent=AGENT&message=Hello", NotFound),
    ("load_conversation", "id=CONVERSATION", NotFound),
    ("say", "id=CONVERSATION&message=Hello", NotFound),
    ("delete_conversation", "id=CONVERSATION", NotFound),
    ("load_memory", "id=AGENT&after=", NotFound),
    ("forget", "id=AGENT", NotFound),
    ("load_start", "id=AGENT&lead=&example=1", NotFound),
    ("start_run", "id=AGENT&form[task]=Work", NotFound),
    ("run_example", "id=AGENT", NotFound),
    ("load_approvals", "kind=&campaign=&writer=&flag=&undo=DRAFT&after=", OwnOnly),
    ("load_review", "id=DRAFT&campaign=&writer=&flag=&undo=", NotFound),
    ("approve_draft", "id=DRAFT&seen[version]=1", NotFound),
    ("edit_draft", "id=DRAFT&seen[version]=1&subject=x&body=y", NotFound),
    ("rewrite_draft", "id=DRAFT&seen[version]=1&wrong=x", NotFound),
    ("reject_draft", "id=DRAFT&seen[version]=1&then=skip_step&reason=x", NotFound),
    ("undo_draft", "id=DRAFT&seen[version]=1", NotFound),
    ("load_passing", "campaign=CAMPAIGN&writer=", NotFound),
    ("approve_passing", "campaign=CAMPAIGN&before=2026-11-20T10:00:00Z", OwnOnly),
    ("load_settings", "id=CAMPAIGN", NotFound),
    ("save_settings", "id=CAMPAIGN&form[version]=1&form[name]=x", NotFound),
    ("load_launch", "id=CAMPAIGN", NotFound),
    ("load_mails", "after=", OwnOnly),
    ("load_mail", "id=MAIL", NotFound),
    ("answer_mail", "id=MAIL&how=reply&text=x", NotFound),
    ("load_company", "", OwnOnly),
    ("save_company", "form[name]=Intruder&form[time_zone]=Europe%2FBerlin", OwnOnly),
    ("load_mailboxes", "", OwnOnly),
    ("connect_mailbox", "form[kind]=sandbox&form[from_name]=Me&form[address]=me%40intruder.example", OwnOnly),
    ("change_mailbox", "id=MAILBOX&what=pause", NotFound),
    ("load_mailbox", "id=MAILBOX", NotFound),
    ("save_mailbox", "id=MAILBOX&form[from_name]=x", NotFound),
    ("save_limits", "per_hour=40&per_day=200", OwnOnly),
    ("load_threads", "query=tab%3Dall", OwnOnly),
    ("load_thread", "id=THREAD&query=reply%3D1", NotFound),
    ("change_thread", "id=THREAD&what=done", NotFound),
    ("answer_thread", "id=THREAD&what=send&form[body]=x", NotFound),
    ("load_inbox", "id=MAILBOX&after=", NotFound),
    ("save_inbox", "id=MAILBOX&form[host]=x&form[username]=y&form[password]=z", NotFound),
    ("change_inbox", "id=MAILBOX&what=compare", NotFound),
    ("load_domains", "", OwnOnly),
    ("add_domain", "name=intruder.example", OwnOnly),
    ("load_domain", "id=DOMAIN", NotFound),
    ("change_domain", "id=DOMAIN&what=check", NotFound),
    ("save_signing", "id=DOMAIN&form[version]=1&form[signer]=new_key", NotFound),
    ("add_link_host", "host=links.intruder.example", OwnOnly),
    ("change_link_host", "id=LINKHOST&what=check", NotFound),
    ("load_people", "", OwnOnly),
    ("invite_person", "email=friend%40intruder.example&role=member", OwnOnly),
    ("change_person", "id=PERSON&what=role&role=viewer", NotFound),
    ("load_suppressions", "after=", OwnOnly),
    ("add_suppressions", "targets=x%40intruder.example", OwnOnly),
    ("remove_suppression", "id=SUPPRESSION", NotFound),
    ("load_models", "edit=MODEL", NotFound),
    ("add_model", "form[kind]=ollama&form[name]=Mine&form[model]=x", OwnOnly),
    ("save_model", "id=MODEL&form[name]=x&form[model]=y", NotFound),
    ("change_model", "id=MODEL&what=test", NotFound),
    ("remove_webhook", "", NotFound),
    ("load_writing", "", OwnOnly),
    ("save_prompt", "prompt=Write.", OwnOnly),
    ("save_terms", "terms=cheap", OwnOnly),
    ("load_connectors", "preset=command", OwnOnly),
    ("load_connector", "id=CONNECTOR&edit=&after=", NotFound),
    ("add_connector", "form[name]=mine&form[transport]=http&form[url]=http://127.0.0.1:9&form[auth]=none", OwnOnly),
    ("save_connector", "id=CONNECTOR&form[calls_per_minute]=9", NotFound),
    ("change_connector", "id=CONNECTOR&what=test", NotFound),
    ("review_tools", "id=CONNECTOR&tools[0][tool]=x&tools[0][permission]=ask&tools[0][hash]=y", NotFound),
    ("load_keys", "", OwnOnly),
    ("revoke_key", "id=KEY", NotFound),
    ("load_audit", "after=", OwnOnly),
];

/// The path of each server function by its name; the number behind it changes with the code.
fn paths() -> Vec<(String, String)> {
    server_fn_paths()
        .map(|(path, _)| {
            let name = path.rsplit('/').next().expect("a name").trim_end_matches(|c: char| c.is_ascii_digit());
            (name.to_owned(), path.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn every_server_function_is_listed_here() {
    let here: BTreeSet<_> = FUNCTIONS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let there: BTreeSet<_> = paths().into_iter().map(|(name, _)| name).collect();
    assert_eq!(here.len(), FUNCTIONS.len(), "one is listed twice");
    assert_eq!(here, there);
}

#[tokio::test]
async fn an_intruder_gets_nothing_through_any_server_function() {
    let app = TestApp::new().await;
    let other = app.db.company("Other").await;
    let (mailbox, (key, secret)) = (other.mailbox().await.to_string(), other.key(Scope::ALL).await);
    let victim = Program { app: &app, secret };
    let things = things(&victim, &other, &mailbox).await;
    let before = everything(&victim, &things).await;
    let company = app.db.company("Intruder").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let id = |noun: &str| things[noun].as_str().expect("an id").to_owned();
    let ids = [
        ("LEAD", id("leads")),
        ("ACCOUNT", id("accounts")),
        ("IMPORT", id("imports")),
        ("CAMPAIGN", id("campaigns")),
        ("STEP", id("step")),
        ("MAILBOX", id("mailboxes")),
        ("DOMAIN", id("domains")),
        ("LINKHOST", id("link-hosts")),
        ("SUPPRESSION", id("suppressions")),
        ("AGENT", id("agents")),
        ("TRIGGER", id("trigger")),
        ("CONTENT", id("content")),
        ("DOCUMENT", id("documents")),
        ("TASK", id("tasks")),
        ("WORKFLOW", id("workflows")),
        ("DRAFT", id("drafts")),
        ("RUN", id("runs")),
        ("CONVERSATION", id("conversations")),
        ("MODEL", id("models")),
        ("CONNECTOR", id("connectors")),
        ("PERSON", other.owner_id.to_string()),
        ("KEY", key.api_key_id().expect("a key").to_string()),
        ("MAIL", id("mail")),
        ("THREAD", id("threads")),
    ];

    let mut wrong = Vec::new();
    for (name, path) in paths() {
        let (_, arguments, gets) = FUNCTIONS.iter().find(|(n, ..)| *n == name).expect("listed");
        let arguments = ids.iter().fold((*arguments).to_owned(), |text, (word, id)| {
            text.split('&')
                .map(|pair| match pair.split_once('=') {
                    Some((key, value)) if value == *word => format!("{key}={id}"),
                    _ => pair.to_owned(),
                })
                .collect::<Vec<_>>()
                .join("&")
        });
        let (status, _) = call(&app, &path, &cookie, &format!("slug={}&{arguments}", other.slug)).await;
        if status != StatusCode::NOT_FOUND {
            wrong.push(format!("{name} in the other company: {status}"));
        }
        let (status, told) = call(&app, &path, &cookie, &format!("slug={}&{arguments}", company.slug)).await;
        let right = match gets {
            NotFound => status == StatusCode::NOT_FOUND,
            OwnOnly => status.is_success() || status.is_redirection(),
        };
        // What a page hides from readers of a screen says so in its HTML.
        let told = told.replace("aria-hidden", "").replace("type=\"hidden\"", "");
        let leaks = ["secret", "hidden", "other.example"].iter().any(|word| told.contains(word));
        if !right || leaks {
            wrong.push(format!("{name} with ids of the other company: {status} {told}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(everything(&victim, &things).await, before, "nothing of the other company has changed");
}

/// Calls a server function as our own scripts do.
async fn call(app: &TestApp, path: &str, cookie: &str, arguments: &str) -> (StatusCode, String) {
    let request = Request::post(path)
        .header(header::COOKIE, cookie)
        .header(header::ACCEPT, "application/json")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = app.send(request.body(Body::from(arguments.to_owned())).expect("a request")).await;
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    (status, String::from_utf8_lossy(&body).to_lowercase())
}

#[tokio::test]
async fn a_form_without_scripts_comes_back_with_its_problem() {
    let app = TestApp::new().await;
    let company = app.db.company("Halden").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let page = format!("http://localhost/t/{}/leads/new", company.slug);
    let (_, path) = paths().into_iter().find(|(name, _)| name == "create_lead").expect("there");
    let form = format!("slug={}&fields[email]=nonsense", company.slug);
    let request = Request::post(path)
        .header(header::COOKIE, &cookie)
        .header(header::ACCEPT, "text/html")
        .header(header::REFERER, &page)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_LENGTH, form.len())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = app.send(request.body(Body::from(form)).expect("a request")).await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    let back = header_of(&answer, "location").strip_prefix("http://localhost").expect("the same page").to_owned();

    let answer = app.get(&back, &cookie).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(body.contains("There is a problem"));
    assert!(body.contains(r#"value="nonsense""#), "what was entered is still there");
}
