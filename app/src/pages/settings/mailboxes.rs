//! Mailboxes: their state and their health in words, the limits for recipients, and the form that connects one.

mod detail;
mod form;
#[cfg(feature = "ssr")]
mod parts;

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::page;
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, only, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    ui::{ButtonKind, Card, FieldWidth, InputKind, SubmitButton, TextInput, refusal},
};
#[cfg(feature = "ssr")]
use domain::mailboxes::{Mailbox, MailboxState, RecipientLimits};

pub use detail::MailboxPage;

/// Loads the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_mailboxes(slug: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let mailboxes = t.mailboxes().list().await?;
    let limits = t.mailboxes().limits().await?;
    t.commit().await?;
    Ok(Written::new("Mailboxes", move || show(&slug, mailboxes, limits)))
}

/// Pauses, reconnects or removes a mailbox; `resume` is to reconnect one that paused by itself.
#[server(prefix = "/sf")]
pub async fn change_mailbox(slug: String, id: String, what: String) -> Result<(), AppError> {
    let id = mailbox_id(&id)?;
    let list = format!("/t/{slug}/settings/mailboxes");
    let mut t = crate::server::tenant(&slug).await?;
    let code = match what.as_str() {
        "pause" => t.mailboxes().pause(id).await.map(|_| "mailbox-paused")?,
        "remove" => t.mailboxes().delete(id).await.map(|()| "mailbox-removed")?,
        "resume" => t.mailboxes().reconnect(id, true).await.map(|_| "mailbox-resumed")?,
        "test" => t.mailboxes().request_test(id).await.map(|()| "mailbox-tested")?,
        _ => t.mailboxes().reconnect(id, false).await.map(|_| "mailbox-tested")?,
    };
    t.commit().await?;
    crate::server::done(&if what == "remove" { list } else { format!("{list}/{id}") }, code);
    Ok(())
}

/// Sets the limits for the recipients of a domain; an empty field is no limit.
#[server(prefix = "/sf")]
pub async fn save_limits(slug: String, per_hour: String, per_day: String) -> Result<(), AppError> {
    let per_hour = limit("per_hour", &per_hour)?;
    let per_day = limit("per_day", &per_day)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.mailboxes().set_limits(RecipientLimits { per_hour, per_day }).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/mailboxes"), "limits-saved");
    Ok(())
}

#[cfg(feature = "ssr")]
fn limit(field: &'static str, text: &str) -> Result<Option<i32>, AppError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let words = "Use 1 to 100,000, or nothing for no limit.";
    let problem = |_| service::Error::from(domain::Problem::field(field, "number_invalid", words));
    Ok(Some(text.parse().map_err(problem)?))
}

#[cfg(feature = "ssr")]
fn mailbox_id(text: &str) -> Result<domain::MailboxId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("mailbox").into())
}

/// The mailboxes.
#[component]
pub fn MailboxesPage() -> impl IntoView {
    let slug = use_slug();
    let live = live_version("mailboxes");
    only(Permission::ManageMailboxes, move || written(live, move || LoadMailboxes { slug: slug.get() }))
}

#[cfg(feature = "ssr")]
fn show(slug: &str, list: Vec<Mailbox>, limits: RecipientLimits) -> AnyView {
    let (connect, change) = (Post::to::<form::ConnectMailbox>(), Post::to::<ChangeMailbox>());
    let rows: Vec<_> = list.iter().map(|mailbox| row(slug, mailbox, change)).collect();
    let (form, limits) = (form::connect(slug, connect), limits_card(slug, limits));
    let body = view! {
        {refusal(connect)}
        {refusal(change)}
        {rows}
        {limits}
        <Card title="Connect a mailbox">{form}</Card>
    }
    .into_any();
    page(slug, "mailboxes", "Mailboxes", body)
}

#[cfg(feature = "ssr")]
fn row(slug: &str, m: &Mailbox, change: Post) -> AnyView {
    let title = format!("{} <{}>", m.from_name, m.address);
    let base = format!("/t/{slug}/settings/mailboxes/{}", m.id);
    let replies = format!("{base}/replies");
    // Pausing is one click wherever one looks; what asks first is on the page of the mailbox.
    let pause = (m.state != MailboxState::Paused)
        .then(|| parts::button(slug, m, change, ("pause", "Pause"), ButtonKind::Default));
    let (address, standing) = (m.address.to_string(), parts::standing(m));
    view! {
        <Card title>
            {standing}
            <div class="cluster">
                <a class="button small" href=base>"Open "<span class="sr-only">{address.clone()}</span></a>
                <a class="button small" href=replies>"Replies "<span class="sr-only">{address}</span></a>
                {pause}
            </div>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn limits_card(slug: &str, limits: RecipientLimits) -> AnyView {
    let save = Post::to::<SaveLimits>();
    let of = move |field| save.of_field(field);
    let shown = |limit: Option<i32>| limit.map(|most| most.to_string()).unwrap_or_default();
    let (slug, hour, day) = (slug.to_owned(), shown(limits.per_hour), shown(limits.per_day));
    view! {
        <Card title="Limits for recipients" note="over all mailboxes">
            {refusal(save)}
            <p class="subtle small-text">"The most e-mails to the recipients of one domain. Gmail, Outlook.com and Yahoo count as one each. What finds no room stands in line, and goes when there is."</p>
            <PostForm post=save class="stack">
                <input type="hidden" name="slug" value=slug/>
                <TextInput name="per_hour" label="To one domain in an hour" kind=InputKind::Number value=hour optional=true width=FieldWidth::Short hint="No limit when empty" error=of("per_hour")/>
                <TextInput name="per_day" label="To one domain in 24 hours" kind=InputKind::Number value=day optional=true width=FieldWidth::Short hint="No limit when empty" error=of("per_day")/>
                <SubmitButton busy=save.busy()>"Save limits"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any()
}
