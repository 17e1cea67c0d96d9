//! What the log of a campaign shows.

use std::collections::HashMap;

use domain::{
    PageRequest, Permission, StepId,
    campaigns::{Campaign, CampaignEvent, EventFilter, event_label},
    mailboxes::Mailbox,
    messages::meaning,
    steps::{Sequence, Step},
    words::sentence,
};
use service::campaigns::log::LogEntry;

use super::{load_head, shortened};
use crate::{
    error::AppError,
    fmt::Moment,
    pages::{
        campaigns::log::{CampaignLog, Entry},
        filters::{Condition, given, pairs},
    },
    server,
};

/// A kind of entry in words; one of a later version as it stands.
pub fn words_of(kind: &str) -> String {
    event_label(kind).unwrap_or(kind).to_owned()
}

/// What else is told. The answer of a mail server is said in words of ours; its own stand in the record.
pub fn text_of(event: &CampaignEvent) -> Option<&str> {
    let text = event.text.as_deref()?;
    let is_answer = matches!(event.kind.as_str(), "bounced" | "mailbox_refused");
    Some(meaning(text).filter(|_| is_answer).unwrap_or(text))
}

/// What an address asks for. What is none of ours asks for nothing.
pub fn filter_of(pairs: &[(String, String)]) -> EventFilter {
    let text = |name: &str| Some(given(pairs, name)).filter(|value| !value.trim().is_empty());
    EventFilter {
        kind: text("f.kind.is").filter(|kind| event_label(kind).is_some()),
        step: text("f.step.is").and_then(|id| id.parse().ok()),
        mailbox: text("f.mailbox.is").and_then(|id| id.parse().ok()),
        lead: text("f.lead.has"),
    }
}

/// A page of it.
pub async fn page(slug: &str, id: &str, query: &str) -> Result<CampaignLog, AppError> {
    let asked = pairs(query);
    let (filter, after) = (filter_of(&asked), given(&asked, "after"));
    let request = PageRequest { after: Some(after.clone()).filter(|a| !a.is_empty()), ..PageRequest::default() };
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let entries = t.campaigns().log_entries(campaign.id, &filter, &request).await?;
    // Those that leads get; what is being edited has sent nothing.
    let sequence = t.campaigns().version(campaign.id, campaign.sequence_version).await?;
    let mailboxes = t.mailboxes().list().await?;
    let may_download = t.actor().can(Permission::RunCampaigns);
    let zone = t.actor().time_zone().to_owned();
    t.commit().await?;
    let steps = steps_of(&sequence);
    let names: HashMap<_, _> = steps.iter().cloned().collect();
    let mailboxes = mailboxes_of(&campaign, mailboxes);
    let steps: Vec<_> = steps.into_iter().map(|(id, name)| (id.to_string(), name)).collect();
    Ok(CampaignLog {
        base: format!("/t/{slug}/campaigns/{}/log", campaign.id),
        conditions: conditions(&filter, &steps, &mailboxes),
        head,
        steps,
        mailboxes,
        may_download,
        next: entries.next,
        later: !after.is_empty(),
        entries: entries.items.into_iter().map(|one| entry(one, &names, &zone)).collect(),
    })
}

fn steps_of(sequence: &Sequence) -> Vec<(StepId, String)> {
    let name = |step: &Step| format!("{} · {}", step.position, shortened(step.name(sequence)));
    sequence.steps().iter().map(|step| (step.id, name(step))).collect()
}

fn mailboxes_of(campaign: &Campaign, all: Vec<Mailbox>) -> Vec<(String, String)> {
    let own = all.into_iter().filter(|mailbox| campaign.mailboxes.contains(&mailbox.id));
    own.map(|mailbox| (mailbox.id.to_string(), mailbox.address.to_string())).collect()
}

/// The filters in force, as chips show them.
fn conditions(filter: &EventFilter, steps: &[(String, String)], mailboxes: &[(String, String)]) -> Vec<Condition> {
    let named = |all: &[(String, String)], id: &str, other: &str| {
        all.iter().find(|(known, _)| known == id).map_or_else(|| other.to_owned(), |(_, name)| name.clone())
    };
    let is = |key, field, value: String, words| Condition { key, value, field, operator: "is", words };
    let kind = filter.kind.clone().map(|kind| {
        let words = words_of(&kind);
        is("f.kind.is", "What happened", kind, words)
    });
    let step = filter.step.map(|id| {
        let words = named(steps, &id.to_string(), "an earlier step");
        is("f.step.is", "Step", id.to_string(), words)
    });
    let mailbox = filter.mailbox.map(|id| {
        let words = named(mailboxes, &id.to_string(), "another mailbox");
        is("f.mailbox.is", "Mailbox", id.to_string(), words)
    });
    let lead = filter.lead.clone().map(|words| Condition {
        key: "f.lead.has",
        value: words.clone(),
        field: "Lead",
        operator: "has",
        words,
    });
    [kind, step, mailbox, lead].into_iter().flatten().collect()
}

/// An entry as it is shown. That an e-mail left says its step in a column of its own.
fn entry(entry: LogEntry, steps: &HashMap<StepId, String>, zone: &str) -> Entry {
    let LogEntry { event, mailbox, record, .. } = entry;
    let known = event.step_id.and_then(|id| steps.get(&id));
    let other = if event.step_id.is_some() { "An earlier step" } else { "" };
    let text = text_of(&event).filter(|_| event.kind != "sent" || known.is_none()).unwrap_or_default().to_owned();
    Entry {
        at: Moment::second(event.at, zone),
        what: words_of(&event.kind),
        step: known.cloned().unwrap_or_else(|| other.to_owned()),
        mailbox: mailbox.unwrap_or_default(),
        lead: event.lead_id.map(|id| id.to_string()).zip(event.lead_name),
        who: sentence(&event.actor),
        text,
        record: format!("{record:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_asks_for_what_there_is() {
        let step = "019aa5e0-7c00-7000-8000-000000000001";
        let asked = pairs(&format!("?f.kind.is=bounced&f.step.is={step}&f.mailbox.is=none&f.lead.has=ines+a"));
        let filter = filter_of(&asked);
        assert_eq!(filter.kind.as_deref(), Some("bounced"));
        assert_eq!(filter.step.map(|id| id.to_string()).as_deref(), Some(step));
        assert_eq!((filter.mailbox, filter.lead.as_deref()), (None, Some("ines a")));
        assert_eq!(filter_of(&pairs("f.kind.is=teleported&f.lead.has=+")), EventFilter::default());

        let chips = conditions(&filter, &[(step.to_owned(), "1 · Hello".to_owned())], &[]);
        let words = chips.iter().map(|chip| format!("{} {} {}", chip.field, chip.operator, chip.words));
        let words: Vec<_> = words.collect();
        assert_eq!(words, ["What happened is E-mail refused", "Step is 1 · Hello", "Lead has ines a"]);
    }
}
