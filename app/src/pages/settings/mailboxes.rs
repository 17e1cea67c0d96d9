//! Mailboxes: connecting one, its state and its health in words, pausing it.

mod form;

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
    fmt::{grouped, percent, plural},
    ui::{
        ButtonKind, ButtonSize, Callout, Card, Fact, Facts, Glyph, Meter, Status, SubmitButton, Tone, confirm, refusal,
    },
};
#[cfg(feature = "ssr")]
use domain::{
    campaigns::PausedBy,
    mailboxes::{Health, Mailbox, MailboxKind, MailboxState, Outlook},
};

/// Loads the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_mailboxes(slug: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let mailboxes = t.mailboxes().list().await?;
    t.commit().await?;
    Ok(Written::new("Mailboxes", move || show(&slug, mailboxes)))
}

/// Pauses, reconnects or removes a mailbox; `resume` is to reconnect one that paused by itself.
#[server(prefix = "/sf")]
pub async fn change_mailbox(slug: String, id: String, what: String) -> Result<(), AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("mailbox")))?;
    let mut t = crate::server::tenant(&slug).await?;
    let code = match what.as_str() {
        "pause" => t.mailboxes().pause(id).await.map(|_| "mailbox-paused")?,
        "remove" => t.mailboxes().delete(id).await.map(|()| "mailbox-removed")?,
        "resume" => t.mailboxes().reconnect(id, true).await.map(|_| "mailbox-resumed")?,
        _ => t.mailboxes().reconnect(id, false).await.map(|_| "mailbox-tested")?,
    };
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/mailboxes"), code);
    Ok(())
}

/// The mailboxes.
#[component]
pub fn MailboxesPage() -> impl IntoView {
    let slug = use_slug();
    let live = live_version("mailboxes");
    only(Permission::ManageMailboxes, move || written(live, move || LoadMailboxes { slug: slug.get() }))
}

#[cfg(feature = "ssr")]
fn show(slug: &str, list: Vec<Mailbox>) -> AnyView {
    let (connect, change) = (Post::to::<form::ConnectMailbox>(), Post::to::<ChangeMailbox>());
    let rows: Vec<_> = list.into_iter().map(|mailbox| row(slug, mailbox, change)).collect();
    let form = form::form(slug, connect);
    let body = view! {
        {refusal(connect)}
        {refusal(change)}
        {rows}
        <Card title="Connect a mailbox">{form}</Card>
    }
    .into_any();
    page(slug, "mailboxes", "Mailboxes", body)
}

#[cfg(feature = "ssr")]
fn row(slug: &str, m: Mailbox, change: Post) -> AnyView {
    let (glyph, tone, word) = match (m.state, m.paused_by) {
        (MailboxState::Connected, _) if m.checked_at.is_none() => (Glyph::Clock, Tone::Sky, "Being tested"),
        (MailboxState::Connected, _) => (Glyph::Done, Tone::Jade, "Connected"),
        (MailboxState::Paused, Some(PausedBy::System)) => (Glyph::Diamond, Tone::Coral, "Paused by itself"),
        (MailboxState::Paused, _) => (Glyph::Pause, Tone::Amber, "Paused"),
        (MailboxState::Reconnect, _) => (Glyph::Octagon, Tone::Coral, "Reconnect"),
    };
    let title = format!("{} <{}>", m.from_name, m.address);
    let server = match m.kind {
        MailboxKind::Sandbox => "Sandbox: e-mails are caught, nobody is mailed".to_owned(),
        MailboxKind::Smtp => format!("{}, port {}", m.host, m.port),
    };
    let reason = m.pause_reason.clone().map(|reason| {
        view! { <Callout tone=Tone::Coral title="It sends nothing until somebody has read this.">{reason}</Callout> }
    });
    let error = m.last_error.clone().map(|text| view! { <p class="error">{text}</p> });
    let replies = format!("/t/{slug}/settings/mailboxes/{}/replies", m.id);
    let label = format!("E-mails of {} in 24 hours", m.address);
    let (sent, cap) = (m.sent_24h, i64::from(m.cap_now));
    let (pace, health, buttons) = (pace(&m), health(&m.health), buttons(slug, &m, &title, change));
    view! {
        <Card title>
            <p class="cluster"><Status glyph tone word/><span class="subtle">{server}</span></p>
            {reason}
            {error}
            <Facts>
                <Fact label="Today">{pace}</Fact>
                <Fact label="Health">{health}</Fact>
            </Facts>
            <Meter value=sent max=cap label/>
            <div class="cluster"><a class="button small" href=replies>"Replies"</a>{buttons}</div>
        </Card>
    }
    .into_any()
}

/// How much it may send, and how fast.
#[cfg(feature = "ssr")]
fn pace(m: &Mailbox) -> String {
    let used = format!("{} of {} in 24 hours", grouped(m.sent_24h), grouped(i64::from(m.cap_now)));
    let grows = match m.cap_now < m.daily_cap {
        true => format!(", two more each day up to {}", grouped(i64::from(m.daily_cap))),
        false => String::new(),
    };
    let gap = match (m.gap_seconds, m.gap_max_seconds) {
        (0, 0) => ", no gap between two".to_owned(),
        (least, most) if least == most => format!(", {least} s apart"),
        (least, most) => format!(", {least} to {most} s apart"),
    };
    used + &grows + &gap
}

/// What came back, and what that means.
#[cfg(feature = "ssr")]
fn health(health: &Health) -> AnyView {
    let Health { sent, bounced, complained } = *health;
    if sent == 0 {
        return "Nothing has been sent that could have come back".into_any();
    }
    let words = format!(
        "{} in the last {} ({}), {}",
        plural(bounced, "bounce", "bounces"),
        plural(sent, "e-mail", "e-mails"),
        percent(bounced, sent),
        plural(complained, "complaint", "complaints")
    );
    let (glyph, tone, word, why) = match health.outlook() {
        Outlook::Good => (Glyph::Done, Tone::Jade, "Good", None),
        Outlook::Worrying(why) => (Glyph::Diamond, Tone::Amber, "Worrying", Some(why)),
        Outlook::Bad(_) => (Glyph::Octagon, Tone::Coral, "Bad", None),
    };
    let why = why.map(|why| view! { <br/>{why} });
    view! { <Status glyph tone word/>" "{words}{why} }.into_any()
}

#[cfg(feature = "ssr")]
fn buttons(slug: &str, m: &Mailbox, title: &str, change: Post) -> Vec<AnyView> {
    let by_system = m.paused_by == Some(PausedBy::System);
    let go_on = if by_system { ("resume", "Resume all the same") } else { ("reconnect", "Test and reconnect") };
    [("pause", "Pause"), go_on, ("remove", "Remove mailbox")]
        .into_iter()
        .filter(|(what, _)| !(*what == "pause" && m.state == MailboxState::Paused))
        .map(|(what, words)| {
            let (slug, id) = (slug.to_owned(), m.id.to_string());
            let form = view! {
                <PostForm post=change>
                    <input type="hidden" name="slug" value=slug/>
                    <input type="hidden" name="id" value=id/>
                    <input type="hidden" name="what" value=what/>
                    <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small>{words}</SubmitButton>
                </PostForm>
            }
            .into_any();
            let (ask, effect) = match what {
                "remove" => ("Remove", "Its server and password are forgotten. One that has sent can only be paused."),
                "resume" => (
                    "Resume",
                    "You have read why it paused. It sends again at once, and what came back so far does not count any more.",
                ),
                _ => return form,
            };
            confirm(ask, title, effect, form)
        })
        .collect()
}
