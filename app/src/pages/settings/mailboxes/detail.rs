//! One mailbox: whether it sends and why not, the test of its connections step by step, its pace and its server to
//! change, and the campaigns that send from it.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::{ChangeMailbox, form, mailbox_id, parts};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, only, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::Post,
    fmt::Moment,
    pages::settings::page,
    ui::{ButtonKind, Card, Glyph, Status, Time, Tone, confirm, refusal},
};
#[cfg(feature = "ssr")]
use domain::{
    campaigns::{CampaignState, PausedBy},
    domains::Standing,
    mailboxes::{Mailbox, MailboxKind, MailboxState, Protocol, TestStep},
};
#[cfg(feature = "ssr")]
use service::mailboxes::UsedBy;

/// What the page shows.
#[cfg(feature = "ssr")]
struct Shown {
    mailbox: Mailbox,
    tested: Option<Moment>,
    used_by: Vec<UsedBy>,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_mailbox(slug: String, id: String) -> Result<Written, AppError> {
    let id = mailbox_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let mailbox = t.mailboxes().get(id).await?;
    let used_by = t.mailboxes().used_by(id).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let tested = mailbox.test.as_ref().map(|test| Moment::new(test.at, now, &zone));
    let shown = Shown { mailbox, tested, used_by };
    let title = shown.mailbox.address.to_string();
    Ok(Written::new(title, move || show(&slug, shown)))
}

/// One mailbox.
#[component]
pub fn MailboxPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("mailbox"));
    let live = live_version_of("mailboxes", id);
    only(Permission::ManageMailboxes, move || written(live, move || LoadMailbox { slug: slug.get(), id: id.get() }))
}

#[cfg(feature = "ssr")]
fn show(slug: &str, shown: Shown) -> AnyView {
    let (change, save) = (Post::to::<ChangeMailbox>(), Post::to::<form::SaveMailbox>());
    let m = &shown.mailbox;
    let back = format!("/t/{slug}/settings/mailboxes");
    let title = format!("{} <{}>", m.from_name, m.address);
    let server = (m.kind == MailboxKind::Smtp).then(|| form::server(slug, m, save));
    let server = server.map(|form| view! { <Card title="Name and server">{form}</Card> });
    let (standing, buttons) = (parts::standing(m), buttons(slug, &shown, change));
    let (test, pace, campaigns) = (test(&shown), form::pace(slug, m, save), campaigns(slug, &shown.used_by));
    let body = view! {
        <p><a href=back>"All mailboxes"</a></p>
        {refusal(change)}
        {refusal(save)}
        <Card title>
            {standing}
            <div class="cluster">{buttons}</div>
        </Card>
        {test}
        <Card title="Pace">{pace}</Card>
        {server}
        {campaigns}
    }
    .into_any();
    page(slug, "mailboxes", "Mailboxes", body)
}

#[cfg(feature = "ssr")]
fn buttons(slug: &str, shown: &Shown, change: Post) -> AnyView {
    let m = &shown.mailbox;
    let address = m.address.to_string();
    let button = |what, kind| parts::button(slug, m, change, what, kind);
    let first = match (m.state, m.paused_by) {
        (MailboxState::Paused, Some(PausedBy::System)) => confirm(
            "Resume",
            &address,
            "You have read why it paused. It sends again at once, and what came back so far does not count any more.",
            button(("resume", "Resume all the same"), ButtonKind::Default),
        ),
        (MailboxState::Connected, _) => button(("test", "Test connection"), ButtonKind::Default),
        _ => button(("reconnect", "Test and reconnect"), ButtonKind::Default),
    };
    let pause = (m.state != MailboxState::Paused).then(|| button(("pause", "Pause"), ButtonKind::Default));
    let running =
        shown.used_by.iter().filter(|used| used.state == CampaignState::Running).map(|used| used.name.as_str());
    let running: Vec<_> = running.collect();
    let effect = match running.as_slice() {
        [] => "Its server and password are forgotten. One that has sent can only be paused.".to_owned(),
        names => format!(
            "Its server and password are forgotten, and these running campaigns lose it: {}. One that has sent can only \
             be paused.",
            names.join(", ")
        ),
    };
    let remove = confirm("Remove", &address, effect, button(("remove", "Remove mailbox"), ButtonKind::Danger));
    let replies = format!("/t/{slug}/settings/mailboxes/{}/replies", m.id);
    view! { {first}{pause}<a class="button small" href=replies>"Replies"</a>{remove} }.into_any()
}

/// The last test, step by step.
#[cfg(feature = "ssr")]
fn test(shown: &Shown) -> AnyView {
    let steps = shown.mailbox.test.as_ref().map(|test| test.steps.as_slice()).unwrap_or_default();
    let part = |protocol: Protocol, words: &'static str| {
        let steps: Vec<_> = steps.iter().filter(|step| step.protocol == protocol).map(step).collect();
        (!steps.is_empty()).then(|| view! { <h3>{words}</h3><ol class="test-steps">{steps}</ol> })
    };
    let action = shown.tested.clone().map(|at| view! { <Time moment=at/> }.into_any());
    let none = steps.is_empty().then(|| view! { <p>"It is being tested. This takes up to a minute."</p> });
    let (out, back) = (part(Protocol::Smtp, "To send (SMTP)"), part(Protocol::Imap, "To read replies (IMAP)"));
    view! {
        <Card title="Connection test" action=action.unwrap_or_else(|| ().into_any())>
            {none}
            {out}
            {back}
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn step(step: &TestStep) -> AnyView {
    let (glyph, tone, word) = match step.standing {
        Standing::Pass => (Glyph::Done, Tone::Jade, "good"),
        Standing::Warn => (Glyph::Diamond, Tone::Amber, "could be better"),
        Standing::Fail => (Glyph::Octagon, Tone::Coral, "failed"),
    };
    let word = format!("{}: {word}", step.step.label());
    view! { <li><Status glyph tone word/><span>{step.message.clone()}</span></li> }.into_any()
}

#[cfg(feature = "ssr")]
fn campaigns(slug: &str, used_by: &[UsedBy]) -> AnyView {
    let rows: Vec<_> = used_by
        .iter()
        .map(|used| {
            let href = format!("/t/{slug}/campaigns/{}", used.campaign);
            let note = match used.only_this {
                true => format!("{}, sends from this mailbox only", used.state.label().to_lowercase()),
                false => used.state.label().to_lowercase(),
            };
            view! { <li><a href=href>{used.name.clone()}</a>" "<span class="subtle">{note}</span></li> }
        })
        .collect();
    let list = match rows.is_empty() {
        true => view! { <p>"No campaign sends from it. Choose it in the settings of one."</p> }.into_any(),
        false => view! { <ul class="stack">{rows}</ul> }.into_any(),
    };
    view! { <Card title="Campaigns">{list}</Card> }.into_any()
}
