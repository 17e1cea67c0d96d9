//! The JSON API as a program sees it: who may call, what comes back, and what a mistake is told.

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use domain::keys::Scope;
use serde_json::{Value, json};

use crate::support::{TestApp, header_of};

/// A program with a key.
pub struct Program<'a> {
    pub app: &'a TestApp,
    pub secret: String,
}

/// An answer that was read.
pub struct Answer {
    pub status: StatusCode,
    pub response: Response<()>,
    pub json: Value,
}

impl Program<'_> {
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let mut request = Request::builder()
            .method(method.parse::<Method>().expect("a method"))
            .uri(format!("/api/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.read(request.body(body).expect("a request")).await
    }

    /// Sends a file as it is.
    pub async fn upload(&self, path: &str, file: &str) -> Answer {
        let request = Request::post(format!("/api/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret))
            .header(header::CONTENT_TYPE, "text/csv");
        self.read(request.body(Body::from(file.to_owned())).expect("a request")).await
    }

    async fn read(&self, request: Request<Body>) -> Answer {
        let response = self.app.send(request).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.expect("a body");
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, response: Response::from_parts(parts, ()), json }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], Some(&body)).await
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub fn id(&self) -> String {
        self.json["id"].as_str().unwrap_or_else(|| panic!("no id in {}", self.json)).to_owned()
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_told() {
    let app = TestApp::new().await;
    for (secret, code) in [("", "key_missing"), ("sw_live_nobody", "key_invalid"), ("nonsense", "key_invalid")] {
        let mut request = Request::get("/api/v1/leads");
        if !secret.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {secret}"));
        }
        let answer = app.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(header_of(&answer, "www-authenticate"), "Bearer");
        assert_eq!(header_of(&answer, "content-type"), "application/problem+json");
        let asked = header_of(&answer, "x-request-id").to_owned();
        let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        let problem: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(problem["code"], code);
        assert_eq!(problem["request_id"], asked, "the answer names its request");
    }
}

#[tokio::test]
async fn a_key_does_what_its_scopes_name_and_no_more() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::LeadsRead]).await;
    let program = Program { app: &app, secret };

    assert_eq!(program.get("/leads").await.status, StatusCode::OK);
    assert_eq!(program.get("/me").await.json["scopes"], json!(["leads:read"]));
    for (method, path, scope) in [
        ("POST", "/leads", "leads:write"),
        ("GET", "/campaigns", "campaigns:read"),
        ("GET", "/mailboxes", "mailboxes:read"),
        ("GET", "/suppressions", "suppressions:read"),
    ] {
        let answer = program.send(method, path, &[], Some(&json!({"email": "a@b.example"}))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
        assert_eq!(answer.json["code"], "scope_missing");
        assert!(answer.json["detail"].as_str().is_some_and(|d| d.contains(scope)), "{}", answer.json);
    }
}

#[tokio::test]
async fn a_lead_is_made_changed_and_deleted() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::LeadsRead, Scope::LeadsWrite]).await;
    let program = Program { app: &app, secret };

    let made =
        program.post("/leads", json!({"email": "Ines@Corvus.example", "first_name": "Ines", "tags": ["optics"]})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
    let path = format!("/leads/{}", made.id());
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    let etag = made.header("etag").to_owned();

    let patch = json!({"title": "CTO", "first_name": null});
    let changed = program.send("PATCH", &path, &[("if-match", &etag)], Some(&patch)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.json);
    assert_eq!((&changed.json["title"], &changed.json["first_name"]), (&json!("CTO"), &Value::Null));
    assert_eq!(changed.json["tags"], json!(["optics"]), "what is not sent stays");

    let late = program.send("PATCH", &path, &[("if-match", &etag)], Some(&json!({"title": "CEO"}))).await;
    assert_eq!((late.status, &late.json["code"]), (StatusCode::PRECONDITION_FAILED, &json!("stale")));

    let again = program.post("/leads", json!({"email": "ines@corvus.example"})).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.json);

    assert_eq!(program.send("DELETE", &path, &[], None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_repeated_request_is_answered_again_and_not_done_again() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::LeadsRead, Scope::LeadsWrite]).await;
    let program = Program { app: &app, secret };
    let key = [("idempotency-key", "order-1")];
    let body = json!({"email": "ines@corvus.example"});

    let first = program.send("POST", "/leads", &key, Some(&body)).await;
    let second = program.send("POST", "/leads", &key, Some(&body)).await;
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(first.json, second.json);
    assert_eq!(first.header("etag"), second.header("etag"));

    let other = program.send("POST", "/leads", &key, Some(&json!({"email": "tom@corvus.example"}))).await;
    assert_eq!((other.status, &other.json["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("key_reused")));
    assert_eq!(program.get("/leads/count").await.json["value"], 1);
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::LeadsRead, Scope::LeadsWrite]).await;
    let program = Program { app: &app, secret };
    let leads: Vec<_> = (0..5).map(|n| json!({"email": format!("lead{n}@corvus.example"), "country": "DE"})).collect();
    let done = program.post("/leads/upsert", json!({"leads": leads})).await;
    assert_eq!(done.json["results"].as_array().map(Vec::len), Some(5), "{}", done.json);

    let (mut seen, mut path) = (Vec::new(), "/leads?per=2&sort=name&f.country.is=DE".to_owned());
    loop {
        let page = program.get(&path).await.json;
        seen.extend(page["items"].as_array().expect("rows").iter().map(|row| row["email"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/leads?per=2&sort=name&f.country.is=DE&after={next}");
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted(), "{seen:?}");
}

#[tokio::test]
async fn each_lead_of_a_batch_stands_for_itself() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::LeadsWrite]).await;
    let program = Program { app: &app, secret };
    let leads =
        json!([{"email": "a@x.example"}, {"email": "nonsense"}, {"emial": "b@x.example"}, {"email": "a@x.example"}]);
    let results = program.post("/leads/upsert", json!({"leads": leads})).await.json["results"].clone();
    assert_eq!(results[0]["created"], true, "{results}");
    assert_eq!(results[1]["errors"][0]["field"], "email", "{results}");
    assert!(results[2]["errors"][0]["message"].as_str().is_some_and(|m| m.contains("emial")), "{results}");
    assert_eq!(results[3]["errors"][0]["code"], "email_repeated", "{results}");
}

#[tokio::test]
async fn a_mistake_is_told_in_words() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(Scope::ALL).await;
    let program = Program { app: &app, secret };
    for (method, path, body, status, code) in [
        ("GET", "/leads?f.height.gte=3", None, 422, "filter_unknown"),
        ("GET", "/leads?stauts=new", None, 422, "parameter_unknown"),
        ("GET", "/leads?per=1000", None, 422, "number_invalid"),
        ("GET", "/leads?after=nonsense", None, 422, "cursor_invalid"),
        ("GET", "/campaigns?state=asleep", None, 422, "unknown_value"),
        ("GET", "/campaigns?statee=running", None, 422, "query_invalid"),
        ("GET", "/content?kind=poem", None, 422, "unknown_value"),
        ("GET", "/leads/nonsense", None, 404, "not_found"),
        ("GET", "/lead", None, 404, "route_unknown"),
        ("PUT", "/leads", None, 405, "method_not_allowed"),
        ("POST", "/leads", None, 415, "json_expected"),
        ("POST", "/leads", Some(json!({"emial": "a@b.example"})), 422, "body_invalid"),
        ("POST", "/leads", Some(json!({"email": "nonsense"})), 422, "email_invalid"),
        ("POST", "/suppressions", Some(json!({"targets": ["no"]})), 422, "target_invalid"),
    ] {
        let answer = program.send(method, path, &[], body.as_ref()).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (status, &json!(code)), "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
        assert!(answer.json["detail"].as_str().is_some_and(|d| d.len() > 10), "{}", answer.json);
    }
}

#[tokio::test]
async fn a_stored_password_goes_to_its_own_server_only() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::MailboxesRead, Scope::MailboxesWrite]).await;
    let program = Program { app: &app, secret };
    let server = json!({
        "from_name": "Nora Berg", "address": "nora@halden.example", "host": "smtp.halden.example", "port": 587,
        "security": "start_tls", "username": "nora", "password": "the password"
    });
    let path = format!("/mailboxes/{}", program.post("/mailboxes", server).await.id());
    let change = |change: Value| async { program.send("PATCH", &path, &[], Some(&{ change })).await };

    for elsewhere in [json!({"host": "evil.example"}), json!({"port": 25}), json!({"security": "none", "password": ""})]
    {
        let refused = change(elsewhere).await;
        assert_eq!((refused.status.as_u16(), &refused.json["code"]), (422, &json!("password_missing")));
        assert_eq!(refused.json["errors"][0]["field"], "password");
    }
    let same = change(json!({"host": "SMTP.halden.example", "port": 587, "from_name": "Nora"})).await;
    assert_eq!((same.status, &same.json["from_name"]), (StatusCode::OK, &json!("Nora")), "{}", same.json);
    let moved = change(json!({"host": "mail.halden.example", "password": "another"})).await;
    assert_eq!((moved.status, &moved.json["host"]), (StatusCode::OK, &json!("mail.halden.example")));
}

#[tokio::test]
async fn of_two_changes_of_a_mailbox_to_the_same_version_one_wins() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let path = format!("/mailboxes/{}", company.mailbox().await);
    let (_, secret) = company.key(&[Scope::MailboxesRead, Scope::MailboxesWrite]).await;
    let program = Program { app: &app, secret };
    let etag = program.get(&path).await.header("etag").to_owned();
    let change = |gap: i32| {
        let (program, path, etag) = (&program, &path, &etag);
        async move { program.send("PATCH", path, &[("if-match", etag)], Some(&json!({"gap_seconds": gap}))).await.status }
    };
    let (one, other) = tokio::join!(change(1), change(2));
    let mut answers = [one, other];
    answers.sort();
    assert_eq!(answers, [StatusCode::OK, StatusCode::PRECONDITION_FAILED]);
}

#[tokio::test]
async fn what_cannot_be_stored_or_is_not_there_is_told_in_words() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let mailbox = company.mailbox().await;
    let (_, secret) = company.key(Scope::ALL).await;
    let program = Program { app: &app, secret };
    let made = program.post("/campaigns", json!({"name": "Fair", "mailboxes": [mailbox]})).await;
    let (campaign, mailbox) = (format!("/campaigns/{}", made.id()), format!("/mailboxes/{mailbox}"));
    let step = program.post(&format!("{campaign}/steps"), json!({"subject": "Hello"})).await.id();
    let (step_path, tests) = (format!("{campaign}/steps/{step}"), format!("{campaign}/test-mails"));
    let test_mail = json!({"step": step, "lead": "01994b1e-0000-7000-8000-000000000000", "to": "me@x.example"});
    // Eight thousand years ago, and an id.
    let cursor = "_IfSUxYnAAAAAAAAAAAAAAAAAAAAAAAA";
    for (method, path, body, status, code) in [
        ("GET", "/campaigns?q=%00", None, 422, "text_invalid"),
        ("GET", "/suppressions?q=%00", None, 422, "text_invalid"),
        ("GET", "/content?q=%00", None, 422, "text_invalid"),
        ("POST", "/suppressions", Some(json!({"targets": ["a@b.example"], "detail": "a\0"})), 422, "text_invalid"),
        ("PATCH", &step_path, Some(json!({"subject": "a\0"})), 422, "text_invalid"),
        ("PATCH", &step_path, Some(json!({"body": "a\0"})), 422, "text_invalid"),
        ("PATCH", &mailbox, Some(json!({"host": "a\0"})), 422, "text_invalid"),
        ("PATCH", &mailbox, Some(json!({"username": "a\0"})), 422, "text_invalid"),
        (
            "PATCH",
            &campaign,
            Some(json!({"audience": {"kind": "filter", "filter": {"q": "a\0"}}})),
            422,
            "text_invalid",
        ),
        ("GET", &format!("/campaigns?after={cursor}"), None, 422, "cursor_invalid"),
        ("POST", &tests, Some(test_mail), 404, "not_found"),
    ] {
        let answer = program.send(method, path, &[], body.as_ref()).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (status, &json!(code)), "{method} {path}");
    }
}

#[tokio::test]
async fn a_draft_is_changed_by_who_knows_the_newest_until_it_is_dismissed() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::LeadsWrite]).await;
    let program = Program { app: &app, secret };
    let lead = program.post("/leads", json!({"email": "ines@corvus.example"})).await.id();
    let made = program.post(&format!("/leads/{lead}/drafts"), json!({"subject": "Sample", "body": "Hello."})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
    let (path, etag) = (format!("/drafts/{}", made.id()), made.header("etag").to_owned());

    let patch = json!({"subject": "Your sample"});
    let changed = program.send("PATCH", &path, &[("if-match", &etag)], Some(&patch)).await;
    assert_eq!((changed.status, &changed.json["body"]), (StatusCode::OK, &json!("Hello.")), "{}", changed.json);
    let late = program.send("PATCH", &path, &[("if-match", &etag)], Some(&patch)).await;
    assert_eq!((late.status, &late.json["code"]), (StatusCode::PRECONDITION_FAILED, &json!("stale")));

    let dismissed = program.send("POST", &format!("{path}/dismiss"), &[], None).await;
    assert_eq!((dismissed.status, &dismissed.json["state"]), (StatusCode::OK, &json!("dismissed")));
    let refused = program.send("PATCH", &path, &[], Some(&patch)).await;
    assert_eq!((refused.status, &refused.json["code"]), (StatusCode::CONFLICT, &json!("draft_decided")));
}

#[tokio::test]
async fn what_is_not_sent_of_a_text_stays_and_its_versions_are_read() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::CampaignsRead, Scope::CampaignsWrite]).await;
    let program = Program { app: &app, secret };
    let text = json!({"kind": "social", "title": "Drift", "body": "One.", "metadata": {"channel": "fair"}});
    let made = program.post("/content", text).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
    let path = format!("/content/{}", made.id());
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    let changed = program.send("PATCH", &path, &[], Some(&json!({"body": "Two."}))).await;
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"v2\""), "{}", changed.json);
    assert_eq!((&changed.json["title"], &changed.json["metadata"]["channel"]), (&json!("Drift"), &json!("fair")));

    let versions = program.get(&format!("{path}/versions")).await.json;
    assert_eq!((&versions["items"][0]["version"], &versions["items"][1]["version"]), (&json!(2), &json!(1)));
    assert_eq!(program.get(&format!("{path}/versions/1")).await.json["body"], "One.");
    assert_eq!(program.get("/content?kind=social&q=drift").await.json["items"][0]["id"], made.json["id"]);
    assert_eq!(program.get("/content?kind=blog").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_command_that_the_state_does_not_allow_lists_those_it_does() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(Scope::ALL).await;
    let program = Program { app: &app, secret };
    let draft = program.post("/campaigns", json!({"name": "Fair"})).await;
    assert_eq!(draft.status, StatusCode::CREATED, "{}", draft.json);
    let path = format!("/campaigns/{}", draft.id());

    let refused = program.send("POST", &format!("{path}/pause"), &[], None).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.json["allowed"], json!(["schedule", "start"]));

    let blocked = program.send("POST", &format!("{path}/start"), &[], None).await;
    assert_eq!(blocked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        blocked.json["errors"].as_array().is_some_and(|e| e.len() > 1),
        "every check that blocks: {}",
        blocked.json
    );
}

#[tokio::test]
async fn a_key_that_calls_too_often_waits() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::LeadsRead]).await;
    let program = Program { app: &app, secret };
    let first = program.get("/me").await;
    let limit: i64 = first.header("ratelimit-limit").parse().expect("a number");
    let remaining: i64 = first.header("ratelimit-remaining").parse().expect("a number");
    // The key was used once when it was made.
    assert_eq!(remaining, limit - 2);
    // The clock of the test stands still, so nothing comes back.
    for _ in 0..remaining {
        assert_eq!(program.get("/me").await.status, StatusCode::OK);
    }
    let refused = program.get("/me").await;
    assert_eq!((refused.status, &refused.json["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limited")));
    let wait: i64 = refused.header("retry-after").parse().expect("seconds");
    app.db.clock().advance(chrono::Duration::seconds(wait));
    assert_eq!(program.get("/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_documentation_shows_every_operation() {
    let app = TestApp::new().await;
    let answer = app.get("/docs/api", "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let html = to_bytes(answer.into_body(), 10 << 20).await.expect("a body");
    let html = String::from_utf8_lossy(&html);
    let document = api::openapi::document();
    for methods in document["paths"].as_object().expect("paths").values() {
        for operation in methods.as_object().expect("methods").values() {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
    assert!(!html.contains("<script"), "it needs no scripts");

    let described = app.get("/api/v1/openapi.json", "").await;
    assert_eq!(described.status(), StatusCode::OK, "the description needs no key");
}

#[tokio::test]
async fn conditions_that_no_lead_can_meet_are_refused_at_their_field_and_browsed_without_a_fault() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(Scope::ALL).await;
    let program = Program { app: &app, secret };
    program.post("/leads", json!({"email": "a@x.example", "country": "DE"})).await;
    let germany = json!({"country": ["Germany"]});
    let high = json!({"score_min": 900});
    let audience = |filter: &Value| json!({"name": "x", "audience": {"kind": "filter", "filter": filter}});
    let draft = program.post("/campaigns", json!({"name": "x"})).await.id();
    let change = json!({"leads": {"filter": germany}, "action": "delete"});
    for (method, path, body, field) in [
        ("GET", "/leads?f.country.is=Germany".to_owned(), None, "f.country.is"),
        ("GET", "/leads/count?f.score.gte=900".to_owned(), None, "f.score.gte"),
        ("GET", "/leads?f.score.gte=80&f.score.lte=70".to_owned(), None, "f.score.lte"),
        ("POST", "/leads/bulk".to_owned(), Some(change), "f.country.is"),
        ("POST", "/campaigns".to_owned(), Some(audience(&germany)), "f.country.is"),
        ("PATCH", format!("/campaigns/{draft}"), Some(audience(&high)), "f.score.gte"),
        ("POST", format!("/campaigns/{draft}/enrolments"), Some(json!({"filter": high})), "f.score.gte"),
    ] {
        let refused = program.send(method, &path, &[], body.as_ref()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{method} {path}: {}", refused.json);
        assert_eq!(refused.json["errors"][0]["field"], field, "{method} {path}: {}", refused.json);
    }
    let told = program.post("/campaigns", audience(&germany)).await.json["errors"][0]["message"].clone();
    assert_eq!(told, "“Germany” is no country code. Use DE.");
    // A link that somebody passes on leads to a list that is empty.
    let cookie = app.sign_in(&company.owner_email, false).await;
    for filter in ["f.country.is=Germany", "f.score.gte=900", "f.score.gte=80&f.score.lte=70"] {
        let page = app.get(&format!("/t/{}/leads?{filter}", company.slug), &cookie).await;
        assert_eq!(page.status(), StatusCode::OK, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_is_misspelt_is_no_filter_for_everybody() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(Scope::ALL).await;
    let program = Program { app: &app, secret };
    program.post("/leads", json!({"email": "a@x.example"})).await;
    let change = json!({"leads": {"filter": {"statuss": ["lost"]}}, "action": "delete"});
    let campaign = json!({"name": "x", "audience": {"kind": "filter", "filter": {"tags": ["rv"]}}});
    for (path, body) in [("/leads/bulk", change), ("/campaigns", campaign)] {
        let refused = program.post(path, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", refused.json);
    }
    assert_eq!(program.get("/leads").await.json["items"].as_array().map(Vec::len), Some(1));
}
