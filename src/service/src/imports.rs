//! CSV imports, from an uploaded file to leads. The file lies in the database, so every step can be
//! left and taken up again, by any person and any worker; each row gets exactly one outcome.

mod file;
mod outcome;
mod row;
mod sheet;
mod text;
mod work;

use domain::{
    ImportId, Page, PageRequest, Permission, Problem, Refusal, UserId,
    imports::{
        DuplicatePolicy, Import, ImportColumn, ImportCounts, ImportField, ImportPlan, ImportState, MAX_BYTES, Mapping,
    },
    leads::{LeadInput, check_tags},
};
use sqlx::types::Json;

pub(crate) use outcome::harmless;
pub use work::work;

use crate::{Error, Result, Tenant, audit::Entry, cursor, jobs::WorkOnImport, leads::is_storable};
use sheet::{Format, Sheet};

/// Rows of a preview.
const PREVIEW: usize = 20;

/// The imports of the company.
#[derive(Debug)]
pub struct Imports<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The imports of the company.
    pub fn imports(&mut self) -> Imports<'_> {
        Imports { t: self }
    }
}

impl Imports<'_> {
    /// The imports, newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn list(&mut self, page: &PageRequest) -> Result<Page<Import>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let ids = sqlx::query_scalar!(
            "SELECT id FROM imports
             WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid)
             ORDER BY created_at DESC, id DESC LIMIT $3",
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        let rows = self.load(&ids).await?;
        Ok(Page::from_rows(rows, limit, false, false, |i| cursor::encode(i.created_at, i.id.0)))
    }

    /// One import.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: ImportId) -> Result<Import> {
        self.t.require(Permission::Read).await?;
        self.load(&[id.0]).await?.pop().ok_or(Error::NotFound("import"))
    }

    /// Stores a file and finds out how it is written.
    ///
    /// # Errors
    /// A problem that says what is wrong with the file.
    pub async fn upload(&mut self, file_name: &str, bytes: Vec<u8>) -> Result<Import> {
        self.t.require(Permission::ImportLeads).await?;
        if i64::try_from(bytes.len()).is_ok_and(|n| n > MAX_BYTES) {
            return Err(of_file("file_large", "This file is larger than 50 MB. Split it into several.").into());
        }
        let (bytes, found) = blocking(move || {
            let found = text::detect(&bytes).and_then(|encoding| {
                let text = text::decode(&bytes, encoding)?;
                let sheet = Sheet::sniff(text);
                Ok((Format { encoding, delimiter: sheet.delimiter() }, sheet.describe()?))
            });
            (bytes, found)
        })
        .await?;
        let (format, described) = found?;
        let id: ImportId = self.t.new_id();
        let (now, creator) = (self.t.now(), self.t.actor().user_id());
        let name: String = file_name.chars().filter(|c| !c.is_control()).take(200).collect();
        sqlx::query!(
            "INSERT INTO imports (id, file_name, bytes, encoding, delimiter, rows, columns, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            id.0,
            name,
            i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            format.encoding.name(),
            format.delimiter_text(),
            described.rows,
            Json(described.columns) as _,
            creator.map(|u| u.0),
            now,
        )
        .execute(self.t.conn())
        .await?;
        file::store(self.t, id, &bytes).await?;
        self.t.tell("imports", id.0).await?;
        self.get(id).await
    }

    /// Reads the file in another encoding or with another separator. What was mapped is mapped anew.
    ///
    /// # Errors
    /// [`Error::Refused`] once it has started; a problem when the file cannot be read so.
    pub async fn set_format(&mut self, id: ImportId, encoding: &str, delimiter: &str) -> Result<Import> {
        let import = self.open(id, "set_format").await?;
        let format = Format::parse(encoding, delimiter)?;
        let bytes = file::load(self.t, id).await?;
        let described = blocking(move || {
            let text = text::decode(&bytes, format.encoding)?;
            Sheet::new(text, format.delimiter).describe()
        })
        .await??;
        sqlx::query!(
            "UPDATE imports
             SET state = 'uploaded', encoding = $2, delimiter = $3, rows = $4, columns = $5, mapping = '{}',
                 preview = NULL, lease_token = NULL, lease_until = NULL, attempts = 0
             WHERE id = $1",
            import.id.0,
            format.encoding.name(),
            format.delimiter_text(),
            described.rows,
            Json(described.columns) as _,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("imports", id.0).await?;
        self.get(id).await
    }

    /// Says which column fills which field, and has the rows counted.
    ///
    /// # Errors
    /// [`Error::Refused`] once it has started; problems of the mapping.
    pub async fn plan(&mut self, id: ImportId, plan: ImportPlan) -> Result<Import> {
        let import = self.open(id, "plan").await?;
        check_mapping(&plan.mapping, &import.columns)?;
        let tag =
            check_tags(plan.tag.into_iter().collect()).map_err(|p| p.on("tag"))?.pop().filter(|tag| is_storable(tag));
        // Taking the lease away stops a worker that still counts for the old plan.
        sqlx::query!(
            "UPDATE imports
             SET state = 'reviewing', mapping = $2, duplicates = $3, tag = $4, preview = NULL,
                 lease_token = NULL, lease_until = NULL, attempts = 0
             WHERE id = $1",
            id.0,
            Json(plan.mapping) as _,
            plan.duplicates.as_str(),
            tag,
        )
        .execute(self.t.conn())
        .await?;
        self.wake(id).await?;
        self.get(id).await
    }

    /// Starts to store the rows.
    ///
    /// # Errors
    /// [`Error::Refused`] before they are counted and after it has started.
    pub async fn start(&mut self, id: ImportId) -> Result<Import> {
        let import = self.open(id, "start").await?;
        if import.state != ImportState::Ready {
            return Err(refused("start", import.state).into());
        }
        sqlx::query!("UPDATE imports SET state = 'importing', attempts = 0 WHERE id = $1", id.0)
            .execute(self.t.conn())
            .await?;
        let details = format!("{} rows", import.rows);
        self.t.audit().record(Entry::done("import.started").on(import.file_name).details(details)).await?;
        self.wake(id).await?;
        self.get(id).await
    }

    /// Calls an import off that has not started.
    ///
    /// # Errors
    /// [`Error::Refused`] once it has started.
    pub async fn cancel(&mut self, id: ImportId) -> Result<()> {
        self.open(id, "cancel").await?;
        let now = self.t.now();
        sqlx::query!(
            "UPDATE imports SET state = 'cancelled', finished_at = $2, lease_token = NULL, lease_until = NULL WHERE id = $1",
            id.0,
            now
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!("DELETE FROM import_chunks WHERE import_id = $1", id.0).execute(self.t.conn()).await?;
        self.t.tell("imports", id.0).await
    }

    /// The first rows that can be stored, as they will be. Looks at the beginning of the file only, so
    /// a large one costs no more than a small one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when the file is no longer kept.
    pub async fn preview_rows(&mut self, id: ImportId) -> Result<Vec<LeadInput>> {
        let import = self.get(id).await?;
        let format = Format::parse(&import.encoding, &import.delimiter)?;
        let bytes = file::beginning(self.t, id).await?;
        blocking(move || {
            let cut = i64::try_from(bytes.len()).is_ok_and(|n| n < import.bytes);
            let sheet = Sheet::new(text::decode_beginning(&bytes, format.encoding), format.delimiter);
            let mut rows = sheet.rows().peekable();
            // The last row of a beginning may go on behind it.
            let whole = std::iter::from_fn(|| rows.next().filter(|_| !cut || rows.peek().is_some()));
            let reader = row::Reader::of(&import);
            whole.filter_map(|(_, record)| reader.preview(&record)).take(PREVIEW).collect()
        })
        .await
    }

    /// An import that has not started, locked. Its rows are stored with the rights of the person who
    /// uploaded it, so only somebody with all rights on leads may go on with that of a colleague.
    async fn open(&mut self, id: ImportId, command: &'static str) -> Result<Import> {
        self.t.require(Permission::ImportLeads).await?;
        let owner = sqlx::query_scalar!(
            r#"SELECT created_by AS "created_by: UserId" FROM imports WHERE id = $1 FOR UPDATE"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("import"))?;
        if owner != self.t.actor().user_id() {
            self.t.require(Permission::ManageAllLeads).await?;
        }
        let import = self.get(id).await?;
        match import.state {
            ImportState::Uploaded | ImportState::Reviewing | ImportState::Ready => Ok(import),
            state => Err(refused(command, state).into()),
        }
    }

    async fn wake(&mut self, id: ImportId) -> Result<()> {
        let company = self.t.actor().company();
        self.t.enqueue(&WorkOnImport { company, import: id }).await?;
        self.t.tell("imports", id.0).await
    }

    async fn load(&mut self, ids: &[uuid::Uuid]) -> Result<Vec<Import>> {
        let rows = sqlx::query!(
            r#"
            SELECT i.id AS "id: ImportId", i.file_name, i.state AS "state: ImportState", i.bytes, i.encoding, i.delimiter,
                   i.rows, i.columns AS "columns: Json<Vec<ImportColumn>>", i.mapping AS "mapping: Json<Mapping>",
                   i.duplicates AS "duplicates: DuplicatePolicy", i.tag, i.preview AS "preview: Json<ImportCounts>",
                   i.created, i.updated, i.skipped, i.rejected, i.suppressed, i.failure, u.name AS "created_by?",
                   i.created_at, i.finished_at
            FROM imports i LEFT JOIN users u ON u.id = i.created_by
            WHERE i.id = ANY($1)
            ORDER BY i.created_at DESC, i.id DESC
            "#,
            ids
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| Import {
                id: r.id,
                file_name: r.file_name,
                state: r.state,
                bytes: r.bytes,
                encoding: r.encoding,
                delimiter: r.delimiter,
                rows: r.rows,
                columns: r.columns.0,
                mapping: r.mapping.0,
                duplicates: r.duplicates,
                tag: r.tag,
                preview: r.preview.map(|p| p.0),
                counts: ImportCounts {
                    created: r.created,
                    updated: r.updated,
                    skipped: r.skipped,
                    rejected: r.rejected,
                    suppressed: r.suppressed,
                },
                failure: r.failure,
                created_by: r.created_by,
                created_at: r.created_at,
                finished_at: r.finished_at,
            })
            .collect())
    }
}

/// A mapping fills each field once and says enough to know a lead by.
fn check_mapping(mapping: &Mapping, columns: &[ImportColumn]) -> Result<(), Problem> {
    let problem = |code, message: String| Err(Problem::field("mapping", code, message));
    if mapping.keys().any(|index| *index >= columns.len()) {
        return problem("column_unknown", "The file does not have that many columns.".to_owned());
    }
    for field in ImportField::ALL {
        if mapping.values().filter(|f| *f == field).count() > 1 {
            return problem("field_twice", format!("Two columns fill “{}”. Choose one.", field.label()));
        }
    }
    let has = |field| mapping.values().any(|f| *f == field);
    let named = has(ImportField::FullName) || has(ImportField::FirstName) || has(ImportField::LastName);
    if !(has(ImportField::Email) || named && has(ImportField::Account)) {
        return problem(
            "mapping_incomplete",
            "Say which column holds the e-mail address, or which hold the name and the company.".to_owned(),
        );
    }
    Ok(())
}

fn refused(command: &str, state: ImportState) -> Refusal {
    let allowed: &[_] = match state {
        ImportState::Uploaded | ImportState::Reviewing => &["set_format", "plan", "cancel"],
        ImportState::Ready => &["set_format", "plan", "start", "cancel"],
        _ => &[],
    };
    Refusal::new("not_allowed_now", format!("An import that is {state} does not allow {command}."), allowed)
}

/// A problem of the file as a whole.
fn of_file(code: &'static str, message: impl Into<String>) -> Problem {
    Problem::field("file", code, message)
}

/// Reading fifty megabytes takes long enough to stand in the way of others.
async fn blocking<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)
}
