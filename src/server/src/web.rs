//! The web server: pages, API, live hints and health, behind the layers every request passes.

mod attempts;
mod csrf;
mod forwarded;
mod gate;
mod headers;
mod live;
mod sliding;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    path::Path,
    sync::LazyLock,
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{StatusCode, header},
    middleware,
    routing::{any, get},
    serve::ListenerExt,
};
use leptos::prelude::*;
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use service::Db;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, NotForContentType, Predicate},
    },
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    services::ServeDir,
    set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

use self::forwarded::Proxies;
use crate::config::Config;

/// The largest body of a request; the two routes that take a file say themselves how large it may be.
const BODY: usize = 1024 * 1024;
/// A session ends after this time without a request.
const IDLE: time::Duration = time::Duration::hours(12);
/// How long open requests may go on after a stop was asked for. Streams of hints never end by themselves.
const DRAIN: Duration = Duration::from_secs(5);

/// Everything that answers requests.
///
/// # Errors
/// When the setting of the proxies cannot be read.
pub fn router(config: &Config, db: &Db) -> anyhow::Result<Router> {
    let proxies = Proxies::parse(&config.trusted_proxies).context("SALESWRIGHT_TRUSTED_PROXIES")?;
    let version = version_of(&config.site_root);
    let site = site(config, db, version.clone())
        // Server functions read their bodies past the limit of extractors.
        .layer(RequestBodyLimitLayer::new(BODY))
        .merge(app::public::router(db.clone(), api::openapi::document()))
        .merge(live::router(db.clone(), version))
        .layer(middleware::from_fn(attempts::keep))
        .layer(middleware::from_fn(csrf::check))
        .layer(middleware::from_fn_with_state(db.clone(), sliding::slide))
        .layer(sessions(config, db));
    let health = Router::new()
        .route("/livez", get(|| async { "alive" }))
        .route("/readyz", get(gate::ready))
        .with_state(db.clone());
    Ok(Router::new()
        .merge(site)
        .merge(api::router(db))
        .layer(middleware::from_fn_with_state(db.clone(), gate::check))
        .merge(health)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn(headers::secure))
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(NotForContentType::SSE)))
        .layer(CatchPanicLayer::new())
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(middleware::from_fn_with_state(proxies, forwarded::resolve)))
}

/// The same behind a gate that answers 503 until `open` says true.
pub fn gated(router: Router, open: watch::Receiver<bool>) -> Router {
    router.layer(middleware::from_fn_with_state(open, gate::until_open))
}

/// Serves until `stop` is cancelled, and a little longer.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    // News of a page are a few octets at a time, and do not wait for more.
    let listener = listener.tap_io(|line| {
        if let Err(error) = line.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn std::error::Error, "A connection collects what it sends");
        }
    });
    let server = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        ended = server.into_future() => ended,
        () = async { stop.cancelled().await; tokio::time::sleep(DRAIN).await } => Ok(()),
    }
}

/// The pages that hydrate, their server functions, and the files of the built site.
fn site(config: &Config, db: &Db, version: String) -> Router {
    let options = LeptosOptions::builder()
        .output_name("saleswright")
        .site_root(config.site_root.clone())
        .site_pkg_dir("pkg")
        .build();
    let (context, shell) = (db.clone(), options.clone());
    // Once in a process: while routes are listed, no page of the whole process loads its data, and one
    // that is rendered just then waits for ever.
    static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(app::App));
    let files = ServeDir::new(&config.site_root)
        .precompressed_br()
        .precompressed_gzip()
        .not_found_service(get(app::public::not_found));
    let files = tower::ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            // Asked for each time: parts of two versions of the browser's program do not fit together.
            http::HeaderValue::from_static("no-cache"),
        ))
        .service(files);
    Router::new()
        .leptos_routes_with_context(
            &options,
            ROUTES.clone(),
            move || provide_context(context.clone()),
            move || app::page_document(shell.clone(), app::theme_of_request(), version.clone()),
        )
        .with_state(options)
        // Forms of a page that is older than this server.
        .route("/sf/{*function}", any(app::public::outdated))
        .fallback_service(files)
}

/// What tells two versions of the browser's program apart; the same for all servers of one build. Empty without a site.
fn version_of(site_root: &str) -> String {
    let program = std::fs::read(Path::new(site_root).join("pkg/saleswright.wasm")).unwrap_or_default();
    if program.is_empty() {
        return String::new();
    }
    let mut hasher = DefaultHasher::new();
    program.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// `__Host-` cookies need https (RFC 6265bis, 4.1.3.2), so plain
/// loopback has another name.
fn sessions(config: &Config, db: &Db) -> SessionManagerLayer<service::people::PgSessionStore> {
    let https = config.public_url().starts_with("https://");
    SessionManagerLayer::new(db.session_store())
        .with_name(if https { "__Host-saleswright" } else { "saleswright" })
        .with_secure(https)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(IDLE))
}

/// The status of something that is away for a moment.
pub(crate) const AWAY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
