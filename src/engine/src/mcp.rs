//! The client of the Model Context Protocol: looks at the tools of a connector, and calls one. What a server says
//! is data; it is asked within its limits only, and what it does is remembered for the circuit breaker.

mod answer;
mod fault;
mod oauth;
mod process;
mod session;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use domain::{ConnectorId, RunId};
use serde_json::Value;
use service::{
    Actor, Db, Error,
    connectors::{Admission, Made, ReadyConnector},
    jobs::CheckConnector,
};
use zeroize::Zeroizing;

use self::{fault::Fault, session::Session};

pub use oauth::{begin_sign_in, finish_sign_in};

/// How long a look at a server may take.
const LOOK: Duration = Duration::from_secs(60);
/// Tries of a call that only looks, for what passes by itself.
const TRIES: u32 = 3;
/// The longest that a server, or its limit, may make us wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// A call of a tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The connector.
    pub connector: ConnectorId,
    /// The tool, as its server calls it.
    pub tool: &'a str,
    /// With these arguments.
    pub arguments: &'a Value,
    /// Whether a person has found the tool harmless, so that it may be called again.
    pub harmless: bool,
    /// The run that wants it.
    pub run: RunId,
}

/// Why a call brought nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failed {
    /// Why.
    pub words: String,
    /// Whether these are the words of the server.
    pub outside: bool,
    /// Whether it may have been done all the same.
    pub unknown: bool,
}

/// Looks at a server and its tools. The outcome is kept with the connector, where people look.
///
/// # Errors
/// When the database is away.
pub async fn check(db: &Db, job: &CheckConnector) -> anyhow::Result<()> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let connector = match t.connectors().open(job.connector).await {
        Err(Error::NotFound(_)) => return Ok(()),
        other => other?,
    };
    t.commit().await?;
    let looked = tokio::time::timeout(LOOK, look(db, &actor, &connector))
        .await
        .unwrap_or_else(|_| Err(Fault::broken("It took longer than a minute to list its tools.")));
    let mut t = db.tenant(&actor).await?;
    match looked {
        Ok(found) => t.connectors().found(job.connector, found).await?,
        Err(fault) => {
            let challenge = fault.challenge.as_deref();
            t.connectors().not_found_out(job.connector, &fault.words, fault.needs_sign_in, challenge).await?;
        }
    }
    Ok(t.commit().await?)
}

async fn look(db: &Db, actor: &Actor, connector: &ReadyConnector) -> Result<service::connectors::Found, Fault> {
    // Which revision it speaks may have changed since the last look.
    let anew = ReadyConnector { protocol: None, ..connector.clone() };
    let mut refused: Option<Fault> = None;
    loop {
        let token = Box::pin(oauth::token(db, actor, connector, refused.is_some())).await;
        let token = token.map_err(|fault| fault.after(refused.clone()))?;
        match list(db, &anew, token).await {
            Err(fault) if refused.is_none() && fault.may_renew() => refused = Some(fault),
            found => return found,
        }
    }
}

async fn list(
    db: &Db,
    with: &ReadyConnector,
    token: Option<Zeroizing<String>>,
) -> Result<service::connectors::Found, Fault> {
    let session = Box::pin(Session::open(db, with, token)).await?;
    let found = session.list_tools().await;
    session.close().await;
    found
}

/// Calls a tool. The inner error is for the agent.
pub(crate) async fn call(db: &Db, actor: &Actor, call: Call<'_>) -> service::Result<Result<Value, Failed>> {
    let ours = |words: String| Ok(Err(Failed { words, ..Failed::default() }));
    let mut tries = 1;
    loop {
        let admission = match admitted(db, actor, call.connector).await {
            Err(Error::NotFound(_)) => return ours("This connector was removed.".to_owned()),
            other => other?,
        };
        match admission {
            Admission::Go => {}
            Admission::Wait(_) => return ours("The limit of calls is reached. Try again in a minute.".to_owned()),
            Admission::Paused => return ours("A person has paused this connector.".to_owned()),
            Admission::NeedsSignIn => {
                let words = "Somebody has to sign in, or to enter another secret, under Settings, Connectors.";
                return ours(words.to_owned());
            }
            Admission::LeftAlone(until) => {
                let until = until.format("%H:%M:%S UTC");
                return ours(format!("The server has failed several times and is left alone until {until}."));
            }
        }
        let mut t = db.tenant(actor).await?;
        let connector = t.connectors().open(call.connector).await?;
        t.commit().await?;
        let begun = Instant::now();
        let outcome = Box::pin(once(db, actor, &connector, call)).await;
        let took = begun.elapsed();
        remember(db, actor, call, took, &outcome).await?;
        let fault = match outcome {
            Ok(outcome) => return Ok(outcome),
            Err(fault) => fault,
        };
        match fault.again {
            Some(wait) if call.harmless && tries < TRIES && wait <= PATIENCE => {
                tracing::info!(connector.id = %call.connector, "A tool is called again: {}", fault.words);
                tokio::time::sleep(wait.max(Duration::from_millis(250) * 2_u32.pow(tries))).await;
                tries += 1;
            }
            _ => return Ok(Err(Failed { words: fault.words, unknown: fault.in_doubt, ..Failed::default() })),
        }
    }
}

/// One try. The outer error is a fault of the server or of the way to it.
async fn once(
    db: &Db,
    actor: &Actor,
    connector: &ReadyConnector,
    call: Call<'_>,
) -> Result<Result<Value, Failed>, Fault> {
    let limit = Duration::from_secs(u64::try_from(connector.timeout_seconds).unwrap_or(30));
    let asked = AtomicBool::new(false);
    let calling = async {
        let mut refused: Option<Fault> = None;
        loop {
            let token = Box::pin(oauth::token(db, actor, connector, refused.is_some())).await;
            let token = token.map_err(|fault| fault.after(refused.clone()))?;
            let opened = Box::pin(Session::open(db, connector, token)).await;
            let (session, answered) = match opened {
                Ok(session) => {
                    asked.store(true, Ordering::Relaxed);
                    let answered = session.call(call.tool, call.arguments, call.harmless).await;
                    (Some(session), answered)
                }
                Err(fault) => (None, Err(fault)),
            };
            match answered {
                // A server that does not know who calls has done nothing, so nothing is done twice.
                Err(fault) if refused.is_none() && fault.may_renew() => {
                    end(session).await;
                    refused = Some(fault);
                }
                answered => return Ok::<_, Fault>((session, answered)),
            }
        }
    };
    let Ok(called) = tokio::time::timeout(limit, calling).await else {
        let in_doubt = !call.harmless && asked.load(Ordering::Relaxed);
        return Err(Fault { in_doubt, ..Fault::broken("It did not answer in time.") });
    };
    let (session, answered) = called?;
    if session.as_ref().is_some_and(Session::tools_have_changed) {
        tell_of_change(db, actor, call.connector).await;
    }
    end(session).await;
    answered
}

async fn end(session: Option<Session>) {
    if let Some(session) = session {
        session.close().await;
    }
}

/// Asks for a call, and waits a little when there were too many.
async fn admitted(db: &Db, actor: &Actor, connector: ConnectorId) -> service::Result<Admission> {
    let mut waited = Duration::ZERO;
    loop {
        let mut t = db.tenant(actor).await?;
        let admission = t.connectors().admit(connector).await?;
        t.commit().await?;
        let Admission::Wait(wait) = admission else { return Ok(admission) };
        let wait = wait.to_std().unwrap_or_default();
        if waited + wait > PATIENCE {
            return Ok(admission);
        }
        tokio::time::sleep(wait).await;
        waited += wait;
    }
}

async fn remember(
    db: &Db,
    actor: &Actor,
    call: Call<'_>,
    took: Duration,
    outcome: &Result<Result<Value, Failed>, Fault>,
) -> service::Result<()> {
    let (error, fault) = match outcome {
        Ok(Ok(_)) => (None, None),
        Ok(Err(failed)) => (Some(failed.words.as_str()), None),
        Err(fault) => (Some(fault.words.as_str()), Some(fault)),
    };
    let made = Made {
        tool: call.tool,
        run: Some(call.run),
        took_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
        error,
        broken: fault.is_some_and(|fault| !fault.needs_sign_in),
        needs_sign_in: fault.is_some_and(|fault| fault.needs_sign_in),
        challenge: fault.and_then(|fault| fault.challenge.as_deref()),
    };
    let mut t = db.tenant(actor).await?;
    t.connectors().made(call.connector, made).await?;
    t.commit().await
}

/// A server says that its tools have changed: they are looked at soon, and those that have are off then.
async fn tell_of_change(db: &Db, actor: &Actor, connector: ConnectorId) {
    let told: service::Result<()> = async {
        let mut t = db.tenant(actor).await?;
        t.connectors().queue_check(connector).await?;
        t.commit().await
    }
    .await;
    if let Err(error) = told {
        tracing::warn!(error = &error as &dyn std::error::Error, "A change of tools is noticed at the next look");
    }
}
