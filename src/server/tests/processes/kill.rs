//! A campaign whose worker is killed ten times and whose database crashes: nobody is mailed twice,
//! nobody is lost, and what nobody can know is called unknown.
//!
//! The worker is the real binary, the mail server is not ours, and both are counted from outside.
//! Five kills come at random moments, one at each [`Point`] of the send protocol. A lease lasts
//! longer than the ten minutes a mail server may take (RFC 5321, 4.5.3.2.6), so while no worker
//! lives the test lets the leases end in the database instead of waiting for them. It does so after
//! every second kill only: the worker after the others meets claims that are still held.

use std::time::Duration;

use domain::{campaigns::CampaignState, enrolments::EnrolmentState, messages::MessageState};
use service::clock::Clock;

use crate::{
    gate::{Gate, Point},
    house::{House, Process},
    sink::Sink,
    story::Story,
};

const AUDIENCE: usize = 2400;
/// Hand-overs at the same time by one worker; so many may be cut off by a kill.
const LANES: usize = 8;
const POINTS: [Point; 5] = [Point::Connected, Point::Begun, Point::BeforeDot, Point::BeforeReply, Point::AfterReply];
const PATIENCE: Duration = Duration::from_secs(60);

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
    nobody_twice(&sink);
    finish(&house, &story, worker).await;
    judge(&house, &sink, &story).await;
}

/// Waits until the server has taken so many e-mails more.
async fn more(gate: &Gate, mails: usize) {
    let enough = gate.taken() + mails;
    let reached = async {
        while gate.taken() < enough {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect("the worker goes on");
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
    wait(async || story.ledger().await.messages_in(MessageState::Scheduled) == 0).await;
    assert!(worker.stop().await.success(), "a worker that is asked to stop ends well");
    assert_eq!(story.state().await, CampaignState::Running, "what the dead held is not forgotten");

    testing::let_leases_end(&house.superuser()).await;
    let worker = house.work();
    wait(async || story.state().await == CampaignState::Completed).await;
    assert!(worker.stop().await.success());
}

async fn wait(done: impl AsyncFn() -> bool) {
    let reached = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect("it happens in time");
}

/// Counts at the mail server and in the ledger, and holds them together.
async fn judge(house: &House, sink: &Sink, story: &Story<'_>) {
    let mails = sink.mails();
    let fates = testing::fates(&house.superuser()).await;
    let ledger = story.ledger().await;
    let is = |state: &str| fates.values().filter(|s| *s == state).count();
    let (sent, unknown) = (is("sent"), is("unknown"));
    let known_here: Vec<_> =
        fates.iter().filter(|(to, state)| *state == "unknown" && mails.contains_key(*to)).collect();
    eprintln!(
        "{AUDIENCE} leads: {} mailed, {sent} sent, {unknown} unknown ({} of them mailed)",
        mails.len(),
        known_here.len()
    );

    nobody_twice(sink);
    let missing: Vec<_> = fates.iter().filter(|(to, s)| *s == "sent" && !mails.contains_key(*to)).collect();
    assert_eq!(missing, [], "called sent, never arrived");
    let silent: Vec<_> = fates.iter().filter(|(_, s)| *s != "sent" && *s != "unknown").collect();
    assert_eq!(silent, [], "lost without a word");
    assert!(mails.keys().all(|to| fates.contains_key(to)), "mailed without being in the ledger");

    assert_eq!((fates.len(), sent + unknown), (AUDIENCE, AUDIENCE));
    assert_eq!(ledger.audience, AUDIENCE as i64);
    assert_eq!(ledger.leads(&[EnrolmentState::Finished]), sent as i64);
    assert_eq!(ledger.messages_in(MessageState::Unknown), unknown as i64);
    // Each kill and the crash can cut off every lane once, and three of the kills must cut off one.
    assert!(unknown <= 11 * LANES, "{unknown} unknown");
    assert!(!known_here.is_empty() && unknown - known_here.len() >= 2, "the kills came at other points");
}

fn nobody_twice(sink: &Sink) {
    let twice: Vec<_> = sink.mails().into_iter().filter(|(_, count)| *count > 1).collect();
    assert_eq!(twice, [], "mailed twice");
}

/// A few random numbers; the seed is printed, and given again as `SALESWRIGHT_TEST_SEED`.
struct Chance(u64);

impl Chance {
    #[expect(clippy::disallowed_methods, reason = "the seed of a test is no setting of the product")]
    fn new() -> Self {
        let given = std::env::var("SALESWRIGHT_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| Clock::system().now().timestamp_micros().unsigned_abs());
        eprintln!("SALESWRIGHT_TEST_SEED={seed}");
        Self(seed | 1)
    }

    /// A number below `end` (xorshift).
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
