//! What a simulation was made of. It is out of date when that is otherwise now.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    MailboxId,
    campaigns::{Audience, Rules},
    mailboxes::RecipientLimits,
    steps::{Sequence, difference},
    window::SendingWindow,
    wire::wire_enum,
    words::sentence,
};

wire_enum! {
    /// What a simulation is made of.
    pub enum SimulationPart {
        /// The steps, and which version of them new leads get.
        Steps = "steps",
        /// The sending window and the rules.
        Settings = "settings",
        /// Whom the campaign is for.
        Audience = "audience",
        /// Who sends, and how much.
        Mailboxes = "mailboxes",
    }
}

impl SimulationPart {
    /// What people call it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Steps => "the steps",
            Self::Settings => "the settings",
            Self::Audience => "the audience",
            Self::Mailboxes => "the mailboxes",
        }
    }

    /// What has changed, in a sentence; none when that is nothing.
    #[must_use]
    pub fn sentence(changed: &[Self]) -> Option<String> {
        let (last, others) = changed.split_last()?;
        let names = match others {
            [] => last.label().to_owned(),
            others => {
                let others: Vec<_> = others.iter().map(|part| part.label()).collect();
                format!("{} and {}", others.join(", "), last.label())
            }
        };
        let verb = if changed == [Self::Audience] { "has" } else { "have" };
        Some(format!("{} {verb} changed since it was made.", sentence(&names)))
    }
}

/// What a simulation was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The steps as they are being edited.
    pub steps: Sequence,
    /// The version that new leads get.
    pub version: i32,
    /// Whom the campaign is for.
    pub audience: Audience,
    /// How many those are.
    pub audience_size: i64,
    /// When it may send.
    pub window: SendingWindow,
    /// Who is left out, and what breaks and answers do.
    pub rules: Rules,
    /// The mailboxes of the campaign, in its order.
    pub mailboxes: Vec<SendingMailbox>,
    /// The most e-mails to one domain.
    pub limits: RecipientLimits,
}

/// A mailbox as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendingMailbox {
    /// Which.
    pub id: MailboxId,
    /// It is connected.
    pub is_connected: bool,
    /// New leads are given to it.
    pub takes_leads: bool,
    /// The most e-mails in 24 hours.
    pub daily_cap: i32,
    /// Since when its cap grows, while it does.
    pub ramp_from: Option<DateTime<Utc>>,
    /// Seconds between two e-mails, at least and at most.
    pub gaps: (i32, i32),
}

impl Basis {
    /// What is otherwise `now`.
    #[must_use]
    pub fn changed(&self, now: &Self) -> Vec<SimulationPart> {
        let steps = self.version != now.version || !difference(&self.steps, &now.steps).is_empty();
        [
            (steps, SimulationPart::Steps),
            (self.window != now.window || self.rules != now.rules, SimulationPart::Settings),
            (self.audience != now.audience || self.audience_size != now.audience_size, SimulationPart::Audience),
            (self.mailboxes != now.mailboxes || self.limits != now.limits, SimulationPart::Mailboxes),
        ]
        .into_iter()
        .filter_map(|(is_otherwise, part)| is_otherwise.then_some(part))
        .collect()
    }

    /// Whether an edit of the campaign lies between this and `now`. The steps of one that has started do not count:
    /// what is edited there waits to be published.
    #[must_use]
    pub fn was_edited(&self, now: &Self, has_started: bool) -> bool {
        self.window != now.window
            || self.rules != now.rules
            || self.audience != now.audience
            || !self.senders().eq(now.senders())
            || !has_started && !difference(&self.steps, &now.steps).is_empty()
    }

    /// The mailboxes of the campaign.
    pub fn senders(&self) -> impl Iterator<Item = MailboxId> {
        self.mailboxes.iter().map(|mailbox| mailbox.id)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::steps::Step;

    fn basis() -> Basis {
        let mailbox = SendingMailbox {
            id: MailboxId(Uuid::from_u128(1)),
            is_connected: true,
            takes_leads: true,
            daily_cap: 50,
            ramp_from: None,
            gaps: (60, 300),
        };
        Basis {
            steps: Sequence::of(vec![Step::example()]),
            version: 1,
            audience: Audience::Selection,
            audience_size: 10,
            window: SendingWindow::default(),
            rules: Rules::default(),
            mailboxes: vec![mailbox],
            limits: RecipientLimits::default(),
        }
    }

    #[test]
    fn what_has_changed_is_named() {
        let otherwise = |change: fn(&mut Basis)| {
            let mut now = basis();
            change(&mut now);
            basis().changed(&now)
        };
        assert_eq!(otherwise(|_| ()), []);
        assert_eq!(otherwise(|b| b.version = 2), [SimulationPart::Steps]);
        assert_eq!(otherwise(|b| b.steps = Sequence::default()), [SimulationPart::Steps]);
        assert_eq!(otherwise(|b| b.window = SendingWindow::always()), [SimulationPart::Settings]);
        assert_eq!(otherwise(|b| b.audience_size = 11), [SimulationPart::Audience]);
        assert_eq!(otherwise(|b| b.mailboxes[0].daily_cap = 5), [SimulationPart::Mailboxes]);
        assert_eq!(otherwise(|b| b.limits.per_day = Some(4)), [SimulationPart::Mailboxes]);
    }

    #[test]
    fn what_has_changed_is_a_sentence() {
        use SimulationPart as P;
        let told: [(&[P], Option<&str>); 4] = [
            (&[], None),
            (&[P::Audience], Some("The audience has changed since it was made.")),
            (&[P::Steps, P::Audience], Some("The steps and the audience have changed since it was made.")),
            (P::ALL, Some("The steps, the settings, the audience and the mailboxes have changed since it was made.")),
        ];
        for (changed, words) in told {
            assert_eq!(P::sentence(changed).as_deref(), words);
        }
    }

    #[test]
    fn a_step_that_was_saved_as_it_was_has_not_changed() {
        let mut now = basis();
        now.steps.replace(Step { version: 2, ..Step::example() });
        assert_eq!(basis().changed(&now), []);
    }

    #[test]
    fn only_an_edit_of_the_campaign_is_an_edit() {
        let mut now = basis();
        (now.audience_size, now.mailboxes[0].daily_cap) = (11, 5);
        assert!(!basis().was_edited(&now, false), "nobody has edited the campaign");
        now.steps = Sequence::default();
        assert!(basis().was_edited(&now, false) && !basis().was_edited(&now, true));
        now.mailboxes.clear();
        assert!(basis().was_edited(&now, true));
    }

    #[test]
    fn it_comes_back_from_where_it_is_kept() {
        let kept = serde_json::to_value(basis()).expect("JSON");
        assert_eq!(serde_json::from_value::<Basis>(kept).expect("and back"), basis());
    }
}
