//! The worker is killed, at each point of the protocol and at random moments.

use std::time::Duration;

use crate::{
    gate::Point,
    patience::PATIENCE,
    scene::{Outcome, Scene, in_hand},
};

/// Each is met twice.
const POINTS: [Point; 8] = [
    Point::Connected,
    Point::Hello,
    Point::Begun,
    Point::Recipient,
    Point::Data,
    Point::BeforeDot,
    Point::BeforeReply,
    Point::AfterReply,
];

/// Kills.
pub const KILLS: usize = 2 * 2 * POINTS.len();

/// kill -9: one kill at each point, and one at a random moment before it; all of that twice. The leases of the dead
/// end after every second pair only, so the worker after the others meets claims that are still held.
pub async fn kills(scene: &Scene<'_>) -> Outcome {
    let spread = scene.story.leads / KILLS;
    let (mut longest, mut leases) = (Duration::ZERO, 0);
    let mut worker = scene.house.work();
    for round in 0..2 * POINTS.len() {
        scene.more(1 + scene.below(2 * spread)).await;
        scene.a_moment(25).await;
        worker.kill();
        scene.story.ledger().await;

        worker = scene.house.work();
        let point = POINTS[round % POINTS.len()];
        let reached = tokio::time::timeout(PATIENCE, scene.gate.hold(point)).await;
        reached.unwrap_or_else(|_| panic!("{point:?} is reached"));
        worker.kill();
        let ledger = scene.story.ledger().await;
        if round % 2 == 1 {
            leases += in_hand(&ledger);
            testing::let_leases_end(&scene.house.superuser()).await;
        }
        worker = scene.house.work();
        longest = longest.max(scene.goes_on().await);
    }
    leases += scene.finish(worker).await;
    Outcome { recovered: Some(longest), leases }
}
