//! Stands between a worker and a mail server: it can hold a conversation at any point of the send protocol while the
//! test kills the worker, and it can be every bad server in turn, while the good one behind it counts.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::{JoinHandle, JoinSet},
};

use crate::talk::converse;

/// A point of the send protocol, as a mail server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The worker has connected: e-mails are claimed, none of this lane is begun.
    Connected,
    /// EHLO has come.
    Hello,
    /// STARTTLS has come.
    Tls,
    /// MAIL has come, so `sending` is committed; the server has not heard of the e-mail.
    Begun,
    /// RCPT has come.
    Recipient,
    /// DATA has come.
    Data,
    /// The worker has sent everything; the server has the content but for the final dot.
    BeforeDot,
    /// The server has taken the e-mail; the worker does not know.
    BeforeReply,
    /// The worker has the reply in its hands.
    AfterReply,
}

/// What goes wrong at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing more is said, and the connection stays.
    Hang,
    /// The connection breaks.
    Cut,
    /// What should come takes so long.
    Slow(Duration),
    /// This is said instead, and the server behind hears nothing of it. After 421 the connection ends (RFC 5321, 3.8).
    Say(&'static str),
}

/// A door to a mail server.
pub struct Gate {
    address: SocketAddr,
    sink: SocketAddr,
    state: Arc<State>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

/// What the conversations of a gate share.
#[derive(Default)]
pub struct State {
    taken: AtomicUsize,
    open: AtomicUsize,
    /// The most conversations about e-mails that were open at the same time.
    most: watch::Sender<usize>,
    /// Until so many were open, none goes on.
    crowd: AtomicUsize,
    held: Mutex<Option<(Point, oneshot::Sender<()>)>>,
    troubles: Mutex<Vec<Planned>>,
    met: AtomicUsize,
}

/// Trouble for the next so many conversations that come to a point.
struct Planned {
    point: Point,
    trouble: Trouble,
    left: usize,
}

impl Gate {
    /// Opens a door to the server at `sink`.
    pub async fn open(sink: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let state = Arc::new(State::default());
        let listener = Mutex::new(Some(listen(listener, sink, state.clone())));
        Self { address, sink, state, listener }
    }

    /// Where workers connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the server behind it listens.
    pub fn behind(&self) -> SocketAddr {
        self.sink
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

    /// The next `times` conversations that come to `point` meet this trouble.
    pub fn trouble(&self, point: Point, trouble: Trouble, times: usize) {
        self.state.troubles.lock().expect("nobody panics with it").push(Planned { point, trouble, left: times });
    }

    /// Whoever comes from now on meets no trouble. Who hangs goes on hanging.
    pub fn cure(&self) {
        self.state.troubles.lock().expect("nobody panics with it").clear();
    }

    /// How often trouble was met.
    pub fn met(&self) -> usize {
        self.state.met.load(Ordering::SeqCst)
    }

    /// The server is gone: all connections break, and none is taken.
    pub async fn close(&self) {
        let listener = self.listener.lock().expect("nobody panics with it").take();
        if let Some(listener) = listener {
            listener.abort();
            // Only then the port is free.
            let _ = listener.await;
        }
    }

    /// It is back at the same address.
    pub async fn reopen(&self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is still ours");
        let listener = listen(listener, self.sink, self.state.clone());
        *self.listener.lock().expect("nobody panics with it") = Some(listener);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.lock().expect("nobody panics with it").take() {
            listener.abort();
        }
    }
}

/// Takes connections; when it is aborted, its conversations break.
fn listen(listener: TcpListener, sink: SocketAddr, state: Arc<State>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut talks = JoinSet::new();
        loop {
            tokio::select! {
                connection = listener.accept() => {
                    let Ok((worker, _)) = connection else { return };
                    let state = state.clone();
                    // A conversation ends with an error when its worker is killed.
                    talks.spawn(async move { drop(converse(worker, sink, &state).await) });
                }
                Some(_) = talks.join_next() => {}
            }
        }
    })
}

/// A conversation about e-mails, as long as it lasts.
pub struct Talk<'s>(&'s State);

impl Drop for Talk<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl State {
    /// A conversation about an e-mail begins.
    pub fn talk(&self) -> Talk<'_> {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.send_if_modified(|most| std::mem::replace(most, open.max(*most)) < open);
        Talk(self)
    }

    /// Waits until so many are open as the test wants.
    pub async fn gathered(&self) {
        let crowd = self.crowd.load(Ordering::SeqCst);
        self.most.subscribe().wait_for(|most| *most >= crowd).await.expect("the gate is open");
    }

    /// The server has taken an e-mail.
    pub fn took(&self) {
        self.taken.fetch_add(1, Ordering::SeqCst);
    }

    /// A conversation has come to a point. Gives what is said there instead of what the server would say.
    ///
    /// # Errors
    /// When the connection breaks there.
    pub async fn pass(&self, point: Point) -> std::io::Result<Option<&'static str>> {
        let sender = self.held.lock().expect("nobody panics with it").take_if(|(wanted, _)| *wanted == point);
        if let Some((_, sender)) = sender {
            let _ = sender.send(());
            std::future::pending::<()>().await;
        }
        match self.meet(point) {
            None => Ok(None),
            Some(Trouble::Hang) => std::future::pending().await,
            Some(Trouble::Cut) => Err(std::io::ErrorKind::ConnectionAborted.into()),
            Some(Trouble::Slow(wait)) => {
                tokio::time::sleep(wait).await;
                Ok(None)
            }
            Some(Trouble::Say(words)) => Ok(Some(words)),
        }
    }

    fn meet(&self, point: Point) -> Option<Trouble> {
        let mut troubles = self.troubles.lock().expect("nobody panics with it");
        let planned = troubles.iter_mut().find(|planned| planned.point == point && planned.left > 0)?;
        planned.left -= 1;
        self.met.fetch_add(1, Ordering::SeqCst);
        Some(planned.trouble)
    }
}
