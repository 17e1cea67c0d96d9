//! What the pages of campaigns load: one transaction each.

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, LeadId, PageRequest, Permission, StepId, UserId,
    campaigns::{Campaign, CampaignFilter, CampaignState, CampaignSummary, Verdict as Judged, checks::FixAt},
    drafts::{Origin, Sample},
    enrolments::EnrolmentState,
    messages::MessageState,
};
use service::Tenant;

use super::{
    enrolments::*, launch::*, list::*, looks::Head, mails::*, overview::*, samples::SampleView, sequence::*,
    settings::*, step::*,
};
use crate::{
    error::AppError,
    fmt::{Moment, dollars, grouped},
    pages::approvals::checks_of,
    server,
    ui::Verdict,
};

/// An id of the path.
pub fn campaign_id(text: &str) -> Result<CampaignId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("campaign").into())
}

/// An id of an address.
pub fn lead_id(text: &str) -> Result<LeadId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("lead").into())
}

/// An id of the path.
pub fn step_id(text: &str) -> Result<StepId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("step").into())
}

fn head(campaign: &Campaign, me: Option<UserId>, zone: &str) -> Head {
    Head {
        own: me.is_some() && campaign.created_by == me,
        archived: campaign.archived_at.is_some(),
        id: campaign.id.to_string(),
        name: campaign.name.clone(),
        state: campaign.lifecycle.state.to_string(),
        window: match campaign.lifecycle.starts_at {
            Some(at) if campaign.lifecycle.state == CampaignState::Scheduled => {
                format!("Starts {} · {}", Moment::exact(at, zone).text, campaign.window)
            }
            _ => campaign.window.to_string(),
        },
        audience: grouped(campaign.audience_size),
        steps: campaign.steps,
    }
}

async fn load_head(t: &mut Tenant, id: &str) -> Result<(Campaign, Head), AppError> {
    let campaign = t.campaigns().get(campaign_id(id)?).await?;
    let head = head(&campaign, t.actor().user_id(), t.actor().time_zone());
    Ok((campaign, head))
}

/// The list.
pub async fn list(slug: &str, view: &str, after: &str) -> Result<CampaignList, AppError> {
    let state = match view {
        "running" => vec![CampaignState::Running, CampaignState::Pausing],
        "scheduled" => vec![CampaignState::Scheduled],
        "drafts" => vec![CampaignState::Draft],
        "paused" => vec![CampaignState::Paused],
        "finished" => vec![CampaignState::Completed, CampaignState::Stopped, CampaignState::Failed],
        _ => Vec::new(),
    };
    let filter = CampaignFilter { state, archived: view == "archived", ..CampaignFilter::default() };
    let request = PageRequest { after: Some(after.to_owned()).filter(|a| !a.is_empty()), ..PageRequest::default() };
    let mut t = server::tenant(slug).await?;
    let page = t.campaigns().list(&filter, &request).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    Ok(CampaignList {
        view: view.to_owned(),
        later: !after.is_empty(),
        next: page.next,
        rows: page.items.into_iter().map(|c| row(c, now, &zone)).collect(),
    })
}

/// A campaign as a row.
pub fn row(c: CampaignSummary, now: DateTime<Utc>, zone: &str) -> CampaignRow {
    CampaignRow {
        id: c.id.to_string(),
        name: c.name,
        state: c.state.to_string(),
        note: c.pause_reason.or_else(|| c.hold_reason.map(|h| h.label().to_owned())).unwrap_or_default(),
        progress: format!("{} of {}", grouped(c.finished), grouped(c.audience_size)),
        percent: if c.audience_size > 0 { c.finished * 100 / c.audience_size } else { 0 },
        sent: grouped(c.sent),
        bounced: grouped(c.bounced),
        next: c.next_send_at.or(c.starts_at).map(|at| Moment::new(at, now, zone)),
        owner: c.owner_name,
    }
}

/// The overview.
pub async fn overview(slug: &str, id: &str) -> Result<Overview, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let ledger = t.campaigns().ledger(campaign.id).await?;
    let steps = t.campaigns().steps(campaign.id).await?;
    let events = t.campaigns().events(campaign.id, &PageRequest { per: Some(20), ..PageRequest::default() }).await?;
    let days = t.campaigns().per_day(campaign.id).await?;
    let hold = t.campaigns().hold_reason(campaign.id).await?;
    let mailboxes = t.mailboxes().list().await?;
    let zone = t.actor().time_zone().to_owned();
    let allowed = campaign.lifecycle.state.allowed().iter().map(|c| (*c).to_owned()).collect();
    t.commit().await?;
    let count = |position: i32, state: MessageState| {
        ledger.messages.iter().filter(|m| m.position == position && m.state == state).map(|m| m.messages).sum::<i64>()
    };
    Ok(Overview {
        allowed,
        notice: campaign
            .lifecycle
            .pause_reason
            .clone()
            .or_else(|| hold.map(|h| h.label().to_owned()))
            .or_else(|| campaign.lifecycle.failure.clone()),
        audience: ledger.audience,
        enrolling: ledger.enrolling,
        finished: ledger.leads(&[EnrolmentState::Finished, EnrolmentState::Replied]),
        open: ledger.leads(EnrolmentState::OPEN),
        removed: ledger.ended() - ledger.leads(&[EnrolmentState::Finished, EnrolmentState::Replied]),
        sent: ledger.messages_in(MessageState::Sent),
        unknown: ledger.messages_in(MessageState::Unknown),
        bounced: ledger.leads(&[EnrolmentState::Bounced]),
        unsubscribed: ledger.leads(&[EnrolmentState::Unsubscribed]),
        lines: ledger
            .lines
            .iter()
            .map(|l| {
                let why = l.reason.map(|r| format!(": {}", r.label())).unwrap_or_default();
                (format!("{}{why}", l.state.label()), l.leads)
            })
            .collect(),
        steps: steps
            .into_iter()
            .map(|s| StepRow {
                position: s.position,
                subject: s.subject,
                delay: s.delay.to_string(),
                planned: grouped(
                    count(s.position, MessageState::Scheduled) + count(s.position, MessageState::Deferred),
                ),
                sent: grouped(count(s.position, MessageState::Sent)),
                failed: grouped(count(s.position, MessageState::Failed)),
                unknown: grouped(count(s.position, MessageState::Unknown)),
            })
            .collect(),
        days: days.into_iter().map(|d| (d.day.format("%-d %b").to_string(), d.sent)).collect(),
        mailboxes: mailboxes
            .into_iter()
            .filter(|m| campaign.mailboxes.contains(&m.id))
            .map(|m| (m.address.to_string(), m.sent_24h, i64::from(m.daily_cap)))
            .collect(),
        log: events
            .items
            .into_iter()
            .map(|e| {
                let who = e.lead_name.unwrap_or(e.actor);
                let text = e.text.map(|t| format!(" · {t}")).unwrap_or_default();
                (Moment::clock(e.at, &zone), format!("{} · {who}{text}", log_word(&e.kind)))
            })
            .collect(),
        head,
    })
}

/// What happened, in words; a kind of a later version as it stands.
fn log_word(kind: &str) -> &str {
    match kind {
        "created" => "Created",
        "edited" => "Edited",
        "enrolled" => "Leads added",
        "scheduled" => "Scheduled",
        "unscheduled" => "Back to a draft",
        "started" => "Started",
        "paused" => "Paused",
        "drained" => "Nothing is being sent any more",
        "resumed" => "Resumed",
        "stopped" => "Stopped",
        "ended" => "All leads have left",
        "completed" => "Completed",
        "archived" => "Archived",
        "unarchived" => "Back from the archive",
        "sent" => "E-mail sent",
        "bounced" => "E-mail refused",
        "unknown" => "E-mail: outcome unknown",
        "unsubscribed" => "Unsubscribed",
        "mailbox_refused" => "Mailbox needs a person",
        other => other,
    }
}

/// The leads of a campaign.
pub async fn enrolments(slug: &str, id: &str, state: &str, after: &str) -> Result<EnrolmentList, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let request = PageRequest { after: Some(after.to_owned()).filter(|a| !a.is_empty()), ..PageRequest::default() };
    let page = t.enrolments().list(campaign.id, EnrolmentState::parse(state), &request).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let may_remove = t.actor().can(Permission::EditCampaigns);
    t.commit().await?;
    Ok(EnrolmentList {
        head,
        may_remove,
        later: !after.is_empty(),
        next: page.next,
        state: state.to_owned(),
        states: EnrolmentState::ALL.iter().map(|s| (s.to_string(), s.label().to_owned())).collect(),
        rows: page
            .items
            .into_iter()
            .map(|e| EnrolmentRow {
                id: e.id.to_string(),
                lead: e.lead_id.map(|l| l.to_string()),
                name: e.lead_name,
                state: e.state.label().to_owned(),
                open: e.state.is_open(),
                why: e.why_not_yet.or_else(|| e.reason.map(|r| r.label().to_owned())).unwrap_or_default(),
                steps: e.steps_done,
                due: e.due_at.map(|at| Moment::new(at, now, &zone)),
            })
            .collect(),
    })
}

/// The e-mails.
pub async fn mails(slug: &str, id: &str, state: &str, after: &str) -> Result<MailList, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let request = PageRequest { after: Some(after.to_owned()).filter(|a| !a.is_empty()), ..PageRequest::default() };
    let page = t.campaigns().messages(campaign.id, MessageState::parse(state), &request).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    Ok(MailList {
        head,
        later: !after.is_empty(),
        next: page.next,
        state: state.to_owned(),
        states: MessageState::ALL.iter().map(|s| (s.to_string(), s.label().to_owned())).collect(),
        rows: page.items.into_iter().map(|m| MailRow::new(m, now, &zone)).collect(),
    })
}

/// The steps.
pub async fn sequence(slug: &str, id: &str) -> Result<Sequence, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let steps = t.campaigns().steps(campaign.id).await?;
    t.commit().await?;
    Ok(Sequence {
        may_arrange: campaign.lifecycle.state.allows_structure_edit(),
        steps: steps
            .into_iter()
            .map(|s| SequenceStep {
                problems: s.problems().into_iter().map(|p| p.message).collect(),
                id: s.id.to_string(),
                position: s.position,
                delay: s.delay.to_string(),
                subject: s.subject,
                body: s.body.chars().take(240).collect(),
            })
            .collect(),
        head,
    })
}

/// One step with its preview.
pub async fn step(slug: &str, id: &str, step: &str, lead: &str) -> Result<StepView, AppError> {
    let step_id = step_id(step)?;
    let lead = Some(lead).filter(|l| !l.is_empty()).map(lead_id).transpose()?;
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let steps = t.campaigns().steps(campaign.id).await?;
    let step = steps.into_iter().find(|s| s.id == step_id).ok_or(service::Error::NotFound("step"))?;
    let preview = t.campaigns().preview(campaign.id, step_id, lead).await?;
    let leads = t.campaigns().some_of_audience(campaign.id, 20).await?;
    let tests = t.campaigns().test_mails(campaign.id).await?;
    let samples = t.drafts().samples(campaign.id, step_id).await?;
    let has_model = t.models().list().await?.iter().any(|model| model.enabled);
    let me = match t.actor().user_id() {
        Some(id) => t.members().list().await?.into_iter().find(|m| m.user_id == id).map(|m| m.email.to_string()),
        None => None,
    };
    t.commit().await?;
    Ok(StepView {
        may_edit: campaign.lifecycle.state.allows_edit(),
        may_time: campaign.lifecycle.state.allows_structure_edit(),
        id: step.id.to_string(),
        position: step.position,
        amount: step.delay.amount,
        unit: step.delay.unit.to_string(),
        problems: step.problems().into_iter().map(|p| p.message).collect(),
        subject: step.subject,
        body: step.body,
        writing: step.writing,
        instructions: step.instructions,
        sources: step.sources.join(", "),
        samples: samples.into_iter().map(sample).collect(),
        has_model,
        version: step.version,
        preview: (preview.from, preview.subject, preview.text),
        lead: lead.or_else(|| leads.first().map(|(id, _)| *id)).map(|id| id.to_string()).unwrap_or_default(),
        leads: leads.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
        missing: preview.missing.join(", "),
        tests: tests
            .into_iter()
            .map(|m| (m.recipient, m.state.label().to_owned(), m.detail.unwrap_or_default()))
            .collect(),
        me: me.unwrap_or_default(),
        variables: domain::template::Variable::ALL.iter().map(|v| format!("{{{v}}}")).collect::<Vec<_>>().join(" "),
        head,
    })
}

fn sample(sample: Sample) -> SampleView {
    let (subject, body) = sample.text.map(|text| (text.subject, text.body)).unwrap_or_default();
    let writer = match &sample.origin {
        Some(Origin { model: Some(model), cost_micros, .. }) => format!("{model} · {}", dollars(*cost_micros)),
        _ => "the built-in writer".to_owned(),
    };
    SampleView {
        lead: sample.lead_name,
        subject,
        body,
        checks: checks_of(&sample.checks).into_iter().filter(|check| check.verdict != Verdict::Pass).collect(),
        writer,
        notice: sample.notice,
    }
}

/// The settings.
pub async fn settings(slug: &str, id: &str) -> Result<Settings, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let mailboxes = t.mailboxes().list().await?;
    t.commit().await?;
    let filter = match &campaign.audience {
        domain::campaigns::Audience::Filter { filter } => Some(filter.clone()),
        domain::campaigns::Audience::Selection => None,
    };
    let f = filter.clone().unwrap_or_default();
    let clock = |minute: i32| format!("{:02}:{:02}", minute / 60, minute % 60);
    Ok(Settings {
        may_edit: campaign.lifecycle.state.allows_edit(),
        started: campaign.lifecycle.started_at.is_some(),
        selection: filter.is_none(),
        status: f.status.first().map(ToString::to_string).unwrap_or_default(),
        score: f.score_min.map(|n| n.to_string()).unwrap_or_default(),
        country: f.country.join(","),
        tag: f.tag.join(","),
        mailboxes: mailboxes
            .into_iter()
            .map(|m| (m.id.to_string(), m.address.to_string(), campaign.mailboxes.contains(&m.id)))
            .collect(),
        days: campaign.window.days.clone(),
        from: clock(campaign.window.from_minute),
        to: clock(campaign.window.to_minute),
        zone: campaign.window.zone.to_string(),
        version: campaign.version,
        head,
    })
}

/// The launch checklist.
pub async fn launch(slug: &str, id: &str) -> Result<Launch, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let checks = t.campaigns().checks(campaign.id).await?;
    let mailboxes = t.mailboxes().list().await?;
    let zone = t.actor().time_zone().to_owned();
    t.commit().await?;
    let base = format!("/t/{slug}");
    let own = format!("{base}/campaigns/{}", campaign.id);
    Ok(Launch {
        zone,
        mailboxes: mailboxes
            .into_iter()
            .filter(|m| campaign.mailboxes.contains(&m.id))
            .map(|m| m.address.to_string())
            .collect::<Vec<_>>()
            .join(", "),
        ready: checks.iter().all(|c| c.verdict != Judged::Block),
        checks: checks
            .into_iter()
            .map(|c| {
                let fix = c.fix.map(|fix| match fix {
                    FixAt::Settings => format!("{own}/settings"),
                    FixAt::Sequence => format!("{own}/sequence"),
                    FixAt::Mailboxes => format!("{base}/settings/mailboxes"),
                    FixAt::Domains => format!("{base}/settings/domains"),
                    FixAt::Company => format!("{base}/settings/company"),
                });
                (c.verdict.to_string(), c.message, fix)
            })
            .collect(),
        head,
    })
}

/// The settings form as the service takes it.
pub fn settings_input(form: SettingsForm, started: bool) -> Result<domain::campaigns::CampaignInput, AppError> {
    form.into_input(started).map_err(|p| service::Error::invalid(p).into())
}
