//! Pages without scripts: what they wear, and that a refusal loses nothing that was entered.

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use domain::{
    PageRequest, Role,
    agents::Definition,
    content::{ContentInput, ContentKind},
    leads::{LeadInput, LeadSource},
    runs::RunFilter,
    threads::ThreadFilter,
};
use service::inbound::Arrival;

use crate::support::{TestApp, header_of};

async fn text(answer: Response<Body>) -> String {
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn they_wear_the_theme_that_was_chosen() {
    let app = TestApp::new().await;
    for (cookie, theme) in [("theme=dark", "dark"), ("a=b; theme=light", "light"), ("theme=\"><i>", "system")] {
        let page = text(app.get("/login", cookie).await).await;
        assert!(page.contains(&format!("data-theme=\"{theme}\"")), "{cookie}: {page}");
    }
}

#[tokio::test]
async fn a_refused_key_comes_back_to_its_form_with_what_was_entered() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let form = "name=CRM+sync&expires=30";
    let request = Request::post(format!("/t/{}/settings/keys/new", company.slug))
        .header(header::COOKIE, &cookie)
        .header(header::ACCEPT, "text/html")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_LENGTH, form.len())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let refused = app.send(request.body(Body::from(form)).expect("a request")).await;
    assert_eq!(refused.status(), StatusCode::SEE_OTHER);
    let back = header_of(&refused, "location").to_owned();

    let page = app.get(&back, &cookie).await;
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY, "{back}");
    let page = text(page).await;
    assert!(page.contains("There is a problem"), "{page}");
    assert!(page.contains("value=\"CRM sync\""), "{page}");
}

#[tokio::test]
async fn a_form_of_an_older_version_is_told_so() {
    let app = TestApp::new().await;
    let answer = app.post("/sf/save_what_was_once_here123", "", "name=CRM").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let page = text(answer).await;
    assert!(page.contains("A new version is ready") && page.contains("Nothing was changed."), "{page}");
}

#[tokio::test]
async fn an_invitation_says_whom_it_is_for() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    t.invitations().invite("ada@example.com", Role::Member).await.expect("invited");
    t.commit().await.expect("kept");
    let (_, mail) = testing::system_mails(&app.db.superuser()).await.pop().expect("a mail");
    let link = mail.lines().find_map(|line| line.split_once("/invite/")).expect("a link").1.to_owned();

    let cookie = app.sign_in(&company.owner_email, false).await;
    let page = app.get(&format!("/invite/{link}"), &cookie).await;
    assert_eq!(page.status(), StatusCode::CONFLICT);
    let page = text(page).await;
    assert!(page.contains("ada@example.com") && page.contains(&company.owner_email), "{page}");

    let out = app.post("/logout", &cookie, &format!("next=/invite/{link}")).await;
    assert_eq!(header_of(&out, "location"), format!("/invite/{link}"));
}

#[tokio::test]
async fn a_text_is_a_file_for_its_own_people_only() {
    let app = TestApp::new().await;
    let (company, other) = (app.db.company("Acme").await, app.db.company("Other").await);
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let words = ContentInput {
        kind: ContentKind::Blog,
        title: "Drift: “one”".to_owned(),
        body: "# Drift\n\n<script>".to_owned(),
        metadata: Default::default(),
        campaign: None,
    };
    let id = t.content().create(words).await.expect("made").id;
    t.commit().await.expect("kept");

    let cookie = app.sign_in(&company.owner_email, false).await;
    let file = app.get(&format!("/t/{}/content/{id}/export", company.slug), &cookie).await;
    assert_eq!(header_of(&file, "content-type"), "text/markdown; charset=utf-8");
    assert_eq!(header_of(&file, "content-disposition"), "attachment; filename=\"Drift---one-.md\"");
    assert_eq!(text(file).await, "# Drift\n\n<script>");
    let stranger = app.sign_in(&other.owner_email, false).await;
    for slug in [&company.slug, &other.slug] {
        let refused = app.get(&format!("/t/{slug}/content/{id}/export"), &stranger).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{slug}");
    }
}

#[tokio::test]
async fn the_file_of_a_text_comes_out_as_a_file_and_nothing_else() {
    let app = TestApp::new().await;
    let (company, other) = (app.db.company("Acme").await, app.db.company("Other").await);
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let (title, body) = ("Drift".to_owned(), "A bench.".to_owned());
    let words = ContentInput { kind: ContentKind::Image, title, body, metadata: Default::default(), campaign: None };
    let id = t.content().create(words).await.expect("made").id;
    t.commit().await.expect("kept");
    let cookie = app.sign_in(&company.owner_email, false).await;
    let stranger = app.sign_in(&other.owner_email, false).await;
    let path = format!("/t/{}/content/{id}/file", company.slug);
    let upload = async |cookie: &str, bytes: &str| {
        let body = format!(
            "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"drift.gif\"\r\n\r\n{bytes}\r\n--x--\r\n"
        );
        let request = Request::post(&path)
            .header(header::COOKIE, cookie)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
        app.send(request.body(Body::from(body)).expect("a request")).await
    };
    assert_eq!(app.get(&path, &cookie).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(upload(&stranger, "GIF89a and so on").await.status(), StatusCode::NOT_FOUND);
    let refused = upload(&cookie, "<script>alert(1)</script>").await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(refused).await.contains("Choose a PNG"));
    let taken = upload(&cookie, "GIF89a and so on").await;
    assert_eq!(header_of(&taken, "location"), format!("/t/{}/content/{id}?done=file-attached", company.slug));

    let file = app.get(&path, &cookie).await;
    for (name, value) in [
        ("content-type", "image/gif"),
        ("content-disposition", "attachment; filename=\"drift.gif\""),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(header_of(&file, name), value, "{name}");
    }
    assert_eq!(text(file).await, "GIF89a and so on");
    assert_eq!(app.get(&path, &stranger).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_mail_as_it_was_sent_runs_nothing_and_is_for_its_own_people_only() {
    let app = TestApp::new().await;
    let (company, other) = (app.db.company("Acme").await, app.db.company("Other").await);
    let mailbox = company.mailbox().await;
    let raw = b"From: ines@corvus.example\r\nSubject: Plan\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
                <p>Hello <b>Nora</b></p><script>alert(1)</script><img src=\"https://x.example/a.png\">";
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let at = t.now();
    let mail = t.inbound().receive(Arrival { mailbox, uid_key: "7:1", raw, at }).await.expect("stored").expect("new");
    let thread = t.threads().list(&ThreadFilter::default(), &PageRequest::default()).await.expect("a list").items[0].id;
    t.commit().await.expect("kept");
    let path = format!("/t/{}/inbox/mails/{mail}/html", company.slug);
    let cookie = app.sign_in(&company.owner_email, false).await;

    let page = text(app.get(&format!("/t/{}/inbox/{thread}", company.slug), &cookie).await).await;
    for words in [path.as_str(), "sandbox=\"allow-popups allow-popups-to-escape-sandbox\"", "loading=\"lazy\""] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("<script>alert"), "{page}");

    let shown = app.get(&path, &cookie).await;
    assert_eq!(shown.status(), StatusCode::OK);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(header_of(&shown, name), value, "{name}");
    }
    let directives = |policy: &str| policy.split("; ").map(str::to_owned).collect::<Vec<_>>();
    let policy = directives(header_of(&shown, "content-security-policy"));
    for directive in [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    ] {
        assert!(policy.iter().any(|one| one == directive), "{directive}: {policy:?}");
    }
    let page = text(shown).await;
    assert!(page.contains("<b>Nora</b>"), "{page}");
    assert!(!page.contains("<script") && !page.contains("x.example"), "{page}");

    let asked = app.get(&format!("{path}?images=1"), &cookie).await;
    let policy = directives(header_of(&asked, "content-security-policy"));
    assert!(policy.iter().any(|one| one == "img-src https: data:"), "{policy:?}");
    assert!(text(asked).await.contains("https://x.example/a.png"));

    let stranger = app.sign_in(&other.owner_email, false).await;
    for slug in [&company.slug, &other.slug] {
        let refused = app.get(&format!("/t/{slug}/inbox/mails/{mail}/html"), &stranger).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{slug}");
        assert!(header_of(&refused, "content-security-policy").contains("sandbox"), "{slug}");
        assert!(!text(refused).await.contains("Nora"), "{slug}");
    }
}

#[tokio::test]
async fn signing_out_is_written_down() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    app.post("/logout", &cookie, "").await;
    assert_eq!(header_of(&app.get("/login", &cookie).await, "location"), "", "nobody is signed in");
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let log = t.audit().list(false, &PageRequest::default()).await.expect("a log");
    assert_eq!(log.items.first().map(|entry| entry.action.as_str()), Some("person.signed_out"));
}

#[tokio::test]
async fn a_form_with_letters_for_a_number_is_refused_as_such() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let path = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, _)| path)
        .find(|path| path.contains("connect_mailbox"))
        .expect("there");
    let form = format!("slug={}&form[kind]=sandbox&form[daily_cap]=many", company.slug);
    let answer = app.post(path, &cookie, &form).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_agent_is_started_for_whoever_is_named() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let file = "---\nname: scout\ndescription: Looks.\ninputs: {type: object, required: [lead], properties: {lead: {type: \
                string, format: lead}}}\n---\nLook.";
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let agent = t.agents().create(Definition::from_markdown(file).expect("a file")).await.expect("created").id;
    let mut leads = Vec::new();
    for (first, last) in [("Ann", "Berg"), ("Ann", "Dahl")] {
        let input = LeadInput {
            email: Some(format!("{first}.{last}@corvus.example")),
            first_name: Some(first.to_owned()),
            last_name: Some(last.to_owned()),
            ..LeadInput::default()
        };
        leads.push(t.leads().create(input, LeadSource::Api).await.expect("made").id.to_string());
    }
    t.commit().await.expect("kept");
    let path = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, _)| path)
        .find(|path| path.contains("start_run"))
        .expect("there");
    let start = async |lead: &str| {
        let form = format!("slug={}&id={agent}&form[task]=Look&form[parameters.lead]={lead}", company.slug);
        app.post(path, &cookie, &form).await.status()
    };
    for wrong in ["Ann", "Bob", "nobody%40corvus.example"] {
        assert_eq!(start(wrong).await, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    for (words, lead) in [("Dahl", &leads[1]), ("ann.berg%40corvus.example", &leads[0]), (&leads[1], &leads[1])] {
        assert_eq!(start(words).await, StatusCode::OK, "{words}");
        let mut t = app.db.tenant(&company.owner).await.expect("open");
        let run = t.runs().list(&RunFilter::default(), &PageRequest::default()).await.expect("a list").items.remove(0);
        assert_eq!(run.parameters["lead"], lead.as_str(), "{words}");
    }
}
