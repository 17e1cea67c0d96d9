//! Everything that can go wrong while a campaign sends, one after the other, with a campaign of its own each; and
//! whether the promises hold after it. See `bench/faults/README.md`.

#![expect(clippy::print_stdout, reason = "what it counts is for the terminal")]

#[path = "../../src/server/tests/processes/browser.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod browser;
#[path = "../../src/server/tests/processes/chance.rs"]
mod chance;
#[path = "../../src/server/tests/processes/count.rs"]
mod count;
mod database;
#[path = "../../src/server/tests/processes/gate.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod gate;
#[path = "../../src/server/tests/processes/house.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod house;
mod kills;
#[path = "../../src/server/tests/processes/patience.rs"]
mod patience;
mod races;
mod scene;
mod servers;
mod silence;
#[path = "../../src/server/tests/processes/sink.rs"]
mod sink;
#[path = "../../src/server/tests/processes/story.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod story;
#[path = "../../src/server/tests/processes/talk.rs"]
mod talk;
mod workers;

use std::{panic::AssertUnwindSafe, process::ExitCode, sync::Mutex, time::Instant};

use chance::Chance;
use count::Count;
use futures::{FutureExt, future::join_all};
use gate::{Gate, Point};
use house::House;
use scene::{Outcome, Scene};
use sink::Sink;
use story::Story;

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Kills,
    Restart,
    Crash,
    Backends,
    Down,
    Slow,
    Cuts,
    LostReplies,
    Says(u16),
    Tls,
    Silence,
    Frozen(usize),
    Drains,
    Pauses,
    Stop,
    Unsubscribes,
    Deletions,
}

/// By the names that the command takes; leads of its campaign, and how often it is done.
const FAULTS: [(&str, Fault, usize, usize); 26] = [
    ("kills", Fault::Kills, 20_000, 1),
    ("restart", Fault::Restart, 3_000, 1),
    ("crash", Fault::Crash, 3_000, 1),
    ("backends", Fault::Backends, 3_000, 1),
    ("down", Fault::Down, 1_000, 1),
    ("slow", Fault::Slow, 1_000, 1),
    ("cuts", Fault::Cuts, 1_500, 1),
    ("lost-250", Fault::LostReplies, 1_000, 1),
    ("421", Fault::Says(421), 1_500, 1),
    ("450", Fault::Says(450), 1_500, 1),
    ("451", Fault::Says(451), 1_500, 1),
    ("452", Fault::Says(452), 1_500, 1),
    ("454", Fault::Says(454), 1_500, 1),
    ("550", Fault::Says(550), 1_500, 1),
    ("552", Fault::Says(552), 1_500, 1),
    ("554", Fault::Says(554), 1_500, 1),
    ("tls", Fault::Tls, 1_500, 1),
    ("frozen-2", Fault::Frozen(2), 2_000, 1),
    ("frozen-3", Fault::Frozen(3), 2_000, 1),
    ("frozen-4", Fault::Frozen(4), 2_000, 1),
    ("drains", Fault::Drains, 3_000, 1),
    ("pauses", Fault::Pauses, 3_000, 1),
    ("stop", Fault::Stop, 1_000, 5),
    ("unsubscribes", Fault::Unsubscribes, 2_000, 1),
    ("deletions", Fault::Deletions, 2_000, 1),
    ("silence", Fault::Silence, 300, 1),
];

#[tokio::main]
async fn main() -> ExitCode {
    // Cargo adds arguments of its own.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let known = |name: &String| FAULTS.iter().any(|(known, ..)| known == name);
    if let Some(name) = wanted.iter().find(|name| !known(name)) {
        let names: Vec<_> = FAULTS.iter().map(|(name, ..)| *name).collect();
        println!("There is no fault {name}. Use one of: {}", names.join(" "));
        return ExitCode::FAILURE;
    }
    let chance: &'static Mutex<Chance> = Box::leak(Box::new(Mutex::new(Chance::new())));
    println!(
        "| fault | leads | mailed | sent | unknown | failed | cancelled | twice | lost | stuck | goes on, s | leases |"
    );
    println!("|--|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut broken = Vec::new();
    for (name, fault, leads, times) in FAULTS {
        if !wanted.is_empty() && !wanted.iter().any(|word| word == name) {
            continue;
        }
        for _ in 0..times {
            let rows = match fault {
                // They wait for ten minutes, each in an installation of its own.
                Fault::Silence => {
                    join_all(
                        silence::POINTS
                            .map(|(word, point)| row(format!("{name}: {word}"), fault, Some(point), leads, chance)),
                    )
                    .await
                }
                _ => vec![row(name.to_owned(), fault, None, leads, chance).await],
            };
            broken.extend(rows.into_iter().flatten());
        }
    }
    for promise in &broken {
        println!("BROKEN: {promise}");
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One fault in an installation of its own: prints its row, gives the promises that it broke.
async fn row(
    name: String,
    fault: Fault,
    point: Option<Point>,
    leads: usize,
    chance: &'static Mutex<Chance>,
) -> Vec<String> {
    let began = Instant::now();
    // When something is not so, the next fault still has its turn.
    let end = AssertUnwindSafe(happen(fault, point, leads, chance)).catch_unwind().await;
    let Ok((count, outcome)) = end else {
        println!("| {name} | did not end |");
        return vec![format!("{name}: it did not end; what was not so is told above")];
    };
    let goes_on = outcome.recovered.map_or("–".to_owned(), |time| format!("{:.1}", time.as_secs_f64()));
    println!(
        "| {name} | {} | {} | {} | {} ({} mailed) | {} | {} | {} | {} | {} | {goes_on} | {} |",
        count.leads,
        count.mailed,
        count.sent,
        count.unknown,
        count.unknown_mailed,
        count.failed,
        count.cancelled,
        count.twice,
        count.lost,
        count.stuck,
        outcome.leases
    );
    eprintln!("{name}: {:.0} s in all", began.elapsed().as_secs_f64());
    count.broken.into_iter().map(|promise| format!("{name}: {promise}")).collect()
}

async fn happen(fault: Fault, point: Option<Point>, leads: usize, chance: &'static Mutex<Chance>) -> (Count, Outcome) {
    let house = House::build().await;
    let sink = Sink::start(&house.home);
    let gate = Gate::open(sink.address()).await;
    // One mailbox has all lanes at its server at once.
    let mailboxes = if matches!(fault, Fault::Down | Fault::Silence) { 1 } else { 3 };
    let story = Story::with_mailboxes(house.db(), leads, mailboxes, gate.address()).await;
    story.start().await;
    let scene = Scene::new(&house, &gate, &story, chance);
    let outcome = match fault {
        Fault::Kills => kills::kills(&scene).await,
        Fault::Restart => database::restarts(&scene, true).await,
        Fault::Crash => database::restarts(&scene, false).await,
        Fault::Backends => database::backends(&scene).await,
        Fault::Down => servers::down(&scene).await,
        Fault::Slow => servers::slow(&scene).await,
        Fault::Cuts => servers::cuts(&scene).await,
        Fault::LostReplies => servers::lost_replies(&scene).await,
        Fault::Says(code) => servers::answers(&scene, code).await,
        Fault::Tls => servers::tls(&scene).await,
        Fault::Silence => silence::silence(&scene, point.expect("it has one")).await,
        Fault::Frozen(workers) => workers::frozen(&scene, workers).await,
        Fault::Drains => workers::drains(&scene).await,
        Fault::Pauses => races::pauses(&scene).await,
        Fault::Stop => races::stop(&scene).await,
        Fault::Unsubscribes => races::unsubscribes(&scene).await,
        Fault::Deletions => races::deletions(&scene).await,
    };
    (Count::of(&house, &sink, &story).await, outcome)
}
