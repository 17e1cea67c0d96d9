//! Language models and the webhook of a company: what is sealed, the order models are asked in, and the breaker.

use chrono::Duration;
use domain::{
    ModelId, Role,
    models::{Model, ModelInput, ModelKind},
};
use service::{Error, Tenant, models::NoAnswer};
use sqlx::{Connection, PgConnection};
use testing::TestDb;

const KEY: &str = "sk-nobody-may-read-this";

fn input(name: &str) -> ModelInput {
    ModelInput {
        name: Some(name.to_owned()),
        kind: Some(ModelKind::OpenAi),
        base_url: Some("https://llm.example.com/v1/".to_owned()),
        model: Some("gpt-5-mini".to_owned()),
        key: Some(KEY.to_owned()),
        price_in: Some(0.25),
        ..ModelInput::default()
    }
}

fn address(url: &str) -> ModelInput {
    ModelInput { base_url: Some(url.to_owned()), ..ModelInput::default() }
}

async fn create(t: &mut Tenant, name: &str) -> Model {
    t.models().create(input(name)).await.expect("set up")
}

async fn names(t: &mut Tenant) -> Vec<String> {
    t.models().list().await.expect("a list").into_iter().map(|model| model.name).collect()
}

async fn is_ready(t: &mut Tenant, id: ModelId) -> bool {
    t.models().ready().await.expect("a list").iter().any(|model| model.id == id)
}

async fn fail(t: &mut Tenant, id: ModelId, times: usize) {
    for _ in 0..times {
        t.models().record(id, Err(NoAnswer { words: "It is out of order (500).", wait: None })).await.expect("kept");
    }
}

/// What lies in the database, read by somebody whom nothing stops.
async fn stored(db: &TestDb, query: &'static str) -> Vec<u8> {
    let mut admin = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    sqlx::query_scalar(query).fetch_one(&mut admin).await.expect("a row")
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn a_key_goes_in_and_only_a_worker_gets_it_out() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let model = create(&mut t, "Writer").await;
    assert!(model.has_key);
    assert_eq!(model.base_url.as_deref(), Some("https://llm.example.com/v1"));
    let told = serde_json::to_string(&t.models().list().await.expect("a list")).expect("JSON");
    assert!(told.contains("Writer") && !told.contains(KEY), "{told}");
    assert_eq!(t.models().open(model.id).await.expect("opened").key.as_deref().map(String::as_str), Some(KEY));
    t.commit().await.expect("kept");
    assert!(!holds(&stored(&db, "SELECT key_sealed FROM models").await, KEY));

    let mut t = db.tenant(&acme.owner).await.expect("open");
    let log = t.audit().list(false, &domain::PageRequest::default()).await.expect("a log");
    assert!(!format!("{log:?}").contains(KEY));
}

#[tokio::test]
async fn another_address_needs_the_key_again() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let id = create(&mut t, "Writer").await.id;
    for elsewhere in ["https://evil.example/v1", "https://llm.example.com/v2", ""] {
        let refused = t.models().update(id, address(elsewhere)).await;
        let Err(Error::Invalid(problems)) = refused else { panic!("{elsewhere}: {refused:?}") };
        assert_eq!((problems[0].code.as_ref(), problems[0].field.as_deref()), ("key_missing", Some("key")));
    }
    let same = t.models().update(id, address("https://llm.example.com/v1")).await.expect("the same address");
    assert!(same.has_key);
    let moved = ModelInput { key: Some("another".to_owned()), ..address("https://other.example") };
    assert_eq!(t.models().update(id, moved).await.expect("moved").base_url.as_deref(), Some("https://other.example"));
    let renamed = ModelInput { name: Some("Poet".to_owned()), ..ModelInput::default() };
    assert_eq!(t.models().update(id, renamed).await.expect("renamed").model, "gpt-5-mini");
    let ready = t.models().open(id).await.expect("opened");
    assert_eq!((ready.name.as_str(), ready.key.as_deref().map(String::as_str)), ("Poet", Some("another")));
    let turned = ModelInput { kind: Some(ModelKind::Gemini), ..ModelInput::default() };
    assert!(matches!(t.models().update(id, turned).await, Err(Error::Invalid(p)) if p[0].code == "kind_fixed"));
}

#[tokio::test]
async fn models_are_asked_in_their_order() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let (a, b, c) = (create(&mut t, "A").await, create(&mut t, "B").await, create(&mut t, "C").await);
    assert_eq!([a.place, b.place, c.place], [1, 2, 3]);
    t.models().ask_earlier(c.id).await.expect("moved");
    assert_eq!(names(&mut t).await, ["A", "C", "B"]);
    t.models().ask_earlier(a.id).await.expect("it is the first");
    assert_eq!(names(&mut t).await, ["A", "C", "B"]);
    t.models().delete(c.id).await.expect("deleted");
    t.models().ask_earlier(b.id).await.expect("moved over the gap");
    create(&mut t, "D").await;
    assert_eq!(names(&mut t).await, ["B", "A", "D"], "a new one is the last");

    let off = ModelInput { enabled: Some(false), ..ModelInput::default() };
    t.models().update(b.id, off).await.expect("disabled");
    let ready: Vec<_> = t.models().ready().await.expect("a list").into_iter().map(|model| model.name).collect();
    assert_eq!(ready, ["A", "D"]);
    let taken = t.models().create(input("d")).await;
    assert!(matches!(taken, Err(Error::Conflict(p)) if p.code == "name_taken"));
}

#[tokio::test]
async fn after_five_failures_a_model_is_left_alone_for_a_minute() {
    let db = testing::db_at("2026-11-20T12:00:00Z".parse().expect("a time")).await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let id = create(&mut t, "Writer").await.id;
    fail(&mut t, id, 4).await;
    assert!(is_ready(&mut t, id).await);
    fail(&mut t, id, 1).await;
    assert!(!is_ready(&mut t, id).await);
    let model = t.models().get(id).await.expect("there");
    assert_eq!(model.open_until, Some(db.clock().now() + Duration::seconds(60)));
    assert_eq!((model.last_error.as_deref(), model.worked_at), (Some("It is out of order (500)."), None));

    db.clock().advance(Duration::seconds(59));
    assert!(!is_ready(&mut t, id).await);
    db.clock().advance(Duration::seconds(1));
    assert!(is_ready(&mut t, id).await, "it is tried");
    fail(&mut t, id, 1).await;
    assert!(!is_ready(&mut t, id).await, "one more failure is enough");

    db.clock().advance(Duration::seconds(60));
    t.models().record(id, Ok(())).await.expect("kept");
    let model = t.models().get(id).await.expect("there");
    assert_eq!((model.open_until, model.last_error, model.worked_at), (None, None, Some(db.clock().now())));
    fail(&mut t, id, 4).await;
    assert!(is_ready(&mut t, id).await, "the count began anew");
}

#[tokio::test]
async fn a_wait_that_was_asked_for_is_kept() {
    let db = testing::db_at("2026-11-20T12:00:00Z".parse().expect("a time")).await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let id = create(&mut t, "Writer").await.id;
    assert_eq!(t.models().busy_until().await.expect("asked"), None);
    let busy =
        NoAnswer { words: "It is busy and asks to wait (429).", wait: Some(std::time::Duration::from_secs(600)) };
    t.models().record(id, Err(busy)).await.expect("kept");
    let until = Some(db.clock().now() + Duration::minutes(10));
    assert_eq!(t.models().busy_until().await.expect("asked"), until);
    // What other runs had asked before comes in meanwhile.
    t.models().record(id, Ok(())).await.expect("kept");
    assert_eq!(t.models().busy_until().await.expect("asked"), until);
    fail(&mut t, id, 1).await;
    assert_eq!(t.models().busy_until().await.expect("asked"), until);
    assert!(!is_ready(&mut t, id).await);
    db.clock().advance(Duration::minutes(10));
    assert!(is_ready(&mut t, id).await);
    assert_eq!(t.models().get(id).await.expect("there").last_error.as_deref(), Some("It is out of order (500)."));

    let forever = NoAnswer { wait: Some(std::time::Duration::MAX), ..busy };
    t.models().record(id, Err(forever)).await.expect("kept");
    let until = t.models().busy_until().await.expect("asked");
    assert_eq!(until, Some(db.clock().now() + Duration::hours(1)), "nobody is left alone longer");
}

#[tokio::test]
async fn viewers_read_and_nobody_reaches_into_another_company() {
    let db = testing::db().await;
    let (acme, other) = (db.company("Acme").await, db.company("Other").await);
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let id = create(&mut t, "Writer").await.id;
    t.commit().await.expect("kept");

    let viewer = acme.member(Role::Viewer).await;
    let mut t = db.tenant(&viewer).await.expect("open");
    assert_eq!(names(&mut t).await, ["Writer"]);
    assert!(matches!(t.models().create(input("Mine")).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.models().update(id, ModelInput::default()).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.models().request_test(id).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.models().delete(id).await, Err(Error::Forbidden(_))));

    let mut t = db.tenant(&other.owner).await.expect("open");
    assert!(names(&mut t).await.is_empty());
    assert!(matches!(t.models().get(id).await, Err(Error::NotFound("model"))));
    assert!(matches!(t.models().open(id).await, Err(Error::NotFound("model"))));
    assert!(matches!(t.models().update(id, ModelInput::default()).await, Err(Error::NotFound("model"))));
    assert!(matches!(t.models().ask_earlier(id).await, Err(Error::NotFound("model"))));
    assert!(matches!(t.models().request_test(id).await, Err(Error::NotFound("model"))));
    assert!(matches!(t.models().delete(id).await, Err(Error::NotFound("model"))));
    fail(&mut t, id, 5).await;
    t.commit().await.expect("kept");
    let mut t = db.tenant(&acme.owner).await.expect("open");
    assert_eq!(t.models().get(id).await.expect("there").last_error, None);
}

#[tokio::test]
async fn a_webhook_has_one_address_and_a_secret_that_is_told_once() {
    let db = testing::db().await;
    let (acme, other) = (db.company("Acme").await, db.company("Other").await);
    let mut t = db.tenant(&acme.owner).await.expect("open");
    assert_eq!(t.webhook().find().await.expect("asked"), None);
    let wrong = t.webhook().connect("http://hooks.example.com").await;
    assert!(matches!(wrong, Err(Error::Invalid(p)) if p[0].field.as_deref() == Some("url")));
    let first = t.webhook().connect("https://hooks.example.com/a/").await.expect("connected");
    assert!(first.starts_with("whsec_"), "{first}");
    let second = t.webhook().connect("https://hooks.example.com/b").await.expect("in its place");
    assert_ne!(first, second);
    let found = t.webhook().find().await.expect("asked").expect("one");
    assert_eq!(found.url, "https://hooks.example.com/b");
    let (url, secret) = t.webhook().open().await.expect("opened").expect("one");
    assert_eq!((url.as_str(), secret.as_str()), ("https://hooks.example.com/b", second.as_str()));
    t.commit().await.expect("kept");
    assert!(!holds(&stored(&db, "SELECT secret_sealed FROM agent_webhooks").await, &second));

    let mut t = db.tenant(&other.owner).await.expect("open");
    assert_eq!(t.webhook().find().await.expect("asked"), None);
    assert!(matches!(t.webhook().disconnect().await, Err(Error::NotFound("webhook"))));
    let viewer = acme.member(Role::Viewer).await;
    let mut t = db.tenant(&viewer).await.expect("open");
    assert!(matches!(t.webhook().connect("https://x.example").await, Err(Error::Forbidden(_))));
    assert!(matches!(t.webhook().disconnect().await, Err(Error::Forbidden(_))));

    let mut t = db.tenant(&acme.owner).await.expect("open");
    t.webhook().disconnect().await.expect("forgotten");
    assert_eq!(t.webhook().find().await.expect("asked"), None);
}
