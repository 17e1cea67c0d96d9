//! What the company tells its writers: a prompt in versions of which none is changed, and terms that no e-mail
//! may hold.

use chrono::{DateTime, Utc};
use domain::{Permission, Problem, drafts::PROMPT};

use super::Drafts;
use crate::{Result, audit::Entry};

/// The prompt of the e-mails of campaigns.
const CAMPAIGN_EMAIL: &str = "campaign_email";
/// Most forbidden terms.
const TERMS: usize = 200;

/// A version of the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its number; 0 comes with the product.
    pub version: i32,
    /// What it says.
    pub text: String,
    /// Who wrote it; nobody for the one of the product.
    pub created_by: Option<String>,
    /// When.
    pub created_at: Option<DateTime<Utc>>,
}

/// What writers must keep to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Terms that no e-mail may hold.
    pub forbidden_terms: Vec<String>,
}

impl Drafts<'_> {
    /// The versions of the prompt, the newest first; the last is the one of the product.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn prompts(&mut self) -> Result<Vec<Prompt>> {
        self.t.require(Permission::Read).await?;
        let rows = sqlx::query!(
            "SELECT version, text, created_by, created_at FROM prompt_templates WHERE name = $1
             ORDER BY version DESC LIMIT 100",
            CAMPAIGN_EMAIL
        )
        .fetch_all(self.t.conn())
        .await?;
        let own = rows.into_iter().map(|r| Prompt {
            version: r.version,
            text: r.text,
            created_by: Some(r.created_by),
            created_at: Some(r.created_at),
        });
        Ok(own.chain([Prompt { version: 0, text: PROMPT.to_owned(), created_by: None, created_at: None }]).collect())
    }

    /// The version that writers are told.
    pub(super) async fn prompt(&mut self) -> Result<Prompt> {
        let newest = self.prompts().await?.into_iter().next();
        newest.ok_or(crate::Error::NotFound("prompt"))
    }

    /// A new version of the prompt; nothing happens when it says the same.
    ///
    /// # Errors
    /// Problems of the text.
    pub async fn write_prompt(&mut self, text: &str) -> Result<Prompt> {
        self.t.require(Permission::ManageAgents).await?;
        let text = text.replace("\r\n", "\n").trim().to_owned();
        if text.is_empty() || text.chars().count() > 10_000 {
            return Err(Problem::field("prompt", "prompt_invalid", "Write 1 to 10,000 characters.").into());
        }
        // Two new versions at once would take the same number.
        sqlx::query!("SELECT FROM companies FOR NO KEY UPDATE").execute(self.t.conn()).await?;
        let newest = self.prompt().await?;
        if newest.text == text {
            return Ok(newest);
        }
        let (now, author, version) = (self.t.now(), self.t.actor().to_string(), newest.version + 1);
        sqlx::query!(
            "INSERT INTO prompt_templates (name, version, text, created_by, created_at) VALUES ($1, $2, $3, $4, $5)",
            CAMPAIGN_EMAIL,
            version,
            text,
            author,
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("prompt.changed").on(format!("version {version}"))).await?;
        self.prompt().await
    }

    /// What writers must keep to.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn rules(&mut self) -> Result<Rules> {
        self.t.require(Permission::Read).await?;
        self.rules_now().await
    }

    pub(super) async fn rules_now(&mut self) -> Result<Rules> {
        let terms =
            sqlx::query_scalar!("SELECT forbidden_terms FROM writing_rules").fetch_optional(self.t.conn()).await?;
        Ok(Rules { forbidden_terms: terms.unwrap_or_default() })
    }

    /// Sets the terms that no e-mail may hold. Drafts that are judged from now on keep to them.
    ///
    /// # Errors
    /// Problems of the terms.
    pub async fn forbid(&mut self, terms: &[String]) -> Result<Rules> {
        self.t.require(Permission::ManageAgents).await?;
        let mut terms: Vec<String> =
            terms.iter().map(|term| term.trim().to_owned()).filter(|term| !term.is_empty()).collect();
        terms.sort();
        terms.dedup();
        if terms.len() > TERMS || terms.iter().any(|term| term.chars().count() > 100) {
            let message = format!("Enter at most {TERMS} terms of at most 100 characters.");
            return Err(Problem::field("terms", "terms_invalid", message).into());
        }
        sqlx::query!(
            "INSERT INTO writing_rules (forbidden_terms) VALUES ($1)
             ON CONFLICT (company_id) DO UPDATE SET forbidden_terms = EXCLUDED.forbidden_terms",
            &terms
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("writing_rules.changed").on("forbidden terms")).await?;
        self.rules_now().await
    }
}
