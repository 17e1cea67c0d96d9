//! Signing in at the provider of a connector, and what becomes of the tokens.

use axum::extract::Query;
use domain::{
    ConnectorId,
    connectors::{ConnectorAuth, ConnectorInput, ConnectorState, ToolPermission},
    runs::RunState,
};
use service::{
    Actor, Db,
    connectors::SignInAnswer,
    jobs::{BeginSignIn, FinishSignIn},
};
use uuid::Uuid;

use crate::{
    connectors::{http, look, one_call, review, start},
    provider::Provider,
    support::{demo, demo_of, once},
};

#[tokio::test]
async fn somebody_signs_in_and_the_tokens_renew_themselves() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let provider = Provider::start().await;
    let input = ConnectorInput { auth: Some(ConnectorAuth::Oauth), ..http("mail", &provider.server.url) };
    let mut t = db.tenant(&nora).await.expect("open");
    let connector = t.connectors().create(input).await.expect("set up");
    assert_eq!(connector.state, ConnectorState::NeedsSignIn);
    t.commit().await.expect("kept");
    let (attempt, url) = lead(&db, &nora, connector.id).await;
    let of = |name: &str| of_url(&url, name);
    assert_eq!(of("client_id"), "a-client", "it was registered: nobody can read who we are on this machine");
    assert_eq!(of("code_challenge_method"), "S256", "{url}");
    assert_eq!(of("resource"), provider.server.url, "{url}");
    assert!(of("redirect_uri").ends_with("/connectors/oauth/callback"), "{url}");
    let word = of("state");
    let mut t = db.tenant(&nora).await.expect("open");
    let whose = db.platform().connector_sign_in(&word).await.expect("the database answers");
    assert_eq!(whose, Some(("halden".to_owned(), nora.user_id().expect("a person"))));
    assert_eq!(db.platform().connector_sign_in("another").await.expect("the database answers"), None);

    // The word is worth nothing in the hands of somebody else, and works once.
    let answer = || Ok(SignInAnswer { code: "a-code".into(), issuer: None });
    let system = db.platform().system_actor(nora.company(), "tests").await.expect("of the company");
    let mut other = db.tenant(&system).await.expect("open");
    assert!(other.connectors().answer_sign_in(&word, answer()).await.is_err());
    drop(other);
    t.connectors().answer_sign_in(&word, answer()).await.expect("taken");
    assert!(t.connectors().answer_sign_in(&word, answer()).await.is_err());
    t.commit().await.expect("kept");
    engine::mcp::finish_sign_in(&db, &FinishSignIn { company: nora.company(), attempt }).await.expect("exchanged");
    assert_eq!(provider.asked(0, "code").as_deref(), Some("a-code"));
    assert_eq!(provider.asked(0, "resource"), Some(provider.server.url.clone()));
    assert!(provider.asked(0, "code_verifier").is_some());
    let connector = look(&db, &nora, connector.id).await;
    assert_eq!(
        (connector.state, connector.signed_in, connector.tools),
        (ConnectorState::Ready, true, 2),
        "{connector:?}"
    );

    // The server takes the token no longer: it is renewed, once.
    provider.server.lock("token-2");
    assert_eq!(look(&db, &nora, connector.id).await.state, ConnectorState::Ready);
    assert_eq!(provider.asked(1, "refresh_token").as_deref(), Some("again-1"));
    // Nor is the next one, and the provider gives none any more.
    provider.refuse();
    provider.server.lock("token-3");
    let ended = look(&db, &nora, connector.id).await;
    assert_eq!(ended.state, ConnectorState::NeedsSignIn, "{ended:?}");
}

#[tokio::test]
async fn a_server_that_wants_more_rights_gets_them_from_whoever_signs_in_next() {
    let test = testing::db().await;
    let (db, nora) = demo_of(test.with_public_url("https://sales.example.com")).await;
    let provider = Provider::start().await;
    provider.server.greet_everybody();
    let mut t = db.tenant(&nora).await.expect("open");
    let input = ConnectorInput { auth: Some(ConnectorAuth::Oauth), ..http("mail", &provider.server.url) };
    let id = t.connectors().create(input).await.expect("set up").id;
    t.commit().await.expect("kept");

    let (attempt, url) = lead(&db, &nora, id).await;
    assert_eq!(of_url(&url, "client_id"), "https://sales.example.com/client-metadata.json", "{url}");
    assert_eq!(of_url(&url, "scope"), "read", "as the server asks of strangers: {url}");
    come_back(&db, &nora, attempt, &url).await;
    assert_eq!(look(&db, &nora, id).await.state, ConnectorState::Ready);
    // It greets everybody, and asks for another token only then.
    provider.server.lock("token-2");
    assert_eq!(look(&db, &nora, id).await.state, ConnectorState::Ready);

    review(&db, &nora, id, "find", ToolPermission::Allow).await;
    provider.server.want(Some("write"));
    let run = once(&db, &nora, &start(&db, &nora, "mail", &one_call("mail__find", "{}"), "").await).await;
    let words = run.failure_detail.unwrap_or_default();
    assert!(words.contains("wants more rights"), "{words}");
    assert_eq!(provider.asked(2, "grant_type"), None, "another token would not help, so none is asked for");
    let mut t = db.tenant(&nora).await.expect("open");
    assert_eq!(t.connectors().get(id).await.expect("there").state, ConnectorState::NeedsSignIn);
    t.commit().await.expect("read");

    let (attempt, url) = lead(&db, &nora, id).await;
    assert_eq!(of_url(&url, "scope"), "read write", "{url}");
    come_back(&db, &nora, attempt, &url).await;
    provider.server.lock("token-3");
    provider.server.want(None);
    assert_eq!(look(&db, &nora, id).await.state, ConnectorState::Ready);
    let run = once(&db, &nora, &start(&db, &nora, "mail", &one_call("mail__find", "{}"), "").await).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
}

/// A person begins to sign in: the attempt, and where it leads.
async fn lead(db: &Db, nora: &Actor, connector: ConnectorId) -> (Uuid, String) {
    let mut t = db.tenant(nora).await.expect("open");
    let attempt = t.connectors().begin_sign_in(connector).await.expect("begun");
    t.commit().await.expect("kept");
    engine::mcp::begin_sign_in(db, &BeginSignIn { company: nora.company(), attempt }).await.expect("led");
    let mut t = db.tenant(nora).await.expect("open");
    let led = t.connectors().sign_in(connector).await.expect("there").expect("an attempt");
    (attempt, led.url.unwrap_or_else(|| panic!("{:?}", led.error)))
}

/// The person comes back from the provider with a code.
async fn come_back(db: &Db, nora: &Actor, attempt: Uuid, url: &str) {
    let mut t = db.tenant(nora).await.expect("open");
    let answer = Ok(SignInAnswer { code: "a-code".into(), issuer: None });
    t.connectors().answer_sign_in(&of_url(url, "state"), answer).await.expect("taken");
    t.commit().await.expect("kept");
    engine::mcp::finish_sign_in(db, &FinishSignIn { company: nora.company(), attempt }).await.expect("exchanged");
}

fn of_url(url: &str, name: &str) -> String {
    let pairs: Vec<(String, String)> = Query::try_from_uri(&url.parse().expect("an address")).expect("a query").0;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value).unwrap_or_default()
}
