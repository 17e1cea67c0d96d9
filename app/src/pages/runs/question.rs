//! What an agent wants to know: the question, and the form in which a person answers it. The agent reads
//! exactly these words.

use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{ButtonKind, Choice, RadioGroup, SubmitButton, TextArea, Time},
};

/// A question that waits for an answer.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Asking {
    pub(super) step: i32,
    /// Who asks.
    pub(super) agent: String,
    pub(super) words: String,
    /// The answers to choose from; any words when there are none.
    pub(super) choices: Vec<String>,
    pub(super) expires: Moment,
    /// Whether who looks may answer.
    pub(super) may_answer: bool,
}

/// Answers the question of a run.
#[server(prefix = "/sf")]
pub async fn answer_run(
    slug: String,
    id: String,
    step: i32,
    #[server(default)] answer: String,
) -> Result<(), AppError> {
    let own = format!("/t/{slug}/runs/{id}");
    let id = super::load::run_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.runs().answer(id, domain::runs::PersonAnswer { step, answer }).await?;
    t.commit().await?;
    crate::server::done(&own, "run-answered");
    Ok(())
}

/// The card above everything else.
#[cfg(feature = "ssr")]
pub(super) fn asking(slug: &str, run: &str, asking: Asking, post: Post) -> AnyView {
    let form = if asking.may_answer {
        form(slug, run, &asking, post)
    } else {
        let least = domain::Permission::RunAgents.least_role().label();
        let words = format!("Waits for somebody who may answer. That needs the role {least}.");
        view! { <p class="strong">{words}</p> }.into_any()
    };
    view! {
        <section class="card decision wide t-violet">
            <header>
                <h2>{format!("{} asks", asking.agent)}</h2>
                <span class="push subtle small-text">"Goes on without an answer "<Time moment=asking.expires/></span>
            </header>
            <div class="body"><p class="as-written">{asking.words}</p>{form}</div>
        </section>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn form(slug: &str, run: &str, asking: &Asking, post: Post) -> AnyView {
    let error = post.of_field("answer");
    let (slug, run, step) = (slug.to_owned(), run.to_owned(), asking.step);
    let answer = if asking.choices.is_empty() {
        view! { <TextArea name="answer" label="Your answer" hint="The agent reads it as your words." error/> }
            .into_any()
    } else {
        let options = asking.choices.iter().map(|choice| Choice::new(choice.clone(), choice.clone())).collect();
        view! { <RadioGroup name="answer" legend="Your answer" options error/> }.into_any()
    };
    view! {
        <PostForm post class="stack">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=run/>
            <input type="hidden" name="step" value=step/>
            {answer}
            <div class="cluster"><SubmitButton kind=ButtonKind::Primary busy=post.busy()>"Answer"</SubmitButton></div>
        </PostForm>
    }
    .into_any()
}
