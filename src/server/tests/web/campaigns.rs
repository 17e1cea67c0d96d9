//! What the pages of campaigns say before the start, and what is said to whoever has enrolled leads.

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use domain::{
    CampaignId, LeadId,
    campaigns::{Audience, CampaignInput, Exclusions, Rules},
    keys::Scope,
    leads::{LeadFilter, LeadInput},
    steps::StepInput,
    window::SendingWindow,
};
use service::campaigns::advance::advance;
use testing::TestCompany;

use crate::{
    api::Program,
    support::{TestApp, header_of},
};

async fn text(answer: Response<Body>) -> String {
    assert_eq!(answer.status(), StatusCode::OK);
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Ada in France, Ben and Cem in Germany.
async fn leads(app: &TestApp, company: &TestCompany<'_>) -> Vec<LeadId> {
    let lead = |(email, country): (&str, &str)| LeadInput {
        email: Some(email.to_owned()),
        country: Some(country.to_owned()),
        ..LeadInput::default()
    };
    let all = [("ada@x.example", "FR"), ("ben@x.example", "DE"), ("cem@x.example", "DE")];
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let stored = t.leads().bulk_upsert(all.map(lead).to_vec()).await.expect("stored");
    t.commit().await.expect("kept");
    stored.into_iter().map(|lead| lead.expect("a lead").0).collect()
}

fn from(country: &str) -> Audience {
    Audience::Filter { filter: LeadFilter { country: vec![country.to_owned()], ..LeadFilter::default() } }
}

/// A draft with one step.
async fn draft(app: &TestApp, company: &TestCompany<'_>, audience: Audience, step: StepInput) -> CampaignId {
    let mailbox = company.mailbox().await;
    let exclude = Exclusions { active_elsewhere: true, ..Exclusions::default() };
    let input = CampaignInput {
        name: Some("Autumn".into()),
        audience: Some(audience),
        window: Some(SendingWindow::always()),
        rules: Some(Rules { exclude, ..Rules::default() }),
        mailboxes: Some(vec![mailbox]),
    };
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let id = t.campaigns().create(input).await.expect("created").id;
    t.campaigns().add_step(id, step).await.expect("added");
    t.commit().await.expect("kept");
    id
}

fn hello() -> StepInput {
    StepInput { subject: Some("Hello".into()), body: Some("Hello.".into()), ..StepInput::default() }
}

#[tokio::test]
async fn a_draft_says_everywhere_for_how_many_leads_it_is() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    leads(&app, &company).await;
    let id = draft(&app, &company, from("DE"), hello()).await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let base = format!("/t/{}/campaigns", company.slug);

    let overview = text(app.get(&format!("{base}/{id}"), &cookie).await).await;
    assert!(overview.contains("2 leads would be enrolled now"), "{overview}");
    assert!(!overview.contains("accounted for"), "nobody is anywhere yet: {overview}");
    let enrolments = text(app.get(&format!("{base}/{id}/enrolments"), &cookie).await).await;
    assert!(enrolments.contains("2 leads would be enrolled now"), "{enrolments}");
    assert!(enrolments.contains(&format!("/t/{}/leads?f.country.is=DE", company.slug)), "{enrolments}");
    let list = text(app.get(&base, &cookie).await).await;
    assert!(list.contains("2 leads") && !list.contains("0 of 0"), "{list}");
}

#[tokio::test]
async fn the_launch_page_counts_whom_the_rules_leave() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    leads(&app, &company).await;
    let first = draft(&app, &company, from("FR"), hello()).await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    t.campaigns().start(first).await.expect("started");
    t.commit().await.expect("kept");
    advance(&app.db, company.id, first).await.expect("placed");

    let everybody = Audience::Filter { filter: LeadFilter::default() };
    let id = draft(&app, &company, everybody, hello()).await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let page = text(app.get(&format!("/t/{}/campaigns/{id}/launch", company.slug), &cookie).await).await;
    for words in [
        "3 leads are chosen; e-mails go to 2.",
        "1 lead is left out: active in another campaign.",
        "Start sending to 2 leads",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn each_fault_stands_in_a_line_of_its_own() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    leads(&app, &company).await;
    let id = draft(&app, &company, from("DE"), StepInput::default()).await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let page = text(app.get(&format!("/t/{}/campaigns/{id}/launch", company.slug), &cookie).await).await;
    for words in ["<li>Step 1: Write a subject.", "<li>Step 1: Write a text."] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn leads_that_were_enrolled_are_not_said_to_be_changed() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let leads = leads(&app, &company).await;
    let id = draft(&app, &company, Audience::Selection, hello()).await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let enrol = async |some: &[LeadId]| {
        let ids: String = some.iter().map(|lead| format!("&ids={lead}")).collect();
        let form = format!("query=&action=enrol:{id}&sure=yes{ids}");
        let answer = app.post(&format!("/t/{}/leads/bulk", company.slug), &cookie, &form).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        header_of(&answer, "location").to_owned()
    };
    let done = enrol(&leads[..2]).await;
    assert!(done.ends_with("done=leads-enrolled.2.2"), "{done}");
    let page = text(app.get(&done, &cookie).await).await;
    assert!(page.contains("2 leads added to the campaign."), "{page}");
    let done = enrol(&leads).await;
    assert!(done.ends_with("done=leads-enrolled.1.3"), "{done}");
}

/// A draft that was started, with two leads.
async fn running(app: &TestApp, company: &TestCompany<'_>) -> CampaignId {
    leads(app, company).await;
    let id = draft(app, company, from("DE"), hello()).await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    t.campaigns().start(id).await.expect("started");
    t.commit().await.expect("kept");
    id
}

#[tokio::test]
async fn the_log_is_what_its_address_asks_for_and_so_is_its_file() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let id = running(&app, &company).await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let log = format!("/t/{}/campaigns/{id}/log", company.slug);
    let entry = |what: &str| format!("<span class=\"strong\">{what}<");

    let page = text(app.get(&log, &cookie).await).await;
    for words in [entry("Created"), entry("Started"), "with 2 leads".into(), "\"kind\": \"started\"".into()] {
        assert!(page.contains(&words), "{words}: {page}");
    }
    let page = text(app.get(&format!("{log}?f.kind.is=started"), &cookie).await).await;
    assert!(page.contains(&entry("Started")) && !page.contains(&entry("Created")), "{page}");
    assert!(page.contains(&format!("{log}/file?f.kind.is=started")), "{page}");
    let page = text(app.get(&format!("{log}?f.kind.is=complained&f.lead.has=ben"), &cookie).await).await;
    assert!(page.contains("No entries match") && page.contains("Remove filter Lead"), "{page}");

    let file = app.get(&format!("{log}/file?f.kind.is=started"), &cookie).await;
    assert_eq!(header_of(&file, "content-type"), "text/csv; charset=utf-8");
    assert_eq!(header_of(&file, "content-disposition"), "attachment; filename=\"campaign-log.csv\"");
    let file = text(file).await;
    let lines: Vec<_> = file.lines().collect();
    assert_eq!(lines.len(), 2, "{file}");
    assert!(lines[0].starts_with("at,kind,what,step,") && lines[1].contains(",started,Started,"), "{file}");

    let program = Program { app: &app, secret: company.key(Scope::ALL).await.1 };
    let found = program.get(&format!("/campaigns/{id}/events?kind=started")).await.json;
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
    let unknown = program.get(&format!("/campaigns/{id}/events?kind=teleported")).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);

    let other = app.db.company("Other").await;
    let cookie = app.sign_in(&other.owner_email, false).await;
    for slug in [&company.slug, &other.slug] {
        for path in ["log", "log/file"] {
            let answer = app.get(&format!("/t/{slug}/campaigns/{id}/{path}"), &cookie).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{slug} {path}");
        }
    }
}

#[tokio::test]
async fn who_gives_a_command_on_a_tab_stays_there() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let id = running(&app, &company).await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let own = format!("/t/{}/campaigns/{id}", company.slug);
    let offers = |page: &str, command: &str| page.contains(&format!("name=\"command\" value=\"{command}\""));

    for tab in ["", "/enrolments", "/mails", "/sequence", "/log", "/settings", "/versions", "/simulation", "/proofs"] {
        let page = text(app.get(&format!("{own}{tab}"), &cookie).await).await;
        assert!(offers(&page, "pause") && offers(&page, "duplicate") && !offers(&page, "resume"), "{tab}: {page}");
    }
    let tab = format!("{own}/log?f.kind.is=started");
    let page = text(app.get(&tab, &cookie).await).await;
    let path = page.split("action=\"").find(|rest| rest.starts_with("/sf/command_campaign")).expect("a form");
    let form = format!("slug={}&id={id}&command=pause", company.slug);
    let request = Request::post(path.split('"').next().expect("an address"))
        .header(header::COOKIE, &cookie)
        .header(header::ACCEPT, "text/html")
        .header(header::REFERER, format!("http://localhost{tab}"))
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_LENGTH, form.len())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = app.send(request.body(Body::from(form)).expect("a request")).await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    let back = header_of(&answer, "location").to_owned();
    assert_eq!(back, format!("{tab}&done=paused"));
    let page = text(app.get(&back, &cookie).await).await;
    assert!(page.contains("Paused. E-mails already handed over will still arrive."), "{page}");
    assert!(offers(&page, "resume") && !offers(&page, "pause"), "{page}");
}

#[tokio::test]
async fn the_replies_of_a_campaign_are_found_when_it_is_archived() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let id = running(&app, &company).await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    t.campaigns().stop(id).await.expect("told to stop");
    t.commit().await.expect("kept");
    advance(&app.db, company.id, id).await.expect("stopped");
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let name = t.campaigns().archive(id, true).await.expect("archived").name;
    t.commit().await.expect("kept");
    let cookie = app.sign_in(&company.owner_email, false).await;
    let inbox = format!("/t/{}/inbox?tab=all&amp;campaign=", company.slug);

    let page = text(app.get(&format!("/t/{}/campaigns/{id}", company.slug), &cookie).await).await;
    assert!(page.contains(&format!("href=\"{inbox}{id}\"")), "{page}");
    let of = |campaign: CampaignId| format!("{}{campaign}", inbox.replace("&amp;", "&"));
    let page = text(app.get(&of(id), &cookie).await).await;
    assert!(page.contains("Remove filter Campaign") && page.contains(&name), "{page}");
    let page = text(app.get(&of(CampaignId(company.id.0)), &cookie).await).await;
    assert!(page.contains("another one"), "{page}");
}
