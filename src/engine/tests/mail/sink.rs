//! The client against `smtp-sink` of Postfix, a server written by other people.

use std::{
    net::SocketAddr,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use engine::mail::{HandOver, Phase, Session};
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::timeout,
};

use crate::support::{FROM, MIME, TO, client, server_at};

/// A running `smtp-sink`; it ends with the test.
struct Sink {
    address: SocketAddr,
    _process: Child,
}

/// Where Debian puts the program, which is not on every user's path.
#[expect(clippy::disallowed_methods, reason = "looks for a program, not for a setting")]
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join("smtp-sink"))
        .find(|program| program.is_file())
        .expect("smtp-sink is missing: install Postfix (on Debian `apt-get install postfix`)")
}

async fn sink(options: &[&str]) -> Sink {
    // The kernel gives a free port; nobody else is handed the same one in the next moment.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    // The program insists on giving up the rights of root.
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut process = Command::new(program())
        .args(if is_root { &["-u", "nobody"][..] } else { &[] })
        .args(options)
        .args([&address.to_string(), "100"])
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let listening = async {
        while TcpStream::connect(address).await.is_err() {
            assert!(process.try_wait().unwrap().is_none(), "smtp-sink ended at once: {options:?}");
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), listening).await.expect("smtp-sink listens");
    Sink { address, _process: process }
}

async fn hand_over(options: &[&str], mime: &[u8]) -> (HandOver, Session) {
    let sink = sink(options).await;
    let mut session = client().connect(&server_at(sink.address)).await.unwrap();
    (session.hand_over(FROM, TO, mime).await, session)
}

/// A folder of its own for each test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("smtp-sink-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        // `smtp-sink` writes as another user when the tests run as root.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        Self(path)
    }

    fn only_file(&self) -> String {
        let files: Vec<_> = std::fs::read_dir(&self.0).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        std::fs::read_to_string(&files[0]).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The folder of a failed test is worth nothing; that it cannot be removed, too.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn template(folder: &Path) -> String {
    folder.join("mail.").to_string_lossy().into_owned()
}

#[tokio::test]
async fn the_mail_that_arrives_is_the_mail_that_was_sent() {
    let folder = Folder::new("whole");
    let (outcome, session) = hand_over(&["-d", &template(&folder.0)], MIME).await;
    session.quit().await;

    assert!(matches!(outcome, HandOver::Accepted { .. }), "{outcome:?}");
    let dump = folder.only_file();
    assert!(dump.contains("X-Mail-Args: <ana@corvus.example>"), "{dump}");
    assert!(dump.contains("X-Rcpt-Args: <zoe@lark.example>"), "{dump}");
    assert!(dump.contains("\none\n.\n..two\n.three\n"), "{dump}");
}

#[tokio::test]
async fn many_mails_go_over_one_session() {
    let sink = sink(&[]).await;
    let mut session = client().connect(&server_at(sink.address)).await.unwrap();
    for _ in 0..500 {
        assert!(matches!(session.hand_over(FROM, TO, MIME).await, HandOver::Accepted { .. }));
    }
    session.quit().await;
}

#[tokio::test]
async fn a_refusal_is_told_with_its_phase() {
    for (command, expected) in
        [("MAIL", Phase::Sender), ("RCPT", Phase::Recipient), ("DATA", Phase::Data), (".", Phase::Content)]
    {
        let (outcome, session) = hand_over(&["-f", command, "-B", "550 5.7.1 no"], MIME).await;
        let HandOver::Rejected { code: 550, hard: false, phase, .. } = outcome else {
            panic!("{command}: {outcome:?}")
        };
        assert_eq!((phase, session.is_usable()), (expected, true));

        let (outcome, session) = hand_over(&["-r", command], MIME).await;
        let HandOver::Deferred { code: 450, phase, .. } = outcome else { panic!("{command}: {outcome:?}") };
        assert_eq!((phase, session.is_usable()), (expected, true));

        let (outcome, session) = hand_over(&["-Q", command], MIME).await;
        let HandOver::Deferred { code: 421, phase, .. } = outcome else { panic!("{command}: {outcome:?}") };
        assert_eq!((phase, session.is_usable()), (expected, false));
    }
}

#[tokio::test]
async fn a_lost_connection_is_unknown_only_after_the_final_dot() {
    for command in ["MAIL", "RCPT", "DATA"] {
        let (outcome, _) = hand_over(&["-q", command], MIME).await;
        assert!(matches!(outcome, HandOver::NotStarted { .. }), "{command}: {outcome:?}");
    }
    let (outcome, _) = hand_over(&["-q", "."], MIME).await;
    assert!(matches!(outcome, HandOver::Unknown { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_server_without_extensions_is_served_too() {
    let (outcome, _) = hand_over(&["-e"], MIME).await;
    assert!(matches!(outcome, HandOver::Accepted { .. }), "{outcome:?}");

    let (outcome, _) = hand_over(&["-8"], "Subject: x\r\n\r\nnaïve\r\n".as_bytes()).await;
    assert!(matches!(outcome, HandOver::Rejected { code: 554, hard: false, .. }), "{outcome:?}");
}
