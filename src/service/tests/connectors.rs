//! Connectors of a company: what is sealed, what a change forgets, how many calls may be made, and whom an attempt
//! to sign in belongs to.

use chrono::{DateTime, Duration, Utc};
use domain::{
    ConnectorId, PageRequest, Role,
    connectors::{
        Connector, ConnectorAuth, ConnectorInput, ConnectorState, ConnectorTool, ToolPermission, ToolReview, ToolState,
        Transport,
    },
};
use serde_json::json;
use service::{
    Error, Tenant,
    connectors::{Admission, Found, FoundTool, Led, Made, SignInAnswer},
};
use testing::TestDb;

const SECRET: &str = "only-the-server-may-read-this";

fn input(name: &str) -> ConnectorInput {
    ConnectorInput {
        name: Some(name.to_owned()),
        transport: Some(Transport::Http),
        url: Some("https://mcp.example.com/mcp".to_owned()),
        auth: Some(ConnectorAuth::Bearer),
        secret: Some(SECRET.to_owned()),
        ..ConnectorInput::default()
    }
}

async fn create(t: &mut Tenant, name: &str) -> Connector {
    t.connectors().create(input(name)).await.expect("set up")
}

fn found(names: &[&str]) -> Found {
    let tool = |name: &&str| FoundTool {
        name: (*name).to_owned(),
        title: None,
        description: format!("Does {name}.\0"),
        input_schema: json!({"type": "object"}),
        read_only: Some(true),
        destructive: None,
    };
    Found { protocol: "2025-11-25".to_owned(), tools: names.iter().map(tool).collect(), ..Found::default() }
}

async fn call(t: &mut Tenant, id: ConnectorId, error: Option<&str>) {
    let broken = error.is_some();
    let made = Made { tool: "find", run: None, took_ms: 5, error, broken, needs_sign_in: false, challenge: None };
    t.connectors().made(id, made).await.expect("kept");
}

async fn waiting(db: &TestDb, at: DateTime<Utc>) -> usize {
    db.platform().waiting_connectors(at).await.expect("a list").len()
}

#[tokio::test]
async fn a_secret_goes_in_and_is_not_sent_to_another_address() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let connector = create(&mut t, "crm").await;
    let told = serde_json::to_string(&connector).expect("JSON");
    assert!(connector.has_secret && !told.contains(SECRET), "{told}");
    let opened = t.connectors().open(connector.id).await.expect("opened").secret;
    assert_eq!(opened.as_deref().map(String::as_str), Some(SECRET));
    let elsewhere = || ConnectorInput { url: Some("https://evil.example/mcp".to_owned()), ..ConnectorInput::default() };
    let refused = t.connectors().update(connector.id, elsewhere()).await.expect_err("the secret is missing");
    assert!(matches!(&refused, Error::Invalid(all) if all[0].field.as_deref() == Some("secret")), "{refused:?}");
    let with_secret = ConnectorInput { secret: Some("another".to_owned()), ..elsewhere() };
    t.connectors().update(connector.id, with_secret).await.expect("changed");
    // Nothing is asked for any more, so nothing is kept.
    let open = ConnectorInput { auth: Some(ConnectorAuth::None), ..ConnectorInput::default() };
    assert!(!t.connectors().update(connector.id, open).await.expect("changed").has_secret);
    let log = t.audit().list(false, &PageRequest::default()).await.expect("a log");
    assert!(!format!("{log:?}").contains(SECRET));
    let taken = t.connectors().create(input("crm")).await.expect_err("there is one");
    assert!(matches!(taken, Error::Conflict(_)));
    let renamed = ConnectorInput { name: Some("erp".to_owned()), ..ConnectorInput::default() };
    assert!(t.connectors().update(connector.id, renamed).await.is_err(), "agents count on the name");
}

#[tokio::test]
async fn tools_are_off_until_somebody_has_read_them() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let id = create(&mut t, "crm").await.id;
    t.connectors().found(id, found(&["find", "people.find", "change"])).await.expect("kept");
    let tools = t.connectors().tools(id).await.expect("a list");
    assert!(tools.iter().all(|tool| tool.permission == ToolPermission::Off && tool.state == ToolState::New));
    let listed = ["crm__*".to_owned()];
    assert_eq!(t.connectors().offered(&listed).await.expect("a list"), []);
    let said = |tool: &ConnectorTool| {
        let permission = if tool.name == "change" { ToolPermission::Off } else { ToolPermission::Allow };
        ToolReview { tool: tool.name.clone(), permission, hash: tool.hash.clone() }
    };
    let reviews: Vec<_> = tools.iter().map(said).collect();
    t.connectors().review_all(id, &reviews).await.expect("reviewed");
    let reviewed = async |t: &mut Tenant| {
        let log = t.audit().list(false, &PageRequest::default()).await.expect("a log").items;
        log.iter().filter(|entry| entry.action == "connector.tool_reviewed").count()
    };
    assert_eq!(reviewed(&mut t).await, 3);
    t.connectors().review_all(id, &reviews).await.expect("the same once more");
    assert_eq!(reviewed(&mut t).await, 3, "who says nothing new has reviewed nothing");
    let offered = t.connectors().offered(&listed).await.expect("a list");
    assert_eq!(offered.len(), 2);
    assert_eq!(t.connectors().offered(&["crm__find".to_owned()]).await.expect("a list").len(), 1);
    assert_eq!(t.connectors().offered(&["other__*".to_owned()]).await.expect("a list"), []);
    // One goes and comes back: it is read again.
    t.connectors().found(id, found(&["people.find"])).await.expect("kept");
    t.connectors().found(id, found(&["find", "people.find"])).await.expect("kept");
    let tools = t.connectors().tools(id).await.expect("a list");
    let states: Vec<_> = tools.iter().map(|tool| (tool.name.as_str(), tool.state, tool.permission)).collect();
    assert_eq!(
        states,
        [
            ("find", ToolState::Changed, ToolPermission::Off),
            ("people.find", ToolState::Known, ToolPermission::Allow),
            ("change", ToolState::Gone, ToolPermission::Off),
        ]
    );
    let paused = t.connectors().set_paused(id, true).await.expect("paused");
    assert_eq!(paused.state, ConnectorState::Paused);
    assert_eq!(t.connectors().offered(&listed).await.expect("a list"), []);
}

#[tokio::test]
async fn calls_are_limited_and_a_server_that_fails_is_left_alone() {
    let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    let db = testing::db_at(start).await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let input = ConnectorInput { calls_per_minute: Some(1), ..input("crm") };
    let id = t.connectors().create(input).await.expect("set up").id;
    assert_eq!(t.connectors().admit(id).await.expect("asked"), Admission::Go);
    assert_eq!(t.connectors().admit(id).await.expect("asked"), Admission::Wait(Duration::seconds(50)));
    for _ in 0..5 {
        call(&mut t, id, Some("It is out of order (500).")).await;
    }
    let until = start + Duration::seconds(60);
    assert_eq!(t.connectors().admit(id).await.expect("asked"), Admission::LeftAlone(until));
    let seen = t.connectors().get(id).await.expect("there");
    assert_eq!((seen.state, seen.calls, seen.failed), (ConnectorState::Failing, 5, 5));
    t.commit().await.expect("kept");
    db.clock().advance(Duration::seconds(61));
    let mut t = db.tenant(&acme.owner).await.expect("open");
    assert_eq!(t.connectors().admit(id).await.expect("asked"), Admission::Go);
    call(&mut t, id, None).await;
    assert_eq!(t.connectors().get(id).await.expect("there").state, ConnectorState::Ready);
    // A server is looked at again each day, and one that is paused is not.
    t.connectors().found(id, found(&[])).await.expect("kept");
    t.commit().await.expect("kept");
    let (now, later) = (db.clock().now(), db.clock().now() + Duration::minutes(61));
    assert_eq!((waiting(&db, now).await, waiting(&db, later).await), (0, 1));
    let mut t = db.tenant(&acme.owner).await.expect("open");
    t.connectors().set_paused(id, true).await.expect("paused");
    t.commit().await.expect("kept");
    assert_eq!(waiting(&db, later).await, 0);
}

#[tokio::test]
async fn an_attempt_to_sign_in_belongs_to_one_person_and_ends() {
    let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    let db = testing::db_at(start).await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let input = ConnectorInput { auth: Some(ConnectorAuth::Oauth), secret: None, ..input("mail") };
    let id = t.connectors().create(input).await.expect("set up").id;
    let attempt = t.connectors().begin_sign_in(id).await.expect("begun");
    let led = Led { url: "https://provider.example/", word: "word", flow: "{}", challenge: None };
    t.connectors().lead_sign_in(attempt, led).await.expect("kept");
    t.commit().await.expect("kept");
    let answer = || Ok(SignInAnswer { code: "code".to_owned(), issuer: None });
    for person in [acme.member(Role::Admin).await, other.owner.clone()] {
        let mut t = db.tenant(&person).await.expect("open");
        let refused = t.connectors().answer_sign_in("word", answer()).await.expect_err("not theirs");
        assert!(matches!(refused, Error::NotFound(_)), "{refused:?}");
    }
    db.clock().advance(Duration::minutes(16));
    let mut t = db.tenant(&acme.owner).await.expect("open");
    assert!(t.connectors().answer_sign_in("word", answer()).await.is_err(), "it is over");
    assert!(t.connectors().open_sign_in(attempt).await.expect("asked").is_none());
}

#[tokio::test]
async fn who_may_not_manage_agents_changes_nothing() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let id = create(&mut t, "crm").await.id;
    t.commit().await.expect("kept");
    let manager = acme.member(Role::Manager).await;
    let mut t = db.tenant(&manager).await.expect("open");
    assert_eq!(t.connectors().list().await.expect("they may look").len(), 1);
    assert!(matches!(t.connectors().create(input("other")).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.connectors().request_check(id).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.connectors().set_paused(id, true).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.connectors().delete(id).await, Err(Error::Forbidden(_))));
}
