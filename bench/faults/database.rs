//! The database goes away under a worker that lives.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::scene::{LANES, Outcome, Scene};

const TIMES: usize = 5;

/// A restart, in order (`fast`) or at once (`immediate`), which is what a crash is.
pub async fn restarts(scene: &Scene<'_>, in_order: bool) -> Outcome {
    let worker = scene.house.work();
    let mut longest = Duration::ZERO;
    for _ in 0..TIMES {
        scene.more(50 + scene.below(100)).await;
        scene.a_moment(25).await;
        if in_order {
            scene.house.restart_database();
        } else {
            scene.house.crash_database();
        }
        // Those that the server had in its hands.
        tokio::time::sleep(Duration::from_millis(300)).await;
        longest = longest.max(scene.goes_on().await);
    }
    let leases = scene.finish(worker).await;
    Outcome { recovered: Some(longest), leases }
}

/// Connections of the worker are ended by an administrator, some and all; then one of them dies as by a fault of
/// PostgreSQL, which starts all over.
pub async fn backends(scene: &Scene<'_>) -> Outcome {
    let superuser = scene.house.superuser();
    let worker = scene.house.work();
    let mut longest = Duration::ZERO;
    for round in 0..2 * TIMES {
        scene.more(30 + scene.below(60)).await;
        scene.a_moment(25).await;
        let most = if round % 2 == 0 { LANES as i64 / 2 } else { i64::MAX };
        assert!(testing::end_connections(&superuser, most).await > 0, "the worker is connected");
        longest = longest.max(scene.goes_on().await);
    }
    for _ in 0..2 {
        scene.more(30).await;
        let busy = loop {
            if let Some(pid) = testing::busy_backend(&superuser).await {
                break pid;
            }
        };
        kill_process(Pid::from_raw(busy).expect("a process"), Signal::KILL).expect("it runs");
        tokio::time::sleep(Duration::from_millis(300)).await;
        longest = longest.max(scene.goes_on().await);
    }
    let leases = scene.finish(worker).await;
    Outcome { recovered: Some(longest), leases }
}
