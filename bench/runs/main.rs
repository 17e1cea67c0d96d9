//! Runs of agents: durable journal steps per second, beside `pgbench` with the two commits that no journal
//! can do without, and the time from the commit of a step to the pages that are open. See `bench/README.md`.

#![expect(clippy::print_stdout, reason = "what it measures is for the terminal")]

#[path = "../../src/server/tests/processes/house.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod house;
#[path = "../../src/server/tests/processes/sink.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod sink;

use std::{
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use domain::{
    RunId,
    agents::{Definition, Risk},
    keys::Scope,
    runs::{NewRun, StepKind},
};
use house::House;
use serde_json::json;
use service::runs::{Asked, Intent, Outcome, RunInHand};
use testing::TestCompany;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
};

/// Runs that are worked on at the same time; as many as one agent of a company may have.
const LANES: usize = 4;
/// Steps of one run, the most that it may have.
const STEPS: usize = 200;
const PAGES: usize = 50;

#[tokio::main]
async fn main() {
    // Cargo adds arguments of its own.
    let steps = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(4_000);
    let house = House::build().await;
    let company = testing::company(house.db(), "Halden").await;
    let mut t = house.db().tenant(&company.owner).await.expect("the company opens");
    let agent = "---\nname: clerk\ndescription: Measured.\ntools: [read_lead]\n\
                 limits: {steps: 200, minutes: 240, tokens: 100000, cost: 1}\n---\nDo it.";
    t.agents().create(Definition::from_markdown(agent).expect("a file")).await.expect("created");
    t.commit().await.expect("kept");

    println!("| {steps} steps | per second |\n|---|--:|");
    for lanes in [1, LANES] {
        let plain = pgbench(&house, lanes);
        let journal = journal(&house, &company, steps / LANES * lanes, lanes).await;
        println!("| pgbench, an insert and an update, {lanes} at once | {plain:.0} |");
        println!("| journal, intent and outcome, {lanes} at once | {journal:.0} |");
        println!("| ratio | {:.2} |", journal / plain);
    }

    let (server, address) = house.serve();
    let (_, key) = company.key(&[Scope::RunsRead]).await;
    println!("\n| commit of a step to a page, ms | median | 99 of 100 |\n|---|--:|--:|");
    for pages in [1, PAGES] {
        let mut times = to_pages(&house, &company, address, &key, pages).await;
        times.sort_unstable();
        let at = |share: f64| times[(times.len() as f64 * share) as usize].as_secs_f64() * 1_000.0;
        println!("| {pages} open | {:.1} | {:.1} |", at(0.5), at(0.99));
    }
    assert!(server.stop().await.success());
}

/// Steps per second of `pgbench`, each an insert and an update that are committed.
fn pgbench(house: &House, lanes: usize) -> f64 {
    let script = house.home.join("steps.sql");
    let sql = "\\set id random(1, 1000000000)\n\
               INSERT INTO plain_steps VALUES (:id, 'what is about to be done');\n\
               UPDATE plain_steps SET outcome = 'what came of it' WHERE id = :id;\n";
    std::fs::write(&script, sql).expect("a file");
    #[expect(clippy::disallowed_methods, reason = "where the tool lies is no setting of the product")]
    let program = std::env::var_os("PGBENCH").unwrap_or_else(|| "pgbench".into());
    let superuser = house.superuser();
    let sockets = superuser.get_socket().expect("a private cluster has one");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("-h").arg(sockets).args(["-U", "postgres", "postgres", "-n"]).args(arguments);
        let output = command.output().expect("pgbench starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    let table = house.home.join("table.sql");
    let create = "DROP TABLE IF EXISTS plain_steps; CREATE TABLE plain_steps (id bigint, what text, outcome text);\
                  CREATE INDEX ON plain_steps (id);\n";
    std::fs::write(&table, create).expect("a file");
    run(&["-t", "1", "-f", &table.to_string_lossy()]);
    let lanes = lanes.to_string();
    let said = run(&["-T", "5", "-c", &lanes, "-j", "2", "-f", &script.to_string_lossy()]);
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    tps.expect("it tells its rate")
}

/// A run that was taken.
async fn take(house: &House, company: &TestCompany<'_>) -> (RunId, RunInHand) {
    let mut t = house.db().tenant(&company.owner).await.expect("the company opens");
    let new = NewRun { agent: "clerk".into(), task: "Measure".into(), ..NewRun::default() };
    let id = t.runs().create(new).await.expect("started").id;
    t.commit().await.expect("kept");
    let run = RunInHand::take(house.db(), company.id, id).await.expect("asked").expect("it waits");
    (id, run)
}

/// Writes down a step before it is done, does it, and writes down what came of it.
async fn step(run: &mut RunInHand, key: &str) {
    let input = json!({ "lead": "01a1fd61-9053-7534-98f1-ba3188694d6d" });
    let asked = Asked {
        key,
        kind: StepKind::ToolCall,
        name: "read_lead",
        risk: Some(Risk::Read),
        atomic: true,
        input,
        schema: None,
    };
    let Ok(Intent::Do { number, .. }) = run.intend(asked).await else { panic!("it is to be done") };
    let mut t = run.tenant().await.expect("open");
    let output = Some(json!({ "name": "Ines Corvo", "title": "Head of optics", "score": 71 }));
    run.record(&mut t, number, Outcome { output, ..Outcome::default() }).await.expect("held");
    t.commit().await.expect("kept");
}

/// Steps per second of as many runs at once, one after the other in each lane.
async fn journal(house: &House, company: &TestCompany<'_>, steps: usize, lanes: usize) -> f64 {
    let began = Instant::now();
    let work = (0..lanes).map(async |_| {
        let mut left = steps / lanes;
        while left > 0 {
            let (_, mut run) = take(house, company).await;
            for n in 0..left.min(STEPS) {
                step(&mut run, &format!("s{n}")).await;
            }
            left = left.saturating_sub(STEPS);
            run.succeed("Measured.").await.expect("held");
        }
    });
    futures::future::join_all(work).await;
    steps as f64 / began.elapsed().as_secs_f64()
}

/// How long the outcome of a step takes to each of so many pages that follow the run.
async fn to_pages(
    house: &House,
    company: &TestCompany<'_>,
    server: SocketAddr,
    key: &str,
    pages: usize,
) -> Vec<Duration> {
    let (id, mut run) = take(house, company).await;
    let mut open = Vec::new();
    for _ in 0..pages {
        open.push(Page::open(server, id, key).await);
    }
    let mut times = Vec::new();
    for n in 0..STEPS {
        step(&mut run, &format!("s{n}")).await;
        let committed = Instant::now();
        let heard = open.iter_mut().map(async |page| {
            // Two events for each step; the second is the outcome.
            page.event().await;
            page.event().await;
            committed.elapsed()
        });
        times.extend(futures::future::join_all(heard).await);
    }
    run.succeed("Measured.").await.expect("held");
    times
}

/// A reader of the events of a run, as a page is.
struct Page(Lines<BufReader<TcpStream>>);

impl Page {
    async fn open(server: SocketAddr, run: RunId, key: &str) -> Self {
        // A server says that it is not ready before it has seen its database.
        let mut page = loop {
            match Self::ask(server, run, key).await {
                Some((status, page)) if status.contains(" 200 ") => break page,
                Some((status, _)) => assert!(status.contains(" 503 "), "the stream opens: {status}"),
                None => {}
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        // The run has begun.
        while !page.event().await.contains("running") {}
        page
    }

    /// Asks for the events of a run: the line with the status, and what follows.
    async fn ask(server: SocketAddr, run: RunId, key: &str) -> Option<(String, Self)> {
        let mut stream = TcpStream::connect(server).await.ok()?;
        stream.set_nodelay(true).expect("a socket");
        let request =
            format!("GET /api/v1/runs/{run}/events HTTP/1.1\r\nhost: {server}\r\nauthorization: Bearer {key}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut page = Self(BufReader::new(stream).lines());
        Some((page.line().await, page))
    }

    /// The data of the next event.
    async fn event(&mut self) -> String {
        loop {
            let line = self.line().await;
            if line.starts_with("data:") {
                return line;
            }
        }
    }

    async fn line(&mut self) -> String {
        self.0.next_line().await.expect("it is open").expect("it goes on")
    }
}
