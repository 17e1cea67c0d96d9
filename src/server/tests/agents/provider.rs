//! A provider where people sign in (OAuth): it registers clients, gives tokens for codes, and renews them until it
//! is told not to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::mcp_server::{McpServer, answer};

/// What a form was posted with.
type Fields = Vec<(String, String)>;

/// A provider with a server of the protocol behind it.
#[derive(Clone)]
pub struct Provider {
    pub server: McpServer,
    /// What it was sent for tokens.
    asked: Arc<Mutex<Vec<Fields>>>,
    given: Arc<AtomicU32>,
    refuses: Arc<AtomicBool>,
}

impl Provider {
    /// One whose first token is `token-1`.
    pub async fn start() -> Self {
        let provider = Self {
            server: McpServer::start_locked("token-1").await,
            asked: Arc::default(),
            given: Arc::default(),
            refuses: Arc::default(),
        };
        let tools = Router::new().route("/mcp", post(answer)).with_state(provider.server.clone());
        let router = Router::new()
            .route("/.well-known/oauth-protected-resource", get(resource))
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/register", post(register))
            .route("/token", post(token))
            .with_state(provider.clone())
            .merge(tools);
        let url = format!("{}mcp", crate::support::listen(router).await);
        Self { server: provider.server.clone().at(url), ..provider }
    }

    /// What it was sent for tokens, by name.
    pub fn asked(&self, n: usize, name: &str) -> Option<String> {
        let asked = self.asked.lock().expect("nobody panicked");
        asked.get(n)?.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    /// Gives no token any more.
    pub fn refuse(&self) {
        self.refuses.store(true, Ordering::Relaxed);
    }
}

fn base(headers: &HeaderMap) -> String {
    format!("http://{}", headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default())
}

async fn resource(headers: HeaderMap) -> Json<Value> {
    let base = base(&headers);
    Json(json!({"resource": format!("{base}/mcp"), "authorization_servers": [base]}))
}

async fn metadata(headers: HeaderMap) -> Json<Value> {
    let base = base(&headers);
    Json(json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "registration_endpoint": format!("{base}/register"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "client_id_metadata_document_supported": true,
    }))
}

async fn register(Json(asked): Json<Value>) -> Response {
    let client =
        json!({"client_id": "a-client", "client_name": asked["client_name"], "redirect_uris": asked["redirect_uris"]});
    (StatusCode::CREATED, Json(client)).into_response()
}

async fn token(State(provider): State<Provider>, Form(asked): Form<Vec<(String, String)>>) -> Response {
    provider.asked.lock().expect("nobody panicked").push(asked);
    if provider.refuses.load(Ordering::Relaxed) {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    }
    let n = provider.given.fetch_add(1, Ordering::Relaxed) + 1;
    Json(json!({
        "access_token": format!("token-{n}"), "token_type": "Bearer", "expires_in": 3600, "refresh_token": format!("again-{n}"),
    }))
    .into_response()
}
