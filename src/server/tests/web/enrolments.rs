//! Changes to the ticked leads of a campaign, as a browser without scripts posts them.

use axum::{
    body::{Body, to_bytes},
    http::{Response, StatusCode},
};
use domain::{
    CampaignId, PageRequest,
    campaigns::{Audience, CampaignInput},
    enrolments::{Enrolment, EnrolmentState},
    keys::Scope,
    leads::{LeadFilter, LeadInput},
    steps::StepInput,
    window::SendingWindow,
};
use serde_json::json;
use service::campaigns::advance::advance;
use testing::TestCompany;

use crate::{
    api::Program,
    support::{TestApp, header_of},
};

async fn text(answer: Response<Body>) -> String {
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A running campaign of two e-mails with Ada and Ben.
async fn running(app: &TestApp, company: &TestCompany<'_>) -> CampaignId {
    let mailbox = company.mailbox().await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let lead = |email: &str| LeadInput { email: Some(email.to_owned()), ..LeadInput::default() };
    t.leads().bulk_upsert(["ada@x.example", "ben@x.example"].map(lead).to_vec()).await.expect("stored");
    let input = CampaignInput {
        name: Some("Autumn".into()),
        audience: Some(Audience::Filter { filter: LeadFilter::default() }),
        window: Some(SendingWindow::always()),
        rules: None,
        mailboxes: Some(vec![mailbox]),
    };
    let id = t.campaigns().create(input).await.expect("created").id;
    for subject in ["Hello", "Once more"] {
        let step = StepInput { subject: Some(subject.into()), body: Some("Hello.".into()), ..StepInput::default() };
        t.campaigns().add_step(id, step).await.expect("added");
    }
    t.campaigns().start(id).await.expect("started");
    t.commit().await.expect("kept");
    advance(&app.db, company.id, id).await.expect("placed");
    id
}

async fn leads(app: &TestApp, company: &TestCompany<'_>, id: CampaignId) -> Vec<Enrolment> {
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let mut leads = t.enrolments().list(id, None, &PageRequest::default()).await.expect("a list").items;
    leads.sort_by(|a, b| a.email.cmp(&b.email));
    leads
}

#[tokio::test]
async fn ticked_leads_are_paused_at_once_and_all_of_a_state_go_on() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let id = running(&app, &company).await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let list = format!("/t/{}/campaigns/{id}/enrolments", company.slug);

    let page = text(app.get(&list, &cookie).await).await;
    for words in ["Select ada@x.example", "All 2 leads", "2 · Once more", "Select all on this page"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("1 · Hello"), "nobody goes back: {page}");

    let nothing = app.post(&format!("{list}/bulk"), &cookie, "state=&action=pause").await;
    assert_eq!(nothing.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(nothing).await.contains("Tick at least one lead."));
    let ada = leads(&app, &company, id).await[0].id;
    let paused = app.post(&format!("{list}/bulk"), &cookie, &format!("state=&action=pause&ids={ada}")).await;
    assert_eq!(paused.status(), StatusCode::SEE_OTHER);
    let back = header_of(&paused, "location").to_owned();
    assert_eq!(back, format!("{list}?state=&done=leads-paused.1.1.0.0.0.0.0"));
    assert!(text(app.get(&back, &cookie).await).await.contains("1 lead paused."));
    assert_eq!(leads(&app, &company, id).await[0].state, EnrolmentState::Paused);

    let resumed = app.post(&format!("{list}/bulk"), &cookie, "state=paused&all=1&action=resume").await;
    assert_eq!(header_of(&resumed, "location"), format!("{list}?state=paused&done=leads-resumed.1.1.0.0.0.0.0"));
    assert_eq!(leads(&app, &company, id).await[0].state, EnrolmentState::Active);
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_asked_about_with_its_number() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let id = running(&app, &company).await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let bulk = format!("/t/{}/campaigns/{id}/enrolments/bulk", company.slug);

    let second = {
        let mut t = app.db.tenant(&company.owner).await.expect("open");
        t.campaigns().steps(id).await.expect("steps").steps()[1].id
    };
    for (action, question) in [
        ("skip".to_owned(), "Skip the step that 2 leads are at?"),
        (format!("move:{second}"), "Move 2 leads to step 2?"),
        ("remove".to_owned(), "Remove 2 leads from Autumn?"),
    ] {
        let asked = app.post(&bulk, &cookie, &format!("state=&all=1&action={action}")).await;
        assert_eq!(asked.status(), StatusCode::OK);
        let page = text(asked).await;
        assert!(page.contains(question) && page.contains("name=\"as_of\""), "{question}: {page}");
    }
    let before = leads(&app, &company, id).await;
    assert!(before.iter().all(|lead| lead.steps_done == 0 && lead.state.is_open()), "{before:?}");

    let form = format!("state=&all=1&action=move:{second}&sure=yes");
    let moved = app.post(&bulk, &cookie, &form).await;
    assert!(header_of(&moved, "location").ends_with("done=leads-moved.2.2.0.0.0.0.0"));
    let again = app.post(&bulk, &cookie, &form).await;
    assert!(header_of(&again, "location").ends_with("done=leads-moved.0.2.0.0.2.0.0"));
    let page = text(app.get(header_of(&again, "location"), &cookie).await).await;
    assert!(page.contains("Left as they were: 2 at that step or past it already."), "{page}");
    assert!(leads(&app, &company, id).await.iter().all(|lead| lead.steps_done == 1));
}

#[tokio::test]
async fn nobody_of_another_company_changes_them() {
    let app = TestApp::new().await;
    let (company, other) = (app.db.company("Acme").await, app.db.company("Other").await);
    let id = running(&app, &company).await;
    let stranger = app.sign_in(&other.owner_email, false).await;
    for slug in [&company.slug, &other.slug] {
        for action in ["pause", "remove"] {
            let path = format!("/t/{slug}/campaigns/{id}/enrolments/bulk");
            let refused = app.post(&path, &stranger, &format!("state=&all=1&action={action}&sure=yes")).await;
            assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
    assert!(leads(&app, &company, id).await.iter().all(|lead| lead.state == EnrolmentState::Active));
}

#[tokio::test]
async fn whom_a_program_makes_a_customer_leaves_the_campaign() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let id = running(&app, &company).await;
    let (_, secret) = company.key(Scope::ALL).await;
    let program = Program { app: &app, secret };
    let ids: Vec<_> = leads(&app, &company, id).await.iter().map(|one| one.lead_id.expect("a lead")).collect();

    let patch = json!({"status": "customer"});
    let changed = program.send("PATCH", &format!("/leads/{}", ids[0]), &[], Some(&patch)).await;
    assert_eq!((changed.status, &changed.json["status"]), (StatusCode::OK, &json!("customer")), "{}", changed.json);
    let customers = program.get(&format!("/campaigns/{id}/enrolments?state=converted")).await.json;
    assert_eq!(customers["items"].as_array().map(Vec::len), Some(1), "{customers}");
    assert_eq!(customers["items"][0]["email"], "ada@x.example");

    let change = json!({"leads": {"ids": ids}, "action": "set_status", "status": "customer"});
    let done = program.post("/leads/bulk", change).await.json;
    assert_eq!((&done["changed"], &done["unchanged"]), (&json!(1), &json!(1)), "{done}");
    let states: Vec<_> = leads(&app, &company, id).await.iter().map(|one| one.state).collect();
    assert_eq!(states, [EnrolmentState::Converted; 2]);

    let cookie = app.sign_in(&company.owner_email, false).await;
    let own = format!("/t/{}/campaigns/{id}", company.slug);
    let overview = text(app.get(&own, &cookie).await).await;
    for words in ["Became customers", "2 of 2 leads accounted for"] {
        assert!(overview.contains(words), "{words}: {overview}");
    }
    let log = text(app.get(&format!("{own}/log?f.kind.is=converted"), &cookie).await).await;
    assert!(log.contains("ada@x.example") && log.contains("ben@x.example"), "{log}");
}
