//! Connectors: servers whose tools agents may call. The words of a server are shown as text, and marked as its own.

mod detail;
mod form;
mod tools;

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

pub use detail::ConnectorPage;

#[cfg(feature = "ssr")]
use self::form::AddConnector;
#[cfg(feature = "ssr")]
use super::page;
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, only, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{ButtonLink, ButtonSize, Card, Empty, EmptyKind, Fact, Facts, Glyph, Status, Time, Tone, refusal_of_fields},
};
#[cfg(feature = "ssr")]
use domain::connectors::{Connector, ConnectorAuth, ConnectorState, Transport};

/// A connector, as both pages show it.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
struct Row {
    id: String,
    name: String,
    place: String,
    auth: &'static str,
    state: State,
    tools: String,
    to_review: i64,
    last_call: Option<Moment>,
    /// Calls of a day, and how many of them failed.
    calls: String,
}

/// How a connector stands.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
enum State {
    New,
    Ready(Option<Moment>),
    Alone(Moment, String),
    Failing(String),
    Paused,
    NeedsSignIn(Option<String>),
    NeedsSecret(Option<String>),
}

#[cfg(feature = "ssr")]
impl Row {
    fn new(c: &Connector, now: chrono::DateTime<chrono::Utc>, zone: &str) -> Self {
        let at = |at| Moment::new(at, now, zone);
        let place = match c.transport {
            Transport::Http => c.url.clone().unwrap_or_default(),
            Transport::Stdio => {
                let words = c.command.iter().chain(&c.args).map(String::as_str);
                words.collect::<Vec<_>>().join(" ")
            }
        };
        let state = match (c.state, c.open_until.filter(|until| *until > now)) {
            (ConnectorState::Paused, _) => State::Paused,
            (ConnectorState::NeedsSignIn, _) if c.auth != ConnectorAuth::Oauth => {
                State::NeedsSecret(c.last_error.clone())
            }
            (ConnectorState::NeedsSignIn, _) => State::NeedsSignIn(c.last_error.clone()),
            (_, Some(until)) => State::Alone(Moment::exact(until, zone), c.last_error.clone().unwrap_or_default()),
            (ConnectorState::New, None) => State::New,
            (ConnectorState::Failing, None) => State::Failing(c.last_error.clone().unwrap_or_default()),
            (ConnectorState::Ready, None) => State::Ready(c.checked_at.map(at)),
        };
        let calls = match (c.calls, c.failed) {
            (0, _) => "None".to_owned(),
            (calls, 0) => format!("{calls}, all of them well"),
            (calls, failed) => format!("{calls}, {failed} failed ({} %)", failed * 100 / calls),
        };
        Self {
            id: c.id.to_string(),
            name: c.name.clone(),
            place,
            auth: c.auth.label(),
            state,
            tools: if c.tools == 1 { "1 tool".to_owned() } else { format!("{} tools", c.tools) },
            to_review: c.to_review,
            last_call: c.last_call.map(at),
            calls,
        }
    }
}

/// Loads the list; `preset` says what the form of a new one is filled with.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_connectors(slug: String, preset: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let connectors = t.connectors().list().await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let settings = t.db().settings().clone();
    t.commit().await?;
    let rows = connectors.iter().map(|connector| Row::new(connector, now, &zone)).collect();
    Ok(Written::new("Connectors", move || show(&slug, rows, &preset, &settings)))
}

/// The connectors.
#[component]
pub fn ConnectorsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    let live = live_version("connectors");
    only(Permission::ManageAgents, move || {
        written(live, move || {
            let preset = query.read().get("preset").unwrap_or_default();
            LoadConnectors { slug: slug.get(), preset }
        })
    })
}

#[cfg(feature = "ssr")]
fn connector_id(text: &str) -> Result<domain::ConnectorId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("connector").into())
}

#[cfg(feature = "ssr")]
fn show(slug: &str, rows: Vec<Row>, preset: &str, settings: &service::Settings) -> AnyView {
    let add = Post::to::<AddConnector>();
    let empty = rows.is_empty().then(|| {
        view! { <Card title="Connectors"><Empty kind=EmptyKind::First title="No connector yet" text="Add one below, look at its tools, and say what agents may do with each."/></Card> }
    });
    let cards: Vec<_> = rows.into_iter().map(|row| card(slug, row)).collect();
    let body = view! {
        {refusal_of_fields(add, "form")}
        <p class="subtle">"A connector is a server of the Model Context Protocol. Its tools are off until you have reviewed them. An agent lists a tool as "<code>"name__tool"</code>", or all of a connector as "<code>"name__*"</code>"."</p>
        {empty}
        {cards}
        {form::add(slug, preset, settings, add)}
    }
    .into_any();
    page(slug, "connectors", "Connectors", body)
}

#[cfg(feature = "ssr")]
fn card(slug: &str, row: Row) -> AnyView {
    let href = format!("/t/{slug}/settings/connectors/{}", row.id);
    let of = format!(" of {}", row.name);
    let verb = if row.to_review > 0 { format!("Review {} tools", row.to_review) } else { "Show tools".to_owned() };
    let facts = facts(&row);
    let Row { name, tools, state: stands, .. } = row;
    view! {
        <Card title=name note=tools>
            {state(stands)}
            {facts}
            <ButtonLink href size=ButtonSize::Small>{verb}<span class="sr-only">{of}</span></ButtonLink>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn facts(row: &Row) -> AnyView {
    let last = match row.last_call.clone() {
        Some(moment) => view! { <Time moment/> }.into_any(),
        None => "Never".into_any(),
    };
    let (place, auth, calls) = (row.place.clone(), row.auth, row.calls.clone());
    view! {
        <Facts>
            <Fact label="Server"><span class="as-written">{place}</span></Fact>
            <Fact label="Asks for">{auth}</Fact>
            <Fact label="Last call">{last}</Fact>
            <Fact label="Calls in 24 hours">{calls}</Fact>
        </Facts>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn state(state: State) -> AnyView {
    let line =
        |glyph, tone, word: &'static str, rest: AnyView| view! { <p><Status glyph tone word/>{rest}</p> }.into_any();
    let because = |reason: String| (!reason.is_empty()).then(|| format!(": {reason}")).into_any();
    match state {
        State::New => line(Glyph::Clock, Tone::Sky, "Being looked at", ().into_any()),
        State::Ready(at) => {
            let when = at.map(|moment| view! { ", looked at "<Time moment/> });
            line(Glyph::Done, Tone::Jade, "Answers", when.into_any())
        }
        State::Alone(until, reason) => {
            let rest = view! { " until "<Time moment=until/>": "{reason} };
            line(Glyph::Pause, Tone::Amber, "Left alone", rest.into_any())
        }
        State::Failing(reason) => line(Glyph::Octagon, Tone::Coral, "Does not answer", because(reason)),
        State::Paused => line(Glyph::Pause, Tone::Neutral, "Paused", ().into_any()),
        State::NeedsSecret(reason) => {
            line(Glyph::Diamond, Tone::Amber, "Needs another secret", because(reason.unwrap_or_default()))
        }
        State::NeedsSignIn(reason) => {
            line(Glyph::Diamond, Tone::Amber, "Needs somebody to sign in", because(reason.unwrap_or_default()))
        }
    }
}

/// A form around a button that does something with a connector.
#[cfg(feature = "ssr")]
fn command(change: Post, slug: &str, id: &str, what: &'static str, button: AnyView) -> AnyView {
    let (slug, id) = (slug.to_owned(), id.to_owned());
    view! {
        <PostForm post=change>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="what" value=what/>
            {button}
        </PostForm>
    }
    .into_any()
}
