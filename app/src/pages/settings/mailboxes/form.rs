//! The form that connects a mailbox. A password goes in and is not sent back.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    ui::{Checkbox, Choice, FieldWidth, InputKind, Select, SubmitButton, TextInput},
};

/// What the form sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
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
    full: Option<String>,
    gap_seconds: Option<i32>,
    gap_max_seconds: Option<i32>,
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
            ramp: form.full.is_some().then_some(false),
            gap_seconds: form.gap_seconds,
            gap_max_seconds: form.gap_max_seconds,
        })
        .await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/mailboxes"), "mailbox-saved");
    Ok(())
}

/// The form.
#[cfg(feature = "ssr")]
pub(super) fn form(slug: &str, connect: Post) -> AnyView {
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
    let pace = view! {
        <TextInput name="form[daily_cap]" label="E-mails in 24 hours, at most" kind=InputKind::Number value="50" width=FieldWidth::Short error=of("daily_cap")/>
        <Checkbox name="form[full]" label="This address has sent as much before" hint="Otherwise it begins with 20 e-mails a day, and may send two more each day."/>
        <TextInput name="form[gap_seconds]" label="Seconds between two e-mails, at least" kind=InputKind::Number value="60" width=FieldWidth::Short error=of("gap_seconds")/>
        <TextInput name="form[gap_max_seconds]" label="Seconds between two e-mails, at most" kind=InputKind::Number value="300" width=FieldWidth::Short hint="Each gap is drawn anew between the two." error=of("gap_max_seconds")/>
    }
    .into_any();
    view! {
        <PostForm post=connect class="stack">
            <input type="hidden" name="slug" value=slug/>
            <Select name="form[kind]" label="Kind" options=kinds/>
            <TextInput name="form[from_name]" label="Name that recipients read" error=of("from_name")/>
            <TextInput name="form[address]" label="Address" kind=InputKind::Email error=of("address")/>
            {server}
            {pace}
            <SubmitButton busy=connect.busy()>"Connect mailbox"</SubmitButton>
        </PostForm>
    }
    .into_any()
}
