//! What agents talk with, on this machine: a language model that follows a plan, and the receiver of the
//! company's webhook. A conversation can be held at any point while the test does something to the worker.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// Turns of the model in one run: four calls of tools, then words.
pub const TURNS: usize = 5;
/// The turn in which the model wants a note written, and the one with a task.
pub const NOTE: usize = 1;
pub const TASK: usize = 2;

/// A point of a run, as those who are talked with see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The model was asked, and has said nothing yet.
    Asked(usize),
    /// It has said a part of it.
    HalfSaid(usize),
    /// The webhook was called, and has not answered yet.
    Called,
}

/// A conversation that stands still.
#[derive(Debug)]
pub struct Held(oneshot::Sender<()>);

impl Held {
    pub fn go_on(self) {
        // Nobody listens any more when the worker is gone.
        let _ = self.0.send(());
    }
}

/// Both servers.
pub struct Desk {
    address: String,
    state: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    wanted: Mutex<Option<(Point, oneshot::Sender<Held>)>>,
    calls: Mutex<BTreeMap<u64, usize>>,
    callbacks: Mutex<BTreeMap<u64, Callback>>,
}

/// Where a run wants its answer, and the secret that signs it.
#[derive(Clone, Debug)]
pub struct Callback {
    pub address: String,
    pub secret: String,
}

impl Desk {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has an address").to_string();
        let state = Arc::<Shared>::default();
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/hook", post(take))
            .with_state(state.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, state, server }
    }

    pub fn model(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub fn webhook(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// How often the webhook was called for each run.
    pub fn calls(&self) -> BTreeMap<u64, usize> {
        self.state.calls.lock().expect("nobody panics with it").clone()
    }

    /// Where a run wants the answer of the webhook.
    pub fn callback(&self, run: u64) -> Callback {
        self.state.callbacks.lock().expect("nobody panics with it").get(&run).expect("it has called").clone()
    }

    /// Returns when a conversation has come to `point`; it stands still there until it is let go on.
    pub async fn hold(&self, point: Point) -> Held {
        let (sender, reached) = oneshot::channel();
        *self.state.wanted.lock().expect("nobody panics with it") = Some((point, sender));
        reached.await.expect("the desk is open")
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    async fn pass(&self, point: Point) {
        let wanted = self.wanted.lock().expect("nobody panics with it").take_if(|(wanted, _)| *wanted == point);
        if let Some((_, reached)) = wanted {
            let (sender, go_on) = oneshot::channel();
            // A test that has been told and dropped it holds the conversation for ever.
            let _ = reached.send(Held(sender));
            let _ = go_on.await;
        }
    }
}

/// The plan: read a lead, write a note, make a task, call the webhook, say so.
async fn complete(State(desk): State<Arc<Shared>>, Json(question): Json<Value>) -> Response {
    let messages = question["messages"].as_array().cloned().unwrap_or_default();
    let turn = messages.iter().filter(|message| message["role"] == "tool").count();
    let task = messages.iter().find(|m| m["role"] == "user").map(|m| m["content"].to_string()).unwrap_or_default();
    let (run, lead) = (word_after(&task, "Run "), word_after(&task, "lead "));
    desk.pass(Point::Asked(turn)).await;
    let call = |name: &str, arguments: Value| {
        let function = json!({ "name": name, "arguments": arguments.to_string() });
        json!({ "tool_calls": [{ "index": 0, "id": format!("call_{turn}"), "type": "function", "function": function }] })
    };
    let (delta, finish) = match turn {
        0 => (call("read_lead", json!({ "lead": lead })), "tool_calls"),
        NOTE => (call("add_note", json!({ "lead": lead, "text": format!("Run {run}") })), "tool_calls"),
        TASK => (call("create_task", json!({ "title": format!("Run {run}"), "lead": lead })), "tool_calls"),
        3 => {
            let waits = task.contains("and waits");
            (call("call_webhook", json!({ "payload": { "run": run }, "wait_for_answer": waits })), "tool_calls")
        }
        _ => (json!({ "content": "Done." }), "stop"),
    };
    let chunk = |delta: Value, finish: Option<&str>| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        let usage = json!({ "prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11 });
        let chunk =
            json!({ "id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], "usage": usage });
        Ok::<_, Infallible>(format!("data: {chunk}\n\n"))
    };
    let first = chunk(json!({ "role": "assistant", "content": "" }), None);
    let rest = vec![chunk(delta, None), chunk(json!({}), Some(finish)), Ok("data: [DONE]\n\n".to_owned())];
    let rest = stream::once(async move {
        desk.pass(Point::HalfSaid(turn)).await;
        stream::iter(rest)
    });
    let body = Body::from_stream(stream::iter([first]).chain(rest.flatten()));
    ([("content-type", "text/event-stream")], body).into_response()
}

async fn take(State(desk): State<Arc<Shared>>, headers: HeaderMap, Json(payload): Json<Value>) -> StatusCode {
    let run = payload["run"].as_str().and_then(|run| run.parse().ok()).expect("the number of a run");
    *desk.calls.lock().expect("nobody panics with it").entry(run).or_default() += 1;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let callback = text("webhook-callback").zip(text("webhook-callback-secret"));
    let later = callback.is_some();
    if let Some((address, secret)) = callback {
        desk.callbacks.lock().expect("nobody panics with it").insert(run, Callback { address, secret });
    }
    desk.pass(Point::Called).await;
    if later { StatusCode::ACCEPTED } else { StatusCode::OK }
}

fn word_after(text: &str, mark: &str) -> String {
    let rest = text.split_once(mark).map(|(_, rest)| rest).unwrap_or_default();
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}
