//! The e-mail of a step: its words, who writes them, and the variants that are compared.

use serde::{Deserialize, Serialize};

use crate::{
    Problem,
    template::{self, Part},
    window::SendingWindow,
    wire::wire_enum,
};

/// The most variants of one e-mail, the first included.
pub const MAX_VARIANTS: usize = 4;
/// Fewer e-mails of a variant than this decide nothing.
pub const MIN_SENDS: i32 = 100;

wire_enum! {
    /// How the e-mails of a step come about.
    pub enum Writing {
        /// The template is filled in.
        Template = "template",
        /// Each one is written for its lead, and somebody approves it.
        Approve = "approve",
        /// Each one is written for its lead; it leaves by itself when every check passes.
        Auto = "auto",
    }
}

impl Writing {
    /// Whether an e-mail needs a draft before it can be sent.
    #[must_use]
    pub const fn needs_draft(self) -> bool {
        matches!(self, Self::Approve | Self::Auto)
    }

    /// What people choose.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Template => "Fixed text",
            Self::Approve => "AI writes each, I approve",
            Self::Auto => "AI writes each, sends if all checks pass, else I approve",
        }
    }
}

wire_enum! {
    /// Where an e-mail stands in the mail program of the recipient.
    pub enum Thread {
        /// As a new conversation.
        New = "new",
        /// As an answer to the e-mail before it, under its subject.
        Reply = "reply",
    }
}

wire_enum! {
    /// What decides between variants.
    pub enum WinBy {
        /// Nothing: all go on with their shares.
        Nobody = "nobody",
        /// Answers of people.
        Replies = "replies",
        /// Links that people have opened.
        Clicks = "clicks",
    }
}

impl WinBy {
    /// What people choose.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Nobody => "No winner, keep the split",
            Self::Replies => "Most replies",
            Self::Clicks => "Most clicks",
        }
    }
}

/// When one variant gets all the e-mails that are still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct WinnerRule {
    /// By what.
    pub by: WinBy,
    /// E-mails that each variant must have sent first, at least 100.
    pub min_sends: i32,
    /// How sure it must be, in percent: 80 to 99.
    pub confidence: i32,
}

impl Default for WinnerRule {
    fn default() -> Self {
        Self { by: WinBy::Nobody, min_sends: MIN_SENDS, confidence: 95 }
    }
}

/// Another wording of the same e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Subject, with variables.
    pub subject: String,
    /// Body as plain text, with variables.
    pub body: String,
    /// How many of a hundred leads get it, 1 to 99.
    pub share: i32,
}

/// An e-mail as it is entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Email {
    /// Subject, with variables.
    pub subject: String,
    /// Body as plain text, with variables.
    pub body: String,
    /// How its e-mails come about. Unless they are templates, subject and body are what the built-in writer
    /// fills in, and may be empty.
    pub writing: Writing,
    /// What the writer is told.
    pub instructions: String,
    /// Documents that the writer may quote: collections, or single ones as collection/key.
    pub sources: Vec<String>,
    /// Whether it answers the e-mail before it.
    pub thread: Thread,
    /// When it may leave, if that is not the window of the campaign.
    pub window: Option<SendingWindow>,
    /// Other wordings: variants B, C and D. What they leave of the hundred is the share of A, which is `subject`
    /// and `body`.
    pub variants: Vec<Variant>,
    /// When one of them gets all the rest.
    pub winner: WinnerRule,
}

impl Default for Email {
    fn default() -> Self {
        Self {
            subject: String::new(),
            body: String::new(),
            writing: Writing::Template,
            instructions: String::new(),
            sources: Vec::new(),
            thread: Thread::New,
            window: None,
            variants: Vec::new(),
            winner: WinnerRule::default(),
        }
    }
}

impl Email {
    /// Subject and body of a variant: 0 is A. One that is gone reads as A.
    #[must_use]
    pub fn wording(&self, variant: i16) -> (&str, &str) {
        let other = usize::try_from(variant).ok().and_then(|n| n.checked_sub(1)).and_then(|n| self.variants.get(n));
        other.map_or((&self.subject, &self.body), |v| (&v.subject, &v.body))
    }

    /// Whether its variants say the same as those of another one.
    #[must_use]
    pub fn reads_like(&self, other: &Self) -> bool {
        let words = |email: &Self| {
            let variants = email.variants.iter().map(|v| (v.subject.clone(), v.body.clone()));
            std::iter::once((email.subject.clone(), email.body.clone())).chain(variants).collect::<Vec<_>>()
        };
        words(self) == words(other)
    }

    /// Shares of the variants in percent, A first.
    #[must_use]
    pub fn shares(&self) -> Vec<i32> {
        let others: i32 = self.variants.iter().map(|v| v.share).sum();
        std::iter::once(100 - others).chain(self.variants.iter().map(|v| v.share)).collect()
    }

    /// The variant for a number that is spread evenly, as the bits of a hash are.
    #[must_use]
    pub fn variant_for(&self, spread: u64) -> i16 {
        let mut left = i32::try_from(spread % 100).unwrap_or(0);
        for (place, share) in (0_i16..).zip(self.shares()) {
            if left < share {
                return place;
            }
            left -= share;
        }
        0
    }

    /// What keeps this e-mail from being sent.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let drafted = self.writing.needs_draft();
        if drafted && self.instructions.trim().is_empty() {
            let words = "Say what the e-mail is to be about.";
            problems.push(Problem::field("instructions", "instructions_missing", words));
        }
        for place in 0..=self.variants.len() {
            let (subject, body) = self.wording(i16::try_from(place).unwrap_or(0));
            let of = if place == 0 { String::new() } else { format!(" for variant {}", letter(place)) };
            if !drafted && subject.trim().is_empty() && self.thread == Thread::New {
                problems.push(Problem::field("subject", "subject_missing", format!("Write a subject{of}.")));
            }
            if !drafted && body.trim().is_empty() {
                problems.push(Problem::field("body", "body_missing", format!("Write a text{of}.")));
            }
            problems.extend(template::mistakes(subject, "subject"));
            problems.extend(template::mistakes(body, "body"));
        }
        problems
    }

    /// Variables that can be empty and have no fallback.
    pub fn variables_without_fallback(&self) -> Vec<String> {
        std::iter::once((&self.subject, &self.body))
            .chain(self.variants.iter().map(|v| (&v.subject, &v.body)))
            .flat_map(|(subject, body)| [subject, body])
            .flat_map(|text| template::parts(text))
            .filter_map(|part| match part {
                Part::Fact(variable, None) if !variable.always_known() => Some(variable.to_string()),
                _ => None,
            })
            .collect()
    }
}

/// The name of a variant: 0 is A.
#[must_use]
pub fn letter(variant: usize) -> char {
    ['A', 'B', 'C', 'D'].get(variant).copied().unwrap_or('?')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(share: i32) -> Email {
        let other = Variant { subject: "Other".into(), body: "Words".into(), share };
        Email { subject: "First".into(), body: "Words".into(), variants: vec![other], ..Email::default() }
    }

    #[test]
    fn a_hundred_leads_are_split_as_the_shares_say() {
        let email = two(30);
        assert_eq!(email.shares(), [70, 30]);
        let second = (0..100).filter(|spread| email.variant_for(*spread) == 1).count();
        assert_eq!(second, 30);
        assert_eq!(Email::default().variant_for(99), 0);
    }

    #[test]
    fn a_variant_that_is_gone_reads_as_the_first() {
        assert_eq!(two(50).wording(1).0, "Other");
        assert_eq!(two(50).wording(3).0, "First");
    }

    #[test]
    fn each_variant_needs_its_words() {
        let mut email = two(50);
        email.variants[0].body = " ".into();
        assert_eq!(email.problems()[0].message, "Write a text for variant B.");
    }

    #[test]
    fn an_answer_in_the_thread_needs_no_subject() {
        let email = Email { body: "Words".into(), thread: Thread::Reply, ..Email::default() };
        assert_eq!(email.problems(), []);
        assert_eq!(Email { thread: Thread::New, ..email }.problems()[0].code, "subject_missing");
    }
}
