//! The forms that connect and change a mailbox. A password goes in and is not sent back.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    ui::{Checkbox, Choice, FieldWidth, InputKind, Select, SubmitButton, TextInput},
};
#[cfg(feature = "ssr")]
use domain::mailboxes::Mailbox;

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
    /// The form is about the pace: a box that is not ticked says no.
    pace: Option<String>,
    ramp: Option<String>,
    /// The form is about the server: a box that is not ticked says no.
    server: Option<String>,
    own_return_paths: Option<String>,
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
            own_return_paths: None,
        })
        .await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/mailboxes"), "mailbox-saved");
    Ok(())
}

/// Changes a mailbox; what its form does not have stays.
#[server(prefix = "/sf")]
pub async fn save_mailbox(slug: String, id: String, form: MailboxForm) -> Result<(), AppError> {
    use domain::mailboxes::{MailboxInput, Security};

    let id = super::mailbox_id(&id)?;
    let some = |text: String| Some(text).filter(|t| !t.trim().is_empty());
    let is_pace = form.pace.is_some();
    let mut t = crate::server::tenant(&slug).await?;
    let input = MailboxInput {
        from_name: some(form.from_name),
        host: some(form.host),
        port: form.port,
        security: Security::parse(&form.security),
        username: some(form.username),
        password: some(form.password),
        daily_cap: form.daily_cap,
        ramp: is_pace.then_some(form.ramp.is_some()),
        gap_seconds: form.gap_seconds,
        gap_max_seconds: form.gap_max_seconds,
        own_return_paths: form.server.is_some().then_some(form.own_return_paths.is_some()),
        ..MailboxInput::default()
    };
    t.mailboxes().update(id, input, None).await?;
    t.commit().await?;
    let code = if is_pace { "pace-saved" } else { "mailbox-saved" };
    crate::server::done(&format!("/t/{slug}/settings/mailboxes/{id}"), code);
    Ok(())
}

/// The form that connects one.
#[cfg(feature = "ssr")]
pub(super) fn connect(slug: &str, connect: Post) -> AnyView {
    let of = move |field| connect.of_field(field);
    let kinds = vec![
        Choice::new("smtp", "Own mail server (SMTP)"),
        Choice::new("sandbox", "Sandbox: mails are caught here, nobody is mailed"),
    ];
    let slug = slug.to_owned();
    let server = view! {
        <TextInput name="form[host]" label="Host" hint="Not for the sandbox" optional=true error=of("host")/>
        <TextInput name="form[port]" label="Port" kind=InputKind::Number value="587" width=FieldWidth::Short error=of("port")/>
        <Select name="form[security]" label="Security" options=securities()/>
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

#[cfg(feature = "ssr")]
fn securities() -> Vec<Choice> {
    vec![
        Choice::new("start_tls", "STARTTLS, usually port 587"),
        Choice::new("tls", "TLS, usually port 465"),
        Choice::new("none", "None, for this machine only"),
    ]
}

/// How much it may send, and how fast.
#[cfg(feature = "ssr")]
pub(super) fn pace(slug: &str, m: &Mailbox, save: Post) -> AnyView {
    let of = move |field| save.of_field(field);
    let (slug, id, ramp) = (slug.to_owned(), m.id.to_string(), m.ramp);
    let [cap, least, most] = [m.daily_cap, m.gap_seconds, m.gap_max_seconds].map(|number| number.to_string());
    view! {
        <PostForm post=save class="stack">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="form[pace]" value="true"/>
            <TextInput name="form[daily_cap]" label="E-mails in 24 hours, at most" kind=InputKind::Number value=cap width=FieldWidth::Short error=of("daily_cap")/>
            <Checkbox name="form[ramp]" label="Begin with 20 a day and grow" checked=ramp hint="Two more each day since it was connected, up to the most."/>
            <TextInput name="form[gap_seconds]" label="Seconds between two e-mails, at least" kind=InputKind::Number value=least width=FieldWidth::Short error=of("gap_seconds")/>
            <TextInput name="form[gap_max_seconds]" label="Seconds between two e-mails, at most" kind=InputKind::Number value=most width=FieldWidth::Short hint="Each gap is drawn anew between the two." error=of("gap_max_seconds")/>
            <SubmitButton busy=save.busy()>"Save pace"</SubmitButton>
        </PostForm>
    }
    .into_any()
}

/// Who writes, and through which server.
#[cfg(feature = "ssr")]
pub(super) fn server(slug: &str, m: &Mailbox, save: Post) -> AnyView {
    let of = move |field| save.of_field(field);
    let (slug, id) = (slug.to_owned(), m.id.to_string());
    let (name, host, port) = (m.from_name.clone(), m.host.clone(), m.port.to_string());
    let (security, username) = (m.security.as_str(), m.username.clone().unwrap_or_default());
    let own_paths = m.own_return_paths;
    view! {
        <PostForm post=save class="stack">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="form[server]" value="true"/>
            <TextInput name="form[from_name]" label="Name that recipients read" value=name error=of("from_name")/>
            <TextInput name="form[host]" label="Host" value=host error=of("host")/>
            <TextInput name="form[port]" label="Port" kind=InputKind::Number value=port width=FieldWidth::Short error=of("port")/>
            <Select name="form[security]" label="Security" options=securities() value=security/>
            <TextInput name="form[username]" label="User name" value=username optional=true autocomplete="off"/>
            <TextInput name="form[password]" label="Password" kind=InputKind::Password optional=true autocomplete="off" hint="Empty keeps the one that is stored. Another server needs it again." error=of("password")/>
            <Checkbox name="form[own_return_paths]" label="A return path of its own for each e-mail" checked=own_paths hint="Reports of other servers then find their e-mail even if they quote nothing. The provider has to take addresses with a part after “+”: the test tells." error=of("own_return_paths")/>
            <SubmitButton busy=save.busy()>"Save and test"</SubmitButton>
        </PostForm>
    }
    .into_any()
}
