//! What the list and the page of one mailbox show of it: its state, its pace, its health, its buttons.

use domain::{
    campaigns::PausedBy,
    mailboxes::{Health, Mailbox, MailboxKind, MailboxState, Outlook},
};
use leptos::prelude::*;

use crate::{
    exchange::{Post, PostForm},
    fmt::{grouped, percent, plural},
    ui::{ButtonKind, ButtonSize, Callout, Fact, Facts, Glyph, Meter, Status, SubmitButton, Tone},
};

/// State, why it does not send, pace and health.
pub(super) fn standing(m: &Mailbox) -> AnyView {
    let (glyph, tone, word) = match (m.state, m.paused_by) {
        (MailboxState::Connected, _) if m.checked_at.is_none() => (Glyph::Clock, Tone::Sky, "Being tested"),
        (MailboxState::Connected, _) => (Glyph::Done, Tone::Jade, "Connected"),
        (MailboxState::Paused, Some(PausedBy::System)) => (Glyph::Diamond, Tone::Coral, "Paused by itself"),
        (MailboxState::Paused, _) => (Glyph::Pause, Tone::Amber, "Paused"),
        (MailboxState::Reconnect, _) => (Glyph::Octagon, Tone::Coral, "Reconnect"),
    };
    let server = match m.kind {
        MailboxKind::Sandbox => "Sandbox: e-mails are caught, nobody is mailed".to_owned(),
        MailboxKind::Smtp => format!("{}, port {}", m.host, m.port),
    };
    let reason = m.pause_reason.clone().map(|reason| {
        view! { <Callout tone=Tone::Coral title="It sends nothing until somebody has read this.">{reason}</Callout> }
    });
    let error = m.last_error.clone().map(|text| view! { <p class="error">{text}</p> });
    let label = format!("E-mails of {} in 24 hours", m.address);
    let (sent, cap) = (m.sent_24h, i64::from(m.cap_now));
    let (pace, health) = (pace(m), health(&m.health));
    view! {
        <p class="cluster"><Status glyph tone word/><span class="subtle">{server}</span></p>
        {reason}
        {error}
        <Facts>
            <Fact label="Today">{pace}</Fact>
            <Fact label="Health">{health}</Fact>
        </Facts>
        <Meter value=sent max=cap label/>
    }
    .into_any()
}

/// How much it may send, and how fast.
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
    view! { <Status glyph tone word/>" · "{words}{why} }.into_any()
}

/// A button that does one thing with the mailbox.
pub(super) fn button(
    slug: &str,
    m: &Mailbox,
    change: Post,
    (what, words): (&'static str, &'static str),
    kind: ButtonKind,
) -> AnyView {
    let (slug, id) = (slug.to_owned(), m.id.to_string());
    view! {
        <PostForm post=change>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="what" value=what/>
            <SubmitButton kind size=ButtonSize::Small busy=change.busy()>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}
