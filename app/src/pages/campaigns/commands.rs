//! The commands of a campaign as forms: one server function each, one button each.

use leptos::prelude::*;

use crate::{
    error::AppError,
    exchange::{Post, PostForm},
    ui::{ButtonKind, Checkbox, IconName, SubmitButton},
};

/// A command by its word. One function serves them all: they take the same arguments and differ in
/// nothing but the method they call. A time says when to start, and `read` that somebody knows why it has paused.
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
    let (path, code) = match command.as_str() {
        "start" => (campaigns.start(id).await.map(|_| own)?, "started"),
        "schedule" => {
            let at = crate::fmt::Moment::read(&at, &zone).map_err(service::Error::from)?;
            (campaigns.schedule(id, at).await.map(|_| own)?, "scheduled")
        }
        "unschedule" => (campaigns.unschedule(id).await.map(|_| own)?, "unscheduled"),
        "pause" => (campaigns.pause(id).await.map(|_| own)?, "paused"),
        "resume" => (campaigns.resume(id, read).await.map(|_| own)?, "resumed"),
        "stop" => (campaigns.stop(id).await.map(|_| own)?, "stopped"),
        "archive" => (campaigns.archive(id, true).await.map(|_| own)?, "archived"),
        "unarchive" => (campaigns.archive(id, false).await.map(|_| own)?, "unarchived"),
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
    let (slug, id) = (slug.to_owned(), id.to_owned());
    view! {
        <PostForm post=action>
            <input type="hidden" name="slug" value=slug.clone()/>
            <input type="hidden" name="id" value=id.clone()/>
            <input type="hidden" name="command" value=command/>
            <SubmitButton kind icon busy=action.busy()>{words.clone()}</SubmitButton>
        </PostForm>
    }
    .into_any()
}

/// Resumes a campaign that the system has paused. Whoever does it says that they have read why, which stands above.
pub fn resume_all_the_same(action: Post, slug: &str, id: &str) -> AnyView {
    let (slug, id) = (slug.to_owned(), id.to_owned());
    view! {
        <PostForm post=action class="cluster">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="command" value="resume"/>
            <Checkbox name="read" label="I have read why it paused" required=true/>
            <SubmitButton kind=ButtonKind::Default busy=action.busy()>"Resume all the same"</SubmitButton>
        </PostForm>
    }
    .into_any()
}
