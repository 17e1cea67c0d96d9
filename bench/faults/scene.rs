//! Where a fault happens: an installation with its mail server, the gate between them, and a campaign.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use domain::{campaigns::CampaignState, ledger::Ledger, messages::MessageState};

use crate::{
    chance::Chance,
    gate::Gate,
    house::{House, Process},
    patience::{until, until_within},
    story::Story,
};

/// Hand-overs at the same time by one worker for one company; so many may be cut off at once.
pub const LANES: usize = 8;
/// As long as nothing moves for this time, nothing will before a lease ends.
const STILL: Duration = Duration::from_secs(3);
/// The longest that a campaign of 20,000 takes here, in a debug build beside other work.
const LONG: Duration = Duration::from_secs(900);

/// The scene of one fault.
pub struct Scene<'a> {
    pub house: &'a House,
    pub gate: &'a Gate,
    pub story: &'a Story<'a>,
    chance: &'a Mutex<Chance>,
}

/// What a fault took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// The longest time that it took to go on by itself.
    pub recovered: Option<Duration>,
    /// E-mails that waited for the lease of a worker that was gone.
    pub leases: usize,
}

impl<'a> Scene<'a> {
    pub fn new(house: &'a House, gate: &'a Gate, story: &'a Story<'a>, chance: &'a Mutex<Chance>) -> Self {
        Self { house, gate, story, chance }
    }

    /// A random number below `end`.
    pub fn below(&self, end: usize) -> usize {
        self.chance.lock().expect("nobody panics with it").below(end)
    }

    /// Waits until the server has taken so many e-mails more.
    pub async fn more(&self, mails: usize) {
        let enough = self.gate.taken() + mails;
        until("e-mails leave", async || self.gate.taken() >= enough).await;
    }

    /// The time until the next e-mail is taken.
    pub async fn goes_on(&self) -> Duration {
        let began = Instant::now();
        self.more(1).await;
        began.elapsed()
    }

    /// Some moment within the next so many milliseconds.
    pub async fn a_moment(&self, most: usize) {
        tokio::time::sleep(Duration::from_millis(self.below(most) as u64)).await;
    }

    /// Brings forward what waits for another try, until it is `done`. A campaign that its guards have paused is resumed by
    /// a person, as it is meant.
    pub async fn in_time(&self, what: &str, done: impl AsyncFn() -> bool) {
        until(what, async || {
            if done().await {
                return true;
            }
            testing::let_waits_end(&self.house.superuser()).await;
            self.story.acknowledge().await;
            tokio::time::sleep(Duration::from_millis(250)).await;
            done().await
        })
        .await;
    }

    /// Lets the campaign end, and the worker after it. E-mails in the hands of somebody who is gone wait for the end
    /// of their lease; it is brought forward, while no worker lives. Gives how many those were.
    pub async fn finish(&self, worker: Process) -> usize {
        self.everything_moved().await;
        if self.story.state().await == CampaignState::Completed {
            assert!(worker.stop().await.success(), "a worker that is asked to stop ends well");
            return 0;
        }
        assert!(worker.stop().await.success(), "a worker that is asked to stop ends well");
        let held = in_hand(&self.story.ledger().await);
        testing::let_leases_end(&self.house.superuser()).await;
        let worker = self.house.work();
        self.completed().await;
        assert!(worker.stop().await.success(), "a worker that is asked to stop ends well");
        held
    }

    /// Waits until the campaign has completed.
    pub async fn completed(&self) {
        until("the campaign completes", async || self.story.state().await == CampaignState::Completed).await;
    }

    /// Waits until nothing is left but what somebody holds who does nothing.
    pub async fn everything_moved(&self) {
        let seen = Mutex::new((Instant::now(), (0, 0)));
        until_within(LONG, "everything is sent that can be", async || {
            let ledger = self.story.ledger().await;
            let waiting = ledger.enrolling
                + ledger.messages_in(MessageState::Scheduled)
                + ledger.messages_in(MessageState::Deferred);
            let now = (self.gate.taken(), in_hand(&ledger));
            let mut seen = seen.lock().expect("nobody panics with it");
            if waiting > 0 || seen.1 != now {
                *seen = (Instant::now(), now);
            }
            waiting == 0 && (now.1 == 0 || seen.0.elapsed() >= STILL)
        })
        .await;
        if in_hand(&self.story.ledger().await) == 0 {
            self.completed().await;
        }
    }
}

/// E-mails that somebody holds.
pub fn in_hand(ledger: &Ledger) -> usize {
    let held = ledger.messages_in(MessageState::Claimed) + ledger.messages_in(MessageState::Sending);
    usize::try_from(held).expect("a count")
}
