use domain::{
    campaigns::{Audience, CampaignInput},
    enrolments::EnrolmentState,
    leads::{LeadFilter, LeadInput},
    ledger::Ledger,
    messages::MessageState,
    steps::StepInput,
    window::SendingWindow,
};
use service::{campaigns::advance::advance, messages::claim::claim_next_but};
use testing::{TestCompany, TestDb};

use super::*;

/// A company whose e-mails are claimed, and the books of its lanes.
struct Desk<'d> {
    db: &'d TestDb,
    company: TestCompany<'d>,
    campaign: domain::CampaignId,
    actor: Actor,
    claimed: Vec<Arc<Claimed>>,
}

impl<'d> Desk<'d> {
    /// E-mails of one step to `lead0@x.example` and so on.
    async fn with(db: &'d TestDb, leads: usize) -> Self {
        let company = db.company("Halden").await;
        let mailbox = company.mailbox().await;
        let mut t = db.tenant(&company.owner).await.expect("open");
        let lead = |n| LeadInput { email: Some(format!("lead{n}@x.example")), ..LeadInput::default() };
        t.leads().bulk_upsert((0..leads).map(lead).collect()).await.expect("stored");
        let input = CampaignInput {
            name: Some("Books".into()),
            audience: Some(Audience::Filter { filter: LeadFilter::default() }),
            window: Some(SendingWindow::always()),
            mailboxes: Some(vec![mailbox]),
            ..CampaignInput::default()
        };
        let campaign = t.campaigns().create(input).await.expect("created").id;
        let step = StepInput { subject: Some("First".into()), body: Some("Hi".into()), ..StepInput::default() };
        t.campaigns().add_step(campaign, step).await.expect("added");
        t.campaigns().start(campaign).await.expect("started");
        t.commit().await.expect("kept");
        advance(db, company.id, campaign).await.expect("placed");
        let (actor, claimed) = claim_next_but(db, &[]).await.expect("a claim").expect("due");
        let mut claimed: Vec<_> = claimed.into_iter().map(Arc::new).collect();
        claimed.sort_by_key(|one| one.recipient.to_string());
        Self { db, company, campaign, actor, claimed }
    }

    fn letter(&self, n: usize) -> Arc<Letter> {
        Arc::new(Letter {
            claimed: self.claimed[n].clone(),
            subject: "First".into(),
            mime: b"x".to_vec(),
            server: "nowhere:25".into(),
            links: None,
        })
    }

    /// What a lane brings, and where it hears whether it may hand over.
    fn page(&self, done: Option<usize>, next: Option<usize>) -> (Page, oneshot::Receiver<Result<bool>>) {
        let (answer, answered) = oneshot::channel();
        let claimed = |n: usize| self.claimed[n].clone();
        let done = done.map(|n| Delivered { claimed: claimed(n), reply: "250 ok".into(), queue_id: None });
        (Page { actor: self.actor.clone(), done, next: next.map(|n| self.letter(n)), answer }, answered)
    }

    /// Writes down what lanes bring at the same time, and gives what each hears.
    async fn write(&self, brought: &[(Option<usize>, Option<usize>)]) -> Vec<Result<bool>> {
        let (pages, answers): (Vec<_>, Vec<_>) = brought.iter().map(|(done, next)| self.page(*done, *next)).unzip();
        write(self.db, pages).await;
        join_all(answers).await.into_iter().map(|answer| answer.expect("an answer")).collect()
    }

    async fn ledger(&self) -> Ledger {
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        let ledger = t.campaigns().ledger(self.campaign).await.expect("a ledger");
        assert!(ledger.is_balanced(), "{ledger:?}");
        ledger
    }

    async fn unsubscribe(&self, n: usize) {
        let url = self.claimed[n].unsubscribe_url.as_ref().expect("a link");
        let token = url.rsplit_once("/p/").expect("its token").1;
        self.db.confirm_unsubscribe(token).await.expect("done");
    }
}

#[tokio::test]
async fn lanes_that_come_at_the_same_time_are_one_transaction() {
    let test = testing::db().await;
    let desk = Desk::with(&test, 4).await;
    assert!(desk.write(&[(None, Some(0)), (None, Some(1))]).await.iter().all(|may| matches!(may, Ok(true))));
    let said = desk.write(&[(Some(0), Some(2)), (Some(1), None), (None, Some(3))]).await;

    assert!(matches!(said[..], [Ok(true), Ok(false), Ok(true)]), "{said:?}");
    let ledger = desk.ledger().await;
    assert_eq!((ledger.messages_in(MessageState::Sent), ledger.messages_in(MessageState::Sending)), (2, 2));
    assert_eq!(ledger.leads(&[EnrolmentState::Finished]), 2);
    assert_eq!(testing::transactions_of_mails(&test.superuser()).await, [4], "e-mails of each");
}

#[tokio::test]
async fn one_that_may_not_leave_stays_behind_alone() {
    let test = testing::db().await;
    let desk = Desk::with(&test, 4).await;
    desk.unsubscribe(1).await;
    let mut t = test.tenant(&desk.company.owner).await.expect("open");
    t.messages().give_back(&desk.claimed[0]).await.expect("freed");
    t.commit().await.expect("kept");
    let (_, again) = claim_next_but(&test, &[]).await.expect("a claim").expect("due");
    let fresh = |n: usize| again.iter().find(|one| one.id == desk.claimed[n].id).expect("claimed again").clone();
    let letter = |claimed: Claimed| Arc::new(Letter { claimed: Arc::new(claimed), ..plain(desk.letter(0)) });
    let mine = [desk.letter(0), desk.letter(1), letter(fresh(2)), letter(fresh(3))];
    let (pages, answers): (Vec<_>, Vec<_>) = mine
        .into_iter()
        .map(|next| {
            let (answer, answered) = oneshot::channel();
            (Page { actor: desk.actor.clone(), done: None, next: Some(next), answer }, answered)
        })
        .unzip();
    write(&test, pages).await;
    let said: Vec<_> = join_all(answers).await.into_iter().map(|answer| answer.expect("an answer")).collect();

    assert!(matches!(said[..], [Ok(false), Ok(false), Ok(true), Ok(true)]), "an old claim, one who has left: {said:?}");
    let ledger = desk.ledger().await;
    assert_eq!((ledger.messages_in(MessageState::Sending), ledger.messages_in(MessageState::Claimed)), (2, 1));
    assert_eq!(ledger.leads(&[EnrolmentState::Unsubscribed]), 1);
}

#[tokio::test]
async fn of_two_lanes_with_one_e_mail_only_the_newer_claim_may_hand_it_over() {
    let test = testing::db().await;
    let desk = Desk::with(&test, 1).await;
    // As after a crash of the database that has forgotten the first claim.
    let mut t = test.tenant(&desk.company.owner).await.expect("open");
    t.messages().give_back(&desk.claimed[0]).await.expect("freed");
    t.commit().await.expect("kept");
    let (_, again) = claim_next_but(&test, &[]).await.expect("a claim").expect("due");
    let newer = Letter { claimed: Arc::new(again[0].clone()), ..plain(desk.letter(0)) };
    let (pages, answers): (Vec<_>, Vec<_>) = [desk.letter(0), Arc::new(newer)]
        .into_iter()
        .map(|next| {
            let (answer, answered) = oneshot::channel();
            (Page { actor: desk.actor.clone(), done: None, next: Some(next), answer }, answered)
        })
        .unzip();
    write(&test, pages).await;
    let said: Vec<_> = join_all(answers).await.into_iter().map(|answer| answer.expect("an answer")).collect();

    assert!(matches!(said[..], [Ok(false), Ok(true)]), "{said:?}");
    assert_eq!(desk.ledger().await.messages_in(MessageState::Sending), 1);
}

#[tokio::test]
async fn one_that_cannot_be_written_down_fails_alone() {
    let test = testing::db().await;
    let desk = Desk::with(&test, 4).await;
    assert!(matches!(desk.write(&[(None, Some(0))]).await[..], [Ok(true)]));
    testing::forbid_mails_to(&test.superuser(), "lead2@x.example").await;
    let said = desk.write(&[(Some(0), Some(1)), (None, Some(2)), (None, Some(3))]).await;

    assert!(matches!(said[..], [Ok(true), Err(_), Ok(true)]), "{said:?}");
    let ledger = desk.ledger().await;
    assert_eq!((ledger.messages_in(MessageState::Sent), ledger.messages_in(MessageState::Sending)), (1, 2));
    assert_eq!(ledger.messages_in(MessageState::Claimed), 1, "nothing has happened to it");
}

#[tokio::test]
async fn a_lane_that_is_gone_begins_nothing_and_what_it_brought_is_kept() {
    let test = testing::db().await;
    let desk = Desk::with(&test, 3).await;
    assert!(matches!(desk.write(&[(None, Some(0))]).await[..], [Ok(true)]));
    let (gone, answered) = desk.page(Some(0), Some(1));
    drop(answered);
    let (here, hears) = desk.page(None, Some(2));
    write(&test, vec![gone, here]).await;

    assert!(matches!(hears.await, Ok(Ok(true))));
    let ledger = desk.ledger().await;
    assert_eq!((ledger.messages_in(MessageState::Sent), ledger.messages_in(MessageState::Claimed)), (1, 1));
}

#[tokio::test]
async fn whoever_comes_while_others_are_written_down_goes_with_the_next() {
    let test = testing::db().await;
    let desk = Desk::with(&test, 6).await;
    let books = Books::open(&test);
    let held = testing::lock(&test.superuser(), "message_contents").await;
    let lane = |n: usize| {
        let (mut pen, letter) = (books.clone().pen(desk.actor.clone()), desk.letter(n));
        tokio::spawn(async move { pen.begin(letter).await })
    };
    let mut lanes = vec![lane(0)];
    testing::until_somebody_waits(&test.superuser()).await;
    lanes.extend((1..6).map(lane));
    while books.0.capacity() > WAITING - 5 {
        tokio::task::yield_now().await;
    }
    drop(held);

    for lane in lanes {
        assert!(matches!(lane.await, Ok(Ok(true))));
    }
    assert_eq!(testing::transactions_of_mails(&test.superuser()).await, [1, 5], "e-mails of each");
}

#[tokio::test]
async fn many_are_held_in_one_order() {
    let test = testing::db().await;
    let desk = Desk::with(&test, 2).await;
    let enrolment = |one: &Arc<Claimed>| match one.place {
        service::messages::Place::Campaign { enrolment, .. } => enrolment,
        service::messages::Place::Thread(_) => unreachable!("they are of a campaign"),
    };
    let (mut first, mut last) = (0, 1);
    if enrolment(&desk.claimed[first]) > enrolment(&desk.claimed[last]) {
        std::mem::swap(&mut first, &mut last);
    }
    let [first, last] = [first, last].map(|n| desk.letter(n));
    let mut holder = test.tenant(&desk.actor).await.expect("open");
    assert_eq!(holder.messages().begin(&[first.as_ready()]).await.expect("begun"), [true]);
    let (db, actor, both) = ((*test).clone(), desk.actor.clone(), [last.clone(), first.clone()]);
    let waits = tokio::spawn(async move {
        let mut t = db.tenant(&actor).await?;
        t.messages().begin(&[both[0].as_ready(), both[1].as_ready()]).await
    });
    testing::until_somebody_waits(&test.superuser()).await;

    // It waits for the first and holds nothing behind it, so whoever holds the first may go on.
    assert_eq!(holder.messages().begin(&[last.as_ready()]).await.expect("begun"), [true]);
    holder.commit().await.expect("kept");
    assert_eq!(waits.await.expect("no panic").expect("looked"), [false, false]);
}

/// A letter of its own.
fn plain(letter: Arc<Letter>) -> Letter {
    Arc::into_inner(letter).expect("nobody else has it")
}
