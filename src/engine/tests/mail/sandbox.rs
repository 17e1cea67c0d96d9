//! The sandbox server with our own client and with a client that types by hand.

use std::time::Duration;

use engine::{
    mail::{HandOver, OutgoingMail, Phase, html_from_text},
    sandbox::SandboxLimits,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::support::{FROM, Kept, MIME, TO, client, codes, converse, sandbox, sandbox_with, server_at, signed_in_at};

const HELLO: &str = "EHLO x\r\nAUTH PLAIN AGluZXMAc2VjcmV0\r\n";

#[tokio::test]
async fn a_mail_arrives_octet_by_octet_in_the_box_that_signed_in() {
    let running = sandbox().await;
    let mail = OutgoingMail {
        from_name: "Ana".into(),
        from_address: FROM.into(),
        to_name: "Zoë".into(),
        to_address: TO.into(),
        reply_to: None,
        subject: "Grüße".into(),
        text: ".\n..\nHi".into(),
        html: Some(html_from_text(".\n..\nHi")),
        message_id: "1@corvus.example".into(),
        in_reply_to: None,
        references: vec![],
        unsubscribe_url: Some("https://corvus.example/p/t".into()),
        unsubscribe_mailto: None,
        date: chrono::DateTime::UNIX_EPOCH,
    };
    let mime = mail.build().unwrap();

    let mut session = client().connect(&signed_in_at(running.address, "ines", "secret")).await.unwrap();
    let outcome = session.hand_over(FROM, TO, &mime).await;
    session.quit().await;

    let HandOver::Accepted { queue_id, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(queue_id.as_deref(), Some("BOX-1"));
    assert_eq!(
        running.store.kept(),
        [Kept { mailbox: "ines".into(), from: FROM.into(), to: vec![TO.into()], raw: mime }]
    );
}

#[tokio::test]
async fn the_probe_reports_what_it_found() {
    let running = sandbox().await;
    let report = client().probe(&signed_in_at(running.address, "ines", "secret")).await.unwrap();

    assert_eq!((report.server_name.as_str(), report.signed_in, report.encrypted), ("sandbox", true, false));
    assert_eq!(report.max_size, Some(25 * 1024 * 1024));

    let error = client().probe(&signed_in_at(running.address, "ines", "guess")).await.unwrap_err();
    assert_eq!((error.phase, error.is_wrong_password()), (Phase::SignIn, true));
}

#[tokio::test]
async fn special_recipients_behave_as_promised_on_one_session() {
    let running = sandbox().await;
    let mut session = client().connect(&signed_in_at(running.address, "ines", "secret")).await.unwrap();

    let bounced = session.hand_over(FROM, "bounce+1@lark.example", MIME).await;
    assert!(
        matches!(bounced, HandOver::Rejected { code: 550, hard: true, phase: Phase::Recipient, .. }),
        "{bounced:?}"
    );
    let full = session.hand_over(FROM, "full@lark.example", MIME).await;
    assert!(matches!(full, HandOver::Rejected { code: 552, hard: false, .. }), "{full:?}");
    let deferred = session.hand_over(FROM, "defer@lark.example", MIME).await;
    assert!(matches!(deferred, HandOver::Deferred { code: 451, phase: Phase::Recipient, .. }), "{deferred:?}");
    assert!(matches!(session.hand_over(FROM, "slow@lark.example", MIME).await, HandOver::Accepted { .. }));
    assert!(matches!(session.hand_over("", TO, MIME).await, HandOver::Accepted { .. }));
    assert_eq!(running.store.kept().len(), 2);
}

#[tokio::test]
async fn nothing_is_taken_without_signing_in() {
    let running = sandbox().await;
    let mut session = client().connect(&server_at(running.address)).await.unwrap();

    let outcome = session.hand_over(FROM, TO, MIME).await;
    assert!(matches!(outcome, HandOver::Rejected { code: 530, hard: false, phase: Phase::Sender, .. }), "{outcome:?}");
}

#[tokio::test]
async fn storage_that_fails_defers_the_mail() {
    let running = sandbox().await;
    let mut session = client().connect(&signed_in_at(running.address, "broken", "secret")).await.unwrap();

    let outcome = session.hand_over(FROM, TO, MIME).await;
    assert!(matches!(outcome, HandOver::Deferred { code: 451, phase: Phase::Content, .. }), "{outcome:?}");
}

#[tokio::test]
async fn many_sessions_at_once_lose_and_double_nothing() {
    let running = sandbox().await;
    let sessions: Vec<_> = (0..40)
        .map(|n| {
            let server = signed_in_at(running.address, &format!("user{n}"), "secret");
            tokio::spawn(async move {
                let mut session = client().connect(&server).await.unwrap();
                for mail in 0..5 {
                    let outcome = session.hand_over(FROM, &format!("{n}.{mail}@lark.example"), MIME).await;
                    assert!(matches!(outcome, HandOver::Accepted { .. }), "{outcome:?}");
                }
                session.quit().await;
            })
        })
        .collect();
    for session in sessions {
        session.await.unwrap();
    }

    let mut found: Vec<_> = running.store.kept().into_iter().map(|kept| (kept.mailbox, kept.to[0].clone())).collect();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 200);
    assert!(found.iter().all(|(mailbox, to)| to.starts_with(&format!("{}.", &mailbox["user".len()..]))));
}

#[tokio::test]
async fn a_pipelined_conversation_is_answered_in_order() {
    let running = sandbox().await;
    let output = converse(
        running.address,
        format!(
            "{HELLO}MAIL FROM:<a@b.example>\r\nRCPT TO:<bounce@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\n\
             hello\r\n.\r\nRSET\r\nNOOP\r\nVRFY c\r\nQUIT\r\n"
        )
        .as_bytes(),
    )
    .await;

    let codes = codes(&output);
    assert_eq!(codes[codes.len() - 10..], ["235", "250", "550", "250", "354", "250", "250", "250", "252", "221"]);
    assert_eq!(running.store.kept()[0].raw, b"hello\r\n");
}

#[tokio::test]
async fn auth_login_works_and_a_wrong_order_does_not() {
    let running = sandbox().await;
    let output =
        converse(running.address, b"HELO x\r\nAUTH LOGIN\r\naW5lcw==\r\nc2VjcmV0\r\nAUTH LOGIN\r\nQUIT\r\n").await;
    assert_eq!(codes(&output), ["220", "250", "334", "334", "235", "503", "221"]);

    let input = format!(
        "MAIL FROM:<a@b>\r\nAUTH PLAIN x\r\n{HELLO}DATA\r\nRCPT TO:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\nQUIT\r\n"
    );
    let output = converse(running.address, input.as_bytes()).await;
    let codes = codes(&output);
    assert_eq!(codes[..3], ["220", "503", "503"]);
    assert_eq!(codes[codes.len() - 6..], ["235", "503", "503", "250", "503", "221"]);
}

#[tokio::test]
async fn a_mail_cannot_smuggle_in_another_one() {
    let running = sandbox().await;
    let output = converse(
        running.address,
        format!(
            "{HELLO}MAIL FROM:<a@b.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\nhello\n.\nMAIL FROM:<boss@b.example>\r\n\
             RCPT TO:<c@x.example>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n"
        )
        .as_bytes(),
    )
    .await;

    let codes = codes(&output);
    assert_eq!(codes[codes.len() - 3..], ["354", "554", "221"]);
    assert!(running.store.kept().is_empty());
}

#[tokio::test]
async fn large_mails_long_lines_and_nonsense_are_refused() {
    let running = sandbox_with(SandboxLimits { mail_size: 2_000, ..SandboxLimits::default() }).await;
    let mut session = client().connect(&signed_in_at(running.address, "ines", "secret")).await.unwrap();
    let announced = session.hand_over(FROM, TO, &[b'x'; 3_000]).await;
    assert!(matches!(announced, HandOver::Rejected { code: 552, phase: Phase::Sender, .. }), "{announced:?}");
    let long_line = session.hand_over(FROM, TO, &[b'x'; 1_500]).await;
    assert!(matches!(long_line, HandOver::Rejected { code: 554, phase: Phase::Content, .. }), "{long_line:?}");
    assert!(matches!(session.hand_over(FROM, TO, MIME).await, HandOver::Accepted { .. }));

    let unannounced =
        format!("{HELLO}MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n{}.\r\nQUIT\r\n", "xxxx\r\n".repeat(500));
    let output = converse(running.address, unannounced.as_bytes()).await;
    assert!(output.contains("\r\n552 5.3.4"), "{output}");

    let endless = format!("NOOP {}\r\nQUIT\r\n", "x".repeat(100_000));
    assert_eq!(codes(&converse(running.address, endless.as_bytes()).await), ["220", "500", "221"]);
    let output = converse(running.address, "nonsense\r\n".repeat(10).as_bytes()).await;
    assert!(output.ends_with("421 4.7.0 Too many errors\r\n"), "{output}");
}

#[tokio::test]
async fn too_many_and_too_quiet_clients_are_sent_away() {
    let limits = SandboxLimits { connections: 1, idle: Duration::from_millis(200), ..SandboxLimits::default() };
    let running = sandbox_with(limits).await;
    let mut quiet = BufReader::new(TcpStream::connect(running.address).await.unwrap());
    let mut line = String::new();
    quiet.read_line(&mut line).await.unwrap();

    let error = client().connect(&server_at(running.address)).await.err().unwrap();
    assert_eq!((error.phase, error.code), (Phase::Greeting, Some(421)));

    line.clear();
    quiet.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("421 4.4.2"), "{line}");
}

#[tokio::test]
async fn stopping_finishes_the_mail_under_way_and_closes_the_rest() {
    let running = sandbox().await;
    let mut idle = client().connect(&signed_in_at(running.address, "ines", "secret")).await.unwrap();
    let mut busy = BufReader::new(TcpStream::connect(running.address).await.unwrap());
    busy.write_all(format!("{HELLO}MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf\r\n").as_bytes()).await.unwrap();
    let mut line = String::new();
    while !line.starts_with("354") {
        line.clear();
        assert_ne!(busy.read_line(&mut line).await.unwrap(), 0);
    }

    running.stop.cancel();
    busy.write_all(b"whole\r\n.\r\n").await.unwrap();
    line.clear();
    busy.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("250 2.0.0 Ok: queued as"), "{line}");
    line.clear();
    busy.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("421 4.3.2"), "{line}");
    running.task.await.unwrap();

    assert_eq!(running.store.kept()[0].raw, b"half\r\nwhole\r\n");
    assert!(matches!(idle.hand_over(FROM, TO, MIME).await, HandOver::NotStarted { .. }));
    assert!(client().connect(&server_at(running.address)).await.is_err());
}
