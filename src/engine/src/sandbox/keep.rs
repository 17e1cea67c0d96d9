//! The sandbox's storage: mails go to the company whose mailbox signed in.

use async_trait::async_trait;
use mail_parser::MessageParser;
use service::{Db, sandbox::SandboxUser};

use super::{SandboxStore, special::answer};

/// Keeps caught mails in the database.
#[derive(Clone, Debug)]
pub struct DbStore(pub Db);

#[async_trait]
impl SandboxStore for DbStore {
    type Mailbox = SandboxUser;

    async fn sign_in(&self, username: &str, password: &str) -> anyhow::Result<Option<SandboxUser>> {
        Ok(self.0.sandbox_sign_in(username, password).await?)
    }

    async fn keep(
        &self,
        mailbox: &SandboxUser,
        envelope_from: &str,
        recipients: &[String],
        raw: &[u8],
    ) -> anyhow::Result<String> {
        let parsed = MessageParser::default().parse(raw);
        let subject = parsed.as_ref().and_then(|m| m.subject());
        let answer = recipients.first().and_then(|recipient| answer(recipient));
        let id = self.0.keep_sandbox_mail(*mailbox, envelope_from, recipients, subject, raw, answer).await?;
        Ok(id.0.simple().to_string())
    }
}
