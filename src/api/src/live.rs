//! Live news over a WebSocket: hints for a company, and the events of runs somebody asked for. Whoever listens
//! has the rights of this moment, not those of when they came.

mod hand_over;

use std::time::Duration;

use axum::{
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    response::Response,
};
use domain::{RunId, keys::Scope};
use serde::Deserialize;
use serde_json::{Value, json};
use service::{Actor, Db, live::Hint};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{MissedTickBehavior, interval, timeout},
};

use self::hand_over::hand_over;
use crate::{
    follow::Follow,
    problem::{Failure, ProblemDetails, lacks_scope},
};

/// The largest message that a listener sends.
const MOST_BYTES: usize = 16 * 1024;
/// Runs that one socket follows at the same time.
const MOST_RUNS: usize = 20;
/// How long one message may wait for a listener that does not read.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two pings. A listener that answered none of the last ones is gone.
const BEAT: Duration = Duration::from_secs(20);
/// Pings without an answer.
const MOST_UNANSWERED: u8 = 3;

/// What a listener asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Asked {
    Subscribe(Subscribe),
    Unsubscribe(Unsubscribe),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    run: RunId,
    #[serde(default)]
    after: i32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unsubscribe {
    run: RunId,
}

/// Why a socket is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The listener left.
    Gone,
    /// It does not read.
    Slow,
    /// It has no rights any more.
    Revoked,
}

impl End {
    const fn frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone => return None,
            Self::Slow => (close_code::AGAIN, "Messages are not read."),
            Self::Revoked => (close_code::POLICY, "This key or session has no rights any more."),
        };
        Some(CloseFrame { code, reason: axum::extract::ws::Utf8Bytes::from_static(reason) })
    }
}

/// Opens the socket for somebody who may listen; `signed_in` says whether they still are.
pub fn upgrade<F, Fut>(upgrade: WebSocketUpgrade, db: Db, actor: Actor, signed_in: F) -> Response
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = bool> + Send + 'static,
{
    // Heard from here on, so that nothing falls between the answer and the first look.
    let hints = db.live().subscribe();
    upgrade.max_message_size(MOST_BYTES).max_frame_size(MOST_BYTES).on_upgrade(move |socket| async move {
        let mut talk = Talk { socket, db, actor, signed_in, following: Vec::new(), unanswered: 0 };
        let Err(end) = talk.go_on(hints).await;
        if let Some(frame) = end.frame() {
            let _ = timeout(PATIENCE, talk.socket.send(Message::Close(Some(frame)))).await;
        }
    })
}

/// An open socket.
struct Talk<F> {
    socket: WebSocket,
    db: Db,
    actor: Actor,
    signed_in: F,
    following: Vec<Follow>,
    unanswered: u8,
}

impl<F, Fut> Talk<F>
where
    F: Fn() -> Fut,
    Fut: Future<Output = bool>,
{
    async fn go_on(&mut self, mut hints: Receiver<Hint>) -> Result<std::convert::Infallible, End> {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => self.asked(text.as_str()).await?,
                    Some(Ok(Message::Binary(_))) => self.trouble("text_expected", "Send JSON as text.").await?,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
                },
                hint = hints.recv() => match hint {
                    Ok(hint) if hint.is_for(self.actor.company()) => self.heard(&hint).await?,
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => self.resync().await?,
                    Err(RecvError::Closed) => return Err(End::Gone),
                },
                _ = beat.tick() => {
                    self.beat().await?;
                    continue;
                }
            }
            self.unanswered = 0;
        }
    }

    async fn asked(&mut self, text: &str) -> Result<(), End> {
        match serde_json::from_str(text) {
            Ok(Asked::Subscribe(Subscribe { run, after })) => self.subscribe(run, after).await,
            Ok(Asked::Unsubscribe(Unsubscribe { run })) => {
                self.following.retain(|follow| follow.run != run);
                self.say(json!({ "unsubscribed": { "run": run } })).await
            }
            Err(error) => self.trouble("message_invalid", &format!("This can’t be read: {error}.")).await,
        }
    }

    async fn subscribe(&mut self, run: RunId, after: i32) -> Result<(), End> {
        if !may_hear(&self.actor, "runs") {
            return self.refuse(run, lacks_scope(Scope::RunsRead)).await;
        }
        self.following.retain(|follow| follow.run != run);
        if self.following.len() >= MOST_RUNS {
            let words = format!("One socket follows at most {MOST_RUNS} runs.");
            return self.trouble("runs_many", &words).await;
        }
        self.following.push(Follow::new(run, after));
        self.read(run).await
    }

    async fn heard(&mut self, hint: &Hint) -> Result<(), End> {
        match hint.topic.as_str() {
            "resync" => return self.resync().await,
            "keys" | "members" => self.renew().await?,
            _ => {}
        }
        if may_hear(&self.actor, &hint.topic) {
            self.say(json!({ "topic": hint.topic, "id": hint.id })).await?;
        }
        match hint.id {
            Some(id) if hint.topic == "runs" => self.read(RunId(id)).await,
            _ => Ok(()),
        }
    }

    /// Something may have been missed.
    async fn resync(&mut self) -> Result<(), End> {
        self.renew().await?;
        self.say(json!({ "topic": "resync", "id": null })).await?;
        self.read_all().await
    }

    /// A moment without news: looks whether the listener is there and may be, and whether a hint was lost.
    async fn beat(&mut self) -> Result<(), End> {
        if self.unanswered >= MOST_UNANSWERED {
            return Err(End::Gone);
        }
        self.unanswered += 1;
        self.renew().await?;
        self.hand(Message::Ping(axum::body::Bytes::new())).await?;
        self.read_all().await
    }

    /// Takes the rights of now. While the database is away nobody is sent away.
    async fn renew(&mut self) -> Result<(), End> {
        let Ok(mut t) = self.db.tenant(&self.actor).await else { return Ok(()) };
        let Ok(rights) = t.rights_now().await else { return Ok(()) };
        drop(t);
        self.actor = rights.ok_or(End::Revoked)?;
        if (self.signed_in)().await { Ok(()) } else { Err(End::Revoked) }
    }

    async fn read_all(&mut self) -> Result<(), End> {
        let runs: Vec<_> = self.following.iter().map(|follow| follow.run).collect();
        for run in runs {
            self.read(run).await?;
        }
        Ok(())
    }

    /// Passes on what a run has done since the last look, if somebody follows it.
    async fn read(&mut self, run: RunId) -> Result<(), End> {
        loop {
            let Some(follow) = self.following.iter_mut().find(|follow| follow.run == run) else { return Ok(()) };
            let (events, ended) = match follow.read(&self.db, &self.actor).await {
                Ok(events) => (events, follow.has_ended()),
                Err(Failure::Not(details)) if details.status == 503 => return Ok(()),
                Err(failure) => {
                    self.following.retain(|follow| follow.run != run);
                    let Failure::Not(details) = failure else { return Ok(()) };
                    return self.refuse(run, *details).await;
                }
            };
            let nothing = events.is_empty();
            for event in events {
                self.say(json!({ "run": run, "event": event })).await?;
            }
            if ended {
                self.following.retain(|follow| follow.run != run);
                return self.say(json!({ "run": run, "ended": true })).await;
            }
            if nothing {
                return Ok(());
            }
        }
    }

    async fn refuse(&mut self, run: RunId, details: ProblemDetails) -> Result<(), End> {
        self.say(json!({ "error": { "code": details.code, "detail": details.detail, "run": run } })).await
    }

    async fn trouble(&mut self, code: &str, detail: &str) -> Result<(), End> {
        self.say(json!({ "error": { "code": code, "detail": detail } })).await
    }

    async fn say(&mut self, value: Value) -> Result<(), End> {
        self.hand(Message::text(value.to_string())).await
    }

    async fn hand(&mut self, message: Message) -> Result<(), End> {
        hand_over(&mut self.socket, message, PATIENCE).await
    }
}

/// Whether somebody may hear that things of a topic change: people of the company do, programs whose key
/// reads these things do.
fn may_hear(actor: &Actor, topic: &str) -> bool {
    let scope = match topic {
        "leads" | "accounts" | "imports" | "tasks" | "drafts" => Scope::LeadsRead,
        "campaigns" | "content" | "documents" | "inbound" | "samples" | "threads" => Scope::CampaignsRead,
        "mailboxes" => Scope::MailboxesRead,
        "suppressions" => Scope::SuppressionsRead,
        "agents" | "models" | "triggers" | "memories" | "connectors" => Scope::AgentsRead,
        "runs" | "conversations" => Scope::RunsRead,
        _ => return actor.api_key_id().is_none(),
    };
    actor.api_key_id().is_none() || actor.scopes().contains(&scope)
}
