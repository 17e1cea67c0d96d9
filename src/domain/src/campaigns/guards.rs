//! Guards: when a running campaign pauses by itself, by what came of its newest e-mails.

use serde::{Deserialize, Serialize};

use crate::{
    domains::is_about_policy,
    messages::{MessageState, WORKER_ENDED},
    wire::wire_enum,
    words::{percent, plural, quoted_start},
};

/// Bounces, errors and disbelief are counted among so many e-mails, the newest.
const WINDOW: usize = 200;
/// Complaints are rare, so they are counted among more. As many are asked for at most.
pub const COMPLAINT_WINDOW: i64 = 1000;
/// Fewer e-mails say nothing about shares.
const LEAST: i64 = 30;
/// Bounces in a hundred: when to warn and when to pause.
const BOUNCES: (i64, i64) = (3, 5);
/// E-mails in a hundred that no server has taken, for another reason than their address.
const ERRORS: (i64, i64) = (10, 20);
/// Complaints in a thousand: when to warn, to pause and to let nobody resume. Providers ask for less than one, and
/// nothing helps above three. Fewer e-mails count as a thousand, or the first complaint would pause a small campaign.
const COMPLAINTS: (i64, i64, i64) = (1, 2, 3);
/// E-mails refused for good for reasons of policy: from how many on to warn, to pause, and in a hundred. A sender that
/// is not believed is refused again and again; a recipient who takes nothing from outside is refused once.
const DISBELIEVED: (i64, i64, i64) = (1, 3, 3);

wire_enum! {
    /// What a campaign is guarded against.
    pub enum Guard {
        /// Its e-mails come back.
        Bounces = "bounces",
        /// Recipients tell their providers that it is spam.
        Complaints = "complaints",
        /// Servers do not take its e-mails.
        Errors = "errors",
        /// Receivers do not believe who sends it (SPF, DKIM, DMARC, and the rules of providers).
        Authentication = "authentication",
    }
}

/// What came of one e-mail that was handed over.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// It was handed over after a person last resumed the campaign with an acknowledgement.
    pub is_new: bool,
    /// Where it stands.
    pub state: MessageState,
    /// Its address does not exist, or its server wants nothing from us.
    pub bounced: bool,
    /// Its recipient has told their provider that it is spam.
    pub complained: bool,
    /// What the server said, or why nobody knows.
    pub words: &'a str,
}

/// What came of the newest e-mails of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    sent: i64,
    bounced: i64,
    failed: i64,
    disbelieved: i64,
    complained: i64,
    complained_before: i64,
    failure: String,
    disbelief: String,
}

/// A campaign comes near a limit, or has passed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alarm {
    /// Which limit.
    pub guard: Guard,
    /// It is passed: the campaign pauses. Else this is a warning.
    pub pauses: bool,
    /// The numbers, and what to do.
    pub words: String,
}

impl Outcomes {
    /// Counts e-mails, the newest first.
    pub fn count<'a>(newest_first: impl IntoIterator<Item = Outcome<'a>>) -> Self {
        let mut counted = Self::default();
        for (place, one) in newest_first.into_iter().enumerate() {
            if !one.is_new {
                counted.complained_before += i64::from(one.complained);
                continue;
            }
            counted.complained += i64::from(one.complained);
            if place >= WINDOW {
                continue;
            }
            counted.sent += 1;
            if one.bounced {
                counted.bounced += 1;
                continue;
            }
            // “Later” for reasons of policy is what servers say to everybody whom they do not know yet.
            if one.state == MessageState::Failed && is_about_policy(one.words) {
                counted.disbelieved += 1;
                keep_first(&mut counted.disbelief, one.words);
            } else if matches!(one.state, MessageState::Failed | MessageState::Unknown) && one.words != WORKER_ENDED {
                counted.failed += 1;
                keep_first(&mut counted.failure, one.words);
            }
        }
        counted
    }

    /// So many have complained that nobody may resume the campaign.
    #[must_use]
    pub const fn forbids_resuming(&self) -> bool {
        self.complained + self.complained_before >= COMPLAINTS.2
    }

    /// The gravest of what there is to say. Nothing while all is well.
    #[must_use]
    pub fn alarm(&self) -> Option<Alarm> {
        let all = [self.complaints(), self.authentication(), self.bounces(), self.errors()];
        all.into_iter().flatten().max_by_key(|alarm| alarm.pauses)
    }

    fn complaints(&self) -> Option<Alarm> {
        let guard = Guard::Complaints;
        let all = plural(self.complained + self.complained_before, "complaint", "complaints");
        if self.forbids_resuming() {
            let words = format!(
                "{all} in the last {COMPLAINT_WINDOW} e-mails. At 0.3% providers stop believing a sender, so it cannot be \
                 resumed. Stop it, and write to fewer people, who expect it."
            );
            return Some(Alarm { guard, pauses: true, words });
        }
        if self.complained >= COMPLAINTS.1 {
            let words = format!(
                "{all} in the last {COMPLAINT_WINDOW} e-mails; providers act at 2 to 3. Write to fewer people, who expect \
                 it."
            );
            return Some(Alarm { guard, pauses: true, words });
        }
        (self.complained >= COMPLAINTS.0).then(|| Alarm {
            guard,
            pauses: false,
            words: "A recipient has complained to their provider. The next complaint pauses this campaign.".to_owned(),
        })
    }

    fn authentication(&self) -> Option<Alarm> {
        let pauses = self.disbelieved >= DISBELIEVED.1 && self.disbelieved * 100 > DISBELIEVED.2 * self.sent;
        (self.disbelieved >= DISBELIEVED.0).then(|| {
            let words = format!(
                "{} of the last {} e-mails refused for reasons of policy: receivers do not believe their sender, or want \
                 nothing of the kind: {}. Mend what fails in Settings, Domains; above {}% a campaign pauses.",
                self.disbelieved,
                self.sent,
                quoted_start(&self.disbelief),
                DISBELIEVED.2
            );
            Alarm { guard: Guard::Authentication, pauses, words }
        })
    }

    fn bounces(&self) -> Option<Alarm> {
        let pauses = self.passes(self.bounced, BOUNCES)?;
        let words = format!(
            "{} of the last {} e-mails came back ({}). Above {}% a campaign pauses, because bounces harm every later \
             e-mail. Find out where these addresses come from, and take the others from there out.",
            self.bounced,
            self.sent,
            percent(self.bounced, self.sent),
            BOUNCES.1
        );
        Some(Alarm { guard: Guard::Bounces, pauses, words })
    }

    fn errors(&self) -> Option<Alarm> {
        let pauses = self.passes(self.failed, ERRORS)?;
        let words = format!(
            "{} of the last {} e-mails were not taken, or nobody knows ({}); above {}% a campaign pauses. The addresses are \
             not the reason; the last one: {}. Look at what the servers say under “E-mails”.",
            self.failed,
            self.sent,
            percent(self.failed, self.sent),
            ERRORS.1,
            quoted_start(&self.failure)
        );
        Some(Alarm { guard: Guard::Errors, pauses, words })
    }

    /// Whether a share is above the limit, if it is above the first one.
    fn passes(&self, part: i64, (warn, pause): (i64, i64)) -> Option<bool> {
        let above = |limit| part * 100 > limit * self.sent;
        (self.sent >= LEAST && above(warn)).then(|| above(pause))
    }
}

fn keep_first(kept: &mut String, words: &str) {
    if kept.is_empty() {
        words.clone_into(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Outcome<'static> =
        Outcome { is_new: true, state: MessageState::Sent, bounced: false, complained: false, words: "" };
    const BOUNCED: Outcome<'static> = Outcome { bounced: true, ..SENT };
    const COMPLAINED: Outcome<'static> = Outcome { complained: true, ..SENT };
    const REFUSED: Outcome<'static> = Outcome { state: MessageState::Failed, words: "552 5.3.4 too large", ..SENT };
    const UNKNOWN: Outcome<'static> = Outcome { state: MessageState::Unknown, words: "The worker ended.", ..SENT };
    const DISBELIEVED: Outcome<'static> =
        Outcome { state: MessageState::Failed, words: "550 5.7.26 unauthenticated", ..SENT };

    fn outcomes(parts: &[(usize, Outcome<'static>)]) -> Outcomes {
        Outcomes::count(parts.iter().flat_map(|(n, one)| std::iter::repeat_n(*one, *n)))
    }

    fn alarm(parts: &[(usize, Outcome<'static>)]) -> Option<(Guard, bool)> {
        outcomes(parts).alarm().map(|alarm| (alarm.guard, alarm.pauses))
    }

    #[test]
    fn bounces_warn_above_three_and_pause_above_five_in_a_hundred() {
        assert_eq!(alarm(&[(6, BOUNCED), (194, SENT)]), None);
        assert_eq!(alarm(&[(7, BOUNCED), (193, SENT)]), Some((Guard::Bounces, false)));
        assert_eq!(alarm(&[(10, BOUNCED), (190, SENT)]), Some((Guard::Bounces, false)), "exactly five");
        assert_eq!(alarm(&[(11, BOUNCED), (189, SENT)]), Some((Guard::Bounces, true)));
        assert_eq!(alarm(&[(29, BOUNCED)]), None, "too few to say");
        assert_eq!(alarm(&[(200, SENT), (50, BOUNCED)]), None, "long ago");
        let words = outcomes(&[(11, BOUNCED), (189, SENT)]).alarm().map(|alarm| alarm.words);
        assert!(words.is_some_and(|words| words.starts_with("11 of the last 200 e-mails came back (5.5%).")));
    }

    #[test]
    fn the_second_complaint_pauses_and_the_third_lets_nobody_resume() {
        assert_eq!(alarm(&[(1, COMPLAINED), (5, SENT)]), Some((Guard::Complaints, false)));
        assert_eq!(alarm(&[(1, COMPLAINED), (900, SENT), (1, COMPLAINED)]), Some((Guard::Complaints, true)));
        let old = Outcome { is_new: false, ..COMPLAINED };
        assert_eq!(alarm(&[(5, SENT), (2, old)]), None, "somebody has read of them");
        assert!(!outcomes(&[(5, SENT), (2, old)]).forbids_resuming());
        assert!(outcomes(&[(1, COMPLAINED), (2, old)]).forbids_resuming());
        assert_eq!(alarm(&[(1, COMPLAINED), (2, old)]), Some((Guard::Complaints, true)));
    }

    #[test]
    fn refusals_for_the_sender_s_sake_pause_from_the_third_on() {
        assert_eq!(alarm(&[(2, DISBELIEVED)]), Some((Guard::Authentication, false)));
        assert_eq!(alarm(&[(3, DISBELIEVED), (90, SENT)]), Some((Guard::Authentication, true)));
        assert_eq!(alarm(&[(6, DISBELIEVED), (194, SENT)]), Some((Guard::Authentication, false)), "exactly three");
        let later = Outcome { state: MessageState::Deferred, words: "451 4.7.1 greylisted", ..SENT };
        assert_eq!(alarm(&[(30, later)]), None, "it is tried again");
        let bounced = Outcome { bounced: true, state: MessageState::Failed, words: "550 5.7.1 no", ..SENT };
        assert_eq!(alarm(&[(3, bounced), (190, SENT)]), None, "a bounce is a bounce");
        let sent = Outcome { words: "250 2.0.0 ok 5.7.1", ..SENT };
        assert_eq!(alarm(&[(3, sent)]), None, "it was taken");
    }

    #[test]
    fn what_servers_do_not_take_warns_above_ten_and_pauses_above_twenty_in_a_hundred() {
        assert_eq!(alarm(&[(10, REFUSED), (90, SENT)]), None);
        assert_eq!(alarm(&[(6, REFUSED), (5, UNKNOWN), (89, SENT)]), Some((Guard::Errors, false)));
        assert_eq!(alarm(&[(11, REFUSED), (10, UNKNOWN), (79, SENT)]), Some((Guard::Errors, true)));
        let killed = Outcome { words: WORKER_ENDED, ..UNKNOWN };
        assert_eq!(alarm(&[(30, killed), (70, SENT)]), None, "the fault is ours");
        let words = outcomes(&[(21, REFUSED), (79, SENT)]).alarm().map(|alarm| alarm.words).unwrap_or_default();
        assert!(words.contains("“552 5.3.4 too large”"), "{words}");
    }

    #[test]
    fn what_pauses_is_told_before_what_warns() {
        assert_eq!(alarm(&[(1, COMPLAINED), (30, BOUNCED), (70, SENT)]), Some((Guard::Bounces, true)));
    }
}
