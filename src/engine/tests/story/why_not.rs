//! What is said of an e-mail that has not left, held against what the claim then does.

use std::collections::BTreeMap;

use chrono::Duration;
use domain::{
    CampaignId, EmailAddress, EnrolmentId, PageRequest,
    campaigns::CampaignInput,
    enrolments::Enrolment,
    mailboxes::MailboxInput,
    messages::MessageInFull,
    suppressions::SuppressionTarget,
    why_not::{WaitReason, WhyNot},
    window::{SendingWindow, WindowZone},
};
use engine::letters;
use service::{
    jobs::SendTestMail,
    messages::{Place, claim::claim_next},
};

use crate::support::{Story, start_of_story};

const ALL: PageRequest = PageRequest { after: None, before: None, per: Some(100) };

impl Story<'_> {
    async fn enrolled_in(&self, id: CampaignId) -> Vec<Enrolment> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.enrolments().list(id, None, &ALL).await.expect("a list").items
    }

    /// What is said of each address.
    async fn said(&self, id: CampaignId) -> BTreeMap<String, WhyNot> {
        let all = self.enrolled_in(id).await;
        all.into_iter().filter_map(|one| Some((one.email?.to_string(), one.why_not_yet?))).collect()
    }

    async fn mails(&self, id: CampaignId) -> Vec<MessageInFull> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().messages(id, None, &ALL).await.expect("a list").items
    }

    async fn campaign_waits(&self, id: CampaignId) -> Option<WhyNot> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().why_not(id).await.expect("there")
    }

    /// Whom the next claim takes; a mailbox without a gap takes up to twenty at once.
    async fn claimed(&self) -> Vec<EnrolmentId> {
        let batch = claim_next(&self.db).await.expect("a claim").expect("something is due");
        let of = |place| match place {
            Place::Campaign { enrolment, .. } => Some(enrolment),
            Place::Thread(_) => None,
        };
        batch.iter().filter_map(|claimed| of(claimed.place)).collect()
    }
}

#[tokio::test]
async fn the_claim_takes_exactly_those_whose_turn_it_is_said_to_be() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let names = ["turn", "also", "ahead", "paused", "suppressed", "nameless", "closed", "old", "draft"];
    let emails: Vec<_> = names.iter().map(|name| format!("{name}@x.example")).collect();
    story.leads(&emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let id = story.campaign().await;
    let office = SendingWindow { zone: WindowZone::Lead, ..SendingWindow::default() };
    story.edit(id, CampaignInput { window: Some(office), ..CampaignInput::default() }).await;
    story.start(id).await;

    let of = |name: &str, all: &[Enrolment]| {
        let email = format!("{name}@x.example");
        all.iter().find(|one| one.email.as_ref().is_some_and(|e| e.as_str() == email)).expect("enrolled").id
    };
    let all = story.enrolled_in(id).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.enrolments().pause(of("paused", &all)).await.expect("paused");
    let address = SuppressionTarget::Address(EmailAddress::parse("suppressed@x.example").expect("an address"));
    t.suppressions().add(&[address], None).await.expect("suppressed");
    t.commit().await.expect("kept");
    // States that come about by time and by other workers are set where they are kept.
    let admin = test.superuser();
    for (name, change) in [
        ("ahead", "due_at = due_at + interval '1 hour'"),
        ("closed", "window_ends_at = due_at"),
        ("old", "plan_shift = plan_shift - 1"),
        ("draft", "waits_for_draft = true, needs_draft = true"),
        ("suppressed", "state = 'scheduled', detail = NULL"),
    ] {
        testing::change(&admin, "messages", change, "enrolment_id", of(name, &all).0).await;
    }
    let suppressed = of("suppressed", &all).0;
    testing::change(&admin, "enrolments", "state = 'active', end_reason = NULL", "id", suppressed).await;
    let nameless = all.iter().find(|one| one.id == of("nameless", &all)).and_then(|one| one.lead_id).expect("a lead");
    testing::change(&admin, "leads", "email = NULL", "id", nameless.0).await;
    let far = all.iter().find(|one| one.id == of("closed", &all)).and_then(|one| one.lead_id).expect("a lead");
    testing::change(&admin, "leads", "time_zone = 'Asia/Tokyo'", "id", far.0).await;

    let all = story.enrolled_in(id).await;
    let reasons: BTreeMap<_, _> =
        all.iter().filter_map(|one| Some((one.id, one.why_not_yet.as_ref()?.reason))).collect();
    let mut count: BTreeMap<WaitReason, usize> = BTreeMap::new();
    for reason in reasons.values() {
        *count.entry(*reason).or_default() += 1;
    }
    use WaitReason as W;
    let expected = [
        (W::Turn, 2),
        (W::Delay, 1),
        (W::Paused, 1),
        (W::Unsendable, 2),
        (W::Window, 1),
        (W::Replanning, 1),
        (W::Draft, 1),
    ];
    assert_eq!(count, expected.into_iter().collect());
    let mut turns: Vec<_> = reasons.iter().filter(|(_, reason)| **reason == W::Turn).map(|(id, _)| *id).collect();
    let mut taken = story.claimed().await;
    turns.sort_unstable();
    taken.sort_unstable();
    assert_eq!(taken, turns);
    let unsendable = reasons.iter().filter(|(_, reason)| **reason == W::Unsendable);
    let after = story.enrolled_in(id).await;
    for (id, _) in unsendable {
        let one = after.iter().find(|one| one.id == *id).expect("there");
        assert!(!one.state.is_open(), "its sequence has ended at its turn, as was said");
    }
}

#[tokio::test]
async fn a_cap_and_a_gap_are_told_with_the_time_at_which_they_end() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let id = story.campaign().await;
    story
        .change_mailbox(MailboxInput {
            daily_cap: Some(2),
            gap_seconds: Some(300),
            gap_max_seconds: Some(300),
            ..MailboxInput::default()
        })
        .await;
    story.start(id).await;
    let now = start_of_story();
    assert!(story.said(id).await.values().all(|why| why.reason == WaitReason::Turn));
    story.send().await;
    let (mailbox, gap_ends) = (story.mailbox().await.0, now + Duration::minutes(5));
    let waits: Vec<_> = story.said(id).await.into_values().filter(|why| why.reason == WaitReason::Gap).collect();
    assert_eq!(waits.len(), 2);
    assert!(waits.iter().all(|why| why.next_at == Some(gap_ends)), "{waits:?}");
    assert!(story.campaign_waits(id).await.is_none(), "a campaign that waits for a gap sends");

    test.clock().advance(Duration::minutes(5));
    story.send().await;
    assert_eq!(story.caught().await.len(), 2);
    test.clock().advance(Duration::minutes(6));
    let waits: Vec<_> = story.said(id).await.into_values().filter(|why| why.reason == WaitReason::Cap).collect();
    assert_eq!(waits.len(), 1);
    let free = now + Duration::hours(24);
    assert_eq!(waits[0].next_at, Some(free), "when the first is a day old");
    let mails = story.mails(id).await;
    let told = mails.iter().find_map(|mail| mail.why_not_yet.clone().filter(|why| why.reason == WaitReason::Cap));
    assert_eq!(told.as_ref(), Some(&waits[0]), "an e-mail says the same as its lead");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let address = t.mailboxes().get(mailbox).await.expect("there").address;
    assert_eq!(waits[0].words, format!("Waits for the cap of {address}."));
    let campaign = story.campaign_waits(id).await.expect("it waits");
    assert_eq!((campaign.reason, campaign.next_at), (WaitReason::Cap, Some(free)));
}

#[tokio::test]
async fn a_cap_that_a_test_mail_has_filled_ends_when_the_test_mail_is_a_day_old() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.change_mailbox(MailboxInput { daily_cap: Some(2), ..MailboxInput::default() }).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let step = t.campaigns().steps(id).await.expect("steps").steps()[0].id;
    let mail = t.campaigns().request_test_mail(id, step, None, "nora@halden.example").await.expect("asked").id;
    t.commit().await.expect("kept");
    letters::send_test(&story.db, &SendTestMail { company: story.company.id, mail }).await.expect("sent");
    test.clock().advance(Duration::hours(1));
    story.start(id).await;
    story.send().await;
    let waits = story.said(id).await.into_values().filter(|why| why.reason == WaitReason::Cap);
    let free = start_of_story() + Duration::hours(24);
    assert_eq!(waits.map(|why| why.next_at).collect::<Vec<_>>(), [Some(free)]);
}
