//! What is entered about a step, held within bounds. An unfinished step may be saved; the launch checks it.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Action, Branch, Delay, Email, MAX_VARIANTS, MIN_SENDS, Step, StepKind, Test, Thread, Variant, WinnerRule, Writing,
};
use crate::{Problem, UserId, drafts::check_sources, leads::LeadFilter, problem::Problems, window::SendingWindow};

/// Where a step is to stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Place {
    /// Its place among the steps of the same branch, from 1; at the end when absent.
    pub position: Option<i32>,
    /// The branch; the main line when absent.
    pub branch: Option<Branch>,
}

/// What can be entered about a step; an absent value stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct StepInput {
    /// What a new step does; an e-mail when absent. It stays what it is.
    pub kind: Option<StepKind>,
    /// Where a new step stands; at the end of the main line when absent.
    pub place: Option<Place>,
    /// The wait before it.
    pub delay: Option<Delay>,
    /// E-mail: subject.
    pub subject: Option<String>,
    /// E-mail: body.
    pub body: Option<String>,
    /// E-mail: how it comes about.
    pub writing: Option<Writing>,
    /// E-mail: what the writer is told, at most 5,000 characters.
    pub instructions: Option<String>,
    /// E-mail: documents that the writer may quote, at most 10: collections, or single ones as collection/key.
    pub sources: Option<Vec<String>>,
    /// E-mail: whether it answers the e-mail before it.
    pub thread: Option<Thread>,
    /// E-mail: when it may leave; null for the window of the campaign.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub window: Option<Option<SendingWindow>>,
    /// E-mail: other wordings, at most 3.
    pub variants: Option<Vec<Variant>>,
    /// E-mail: when one wording gets all the rest.
    pub winner: Option<WinnerRule>,
    /// Condition or wait: what it asks.
    pub test: Option<Test>,
    /// Wait: for how long.
    pub timeout: Option<Delay>,
    /// Task: what is to be done, at most 200 characters.
    pub title: Option<String>,
    /// Task: more about it, at most 5,000 characters.
    pub details: Option<String>,
    /// Task: who; null for the owner of the lead.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Option<UserId>>,
    /// Task: days until it is due, 0 to 365.
    pub due_in_days: Option<i32>,
    /// Agent: its name.
    pub agent: Option<String>,
    /// Agent: what it is to do, at most 5,000 characters.
    pub task: Option<String>,
    /// Task or agent: whether the sequence goes on only when it is done.
    pub wait: Option<bool>,
    /// Webhook: what the event is called, in letters, digits, dots, dashes and underscores.
    pub event: Option<String>,
}

/// Tells a null from a value that is absent.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl StepInput {
    /// Holds what is entered within bounds.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        if let Some(sources) = self.sources.take() {
            self.sources = problems.check("sources", check_sources(sources));
        }
        self.test = self.test.take().map(|test| match test {
            Test::Lead { filter } => {
                let filter = filter.check().unwrap_or_else(|found| {
                    problems.extend(found);
                    LeadFilter::default()
                });
                Test::Lead { filter: Box::new(filter) }
            }
            other => other,
        });
        for (field, delay) in [("delay", self.delay), ("timeout", self.timeout)] {
            if delay.is_some_and(|d| !(0..=365).contains(&d.amount)) {
                problems.push(Problem::field(field, "delay_invalid", "Wait 0 to 365."));
            }
        }
        if self.timeout.is_some_and(Delay::is_none) {
            problems.push(Problem::field("timeout", "timeout_missing", "Say how long to wait, at least 1."));
        }
        if self.due_in_days.is_some_and(|n| !(0..=365).contains(&n)) {
            problems.push(Problem::field("due_in_days", "number_invalid", "Use 0 to 365 days."));
        }
        for (field, text) in [("subject", &self.subject), ("title", &self.title)] {
            if text.as_ref().is_some_and(|text| text.contains(['\r', '\n'])) {
                problems.push(Problem::field(field, "subject_lines", "Write it on one line."));
            }
        }
        let texts = [
            ("subject", &self.subject, 250),
            ("title", &self.title, 200),
            ("instructions", &self.instructions, 5_000),
            ("details", &self.details, 5_000),
            ("task", &self.task, 5_000),
            ("agent", &self.agent, 100),
            ("event", &self.event, 100),
            ("body", &self.body, 100_000),
        ];
        for (field, text, most) in texts {
            if text.as_ref().is_some_and(|text| text.chars().count() > most) {
                let words = format!("Use at most {} characters.", crate::words::grouped(most as i64));
                problems.push(Problem::field(field, "text_long", words));
            }
        }
        if let Some(Some(window)) = &self.window {
            problems.check("window", window.check());
        }
        if let Some(variants) = &self.variants {
            check_variants(variants, &mut problems);
        }
        if let Some(rule) = &self.winner {
            if rule.min_sends < MIN_SENDS {
                let words = format!("Ask for at least {MIN_SENDS} e-mails of each variant.");
                problems.push(Problem::field("winner", "winner_min_sends", words));
            }
            if !(80..=99).contains(&rule.confidence) {
                problems.push(Problem::field("winner", "winner_confidence", "Ask for 80 to 99 percent."));
            }
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if self.event.as_ref().is_some_and(|name| !name.chars().all(is_name)) {
            let words = "Use letters, digits, dots, dashes and underscores, as in lead.interested.";
            problems.push(Problem::field("event", "event_invalid", words));
        }
        problems.finish()?;
        Ok(self)
    }

    /// What of it does not belong to a step of this kind.
    fn strays(&self, kind: StepKind) -> Vec<&'static str> {
        use StepKind as K;
        let fields: [(&str, bool, &[K]); 18] = [
            ("subject", self.subject.is_some(), &[K::Email]),
            ("body", self.body.is_some(), &[K::Email]),
            ("writing", self.writing.is_some(), &[K::Email]),
            ("instructions", self.instructions.is_some(), &[K::Email]),
            ("sources", self.sources.is_some(), &[K::Email]),
            ("thread", self.thread.is_some(), &[K::Email]),
            ("window", self.window.is_some(), &[K::Email]),
            ("variants", self.variants.is_some(), &[K::Email]),
            ("winner", self.winner.is_some(), &[K::Email]),
            ("test", self.test.is_some(), &[K::Condition, K::WaitFor]),
            ("timeout", self.timeout.is_some(), &[K::WaitFor]),
            ("title", self.title.is_some(), &[K::Task]),
            ("details", self.details.is_some(), &[K::Task]),
            ("assignee", self.assignee.is_some(), &[K::Task]),
            ("due_in_days", self.due_in_days.is_some(), &[K::Task]),
            ("agent", self.agent.is_some(), &[K::Agent]),
            ("task", self.task.is_some(), &[K::Agent]),
            ("event", self.event.is_some(), &[K::Webhook]),
        ];
        let mut strays: Vec<_> =
            fields.into_iter().filter(|(_, is_there, of)| *is_there && !of.contains(&kind)).map(|f| f.0).collect();
        if self.wait.is_some() && !matches!(kind, K::Task | K::Agent) {
            strays.push("wait");
        }
        strays
    }

    /// Writes what is entered into a step.
    ///
    /// # Errors
    /// A problem for each value that a step of its kind does not have.
    pub fn write_to(self, step: &mut Step) -> Result<(), Vec<Problem>> {
        let kind = step.kind();
        let words = |field| {
            let message = format!("A step of the kind “{}” has no {field}.", kind.label());
            Problem::field(field, "not_of_this_kind", message)
        };
        let strays: Vec<_> = self.strays(kind).into_iter().map(words).collect();
        if !strays.is_empty() {
            return Err(strays);
        }
        if self.kind.is_some_and(|k| k != kind) {
            let message = "A step stays what it is. Add another one, and remove this one.";
            return Err(vec![Problem::field("kind", "kind_fixed", message)]);
        }
        put(&mut step.delay, self.delay);
        match &mut step.action {
            Action::Email(Email {
                subject,
                body,
                writing,
                instructions,
                sources,
                thread,
                window,
                variants,
                winner,
            }) => {
                put(subject, self.subject);
                put(body, self.body);
                put(writing, self.writing);
                put(instructions, self.instructions);
                put(sources, self.sources);
                put(thread, self.thread);
                put(window, self.window);
                put(variants, self.variants);
                put(winner, self.winner);
            }
            Action::Condition { test } => put(test, self.test),
            Action::WaitFor { test, timeout } => {
                put(test, self.test);
                put(timeout, self.timeout);
            }
            Action::Task { title, details, assignee, due_in_days, wait } => {
                put(title, self.title.map(|text| text.trim().to_owned()));
                put(details, self.details);
                put(assignee, self.assignee);
                put(due_in_days, self.due_in_days);
                put(wait, self.wait);
            }
            Action::Agent { agent, task, wait } => {
                put(agent, self.agent);
                put(task, self.task);
                put(wait, self.wait);
            }
            Action::Webhook { event } => put(event, self.event),
            Action::Wait | Action::End => {}
        }
        Ok(())
    }
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn check_variants(variants: &[Variant], problems: &mut Problems) {
    if variants.len() >= MAX_VARIANTS {
        let words = format!("Compare at most {MAX_VARIANTS} wordings.");
        problems.push(Problem::field("variants", "variants_many", words));
    }
    let shares: i32 = variants.iter().map(|v| v.share.clamp(0, 100)).sum();
    if variants.iter().any(|v| !(1..=99).contains(&v.share)) || shares > 99 {
        let words = "Give each variant 1 to 99 percent, and leave at least 1 for variant A.";
        problems.push(Problem::field("variants", "shares_invalid", words));
    }
    if variants.iter().any(|v| v.subject.chars().count() > 250 || v.body.len() > 100_000) {
        let words = "Use at most 250 characters for a subject and 100,000 for a text.";
        problems.push(Problem::field("variants", "text_long", words));
    }
    if variants.iter().any(|v| v.subject.contains(['\r', '\n'])) {
        problems.push(Problem::field("variants", "subject_lines", "Write the subject on one line."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(input: StepInput) -> Vec<String> {
        input.check().map_or_else(|problems| problems.into_iter().map(|p| p.code.into_owned()).collect(), |_| vec![])
    }

    #[test]
    fn an_unfinished_step_may_be_saved_but_has_problems() {
        let input = StepInput { subject: Some(String::new()), body: Some(String::new()), ..StepInput::default() };
        let mut step = Step::example();
        input.check().expect("it is within bounds").write_to(&mut step).expect("it is an e-mail");
        assert_eq!(step.problems().len(), 2);
    }

    #[test]
    fn a_subject_cannot_smuggle_a_header() {
        let subject = Some("Hi\r\nBcc: x@example.com".to_owned());
        assert_eq!(codes(StepInput { subject, ..StepInput::default() }), ["subject_lines"]);
    }

    #[test]
    fn shares_leave_something_for_the_first() {
        let variant = |share| Variant { subject: "s".into(), body: "b".into(), share };
        let variants = |shares: &[i32]| StepInput {
            variants: Some(shares.iter().map(|s| variant(*s)).collect()),
            ..StepInput::default()
        };
        assert_eq!(codes(variants(&[50])), [] as [&str; 0]);
        assert_eq!(codes(variants(&[60, 40])), ["shares_invalid"]);
        assert_eq!(codes(variants(&[0])), ["shares_invalid"]);
        assert_eq!(codes(variants(&[1, 1, 1, 1])), ["variants_many"]);
    }

    #[test]
    fn what_a_kind_does_not_have_is_refused() {
        let mut step = Step { action: Action::Wait, ..Step::example() };
        let input = StepInput { subject: Some("Hi".into()), wait: Some(true), ..StepInput::default() };
        let fields: Vec<_> = input.write_to(&mut step).expect_err("two").into_iter().filter_map(|p| p.field).collect();
        assert_eq!(fields, ["subject", "wait"]);
        let input = StepInput { kind: Some(StepKind::Task), ..StepInput::default() };
        assert_eq!(input.write_to(&mut step).expect_err("one")[0].code, "kind_fixed");
    }

    #[test]
    fn null_takes_a_window_away_and_absence_leaves_it() {
        let own = || Step::example().with_email(|e| e.window = Some(SendingWindow::default()));
        for (json, is_own) in [("{}", true), (r#"{"window": null}"#, false)] {
            let mut step = own();
            let input: StepInput = serde_json::from_str(json).expect("an input");
            input.write_to(&mut step).expect("an e-mail");
            assert_eq!(step.email().is_some_and(|e| e.window.is_some()), is_own, "{json}");
        }
    }
}
