//! How a campaign's state looks, and the head that all of its pages share.

use domain::Permission;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    fmt::plural,
    pages::frame::may,
    shell::{TabTitle, Topbar},
    ui::{Crumb, Glyph, Status, StatusLook, TabLink, Tabs, Tag, Tone},
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

/// Breadcrumb, name, state, tabs.
pub fn head(slug: &str, head: &Head, tab: &str, actions: AnyView) -> impl IntoView + use<> {
    let base = format!("/t/{slug}/campaigns");
    let own = format!("{base}/{}", head.id);
    let tabs = [
        ("", "Overview", None),
        ("/enrolments", "Leads", Some(head.audience.clone())),
        ("/mails", "E-mails", None),
        ("/sequence", "Sequence", Some(head.steps.to_string())),
        ("/settings", "Settings", None),
    ]
    .into_iter()
    .map(|(path, label, count)| {
        let link = TabLink::new(label, format!("{own}{path}"), path.trim_start_matches('/') == tab);
        match count {
            Some(count) => link.count(count),
            None => link,
        }
    })
    .collect();
    let (name, state, window) = (head.name.clone(), head.state.clone(), head.window.clone());
    let archived = head.archived.then(|| view! { <Tag text="Archived"/> });
    view! {
        <TabTitle text=name.clone()/>
        <Topbar title=name.clone() headed=true trail=vec![Crumb::new("Campaigns", base)]/>
        <header class="page-head">
            <div>
                <h1>{name}" "{campaign_status(&state, StatusLook::Pill)}" "{archived}</h1>
                <div class="meta"><span>{window}</span></div>
            </div>
            <div class="head-actions">{actions}</div>
        </header>
        <Tabs label="Campaign" items=tabs/>
    }
}
