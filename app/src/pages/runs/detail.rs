//! One run: what it asks, what it answered, and how it came to that, step by step.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::{
    decision::{Ask, DecideRun, decision},
    looks::status,
    question::{AnswerRun, Asking, asking},
    trace::{Trace, trace},
    verdict::verdict_card,
};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, Callout, Card, Crumb, Fact, Facts, IconName, StatusLook, SubmitButton, Tag, Time, Tone, markdown,
        question, refusal,
    },
};
#[cfg(feature = "ssr")]
use domain::runs::Verdict;

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    pub(super) id: String,
    /// Id and name.
    pub(super) agent: (String, String),
    pub(super) state: String,
    pub(super) word: String,
    /// Version, who started it, how long, how much.
    pub(super) meta: Vec<String>,
    pub(super) started: Moment,
    /// It is only tried.
    pub(super) dry_run: bool,
    /// It is an evaluation.
    pub(super) evaluation: bool,
    /// What came of it.
    pub(super) verdict: Option<Verdict>,
    /// No language model took part.
    pub(super) built_in: bool,
    /// Nothing more happens by itself.
    pub(super) ended: bool,
    /// It goes on without a person.
    pub(super) moves: bool,
    /// Whether who looks may give commands.
    pub(super) may_run: bool,
    /// The commands that work now.
    pub(super) commands: Vec<String>,
    /// Why it failed, in words.
    pub(super) failure: Option<String>,
    pub(super) ask: Option<Ask>,
    pub(super) asking: Option<Asking>,
    /// How long it sleeps.
    pub(super) sleeps: Option<Moment>,
    /// The host whose answer it waits for, and until when.
    pub(super) awaits: Option<(String, Moment)>,
    pub(super) answer: Option<String>,
    /// What its model has said so far.
    pub(super) writing: Option<String>,
    pub(super) task: String,
    /// Label, value, and where the thing is that is meant.
    pub(super) parameters: Vec<(String, String, Option<String>)>,
    /// What people have decided, and when.
    pub(super) decided: Vec<(String, Moment)>,
    /// Another run it came from.
    pub(super) parent: Option<String>,
    /// The conversation in which it answers.
    pub(super) conversation: Option<String>,
    /// Runs that it has handed work over to: id, agent, state and its word.
    pub(super) children: Vec<[String; 4]>,
    pub(super) trace: Trace,
}

/// Loads the page: `step` is the one that is looked into, or 0.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_run(slug: String, id: String, view: String, step: i32, full: String) -> Result<Written, AppError> {
    let run = super::load::run(&slug, &id, view, step, full == "1").await?;
    Ok(Written::new(format!("Run of {}", run.agent.1), move || page(slug, run)))
}

/// A command by its word: `cancel`, `retry`, `fork`. Afterwards the run is shown, or the list at `back`.
#[server(prefix = "/sf")]
pub async fn command_run(
    slug: String,
    id: String,
    command: String,
    #[server(default)] back: String,
) -> Result<(), AppError> {
    let runs = format!("/t/{slug}/runs");
    let id = super::load::run_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let (run, code) = match command.as_str() {
        "cancel" => (t.runs().cancel(id).await?, "run-cancelled"),
        "retry" => (t.runs().retry(id).await?, "run-retried"),
        "fork" => (t.runs().fork(id).await?, "run-started"),
        _ => return Err(service::Error::NotFound("command").into()),
    };
    t.commit().await?;
    // Whoever posts names the list, so it leads to nothing but pages of this company.
    let of_company = back.starts_with(&format!("/t/{slug}/")) && back.bytes().all(|byte| byte.is_ascii_graphic());
    let path = if of_company { back } else { format!("{runs}/{}", run.id) };
    crate::server::done(&path, code);
    Ok(())
}

/// One run.
#[component]
pub fn RunPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("run"), use_query_map());
    written(live_version_of("runs", id), move || {
        let get = |name: &str| query.read().get(name).unwrap_or_default();
        let step = get("step").parse().unwrap_or(0);
        LoadRun { slug: slug.get(), id: id.get(), view: get("view"), step, full: get("full") }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: String, run: RunView) -> AnyView {
    let (command, decide, answered) = (Post::to::<CommandRun>(), Post::to::<DecideRun>(), Post::to::<AnswerRun>());
    let base = format!("/t/{slug}/runs");
    let head = head(&slug, &run, command);
    let failure = run.failure.clone().map(|words| {
        view! {
            <div class="wide"><Callout tone=Tone::Coral title=format!("{}.", run.word) live=true>
                <span class="as-written">{words}</span>
            </Callout></div>
        }
        .into_any()
    });
    let dry_run = run.dry_run.then(|| {
        view! {
            <div class="wide"><Callout title="Dry run.">"Nothing was changed and nobody was reached, whatever the answer says."</Callout></div>
        }
        .into_any()
    });
    let ask = run.ask.clone().map(|ask| decision(&slug, &run.id, ask, decide));
    let question = run.asking.clone().map(|question| asking(&slug, &run.id, question, answered));
    let answer = match run.answer.clone().or_else(|| run.writing.clone()) {
        Some(text) => {
            let html = markdown(&text);
            // As high as leaves the steps in view; the keyboard scrolls it too.
            view! { <div class="prose bounded" tabindex="0" role="region" aria-label="Answer" inner_html=html></div> }
                .into_any()
        }
        None if run.ended => view! { <p class="subtle">"It ended without an answer."</p> }.into_any(),
        None => view! { <p class="subtle">"The answer stands here when the run is done."</p> }.into_any(),
    };
    let aside = about(&base, &run);
    let verdict = run.verdict.clone().map(|verdict| {
        let quality = format!("/t/{slug}/agents/{}/quality", run.agent.0);
        verdict_card(verdict, quality)
    });
    let trace = trace(&format!("{base}/{}", run.id), run.trace);
    view! {
        // As text: an element that a script makes would refresh the page, noscript or not.
        {run.moves.then(|| view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="3">"#></noscript> })}
        {head}
        <PageScroll label="Run">
            <div class="page-body with-aside">
                <div class="wide">{refusal(command)}{refusal(decide)}{refusal(answered)}</div>
                {dry_run}
                {failure}
                {ask}
                {question}
                <div class="col even"><Card title="Answer">{answer}</Card></div>
                <div class="col even">{verdict}{aside}</div>
                {trace}
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn head(slug: &str, run: &RunView, command: Post) -> AnyView {
    let trail = vec![Crumb::new("Runs", format!("/t/{slug}/runs"))];
    let (agent, name) = run.agent.clone();
    let meta: Vec<_> = run.meta.iter().cloned().map(|words| view! { <span>{words}</span> }.into_any()).collect();
    let sleeps = run.sleeps.clone().map(|until| view! { <span>"Goes on "<Time moment=until/></span> });
    let awaits = run.awaits.clone().map(|(host, until)| {
        view! { <span>"Waits for the answer of "<strong>{host}</strong>" until "<Time moment=until/></span> }
    });
    let built_in = run.built_in.then(|| view! { <Tag text="Built-in writer"/> });
    let evaluation = run.evaluation.then(|| view! { <Tag text="Evaluation"/>" " });
    let dry_run = run.dry_run.then(|| view! { <Tag text="Dry run" tone=Tone::Sky/>" " });
    let started = run.started.clone();
    view! {
        <Topbar title=name.clone() headed=true trail/>
        <header class="page-head">
            <div>
                <h1>
                    <a href=format!("/t/{slug}/agents/{agent}")>{name}</a>" "
                    <span role="status">{status(&run.state, run.word.clone(), StatusLook::Pill)}</span>" "
                    {evaluation}{dry_run}{built_in}
                </h1>
                <div class="meta"><span>"Started "<Time moment=started/></span>{sleeps}{awaits}{meta}</div>
            </div>
            <div class="head-actions">{actions(slug, run, command)}</div>
        </header>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn actions(slug: &str, run: &RunView, command: Post) -> AnyView {
    if !run.may_run {
        return ().into_any();
    }
    let can = |word: &str| run.commands.iter().any(|allowed| allowed == word);
    let form = |word: &'static str, words: &'static str, kind, icon| {
        let (slug, id) = (slug.to_owned(), run.id.clone());
        view! {
            <PostForm post=command>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="command" value=word/>
                <SubmitButton kind icon busy=command.busy()>{words}</SubmitButton>
            </PostForm>
        }
        .into_any()
    };
    let cancel = can("cancel").then(|| {
        let form = form("cancel", "Cancel this run", ButtonKind::Danger, IconName::Stop);
        let effect = "The agent stops, and so do the runs that it started. What it has done so far stays.";
        question(["Cancel run", "Keep running"], "", effect.to_owned(), form)
    });
    view! {
        {can("retry").then(|| form("retry", "Try again", ButtonKind::Default, IconName::Refresh))}
        {can("fork").then(|| form("fork", "Run again", ButtonKind::Default, IconName::Copy))}
        {cancel}
    }
    .into_any()
}

/// What it was asked for, and what people said on the way.
#[cfg(feature = "ssr")]
fn about(base: &str, run: &RunView) -> AnyView {
    let parameters: Vec<_> = run
        .parameters
        .iter()
        .cloned()
        .map(|(label, value, href)| {
            let value = match href {
                Some(href) => view! { <a href=href>{value}</a> }.into_any(),
                None => view! { <span class="as-written">{value}</span> }.into_any(),
            };
            view! { <Fact label>{value}</Fact> }.into_any()
        })
        .collect();
    let decided: Vec<_> = run
        .decided
        .iter()
        .cloned()
        .map(|(words, at)| view! { <li>{words}" "<span class="subtle"><Time moment=at/></span></li> }.into_any())
        .collect();
    let parent =
        run.parent.clone().map(|id| view! { <p><a href=format!("{base}/{id}")>"The run that it came from"</a></p> });
    let company = base.strip_suffix("/runs").unwrap_or(base);
    let conversation = run.conversation.clone().map(|id| {
        view! { <p><a href=format!("{company}/conversations/{id}")>"The conversation"</a></p> }
    });
    let task = run.task.clone();
    view! {
        <Card title="Task">
            <p class="as-written">{task}</p>
            {(!parameters.is_empty()).then(|| view! { <Facts>{parameters}</Facts> })}
            {parent}
            {conversation}
        </Card>
        {children(base, &run.children)}
        {(!decided.is_empty()).then(|| view! { <Card title="Decided"><ul class="stack">{decided}</ul></Card> })}
    }
    .into_any()
}

/// The runs that it has handed work over to.
#[cfg(feature = "ssr")]
fn children(base: &str, runs: &[[String; 4]]) -> Option<AnyView> {
    let line = |[id, agent, state, word]: &[String; 4]| {
        let (href, agent) = (format!("{base}/{id}"), agent.clone());
        view! {
            <li class="cluster">
                <a class="strong" href=href>{agent}</a>
                <span class="push">{status(state, word.clone(), StatusLook::Plain)}</span>
            </li>
        }
        .into_any()
    };
    let lines: Vec<_> = runs.iter().map(line).collect();
    let card = || view! { <Card title="Handed over"><ul class="stack">{lines}</ul></Card> }.into_any();
    (!runs.is_empty()).then(card)
}
