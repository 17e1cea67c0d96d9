//! The demo company, a worker, and servers on this machine: one that takes webhooks, and one that speaks
//! like OpenAI and says what a test has written down for it.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use domain::{
    PageRequest, RunId,
    runs::{Decision, Run, RunState},
};
use engine::agents::work;
use futures::StreamExt;
use serde_json::{Value, json};
use service::{Actor, Db, Origin, jobs::WorkOnRun};
use testing::TestDb;
use tokio_util::sync::CancellationToken;

/// The demo company and its owner.
pub async fn demo(test: &TestDb) -> (Db, Actor) {
    demo_of(test.with_private_hosts()).await
}

/// The same in a database with other settings.
pub async fn demo_of(db: Db) -> (Db, Actor) {
    server::seed::company(&db).await.expect("the demo is made");
    let person = db.people().sign_in("nora@halden.example", testing::PASSWORD, Origin::default()).await;
    let person = person.expect("the demo's password");
    let (nora, ..) = db.people().actor(person.id, "halden", Origin::default()).await.expect("she belongs to it");
    (db, nora)
}

/// A worker takes a run and works until it has ended or waits.
pub async fn once(db: &Db, actor: &Actor, run: &Run) -> Run {
    let job = WorkOnRun { company: actor.company(), run: run.id };
    work(db, &job, &CancellationToken::new()).await.expect("the worker works");
    let mut t = db.tenant(actor).await.expect("open");
    t.runs().get(run.id).await.expect("it is there")
}

/// Works on a run and looks again with each hint of `topic`, until there is something to be seen; then its worker stops.
pub async fn while_it_works<T>(
    db: &Db,
    actor: &Actor,
    run: RunId,
    topic: &str,
    seen: impl AsyncFn() -> Option<T>,
) -> T {
    let mut hints = db.live().subscribe();
    let stop = CancellationToken::new();
    let working = tokio::spawn({
        let (db, stop, job) = (db.clone(), stop.clone(), WorkOnRun { company: actor.company(), run });
        async move { work(&db, &job, &stop).await }
    });
    let looking = async {
        loop {
            if let Some(seen) = seen().await {
                return seen;
            }
            while ![topic, "resync"].contains(&hints.recv().await.expect("news").topic.as_str()) {}
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(60), looking).await.expect("it is told");
    stop.cancel();
    working.await.expect("it ends").expect("it lets go");
    seen
}

/// Works on a run as workers and people would, who approve everything and give more of every limit, until it
/// and the runs that it hands work over to have ended.
pub async fn to_its_end(db: &Db, actor: &Actor, mut run: Run) -> Run {
    for _ in 0..20 {
        run = once(db, actor, &run).await;
        if run.state.has_ended() {
            return run;
        }
        if run.state == RunState::WaitingChild {
            let mut t = db.tenant(actor).await.expect("open");
            let child = t.runs().children(run.id).await.expect("a list").pop().expect("a run that it waits for");
            let child = t.runs().get(child.id).await.expect("it is there");
            t.commit().await.expect("read");
            Box::pin(to_its_end(db, actor, child)).await;
            continue;
        }
        let asks = matches!(run.state, RunState::WaitingApproval | RunState::WaitingBudget);
        assert!(asks, "{}: {}", run.agent, run.state);
        let mut t = db.tenant(actor).await.expect("open");
        let asked = t.runs().pending_approvals(&PageRequest::default()).await.expect("a list").items;
        let yes = Decision::Approve { for_this_run: false, edited: None };
        t.runs().decide(run.id, asked[0].id, yes).await.expect("decided");
        t.commit().await.expect("kept");
    }
    panic!("{} never ends", run.agent)
}

/// What a server was sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub headers: HeaderMap,
    pub body: Value,
}

/// A server that answers every request with one status.
#[derive(Clone)]
pub struct Answers {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Answers {
    pub async fn start(status: u16) -> Self {
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let kept = requests.clone();
        let take = move |headers: HeaderMap, Json(body): Json<Value>| {
            kept.lock().expect("nobody panicked").push(Request { headers, body });
            async move { StatusCode::from_u16(status).expect("a status") }
        };
        let url = listen(Router::new().route("/", post(take))).await;
        Self { url, requests }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("nobody panicked").clone()
    }
}

/// What a model does when it is asked.
#[derive(Clone, Debug)]
pub enum Says {
    /// These words.
    Words(&'static str),
    /// Wants a tool called, with arguments as they stand here.
    Calls(&'static str, String),
    /// Says these words first, then the same.
    WordsAndCalls(&'static str, &'static str, String),
    /// These words, which are as many as an answer may have.
    Cut(&'static str),
    /// Answers with a status and a `Retry-After`.
    Status(u16, Option<u32>),
    /// Begins, and never says anything again.
    Hangs,
    /// Wants a tool called, and never comes to the end of its arguments, which come in these parts.
    HangsInCall(&'static str, &'static [&'static str]),
    /// Says something for ever.
    NeverStops,
    /// Begins, and ends in the middle.
    BreaksOff,
    /// Says what is no JSON.
    Nonsense,
    /// Says ten megabytes.
    TooMuch,
}

/// A model that says one thing after the other, and the last of them again and again.
#[derive(Clone)]
pub struct Model {
    pub url: String,
    script: Arc<Mutex<VecDeque<Says>>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Model {
    pub async fn start(script: impl IntoIterator<Item = Says>) -> Self {
        let model = Self {
            url: String::new(),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            asked: Arc::default(),
        };
        let router = Router::new().route("/v1/chat/completions", post(completion)).with_state(model.clone());
        Self { url: format!("{}v1", listen(router).await), ..model }
    }

    /// The questions it was asked.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().expect("nobody panicked").clone()
    }

    fn next(&self, question: Value) -> Says {
        self.asked.lock().expect("nobody panicked").push(question);
        let mut script = self.script.lock().expect("nobody panicked");
        if script.len() > 1 { script.pop_front() } else { script.front().cloned() }.expect("it has something to say")
    }
}

async fn completion(State(model): State<Model>, Json(question): Json<Value>) -> Response {
    let chunk = |delta: Value, finish: Option<&str>| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        format!(
            "data: {}\n\n",
            json!({ "id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice] })
        )
    };
    let usage = format!(
        "data: {}\n\ndata: [DONE]\n\n",
        json!({ "id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [],
                "usage": { "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110 } })
    );
    let words = |text: &str| chunk(json!({ "role": "assistant", "content": text }), None);
    let calls = |tool: &str, arguments: &str| {
        let function = json!({ "name": tool, "arguments": arguments });
        let call = json!({ "index": 0, "id": "call_1", "type": "function", "function": function });
        chunk(json!({ "role": "assistant", "tool_calls": [call] }), None)
    };
    let (end, called) = (chunk(json!({}), Some("stop")), chunk(json!({}), Some("tool_calls")));
    match model.next(question) {
        Says::Words(text) => events(vec![words(text), end, usage]),
        Says::Cut(text) => events(vec![words(text), chunk(json!({}), Some("length")), usage]),
        Says::Calls(tool, arguments) => events(vec![calls(tool, &arguments), called, usage]),
        Says::WordsAndCalls(text, tool, arguments) => events(vec![words(text), calls(tool, &arguments), called, usage]),
        Says::Status(status, retry) => {
            let status = StatusCode::from_u16(status).expect("a status");
            let body = Json(json!({ "error": { "message": "no" } }));
            match retry {
                Some(seconds) => (status, [("retry-after", seconds.to_string())], body).into_response(),
                None => (status, body).into_response(),
            }
        }
        Says::Hangs => {
            let begin = futures::stream::iter([Ok::<_, Infallible>(words("One moment"))]);
            stream(begin.chain(futures::stream::pending()))
        }
        Says::HangsInCall(tool, parts) => {
            let parts = parts.iter().map(move |part| Ok::<_, Infallible>(calls(tool, part))).collect::<Vec<_>>();
            stream(futures::stream::iter(parts).chain(futures::stream::pending()))
        }
        Says::NeverStops => {
            let text = words("and ");
            stream(futures::stream::unfold(text, |text| async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok::<_, Infallible>(text.clone()), text))
            }))
        }
        Says::BreaksOff => events(vec![words("Dear ")]),
        Says::Nonsense => events(vec!["data: {this is no JSON\n\n".to_owned()]),
        Says::TooMuch => events(vec![words(&"x".repeat(10 * 1024 * 1024)), end, usage]),
    }
}

fn events(parts: Vec<String>) -> Response {
    stream(futures::stream::iter(parts.into_iter().map(Ok::<_, Infallible>)))
}

fn stream(parts: impl futures::Stream<Item = Result<String, Infallible>> + Send + 'static) -> Response {
    ([("content-type", "text/event-stream")], Body::from_stream(parts)).into_response()
}

/// Serves on a port of its own until the test ends.
pub async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
    format!("http://{address}/")
}
