//! Files of texts: one each, known by their first bytes, so that nothing comes out of the library as what it is not.

use domain::{
    ContentId, Permission, Problem,
    content::{ContentFile, ContentItem, MAX_FILE, check_file_name},
};

use super::Content;
use crate::{Error, Result, audit::Entry};

/// What a file may be: images and videos that browsers show, and documents. Nothing that carries scripts for a page.
const TYPES: [&str; 10] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "video/mp4",
    "video/webm",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
];

impl Content<'_> {
    /// Gives a text a file, in the place of the one it has.
    ///
    /// # Errors
    /// Problems of the name or of the bytes; [`Error::NotFound`].
    pub async fn attach(&mut self, id: ContentId, name: &str, bytes: &[u8]) -> Result<ContentItem> {
        self.t.require(Permission::EditCampaigns).await?;
        let text = self.lock(id).await?;
        let name = check_file_name(name)?;
        let media_type = media_type(bytes)?;
        let (author, now) = (self.t.actor().to_string(), self.t.now());
        sqlx::query!(
            "INSERT INTO content_files (content_id, name, media_type, size, bytes, author, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (company_id, content_id) DO UPDATE
             SET name = $2, media_type = $3, size = $4, bytes = $5, author = $6, created_at = $7",
            id.0,
            name,
            media_type,
            i32::try_from(bytes.len()).unwrap_or(i32::MAX),
            bytes,
            author,
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("content.file_attached").on(text.title)).await?;
        self.t.tell("content", id.0).await?;
        self.get(id).await
    }

    /// The file of a text, with its bytes.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn file(&mut self, id: ContentId) -> Result<(ContentFile, Vec<u8>)> {
        let file = self.get(id).await?.file.ok_or(Error::NotFound("file"))?;
        let bytes = sqlx::query_scalar!("SELECT bytes FROM content_files WHERE content_id = $1", id.0)
            .fetch_optional(self.t.conn())
            .await?;
        Ok((file, bytes.ok_or(Error::NotFound("file"))?))
    }

    /// Takes the file of a text away.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn detach(&mut self, id: ContentId) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let text = self.lock(id).await?;
        let gone = sqlx::query!("DELETE FROM content_files WHERE content_id = $1", id.0).execute(self.t.conn()).await?;
        if gone.rows_affected() == 0 {
            return Err(Error::NotFound("file"));
        }
        self.t.audit().record(Entry::done("content.file_removed").on(text.title)).await?;
        self.t.tell("content", id.0).await
    }
}

/// What a file is by its first bytes.
fn media_type(bytes: &[u8]) -> Result<&'static str, Problem> {
    let refuse = |code: &'static str, words: &str| Err(Problem::field("file", code, words.to_owned()));
    if bytes.is_empty() {
        return refuse("file_missing", "Choose a file.");
    }
    if bytes.len() > MAX_FILE {
        return refuse("file_large", "A file has at most 20 MB.");
    }
    let known = infer::get(bytes).map(|kind| kind.mime_type());
    match known.and_then(|kind| TYPES.into_iter().find(|allowed| *allowed == kind)) {
        Some(kind) => Ok(kind),
        None => refuse(
            "file_kind",
            "Choose a PNG, JPEG, GIF or WebP image, an MP4 or WebM video, a PDF, or a Word, Excel or PowerPoint file.",
        ),
    }
}
