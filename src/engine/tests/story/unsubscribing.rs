//! How an e-mail offers to leave: by mail only while what comes back is read.

use chrono::Duration;
use domain::{
    campaigns::CampaignInput,
    inboxes::InboxInput,
    mailboxes::{MailboxInput, MailboxKind},
};
use service::{inboxes::claim, messages::claim::claim_next};

use crate::support::{Story, start_of_story};

#[tokio::test]
async fn a_way_to_unsubscribe_by_mail_is_offered_only_where_mail_is_read() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let id = story.campaign().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let smtp = MailboxInput {
        kind: Some(MailboxKind::Smtp),
        from_name: Some("Nora Berg".into()),
        address: Some("nora@halden.example".into()),
        host: Some("127.0.0.1".into()),
        ..MailboxInput::default()
    };
    let mailbox = t.mailboxes().create(smtp).await.expect("connected").id;
    let through = CampaignInput { mailboxes: Some(vec![mailbox]), ..CampaignInput::default() };
    t.campaigns().update(id, through, None).await.expect("changed");
    let inbox = InboxInput {
        host: "127.0.0.1".into(),
        username: "nora".into(),
        password: Some("opensesame".into()),
        ..InboxInput::default()
    };
    t.inboxes().set(mailbox, inbox).await.expect("set");
    t.commit().await.expect("kept");
    testing::let_domains_pass(&story.db, story.actor()).await;
    story.start(id).await;
    // A turn may find nothing that can leave; then it is the next one's.
    let offered = async || loop {
        let claimed = claim_next(&story.db).await.expect("a claim").expect("due");
        if let Some(claimed) = claimed.into_iter().next() {
            break claimed.unsubscribe_mailto;
        }
    };
    assert_eq!(offered().await, None, "nobody has read it yet");

    let hand = claim(&story.db).await.expect("a claim").expect("due");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert!(t.inboxes().renew(&hand).await.expect("renewed"));
    t.commit().await.expect("kept");
    test.clock().advance(Duration::minutes(6));
    assert!(offered().await.is_some_and(|way| way.contains("nora@halden.example")));
    test.clock().advance(Duration::days(1));
    assert_eq!(offered().await, None, "nobody has read it for a day");
}
