//! Answers that people write in the inbox: they leave once, before whatever is planned, and only where they may.

use chrono::Duration;
use domain::{
    Role, ThreadId,
    mailboxes::MailboxInput,
    messages::MessageState,
    replies::{Reply, ReplyInput},
    threads::{Thread, ThreadEntry, ThreadState},
};
use service::{Actor, Error};
use testing::TestDb;
use uuid::Uuid;

use crate::support::{Story, start_of_story};

/// A company whose lead has answered a campaign.
async fn answered(test: &TestDb) -> (Story<'_>, Thread) {
    let story = Story::of(test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;
    test.clock().advance(Duration::minutes(1));
    story.comes("7:1", "a@x.example", "Which wavelengths do you cover?").await;
    let thread = story.with("a@x.example").await;
    (story, thread)
}

fn words(body: &str) -> ReplyInput {
    ReplyInput { body: body.into(), ..ReplyInput::default() }
}

impl Story<'_> {
    async fn reply_as(&self, actor: &Actor, id: ThreadId, input: ReplyInput) -> service::Result<Reply> {
        let mut t = self.db.tenant(actor).await.expect("open");
        let reply = t.threads().reply(id, input, None, None).await?;
        t.commit().await.expect("kept");
        Ok(reply)
    }

    async fn reply(&self, id: ThreadId, body: &str) -> service::Result<Reply> {
        self.reply_as(self.actor(), id, words(body)).await
    }

    /// States of the answers in a thread, and what is said of them.
    async fn answers(&self, id: ThreadId) -> Vec<(MessageState, String)> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let entries = t.threads().in_full(id).await.expect("there").entries;
        let out = entries.into_iter().filter_map(|entry| match entry {
            ThreadEntry::Out(mail) if mail.author.is_some() => Some((mail.state, mail.detail.unwrap_or_default())),
            _ => None,
        });
        out.collect()
    }

    async fn thread_state(&self, id: ThreadId) -> ThreadState {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.threads().get(id).await.expect("there").state
    }

    /// How many e-mails this address got after the first of the campaign.
    async fn got(&self, address: &str) -> usize {
        self.caught().await.iter().filter(|(subject, to)| to == address && subject != "First").count()
    }
}

fn code(refused: service::Result<Reply>) -> String {
    match refused {
        Err(Error::Conflict(problem)) => problem.code.to_string(),
        Err(Error::Refused(refusal)) => refusal.code.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reply_waits_ten_seconds_and_can_be_taken_back() {
    let test = testing::db_at(start_of_story()).await;
    let (story, thread) = answered(&test).await;
    let first = story.reply(thread.id, "From 400 nm on.").await.expect("written");
    assert_eq!(story.thread_state(thread.id).await, ThreadState::Done);
    test.clock().advance(Duration::seconds(9));
    story.send().await;
    assert_eq!(story.got("a@x.example").await, 0, "not yet");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.threads().take_back(thread.id, first.id).await.expect("taken back");
    let draft = t.threads().draft(thread.id).await.expect("asked").expect("somebody to answer");
    assert_eq!((draft.body.as_str(), draft.subject.as_str()), ("From 400 nm on.", "Re: First"));
    t.commit().await.expect("kept");
    assert_eq!(story.thread_state(thread.id).await, ThreadState::NeedsAnswer);
    assert_eq!(story.answers(thread.id).await, []);
    test.clock().advance(Duration::minutes(1));
    story.send().await;
    assert_eq!(story.got("a@x.example").await, 0, "never");

    let second = story.reply(thread.id, "From 380 nm on.").await.expect("written");
    test.clock().advance(Duration::seconds(10));
    story.send().await;
    assert_eq!(story.got("a@x.example").await, 1);
    assert_eq!(story.answers(thread.id).await[0].0, MessageState::Sent);
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let late = t.threads().take_back(thread.id, second.id).await;
    assert_eq!(code(late), "reply_left");
    assert_eq!(
        t.threads().draft(thread.id).await.expect("asked").expect("empty").body,
        "",
        "what was sent is no draft"
    );
}

#[tokio::test]
async fn the_same_request_once_more_sends_nothing() {
    let test = testing::db_at(start_of_story()).await;
    let (story, thread) = answered(&test).await;
    let request = Some(Uuid::from_u128(7));
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut t = story.db.tenant(story.actor()).await.expect("open");
        // The version that the form has read is old by the second time.
        let reply = t.threads().reply(thread.id, words("Yes."), request, Some(thread.version)).await.expect("written");
        t.commit().await.expect("kept");
        ids.push(reply.id);
    }
    assert_eq!(ids[0], ids[1]);
    test.clock().advance(Duration::seconds(10));
    story.send().await;
    story.send().await;
    assert_eq!(story.got("a@x.example").await, 1);
}

#[tokio::test]
async fn whoever_wants_no_mail_is_answered_only_after_they_have_written_again() {
    let test = testing::db_at(start_of_story()).await;
    let (story, thread) = answered(&test).await;
    let on_its_way = story.reply(thread.id, "From 400 nm on.").await.expect("written");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.threads().unsubscribe(thread.id, None).await.expect("unsubscribed");
    t.commit().await.expect("kept");
    test.clock().advance(Duration::seconds(10));
    story.send().await;
    let (state, detail) = story.answers(thread.id).await.remove(0);
    assert_eq!(state, MessageState::Cancelled, "{}", on_its_way.id);
    assert!(detail.contains("suppression list"), "{detail}");
    assert_eq!(code(story.reply(thread.id, "Please.").await), "recipient_suppressed");

    test.clock().advance(Duration::hours(1));
    story.comes("7:2", "a@x.example", "What does the large one cost?").await;
    story.reply(thread.id, "900 euros.").await.expect("they have written again");
    test.clock().advance(Duration::seconds(10));
    story.send().await;
    assert_eq!(story.got("a@x.example").await, 1);
    test.clock().advance(Duration::hours(1));
    story.comes("7:3", "a@x.example", "STOP").await;
    assert_eq!(code(story.reply(thread.id, "Sorry.").await), "recipient_suppressed");
}

#[tokio::test]
async fn the_pause_of_a_mailbox_holds_no_answer_and_its_cap_does() {
    let test = testing::db_at(start_of_story()).await;
    let (story, thread) = answered(&test).await;
    let slow = MailboxInput { gap_seconds: Some(3_000), gap_max_seconds: Some(3_000), ..MailboxInput::default() };
    story.change_mailbox(slow).await;
    test.clock().advance(Duration::minutes(70));
    story.send().await;
    // The second e-mail to b has left, and the pause has begun.
    assert_eq!(story.got("b@x.example").await, 1);
    story.reply(thread.id, "From 400 nm on.").await.expect("written");
    test.clock().advance(Duration::seconds(10));
    story.send().await;
    assert_eq!(story.got("a@x.example").await, 1, "the pause does not hold it");

    story.change_mailbox(MailboxInput { daily_cap: Some(4), ..MailboxInput::default() }).await;
    story.reply(thread.id, "One more thing.").await.expect("written");
    test.clock().advance(Duration::minutes(5));
    story.send().await;
    assert_eq!(story.got("a@x.example").await, 1, "four of four have left");
    test.clock().advance(Duration::hours(24));
    story.send().await;
    assert_eq!(story.got("a@x.example").await, 2);
}

#[tokio::test]
async fn others_cannot_answer() {
    let test = testing::db_at(start_of_story()).await;
    let (story, thread) = answered(&test).await;
    let other = test.company("Other").await;
    assert!(matches!(story.reply_as(&other.owner, thread.id, words("x")).await, Err(Error::NotFound(_))));
    let viewer = story.company.member(Role::Viewer).await;
    assert!(matches!(story.reply_as(&viewer, thread.id, words("x")).await, Err(Error::Forbidden(_))));
    assert!(matches!(story.reply(thread.id, " ").await, Err(Error::Invalid(_))));
    let reply = story.reply(thread.id, "Yes.").await.expect("written");
    let mut t = story.db.tenant(&other.owner).await.expect("open");
    assert!(matches!(t.threads().take_back(thread.id, reply.id).await, Err(Error::NotFound(_))));
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let old = t.threads().reply(thread.id, words("No."), None, Some(thread.version)).await;
    assert_eq!(code(old), "thread_changed");
}
