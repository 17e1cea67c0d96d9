//! One workflow: what sets it off, what it does, and what came of it.

use std::collections::BTreeMap;

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    pages::frame::may,
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, ButtonLink, ButtonSize, Callout, Card, Crumb, Empty, EmptyKind, Fact, Facts, SubmitButton, Time,
        Tone, confirm, refusal,
    },
};
#[cfg(feature = "ssr")]
use domain::{
    Permission,
    words::plural,
    workflows::{MOST_ACTIONS, Workflow, WorkflowActionKind, WorkflowInput, WorkflowLook},
};
#[cfg(feature = "ssr")]
use service::Error;

#[cfg(feature = "ssr")]
use super::{action, form, list::state, load, log};

/// What stands on the left of the page.
#[cfg(feature = "ssr")]
enum Body {
    Workflow(log::Log),
    Form(form::FilledForm),
    Action(action::ActionForm),
}

/// Loads the page: the workflow with its log, or its form, or that of an action: a new one of the kind `add`, or the
/// one at the place `action`.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_workflow(
    slug: String,
    id: String,
    edit: String,
    add: String,
    action: String,
    after: String,
) -> Result<Written, AppError> {
    let id = load::workflow_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let workflow = t.workflows().get(id).await?;
    let look = t.workflows().look_back(id).await?;
    let zone = t.actor().time_zone().to_owned();
    let body = if !edit.is_empty() {
        Body::Form(load::filled(&mut t, workflow.clone()).await?)
    } else if !add.is_empty() || !action.is_empty() {
        Body::Action(load::action(&mut t, &workflow, &add, &action).await?)
    } else {
        let later = !after.is_empty();
        let request =
            domain::PageRequest { after: Some(after).filter(|a| !a.is_empty()), ..domain::PageRequest::default() };
        let page = t.workflows().log(id, &request).await?;
        Body::Workflow(log::Log { page, later, now: t.now(), zone: zone.clone() })
    };
    t.commit().await?;
    let used_up = workflow.used_up_until.map(|at| Moment::exact(at, &zone));
    Ok(Written::new(workflow.name.clone(), move || page(&slug, workflow, used_up, look, body)))
}

/// Saves name, trigger, conditions and bounds.
#[server(prefix = "/sf")]
pub async fn save_workflow(
    slug: String,
    id: String,
    version: i64,
    form: BTreeMap<String, String>,
) -> Result<(), AppError> {
    let own = format!("/t/{slug}/workflows/{id}");
    let id = load::workflow_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let old = t.workflows().get(id).await?;
    t.workflows().update(id, form::read(&form, Some(old))?, Some(version)).await?;
    t.commit().await?;
    crate::server::done(&own, "workflow-saved");
    Ok(())
}

/// Saves one action, or adds one behind the last.
#[server(prefix = "/sf")]
pub async fn save_action(
    slug: String,
    id: String,
    version: i64,
    place: usize,
    kind: String,
    #[server(default)] form: BTreeMap<String, String>,
) -> Result<(), AppError> {
    let own = format!("/t/{slug}/workflows/{id}");
    let id = load::workflow_id(&id)?;
    let kind = WorkflowActionKind::parse(&kind).ok_or(Error::NotFound("action"))?;
    let mut t = crate::server::tenant(&slug).await?;
    let mut input = WorkflowInput::from(t.workflows().get(id).await?);
    let action = action::read(kind, &form)?;
    match input.actions.get_mut(place) {
        Some(old) => *old = action,
        None => input.actions.push(action),
    }
    let saved = t.workflows().update(id, input, Some(version)).await;
    saved.map_err(|error| of_this_action(error, place))?;
    t.commit().await?;
    crate::server::done(&own, "workflow-saved");
    Ok(())
}

/// Does something with a workflow: `on`, `off`, `delete`; or with the action at a place: `up`, `down`, `remove`.
#[server(prefix = "/sf")]
pub async fn change_workflow(
    slug: String,
    id: String,
    what: String,
    #[server(default)] place: usize,
    #[server(default)] version: i64,
) -> Result<(), AppError> {
    let own = format!("/t/{slug}/workflows/{id}");
    let id = load::workflow_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let (path, code) = match what.as_str() {
        "on" => t.workflows().set_enabled(id, true).await.map(|_| (own, "workflow-on"))?,
        "off" => t.workflows().set_enabled(id, false).await.map(|_| (own, "workflow-off"))?,
        "delete" => t.workflows().delete(id).await.map(|()| (format!("/t/{slug}/workflows"), "workflow-deleted"))?,
        what @ ("up" | "down" | "remove") => {
            let mut input = WorkflowInput::from(t.workflows().get(id).await?);
            rearrange(&mut input, what, place)?;
            t.workflows().update(id, input, Some(version)).await.map(|_| (own, "workflow-saved"))?
        }
        _ => return Err(Error::NotFound("command").into()),
    };
    t.commit().await?;
    crate::server::done(&path, code);
    Ok(())
}

/// Moves an action, or takes it out. The last one of a workflow that is on turns it off with it.
#[cfg(feature = "ssr")]
fn rearrange(input: &mut WorkflowInput, what: &str, place: usize) -> Result<(), Error> {
    let count = input.actions.len();
    match (what, place) {
        (_, place) if place >= count => return Err(Error::NotFound("action")),
        ("up", 1..) => input.actions.swap(place, place - 1),
        ("down", place) if place + 1 < count => input.actions.swap(place, place + 1),
        ("remove", place) => {
            input.actions.remove(place);
            input.enabled &= !input.actions.is_empty();
        }
        _ => {}
    }
    Ok(())
}

/// Problems of the action that the form is about, by the names of its fields.
#[cfg(feature = "ssr")]
fn of_this_action(error: Error, place: usize) -> Error {
    let Error::Invalid(problems) = error else { return error };
    let prefix = format!("actions.{place}.");
    let named = |problem: domain::Problem| match problem.field.as_deref().and_then(|field| field.strip_prefix(&prefix))
    {
        Some(field) => {
            let field = field.to_owned();
            problem.on(field)
        }
        None => problem,
    };
    Error::Invalid(problems.into_iter().map(named).collect())
}

/// One workflow.
#[component]
pub fn WorkflowPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("workflow"), use_query_map());
    let live = live_version("workflows");
    let of = move |name| query.read().get(name).unwrap_or_default();
    // What happens meanwhile is no reason to take a form out of somebody's hands.
    let version = Signal::derive(move || {
        if ["edit", "add", "action"].into_iter().all(|name| of(name).is_empty()) { live.get() } else { 0 }
    });
    written(version, move || LoadWorkflow {
        slug: slug.get(),
        id: id.get(),
        edit: of("edit"),
        add: of("add"),
        action: of("action"),
        after: of("after"),
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, workflow: Workflow, used_up: Option<Moment>, look: WorkflowLook, body: Body) -> AnyView {
    let base = format!("/t/{slug}/workflows");
    let own = format!("{base}/{}", workflow.id);
    let change = Post::to::<ChangeWorkflow>();
    // One button is the main one: where a form is open, it is that of the form.
    let calm = !matches!(body, Body::Workflow(_));
    let (head, edit) = (head(slug, &base, &workflow, calm, change), may(Permission::ManageAllLeads));
    let paused = workflow.paused.clone().map(|why| view! { <Callout tone=Tone::Amber title="Paused.">{why}</Callout> });
    let used_up = used_up.map(|at| {
        let leads = plural(workflow.hourly_cap.into(), "lead", "leads");
        view! { <Callout title="Its hour is used up.">{format!("It has acted for {leads}. It acts for none before ")}<Time moment=at/>"."</Callout> }
    });
    let main = match body {
        Body::Form(filled) => form::view(slug, &base, filled),
        Body::Action(form) => action::view(slug, &own, form),
        Body::Workflow(log) => view! {
            {rules(&own, &workflow, edit)}
            {actions(slug, &own, &workflow, edit, change)}
            {log::view(slug, &own, log)}
        }
        .into_any(),
    };
    view! {
        {head}
        <PageScroll label="Workflow">
            <div class="page-body with-aside">
                <div class="col">{refusal(change)}{paused}{used_up}{main}</div>
                <div class="col">{log::look(look)}</div>
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn head(slug: &str, base: &str, workflow: &Workflow, calm: bool, change: Post) -> AnyView {
    let buttons = (may(Permission::ManageAllLeads) && !calm).then(|| {
        let (what, words) = if workflow.enabled { ("off", "Turn off") } else { ("on", "Turn on") };
        let delete = command(change, slug, workflow, "delete", "Delete workflow", 0);
        let effect = "It does nothing more, and its log is gone. What it has done stays.";
        view! {
            {command(change, slug, workflow, what, words, 0)}
            {confirm("Delete", &workflow.name, effect, delete)}
        }
    });
    let (name, acts_as, state) = (workflow.name.clone(), format!("Acts as {}", workflow.saved_by), state(workflow));
    view! {
        <Topbar title=name.clone() headed=true trail=vec![Crumb::new("Workflows", base)]/>
        <header class="page-head">
            <div>
                <h1>{name}</h1>
                <div class="meta"><span>{state}</span><span>{acts_as}</span></div>
            </div>
            <div class="head-actions">{buttons}</div>
        </header>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn rules(own: &str, workflow: &Workflow, edit: bool) -> AnyView {
    let change = edit.then(|| {
        let href = format!("{own}?edit=1");
        view! { <ButtonLink href size=ButtonSize::Small>"Change"<span class="sr-only">" trigger and conditions"</span></ButtonLink> }.into_any()
    });
    let often = if workflow.once_per_lead { "Once for each lead" } else { "Each time" };
    let bounds = format!("{often}, at most for {} an hour", plural(workflow.hourly_cap.into(), "lead", "leads"));
    let (trigger, conditions) = (workflow.trigger_words.clone(), workflow.conditions_words.clone());
    let facts = view! {
        <Facts>
            <Fact label="When">{trigger}</Fact>
            <Fact label="Only if">{conditions}</Fact>
            <Fact label="How often">{bounds}</Fact>
        </Facts>
    };
    match change {
        Some(action) => view! { <Card title="Trigger and conditions" action>{facts}</Card> }.into_any(),
        None => view! { <Card title="Trigger and conditions">{facts}</Card> }.into_any(),
    }
}

#[cfg(feature = "ssr")]
fn actions(slug: &str, own: &str, workflow: &Workflow, edit: bool, change: Post) -> AnyView {
    let count = workflow.actions.len();
    let items: Vec<_> = workflow
        .actions_words
        .iter()
        .enumerate()
        .map(|(place, words)| {
            let buttons = edit.then(|| {
                let of = format!(": {words}");
                let one = |what, label| command(change, slug, workflow, what, label, place);
                let (first, last) = (place == 0, place + 1 == count);
                view! {
                    <div class="push cluster">
                        <ButtonLink href=format!("{own}?action={place}") size=ButtonSize::Small>"Change"<span class="sr-only">{of}</span></ButtonLink>
                        {(!first).then(|| one("up", "Move up"))}
                        {(!last).then(|| one("down", "Move down"))}
                        {one("remove", "Remove")}
                    </div>
                }
            });
            let words = format!("{}. {words}", place + 1);
            view! { <li class="cluster"><span class="strong">{words}</span>{buttons}</li> }.into_any()
        })
        .collect();
    let empty = items.is_empty().then(|| {
        view! { <Empty kind=EmptyKind::First title="No actions yet" text="Add what is to be done, then turn the workflow on."/> }
    });
    let list = (!items.is_empty()).then(|| view! { <ol class="stack">{items}</ol> });
    let add = (edit && count < MOST_ACTIONS).then(|| {
        let links: Vec<_> = WorkflowActionKind::ALL
            .iter()
            .map(|kind| {
                let href = format!("{own}?add={kind}");
                view! { <ButtonLink href size=ButtonSize::Small>{kind.label()}</ButtonLink> }.into_any()
            })
            .collect();
        view! { <p class="subtle">"Add an action"</p><div class="cluster">{links}</div> }
    });
    view! { <Card title="Actions" note="One after the other">{empty}{list}{add}</Card> }.into_any()
}

/// A form with one button, about the workflow or about its action at `place`.
#[cfg(feature = "ssr")]
fn command(
    change: Post,
    slug: &str,
    workflow: &Workflow,
    what: &'static str,
    words: &'static str,
    place: usize,
) -> AnyView {
    let kind = match what {
        "delete" => ButtonKind::Danger,
        "on" => ButtonKind::Primary,
        _ => ButtonKind::Default,
    };
    let about = match what {
        "up" | "down" | "remove" => workflow.actions_words.get(place).unwrap_or(&workflow.name),
        _ => &workflow.name,
    };
    let label = format!("{words}: {about}");
    let (slug, id, version) = (slug.to_owned(), workflow.id.to_string(), workflow.version);
    view! {
        <PostForm post=change>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="what" value=what/>
            <input type="hidden" name="place" value=place.to_string()/>
            <input type="hidden" name="version" value=version/>
            <SubmitButton kind size=ButtonSize::Small label busy=change.busy()>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}
