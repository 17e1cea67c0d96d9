//! An answer goes to a real SMTP server, to whoever has written, in the thread of their mail.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use chrono::Duration;
use domain::{
    PageRequest,
    domains::{Signer, SigningInput},
    mailboxes::{MailboxInput, Security},
    messages::{LEASE, MessageState, SendOutcome},
    replies::ReplyInput,
    threads::{Thread, ThreadEntry, ThreadFilter, ThreadState},
};
use engine::sender;
use service::messages::{Content, Ready, claim::claim_next, reap::reap};
use testing::TestDb;
use uuid::Uuid;

use crate::{
    desk::{Desk, mail},
    dovecot::PASSWORD,
};

/// A running `smtp-sink` of Postfix and the mails that it got; both end with the test.
struct Sink {
    address: SocketAddr,
    folder: PathBuf,
    process: Child,
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended by itself, and the folder of a failed test is worth nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Sink {
    fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("replies-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        // It writes as another user when the tests run as root.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("a folder for everybody");
        let address = TcpListener::bind("127.0.0.1:0").and_then(|any| any.local_addr()).expect("a free port");
        let is_root = fs::metadata("/proc/self").expect("a process").uid() == 0;
        let program = ["/usr/sbin/smtp-sink", "/usr/local/sbin/smtp-sink", "/usr/bin/smtp-sink"];
        let program = program.into_iter().find(|path| fs::exists(path).unwrap_or(false));
        let mut process = Command::new(program.expect("smtp-sink is missing: install Postfix"))
            .args(if is_root { &["-u", "nobody"][..] } else { &[] })
            .arg("-d")
            .arg(folder.join("mail."))
            .args([&address.to_string(), "100"])
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        while TcpStream::connect(address).is_err() {
            assert!(process.try_wait().expect("asked").is_none(), "smtp-sink ended at once");
            std::thread::yield_now();
        }
        Self { address, folder, process }
    }

    fn mails(&self) -> Vec<String> {
        let files = fs::read_dir(&self.folder).expect("a folder").map(|file| file.expect("a file").path());
        let texts = files.map(|path| fs::read_to_string(path).expect("a mail"));
        // A connection that said nothing leaves a file with no mail.
        texts.filter(|text| text.contains("X-Rcpt-Args")).collect()
    }
}

/// Somebody has written, and the mailbox sends over the sink.
async fn asked<'d>(test: &'d TestDb, sink: &Sink) -> (Desk<'d>, Thread) {
    let mut desk = Desk::at(test).await;
    let mut t = desk.db.tenant(&desk.company.owner).await.expect("open");
    let input = MailboxInput {
        port: Some(sink.address.port().into()),
        security: Some(Security::None),
        ..MailboxInput::default()
    };
    t.mailboxes().update(desk.mailbox, input, None).await.expect("changed");
    let domain = t.domains().list().await.expect("a list").remove(0).id;
    let key = SigningInput { signer: Signer::NewKey, selector: None, private_key: None };
    t.domains().set_signing(domain, key, None).await.expect("it signs");
    t.commit().await.expect("kept");
    desk.server.deliver(&mail(1));
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("it is read", |_, mails| mails.len() == 1).await;
    desk.end().await;
    let mut t = desk.db.tenant(&desk.company.owner).await.expect("open");
    let threads = t.threads().list(&ThreadFilter::default(), &PageRequest::default()).await.expect("a list").items;
    let thread = threads.into_iter().next().expect("a thread");
    (desk, thread)
}

impl Desk<'_> {
    async fn answer(&self, thread: &Thread) {
        let input = ReplyInput { body: "Gladly.\n.\nOn Monday?".into(), ..ReplyInput::default() };
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        t.threads().reply(thread.id, input, Some(Uuid::from_u128(1)), None).await.expect("written");
        t.commit().await.expect("kept");
    }

    async fn send(&self) {
        while sender::turn(&self.db, &self.stop).await.expect("a turn") {}
    }

    /// The state of the thread and of its only answer.
    async fn states(&self, thread: &Thread) -> (ThreadState, MessageState) {
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        let full = t.threads().in_full(thread.id).await.expect("there");
        let out = full.entries.iter().find_map(|entry| match entry {
            ThreadEntry::Out(written) => Some(written.state),
            ThreadEntry::In(_) => None,
        });
        (full.thread.state, out.expect("an answer"))
    }
}

#[tokio::test]
async fn an_answer_arrives_once_and_in_the_thread() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let sink = Sink::start("once");
    let (desk, thread) = asked(&test, &sink).await;
    desk.answer(&thread).await;
    desk.answer(&thread).await;
    desk.send().await;
    assert_eq!(sink.mails().len(), 0, "it can still be taken back");
    test.clock().advance(Duration::seconds(10));
    desk.send().await;
    desk.send().await;
    let mails = sink.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let mail = &mails[0];
    for line in [
        "X-Mail-Args: <nora@halden.example>",
        "X-Rcpt-Args: <ines@corvus.example>",
        "Subject: Re: Mail 1",
        "In-Reply-To: <m1@corvus.example>",
        "References: <m1@corvus.example>",
        "DKIM-Signature: v=1;",
        "Gladly.",
        "> Hello 1.",
    ] {
        assert!(mail.contains(line), "{line}: {mail}");
    }
    // The signature names it so that nobody can add one.
    assert!(!mail.contains("\nList-Unsubscribe"), "{mail}");
    assert_eq!(desk.states(&thread).await, (ThreadState::Done, MessageState::Sent));
}

#[tokio::test]
async fn an_answer_whose_sender_was_killed_is_unknown_and_never_sent_again() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let sink = Sink::start("killed");
    let (desk, thread) = asked(&test, &sink).await;
    desk.answer(&thread).await;
    test.clock().advance(Duration::seconds(10));
    let claimed = claim_next(&desk.db).await.expect("a claim").expect("due").remove(0);
    let mut t = desk.db.tenant(&desk.company.owner).await.expect("open");
    assert_eq!(
        t.messages().begin(&[Ready::new(&claimed, "Re: Mail 1", b"x", "nowhere:25")]).await.expect("begun"),
        [true]
    );
    t.commit().await.expect("kept");
    // Whoever has begun is gone; nobody else tries it.
    desk.send().await;
    assert_eq!(desk.states(&thread).await, (ThreadState::Done, MessageState::Sending));
    test.clock().advance(LEASE + Duration::minutes(1));
    assert_eq!(reap(&desk.db).await.expect("judged"), 1);
    assert_eq!(desk.states(&thread).await, (ThreadState::NeedsAnswer, MessageState::Unknown));
    test.clock().advance(Duration::days(1));
    desk.send().await;
    assert_eq!(sink.mails().len(), 0);
}

#[tokio::test]
async fn an_answer_that_is_tried_again_is_what_was_handed_over_last() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let sink = Sink::start("again");
    let (desk, thread) = asked(&test, &sink).await;
    desk.answer(&thread).await;
    test.clock().advance(Duration::seconds(10));
    let broken = SendOutcome::NotStarted { reason: "421 too many connections".into(), needs_person: false };
    let later = SendOutcome::Deferred { reply: "451 later".into() };
    for (bytes, outcome) in [(b"older", &broken), (b"newer", &later)] {
        let claimed = claim_next(&desk.db).await.expect("a claim").expect("due").remove(0);
        let mut t = desk.db.tenant(&desk.company.owner).await.expect("open");
        let ready = Ready::new(&claimed, "Re: Mail 1", bytes, "nowhere:25");
        assert_eq!(t.messages().begin(&[ready]).await.expect("begun"), [true]);
        t.messages().record(claimed.id, claimed.token, outcome).await.expect("recorded");
        t.commit().await.expect("kept");
        test.clock().advance(Duration::minutes(31));
    }
    let claimed = claim_next(&desk.db).await.expect("a claim").expect("due").remove(0);
    assert!(matches!(&claimed.content, Content::Frozen(bytes) if bytes == b"newer"), "{:?}", claimed.content);
}

#[tokio::test]
async fn an_answer_that_was_claimed_and_not_begun_leaves_with_the_next_worker() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let sink = Sink::start("claimed");
    let (desk, thread) = asked(&test, &sink).await;
    desk.answer(&thread).await;
    test.clock().advance(Duration::seconds(10));
    assert_eq!(claim_next(&desk.db).await.expect("a claim").expect("due").len(), 1);
    desk.send().await;
    assert_eq!(sink.mails().len(), 0, "it is in the hands of another");
    test.clock().advance(LEASE + Duration::minutes(1));
    assert_eq!(reap(&desk.db).await.expect("judged"), 1);
    desk.send().await;
    assert_eq!(sink.mails().len(), 1);
}
