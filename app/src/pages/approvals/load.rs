//! What the pages of approvals load: one transaction each.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, DraftId, PageRequest, Permission, Problem,
    campaigns::checks::Verdict as Judged,
    drafts::{
        Draft, DraftCheck, DraftState, Fact, FactSource, QueueFilter, QueuedDraft, Rejection, Writer,
        require_approvable,
    },
};
use service::Tenant;
use similar::{ChangeTag, TextDiff};

use super::{
    decisions::Seen,
    evidence::{Edits, Evidence, Quote},
    forms::Undoable,
    list::{Approvals, DraftLine, Shown},
    passing::{Passing, Sampled},
    review::{Line, Review},
};
use crate::{
    error::AppError,
    fmt::{Moment, dollars, grouped},
    pages::runs::{QuestionList, questions},
    server,
    ui::{CheckItem, Verdict},
};

/// Lines of the queue beside a draft.
const BESIDE: i64 = 30;
/// Lines of each kind where both are shown.
const OF_BOTH: i64 = 20;

/// An id of the path.
pub fn draft_id(text: &str) -> Result<DraftId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("draft").into())
}

/// A time that a form of ours carries.
pub fn moment(text: &str) -> Result<DateTime<Utc>, AppError> {
    let problem = || Problem::field("before", "time_invalid", "Load the page again.");
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(|_| service::Error::invalid(problem()).into())
}

/// Which drafts an address names.
pub fn filter(campaign: &str, writer: &str, flag: &str) -> Result<QueueFilter, AppError> {
    let campaign = match campaign {
        "" => None,
        id => Some(id.parse::<CampaignId>().map_err(|_| AppError::from(service::Error::NotFound("campaign")))?),
    };
    let passes = match flag {
        "passes" => Some(true),
        "held" => Some(false),
        _ => None,
    };
    Ok(QueueFilter { campaign, passes, writer: Writer::parse(writer), stale: flag == "stale" })
}

async fn shown(t: &mut Tenant, kind: &str, filter: &QueueFilter, flag: &str) -> Result<Shown, AppError> {
    let campaign = match filter.campaign {
        Some(id) => Some((id.to_string(), t.campaigns().get(id).await?.name)),
        None => None,
    };
    let flag = if matches!(flag, "passes" | "held" | "stale") { flag.to_owned() } else { String::new() };
    let writer = filter.writer.map(|writer| writer.to_string()).unwrap_or_default();
    Ok(Shown { kind: kind.to_owned(), campaign, writer, flag })
}

/// The decision that an address tells of, while it can be taken back.
async fn undoable(t: &mut Tenant, id: &str) -> Result<Option<Undoable>, AppError> {
    let (Ok(id), true) = (id.parse::<DraftId>(), t.actor().can(Permission::ApproveDrafts)) else { return Ok(None) };
    let queued = match t.drafts().in_queue(id).await {
        Err(service::Error::NotFound(_)) => return Ok(None),
        other => other?,
    };
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    if queued.draft.undo_until().is_none_or(|until| until <= now) {
        return Ok(None);
    }
    let lead = &queued.lead_name;
    let words = match (queued.draft.state, queued.draft.rejection) {
        (DraftState::Approved, _) => {
            let soon = queued.due_at - now < Duration::minutes(1);
            let at = Moment::new(queued.due_at, now, &zone).text;
            format!("Approved. The e-mail to {lead} leaves {}.", if soon { "in a few seconds" } else { &at })
        }
        (_, Some(Rejection::SkipStep)) => format!("Rejected. {lead} does not get this e-mail."),
        _ => format!("Rejected. {lead} leaves the campaign."),
    };
    Ok(Some(Undoable { id: id.to_string(), words }))
}

/// The list.
pub async fn approvals(slug: &str, kind: &str, seen: &Seen, undo: &str, after: &str) -> Result<Approvals, AppError> {
    let filter = filter(&seen.campaign, &seen.writer, &seen.flag)?;
    let after = Some(after.to_owned()).filter(|after| !after.is_empty());
    let page = |of: &str| PageRequest {
        after: after.clone().filter(|_| kind == of),
        per: (kind != of).then_some(OF_BOTH),
        ..PageRequest::default()
    };
    let mut t = server::tenant(slug).await?;
    let shown = shown(&mut t, kind, &filter, &seen.flag).await?;
    let undoable = undoable(&mut t, undo).await?;
    let campaigns = t.drafts().campaigns().await?;
    let queue = t.drafts().queue(&filter, &page("drafts")).await?;
    let count = t.drafts().count(&filter).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let questions = if kind == "drafts" { QuestionList::default() } else { questions(&mut t, &page("runs")).await? };
    t.commit().await?;
    Ok(Approvals {
        shown,
        undoable,
        campaigns: campaigns.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
        later: after.is_some(),
        next: queue.next,
        drafts: queue.items.iter().map(|queued| line(queued, now, &zone)).collect(),
        waiting: count.waiting,
        passing: count.passing,
        oldest: count.oldest_at.map(|at| Moment::new(at, now, &zone)),
        questions,
    })
}

fn line(q: &QueuedDraft, now: DateTime<Utc>, zone: &str) -> DraftLine {
    DraftLine {
        id: q.draft.id.to_string(),
        lead: q.lead_name.clone(),
        account: q.account.clone().unwrap_or_default(),
        subject: q.draft.subject.clone(),
        campaign: (q.campaign.to_string(), q.campaign_name.clone()),
        step: q.step,
        against: against(&q.draft.checks),
        stale: q.stale,
        holder: q.holder.as_ref().map(|holder| holder.name.clone()),
        at: Moment::new(q.draft.created_at, now, zone),
        due: Moment::new(q.due_at, now, zone),
    }
}

/// One draft.
pub async fn review(slug: &str, id: &str, seen: &Seen, undo: &str) -> Result<Review, AppError> {
    let (id, filter) = (draft_id(id)?, filter(&seen.campaign, &seen.writer, &seen.flag)?);
    let mut t = server::tenant(slug).await?;
    t.drafts().open_up(id).await?;
    let undoable = undoable(&mut t, undo).await?;
    let queued = t.drafts().in_queue(id).await?;
    let changed = if queued.draft.state == DraftState::Open { t.drafts().changed(id).await? } else { Vec::new() };
    let place = t.drafts().place(id, &filter).await?;
    let shown = shown(&mut t, "drafts", &filter, &seen.flag).await?;
    let page = PageRequest { per: Some(BESIDE), ..PageRequest::default() };
    let queue = t.drafts().queue(&filter, &page).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let (may_approve, may_edit) = (t.actor().can(Permission::ApproveDrafts), t.actor().can(Permission::EditLeads));
    t.commit().await?;
    let draft = &queued.draft;
    let (used, unused) = facts(draft);
    let number = |id: &String| used.iter().position(|fact| fact.id == *id).map(|at| at + 1);
    let sentences = draft.sentences.iter().map(|sentence| Line {
        text: sentence.text.clone(),
        breaks: sentence.breaks,
        facts: sentence.facts.iter().filter_map(number).collect(),
        unsupported: !sentence.unsupported.is_empty(),
    });
    let quoted = |fact: &&Fact| Quote {
        source: fact.source.label(),
        href: match (fact.source, fact.document) {
            (FactSource::Lead | FactSource::Account | FactSource::Note, _) => {
                Some(format!("/t/{slug}/leads/{}", draft.lead))
            }
            (_, Some(of)) => Some(format!("/t/{slug}/content/documents/{}?version={}", of.id, of.version)),
            _ => None,
        },
        label: fact.label.clone(),
        value: fact.value.clone(),
    };
    let decided = |state: DraftState| {
        let who = draft.decided_by.clone().unwrap_or_default();
        let when = draft.decided_at.map(|at| Moment::new(at, now, &zone).text).unwrap_or_default();
        let why = draft.reason.as_ref().map(|reason| format!(" {reason}")).unwrap_or_default();
        format!("{} by {who}, {when}.{why}", state.label())
    };
    Ok(Review {
        undoable,
        holder: queued.holder.as_ref().map(|h| (h.name.clone(), Moment::exact(h.until, &zone).text)),
        overdue: queued.due_at <= now,
        id: draft.id.to_string(),
        version: draft.version,
        decided: (draft.state != DraftState::Open).then(|| decided(draft.state)),
        lead: (draft.lead.to_string(), queued.lead_name.clone()),
        account: queued.account.clone().unwrap_or_default(),
        score: queued.score,
        email: queued.email.clone().unwrap_or_default(),
        mailbox: queued.mailbox.clone(),
        due: Moment::new(queued.due_at, now, &zone),
        campaign: (queued.campaign.to_string(), queued.campaign_name.clone()),
        step: queued.step,
        subject: draft.subject.clone(),
        body: draft.body.clone(),
        sentences: sentences.collect(),
        checks: checks_of(&draft.checks),
        against: against(&draft.checks),
        complete: require_approvable(&draft.checks, true).is_ok(),
        notice: draft.notice.clone(),
        changed,
        stale: queued.stale && draft.state == DraftState::Open,
        evidence: Evidence {
            used: used.iter().map(quoted).collect(),
            unused: unused.iter().map(quoted).collect(),
            origin: origin(draft, &zone),
            edits: edits(draft),
        },
        may_approve,
        may_edit,
        place: match place.position {
            0 => format!("{} wait", place.of),
            n => format!("{n} of {}", place.of),
        },
        next: place.next.map(|next| shown.at(&format!("/t/{slug}/approvals/{next}"))),
        queue: queue.items.iter().map(|queued| line(queued, now, &zone)).collect(),
        shown,
    })
}

/// The facts that sentences name, in the order of the sentences, and the others.
fn facts(draft: &Draft) -> (Vec<&Fact>, Vec<&Fact>) {
    let mut used: Vec<&Fact> = Vec::new();
    for id in draft.sentences.iter().flat_map(|sentence| &sentence.facts) {
        let known = draft.facts.iter().find(|fact| fact.id == *id);
        used.extend(known.filter(|fact| !used.iter().any(|other| other.id == fact.id)));
    }
    let unused = draft.facts.iter().filter(|fact| !used.iter().any(|other| other.id == fact.id)).collect();
    (used, unused)
}

/// How many checks stand against a draft.
fn against(checks: &[DraftCheck]) -> usize {
    checks.iter().filter(|check| check.verdict == Judged::Block).count()
}

/// The checks with those that stand against the draft first.
pub fn checks_of(checks: &[DraftCheck]) -> Vec<CheckItem> {
    let of = |wanted: Judged| checks.iter().filter(move |check| check.verdict == wanted).map(check);
    of(Judged::Block).chain(of(Judged::Warn)).chain(of(Judged::Pass)).collect()
}

fn check(check: &DraftCheck) -> CheckItem {
    CheckItem {
        verdict: match check.verdict {
            Judged::Pass => Verdict::Pass,
            Judged::Warn => Verdict::Warn,
            Judged::Block => Verdict::Block,
        },
        text: format!("{}. {}", check.label(), check.message),
        detail: String::new(),
        fix: None,
    }
}

fn origin(draft: &Draft, zone: &str) -> Vec<(&'static str, String)> {
    let written = Moment::exact(draft.created_at, zone).text;
    let mut rows = vec![("Written", written), ("Try", draft.revision.to_string())];
    if let Some(origin) = &draft.origin {
        rows.push(match origin.writer {
            Writer::Model => ("Writer", "A language model".to_owned()),
            Writer::BuiltIn => ("Writer", "The built-in writer, from the template".to_owned()),
        });
        rows.push(match origin.prompt_version {
            0 => ("Prompt", "The one of the product".to_owned()),
            n => ("Prompt", format!("Version {n}")),
        });
        if let Some(model) = &origin.model {
            rows.push(("Model", model.clone()));
            rows.push(("Tokens", format!("{} in, {} out", grouped(origin.tokens_in), grouped(origin.tokens_out))));
            rows.push(("Cost", dollars(origin.cost_micros)));
        }
    }
    rows
}

/// What the writer wrote beside what a person has made of it, word by word.
fn edits(draft: &Draft) -> Option<Edits> {
    let original = draft.original.as_ref()?;
    let text = |subject: &str, body: &str| format!("{subject}\n\n{body}");
    let (old, new) = (text(&original.subject, &original.body), text(&draft.subject, &draft.body));
    let words = words_of(&old, &new);
    let by_model = draft.origin.as_ref().is_some_and(|origin| origin.writer == Writer::Model);
    Some(Edits {
        by: draft.edited_by.clone().unwrap_or_default(),
        words,
        title: if by_model { "What the model wrote" } else { "What the built-in writer wrote" },
        original: old,
    })
}

/// What is different in `new`, word by word: `+`, `-` or a space, and the words.
pub fn words_of(old: &str, new: &str) -> Vec<(char, String)> {
    TextDiff::from_words(old, new)
        .iter_all_changes()
        .map(|change| {
            let mark = match change.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
                ChangeTag::Equal => ' ',
            };
            (mark, change.value().to_owned())
        })
        .collect()
}

/// The question about all that pass.
pub async fn passing(slug: &str, campaign: &str, writer: &str) -> Result<Passing, AppError> {
    let filter = filter(campaign, writer, "")?;
    let mut t = server::tenant(slug).await?;
    let now = t.now();
    let count = t.drafts().count(&filter).await?.passing;
    let sample = t.drafts().sample(&filter, now).await?;
    let shown = shown(&mut t, "drafts", &filter, "").await?;
    t.commit().await?;
    Ok(Passing {
        shown,
        count,
        before: now.to_rfc3339(),
        sample: sample
            .into_iter()
            .map(|q| Sampled { lead: q.lead_name, subject: q.draft.subject, body: q.draft.body })
            .collect(),
    })
}
