//! The question of a run to a person: exactly what it wants to do, and the ways to answer. What is done
//! afterwards is what stood here.

use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{ButtonKind, Callout, Fact, Facts, SubmitButton, TextArea, TextInput, Time, Tone},
};

/// Things of a kind that are named; the others are counted.
#[cfg(feature = "ssr")]
const NAMED: usize = 12;

/// How many of which kind, and the name of each with its address.
#[cfg(feature = "ssr")]
pub(super) type NamedThings = (String, Vec<(String, String)>);

/// A question that nobody has answered.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub(super) id: String,
    /// What the agent wants.
    pub(super) title: String,
    /// What that means.
    pub(super) what: String,
    /// What the arguments speak of.
    pub(super) things: Vec<NamedThings>,
    /// Its arguments as JSON; a question for more of a limit has none.
    pub(super) arguments: Option<String>,
    /// The run has read text from outside: then a yes is for one call only.
    pub(super) outside: bool,
    pub(super) expires: Moment,
    /// Whether who looks may answer.
    pub(super) may_decide: bool,
}

/// Answers: `once`, `run` or `deny`.
#[server(prefix = "/sf")]
pub async fn decide_run(
    slug: String,
    id: String,
    approval: String,
    answer: String,
    #[server(default)] arguments: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    use domain::runs::Decision;

    let own = format!("/t/{slug}/runs/{id}");
    let run = super::load::run_id(&id)?;
    let approval = approval.parse().map_err(|_| AppError::from(service::Error::NotFound("approval")))?;
    let mut t = crate::server::tenant(&slug).await?;
    let (decision, code) = match answer.as_str() {
        "once" | "run" => {
            let asked = t.runs().approvals(run).await?.into_iter().find(|asked| asked.id == approval);
            let asked = asked.ok_or(service::Error::NotFound("approval"))?;
            let edited = super::inputs::edited(&asked.arguments, &arguments).map_err(service::Error::from)?;
            (Decision::Approve { for_this_run: answer == "run", edited }, "call-approved")
        }
        "deny" => (Decision::Deny { reason }, "call-denied"),
        _ => return Err(service::Error::NotFound("answer").into()),
    };
    t.runs().decide(run, approval, decision).await?;
    t.commit().await?;
    crate::server::done(&own, code);
    Ok(())
}

/// The card above everything else.
#[cfg(feature = "ssr")]
pub(super) fn decision(slug: &str, run: &str, ask: Ask, post: Post) -> AnyView {
    let forms = if ask.may_decide {
        let hidden = || {
            let (slug, run, id) = (slug.to_owned(), run.to_owned(), ask.id.clone());
            view! {
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=run/>
                <input type="hidden" name="approval" value=id/>
            }
            .into_any()
        };
        let (yes, no) = (approval(&ask, hidden(), post), denial(&ask, hidden(), post));
        view! { {yes}{no} }.into_any()
    } else {
        let least = domain::Permission::DecideRuns.least_role().label();
        let words = format!("Waits for somebody who may approve. That needs the role {least}.");
        view! { <p class="strong">{words}</p> }.into_any()
    };
    let arguments = ask.arguments.clone().map(|text| {
        view! { <div class="payload" tabindex="0" role="region" aria-label="Arguments">{text}</div> }.into_any()
    });
    let outside = ask.outside.then(|| {
        view! { <Callout tone=Tone::Amber>"The run has read text from outside, and somebody may have written there what it wants now. So it asks for each call."</Callout> }
            .into_any()
    });
    view! {
        <section class="card decision wide t-violet">
            <header><h2>{ask.title}</h2><span class="push subtle small-text">"Counts as no "<Time moment=ask.expires/></span></header>
            <div class="body"><p>{ask.what}</p>{outside}{things(ask.things)}{arguments}{forms}</div>
        </section>
    }
    .into_any()
}

/// Names for the ids of the arguments.
#[cfg(feature = "ssr")]
fn things(groups: Vec<NamedThings>) -> Option<AnyView> {
    let group = |(label, links): NamedThings| {
        let more = links.len().saturating_sub(NAMED);
        let names: Vec<_> =
            links.into_iter().take(NAMED).map(|(name, href)| view! { <a href=href>{name}</a> }.into_any()).collect();
        let more = (more > 0).then(|| view! { <span class="subtle">{format!("and {more} more")}</span> });
        view! { <Fact label><span class="cluster">{names}{more}</span></Fact> }.into_any()
    };
    let groups: Vec<_> = groups.into_iter().map(group).collect();
    (!groups.is_empty()).then(|| view! { <Facts>{groups}</Facts> }.into_any())
}

#[cfg(feature = "ssr")]
fn approval(ask: &Ask, hidden: AnyView, post: Post) -> AnyView {
    let error = post.of_field("arguments");
    let change = ask.arguments.clone().map(|value| {
        view! {
            <details open=move || error.with(Option::is_some)>
                <summary>"Change the arguments"</summary>
                <TextArea name="arguments" label="Arguments" hint="JSON. The agent continues with what stands here." value code=true error/>
            </details>
        }
        .into_any()
    });
    let whole = (ask.arguments.is_some() && !ask.outside)
        .then(|| answer("run", ButtonKind::Default, "Approve for this run", post));
    let words = if ask.arguments.is_some() { "Approve once" } else { "Double it" };
    view! {
        <PostForm post class="stack">
            {hidden}
            {change}
            <div class="cluster">{answer("once", ButtonKind::Primary, words, post)}{whole}</div>
        </PostForm>
    }
    .into_any()
}

/// A button whose own value is the answer.
#[cfg(feature = "ssr")]
fn answer(value: &'static str, kind: ButtonKind, words: &'static str, post: Post) -> AnyView {
    view! { <SubmitButton name="answer" value kind busy=post.busy()>{words}</SubmitButton> }.into_any()
}

#[cfg(feature = "ssr")]
fn denial(ask: &Ask, hidden: AnyView, post: Post) -> AnyView {
    // A run that gets no more of a limit ends, and nobody reads why.
    let hint = if ask.arguments.is_some() { "The agent reads it." } else { "" };
    view! {
        <PostForm post class="cluster">
            {hidden}
            <TextInput name="reason" label="Why not" hint optional=true maxlength=1_000u32 error=post.of_field("reason")/>
            {answer("deny", ButtonKind::DangerText, "Deny", post)}
        </PostForm>
    }
    .into_any()
}
