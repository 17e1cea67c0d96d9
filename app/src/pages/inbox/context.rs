//! What is known of the person a conversation is with.

use domain::leads::LeadStatus;
use leptos::prelude::*;

use super::conversation::Opened;
use crate::{
    fmt::Moment,
    pages::leads::looks::{lead_status, score_tone},
    ui::{Fact, Facts, Score, Tag, Time},
};

/// What is known of a lead.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct About {
    pub id: String,
    pub name: String,
    pub title: String,
    pub account: Option<(String, String)>,
    pub email: String,
    pub phone: String,
    pub country: String,
    pub status: LeadStatus,
    pub score: i32,
    pub owner: String,
    pub tags: Vec<String>,
    pub suppressed: bool,
    pub enrolled: Vec<Enrolled>,
    /// Titles of the open tasks.
    pub tasks: Vec<String>,
    pub last_activity: Moment,
}

/// A campaign of the lead.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Enrolled {
    pub campaign: (String, String),
    pub state: String,
}

/// The pane at the right; people close it.
pub(super) fn context(slug: &str, o: &Opened) -> AnyView {
    let body = match &o.about {
        Some(about) => lead(slug, about),
        None => {
            let words = match &o.campaign {
                Some((_, name)) => format!("No lead has this address. It answers {name}."),
                None => "No lead has this address, and no campaign has written to it.".to_owned(),
            };
            view! { <p class="subtle">{words}</p> }.into_any()
        }
    };
    view! {
        <aside class="inbox-context" aria-label="About the person">
            <details open=true>
                <summary>"About the person"</summary>
                {body}
            </details>
        </aside>
    }
    .into_any()
}

fn lead(slug: &str, a: &About) -> AnyView {
    let base = format!("/t/{slug}");
    let fact = |label: &'static str, value: &str| {
        let value = value.to_owned();
        (!value.is_empty()).then(|| view! { <Fact label>{value}</Fact> }.into_any())
    };
    let account = a.account.clone().map(|(id, name)| {
        let href = format!("{base}/accounts/{id}");
        view! { <Fact label="Account"><a href=href>{name}</a></Fact> }
    });
    let tags: Vec<_> = a.tags.iter().map(|tag| view! { <Tag text=tag.clone()/> }.into_any()).collect();
    let tags = (!tags.is_empty()).then(|| view! { <Fact label="Tags"><span class="tags">{tags}</span></Fact> });
    let enrolled: Vec<_> = a
        .enrolled
        .iter()
        .map(|e| {
            let (href, name) = (format!("{base}/campaigns/{}", e.campaign.0), e.campaign.1.clone());
            view! { <li><a href=href>{name}</a><span class="subtle">{format!(" · {}", e.state)}</span></li> }.into_any()
        })
        .collect();
    let enrolled = (!enrolled.is_empty()).then(|| view! { <h3>"Campaigns"</h3><ul class="stack">{enrolled}</ul> });
    let tasks: Vec<_> = a.tasks.iter().map(|title| view! { <li>{title.clone()}</li> }.into_any()).collect();
    let tasks = (!tasks.is_empty()).then(|| view! { <h3>"Open tasks"</h3><ul class="stack">{tasks}</ul> });
    let title = fact("Title", &a.title);
    let reached = [("E-mail", &a.email), ("Phone", &a.phone), ("Country", &a.country), ("Owner", &a.owner)];
    let reached: Vec<_> = reached.into_iter().map(|(label, value)| fact(label, value)).collect();
    let (href, last_activity) = (format!("{base}/leads/{}", a.id), a.last_activity.clone());
    let (name, status, suppressed, score) = (a.name.clone(), a.status.to_string(), a.suppressed, a.score);
    view! {
        <div class="stack">
            <p><a class="strong" href=href aria-keyshortcuts="o">{name}</a></p>
            <Facts>
                <Fact label="Status">{lead_status(&status, suppressed)}</Fact>
                <Fact label="Score"><Score value=Some(score) tone=score_tone(score)/></Fact>
                {title}
                {account}
                {reached}
                {tags}
                <Fact label="Last activity"><Time moment=last_activity/></Fact>
            </Facts>
            {enrolled}
            {tasks}
        </div>
    }
    .into_any()
}
