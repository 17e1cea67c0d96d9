//! Where the replies to a mailbox are read, how that goes, and the form to change it. A password goes in and is
//! never shown.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::page;
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, only, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{
        ButtonKind, ButtonSize, Card, Choice, FieldWidth, Glyph, InputKind, Select, Status, SubmitButton, TextInput,
        Tone, confirm, refusal_of_fields,
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
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_inbox(slug: String, id: String) -> Result<Written, AppError> {
    let id = mailbox_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let mailbox = t.mailboxes().get(id).await?;
    let inbox = t.inboxes().find(id).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let moment = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| Moment::new(at, now, &zone));
    let view = InboxView {
        mailbox: id.to_string(),
        address: mailbox.address.to_string(),
        sandbox: mailbox.kind == domain::mailboxes::MailboxKind::Sandbox,
        read: moment(inbox.as_ref().and_then(|inbox| inbox.read_at)),
        compared: moment(inbox.as_ref().and_then(|inbox| inbox.compared_at)),
        inbox,
    };
    Ok(Written::new("Replies", move || show(&slug, view)))
}

/// Sets where replies are read.
#[server(prefix = "/sf")]
pub async fn save_inbox(
    slug: String,
    id: String,
    form: std::collections::BTreeMap<String, String>,
) -> Result<(), AppError> {
    use domain::{inboxes::InboxInput, mailboxes::Security};

    let id = mailbox_id(&id)?;
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let port = text("port");
    let input = InboxInput {
        host: text("host"),
        // A number that is none is outside of every bound, so the check says what to enter.
        port: (!port.trim().is_empty()).then(|| port.trim().parse().unwrap_or_default()),
        security: Security::parse(&text("security")),
        username: text("username"),
        password: Some(text("password")),
    };
    let mut t = crate::server::tenant(&slug).await?;
    t.inboxes().set(id, input).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/mailboxes/{id}/replies"), "inbox-saved");
    Ok(())
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
pub fn InboxPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("mailbox"));
    let live = live_version("mailboxes");
    only(Permission::ManageMailboxes, move || written(live, move || LoadInbox { slug: slug.get(), id: id.get() }))
}

#[cfg(feature = "ssr")]
fn show(slug: &str, view: InboxView) -> AnyView {
    let back = format!("/t/{slug}/settings/mailboxes");
    let body = if view.sandbox {
        let words = "Mails of this mailbox are caught in the sandbox. Open one there and answer it in the place of its recipient.";
        view! { <Card title=format!("Replies to {}", view.address)><p>{words}</p></Card> }.into_any()
    } else {
        let state = view.inbox.is_some().then(|| state(slug, &view));
        view! { {state}{form(slug, view)} }.into_any()
    };
    let body = view! { <p><a href=back>"All mailboxes"</a></p>{body} }.into_any();
    page(slug, "mailboxes", "Replies", body)
}

/// How reading goes.
#[cfg(feature = "ssr")]
fn state(slug: &str, view: &InboxView) -> AnyView {
    let change = Post::to::<ChangeInbox>();
    let inbox = view.inbox.clone();
    let (error, missing) = inbox.map(|inbox| (inbox.error, inbox.missing)).unwrap_or_default();
    let (glyph, tone, word) = match (&error, &view.read) {
        (Some(_), _) => (Glyph::Octagon, Tone::Coral, "Not reading replies".to_owned()),
        (None, Some(at)) => (Glyph::Done, Tone::Jade, format!("Reading replies: {}", at.text)),
        (None, None) => (Glyph::Clock, Tone::Sky, "Connecting for the first time".to_owned()),
    };
    let compared = match (&view.compared, missing) {
        (None, _) => "It is compared with the server next.".to_owned(),
        (Some(at), 0) => format!("Compared {}: every mail of the last seven days is here.", at.text),
        (Some(at), 1) => format!("Compared {}: one mail was missing and was read then.", at.text),
        (Some(at), n) => format!("Compared {}: {n} mails were missing and were read then.", at.text),
    };
    let compare = button(change, slug, &view.mailbox, "compare", "Compare now");
    let title = format!("Replies to {}", view.address);
    let what = "The server and the password are forgotten. Replies that are here stay.";
    let remove = confirm(
        "Stop reading",
        &view.address,
        what,
        button(change, slug, &view.mailbox, "remove", "Stop reading replies"),
    );
    view! {
        {refusal_of_fields(change, "form")}
        <Card title>
            <p><Status glyph tone word/></p>
            {error.map(|text| view! { <p class="error">{text}</p> })}
            <p class="subtle">{compared}</p>
            <div class="cluster">{compare}{remove}</div>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn button(change: Post, slug: &str, mailbox: &str, what: &'static str, words: &'static str) -> AnyView {
    let (slug, mailbox) = (slug.to_owned(), mailbox.to_owned());
    view! {
        <PostForm post=change>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=mailbox/>
            <input type="hidden" name="what" value=what/>
            <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small busy=change.busy()>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn form(slug: &str, view: InboxView) -> AnyView {
    let save = Post::to::<SaveInbox>();
    let of = move |field| save.of_field(field);
    let securities = vec![
        Choice::new("tls", "TLS, usually port 993"),
        Choice::new("start_tls", "STARTTLS, usually port 143"),
        Choice::new("none", "None, for this machine only"),
    ];
    let title = if view.inbox.is_some() { "Change the server" } else { "Read replies" };
    let hint = match &view.inbox {
        Some(_) => "Leave it empty to keep the one that is stored. Another server needs it again.",
        None => "Kept encrypted, never shown again.",
    };
    let slug = slug.to_owned();
    let (host, port, security, username) = match view.inbox {
        Some(inbox) => (inbox.host, inbox.port.to_string(), inbox.security.as_str(), inbox.username),
        None => (String::new(), "993".to_owned(), "tls", view.address),
    };
    view! {
        <Card title>
            {refusal_of_fields(save, "form")}
            <PostForm post=save class="stack">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=view.mailbox/>
                <TextInput name="form[host]" label="IMAP server" hint="As in imap.example.com" value=host error=of("host")/>
                <TextInput name="form[port]" label="Port" kind=InputKind::Number value=port width=FieldWidth::Short error=of("port")/>
                <Select name="form[security]" label="Security" options=securities value=security width=FieldWidth::Medium error=of("security")/>
                <TextInput name="form[username]" label="User name" value=username autocomplete="off" error=of("username")/>
                <TextInput name="form[password]" label="Password" kind=InputKind::Password autocomplete="off" hint optional=true error=of("password")/>
                <SubmitButton busy=save.busy()>"Save and connect"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any()
}
