//! A server of the Model Context Protocol with two tools, which a test tells what to do when one is called.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use crate::support::listen;

/// What happens when a tool is called.
#[derive(Clone, Debug)]
pub enum On {
    /// It says this.
    Says(&'static str),
    /// The server answers with a status and a `Retry-After`.
    Status(u16, Option<u32>),
    /// Nothing ever comes.
    Hangs,
    /// It says ten megabytes.
    TooMuch,
}

/// A server that does one thing after the other, and the last of them again and again.
#[derive(Clone)]
pub struct McpServer {
    pub url: String,
    script: Arc<Mutex<VecDeque<On>>>,
    called: Arc<Mutex<Vec<String>>>,
    description: Arc<Mutex<&'static str>>,
    key: Arc<Mutex<Option<String>>>,
    wants: Arc<Mutex<Option<&'static str>>>,
    manners: Arc<Mutex<Manners>>,
}

/// What a server does in its own way.
#[derive(Clone, Copy, Debug, Default)]
struct Manners {
    greets_everybody: bool,
    is_vague: bool,
}

impl McpServer {
    pub async fn start(script: impl IntoIterator<Item = On>) -> Self {
        let server = Self {
            url: String::new(),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            called: Arc::default(),
            description: Arc::new(Mutex::new("Finds people.")),
            key: Arc::default(),
            wants: Arc::default(),
            manners: Arc::default(),
        };
        let router = Router::new().route("/mcp", post(answer)).with_state(server.clone());
        Self { url: format!("{}mcp", listen(router).await), ..server }
    }

    /// One that asks for a token.
    pub async fn start_locked(key: &str) -> Self {
        let server = Self::start([]).await;
        server.lock(key);
        server
    }

    /// The same, found at another address.
    pub fn at(self, url: String) -> Self {
        Self { url, ..self }
    }

    /// From now on this token is asked for.
    pub fn lock(&self, key: &str) {
        *self.key.lock().expect("nobody panicked") = Some(key.to_owned());
    }

    /// From now on a call needs this right, which nobody has; without one, none is needed.
    pub fn want(&self, right: Option<&'static str>) {
        *self.wants.lock().expect("nobody panicked") = right;
    }

    /// It asks who calls only after the greeting.
    pub fn greet_everybody(&self) {
        self.manners.lock().expect("nobody panicked").greets_everybody = true;
    }

    /// It answers what it does not know with nothing.
    pub fn be_vague(&self) {
        self.manners.lock().expect("nobody panicked").is_vague = true;
    }

    /// From now on its first tool is described so.
    pub fn describe(&self, words: &'static str) {
        *self.description.lock().expect("nobody panicked") = words;
    }

    /// The tools that were called.
    pub fn called(&self) -> Vec<String> {
        self.called.lock().expect("nobody panicked").clone()
    }

    fn next(&self) -> On {
        let mut script = self.script.lock().expect("nobody panicked");
        let next = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
        next.unwrap_or(On::Says("Ada"))
    }

    fn tools(&self) -> Value {
        let find = *self.description.lock().expect("nobody panicked");
        let any = json!({"type": "object"});
        json!([
            {"name": "find", "description": find, "inputSchema": any, "annotations": {"readOnlyHint": true}},
            {"name": "change", "description": "Changes people.", "inputSchema": any, "annotations": {"readOnlyHint": true}},
        ])
    }
}

/// Answers one message.
pub async fn answer(State(server): State<McpServer>, headers: HeaderMap, Json(asked): Json<Value>) -> Response {
    let key = server.key.lock().expect("nobody panicked").clone();
    let method = asked["method"].as_str().unwrap_or_default();
    let manners = *server.manners.lock().expect("nobody panicked");
    let is_greeting = method == "initialize" || asked.get("id").is_none();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let described = format!(r#"resource_metadata="http://{host}/.well-known/oauth-protected-resource""#);
    if let Some(key) = key
        && !(manners.greets_everybody && is_greeting)
        && headers.get(header::AUTHORIZATION).is_none_or(|given| given != format!("Bearer {key}").as_str())
    {
        let challenge = format!(r#"Bearer scope="read", {described}"#);
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
    }
    let says = |result: Value| Json(json!({"jsonrpc": "2.0", "id": asked["id"], "result": result})).into_response();
    let text = |words: &str| says(json!({"content": [{"type": "text", "text": words}]}));
    match method {
        "initialize" => says(json!({
            "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "people", "version": "1"},
        })),
        "tools/list" => says(json!({"tools": server.tools()})),
        "tools/call" => {
            if let Some(right) = *server.wants.lock().expect("nobody panicked") {
                let challenge = format!(r#"Bearer error="insufficient_scope", scope="{right}", {described}"#);
                return (StatusCode::FORBIDDEN, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
            }
            let name = asked["params"]["name"].as_str().unwrap_or_default().to_owned();
            server.called.lock().expect("nobody panicked").push(name);
            match server.next() {
                On::Says(words) => text(words),
                On::Status(status, retry) => {
                    let status = StatusCode::from_u16(status).expect("a status");
                    match retry {
                        Some(seconds) => (status, [(header::RETRY_AFTER, seconds.to_string())]).into_response(),
                        None => status.into_response(),
                    }
                }
                On::Hangs => std::future::pending().await,
                On::TooMuch => text(&"x".repeat(10 * 1024 * 1024)),
            }
        }
        _ if asked.get("id").is_none() => StatusCode::ACCEPTED.into_response(),
        _ if manners.is_vague => says(json!({})),
        _ => {
            let error = json!({"code": -32601, "message": "no such method"});
            Json(json!({"jsonrpc": "2.0", "id": asked["id"], "error": error})).into_response()
        }
    }
}
