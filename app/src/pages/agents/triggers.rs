//! What starts runs of an agent by itself: its triggers, the form of one, and what has set it off.

#[cfg(feature = "ssr")]
mod form;
#[cfg(feature = "ssr")]
mod load;
#[cfg(feature = "ssr")]
mod log;

use std::collections::BTreeMap;

#[cfg(feature = "ssr")]
use domain::{Permission, triggers::TriggerKind};
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::detail::{AgentHead, head};
use crate::{
    error::AppError,
    pages::{
        frame::{live_versions, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    pages::frame::may,
    shell::PageScroll,
    ui::{
        ButtonKind, ButtonLink, ButtonSize, Callout, Card, Empty, EmptyKind, Fact, Facts, Glyph, Status, SubmitButton,
        Time, Tone, confirm, refusal,
    },
};

/// What the page shows below the head of the agent.
#[cfg(feature = "ssr")]
enum Body {
    List(Vec<TriggerRow>),
    Form(form::FilledForm),
    Log(log::Log),
}

/// A trigger in the list.
#[cfg(feature = "ssr")]
struct TriggerRow {
    id: String,
    name: String,
    when: String,
    task: String,
    state: State,
    next: Vec<Moment>,
    /// How many runs it has started within the hour, and when it may start the next, if that is as many as it may.
    used_up: Option<(String, Moment)>,
    bounds: String,
    rights: String,
    /// Where deliveries go, and whether there is a secret for them.
    hook: Option<(String, bool)>,
    enabled: bool,
}

/// How a trigger stands.
#[cfg(feature = "ssr")]
enum State {
    On,
    Off,
    Paused(String),
}

/// Loads the page: the list, or the form of the trigger `edit`, or that of a new one of the kind `new`, or
/// what has set the trigger `log` off.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_triggers(
    slug: String,
    id: String,
    new: String,
    edit: String,
    log: String,
    after: String,
) -> Result<Written, AppError> {
    let agent = super::load::agent_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let found = t.agents().get(agent).await?;
    let body = match (new.as_str(), edit.as_str(), log.as_str()) {
        ("", "", "") => Body::List(load::list(&mut t, agent).await?),
        ("", "", log) => Body::Log(load::log(&mut t, agent, log, after).await?),
        ("", edit, _) => Body::Form(load::filled(&mut t, agent, edit).await?),
        (kind, ..) => Body::Form(load::empty(&mut t, agent, kind).await?),
    };
    t.commit().await?;
    let head = super::load::head(&found);
    Ok(Written::new(format!("Triggers of {}", head.name), move || page(&slug, &head, body)))
}

/// Makes a trigger of the kind `kind`, or changes the one that is named `trigger`.
#[server(prefix = "/sf")]
pub async fn save_trigger(slug: String, id: String, form: BTreeMap<String, String>) -> Result<(), AppError> {
    let agent = super::load::agent_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let definition = t.agents().definition(agent).await?;
    let trigger = match form.get("trigger").map(String::as_str).unwrap_or_default() {
        "" => None,
        trigger => Some(t.triggers().get(agent, load::trigger_id(trigger)?).await?),
    };
    let input = form::read(&form, &definition, trigger.as_ref())?;
    match trigger {
        Some(trigger) => t.triggers().update(agent, trigger.id, input).await?,
        None => t.triggers().create(agent, input).await?,
    };
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/agents/{id}/triggers"), "trigger-saved");
    Ok(())
}

/// Does something with a trigger: `run`, `enable`, `disable`, `delete`.
#[server(prefix = "/sf")]
pub async fn change_trigger(slug: String, id: String, trigger: String, what: String) -> Result<(), AppError> {
    let (agent, trigger) = (super::load::agent_id(&id)?, load::trigger_id(&trigger)?);
    let own = format!("/t/{slug}/agents/{id}/triggers");
    let mut t = crate::server::tenant(&slug).await?;
    let (path, code) = match what.as_str() {
        "enable" => t.triggers().set_enabled(agent, trigger, true).await.map(|_| (own, "trigger-saved"))?,
        "disable" => t.triggers().set_enabled(agent, trigger, false).await.map(|_| (own, "trigger-disabled"))?,
        "delete" => t.triggers().delete(agent, trigger).await.map(|()| (own, "trigger-deleted"))?,
        "run" => {
            let run = t.triggers().run_now(agent, trigger).await?;
            (format!("/t/{slug}/runs/{}", run.id), "run-started")
        }
        _ => return Err(service::Error::NotFound("command").into()),
    };
    t.commit().await?;
    crate::server::done(&path, code);
    Ok(())
}

/// The triggers of an agent.
#[component]
pub fn TriggersPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("agent"), use_query_map());
    let live = live_versions(["triggers", "agents"]);
    let of = move |name| query.read().get(name).unwrap_or_default();
    // What changes meanwhile is no reason to take a form out of somebody's hands.
    let version = Signal::derive(move || if of("new").is_empty() && of("edit").is_empty() { live.get() } else { 0 });
    written(version, move || LoadTriggers {
        slug: slug.get(),
        id: id.get(),
        new: of("new"),
        edit: of("edit"),
        log: of("log"),
        after: of("after"),
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, agent: &AgentHead, body: Body) -> AnyView {
    let base = format!("/t/{slug}/agents/{}/triggers", agent.id);
    let body = match body {
        Body::List(rows) => list(slug, agent, &base, rows),
        Body::Form(filled) => form::view(slug, agent, &base, filled),
        Body::Log(log) => log::view(slug, &base, log),
    };
    view! {
        {head(slug, agent, "/triggers", ().into_any())}
        <PageScroll label="Schedule and triggers"><div class="page-body narrow">{body}</div></PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn list(slug: &str, agent: &AgentHead, base: &str, rows: Vec<TriggerRow>) -> AnyView {
    let change = Post::to::<ChangeTrigger>();
    let empty = rows.is_empty().then(|| {
        view! { <Card title="Triggers"><Empty kind=EmptyKind::First title="Nothing starts this agent by itself" text="A trigger starts a run by the clock, or when something happens."/></Card> }
    });
    let off =
        (!agent.enabled).then(|| view! { <p class="subtle">"The agent is not enabled, so no trigger starts it."</p> });
    let cards: Vec<_> = rows.into_iter().map(|row| card(slug, agent, base, row, change)).collect();
    let add = may(Permission::ManageAgents).then(|| {
        let links: Vec<_> = TriggerKind::ALL
            .iter()
            .map(|kind| {
                let href = format!("{base}?new={kind}");
                view! { <ButtonLink href size=ButtonSize::Small>{kind.label()}</ButtonLink> }.into_any()
            })
            .collect();
        view! { <Card title="Add a trigger"><p class="subtle">"What shall start the agent?"</p><div class="cluster">{links}</div></Card> }
    });
    view! {
        {refusal(change)}
        {off}
        {empty}
        {cards}
        {add}
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn card(slug: &str, agent: &AgentHead, base: &str, row: TriggerRow, change: Post) -> AnyView {
    let next = (!row.next.is_empty()).then(|| {
        let times: Vec<_> = row.next.iter().map(|at| view! { <li><Time moment=at.clone()/></li> }.into_any()).collect();
        view! { <Fact label="Next times"><ul>{times}</ul></Fact> }
    });
    let used_up = row.used_up.clone().map(|(runs, at)| {
        view! { <Callout title="Its hour is used up.">{format!("It has started {runs}. It starts none before ")}<Time moment=at/>"."</Callout> }
    });
    let hook = row.hook.clone().map(|(url, has_secret)| {
        let secret = if has_secret { "Kept" } else { "None yet: nothing is taken" };
        view! { <Fact label="Address"><code>{url}</code></Fact><Fact label="Secret">{secret}</Fact> }
    });
    let buttons = buttons(slug, agent, base, &row, change);
    view! {
        <Card title=row.name note=row.when>
            {state(row.state)}
            {used_up}
            <Facts>
                <Fact label="Task"><span class="as-written">{row.task}</span></Fact>
                {next}
                {hook}
                <Fact label="Bounds">{row.bounds}</Fact>
                <Fact label="Rights">{row.rights}</Fact>
            </Facts>
            {buttons}
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn state(state: State) -> AnyView {
    match state {
        State::On => view! { <p><Status glyph=Glyph::Play tone=Tone::Jade word="Enabled"/></p> }.into_any(),
        State::Off => view! { <p><Status glyph=Glyph::Dash tone=Tone::Neutral word="Disabled"/></p> }.into_any(),
        State::Paused(why) => {
            view! { <p><Status glyph=Glyph::Pause tone=Tone::Amber word="Paused"/>": "{why}</p> }.into_any()
        }
    }
}

#[cfg(feature = "ssr")]
fn buttons(slug: &str, agent: &AgentHead, base: &str, row: &TriggerRow, change: Post) -> AnyView {
    let of = format!(" {}", row.name);
    let change_of = of.clone();
    let form = |what, words| command(change, slug, &agent.id, row, what, words);
    let run = (may(Permission::RunAgents) && agent.enabled && row.hook.is_none()).then(|| form("run", "Run now"));
    let manage = may(Permission::ManageAgents).then(|| {
        let (what, words) = if row.enabled { ("disable", "Disable") } else { ("enable", "Enable") };
        let secret = row.hook.as_ref().map(|(_, has_secret)| {
            let action = format!("{base}/{}/secret", row.id);
            let words = if *has_secret { "New secret" } else { "Make secret" };
            let label = format!("{words}{change_of}");
            view! { <form method="post" action=action><SubmitButton kind=ButtonKind::Default size=ButtonSize::Small label>{words}</SubmitButton></form> }
        });
        let delete = confirm("Delete", &row.name, "It starts nothing more. Runs that it has started stay.", form("delete", "Delete trigger"));
        view! {
            {form(what, words)}
            {secret}
            <ButtonLink href=format!("{base}?edit={}", row.id) size=ButtonSize::Small>"Change"<span class="sr-only">{change_of}</span></ButtonLink>
            {delete}
        }
    });
    view! {
        <div class="cluster">
            {run}
            <ButtonLink href=format!("{base}?log={}", row.id) size=ButtonSize::Small>"What happened"<span class="sr-only">{of}</span></ButtonLink>
            {manage}
        </div>
    }
    .into_any()
}

/// A form with one button.
#[cfg(feature = "ssr")]
fn command(
    change: Post,
    slug: &str,
    agent: &str,
    row: &TriggerRow,
    what: &'static str,
    words: &'static str,
) -> AnyView {
    let kind = if what == "delete" { ButtonKind::Danger } else { ButtonKind::Default };
    let label = format!("{words}: {}", row.name);
    let (slug, agent, trigger) = (slug.to_owned(), agent.to_owned(), row.id.clone());
    view! {
        <PostForm post=change>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=agent/>
            <input type="hidden" name="trigger" value=trigger/>
            <input type="hidden" name="what" value=what/>
            <SubmitButton kind size=ButtonSize::Small label busy=change.busy()>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}
