//! The mail server says nothing more, at one point of the protocol, and keeps the connection. Nothing is moved here:
//! the worker waits as long as RFC 5321, 4.5.3.2, asks it to.

use std::time::{Duration, Instant};

use domain::{campaigns::CampaignState, messages::MessageState};

use crate::{
    gate::{Point, Trouble},
    patience::{until, until_within},
    scene::{Outcome, Scene},
    story::Story,
};

/// Points at which a server can fall silent.
pub const POINTS: [(&str, Point); 7] = [
    ("greeting", Point::Connected),
    ("EHLO", Point::Hello),
    ("MAIL", Point::Begun),
    ("RCPT", Point::Recipient),
    ("DATA", Point::Data),
    ("final dot, not taken", Point::BeforeDot),
    ("final dot, taken", Point::BeforeReply),
];
/// Ten minutes for the reply to the final dot, and the pause of a mailbox after that.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Falls silent for whoever comes to a point within 20 seconds. Another company, whose server talks, is served
/// meanwhile by the same worker.
pub async fn silence(scene: &Scene<'_>, point: Point) -> Outcome {
    let worker = scene.house.work();
    scene.more(50).await;
    scene.gate.trouble(point, Trouble::Hang, usize::MAX);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(scene.gate.met() > 0, "somebody met it");
    scene.gate.cure();
    let began = Instant::now();
    let other = Story::with_mailboxes(scene.house.db(), 100, 1, scene.gate.behind()).await;
    other.start().await;
    until("others go on", async || other.state().await == CampaignState::Completed).await;
    eprintln!("silence at {point:?}: others were served in {:.1} s", began.elapsed().as_secs_f64());
    until_within(LONGEST, "the worker gives up waiting", async || {
        let ledger = scene.story.ledger().await;
        [MessageState::Scheduled, MessageState::Claimed, MessageState::Sending]
            .into_iter()
            .all(|state| ledger.messages_in(state) == 0)
    })
    .await;
    let recovered = Some(began.elapsed());
    let leases = scene.finish(worker).await;
    Outcome { recovered, leases }
}
