//! Sandbox mail: what was caught instead of sent, to be read, and to be answered in the place of its recipient.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    exchange::use_posts,
    pages::{
        frame::{live_version, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, Card, Choice, Crumb, Empty, EmptyKind, Fact, Facts, FieldWidth, HeaderCell, Pager, Select,
        SubmitButton, TableRegion, TextArea, Time, refusal,
    },
};

/// A page of caught mails.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct MailList {
    rows: Vec<MailRow>,
    next: Option<String>,
    /// It is not the first page.
    later: bool,
}

#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
struct MailRow {
    id: String,
    subject: String,
    from: String,
    to: String,
    at: Moment,
}

/// A mail, taken apart.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct MailView {
    subject: String,
    headers: Vec<(String, String)>,
    text: String,
    links: Vec<String>,
    id: String,
    /// Who may be answered for.
    recipient: Option<String>,
}

/// Loads a page of the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_mails(slug: String, after: String) -> Result<Written, AppError> {
    let later = !after.is_empty();
    let request =
        domain::PageRequest { after: Some(after).filter(|a| !a.is_empty()), ..domain::PageRequest::default() };
    let mut t = crate::server::tenant(&slug).await?;
    let page = t.sandbox().list(&request).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let list = MailList {
        rows: page
            .items
            .into_iter()
            .map(|m| MailRow {
                id: m.id.to_string(),
                subject: m.subject.unwrap_or_else(|| "No subject".to_owned()),
                from: m.mail_from,
                to: m.recipients.join(", "),
                at: Moment::new(m.received_at, now, &zone),
            })
            .collect(),
        next: page.next,
        later,
    };
    Ok(Written::new("Sandbox mail", move || table(slug, list)))
}

/// Loads one mail.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_mail(slug: String, id: String) -> Result<Written, AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("mail")))?;
    let mut t = crate::server::tenant(&slug).await?;
    let raw = t.sandbox().raw(id).await?;
    let recipient = match t.sandbox().recipient(id).await {
        // Nobody reads answers to mails of the system.
        Err(service::Error::Conflict(_)) => None,
        recipient => Some(recipient?).filter(|_| t.actor().can(domain::Permission::EditCampaigns)),
    };
    t.commit().await?;
    let mail = service::sandbox::read(&raw);
    let (subject, text, id) = (mail.subject, mail.text, id.to_string());
    let view = MailView { subject, headers: mail.headers, text, links: mail.links, id, recipient };
    Ok(Written::new(view.subject.clone(), move || reader(slug, view)))
}

/// Answers a mail in the place of its recipient.
#[server(prefix = "/sf")]
pub async fn answer_mail(
    slug: String,
    id: String,
    how: String,
    #[server(default)] text: String,
) -> Result<(), AppError> {
    use service::Error;

    let id = id.parse().map_err(|_| Error::NotFound("mail"))?;
    let how: domain::inbound::AnswerAs =
        how.parse().map_err(|problem: domain::Problem| Error::from(problem.on("how")))?;
    let mut t = crate::server::tenant(&slug).await?;
    t.sandbox().answer(id, how, &text).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/sandbox/{id}"), "mail-answered");
    Ok(())
}

/// The list of caught mails.
#[component]
pub fn SandboxPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("sandbox"), move || {
        let after = query.read().get("after").unwrap_or_default();
        LoadMails { slug: slug.get(), after }
    })
}

#[cfg(feature = "ssr")]
fn table(slug: String, list: MailList) -> AnyView {
    let base = format!("/t/{slug}/sandbox");
    let first = list.later.then(|| format!("/t/{slug}/sandbox"));
    let next = list.next.map(|c| format!("{base}?after={c}"));
    let head = view! {
        <HeaderCell label="Subject" width="24rem"/>
        <HeaderCell label="To"/>
        <HeaderCell label="From"/>
        <HeaderCell label="Caught" width="8rem"/>
    }
    .into_any();
    let body = if list.rows.is_empty() {
        let text = "Mails of sandbox mailboxes are caught here instead of being sent.";
        view! { <Empty kind=EmptyKind::First title="No mail yet" text/> }.into_any()
    } else {
        let rows: Vec<_> = list
            .rows
            .into_iter()
            .map(|m| {
                view! {
                    <tr role="row">
                        <td role="cell" class="name"><a class="truncate" href=format!("{base}/{}", m.id)>{m.subject}</a></td>
                        <td role="cell" class="title">{m.to}</td>
                        <td role="cell">{m.from}</td>
                        <td role="cell" class="status-cell"><Time moment=m.at/></td>
                    </tr>
                }
                .into_any()
            })
            .collect();
        view! { <TableRegion label="Sandbox mail" head>{rows}</TableRegion> }.into_any()
    };
    view! { <Topbar title="Sandbox mail"/>{body}<Pager first next/> }.into_any()
}

/// One caught mail. Its text is shown as text; nothing in it is ever HTML of ours.
#[component]
pub fn SandboxMailPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("mail"));
    written(use_posts(), move || LoadMail { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn reader(slug: String, mail: MailView) -> AnyView {
    let headers: Vec<_> = mail.headers.into_iter().map(|(label, value)| view! { <Fact label>{value}</Fact> }).collect();
    let links: Vec<_> = mail
        .links
        .into_iter()
        .map(|href| {
            let words = href.clone();
            view! { <li class="as-written"><a href=href rel="noopener noreferrer external">{words}</a></li> }
        })
        .collect();
    let answer = mail.recipient.map(|recipient| answer_form(&slug, mail.id, &recipient));
    view! {
        <Topbar title=mail.subject.clone() trail=vec![Crumb::new("Sandbox mail", format!("/t/{slug}/sandbox"))]/>
        <PageScroll label="Mail">
            <div class="page-body split">
                <div class="col"><Card title=mail.subject><div class="mail-body">{mail.text}</div></Card>{answer}</div>
                <div class="col">
                    <Card title="Links"><ul class="stack">{links}</ul></Card>
                    <Card title="Headers"><Facts>{headers}</Facts></Card>
                </div>
            </div>
        </PageScroll>
    }
    .into_any()
}

/// What the recipient could do with the mail.
#[cfg(feature = "ssr")]
fn answer_form(slug: &str, id: String, recipient: &str) -> AnyView {
    use domain::inbound::AnswerAs;

    let answer = Post::to::<AnswerMail>();
    let ways: Vec<_> = AnswerAs::ALL.iter().map(|how| Choice::new(how.as_str(), how.label())).collect();
    let of = move |field| answer.of_field(field);
    let slug = slug.to_owned();
    view! {
        <Card title=format!("Reply as {recipient}")>
            {refusal(answer)}
            <PostForm post=answer class="stack">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <Select name="how" label="Answer" options=ways value=AnswerAs::Reply.as_str() width=FieldWidth::Medium error=of("how")/>
                <TextArea name="text" label="Text" hint="A server needs none. A date tells when somebody who is away comes back." rows=5 maxlength=10_000u32 error=of("text")/>
                <SubmitButton kind=ButtonKind::Default busy=answer.busy()>"Send reply"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any()
}
