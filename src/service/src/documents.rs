//! Documents of the company: facts of any shape, by collection and key. Every change is a new version; none is
//! ever edited.

use domain::{
    AccountId, DocumentId, LeadId, Page, PageRequest, Permission, Problem,
    documents::{Document, DocumentFilter, DocumentInput, DocumentSummary, DocumentText, DocumentVersion},
    drafts::Source,
};
use serde_json::{Map, Value};
use sqlx::types::Json;

use crate::{Error, Result, Tenant, audit::Entry, cursor, error::OnConstraint};

/// Documents that one e-mail may quote.
const QUOTED: i64 = 20;
/// Documents that a search for a part looks at.
const FOUND: i32 = 5_000;

/// The documents of the company.
#[derive(Debug)]
pub struct Documents<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The documents of the company.
    pub fn documents(&mut self) -> Documents<'_> {
        Documents { t: self }
    }
}

impl Documents<'_> {
    /// Documents, the last changed first.
    ///
    /// # Errors
    /// A cursor that is none of this list.
    pub async fn list(&mut self, filter: &DocumentFilter, page: &PageRequest) -> Result<Page<DocumentSummary>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = sqlx::query_as!(
            DocumentSummary,
            r#"
            SELECT id AS "id: DocumentId", collection, key, title, outside, lead_id AS "lead: LeadId",
                   account_id AS "account: AccountId", author, version, updated_at
            FROM documents
            WHERE ($1::text IS NULL OR collection = $1)
              AND ($2::jsonb IS NULL OR id IN (SELECT search_documents($2, $3)))
              AND ($4::uuid IS NULL OR lead_id = $4)
              AND ($5::uuid IS NULL OR account_id = $5)
              AND ($6::timestamptz IS NULL OR (updated_at, id) < ($6, $7::uuid))
            ORDER BY updated_at DESC, id DESC
            LIMIT $8
            "#,
            filter.collection.as_deref(),
            filter.contains,
            FOUND,
            filter.lead.map(|id| id.0),
            filter.account.map(|id| id.0),
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |d| cursor::encode(d.updated_at, d.id.0)))
    }

    /// The collections that there are, sorted. Jumps from one to the next along the index.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn collections(&mut self) -> Result<Vec<String>> {
        self.t.require(Permission::Read).await?;
        Ok(sqlx::query_scalar!(
            r#"
            WITH RECURSIVE found AS (
                SELECT min(collection) AS name FROM documents
                UNION ALL
                SELECT (SELECT min(d.collection) FROM documents d WHERE d.collection > found.name)
                FROM found WHERE found.name IS NOT NULL
            )
            SELECT name AS "name!" FROM found WHERE name IS NOT NULL ORDER BY name LIMIT 500
            "#
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// One document, as its newest version has it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: DocumentId) -> Result<Document> {
        self.t.require(Permission::Read).await?;
        let row = sqlx::query!(
            r#"SELECT collection, key, title, body AS "body: Json<Map<String, Value>>", outside, lead_id AS "lead: LeadId",
                      account_id AS "account: AccountId", author, version, created_at, updated_at
               FROM documents WHERE id = $1"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("document"))?;
        Ok(Document {
            id,
            collection: row.collection,
            key: row.key,
            title: row.title,
            body: row.body.0,
            outside: row.outside,
            lead: row.lead,
            account: row.account,
            author: row.author,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// The document with this key of a collection.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn find(&mut self, collection: &str, key: &str) -> Result<Option<Document>> {
        self.t.require(Permission::Read).await?;
        let id = sqlx::query_scalar!(
            r#"SELECT id AS "id: DocumentId" FROM documents WHERE collection = $1 AND key = $2"#,
            collection,
            key
        )
        .fetch_optional(self.t.conn())
        .await?;
        match id {
            Some(id) => self.get(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The newest versions of what a step names, for the e-mail to a lead: what is about another lead or account
    /// is left out.
    pub(crate) async fn quoted(
        &mut self,
        sources: &[String],
        lead: LeadId,
        account: Option<AccountId>,
    ) -> Result<Vec<Document>> {
        let (mut collections, mut of, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for source in sources.iter().filter_map(|source| Source::parse(source)) {
            match source.key {
                None => collections.push(source.collection),
                Some(key) => {
                    of.push(source.collection);
                    keys.push(key);
                }
            }
        }
        let ids = sqlx::query_scalar!(
            r#"
            SELECT id AS "id: DocumentId" FROM documents
            WHERE (collection = ANY($1) OR (collection, key) IN (SELECT * FROM unnest($2::text[], $3::text[])))
              AND (lead_id IS NULL OR lead_id = $4) AND (account_id IS NULL OR account_id = $5)
            ORDER BY updated_at DESC, id DESC LIMIT $6
            "#,
            &collections,
            &of,
            &keys,
            lead.0,
            account.map(|id| id.0),
            QUOTED,
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut documents = Vec::new();
        for id in ids {
            documents.push(self.get(id).await?);
        }
        Ok(documents)
    }

    /// Goes on when each of the names leads to a document.
    pub(crate) async fn require_sources(&mut self, sources: &[String]) -> Result<()> {
        for name in sources {
            let Some(source) = Source::parse(name) else { continue };
            let there = sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM documents WHERE collection = $1 AND ($2::text IS NULL OR key = $2)) AS "there!""#,
                source.collection,
                source.key
            )
            .fetch_one(self.t.conn())
            .await?;
            if !there {
                let words = format!("There is no document “{name}”. Write it first, under Content.");
                return Err(Problem::field("sources", "source_missing", words).into());
            }
        }
        Ok(())
    }

    /// A new document.
    ///
    /// # Errors
    /// Problems of the input; [`Error::NotFound`] for a lead or account that is not there; a conflict when the
    /// key is taken.
    pub async fn create(&mut self, input: DocumentInput) -> Result<Document> {
        self.t.require(Permission::EditCampaigns).await?;
        let input = self.check(input).await?;
        let (id, now): (DocumentId, _) = (self.t.new_id(), self.t.now());
        let author = self.t.actor().to_string();
        sqlx::query!(
            "INSERT INTO documents (id, collection, key, title, body, outside, lead_id, account_id, author, version,
                                    created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10)",
            id.0,
            input.collection,
            input.key,
            input.title,
            Json(&input.body) as _,
            input.outside,
            input.lead.map(|id| id.0),
            input.account.map(|id| id.0),
            author,
            now,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("documents_key", || taken(&input))?;
        self.remember(id).await?;
        self.get(id).await
    }

    /// A new version of a document; nothing happens when it says the same.
    ///
    /// # Errors
    /// As [`Self::create`]; [`Error::NotFound`]; a conflict when `version` is not the newest.
    pub async fn update(&mut self, id: DocumentId, input: DocumentInput, version: Option<i32>) -> Result<Document> {
        self.t.require(Permission::EditCampaigns).await?;
        let input = self.check(input).await?;
        sqlx::query!("SELECT id FROM documents WHERE id = $1 FOR UPDATE", id.0).fetch_optional(self.t.conn()).await?;
        let old = self.get(id).await?;
        if version.is_some_and(|version| version != old.version) {
            return Err(Error::stale());
        }
        if DocumentInput::from(old.clone()) == input {
            return Ok(old);
        }
        let (now, author) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "UPDATE documents SET collection = $2, key = $3, title = $4, body = $5, outside = $6, lead_id = $7,
                    account_id = $8, author = $9, version = version + 1, updated_at = $10
             WHERE id = $1",
            id.0,
            input.collection,
            input.key,
            input.title,
            Json(&input.body) as _,
            input.outside,
            input.lead.map(|id| id.0),
            input.account.map(|id| id.0),
            author,
            now,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("documents_key", || taken(&input))?;
        self.remember(id).await?;
        self.get(id).await
    }

    /// The versions of a document, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn versions(&mut self, id: DocumentId) -> Result<Vec<DocumentVersion>> {
        self.get(id).await?;
        Ok(sqlx::query_as!(
            DocumentVersion,
            "SELECT version, title, author, created_at FROM document_versions WHERE document_id = $1
             ORDER BY version DESC",
            id.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// What a version said.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn version(&mut self, id: DocumentId, version: i32) -> Result<DocumentText> {
        self.get(id).await?;
        let row = sqlx::query!(
            r#"SELECT title, body AS "body: Json<Map<String, Value>>", author, created_at FROM document_versions
               WHERE document_id = $1 AND version = $2"#,
            id.0,
            version
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("version"))?;
        Ok(DocumentText { version, title: row.title, body: row.body.0, author: row.author, created_at: row.created_at })
    }

    /// Deletes a document with all of its versions.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&mut self, id: DocumentId) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let row = sqlx::query!("DELETE FROM documents WHERE id = $1 RETURNING collection, key", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("document"))?;
        self.t.audit().record(Entry::done("document.deleted").on(format!("{}/{}", row.collection, row.key))).await?;
        self.t.tell("documents", id.0).await
    }

    /// The input, checked also for what only the company knows. What a run writes that has read text from
    /// outside comes from outside.
    async fn check(&mut self, input: DocumentInput) -> Result<DocumentInput> {
        let mut input = input.check()?;
        if let Some(lead) = input.lead {
            self.t.leads().get(lead).await?;
        }
        if let Some(account) = input.account {
            self.t.accounts().get(account).await?;
        }
        if let Some(run) = self.t.actor().run().map(|run| run.id) {
            input.outside |= sqlx::query_scalar!("SELECT read_outside FROM runs WHERE id = $1", run.0)
                .fetch_one(self.t.conn())
                .await?;
        }
        Ok(input)
    }

    /// Keeps the newest state of a document as a version.
    async fn remember(&mut self, id: DocumentId) -> Result<()> {
        sqlx::query!(
            "INSERT INTO document_versions (document_id, version, title, body, author, created_at)
             SELECT id, version, title, body, author, updated_at FROM documents WHERE id = $1",
            id.0
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("documents", id.0).await
    }
}

fn taken(input: &DocumentInput) -> Error {
    let message = format!("The collection “{}” has a document with this key already.", input.collection);
    Error::Conflict(Problem::field("key", "key_taken", message))
}
