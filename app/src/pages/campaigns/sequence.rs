//! The steps of a campaign as they are walked: after a condition both of its ways, each with its own steps. Steps are
//! added, moved and removed by plain forms, in branches too.

#[cfg(feature = "ssr")]
mod forms;
#[cfg(feature = "ssr")]
mod spots;

use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use self::{
    forms::{add_form, form, insert_form, move_form},
    spots::{Spot, all_spots},
};
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
    exchange::Post,
    pages::frame::may,
    shell::PageScroll,
    ui::{
        ButtonKind, ButtonLink, ButtonSize, Callout, Card, Empty, EmptyKind, Icon, IconName, Tag, Tone, confirm,
        refusal,
    },
};
#[cfg(feature = "ssr")]
use domain::{
    Permission, StepId,
    campaigns::CampaignState,
    steps::{Answer, Branch, Gap, StepKind},
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

/// Adds, moves or removes a step: `add`, `up`, `down`, `move`, `remove`. What is added, of `kind`, or moved goes into the
/// gap `to`; a new step stands at the end when there is none.
#[server(prefix = "/sf")]
pub async fn arrange_steps(
    slug: String,
    id: String,
    what: String,
    #[server(default)] step: String,
    #[server(default)] kind: String,
    #[server(default)] to: String,
) -> Result<(), AppError> {
    use domain::steps::{Place, StepInput};

    let own = format!("/t/{slug}/campaigns/{id}/sequence");
    let id = super::load::campaign_id(&id)?;
    let gap = Gap::parse(&to).ok_or(service::Error::NotFound("place"));
    let mut t = crate::server::tenant(&slug).await?;
    if what == "add" {
        let gap = if to.is_empty() { Gap::EndOf(None) } else { gap? };
        let place = t.campaigns().steps(id).await?.place(gap, None).map_err(service::Error::from)?;
        let input = StepInput { kind: StepKind::parse(&kind), place: Some(place), ..StepInput::default() };
        let added = t.campaigns().add_step(id, input).await?;
        t.commit().await?;
        leptos_axum::redirect(&format!("{own}/{}", added.id));
        return Ok(());
    }
    let step = super::load::step_id(&step)?;
    let sequence = t.campaigns().steps(id).await?;
    let branch = sequence.get(step).ok_or(service::Error::NotFound("step"))?.branch;
    let place = sequence.within(branch).zip(1..).find_map(|(s, n)| (s.id == step).then_some(n)).unwrap_or(1);
    let beside = |position: i32| Place { position: Some(position.max(1)), branch };
    match what.as_str() {
        "up" => t.campaigns().move_step(id, step, beside(place - 1)).await.map(|_| ())?,
        "down" => t.campaigns().move_step(id, step, beside(place + 1)).await.map(|_| ())?,
        "move" => t.campaigns().move_step_to(id, step, gap?).await.map(|_| ())?,
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
    let versions = versions(&s, &own);
    let locked = (!s.may_edit)
        .then(|| view! { <Callout tone=Tone::Sky>"The steps of a campaign that is scheduled or has ended stay as they are."</Callout> });
    let history = s.started.then(|| {
        let words = match s.versions {
            Some((_, edited)) => format!("Version {edited}, not published"),
            None => format!("Version {}", s.current),
        };
        view! { <p class="subtle">{words}" · "<a href=format!("{own}/versions")>"All versions"</a></p> }
    });
    let empty = s.steps.is_empty().then(|| {
        view! { <Empty kind=EmptyKind::First title="Write the first e-mail" text="Later steps follow up when nobody answers."/> }
    });
    let spots = all_spots(&s.steps);
    let ctx = Context { slug, own: &own, id: &s.head.id, may_arrange, arrange, spots: &spots };
    let list = steps(&ctx, s.steps, Gap::EndOf(None), false);
    let add = may_arrange.then(|| add_form(&ctx, Gap::EndOf(None), "Add at the end".to_owned()));
    view! {
        {head(slug, &s.head, "sequence", ().into_any())}
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

/// Which version is shown, and which one leads get, where that is another.
#[cfg(feature = "ssr")]
fn versions(s: &Sequence, own: &str) -> Option<AnyView> {
    let (current, edited) = s.versions?;
    if has_ended(&s.head.state) {
        let words = format!(
            "Leads got version {current}. These are the steps of version {edited}, which was never published, so nobody got them."
        );
        return Some(view! { <Callout tone=Tone::Sky>{words}</Callout> }.into_any());
    }
    let words = format!("You are editing version {edited}. Leads get version {current} until you publish it.");
    let publish = format!("{own}/versions");
    let view = view! {
        <Callout tone=Tone::Sky>
            <p>{words}</p>
            <ButtonLink href=publish kind=ButtonKind::Primary size=ButtonSize::Small>"Review and publish"</ButtonLink>
        </Callout>
    };
    Some(view.into_any())
}

/// Whether nothing is to come in this state.
#[cfg(feature = "ssr")]
pub(super) fn has_ended(state: &str) -> bool {
    let state = CampaignState::parse(state);
    state.is_some_and(|state| state.is_terminal() || state == CampaignState::Stopping)
}

/// What every part of the page needs.
#[cfg(feature = "ssr")]
struct Context<'c> {
    slug: &'c str,
    own: &'c str,
    id: &'c str,
    may_arrange: bool,
    arrange: Post,
    spots: &'c [Spot],
}

/// The steps of a branch, or of the main line; `end` is the gap behind them, and something `follows` there.
#[cfg(feature = "ssr")]
fn steps(ctx: &Context<'_>, list: Vec<SequenceStep>, end: Gap, follows: bool) -> AnyView {
    let ids: Vec<Option<StepId>> = list.iter().map(|step| step.id.parse().ok()).collect();
    let cards: Vec<_> = list
        .into_iter()
        .enumerate()
        .map(|(i, step)| {
            let (id, next) = (ids[i], ids.get(i + 1).copied().flatten());
            let around = Around { id, next, end, is_first: i == 0, follows: next.is_some() || follows };
            card(ctx, step, &around)
        })
        .collect();
    view! { <ol class="sequence">{cards}</ol> }.into_any()
}

/// A step and what stands around it.
#[cfg(feature = "ssr")]
struct Around {
    id: Option<StepId>,
    /// The next one in the same branch.
    next: Option<StepId>,
    /// The gap at the end of the branch.
    end: Gap,
    is_first: bool,
    /// Something comes after it, here or behind the branch.
    follows: bool,
}

#[cfg(feature = "ssr")]
fn card(ctx: &Context<'_>, step: SequenceStep, around: &Around) -> AnyView {
    let title = format!("Step {}", step.position);
    let (icon, label) = (icon_of(step.kind), step.kind.label());
    let problems: Vec<_> = step.problems.into_iter().map(|p| view! { <p class="error">{p}</p> }).collect();
    let object = format!("step {}", step.position);
    let insert = around.id.filter(|_| ctx.may_arrange).map(|id| insert_form(ctx, Gap::Before(id), &object));
    let buttons = ctx.may_arrange.then(|| {
        let remove = form(ctx, &step.id, "remove", "Remove step", IconName::Trash);
        let effect = if step.branches.is_empty() {
            "The step and its text are lost."
        } else {
            "The step and all steps of its branches are lost."
        };
        view! {
            {(!around.is_first).then(|| form(ctx, &step.id, "up", "Move up", IconName::Up))}
            {around.next.map(|_| form(ctx, &step.id, "down", "Move down", IconName::Down))}
            {move_form(ctx, around, &step.id, &object)}
            {confirm("Remove", &object, effect, remove)}
        }
    });
    let branches: Vec<_> = step
        .branches
        .into_iter()
        .map(|(when, list)| {
            let words = match (list.is_empty(), around.follows) {
                (false, _) => "",
                (true, true) => "Goes on with the next step.",
                (true, false) => "The sequence ends here.",
            };
            let end = Gap::EndOf(around.id.map(|of| Branch { of, when }));
            let add = ctx.may_arrange.then(|| add_form(ctx, end, format!("Add to {}", when.label())));
            view! {
                <section class="branch" aria-label=format!("{} of {object}", when.label())>
                    <h3>{when.label()}</h3>
                    {(!words.is_empty()).then(|| view! { <p class="subtle">{words}</p> })}
                    {steps(ctx, list, end, around.follows)}
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
            {insert}
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
