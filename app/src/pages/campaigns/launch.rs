//! Before the start: the checklist and the two ways to begin. And the page that asks before a stop.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    commands::{Command, button, refusal},
    looks::{Head, head},
    overview::load_overview,
};
use crate::{
    error::AppError,
    fmt::grouped,
    pages::frame::{ErrorPage, use_param, use_slug},
    shell::PageScroll,
    ui::{ButtonKind, ButtonLink, Card, CheckItem, Checklist, IconName, InputKind, SubmitButton, TextInput, Verdict},
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    pub(super) head: Head,
    pub(super) ready: bool,
    pub(super) checks: Vec<(String, String, Option<String>)>,
}

/// Loads the checklist.
#[server(prefix = "/sf")]
pub async fn load_launch(slug: String, id: String) -> Result<Launch, AppError> {
    super::load::launch(&slug, &id).await
}

/// The launch checklist.
#[component]
pub fn CampaignLaunchPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("campaign"));
    let command = Command::new();
    let shown = Resource::new(move || (slug.get(), id.get()), |(slug, id)| load_launch(slug, id));
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match shown.await {
                    Ok(shown) => page(slug.get_untracked(), shown, command).into_any(),
                    Err(error) => view! { <ErrorPage error/> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

fn page(slug: String, l: Launch, command: Command) -> impl IntoView {
    let items = l
        .checks
        .into_iter()
        .map(|(verdict, text, fix)| CheckItem {
            verdict: match verdict.as_str() {
                "pass" => Verdict::Pass,
                "warn" => Verdict::Warn,
                _ => Verdict::Block,
            },
            text,
            detail: String::new(),
            fix: fix.map(|href| ("Mend".to_owned(), href)),
        })
        .collect();
    let words = format!("Start sending to {} leads", l.head.audience);
    let start = button(command, &slug, &l.head.id, "start", words, ButtonKind::Primary, IconName::Send);
    let later = schedule(&slug, &l.head.id, command);
    let begin = if l.ready {
        view! { {start}<details><summary>"Start later"</summary>{later}</details> }.into_any()
    } else {
        view! { <p class="subtle">"Mend what blocks, then start."</p> }.into_any()
    };
    view! {
        {head(&slug, &l.head, "launch", ().into_any())}
        <PageScroll label="Launch">
            <div class="page-body narrow">
                {refusal(command)}
                <Card title="Checks"><Checklist items/></Card>
                <Card title="Begin">{begin}</Card>
            </div>
        </PageScroll>
    }
}

fn schedule(slug: &str, id: &str, command: Command) -> AnyView {
    let (slug, id) = (slug.to_owned(), id.to_owned());
    view! {
        <ActionForm action=command attr:class="stack">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="command" value="schedule"/>
            <TextInput name="at" label="Start at (UTC)" kind=InputKind::DateTime/>
            <SubmitButton kind=ButtonKind::Default>"Schedule"</SubmitButton>
        </ActionForm>
    }
    .into_any()
}

/// Asks before a stop, which cannot be taken back.
#[component]
pub fn CampaignStopPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("campaign"));
    let command = Command::new();
    let shown = Resource::new(move || (slug.get(), id.get()), |(slug, id)| load_overview(slug, id));
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let slug = slug.get_untracked();
                match shown.await {
                    Err(error) => view! { <ErrorPage error/> }.into_any(),
                    Ok(o) => {
                        let own = format!("/t/{slug}/campaigns/{}", o.head.id);
                        let question = format!("Stop {}?", o.head.name);
                        let leaving = grouped(o.open + o.enrolling);
                        let stop = button(command, &slug, &o.head.id, "stop", "Stop campaign".to_owned(), ButtonKind::Danger, IconName::Stop);
                        view! {
                            {head(&slug, &o.head, "stop", ().into_any())}
                            <PageScroll label="Stop">
                                <div class="page-body narrow">
                                    {refusal(command)}
                                    <Card title=question>
                                        <p>{leaving}" leads leave the sequence. A stopped campaign can’t be resumed; you can duplicate it."</p>
                                        <div class="cluster"><ButtonLink href=own>"Keep it"</ButtonLink>{stop}</div>
                                    </Card>
                                </div>
                            </PageScroll>
                        }
                        .into_any()
                    }
                }
            })}
        </Transition>
    }
    .into_any()
}
