//! Tests of the way out: the step that fails has a name, and words.

use domain::{
    domains::Standing,
    mailboxes::{Mailbox, MailboxInput, MailboxState, Protocol, Security, TestStepKind},
};
use engine::letters;
use service::jobs::TestMailbox;
use testing::dns::NameServer;

use crate::support::{Desk, GOOD, Sink};

impl Desk<'_> {
    async fn change(&self, input: MailboxInput) {
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        t.mailboxes().update(self.mailbox, input, None).await.unwrap();
        t.commit().await.unwrap();
    }

    /// Tests the connection, as a worker does.
    async fn test(&self) -> Mailbox {
        let job = TestMailbox { company: self.company.id, mailbox: self.mailbox };
        letters::test_mailbox(&self.db, &job).await.unwrap();
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        t.mailboxes().get(self.mailbox).await.unwrap()
    }
}

/// The steps that were good, and the one that was not, with its words.
fn told(mailbox: &Mailbox) -> (Vec<TestStepKind>, Option<(TestStepKind, String)>) {
    let steps = &mailbox.test.as_ref().unwrap().steps;
    assert!(steps.iter().all(|step| step.protocol == Protocol::Smtp));
    let good = steps.iter().filter(|step| step.standing == Standing::Pass).map(|step| step.step).collect();
    let bad = steps.iter().find(|step| step.standing == Standing::Fail);
    (good, bad.map(|step| (step.step, step.message.clone())))
}

#[tokio::test]
async fn each_step_on_the_way_out_is_told_and_the_failing_one_holds_the_mailbox_up() {
    use TestStepKind::{Connect, Greeting, NameLookup, ReturnPath, Sender, SignIn, Tls};
    let test = testing::db().await;
    let dns = NameServer::start(&GOOD);
    let sink = Sink::start();
    let desk = Desk::at(&test, dns.address(), sink.address.port()).await;
    let good = desk.test().await;
    assert_eq!(told(&good), (vec![NameLookup, Connect, Greeting, SignIn, Sender], None));
    assert!(good.state == MailboxState::Connected && good.checked_at.is_some());

    let refusing = Sink::that_refuses("mail", "550 5.7.1 not your address");
    let port = |port: u16| MailboxInput { port: Some(port.into()), ..MailboxInput::default() };
    desk.change(port(refusing.address.port())).await;
    let refused = desk.test().await;
    let (steps, bad) = told(&refused);
    assert_eq!(steps, [NameLookup, Connect, Greeting, SignIn]);
    let (step, words) = bad.unwrap();
    assert_eq!(step, Sender);
    assert!(words.starts_with("The server answered: 550 5.7.1 not your address. Let the provider"), "{words}");
    assert_eq!(refused.state, MailboxState::Reconnect);
    assert!(refused.last_error.unwrap().starts_with("Sender: The server answered: 550"));

    // Return paths of their own are asked for where they are switched on.
    let own = |port: MailboxInput| MailboxInput { own_return_paths: Some(true), ..port };
    desk.change(own(port(sink.address.port()))).await;
    assert_eq!(told(&desk.test().await), (vec![NameLookup, Connect, Greeting, SignIn, Sender, ReturnPath], None));
    let picky = Sink::that_refuses("rcpt", "550 5.1.1 no such mailbox");
    desk.change(port(picky.address.port())).await;
    let refused = desk.test().await;
    let (steps, bad) = told(&refused);
    assert_eq!(steps, [NameLookup, Connect, Greeting, SignIn, Sender]);
    let (step, words) = bad.unwrap();
    assert_eq!(step, ReturnPath);
    assert!(words.starts_with("The server answered: 550 5.1.1 no such mailbox. Ask the provider for"), "{words}");
    assert_eq!(refused.state, MailboxState::Reconnect);
    desk.change(MailboxInput { own_return_paths: Some(false), ..MailboxInput::default() }).await;
    assert_eq!(told(&desk.test().await).1, None);

    desk.change(MailboxInput { security: Some(Security::Tls), ..port(sink.address.port()) }).await;
    let (steps, bad) = told(&desk.test().await);
    assert_eq!((steps, bad.unwrap().0), (vec![NameLookup, Connect], Tls), "it speaks no TLS");
    desk.change(MailboxInput { security: Some(Security::StartTls), ..MailboxInput::default() }).await;
    let (steps, bad) = told(&desk.test().await);
    assert_eq!((steps, bad.unwrap().0), (vec![NameLookup, Connect, Greeting], Tls), "it offers no STARTTLS");

    desk.change(port(9)).await;
    let (steps, bad) = told(&desk.test().await);
    assert_eq!((steps, bad.unwrap().0), (vec![NameLookup], Connect), "nobody listens");
    // A label has at most 63 octets, so no resolver has to be asked.
    let host = Some(format!("{}.example", "a".repeat(64)));
    desk.change(MailboxInput { host, ..MailboxInput::default() }).await;
    let (steps, bad) = told(&desk.test().await);
    assert_eq!((steps, bad.unwrap().0), (vec![], NameLookup));
}
