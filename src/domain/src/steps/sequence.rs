//! A sequence: steps in reading order. Both ways of a condition lead back to the step after it, so that every
//! step has exactly one that follows.

use serde::{Deserialize, Serialize};

use super::{Action, Answer, Branch, Email, Place, Step, Thread};
use crate::{Problem, StepId, window::SendingWindow};

/// The most steps of one campaign.
pub const MAX_STEPS: usize = 50;
/// Conditions within conditions.
pub const MAX_DEPTH: usize = 3;

/// The steps of a campaign, in reading order: after a condition come its steps for yes, then those for no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Sequence {
    steps: Vec<Step>,
}

impl Sequence {
    /// A sequence of these steps, in this order.
    #[must_use]
    pub fn of(steps: Vec<Step>) -> Self {
        let mut sequence = Self { steps };
        sequence.arrange();
        sequence
    }

    /// The steps, in reading order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The steps, taken out.
    #[must_use]
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// The step with this id.
    #[must_use]
    pub fn get(&self, id: StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// When the e-mail of a step may leave, where that is not as for the campaign.
    #[must_use]
    pub fn own_window(&self, id: StepId) -> Option<&SendingWindow> {
        self.get(id)?.email()?.window.as_ref()
    }

    /// Where a lead begins.
    #[must_use]
    pub fn first(&self) -> Option<&Step> {
        self.steps.first()
    }

    /// The steps that stand directly in a branch, or on the main line.
    pub fn within(&self, branch: Option<Branch>) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.branch == branch)
    }

    /// The step that follows when `id` is done. After a condition this is where its two ways meet.
    #[must_use]
    pub fn after(&self, id: StepId) -> Option<&Step> {
        let mut branch = self.get(id)?.branch;
        let mut last = id;
        loop {
            let next = self.within(branch).skip_while(|step| step.id != last).nth(1);
            match (next, branch) {
                (Some(step), _) => return Some(step),
                (None, Some(Branch { of, .. })) => (last, branch) = (of, self.get(of)?.branch),
                (None, None) => return None,
            }
        }
    }

    /// The step that follows a condition that was answered like this.
    #[must_use]
    pub fn on(&self, condition: StepId, answer: Answer) -> Option<&Step> {
        let branch = Branch { of: condition, when: answer };
        self.within(Some(branch)).next().or_else(|| self.after(condition))
    }

    /// Whether an e-mail is certain to come before this step, so that something can answer it.
    #[must_use]
    pub fn has_mail_before(&self, id: StepId) -> bool {
        let Some(step) = self.get(id) else { return false };
        let mut earlier = self.within(step.branch).take_while(|step| step.id != id);
        // What stands before the condition of a branch has come before the branch.
        earlier.any(|step| self.always_mails(step)) || step.branch.is_some_and(|b| self.has_mail_before(b.of))
    }

    /// The e-mail that begins the conversation in which a step answers. One in another branch is not looked for.
    #[must_use]
    pub fn opener(&self, id: StepId) -> Option<&Email> {
        let step = self.get(id)?;
        let earlier = self.within(step.branch).take_while(|step| step.id != id).filter_map(Step::email);
        let begins = earlier.filter(|email| email.thread == Thread::New).last();
        begins.or_else(|| self.opener(step.branch?.of))
    }

    /// Whether an e-mail is sent whichever way is taken through a step.
    fn always_mails(&self, step: &Step) -> bool {
        let mails = |when| self.within(Some(Branch { of: step.id, when })).any(|step| self.always_mails(step));
        step.email().is_some() || step.kind().branches() && mails(Answer::Yes) && mails(Answer::No)
    }

    /// Adds a step.
    ///
    /// # Errors
    /// A problem when there are too many, when conditions stand too deep, or when the branch does not exist.
    pub fn add(&mut self, mut step: Step, place: Place) -> Result<(), Problem> {
        if self.steps.len() >= MAX_STEPS {
            return Err(Problem::new("steps_many", format!("A campaign has at most {MAX_STEPS} steps.")));
        }
        self.check_branch(place.branch)?;
        step.branch = place.branch;
        self.insert(step, place.position);
        self.check_depth()
    }

    /// Takes a step out, with everything in its branches.
    pub fn remove(&mut self, id: StepId) {
        let inside = self.inside(id);
        self.steps.retain(|step| step.id != id && !inside.contains(&step.id));
        for step in &mut self.steps {
            // Who asked about its e-mail asks about any.
            if let Action::Condition { test } | Action::WaitFor { test, .. } = &mut step.action
                && let super::Test::Opened { step } | super::Test::Clicked { step } = test
                && step.is_some_and(|asked| asked == id || inside.contains(&asked))
            {
                *step = None;
            }
        }
        self.arrange();
    }

    /// Moves a step, and everything in its branches, to another place.
    ///
    /// # Errors
    /// A problem when the branch does not exist, when it is one of its own, or when conditions would stand too deep.
    pub fn relocate(&mut self, id: StepId, place: Place) -> Result<(), Problem> {
        self.check_branch(place.branch)?;
        if place.branch.is_some_and(|b| b.of == id || self.inside(id).contains(&b.of)) {
            return Err(Problem::field("branch", "branch_own", "A step cannot stand in a branch of its own."));
        }
        let Some(at) = self.steps.iter().position(|step| step.id == id) else { return Ok(()) };
        let mut step = self.steps.remove(at);
        step.branch = place.branch;
        self.insert(step, place.position);
        self.check_depth()
    }

    /// Puts a changed step in the place of the old one.
    pub fn replace(&mut self, step: Step) {
        if let Some(old) = self.steps.iter_mut().find(|old| old.id == step.id) {
            *old = step;
        }
    }

    /// The same steps with other ids, for another campaign.
    #[must_use]
    pub fn renamed(self, mut new_id: impl FnMut() -> StepId) -> Self {
        let names: std::collections::HashMap<_, _> = self.steps.iter().map(|step| (step.id, new_id())).collect();
        let named = |id: StepId| names.get(&id).copied().unwrap_or(id);
        let mut steps = self.steps;
        for step in &mut steps {
            step.id = named(step.id);
            step.branch = step.branch.map(|b| Branch { of: named(b.of), ..b });
            if let Action::Condition { test } | Action::WaitFor { test, .. } = &mut step.action
                && let super::Test::Opened { step } | super::Test::Clicked { step } = test
            {
                *step = step.map(named);
            }
        }
        Self { steps }
    }

    /// What keeps the sequence from being run, each with its step.
    #[must_use]
    pub fn problems(&self) -> Vec<(i32, Problem)> {
        let mut problems: Vec<_> =
            self.steps.iter().flat_map(|s| s.problems().into_iter().map(move |p| (s.position, p))).collect();
        for step in &self.steps {
            let asked = step.action.test().and_then(super::Test::step);
            let before = |id| self.can_come_before(id, step.id) && self.get(id).is_some_and(|s| s.email().is_some());
            if asked.is_some_and(|id| !before(id)) {
                let words = "It asks about an e-mail that does not come before it.";
                problems.push((step.position, Problem::field("test", "test_before", words)));
            }
            if step.email().is_some_and(|e| e.thread == Thread::Reply) && !self.has_mail_before(step.id) {
                let words = "No e-mail comes before it that it could answer.";
                problems.push((step.position, Problem::field("thread", "thread_first", words)));
            }
        }
        problems.sort_by_key(|(position, _)| *position);
        problems
    }

    /// Whether there is a way through the sequence on which `first` comes before `then`: it stands before it, and not
    /// in the other branch of a condition.
    fn can_come_before(&self, first: StepId, then: StepId) -> bool {
        let place = |id| self.steps.iter().position(|step| step.id == id);
        let ways =
            |id| std::iter::successors(self.get(id).and_then(|s| s.branch), |b| self.get(b.of).and_then(|s| s.branch));
        let apart = ways(first).any(|one| ways(then).any(|other| one.of == other.of && one.when != other.when));
        place(first) < place(then) && place(first).is_some() && !apart
    }

    fn insert(&mut self, step: Step, position: Option<i32>) {
        let place = position.and_then(|p| usize::try_from(p - 1).ok()).unwrap_or(usize::MAX);
        let next = self.within(step.branch).nth(place).map(|step| step.id);
        let at = next.and_then(|id| self.steps.iter().position(|s| s.id == id)).unwrap_or(self.steps.len());
        self.steps.insert(at, step);
        self.arrange();
    }

    /// Everything in the branches of a step.
    fn inside(&self, id: StepId) -> Vec<StepId> {
        let direct = self.steps.iter().filter(|s| s.branch.is_some_and(|b| b.of == id)).map(|s| s.id);
        direct.flat_map(|child| std::iter::once(child).chain(self.inside(child))).collect()
    }

    fn check_branch(&self, branch: Option<Branch>) -> Result<(), Problem> {
        let is_there = |b: Branch| self.get(b.of).is_some_and(|step| step.kind().branches());
        if branch.is_none_or(is_there) {
            return Ok(());
        }
        Err(Problem::field("branch", "branch_unknown", "There is no such condition in this sequence."))
    }

    fn check_depth(&self) -> Result<(), Problem> {
        let depth = |step: &Step| {
            std::iter::successors(step.branch, |b| self.get(b.of).and_then(|s| s.branch)).take(MAX_DEPTH + 2).count()
        };
        if self.steps.iter().any(|step| depth(step) > MAX_DEPTH) {
            let words = format!("Conditions stand at most {MAX_DEPTH} deep.");
            return Err(Problem::field("branch", "branch_deep", words));
        }
        Ok(())
    }

    /// Brings the steps into reading order and counts them.
    fn arrange(&mut self) {
        let mut left = std::mem::take(&mut self.steps);
        self.take_in(None, &mut left);
        for (step, position) in self.steps.iter_mut().zip(1..) {
            step.position = position;
        }
    }

    fn take_in(&mut self, branch: Option<Branch>, left: &mut Vec<Step>) {
        let (here, rest): (Vec<_>, Vec<_>) = std::mem::take(left).into_iter().partition(|step| step.branch == branch);
        *left = rest;
        for step in here {
            let (id, branches) = (step.id, step.kind().branches());
            self.steps.push(step);
            if branches {
                self.take_in(Some(Branch { of: id, when: Answer::Yes }), left);
                self.take_in(Some(Branch { of: id, when: Answer::No }), left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::steps::{StepKind, Test};

    fn id(n: u128) -> StepId {
        StepId(Uuid::from_u128(n))
    }

    fn step(n: u128, kind: StepKind) -> Step {
        Step { id: id(n), action: Action::empty(kind), ..Step::example() }
    }

    fn branch(of: u128, when: Answer) -> Option<Branch> {
        Some(Branch { of: id(of), when })
    }

    /// 1 mail, 2 condition (yes: 3 mail, 4 task; no: nothing), 5 mail
    fn sequence() -> Sequence {
        let mut s = Sequence::default();
        for (n, kind, at) in [
            (1, StepKind::Email, None),
            (2, StepKind::Condition, None),
            (5, StepKind::Email, None),
            (3, StepKind::Email, branch(2, Answer::Yes)),
            (4, StepKind::Task, branch(2, Answer::Yes)),
        ] {
            s.add(step(n, kind), Place { position: None, branch: at }).expect("it fits");
        }
        s
    }

    fn order(s: &Sequence) -> Vec<u128> {
        s.steps().iter().map(|step| step.id.0.as_u128()).collect()
    }

    fn number(step: Option<&Step>) -> Option<u128> {
        step.map(|s| s.id.0.as_u128())
    }

    #[test]
    fn both_ways_lead_back_to_the_step_after_the_condition() {
        let s = sequence();
        assert_eq!(order(&s), [1, 2, 3, 4, 5]);
        assert_eq!(number(s.after(id(1))), Some(2));
        assert_eq!(number(s.on(id(2), Answer::Yes)), Some(3));
        assert_eq!(number(s.on(id(2), Answer::No)), Some(5));
        assert_eq!(number(s.after(id(3))), Some(4));
        assert_eq!(number(s.after(id(4))), Some(5));
        assert_eq!(number(s.after(id(5))), None);
    }

    #[test]
    fn a_condition_at_the_end_leads_out() {
        let mut s = sequence();
        s.remove(id(5));
        assert_eq!(number(s.after(id(4))), None);
        assert_eq!(number(s.on(id(2), Answer::No)), None);
    }

    #[test]
    fn steps_move_with_what_is_in_their_branches() {
        let mut s = sequence();
        s.relocate(id(2), Place { position: Some(1), branch: None }).expect("it moves");
        assert_eq!(order(&s), [2, 3, 4, 1, 5]);
        assert_eq!(s.steps().iter().map(|s| s.position).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        s.relocate(id(4), Place { position: Some(1), branch: branch(2, Answer::No) }).expect("it moves");
        assert_eq!(order(&s), [2, 3, 4, 1, 5]);
        assert_eq!(number(s.on(id(2), Answer::No)), Some(4));
        s.remove(id(2));
        assert_eq!(order(&s), [1, 5]);
    }

    #[test]
    fn only_what_every_way_brings_comes_for_certain() {
        let mut s = sequence();
        s.add(step(6, StepKind::Email), Place { position: None, branch: branch(2, Answer::No) }).expect("it fits");
        assert!(s.has_mail_before(id(6)), "the first e-mail");
        s.remove(id(1));
        assert!(!s.has_mail_before(id(3)) && !s.has_mail_before(id(6)), "the other branch is another way");
        assert!(s.has_mail_before(id(5)), "both ways bring one");
        s.remove(id(3));
        assert!(!s.has_mail_before(id(5)), "one way brings none");
        assert!(
            !s.can_come_before(id(4), id(6)) && s.can_come_before(id(6), id(5)) && !s.can_come_before(id(5), id(6))
        );
    }

    #[test]
    fn a_conversation_begins_with_the_nearest_e_mail_that_is_no_answer() {
        let mut s = sequence();
        s.add(step(6, StepKind::Email), Place { position: None, branch: None }).expect("it fits");
        for (n, thread, branch) in [
            (1, Thread::New, None),
            (3, Thread::Reply, branch(2, Answer::Yes)),
            (5, Thread::New, None),
            (6, Thread::Reply, None),
        ] {
            let worded = step(n, StepKind::Email).with_email(|email| {
                email.thread = thread;
                email.subject = n.to_string();
            });
            s.replace(Step { branch, ..worded });
        }
        let begins = |n| s.opener(id(n)).map(|email| email.subject.as_str());
        assert_eq!((begins(6), begins(3), begins(1)), (Some("5"), Some("1"), None));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut s = sequence();
        s.add(step(6, StepKind::Condition), Place { position: None, branch: branch(2, Answer::No) }).expect("deeper");
        let own = s.relocate(id(2), Place { position: None, branch: branch(6, Answer::Yes) });
        assert_eq!(own.expect_err("its own").code, "branch_own");
        let unknown = s.add(step(7, StepKind::Email), Place { position: None, branch: branch(1, Answer::Yes) });
        assert_eq!(unknown.expect_err("no condition").code, "branch_unknown");
        s.add(step(8, StepKind::Condition), Place { position: None, branch: branch(6, Answer::No) }).expect("deeper");
        let deep = s.add(step(9, StepKind::Condition), Place { position: None, branch: branch(8, Answer::No) });
        assert_eq!(deep.err(), None);
        let deepest = s.add(step(10, StepKind::Email), Place { position: None, branch: branch(9, Answer::No) });
        assert_eq!(deepest.expect_err("too deep").code, "branch_deep");
    }

    #[test]
    fn a_condition_asks_about_what_comes_before_it() {
        let asks = |about| {
            let test = Test::Clicked { step: Some(id(about)) };
            let mut s = sequence();
            s.replace(Step { action: Action::Condition { test }, branch: None, ..step(2, StepKind::Condition) });
            s.arrange();
            s.problems().into_iter().filter(|(_, p)| p.code == "test_before").count()
        };
        assert_eq!((asks(1), asks(5), asks(3)), (0, 1, 1));
    }

    #[test]
    fn a_question_about_a_removed_e_mail_asks_about_any() {
        let mut s = sequence();
        let test = Test::Opened { step: Some(id(1)) };
        s.replace(Step { action: Action::Condition { test }, ..step(2, StepKind::Condition) });
        s.remove(id(1));
        assert_eq!(s.get(id(2)).and_then(|s| s.action.test().cloned()), Some(Test::Opened { step: None }));
    }

    #[test]
    fn an_answer_needs_something_to_answer() {
        let mut s = sequence();
        s.replace(step(1, StepKind::Email).with_email(|e| e.thread = Thread::Reply));
        assert!(s.problems().iter().any(|(position, p)| *position == 1 && p.code == "thread_first"));
    }
}
