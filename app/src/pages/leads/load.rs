//! What the pages of leads load: one transaction each, turned into what they show.

use chrono::{DateTime, Utc};
use domain::{
    LeadId, PageRequest, Permission,
    campaigns::{CampaignFilter, CampaignState},
    drafts::{Draft, DraftState},
    leads::{LeadEvent, LeadEventKind, LeadFilter, LeadSort, LeadSummary},
    page::Count,
    tasks::Task,
};
use service::Tenant;

use super::{
    detail::{InCampaignRow, LeadView, Reason},
    drafts::DraftRow,
    form::LeadFields,
    list::{Chip, LeadList, Row},
};
use crate::{
    error::AppError,
    fmt::{Moment, grouped},
    pages::{campaigns::MailRow, tasks::TaskRow},
    server,
    ui::{IconName, TimelineDay, TimelineItem, Tone},
};

/// The list for a query string.
pub async fn list(slug: &str, query: &str) -> Result<LeadList, AppError> {
    let pairs = pairs(query);
    let get = |name: &str| pairs.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
    let filter = LeadFilter::from_pairs(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())))
        .map_err(|p| AppError::from(service::Error::invalid(p)))?;
    let sort = match get("sort") {
        Some(text) => LeadSort::parse(&text).map_err(|p| AppError::from(service::Error::invalid(p)))?,
        None => LeadSort::default(),
    };
    let request =
        PageRequest { after: get("after"), before: get("before"), per: get("per").and_then(|p| p.parse().ok()) };
    let mut t = server::tenant(slug).await?;
    let page = t.leads().list(&filter, sort, &request).await?;
    let count = t.leads().count(&filter).await?;
    let open = CampaignFilter { state: CampaignState::TAKING_LEADS.to_vec(), ..CampaignFilter::default() };
    let campaigns = t.campaigns().list(&open, &PageRequest::default()).await?;
    let owners = people(&mut t).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let may_edit = t.actor().can(Permission::EditLeads);
    t.commit().await?;
    let conditions: Vec<_> = filter.to_pairs().into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    let kept = |without: Option<&str>| {
        let mut kept: Vec<_> = conditions.iter().filter(|(k, _)| Some(k.as_str()) != without).cloned().collect();
        kept.extend(get("sort").map(|s| ("sort".to_owned(), s)));
        encode(&kept)
    };
    let chips = conditions
        .iter()
        .filter(|(k, _)| k != "q")
        .map(|(key, value)| chip(key, value, &owners, kept(Some(key))))
        .collect();
    Ok(LeadList {
        rows: page.items.into_iter().map(|l| row(l, now, &zone)).collect(),
        count: count_words(count),
        chips,
        query: kept(None),
        conditions: conditions.iter().cloned().chain(get("sort").map(|s| ("sort".to_owned(), s))).collect(),
        search: filter.q.unwrap_or_default(),
        sort: sort.to_string(),
        next: page.next,
        previous: page.previous,
        campaigns: campaigns.items.into_iter().map(|c| (c.id.to_string(), c.name)).collect(),
        owners,
        may_edit,
    })
}

/// Who may own a lead: id and name.
async fn people(t: &mut Tenant) -> Result<Vec<(String, String)>, AppError> {
    Ok(t.members().list().await?.into_iter().map(|m| (m.user_id.to_string(), m.name)).collect())
}

/// One lead with its timeline.
pub async fn lead(slug: &str, id: &str) -> Result<LeadView, AppError> {
    let id = lead_id(id)?;
    let mut t = server::tenant(slug).await?;
    let lead = t.leads().get(id).await?;
    let timeline = t.leads().timeline(id, &PageRequest::default()).await?;
    let notes = t.leads().notes(id).await?;
    let mails = t.leads().messages(id, &PageRequest { per: Some(20), ..PageRequest::default() }).await?;
    let campaigns = t.enrolments().of_lead(id).await?;
    let tasks = t.tasks().of_lead(id).await?;
    let drafts = t.drafts().of_lead(id).await?;
    let people = people(&mut t).await?;
    let today = t.today();
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let may_edit = t.actor().can(Permission::EditLeads);
    t.commit().await?;
    let drafts = drafts
        .into_iter()
        .filter(|draft| draft.state == DraftState::Open && draft.enrolment.is_none())
        .map(|draft| draft_row(draft, now, &zone))
        .collect();
    Ok(LeadView {
        id: lead.id.to_string(),
        name: lead.display_name(),
        email: lead.email.as_ref().map(ToString::to_string),
        title: lead.title.clone(),
        account: lead.account_id.map(|a| (a.to_string(), lead.account_name.clone().unwrap_or_default())),
        facts: facts(&lead),
        status: lead.status.to_string(),
        suppressed: lead.suppressed,
        owner: lead.owner_name.clone(),
        owner_id: lead.owner_id.map(|o| o.to_string()).unwrap_or_default(),
        people,
        score: lead.score,
        reasons: lead.score_reasons.into_iter().map(|r| Reason { text: r.text, points: r.points }).collect(),
        tags: lead.tags,
        campaigns: campaigns
            .into_iter()
            .map(|one| InCampaignRow {
                state: one.standing(),
                campaign: (one.campaign.to_string(), one.name),
                next: one.why_not_yet.as_ref().and_then(|why| why.next_at).map(|at| Moment::new(at, now, &zone)),
                why: one.why_not_yet.map(|why| why.words),
            })
            .collect(),
        mails: mails.items.into_iter().map(|m| MailRow::new(m, now, &zone)).collect(),
        timeline: days(slug, timeline.items, now, &zone),
        notes: notes.into_iter().map(|n| (n.body, n.author, Moment::new(n.created_at, now, &zone))).collect(),
        tasks: shown(tasks).map(|task| TaskRow::new(task, today)).collect(),
        drafts,
        may_edit,
    })
}

/// The open tasks, and the last few that were done.
fn shown(tasks: Vec<Task>) -> impl Iterator<Item = Task> {
    const DONE: usize = 3;
    let open = tasks.iter().filter(|task| task.done_at.is_none()).count();
    tasks.into_iter().take(open + DONE)
}

fn draft_row(draft: Draft, now: DateTime<Utc>, zone: &str) -> DraftRow {
    DraftRow {
        id: draft.id.to_string(),
        subject: draft.subject,
        body: draft.body,
        agent: draft.agent,
        author: draft.author,
        at: Moment::new(draft.created_at, now, zone),
    }
}

/// The fields of a lead, for its form.
pub async fn fields(slug: &str, id: &str) -> Result<LeadFields, AppError> {
    let mut t = server::tenant(slug).await?;
    let lead = t.leads().get(lead_id(id)?).await?;
    t.commit().await?;
    Ok(LeadFields {
        email: lead.email.map(String::from).unwrap_or_default(),
        first_name: lead.first_name.unwrap_or_default(),
        last_name: lead.last_name.unwrap_or_default(),
        title: lead.title.unwrap_or_default(),
        account: lead.account_name.unwrap_or_default(),
        phone: lead.phone.unwrap_or_default(),
        country: lead.country.unwrap_or_default(),
        time_zone: lead.time_zone.unwrap_or_default(),
        tags: lead.tags.join(", "),
        lawful_basis: lead.lawful_basis.unwrap_or_default(),
        version: lead.version,
    })
}

/// An id of the path; a wrong one is a lead that does not exist.
pub fn lead_id(text: &str) -> Result<LeadId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("lead").into())
}

fn row(lead: LeadSummary, now: DateTime<Utc>, zone: &str) -> Row {
    Row {
        id: lead.id.to_string(),
        name: lead.name,
        title: lead.title.unwrap_or_default(),
        account: lead.account_id.zip(lead.account_name).map(|(id, name)| (id.to_string(), name)),
        score: lead.score,
        status: lead.status.to_string(),
        suppressed: lead.suppressed,
        campaign: lead.campaign_id.zip(lead.campaign_name).map(|(id, name)| (id.to_string(), name)),
        activity: lead.last_activity.map_or("Created", event_word).to_owned(),
        at: Moment::new(lead.last_activity_at, now, zone),
        owner: lead.owner_name,
    }
}

fn chip(key: &str, value: &str, owners: &[(String, String)], without: String) -> Chip {
    let (field, operator) = match key {
        "f.status.is" => ("Status", "is"),
        "f.owner.is" => ("Owner", "is"),
        "f.owner.empty" => ("Owner", "is nobody"),
        "f.score.gte" => ("Score", "at least"),
        "f.score.lte" => ("Score", "at most"),
        "f.country.is" => ("Country", "is any of"),
        "f.tag.has" => ("Tag", "is any of"),
        "f.source.is" => ("Source", "is"),
        "f.account.is" => ("Account", "is"),
        "f.campaign.is" => ("Campaign", "is"),
        "f.campaign.empty" => ("Campaign", "never"),
        "f.created.after" => ("Created", "from"),
        "f.created.before" => ("Created", "before"),
        _ => ("Filter", "is"),
    };
    let value = owners.iter().find(|(id, _)| id == value).map_or_else(|| value.replace(',', ", "), |(_, n)| n.clone());
    Chip { field: field.to_owned(), operator: operator.to_owned(), value, without }
}

fn facts(lead: &domain::leads::Lead) -> Vec<(String, String)> {
    let fact = |name: &str, value: Option<String>| value.map(|v| (name.to_owned(), v));
    [
        fact("Phone", lead.phone.clone()),
        fact("Country", lead.country.clone()),
        fact("Time zone", lead.time_zone.clone()),
        fact("Source", Some(lead.source.label().to_owned())),
        fact("Lawful basis", lead.lawful_basis.clone()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn days(slug: &str, events: Vec<LeadEvent>, now: DateTime<Utc>, zone: &str) -> Vec<TimelineDay> {
    let mut days: Vec<TimelineDay> = Vec::new();
    for event in events {
        let label = Moment::day(event.at, now, zone);
        let (icon, tone) = event_look(event.kind);
        let campaign = event.campaign_name.map(|c| format!(" · {c}")).unwrap_or_default();
        let is_machine = matches!(event.kind, LeadEventKind::MachineOpened | LeadEventKind::MachineClicked);
        let (word, why) = (event_word(event.kind), event.why.unwrap_or_default());
        let details =
            |first: &str| [Some(first), event.text.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        // What a program did is told by which one it was; everything else about it is quiet.
        let (title, detail, why) = match is_machine {
            true => (format!("machine: {why}"), String::new(), details(word)),
            false => (word.to_owned(), details(&event.actor), why),
        };
        let item = TimelineItem {
            icon,
            tone,
            title: format!("{title}{campaign}"),
            href: event.workflow_id.map(|id| format!("/t/{slug}/workflows/{id}")),
            detail,
            folded: event.quoted.unwrap_or_default(),
            why,
            at: Moment::clock(event.at, zone),
        };
        match days.last_mut().filter(|d| d.label == label) {
            Some(day) => day.items.push(item),
            None => days.push(TimelineDay { label, items: vec![item] }),
        }
    }
    days
}

/// What happened, in words.
pub fn event_word(kind: LeadEventKind) -> &'static str {
    match kind {
        LeadEventKind::Created => "Created",
        LeadEventKind::Imported => "Imported",
        LeadEventKind::Edited => "Edited",
        LeadEventKind::StatusChanged => "Status changed",
        LeadEventKind::OwnerChanged => "Owner changed",
        LeadEventKind::Tagged => "Tagged",
        LeadEventKind::Noted => "Note",
        LeadEventKind::Enrolled => "Enrolled",
        LeadEventKind::Sent => "E-mail sent",
        LeadEventKind::Bounced => "E-mail refused",
        LeadEventKind::Unknown => "E-mail: outcome unknown",
        LeadEventKind::SoftBounced => "E-mail not delivered yet",
        LeadEventKind::Replied => "Reply",
        LeadEventKind::AutoReplied => "Automatic reply",
        LeadEventKind::Unsubscribed => "Unsubscribed",
        LeadEventKind::Suppressed => "Suppressed",
        LeadEventKind::Left => "Left the campaign",
        LeadEventKind::MeetingBooked => "Meeting booked",
        LeadEventKind::Converted => "Became a customer",
        LeadEventKind::Opened => "E-mail opened",
        LeadEventKind::Clicked => "Link followed",
        LeadEventKind::MachineOpened => "Picture fetched by a program",
        LeadEventKind::MachineClicked => "Link followed by a program",
    }
}

fn event_look(kind: LeadEventKind) -> (IconName, Tone) {
    match kind {
        LeadEventKind::Sent | LeadEventKind::Enrolled => (IconName::Send, Tone::Accent),
        LeadEventKind::Opened | LeadEventKind::Clicked => (IconName::Eye, Tone::Accent),
        LeadEventKind::MachineOpened | LeadEventKind::MachineClicked => (IconName::Agent, Tone::Neutral),
        LeadEventKind::Replied | LeadEventKind::AutoReplied => (IconName::Reply, Tone::Violet),
        LeadEventKind::Bounced | LeadEventKind::SoftBounced | LeadEventKind::Unknown => (IconName::Alert, Tone::Coral),
        LeadEventKind::Unsubscribed | LeadEventKind::Suppressed => (IconName::Ban, Tone::Coral),
        LeadEventKind::MeetingBooked => (IconName::Calendar, Tone::Jade),
        LeadEventKind::Converted => (IconName::Flag, Tone::Jade),
        LeadEventKind::Imported => (IconName::Import, Tone::Neutral),
        LeadEventKind::Tagged => (IconName::Tag, Tone::Neutral),
        _ => (IconName::Edit, Tone::Neutral),
    }
}

fn count_words(count: Count) -> String {
    let (more, noun) = match (count.more, count.value) {
        (true, _) => ("+", "leads"),
        (false, 1) => ("", "lead"),
        (false, _) => ("", "leads"),
    };
    format!("{}{more} {noun}", grouped(count.value))
}

/// The decoded pairs of a query string.
fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).into_owned().collect()
}

fn encode(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
