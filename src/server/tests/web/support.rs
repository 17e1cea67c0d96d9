//! The router as a value: requests go in, answers come out, no port is opened.

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use service::clock::Clock;
use testing::{PASSWORD, TestDb};
use tower::ServiceExt;

/// The web server on a database of its own, whose clock stands until it is moved.
pub struct TestApp {
    /// The database.
    pub db: TestDb,
    router: Router,
}

impl TestApp {
    pub async fn new() -> Self {
        let db = testing::db_at(Clock::system().now()).await;
        let router = server::web::router(&server::config::Config::default(), &db).expect("a router");
        Self { db, router }
    }

    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("the router answers")
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Response<Body> {
        let request = Request::get(path).header(header::COOKIE, cookie).header(header::ACCEPT, "text/html");
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    /// A form sent from one of our own pages.
    pub async fn post(&self, path: &str, cookie: &str, form: &str) -> Response<Body> {
        let request = Request::post(path)
            .header(header::COOKIE, cookie)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).expect("a request")).await
    }

    /// Signs in; what the browser would send from now on.
    pub async fn sign_in(&self, email: &str, keep: bool) -> String {
        let form =
            format!("email={email}&password={}{}", PASSWORD.replace(' ', "+"), if keep { "&keep=1" } else { "" });
        let answer = self.post("/login", "", &form).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{email} can sign in");
        let cookie = set_cookie(&answer).expect("a session begins");
        cookie.split(';').next().expect("a cookie has a value").to_owned()
    }
}

/// The cookie that an answer sets.
pub fn set_cookie(answer: &Response<Body>) -> Option<String> {
    Some(answer.headers().get(header::SET_COOKIE)?.to_str().expect("a cookie is text").to_owned())
}

/// A header of an answer, or nothing.
pub fn header_of<'a>(answer: &'a Response<Body>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("a header is text"))
}
