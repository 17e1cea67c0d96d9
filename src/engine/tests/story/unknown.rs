//! What becomes of an e-mail whose server has said nothing.

use chrono::Duration;
use domain::{
    CampaignId, PageRequest, Role,
    campaigns::{CampaignInput, CampaignState, OnUnknown, Rules},
    enrolments::EnrolmentState,
    messages::{Evidence, Message, MessageState, SendOutcome},
};
use engine::worker::reconcile_once;
use service::{Error, campaigns::advance::advance};

use crate::support::{Story, start_of_story};

impl Story<'_> {
    /// One e-mail whose server has said nothing, in a campaign with this rule.
    async fn silence(&self, on_unknown: OnUnknown) -> CampaignId {
        self.leads(&["a@x.example"]).await;
        let id = self.campaign().await;
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let rules = Rules { on_unknown, ..Rules::default() };
        let input = CampaignInput { rules: Some(rules), ..CampaignInput::default() };
        t.campaigns().update(id, input, None).await.expect("changed");
        t.commit().await.expect("kept");
        self.start(id).await;
        self.fall_silent().await;
        id
    }

    async fn fall_silent(&self) -> service::messages::Claimed {
        let claimed = self.begin().await;
        self.record(&claimed, &SendOutcome::Unknown { reason: "The server hung up.".into() }).await;
        claimed
    }

    async fn first_mail(&self, id: CampaignId) -> Message {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let mails = t.campaigns().messages(id, None, &PageRequest::default()).await.expect("a list").items;
        mails.into_iter().map(|mail| mail.message).find(|mail| mail.position == 1).expect("planned")
    }
}

#[tokio::test]
async fn an_unknown_e_mail_is_given_up_after_72_hours_and_never_sent_again() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.silence(OnUnknown::Never).await;
    test.clock().advance(Duration::hours(71));
    reconcile_once(&story.db).await.expect("looked");
    let mail = story.first_mail(id).await;
    assert_eq!((mail.state, mail.final_at), (MessageState::Unknown, None));
    test.clock().advance(Duration::hours(2));
    reconcile_once(&story.db).await.expect("looked");
    let mail = story.first_mail(id).await;
    assert_eq!((mail.state, mail.resent_at), (MessageState::Unknown, None));
    assert_eq!(mail.final_at, Some(test.clock().now()));
    story.send().await;
    assert!(story.caught().await.is_empty());
    story.ledger(id).await;
}

#[tokio::test]
async fn it_is_handed_over_once_more_where_the_campaign_says_so_with_the_same_message_id() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.silence(OnUnknown::Resend).await;
    let before = story.first_mail(id).await;
    test.clock().advance(Duration::hours(23));
    reconcile_once(&story.db).await.expect("looked");
    advance(&story.db, story.company.id, id).await.expect("looked");
    assert_eq!(story.first_mail(id).await.state, MessageState::Unknown);
    assert_eq!(story.state(id).await, CampaignState::Running, "it waits for the second try");

    test.clock().advance(Duration::hours(2));
    reconcile_once(&story.db).await.expect("looked");
    let waiting = story.first_mail(id).await;
    assert_eq!((waiting.state, waiting.resent_at), (MessageState::Deferred, Some(test.clock().now())));
    let again = story.fall_silent().await;
    assert_eq!(Some(again.message_id_header), before.message_id_header);

    // It has had its second try, and the time to give up goes on from the first.
    test.clock().advance(Duration::hours(25));
    reconcile_once(&story.db).await.expect("looked");
    let mail = story.first_mail(id).await;
    assert_eq!((mail.state, mail.final_at), (MessageState::Unknown, None));
    test.clock().advance(Duration::hours(23));
    reconcile_once(&story.db).await.expect("looked");
    assert!(story.first_mail(id).await.final_at.is_some());
    advance(&story.db, story.company.id, id).await.expect("looked");
    assert_eq!(story.state(id).await, CampaignState::Completed);
    assert_eq!(story.ledger(id).await.leads(&[EnrolmentState::Failed]), 1);
}

#[tokio::test]
async fn a_second_try_that_a_pause_has_put_off_is_made_after_it() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.silence(OnUnknown::Resend).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().pause(id).await.expect("paused");
    t.commit().await.expect("kept");
    advance(&story.db, story.company.id, id).await.expect("drained");
    assert_eq!(story.state(id).await, CampaignState::Paused);
    test.clock().advance(Duration::hours(80));
    reconcile_once(&story.db).await.expect("looked");
    let mail = story.first_mail(id).await;
    assert_eq!(
        (mail.state, mail.resent_at, mail.final_at),
        (MessageState::Unknown, None, None),
        "it was not tried yet"
    );

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().resume(id, false).await.expect("resumed");
    t.commit().await.expect("kept");
    reconcile_once(&story.db).await.expect("looked");
    let mail = story.first_mail(id).await;
    assert_eq!((mail.state, mail.resent_at), (MessageState::Deferred, Some(test.clock().now())));
    // Now it has been tried, and a pause holds nothing open.
    story.fall_silent().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().pause(id).await.expect("paused");
    t.commit().await.expect("kept");
    test.clock().advance(Duration::hours(73));
    reconcile_once(&story.db).await.expect("looked");
    assert!(story.first_mail(id).await.final_at.is_some());
}

#[tokio::test]
async fn a_campaign_that_asks_does_what_a_person_decides() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.silence(OnUnknown::Ask).await;
    let mail = story.first_mail(id).await;
    test.clock().advance(Duration::hours(25));
    reconcile_once(&story.db).await.expect("looked");
    advance(&story.db, story.company.id, id).await.expect("looked");
    assert_eq!(story.first_mail(id).await.state, MessageState::Unknown, "nobody has decided yet");
    assert_eq!(story.state(id).await, CampaignState::Running);

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let campaign = t.campaigns().get(id).await.expect("there");
    assert_eq!(t.messages().questions(&campaign).await.expect("a count"), 1);
    t.messages().send_unknown_again(id, mail.id).await.expect("decided");
    let twice = t.messages().send_unknown_again(id, mail.id).await;
    assert_eq!(refused(twice), "not_a_question");
    t.commit().await.expect("kept");
    let again = story.fall_silent().await;
    assert_eq!(Some(again.message_id_header), mail.message_id_header);
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert_eq!(refused(t.messages().send_unknown_again(id, mail.id).await), "not_a_question", "it had its second try");
    assert_eq!(t.messages().questions(&campaign).await.expect("a count"), 0);
}

#[tokio::test]
async fn what_is_left_unknown_is_not_waited_for() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.silence(OnUnknown::Ask).await;
    let mail = story.first_mail(id).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.messages().leave_unknown(id, mail.id).await.expect("decided");
    assert_eq!(refused(t.messages().leave_unknown(id, mail.id).await), "not_a_question");
    t.commit().await.expect("kept");
    advance(&story.db, story.company.id, id).await.expect("looked");
    assert_eq!(story.state(id).await, CampaignState::Completed);
    assert_eq!(story.first_mail(id).await.state, MessageState::Unknown);
}

#[tokio::test]
async fn a_campaign_that_never_sends_twice_takes_no_orders_to_do_so() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.silence(OnUnknown::Never).await;
    let mail = story.first_mail(id).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert_eq!(refused(t.messages().send_unknown_again(id, mail.id).await), "campaign_does_not_ask");
    assert_eq!(refused(t.messages().leave_unknown(id, mail.id).await), "campaign_does_not_ask");
    drop(t);
    let viewer = story.company.member(Role::Viewer).await;
    let mut t = story.db.tenant(&viewer).await.expect("open");
    let forbidden = t.messages().send_unknown_again(id, mail.id).await;
    assert!(matches!(forbidden, Err(Error::Forbidden(_))), "{forbidden:?}");
}

fn refused(result: service::Result<()>) -> String {
    match result {
        Err(Error::Refused(refusal)) => refusal.code.into_owned(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn evidence_that_comes_before_the_second_try_makes_it_needless() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.silence(OnUnknown::Resend).await;
    test.clock().advance(Duration::hours(25));
    reconcile_once(&story.db).await.expect("looked");
    let waiting = story.first_mail(id).await;
    assert_eq!(waiting.state, MessageState::Deferred);

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.messages().looked(waiting.id, true).await.expect("found");
    t.commit().await.expect("kept");
    let mail = story.first_mail(id).await;
    assert_eq!((mail.state, mail.evidence), (MessageState::Sent, Some(Evidence::SentFolder)));
    test.clock().advance(Duration::hours(2));
    story.send().await;
    let subjects: Vec<_> = story.caught().await.into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(subjects, ["Second"], "the sequence goes on, and the first e-mail is not sent again");
}

#[tokio::test]
async fn what_waits_for_its_second_try_stays_unknown_when_its_campaign_is_stopped() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.silence(OnUnknown::Resend).await;
    test.clock().advance(Duration::hours(25));
    reconcile_once(&story.db).await.expect("looked");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().stop(id).await.expect("stopped");
    t.commit().await.expect("kept");
    advance(&story.db, story.company.id, id).await.expect("ended");
    assert_eq!(story.first_mail(id).await.state, MessageState::Unknown, "the lead may have it");
    assert_eq!(story.state(id).await, CampaignState::Stopped);
    test.clock().advance(Duration::hours(48));
    reconcile_once(&story.db).await.expect("looked");
    assert!(story.first_mail(id).await.final_at.is_some());
    assert!(story.caught().await.is_empty());
}
