//! What the pages of campaigns load: one transaction each.

pub mod log;
pub mod simulation;

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, LeadId, PageRequest, Permission, StepId, UserId,
    campaigns::{
        Audience, Campaign, CampaignEvent, CampaignFilter, CampaignState, CampaignSummary, OnUnknown, PausedBy,
        Verdict as Judged,
        checks::FixAt,
        comparison::{self, Effect, GroupCount, Holdout, Outcome, VariantCount, Verdict as Compared},
    },
    drafts::{Origin, Sample, hints},
    enrolments::EnrolmentState,
    ledger::Ledger,
    messages::MessageState,
    page::Count,
    steps::{self, Action, Answer, Branch, Email, Step, StepChange, StepKind, Thread, letter},
    tracking::{CampaignTracking, TrackingCount},
};
use service::Tenant;

use super::{
    enrolments::*, launch::*, list::*, looks::Head, mails::*, overview::*, proofs::*, samples::SampleView, sequence::*,
    settings::*, simulation::*, step::*, versions::*,
};
use crate::{
    error::AppError,
    fmt::{Moment, dollars, grouped, plural},
    pages::approvals::{checks_of, words_of},
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
        to_read: campaign.lifecycle.paused_by == Some(PausedBy::System),
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
    let open = t.campaigns().open_audiences(&page.items.iter().map(|c| c.id).collect::<Vec<_>>()).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let rows = page.items.into_iter().map(|c| {
        let count = open.get(&c.id).copied();
        let row = row(c, now, &zone);
        match count {
            Some(count) => CampaignRow { progress: count_words(count), percent: None, ..row },
            None => row,
        }
    });
    Ok(CampaignList { view: view.to_owned(), later: !after.is_empty(), next: page.next, rows: rows.collect() })
}

/// The leads of an audience that is not frozen yet.
fn count_words(count: Count) -> String {
    match count.more {
        true => format!("{}+ leads", grouped(count.value)),
        false => plural(count.value, "lead", "leads"),
    }
}

/// A campaign as a row.
pub fn row(c: CampaignSummary, now: DateTime<Utc>, zone: &str) -> CampaignRow {
    CampaignRow {
        id: c.id.to_string(),
        name: c.name,
        state: c.state.to_string(),
        to_read: c.state == CampaignState::Paused && c.pause_reason.is_some(),
        note: c.pause_reason.or_else(|| c.hold_reason.map(|h| h.label().to_owned())).unwrap_or_default(),
        progress: match c.audience_size {
            0 => String::new(),
            all => format!("{} of {}", grouped(c.finished), grouped(all)),
        },
        percent: (c.audience_size > 0).then(|| c.finished * 100 / c.audience_size),
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
    // Those that leads get; what is being edited has sent nothing.
    let steps = t.campaigns().version(campaign.id, campaign.sequence_version).await?;
    let events = t.campaigns().events(campaign.id, &PageRequest { per: Some(20), ..PageRequest::default() }).await?;
    let days = t.campaigns().per_day(campaign.id).await?;
    let tracking = t.campaigns().tracking(campaign.id).await?;
    let why_not = t.campaigns().why_not(campaign.id).await?;
    let alarm = t.campaigns().alarm(campaign.id).await?;
    let holdout = t.campaigns().holdout(campaign.id).await?;
    let questions = t.messages().questions(&campaign).await?;
    let mailboxes = t.mailboxes().list().await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let alarm = alarm.filter(|_| campaign.lifecycle.state == CampaignState::Running);
    let warning = alarm.map(|alarm| ("Close to a limit.".to_owned(), alarm.words));
    let question = (questions > 0).then(|| {
        let title = plural(questions, "e-mail is unknown.", "e-mails are unknown.");
        (title, "Decide about each under E-mails; after 72 hours they stay unknown for good.".to_owned())
    });
    Ok(Overview {
        next: why_not.as_ref().and_then(|why| why.next_at).map(|at| Moment::new(at, now, &zone)),
        notice: why_not.map(|why| why.words).or_else(|| campaign.lifecycle.failure.clone()),
        warning: warning.or(question),
        is_frozen: campaign.lifecycle.is_frozen(),
        audience: campaign.audience_size,
        enrolling: ledger.enrolling,
        finished: ledger.finished(),
        replied: ledger.replied(),
        open: ledger.leads(EnrolmentState::OPEN),
        converted: ledger.converted(),
        left_early: ledger.left_early(),
        figures: figures(&campaign, &ledger, &tracking.total),
        columns: columns(&tracking.total).into_iter().map(str::to_owned).collect(),
        steps_note: machines(&tracking.total),
        holdout: holdout.as_ref().map(effects).unwrap_or_default(),
        lines: ledger
            .lines
            .iter()
            .map(|l| {
                let why = l.reason.map(|r| format!(": {}", r.label())).unwrap_or_default();
                (format!("{}{why}", l.state.label()), l.leads)
            })
            .collect(),
        steps: step_rows(&steps, &ledger, &tracking),
        days: days.into_iter().map(|d| (d.day.format("%-d %b").to_string(), d.sent)).collect(),
        mailboxes: mailboxes
            .into_iter()
            .filter(|m| campaign.mailboxes.contains(&m.id))
            .map(|m| (m.address.to_string(), m.sent_24h, i64::from(m.cap_now)))
            .collect(),
        log: events.items.into_iter().map(|event| log_row(event, &zone)).collect(),
        head,
    })
}

/// An entry of the log: whom it is about, or else who has done it.
fn log_row(event: CampaignEvent, zone: &str) -> LogRow {
    let text = log::text_of(&event).map(|text| format!(" · {text}")).unwrap_or_default();
    let (lead, who) = match (event.lead_id, event.lead_name) {
        (Some(id), Some(name)) => (Some(id.to_string()), name),
        _ => (None, event.actor),
    };
    LogRow { at: Moment::clock(event.at, zone), what: log::words_of(&event.kind), lead, who, text }
}

/// The key figures; opens and clicks only where they are tracked, and only those of people.
fn figures(campaign: &Campaign, ledger: &Ledger, seen: &TrackingCount) -> Vec<(String, String, String)> {
    let tracked =
        |label, n: i64, of: i64| (of > 0).then(|| (label, n, format!("of {} tracked e-mails, by people", grouped(of))));
    let told = |label, n: i64, note: &str| Some((label, n, note.to_owned()));
    let frozen = campaign.lifecycle.is_frozen();
    [
        told("Leads", campaign.audience_size, if frozen { "in the audience" } else { "would be enrolled now" }),
        told("Sent", ledger.messages_in(MessageState::Sent), "e-mails taken by a server"),
        tracked("Opened (estimate)", seen.opened, seen.tracked_opens),
        tracked("Clicked", seen.clicked, seen.tracked_clicks),
        told("Finished", ledger.finished(), "leads had every step"),
        told("Replied", ledger.replied(), "leads"),
        told("Meetings booked", ledger.meetings(), "leads").filter(|(_, n, _)| *n > 0),
        told("Became customers", ledger.converted(), "leads").filter(|(_, n, _)| *n > 0),
        told("Bounced", ledger.leads(&[EnrolmentState::Bounced]), "leads"),
        told("Unsubscribed", ledger.leads(&[EnrolmentState::Unsubscribed]), "leads"),
        told("Unknown", ledger.messages_in(MessageState::Unknown), "e-mails, not sent again"),
    ]
    .into_iter()
    .flatten()
    .map(|(label, n, note)| (label.to_owned(), grouped(n), note))
    .collect()
}

/// The steps in force, and one line for the e-mails of others, so that every e-mail of the campaign is in the table.
fn step_rows(steps: &steps::Sequence, ledger: &Ledger, tracking: &CampaignTracking) -> Vec<StepRow> {
    let columns = columns(&tracking.total);
    let nothing = || columns.iter().map(|_| "–".to_owned()).collect();
    let in_force = |id: StepId| steps.get(id).is_some_and(|step| step.email().is_some());
    let mut rows: Vec<_> = steps
        .steps()
        .iter()
        .map(|step| StepRow {
            position: Some(step.position),
            subject: step.name(steps),
            delay: step.delay.to_string(),
            figures: match step.email() {
                Some(_) => step_figures(&columns, ledger, tracking, |id| id == step.id),
                None => nothing(),
            },
        })
        .collect();
    // What was cancelled stands in no column.
    if ledger.messages.iter().any(|line| line.state != MessageState::Cancelled && !in_force(line.step)) {
        rows.push(StepRow {
            position: None,
            subject: "Steps of earlier versions".to_owned(),
            delay: String::new(),
            figures: step_figures(&columns, ledger, tracking, |id| !in_force(id)),
        });
    }
    rows
}

/// The figures of some steps, one for each column.
fn step_figures(
    columns: &[&str],
    ledger: &Ledger,
    tracking: &CampaignTracking,
    of: impl Fn(StepId) -> bool,
) -> Vec<String> {
    let count = |states: &[MessageState]| {
        let lines = ledger.messages.iter().filter(|line| of(line.step) && states.contains(&line.state));
        grouped(lines.map(|line| line.messages).sum())
    };
    let seen = |figure: fn(&TrackingCount) -> i64| {
        tracking.steps.iter().filter(|one| of(one.step)).map(|one| figure(&one.count)).sum::<i64>()
    };
    // Nobody looks where nothing is tracked.
    let tracked = |of: i64, n: i64| if of > 0 { grouped(n) } else { "–".to_owned() };
    let figure = |column: &&str| match *column {
        "Planned" => count(&[MessageState::Scheduled, MessageState::Deferred, MessageState::Held]),
        "Sent" => count(&[MessageState::Sent]),
        "Opened" => tracked(seen(|count| count.tracked_opens), seen(|count| count.opened)),
        "Clicked" => tracked(seen(|count| count.tracked_clicks), seen(|count| count.clicked)),
        "Refused" => count(&[MessageState::Failed]),
        _ => count(&[MessageState::Unknown]),
    };
    columns.iter().map(figure).collect()
}

/// The heads of the figures of steps.
fn columns(seen: &TrackingCount) -> Vec<&'static str> {
    let opened = (seen.tracked_opens > 0).then_some("Opened");
    let clicked = (seen.tracked_clicks > 0).then_some("Clicked");
    let all = [Some("Planned"), Some("Sent"), opened, clicked, Some("Refused"), Some("Unknown")];
    all.into_iter().flatten().collect()
}

/// What programs have done, which counts nowhere.
fn machines(seen: &TrackingCount) -> String {
    if seen.tracked_opens + seen.tracked_clicks == 0 {
        return String::new();
    }
    let events = plural(seen.machine_events, "open or click", "opens and clicks");
    format!("people only; {events} of programs not counted")
}

/// The leads of a campaign.
pub async fn enrolments(slug: &str, id: &str, state: &str, after: &str) -> Result<EnrolmentList, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let request = PageRequest { after: Some(after.to_owned()).filter(|a| !a.is_empty()), ..PageRequest::default() };
    let page = t.enrolments().list(campaign.id, EnrolmentState::parse(state), &request).await?;
    let may_change = t.actor().can(Permission::EditCampaigns) && page.items.iter().any(|e| e.state.is_open());
    let changes = if may_change { Some(changes(&mut t, &campaign, EnrolmentState::parse(state)).await?) } else { None };
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    Ok(EnrolmentList {
        planned: (!campaign.lifecycle.is_frozen()).then(|| planned(slug, &campaign)),
        head,
        changes,
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
                due: e
                    .why_not_yet
                    .as_ref()
                    .and_then(|why| why.next_at)
                    .or(e.due_at.filter(|at| *at > now))
                    .map(|at| Moment::new(at, now, &zone)),
                why: e
                    .why_not_yet
                    .map(|why| why.words)
                    .or_else(|| e.reason.map(|r| r.label().to_owned()))
                    .unwrap_or_default(),
                steps: e.steps_done,
            })
            .collect(),
    })
}

/// What can be done with the leads of the list. Nobody is moved back, and so nobody to the first step.
async fn changes(t: &mut Tenant, campaign: &Campaign, state: Option<EnrolmentState>) -> Result<Changes, AppError> {
    let count = count_words(t.enrolments().count(campaign.id, state).await?);
    let sequence = t.campaigns().version(campaign.id, campaign.sequence_version).await?;
    let words = |step: &Step| format!("{} · {}", step.position, shortened(step.name(&sequence)));
    let steps = sequence.steps().iter().skip(1).map(|step| (step.id.to_string(), words(step))).collect();
    Ok(Changes { count, steps })
}

/// A name for a narrow place.
fn shortened(name: String) -> String {
    let beginning: String = name.chars().take(60).collect();
    if beginning == name { name } else { format!("{}…", beginning.trim_end()) }
}

/// Who is enrolled when the campaign starts.
fn planned(slug: &str, campaign: &Campaign) -> Planned {
    let list = match &campaign.audience {
        Audience::Filter { filter } => {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(filter.to_pairs()).finish();
            Some(format!("/t/{slug}/leads?{query}"))
        }
        Audience::Selection => None,
    };
    Planned { leads: campaign.audience_size, list }
}

/// The e-mails.
pub async fn mails(slug: &str, id: &str, state: &str, after: &str) -> Result<MailList, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let request = PageRequest { after: Some(after.to_owned()).filter(|a| !a.is_empty()), ..PageRequest::default() };
    let page = t.campaigns().messages(campaign.id, MessageState::parse(state), &request).await?;
    let may_run = t.actor().can(Permission::RunCampaigns);
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let asks = campaign.rules.on_unknown == OnUnknown::Ask;
    Ok(MailList {
        may_decide: asks && may_run,
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
    let all = t.campaigns().steps(campaign.id).await?;
    t.commit().await?;
    Ok(Sequence {
        may_edit: campaign.lifecycle.state.allows_sequence_edit(),
        started: campaign.lifecycle.started_at.is_some(),
        versions: campaign.has_edits.then_some((campaign.sequence_version, campaign.sequence_version + 1)),
        current: campaign.sequence_version,
        steps: branch_of(&all, None),
        head,
    })
}

fn branch_of(all: &steps::Sequence, branch: Option<Branch>) -> Vec<SequenceStep> {
    let problems = all.problems();
    all.within(branch)
        .map(|step| SequenceStep {
            problems: problems.iter().filter(|(n, _)| *n == step.position).map(|(_, p)| p.message.clone()).collect(),
            id: step.id.to_string(),
            position: step.position,
            kind: step.kind(),
            delay: step.delay.to_string(),
            name: step.name(all),
            body: step.email().map(|e| e.body.chars().take(240).collect()).unwrap_or_default(),
            note: note_of(step),
            branches: match step.kind().branches() {
                true => Answer::ALL
                    .iter()
                    .map(|when| (*when, branch_of(all, Some(Branch { of: step.id, when: *when }))))
                    .collect(),
                false => Vec::new(),
            },
        })
        .collect()
}

/// What else there is to know about a step, in one line.
fn note_of(step: &Step) -> String {
    match &step.action {
        Action::Email(email) => {
            let mut words = Vec::new();
            if email.thread == Thread::Reply {
                words.push("In the thread".to_owned());
            }
            if !email.variants.is_empty() {
                let shares: Vec<_> = email.shares().iter().map(ToString::to_string).collect();
                words.push(format!("{} wordings, {} %", shares.len(), shares.join(" / ")));
            }
            if email.writing.needs_draft() {
                words.push("Written by AI".to_owned());
            }
            if let Some(window) = &email.window {
                words.push(window.to_string());
            }
            words.join(" · ")
        }
        Action::WaitFor { timeout, .. } => format!("At most {timeout}"),
        Action::Task { wait, .. } | Action::Agent { wait, .. } if *wait => "The sequence waits for it".to_owned(),
        _ => String::new(),
    }
}

/// One step.
pub async fn step(slug: &str, id: &str, step: &str, lead: &str, variant: i16) -> Result<StepView, AppError> {
    let step_id = step_id(step)?;
    let lead = Some(lead).filter(|l| !l.is_empty()).map(lead_id).transpose()?;
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let all = t.campaigns().steps(campaign.id).await?;
    let step = all.get(step_id).cloned().ok_or(service::Error::NotFound("step"))?;
    let mail = match step.email() {
        Some(email) => Some(mail(&mut t, campaign.id, &step, email, lead, variant).await?),
        None => None,
    };
    let agents = match step.kind() {
        StepKind::Agent => t.agents().list().await?.into_iter().filter(|a| a.enabled).map(|a| a.name).collect(),
        _ => Vec::new(),
    };
    let people = match step.kind() {
        StepKind::Task => t.members().list().await?.into_iter().map(|m| (m.user_id.to_string(), m.name)).collect(),
        _ => Vec::new(),
    };
    let started = campaign.lifecycle.started_at.is_some();
    let history = if started { t.campaigns().step_history(campaign.id, step_id).await? } else { Vec::new() };
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    Ok(StepView {
        may_edit: campaign.lifecycle.state.allows_sequence_edit(),
        started,
        mails: all
            .steps()
            .iter()
            .take_while(|s| s.id != step_id)
            .filter(|s| s.email().is_some())
            .map(|s| (s.id.to_string(), format!("{}: {}", s.position, s.name(&all))))
            .collect(),
        agents,
        people,
        problems: all.problems().into_iter().filter(|(n, _)| *n == step.position).map(|(_, p)| p.message).collect(),
        history: history
            .into_iter()
            .map(|(version, old)| HistoryRow {
                number: version.number,
                by: version.created_by,
                at: Moment::new(version.created_at, now, &zone),
                name: old.name(&all),
                body: old.email().map(|e| e.body.chars().take(400).collect()).unwrap_or_default(),
                is_shown: old.action == step.action && old.delay == step.delay,
            })
            .collect(),
        step,
        mail,
        head,
    })
}

/// What is shown about an e-mail besides its editor.
async fn mail(
    t: &mut Tenant,
    campaign: CampaignId,
    step: &Step,
    email: &Email,
    lead: Option<LeadId>,
    variant: i16,
) -> Result<MailView, AppError> {
    let preview = t.campaigns().preview(campaign, step.id, variant, lead).await?;
    let leads = t.campaigns().some_of_audience(campaign, 20).await?;
    let tests = t.campaigns().test_mails(campaign).await?;
    let samples = t.drafts().samples(campaign, step.id).await?;
    let has_model = t.models().list().await?.iter().any(|model| model.enabled);
    let counts = t.campaigns().variant_counts(campaign).await?.remove(&step.id).unwrap_or_default();
    let decided = t.campaigns().decided(campaign).await?.remove(&step.id);
    let body = preview.text.rsplit_once("\n\n-- \n").map_or("", |(body, _)| body);
    let hints = if email.writing.needs_draft() { Vec::new() } else { hints(&preview.subject, body) };
    let me = match t.actor().user_id() {
        Some(id) => t.members().list().await?.into_iter().find(|m| m.user_id == id).map(|m| m.email.to_string()),
        None => None,
    };
    Ok(MailView {
        samples: samples.into_iter().map(sample).collect(),
        has_model,
        hints: checks_of(&hints),
        preview: (preview.from, preview.subject, preview.text),
        variant,
        lead: lead.or_else(|| leads.first().map(|(id, _)| *id)).map(|id| id.to_string()).unwrap_or_default(),
        leads: leads.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
        missing: preview.missing.join(", "),
        tests: tests
            .into_iter()
            .map(|m| (m.recipient, m.state.label().to_owned(), m.detail.unwrap_or_default()))
            .collect(),
        me: me.unwrap_or_default(),
        variables: domain::template::Variable::ALL.iter().map(|v| format!("{{{v}}}")).collect::<Vec<_>>().join(" "),
        comparison: counts.iter().map(compared).collect(),
        verdict: match (decided, comparison::compare(&email.winner, &counts)) {
            (Some((_, why)), _) => why,
            (None, Compared::TooFew { missing }) => {
                format!("Not enough data yet: each variant needs {} more e-mails at most.", grouped(missing))
            }
            (None, Compared::NoDifference) => "The difference may be chance.".to_owned(),
            (None, Compared::Winner { variant }) => {
                format!("Variant {} does better, as surely as asked.", letter(usize::try_from(variant).unwrap_or(0)))
            }
            (None, Compared::None) => "Nothing was sent yet.".to_owned(),
        },
    })
}

/// What the e-mails of a campaign change, in words: each outcome with both groups and what can be said of them.
fn effects(holdout: &Holdout) -> Vec<(String, String)> {
    [Outcome::Wrote, Outcome::Qualified]
        .map(|outcome| {
            let of = |group: &GroupCount, word: &str| {
                let counted = format!("{} of {} {word}", grouped(group.of(outcome)), grouped(group.leads));
                match rate(group.of(outcome), group.leads, "") {
                    Some(rate) => format!("{counted}, {rate}"),
                    None => counted,
                }
            };
            let verdict = match holdout.effect(outcome) {
                Effect::TooFew { missing } => {
                    format!(
                        "The smaller group needs {} more before they are compared.",
                        plural(missing, "lead", "leads")
                    )
                }
                Effect::NoDifference => "The difference may be chance.".to_owned(),
                Effect::More => "More than without e-mails.".to_owned(),
                Effect::Fewer => "Fewer than without e-mails.".to_owned(),
            };
            let (mailed, held_out) = (of(&holdout.mailed, "mailed"), of(&holdout.held_out, "held out"));
            (outcome.label().to_owned(), format!("{mailed}; {held_out}. {verdict}"))
        })
        .to_vec()
}

/// A rate with the interval in which it lies.
fn rate(n: i64, of: i64, word: &str) -> Option<String> {
    let percent = |share: f64| format!("{:.1}", share * 100.0);
    let r = comparison::rate(n, of)?;
    let word = if word.is_empty() { String::new() } else { format!(" {word}") };
    Some(format!("{} %{word} ({} to {} %)", percent(r.rate), percent(r.low), percent(r.high)))
}

/// How a wording does.
fn compared(count: &VariantCount) -> (String, String) {
    let label = format!("Variant {}", letter(usize::try_from(count.variant).unwrap_or(0)));
    let replied = rate(count.replied, count.sent, "replied").unwrap_or_else(|| "none replied".to_owned());
    // Nobody looks where nothing is tracked.
    let clicked = rate(count.clicked, count.tracked_clicks, "clicked");
    let clicked = clicked.unwrap_or_else(|| "clicks not tracked".to_owned());
    (label, format!("{} sent · {replied} · {clicked}", grouped(count.sent)))
}

/// The send proofs.
pub async fn proofs(slug: &str, id: &str) -> Result<Proofs, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let proofs = t.campaigns().proofs(campaign.id).await?;
    let may_download = t.actor().can(Permission::RunCampaigns);
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let rows = proofs
        .into_iter()
        .map(|proof| ProofRow {
            number: proof.number,
            at: Moment::new(proof.made_at, now, &zone),
            state: proof.state.label(),
            rows: grouped(proof.rows),
            audience: grouped(proof.ledger.audience),
            adds_up: proof.adds_up(),
            sent: grouped(proof.ledger.messages_in(MessageState::Sent)),
            unknown: grouped(proof.ledger.messages_in(MessageState::Unknown)),
            sha256: proof.sha256,
            is_kept: proof.is_kept,
        })
        .collect();
    Ok(Proofs { head, rows, may_download })
}

/// The versions.
pub async fn versions(slug: &str, id: &str) -> Result<Versions, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let versions = t.campaigns().versions(campaign.id).await?;
    let publication = match campaign.has_edits {
        true => Some(t.campaigns().publication(campaign.id).await?),
        false => None,
    };
    let all = t.campaigns().steps(campaign.id).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    Ok(Versions {
        may_edit: campaign.lifecycle.state.allows_sequence_edit(),
        edits: publication.map(|p| Edits {
            to: p.to,
            only_wording: p.changes.iter().all(StepChange::is_wording),
            changes: p.changes.iter().map(|change| change_row(change, &all)).collect(),
            open: p.open,
            reworded: p.reworded,
            moves: p
                .moves
                .iter()
                .map(|m| {
                    let at = format!("before “{}”", m.at.name(&all));
                    let to = match &m.to {
                        Some(step) => format!("would go on with “{}”", step.name(&all)),
                        None => "would have finished".to_owned(),
                    };
                    (format!("{at} {to}."), m.leads)
                })
                .collect(),
        }),
        rows: versions
            .into_iter()
            .map(|v| VersionRow {
                number: v.number,
                by: v.created_by,
                at: Moment::new(v.created_at, now, &zone),
                state: match (v.is_current, v.published_at) {
                    (true, _) => "Current",
                    (false, None) => "Not published",
                    (false, Some(_)) => "Older",
                },
                steps: v.steps,
                leads: v.leads,
            })
            .collect(),
        head,
    })
}

/// A change in words.
fn change_row(change: &StepChange, all: &steps::Sequence) -> ChangeRow {
    let text = |step: &Step| match step.email() {
        Some(email) => {
            let more: Vec<_> = email.variants.iter().map(|v| format!("{}\n{}", v.subject, v.body)).collect();
            format!("{}\n{}\n{}\n{}", step.delay, email.subject, email.body, more.join("\n"))
        }
        None => format!("{}\n{}", step.delay, step.name(all)),
    };
    let (word, step, words) = match change {
        StepChange::Added { step } => ("Added", step, vec![('+', text(step))]),
        StepChange::Removed { step } => ("Removed", step, vec![('-', text(step))]),
        StepChange::Moved { step, from } => {
            ("Moved", step, vec![(' ', format!("From place {from} to {}", step.position))])
        }
        StepChange::Changed { before, after } => ("Changed", after, words_of(&text(before), &text(after))),
    };
    ChangeRow { word, name: step.name(all), words }
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
        Audience::Filter { filter } => Some(filter.clone()),
        Audience::Selection => None,
    };
    Ok(Settings {
        may_edit: campaign.lifecycle.state.allows_edit(),
        started: campaign.lifecycle.started_at.is_some(),
        selection: filter.is_none(),
        filter: filter.unwrap_or_default(),
        mailboxes: mailboxes
            .into_iter()
            .map(|m| (m.id.to_string(), m.address.to_string(), campaign.mailboxes.contains(&m.id)))
            .collect(),
        window: campaign.window.clone(),
        rules: campaign.rules,
        version: campaign.version,
        head,
    })
}

/// The launch checklist.
pub async fn launch(slug: &str, id: &str) -> Result<Launch, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let checklist = t.campaigns().checklist(campaign.id).await?;
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
        reached: checklist.reached,
        ready: checklist.checks.iter().all(|c| c.verdict != Judged::Block),
        checks: checklist
            .checks
            .into_iter()
            .map(|c| {
                let fix = c.fix.map(|fix| match fix {
                    FixAt::Settings => format!("{own}/settings"),
                    FixAt::Sequence => format!("{own}/sequence"),
                    FixAt::Mailboxes => format!("{base}/settings/mailboxes"),
                    FixAt::Domains => format!("{base}/settings/domains"),
                    FixAt::Company => format!("{base}/settings/company"),
                    FixAt::Models => format!("{base}/settings/models"),
                });
                LaunchCheck { verdict: c.verdict.to_string(), text: c.message, lines: c.lines, fix }
            })
            .collect(),
        head,
    })
}

/// The settings form as the service takes it.
pub fn settings_input(form: SettingsForm, started: bool) -> Result<domain::campaigns::CampaignInput, AppError> {
    form.into_input(started).map_err(|p| service::Error::invalid(p).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_tracked_has_no_share() {
        let count = VariantCount { variant: 1, sent: 40, replied: 4, ..VariantCount::default() };
        let (label, words) = compared(&count);
        assert_eq!(
            (label.as_str(), words.as_str()),
            ("Variant B", "40 sent · 10.0 % replied (4.0 to 23.1 %) · clicks not tracked")
        );
        // Tracking was turned on after half of them had left.
        let later = VariantCount { tracked_clicks: 20, clicked: 5, ..count };
        assert!(compared(&later).1.contains("25.0 % clicked"), "{}", compared(&later).1);
        let nobody = VariantCount { tracked_clicks: 20, ..count };
        assert!(compared(&nobody).1.contains("0.0 % clicked"), "{}", compared(&nobody).1);
    }

    #[test]
    fn an_entry_of_the_log_names_the_lead() {
        let lead = lead_id("019aa5e0-7c00-7000-8000-000000000001").expect("an id");
        let event = CampaignEvent {
            id: "019aa5e0-7c00-7000-8000-00000000000f".parse().expect("an id"),
            at: DateTime::UNIX_EPOCH,
            kind: "replied".to_owned(),
            actor: "system".to_owned(),
            text: None,
            lead_id: Some(lead),
            lead_name: Some("Ines Albrecht".to_owned()),
            step_id: None,
            mailbox_id: None,
        };
        let row = log_row(event.clone(), "UTC");
        assert_eq!(
            (row.what.as_str(), row.who.as_str(), row.lead),
            ("Replied", "Ines Albrecht", Some(lead.to_string()))
        );
        let row = log_row(CampaignEvent { lead_id: None, lead_name: None, ..event.clone() }, "UTC");
        assert_eq!((row.who.as_str(), row.lead), ("system", None));
        // A webhook answers with numbers, too, and they mean something else.
        for (kind, words) in [("bounced", " · The mailbox is full."), ("webhook_failed", " · 552 5.2.2 Full")] {
            let text = Some("552 5.2.2 Full".to_owned());
            let row = log_row(CampaignEvent { kind: kind.to_owned(), text, ..event.clone() }, "UTC");
            assert_eq!(row.text, words);
        }
    }
}
