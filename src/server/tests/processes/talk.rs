//! One conversation between a worker and a mail server, passed on line by line; the gate may stop it at each point.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::gate::{Point, State};

/// Passes a conversation on until one of the two ends it.
///
/// # Errors
/// That is how every conversation ends.
pub async fn converse(worker: TcpStream, sink: SocketAddr, state: &State) -> io::Result<()> {
    worker.set_nodelay(true)?;
    let mut worker = Side::new(worker);
    if let Some(words) = state.pass(Point::Connected).await? {
        worker.say(words).await?;
        return worker.leave().await;
    }
    let (mut server, greeting) = Side::connect(sink).await?;
    worker.to.write_all(&greeting).await?;
    let mut talk = None;
    loop {
        let command = worker.line().await?;
        if command.starts_with(b"MAIL") {
            talk.get_or_insert_with(|| state.talk());
            state.gathered().await;
        }
        let said = match point_of(&command) {
            Some(point) => state.pass(point).await?,
            None => None,
        };
        if let Some(words) = said {
            worker.say(words).await?;
            if words.starts_with("421") {
                return worker.leave().await;
            }
            continue;
        }
        server.to.write_all(&command).await?;
        let reply = server.reply().await?;
        worker.to.write_all(&reply).await?;
        if command.starts_with(b"DATA") && reply.starts_with(b"354") {
            content(&mut worker, &mut server, sink, state).await?;
        }
    }
}

/// The point that a command comes to.
fn point_of(command: &[u8]) -> Option<Point> {
    [
        (&b"EHLO"[..], Point::Hello),
        (b"STARTTLS", Point::Tls),
        (b"MAIL", Point::Begun),
        (b"RCPT", Point::Recipient),
        (b"DATA", Point::Data),
    ]
    .into_iter()
    .find_map(|(word, point)| command.starts_with(word).then_some(point))
}

async fn content(worker: &mut Side, server: &mut Side, sink: SocketAddr, state: &State) -> io::Result<()> {
    let mut mail = Vec::new();
    let dot = loop {
        let line = worker.line().await?;
        if line == b".\r\n" {
            break line;
        }
        mail.extend_from_slice(&line);
    };
    server.to.write_all(&mail).await?;
    if let Some(words) = state.pass(Point::BeforeDot).await? {
        // The server behind forgets half an e-mail when its connection ends.
        *server = Side::connect(sink).await?.0;
        server.to.write_all(b"EHLO gate\r\n").await?;
        server.reply().await?;
        worker.say(words).await?;
        return if words.starts_with("421") { worker.leave().await } else { Ok(()) };
    }
    server.to.write_all(&dot).await?;
    let reply = server.reply().await?;
    state.took();
    state.pass(Point::BeforeReply).await?;
    worker.to.write_all(&reply).await?;
    state.pass(Point::AfterReply).await.map(drop)
}

/// One side of a conversation.
struct Side {
    from: BufReader<OwnedReadHalf>,
    to: OwnedWriteHalf,
}

impl Side {
    fn new(stream: TcpStream) -> Self {
        let (from, to) = stream.into_split();
        Self { from: BufReader::new(from), to }
    }

    /// The server, and its greeting.
    async fn connect(server: SocketAddr) -> io::Result<(Self, Vec<u8>)> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let mut side = Self::new(stream);
        let greeting = side.reply().await?;
        Ok((side, greeting))
    }

    async fn say(&mut self, words: &str) -> io::Result<()> {
        self.to.write_all(format!("{words}\r\n").as_bytes()).await
    }

    /// Says no more, and listens until the other side has read what was said.
    async fn leave(&mut self) -> io::Result<()> {
        self.to.shutdown().await?;
        loop {
            self.line().await?;
        }
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        match self.from.read_until(b'\n', &mut line).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }

    /// A whole reply, which may have several lines.
    async fn reply(&mut self) -> io::Result<Vec<u8>> {
        let mut reply = Vec::new();
        loop {
            let line = self.line().await?;
            reply.extend_from_slice(&line);
            if line.get(3) != Some(&b'-') {
                return Ok(reply);
            }
        }
    }
}
