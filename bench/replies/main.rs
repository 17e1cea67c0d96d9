//! How long a campaign goes on after a lead has answered: from the arrival of the answer at a real IMAP server until
//! nothing is planned or claimed for the lead any more. See `bench/replies/README.md`.

#![expect(clippy::print_stdout, reason = "what it measures is for the terminal")]

#[path = "../../src/engine/tests/inbox/dovecot.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod dovecot;
#[path = "../../src/server/tests/processes/house.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod house;
#[path = "../../src/server/tests/processes/sink.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod sink;
#[path = "../../src/server/tests/processes/story.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod story;

use std::time::{Duration, Instant};

use domain::{
    enrolments::EnrolmentState,
    inboxes::InboxInput,
    mailboxes::Security,
    messages::MessageState,
    steps::{Delay, DelayUnit, StepInput},
};
use dovecot::{Dovecot, PASSWORD, USER};
use house::House;
use sink::Sink;
use story::Story;

/// How often the ledger is asked. An answer counts as late by as much as this.
const LOOK: Duration = Duration::from_millis(5);
/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Leads of another company, to whom the same worker sends meanwhile.
const BUSY: usize = 20_000;

#[tokio::main]
async fn main() {
    // Cargo adds arguments of its own.
    let answers: usize = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(200);
    let (house, server) = (House::build().await, Dovecot::start());
    let sink = Sink::start(&house.home);
    // They answer to the mailbox that has written to them, and one inbox is read.
    let story = Story::with_mailboxes(house.db(), answers * 2, 1, sink.address()).await;
    let mut t = story.db.tenant(&story.company.owner).await.expect("the company opens");
    let later = StepInput {
        delay: Some(Delay { amount: 3, unit: DelayUnit::Days }),
        subject: Some("Another question".to_owned()),
        body: Some("Hi {first_name|there},\n\nand now?".to_owned()),
        ..StepInput::default()
    };
    t.campaigns().add_step(story.campaign, later).await.expect("added");
    let inbox = InboxInput {
        host: server.address.ip().to_string(),
        port: Some(server.address.port().into()),
        security: Some(Security::None),
        username: USER.into(),
        password: Some(PASSWORD.into()),
    };
    let mailbox = t.mailboxes().list().await.expect("a list").remove(0).id;
    t.inboxes().set(mailbox, inbox).await.expect("set");
    t.commit().await.expect("kept");
    story.start().await;
    let worker = house.work();
    while story.ledger().await.messages_in(MessageState::Sent) < story.leads as i64 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The reader waits for news from its first look on.
    brake(&story, &server, 0).await;

    println!(
        "| from the arrival of an answer until nothing is planned, ms | median | 99 of 100 | slowest |\n|---|--:|--:|--:|"
    );
    measure("the worker has nothing else to do", &story, &server, 1..answers).await;
    let busy = Story::begin(house.db(), BUSY, sink.address()).await;
    busy.start().await;
    measure("it sends for another company", &story, &server, answers..answers * 2).await;
    let left = busy.ledger().await.messages_in(MessageState::Scheduled);
    println!("\n{left} of its {BUSY} e-mails were still to go.");
    assert!(worker.stop().await.success());
}

async fn measure(what: &str, story: &Story<'_>, server: &Dovecot, leads: std::ops::Range<usize>) {
    let mut times = Vec::new();
    for lead in leads {
        times.push(brake(story, server, lead).await);
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).ceil() as usize].as_secs_f64() * 1_000.0;
    println!("| {what} | {:.0} | {:.0} | {:.0} |", at(0.5), at(0.99), at(1.0));
}

/// Delivers the answer of a lead, and waits until its sequence has ended and its next e-mail is cancelled.
async fn brake(story: &Story<'_>, server: &Dovecot, lead: usize) -> Duration {
    let before = story.ledger().await;
    let answered = before.leads(&[EnrolmentState::Replied]);
    let planned = before.messages_in(MessageState::Scheduled);
    let mail = format!(
        "From: Ines <{}>\nTo: nora0@halden.example\nMessage-ID: <answer{lead}@prospect.example>\nSubject: Re: One question\n\n\
         We count by hand. Call me on Monday.\n",
        address(lead)
    );
    let arrived = Instant::now();
    server.deliver(&mail);
    while arrived.elapsed() < PATIENCE {
        let ledger = story.ledger().await;
        if ledger.leads(&[EnrolmentState::Replied]) > answered && ledger.messages_in(MessageState::Scheduled) < planned
        {
            return arrived.elapsed();
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("the answer of lead {lead} changed nothing");
}

/// The address of a lead of the first story.
fn address(n: usize) -> String {
    format!("lead1-{n}@prospect.example")
}
