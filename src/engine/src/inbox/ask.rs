//! One exchange with an IMAP server: a command, what the server tells, and its yes. A connection that ends before the
//! yes is a failure and never an empty answer, so nothing is taken for read that was not.

use std::{io::ErrorKind, time::Duration};

use async_imap::{
    error::Error,
    imap_proto::{MailboxDatum, Response, Status},
};
use tokio::time::timeout;

use super::session::Imap;

/// How long a step may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Most characters of the words of a server that are shown.
const MOST_WORDS: usize = 300;

/// Why replies cannot be read, in words for the page of the mailbox.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub(super) struct Failure {
    words: String,
    /// The server has said no to this one command, and goes on talking.
    pub refused: bool,
}

impl Failure {
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), refused: false }
    }

    /// The same failure with what to do about it.
    pub(super) fn hint(mut self, hint: &str) -> Self {
        self.words = format!("{} {hint}", self.words);
        self
    }
}

/// Sends a command, lets `hear` have what the server tells, and comes back when it says yes.
pub(super) async fn ask(
    server: &mut Server,
    name: &str,
    patience: Duration,
    command: &str,
    mut hear: impl FnMut(&Response<'_>),
) -> Result<(), Failure> {
    let Server { session, news } = server;
    let exchange = async {
        let tag = session.run_command(command).await?;
        let mut farewell = None;
        while let Some(answer) = session.read_response().await? {
            match answer.parsed() {
                Response::Done { tag: done, status, outcome } if *done == tag => {
                    return Ok(match status {
                        Status::Ok => Ok(()),
                        _ => Err(outcome.information.as_deref().unwrap_or("without a reason").to_owned()),
                    });
                }
                Response::Data { status: Status::Bye, outcome } => {
                    farewell = outcome.information.as_deref().map(str::to_owned);
                }
                other => {
                    *news |= matches!(other, Response::MailboxData(MailboxDatum::Exists(_)));
                    hear(other);
                }
            }
        }
        farewell.map_or(Err(Error::ConnectionLost), |words| Err(Error::No(words)))
    };
    match timeout(patience, exchange).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(no))) => {
            Err(Failure { words: format!("{name}: the server refuses: {}.", shown(&no)), refused: true })
        }
        Ok(Err(error)) => Err(Failure::new(format!("{name}: {}.", words_of(&error)))),
        Err(_) => Err(Failure::new(format!("{name}: the server did not answer in time."))),
    }
}

/// A step of the library's own, within its time.
pub(super) async fn step<T>(name: &str, exchange: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match timeout(PATIENCE, exchange).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Failure::new(format!("{name}: {}.", words_of(&error)))),
        Err(_) => Err(Failure::new(format!("{name}: the server did not answer in time."))),
    }
}

/// An open INBOX.
pub(super) struct Server {
    pub session: Imap,
    /// The server has spoken of more mails since this was last set to false.
    pub news: bool,
}

/// What the library says, for people. It quotes what it cannot read, which may be a part of a mail: that stays here.
pub(super) fn words_of(error: &Error) -> String {
    match error {
        Error::No(words) | Error::Bad(words) => {
            // The library writes what the server has said as the debug form of its parts.
            let said = words.split_once("info: Some(\"").and_then(|(_, said)| said.strip_suffix("\")"));
            format!("the server refuses: {}", shown(said.unwrap_or(words)))
        }
        Error::ConnectionLost => "the server hung up".to_owned(),
        Error::Io(error) => match error.kind() {
            // The library says “refused” when the connection ends before the server agrees to wait.
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe => "the server hung up".to_owned(),
            ErrorKind::Other => "the server says what is not IMAP".to_owned(),
            _ => shown(&error.to_string()),
        },
        Error::Validate(_) => "a character cannot be sent to the server".to_owned(),
        _ => "the server says what is not IMAP".to_owned(),
    }
}

/// What somebody else has written, as a part of a sentence of ours.
fn shown(words: &str) -> String {
    let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_WORDS).collect();
    line.trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_server_are_its_own() {
        let no = Error::No("code: None, info: Some(\"[AUTHENTICATIONFAILED] Authentication failed.\")".to_owned());
        assert_eq!(words_of(&no), "the server refuses: [AUTHENTICATIONFAILED] Authentication failed");
        assert_eq!(words_of(&Error::ConnectionLost), "the server hung up");
        let part = std::io::Error::other("parsing of \"a secret of the mail\"");
        assert_eq!(words_of(&Error::Io(part)), "the server says what is not IMAP");
        assert!(shown(&"x\r\n".repeat(500)).len() <= MOST_WORDS);
    }
}
