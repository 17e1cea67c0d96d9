//! The commands of a campaign as forms: one server function each, one button each.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::pages::filters::{address, pairs};
use crate::{
    error::AppError,
    exchange::{Post, PostForm},
    ui::{ButtonKind, Checkbox, IconName, MenuButton, SubmitButton},
};

/// The pages of a campaign that show what came of a command given there.
#[cfg(feature = "ssr")]
const TABS: [&str; 8] = ["enrolments", "mails", "sequence", "log", "settings", "simulation", "proofs", "versions"];

/// A command by its word. One function serves them all: they take the same arguments and differ in
/// nothing but the method they call. A time says when to start, and `read` that somebody knows why it has paused.
/// Whoever gives it on a tab of the campaign stays there.
#[server(prefix = "/sf")]
pub async fn command_campaign(
    slug: String,
    id: String,
    command: String,
    #[server(default)] at: String,
    #[server(default)] read: bool,
) -> Result<(), AppError> {
    let (own, list) = (format!("/t/{slug}/campaigns/{id}"), format!("/t/{slug}/campaigns"));
    let id = super::load::campaign_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let zone = t.actor().time_zone().to_owned();
    let mut campaigns = t.campaigns();
    let here = from_tab(&own).unwrap_or(own);
    let (path, code) = match command.as_str() {
        "start" => (campaigns.start(id).await.map(|_| here)?, "started"),
        "schedule" => {
            let at = crate::fmt::Moment::read(&at, &zone).map_err(service::Error::from)?;
            (campaigns.schedule(id, at).await.map(|_| here)?, "scheduled")
        }
        "unschedule" => (campaigns.unschedule(id).await.map(|_| here)?, "unscheduled"),
        "pause" => (campaigns.pause(id).await.map(|_| here)?, "paused"),
        "resume" => (campaigns.resume(id, read).await.map(|_| here)?, "resumed"),
        "stop" => (campaigns.stop(id).await.map(|_| here)?, "stopped"),
        "archive" => (campaigns.archive(id, true).await.map(|_| here)?, "archived"),
        "unarchive" => (campaigns.archive(id, false).await.map(|_| here)?, "unarchived"),
        "delete" => (campaigns.delete(id).await.map(|()| list)?, "campaign-deleted"),
        "duplicate" => {
            let copy = campaigns.duplicate(id).await?;
            (format!("{list}/{}/sequence", copy.id), "campaign-copied")
        }
        "report" => {
            t.named_jobs().generate_marketing_report(id).await?;
            (format!("/t/{slug}/content?kind=report"), "report-asked")
        }
        _ => return Err(service::Error::NotFound("command").into()),
    };
    t.commit().await?;
    crate::server::done(&path, code);
    Ok(())
}

/// The tab of the campaign at `own` that a form was sent from, as it was filtered; nothing for other pages.
#[cfg(feature = "ssr")]
fn from_tab(own: &str) -> Option<String> {
    let parts = use_context::<http::request::Parts>()?;
    let from: http::Uri = parts.headers.get(http::header::REFERER)?.to_str().ok()?.parse().ok()?;
    tab_of(&from, own)
}

#[cfg(feature = "ssr")]
fn tab_of(from: &http::Uri, own: &str) -> Option<String> {
    let rest = from.path().strip_prefix(own)?.strip_prefix('/')?;
    if !rest.split('/').next().is_some_and(|tab| TABS.contains(&tab)) {
        return None;
    }
    // What was said there of something else is not said again.
    let said = ["done", "__path", "__err"];
    let kept = pairs(from.query().unwrap_or_default());
    let kept = kept.iter().filter(|(key, _)| !said.contains(&key.as_str()));
    Some(address(from.path(), kept.map(|(key, value)| (key.as_str(), value.as_str()))))
}

/// A form with one button.
pub fn button(
    action: Post,
    slug: &str,
    id: &str,
    command: &'static str,
    words: String,
    kind: ButtonKind,
    icon: IconName,
) -> AnyView {
    let fields = fields(slug, id, command);
    view! { <PostForm post=action>{fields}<SubmitButton kind icon busy=action.busy()>{words}</SubmitButton></PostForm> }
        .into_any()
}

/// The button that pauses or resumes the campaign of the page, with its key.
pub fn toggle(
    action: Post,
    slug: &str,
    id: &str,
    command: &'static str,
    words: &'static str,
    icon: IconName,
) -> AnyView {
    let (fields, kind) = (fields(slug, id, command), ButtonKind::Default);
    view! {
        <PostForm post=action>{fields}<SubmitButton kind icon busy=action.busy() key="p">{words}</SubmitButton></PostForm>
    }
    .into_any()
}

/// The same as an item of a menu.
pub fn item(action: Post, slug: &str, id: &str, command: &'static str, label: &'static str, icon: IconName) -> AnyView {
    let fields = fields(slug, id, command);
    view! { <PostForm post=action>{fields}<MenuButton label icon/></PostForm> }.into_any()
}

/// What a command is sent with.
fn fields(slug: &str, id: &str, command: &'static str) -> AnyView {
    let (slug, id) = (slug.to_owned(), id.to_owned());
    view! {
        <input type="hidden" name="slug" value=slug/>
        <input type="hidden" name="id" value=id/>
        <input type="hidden" name="command" value=command/>
    }
    .into_any()
}

/// Resumes a campaign that the system has paused. Whoever does it says that they have read why, which stands above.
pub fn resume_all_the_same(action: Post, slug: &str, id: &str) -> AnyView {
    let fields = fields(slug, id, "resume");
    view! {
        <PostForm post=action class="cluster">
            {fields}
            <Checkbox name="read" label="I have read why it paused" required=true/>
            <SubmitButton kind=ButtonKind::Default busy=action.busy()>"Resume all the same"</SubmitButton>
        </PostForm>
    }
    .into_any()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn whoever_gives_a_command_on_a_tab_stays_there() {
        let own = "/t/halden/campaigns/019aa5e0";
        let back = |from: &str| tab_of(&from.parse().expect("an address"), own);
        let site = |path: &str| format!("https://app.example{own}{path}");
        for (from, to) in [
            ("/log?f.kind.is=bounced&done=resumed", "/log?f.kind.is=bounced"),
            ("/mails?state=sent&__path=x&__err=y", "/mails?state=sent"),
            ("/sequence/019aa5e1", "/sequence/019aa5e1"),
        ] {
            assert_eq!(back(&site(from)), Some(format!("{own}{to}")));
        }
        for elsewhere in ["", "?done=paused", "/stop", "/launch", "0/log"] {
            assert_eq!(back(&site(elsewhere)), None, "{elsewhere}");
        }
        assert_eq!(back("https://app.example/t/halden/campaigns"), None);
    }
}
