//! What a person may do with a conversation. After one that ends it, the next one is shown.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What is entered with a change; each change looks at its own values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct ThreadForm {
    /// Version that was read.
    pub version: Option<i64>,
    /// The query string of the page.
    pub query: String,
    /// How long it is snoozed: `tomorrow`, `three_days`, `next_week` or `date`.
    pub until: String,
    /// The day until which it is snoozed.
    pub date: String,
    /// Whose it is; empty for nobody's.
    pub assignee: String,
    /// What they want.
    pub class: String,
}

/// Changes a conversation: `done`, `reopen`, `snooze`, `assign`, `class`, `unread`, `meeting`, `meeting_done` or
/// `unsubscribe`.
#[server(prefix = "/sf")]
pub async fn change_thread(
    slug: String,
    id: String,
    what: String,
    #[server(default)] form: ThreadForm,
) -> Result<(), AppError> {
    use super::load;
    use domain::{
        Problem, UserId,
        threads::{Snooze, ThreadChange, ThreadState},
    };
    use service::Error;

    let thread = load::thread_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let (today, zone) = (t.today(), t.actor().time_zone().to_owned());
    let state = |state| ThreadChange { state: Some(state), ..ThreadChange::default() };
    let (change, said) = match what.as_str() {
        "done" => (state(ThreadState::Done), "undo"),
        "reopen" => (state(ThreadState::NeedsAnswer), "thread-reopened"),
        "snooze" => {
            let how = Snooze::parse(&form.until).unwrap_or(Snooze::Date);
            let day = how.day(today, form.date.parse().ok());
            let missing = || Problem::field("form[date]", "date_missing", "Choose the day on which it comes back.");
            let until = load::morning(day.ok_or_else(|| Error::from(missing()))?, &zone)?;
            (ThreadChange { snoozed_until: Some(until), ..state(ThreadState::Snoozed) }, "undo")
        }
        "assign" => {
            let unknown = || Error::from(Problem::field("form[assignee]", "assignee_unknown", "Choose somebody."));
            let whom = Some(form.assignee.trim()).filter(|id| !id.is_empty());
            let whom = whom.map(str::parse::<UserId>).transpose().map_err(|_| unknown())?;
            (ThreadChange { assignee: Some(whom), ..ThreadChange::default() }, "thread-assigned")
        }
        "class" => {
            let class = form.class.parse().map_err(|problem: Problem| Error::from(problem.on("form[class]")))?;
            (ThreadChange { class: Some(class), ..ThreadChange::default() }, "thread-classified")
        }
        "unread" => (ThreadChange { unread: Some(true), ..ThreadChange::default() }, "thread-unread"),
        "meeting" | "meeting_done" => (ThreadChange::default(), "thread-meeting"),
        "unsubscribe" => (ThreadChange::default(), "thread-unsubscribed"),
        _ => return Err(Error::NotFound("action").into()),
    };
    let (address, filter) = load::place(&mut t, &slug, &form.query)?;
    let before = t.threads().get(thread).await?;
    let (_, next) = t.threads().beside(&before, &filter).await?;
    match what.as_str() {
        "unsubscribe" => t.threads().unsubscribe(thread, form.version).await?,
        "meeting" | "meeting_done" => t.threads().meeting_booked(thread, what == "meeting_done", form.version).await?,
        _ => t.threads().change(thread, &change, form.version).await?,
    };
    t.commit().await?;
    let next = next.map(|id| format!("/{id}")).unwrap_or_default();
    let here = format!("/{thread}");
    let target = match (what.as_str(), said) {
        (_, "undo") => address.at(&next, &[("undo", &id)]),
        ("unread", _) => address.at("", &[("done", said)]),
        ("unsubscribe" | "meeting_done", _) => address.at(&next, &[("done", said)]),
        _ => address.at(&here, &[("done", said)]),
    };
    leptos_axum::redirect(&target);
    Ok(())
}
