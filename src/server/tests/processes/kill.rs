//! A campaign whose worker is killed ten times and whose database crashes: nobody is mailed twice,
//! nobody is lost, and what nobody can know is called unknown.
//!
//! The worker is the real binary, the mail server is not ours, and both are counted from outside.
//! Five kills come at random moments, one at each [`Point`] of the send protocol. A lease lasts
//! longer than the ten minutes a mail server may take (RFC 5321, 4.5.3.2.6), so while no worker
//! lives the test lets the leases end in the database instead of waiting for them. It does so after
//! every second kill only: the worker after the others meets claims that are still held.

use std::time::Duration;

use domain::{campaigns::CampaignState, messages::MessageState};

use crate::{
    chance::Chance,
    count::Count,
    gate::{Gate, Point},
    house::{House, Process},
    patience::{PATIENCE, until},
    sink::Sink,
    story::Story,
};

const AUDIENCE: usize = 2400;
/// Hand-overs at the same time by one worker; so many may be cut off by a kill.
const LANES: usize = 16;
const POINTS: [Point; 5] = [Point::Connected, Point::Begun, Point::BeforeDot, Point::BeforeReply, Point::AfterReply];

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_survives_ten_kills_and_a_crash_of_the_database() {
    let mut chance = Chance::new();
    let house = House::build().await;
    let sink = Sink::start(&house.home);
    let gate = Gate::open(sink.address()).await;
    let story = Story::begin(house.db(), AUDIENCE, gate.address()).await;
    story.start().await;

    let mut worker = house.work();
    for (round, point) in POINTS.into_iter().enumerate() {
        more(&gate, chance.below(120) + 1).await;
        tokio::time::sleep(Duration::from_millis(chance.below(25) as u64)).await;
        worker.kill();
        story.ledger().await;

        worker = house.work();
        if round == 2 {
            crash(&house, &gate, chance.below(60) + 1).await;
        }
        tokio::time::timeout(PATIENCE, gate.hold(point)).await.expect("the point is reached");
        worker.kill();
        story.ledger().await;
        if round + 1 < POINTS.len() {
            testing::let_leases_end(&house.superuser()).await;
        }
        worker = house.work();
    }
    finish(&house, &story, worker).await;
    judge(&Count::of(&house, &sink, &story).await);
}

/// Waits until the server has taken so many e-mails more.
async fn more(gate: &Gate, mails: usize) {
    let enough = gate.taken() + mails;
    until("the worker goes on", async || gate.taken() >= enough).await;
}

/// Crashes the database under the worker, which goes on by itself.
async fn crash(house: &House, gate: &Gate, after: usize) {
    more(gate, after).await;
    house.crash_database();
    // Those that were on their way when it happened.
    tokio::time::sleep(Duration::from_secs(1)).await;
    more(gate, LANES * 4).await;
}

/// Lets everything go out that can, and the leases of the dead end.
async fn finish(house: &House, story: &Story<'_>, worker: Process) {
    until("all are sent", async || story.ledger().await.messages_in(MessageState::Scheduled) == 0).await;
    assert!(worker.stop().await.success(), "a worker that is asked to stop ends well");
    assert_eq!(story.state().await, CampaignState::Running, "what the dead held is not forgotten");

    testing::let_leases_end(&house.superuser()).await;
    let worker = house.work();
    until("the campaign completes", async || story.state().await == CampaignState::Completed).await;
    assert!(worker.stop().await.success());
}

fn judge(count: &Count) {
    eprintln!("{count:?}");
    assert_eq!(count.broken, Vec::<String>::new());
    assert_eq!((count.sent + count.unknown, count.sent + count.unknown_mailed), (AUDIENCE, count.mailed));
    // Each kill and the crash can cut off every lane once, and three of the kills must cut off one.
    assert!(count.unknown <= 11 * LANES, "{} unknown", count.unknown);
    let not_mailed = count.unknown - count.unknown_mailed;
    assert!(count.unknown_mailed > 0 && not_mailed >= 2, "the kills came at other points");
}
