//! Where the replies to a mailbox are read, how that goes, and the form to change it. A password goes in and is
//! never shown.

mod form;
#[cfg(feature = "ssr")]
mod unreadable;

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use self::unreadable::UnreadableMails;
#[cfg(feature = "ssr")]
use super::page;
use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, only, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{
        ButtonKind, ButtonSize, Callout, Card, Fact, Facts, Glyph, Status, SubmitButton, Time, Tone, confirm, refusal,
    },
};

/// A mailbox and its inbox.
#[cfg(feature = "ssr")]
struct InboxView {
    mailbox: String,
    address: String,
    sandbox: bool,
    inbox: Option<domain::inboxes::Inbox>,
    /// When it was read to the end, and when it was compared.
    read: Option<Moment>,
    compared: Option<Moment>,
    /// When it is tried again.
    next: Moment,
    unreadable: UnreadableMails,
}

/// Loads the page; from `after` on the mails that could not be read.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_inbox(slug: String, id: String, after: String) -> Result<Written, AppError> {
    let id = mailbox_id(&id)?;
    let later = !after.is_empty();
    let asked = domain::PageRequest { after: Some(after).filter(|_| later), per: Some(20), before: None };
    let mut t = crate::server::tenant(&slug).await?;
    let mailbox = t.mailboxes().get(id).await?;
    let inbox = t.inboxes().find(id).await?;
    let unreadable = t.inbound().unreadable(id, &asked).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let moment = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| Moment::new(at, now, &zone));
    let view = InboxView {
        mailbox: id.to_string(),
        address: mailbox.address.to_string(),
        sandbox: mailbox.kind == domain::mailboxes::MailboxKind::Sandbox,
        read: moment(inbox.as_ref().and_then(|inbox| inbox.read_at)),
        compared: moment(inbox.as_ref().and_then(|inbox| inbox.compared_at)),
        next: Moment::new(inbox.as_ref().map_or(now, |inbox| inbox.next_read_at), now, &zone),
        unreadable: UnreadableMails::new(unreadable, later, |at| Moment::new(at, now, &zone)),
        inbox,
    };
    Ok(Written::new("Replies", move || show(&slug, view)))
}

/// Compares an inbox with what is stored, or reads it no more: `compare`, `remove`.
#[server(prefix = "/sf")]
pub async fn change_inbox(slug: String, id: String, what: String) -> Result<(), AppError> {
    let id = mailbox_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let code = match what.as_str() {
        "compare" => t.inboxes().compare(id).await.map(|()| "inbox-compared")?,
        "remove" => t.inboxes().remove(id).await.map(|()| "inbox-removed")?,
        _ => return Err(service::Error::NotFound("command").into()),
    };
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/mailboxes/{id}/replies"), code);
    Ok(())
}

#[cfg(feature = "ssr")]
fn mailbox_id(text: &str) -> Result<domain::MailboxId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("mailbox").into())
}

/// Where the replies to a mailbox are read.
#[component]
pub fn MailboxRepliesPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("mailbox"), use_query_map());
    let live = live_version_of("mailboxes", id);
    only(Permission::ManageMailboxes, move || {
        written(live, move || {
            let after = query.read().get("after").unwrap_or_default();
            LoadInbox { slug: slug.get(), id: id.get(), after }
        })
    })
}

#[cfg(feature = "ssr")]
fn show(slug: &str, view: InboxView) -> AnyView {
    let back = format!("/t/{slug}/settings/mailboxes");
    let body = if view.sandbox {
        let sandbox = format!("/t/{slug}/sandbox");
        view! {
            <Card title=format!("Replies to {}", view.address)>
                <p>"Mails of this mailbox are caught in the "<a href=sandbox>"sandbox"</a>". Open one there and answer it in the place of its recipient."</p>
            </Card>
        }
        .into_any()
    } else {
        let state = view.inbox.as_ref().map(|inbox| state(slug, &view, inbox));
        let form = form::section(slug, &view.mailbox, &view.address, view.inbox.as_ref());
        let unreadable = view.unreadable.section(&format!("{back}/{}/replies", view.mailbox));
        view! { {state}{unreadable}{form} }.into_any()
    };
    let body = view! { <p><a href=back>"All mailboxes"</a></p>{body} }.into_any();
    page(slug, "mailboxes", "Replies", body)
}

/// How reading goes.
#[cfg(feature = "ssr")]
fn state(slug: &str, view: &InboxView, inbox: &domain::inboxes::Inbox) -> AnyView {
    let change = Post::to::<ChangeInbox>();
    let (glyph, tone, word) = match (&inbox.error, &view.read) {
        (Some(_), _) => (Glyph::Octagon, Tone::Coral, "Not reading replies"),
        (None, Some(_)) => (Glyph::Done, Tone::Jade, "Reading replies"),
        (None, None) => (Glyph::Clock, Tone::Sky, "Connecting for the first time"),
    };
    let error = inbox.error.clone().map(|error| {
        let next = view.next.clone();
        view! {
            <Callout tone=Tone::Coral title="The last try did not work."><span class="as-written outside">{error}</span></Callout>
            <p class="subtle">"The next try: "<Time moment=next/></p>
        }
    });
    let gap = (inbox.missing > inbox.mended).then(|| {
        let words = format!(
            "Of {} mails that the server has and that are not here, {} have been read since. The rest is read next.",
            inbox.missing, inbox.mended
        );
        view! { <Callout tone=Tone::Amber title="Mails are missing.">{words}</Callout> }
    });
    let read = match view.read.clone() {
        Some(at) => view! { <Time moment=at/> }.into_any(),
        None => "Not yet".into_any(),
    };
    let compared = match (view.compared.clone(), inbox.missing) {
        (None, _) => "It is compared with the server next".into_any(),
        (Some(at), 0) => view! { <Time moment=at/>": every mail of the last seven days is here" }.into_any(),
        (Some(at), 1) => view! { <Time moment=at/>": one mail was missing and has been read" }.into_any(),
        (Some(at), n) => view! { <Time moment=at/>{format!(": {n} mails were missing and have been read")} }.into_any(),
    };
    let server = format!("{}, port {}", inbox.host, inbox.port);
    let compare = button(change, slug, &view.mailbox, ("compare", "Compare now"), ButtonKind::Default);
    let title = format!("Replies to {}", view.address);
    let what = "The server and the password are forgotten. Replies that are here stay.";
    let stop = button(change, slug, &view.mailbox, ("remove", "Stop reading replies"), ButtonKind::Danger);
    let remove = confirm("Stop reading", &view.address, what, stop);
    view! {
        {refusal(change)}
        <Card title>
            <p><Status glyph tone word/></p>
            {error}
            {gap}
            <Facts>
                <Fact label="Server">{server}</Fact>
                <Fact label="Read to the end">{read}</Fact>
                <Fact label="Compared">{compared}</Fact>
            </Facts>
            <p class="subtle">"Replies that the provider has taken for spam are read, too. What strangers send there is left alone."</p>
            <div class="cluster">{compare}{remove}</div>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn button(
    change: Post,
    slug: &str,
    mailbox: &str,
    (what, words): (&'static str, &'static str),
    kind: ButtonKind,
) -> AnyView {
    let (slug, mailbox) = (slug.to_owned(), mailbox.to_owned());
    view! {
        <PostForm post=change>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=mailbox/>
            <input type="hidden" name="what" value=what/>
            <SubmitButton kind size=ButtonSize::Small busy=change.busy()>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}
