//! The frame of a company's pages: who is signed in, where they are, what was just done.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::{
    components::Outlet,
    hooks::{use_location, use_params_map, use_query_map},
};

use crate::{
    error::AppError,
    exchange::{provide_posts, use_open_post, use_posts, use_unread_post, with_data},
    fmt::{grouped, plural},
    shell::{
        MorePage, Shell, ShellData, TabTitle,
        live::{use_live, use_live_of, use_outdated},
    },
    ui::{Empty, EmptyKind, Flash, Notice, Tone},
};

/// Loads what the frame shows.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_frame(slug: String) -> Result<ShellData, AppError> {
    use crate::shell::{CompanyLink, Theme};

    let (mut t, membership, person) = crate::server::door(&slug).await?;
    let pulse = crate::shell::pulse(&mut t).await?;
    t.commit().await?;
    let companies = t_companies(person.id).await?;
    let cookie = |name: &str| {
        let parts = use_context::<http::request::Parts>()?;
        let all = parts.headers.get(http::header::COOKIE)?.to_str().ok()?.to_owned();
        all.split("; ").find_map(|c| c.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    Ok(ShellData {
        company_name: membership.name,
        company_slug: membership.slug,
        companies: companies
            .into_iter()
            .map(|m| CompanyLink { name: m.name, slug: m.slug, role: m.role.label().to_owned() })
            .collect(),
        person_name: person.name,
        person_email: person.email.to_string(),
        role: membership.role,
        pulse,
        rail: cookie("sidebar").as_deref() == Some("rail"),
        theme: Theme::parse(&cookie("theme").unwrap_or_default()),
    })
}

#[cfg(feature = "ssr")]
async fn t_companies(person: domain::UserId) -> Result<Vec<domain::companies::Membership>, AppError> {
    Ok(expect_context::<service::Db>().people().memberships(person).await?)
}

/// The slug of the company that the page is in.
#[must_use]
pub fn use_slug() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.read().get("company").unwrap_or_default())
}

/// A parameter of the path.
#[must_use]
pub fn use_param(name: &'static str) -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.read().get(name).unwrap_or_default())
}

/// Sidebar and, in it, the page.
#[component]
pub fn CompanyFrame() -> impl IntoView {
    let slug = use_slug();
    provide_posts();
    with_data(
        // What is posted in the frame changes the pages in it, not the frame around them.
        Signal::stored(0),
        move || LoadFrame { slug: slug.get() },
        |data| view! { <Shell data><NewVersion/><UnreadPost/><DoneFlash/><Outlet/></Shell> },
    )
}

/// What the phone's bottom bar has no room for.
#[component]
pub fn MorePlacesPage() -> impl IntoView {
    // The frame has loaded it; to load it again in a boundary within the frame's hung the page now and then.
    let data: ShellData = expect_context();
    view! {
        <TabTitle text="More"/>
        <MorePage data/>
    }
    .into_any()
}

/// Whether the person may do this here: the table that the service asks, asked for what is shown.
#[must_use]
pub fn may(permission: Permission) -> bool {
    // A server function that writes a page has no frame around it, but it has opened the company.
    #[cfg(feature = "ssr")]
    if let Some(crate::server::RoleHere(role)) = use_context() {
        return role.can(permission);
    }
    use_context::<ShellData>().is_some_and(|data| data.role.can(permission))
}

/// A page for who may do this; the others read which role it needs.
pub fn only<V: IntoView + 'static>(permission: Permission, page: impl FnOnce() -> V) -> AnyView {
    if may(permission) {
        return page().into_any();
    }
    #[cfg(feature = "ssr")]
    crate::error::answer_with(403);
    view! { <ErrorPage error=AppError::forbidden(permission)/> }.into_any()
}

/// A page that could not be shown. Somebody who is not signed in is sent to the door.
#[component]
pub fn ErrorPage(
    /// Why.
    error: AppError,
) -> impl IntoView {
    #[cfg(feature = "ssr")]
    if error.status == 401 {
        let parts = use_context::<http::request::Parts>();
        let here = parts.and_then(|p| p.uri.path_and_query().map(ToString::to_string)).unwrap_or_default();
        let next = form_urlencoded::byte_serialize(here.as_bytes()).collect::<String>();
        leptos_axum::redirect(&format!("/login?next={next}"));
    }
    let title = match error.status {
        401 => "Sign in",
        403 => "Not for your role",
        404 => "Not found",
        409 => "Not possible now",
        426 => "A new version is ready",
        503 => "One moment",
        _ => "Something went wrong",
    };
    view! {
        <TabTitle text=title/>
        <div class="page-body narrow">
            <Empty kind=EmptyKind::Denied title=title text=error.message>
                {match error.status {
                    401 => view! { <a class="button primary" href="/login" rel="external">"Sign in"</a> },
                    // This address; the browser follows it past the router.
                    426 => view! { <a class="button primary" href="" rel="external">"Reload"</a> },
                    _ => view! { <a class="button" href="/" rel="external">"Home"</a> },
                }}
            </Empty>
        </div>
    }
    .into_any()
}

/// No such page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    let error = AppError {
        status: 404,
        message: "There is nothing at this address.".into(),
        problems: Vec::new(),
        existing: None,
    };
    view! { <main id="main"><ErrorPage error/></main> }
}

/// The server was replaced while the page was open. Nothing is reloaded under somebody's hands.
#[component]
fn NewVersion() -> impl IntoView {
    let outdated = use_outdated();
    move || {
        outdated.get().then(|| {
            view! {
                <Notice text="A new version is ready.">
                    <a class="undo" href="" rel="external">"Reload"</a>
                </Notice>
            }
        })
    }
}

/// Why the server has not looked at the last post, until another one is done or the page is left.
#[component]
fn UnreadPost() -> impl IntoView {
    let (unread, path) = (use_unread_post(), use_location().pathname);
    Effect::new(move |_| {
        path.track();
        unread.set(None);
    });
    move || unread.get().map(|error| view! { <Notice text=error.message tone=Tone::Coral/> })
}

/// What was just done, said once. The address only carries a code.
#[component]
fn DoneFlash() -> impl IntoView {
    let (query, open) = (use_query_map(), use_open_post());
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        if query.read().get("done").is_some() {
            crate::exchange::say_once("done");
        }
    });
    move || {
        if open.get() {
            return None;
        }
        let code = query.read().get("done")?;
        changed_text(&code).or_else(|| done_text(&code).map(str::to_owned)).map(|text| view! { <Flash text/> })
    }
}

/// The words for `leads-changed.3.5` and the like: three of five selected leads. The other numbers say how many leads of
/// a campaign stay as they are, and why.
fn changed_text(code: &str) -> Option<String> {
    let mut parts = code.split('.');
    let what = parts.next()?;
    let counts: Vec<i64> = parts.map(|count| count.parse().ok()).collect::<Option<_>>()?;
    let [changed, selected, left @ ..] = counts.as_slice() else { return None };
    let (changed, selected) = (*changed, *selected);
    let some = format!("{} of {}", grouped(changed), plural(selected, "lead", "leads"));
    let all = changed == selected;
    let done = match (what, all) {
        ("leads-changed", true) => return Some(format!("{} changed.", plural(changed, "lead was", "leads were"))),
        ("leads-changed", false) => {
            return Some(format!("{some} changed; the others were so already, or are not yours."));
        }
        ("leads-enrolled", false) => {
            return Some(format!("{some} added to the campaign; the others are in it already."));
        }
        ("leads-enrolled", true) => "added to the campaign",
        ("leads-paused", _) => "paused",
        ("leads-resumed", _) => "resumed",
        ("leads-skipped", _) => "moved past a step",
        ("leads-moved", _) => "moved to the step",
        ("leads-removed", _) => "removed from the campaign",
        _ => return None,
    };
    if all {
        return Some(format!("{} {done}.", plural(changed, "lead", "leads")));
    }
    const WHY: [&str; 5] = [
        "ended already",
        "with an e-mail being handed over right now",
        "at that step or past it already",
        "on a version without that step",
        "so already, or changed in the meantime",
    ];
    let left = left.iter().zip(WHY).filter(|(count, _)| **count > 0);
    let left: Vec<_> = left.map(|(count, why)| format!("{} {why}", grouped(*count))).collect();
    Some(format!("{some} {done}. Left as they were: {}.", left.join(", ")))
}

/// The words for a code of `done=`.
#[must_use]
pub fn done_text(code: &str) -> Option<&'static str> {
    Some(match code {
        "lead-created" => "Lead created.",
        "lead-saved" => "Lead saved.",
        "lead-deleted" => "Lead deleted.",
        "note-added" => "Note added.",
        "campaign-created" => "Draft created. Write the first e-mail.",
        "campaign-saved" => "Campaign saved.",
        "sequence-published" => "Published. New leads get this version.",
        "campaign-copied" => "Copied. This is the new draft.",
        "campaign-deleted" => "Draft deleted.",
        "archived" => "Archived. It stands under “Archived” in the list.",
        "unarchived" => "Back from the archive.",
        "started" => "Started. The first e-mails leave in its sending window.",
        "scheduled" => "Scheduled.",
        "unscheduled" => "Back to a draft.",
        "paused" => "Paused. E-mails already handed over will still arrive.",
        "resumed" => "Resumed.",
        "stopped" => "Stopped. What was not sent is cancelled.",
        "samples-asked" => "The samples are being written.",
        "test-sent" => "The test e-mail is on its way.",
        "mailbox-saved" => "Mailbox saved. Its connection is being tested.",
        "mailbox-resumed" => "Mailbox resumed. Its connection is being tested.",
        "pace-saved" => "Pace saved.",
        "limits-saved" => "Limits saved.",
        "mailbox-tested" => "The connection is being tested.",
        "mailbox-paused" => "Mailbox paused.",
        "mailbox-removed" => "Mailbox removed.",
        "domain-added" => "Domain added. Its records are being checked.",
        "domain-checked" => "The records are being checked.",
        "domain-signing" => "Saved. Publish the record below, then check again.",
        "domain-provider" => "Saved. The record of the provider is being checked.",
        "domain-unsigned" => "The key is forgotten. E-mails of this domain are not signed here.",
        "domain-removed" => "Domain removed.",
        "link-host-added" => "Host name added. Publish its records; it is being checked.",
        "link-host-checked" => "The host name is being checked.",
        "link-host-removed" => "Host name removed.",
        "model-added" => "Model added. It is being tested.",
        "model-saved" => "Model saved. It is being tested.",
        "model-tested" => "The model is being tested.",
        "model-moved" => "The model is asked earlier.",
        "model-enabled" => "Model enabled. It is being tested.",
        "model-disabled" => "Model disabled. It is not asked.",
        "model-removed" => "Model removed.",
        "connector-added" => "Connector added.",
        "connector-saved" => "Connector saved.",
        "connector-tested" => "The server is being asked for its tools.",
        "connector-paused" => "Connector paused. Agents don’t call it.",
        "connector-resumed" => "Connector resumed. Its tools are being looked at.",
        "connector-removed" => "Connector removed.",
        "connector-sign-in" => "The address to sign in at is being made.",
        "connector-answered" => "You are back. The rest of signing in happens now.",
        "tools-reviewed" => "Kept. Agents follow it from their next call.",
        "webhook-removed" => "Webhook removed.",
        "prompt-saved" => "New version of the prompt saved.",
        "terms-saved" => "Forbidden terms saved.",
        "company-saved" => "Company saved.",
        "suppressed" => "Added to the suppression list.",
        "unsuppressed" => "Taken off the suppression list.",
        "role-set" => "Role changed.",
        "member-removed" => "Member removed.",
        "invitation-revoked" => "Invitation taken back.",
        "key-revoked" => "The key is revoked.",
        "invited" => "Invitation sent.",
        "import-started" => "The import has started.",
        "agent-created" => "Agent created.",
        "agent-saved" => "New version saved.",
        "agent-restored" => "The version is the newest one now.",
        "agent-enabled" => "Agent enabled.",
        "agent-disabled" => "Agent disabled.",
        "agent-deleted" => "Agent deleted.",
        "trigger-saved" => "Trigger saved. Its runs have your rights.",
        "trigger-disabled" => "Trigger disabled.",
        "trigger-deleted" => "Trigger deleted.",
        "workflow-made" => "Workflow made. Add what it is to do, then turn it on.",
        "workflow-saved" => "Workflow saved. It acts with your rights.",
        "workflow-on" => "The workflow is on. It acts with your rights.",
        "workflow-off" => "The workflow is off.",
        "workflow-deleted" => "Workflow deleted.",
        "content-created" => "Text created.",
        "content-saved" => "New version saved.",
        "content-deleted" => "Text deleted.",
        "file-attached" => "File attached.",
        "file-removed" => "File removed.",
        "document-saved" => "Document saved.",
        "document-deleted" => "Document deleted.",
        "report-asked" => "The report appears here in a moment.",
        "task-created" => "Task added.",
        "inbox-saved" => "Saved. A worker connects now.",
        "inbox-compared" => "It is compared in a moment.",
        "inbox-removed" => "Replies to this mailbox are read no more.",
        "mail-answered" => "Answered. The page of the lead shows what came of it.",
        "answer-written" => "Your reply leaves in ten seconds. Take it back below if you think better of it.",
        "simulation-asked" => "It is being simulated. The result appears here by itself.",
        "mail-sent-again" => "It is handed over once more in the next sending window.",
        "mail-left-unknown" => "It stays unknown.",
        "answer-planned" => "Your reply leaves at the time that you chose. Take it back below until then.",
        "answer-asked" => "The agent writes. Its draft appears below your words by itself.",
        "answer-text-inserted" => "The text stands below your words. Only you see it until you send it.",
        "answer-kept" => "Your draft is kept. Only you see it.",
        "answer-discarded" => "Your draft is gone.",
        "answer-taken-back" => "Taken back. Your words are in the editor again.",
        "thread-reopened" => "The conversation needs an answer again.",
        "thread-assigned" => "Assigned.",
        "thread-classified" => "Class changed. It is kept as a correction.",
        "thread-unread" => "Marked unread.",
        "thread-meeting" => "Meeting booked. Nothing more is sent to them by itself.",
        "thread-unsubscribed" => "Unsubscribed. The address is on the suppression list.",
        "task-done" => "Task done.",
        "task-reopened" => "The task is open again.",
        "task-deleted" => "Task deleted.",
        "draft-dismissed" => "Draft dismissed.",
        "draft-used" => "Draft marked as used.",
        "draft-edited" => "Draft saved. It waits for approval.",
        "draft-rewritten" => "Another draft is being written.",
        "draft-undone" => "Taken back. The draft waits again.",
        "drafts-approved" => "Approved. They leave when they are due.",
        "agents-imported" => "Agents imported.",
        "run-started" => "Run started.",
        "evaluation-started" => "The evaluation is on its way. Its result appears in the list.",
        "run-cancelled" => "Cancelled. What the run has done stays.",
        "run-retried" => "The run begins again, from its first step.",
        "call-approved" => "Approved. The run goes on.",
        "call-denied" => "Denied. The agent is told and goes on without it.",
        "run-answered" => "Answered. The run goes on.",
        "said" => "Sent.",
        "conversation-deleted" => "Conversation deleted.",
        "memory-deleted" => "Forgotten.",
        "import-cancelled" => "Import cancelled. Nothing was imported.",
        _ => return None,
    })
}

/// The version of what a page shows: it grows when somebody changes something about `topic`, and with
/// each post of the page's own forms.
#[must_use]
pub fn live_version(topic: &str) -> Signal<u32> {
    let (live, posts) = (use_live(topic), use_posts());
    Signal::derive(move || live.get().wrapping_add(posts.get()))
}

/// The same for one thing of a kind.
#[must_use]
pub fn live_version_of(topic: &'static str, id: Memo<String>) -> Signal<u32> {
    let (live, posts) = (use_live_of(topic, id), use_posts());
    Signal::derive(move || live.get().wrapping_add(posts.get()))
}

/// The same for what several topics are about.
#[must_use]
pub fn live_versions<const N: usize>(topics: [&str; N]) -> Signal<u32> {
    let (topics, posts) = (topics.map(use_live), use_posts());
    Signal::derive(move || topics.iter().fold(posts.get(), |sum, topic| sum.wrapping_add(topic.get())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_to_leads_is_said_with_its_numbers() {
        for (code, words) in [
            ("leads-changed.1.1", Some("1 lead was changed.")),
            ("leads-changed.3.5", Some("3 of 5 leads changed; the others were so already, or are not yours.")),
            ("leads-enrolled.12.12", Some("12 leads added to the campaign.")),
            ("leads-enrolled.0.1", Some("0 of 1 lead added to the campaign; the others are in it already.")),
            ("leads-paused.2.2.0.0.0.0.0", Some("2 leads paused.")),
            (
                "leads-moved.3.1000.996.1.0.0.0",
                Some(
                    "3 of 1,000 leads moved to the step. Left as they were: 996 ended already, 1 with an e-mail being \
                     handed over right now.",
                ),
            ),
            (
                "leads-resumed.0.1.0.0.0.0.1",
                Some("0 of 1 lead resumed. Left as they were: 1 so already, or changed in the meantime."),
            ),
            ("lead-saved", None),
            ("leads-enrolled.many.12", None),
            ("leads-lost.1.1", None),
        ] {
            assert_eq!(changed_text(code).as_deref(), words, "{code}");
        }
    }
}
