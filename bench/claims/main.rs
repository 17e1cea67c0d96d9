//! How long a claim takes, with its transaction and as the application role, when a million enrolments are due. See
//! `bench/claims/README.md`.

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

use std::{process::Command, time::Instant};

use domain::messages::SendOutcome;
use house::House;
use service::messages::{Claimed, Ready, claim::claim_next};
use story::Story;

/// Claims that are measured, after some that warm up.
const CLAIMS: usize = 300;
const WARM: usize = 20;
/// One sends some hundreds of e-mails in a day, and what it has sent in that time is counted with each claim.
const MAILBOXES: usize = 20;

#[tokio::main]
async fn main() {
    // Cargo adds arguments of its own.
    let most: usize = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    println!("| enrolments due | e-mails claimed | middle, ms | 99 of 100 | slowest |\n|--|--:|--:|--:|--:|");
    for due in [most / 100, most] {
        let house = House::build().await;
        // Nobody is at the address: nothing is handed over here.
        let story = Story::with_mailboxes(house.db(), 60, MAILBOXES, sink::free_port()).await;
        story.start().await;
        service::campaigns::advance::advance(house.db(), story.company.id, story.campaign).await.expect("placed");
        fill(&house, due);
        let (mut times, mut claimed) = (Vec::new(), 0);
        for n in 0..WARM + CLAIMS {
            let began = Instant::now();
            let batch = claim_next(house.db()).await.expect("claimed").expect("a mailbox is due");
            let took = began.elapsed();
            assert!(!batch.is_empty(), "something is due");
            if n >= WARM {
                times.push(took);
                claimed += batch.len();
            }
            hand_over(&story, &batch).await;
        }
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
        println!("| {due} | {claimed} | {:.1} | {:.1} | {:.1} |", at(0.5), at(0.99), at(1.0));
    }
}

/// Goes on as a sender does, without a mail server: what is claimed does not stay so.
async fn hand_over(story: &Story<'_>, batch: &[Claimed]) {
    for claimed in batch {
        let mut t = story.db.tenant(&story.company.owner).await.expect("the company opens");
        let ready = [Ready::new(claimed, "One question", b"-", "nowhere:25")];
        assert_eq!(t.messages().begin(&ready).await.expect("begun"), [true]);
        t.commit().await.expect("kept");
        let mut t = story.db.tenant(&story.company.owner).await.expect("the company opens");
        let taken = SendOutcome::Accepted { reply: "250 ok".to_owned(), queue_id: None };
        t.messages().record(claimed.id, claimed.token, &taken).await.expect("recorded");
        t.commit().await.expect("kept");
    }
}

/// Makes so many enrolments due.
fn fill(house: &House, more: usize) {
    let superuser = house.superuser();
    let mut command = Command::new("psql");
    let sockets = superuser.get_socket().expect("a private cluster has one");
    command.args(["-X", "-q", "-U", "postgres", "-d", "saleswright", "-v", &format!("more={more}"), "-h"]).arg(sockets);
    command.args(["-f", concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/claims/fill.sql")]);
    let output = command.output().expect("psql starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
