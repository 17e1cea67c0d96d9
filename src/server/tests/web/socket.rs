//! The WebSocket of live news, over a port: what a listener hears, what it may not hear, and when it is sent away.

use std::{net::SocketAddr, time::Duration};

use domain::{Role, keys::Scope};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::StatusCode},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{api::Program, support::TestApp};

const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a port, as long as the value lives.
struct Served {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Served {
    async fn new(app: &TestApp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, stop) = (listener.local_addr().expect("an address"), CancellationToken::new());
        let router = server::web::router(&server::config::Config::default(), &app.db).expect("a router");
        tokio::spawn(server::web::serve(listener, router, stop.clone()));
        Self { address, stop }
    }

    /// Opens a socket, with headers; the status when it is refused.
    async fn open(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Listener, StatusCode> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().expect("an address");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Listener(socket)),
            Err(Error::Http(answer)) => Err(answer.status()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn with_key(&self, secret: &str) -> Listener {
        let key = format!("Bearer {secret}");
        self.open("/api/v1/live", &[("authorization", &key)]).await.expect("the socket opens")
    }
}

struct Listener(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Listener {
    async fn say(&mut self, value: Value) {
        self.0.send(Message::text(value.to_string())).await.expect("the socket is open");
    }

    async fn message(&mut self) -> Message {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("news come in time");
            match next.expect("the socket is open").expect("the socket is whole") {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    /// The next message that `wanted` takes.
    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.message().await;
            let said = serde_json::from_str(message.to_text().expect("text")).expect("JSON");
            if wanted(&said) {
                return said;
            }
        }
    }

    /// The numbers of the events of a run, up to the one with the name `last` in its data.
    async fn numbers_until(&mut self, last: &str) -> Vec<i64> {
        let mut numbers = Vec::new();
        loop {
            let said = self.until(|said| said["event"].is_object()).await;
            numbers.push(said["event"]["seq"].as_i64().expect("a number"));
            if said["event"]["data"].to_string().contains(last) {
                return numbers;
            }
        }
    }

    async fn code_of_close(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.message().await {
                return frame.expect("a reason").code.into();
            }
        }
    }
}

#[tokio::test]
async fn a_listener_that_comes_back_has_every_event_once() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let secret = company.key(Scope::ALL).await.1;
    let served = Served::new(&app).await;
    let program = Program { app: &app, secret: secret.clone() };
    let definition = "---\nname: reader\ndescription: Reads.\n---\nRead.\n";
    assert!(program.post("/agents", json!({"definition": definition})).await.status.is_success());
    let run = program.post("/runs", json!({"agent": "reader", "task": "Read"})).await.id();

    let mut listener = served.with_key(&secret).await;
    listener.say(json!({"subscribe": {"run": run}})).await;
    let mut numbers = listener.numbers_until("queued").await;
    drop(listener);
    for command in ["cancel", "retry"] {
        let answer = program.post(&format!("/runs/{run}/{command}"), json!({})).await;
        assert!(answer.status.is_success(), "{}", answer.json);
    }

    let mut listener = served.with_key(&secret).await;
    listener.say(json!({"subscribe": {"run": run, "after": numbers.last()}})).await;
    numbers.extend(listener.numbers_until("queued").await);
    // While somebody listens, a hint brings what is new.
    assert!(program.post(&format!("/runs/{run}/cancel"), json!({})).await.status.is_success());
    numbers.extend(listener.numbers_until("cancelled").await);
    assert_eq!(listener.until(|said| !said["topic"].is_string()).await, json!({"run": run, "ended": true}));

    let all = app.db.tenant(&company.owner).await.expect("open").runs().events(run.parse().expect("an id"), 0).await;
    let all: Vec<i64> = all.expect("events").iter().map(|event| event.seq.into()).collect();
    assert_eq!(numbers, all, "none is missing and none came twice");
}

#[tokio::test]
async fn what_is_not_ones_own_is_not_heard() {
    let app = TestApp::new().await;
    let (acme, rival) = (app.db.company("Acme").await, app.db.company("Rival").await);
    let served = Served::new(&app).await;
    let theirs = Program { app: &app, secret: rival.key(Scope::ALL).await.1 };
    let definition = "---\nname: reader\ndescription: Reads.\n---\nRead.\n";
    assert!(theirs.post("/agents", json!({"definition": definition})).await.status.is_success());
    let run = theirs.post("/runs", json!({"agent": "reader", "task": "Read"})).await.id();

    let mut all = served.with_key(&acme.key(Scope::ALL).await.1).await;
    all.until(|said| said["topic"] == "resync").await;
    all.say(json!({"subscribe": {"run": run}})).await;
    let error = all.until(|said| said["error"].is_object()).await;
    assert_eq!((&error["error"]["code"], &error["error"]["run"]), (&json!("not_found"), &json!(run)));
    all.say(json!({"shout": 1})).await;
    let error = all.until(|said| said["error"].is_object()).await;
    assert_eq!(error["error"]["code"], "message_invalid");

    let mut few = served.with_key(&acme.key(&[Scope::LeadsRead]).await.1).await;
    few.say(json!({"subscribe": {"run": run}})).await;
    let error = few.until(|said| said["error"].is_object()).await;
    assert_eq!(error["error"]["code"], "scope_missing");

    let (foreign, campaign, lead) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
    for (owner, topic, id) in [(&rival.owner, "leads", foreign), (&acme.owner, "campaigns", campaign)] {
        let mut t = app.db.tenant(owner).await.expect("the company opens");
        t.tell(topic, id).await.expect("told");
        t.commit().await.expect("kept");
    }
    let heard = all.until(|said| said["topic"].is_string()).await;
    assert_eq!(heard, json!({"topic": "campaigns", "id": campaign}));
    let mut t = app.db.tenant(&acme.owner).await.expect("the company opens");
    t.tell("leads", lead).await.expect("told");
    t.commit().await.expect("kept");
    let heard = few.until(|said| said["topic"].is_string()).await;
    assert_eq!(heard, json!({"topic": "leads", "id": lead}), "its scopes read no campaigns");
}

#[tokio::test]
async fn who_loses_their_rights_is_sent_away() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let served = Served::new(&app).await;
    let (actor, secret) = company.key(&[Scope::LeadsRead]).await;
    let mut listener = served.with_key(&secret).await;
    listener.until(|said| said["topic"] == "resync").await;
    let mut t = app.db.tenant(&company.owner).await.expect("the company opens");
    t.keys().revoke(actor.api_key_id().expect("a key")).await.expect("revoked");
    t.commit().await.expect("kept");
    assert_eq!(listener.code_of_close().await, 1008);
    let key = format!("Bearer {secret}");
    let again = served.open("/api/v1/live", &[("authorization", &key)]).await;
    assert_eq!(again.err(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_session_listens_from_our_own_pages_only() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let served = Served::new(&app).await;
    let path = format!("/t/{}/socket", company.slug);
    let cookie = app.sign_in(&company.owner_email, false).await;
    let own = format!("http://{}", served.address);
    assert_eq!(served.open(&path, &[]).await.err(), Some(StatusCode::UNAUTHORIZED));
    for (cookie, origin) in [(&cookie, "https://evil.example"), (&cookie, "null")] {
        let refused = served.open(&path, &[("cookie", cookie), ("origin", origin)]).await;
        assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN), "{origin}");
    }
    let rival = app.db.company("Rival").await;
    let refused = served.open(&format!("/t/{}/socket", rival.slug), &[("cookie", &cookie), ("origin", &own)]).await;
    assert_eq!(refused.err(), Some(StatusCode::NOT_FOUND));

    let mut listener = served.open(&path, &[("cookie", &cookie), ("origin", &own)]).await.expect("the socket opens");
    listener.until(|said| said["topic"] == "resync").await;
    let mut t = app.db.tenant(&company.owner).await.expect("the company opens");
    t.tell("sandbox", None).await.expect("told");
    t.commit().await.expect("kept");
    assert_eq!(listener.until(|said| said["topic"] == "sandbox").await["id"], Value::Null);

    company.member(Role::Owner).await;
    let mut t = app.db.tenant(&company.owner).await.expect("the company opens");
    t.members().remove(company.owner_id).await.expect("the first owner leaves");
    t.commit().await.expect("kept");
    assert_eq!(listener.code_of_close().await, 1008);
}
