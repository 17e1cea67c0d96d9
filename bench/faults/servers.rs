//! The mail server is away, slow, breaks off, says no, or cannot encrypt.

use std::time::{Duration, Instant};

use crate::{
    gate::{Point, Trouble},
    scene::{Outcome, Scene},
};

/// Points at which a server can answer something else.
const ANSWERS: [Point; 6] =
    [Point::Connected, Point::Hello, Point::Begun, Point::Recipient, Point::Data, Point::BeforeDot];
/// Before trouble begins, so that one bad address is not a bad mailbox: that is judged by shares.
const FIRST: usize = 300;
/// How long the server is away.
const AWAY: Duration = Duration::from_secs(20);

/// Its server is gone for a while. Nothing is moved here: it recovers as it would in earnest.
pub async fn down(scene: &Scene<'_>) -> Outcome {
    let worker = scene.house.work();
    scene.more(FIRST).await;
    scene.gate.close().await;
    tokio::time::sleep(AWAY).await;
    scene.gate.reopen().await;
    let recovered = scene.goes_on().await;
    scene.finish(worker).await;
    Outcome { recovered: Some(recovered), leases: 0 }
}

/// Everything takes long, and the reply to the final dot longest.
pub async fn slow(scene: &Scene<'_>) -> Outcome {
    for point in ANSWERS {
        scene.gate.trouble(point, Trouble::Slow(Duration::from_millis(300)), 30);
    }
    scene.gate.trouble(Point::BeforeReply, Trouble::Slow(Duration::from_secs(5)), 30);
    let worker = scene.house.work();
    let leases = scene.finish(worker).await;
    Outcome { recovered: None, leases }
}

/// The connection breaks at each point.
pub async fn cuts(scene: &Scene<'_>) -> Outcome {
    let worker = scene.house.work();
    scene.more(FIRST).await;
    for point in [&ANSWERS[..], &[Point::BeforeReply, Point::AfterReply]].concat() {
        meets(scene, point, Trouble::Cut, 4).await;
    }
    finish_in_time(scene, worker).await
}

/// The server takes e-mails, and its “250” never arrives.
pub async fn lost_replies(scene: &Scene<'_>) -> Outcome {
    let worker = scene.house.work();
    scene.more(FIRST).await;
    meets(scene, Point::BeforeReply, Trouble::Cut, 40).await;
    finish_in_time(scene, worker).await
}

/// The server answers with a code at each point.
pub async fn answers(scene: &Scene<'_>, code: u16) -> Outcome {
    let worker = scene.house.work();
    scene.more(FIRST).await;
    for point in ANSWERS {
        // One address that does not exist, and otherwise refusals that say nothing about the address.
        let (words, times) = match (code, point) {
            (421, _) => ("421 4.3.2 Closing, try again later", 3),
            (450, _) => ("450 4.2.1 Mailbox busy", 3),
            (451, _) => ("451 4.3.0 Local error", 3),
            (452, _) => ("452 4.3.1 Out of storage", 3),
            (454, _) => ("454 4.7.0 Temporary failure", 3),
            (550, Point::Recipient) => ("550 5.1.1 No such user here", 1),
            (550, _) => ("550 5.7.1 Refused", 2),
            (552, _) => ("552 5.3.4 Too large", 2),
            (554, _) => ("554 5.7.1 No service", 2),
            _ => panic!("{code} is not in the list"),
        };
        meets(scene, point, Trouble::Say(words), times).await;
        if code >= 500 && point == Point::Begun {
            // Who may not send asks for a person, and a person says that all is well again.
            scene.story.reconnect().await;
        }
    }
    finish_in_time(scene, worker).await
}

/// Who asks for encryption gets none: the server does not offer it, cannot do it now, answers the handshake with
/// something else, or breaks off. Nothing leaves in the clear. No certificate of the web's authorities is at hand that
/// would let it go well again, so what ends the trouble is that the mailboxes no longer ask.
pub async fn tls(scene: &Scene<'_>) -> Outcome {
    const OFFER: Trouble = Trouble::Say("250-gate\r\n250 STARTTLS");
    let worker = scene.house.work();
    scene.more(FIRST).await;
    let superuser = scene.house.superuser();
    testing::ask_for_encryption(&superuser, true).await;
    // What was in the hands of a lane goes the way that it has begun.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = scene.gate.taken();
    for refusal in [
        Trouble::Say("454 4.7.0 TLS not available due to a temporary reason"),
        Trouble::Say("220 Go ahead\r\nwith what is no handshake"),
        Trouble::Cut,
    ] {
        scene.gate.trouble(Point::Hello, OFFER, usize::MAX);
        meets_at(scene, Point::Tls, refusal, 6, scene.gate.met() + 12).await;
        scene.gate.cure();
    }
    // Not offered at all.
    meets(scene, Point::Hello, Trouble::Slow(Duration::ZERO), 6).await;
    assert_eq!(scene.gate.taken(), before, "nothing leaves in the clear");
    testing::ask_for_encryption(&superuser, false).await;
    finish_in_time(scene, worker).await
}

/// Lets so many conversations meet trouble.
async fn meets(scene: &Scene<'_>, point: Point, trouble: Trouble, times: usize) {
    meets_at(scene, point, trouble, times, scene.gate.met() + times).await;
}

async fn meets_at(scene: &Scene<'_>, point: Point, trouble: Trouble, times: usize, enough: usize) {
    scene.gate.trouble(point, trouble, times);
    scene.in_time(&format!("{trouble:?} is met at {point:?}"), async || scene.gate.met() >= enough).await;
}

/// What waits for minutes and hours is brought forward until all is over.
async fn finish_in_time(scene: &Scene<'_>, worker: crate::house::Process) -> Outcome {
    let began = Instant::now();
    scene.in_time("the campaign completes", async || scene.story.state().await.is_terminal()).await;
    let recovered = Some(began.elapsed());
    assert!(worker.stop().await.success(), "a worker that is asked to stop ends well");
    Outcome { recovered, leases: 0 }
}
