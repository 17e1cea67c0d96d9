//! Stands between a worker and a mail server, and can hold a conversation at any point of the
//! send protocol while the test kills the worker.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{oneshot, watch},
    task::JoinHandle,
};

/// A point of the send protocol, as a mail server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The worker has connected: e-mails are claimed, none of this lane is begun.
    Connected,
    /// MAIL has come, so `sending` is committed; the server has not heard of the e-mail.
    Begun,
    /// The content is there but for the final dot.
    BeforeDot,
    /// The server has taken the e-mail; the worker does not know.
    BeforeReply,
    /// The worker has the reply in its hands.
    AfterReply,
}

/// A door to a mail server.
pub struct Gate {
    address: SocketAddr,
    state: Arc<State>,
    listener: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    taken: AtomicUsize,
    open: AtomicUsize,
    /// The most conversations about e-mails that were open at the same time.
    most: watch::Sender<usize>,
    /// Until so many were open, none goes on.
    crowd: AtomicUsize,
    held: Mutex<Option<(Point, oneshot::Sender<()>)>>,
}

impl Gate {
    /// Opens a door to the server at `sink`.
    pub async fn open(sink: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let state = Arc::new(State::default());
        let shared = state.clone();
        let listener = tokio::spawn(async move {
            while let Ok((worker, _)) = listener.accept().await {
                let state = shared.clone();
                // A conversation ends with an error when its worker is killed.
                tokio::spawn(async move { drop(converse(worker, sink, &state).await) });
            }
        });
        Self { address, state, listener }
    }

    /// Where workers connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// E-mails that the server has taken.
    pub fn taken(&self) -> usize {
        self.state.taken.load(Ordering::SeqCst)
    }

    /// Lets no e-mail through before so many conversations about one were open at the same time.
    pub fn gather(&self, crowd: usize) {
        self.state.crowd.store(crowd, Ordering::SeqCst);
    }

    /// The most conversations about e-mails that were open at the same time.
    pub fn most_at_once(&self) -> usize {
        *self.state.most.borrow()
    }

    /// Returns when a conversation has come to `point`; it is held there for ever.
    pub async fn hold(&self, point: Point) {
        let (sender, reached) = oneshot::channel();
        *self.state.held.lock().expect("nobody panics with it") = Some((point, sender));
        reached.await.expect("the gate is open");
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// A conversation about e-mails, as long as it lasts.
struct Talk<'s>(&'s State);

impl Drop for Talk<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl State {
    fn talk(&self) -> Talk<'_> {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.send_if_modified(|most| std::mem::replace(most, open.max(*most)) < open);
        Talk(self)
    }

    async fn gathered(&self) {
        let crowd = self.crowd.load(Ordering::SeqCst);
        self.most.subscribe().wait_for(|most| *most >= crowd).await.expect("the gate is open");
    }

    async fn pass(&self, point: Point) {
        let sender = self.held.lock().expect("nobody panics with it").take_if(|(wanted, _)| *wanted == point);
        if let Some((_, sender)) = sender {
            let _ = sender.send(());
            std::future::pending::<()>().await;
        }
    }
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

async fn converse(worker: TcpStream, sink: SocketAddr, state: &State) -> io::Result<()> {
    worker.set_nodelay(true)?;
    state.pass(Point::Connected).await;
    let server = TcpStream::connect(sink).await?;
    server.set_nodelay(true)?;
    let (mut worker, mut server) = (Side::new(worker), Side::new(server));
    worker.to.write_all(&server.reply().await?).await?;
    let mut talk = None;
    loop {
        let command = worker.line().await?;
        if command.starts_with(b"MAIL") {
            talk.get_or_insert_with(|| state.talk());
            state.gathered().await;
            state.pass(Point::Begun).await;
        }
        server.to.write_all(&command).await?;
        let reply = server.reply().await?;
        worker.to.write_all(&reply).await?;
        if command.starts_with(b"DATA") && reply.starts_with(b"354") {
            content(&mut worker, &mut server, state).await?;
        }
    }
}

async fn content(worker: &mut Side, server: &mut Side, state: &State) -> io::Result<()> {
    let mut mail = Vec::new();
    let dot = loop {
        let line = worker.line().await?;
        if line == b".\r\n" {
            break line;
        }
        mail.extend_from_slice(&line);
    };
    server.to.write_all(&mail).await?;
    state.pass(Point::BeforeDot).await;
    server.to.write_all(&dot).await?;
    let reply = server.reply().await?;
    state.taken.fetch_add(1, Ordering::SeqCst);
    state.pass(Point::BeforeReply).await;
    worker.to.write_all(&reply).await?;
    state.pass(Point::AfterReply).await;
    Ok(())
}
