//! The sequence of a campaign without scripts: steps are added and moved by plain forms, in branches too, and what is said
//! of its versions is true.

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use domain::{
    CampaignId,
    campaigns::{Audience, CampaignInput},
    leads::{LeadFilter, LeadInput, LeadSource, LeadStatus},
    steps::{Answer, Branch, Step, StepInput, StepKind, Test},
    window::SendingWindow,
};
use service::campaigns::advance::advance;
use testing::TestCompany;

use crate::support::{TestApp, header_of};

async fn text(answer: Response<Body>) -> String {
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A draft with an e-mail and, behind it, a question.
async fn draft(app: &TestApp, company: &TestCompany<'_>) -> (CampaignId, Step, Step) {
    let mailbox = company.mailbox().await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let input = CampaignInput {
        name: Some("Story".into()),
        audience: Some(Audience::Filter { filter: LeadFilter::default() }),
        window: Some(SendingWindow::always()),
        mailboxes: Some(vec![mailbox]),
        ..CampaignInput::default()
    };
    let id = t.campaigns().create(input).await.expect("created").id;
    let mail = StepInput { subject: Some("First".into()), body: Some("Hello".into()), ..StepInput::default() };
    let mail = t.campaigns().add_step(id, mail).await.expect("added");
    let good = LeadFilter { status: vec![LeadStatus::Qualified], ..LeadFilter::default() };
    let test = Some(Test::Lead { filter: Box::new(good) });
    let asks = StepInput { kind: Some(StepKind::Condition), test, ..StepInput::default() };
    let asks = t.campaigns().add_step(id, asks).await.expect("added");
    t.commit().await.expect("kept");
    (id, mail, asks)
}

fn arrange() -> &'static str {
    let mut paths = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path);
    paths.find(|path| path.contains("arrange_steps")).expect("there")
}

#[tokio::test]
async fn steps_are_added_and_moved_in_branches() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let (id, mail, asks) = draft(&app, &company).await;
    let own = format!("/t/{}/campaigns/{id}/sequence", company.slug);

    let page = text(app.get(&own, &cookie).await).await;
    for words in ["Add step here", "Move to…", "at the end of Yes of step 2", "before step 1 “First”"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("The sequence ends here.") && !page.contains("Goes on with the next step."), "{page}");

    let post = async |form: String| {
        let form = format!("slug={}&id={id}&{form}", company.slug);
        app.post(arrange(), &cookie, &form).await.status()
    };
    let moved = post(format!("what=move&step={}&to=yes:{}", mail.id, asks.id)).await;
    assert!(moved.is_success() || moved.is_redirection(), "{moved}");
    let added = post(format!("what=add&kind=task&to=before:{}", mail.id)).await;
    assert!(added.is_success() || added.is_redirection(), "{added}");
    assert_eq!(post(format!("what=move&step={}&to=nowhere", mail.id)).await, StatusCode::NOT_FOUND);
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let steps = t.campaigns().steps(id).await.expect("steps").into_steps();
    let yes = Some(Branch { of: asks.id, when: Answer::Yes });
    let places: Vec<_> = steps.iter().map(|step| (step.kind(), step.branch)).collect();
    assert_eq!(places, [(StepKind::Condition, None), (StepKind::Task, yes), (StepKind::Email, yes)]);
}

#[tokio::test]
async fn a_step_that_would_stand_in_itself_is_refused_in_words() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let (id, _, asks) = draft(&app, &company).await;
    let page = format!("http://localhost/t/{}/campaigns/{id}/sequence", company.slug);
    let form = format!("slug={}&id={id}&what=move&step={}&to=no:{}", company.slug, asks.id, asks.id);
    let request = Request::post(arrange())
        .header(header::COOKIE, &cookie)
        .header(header::ACCEPT, "text/html")
        .header(header::REFERER, &page)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_LENGTH, form.len())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = app.send(request.body(Body::from(form)).expect("a request")).await;
    let back = header_of(&answer, "location").strip_prefix("http://localhost").expect("the same page").to_owned();
    let answer = app.get(&back, &cookie).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = text(answer).await;
    assert!(page.contains("A step cannot stand in a branch of its own."), "{page}");
}

#[tokio::test]
async fn a_campaign_that_has_ended_says_what_leads_got() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let (id, mail, _) = draft(&app, &company).await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let lead = LeadInput { email: Some("a@x.example".into()), ..LeadInput::default() };
    t.leads().create(lead, LeadSource::Manual).await.expect("created");
    t.campaigns().start(id).await.expect("started");
    let reworded = StepInput { subject: Some("Reworded".into()), ..StepInput::default() };
    t.campaigns().update_step(id, mail.id, reworded, None).await.expect("edited");
    t.commit().await.expect("kept");
    let at = async |tab: &str| text(app.get(&format!("/t/{}/campaigns/{id}/{tab}", company.slug), &cookie).await).await;

    let page = at("sequence").await;
    assert!(page.contains("Version 2, not published"), "{page}");
    assert!(page.contains("Leads get version 1 until you publish it."), "{page}");

    let mut t = app.db.tenant(&company.owner).await.expect("open");
    t.campaigns().stop(id).await.expect("stopped");
    t.commit().await.expect("kept");
    advance(&app.db, company.id, id).await.expect("ended");
    let page = at("sequence").await;
    assert!(page.contains("Leads got version 1.") && page.contains("version 2, which was never published"), "{page}");
    assert!(!page.contains("until you publish it") && !page.contains("Review and publish"), "{page}");
    assert!(at("versions").await.contains("so nobody gets this version"));
    let page = at("simulation").await;
    assert!(page.contains("Nothing is ahead") && !page.contains("Not simulated yet"), "{page}");
}
