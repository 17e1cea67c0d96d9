//! The form that starts a run: a task in words, and a field for each input that the agent declares.

use std::collections::BTreeMap;

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::options::{self, RunOptions};
use crate::{
    error::AppError,
    pages::{
        frame::{only, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, ButtonLink, Callout, Card, Checkbox, Choice, Crumb, FieldFrame, FieldWidth, InputKind, Select,
        SubmitButton, TextArea, TextInput, Tone, lookup, refusal, refusal_of_fields,
    },
};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct StartForm {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) job: String,
    pub(super) enabled: bool,
    /// The task of its example.
    pub(super) example: Option<String>,
    /// The task that the form begins with.
    pub(super) task: String,
    pub(super) inputs: Vec<Input>,
    pub(super) options: RunOptions,
}

/// A field for one input.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// `parameters.NAME`, as problems name it.
    pub name: String,
    /// `lead`, `account` or `campaign`, when it stands for one.
    pub thing: Option<String>,
    /// What is asked for.
    pub label: String,
    /// How to answer.
    pub hint: String,
    /// What kind of field it is.
    pub look: InputLook,
    /// What stands there at first.
    pub value: String,
    /// Whether it may be left empty.
    pub optional: bool,
    /// Longest text.
    pub longest: u32,
    /// Bounds of a number; empty where there are none.
    pub least: String,
    /// The same at the other end.
    pub most: String,
}

/// What kind of field it is.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputLook {
    /// A line of text.
    Line,
    /// Several lines.
    Lines,
    /// A whole number.
    Number,
    /// Yes or no.
    Tick,
    /// One of these: value and words.
    Choice(Vec<(String, String)>),
    /// The name or address of something; these are likely.
    Lookup(Vec<(String, String)>),
}

/// Loads the page; `lead` is the one that it begins with, and with `example` it begins with that of the agent.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_start(slug: String, id: String, lead: String, example: String) -> Result<Written, AppError> {
    let form = super::load::start(&slug, &id, &lead, example == "1").await?;
    Ok(Written::new(format!("Run {}", form.name), move || page(slug, form)))
}

/// Starts a run. The form has the task as `task`, and the inputs as problems name them.
#[server(prefix = "/sf")]
pub async fn start_run(slug: String, id: String, form: BTreeMap<String, String>) -> Result<(), AppError> {
    use domain::{Problem, runs::NewRun};
    use service::Error;

    let id = crate::pages::agents::agent_id(&id)?;
    let task = form.get("task").cloned().unwrap_or_default();
    let mut wrong = Vec::new();
    if task.trim().is_empty() {
        wrong.push(Problem::field("task", "task_missing", "Say in a sentence what the agent is to do."));
    }
    let mut t = crate::server::tenant(&slug).await?;
    let agent = t.agents().get(id).await?.name;
    let declared = super::inputs::declared(&t.agents().definition(id).await?);
    let mut form = form;
    wrong.extend(super::load::look_up(&mut t, &declared, &mut form).await?);
    let parameters = super::inputs::parameters(&declared, &form);
    let (new, unread) = options::read(&form, NewRun { agent, task, parameters, ..NewRun::default() });
    wrong.extend(unread);
    let run = match t.runs().create(new).await {
        // What is wrong is told at once.
        Err(Error::Invalid(problems)) => Err(Error::Invalid(wrong.into_iter().chain(problems).collect())),
        Ok(_) if !wrong.is_empty() => Err(Error::Invalid(wrong)),
        run => run,
    }?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/runs/{}", run.id), "run-started");
    Ok(())
}

/// Starts the example of an agent.
#[server(prefix = "/sf")]
pub async fn run_example(slug: String, id: String) -> Result<(), AppError> {
    let id = crate::pages::agents::agent_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let run = t.runs().create_example(id).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/runs/{}", run.id), "run-started");
    Ok(())
}

/// Gives an agent a task.
#[component]
pub fn StartRunPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("agent"), use_query_map());
    only(Permission::RunAgents, move || {
        // What changes meanwhile is no reason to take a form out of somebody's hands.
        written(Signal::stored(0), move || {
            let get = |name: &str| query.read().get(name).unwrap_or_default();
            LoadStart { slug: slug.get(), id: id.get(), lead: get("lead"), example: get("example") }
        })
    })
}

#[cfg(feature = "ssr")]
fn page(slug: String, form: StartForm) -> AnyView {
    let (start, example) = (Post::to::<StartRun>(), Post::to::<RunExample>());
    let base = format!("/t/{slug}/agents");
    let own = format!("{base}/{}", form.id);
    let title = format!("Run {}", form.name);
    let trail = vec![Crumb::new("Agents", base), Crumb::new(form.name.clone(), own.clone())];
    let body = if form.enabled {
        let example = form.example.clone().map(|task| example_card(&slug, &own, &form.id, task, example));
        view! {
            {fields(&slug, &own, form, start)}
            {example}
        }
        .into_any()
    } else {
        view! { <Callout tone=Tone::Amber title="It is not enabled.">"An admin can enable it on its page."</Callout> }
            .into_any()
    };
    view! {
        <Topbar title trail/>
        <PageScroll label="Run an agent">
            <div class="page-body narrow">
                {refusal_of_fields(start, "form")}
                {refusal(example)}
                {body}
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn fields(slug: &str, own: &str, form: StartForm, start: Post) -> AnyView {
    let (slug, own) = (slug.to_owned(), own.to_owned());
    let inputs: Vec<_> = form.inputs.into_iter().map(|input| field(input, start)).collect();
    view! {
        <p class="as-written subtle">{form.job}</p>
        <PostForm post=start class="stack">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=form.id/>
            <TextArea name="form[task]" label="Task" value=form.task hint="What it is to do, in your words." rows=3 maxlength=10_000u32 error=start.of_field("task")/>
            {inputs}
            {options::fields(form.options, start)}
            <div class="cluster">
                <SubmitButton busy=start.busy()>"Start run"</SubmitButton>
                <ButtonLink href=own>"Cancel"</ButtonLink>
            </div>
        </PostForm>
    }
    .into_any()
}

/// The field of an input in the form of `start`.
#[cfg(feature = "ssr")]
pub fn field(input: Input, start: Post) -> AnyView {
    let Input { name: key, label, hint, look, value, optional, longest, least, most, .. } = input;
    let name = format!("form[{key}]");
    let error = Signal::derive(move || start.error().and_then(|error| error.of_field(&key)));
    match look {
        InputLook::Choice(values) => {
            let first = if optional { "None" } else { "Choose" };
            let first = (optional || value.is_empty()).then(|| Choice::new("", first));
            let rest = values.into_iter().map(|(value, words)| Choice::new(value, words));
            let options = first.into_iter().chain(rest).collect();
            view! { <Select name label options value hint error optional/> }.into_any()
        }
        InputLook::Lookup(likely) => {
            let frame = FieldFrame { id: name, label, hint, error, optional, width: FieldWidth::Full };
            lookup(frame, value, likely)
        }
        InputLook::Tick => view! { <Checkbox name label hint error checked=value == "true"/> }.into_any(),
        InputLook::Lines => {
            view! { <TextArea name label value hint error optional rows=4 maxlength=longest/> }.into_any()
        }
        InputLook::Line | InputLook::Number => {
            let kind = if look == InputLook::Number { InputKind::Number } else { InputKind::Text };
            view! { <TextInput name label kind value hint error optional maxlength=longest min=least max=most/> }
                .into_any()
        }
    }
}

#[cfg(feature = "ssr")]
fn example_card(slug: &str, own: &str, id: &str, task: String, example: Post) -> AnyView {
    let (slug, id, fill) = (slug.to_owned(), id.to_owned(), format!("{own}/run?example=1"));
    view! {
        <Card title="Example">
            <p class="as-written">{task}</p>
            <div class="cluster">
                <PostForm post=example>
                    <input type="hidden" name="slug" value=slug/>
                    <input type="hidden" name="id" value=id/>
                    <SubmitButton kind=ButtonKind::Default busy=example.busy()>"Run the example"</SubmitButton>
                </PostForm>
                <ButtonLink href=fill>"Put the example into the form"</ButtonLink>
            </div>
        </Card>
    }
    .into_any()
}
