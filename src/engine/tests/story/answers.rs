//! Answers that people write in the inbox: they leave once, before whatever is planned, and only where they may.

use chrono::Duration;
use domain::{
    ContentId, PageRequest, Role, ThreadId,
    campaigns::CampaignInput,
    content::{ContentInput, ContentKind},
    mailboxes::MailboxInput,
    messages::MessageState,
    replies::{Reply, ReplyDraft, ReplyInput},
    threads::{Thread, ThreadChange, ThreadEntry, ThreadState, Written},
};
use service::{Actor, Error, messages::claim::claim_next};
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

    /// The answers in a thread.
    async fn answers_written(&self, id: ThreadId) -> Vec<Written> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let entries = t.threads().in_full(id).await.expect("there").entries;
        let out = entries.into_iter().filter_map(|entry| match entry {
            ThreadEntry::Out(mail) if mail.author.is_some() => Some(mail),
            _ => None,
        });
        out.collect()
    }

    /// Their states, and what is said of them.
    async fn answers(&self, id: ThreadId) -> Vec<(MessageState, String)> {
        let all = self.answers_written(id).await;
        all.into_iter().map(|mail| (mail.state, mail.detail.unwrap_or_default())).collect()
    }

    /// The beginnings of all mails of a thread, in their order.
    async fn in_order(&self, id: ThreadId) -> Vec<String> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let words = t.threads().in_full(id).await.expect("there").entries.into_iter().map(|entry| match entry {
            ThreadEntry::In(received) => received.mail.text,
            ThreadEntry::Out(mail) => mail.text,
        });
        words.map(|text| text.chars().take(8).collect()).collect()
    }

    /// A text of the library.
    async fn text(&self, body: &str) -> ContentId {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let input = ContentInput {
            kind: ContentKind::Email,
            title: "Shipping".into(),
            body: body.into(),
            metadata: Default::default(),
            campaign: None,
        };
        let id = t.content().create(input).await.expect("created").id;
        t.commit().await.expect("kept");
        id
    }

    /// Puts a text below what the person has begun to write; what the draft then says.
    async fn insert(&self, id: ThreadId, text: ContentId) -> service::Result<ReplyDraft> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.threads().insert_text(id, text).await?;
        let draft = t.threads().draft(id).await?.expect("somebody to answer");
        t.commit().await?;
        Ok(draft)
    }

    async fn thread_state(&self, id: ThreadId) -> ThreadState {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.threads().get(id).await.expect("there").state
    }

    /// The `Message-ID` of the answer that was caught.
    async fn id_of_answer(&self) -> String {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let mails = t.sandbox().list(&PageRequest::default()).await.expect("a list").items;
        let mail = mails.into_iter().find(|mail| mail.subject.as_deref() == Some("Re: First")).expect("caught");
        let raw = String::from_utf8(t.sandbox().raw(mail.id).await.expect("there")).expect("text");
        raw.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("a header").trim().to_owned()
    }

    /// How many e-mails this address got after the first of the campaign.
    async fn got(&self, address: &str) -> usize {
        self.caught().await.iter().filter(|(subject, to)| to == address && subject != "First").count()
    }
}

fn code<T: std::fmt::Debug>(refused: service::Result<T>) -> String {
    match refused {
        Err(Error::Invalid(problems)) => problems[0].code.to_string(),
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
async fn answers_between_two_claims_take_their_places() {
    let test = testing::db_at(start_of_story()).await;
    let (story, thread) = answered(&test).await;
    let emails: Vec<_> = (0..50).map(|n| format!("lead{n:03}@x.example")).collect();
    story.leads(&emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (mailbox, _) = story.mailbox().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let used = i32::try_from(t.mailboxes().list().await.expect("a list").remove(0).sent_24h).expect("a few");
    drop(t);
    story.change_mailbox(MailboxInput { daily_cap: Some(used + 45), ..MailboxInput::default() }).await;
    let id = story.campaign().await;
    story.edit(id, CampaignInput { mailboxes: Some(vec![mailbox]), ..CampaignInput::default() }).await;
    story.start(id).await;
    let claimed = claim_next(&story.db).await.expect("a claim").expect("due");
    assert_eq!(claimed.len(), 20);
    for n in 0..6 {
        story.reply(thread.id, &format!("And {n}.")).await.expect("written");
    }
    test.clock().advance(Duration::seconds(10));
    story.send().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let mailboxes = t.mailboxes().list().await.expect("a list");
    let now_used = mailboxes.iter().find(|b| b.id == mailbox).expect("there").sent_24h;
    assert_eq!(now_used, i64::from(used) + 45);
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

#[tokio::test]
async fn a_text_of_the_library_is_filled_in_and_no_answer_leaves_with_a_gap() {
    let test = testing::db_at(start_of_story()).await;
    let (story, thread) = answered(&test).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let begun = ReplyDraft { body: "From 400 nm on.\n".into(), quotes: true, ..ReplyDraft::default() };
    t.threads().keep_draft(thread.id, &begun).await.expect("kept");
    t.commit().await.expect("kept");

    let text = story.text("Dear {first_name}, we ship to {country} and to {company|you}.").await;
    let draft = story.insert(thread.id, text).await.expect("inserted");
    assert_eq!(draft.body, "From 400 nm on.\n\nDear Ines, we ship to {country} and to you.");
    assert_eq!(code(story.reply(thread.id, &draft.body).await), "variable_left");

    let wrong = story.text("Your size is {shoe_size}.").await;
    assert_eq!(code(story.insert(thread.id, wrong).await), "variable_unknown");
    let long = story.text(&"x".repeat(19_990)).await;
    assert_eq!(code(story.insert(thread.id, long).await), "text_long");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert_eq!(
        t.threads().draft(thread.id).await.expect("asked").expect("a draft").body,
        draft.body,
        "nothing is lost"
    );

    let stranger = Story::of(&test).await;
    let theirs = stranger.text("Ours").await;
    assert!(matches!(story.insert(thread.id, theirs).await, Err(Error::NotFound(_))));
    story.reply(thread.id, &draft.body.replace("{country}", "Norway")).await.expect("written");
}

#[tokio::test]
async fn a_planned_answer_stands_where_it_leaves_and_can_be_taken_back_until_then() {
    let test = testing::db_at(start_of_story()).await;
    let (story, thread) = answered(&test).await;
    let tomorrow = start_of_story() + Duration::hours(24);
    let planned = |body: &str, at| ReplyInput { send_at: Some(at), ..words(body) };
    assert_eq!(code(story.reply_as(story.actor(), thread.id, planned("Late", start_of_story())).await), "time_past");
    let first = planned("Tomorrow", tomorrow);
    let first = story.reply_as(story.actor(), thread.id, first).await.expect("planned");
    story.reply_as(story.actor(), thread.id, planned("Sooner", tomorrow - Duration::hours(1))).await.expect("planned");
    test.clock().advance(Duration::minutes(1));
    story.comes("7:2", "a@x.example", "Meanwhile I wonder.").await;
    assert_eq!(story.in_order(thread.id).await[1..], ["Which wa", "Meanwhil", "Sooner", "Tomorrow"]);

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.threads().take_back(thread.id, first.id).await.expect("taken back");
    let draft = t.threads().draft(thread.id).await.expect("asked").expect("a draft");
    assert_eq!((draft.body.as_str(), draft.send_at), ("Tomorrow", Some(tomorrow)), "with its time");
    t.commit().await.expect("kept");
    test.clock().advance(Duration::hours(25));
    story.send().await;
    assert_eq!(story.got("a@x.example").await, 1, "only the one that was not taken back");

    // One that is given up stands where that happened, however late it was to leave.
    let far = start_of_story() + Duration::days(30);
    story.reply_as(story.actor(), thread.id, planned("In weeks", far)).await.expect("planned");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.threads().unsubscribe(thread.id, None).await.expect("no more");
    t.commit().await.expect("kept");
    test.clock().advance(Duration::days(31));
    story.send().await;
    test.clock().advance(Duration::hours(1));
    story.comes("7:3", "a@x.example", "Please write again.").await;
    assert_eq!(story.in_order(thread.id).await[3..], ["Sooner", "In weeks", "Please w"]);
}

#[tokio::test]
async fn an_answer_that_comes_back_asks_for_somebody_and_says_why() {
    let test = testing::db_at(start_of_story()).await;
    let (story, thread) = answered(&test).await;
    story.reply(thread.id, "From 400 nm on.").await.expect("written");
    test.clock().advance(Duration::seconds(10));
    story.send().await;
    assert_eq!(story.thread_state(thread.id).await, ThreadState::Done);
    let sent = story.answers_written(thread.id).await.remove(0);
    assert_eq!((sent.state, sent.came_back), (MessageState::Sent, None));

    let id = story.id_of_answer().await;
    let report = |key: &'static str, status: &str| {
        let raw = format!(
            "From: mailer-daemon@x.example\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\
             Content-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n\n\
             Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: {status}\n\n--b\n\
             Content-Type: text/rfc822-headers\n\nMessage-ID: {id}\n\n--b--\n"
        );
        let story = &story;
        async move { story.receive(key, &raw).await }
    };
    report("7:8", "5.7.1").await.expect("stored");
    let back = story.answers_written(thread.id).await.remove(0);
    assert_eq!(back.state, MessageState::Sent, "a server has taken it");
    assert!(back.came_back.is_some_and(|why| why.contains("5.7.1")));
    assert_eq!(story.thread_state(thread.id).await, ThreadState::NeedsAnswer);

    // Whoever has looked at it is not called again by a second report.
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let done = ThreadChange { state: Some(ThreadState::Done), ..ThreadChange::default() };
    t.threads().change(thread.id, &done, None).await.expect("done");
    t.commit().await.expect("kept");
    report("7:9", "5.7.1").await.expect("stored");
    assert_eq!(story.thread_state(thread.id).await, ThreadState::Done);
}
