//! Whether a mailbox may go on sending, by what came back of what it has sent.

use serde::{Deserialize, Serialize};

use crate::words::{percent, plural};

/// Bounces are counted among so many e-mails, the newest.
pub const BOUNCE_WINDOW: i64 = 100;
/// Fewer e-mails say nothing about bounces.
const LEAST: i64 = 30;
/// The most bounces in a hundred. Providers begin to distrust a sender at about this share.
const MOST_BOUNCES: i64 = 2;
/// Complaints are rare, so they are counted among more; fewer e-mails count as so many, or the first complaint of a
/// small mailbox would stop it.
pub const COMPLAINT_WINDOW: i64 = 1000;
/// In a thousand: providers ask for less than one, and act at three.
const WARN_COMPLAINTS: i64 = 1;
const MOST_COMPLAINTS: i64 = 2;

/// What came back of the e-mails of a mailbox, since a person last resumed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// E-mails among which bounces are counted: the last hundred, or fewer.
    pub sent: i64,
    /// Of these: their address does not exist, or its server wants nothing from us.
    pub bounced: i64,
    /// Of the last thousand: the recipient has told their provider that it is spam.
    pub complained: i64,
}

/// What follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It may go on.
    Good,
    /// It may go on; this should be looked at.
    Worrying(String),
    /// It must not go on, and this is why.
    Bad(String),
}

impl Health {
    /// What follows from it.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        let Self { sent, bounced, complained } = *self;
        if sent >= LEAST && bounced * 100 > MOST_BOUNCES * sent {
            return Outlook::Bad(format!(
                "{bounced} of the last {sent} e-mails came back ({}); more than {MOST_BOUNCES}% harm every later one. \
                 Find out where these addresses come from, and remove the others from there.",
                percent(bounced, sent)
            ));
        }
        if complained >= MOST_COMPLAINTS {
            return Outlook::Bad(format!(
                "{} in the last {COMPLAINT_WINDOW} e-mails; providers act at {MOST_COMPLAINTS} to 3. Write to fewer \
                 people, who expect it.",
                plural(complained, "complaint", "complaints")
            ));
        }
        if complained >= WARN_COMPLAINTS {
            let words = "A recipient has complained to their provider. The next complaint pauses this mailbox.";
            return Outlook::Worrying(words.to_owned());
        }
        if bounced > 0 && bounced * 100 >= MOST_BOUNCES * sent {
            let words = format!("{bounced} of the last {sent} e-mails came back. Above {MOST_BOUNCES}% it pauses.");
            return Outlook::Worrying(words);
        }
        Outlook::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlook(sent: i64, bounced: i64, complained: i64) -> Outlook {
        Health { sent, bounced, complained }.outlook()
    }

    #[test]
    fn more_than_two_bounces_in_a_hundred_are_bad_and_few_mails_say_nothing() {
        assert_eq!(outlook(100, 0, 0), Outlook::Good);
        assert_eq!(outlook(100, 1, 0), Outlook::Good);
        assert!(matches!(outlook(100, 2, 0), Outlook::Worrying(_)), "exactly two");
        assert!(matches!(outlook(29, 29, 0), Outlook::Worrying(_)));
        assert!(matches!(outlook(30, 1, 0), Outlook::Bad(_)), "3.3%");
        let Outlook::Bad(words) = outlook(100, 3, 0) else { panic!("it goes on") };
        assert!(words.starts_with("3 of the last 100 e-mails came back (3.0%)"), "{words}");
    }

    #[test]
    fn the_second_complaint_is_bad() {
        assert!(matches!(outlook(5, 0, 1), Outlook::Worrying(_)));
        assert!(matches!(outlook(1, 0, 2), Outlook::Bad(_)));
    }
}
