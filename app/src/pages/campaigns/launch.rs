//! Before the start: the checklist and the two ways to begin. And the page that asks before a stop.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

use super::{
    commands::{CommandCampaign, button},
    looks::{Head, head_of},
    overview::{LoadOverview, Overview},
};
use crate::{
    error::AppError,
    exchange::{Post, PostForm, use_posts, with_data},
    fmt::plural,
    pages::frame::{may, only, use_param, use_slug},
    shell::PageScroll,
    ui::{ButtonKind, ButtonLink, Card, CheckItem, Checklist, IconName, InputKind, SubmitButton, TextInput, Verdict},
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    pub(super) head: Head,
    pub(super) ready: bool,
    pub(super) zone: String,
    /// From where it sends.
    pub(super) mailboxes: String,
    /// Leads that get the first e-mail.
    pub(super) reached: i64,
    pub(super) checks: Vec<LaunchCheck>,
}

/// A check of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaunchCheck {
    pub(super) verdict: String,
    pub(super) text: String,
    /// What it says of each thing, where there are several.
    pub(super) lines: Vec<String>,
    /// Where it is mended.
    pub(super) fix: Option<String>,
}

/// Loads the checklist.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_launch(slug: String, id: String) -> Result<Launch, AppError> {
    super::load::launch(&slug, &id).await
}

/// The launch checklist.
#[component]
pub fn CampaignLaunchPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("campaign"));
    let command = Post::to::<CommandCampaign>();
    with_data(
        use_posts(),
        move || LoadLaunch { slug: slug.get(), id: id.get() },
        move |shown| page(slug.get_untracked(), shown, command),
    )
}

fn page(slug: String, l: Launch, command: Post) -> AnyView {
    let items = l
        .checks
        .into_iter()
        .map(|check| CheckItem {
            verdict: match check.verdict.as_str() {
                "pass" => Verdict::Pass,
                "warn" => Verdict::Warn,
                _ => Verdict::Block,
            },
            text: check.text,
            detail: check.lines.join("\n"),
            fix: check.fix.map(|href| ("Fix".to_owned(), href)),
        })
        .collect();
    let words = format!("Start sending to {}", plural(l.reached, "lead", "leads"));
    let effect = format!(
        "The first e-mails leave in the next sending window ({}), from {}. You can pause or stop at any time.",
        l.head.window, l.mailboxes
    );
    let start = button(command, &slug, &l.head.id, "start", words.clone(), ButtonKind::Primary, IconName::Send);
    let later = schedule(&slug, &l.head.id, &l.zone, command);
    let begin = if !may(Permission::RunCampaigns) {
        view! { <p class="subtle">{AppError::forbidden(Permission::RunCampaigns).message}</p> }.into_any()
    } else if !matches!(l.head.state.as_str(), "draft" | "scheduled") {
        view! { <p class="subtle">"It has been started already."</p> }.into_any()
    } else if l.ready {
        view! {
            <details class="confirm">
                <summary class="button primary"><span class="ask">{words}</span><span class="keep">"Cancel"</span></summary>
                <p>{effect}</p>
                {start}
            </details>
            <details><summary>"Start later"</summary>{later}</details>
        }
        .into_any()
    } else {
        view! { <p class="subtle">"Fix what blocks, then start."</p> }.into_any()
    };
    let simulation = format!("/t/{slug}/campaigns/{}/simulation", l.head.id);
    view! {
        {head_of(&slug, &l.head, "launch", ().into_any(), command)}
        <PageScroll label="Launch">
            <div class="page-body narrow">
                <Card title="Checks"><Checklist items/></Card>
                <Card title="Simulation">
                    <p class="subtle">"How many e-mails leave on which day, when it ends, what each mailbox carries, and who gets nothing and why."</p>
                    <p><a class="button" href=simulation>"Open the simulation"</a></p>
                </Card>
                <Card title="Begin">{begin}</Card>
            </div>
        </PageScroll>
    }
    .into_any()
}

fn schedule(slug: &str, id: &str, zone: &str, command: Post) -> AnyView {
    let hint = format!("On a clock in {}", zone.replace('_', " "));
    let (slug, id) = (slug.to_owned(), id.to_owned());
    view! {
        <PostForm post=command class="stack">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="command" value="schedule"/>
            <TextInput name="at" label="Start at" hint kind=InputKind::DateTime/>
            <SubmitButton kind=ButtonKind::Default>"Schedule"</SubmitButton>
        </PostForm>
    }
    .into_any()
}

/// Asks before a stop, which cannot be taken back.
#[component]
pub fn CampaignStopPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("campaign"));
    let command = Post::to::<CommandCampaign>();
    only(Permission::RunCampaigns, move || {
        with_data(
            use_posts(),
            move || LoadOverview { slug: slug.get(), id: id.get() },
            move |shown| stop(slug.get_untracked(), shown, command),
        )
    })
}

fn stop(slug: String, o: Overview, command: Post) -> AnyView {
    let own = format!("/t/{slug}/campaigns/{}", o.head.id);
    let question = format!("Stop {}?", o.head.name);
    let leaving = if o.is_frozen { o.open + o.enrolling } else { o.audience };
    let (words, stop) = if o.head.can("stop") {
        let leave = plural(leaving, "lead leaves", "leads leave");
        let words = format!("{leave} the sequence. A stopped campaign can’t be resumed; you can duplicate it.");
        let label = "Stop campaign".to_owned();
        (words, Some(button(command, &slug, &o.head.id, "stop", label, ButtonKind::Danger, IconName::Stop)))
    } else {
        ("There is nothing to stop: it sends no e-mails.".to_owned(), None)
    };
    view! {
        {head_of(&slug, &o.head, "stop", ().into_any(), command)}
        <PageScroll label="Stop">
            <div class="page-body narrow">
                <Card title=question>
                    <p>{words}</p>
                    <div class="cluster"><ButtonLink href=own>"Keep it"</ButtonLink>{stop}</div>
                </Card>
            </div>
        </PageScroll>
    }
    .into_any()
}
