//! As much of a browser as these tests need: one request on one connection, forms and a cookie.

use std::{fmt::Write, net::SocketAddr, time::Duration};

use testing::PASSWORD;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A person at one of several servers; the cookie is good at all of them.
pub struct Browser {
    cookie: String,
}

/// An answer, or as much of it as has come.
pub struct Answer {
    stream: TcpStream,
    pub text: String,
}

impl Browser {
    /// Somebody who is not signed in.
    pub fn stranger() -> Self {
        Self { cookie: String::new() }
    }

    /// Signs in at one server.
    pub async fn sign_in(server: SocketAddr, email: &str) -> Self {
        let form = format!("email={email}&password={}", PASSWORD.replace(' ', "+"));
        let answer = Self::stranger().post(server, "/login", &form).await;
        assert_eq!(answer.status(), 303, "{}", answer.text);
        let cookie = answer.header("set-cookie").split(';').next().expect("a cookie has a value").to_owned();
        Self { cookie }
    }

    /// Waits until a server says that it can work.
    pub async fn wait_until_ready(&self, server: SocketAddr) {
        wait_until_listens(server).await;
        for _ in 0..600 {
            if self.get(server, "/readyz").await.status() == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{server} does not get ready");
    }

    pub async fn get(&self, server: SocketAddr, path: &str) -> Answer {
        let mut answer = self.open(server, "GET", path, "").await;
        answer.read_all().await;
        answer
    }

    /// Sends a form of one of our own pages.
    pub async fn post(&self, server: SocketAddr, path: &str, form: &str) -> Answer {
        let mut answer = self.open(server, "POST", path, form).await;
        answer.read_all().await;
        answer
    }

    /// Begins a request whose answer does not end.
    pub async fn listen(&self, server: SocketAddr, path: &str) -> Answer {
        self.open(server, "GET", path, "").await
    }

    async fn open(&self, server: SocketAddr, method: &str, path: &str, form: &str) -> Answer {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\nAccept: text/html\r\n\
             Cookie: {}\r\nSec-Fetch-Site: same-origin\r\n",
            self.cookie
        );
        if method == "POST" {
            let kind = "application/x-www-form-urlencoded";
            write!(request, "Content-Type: {kind}\r\nContent-Length: {}\r\n", form.len()).expect("text can be written");
        }
        let mut stream = TcpStream::connect(server).await.expect("the server listens");
        stream.write_all(format!("{request}\r\n{form}").as_bytes()).await.expect("it takes the request");
        Answer { stream, text: String::new() }
    }
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("an answer has a status")
    }

    pub fn header(&self, name: &str) -> &str {
        let lines = self.text.lines().take_while(|line| !line.is_empty());
        let mut values = lines.filter_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
        values.next().map_or("", |(_, value)| value)
    }

    /// Reads on until `word` has come.
    pub async fn read_until(&mut self, word: &str) {
        while !self.text.contains(word) {
            assert!(self.read().await, "the answer ended without {word}: {}", self.text);
        }
    }

    async fn read_all(&mut self) {
        while self.read().await {}
    }

    async fn read(&mut self) -> bool {
        let mut buffer = [0; 8192];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await;
        let read = read.unwrap_or_else(|_| panic!("nothing more comes after: {}", self.text));
        let read = read.expect("the connection lives");
        self.text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        read > 0
    }
}

/// Waits until a process has bound its port.
pub async fn wait_until_listens(server: SocketAddr) {
    for _ in 0..600 {
        if TcpStream::connect(server).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{server} does not listen");
}
