//! Stands between a reader and its server and does what networks and servers do: hangs up, keeps silent, says no, or nonsense.

use std::{collections::VecDeque, io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// What becomes of a connection once a command has these words.
#[derive(Clone, Copy)]
pub enum Fate {
    /// It ends in the middle of the answer. Without words it ends in the greeting.
    Cut(&'static str),
    /// It ends before the answer, between two lines.
    HangUp(&'static str),
    /// The answer is held until somebody lets it go.
    Hold(&'static str),
}

/// An answer of the proxy's own.
#[derive(Clone, Copy)]
pub struct Own {
    /// To commands that have these words.
    pub to: &'static str,
    /// With `TAG` where the tag of the command stands. Nothing at all is the end of the connection.
    pub answer: &'static str,
}

/// The first connections have a fate each; those after them are let through.
pub struct Proxy {
    pub address: SocketAddr,
    held: Arc<Notify>,
    let_go: Arc<Notify>,
}

impl Proxy {
    pub async fn to(server: SocketAddr, fates: &[Fate]) -> Self {
        Self::start(server, fates, None).await
    }

    /// Answers commands with an answer of its own, on every connection; the first ones have their fates, too.
    pub async fn that_answers(server: SocketAddr, fates: &[Fate], own: Own) -> Self {
        Self::start(server, fates, Some(own)).await
    }

    async fn start(server: SocketAddr, fates: &[Fate], own: Option<Own>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let (held, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (held.clone(), let_go.clone());
        let mut fates: VecDeque<Fate> = fates.iter().copied().collect();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let line = Line { server, fate: fates.pop_front(), own, held: tell.clone(), let_go: wait.clone() };
                tokio::spawn(line.carry(client));
            }
        });
        Self { address, held, let_go }
    }

    /// Comes back once an answer is held.
    pub async fn holds(&self) {
        self.held.notified().await;
    }

    pub fn let_go(&self) {
        self.let_go.notify_one();
    }
}

struct Line {
    server: SocketAddr,
    fate: Option<Fate>,
    own: Option<Own>,
    held: Arc<Notify>,
    let_go: Arc<Notify>,
}

impl Line {
    async fn carry(mut self, client: TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(self.server).await?;
        let (reader, mut writer) = client.into_split();
        let mut reader = BufReader::new(reader);
        let (mut command, mut answer) = (Vec::new(), vec![0; 16 * 1024]);
        let mut has_come = matches!(self.fate, Some(Fate::Cut("")));
        loop {
            tokio::select! {
                read = reader.read_until(b'\n', &mut command) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    let words = String::from_utf8_lossy(&command).into_owned();
                    command.clear();
                    if let Some(own) = self.own.filter(|own| words.contains(own.to)) {
                        if own.answer.is_empty() {
                            return Ok(());
                        }
                        let tag = words.split_whitespace().next().unwrap_or_default();
                        writer.write_all(own.answer.replace("TAG", tag).as_bytes()).await?;
                        continue;
                    }
                    if let Some(Fate::Cut(of) | Fate::HangUp(of) | Fate::Hold(of)) = self.fate {
                        has_come |= words.contains(of);
                    }
                    server.write_all(words.as_bytes()).await?;
                }
                read = server.read(&mut answer) => {
                    let size = read?;
                    match self.fate {
                        Some(Fate::Cut(_)) if has_come => return writer.write_all(&answer[..size.min(20)]).await,
                        Some(Fate::HangUp(_)) if has_come => return Ok(()),
                        Some(Fate::Hold(_)) if has_come => {
                            self.fate = None;
                            self.held.notify_one();
                            self.let_go.notified().await;
                        }
                        _ => {}
                    }
                    if size == 0 {
                        return Ok(());
                    }
                    writer.write_all(&answer[..size]).await?;
                }
            }
        }
    }
}
