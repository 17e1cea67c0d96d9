//! The layers that protect people: headers, the origin of changes, and a database that is away.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use domain::keys::Scope;
use leptos::server_fn::axum::server_fn_paths;

use crate::support::{TestApp, header_of};

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect() {
    let app = TestApp::new().await;
    for path in ["/login", "/t/acme", "/livez", "/no/such/page"] {
        let answer = app.get(path, "").await;
        let policy = header_of(&answer, "content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("script-src 'unsafe-inline'"), "{path}: {policy}");
        assert_eq!(header_of(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header_of(&answer, "referrer-policy"), "same-origin", "{path}");
        assert!(!header_of(&answer, "x-request-id").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_change_that_another_site_began_is_refused() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
    {
        let request = Request::post("/logout")
            .header(header::COOKIE, &cookie)
            .header(header::HOST, "127.0.0.1:3000")
            .header(name, value);
        let answer = app.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    // Still signed in: the sign-in page sends on.
    assert_eq!(app.get("/login", &cookie).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_link_in_a_mail_needs_no_page_of_ours() {
    let app = TestApp::new().await;
    // One-click unsubscribe (RFC 8058) is posted by mail programs; an unknown token is not found, not refused.
    let request = Request::post("/p/AAAA")
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = app.send(request.body(Body::from("List-Unsubscribe=One-Click")).expect("a request")).await;
    assert_ne!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_a_file_may_be_large() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let (_, secret) = company.key(Scope::ALL).await;
    let large = "x".repeat(2 << 20);
    let send = |path: String, kind: &'static str, body: String| {
        let request = Request::post(path)
            .header(header::COOKIE, &cookie)
            .header(header::AUTHORIZATION, format!("Bearer {secret}"))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, kind)
            .header(header::CONTENT_LENGTH, body.len());
        app.send(request.body(Body::from(body)).expect("a request"))
    };

    let create_lead = server_fn_paths().map(|(path, _)| path).find(|path| path.contains("create_lead")).expect("there");
    for (path, kind) in [(create_lead, FORM), ("/login", FORM), ("/api/v1/leads", "application/json")] {
        let refused = send(path.to_owned(), kind, format!("email={large}")).await;
        assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }

    let file = format!("email\n{}", "a@b.example\n".repeat((2 << 20) / 12));
    let taken = send("/api/v1/imports".to_owned(), "text/csv", file.clone()).await;
    assert_eq!(taken.status(), StatusCode::CREATED);
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"leads.csv\"\r\n\r\n{file}\r\n--x--\r\n"
    );
    let path = format!("/t/{}/leads/import/upload", company.slug);
    let taken = send(path, "multipart/form-data; boundary=x", form).await;
    assert_eq!(taken.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn while_the_database_is_away_pages_say_so_and_nobody_is_signed_out() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    assert_eq!(app.get("/readyz", "").await.status(), StatusCode::OK);

    app.db.go_away().await;

    assert_eq!(app.get("/livez", "").await.status(), StatusCode::OK, "the process itself is alive");
    let ready = app.get("/readyz", "").await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let page = app.get(&format!("/t/{}", company.slug), &cookie).await;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header_of(&page, "set-cookie"), "", "the session is not given up");

    app.db.come_back().await;

    // It recovers by itself: whoever asks again is served.
    let mut tries = 0;
    while app.get("/readyz", "").await.status() != StatusCode::OK {
        tries += 1;
        assert!(tries < 50, "the database is back");
    }
    assert_eq!(app.get(&format!("/t/{}", company.slug), &cookie).await.status(), StatusCode::OK);
}
