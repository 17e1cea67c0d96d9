//! The reference server of the Model Context Protocol, from the packages of the journeys.

use std::{path::PathBuf, process::Stdio};

use tokio::process::{Child, Command};

/// A server at an address of this machine.
pub struct Everything {
    pub url: String,
    _process: Child,
}

impl Everything {
    /// The file that node runs.
    pub fn program() -> String {
        let packages = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../end2end/node_modules");
        let program = packages.join("@modelcontextprotocol/server-everything/dist/index.js");
        let program = program.canonicalize().expect("run `npm ci` in end2end");
        program.to_str().expect("a path").to_owned()
    }

    pub async fn start() -> Self {
        let port = {
            let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            free.local_addr().expect("bound").port()
        };
        let process = Command::new("node")
            .args([Self::program(), "streamableHttp".to_owned()])
            .env("PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node is there");
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
        Self { url: format!("http://127.0.0.1:{port}/mcp"), _process: process }
    }
}
