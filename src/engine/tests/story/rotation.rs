//! Which mailbox of a campaign writes to whom.

use std::collections::BTreeMap;

use chrono::Duration;
use domain::{
    CampaignId, LeadId, MailboxId, PageRequest,
    campaigns::{Audience, CampaignInput, CampaignState},
    leads::LeadSelection,
};
use service::campaigns::advance::advance;
use testing::TestDb;

use crate::support::{Story, start_of_story};

impl Story<'_> {
    /// A campaign for those who are chosen, and a second mailbox for it.
    async fn two_mailboxes(&self) -> (CampaignId, [MailboxId; 2]) {
        let id = self.campaign().await;
        let mailboxes = [self.mailbox().await.0, self.company.mailbox().await];
        let input = CampaignInput {
            audience: Some(Audience::Selection),
            mailboxes: Some(mailboxes.to_vec()),
            ..CampaignInput::default()
        };
        self.edit(id, input).await;
        (id, mailboxes)
    }

    async fn enrol(&self, id: CampaignId, leads: &[LeadId]) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().enrol(id, &LeadSelection::Ids(leads.to_vec())).await.expect("added");
        t.commit().await.expect("kept");
        advance(&self.db, self.company.id, id).await.expect("placed");
    }

    async fn pause_mailbox(&self, id: MailboxId) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.mailboxes().pause(id).await.expect("paused");
        t.commit().await.expect("kept");
    }

    /// How many leads each mailbox writes to.
    async fn shares(&self, id: CampaignId) -> BTreeMap<MailboxId, usize> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let all = t.enrolments().list(id, None, &PageRequest::default()).await.expect("a list").items;
        all.into_iter().filter_map(|one| one.mailbox_id).fold(BTreeMap::new(), |mut shares, mailbox| {
            *shares.entry(mailbox).or_default() += 1;
            shares
        })
    }
}

#[tokio::test]
async fn leads_that_come_one_by_one_are_written_to_by_all_mailboxes_in_turn() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let leads = story.leads(&["a@a.example", "b@b.example", "c@c.example", "d@d.example"]).await;
    let (id, [first, second]) = story.two_mailboxes().await;
    story.enrol(id, &leads[..1]).await;
    story.start(id).await;
    for lead in &leads[1..] {
        story.enrol(id, &[*lead]).await;
    }
    assert_eq!(story.shares(id).await, BTreeMap::from([(first, 2), (second, 2)]));
}

/// Four leads of two mailboxes, the first of which pauses before or after the first e-mails.
async fn paused(test: &TestDb, after: bool) -> (Story<'_>, CampaignId, [MailboxId; 2]) {
    let story = Story::of(test).await;
    let leads = story.leads(&["a@a.example", "b@b.example", "c@c.example", "d@d.example"]).await;
    let (id, mailboxes) = story.two_mailboxes().await;
    story.enrol(id, &leads).await;
    story.start(id).await;
    if after {
        story.send().await;
    }
    story.pause_mailbox(mailboxes[0]).await;
    story.minutes(test, id, 62).await;
    (story, id, mailboxes)
}

#[tokio::test]
async fn a_mailbox_that_is_paused_holds_up_nobody_it_has_not_written_to() {
    let test = testing::db_at(start_of_story()).await;
    let (story, id, [_, second]) = paused(&test, false).await;
    assert_eq!(story.shares(id).await, BTreeMap::from([(second, 4)]));
    assert_eq!(story.caught().await.len(), 8);
}

#[tokio::test]
async fn whoever_has_had_an_e_mail_waits_for_the_mailbox_it_came_from() {
    let test = testing::db_at(start_of_story()).await;
    let (story, id, [first, second]) = paused(&test, true).await;
    assert_eq!(story.caught().await.len(), 6, "the second step of two of them waits");
    assert_eq!(story.shares(id).await, BTreeMap::from([(first, 2), (second, 2)]));
    // New leads are not given to it either.
    let more = story.leads(&["e@e.example", "f@f.example"]).await;
    story.enrol(id, &more).await;
    assert_eq!(story.shares(id).await, BTreeMap::from([(first, 2), (second, 4)]));
}

#[tokio::test]
async fn a_campaign_that_was_completed_goes_on_for_leads_that_are_added() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let leads = story.leads(&["a@a.example", "b@b.example"]).await;
    let (id, _) = story.two_mailboxes().await;
    story.enrol(id, &leads[..1]).await;
    story.start(id).await;
    story.minutes(&test, id, 62).await;
    assert_eq!(story.state(id).await, CampaignState::Completed);

    story.enrol(id, &leads[..1]).await;
    assert_eq!(story.state(id).await, CampaignState::Completed, "nobody was added");
    test.clock().advance(Duration::days(3));
    story.enrol(id, &leads[1..]).await;
    assert_eq!(story.state(id).await, CampaignState::Running);
    story.minutes(&test, id, 62).await;
    assert_eq!(story.state(id).await, CampaignState::Completed);
    assert_eq!(story.caught().await.len(), 4, "nobody got anything twice");
    assert_eq!(story.ledger(id).await.audience, 2);
}
