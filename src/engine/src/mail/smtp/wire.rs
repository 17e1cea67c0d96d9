//! The open connection: writes lines, reads whole replies, each within a wait.
//! A reply is returned only when all of its lines have come; anything less is an error that says what came instead.

use std::{fmt, io, time::Duration};

use futures::FutureExt;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    time::timeout,
};

use super::reply::Reply;
use crate::mail::lines::{LineEnd, read_line};

/// RFC 5321 section 4.5.3.1.5 allows 512 octets; servers that put explanations into replies use more.
const MAX_LINE: usize = 2_048;
/// No EHLO reply comes near it; a server that goes on for ever does.
const MAX_LINES: usize = 512;
/// How much text of a reply is kept.
const MAX_TEXT: usize = 8_192;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Why no reply was read, or nothing could be written.
#[derive(Debug)]
pub(super) enum WireError {
    Closed,
    TimedOut,
    Io(io::Error),
    Garbled(&'static str),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the server closed the connection"),
            Self::TimedOut => f.write_str("the server did not answer in time"),
            Self::Io(error) => write!(f, "the connection broke: {error}"),
            Self::Garbled(what) => write!(f, "the server's answer is not SMTP: {what}"),
        }
    }
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Servers that close TLS without saying so are as gone as the others.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// A connection to a mail server.
pub(super) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    line: Vec<u8>,
}

impl Wire {
    pub fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream: BufReader::new(stream), line: Vec::new() }
    }

    /// Gives the stream back for encryption, unless the server sent more than it was asked for.
    ///
    /// What lies in the buffer was sent before encryption and by anyone; it must not be taken for a reply
    /// inside it.
    pub fn into_stream(self) -> Result<Box<dyn Stream>, WireError> {
        if self.stream.buffer().is_empty() {
            Ok(self.stream.into_inner())
        } else {
            Err(WireError::Garbled("it spoke on after the reply to STARTTLS"))
        }
    }

    /// Writes everything and hands it to the network.
    pub async fn write(&mut self, octets: &[u8], wait: Duration) -> Result<(), WireError> {
        let written = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        timeout(wait, written).await.map_err(|_| WireError::TimedOut)?.map_err(WireError::from)
    }

    /// Writes a command and reads its reply. `line` has no line end.
    pub async fn command(&mut self, line: &str, wait: Duration) -> Result<Reply, WireError> {
        debug_assert!(!line.contains(['\r', '\n']), "a command is one line");
        self.write(format!("{line}\r\n").as_bytes(), wait).await?;
        self.read_reply(wait).await
    }

    /// Reads one reply.
    pub async fn read_reply(&mut self, wait: Duration) -> Result<Reply, WireError> {
        timeout(wait, self.read_lines()).await.map_err(|_| WireError::TimedOut)?
    }

    /// Whether the server has said or done anything unasked: closed the connection, or told that it will.
    pub fn was_interrupted(&mut self) -> bool {
        self.stream.fill_buf().now_or_never().is_some()
    }

    async fn read_lines(&mut self) -> Result<Reply, WireError> {
        let mut reply: Option<Reply> = None;
        for _ in 0..MAX_LINES {
            match read_line(&mut self.stream, MAX_LINE, &mut self.line).await? {
                LineEnd::Complete | LineEnd::TooLong => {}
                LineEnd::Closed => return Err(WireError::Closed),
            }
            let (code, is_last, text) = parse_line(&self.line).ok_or(WireError::Garbled("a line without a code"))?;
            let reply = reply.get_or_insert_with(|| Reply { code, text: String::new() });
            if reply.code != code {
                return Err(WireError::Garbled("lines of one reply with different codes"));
            }
            if reply.text.len() + text.len() < MAX_TEXT {
                if !reply.text.is_empty() {
                    reply.text.push('\n');
                }
                reply.text.push_str(&text);
            }
            if is_last {
                return Ok(reply.clone());
            }
        }
        Err(WireError::Garbled("a reply without an end"))
    }
}

/// Splits a line of a reply into its code, whether it is the last, and its text (section 4.2).
fn parse_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let (code, rest) = line.split_at_checked(3)?;
    let [first @ b'2'..=b'5', second @ b'0'..=b'9', third @ b'0'..=b'9'] = *code else {
        return None;
    };
    let code = [first, second, third].iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let (is_last, text) = match rest.first() {
        Some(b'-') => (false, &rest[1..]),
        Some(b' ') => (true, &rest[1..]),
        Some(b'\r' | b'\n') => (true, rest),
        _ => return None,
    };
    let text = String::from_utf8_lossy(text);
    let text: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Some((code, is_last, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &'static [u8]) -> Result<Reply, WireError> {
        let (near, mut far) = tokio::io::duplex(4_000_000);
        far.write_all(bytes).await.unwrap();
        drop(far);
        Wire::new(Box::new(near)).read_reply(Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn replies_of_one_and_many_lines_are_read() {
        assert_eq!(read(b"250 ok\r\n").await.unwrap().to_string(), "250 ok");
        assert_eq!(read(b"250\r\n").await.unwrap().to_string(), "250 ");
        assert_eq!(read(b"250-a\r\n250-\r\n250 b\r\n").await.unwrap().text, "a\n\nb");
        assert_eq!(read(b"250 gr\xfc\xdfe\x07\r\n").await.unwrap().text, "gr\u{fffd}\u{fffd}e ");
        assert_eq!(read(b"250 bare line feed\n").await.unwrap().text, "bare line feed");
    }

    #[tokio::test]
    async fn what_is_no_reply_is_an_error() {
        for bytes in [
            &b"hello\r\n"[..],
            b"25\r\n",
            b"\r\n",
            b"650 no\r\n",
            b"150 no\r\n",
            b"2500 no\r\n",
            b"250-a\r\n251 b\r\n",
            b"HTTP/1.1 400 Bad Request\r\n",
        ] {
            assert!(matches!(read(bytes).await, Err(WireError::Garbled(_))), "{:?}", String::from_utf8_lossy(bytes));
        }
        for bytes in [&b""[..], b"250 ok", b"250-ok\r\n"] {
            assert!(matches!(read(bytes).await, Err(WireError::Closed)), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[tokio::test]
    async fn a_reply_may_be_long_but_not_endless() {
        let long: &'static [u8] = format!("250 {}\r\n", "x".repeat(1_000_000)).leak().as_bytes();
        let reply = read(long).await.unwrap();
        assert_eq!((reply.code, reply.text.len() <= MAX_LINE), (250, true));

        let endless: &'static [u8] = "250-x\r\n".repeat(MAX_LINES + 1).leak().as_bytes();
        assert!(matches!(read(endless).await, Err(WireError::Garbled(_))));
    }

    #[tokio::test]
    async fn words_sent_before_encryption_are_not_carried_into_it() {
        let (near, mut far) = tokio::io::duplex(1_000);
        far.write_all(b"220 go\r\n250 injected\r\n").await.unwrap();
        let mut wire = Wire::new(Box::new(near));
        wire.read_reply(Duration::from_secs(5)).await.unwrap();

        assert!(wire.into_stream().is_err());
    }
}
