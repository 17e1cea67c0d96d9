//! One conversation with a client.
//! A mail is acknowledged only after the storage has kept it, and refused mails leave nothing behind.

use std::{io, ops::ControlFlow, sync::Arc};

use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    SandboxLimits, SandboxStore,
    command::{self, Command},
    content::{self, Content},
    special::{Special, special},
};
use crate::mail::lines::{LineEnd, read_line};

/// RFC 4954 section 4 asks for 12,288 octets, for the words of AUTH; other commands are far shorter.
const MAX_COMMAND: usize = 12_288;
/// Guessing passwords and talking nonsense ends here.
const MAX_FAULTS: u32 = 10;

const GREETING: &str = "220 sandbox ESMTP Saleswright";
const CLOSING: &str = "421 4.3.2 The server is being stopped";

/// A conversation and what is known of it.
pub(super) struct Session<S: SandboxStore> {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    line: Vec<u8>,
    /// Replies not written yet, so that a client that pipelines gets them together (RFC 2920).
    replies: Vec<u8>,
    pub(super) store: Arc<S>,
    limits: SandboxLimits,
    stop: CancellationToken,
    pub(super) has_greeted: bool,
    pub(super) mailbox: Option<S::Mailbox>,
    pub(super) envelope: Option<Envelope>,
    faults: u32,
}

/// A mail before its content.
#[derive(Default)]
pub(super) struct Envelope {
    from: String,
    to: Vec<String>,
    is_slow: bool,
    is_silent: bool,
}

/// Tells a client that all places are taken.
pub(super) async fn turn_away(mut socket: TcpStream) -> io::Result<()> {
    socket.write_all(b"421 4.3.2 Too many connections, please try again later\r\n").await
}

impl<S: SandboxStore> Session<S> {
    pub fn new(socket: TcpStream, store: Arc<S>, limits: SandboxLimits, stop: CancellationToken) -> Self {
        let (reader, writer) = socket.into_split();
        Self {
            reader: BufReader::new(reader),
            writer,
            line: Vec::new(),
            replies: Vec::new(),
            store,
            limits,
            stop,
            has_greeted: false,
            mailbox: None,
            envelope: None,
            faults: 0,
        }
    }

    /// Talks until one side has had enough.
    pub async fn run(mut self) -> io::Result<()> {
        self.reply(GREETING);
        while let Some(line) = self.next_line().await? {
            let step = match command::parse(&line) {
                Ok(command) => self.obey(command).await?,
                Err(reply) => self.fault(reply),
            };
            if step.is_break() {
                break;
            }
        }
        self.flush().await
    }

    async fn obey(&mut self, command: Command) -> io::Result<ControlFlow<()>> {
        match command {
            Command::Ehlo => {
                self.greet();
                let size = self.limits.mail_size;
                self.reply("250-sandbox");
                self.reply(&format!("250-SIZE {size}"));
                self.reply("250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES");
                self.reply("250 AUTH PLAIN LOGIN");
            }
            Command::Helo => {
                self.greet();
                self.reply("250 sandbox");
            }
            Command::Auth { mechanism, initial } => return self.auth(&mechanism, initial).await,
            Command::Mail { from, size } => return Ok(self.mail(from, size)),
            Command::Rcpt { to } => return Ok(self.rcpt(to)),
            Command::Data => return self.data().await,
            Command::Rset => {
                self.envelope = None;
                self.reply("250 2.0.0 Ok");
            }
            Command::Noop => self.reply("250 2.0.0 Ok"),
            Command::Vrfy => self.reply("252 2.5.1 Send it and see"),
            Command::Help => self.reply("214 2.0.0 RFC 5321 says it all"),
            Command::Quit => {
                self.reply("221 2.0.0 Bye");
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// EHLO and HELO clear what was begun (section 4.1.4), but not who signed in.
    fn greet(&mut self) {
        self.has_greeted = true;
        self.envelope = None;
    }

    fn mail(&mut self, from: String, size: Option<usize>) -> ControlFlow<()> {
        if !self.has_greeted {
            return self.fault("503 5.5.1 Say EHLO first");
        }
        if self.mailbox.is_none() {
            return self.fault("530 5.7.0 Sign in first");
        }
        if self.envelope.is_some() {
            return self.fault("503 5.5.1 One mail after the other");
        }
        if size.is_some_and(|size| size > self.limits.mail_size) {
            return self.fault("552 5.3.4 The mail is too large");
        }
        self.envelope = Some(Envelope { from, ..Envelope::default() });
        self.reply("250 2.1.0 Ok");
        ControlFlow::Continue(())
    }

    fn rcpt(&mut self, to: String) -> ControlFlow<()> {
        let max = self.limits.recipients;
        let Some(envelope) = &mut self.envelope else {
            return self.fault("503 5.5.1 Say MAIL first");
        };
        let reply = match special(&to) {
            Some(Special::Refused(reply)) => reply,
            _ if envelope.to.len() >= max => "452 4.5.3 Too many recipients",
            kind => {
                envelope.is_slow |= kind == Some(Special::Slow);
                envelope.is_silent |= kind == Some(Special::Silent);
                envelope.to.push(to);
                "250 2.1.5 Ok"
            }
        };
        self.reply(reply);
        ControlFlow::Continue(())
    }

    async fn data(&mut self) -> io::Result<ControlFlow<()>> {
        let Some(envelope) = self.envelope.take_if(|envelope| !envelope.to.is_empty()) else {
            return Ok(self.fault("503 5.5.1 No recipient was accepted"));
        };
        self.reply("354 End with a dot on a line of its own");
        self.flush().await?;
        let kept = match timeout(self.limits.content, self.content()).await {
            Ok(content) => self.keep(&envelope, content?).await,
            Err(_) => {
                self.reply("421 4.4.2 That took too long");
                return Ok(ControlFlow::Break(()));
            }
        };
        if envelope.is_silent {
            return Ok(ControlFlow::Break(()));
        }
        self.reply(&kept);
        Ok(ControlFlow::Continue(()))
    }

    /// Reads up to the final dot. A client that goes away before it has sent nothing.
    async fn content(&mut self) -> io::Result<Content> {
        let mut content = Content::new(self.limits.mail_size);
        loop {
            let end = read_line(&mut self.reader, content::MAX_LINE, &mut self.line).await?;
            if end == LineEnd::Closed {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if content.push(&self.line, end == LineEnd::Complete) {
                return Ok(content);
            }
        }
    }

    async fn keep(&self, envelope: &Envelope, content: Content) -> String {
        let mailbox = self.mailbox.as_ref().expect("MAIL is refused before somebody signed in");
        let raw = match content.finish() {
            Ok(raw) => raw,
            Err(reply) => return reply.to_owned(),
        };
        if envelope.is_slow {
            sleep(self.limits.slow).await;
        }
        match self.store.keep(mailbox, &envelope.from, &envelope.to, &raw).await {
            Ok(id) => format!("250 2.0.0 Ok: queued as {id}"),
            Err(error) => {
                tracing::error!(error.message = %error, "The sandbox could not keep a mail");
                "451 4.3.0 The mail could not be kept, please try again later".to_owned()
            }
        }
    }

    /// The next line as text, or nothing when the conversation is over.
    pub(super) async fn next_line(&mut self) -> io::Result<Option<String>> {
        if !self.reader.buffer().contains(&b'\n') {
            self.flush().await?;
        }
        let read = tokio::select! {
            () = self.stop.cancelled() => {
                self.reply(CLOSING);
                return Ok(None);
            }
            read = timeout(self.limits.idle, read_line(&mut self.reader, MAX_COMMAND, &mut self.line)) => read,
        };
        match read {
            Err(_) => {
                self.reply("421 4.4.2 Nothing was said for too long");
                Ok(None)
            }
            Ok(end) => match end? {
                LineEnd::Closed => Ok(None),
                // No command is that long, so the empty line stands for it: one more unknown command.
                LineEnd::TooLong => Ok(Some(String::new())),
                LineEnd::Complete => {
                    let text = str::from_utf8(&self.line).unwrap_or_default();
                    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
                }
            },
        }
    }

    pub(super) fn reply(&mut self, line: &str) {
        self.replies.extend_from_slice(line.as_bytes());
        self.replies.extend_from_slice(b"\r\n");
    }

    /// Refuses a command; a client that gets only refusals is shown out.
    pub(super) fn fault(&mut self, reply: &str) -> ControlFlow<()> {
        self.reply(reply);
        self.faults += 1;
        if self.faults < MAX_FAULTS {
            return ControlFlow::Continue(());
        }
        self.reply("421 4.7.0 Too many errors");
        ControlFlow::Break(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        let written = timeout(self.limits.idle, self.writer.write_all(&self.replies)).await;
        self.replies.clear();
        written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}
