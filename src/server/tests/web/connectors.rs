//! Connectors on pages: who should look at one is told, and providers read who signs people in.

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use domain::{
    Role,
    connectors::{ConnectorAuth, ConnectorInput, Transport},
};
use serde_json::Value;
use service::connectors::{Found, FoundTool};
use tower::ServiceExt;

use crate::support::{TestApp, header_of};

#[tokio::test]
async fn home_tells_those_who_may_review_of_new_tools() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    company.member(Role::Member).await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let input = ConnectorInput {
        name: Some("crm".into()),
        transport: Some(Transport::Http),
        url: Some("https://mcp.example.com/mcp".into()),
        auth: Some(ConnectorAuth::None),
        ..ConnectorInput::default()
    };
    let id = t.connectors().create(input).await.expect("set up").id;
    let tool = FoundTool {
        name: "find".into(),
        title: None,
        description: "Finds people.".into(),
        input_schema: serde_json::json!({"type": "object"}),
        read_only: None,
        destructive: None,
    };
    t.connectors().found(id, Found { tools: vec![tool], ..Found::default() }).await.expect("kept");
    let members = t.members().list().await.expect("a list");
    let member = members.iter().find(|one| one.role == Role::Member).expect("there is one").email.to_string();
    t.commit().await.expect("kept");
    let mut pages = Vec::new();
    for email in [&company.owner_email, &member] {
        let cookie = app.sign_in(email, false).await;
        let page = app.get(&format!("/t/{}", company.slug), &cookie).await;
        let bytes = to_bytes(page.into_body(), 1 << 20).await.expect("a body");
        pages.push(String::from_utf8(bytes.to_vec()).expect("text"));
    }
    let (told, link) = ("1 tool is new or changed at crm", format!("/settings/connectors/{id}"));
    assert!(pages[0].contains(told) && pages[0].contains(&link), "{}", pages[0]);
    assert!(!pages[1].contains(told), "a member may not review");
}

#[tokio::test]
async fn providers_read_who_signs_people_in_where_they_can_come_to() {
    let test = testing::db().await;
    for (url, status) in [("https://sales.example.com", StatusCode::OK), ("http://localhost", StatusCode::NOT_FOUND)] {
        let db = test.with_public_url(url);
        let router = server::web::router(&server::config::Config::default(), &db).expect("a router");
        let asked = Request::get("/client-metadata.json").body(Body::empty()).expect("a request");
        let answer = router.oneshot(asked).await.expect("the router answers");
        assert_eq!(answer.status(), status, "{url}");
        if status == StatusCode::OK {
            assert!(header_of(&answer, "content-type").starts_with("application/json"));
            let bytes = to_bytes(answer.into_body(), 1 << 16).await.expect("a body");
            let client: Value = serde_json::from_slice(&bytes).expect("JSON");
            assert_eq!(client["client_id"], "https://sales.example.com/client-metadata.json");
            assert_eq!(client["redirect_uris"][0], "https://sales.example.com/connectors/oauth/callback");
        }
    }
}
