//! Several workers, and workers that are asked to stop.

use std::time::{Duration, Instant};

use domain::campaigns::CampaignState;

use crate::{
    patience::until,
    scene::{Outcome, Scene, in_hand},
};

const DRAINS: usize = 10;

/// Several workers, one of which stands still in the middle of its work (SIGSTOP). The others send everything but what
/// it holds; when its lease has ended, they take that too. Then it goes on, with all that it believes to hold.
pub async fn frozen(scene: &Scene<'_>, workers: usize) -> Outcome {
    let frozen = scene.house.work();
    let others: Vec<_> = (1..workers).map(|_| scene.house.work()).collect();
    scene.more(100 + scene.below(200)).await;
    scene.a_moment(25).await;
    frozen.freeze();
    scene.everything_moved().await;
    let leases = in_hand(&scene.story.ledger().await);
    assert!(leases > 0, "it stood still in the middle of its work");
    // Only its leases are left: whoever else lives has nothing to do.
    testing::let_leases_end(&scene.house.superuser()).await;
    let began = Instant::now();
    until("the others take over", async || scene.story.state().await == CampaignState::Completed).await;
    let recovered = Some(began.elapsed());
    let taken = scene.gate.taken();
    frozen.thaw();
    // It finds out what is no longer its own when it asks the database; what was in the middle goes on.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let late = scene.gate.taken() - taken;
    assert!(late <= crate::scene::LANES, "{late} e-mails left after their leases had ended");
    for worker in others.into_iter().chain([frozen]) {
        assert!(worker.stop().await.success(), "a worker that is asked to stop ends well");
    }
    Outcome { recovered, leases }
}

/// SIGTERM, and a new worker each time: it ends what it has begun, gives the rest back, and leaves nothing in doubt.
pub async fn drains(scene: &Scene<'_>) -> Outcome {
    let mut longest = Duration::ZERO;
    for _ in 0..DRAINS {
        let worker = scene.house.work();
        scene.more(1 + scene.below(2 * scene.story.leads / (3 * DRAINS))).await;
        scene.a_moment(25).await;
        let began = Instant::now();
        assert!(worker.stop().await.success(), "a worker that is asked to stop ends well");
        longest = longest.max(began.elapsed());
        assert_eq!(in_hand(&scene.story.ledger().await), 0, "nothing stays in the hands of nobody");
    }
    let leases = scene.finish(scene.house.work()).await;
    Outcome { recovered: Some(longest), leases }
}
