//! E-mails per second, end to end: a campaign through a real worker into Postfix's `smtp-sink`,
//! beside Postfix's own `smtp-source` into the same sink in the same run. See `bench/README.md`.

#![expect(clippy::print_stdout, reason = "what it measures is for the terminal")]

#[path = "../../src/server/tests/processes/house.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod house;
#[path = "../../src/server/tests/processes/sink.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod sink;
#[path = "../../src/server/tests/processes/story.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod story;

use std::{
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use domain::{
    campaigns::CampaignState,
    domains::{Signer, SigningInput},
    messages::MessageState,
};
use house::{House, Process};
use sink::Sink;
use story::Story;

/// As large as an e-mail of the campaign, without what the sink adds.
const SIZE: &str = "1500";
/// Sessions at the same time, as many as a company has lanes.
const SESSIONS: &str = "16";
/// One sends some hundreds of e-mails in a day, and what it has sent in that time is counted with each claim.
const MAILBOXES: usize = 20;
/// The rate of `smtp-source` is the middle one of so many.
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() {
    // Cargo adds arguments of its own.
    let mails = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    let house = House::build().await;
    let sink = Sink::start(&house.home);
    let story = Story::with_mailboxes(house.db(), mails, MAILBOXES, sink.address()).await;

    let (plain, memory) = campaign(&house, &story, mails).await;
    let story = Story::with_mailboxes(house.db(), mails, MAILBOXES, sink.address()).await;
    sign(&story).await;
    let (signed, memory_signed) = campaign(&house, &story, mails).await;
    let source = smtp_source(sink.address(), mails);
    println!("| {mails} e-mails | per second | ratio |\n|---|--:|--:|");
    println!("| smtp-source, {SESSIONS} sessions | {source:.0} | 1 |");
    println!("| campaign, from the start of the worker to its end | {plain:.0} | {:.2} |", plain / source);
    println!("| the same, signed with RSA of 2048 bits | {signed:.0} | {:.2} |", signed / source);
    println!("\nThe worker took {} MB at most.", memory.max(memory_signed));
}

/// Gives the domain of the mailboxes a key, which signs from now on.
async fn sign(story: &Story<'_>) {
    let mut t = story.db.tenant(&story.company.owner).await.expect("the company opens");
    for domain in t.domains().list().await.expect("a list") {
        let key = SigningInput { signer: Signer::NewKey, selector: None, private_key: None };
        t.domains().set_signing(domain.id, key, None).await.expect("made");
    }
    let mailbox = story.mailboxes[0];
    assert!(t.mailboxes().connection(mailbox).await.expect("there").signing.is_some(), "its e-mails are signed");
    t.commit().await.expect("kept");
    testing::let_domains_pass(story.db, &story.company.owner).await;
}

/// E-mails per second from the start of the worker's process until the campaign is complete, and
/// the most memory it took.
async fn campaign(house: &House, story: &Story<'_>, mails: usize) -> (f64, u64) {
    story.start().await;
    let began = Instant::now();
    let worker = house.work();
    while story.state().await != CampaignState::Completed {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = began.elapsed();
    let sent = story.ledger().await.messages_in(MessageState::Sent);
    assert_eq!(usize::try_from(sent).ok(), Some(mails), "everybody was mailed");
    let memory = memory(&worker);
    assert!(worker.stop().await.success());
    (per_second(mails, took), memory)
}

/// E-mails per second of `smtp-source`, a connection for each, which is how it works by itself.
fn smtp_source(sink: SocketAddr, mails: usize) -> f64 {
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            let status = Command::new(sink::program("smtp-source"))
                .args(["-s", SESSIONS, "-l", SIZE, "-m", &mails.to_string(), &sink.to_string()])
                .status()
                .expect("smtp-source starts");
            assert!(status.success(), "smtp-source: {status}");
            per_second(mails, began.elapsed())
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[ROUNDS / 2]
}

fn per_second(mails: usize, took: Duration) -> f64 {
    mails as f64 / took.as_secs_f64()
}

/// The most memory that a process has had, in megabytes.
fn memory(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap_or_default();
    let most =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    most.map_or(0, |kilobytes: u64| kilobytes / 1024)
}
