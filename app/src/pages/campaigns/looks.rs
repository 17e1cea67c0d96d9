//! How a campaign's state looks, and the head that all of its pages share.

use domain::{Permission, campaigns::CampaignState};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::commands::{button, item, toggle};
use crate::{
    exchange::Post,
    fmt::plural,
    pages::frame::may,
    shell::{TabTitle, Topbar},
    ui::{
        ButtonKind, ButtonLink, Crumb, Glyph, Icon, IconName, MenuLink, Status, StatusLook, TabLink, Tabs, Tag, Tone,
        popover, refusal,
    },
};

/// What every page of a campaign shows above its body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) window: String,
    pub(super) audience: String,
    pub(super) steps: i64,
    /// The person has made it.
    pub(super) own: bool,
    /// It is out of the lists.
    pub(super) archived: bool,
    /// The system has paused it, and nobody resumes it without having read why.
    pub(super) to_read: bool,
}

impl Head {
    /// Whether the person may give it this command.
    pub(super) fn may(&self, command: &str) -> bool {
        match command {
            "pause" => may(Permission::RunCampaigns) || self.own && may(Permission::PauseOwnCampaigns),
            "duplicate" | "report" | "archive" | "unarchive" | "delete" => may(Permission::EditCampaigns),
            _ => may(Permission::RunCampaigns),
        }
    }

    /// The same for a command that its state must allow, too.
    pub(super) fn can(&self, command: &str) -> bool {
        self.may(command) && self.is(|state| state.allowed().contains(&command))
    }

    /// Whether something holds of its state.
    pub(super) fn is(&self, test: impl FnOnce(CampaignState) -> bool) -> bool {
        CampaignState::parse(&self.state).is_some_and(test)
    }
}

/// A state with its glyph.
pub fn campaign_status(state: &str, look: StatusLook) -> impl IntoView + use<> {
    let (glyph, tone, word) = match state {
        "scheduled" => (Glyph::Clock, Tone::Sky, "Scheduled"),
        "running" => (Glyph::Play, Tone::Accent, "Running"),
        "pausing" => (Glyph::Pause, Tone::Amber, "Pausing"),
        "paused" => (Glyph::Pause, Tone::Amber, "Paused"),
        "stopping" => (Glyph::Square, Tone::Neutral, "Stopping"),
        "stopped" => (Glyph::Square, Tone::Neutral, "Stopped"),
        "completed" => (Glyph::Done, Tone::Jade, "Completed"),
        "failed" => (Glyph::Octagon, Tone::Coral, "Failed"),
        _ => (Glyph::Dashed, Tone::Neutral, "Draft"),
    };
    view! { <Status glyph tone word look/> }
}

/// How many leads a campaign that has not begun is for.
pub fn planned_words(leads: i64) -> String {
    match leads {
        0 => "No lead is chosen yet".to_owned(),
        some => format!("{} would be enrolled now", plural(some, "lead", "leads")),
    }
}

/// Breadcrumb, name, state, what can be done with it now, tabs. `tab` is a part of the address, and may be one within a
/// tab; one that begins with a slash is within the overview. `actions` are those of that page.
#[cfg(feature = "ssr")]
pub fn head(slug: &str, head: &Head, tab: &str, actions: AnyView) -> AnyView {
    head_of(slug, head, tab, actions, Post::to::<super::commands::CommandCampaign>())
}

/// The same for a page with forms of its own for commands: `command` is where all of them go, and why the last one was
/// refused is said here.
pub fn head_of(slug: &str, head: &Head, tab: &str, actions: AnyView, command: Post) -> AnyView {
    let base = format!("/t/{slug}/campaigns");
    let own = format!("{base}/{}", head.id);
    let current = tab.split('/').next().unwrap_or_default();
    // What they answered stands where answers are read, narrowed to this campaign.
    let replies = format!("/t/{slug}/inbox?tab=all&campaign={}", head.id);
    let of = |path| format!("{own}{path}");
    let tabs = [
        ("", "Overview", of(""), None),
        ("enrolments", "Leads", of("/enrolments"), Some(head.audience.clone())),
        ("mails", "E-mails", of("/mails"), None),
        ("sequence", "Sequence", of("/sequence"), Some(head.steps.to_string())),
        ("replies", "Replies", replies, None),
        ("log", "Log", of("/log"), None),
        ("settings", "Settings", of("/settings"), None),
    ]
    .into_iter()
    .zip(["1", "2", "3", "4", "5", "6", "7"])
    .map(|((page, label, href, count), key)| {
        let link = TabLink::new(label, href, page == current).key(key);
        match count {
            Some(count) => link.count(count),
            None => link,
        }
    })
    .collect();
    let (name, state, window) = (head.name.clone(), head.state.clone(), head.window.clone());
    let archived = head.archived.then(|| view! { <Tag text="Archived"/> });
    let commands = commands(slug, &own, head, tab, command);
    view! {
        <TabTitle text=name.clone()/>
        <Topbar title=name.clone() headed=true trail=vec![Crumb::new("Campaigns", base)]/>
        <header class="page-head">
            <div>
                <h1>{name}" "{campaign_status(&state, StatusLook::Pill)}" "{archived}</h1>
                <div class="meta"><span>{window}</span></div>
            </div>
            <div class="head-actions">{actions}{commands}</div>
        </header>
        <Tabs label="Campaign" items=tabs/>
        {refusal(command)}
    }
    .into_any()
}

/// What its state and the rights of the person allow, the less common of it behind one button.
fn commands(slug: &str, own: &str, head: &Head, tab: &str, command: Post) -> AnyView {
    let form =
        |word, label: &str, icon| button(command, slug, &head.id, word, label.to_owned(), ButtonKind::Default, icon);
    let keyed = |word, label, icon| toggle(command, slug, &head.id, word, label, icon);
    let edits =
        !tab.starts_with("sequence") && head.is(CampaignState::allows_sequence_edit) && may(Permission::EditCampaigns);
    // Why it paused stands on the overview, and so does what resumes it then.
    let (resumes, reads) = (head.can("resume") && !head.to_read, head.can("resume") && head.to_read && !tab.is_empty());
    // The forms of other pages have a main button of their own.
    let kind = if matches!(tab, "" | "sequence") { ButtonKind::Primary } else { ButtonKind::Default };
    let launches = tab != "launch" && head.can("schedule");
    view! {
        {launches.then(|| view! { <ButtonLink href=format!("{own}/launch") kind>"Continue to launch"</ButtonLink> })}
        {(head.state == "scheduled" && head.can("start")).then(|| form("start", "Start now", IconName::Play))}
        {head.can("unschedule").then(|| form("unschedule", "Unschedule", IconName::Calendar))}
        {head.can("pause").then(|| keyed("pause", "Pause", IconName::Pause))}
        {resumes.then(|| keyed("resume", "Resume", IconName::Play))}
        {reads.then(|| view! { <ButtonLink href=own.to_owned()>"Read why it paused"</ButtonLink> })}
        {edits.then(|| view! { <ButtonLink href=format!("{own}/sequence") icon=IconName::Edit>"Edit"</ButtonLink> })}
        {more(slug, own, head, command)}
    }
    .into_any()
}

fn more(slug: &str, own: &str, head: &Head, command: Post) -> Option<AnyView> {
    let item = |word, label, icon| item(command, slug, &head.id, word, label, icon);
    let stop = head.can("stop").then(|| {
        view! { <MenuLink href=format!("{own}/stop") label="Stop" icon=IconName::Stop danger=true/> }.into_any()
    });
    let items = [
        head.may("duplicate").then(|| item("duplicate", "Duplicate", IconName::Copy)),
        head.may("report").then(|| item("report", "Make report", IconName::File)),
        (head.can("archive") && !head.archived).then(|| item("archive", "Archive", IconName::Archive)),
        (head.archived && head.may("unarchive")).then(|| item("unarchive", "Bring back", IconName::Import)),
        stop,
    ];
    let items: Vec<_> = items.into_iter().flatten().collect();
    let dots = view! { <Icon name=IconName::More/> }.into_any();
    let label = format!("More actions for {}", head.name);
    (!items.is_empty()).then(|| popover("campaign-more", "button icon-only", label, dots, "menu", items.into_any()))
}
