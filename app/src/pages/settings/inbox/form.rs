//! The form of an inbox: the server of a mailbox and how to sign in there. The password is not sent back.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    ui::{Card, Choice, FieldWidth, InputKind, Select, SubmitButton, TextInput, refusal_of_fields},
};

/// What is entered about an inbox, as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct InboxForm {
    host: String,
    port: String,
    security: String,
    username: String,
    password: String,
}

#[cfg(feature = "ssr")]
impl From<InboxForm> for domain::inboxes::InboxInput {
    fn from(form: InboxForm) -> Self {
        let port = form.port.trim();
        Self {
            // A number that is none is outside of every bound, so the check says what to enter.
            port: (!port.is_empty()).then(|| port.parse().unwrap_or_default()),
            host: form.host,
            security: domain::mailboxes::Security::parse(&form.security),
            username: form.username,
            password: Some(form.password),
        }
    }
}

/// Sets where replies are read.
#[server(prefix = "/sf")]
pub async fn save_inbox(slug: String, id: String, form: InboxForm) -> Result<(), AppError> {
    let id = super::mailbox_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.inboxes().set(id, form.into()).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/mailboxes/{id}/replies"), "inbox-saved");
    Ok(())
}

/// The form, filled with what there is.
#[cfg(feature = "ssr")]
pub(super) fn section(slug: &str, mailbox: &str, address: &str, inbox: Option<&domain::inboxes::Inbox>) -> AnyView {
    let save = Post::to::<SaveInbox>();
    let of = move |field| save.of_field(field);
    let securities = vec![
        Choice::new("tls", "TLS, usually port 993"),
        Choice::new("start_tls", "STARTTLS, usually port 143"),
        Choice::new("none", "None, for this machine only"),
    ];
    let can_stay = inbox.is_some();
    let (title, hint) = match inbox {
        Some(_) => {
            ("Change the server", "Leave it empty to keep the one that is stored. Another server needs it again.")
        }
        None => ("Read replies", "Kept encrypted, never shown again."),
    };
    let (host, port, security, username) = match inbox {
        Some(inbox) => (inbox.host.clone(), inbox.port.to_string(), inbox.security.as_str(), inbox.username.clone()),
        None => (String::new(), "993".to_owned(), "tls", address.to_owned()),
    };
    let (slug, mailbox) = (slug.to_owned(), mailbox.to_owned());
    view! {
        {refusal_of_fields(save, "form")}
        <Card title>
            <PostForm post=save class="stack">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=mailbox/>
                <TextInput name="form[host]" label="IMAP server" hint="As in imap.example.com" value=host error=of("host")/>
                <TextInput name="form[port]" label="Port" kind=InputKind::Number value=port width=FieldWidth::Short error=of("port")/>
                <Select name="form[security]" label="Security" options=securities value=security width=FieldWidth::Medium error=of("security")/>
                <TextInput name="form[username]" label="User name" value=username autocomplete="off" error=of("username")/>
                <TextInput name="form[password]" label="Password" kind=InputKind::Password autocomplete="off" hint optional=can_stay error=of("password")/>
                <SubmitButton busy=save.busy()>"Save and connect"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any()
}
