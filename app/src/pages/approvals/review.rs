//! One draft: the queue at its left, its words in the middle, and at its right what it rests on.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    fmt::Moment,
    shell::{PageScroll, Topbar},
    ui::{Callout, Card, CheckItem, Checklist, Crumb, Fact, Facts, Tag, Time, Tone, refusal},
};

#[cfg(feature = "ssr")]
use super::{
    decisions::Seen,
    evidence::{Evidence, evidence},
    forms::{Posts, Undoable, forms, undo},
    list::{DraftLine, Shown, checks_word},
};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Review {
    pub shown: Shown,
    /// The decision before this page.
    pub undoable: Option<Undoable>,
    /// Who else has it open, and until when.
    pub holder: Option<(String, String)>,
    pub id: String,
    pub version: i32,
    /// What became of it; nothing while it waits.
    pub decided: Option<String>,
    pub lead: (String, String),
    pub account: String,
    pub score: i32,
    pub email: String,
    pub mailbox: String,
    pub due: Moment,
    /// It leaves as soon as it is approved.
    pub overdue: bool,
    pub campaign: (String, String),
    pub step: i32,
    pub subject: String,
    pub body: String,
    pub sentences: Vec<Line>,
    pub checks: Vec<CheckItem>,
    /// How many of them stand against it.
    pub against: usize,
    /// It has a subject, and each variable a value.
    pub complete: bool,
    /// Why it is back in the queue, was rejected, or was not written by a model.
    pub notice: Option<String>,
    /// What it rests on and is not so any more.
    pub changed: Vec<String>,
    pub stale: bool,
    pub evidence: Evidence,
    pub may_approve: bool,
    pub may_edit: bool,
    /// “12 of 88”.
    pub place: String,
    /// The address of the next draft.
    pub next: Option<String>,
    pub queue: Vec<DraftLine>,
}

/// A sentence with the numbers of the facts that it rests on.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub text: String,
    pub breaks: i32,
    pub facts: Vec<usize>,
    pub unsupported: bool,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_review(
    slug: String,
    id: String,
    campaign: String,
    writer: String,
    flag: String,
    undo: String,
) -> Result<Written, AppError> {
    let seen = Seen { version: None, campaign, writer, flag };
    let review = super::load::review(&slug, &id, &seen, &undo).await?;
    let title = format!("Draft to {}", review.lead.1);
    Ok(Written::new(title.clone(), move || page(&slug, title, review)))
}

/// One draft.
#[component]
pub fn ReviewPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("draft"), use_query_map());
    // A colleague who opens or leaves it is news; it waits while something is being entered here.
    written(live_version_of("drafts", id), move || {
        let of = |name| query.read().get(name).unwrap_or_default();
        LoadReview {
            slug: slug.get(),
            id: id.get(),
            campaign: of("campaign"),
            writer: of("writer"),
            flag: of("flag"),
            undo: of("undo"),
        }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, title: String, r: Review) -> AnyView {
    let posts = Posts::new();
    let base = format!("/t/{slug}/approvals");
    let queue: Vec<_> = r
        .queue
        .iter()
        .map(|line| {
            let here = (line.id == r.id).then_some("true");
            let href = r.shown.at(&format!("{base}/{}", line.id));
            let below = line.holder.as_ref().map_or_else(|| line.subject.clone(), |name| format!("Open at {name}’s"));
            view! { <li><a href=href aria-current=here><span class="truncate strong">{line.lead.clone()}</span><span class="truncate subtle small-text">{below}</span></a></li> }
                .into_any()
        })
        .collect();
    let back = r.shown.at(&base);
    let (place, evidence) = (r.place.clone(), evidence(&r));
    let undo = undo(slug, &r.shown, r.undoable.clone());
    let draft = draft(slug, r, posts);
    view! {
        <Topbar title trail=vec![Crumb::new("Approvals", back)]/>
        {undo}
        <PageScroll label="Draft">
            <div class="page-body review">
                <nav class="review-queue" aria-label="Queue"><p class="subtle small-text">{place}</p><ol>{queue}</ol></nav>
                <div class="col">{refusal(posts.approve)}{refusal(posts.edit)}{refusal(posts.rewrite)}{refusal(posts.reject)}{draft}</div>
                <div class="col">{evidence}</div>
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn draft(slug: &str, r: Review, posts: Posts) -> AnyView {
    let notices: Vec<_> = r
        .notice
        .iter()
        .chain(&r.changed)
        .cloned()
        .map(|words| view! { <Callout tone=Tone::Amber>{words}</Callout> }.into_any())
        .collect();
    let stale = r.stale.then(|| view! { <Tag text="Stale" tone=Tone::Amber/> });
    let decided = r.decided.clone().map(|words| view! { <Callout tone=Tone::Sky>{words}</Callout> });
    let held = r.holder.clone().filter(|_| r.decided.is_none()).map(|(name, until)| {
        let words =
            format!("{name} has this draft open. Unless they stay, it is free from {until} on. Read it, or go on with another one.");
        view! { <Callout tone=Tone::Sky live=true>{words}</Callout> }
    });
    let forms = (r.decided.is_none() && r.holder.is_none()).then(|| forms(slug, &r, posts));
    let skip = r.next.clone().filter(|_| r.holder.is_some());
    let skip = skip.map(|href| view! { <a class="button" href=href aria-keyshortcuts="s">"Skip"</a> });
    let (lead, campaign) = (format!("/t/{slug}/leads/{}", r.lead.0), format!("/t/{slug}/campaigns/{}", r.campaign.0));
    let to = if r.account.is_empty() { String::new() } else { format!(", {}", r.account) };
    let score = format!(" · score {}", r.score);
    let step = format!(", step {}", r.step);
    let leaves = if r.overdue {
        view! { "At once, when approved" }.into_any()
    } else {
        view! { <Time moment=r.due/>", once approved" }.into_any()
    };
    let sentences = paragraphs(r.sentences);
    view! {
        {decided}
        {held}
        {notices}
        <Card title=r.subject>
            <Facts>
                <Fact label="To"><a href=lead>{r.lead.1}</a>{to}{score}</Fact>
                <Fact label="Address">{r.email}</Fact>
                <Fact label="From">{r.mailbox}</Fact>
                <Fact label="Leaves">{leaves}</Fact>
                <Fact label="Campaign"><a href=campaign>{r.campaign.1}</a>{step}</Fact>
                <Fact label="Checks">{checks_word(r.against)}" "{stale}</Fact>
            </Facts>
            <div class="draft-words">{sentences}</div>
            {forms}{skip}
        </Card>
        <Card title="Checks"><Checklist items=r.checks words=["Passes: ", "Warns: ", "Fails: "]/></Card>
    }
    .into_any()
}

/// The sentences, with a number for each fact that stands in the evidence.
#[cfg(feature = "ssr")]
fn paragraphs(lines: Vec<Line>) -> Vec<AnyView> {
    let (mut paragraphs, mut open): (Vec<AnyView>, Vec<AnyView>) = (Vec::new(), Vec::new());
    for line in lines {
        if line.breaks > 1 && !open.is_empty() {
            let whole = std::mem::take(&mut open);
            paragraphs.push(view! { <p>{whole}</p> }.into_any());
        }
        let break_before = (line.breaks == 1 && !open.is_empty()).then(|| view! { <br/> });
        let facts: Vec<_> = line
            .facts
            .iter()
            .map(|n| {
                let label = format!("Fact {n}");
                view! { <sup><a href=format!("#fact-{n}") aria-label=label>{*n}</a></sup> }.into_any()
            })
            .collect();
        let words = if line.unsupported {
            view! { <mark title="Claims something that no fact says">{line.text}</mark> }.into_any()
        } else {
            view! { <span>{line.text}</span> }.into_any()
        };
        open.push(view! { {break_before}{words}{facts}" " }.into_any());
    }
    if !open.is_empty() {
        paragraphs.push(view! { <p>{open}</p> }.into_any());
    }
    paragraphs
}
