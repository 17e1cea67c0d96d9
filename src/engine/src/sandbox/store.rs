//! What the sandbox needs from storage: who signs in, and where mails go.
//! The server hands every mail to the mailbox that signed in and never chooses another one.

use async_trait::async_trait;

/// The storage behind a sandbox.
#[async_trait]
pub trait SandboxStore: Send + Sync + 'static {
    /// A mailbox, as the storage knows it; it says whose the mails are.
    type Mailbox: Send + Sync;

    /// The mailbox of this user name and password; `None` when they do not fit.
    ///
    /// # Errors
    /// When it cannot be told now. The client is asked to come back.
    async fn sign_in(&self, username: &str, password: &str) -> anyhow::Result<Option<Self::Mailbox>>;

    /// Keeps a mail and returns the name under which it was kept: a word of ASCII letters, digits and `-`.
    ///
    /// The mail must be safe when this returns: the client is told that it is.
    ///
    /// # Errors
    /// When it cannot be kept now. The client is asked to come back.
    async fn keep(
        &self,
        mailbox: &Self::Mailbox,
        envelope_from: &str,
        recipients: &[String],
        raw: &[u8],
    ) -> anyhow::Result<String>;
}
