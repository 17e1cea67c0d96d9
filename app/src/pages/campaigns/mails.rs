//! The e-mails of a campaign: due when, handed over to which server, or why not.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use domain::{
    messages::{Message, MessageInFull, MessageState, meaning},
    words::sentence,
};

#[cfg(feature = "ssr")]
use super::looks::{Head, head};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{
        ButtonKind, ButtonSize, Choice, ColumnKind, Empty, EmptyKind, FilterBar, HeaderCell, Pager, Select,
        SubmitButton, TableRegion, Time, confirm, refusal,
    },
};

/// A page of the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct MailList {
    pub(super) head: Head,
    pub(super) next: Option<String>,
    /// It is not the first page.
    pub(super) later: bool,
    pub(super) state: String,
    pub(super) states: Vec<(String, String)>,
    pub(super) rows: Vec<MailRow>,
    /// The campaign asks about unknown e-mails, and who looks may answer.
    pub(super) may_decide: bool,
}

/// An e-mail of a campaign or of a lead.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct MailRow {
    id: String,
    /// It is unknown, and nothing is decided about it.
    is_open_question: bool,
    /// Id of the lead and its name; no id once it was deleted.
    pub lead: (Option<String>, String),
    /// Id and name.
    pub campaign: (String, String),
    /// The step, and its subject once it was written.
    pub step: String,
    /// In words.
    pub state: String,
    /// When it was sent, or is due.
    pub at: Moment,
    /// Server and queue id.
    pub server: String,
    /// What the server said last, in words of ours, or why it was not sent.
    pub detail: String,
    /// The words of the server, where ours stand for them.
    pub said: Option<String>,
    /// What the recipient has done with it, where that is tracked.
    pub seen: Option<String>,
}

#[cfg(feature = "ssr")]
impl MailRow {
    /// What is known about a message, seen from `now` in `zone`.
    pub fn new(m: MessageInFull, now: chrono::DateTime<chrono::Utc>, zone: &str) -> Self {
        let MessageInFull { message: m, why_not_yet: why } = m;
        let (step, seen, last, said) = (format!("Step {}", m.position), seen(&m), last_words(&m), said(&m));
        let is_open_question = m.is_open_question();
        let next_at = why.as_ref().and_then(|why| why.next_at);
        Self {
            id: m.id.to_string(),
            is_open_question,
            lead: (m.lead_id.map(|id| id.to_string()), m.lead_name.unwrap_or_else(|| "Deleted lead".to_owned())),
            campaign: (m.campaign_id.to_string(), m.campaign_name),
            step: m.subject.map_or(step.clone(), |subject| format!("{step}: {subject}")),
            state: m.state.label().to_owned(),
            at: Moment::new(next_at.or(m.sent_at).or(m.sending_at).unwrap_or(m.due_at), now, zone),
            server: match (m.server, m.queue_id) {
                (Some(server), Some(queue)) => format!("{server}, {queue}"),
                (Some(server), None) => server,
                _ => "–".to_owned(),
            },
            detail: why.map_or(last, |why| why.words),
            said,
            seen,
        }
    }

    /// The words of the server, behind a button.
    pub fn answer(&self) -> Option<AnyView> {
        let said = self.said.clone()?;
        let answer = view! {
            <details class="record"><summary>"Answer of the server"</summary><p class="as-written outside">{said}</p></details>
        };
        Some(answer.into_any())
    }
}

/// What the server said, if its words have a meaning that is shown in their place.
#[cfg(feature = "ssr")]
fn said(m: &Message) -> Option<String> {
    m.detail.clone().filter(|said| meaning(said).is_some())
}

/// What the server said, and what has been found out since.
#[cfg(feature = "ssr")]
fn last_words(m: &Message) -> String {
    let said = m.detail.as_deref().map_or("–", |said| meaning(said).unwrap_or(said));
    let resent = if m.resent_at.is_some() { " It was handed over once more." } else { "" };
    // What the server said is a part of a sentence; more sentences follow it here.
    let whole = || format!("{}.", sentence(said.trim_end_matches('.')));
    match (m.state, m.evidence) {
        (MessageState::Unknown, _) if m.final_at.is_some() => {
            format!("{}{resent} No evidence was found, so it stays unknown.", whole())
        }
        (MessageState::Unknown, _) => format!("{}{resent} Evidence is looked for.", whole()),
        (_, Some(evidence)) => format!("It was taken: {}.{resent}", evidence.label()),
        (_, None) => format!("{said}{resent}"),
    }
}

/// What is known of the recipient of an e-mail by its picture and its links.
#[cfg(feature = "ssr")]
fn seen(m: &Message) -> Option<String> {
    match (m.opened_at, m.clicked_at, &m.machine) {
        (_, Some(_), _) => Some("clicked".to_owned()),
        (Some(_), None, _) => Some("opened".to_owned()),
        (None, None, Some(reason)) => Some(format!("machine: {reason}")),
        _ => None,
    }
}

/// Loads a page of the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_campaign_mails(slug: String, id: String, state: String, after: String) -> Result<Written, AppError> {
    let list = super::load::mails(&slug, &id, &state, &after).await?;
    Ok(Written::new(list.head.name.clone(), move || table(slug, list)))
}

/// Decides about an unknown e-mail: it is handed over once more, or left as it is.
#[server(prefix = "/sf")]
pub async fn decide_unknown(slug: String, campaign: String, id: String, again: bool) -> Result<(), AppError> {
    let there = format!("/t/{slug}/campaigns/{campaign}/mails?state=unknown");
    let campaign = super::load::campaign_id(&campaign)?;
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("e-mail")))?;
    let mut t = crate::server::tenant(&slug).await?;
    let done = if again {
        t.messages().send_unknown_again(campaign, id).await?;
        "mail-sent-again"
    } else {
        t.messages().leave_unknown(campaign, id).await?;
        "mail-left-unknown"
    };
    t.commit().await?;
    crate::server::done(&there, done);
    Ok(())
}

/// The e-mails of a campaign.
#[component]
pub fn CampaignMailsPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("campaign"), use_query_map());
    written(live_version_of("campaigns", id), move || {
        let get = |name: &str| query.read().get(name).unwrap_or_default();
        LoadCampaignMails { slug: slug.get(), id: id.get(), state: get("state"), after: get("after") }
    })
}

#[cfg(feature = "ssr")]
fn table(slug: String, list: MailList) -> AnyView {
    let decide = Post::to::<DecideUnknown>();
    let (campaign, base) = (list.head.id.clone(), format!("/t/{slug}/campaigns/{}/mails", list.head.id));
    let asked = list.rows.iter().filter(|row| list.may_decide && row.is_open_question);
    let asked: Vec<_> = asked.map(|mail| question(&slug, &campaign, mail, decide)).collect();
    let questions = (!asked.is_empty()).then(|| {
        view! {
            <section class="questions">
                <h2>"Nobody knows whether these were taken"</h2>
                <ul>{asked}</ul>
            </section>
        }
    });
    let first = list.later.then(|| format!("{base}?state={}", list.state));
    let next = list.next.map(|c| format!("{base}?state={}&after={c}", list.state));
    let options = list.states.into_iter().map(|(value, label)| Choice::new(value, label)).collect::<Vec<_>>();
    let table_head = view! {
        <HeaderCell label="Lead" width="12rem"/>
        <HeaderCell label="E-mail" width="16rem"/>
        <HeaderCell label="State" width="8rem"/>
        <HeaderCell label="When" kind=ColumnKind::Number width="7rem"/>
        <HeaderCell label="Server and queue id" width="14rem"/>
        <HeaderCell label="What came of it" width="18rem"/>
    }
    .into_any();
    let body = if list.rows.is_empty() {
        let text = match list.state.as_str() {
            "" => "E-mails are planned when the campaign starts.",
            _ => "No e-mail is in this state.",
        };
        view! { <Empty kind=EmptyKind::None title="No e-mails here" text/> }.into_any()
    } else {
        let rows: Vec<_> = list.rows.into_iter().map(|mail| row(&slug, mail)).collect();
        view! { <TableRegion label="E-mails of this campaign" head=table_head>{rows}</TableRegion> }.into_any()
    };
    view! {
        {head(&slug, &list.head, "mails", ().into_any())}
        {refusal(decide)}
        <FilterBar chips=ToChildren::to_children(|| ())>
            <form method="get" class="cluster">
                <Select name="state" label="State" options value=list.state placeholder="Any"/>
                <SubmitButton kind=ButtonKind::Default>"Show"</SubmitButton>
            </form>
        </FilterBar>
        {questions}
        {body}
        <Pager first next/>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn row(slug: &str, mail: MailRow) -> AnyView {
    let said = mail.answer();
    // What a person has done belongs to the state; what a program did is a remark.
    let (state, remark) = match mail.seen {
        Some(seen) if seen.starts_with("machine") => (mail.state, Some(seen)),
        Some(seen) => (format!("{}, {seen}", mail.state), None),
        None => (mail.state, None),
    };
    let remark = remark.map(|words| view! { <span class="subtle">{words}" · "</span> });
    let lead = match mail.lead {
        (Some(id), name) => view! { <a class="truncate" href=format!("/t/{slug}/leads/{id}")>{name}</a> }.into_any(),
        (None, name) => view! { <span class="subtle">{name}</span> }.into_any(),
    };
    view! {
        <tr role="row">
            <td role="cell" class="name">{lead}</td>
            <td role="cell" class="title">{mail.step}</td>
            <td role="cell" class="status-cell">{state}</td>
            <td role="cell" class="num"><Time moment=mail.at/></td>
            <td role="cell">{mail.server}</td>
            <td role="cell" class="wraps shown">{remark}{mail.detail}{said}</td>
        </tr>
    }
    .into_any()
}

/// An unknown e-mail, and what a person may do about it.
#[cfg(feature = "ssr")]
fn question(slug: &str, campaign: &str, mail: &MailRow, decide: Post) -> AnyView {
    let form = |again: &'static str, button: AnyView| {
        let (slug, campaign, id) = (slug.to_owned(), campaign.to_owned(), mail.id.clone());
        view! {
            <PostForm post=decide>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="campaign" value=campaign/>
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="again" value=again/>
                {button}
            </PostForm>
        }
        .into_any()
    };
    let again = view! { <SubmitButton kind=ButtonKind::Danger>"Send it once more"</SubmitButton> }.into_any();
    let leave =
        view! { <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small>"Leave it unknown"</SubmitButton> }
            .into_any();
    let effect = "The same e-mail is handed over a second time. If the first one was taken, the lead may see it twice.";
    let (name, step, detail, sent) = (mail.lead.1.clone(), mail.step.clone(), mail.detail.clone(), mail.at.clone());
    view! {
        <li>
            <p><strong>{name}</strong>" · "{step}" · "<Time moment=sent/><br/><span class="subtle">{detail}</span></p>
            {confirm("Send again", &mail.lead.1, effect, form("true", again))}
            {form("false", leave)}
        </li>
    }
    .into_any()
}
