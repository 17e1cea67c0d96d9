//! Copies of e-mails whose server has said nothing, in the folder of sent mails.

use chrono::Duration;
use domain::{
    CampaignId, PageRequest,
    campaigns::{Audience, CampaignInput},
    leads::{LeadFilter, LeadInput},
    mailboxes::MailboxInput,
    messages::{Evidence, Message, MessageState, SendOutcome},
    steps::StepInput,
    window::SendingWindow,
};
use service::{
    campaigns::advance::advance,
    messages::{Ready, claim::claim_next},
};

use crate::{
    desk::{Desk, mail},
    dovecot::PASSWORD,
};

impl Desk<'_> {
    /// E-mails to these whose server has said nothing. Gives the campaign and their Message-IDs, in the same order.
    pub async fn silence(&self, to: &[&str]) -> (CampaignId, Vec<String>) {
        testing::let_domains_pass(&self.db, &self.company.owner).await;
        let lead = |to: &&str| LeadInput { email: Some((*to).to_owned()), ..LeadInput::default() };
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        t.leads().bulk_upsert(to.iter().map(lead).collect()).await.expect("stored");
        let input = CampaignInput {
            name: Some("Silent".into()),
            audience: Some(Audience::Filter { filter: LeadFilter::default() }),
            window: Some(SendingWindow::always()),
            rules: None,
            mailboxes: Some(vec![self.mailbox]),
        };
        let at_once = MailboxInput { gap_seconds: Some(0), gap_max_seconds: Some(0), ..MailboxInput::default() };
        t.mailboxes().update(self.mailbox, at_once, None).await.expect("changed");
        let id = t.campaigns().create(input).await.expect("created").id;
        let step = StepInput { subject: Some("Hello".into()), body: Some("Hello".into()), ..StepInput::default() };
        t.campaigns().add_step(id, step).await.expect("added");
        t.campaigns().start(id).await.expect("started");
        t.commit().await.expect("kept");
        advance(&self.db, self.company.id, id).await.expect("placed");
        let mut headers = vec![String::new(); to.len()];
        while headers.iter().any(String::is_empty) {
            for claimed in claim_next(&self.db).await.expect("a claim").expect("due") {
                let mut t = self.db.tenant(&self.company.owner).await.expect("open");
                assert_eq!(
                    t.messages().begin(&[Ready::new(&claimed, "Hello", b"x", "nowhere:25")]).await.expect("begun"),
                    [true]
                );
                let silent = SendOutcome::Unknown { reason: "The server hung up.".into() };
                t.messages().record(claimed.id, claimed.token, &silent).await.expect("recorded");
                t.commit().await.expect("kept");
                let at = to.iter().position(|to| *to == claimed.recipient.as_str()).expect("one of them");
                headers[at] = claimed.message_id_header;
            }
        }
        (id, headers)
    }

    async fn sent(&self, id: CampaignId, to: &str) -> Message {
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        let mails = t.campaigns().messages(id, None, &PageRequest::default()).await.expect("a list").items;
        mails.into_iter().map(|mail| mail.message).find(|mail| mail.recipient.as_deref() == Some(to)).expect("written")
    }

    /// Comes back once an e-mail is known to be sent.
    async fn until_proven(&self, id: CampaignId, to: &str) -> Message {
        for _ in 0..1_200 {
            let mail = self.sent(id, to).await;
            if mail.state == MessageState::Sent {
                return mail;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("{to} stays unknown: {:?}", self.inbox().await);
    }
}

#[tokio::test]
async fn a_copy_in_the_folder_of_sent_mails_shows_that_a_server_took_it() {
    let test = testing::db_at("2026-11-20T10:00:00Z".parse().expect("a time")).await;
    let mut desk = Desk::at(&test).await;
    let (id, headers) = desk.silence(&["a@lark.example", "b@lark.example"]).await;
    desk.server.make_folder("Sent");
    desk.server.put("Sent", &mail(1).replace("<m1@corvus.example>", &headers[0]));
    desk.server.put("Sent", &mail(2));
    desk.server.deliver(&mail(3));
    desk.set(PASSWORD).await;
    desk.read();
    let found = desk.until_proven(id, "a@lark.example").await;
    assert_eq!(found.evidence, Some(Evidence::SentFolder));
    assert!(found.evidence_at.is_some());
    let other = desk.sent(id, "b@lark.example").await;
    assert_eq!((other.state, other.evidence), (MessageState::Unknown, None), "what lies there is another mail");

    // The INBOX is read on.
    desk.server.deliver(&mail(4));
    desk.until("both are read", |_, mails| mails.len() == 2).await;
    // Copies of the folder of sent mails are no inbound mails, and what comes there later is found in the next hour.
    desk.server.put("Sent", &mail(5).replace("<m5@corvus.example>", &headers[1]));
    test.clock().advance(Duration::minutes(61));
    desk.server.deliver(&mail(6));
    desk.until_proven(id, "b@lark.example").await;
}

#[tokio::test]
async fn without_such_a_folder_an_unknown_e_mail_stays_unknown_and_mails_are_read() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    let (id, _) = desk.silence(&["a@lark.example"]).await;
    desk.server.deliver(&mail(1));
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("it is read", |inbox, mails| mails.len() == 1 && inbox.read_at.is_some()).await;
    assert_eq!(desk.sent(id, "a@lark.example").await.state, MessageState::Unknown);
    desk.server.deliver(&mail(2));
    desk.until("the next one, too", |inbox, mails| mails.len() == 2 && inbox.error.is_none()).await;
}
