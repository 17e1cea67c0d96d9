//! The steps of a campaign as they are walked: after a condition both of its ways, each with its own steps. Steps are
//! added, moved and removed by plain forms.

use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::looks::{Head, head};
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
    pages::frame::may,
    shell::PageScroll,
    ui::{
        ButtonKind, ButtonLink, ButtonSize, Callout, Card, Choice, Empty, EmptyKind, Icon, IconName, SubmitButton, Tag,
        Tone, confirm, option_list, refusal,
    },
};
#[cfg(feature = "ssr")]
use domain::{
    Permission,
    steps::{Answer, StepKind},
};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    pub(super) head: Head,
    pub(super) may_edit: bool,
    pub(super) started: bool,
    /// The version that leads get, and the one that is being edited.
    pub(super) versions: Option<(i32, i32)>,
    pub(super) current: i32,
    pub(super) steps: Vec<SequenceStep>,
}

/// A step in the list, with those in its branches.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceStep {
    pub(super) id: String,
    pub(super) position: i32,
    pub(super) kind: StepKind,
    pub(super) delay: String,
    pub(super) name: String,
    pub(super) body: String,
    pub(super) note: String,
    pub(super) problems: Vec<String>,
    pub(super) branches: Vec<(Answer, Vec<SequenceStep>)>,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_sequence(slug: String, id: String) -> Result<Written, AppError> {
    let shown = super::load::sequence(&slug, &id).await?;
    Ok(Written::new(shown.head.name.clone(), move || page(&slug, shown)))
}

/// Adds, moves or removes a step: `add`, `up`, `down`, `remove`. A new step is of `kind`, and stands at the end of the
/// branch `when` of the condition `step`, or of the main line.
#[server(prefix = "/sf")]
pub async fn arrange_steps(
    slug: String,
    id: String,
    what: String,
    #[server(default)] step: String,
    #[server(default)] kind: String,
    #[server(default)] when: String,
) -> Result<(), AppError> {
    use domain::steps::{Branch, Place, StepInput};

    let own = format!("/t/{slug}/campaigns/{id}/sequence");
    let id = super::load::campaign_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    if what == "add" {
        let branch = match Answer::parse(&when) {
            Some(when) => Some(Branch { of: super::load::step_id(&step)?, when }),
            None => None,
        };
        let input = StepInput {
            kind: StepKind::parse(&kind),
            place: Some(Place { position: None, branch }),
            ..StepInput::default()
        };
        let added = t.campaigns().add_step(id, input).await?;
        t.commit().await?;
        leptos_axum::redirect(&format!("{own}/{}", added.id));
        return Ok(());
    }
    let step = super::load::step_id(&step)?;
    let sequence = t.campaigns().steps(id).await?;
    let branch = sequence.get(step).ok_or(service::Error::NotFound("step"))?.branch;
    let place = sequence.within(branch).zip(1..).find_map(|(s, n)| (s.id == step).then_some(n)).unwrap_or(1);
    let to = |position: i32| Place { position: Some(position.max(1)), branch };
    match what.as_str() {
        "up" => t.campaigns().move_step(id, step, to(place - 1)).await.map(|_| ())?,
        "down" => t.campaigns().move_step(id, step, to(place + 1)).await.map(|_| ())?,
        _ => t.campaigns().remove_step(id, step).await?,
    }
    t.commit().await?;
    crate::server::done(&own, "campaign-saved");
    Ok(())
}

/// The steps of a campaign.
#[component]
pub fn CampaignSequencePage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("campaign"));
    written(live_version_of("campaigns", id), move || LoadSequence { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, s: Sequence) -> AnyView {
    let arrange = Post::to::<ArrangeSteps>();
    let own = format!("/t/{slug}/campaigns/{}", s.head.id);
    let may_arrange = s.may_edit && may(Permission::EditCampaigns);
    let launch = (s.head.state == "draft" && s.head.may("start"))
        .then(|| view! { <ButtonLink href=format!("{own}/launch") kind=ButtonKind::Primary>"Continue to launch"</ButtonLink> })
        .into_any();
    let publish = format!("{own}/versions");
    let versions = s.versions.map(|(from, to)| {
        let words = format!("You are editing version {to}. Leads get version {from} until you publish it.");
        view! {
            <Callout tone=Tone::Sky>
                <p>{words}</p>
                <ButtonLink href=publish kind=ButtonKind::Primary size=ButtonSize::Small>"Review and publish"</ButtonLink>
            </Callout>
        }
    });
    let locked = (!s.may_edit)
        .then(|| view! { <Callout tone=Tone::Sky>"The steps of a campaign that is scheduled or has ended stay as they are."</Callout> });
    let history = s.started.then(|| {
        let words = format!("Version {}", s.current);
        view! { <p class="subtle">{words}" · "<a href=format!("{own}/versions")>"All versions"</a></p> }
    });
    let empty = s.steps.is_empty().then(|| {
        view! { <Empty kind=EmptyKind::First title="Write the first e-mail" text="Later steps follow up when nobody answers."/> }
    });
    let ctx = Context { slug, own: &own, id: &s.head.id, may_arrange, arrange };
    let list = steps(&ctx, s.steps);
    let add = may_arrange.then(|| add_form(&ctx, "", None));
    view! {
        {head(slug, &s.head, "sequence", launch)}
        <PageScroll label="Sequence">
            <div class="page-body narrow">
                {versions}
                {locked}
                {history}
                {refusal(arrange)}
                {empty}
                {list}
                {add}
            </div>
        </PageScroll>
    }
    .into_any()
}

/// What every part of the page needs.
#[cfg(feature = "ssr")]
struct Context<'c> {
    slug: &'c str,
    own: &'c str,
    id: &'c str,
    may_arrange: bool,
    arrange: Post,
}

#[cfg(feature = "ssr")]
fn steps(ctx: &Context<'_>, list: Vec<SequenceStep>) -> AnyView {
    let count = list.len();
    let cards: Vec<_> = list.into_iter().enumerate().map(|(i, step)| card(ctx, step, i == 0, i + 1 == count)).collect();
    view! { <ol class="sequence">{cards}</ol> }.into_any()
}

#[cfg(feature = "ssr")]
fn card(ctx: &Context<'_>, step: SequenceStep, first: bool, last: bool) -> AnyView {
    let title = format!("Step {}", step.position);
    let (icon, label) = (icon_of(step.kind), step.kind.label());
    let problems: Vec<_> = step.problems.into_iter().map(|p| view! { <p class="error">{p}</p> }).collect();
    let object = format!("step {}", step.position);
    let buttons = ctx.may_arrange.then(|| {
        let remove = form(ctx, &step.id, "remove", "Remove step", IconName::Trash);
        let effect = if step.branches.is_empty() {
            "The step and its text are lost."
        } else {
            "The step and all steps of its branches are lost."
        };
        view! {
            {(!first).then(|| form(ctx, &step.id, "up", "Move up", IconName::Up))}
            {(!last).then(|| form(ctx, &step.id, "down", "Move down", IconName::Down))}
            {confirm("Remove", &object, effect, remove)}
        }
    });
    let branches: Vec<_> = step
        .branches
        .into_iter()
        .map(|(when, list)| {
            let words = if list.is_empty() { "Goes on with the next step." } else { "" };
            let add = ctx.may_arrange.then(|| add_form(ctx, &step.id, Some(when)));
            view! {
                <section class="branch" aria-label=format!("{} of {object}", when.label())>
                    <h3>{when.label()}</h3>
                    {(!words.is_empty()).then(|| view! { <p class="subtle">{words}</p> })}
                    {steps(ctx, list)}
                    {add}
                </section>
            }
            .into_any()
        })
        .collect();
    let href = format!("{}/sequence/{}", ctx.own, step.id);
    let note = (!step.note.is_empty()).then(|| view! { <p class="subtle">{step.note}</p> });
    let words = (!step.body.is_empty()).then(|| view! { <p class="subtle step-words">{step.body}</p> });
    view! {
        <li>
            <Card title note=step.delay>
                <p class="strong step-name"><Icon name=icon/><span class="cluster"><span>{step.name}</span><Tag text=label/></span></p>
                {note}
                {words}
                {problems}
                <div class="cluster">
                    <ButtonLink href size=ButtonSize::Small icon=IconName::Edit>"Edit"</ButtonLink>
                    {buttons}
                </div>
            </Card>
            {(!branches.is_empty()).then(|| view! { <div class="branches">{branches}</div> })}
        </li>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
const fn icon_of(kind: StepKind) -> IconName {
    match kind {
        StepKind::Email => IconName::Mail,
        StepKind::Wait => IconName::Clock,
        StepKind::Condition => IconName::Segment,
        StepKind::WaitFor => IconName::Bell,
        StepKind::Task => IconName::Task,
        StepKind::Agent => IconName::Agent,
        StepKind::Webhook => IconName::Send,
        StepKind::End => IconName::Stop,
    }
}

/// Adds a step at the end of a branch, or of the main line.
#[cfg(feature = "ssr")]
fn add_form(ctx: &Context<'_>, step: &str, when: Option<Answer>) -> AnyView {
    let kinds = StepKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), kind.label())).collect::<Vec<_>>();
    let label = match when {
        Some(when) => format!("Add to {}", when.label()),
        None => "Add at the end".to_owned(),
    };
    let (slug, id, step) = (ctx.slug.to_owned(), ctx.id.to_owned(), step.to_owned());
    let when = when.map(Answer::as_str).unwrap_or_default();
    view! {
        <PostForm post=ctx.arrange class="cluster add-step">
            <input type="hidden" name="slug" value=slug.clone()/>
            <input type="hidden" name="id" value=id.clone()/>
            <input type="hidden" name="step" value=step.clone()/>
            <input type="hidden" name="when" value=when/>
            <input type="hidden" name="what" value="add"/>
            <select name="kind" class="select" aria-label=label.clone()>{option_list(kinds.clone(), "email", None)}</select>
            <SubmitButton kind=ButtonKind::Default icon=IconName::Plus>"Add step"</SubmitButton>
        </PostForm>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn form(ctx: &Context<'_>, step: &str, what: &'static str, words: &'static str, icon: IconName) -> AnyView {
    let (slug, id, step) = (ctx.slug.to_owned(), ctx.id.to_owned(), step.to_owned());
    view! {
        <PostForm post=ctx.arrange>
            <input type="hidden" name="slug" value=slug.clone()/>
            <input type="hidden" name="id" value=id.clone()/>
            <input type="hidden" name="step" value=step.clone()/>
            <input type="hidden" name="what" value=what/>
            <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small icon>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}
