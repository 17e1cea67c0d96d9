//! Campaign steps per second when handing an e-mail over takes no time, beside `pgbench` that claims rows and does
//! nothing else with them. See `bench/steps/README.md`.

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

use domain::{
    enrolments::EnrolmentState,
    messages::MessageState,
    steps::{Delay, StepInput},
};
use futures::future::join_all;
use house::House;
use service::{
    Db,
    messages::{Claimed, Ready, Taken, claim::claim_next},
};
use story::Story;

/// E-mails of one lead, one after the other without a wait.
const STEPS: usize = 3;
/// One sends some hundreds of e-mails in a day, and what it has sent in that time is counted with each claim.
const MAILBOXES: usize = 20;
/// As many e-mails are kept in one transaction as a company has lanes.
const LANES: usize = 16;
/// Claims, and connections of `pgbench`, at the same time.
const CLAIMS: usize = 2;
/// Rows that `pgbench` has to claim, more than it does in its time.
const ROWS: usize = 2_000_000;

#[tokio::main]
async fn main() {
    // Cargo adds arguments of its own.
    let leads: usize = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(5_000);
    let house = House::build().await;
    let steps = campaign(&house, leads).await;
    let rows = pgbench(&house);
    println!("| | per second |\n|---|--:|");
    println!("| pgbench, rows that are claimed by hundreds, {CLAIMS} at once | {rows:.0} |");
    println!("| steps of {leads} leads, {STEPS} each | {steps:.0} |");
    println!("| ratio | {:.3} |", steps / rows);
}

/// Steps per second: claimed, begun, recorded, and the lead taken on to what comes next.
async fn campaign(house: &House, leads: usize) -> f64 {
    // Nobody is at the address: nothing is handed over here.
    let story = Story::with_mailboxes(house.db(), leads, MAILBOXES, sink::free_port()).await;
    let mut t = story.db.tenant(&story.company.owner).await.expect("the company opens");
    for n in 1..STEPS {
        let step = StepInput {
            delay: Some(Delay::NONE),
            subject: Some(format!("Question {n}")),
            body: Some("Hi {first_name|there},\n\nand now?".to_owned()),
            ..StepInput::default()
        };
        t.campaigns().add_step(story.campaign, step).await.expect("added");
    }
    t.commit().await.expect("kept");
    story.start().await;
    while story.ledger().await.messages_in(MessageState::Scheduled) < leads as i64 {
        service::campaigns::advance::advance(house.db(), story.company.id, story.campaign).await.expect("placed");
    }
    let began = Instant::now();
    join_all((0..CLAIMS).map(|_| send(house.db(), &story))).await;
    let took = began.elapsed();
    let ledger = story.ledger().await;
    assert_eq!(ledger.messages_in(MessageState::Sent), (leads * STEPS) as i64, "everybody has got everything");
    assert_eq!(ledger.leads(&[EnrolmentState::Finished]), leads as i64);
    (leads * STEPS) as f64 / took.as_secs_f64()
}

/// Sends until nothing is due, as a worker does, to a server that has always said yes already.
async fn send(db: &Db, story: &Story<'_>) {
    let mut idle = 0;
    while idle < 3 {
        let batch = claim_next(db).await.expect("claimed").unwrap_or_default();
        idle = if batch.is_empty() { idle + 1 } else { 0 };
        let mut sent: &[Claimed] = &[];
        for some in batch.chunks(LANES).chain([&[][..]]) {
            if some.is_empty() && sent.is_empty() {
                continue;
            }
            keep(story, sent, some).await;
            sent = some;
        }
    }
}

async fn keep(story: &Story<'_>, sent: &[Claimed], next: &[Claimed]) {
    let taken: Vec<_> =
        sent.iter().map(|claimed| Taken { claimed, reply: "250 2.0.0 Ok: queued", queue_id: None }).collect();
    let mime = [b'-'; 1_500];
    let ready: Vec<_> = next.iter().map(|claimed| Ready::new(claimed, "One question", &mime, "nowhere:25")).collect();
    let mut t = story.db.tenant(&story.company.owner).await.expect("the company opens");
    let begun = t.messages().keep(&taken, &ready).await.expect("kept");
    t.commit().await.expect("kept");
    assert!(begun.iter().all(|begun| *begun), "everything may leave");
}

/// Rows per second that `pgbench` claims, a hundred in each transaction, as queues in tables do.
fn pgbench(house: &House) -> f64 {
    let superuser = house.superuser();
    let sockets = superuser.get_socket().expect("a private cluster has one");
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.arg("-h").arg(sockets).args(["-U", "postgres"]).args(arguments);
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    let table = format!(
        "CREATE TABLE plain_queue (id bigint PRIMARY KEY, state text NOT NULL, due_at timestamptz NOT NULL); \
         INSERT INTO plain_queue SELECT n, 'due', now() - n * interval '1 ms' FROM generate_series(1, {ROWS}) n; \
         CREATE INDEX ON plain_queue (due_at) WHERE state = 'due'"
    );
    run("psql", &["-X", "-q", "-d", "postgres", "-c", &table]);
    run("psql", &["-X", "-q", "-d", "postgres", "-c", "VACUUM ANALYZE plain_queue"]);
    let script = house.home.join("claim.sql");
    let claim = "UPDATE plain_queue SET state = 'claimed' WHERE id IN (SELECT id FROM plain_queue \
                 WHERE state = 'due' ORDER BY due_at LIMIT 100 FOR UPDATE SKIP LOCKED);\n";
    std::fs::write(&script, claim).expect("a file");
    let (clients, script) = (CLAIMS.to_string(), script.to_string_lossy().into_owned());
    let said = run("pgbench", &["-n", "-T", "10", "-c", &clients, "-j", &clients, "-f", &script, "postgres"]);
    let tps: Option<f64> = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    tps.expect("it tells its rate") * 100.0
}
