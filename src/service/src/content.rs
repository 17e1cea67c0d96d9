//! The library of texts. Every change of a text is a new version; none is ever edited.

mod files;

use std::collections::BTreeMap;

use domain::{
    CampaignId, ContentId, Page, PageRequest, Permission, RunId,
    content::{
        ContentFile, ContentFilter, ContentInput, ContentItem, ContentKind, ContentSummary, ContentText, ContentVersion,
    },
};
use sqlx::types::Json;

use crate::{Error, Result, Tenant, audit::Entry, cursor};

/// Texts that a search looks at: of those with its words, the last changed ones.
const FOUND: i32 = 5_000;

/// The texts of the company.
#[derive(Debug)]
pub struct Content<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The texts of the company.
    pub fn content(&mut self) -> Content<'_> {
        Content { t: self }
    }
}

impl Content<'_> {
    /// The texts, the last changed first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn list(&mut self, filter: &ContentFilter, page: &PageRequest) -> Result<Page<ContentSummary>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let words = filter.q.as_deref().and_then(search_query);
        let rows = sqlx::query_as!(
            ContentSummary,
            r#"
            SELECT id AS "id: ContentId", kind AS "kind: ContentKind", title, agent, run_id AS "run: RunId",
                   campaign_id AS "campaign: CampaignId", author, version, created_at, updated_at
            FROM content
            WHERE deleted_at IS NULL
              AND ($1::text IS NULL OR kind = $1)
              AND ($2::text IS NULL OR id IN (SELECT search_content(to_tsquery('simple', $2), $6)))
              AND ($3::timestamptz IS NULL OR (updated_at, id) < ($3, $4::uuid))
            ORDER BY updated_at DESC, id DESC
            LIMIT $5
            "#,
            filter.kind.map(ContentKind::as_str),
            words,
            after.at,
            after.id,
            limit + 1,
            FOUND,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |item| cursor::encode(item.updated_at, item.id.0)))
    }

    /// One text, as its newest version has it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: ContentId) -> Result<ContentItem> {
        self.t.require(Permission::Read).await?;
        let row = sqlx::query!(
            r#"
            SELECT t.kind AS "kind: ContentKind", t.title, t.body, t.metadata AS "metadata: Json<BTreeMap<String, String>>",
                   t.agent, t.run_id AS "run: RunId",
                   t.run_id IS NOT NULL AND NOT EXISTS (SELECT FROM run_steps s WHERE s.run_id = t.run_id
                                                          AND s.model IS NOT NULL) AS "built_in!", t.campaign_id AS "campaign: CampaignId",
                   c.name AS "campaign_name?", t.author, t.version, t.created_at, t.updated_at, f.name AS "file_name?",
                   f.media_type AS "file_type?", f.size AS "file_size?", f.author AS "file_author?",
                   f.created_at AS "file_created_at?"
            FROM content t
            LEFT JOIN campaigns c ON c.id = t.campaign_id
            LEFT JOIN content_files f ON f.content_id = t.id
            WHERE t.id = $1 AND t.deleted_at IS NULL
            "#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("text"))?;
        let file = row.file_name.zip(row.file_type).zip(row.file_size).zip(row.file_author.zip(row.file_created_at));
        Ok(ContentItem {
            id,
            kind: row.kind,
            title: row.title,
            body: row.body,
            metadata: row.metadata.0,
            file: file.map(|(((name, media_type), size), (author, created_at))| ContentFile {
                name,
                media_type,
                size,
                author,
                created_at,
            }),
            agent: row.agent,
            run: row.run,
            built_in: row.built_in,
            campaign: row.campaign,
            campaign_name: row.campaign_name,
            author: row.author,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// A new text. What an agent makes in a run remembers both.
    ///
    /// # Errors
    /// Problems of the input; [`Error::NotFound`] for a campaign that is not there.
    pub async fn create(&mut self, input: ContentInput) -> Result<ContentItem> {
        self.t.require(Permission::EditCampaigns).await?;
        let input = self.check(input).await?;
        let (id, now): (ContentId, _) = (self.t.new_id(), self.t.now());
        let author = self.t.actor().to_string();
        let (agent, run) = self.t.actor().run().map(|run| (run.agent.clone(), run.id.0)).unzip();
        sqlx::query!(
            "INSERT INTO content (id, kind, title, body, metadata, agent, run_id, campaign_id, author, version, created_at,
                                  updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $10)",
            id.0,
            input.kind.as_str(),
            input.title,
            input.body,
            Json(&input.metadata) as _,
            agent,
            run,
            input.campaign.map(|campaign| campaign.0),
            author,
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.append(id, 1, &input).await?;
        self.get(id).await
    }

    /// A new version of a text; nothing happens when it says the same.
    ///
    /// # Errors
    /// Problems of the input; [`Error::NotFound`]; a conflict when `version` is not the newest.
    pub async fn update(&mut self, id: ContentId, input: ContentInput, version: Option<i32>) -> Result<ContentItem> {
        self.t.require(Permission::EditCampaigns).await?;
        let input = self.check(input).await?;
        let old = self.lock(id).await?;
        if version.is_some_and(|version| version != old.version) {
            return Err(Error::stale());
        }
        let newest = old.version;
        if ContentInput::from(old) != input {
            self.append(id, newest + 1, &input).await?;
        }
        self.get(id).await
    }

    /// The versions of a text, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn versions(&mut self, id: ContentId) -> Result<Vec<ContentVersion>> {
        self.get(id).await?;
        Ok(sqlx::query_as!(
            ContentVersion,
            "SELECT version, title, author, created_at FROM content_versions WHERE content_id = $1 ORDER BY version DESC",
            id.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// What a version said.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn version(&mut self, id: ContentId, version: i32) -> Result<ContentText> {
        self.get(id).await?;
        sqlx::query_as!(
            ContentText,
            "SELECT version, title, body, author, created_at FROM content_versions WHERE content_id = $1 AND version = $2",
            id.0,
            version
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("version"))
    }

    /// Takes a text out of the library. The runs that made it go on naming it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&mut self, id: ContentId) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let now = self.t.now();
        let title = sqlx::query_scalar!(
            "UPDATE content SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL RETURNING title",
            id.0,
            now
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("text"))?;
        sqlx::query!("DELETE FROM content_files WHERE content_id = $1", id.0).execute(self.t.conn()).await?;
        self.t.audit().record(Entry::done("content.deleted").on(title)).await?;
        self.t.tell("content", id.0).await
    }

    /// The input, checked also for what only the company knows.
    async fn check(&mut self, input: ContentInput) -> Result<ContentInput> {
        let input = input.check()?;
        if let Some(campaign) = input.campaign {
            sqlx::query_scalar!("SELECT 1 FROM campaigns WHERE id = $1", campaign.0)
                .fetch_optional(self.t.conn())
                .await?
                .ok_or(Error::NotFound("campaign"))?;
        }
        Ok(input)
    }

    /// Writes a version and what the library shows of it.
    async fn append(&mut self, id: ContentId, version: i32, input: &ContentInput) -> Result<()> {
        let (now, author) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "INSERT INTO content_versions (content_id, version, title, body, author, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            id.0,
            version,
            input.title,
            input.body,
            author,
            now,
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "UPDATE content SET kind = $2, title = $3, body = $4, metadata = $5, campaign_id = $6, version = $7,
                                updated_at = $8
             WHERE id = $1",
            id.0,
            input.kind.as_str(),
            input.title,
            input.body,
            Json(&input.metadata) as _,
            input.campaign.map(|campaign| campaign.0),
            version,
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("content", id.0).await
    }

    /// The text, locked against other changes.
    async fn lock(&mut self, id: ContentId) -> Result<ContentItem> {
        sqlx::query!("SELECT id FROM content WHERE id = $1 AND deleted_at IS NULL FOR UPDATE", id.0)
            .fetch_optional(self.t.conn())
            .await?;
        self.get(id).await
    }
}

/// Beginnings of words as a query: a text must have all of them.
fn search_query(words: &str) -> Option<String> {
    // In quotes every sign is a sign and no operator.
    let quoted = |word: &str| format!("'{}':*", word.replace('\\', "\\\\").replace('\'', "''"));
    let words: Vec<String> = words.split_whitespace().map(quoted).collect();
    (!words.is_empty()).then(|| words.join(" & "))
}
