//! The steps of a campaign, in order. While it is a draft they can be added, moved and removed.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

use super::looks::{Head, head};
use crate::{
    error::AppError,
    exchange::{Post, PostForm, use_posts, with_data},
    pages::frame::{may, use_param, use_slug},
    shell::PageScroll,
    ui::{
        ButtonKind, ButtonLink, ButtonSize, Callout, Card, Empty, EmptyKind, IconName, SubmitButton, Tone, confirm,
        refusal,
    },
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    pub(super) head: Head,
    pub(super) may_arrange: bool,
    pub(super) steps: Vec<SequenceStep>,
}

/// A step in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequenceStep {
    pub(super) id: String,
    pub(super) position: i32,
    pub(super) delay: String,
    pub(super) subject: String,
    pub(super) body: String,
    pub(super) problems: Vec<String>,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_sequence(slug: String, id: String) -> Result<Sequence, AppError> {
    super::load::sequence(&slug, &id).await
}

/// Adds, moves or removes a step: `add`, `up`, `down`, `remove`.
#[server(prefix = "/sf")]
pub async fn arrange_steps(
    slug: String,
    id: String,
    what: String,
    #[server(default)] step: String,
) -> Result<(), AppError> {
    let own = format!("/t/{slug}/campaigns/{id}/sequence");
    let id = super::load::campaign_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    if what == "add" {
        let added = t.campaigns().add_step(id, Default::default()).await?;
        t.commit().await?;
        leptos_axum::redirect(&format!("{own}/{}", added.id));
        return Ok(());
    }
    let step = super::load::step_id(&step)?;
    let steps = t.campaigns().steps(id).await?;
    let position = steps.iter().find(|s| s.id == step).map(|s| s.position).ok_or(service::Error::NotFound("step"))?;
    match what.as_str() {
        "up" => t.campaigns().move_step(id, step, position - 1).await?,
        "down" => t.campaigns().move_step(id, step, position + 1).await?,
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
    let arrange = Post::to::<ArrangeSteps>();
    with_data(
        use_posts(),
        move || LoadSequence { slug: slug.get(), id: id.get() },
        move |shown| page(slug.get_untracked(), shown, arrange),
    )
}

fn page(slug: String, s: Sequence, arrange: Post) -> AnyView {
    let own = format!("/t/{slug}/campaigns/{}", s.head.id);
    let draft = s.head.state == "draft";
    let may_arrange = s.may_arrange && may(Permission::EditCampaigns);
    let launch = (draft && s.head.may("start"))
        .then(|| view! { <ButtonLink href=format!("{own}/launch") kind=ButtonKind::Primary>"Continue to launch"</ButtonLink> })
        .into_any();
    let fixed = (!s.may_arrange).then(|| {
        view! { <Callout tone=Tone::Sky>"Steps are added, moved and removed only in a draft. Wording can be changed while the campaign is paused."</Callout> }
    });
    let count = s.steps.len();
    let id = s.head.id.clone();
    let empty = (count == 0).then(|| {
        view! { <Empty kind=EmptyKind::First title="Write the first e-mail" text="Later steps follow up when nobody answers."/> }
    });
    let steps: Vec<_> =
        s.steps.into_iter().map(|step| step_card(&slug, &own, &id, step, may_arrange, count, arrange)).collect();
    let add = may_arrange.then(|| form(arrange, &slug, &id, "", "add", "Add step", IconName::Plus));
    view! {
        {head(&slug, &s.head, "sequence", launch)}
        <PageScroll label="Sequence">
            <div class="page-body narrow">
                {fixed}
                {refusal(arrange)}
                {empty}
                <ol class="stack">{steps}</ol>
                {add}
            </div>
        </PageScroll>
    }
    .into_any()
}

fn step_card(
    slug: &str,
    own: &str,
    id: &str,
    step: SequenceStep,
    may_arrange: bool,
    count: usize,
    arrange: Post,
) -> AnyView {
    let title = format!("Step {}", step.position);
    let subject = if step.subject.is_empty() { "No subject yet".to_owned() } else { step.subject };
    let problems: Vec<_> = step.problems.into_iter().map(|p| view! { <p class="error">{p}</p> }).collect();
    let last = usize::try_from(step.position).unwrap_or(0) == count;
    let arrange_buttons = may_arrange.then(|| {
        view! {
            {(step.position > 1).then(|| form(arrange, slug, id, &step.id, "up", "Move up", IconName::Up))}
            {(!last).then(|| form(arrange, slug, id, &step.id, "down", "Move down", IconName::Down))}
            {confirm("Remove", &format!("step {}", step.position), "The step and its text are lost.", form(arrange, slug, id, &step.id, "remove", "Remove step", IconName::Trash))}
        }
    });
    let href = format!("{own}/sequence/{}", step.id);
    view! {
        <li>
            <Card title note=step.delay>
                <p class="strong">{subject}</p>
                <p class="subtle step-words">{step.body}</p>
                {problems}
                <div class="cluster">
                    <ButtonLink href size=ButtonSize::Small icon=IconName::Edit>"Edit"</ButtonLink>
                    {arrange_buttons}
                </div>
            </Card>
        </li>
    }
    .into_any()
}

fn form(
    action: Post,
    slug: &str,
    id: &str,
    step: &str,
    what: &'static str,
    words: &'static str,
    icon: IconName,
) -> AnyView {
    let (slug, id, step) = (slug.to_owned(), id.to_owned(), step.to_owned());
    view! {
        <PostForm post=action>
            <input type="hidden" name="slug" value=slug.clone()/>
            <input type="hidden" name="id" value=id.clone()/>
            <input type="hidden" name="step" value=step.clone()/>
            <input type="hidden" name="what" value=what/>
            <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small icon>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}
