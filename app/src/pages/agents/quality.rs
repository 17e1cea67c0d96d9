//! Whether an agent still does its job: the case that it is judged by, and what came of each evaluation, by version.

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
    pages::{frame::may, runs::status},
    shell::PageScroll,
    ui::{
        Card, ColumnKind, Fact, Facts, Glyph, HeaderCell, IconName, Pager, Status, StatusLook, SubmitButton,
        TableRegion, Time, Tone, refusal,
    },
};
#[cfg(feature = "ssr")]
use domain::Permission;

/// How a case stands in the file of an agent.
#[cfg(feature = "ssr")]
const SAMPLE: &str = "evaluation:\n  task: Count the leads in Germany.\n  parameters:\n    country: DE\n  expects:\n  - \"answer \
    contains: leads\"\n  - \"calls: find_leads\"\n  - \"never calls: enrol_leads\"\n  - \"steps at most: 4\"\n";

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    pub(super) head: AgentHead,
    /// The case of the newest version.
    pub(super) case: Option<CaseWords>,
    pub(super) rows: Vec<EvaluationRow>,
    /// It is not the first page.
    pub(super) later: bool,
    pub(super) next: Option<String>,
}

/// A case in words.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct CaseWords {
    pub(super) task: String,
    /// Name and value of each parameter.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) expects: Vec<String>,
}

/// An evaluation in the table.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationRow {
    pub(super) run: String,
    pub(super) version: i32,
    /// The state of the run and its word, for one that goes on.
    pub(super) state: (String, String),
    /// Whether it passed; nothing while it goes on.
    pub(super) passed: Option<bool>,
    /// "3 of 4", or "–".
    pub(super) met: String,
    /// What was not found, in words, or why the run failed.
    pub(super) missing: String,
    pub(super) by: String,
    pub(super) took: String,
    pub(super) at: Moment,
}

/// Loads a page of the evaluations.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_quality(slug: String, id: String, after: String) -> Result<Written, AppError> {
    let quality = super::load::quality(&slug, &id, &after).await?;
    Ok(Written::new(format!("Quality of {}", quality.head.name), move || page(&slug, quality)))
}

/// Runs the case of an agent.
#[server(prefix = "/sf")]
pub async fn evaluate_agent(slug: String, id: String) -> Result<(), AppError> {
    let own = format!("/t/{slug}/agents/{id}/quality");
    let id = super::load::agent_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.runs().create_evaluation(id).await?;
    t.commit().await?;
    crate::server::done(&own, "evaluation-started");
    Ok(())
}

/// The quality of an agent.
#[component]
pub fn AgentQualityPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("agent"), use_query_map());
    written(live_versions(["agents", "runs"]), move || {
        let after = query.read().get("after").unwrap_or_default();
        LoadQuality { slug: slug.get(), id: id.get(), after }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, quality: Quality) -> AnyView {
    let evaluate = Post::to::<EvaluateAgent>();
    let own = format!("/t/{slug}/agents/{}/quality", quality.head.id);
    let first = quality.later.then(|| own.clone());
    let next = quality.next.map(|cursor| format!("{own}?after={cursor}"));
    let pages = (first.is_some() || next.is_some()).then(|| view! { <Pager first next/> });
    let case = match quality.case {
        Some(case) => case_card(slug, &quality.head, case, evaluate),
        None => no_case(slug, &quality.head),
    };
    let moves = quality.rows.iter().any(|row| row.passed.is_none());
    let rows = if quality.rows.is_empty() {
        view! { <p class="nothing subtle">"It has not been evaluated yet."</p> }.into_any()
    } else {
        table(slug, quality.rows)
    };
    view! {
        // As text: an element that a script makes would refresh the page, noscript or not.
        {moves.then(|| view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="5">"#></noscript> })}
        {head(slug, &quality.head, "/quality", ().into_any())}
        <PageScroll label="Quality">
            <div class="page-body">
                {refusal(evaluate)}
                {case}
                <Card title="Evaluations" flush=true>{rows}</Card>
                {pages}
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn case_card(slug: &str, agent: &AgentHead, case: CaseWords, evaluate: Post) -> AnyView {
    let run = (agent.enabled && may(Permission::RunAgents)).then(|| {
        let (slug, id) = (slug.to_owned(), agent.id.clone());
        view! {
            <PostForm post=evaluate>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <SubmitButton icon=IconName::Play busy=evaluate.busy()>"Run the evaluation"</SubmitButton>
            </PostForm>
        }
    });
    let why_not = (!agent.enabled).then(|| view! { <p class="subtle">"It is not enabled, so nothing can be run."</p> });
    let parameters: Vec<_> =
        case.parameters.into_iter().map(|(label, value)| view! { <Fact label>{value}</Fact> }.into_any()).collect();
    let expects: Vec<_> = case.expects.into_iter().map(|words| view! { <li>{words}</li> }.into_any()).collect();
    let nothing = expects.is_empty().then(|| view! { <p class="subtle">"Nothing but that the run succeeds."</p> });
    view! {
        <Card title="Its case">
            <div class="stack">
                <p class="as-written">{case.task}</p>
                {(!parameters.is_empty()).then(|| view! { <Facts>{parameters}</Facts> })}
                <h3>"What is expected"</h3>
                <ul class="listed">{expects}</ul>
                {nothing}
                <p class="subtle">"An evaluation is a real run: it keeps what it makes, and asks before anything leaves. Figures leave it out."</p>
                {run}
                {why_not}
            </div>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn no_case(slug: &str, agent: &AgentHead) -> AnyView {
    let edit = format!("/t/{slug}/agents/{}/edit", agent.id);
    let link = may(Permission::ManageAgents).then(|| view! { <a class="button" href=edit>"Edit the agent"</a> });
    view! {
        <Card title="Its case">
            <div class="stack">
                <p>"This agent has no case that says whether it still does its job. A case stands in its file, between the lines of three dashes, as a task with what must be true of the run:"</p>
                <pre class="payload" tabindex="0" role="region" aria-label="Example of a case">{SAMPLE}</pre>
                <div class="cluster">{link}</div>
            </div>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn table(slug: &str, rows: Vec<EvaluationRow>) -> AnyView {
    let head = view! {
        <HeaderCell label="Version" width="7rem"/>
        <HeaderCell label="Result" width="9rem"/>
        <HeaderCell label="Met" kind=ColumnKind::Number width="5rem"/>
        <HeaderCell label="Not met"/>
        <HeaderCell label="Started by" width="9rem"/>
        <HeaderCell label="Took" kind=ColumnKind::Number width="6rem"/>
        <HeaderCell label="Started" kind=ColumnKind::Number width="7rem"/>
    }
    .into_any();
    let rows: Vec<_> = rows.into_iter().map(|r| row(slug, r)).collect();
    view! { <TableRegion label="Evaluations" min_width="54rem" head>{rows}</TableRegion> }.into_any()
}

#[cfg(feature = "ssr")]
fn row(slug: &str, r: EvaluationRow) -> AnyView {
    let result = match r.passed {
        Some(true) => view! { <Status glyph=Glyph::Done tone=Tone::Jade word="Passed"/> }.into_any(),
        Some(false) => view! { <Status glyph=Glyph::Octagon tone=Tone::Coral word="Not passed"/> }.into_any(),
        None => status(&r.state.0, r.state.1, StatusLook::Plain),
    };
    let (href, name) = (format!("/t/{slug}/runs/{}", r.run), format!("Version {}", r.version));
    view! {
        <tr role="row">
            <td role="cell" class="name"><a href=href>{name}</a></td>
            <td role="cell" class="status-cell">{result}</td>
            <td role="cell" class="num score-cell">{r.met}</td>
            <td role="cell" class="title wraps">{r.missing}</td>
            <td role="cell">{r.by}</td>
            <td role="cell" class="num">{r.took}</td>
            <td role="cell" class="num"><Time moment=r.at/></td>
        </tr>
    }
    .into_any()
}
