//! Mailboxes: connecting one, its state in words, pausing it.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

use super::page;
use crate::{
    error::AppError,
    exchange::{Post, PostForm, with_data},
    fmt::grouped,
    pages::frame::{live_version, only, use_slug},
    ui::{
        ButtonKind, ButtonSize, Card, Choice, FieldWidth, Glyph, InputKind, Meter, Select, Status, SubmitButton,
        TextInput, Tone, confirm, refusal,
    },
};

/// A mailbox in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MailboxRow {
    id: String,
    address: String,
    server: String,
    state: String,
    tested: bool,
    error: Option<String>,
    sent: i64,
    cap: i64,
    gap: i32,
}

/// What the form sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailboxForm {
    kind: String,
    from_name: String,
    address: String,
    host: String,
    port: Option<i32>,
    security: String,
    username: String,
    password: String,
    daily_cap: Option<i32>,
    gap_seconds: Option<i32>,
}

/// Loads the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_mailboxes(slug: String) -> Result<Vec<MailboxRow>, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let mailboxes = t.mailboxes().list().await?;
    t.commit().await?;
    Ok(mailboxes
        .into_iter()
        .map(|m| MailboxRow {
            id: m.id.to_string(),
            address: format!("{} <{}>", m.from_name, m.address),
            server: match m.kind {
                domain::mailboxes::MailboxKind::Sandbox => "Sandbox: e-mails are caught, nobody is mailed".to_owned(),
                domain::mailboxes::MailboxKind::Smtp => format!("{}, port {}", m.host, m.port),
            },
            state: m.state.to_string(),
            tested: m.checked_at.is_some(),
            error: m.last_error,
            sent: m.sent_24h,
            cap: i64::from(m.daily_cap),
            gap: m.gap_seconds,
        })
        .collect())
}

/// Connects a mailbox.
#[server(prefix = "/sf")]
pub async fn connect_mailbox(slug: String, form: MailboxForm) -> Result<(), AppError> {
    use domain::mailboxes::{MailboxInput, MailboxKind, Security};

    let some = |text: String| Some(text).filter(|t| !t.trim().is_empty());
    let mut t = crate::server::tenant(&slug).await?;
    t.mailboxes()
        .create(MailboxInput {
            kind: MailboxKind::parse(&form.kind),
            from_name: some(form.from_name),
            address: some(form.address),
            host: some(form.host),
            port: form.port,
            security: Security::parse(&form.security),
            username: some(form.username),
            password: some(form.password),
            daily_cap: form.daily_cap,
            gap_seconds: form.gap_seconds,
        })
        .await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/mailboxes"), "mailbox-saved");
    Ok(())
}

/// Pauses, reconnects or removes a mailbox.
#[server(prefix = "/sf")]
pub async fn change_mailbox(slug: String, id: String, what: String) -> Result<(), AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("mailbox")))?;
    let mut t = crate::server::tenant(&slug).await?;
    let code = match what.as_str() {
        "pause" => t.mailboxes().pause(id).await.map(|_| "mailbox-paused")?,
        "remove" => t.mailboxes().delete(id).await.map(|()| "mailbox-removed")?,
        _ => t.mailboxes().reconnect(id).await.map(|_| "mailbox-tested")?,
    };
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/mailboxes"), code);
    Ok(())
}

/// The mailboxes.
#[component]
pub fn MailboxesPage() -> impl IntoView {
    let slug = use_slug();
    let (connect, change) = (Post::to::<ConnectMailbox>(), Post::to::<ChangeMailbox>());
    let live = live_version("mailboxes");
    only(Permission::ManageMailboxes, move || {
        with_data(
            live,
            move || LoadMailboxes { slug: slug.get() },
            move |list| show(slug.get_untracked(), list, connect, change),
        )
    })
}

fn show(slug: String, list: Vec<MailboxRow>, connect: Post, change: Post) -> AnyView {
    let rows: Vec<_> = list.into_iter().map(|m| row(&slug, m, change)).collect();
    let form = form(&slug, connect);
    let body = view! {
        {refusal(connect)}
        {refusal(change)}
        {rows}
        <Card title="Connect a mailbox">{form}</Card>
    }
    .into_any();
    page(&slug, "mailboxes", "Mailboxes", body)
}

fn row(slug: &str, m: MailboxRow, change: Post) -> AnyView {
    let (glyph, tone, word) = match m.state.as_str() {
        "connected" if !m.tested => (Glyph::Clock, Tone::Sky, "Being tested"),
        "connected" => (Glyph::Done, Tone::Jade, "Connected"),
        "paused" => (Glyph::Pause, Tone::Amber, "Paused"),
        _ => (Glyph::Octagon, Tone::Coral, "Reconnect"),
    };
    let buttons: Vec<_> = [("pause", "Pause"), ("reconnect", "Test and reconnect"), ("remove", "Remove mailbox")]
        .into_iter()
        .filter(|(what, _)| !(*what == "pause" && m.state == "paused"))
        .map(|(what, words)| {
            let (slug, id) = (slug.to_owned(), m.id.clone());
            let form = view! {
                <PostForm post=change>
                    <input type="hidden" name="slug" value=slug.clone()/>
                    <input type="hidden" name="id" value=id.clone()/>
                    <input type="hidden" name="what" value=what/>
                    <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small>{words}</SubmitButton>
                </PostForm>
            }
            .into_any();
            match what {
                "remove" => confirm(
                    "Remove",
                    &m.address,
                    "Its server and password are forgotten. One that has sent can only be paused.",
                    form,
                ),
                _ => form,
            }
        })
        .collect();
    let replies = format!("/t/{slug}/settings/mailboxes/{}/replies", m.id);
    let label = format!("E-mails of {} in 24 hours", m.address);
    let used = format!("{} of {} in 24 hours, at least {} s apart", grouped(m.sent), grouped(m.cap), m.gap);
    view! {
        <Card title=m.address>
            <p class="cluster"><Status glyph tone word/><span class="subtle">{m.server}</span></p>
            {m.error.map(|text| view! { <p class="error">{text}</p> })}
            <p class="subtle">{used}</p>
            <Meter value=m.sent max=m.cap label/>
            <div class="cluster"><a class="button small" href=replies>"Replies"</a>{buttons}</div>
        </Card>
    }
    .into_any()
}

fn form(slug: &str, connect: Post) -> AnyView {
    let of = move |field| connect.of_field(field);
    let kinds = vec![
        Choice::new("smtp", "Own mail server (SMTP)"),
        Choice::new("sandbox", "Sandbox: mails are caught here, nobody is mailed"),
    ];
    let securities = vec![
        Choice::new("start_tls", "STARTTLS, usually port 587"),
        Choice::new("tls", "TLS, usually port 465"),
        Choice::new("none", "None, for this machine only"),
    ];
    let slug = slug.to_owned();
    let server = view! {
        <TextInput name="form[host]" label="Host" hint="Not for the sandbox" optional=true error=of("host")/>
        <TextInput name="form[port]" label="Port" kind=InputKind::Number value="587" width=FieldWidth::Short error=of("port")/>
        <Select name="form[security]" label="Security" options=securities/>
        <TextInput name="form[username]" label="User name" optional=true autocomplete="off"/>
        <TextInput name="form[password]" label="Password" kind=InputKind::Password optional=true autocomplete="off" hint="Kept encrypted, never shown again."/>
    }
    .into_any();
    view! {
        <PostForm post=connect class="stack">
            <input type="hidden" name="slug" value=slug/>
            <Select name="form[kind]" label="Kind" options=kinds/>
            <TextInput name="form[from_name]" label="Name that recipients read" error=of("from_name")/>
            <TextInput name="form[address]" label="Address" kind=InputKind::Email error=of("address")/>
            {server}
            <TextInput name="form[daily_cap]" label="E-mails in 24 hours, at most" kind=InputKind::Number value="50" width=FieldWidth::Short error=of("daily_cap")/>
            <TextInput name="form[gap_seconds]" label="Seconds between two e-mails" kind=InputKind::Number value="90" width=FieldWidth::Short error=of("gap_seconds")/>
            <SubmitButton busy=connect.busy()>"Connect mailbox"</SubmitButton>
        </PostForm>
    }
    .into_any()
}
