//! A session with a server, for one look or one call: opened, asked, closed. Nothing that the server asks of us is
//! done: it gets no model, no files and no person.
//!
//! A session is not kept for the next call: secrets, rights and the review of a tool count as they are at each
//! call, a worker that ends leaves nothing behind, and the newest revision of the protocol has no sessions.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::connectors::{ConnectorAuth, Transport};
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::{
    ClientHandler, RoleClient,
    model::{
        CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, PaginatedRequestParams,
        ProtocolVersion,
    },
    service::{ClientInitializeError, ClientLifecycleMode, ClientServiceExt, NotificationContext, RunningService},
    transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig},
};
use serde_json::Value;
use service::{
    Db,
    connectors::{Found, FoundTool, ReadyConnector},
};
use zeroize::Zeroizing;

use super::{
    Failed,
    answer::plain,
    fault::{Fault, short},
    process,
};
use crate::http;

/// Bytes of one message of a server.
const MESSAGE: usize = 4 * 1024 * 1024;
/// Pages of a list of tools; a server that has more has none that ends.
const PAGES: usize = 50;
/// How long a server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// A session with a server.
pub(super) struct Session {
    db: Db,
    running: RunningService<RoleClient, Client>,
    changed: Arc<AtomicBool>,
}

impl Session {
    /// Opens a session, with this token if signing in has given one.
    pub(super) async fn open(db: &Db, with: &ReadyConnector, token: Option<Zeroizing<String>>) -> Result<Self, Fault> {
        let client = Client::default();
        let changed = client.changed.clone();
        let lifecycle = lifecycle(with.protocol.as_deref());
        let running = match with.transport {
            Transport::Http => {
                let opened = client.clone().serve_with_lifecycle(http_transport(db, with, token.clone())?, lifecycle);
                match opened.await {
                    Err(error) if with.protocol.is_none() && may_be_older(&error) => {
                        let transport = http_transport(db, with, token)?;
                        client.serve_with_lifecycle(transport, ClientLifecycleMode::Initialize).await
                    }
                    opened => opened,
                }
                .map_err(|error| Fault::of_start(&error, db.clock().now()))?
            }
            Transport::Stdio => {
                let (transport, complaints) = process::start(db, with)?;
                match client.serve_with_lifecycle(transport, lifecycle).await {
                    Ok(running) => running,
                    Err(error) => {
                        let fault = Fault::of_start(&error, db.clock().now());
                        return Err(complaints.added_to(fault).await);
                    }
                }
            }
        };
        Ok(Self { db: db.clone(), running, changed })
    }

    /// What the server is, and all pages of its tools.
    pub(super) async fn list_tools(&self) -> Result<Found, Fault> {
        let info = self.running.peer_info().ok_or_else(|| Fault::broken("initialize: The server says nothing."))?;
        let mut found = Found {
            protocol: info.protocol_version.to_string(),
            server_name: info.server_info.as_ref().map(|server| server.name.clone()),
            server_version: info.server_info.as_ref().map(|server| server.version.clone()),
            tools: Vec::new(),
        };
        if info.capabilities.tools.is_none() {
            return Ok(found);
        }
        let mut cursor = None;
        for _ in 0..PAGES {
            let asked = PaginatedRequestParams::default().with_cursor(cursor);
            let page = self.running.list_tools(Some(asked)).await;
            let page = page.map_err(|error| Fault::of_question("list tools", &error, self.db.clock().now()))?;
            found.tools.extend(page.tools.into_iter().map(|tool| FoundTool {
                name: tool.name.into_owned(),
                title: tool.title.or_else(|| tool.annotations.as_ref().and_then(|hints| hints.title.clone())),
                description: tool.description.map(|text| text.into_owned()).unwrap_or_default(),
                input_schema: Value::Object(tool.input_schema.as_ref().clone()),
                read_only: tool.annotations.as_ref().and_then(|hints| hints.read_only_hint),
                destructive: tool.annotations.as_ref().and_then(|hints| hints.destructive_hint),
            }));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
        Err(Fault::broken("list tools: The list has no end."))
    }

    /// Calls a tool. The inner error is what the server says of it.
    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: &Value,
        harmless: bool,
    ) -> Result<Result<Value, Failed>, Fault> {
        let mut asked = CallToolRequestParams::new(tool.to_owned());
        if let Value::Object(arguments) = arguments {
            asked = asked.with_arguments(arguments.clone());
        }
        match self.running.call_tool(asked).await {
            Ok(result) => Ok(plain(result)),
            // The server is well; it does not like what was asked.
            Err(rmcp::ServiceError::McpError(said)) => Ok(Err(Failed {
                words: format!("The server says “{}”.", short(&said.message)),
                outside: true,
                ..Failed::default()
            })),
            Err(error) => {
                let fault = Fault::of_question("call", &error, self.db.clock().now());
                Err(Fault { in_doubt: !harmless && !fault.refused, ..fault })
            }
        }
    }

    /// Whether the server has said that its tools are others now.
    pub(super) fn tools_have_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// Says goodbye. Dropping a session ends it too, and its program with it.
    pub(super) async fn close(mut self) {
        if let Err(error) = self.running.close_with_timeout(GOODBYE).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "A session did not end well");
        }
    }
}

/// The revision of 2026 has no handshake; what a server spoke last time is tried first.
fn lifecycle(protocol: Option<&str>) -> ClientLifecycleMode {
    let newest = || vec![ProtocolVersion::V_2026_07_28];
    match protocol {
        None => ClientLifecycleMode::Auto {
            preferred_versions: newest(),
            legacy_version: Some(ProtocolVersion::V_2025_11_25),
        },
        Some(protocol) if protocol >= ProtocolVersion::V_2026_07_28.as_str() => {
            ClientLifecycleMode::Discover { preferred_versions: newest() }
        }
        Some(_) => ClientLifecycleMode::Initialize,
    }
}

/// Whether a server that answers the question for the newest revision so may speak an older one. Some answer
/// every question that they do not know with nothing instead of an error.
const fn may_be_older(error: &ClientInitializeError) -> bool {
    matches!(
        error,
        ClientInitializeError::ExpectedInitResult(_) | ClientInitializeError::NoCompatibleProtocolVersion { .. }
    )
}

fn http_transport(
    db: &Db,
    with: &ReadyConnector,
    token: Option<Zeroizing<String>>,
) -> Result<StreamableHttpClientTransport<reqwest::Client>, Fault> {
    let url = with.url.as_deref().unwrap_or_default();
    http::check(db, url).map_err(|words| Fault::broken(format!("address: {words}")))?;
    let client = http::client(db).map_err(|error| Fault::broken(format!("address: {error}.")))?;
    let mut config = StreamableHttpClientTransportConfig::with_uri(url).max_sse_event_size(MESSAGE);
    let secret = with.secret.as_ref().map(|secret| secret.as_str());
    match (with.auth, secret) {
        (ConnectorAuth::Bearer, Some(secret)) => config = config.auth_header(secret),
        (ConnectorAuth::Header, Some(secret)) => {
            let unusable = || Fault::broken("The named secret can't be sent. Enter it again.");
            let name = with.secret_name.as_deref().unwrap_or_default().to_ascii_lowercase();
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
            let mut value = HeaderValue::from_str(secret).map_err(|_| unusable())?;
            value.set_sensitive(true);
            config = config.custom_headers(HashMap::from([(name, value)]));
        }
        (ConnectorAuth::Oauth, _) => {
            if let Some(token) = token {
                config = config.auth_header(token.as_str());
            }
        }
        _ => {}
    }
    Ok(StreamableHttpClientTransport::with_client(client, config))
}

/// Our side of a session.
#[derive(Clone, Debug, Default)]
struct Client {
    changed: Arc<AtomicBool>,
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(ClientCapabilities::default(), Implementation::new("saleswright", env!("CARGO_PKG_VERSION")))
            .with_protocol_version(ProtocolVersion::V_2025_11_25)
    }

    fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) -> impl Future<Output = ()> + Send {
        self.changed.store(true, Ordering::Relaxed);
        std::future::ready(())
    }
}
