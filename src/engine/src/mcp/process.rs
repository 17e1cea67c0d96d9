//! A server that is a program on this machine. Only programs that the operator has listed are started, with
//! nothing of our environment, in a group of their own that ends with the session.

use std::{
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::connectors::ConnectorAuth;
use process_wrap::tokio::{CommandWrap, KillOnDrop, ProcessGroup};
use rmcp::transport::TokioChildProcess;
use service::{Db, connectors::ReadyConnector};
use tokio::{
    io::AsyncReadExt,
    process::{ChildStderr, Command},
};

use super::fault::{Fault, short};

/// Where programs look for others.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Bytes of the end of what a program complains about.
const COMPLAINTS: usize = 4_096;
/// How long the last complaint may take to arrive.
const LAST_WORD: Duration = Duration::from_millis(500);

/// What a program writes beside the protocol.
pub(super) struct Complaints {
    said: Arc<Mutex<Vec<u8>>>,
    listening: Option<tokio::task::JoinHandle<()>>,
}

impl Complaints {
    /// The fault with the last complaint behind it.
    pub(super) async fn added_to(self, fault: Fault) -> Fault {
        if let Some(listening) = self.listening {
            let _ = tokio::time::timeout(LAST_WORD, listening).await;
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let said = short(&String::from_utf8_lossy(&said));
        if said.is_empty() {
            fault
        } else {
            Fault { words: format!("{} The program says “{said}”.", fault.words), ..fault }
        }
    }
}

/// Starts the program of a connector.
pub(super) fn start(db: &Db, with: &ReadyConnector) -> Result<(TokioChildProcess, Complaints), Fault> {
    let program = with.command.as_deref().unwrap_or_default();
    if !db.settings().allows_command(program) {
        let words = "command: The operator of this installation has not listed it (SALESWRIGHT_MCP_COMMANDS).";
        return Err(Fault::broken(words));
    }
    let folder = std::env::temp_dir();
    let mut command = Command::new(program);
    command.args(&with.args).env_clear().env("PATH", PATH).env("HOME", &folder).current_dir(&folder);
    if let (ConnectorAuth::Header, Some(name), Some(secret)) = (with.auth, &with.secret_name, &with.secret) {
        command.env(name, secret.as_str());
    }
    let mut group = CommandWrap::from(command);
    group.wrap(ProcessGroup::leader()).wrap(KillOnDrop);
    let (transport, stderr) = TokioChildProcess::builder(group)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Fault::broken(format!("command: It can't be started: {error}.")))?;
    let said = Arc::<Mutex<Vec<u8>>>::default();
    let listening = stderr.map(|stderr| tokio::spawn(listen(stderr, said.clone())));
    Ok((transport, Complaints { said, listening }))
}

/// Reads to the end, so that the program never waits for us, and keeps the last of it.
async fn listen(mut stderr: ChildStderr, said: Arc<Mutex<Vec<u8>>>) {
    let mut part = [0; 1_024];
    while let Ok(read @ 1..) = stderr.read(&mut part).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&part[..read]);
        let over = said.len().saturating_sub(COMPLAINTS);
        said.drain(..over);
    }
}
