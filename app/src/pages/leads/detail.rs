//! One lead: who it is, what happened, what is noted, why it has its score.

use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::{
    drafts::{DraftRow, drafts_of_lead},
    looks::{STATUSES, lead_status, score_tone},
};
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
    pages::{
        campaigns::MailRow,
        tasks::{TaskRow, tasks_of_lead},
    },
    shell::{PageScroll, Topbar},
    ui::{
        Avatar, AvatarKind, ButtonKind, ButtonLink, Callout, Card, Choice, Crumb, Empty, EmptyKind, Fact, Facts,
        IconName, Score, Select, SubmitButton, Tag, TextArea, Time, Timeline, TimelineDay, Tone, confirm, refusal,
    },
};

/// A lead as its page shows it.
#[cfg(feature = "ssr")]
pub struct LeadView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) title: Option<String>,
    pub(super) account: Option<(String, String)>,
    pub(super) facts: Vec<(String, String)>,
    pub(super) status: String,
    pub(super) suppressed: bool,
    pub(super) owner: Option<String>,
    pub(super) owner_id: String,
    pub(super) people: Vec<(String, String)>,
    pub(super) score: i32,
    pub(super) reasons: Vec<Reason>,
    pub(super) tags: Vec<String>,
    pub(super) timeline: Vec<TimelineDay>,
    pub(super) campaigns: Vec<InCampaignRow>,
    pub(super) mails: Vec<MailRow>,
    pub(super) notes: Vec<(String, String, Moment)>,
    pub(super) tasks: Vec<TaskRow>,
    pub(super) drafts: Vec<DraftRow>,
    pub(super) may_edit: bool,
}

/// A campaign that the lead is or was in.
#[cfg(feature = "ssr")]
#[derive(Clone)]
pub struct InCampaignRow {
    /// Id and name.
    pub(super) campaign: (String, String),
    /// In words.
    pub(super) state: String,
    /// When something happens next.
    pub(super) next: Option<Moment>,
    /// Why nothing has happened yet.
    pub(super) why: Option<String>,
}

/// A line of “Why this score”.
#[cfg(feature = "ssr")]
#[derive(Clone)]
pub(super) struct Reason {
    pub(super) text: String,
    pub(super) points: i32,
}

/// Loads a lead.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_lead(slug: String, id: String) -> Result<Written, AppError> {
    let lead = super::load::lead(&slug, &id).await?;
    Ok(Written::new(lead.name.clone(), move || page(slug, lead)))
}

/// Writes a note.
#[server(prefix = "/sf")]
pub async fn add_note(slug: String, id: String, body: String) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    t.leads().add_note(super::load::lead_id(&id)?, &body).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/leads/{id}"), "note-added");
    Ok(())
}

/// Sets the status.
#[server(prefix = "/sf")]
pub async fn set_lead_status(slug: String, id: String, status: String) -> Result<(), AppError> {
    let status = status.parse().map_err(|p| AppError::from(service::Error::invalid(p)))?;
    let mut t = crate::server::tenant(&slug).await?;
    t.leads().set_status(super::load::lead_id(&id)?, status).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/leads/{id}"), "lead-saved");
    Ok(())
}

/// Gives the lead to somebody, or to nobody.
#[server(prefix = "/sf")]
pub async fn assign_lead(slug: String, id: String, #[server(default)] owner: String) -> Result<(), AppError> {
    let owner = Some(owner).filter(|o| !o.is_empty()).map(|o| o.parse()).transpose();
    let owner = owner.map_err(|_| AppError::from(service::Error::NotFound("person")))?;
    let mut t = crate::server::tenant(&slug).await?;
    t.leads().assign(super::load::lead_id(&id)?, owner).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/leads/{id}"), "lead-saved");
    Ok(())
}

/// Deletes the lead.
#[server(prefix = "/sf")]
pub async fn delete_lead(slug: String, id: String) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    t.leads().delete(super::load::lead_id(&id)?).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/leads"), "lead-deleted");
    Ok(())
}

/// One lead.
#[component]
pub fn LeadPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("lead"));
    written(live_version_of("leads", id), move || LoadLead { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn page(slug: String, mut lead: LeadView) -> AnyView {
    let note = Post::to::<AddNote>();
    let changes = (Post::to::<SetLeadStatus>(), Post::to::<AssignLead>());
    let (tasks, drafts) = (std::mem::take(&mut lead.tasks), std::mem::take(&mut lead.drafts));
    let edit = lead.may_edit;
    let drafts = (!drafts.is_empty()).then(|| drafts_of_lead(&slug, drafts, edit));
    let tasks = (edit || !tasks.is_empty()).then(|| tasks_of_lead(&slug, &lead.id, tasks, lead.people.clone(), edit));
    let base = format!("/t/{slug}/leads");
    let trail = vec![Crumb::new("Leads", base.clone())];
    let edit = format!("{base}/{}/edit", lead.id);
    let run = format!("/t/{slug}/agents?lead={}", lead.id);
    let at =
        lead.account.clone().map(|(id, name)| view! { " at " <a href=format!("/t/{slug}/accounts/{id}")>{name}</a> });
    let error = move || note.message();
    let notes: Vec<_> = lead
        .notes
        .iter()
        .cloned()
        .map(|(body, author, at)| {
            view! { <li><p class="as-written">{body}</p><p class="subtle">{author}" · "<Time moment=at/></p></li> }
        })
        .collect();
    let note_form = lead.may_edit.then(|| {
        let (slug, id) = (slug.clone(), lead.id.clone());
        view! {
            <Card title="Write a note">
                <PostForm post=note class="stack">
                    <input type="hidden" name="slug" value=slug.clone()/>
                    <input type="hidden" name="id" value=id.clone()/>
                    <TextArea name="body" label="Note" rows=3 error=Signal::derive(error)/>
                    <SubmitButton>"Add note"</SubmitButton>
                </PostForm>
            </Card>
        }
    });
    let campaigns = (!lead.campaigns.is_empty()).then(|| {
        let rows: Vec<_> = lead.campaigns.iter().cloned().map(|row| in_campaign(&slug, row)).collect();
        view! { <Card title="Campaigns"><ul class="stack">{rows}</ul></Card> }
    });
    let mails = (!lead.mails.is_empty()).then(|| {
        let rows = mails(&slug, &lead.mails);
        view! { <Card title="E-mails"><ul class="stack">{rows}</ul></Card> }
    });
    let timeline = if lead.timeline.is_empty() {
        view! { <Empty kind=EmptyKind::Done title="Nothing yet" text="The first e-mail or note appears here."/> }
            .into_any()
    } else {
        view! { <Timeline days=lead.timeline.clone()/> }.into_any()
    };
    view! {
        <Topbar headed=true title=lead.name.clone() trail>
            {lead.may_edit.then(|| view! {
                <ButtonLink href=run icon=IconName::Agent>"Run an agent"</ButtonLink>
                <ButtonLink href=edit icon=IconName::Edit>"Edit"</ButtonLink>
            })}
        </Topbar>
        <PageScroll label="Lead">
            <header class="page-head">
                <Avatar name=lead.name.clone() kind=AvatarKind::Large/>
                <div>
                    <h1>{lead.name.clone()}</h1>
                    <p class="meta"><span>{lead.title.clone()}{at}</span>{lead_status(&lead.status, lead.suppressed)}</p>
                </div>
            </header>
            <div class="page-body split">
                <div class="col">
                    {lead.suppressed.then(|| view! {
                        <Callout tone=Tone::Coral title="No e-mail can be sent.">"This address is on the suppression list."</Callout>
                    })}
                    {drafts}
                    {tasks}
                    {note_form}
                    {(!notes.is_empty()).then(|| view! { <Card title="Notes"><ul class="stack">{notes}</ul></Card> })}
                    {campaigns}
                    {mails}
                    <Card title="Timeline">{timeline}</Card>
                </div>
                <div class="col">{about(&lead)}{why(&lead)}{lead.may_edit.then(|| change(&slug, &lead, changes))}</div>
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn in_campaign(slug: &str, row: InCampaignRow) -> AnyView {
    let (campaign, name) = row.campaign;
    let next = row.next.map(|moment| view! { " · next "<Time moment/> });
    view! {
        <li>
            <div class="cluster">
                <a class="strong" href=format!("/t/{slug}/campaigns/{campaign}")>{name}</a>
                <span class="push">{row.state}{next}</span>
            </div>
            {row.why.map(|why| view! { <p class="subtle">{why}</p> })}
        </li>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn mails(slug: &str, mails: &[MailRow]) -> Vec<AnyView> {
    let row = |mail: &MailRow| {
        let (said, mail) = (mail.answer(), mail.clone());
        let (campaign, name) = mail.campaign;
        view! {
            <li>
                <div class="cluster">
                    <span class="strong">{mail.step}</span>
                    <span class="push">{mail.state}{mail.seen.map(|seen| format!(", {seen}"))}" · "<Time moment=mail.at/></span>
                </div>
                <p class="subtle">
                    <a href=format!("/t/{slug}/campaigns/{campaign}")>{name}</a>" · "{mail.server}" · "{mail.detail}
                </p>
                {said}
            </li>
        }
        .into_any()
    };
    mails.iter().map(row).collect()
}

#[cfg(feature = "ssr")]
fn about(lead: &LeadView) -> impl IntoView + use<> {
    let facts: Vec<_> = lead.facts.iter().cloned().map(|(label, value)| view! { <Fact label>{value}</Fact> }).collect();
    let tags: Vec<_> = lead.tags.iter().cloned().map(|text| view! { <Tag text/> }).collect();
    let email = lead.email.clone().unwrap_or_else(|| "–".to_owned());
    let owner = lead.owner.clone().unwrap_or_else(|| "Nobody".to_owned());
    view! {
        <Card title="About">
            <Facts>
                <Fact label="E-mail">{email}</Fact>
                <Fact label="Owner">{owner}</Fact>
                {facts}
                <Fact label="Tags">{tags}</Fact>
            </Facts>
        </Card>
    }
}

#[cfg(feature = "ssr")]
fn why(lead: &LeadView) -> impl IntoView + use<> {
    let reasons: Vec<_> =
        lead.reasons.iter().cloned().map(|r| view! { <Fact label=r.text>{format!("{:+}", r.points)}</Fact> }).collect();
    view! {
        <Card title="Why this score" action=view! { <Score value=Some(lead.score) tone=score_tone(lead.score)/> }.into_any()>
            <Facts>{reasons}</Facts>
        </Card>
    }
}

#[cfg(feature = "ssr")]
fn change(slug: &str, lead: &LeadView, (status, owner): (Post, Post)) -> impl IntoView + use<> {
    let statuses = STATUSES.map(|(value, label)| Choice::new(value, label)).to_vec();
    let people: Vec<_> = lead.people.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect();
    let delete = Post::to::<DeleteLead>();
    let hidden = {
        let (slug, id) = (slug.to_owned(), lead.id.clone());
        move || {
            view! {
                <input type="hidden" name="slug" value=slug.clone()/>
                <input type="hidden" name="id" value=id.clone()/>
            }
        }
    };
    let (of_status, of_owner, of_delete) = (hidden.clone(), hidden.clone(), hidden);
    let (now, owned) = (lead.status.clone(), lead.owner_id.clone());
    let removal = view! {
        <PostForm post=delete>
            {of_delete()}
            <SubmitButton kind=ButtonKind::Danger>"Delete lead"</SubmitButton>
        </PostForm>
    }
    .into_any();
    view! {
        <Card title="Change">
            {[status, owner, delete].map(refusal)}
            <PostForm post=status class="stack">
                {of_status()}
                <Select name="status" label="Status" options=statuses.clone() value=now.clone()/>
                <SubmitButton kind=ButtonKind::Default>"Set status"</SubmitButton>
            </PostForm>
            <PostForm post=owner class="stack">
                {of_owner()}
                <Select name="owner" label="Owner" options=people.clone() value=owned.clone() placeholder="Nobody"/>
                <SubmitButton kind=ButtonKind::Default>"Assign"</SubmitButton>
            </PostForm>
            {confirm("Delete this lead", "", "The lead leaves its campaigns and its notes are lost. This cannot be undone.", removal)}
        </Card>
    }
}
