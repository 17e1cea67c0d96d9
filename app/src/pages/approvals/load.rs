//! What the pages of approvals load: one transaction each.

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, DraftId, PageRequest, Permission, Problem,
    campaigns::checks::Verdict as Judged,
    drafts::{Draft, DraftCheck, DraftState, Fact, QueueFilter, QueuedDraft},
};
use service::Tenant;
use similar::{ChangeTag, TextDiff};

use super::{
    evidence::Evidence,
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
pub fn filter(campaign: &str, flag: &str) -> Result<QueueFilter, AppError> {
    let campaign = match campaign {
        "" => None,
        id => Some(id.parse::<CampaignId>().map_err(|_| AppError::from(service::Error::NotFound("campaign")))?),
    };
    let passes = match flag {
        "passes" => Some(true),
        "held" => Some(false),
        _ => None,
    };
    Ok(QueueFilter { campaign, passes })
}

/// Where a person goes on after a decision.
pub fn after_decision(slug: &str, next: Option<DraftId>, campaign: &str, flag: &str) -> String {
    let next = next.map(|id| format!("/{id}")).unwrap_or_default();
    format!("/t/{slug}/approvals{next}?campaign={campaign}&flag={flag}")
}

async fn shown(t: &mut Tenant, kind: &str, filter: &QueueFilter, flag: &str) -> Result<Shown, AppError> {
    let campaign = match filter.campaign {
        Some(id) => Some((id.to_string(), t.campaigns().get(id).await?.name)),
        None => None,
    };
    let flag = if matches!(flag, "passes" | "held") { flag.to_owned() } else { String::new() };
    Ok(Shown { kind: kind.to_owned(), campaign, flag })
}

/// The list.
pub async fn approvals(slug: &str, kind: &str, campaign: &str, flag: &str, after: &str) -> Result<Approvals, AppError> {
    let filter = filter(campaign, flag)?;
    let after = Some(after.to_owned()).filter(|after| !after.is_empty());
    let page = |of: &str| PageRequest {
        after: after.clone().filter(|_| kind == of),
        per: (kind != of).then_some(OF_BOTH),
        ..PageRequest::default()
    };
    let mut t = server::tenant(slug).await?;
    let shown = shown(&mut t, kind, &filter, flag).await?;
    let queue = t.drafts().queue(&filter, &page("drafts")).await?;
    let count = t.drafts().count(&filter).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let questions = if kind == "drafts" { QuestionList::default() } else { questions(&mut t, &page("runs")).await? };
    t.commit().await?;
    Ok(Approvals {
        shown,
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
        against: q.draft.checks.iter().filter(|check| check.verdict == Judged::Block).count(),
        stale: q.stale,
        at: Moment::new(q.draft.created_at, now, zone),
        due: Moment::new(q.due_at, now, zone),
    }
}

/// One draft.
pub async fn review(slug: &str, id: &str, campaign: &str, flag: &str) -> Result<Review, AppError> {
    let (id, filter) = (draft_id(id)?, filter(campaign, flag)?);
    let mut t = server::tenant(slug).await?;
    let queued = t.drafts().in_queue(id).await?;
    let changed = if queued.draft.state == DraftState::Open { t.drafts().changed(id).await? } else { Vec::new() };
    let place = t.drafts().place(id, &filter).await?;
    let shown = shown(&mut t, "drafts", &filter, flag).await?;
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
    let quoted = |fact: &&Fact| (fact.source.label(), fact.label.clone(), fact.value.clone());
    let decided = |state: DraftState| {
        let who = draft.decided_by.clone().unwrap_or_default();
        let when = draft.decided_at.map(|at| Moment::new(at, now, &zone).text).unwrap_or_default();
        format!("{} by {who}, {when}.", state.label())
    };
    Ok(Review {
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
        checks: draft.checks.iter().map(check).collect(),
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

fn check(check: &DraftCheck) -> CheckItem {
    CheckItem {
        verdict: match check.verdict {
            Judged::Pass => Verdict::Pass,
            Judged::Warn => Verdict::Warn,
            Judged::Block => Verdict::Block,
        },
        text: check.message.clone(),
        detail: String::new(),
        fix: None,
    }
}

fn origin(draft: &Draft, zone: &str) -> Vec<(&'static str, String)> {
    let written = Moment::exact(draft.created_at, zone).text;
    let mut rows = vec![("Written", written), ("Try", draft.revision.to_string())];
    if let Some(origin) = &draft.origin {
        rows.push(match origin.writer {
            domain::drafts::Writer::Model => ("Writer", "A language model".to_owned()),
            domain::drafts::Writer::BuiltIn => ("Writer", "The built-in writer, from the template".to_owned()),
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

/// What the writer wrote beside what a person has made of it.
fn edits(draft: &Draft) -> Vec<(char, String)> {
    let Some(original) = &draft.original else { return Vec::new() };
    let text = |subject: &str, body: &str| format!("Subject: {subject}\n\n{body}\n");
    let (old, new) = (text(&original.subject, &original.body), text(&draft.subject, &draft.body));
    TextDiff::from_lines(&old, &new)
        .iter_all_changes()
        .map(|change| {
            let mark = match change.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
                ChangeTag::Equal => ' ',
            };
            (mark, change.value().trim_end_matches('\n').to_owned())
        })
        .collect()
}

/// The question about all that pass.
pub async fn passing(slug: &str, campaign: &str) -> Result<Passing, AppError> {
    let filter = filter(campaign, "")?;
    let mut t = server::tenant(slug).await?;
    let now = t.now();
    let count = t.drafts().count(&filter).await?.passing;
    let sample = t.drafts().sample(filter.campaign, now).await?;
    let shown = shown(&mut t, "drafts", &filter, "").await?;
    t.commit().await?;
    Ok(Passing {
        campaign: shown.campaign,
        count,
        before: now.to_rfc3339(),
        sample: sample
            .into_iter()
            .map(|q| Sampled { lead: q.lead_name, subject: q.draft.subject, body: q.draft.body })
            .collect(),
    })
}
