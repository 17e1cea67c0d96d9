//! The doors behind the pictures and links of e-mails. They are open to everybody, so they give what we have signed and
//! nothing else: where a link leads is never taken from the address that is asked for.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{ConnectInfo, FromRequestParts, Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::tracking::{Method, PROOF_PATH, TrackingKind, network};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use leptos::prelude::*;
use service::{
    Db, Error,
    tracking::{Asked, Request},
};

use super::page;

/// How often one picture or link may be asked for in a minute: programs that look ahead do it a few times.
const PER_LINK: u32 = 60;
/// How many wrong ones a network may ask for in a minute. Right ones are not counted by network: the proxies of large
/// providers ask for thousands of people from a handful of addresses.
const WRONG: u32 = 60;
/// So many are counted at the same time; whoever makes more of them begins anew, and costs no more memory.
const COUNTED: usize = 50_000;

/// A picture of one point that nobody sees.
const PICTURE: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\
    \x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// What was asked for how often in this minute, by one process.
#[derive(Default)]
struct Counts {
    minute: i64,
    of: HashMap<String, u32>,
}

#[derive(Clone)]
struct Doors {
    db: Db,
    counts: Arc<Mutex<Counts>>,
}

/// `/c/{token}`, `/o/{token}.gif`, and how a host name tells that it leads here.
pub fn router(db: Db) -> Router {
    Router::new()
        .route("/c/{token}", get(link))
        .route("/o/{file}", get(picture))
        .route(PROOF_PATH, get(here))
        .with_state(Doors { db, counts: Arc::default() })
}

/// Who asks, and how.
struct Asker {
    host: String,
    address: Option<IpAddr>,
    agent: String,
    method: Method,
    is_preload: bool,
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            host: host(parts),
            address: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip()),
            agent: text(&parts.headers, header::USER_AGENT.as_str()).to_owned(),
            method: if parts.method == http::Method::HEAD { Method::Head } else { Method::Get },
            is_preload: is_preload(&parts.headers),
        })
    }
}

async fn link(State(doors): State<Doors>, Path(token): Path<String>, asker: Asker) -> Response {
    doors.answer(TrackingKind::Click, &token, &asker).await
}

async fn picture(State(doors): State<Doors>, Path(file): Path<String>, asker: Asker) -> Response {
    let token = file.strip_suffix(".gif").unwrap_or_default();
    doors.answer(TrackingKind::Open, token, &asker).await
}

/// The word of this installation for the host name that was asked.
async fn here(State(doors): State<Doors>, asker: Asker) -> Response {
    private(doors.db.link_host_word(&asker.host).into_response())
}

impl Doors {
    async fn answer(&self, kind: TrackingKind, token: &str, asker: &Asker) -> Response {
        if !self.db.is_tracking_token(kind, token) {
            return self.unknown(asker.address);
        }
        if !self.counts(token, PER_LINK) {
            return too_often();
        }
        let asks = Request {
            host: &asker.host,
            address: asker.address,
            agent: &asker.agent,
            method: asker.method,
            is_preload: asker.is_preload,
        };
        let asked = match kind {
            TrackingKind::Click => self.db.follow(token, &asks).await,
            TrackingKind::Open => self.db.see(token, &asks).await,
        };
        match asked {
            Ok(Asked::Link(url)) => match HeaderValue::from_str(&url) {
                Ok(url) => private((StatusCode::FOUND, [(header::LOCATION, url)]).into_response()),
                Err(_) => gone(),
            },
            Ok(Asked::Picture) => private(([(header::CONTENT_TYPE, "image/gif")], PICTURE).into_response()),
            Ok(Asked::Gone) => gone(),
            Err(Error::NotFound(_)) => self.unknown(asker.address),
            Err(Error::Unavailable) => private(page::unavailable()),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "A picture or link could not be given");
                private(page::card(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", || {
                    view! { <p>"Open the link from the e-mail again in a moment."</p> }.into_any()
                }))
            }
        }
    }

    /// Not ours, or not at this host.
    fn unknown(&self, address: Option<IpAddr>) -> Response {
        if address.is_some_and(|address| !self.counts(&network(address), WRONG)) {
            return too_often();
        }
        private(page::card(StatusCode::NOT_FOUND, "This link does not work", || {
            view! {
                <p>"It may be incomplete, or too old. Open it from the e-mail again, or answer the e-mail and ask for the address."</p>
            }
            .into_any()
        }))
    }

    /// Counts one more of `what` in this minute; false above `most`.
    fn counts(&self, what: &str, most: u32) -> bool {
        let minute = self.db.clock().now().timestamp().div_euclid(60);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.minute != minute || counts.of.len() >= COUNTED {
            *counts = Counts { minute, of: HashMap::new() };
        }
        let count = counts.of.entry(what.to_owned()).or_default();
        *count = count.saturating_add(1);
        *count <= most
    }
}

/// It was ours, and nothing is known of it any more.
fn gone() -> Response {
    private(page::card(StatusCode::GONE, "This link is gone", || {
        view! {
            <p>"Whoever sent the e-mail has deleted what belongs to it. Answer the e-mail to ask where the link led."</p>
        }
        .into_any()
    }))
}

fn too_often() -> Response {
    let words = "This was asked for too often. Try again in a minute.";
    private((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "60")], words).into_response())
}

/// Kept by nobody on the way, found by no search, and told to nobody behind it.
fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The host name that was asked, without a port.
fn host(parts: &Parts) -> String {
    let named = text(&parts.headers, header::HOST.as_str());
    let authority = if named.is_empty() { parts.uri.authority().map_or("", |a| a.as_str()) } else { named };
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => authority.split(':').next(),
    };
    host.unwrap_or_default().to_ascii_lowercase()
}

/// Browsers that fetch before anybody has asked say so, each in its own way.
fn is_preload(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| {
        let value = text(headers, name).to_ascii_lowercase();
        ["prefetch", "preview", "prerender"].iter().any(|word| value.contains(word))
    })
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
