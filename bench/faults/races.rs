//! Somebody changes their mind while e-mails leave: a pause, a stop, an unsubscribe, a deletion.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{LeadId, campaigns::CampaignState, messages::MessageState};
use service::clock::Clock;
use testing::Ending;

use crate::{
    browser::Browser,
    gate::{Point, Trouble},
    patience::until,
    scene::{Outcome, Scene},
};

const PAUSES: usize = 10;
/// Leads that leave while e-mails do.
const LEAVERS: usize = 60;

/// Pause and resume. Once the campaign says that it is paused, nothing leaves.
pub async fn pauses(scene: &Scene<'_>) -> Outcome {
    let worker = scene.house.work();
    for _ in 0..PAUSES {
        scene.more(1 + scene.below(scene.story.leads / (2 * PAUSES))).await;
        scene.a_moment(25).await;
        scene.story.pause().await;
        until("it is paused", async || scene.story.state().await == CampaignState::Paused).await;
        let taken = scene.gate.taken();
        let sending = scene.story.ledger().await.messages_in(MessageState::Sending);
        assert_eq!(sending, 0, "nothing is in the hands of a mail server");
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(scene.gate.taken(), taken, "nothing leaves while it is paused");
        scene.story.resume().await;
    }
    let leases = scene.finish(worker).await;
    Outcome { recovered: None, leases }
}

/// Stop. Once the campaign says that it has stopped, nothing leaves.
pub async fn stop(scene: &Scene<'_>) -> Outcome {
    let worker = scene.house.work();
    scene.more(1 + scene.below(scene.story.leads / 2)).await;
    scene.a_moment(25).await;
    scene.story.stop().await;
    until("it has stopped", async || scene.story.state().await == CampaignState::Stopped).await;
    let taken = scene.gate.taken();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(scene.gate.taken(), taken, "nothing leaves after it has stopped");
    assert!(worker.stop().await.success(), "a worker that is asked to stop ends well");
    Outcome::default()
}

/// Recipients unsubscribe by the public door while their e-mails are claimed and handed over. After the answer nothing
/// is begun.
pub async fn unsubscribes(scene: &Scene<'_>) -> Outcome {
    let (_server, address) = scene.house.serve();
    let browser = Browser::stranger();
    browser.wait_until_ready(address).await;
    let secrets = scene.house.db().secrets();
    let mut left: Vec<(Ending, DateTime<Utc>)> = Vec::new();
    let worker = busy(scene).await;
    for _ in 0..LEAVERS {
        let leaver = somebody(scene).await;
        let token = secrets.link_token("unsubscribe", leaver.message_id.expect("an e-mail is planned"));
        let answer = browser.post(address, &format!("/p/{token}"), "List-Unsubscribe=One-Click").await;
        assert_eq!(answer.status(), 200, "{}", answer.text);
        left.push((leaver, Clock::system().now()));
    }
    let leases = finish(scene, worker).await;
    let endings = testing::endings(&scene.house.superuser(), scene.story.campaign).await;
    for (leaver, answered_at) in left {
        let ending = endings.iter().find(|e| e.message_id == leaver.message_id).expect("it is accounted for");
        let begun_later = ending.sending_at.is_some_and(|at| at > answered_at);
        assert!(!begun_later, "begun after the answer: {ending:?}, answered at {answered_at}");
    }
    Outcome { recovered: None, leases }
}

/// Leads are deleted while their e-mails are claimed and handed over.
pub async fn deletions(scene: &Scene<'_>) -> Outcome {
    let worker = busy(scene).await;
    for _ in 0..LEAVERS {
        let leaver = somebody(scene).await;
        let mut t = scene.story.db.tenant(&scene.story.company.owner).await.expect("the company opens");
        t.leads().delete(LeadId(leaver.lead_id.expect("it is there"))).await.expect("deleted");
        t.commit().await.expect("kept");
    }
    let leases = finish(scene, worker).await;
    Outcome { recovered: None, leases }
}

/// A worker whose server takes its time, so that there is always somebody in the middle.
async fn busy(scene: &Scene<'_>) -> crate::house::Process {
    for point in [Point::Begun, Point::BeforeReply] {
        scene.gate.trouble(point, Trouble::Slow(Duration::from_millis(60)), usize::MAX);
    }
    let worker = scene.house.work();
    scene.more(1).await;
    worker
}

/// Somebody whose e-mail is in the hands of the worker: being handed over, or next.
async fn somebody(scene: &Scene<'_>) -> Ending {
    loop {
        let endings = testing::endings(&scene.house.superuser(), scene.story.campaign).await;
        let mut near: Vec<_> = endings
            .into_iter()
            .filter(|e| e.lead_id.is_some() && matches!(e.message.as_deref(), Some("sending" | "claimed")))
            .collect();
        if !near.is_empty() {
            return near.swap_remove(scene.below(near.len()));
        }
        assert!(!scene.story.state().await.is_terminal(), "it ended too soon");
    }
}

async fn finish(scene: &Scene<'_>, worker: crate::house::Process) -> usize {
    scene.gate.cure();
    scene.finish(worker).await
}
