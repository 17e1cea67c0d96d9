//! Signing in at the provider of a connector (OAuth with PKCE and a resource indicator), and the tokens it gives.
//! Every address that is found on the way passes the guarded client; tokens are sealed before they are kept.

use std::{sync::Arc, time::Duration};

use domain::connectors::{ConnectorAuth, SIGN_IN_BACK, SignInClient};
use futures::StreamExt;
use reqwest::Url;
use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationMetadata, CredentialStore, InMemoryCredentialStore,
    InMemoryStateStore, OAuthClientConfig, OAuthHttpClient, OAuthHttpClientFuture, OAuthHttpRequest, StateStore,
    StoredAuthorizationState, StoredCredentials,
};
use serde::{Deserialize, Serialize};
use service::{
    Actor, Db,
    connectors::{Led, ReadyConnector},
    jobs::{BeginSignIn, FinishSignIn},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{fault::Fault, session::Session};
use crate::http;

/// Bytes of an answer of a provider.
const MOST: usize = 256 * 1024;
/// How long a server may take to say what it asks of whoever signs in.
const CHALLENGED: Duration = Duration::from_secs(20);
/// A token that ends within this is renewed before it is used.
const SOON: u64 = 60;
/// How often, and how many times, somebody who renews the tokens is waited for.
const OTHERS: (Duration, u32) = (Duration::from_millis(500), 20);

/// What an exchange needs besides the code.
#[derive(Serialize, Deserialize)]
struct Flow {
    client: Client,
    word: String,
    state: StoredAuthorizationState,
}

/// What signing in has given.
#[derive(Serialize, Deserialize)]
struct Tokens {
    client: Client,
    credentials: StoredCredentials,
}

/// Who we are for the provider.
#[derive(Clone, Serialize, Deserialize)]
struct Client {
    id: String,
    secret: Option<String>,
}

/// Finds out where a person has to go to sign in.
///
/// # Errors
/// When the database is away.
pub async fn begin_sign_in(db: &Db, job: &BeginSignIn) -> anyhow::Result<()> {
    let Some((actor, connector, _)) = attempt(db, job.company, job.attempt).await? else { return Ok(()) };
    let led = lead(db, &connector).await;
    let mut t = db.tenant(&actor).await?;
    match led {
        Ok((url, flow, challenge)) => {
            let kept = serde_json::to_string(&flow)?;
            let led = Led { url: &url, word: &flow.word, flow: &kept, challenge: challenge.as_deref() };
            t.connectors().lead_sign_in(job.attempt, led).await?;
        }
        Err(words) => t.connectors().fail_sign_in(job.attempt, &words).await?,
    }
    Ok(t.commit().await?)
}

/// Exchanges the code that the browser brought for tokens.
///
/// # Errors
/// When the database is away.
pub async fn finish_sign_in(db: &Db, job: &FinishSignIn) -> anyhow::Result<()> {
    let Some((actor, connector, flow)) = attempt(db, job.company, job.attempt).await? else { return Ok(()) };
    let (Some(kept), Some(answer)) = (flow.flow, flow.answer) else { return Ok(()) };
    let kept: Flow = serde_json::from_str(&kept)?;
    let exchanged = exchange(db, &connector, kept, &answer.code, answer.issuer.as_deref()).await;
    let mut t = db.tenant(&actor).await?;
    match exchanged {
        Ok(tokens) => {
            let tokens = Zeroizing::new(serde_json::to_string(&tokens)?);
            t.connectors().signed_in(job.attempt, connector.id, &tokens).await?;
        }
        Err(words) => t.connectors().fail_sign_in(job.attempt, &words).await?,
    }
    Ok(t.commit().await?)
}

/// The token for a session; renewed when it ends soon, or when the server has refused it (`refused`).
pub(super) async fn token(
    db: &Db,
    actor: &Actor,
    connector: &ReadyConnector,
    refused: bool,
) -> Result<Option<Zeroizing<String>>, Fault> {
    if connector.auth != ConnectorAuth::Oauth {
        return if refused {
            Err(Fault::unknown_here("The server refuses the secret. Enter one that works."))
        } else {
            Ok(None)
        };
    }
    let nobody = || Fault::unknown_here("Nobody has signed in. Sign in on the page of the connector.");
    let tokens: Tokens =
        connector.tokens.as_ref().and_then(|text| serde_json::from_str(text).ok()).ok_or_else(nobody)?;
    let now = u64::try_from(db.clock().now().timestamp()).unwrap_or_default();
    if !refused && !ends_soon(&tokens, now) {
        return Ok(access(&tokens));
    }
    let kept = |error: service::Error| Fault::broken(format!("The tokens can't be kept: {error}."));
    match turn(db, actor, connector, &tokens).await.map_err(kept)? {
        Turn::Others(token) => Ok(token),
        Turn::Ours => {
            let renewed = renew(db, connector, tokens).await;
            let text = renewed.as_ref().ok().and_then(|tokens| serde_json::to_string(tokens).ok()).map(Zeroizing::new);
            let saved: service::Result<()> = async {
                let mut t = db.tenant(actor).await?;
                t.connectors().end_renewal(connector.id, text.as_deref().map(String::as_str)).await?;
                t.commit().await
            }
            .await;
            saved.map_err(kept)?;
            Ok(access(&renewed?))
        }
    }
}

/// Whose turn it is to renew.
enum Turn {
    Ours,
    /// Somebody else has done it.
    Others(Option<Zeroizing<String>>),
}

/// Waits until nobody else renews: some providers void all tokens when one is used twice.
async fn turn(db: &Db, actor: &Actor, connector: &ReadyConnector, old: &Tokens) -> service::Result<Turn> {
    for _ in 0..OTHERS.1 {
        let mut t = db.tenant(actor).await?;
        let fresh = t.connectors().open(connector.id).await?.tokens;
        let fresh: Option<Tokens> = fresh.as_ref().and_then(|text| serde_json::from_str(text).ok());
        if let Some(fresh) = fresh.filter(|fresh| access(fresh) != access(old)) {
            return Ok(Turn::Others(access(&fresh)));
        }
        let ours = t.connectors().begin_renewal(connector.id).await?;
        t.commit().await?;
        if ours {
            return Ok(Turn::Ours);
        }
        tokio::time::sleep(OTHERS.0).await;
    }
    Ok(Turn::Others(access(old)))
}

async fn attempt(
    db: &Db,
    company: domain::CompanyId,
    attempt: Uuid,
) -> anyhow::Result<Option<(Actor, ReadyConnector, service::connectors::SignInFlow)>> {
    let actor = db.platform().system_actor(company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let Some(flow) = t.connectors().open_sign_in(attempt).await? else { return Ok(None) };
    let connector = t.connectors().open(flow.connector).await?;
    t.commit().await?;
    Ok(Some((actor, connector, flow)))
}

/// Discovery, a client of ours if the company has none, and the address to go to; with what the server asked.
async fn lead(db: &Db, connector: &ReadyConnector) -> Result<(String, Flow, Option<String>), String> {
    let asked = match &connector.challenge {
        None => challenge_of(db, connector).await,
        known => known.clone(),
    };
    let connector = &ReadyConnector { challenge: asked, ..connector.clone() };
    let (mut manager, states, _, metadata) = manager(db, connector).await.map_err(words)?;
    let scopes = scopes(&manager, connector).await;
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let back = back(db);
    let client = match (&connector.client_id, SignInClient::at(&db.settings().public_url)) {
        (Some(id), _) => Client { id: id.clone(), secret: connector.secret.as_ref().map(|secret| secret.to_string()) },
        (None, Some(own)) if reads_documents(&metadata) => Client { id: own.client_id, secret: None },
        (None, _) => {
            let made = manager
                .register_client("Saleswright", &back, &scopes)
                .await
                .map_err(|error| format!("{} Register a client at the provider, and enter it here.", words(error)))?;
            Client { id: made.client_id, secret: made.client_secret }
        }
    };
    manager.configure_client(config(&client, &back)).map_err(words)?;
    let url = manager.get_authorization_url(&scopes).await.map_err(words)?;
    let mut url = Url::parse(&url).map_err(|_| "The provider gives no address to sign in at.".to_owned())?;
    let word = url.query_pairs().find(|(name, _)| name == "state").map(|(_, word)| word.into_owned());
    let word = word.unwrap_or_default();
    let state = states.load(&word).await.map_err(words)?;
    let state = state.ok_or_else(|| "The provider gives no address to sign in at.".to_owned())?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("The address of the provider is none of the web.".to_owned());
    }
    if url.host_str() == Some("accounts.google.com") {
        // Google gives a token that renews itself only to whoever asks in these words.
        url.query_pairs_mut().append_pair("access_type", "offline").append_pair("prompt", "consent");
    }
    Ok((url.into(), Flow { client, word, state }, connector.challenge.clone()))
}

/// What a server asks of somebody whom it does not know. Some say it only to those who call a method.
async fn challenge_of(db: &Db, connector: &ReadyConnector) -> Option<String> {
    let stranger = ReadyConnector { protocol: None, ..connector.clone() };
    let asking = async {
        let session = Box::pin(Session::open(db, &stranger, None)).await?;
        let listed = session.list_tools().await;
        session.close().await;
        listed
    };
    tokio::time::timeout(CHALLENGED, asking).await.ok()?.err()?.challenge
}

/// The rights to ask for: those that were given before, and those that the server asks for now.
async fn scopes(manager: &AuthorizationManager, connector: &ReadyConnector) -> Vec<String> {
    let before: Option<Tokens> = connector.tokens.as_ref().and_then(|text| serde_json::from_str(text).ok());
    let mut scopes = before.map(|tokens| tokens.credentials.granted_scopes).unwrap_or_default();
    for scope in manager.select_initial_scopes(&[]).await {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

/// Whether a provider reads who we are at our own address.
fn reads_documents(metadata: &AuthorizationMetadata) -> bool {
    let told = metadata.additional_fields.get("client_id_metadata_document_supported");
    told.and_then(serde_json::Value::as_bool).unwrap_or_default()
}

async fn exchange(
    db: &Db,
    connector: &ReadyConnector,
    flow: Flow,
    code: &str,
    issuer: Option<&str>,
) -> Result<Tokens, String> {
    let (mut manager, states, credentials, _) = manager(db, connector).await.map_err(words)?;
    manager.configure_client(config(&flow.client, &back(db))).map_err(words)?;
    states.save(&flow.word, flow.state).await.map_err(words)?;
    manager.exchange_code_for_token_with_issuer(code, &flow.word, issuer).await.map_err(words)?;
    let credentials = credentials.load().await.map_err(words)?;
    let credentials = credentials.ok_or_else(|| "The provider gave no token.".to_owned())?;
    Ok(Tokens { client: flow.client, credentials })
}

async fn renew(db: &Db, connector: &ReadyConnector, tokens: Tokens) -> Result<Tokens, Fault> {
    let over = |_| Fault::unknown_here("What signing in has given is no longer valid. Sign in again.");
    let fault = |error: AuthError| match error {
        AuthError::AuthorizationRequired | AuthError::TokenRefreshRejected(_) => over(()),
        error => Fault { again: Some(Duration::ZERO), ..Fault::broken(words(error)) },
    };
    let (mut manager, _, credentials, _) = manager(db, connector).await.map_err(fault)?;
    manager.configure_client(config(&tokens.client, &back(db))).map_err(fault)?;
    credentials.save(tokens.credentials).await.map_err(fault)?;
    manager.refresh_token().await.map_err(fault)?;
    let credentials = credentials.load().await.map_err(fault)?.ok_or_else(|| over(()))?;
    Ok(Tokens { client: tokens.client, credentials })
}

/// The machinery of the library with stores that we can read, after discovery.
async fn manager(
    db: &Db,
    connector: &ReadyConnector,
) -> Result<(AuthorizationManager, InMemoryStateStore, InMemoryCredentialStore, AuthorizationMetadata), AuthError> {
    let url = connector.url.as_deref().unwrap_or_default();
    let client = http::client(db).map_err(|error| AuthError::InternalError(error.to_string()))?;
    let guarded = Arc::new(Guarded { db: db.clone(), client });
    let mut manager = AuthorizationManager::new_with_oauth_http_client(url, guarded).await?;
    let (states, credentials) = (InMemoryStateStore::new(), InMemoryCredentialStore::new());
    manager.set_state_store(states.clone());
    manager.set_credential_store(credentials.clone());
    let found = manager.resolve_metadata_from_challenge(connector.challenge.as_deref()).await?.metadata;
    manager.set_metadata(found.clone());
    Ok((manager, states, credentials, found))
}

fn config(client: &Client, back: &str) -> OAuthClientConfig {
    let config = OAuthClientConfig::new(client.id.clone(), back).with_application_type("web");
    match &client.secret {
        Some(secret) => config.with_client_secret(secret.clone()),
        None => config,
    }
}

fn back(db: &Db) -> String {
    format!("{}{SIGN_IN_BACK}", db.settings().public_url)
}

/// The token that a server is shown.
fn access(tokens: &Tokens) -> Option<Zeroizing<String>> {
    let token = serde_json::to_value(&tokens.credentials.token_response).ok()?;
    token["access_token"].as_str().map(|token| Zeroizing::new(token.to_owned()))
}

fn ends_soon(tokens: &Tokens, now: u64) -> bool {
    let token = serde_json::to_value(&tokens.credentials.token_response).unwrap_or_default();
    match (token["expires_in"].as_u64(), tokens.credentials.token_received_at) {
        (Some(lasts), Some(since)) => since + lasts < now + SOON,
        _ => false,
    }
}

/// What went wrong, in words without what was sent.
fn words(error: AuthError) -> String {
    match error {
        AuthError::DiscoveryRequestFailed { url, source } => {
            format!("{} can't be asked how to sign in: {source}.", url.host_str().unwrap_or("The server"))
        }
        AuthError::PkceUnsupported => {
            "The provider does not protect codes (PKCE), so nobody signs in there.".to_owned()
        }
        AuthError::RegistrationFailed(_) => "The provider registers no clients by itself.".to_owned(),
        AuthError::TokenExchangeFailed(_) => "The provider did not take the code. Sign in again.".to_owned(),
        AuthError::AuthorizationServerMismatch { .. } | AuthError::AuthorizationServerMissingIssuer { .. } => {
            "The answer came from somebody else than the provider. Sign in again.".to_owned()
        }
        AuthError::NoAuthorizationSupport => "The server does not say how to sign in.".to_owned(),
        _ => "The server, or its provider, does not say how to sign in in a way that is known here.".to_owned(),
    }
}

/// The guarded client for every address that the library finds.
struct Guarded {
    db: Db,
    client: reqwest::Client,
}

impl OAuthHttpClient for Guarded {
    fn execute(&self, asked: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            let request = reqwest::Request::try_from(asked.request)?;
            http::check(&self.db, request.url().as_str())?;
            let sent = self.client.execute(request);
            let answer = match asked.timeout {
                Some(limit) => tokio::time::timeout(limit, sent).await??,
                None => sent.await?,
            };
            let mut response = ::http::Response::builder().status(answer.status());
            for (name, value) in answer.headers() {
                response = response.header(name, value);
            }
            let (mut body, mut parts) = (Vec::new(), answer.bytes_stream());
            while let Some(part) = parts.next().await {
                body.extend_from_slice(&part?);
                if body.len() > MOST {
                    return Err("the answer is too large".into());
                }
            }
            Ok(response.body(body)?)
        })
    }
}
