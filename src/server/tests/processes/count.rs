//! What became of everybody, counted from outside: at the mail server, and in the ledger beside it.
//!
//! The promise is that nobody is mailed twice and nobody is lost: whoever is called sent has the e-mail, and whoever
//! has none is told of with a reason. What nobody can know is called unknown, never sent and never failed.

use std::collections::BTreeMap;

use domain::campaigns::CampaignState;
use testing::Ending;

use crate::{house::House, sink::Sink, story::Story};

/// States of a campaign in which nothing more is to come.
const OVER: [CampaignState; 2] = [CampaignState::Completed, CampaignState::Stopped];

/// Ends of an enrolment that are a reason by themselves.
const SAYS_WHY: [&str; 4] = ["replied", "bounced", "unsubscribed", "suppressed"];

/// One audience, counted.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// Who was to be written to.
    pub leads: usize,
    /// Who has an e-mail.
    pub mailed: usize,
    /// E-mails by their state.
    pub sent: usize,
    pub unknown: usize,
    /// Those of which the server knows more than we do.
    pub unknown_mailed: usize,
    pub failed: usize,
    /// Not begun, because the lead or the campaign had ended.
    pub cancelled: usize,
    /// E-mails too many.
    pub twice: usize,
    /// Leads about whom the ledger says nothing, or what is not so.
    pub lost: usize,
    /// Leads, e-mails and campaigns that wait though nothing is left to wait for.
    pub stuck: usize,
    /// Each promise that does not hold.
    pub broken: Vec<String>,
}

impl Count {
    /// Counts a campaign of one step that should be over.
    pub async fn of(house: &House, sink: &Sink, story: &Story<'_>) -> Self {
        let endings = testing::endings(&house.superuser(), story.campaign).await;
        let mut mails = sink.mails();
        mails.retain(|to, _| story.writes_to(to));
        let mut count = Self { leads: story.leads, ..Self::judge(story.leads, &endings, &mails) };
        let ledger = story.ledger().await;
        if ledger.audience != story.leads as i64 || ledger.enrolling != 0 {
            count.broken.push(format!("the ledger has {} of {} leads", ledger.sum(), story.leads));
        }
        let state = story.state().await;
        if !OVER.contains(&state) {
            count.stuck += 1;
            count.broken.push(format!("the campaign is {state}"));
        }
        count
    }

    /// Holds endings and e-mails together.
    pub fn judge(leads: usize, endings: &[Ending], mails: &BTreeMap<String, usize>) -> Self {
        let mut count = Self { mailed: mails.len(), ..Self::default() };
        let mut known = BTreeMap::new();
        for ending in endings {
            let message = ending.message.as_deref();
            let has_mail = ending.address.as_ref().is_some_and(|to| mails.contains_key(to));
            let wrong = match message {
                Some("sent") => {
                    count.sent += 1;
                    (!has_mail).then_some("is called sent and has no e-mail")
                }
                Some("unknown") => {
                    count.unknown += 1;
                    count.unknown_mailed += usize::from(has_mail);
                    None
                }
                Some("failed") => {
                    count.failed += 1;
                    has_mail.then_some("is called failed and has the e-mail")
                }
                Some("cancelled") | None => {
                    count.cancelled += 1;
                    has_mail.then_some("is called cancelled and has the e-mail")
                }
                Some(_) => None,
            };
            if let Some(wrong) = wrong {
                count.lost += 1;
                count.broken.push(format!("{:?} {wrong}", ending.address));
            }
            if ending.is_open || matches!(message, Some("scheduled" | "claimed" | "sending" | "deferred" | "held")) {
                count.stuck += 1;
                count.broken.push(format!("{:?} waits: {} {message:?}", ending.address, ending.place));
            } else if message != Some("sent") && ending.reason.is_none() && !SAYS_WHY.contains(&ending.place.as_str()) {
                count.lost += 1;
                count.broken.push(format!("{:?} has ended without a reason: {}", ending.address, ending.place));
            }
            if let Some(to) = &ending.address {
                known.insert(to.as_str(), message);
            }
        }
        for (to, times) in mails {
            if *times > 1 {
                count.twice += times - 1;
                count.broken.push(format!("{to} has it {times} times"));
            }
            if !known.contains_key(to.as_str()) {
                count.lost += 1;
                count.broken.push(format!("{to} has an e-mail of which the ledger does not know"));
            }
        }
        if endings.len() != leads {
            count.lost += leads.abs_diff(endings.len());
            count.broken.push(format!("{} of {leads} leads have an ending", endings.len()));
        }
        count
    }
}
