//! Who stays signed in, and for how long.

use axum::http::StatusCode;
use chrono::Duration;
use tower_sessions::SessionStore;

use crate::support::{TestApp, set_cookie};

const HALF_A_DAY: &str = "Max-Age=43200";
const A_MONTH: &str = "Max-Age=2592000";

#[tokio::test]
async fn a_session_slides_while_it_is_used() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let home = format!("/t/{}", company.slug);
    for (keep, lasts) in [(false, HALF_A_DAY), (true, A_MONTH)] {
        let cookie = app.sign_in(&company.owner_email, keep).await;
        app.get(&home, &cookie).await;
        assert_eq!(set_cookie(&app.get(&home, &cookie).await), None, "it is not written with every request");

        app.db.clock().advance(Duration::minutes(11));

        let renewed = set_cookie(&app.get(&home, &cookie).await).expect("its end is moved");
        assert!(renewed.contains(lasts), "{renewed}");
        assert!(renewed.starts_with(&cookie), "it is the same session");
    }
}

#[tokio::test]
async fn a_session_that_is_left_alone_ends() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    assert_eq!(app.get("/login", &cookie).await.status(), StatusCode::SEE_OTHER, "signed in");

    app.db.clock().advance(Duration::hours(13));

    assert_eq!(app.get("/login", &cookie).await.status(), StatusCode::OK, "the form is shown again");
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, true).await;

    app.post("/logout", &cookie, "").await;

    assert_eq!(app.get("/login", &cookie).await.status(), StatusCode::OK, "a kept cookie is worthless");
}

#[tokio::test]
async fn a_request_that_ends_after_the_sign_out_brings_nothing_back() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let cookie = app.sign_in(&company.owner_email, false).await;
    let id = cookie.split_once('=').expect("a name and a value").1.parse().expect("an id");
    let store = app.db.session_store();
    let loaded = store.load(&id).await.expect("the database answers").expect("the session is there");

    app.post("/logout", &cookie, "").await;
    store.save(&loaded).await.expect("the database answers");

    assert_eq!(app.get("/login", &cookie).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_cookie_is_closed_to_scripts_and_other_sites() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let form = format!("email={}&password={}", company.owner_email, testing::PASSWORD.replace(' ', "+"));
    let cookie = set_cookie(&app.post("/login", "", &form).await).expect("a session begins");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
}
