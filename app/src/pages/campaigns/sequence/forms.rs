//! The forms of the sequence: each is plain, so that steps are added and moved without scripts and without a mouse.

use domain::steps::{Gap, StepKind};
use leptos::prelude::*;

use super::{Around, Context};
use crate::{
    exchange::PostForm,
    ui::{ButtonKind, ButtonSize, Choice, Icon, IconName, SubmitButton, option_list},
};

/// Adds a step in a gap.
pub(super) fn add_form(ctx: &Context<'_>, gap: Gap, label: String) -> AnyView {
    let kinds = StepKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), kind.label())).collect::<Vec<_>>();
    let (slug, id, to) = (ctx.slug.to_owned(), ctx.id.to_owned(), gap.to_string());
    view! {
        <PostForm post=ctx.arrange class="cluster add-step">
            <input type="hidden" name="slug" value=slug.clone()/>
            <input type="hidden" name="id" value=id.clone()/>
            <input type="hidden" name="to" value=to.clone()/>
            <input type="hidden" name="what" value="add"/>
            <select name="kind" class="select" aria-label=label.clone()>{option_list(kinds.clone(), "email", None)}</select>
            <SubmitButton kind=ButtonKind::Default icon=IconName::Plus>"Add step"</SubmitButton>
        </PostForm>
    }
    .into_any()
}

/// The same between two steps, where it takes no room until somebody asks for it.
pub(super) fn insert_form(ctx: &Context<'_>, gap: Gap, object: &str) -> AnyView {
    let (form, place) = (add_form(ctx, gap, format!("Add before {object}")), format!(", before {object}"));
    view! {
        <details class="step-gap">
            <summary class="button ghost small"><Icon name=IconName::Plus/>"Add step here"<span class="sr-only">{place}</span></summary>
            {form}
        </details>
    }
    .into_any()
}

/// Moves a step, with its branches, to wherever it can stand.
pub(super) fn move_form(ctx: &Context<'_>, around: &Around, step: &str, object: &str) -> Option<AnyView> {
    let moving = around.id?;
    let behind = around.next.map_or(around.end, Gap::Before);
    let places: Vec<_> = ctx
        .spots
        .iter()
        .filter(|spot| spot.takes(moving) && spot.gap != behind)
        .map(|spot| Choice::new(spot.gap.to_string(), spot.words.clone()))
        .collect();
    if places.is_empty() {
        return None;
    }
    let (slug, id, step) = (ctx.slug.to_owned(), ctx.id.to_owned(), step.to_owned());
    let (label, button) = (format!("Where {object} moves"), format!("Move {object}"));
    let view = view! {
        <details class="step-move">
            <summary class="button small">"Move to…"<span class="sr-only">" "{object.to_owned()}</span></summary>
            <PostForm post=ctx.arrange class="cluster add-step">
                <input type="hidden" name="slug" value=slug.clone()/>
                <input type="hidden" name="id" value=id.clone()/>
                <input type="hidden" name="step" value=step.clone()/>
                <input type="hidden" name="what" value="move"/>
                <select name="to" class="select" aria-label=label.clone()>{option_list(places.clone(), "", None)}</select>
                <SubmitButton kind=ButtonKind::Default>{button.clone()}</SubmitButton>
            </PostForm>
        </details>
    };
    Some(view.into_any())
}

/// A button that does something with a step.
pub(super) fn form(ctx: &Context<'_>, step: &str, what: &'static str, words: &'static str, icon: IconName) -> AnyView {
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
