//! One agent: its job, what it may do, how much a run may take, and what a language model is told.

#[cfg(feature = "ssr")]
use domain::{Permission, agents::Autonomy};
use leptos::{prelude::*, server_fn::codec::Postcard};

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
    pages::{
        analytics::FigureWords,
        frame::may,
        runs::{RunRow, run_lines},
    },
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, ButtonLink, ButtonSize, Card, Crumb, Fact, Facts, Icon, IconName, SubmitButton, TabLink, Tabs, Tag,
        Tone, confirm, markdown, refusal,
    },
};

/// What every page of an agent shows above its body.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct AgentHead {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) team: String,
    pub(super) enabled: bool,
    pub(super) version: i32,
}

/// What the page shows.
#[cfg(feature = "ssr")]
pub struct AgentView {
    pub(super) head: AgentHead,
    pub(super) job: String,
    pub(super) origin: String,
    /// What it does without asking, and how many tools it has.
    pub(super) autonomy: (Autonomy, String),
    pub(super) limits: Vec<(String, String)>,
    pub(super) inputs: Vec<(String, String)>,
    pub(super) example: Option<String>,
    pub(super) instructions: String,
    pub(super) without_model: String,
    /// Its last runs.
    pub(super) runs: Vec<RunRow>,
    /// What its runs of the last 30 days did; nothing when there were none.
    pub(super) figures: Option<FigureWords>,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_agent(slug: String, id: String) -> Result<Written, AppError> {
    let agent = super::load::agent(&slug, &id).await?;
    Ok(Written::new(agent.head.name.clone(), move || page(slug, agent)))
}

/// Enables, disables or deletes an agent, or brings a version back: `enable`, `disable`, `delete`, `restore`.
#[server(prefix = "/sf")]
pub async fn change_agent(
    slug: String,
    id: String,
    what: String,
    #[server(default)] version: i32,
) -> Result<(), AppError> {
    let (list, own) = (format!("/t/{slug}/agents"), format!("/t/{slug}/agents/{id}"));
    let id = super::load::agent_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let (path, code) = match what.as_str() {
        "enable" => t.agents().set_enabled(id, true).await.map(|_| (own, "agent-enabled"))?,
        "disable" => t.agents().set_enabled(id, false).await.map(|_| (own, "agent-disabled"))?,
        "restore" => t.agents().restore(id, version).await.map(|_| (own, "agent-restored"))?,
        "delete" => t.agents().delete(id).await.map(|()| (list, "agent-deleted"))?,
        _ => return Err(service::Error::NotFound("command").into()),
    };
    t.commit().await?;
    crate::server::done(&path, code);
    Ok(())
}

/// A form with one button; `name` says whom it is about.
#[cfg(feature = "ssr")]
pub(super) fn command(
    change: Post,
    slug: &str,
    id: &str,
    what: &'static str,
    words: &'static str,
    name: &str,
    version: i32,
) -> AnyView {
    let kind = if what == "delete" { ButtonKind::Danger } else { ButtonKind::Default };
    let (slug, id, label) = (slug.to_owned(), id.to_owned(), format!("{words} {name}"));
    view! {
        <PostForm post=change>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="what" value=what/>
            <input type="hidden" name="version" value=version/>
            <SubmitButton kind size=ButtonSize::Small label busy=change.busy()>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}

/// What an agent does without asking.
#[cfg(feature = "ssr")]
pub(super) fn autonomy_tag(autonomy: Autonomy) -> AnyView {
    let tone = if autonomy == Autonomy::Asks { Tone::Amber } else { Tone::Neutral };
    view! { <Tag text=autonomy.label() tone/> }.into_any()
}

/// Breadcrumb, name, tabs.
#[cfg(feature = "ssr")]
pub(super) fn head(slug: &str, head: &AgentHead, tab: &str, actions: AnyView) -> AnyView {
    let base = format!("/t/{slug}/agents");
    let own = format!("{base}/{}", head.id);
    let tabs = [
        ("", "Overview"),
        ("/runs", "Runs"),
        ("/tools", "Tools and permissions"),
        ("/triggers", "Schedule and triggers"),
        ("/quality", "Quality"),
        ("/memory", "Memory"),
        ("/versions", "Versions"),
        ("/edit", "Edit"),
    ];
    let items = tabs
        .into_iter()
        .filter(|(path, _)| *path != "/edit" || may(Permission::ManageAgents))
        .map(|(path, label)| TabLink::new(label, format!("{own}{path}"), path == tab))
        .collect();
    let off = (!head.enabled).then(|| view! { <Tag text="Disabled"/> });
    let (name, team, version) = (head.name.clone(), head.team.clone(), format!("Version {}", head.version));
    view! {
        <Topbar title=name.clone() headed=true trail=vec![Crumb::new("Agents", base)]/>
        <header class="page-head">
            <div>
                <h1>{name}" "{off}</h1>
                <div class="meta"><span>{team}</span><span>{version}</span></div>
            </div>
            <div class="head-actions">{actions}</div>
        </header>
        <Tabs label="Agent" items/>
    }
    .into_any()
}

/// One agent.
#[component]
pub fn AgentPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("agent"));
    written(live_versions(["agents", "runs"]), move || LoadAgent { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn page(slug: String, a: AgentView) -> AnyView {
    let change = Post::to::<ChangeAgent>();
    let actions = actions(&slug, &a.head, change);
    let facts = |pairs: Vec<(String, String)>| -> Vec<_> {
        pairs.into_iter().map(|(label, value)| view! { <Fact label>{value}</Fact> }.into_any()).collect()
    };
    let tools = format!("/t/{slug}/agents/{}/tools", a.head.id);
    let (autonomy, count) = a.autonomy;
    let inputs = (!a.inputs.is_empty()).then(|| facts(a.inputs));
    let limits = facts(a.limits);
    let runs = (!a.runs.is_empty()).then(|| {
        let all = format!("/t/{slug}/agents/{}/runs", a.head.id);
        let all = view! { <a class="button ghost small" href=all>"All its runs"</a> }.into_any();
        let lines = run_lines(&slug, a.runs);
        view! { <Card title="Last runs" action=all>{lines}</Card> }
    });
    let figures = a.figures.map(|f| {
        view! {
            <Card title="Last 30 days">
                <p>{f.runs}", "{f.success}</p>
                <p class="subtle">{f.median}", "{f.cost}</p>
            </Card>
        }
    });
    view! {
        {head(&slug, &a.head, "", actions)}
        <PageScroll label="Agent">
            <div class="page-body with-aside">
                <div class="wide">{refusal(change)}</div>
                <div class="col">
                    {runs}
                    <Card title="Its job"><p class="as-written">{a.job}</p></Card>
                    <Card title="Instructions" note="for a language model"><div class="prose" inner_html=markdown(&a.instructions)></div></Card>
                </div>
                <div class="col">
                    {figures}
                    <Card title="Tools and permissions">
                        <p>{autonomy_tag(autonomy)}</p>
                        <p class="subtle">{autonomy.meaning()}</p>
                        <p><a href=tools>{count}</a></p>
                    </Card>
                    {inputs.map(|facts| view! { <Card title="What it asks for"><Facts>{facts}</Facts></Card> })}
                    <Card title="Limits of a run"><Facts>{limits}</Facts></Card>
                    {a.example.map(|text| view! { <Card title="Example"><p>{text}</p></Card> })}
                    <Card title="Origin"><p>{a.origin}</p><p class="subtle">{a.without_model}</p></Card>
                </div>
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn actions(slug: &str, agent: &AgentHead, change: Post) -> AnyView {
    let file = format!("/t/{slug}/agents/{}/file", agent.id);
    let (what, words) = if agent.enabled { ("disable", "Disable") } else { ("enable", "Enable") };
    let manage = may(Permission::ManageAgents).then(|| {
        let delete = command(change, slug, &agent.id, "delete", "Delete agent", &agent.name, 0);
        view! {
            {command(change, slug, &agent.id, what, words, &agent.name, 0)}
            {confirm("Delete", &agent.name, "It leaves the catalogue. What it has done stays.", delete)}
        }
    });
    let run = (agent.enabled && may(Permission::RunAgents)).then(|| {
        let talk = format!("/t/{slug}/conversations?agent={}", agent.id);
        let form = format!("/t/{slug}/agents/{}/run", agent.id);
        view! { <ButtonLink href=form kind=ButtonKind::Primary icon=IconName::Play size=ButtonSize::Small>"Run"</ButtonLink>
            <ButtonLink href=talk icon=IconName::Reply size=ButtonSize::Small>"Talk to it"</ButtonLink>
        }
    });
    view! {
        {run}
        <a class="button small" href=file rel="external" download><Icon name=IconName::Export/>"Export"</a>
        {manage}
    }
    .into_any()
}
