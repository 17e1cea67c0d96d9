//! Tests of the way in, at a real server.

use std::sync::Arc;

use domain::{
    domains::Standing,
    mailboxes::{MailboxState, Protocol, Security, TestStep, TestStepKind},
};
use engine::{letters, mail::tls::web};
use service::jobs::TestMailbox;
use tokio_rustls::rustls::ClientConfig;

use crate::{
    desk::{Desk, trusting},
    dovecot::{Dovecot, PASSWORD},
};

impl Desk<'_> {
    /// Tests the connections, as a worker does; the steps on the way in.
    async fn test_with(&self, tls: Arc<ClientConfig>) -> Vec<TestStep> {
        let job = TestMailbox { company: self.company.id, mailbox: self.mailbox };
        letters::test_mailbox_with(&self.db, tls, &job).await.expect("tested");
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        let steps = t.mailboxes().get(self.mailbox).await.expect("there").test.expect("a test").steps;
        steps.into_iter().filter(|step| step.protocol == Protocol::Imap).collect()
    }
}

fn kinds(steps: &[TestStep], standing: Standing) -> Vec<TestStepKind> {
    steps.iter().filter(|step| step.standing == standing).map(|step| step.step).collect()
}

#[tokio::test]
async fn each_step_on_the_way_in_is_told_up_to_the_folders() {
    use TestStepKind::{Certificate, Connect, Greeting, Inbox, NameLookup, Sent, SignIn, Tls};
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    desk.set(PASSWORD).await;
    let steps = desk.test_with(web()).await;
    assert_eq!(kinds(&steps, Standing::Pass), [NameLookup, Connect, Greeting, SignIn, Inbox]);
    assert_eq!(kinds(&steps, Standing::Warn), [Sent], "it is not there: {steps:?}");
    desk.server.make_folder("Sent Items");
    let steps = desk.test_with(web()).await;
    assert_eq!(kinds(&steps, Standing::Pass), [NameLookup, Connect, Greeting, SignIn, Inbox, Sent], "{steps:?}");
    assert_eq!(steps.last().expect("a step").message, "What was sent is in “Sent Items”.");

    desk.set("wrong").await;
    let steps = desk.test_with(web()).await;
    assert_eq!(kinds(&steps, Standing::Fail), [SignIn], "{steps:?}");
    assert_eq!(kinds(&steps, Standing::Pass), [NameLookup, Connect, Greeting]);
    let mut t = desk.db.tenant(&desk.company.owner).await.expect("open");
    let error = t.mailboxes().get(desk.mailbox).await.expect("there");
    // Nobody listens where it sends; that its replies cannot be read holds nothing up.
    assert!(error.state == MailboxState::Reconnect && error.last_error.expect("told").starts_with("Connection:"));

    let (server, trusted) = Dovecot::start_encrypted();
    desk.server = server;
    desk.set_with(Security::Tls, PASSWORD).await;
    let steps = desk.test_with(web()).await;
    assert_eq!(kinds(&steps, Standing::Pass), [NameLookup, Connect, Tls]);
    assert_eq!(kinds(&steps, Standing::Fail), [Certificate], "nobody vouches for it: {steps:?}");
    let steps = desk.test_with(trusting(trusted)).await;
    assert_eq!(kinds(&steps, Standing::Pass), [NameLookup, Connect, Tls, Certificate, Greeting, SignIn, Inbox]);
}
