//! One connector: how it stands, signing in, its tools and the permission of each, and its last calls.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::{
    Row, command, connector_id, facts, form,
    form::SaveConnector,
    state,
    tools::{ReviewTools, section},
};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, only, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::Post,
    fmt::Moment,
    pages::settings::page,
    ui::{
        ButtonKind, ButtonLink, ButtonSize, Callout, Card, Fact, Facts, Pager, SubmitButton, Time, Tone, confirm,
        refusal, refusal_of_fields,
    },
};
#[cfg(feature = "ssr")]
use domain::connectors::{Connector, ConnectorAuth, ConnectorState, ConnectorTool};
#[cfg(feature = "ssr")]
use service::connectors::SignIn;

/// What the page shows.
#[cfg(feature = "ssr")]
struct Shown {
    connector: Connector,
    row: Row,
    tools: Vec<(ConnectorTool, Option<Moment>)>,
    calls: Vec<CallRow>,
    /// The page of calls after this one, and whether this one is a later one.
    pages: (Option<String>, bool),
    agents: Vec<String>,
    sign_in: Option<SignIn>,
    settings: service::Settings,
}

/// A call in the list.
#[cfg(feature = "ssr")]
struct CallRow {
    tool: String,
    run: Option<String>,
    took: String,
    error: Option<String>,
    at: Moment,
}

/// Loads the page; with `edit` the form of the connector, from `after` on its calls.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_connector(slug: String, id: String, edit: String, after: String) -> Result<Written, AppError> {
    let id = connector_id(&id)?;
    let later = !after.is_empty();
    let asked = domain::PageRequest { after: Some(after).filter(|a| !a.is_empty()), per: Some(20), before: None };
    let mut t = crate::server::tenant(&slug).await?;
    let connector = t.connectors().get(id).await?;
    let tools = t.connectors().tools(id).await?;
    let calls = t.connectors().calls(id, &asked).await?;
    let agents = t.connectors().agents(id).await?;
    let sign_in = t.connectors().sign_in(id).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let settings = t.db().settings().clone();
    t.commit().await?;
    let at = |at| Moment::new(at, now, &zone);
    let call = |call: domain::connectors::ConnectorCall| CallRow {
        tool: call.tool,
        run: call.run.map(|run| run.to_string()),
        took: format!("{} ms", call.took_ms),
        error: call.error,
        at: at(call.created_at),
    };
    let shown = Shown {
        row: Row::new(&connector, now, &zone),
        tools: tools.into_iter().map(|tool| (tool.reviewed_at.map(at), tool)).map(|(at, tool)| (tool, at)).collect(),
        calls: calls.items.into_iter().map(call).collect(),
        pages: (calls.next, later),
        agents,
        sign_in,
        settings,
        connector,
    };
    let title = shown.connector.name.clone();
    Ok(Written::new(title, move || show(&slug, shown, edit == "1")))
}

/// Does something with a connector: `test`, `pause`, `resume`, `sign_in`, `remove`.
#[server(prefix = "/sf")]
pub async fn change_connector(slug: String, id: String, what: String) -> Result<(), AppError> {
    let id = connector_id(&id)?;
    let list = format!("/t/{slug}/settings/connectors");
    let mut t = crate::server::tenant(&slug).await?;
    let code = match what.as_str() {
        "test" => t.connectors().request_check(id).await.map(|_| "connector-tested")?,
        "pause" => t.connectors().set_paused(id, true).await.map(|_| "connector-paused")?,
        "resume" => t.connectors().set_paused(id, false).await.map(|_| "connector-resumed")?,
        "sign_in" => t.connectors().begin_sign_in(id).await.map(|_| "connector-sign-in")?,
        "remove" => t.connectors().delete(id).await.map(|()| "connector-removed")?,
        _ => return Err(service::Error::NotFound("command").into()),
    };
    t.commit().await?;
    crate::server::done(&if what == "remove" { list } else { format!("{list}/{id}") }, code);
    Ok(())
}

/// One connector.
#[component]
pub fn ConnectorPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("connector"), use_query_map());
    let live = live_version_of("connectors", id);
    only(Permission::ManageAgents, move || {
        written(live, move || {
            let get = |name: &str| query.read().get(name).unwrap_or_default();
            LoadConnector { slug: slug.get(), id: id.get(), edit: get("edit"), after: get("after") }
        })
    })
}

#[cfg(feature = "ssr")]
fn show(slug: &str, shown: Shown, edit: bool) -> AnyView {
    let (save, change, review) =
        (Post::to::<SaveConnector>(), Post::to::<ChangeConnector>(), Post::to::<ReviewTools>());
    let back = format!("/t/{slug}/settings/connectors");
    let body = if edit {
        view! {
            {refusal_of_fields(save, "form")}
            {form::change(slug, &shown.connector, &shown.settings, save)}
        }
        .into_any()
    } else {
        let sign_in = (shown.connector.auth == ConnectorAuth::Oauth)
            .then(|| signing_in(slug, &shown.connector, shown.sign_in.clone(), change));
        let head = head(slug, &shown, change);
        let calls = calls(slug, &shown.row, shown.calls, shown.pages);
        view! {
            <p><a href=back>"All connectors"</a></p>
            {refusal(change)}
            {refusal(review)}
            {head}
            {sign_in}
            {section(slug, &shown.row.id, shown.tools, review)}
            {calls}
        }
        .into_any()
    };
    page(slug, "connectors", "Connectors", body)
}

#[cfg(feature = "ssr")]
fn head(slug: &str, shown: &Shown, change: Post) -> AnyView {
    let (connector, row) = (&shown.connector, &shown.row);
    let paused = connector.state == ConnectorState::Paused;
    let can_test = !matches!(connector.state, ConnectorState::Paused | ConnectorState::NeedsSignIn);
    let switch = if paused { ("resume", "Resume") } else { ("pause", "Pause") };
    let buttons: Vec<_> = [can_test.then_some(("test", "Test connection")), Some(switch)]
        .into_iter()
        .flatten()
        .map(|(what, words)| {
            let button = view! { <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small>{words}</SubmitButton> };
            command(change, slug, &row.id, what, button.into_any())
        })
        .collect();
    let effect = match shown.agents.as_slice() {
        [] => "Its secrets and its log are forgotten. No agent lists its tools.".to_owned(),
        agents => format!(
            "Its secrets and its log are forgotten. These agents list its tools, and are told that there are none: {}.",
            agents.join(", ")
        ),
    };
    let remove =
        view! { <SubmitButton kind=ButtonKind::Danger size=ButtonSize::Small>"Remove connector"</SubmitButton> };
    let remove = command(change, slug, &row.id, "remove", remove.into_any());
    let edit = format!("/t/{slug}/settings/connectors/{}?edit=1", row.id);
    let server = match (&connector.server_name, &connector.server_version) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        (Some(name), None) => name.clone(),
        _ => "Not known yet".to_owned(),
    };
    let protocol = connector.protocol.clone().unwrap_or_else(|| "Not known yet".to_owned());
    let (title, note, state, facts) = (row.name.clone(), row.tools.clone(), state(row.state.clone()), facts(row));
    let limits =
        format!("{} calls in a minute, {} seconds each", connector.calls_per_minute, connector.timeout_seconds);
    let remove = confirm("Remove", &row.name, effect, remove);
    view! {
        <Card title note>
            {state}
            {facts}
            <Facts>
                <Fact label="Calls itself"><span class="as-written">{server}</span></Fact>
                <Fact label="Protocol">{protocol}</Fact>
                <Fact label="Limits">{limits}</Fact>
            </Facts>
            <div class="cluster">
                {buttons}
                <ButtonLink href=edit size=ButtonSize::Small>"Change"</ButtonLink>
                {remove}
            </div>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn signing_in(slug: &str, connector: &Connector, attempt: Option<SignIn>, change: Post) -> AnyView {
    let words = if connector.signed_in { "Sign in again" } else { "Sign in" };
    let button = view! { <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small>{words}</SubmitButton> };
    let button = command(change, slug, &connector.id.to_string(), "sign_in", button.into_any());
    let stands = match attempt {
        Some(SignIn { error: Some(error), .. }) => {
            view! { <Callout tone=Tone::Coral title="Signing in did not work." live=true>{error}</Callout> }.into_any()
        }
        Some(SignIn { answered: true, .. }) => {
            view! { <p role="status">"You are back. The code is being exchanged."</p> }.into_any()
        }
        Some(SignIn { url: Some(url), .. }) => {
            let host = host_of(&url).to_owned();
            view! {
                <p role="status">"Go on at the provider within a quarter of an hour: "<a class="button primary" href=url rel="external noopener noreferrer">"Continue to "{host}</a></p>
            }
            .into_any()
        }
        Some(_) => {
            view! { <p role="status">"The address to sign in at is being made. It appears here."</p> }.into_any()
        }
        None if connector.signed_in => view! { <p>"Somebody has signed in."</p> }.into_any(),
        None => view! { <p>"Nobody has signed in yet."</p> }.into_any(),
    };
    view! { <Card title="Signing in">{stands}{button}</Card> }.into_any()
}

/// The host of an address, for people who want to know where a link leads.
#[cfg(feature = "ssr")]
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(feature = "ssr")]
fn calls(slug: &str, row: &Row, calls: Vec<CallRow>, (next, later): (Option<String>, bool)) -> AnyView {
    let base = format!("/t/{slug}/settings/connectors/{}", row.id);
    if calls.is_empty() && !later {
        return view! { <Card title="Calls"><p class="subtle">"No agent has called it yet."</p></Card> }.into_any();
    }
    let lines: Vec<_> = calls
        .into_iter()
        .map(|call| {
            let run = call.run.map(|run| {
                let (href, of) = (format!("/t/{slug}/runs/{run}"), format!(" of {}", call.tool));
                view! { <a href=href>"Run"<span class="sr-only">{of}</span></a> }
            });
            let error = call.error.map(|error| view! { <p class="as-written outside">{error}</p> });
            view! {
                <li>
                    <div class="cluster">
                        <code class="strong as-written">{call.tool}</code>
                        {run}
                        <span class="push num">{call.took}</span>
                        <span class="subtle"><Time moment=call.at/></span>
                    </div>
                    {error}
                </li>
            }
            .into_any()
        })
        .collect();
    let next = next.map(|cursor| format!("{base}?after={cursor}"));
    let first = later.then_some(base);
    view! {
        <Card title="Calls" note="Remembered for 30 days">
            <ul class="stack">{lines}</ul>
            <Pager first next/>
        </Card>
    }
    .into_any()
}
