//! Servers that misbehave: what the client says became of the mail, and that it is never wrong about the final dot.

use std::time::Duration;

use engine::mail::{ConnectError, HandOver, Phase, Session};

use crate::support::{Act, FROM, MIME, TO, client, hear, impatient_client, say, scripted, server_at, signed_in_at};

/// The steps before the first mail, then these.
fn after_hello(acts: impl IntoIterator<Item = Act>) -> Vec<Act> {
    [say("220 bad.example"), hear("EHLO "), say("250 bad.example")].into_iter().chain(acts).collect()
}

/// The steps of a whole mail up to its final dot, then these.
fn after_dot(acts: impl IntoIterator<Item = Act>) -> Vec<Act> {
    let mail =
        [hear("MAIL"), say("250 ok"), hear("RCPT"), say("250 ok"), hear("DATA"), say("354 go"), Act::HearContent];
    after_hello(mail.into_iter().chain(acts))
}

async fn open(script: Vec<Act>) -> Session {
    let (address, _) = scripted(script).await;
    client().connect(&server_at(address)).await.expect("the script lets the client in")
}

async fn hand_over(script: Vec<Act>) -> (HandOver, bool) {
    let mut session = open(script).await;
    let outcome = session.hand_over(FROM, TO, MIME).await;
    (outcome, session.is_usable())
}

async fn refused_connection(script: Vec<Act>) -> ConnectError {
    let (address, _) = scripted(script).await;
    match client().connect(&signed_in_at(address, "ines", "secret")).await {
        Ok(_) => panic!("the client was let in"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_names_its_phase() {
    let auth = || [say("220 x"), hear("EHLO"), say("250-x\r\n250 AUTH PLAIN")].into_iter();
    for (script, phase, code) in [
        (vec![], Phase::Greeting, None),
        (vec![say("554 go away")], Phase::Greeting, Some(554)),
        (vec![say("421 busy")], Phase::Greeting, Some(421)),
        (vec![say("HTTP/1.1 400 Bad Request")], Phase::Greeting, None),
        (vec![say("220 x")], Phase::Hello, None),
        (vec![say("220 x"), hear("EHLO"), say("421 busy")], Phase::Hello, Some(421)),
        (vec![say("220 x"), hear("EHLO"), say("502 what"), hear("HELO"), say("550 no")], Phase::Hello, Some(550)),
        (vec![say("220 x"), hear("EHLO"), say("250 x")], Phase::SignIn, None),
        (auth().chain([hear("AUTH PLAIN AGluZXMAc2VjcmV0"), say("535 5.7.8 no")]).collect(), Phase::SignIn, Some(535)),
        (auth().chain([hear("AUTH")]).collect(), Phase::SignIn, None),
    ] {
        let error = refused_connection(script.clone()).await;
        assert_eq!((error.phase, error.code), (phase, code), "{script:?}: {error}");
        assert_eq!(error.is_wrong_password(), code == Some(535));
        assert!(matches!(HandOver::from(error), HandOver::NotStarted { .. }));
    }
}

#[tokio::test]
async fn nobody_listening_and_no_such_name_are_told_apart() {
    let (address, task) = scripted(vec![]).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(client().connect(&server_at(address)).await.err().unwrap().phase, Phase::Connect);

    let mut nowhere = server_at(address);
    nowhere.host = "nowhere.invalid".into();
    assert_eq!(client().connect(&nowhere).await.err().unwrap().phase, Phase::NameLookup);
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let (address, _) = scripted(vec![Act::Hang]).await;
    let error = impatient_client(Duration::from_millis(50)).connect(&server_at(address)).await.err().unwrap();

    assert_eq!((error.phase, error.to_string().as_str()), (Phase::Greeting, "the server did not answer in time"));
}

#[tokio::test]
async fn a_connection_lost_before_the_final_dot_is_not_started() {
    let mail = [hear("MAIL"), say("250 ok"), hear("RCPT"), say("250 ok"), hear("DATA")];
    for length in [1, 3, 5] {
        let (outcome, usable) = hand_over(after_hello(mail[..length].to_vec())).await;
        assert!(matches!(outcome, HandOver::NotStarted { .. }), "after {length} steps: {outcome:?}");
        assert!(!usable);
    }
    for (length, nonsense) in
        [(1, "354 too early"), (3, "hello"), (3, "999 what"), (5, "25"), (5, "250 no content"), (5, "")]
    {
        let script = after_hello(mail[..length].iter().cloned().chain([say(nonsense)]));
        let (outcome, usable) = hand_over(script).await;
        assert!(matches!(outcome, HandOver::NotStarted { .. }), "{nonsense:?}: {outcome:?}");
        assert!(!usable);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_inside_the_content_is_not_started() {
    let large = vec![b'x'; 32 * 1024 * 1024];
    let until_content =
        || after_hello([hear("MAIL"), say("250 ok"), hear("RCPT"), say("250 ok"), hear("DATA"), say("354 go")]);

    let mut closed = open(until_content()).await;
    let outcome = closed.hand_over(FROM, TO, &large).await;
    assert!(matches!(outcome, HandOver::NotStarted { .. }), "{outcome:?}");

    let (address, _) = scripted(until_content().into_iter().chain([Act::Hang]).collect()).await;
    let mut stuck = impatient_client(Duration::from_millis(300)).connect(&server_at(address)).await.unwrap();
    let outcome = stuck.hand_over(FROM, TO, &large).await;
    assert!(matches!(outcome, HandOver::NotStarted { .. }), "{outcome:?}");
}

#[tokio::test]
async fn what_a_server_says_before_the_final_dot_counts_or_stops_the_mail() {
    let during_content =
        |words| after_hello([hear("MAIL"), say("250 ok"), hear("RCPT"), say("250 ok"), hear("DATA"), say(words)]);

    let (outcome, usable) = hand_over(during_content("354 go\r\n552 5.3.4 too large")).await;
    assert!(matches!(outcome, HandOver::Rejected { code: 552, phase: Phase::Content, .. }), "{outcome:?}");
    assert!(!usable);

    let (outcome, _) = hand_over(during_content("354 go\r\n250 thanks already")).await;
    assert!(matches!(outcome, HandOver::NotStarted { .. }), "{outcome:?}");
}

#[tokio::test]
async fn no_reply_to_the_final_dot_is_unknown() {
    for words in [None, Some("garbage"), Some("250-half a reply"), Some("354 more"), Some("12")] {
        let (outcome, usable) = hand_over(after_dot(words.map(say))).await;
        assert!(matches!(outcome, HandOver::Unknown { .. }), "{words:?}: {outcome:?}");
        assert!(!usable);
    }
    let (address, _) = scripted(after_dot([Act::Hang])).await;
    let mut session = impatient_client(Duration::from_millis(300)).connect(&server_at(address)).await.unwrap();
    let outcome = session.hand_over(FROM, TO, MIME).await;
    assert!(matches!(outcome, HandOver::Unknown { .. }), "{outcome:?}");
}

#[tokio::test]
async fn every_reply_to_the_final_dot_is_definite() {
    let long = format!("250-{}\r\n250 2.0.0 Ok: queued as LONG1", "x".repeat(100_000));
    for (words, queue_id) in [
        (b"250 2.0.0 Ok: queued as 4F2A\r\n".to_vec(), Some("4F2A")),
        (b"250-one\r\n250-two\r\n250 Ok id=1a-b2\r\n".to_vec(), Some("1a-b2")),
        (b"250 angenommen f\xfcr sp\xe4ter\r\n".to_vec(), None),
        (b"250\r\n".to_vec(), None),
        (format!("{long}\r\n").into_bytes(), Some("LONG1")),
    ] {
        let (outcome, usable) = hand_over(after_dot([Act::Say(words)])).await;
        let HandOver::Accepted { queue_id: found, .. } = &outcome else { panic!("{outcome:?}") };
        assert_eq!((found.as_deref(), usable), (queue_id, true));
    }
    let (outcome, _) = hand_over(after_dot([say("451 4.3.0 later")])).await;
    assert!(matches!(outcome, HandOver::Deferred { code: 451, phase: Phase::Content, .. }), "{outcome:?}");
    let (outcome, _) = hand_over(after_dot([say("554 5.7.1 spam")])).await;
    assert!(matches!(outcome, HandOver::Rejected { code: 554, hard: false, phase: Phase::Content, .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_421_defers_the_mail_and_ends_the_session() {
    let mail =
        [hear("MAIL"), say("250 ok"), hear("RCPT"), say("250 ok"), hear("DATA"), say("354 go"), Act::HearContent];
    for (length, expected) in [(1, Phase::Sender), (3, Phase::Recipient), (5, Phase::Data), (7, Phase::Content)] {
        let script = after_hello(mail[..length].iter().cloned().chain([say("421 4.3.2 closing")]));
        let (outcome, usable) = hand_over(script).await;
        let HandOver::Deferred { code: 421, phase, .. } = outcome else { panic!("{expected}: {outcome:?}") };
        assert_eq!((phase, usable), (expected, false));
    }
}

#[tokio::test]
async fn a_session_goes_on_after_a_refusal_with_a_clean_slate() {
    let mut session = open(after_hello([
        hear("MAIL"),
        say("250 ok"),
        hear("RCPT"),
        say("550 5.1.1 nobody"),
        hear("RSET"),
        say("250 ok"),
        hear("MAIL"),
        say("250 ok"),
        hear("RCPT"),
        say("250 ok"),
        hear("DATA"),
        say("354 go"),
        Act::HearContent,
        say("250 ok"),
        hear("MAIL"),
        say("452 4.3.1 full"),
        hear("RSET"),
        say("250 ok"),
        hear("MAIL"),
        say("550 5.7.1 no"),
        hear("QUIT"),
        say("221 bye"),
    ]))
    .await;

    let first = session.hand_over(FROM, TO, MIME).await;
    assert!(matches!(first, HandOver::Rejected { code: 550, hard: true, phase: Phase::Recipient, .. }), "{first:?}");
    assert!(matches!(session.hand_over(FROM, TO, MIME).await, HandOver::Accepted { .. }));
    assert!(matches!(session.hand_over(FROM, TO, MIME).await, HandOver::Deferred { code: 452, .. }));
    let last = session.hand_over(FROM, TO, MIME).await;
    assert!(matches!(last, HandOver::Rejected { hard: false, phase: Phase::Sender, .. }), "{last:?}");
    session.quit().await;
}

#[tokio::test]
async fn a_server_that_closes_between_two_mails_harms_neither() {
    for last_words in [None, Some("421 4.4.2 idle for too long")] {
        let (address, server) = scripted(after_dot([say("250 ok")].into_iter().chain(last_words.map(say)))).await;
        let mut session = client().connect(&server_at(address)).await.unwrap();
        assert!(matches!(session.hand_over(FROM, TO, MIME).await, HandOver::Accepted { .. }));
        server.await.unwrap();

        let second = session.hand_over(FROM, TO, MIME).await;
        assert!(matches!(second, HandOver::NotStarted { .. }), "{second:?}");
        assert!(!session.is_usable());
    }
}

#[tokio::test]
async fn a_mail_given_up_by_its_caller_ends_the_session() {
    let mut session = open(after_dot([Act::Hang])).await;
    let given_up = tokio::time::timeout(Duration::from_millis(100), session.hand_over(FROM, TO, MIME)).await;

    assert!(given_up.is_err());
    assert!(!session.is_usable());
}
