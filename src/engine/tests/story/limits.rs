//! What the recipients of one domain get.

use chrono::Duration;
use domain::{
    CampaignId, MailboxId, PageRequest,
    campaigns::{CampaignInput, HoldReason},
    mailboxes::RecipientLimits,
};
use service::{Error, messages::claim::claim_next};

use crate::support::{Story, start_of_story};

impl Story<'_> {
    async fn limit(&self, per_hour: Option<i32>, per_day: Option<i32>) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.mailboxes().set_limits(RecipientLimits { per_hour, per_day }).await.expect("set");
        t.commit().await.expect("kept");
    }

    /// How many mails the sandbox has caught for a domain.
    async fn caught_at(&self, domain: &str) -> usize {
        self.caught().await.iter().filter(|(_, to)| to.ends_with(domain)).count()
    }

    /// Why each lead waits, without those of which nothing waits.
    async fn waits(&self, id: CampaignId) -> Vec<String> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let page = PageRequest { per: Some(100), ..PageRequest::default() };
        let all = t.enrolments().list(id, None, &page).await.expect("a list").items;
        all.into_iter()
            .filter(|one| one.steps_done == 0)
            .filter_map(|one| one.why_not_yet.map(|why| why.words))
            .collect()
    }

    async fn hold_reason(&self, id: CampaignId) -> Option<HoldReason> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().hold_reason(id).await.expect("a reason")
    }

    /// Sends from a second mailbox, too.
    async fn second_mailbox(&self, id: CampaignId) -> MailboxId {
        let (first, second) = (self.mailbox().await.0, self.company.mailbox().await);
        let both = CampaignInput { mailboxes: Some(vec![first, second]), ..CampaignInput::default() };
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().update(id, both, None).await.expect("changed");
        t.commit().await.expect("kept");
        second
    }
}

#[tokio::test]
async fn a_domain_gets_no_more_than_its_limit_in_an_hour_and_the_rest_stands_in_line() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let mut emails: Vec<_> = (0..6).map(|n| format!("g{n}@gmail.com")).collect();
    emails.extend((0..3).map(|n| format!("g{n}@googlemail.com")));
    emails.extend((0..4).map(|n| format!("c{n}@corvus.example")));
    story.leads(&emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let id = story.campaign().await;
    story.second_mailbox(id).await;
    story.limit(Some(4), None).await;
    story.start(id).await;
    story.send().await;

    let gmail = async || story.caught_at("@gmail.com").await + story.caught_at("@googlemail.com").await;
    assert_eq!((gmail().await, story.caught_at("@corvus.example").await), (4, 4), "both mailboxes count together");
    let waits = story.waits(id).await;
    assert_eq!(waits.len(), 5);
    for words in waits {
        assert_eq!(words, "Gmail gets at most 4 e-mails in an hour; it stands in line.");
    }
    assert_eq!(story.hold_reason(id).await, Some(HoldReason::RecipientLimit));

    test.clock().advance(Duration::minutes(59));
    story.send().await;
    assert_eq!(gmail().await, 4, "the four are of this hour");
    // One in fifteen minutes: at 60, 75, 90, 105 and 120.
    for (minutes, sent) in [(2, 5), (15, 6), (15, 7), (15, 8)] {
        test.clock().advance(Duration::minutes(minutes));
        story.send().await;
        let firsts = story.caught().await.iter().filter(|(subject, to)| subject == "First" && to.contains("g")).count();
        assert!(firsts >= sent, "{firsts} of {sent}");
    }
    story.ledger(id).await;
}

#[tokio::test]
async fn a_limit_that_is_taken_away_lets_the_line_go_at_once() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example", "d@y.example"]).await;
    let id = story.campaign().await;
    story.limit(None, Some(1)).await;
    story.start(id).await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 2, "one to each");
    assert_eq!(story.waits(id).await, ["x.example gets at most 1 e-mails in 24 hours; it stands in line."; 2]);
    test.clock().advance(Duration::minutes(1));
    story.limit(None, None).await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 4);
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let wrong = t.mailboxes().set_limits(RecipientLimits { per_hour: Some(0), per_day: None }).await;
    assert!(matches!(wrong, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_new_e_mail_does_not_overtake_those_that_stand_in_line() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let id = story.campaign().await;
    story.limit(Some(1), None).await;
    story.start(id).await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 1);
    // b and c stand at 60 and 120 minutes. At 61, c does not take the room of b, and the second step of a comes last.
    test.clock().advance(Duration::minutes(61));
    let claimed = loop {
        match claim_next(&story.db).await.expect("a claim") {
            Some(claimed) if claimed.is_empty() => {}
            Some(claimed) => break claimed,
            None => panic!("nothing is due"),
        }
    };
    assert_eq!(claimed.len(), 1);
    assert_ne!(claimed[0].recipient.as_str(), "a@x.example", "its second step waits behind the others");
    let waits = story.waits(id).await;
    assert_eq!(waits.iter().filter(|words| words.starts_with("x.example gets at most 1")).count(), 1, "{waits:?}");
}
