//! The inbox: each mail stands in the thread of its sender, and people say what is to be done about it.

use chrono::Duration;
use domain::{
    MessageId, PageRequest, Role, ThreadId,
    inbound::{AnswerAs, Confidence},
    threads::{
        Classified, ClassifiedBy, Effect, Thread, ThreadChange, ThreadClass, ThreadEntry, ThreadFilter, ThreadState,
    },
};
use service::{Actor, Error, inbound::Arrival, threads::wake};
use testing::TestDb;

use crate::support::{Story, start_of_story};

/// A company that has written to two leads.
async fn written(test: &TestDb) -> Story<'_> {
    let story = Story::of(test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;
    story
}

impl Story<'_> {
    /// A mail of plain text.
    pub async fn comes(&self, key: &str, from: &str, text: &str) {
        self.comes_with(key, &format!("From: {from}\nSubject: Re: First\n\n{text}")).await;
    }

    async fn comes_with(&self, key: &str, raw: &str) {
        let (mailbox, _) = self.mailbox().await;
        let raw = raw.replace('\n', "\r\n");
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let at = t.now();
        t.inbound().receive(Arrival { mailbox, uid_key: key, raw: raw.as_bytes(), at }).await.expect("stored");
        t.commit().await.expect("kept");
    }

    pub async fn threads(&self, filter: ThreadFilter) -> Vec<Thread> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.threads().list(&filter, &PageRequest::default()).await.expect("a list").items
    }

    async fn in_state(&self, state: ThreadState) -> Vec<Thread> {
        self.threads(ThreadFilter { state: Some(state), ..ThreadFilter::default() }).await
    }

    /// The thread with whoever has this address.
    pub async fn with(&self, address: &str) -> Thread {
        let all = self.threads(ThreadFilter::default()).await;
        all.into_iter().find(|thread| thread.from_address.as_deref() == Some(address)).expect("a thread")
    }

    async fn change_thread(&self, actor: &Actor, id: ThreadId, change: &ThreadChange) -> service::Result<Thread> {
        let mut t = self.db.tenant(actor).await.expect("open");
        let changed = t.threads().change(id, change, None).await?;
        t.commit().await.expect("kept");
        Ok(changed)
    }

    async fn set(&self, id: ThreadId, state: ThreadState) {
        let change = ThreadChange { state: Some(state), ..ThreadChange::default() };
        self.change_thread(self.actor(), id, &change).await.expect("changed");
    }

    /// A model has said this of a thread.
    async fn says(&self, id: ThreadId, class: ThreadClass, confidence: Confidence) -> bool {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let Some(unsure) = t.threads().unsure(id).await.expect("asked") else { return false };
        let said = Classified { class, why: "Says so.".into(), confidence };
        let kept = t.threads().classified(&unsure, &said).await.expect("kept");
        t.commit().await.expect("kept");
        kept
    }

    async fn gets_no_more(&self, address: &str) -> bool {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let page = t.suppressions().list(Some(address), &PageRequest::default()).await.expect("a list");
        !page.items.is_empty()
    }
}

#[tokio::test]
async fn a_reply_needs_an_answer_and_says_what_was_done() {
    let test = testing::db_at(start_of_story()).await;
    let story = written(&test).await;
    story.comes("7:1", "a@x.example", "Sounds good, call me.\n\n> Hi Ines").await;
    let thread = story.with("a@x.example").await;
    assert_eq!((thread.state, thread.unread), (ThreadState::NeedsAnswer, true));
    assert_eq!((thread.class, thread.class_confidence), (ThreadClass::Interested, Confidence::Likely));
    assert_eq!(thread.classified_by, ClassifiedBy::Rule);
    assert_eq!((thread.snippet.as_str(), thread.lead_name.as_deref()), ("Sounds good, call me.", Some("Ines")));
    assert_eq!(thread.campaign_name.as_deref(), Some("Story"));

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert_eq!(t.threads().unread().await.expect("counted"), 1);
    t.threads().read(thread.id).await.expect("read");
    assert_eq!(t.threads().unread().await.expect("counted"), 0);
    let full = t.threads().in_full(thread.id).await.expect("there");
    let [ThreadEntry::Out(sent), ThreadEntry::In(received)] = full.entries.as_slice() else { panic!("{full:?}") };
    assert!(sent.text.contains("Hi Ines"), "{}", sent.text);
    assert_eq!(received.effects, [Effect::StoppedSequence, Effect::MarkedReplied]);
    assert_eq!(received.mail.quoted, "> Hi Ines");
    let _: MessageId = sent.id;
}

#[tokio::test]
async fn all_mails_of_a_person_in_a_mailbox_are_one_thread() {
    let test = testing::db_at(start_of_story()).await;
    let story = written(&test).await;
    story.comes("7:1", "a@x.example", "Which wavelengths do you cover?").await;
    let first = story.with("a@x.example").await;
    story.set(first.id, ThreadState::Done).await;
    // A program does not bring it back, and does not say what the person wants.
    story.comes_with("7:2", "From: a@x.example\nAuto-Submitted: auto-replied\nSubject: Away\n\nWe have got it.").await;
    let thread = story.with("a@x.example").await;
    assert_eq!((thread.id, thread.state, thread.class), (first.id, ThreadState::Done, ThreadClass::Question));
    // A person does; words that say nothing leave the class as it was.
    story.comes("7:3", "a@x.example", "Hello again.").await;
    let thread = story.with("a@x.example").await;
    assert_eq!((thread.id, thread.state, thread.class), (first.id, ThreadState::NeedsAnswer, ThreadClass::Question));
    story.comes("7:4", "a@x.example", "We are not interested.").await;
    assert_eq!(story.with("a@x.example").await.class, ThreadClass::NotNow);
    assert_eq!(story.threads(ThreadFilter::default()).await.len(), 1);
}

#[tokio::test]
async fn what_needs_no_answer_does_not_ask_for_one() {
    let test = testing::db_at(start_of_story()).await;
    let story = written(&test).await;
    let away = "I am out of the office until 4 December 2026.";
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let mails = t.sandbox().list(&PageRequest::default()).await.expect("a list").items;
    let mail = |to: &str| mails.iter().find(|mail| mail.recipients == [to]).expect("caught").id;
    t.sandbox().answer(mail("a@x.example"), AnswerAs::OutOfOffice, away).await.expect("answered");
    t.sandbox().answer(mail("b@x.example"), AnswerAs::Bounce, "").await.expect("answered");
    t.commit().await.expect("kept");
    story.comes("7:1", "news@else.example", "Are you interested in our news?").await;
    story.comes("7:2", &story.company.owner_email, "Just between us.").await;

    assert!(story.in_state(ThreadState::NeedsAnswer).await.is_empty());
    let all = story.threads(ThreadFilter::default()).await;
    assert_eq!(all.len(), 2, "bounces and colleagues have no thread: {all:?}");
    let away = story.with("a@x.example").await;
    assert_eq!((away.class, away.class_confidence), (ThreadClass::OutOfOffice, Confidence::Sure));
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let full = t.threads().in_full(away.id).await.expect("there");
    let effects = full.entries.iter().find_map(|entry| match entry {
        ThreadEntry::In(received) => Some(received.effects.clone()),
        ThreadEntry::Out(_) => None,
    });
    assert_eq!(effects, Some(vec![Effect::WaitsUntilBack]));
    assert_eq!(story.with("news@else.example").await.lead, None);
}

#[tokio::test]
async fn a_snoozed_thread_comes_back_by_time_or_by_a_mail() {
    let test = testing::db_at(start_of_story()).await;
    let story = written(&test).await;
    story.comes("7:1", "a@x.example", "Sounds good.").await;
    story.comes("7:2", "b@x.example", "Sounds good.").await;
    let (a, b) = (story.with("a@x.example").await, story.with("b@x.example").await);
    let until = test.clock().now() + Duration::hours(20);
    let snooze =
        ThreadChange { state: Some(ThreadState::Snoozed), snoozed_until: Some(until), ..ThreadChange::default() };
    for id in [a.id, b.id] {
        let snoozed = story.change_thread(story.actor(), id, &snooze).await.expect("snoozed");
        assert_eq!((snoozed.state, snoozed.snoozed_until), (ThreadState::Snoozed, Some(until)));
    }
    story.comes("7:3", "b@x.example", "One more thing.").await;
    let back = story.with("b@x.example").await;
    assert_eq!((back.state, back.snoozed_until), (ThreadState::NeedsAnswer, None));

    // Who is woken too early sleeps on, and the reconciler finds what nobody has woken.
    wake(&story.db, story.company.id, a.id).await.expect("looked");
    assert_eq!(story.with("a@x.example").await.state, ThreadState::Snoozed);
    test.clock().advance(Duration::hours(21));
    let due = story.db.platform().waking_threads(test.clock().now()).await.expect("a look");
    assert_eq!(due, [(story.company.id, a.id)]);
    wake(&story.db, story.company.id, a.id).await.expect("woken");
    let back = story.with("a@x.example").await;
    assert_eq!((back.state, back.unread), (ThreadState::NeedsAnswer, true));
}

#[tokio::test]
async fn a_correction_is_kept_and_is_the_last_word() {
    let test = testing::db_at(start_of_story()).await;
    let story = written(&test).await;
    story.comes("7:1", "a@x.example", "I pass this on.").await;
    let thread = story.with("a@x.example").await;
    assert_eq!((thread.class, thread.class_confidence), (ThreadClass::Other, Confidence::Unsure));
    let class = |class| ThreadChange { class: Some(class), ..ThreadChange::default() };
    let changed = story.change_thread(story.actor(), thread.id, &class(ThreadClass::Question)).await.expect("changed");
    assert_eq!((changed.class, changed.classified_by), (ThreadClass::Question, ClassifiedBy::Person));
    assert!(changed.version > thread.version);
    // The same once more is no correction, and a model comes too late.
    story.change_thread(story.actor(), thread.id, &class(ThreadClass::Question)).await.expect("changed");
    assert!(!story.says(thread.id, ThreadClass::NotNow, Confidence::Sure).await);

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let corrections = t.threads().in_full(thread.id).await.expect("there").corrections;
    assert_eq!(corrections.len(), 1, "{corrections:?}");
    assert_eq!((corrections[0].was, corrections[0].became), (ThreadClass::Other, ThreadClass::Question));
    assert_eq!((corrections[0].was_by, corrections[0].was_confidence), (ClassifiedBy::Rule, Confidence::Unsure));
    assert!(corrections[0].inbound.is_some());
}

#[tokio::test]
async fn a_model_answers_what_the_rules_leave_open_and_acts_only_when_it_is_sure() {
    let test = testing::db_at(start_of_story()).await;
    let story = written(&test).await;
    story.comes("7:1", "a@x.example", "My inbox is full enough.").await;
    story.comes("7:2", "b@x.example", "We have no budget.").await;
    let (open, clear) = (story.with("a@x.example").await, story.with("b@x.example").await);
    assert!(!story.says(clear.id, ThreadClass::Unsubscribe, Confidence::Sure).await, "the rules are surer");
    assert!(!story.gets_no_more("b@x.example").await);

    assert!(story.says(open.id, ThreadClass::Unsubscribe, Confidence::Likely).await);
    let thread = story.with("a@x.example").await;
    assert_eq!((thread.class, thread.classified_by), (ThreadClass::Unsubscribe, ClassifiedBy::Model));
    assert_eq!(thread.state, ThreadState::NeedsAnswer, "somebody has to look");
    assert!(!story.gets_no_more("a@x.example").await);

    story.comes("7:3", "a@x.example", "I said my inbox is full.").await;
    let reopened = story.with("a@x.example").await;
    // What a model has said stands until a mail says more; a person may still say otherwise.
    assert_eq!(reopened.class, ThreadClass::Unsubscribe);
}

#[tokio::test]
async fn a_sure_wish_that_only_a_model_has_heard_is_granted() {
    let test = testing::db_at(start_of_story()).await;
    let story = written(&test).await;
    story.comes("7:1", "a@x.example", "My inbox is full enough.").await;
    let thread = story.with("a@x.example").await;
    assert!(story.says(thread.id, ThreadClass::Unsubscribe, Confidence::Sure).await);
    assert!(story.gets_no_more("a@x.example").await);
    assert_eq!(story.with("a@x.example").await.state, ThreadState::Done);
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let full = t.threads().in_full(thread.id).await.expect("there");
    let Some(ThreadEntry::In(received)) = full.entries.last() else { panic!("{full:?}") };
    assert!(received.effects.contains(&Effect::SuppressedAddress));
}

#[tokio::test]
async fn people_assign_and_unsubscribe_within_their_rights() {
    let test = testing::db_at(start_of_story()).await;
    let story = written(&test).await;
    story.comes("7:1", "a@x.example", "Sounds good.").await;
    let thread = story.with("a@x.example").await;
    let member = story.company.member(Role::Member).await;
    let viewer = story.company.member(Role::Viewer).await;
    let to = |person| ThreadChange { assignee: Some(person), ..ThreadChange::default() };

    let assigned = story.change_thread(&member, thread.id, &to(member.user_id())).await.expect("assigned");
    assert_eq!(assigned.assignee, member.user_id());
    let mine = ThreadFilter { assignee: member.user_id(), ..ThreadFilter::default() };
    assert_eq!(story.threads(mine).await.len(), 1);
    assert!(story.threads(ThreadFilter { unassigned: true, ..ThreadFilter::default() }).await.is_empty());
    let nobody = story.change_thread(&member, thread.id, &to(None)).await.expect("changed");
    assert_eq!(nobody.assignee, None);
    let stranger = test.company("Other").await;
    let refused = story.change_thread(&member, thread.id, &to(Some(stranger.owner_id))).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let refused = story.change_thread(&viewer, thread.id, &to(None)).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");

    let late = {
        let mut t = story.db.tenant(&member).await.expect("open");
        t.threads().unsubscribe(thread.id, Some(thread.version)).await
    };
    assert!(matches!(late, Err(Error::Conflict(_) | Error::Refused(_))), "{late:?}");
    let mut t = story.db.tenant(&member).await.expect("open");
    let done = t.threads().unsubscribe(thread.id, None).await.expect("done");
    t.commit().await.expect("kept");
    assert_eq!((done.state, done.class), (ThreadState::Done, ThreadClass::Unsubscribe));
    assert!(story.gets_no_more("a@x.example").await);
}

#[tokio::test]
async fn two_who_reply_see_each_other() {
    let test = testing::db_at(start_of_story()).await;
    let story = written(&test).await;
    story.comes("7:1", "a@x.example", "Sounds good.").await;
    story.comes("7:2", "b@x.example", "Sounds good.").await;
    let (a, b) = (story.with("a@x.example").await.id, story.with("b@x.example").await.id);
    let jonas = story.company.member(Role::Member).await;
    let hold = async |actor: &Actor, id| {
        let mut t = story.db.tenant(actor).await.expect("open");
        t.threads().hold(id).await.expect("held");
        let other = t.threads().replying(id).await.expect("asked");
        t.commit().await.expect("kept");
        other
    };
    assert_eq!(hold(&jonas, a).await, None);
    assert_eq!(hold(story.actor(), a).await.as_deref(), Some(jonas.name()));
    // Whoever goes on with another one has left this one.
    assert_eq!(hold(&jonas, b).await, None);
    assert_eq!(hold(story.actor(), a).await, None);
    assert_eq!(hold(&jonas, a).await.as_deref(), Some(story.actor().name()));
    test.clock().advance(Duration::minutes(6));
    assert_eq!(hold(&jonas, a).await, None, "who is gone holds nothing");
}
