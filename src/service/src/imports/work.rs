//! The worker's side of an import. Whoever holds the lease of the row works on it; a batch of rows,
//! its outcomes and the cursor are one commit, and a lease that was lost can commit nothing.

mod batches;

use chrono::Duration;
use domain::{
    CompanyId, ImportId, Permission, Role, UserId,
    imports::{Import, ImportCounts, ImportState},
    leads::LeadSource,
};
use sqlx::types::Json;
use tracing::info;
use uuid::Uuid;

use super::{
    file,
    outcome::{self, Outcome},
    row::{self, Read},
    sheet::Format,
};
use crate::{
    Actor, Db, Error, Result, Tenant,
    audit::Entry,
    leads::upsert::{self, Done, Fate, Rules},
};
use batches::{Batch, Batches};

/// How long a worker may be silent; a batch takes about a second.
fn lease() -> Duration {
    Duration::seconds(60)
}

/// Workers that may fail one after the other without a row getting done.
const ATTEMPTS: i32 = 5;

/// Works on an import until it is counted or stored, or until somebody else holds it. Does nothing
/// when there is nothing to do, so it may be called at any time and any number of times.
///
/// # Errors
/// When the database is away, or a fault; a later call goes on behind the last batch.
#[tracing::instrument(name = "imports.work", skip_all, fields(import.id = %import), err)]
pub async fn work(db: &Db, company: CompanyId, import: ImportId) -> Result<()> {
    let actor = db.platform().system_actor(company, "import").await?;
    let Some(work) = Work::claim(db, actor, import).await? else { return Ok(()) };
    match work.import.state {
        ImportState::Reviewing => work.review().await,
        _ => work.store().await,
    }
}

/// An import in the hands of this worker.
struct Work {
    db: Db,
    actor: Actor,
    import: Import,
    /// Proves the lease; every commit asks for it.
    token: Uuid,
    cursor: i64,
    rules: Rules,
}

impl Work {
    /// Takes an import that waits and is in nobody's hands.
    async fn claim(db: &Db, actor: Actor, id: ImportId) -> Result<Option<Self>> {
        let mut t = db.tenant(&actor).await?;
        let (token, now): (Uuid, _) = (t.new_id(), t.now());
        let claimed = sqlx::query!(
            r#"
            UPDATE imports SET lease_token = $2, lease_until = $3, attempts = attempts + 1
            WHERE id = $1 AND state IN ('reviewing', 'importing') AND (lease_until IS NULL OR lease_until < $4)
            RETURNING cursor_row, attempts, created_by AS "created_by: UserId"
            "#,
            id.0,
            token,
            now + lease(),
            now,
        )
        .fetch_optional(t.conn())
        .await?;
        let Some(claimed) = claimed else { return Ok(None) };
        if claimed.attempts > ATTEMPTS {
            sqlx::query!(
                "UPDATE imports SET state = 'failed', finished_at = $2, lease_token = NULL, lease_until = NULL,
                        failure = 'The import stopped several times at the same place. What is stored stays.'
                 WHERE id = $1",
                id.0,
                now
            )
            .execute(t.conn())
            .await?;
            t.tell("imports", id.0).await?;
            t.commit().await?;
            return Ok(None);
        }
        let import = t.imports().get(id).await?;
        let rules = rules(&mut t, &import, claimed.created_by).await?;
        t.commit().await?;
        Ok(Some(Self { db: db.clone(), actor, import, token, cursor: claimed.cursor_row, rules }))
    }

    /// Counts what the import would do.
    async fn review(self) -> Result<()> {
        let mut counts = ImportCounts::default();
        let mut batches = self.batches(0).await?;
        while let Some(batch) = batches.next().await {
            let mut t = self.db.tenant(&self.actor).await?;
            if self.renew(&mut t, ImportState::Reviewing).await?.is_none() {
                return Ok(());
            }
            let sorted = Sorted::of(batch?);
            let fates = upsert::plan(&mut t, sorted.leads, self.rules, false).await?;
            counts.suppressed += suppressed(&mut t, &fates).await?;
            for fate in &fates {
                *match fate {
                    Fate::Create(_) => &mut counts.created,
                    Fate::Update(..) => &mut counts.updated,
                    Fate::Skip(..) => &mut counts.skipped,
                } += 1;
            }
            for outcome in &sorted.outcomes {
                *if outcome.word == "rejected" { &mut counts.rejected } else { &mut counts.skipped } += 1;
            }
            t.commit().await?;
        }
        let mut t = self.db.tenant(&self.actor).await?;
        sqlx::query!(
            "UPDATE imports SET state = 'ready', preview = $3, attempts = 0, lease_token = NULL, lease_until = NULL
             WHERE id = $1 AND lease_token = $2 AND state = 'reviewing'",
            self.import.id.0,
            self.token,
            Json(counts) as _,
        )
        .execute(t.conn())
        .await?;
        t.tell("imports", self.import.id.0).await?;
        t.commit().await
    }

    /// Stores the rows behind the cursor.
    async fn store(self) -> Result<()> {
        let mut batches = self.batches(self.cursor).await?;
        while let Some(batch) = batches.next().await {
            if !self.store_batch(batch?).await? {
                return Ok(());
            }
        }
        let mut t = self.db.tenant(&self.actor).await?;
        if self.renew(&mut t, ImportState::Importing).await? != Some(self.import.rows) {
            return Err(Error::internal(anyhow::anyhow!("the file has not the rows that were counted")));
        }
        let now = t.now();
        sqlx::query!(
            "UPDATE imports SET state = 'completed', finished_at = $2, lease_token = NULL, lease_until = NULL WHERE id = $1",
            self.import.id.0,
            now
        )
        .execute(t.conn())
        .await?;
        let counts = t.imports().get(self.import.id).await?.counts;
        let text = format!(
            "{} created, {} updated, {} skipped, {} rejected",
            counts.created, counts.updated, counts.skipped, counts.rejected
        );
        info!(import.rows = self.import.rows, "Completed import: {text}");
        t.audit().record(Entry::done("import.completed").on(self.import.file_name.clone()).details(text)).await?;
        t.tell("imports", self.import.id.0).await?;
        t.tell("leads", None).await?;
        t.commit().await
    }

    /// Stores one batch; false when the lease was lost.
    async fn store_batch(&self, batch: Batch) -> Result<bool> {
        let mut t = self.db.tenant(&self.actor).await?;
        let (first, last) = (batch.first, batch.last);
        if self.renew(&mut t, ImportState::Importing).await? != Some(first - 1) {
            return Ok(false);
        }
        let Sorted { numbers, leads, mut outcomes } = Sorted::of(batch);
        let fates = upsert::plan(&mut t, leads, self.rules, true).await?;
        let mut counts = ImportCounts { suppressed: suppressed(&mut t, &fates).await?, ..ImportCounts::default() };
        let text = format!("From {}.", self.import.file_name);
        let done = upsert::apply(&mut t, fates, LeadSource::Import, Some(&text)).await?;
        for (row, done) in numbers.into_iter().zip(done) {
            let (word, lead, reason) = match done {
                Done::Created(id) => ("created", Some(id), None),
                Done::Updated(id) => ("updated", Some(id), None),
                Done::Skipped(id, why) => ("skipped", id, Some(why.words().to_owned())),
            };
            outcomes.push(Outcome { row, word, lead, column: None, value: None, reason });
        }
        for outcome in &outcomes {
            *match outcome.word {
                "created" => &mut counts.created,
                "updated" => &mut counts.updated,
                "skipped" => &mut counts.skipped,
                _ => &mut counts.rejected,
            } += 1;
        }
        outcome::store(&mut t, self.import.id, outcomes).await?;
        sqlx::query!(
            "UPDATE imports
             SET cursor_row = $2, attempts = 0, created = created + $3, updated = updated + $4, skipped = skipped + $5,
                 rejected = rejected + $6, suppressed = suppressed + $7
             WHERE id = $1",
            self.import.id.0,
            last,
            counts.created,
            counts.updated,
            counts.skipped,
            counts.rejected,
            counts.suppressed,
        )
        .execute(t.conn())
        .await?;
        t.tell("imports", self.import.id.0).await?;
        t.commit().await?;
        Ok(true)
    }

    /// Holds the row and the lease for another while, and gives the cursor; nothing when the lease
    /// is somebody else's or the state has changed.
    async fn renew(&self, t: &mut Tenant, state: ImportState) -> Result<Option<i64>> {
        let until = t.now() + lease();
        Ok(sqlx::query_scalar!(
            "UPDATE imports SET lease_until = $3 WHERE id = $1 AND lease_token = $2 AND state = $4 RETURNING cursor_row",
            self.import.id.0,
            self.token,
            until,
            state.as_str(),
        )
        .fetch_optional(t.conn())
        .await?)
    }

    async fn batches(&self, behind: i64) -> Result<Batches> {
        let mut t = self.db.tenant(&self.actor).await?;
        let bytes = file::load(&mut t, self.import.id).await?;
        t.commit().await?;
        let format = Format::parse(&self.import.encoding, &self.import.delimiter)?;
        Ok(Batches::read(bytes, format, row::Reader::of(&self.import), behind))
    }
}

/// A batch with its leads apart from the rows whose outcome is known already.
struct Sorted {
    /// The rows of `leads`, in the same order.
    numbers: Vec<i64>,
    leads: Vec<domain::leads::CheckedLead>,
    outcomes: Vec<Outcome>,
}

impl Sorted {
    fn of(batch: Batch) -> Self {
        let mut sorted = Self { numbers: Vec::new(), leads: Vec::new(), outcomes: Vec::new() };
        for (row, read) in batch.rows {
            match read {
                Read::Lead(lead) => {
                    sorted.numbers.push(row);
                    sorted.leads.push(*lead);
                }
                Read::Repeated(earlier) => sorted.outcomes.push(Outcome {
                    row,
                    word: "skipped",
                    lead: None,
                    column: None,
                    value: None,
                    reason: Some(format!("Row {earlier} has the same address.")),
                }),
                Read::Rejected(reject) => sorted.outcomes.push(Outcome {
                    row,
                    word: "rejected",
                    lead: None,
                    column: reject.column,
                    value: reject.value,
                    reason: Some(reject.reason),
                }),
            }
        }
        sorted
    }
}

/// Rows are stored with the rights that the person who uploaded them has now; a key could change
/// every lead when it was allowed to import.
async fn rules(t: &mut Tenant, import: &Import, person: Option<UserId>) -> Result<Rules> {
    let may_change_all = match person {
        None => true,
        Some(person) => sqlx::query_scalar!(
            r#"SELECT role AS "role: Role" FROM memberships WHERE user_id = $1 AND deactivated_at IS NULL"#,
            person.0
        )
        .fetch_optional(t.conn())
        .await?
        .is_some_and(|role| role.can(Permission::ManageAllLeads)),
    };
    Ok(Rules { duplicates: import.duplicates, person, may_change_all })
}

/// How many of the leads that will be stored get no mail.
async fn suppressed(t: &mut Tenant, fates: &[Fate]) -> Result<i64> {
    let emails: Vec<String> = fates
        .iter()
        .filter_map(|fate| match fate {
            Fate::Create(lead) | Fate::Update(_, lead) => lead.email.as_ref().map(|e| e.as_str().to_owned()),
            Fate::Skip(..) => None,
        })
        .collect();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM unnest($1::text[]) AS e (email) WHERE is_suppressed(email)"#,
        &emails
    )
    .fetch_one(t.conn())
    .await?)
}
