//! Language models of the company. Keys are sealed on the way in and opened for a worker only.

use chrono::{DateTime, Duration, Utc};
use domain::{
    ModelId, Permission, Problem,
    models::{Model, ModelInput, ModelKind},
};
use zeroize::Zeroizing;

use crate::{Error, Result, Tenant, audit::Entry, error::OnConstraint, jobs::TestModel};

/// Most models of a company.
const MOST: i64 = 20;
/// Failures one after the other until a model is left alone for a while.
const BREAK_AFTER: i32 = 5;
/// For how long.
const LEFT_ALONE: Duration = Duration::seconds(60);
/// The longest that a model is left alone because it asks for it.
const LEFT_ALONE_MOST: Duration = Duration::hours(1);

/// The language models of the company.
#[derive(Debug)]
pub struct Models<'t> {
    t: &'t mut Tenant,
}

/// What a worker needs to ask a model.
#[derive(Clone, Debug)]
pub struct ReadyModel {
    /// Id.
    pub id: ModelId,
    /// Its name here.
    pub name: String,
    /// How it is spoken to.
    pub kind: ModelKind,
    /// Where; at the provider's own address when absent.
    pub base_url: Option<String>,
    /// Its name at the provider.
    pub model: String,
    /// Key.
    pub key: Option<Zeroizing<String>>,
    /// US dollars for a million tokens that are sent.
    pub price_in: f64,
    /// US dollars for a million tokens that are answered.
    pub price_out: f64,
}

/// Why a model did not answer.
#[derive(Clone, Copy, Debug)]
pub struct NoAnswer<'w> {
    /// In words.
    pub words: &'w str,
    /// How long it asks to be left alone.
    pub wait: Option<std::time::Duration>,
}

impl Tenant {
    /// The language models of the company.
    pub fn models(&mut self) -> Models<'_> {
        Models { t: self }
    }
}

impl Models<'_> {
    /// All of them, in the order they are asked.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list(&mut self) -> Result<Vec<Model>> {
        self.t.require(Permission::Read).await?;
        self.select(None).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: ModelId) -> Result<Model> {
        self.t.require(Permission::Read).await?;
        self.select(Some(id)).await?.pop().ok_or(Error::NotFound("model"))
    }

    /// Sets up a model, as the last to be asked, and queues its test.
    ///
    /// # Errors
    /// Problems of the input; a conflict when the name is taken.
    pub async fn create(&mut self, input: ModelInput) -> Result<Model> {
        self.t.require(Permission::ManageAgents).await?;
        let input = input.check(true)?;
        let (id, now): (ModelId, _) = (self.t.new_id(), self.t.now());
        let name = input.name.unwrap_or_default();
        let count = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM models"#).fetch_one(self.t.conn()).await?;
        if count >= MOST {
            return Err(Problem::new("models_too_many", format!("A company has at most {MOST} models.")).into());
        }
        let sealed = self.seal(id, input.key.as_deref())?;
        sqlx::query!(
            "INSERT INTO models (id, name, kind, base_url, model, key_sealed, price_in, price_out, place, enabled, created_at)
             SELECT $1, $2, $3, nullif($4, ''), $5, $6, $7, $8, coalesce(max(place), 0) + 1, $9, $10 FROM models",
            id.0,
            name,
            input.kind.map(ModelKind::as_str),
            input.base_url,
            input.model,
            sealed,
            input.price_in.unwrap_or_default(),
            input.price_out.unwrap_or_default(),
            input.enabled.unwrap_or(true),
            now,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("models_name_key", || name_taken(&name))?;
        self.t.audit().record(Entry::done("model.created").on(name)).await?;
        self.request_test(id).await?;
        self.get(id).await
    }

    /// Changes a model. Another address asks for the key again: it must not be sent to somebody else.
    ///
    /// # Errors
    /// [`Error::NotFound`]; problems of the input; a conflict when the name is taken.
    pub async fn update(&mut self, id: ModelId, input: ModelInput) -> Result<Model> {
        self.t.require(Permission::ManageAgents).await?;
        let input = input.check(false)?;
        let old = self.get(id).await?;
        if input.kind.is_some_and(|kind| kind != old.kind) {
            return Err(Problem::field("kind", "kind_fixed", "A model keeps its kind. Set up another one.").into());
        }
        let moved = input.base_url.as_ref().is_some_and(|url| old.base_url.as_deref().unwrap_or_default() != url);
        if moved && old.has_key && input.key.is_none() {
            let words = "Enter the key again: it was given for another address.";
            return Err(Problem::field("key", "key_missing", words).into());
        }
        let name = input.name.unwrap_or(old.name);
        let sealed = self.seal(id, input.key.as_deref())?;
        sqlx::query!(
            "UPDATE models SET name = $2, base_url = CASE WHEN $3::text IS NULL THEN base_url ELSE nullif($3, '') END,
                    model = coalesce($4, model), key_sealed = coalesce($5, key_sealed), price_in = coalesce($6, price_in),
                    price_out = coalesce($7, price_out), enabled = coalesce($8, enabled), failures = 0,
                    open_until = NULL, last_error = NULL
             WHERE id = $1",
            id.0,
            name,
            input.base_url,
            input.model,
            sealed,
            input.price_in,
            input.price_out,
            input.enabled,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("models_name_key", || name_taken(&name))?;
        self.t.audit().record(Entry::done("model.changed").on(name)).await?;
        let asked_anew = moved || input.model.is_some() || input.key.is_some() || input.enabled == Some(true);
        if asked_anew && input.enabled != Some(false) {
            self.request_test(id).await?;
        }
        self.get(id).await
    }

    /// Puts a model before the one that is asked before it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn ask_earlier(&mut self, id: ModelId) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        let model = self.get(id).await?;
        sqlx::query!(
            "WITH before AS (SELECT id, place FROM models WHERE place < $2 ORDER BY place DESC LIMIT 1)
             UPDATE models m SET place = CASE WHEN m.id = $1 THEN b.place ELSE $2 END
             FROM before b WHERE m.id IN ($1, b.id)",
            id.0,
            model.place
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("model.changed").on(model.name)).await?;
        self.t.tell("models", id.0).await
    }

    /// Forgets a model and its key.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&mut self, id: ModelId) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        let name = sqlx::query_scalar!("DELETE FROM models WHERE id = $1 RETURNING name", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("model"))?;
        self.t.audit().record(Entry::done("model.deleted").on(name)).await?;
        self.t.tell("models", id.0).await
    }

    /// Queues a question to a model; what comes of it appears in `worked_at` and `last_error`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn request_test(&mut self, id: ModelId) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        self.get(id).await?;
        let company = self.t.actor().company();
        self.t.enqueue(&TestModel { company, model: id }).await?;
        self.t.tell("models", id.0).await
    }

    /// The models to ask, in order, without those that are left alone. Opens their keys; only a worker
    /// calls it.
    ///
    /// # Errors
    /// Internal when the master key has changed.
    pub async fn ready(&mut self) -> Result<Vec<ReadyModel>> {
        let now = self.t.now();
        let rows = sqlx::query!(
            r#"SELECT id AS "id: ModelId" FROM models WHERE enabled AND (open_until IS NULL OR open_until <= $1)
               ORDER BY place"#,
            now
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut ready = Vec::with_capacity(rows.len());
        for row in rows {
            ready.push(self.open(row.id).await?);
        }
        Ok(ready)
    }

    /// What a worker needs to ask this one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; internal when the master key has changed.
    pub async fn open(&mut self, id: ModelId) -> Result<ReadyModel> {
        let row = sqlx::query!(
            r#"SELECT name, kind AS "kind: ModelKind", base_url, model, key_sealed, price_in, price_out
               FROM models WHERE id = $1"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("model"))?;
        let company = self.t.actor().company();
        let key = row.key_sealed.map(|sealed| self.t.db().secrets().open(company, id.0, &sealed)).transpose()?;
        Ok(ReadyModel {
            id,
            name: row.name,
            kind: row.kind,
            base_url: row.base_url,
            model: row.model,
            key,
            price_in: row.price_in,
            price_out: row.price_out,
        })
    }

    /// When the first of those is asked again that asked to be left alone; nothing when none of them did.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn busy_until(&mut self) -> Result<Option<DateTime<Utc>>> {
        let now = self.t.now();
        Ok(sqlx::query_scalar!(
            "SELECT min(open_until) FROM models WHERE enabled AND open_until > $1 AND failures < $2",
            now,
            BREAK_AFTER
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// How a question ended. Several failures one after the other open the breaker for a minute; a model that asks
    /// for more time gets it, up to an hour, and that is no failure.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn record(&mut self, id: ModelId, outcome: Result<(), NoAnswer<'_>>) -> Result<()> {
        let now = self.t.now();
        let (failed, words) = (outcome.is_err(), outcome.as_ref().err().map(|no| no.words));
        let asked = outcome.err().and_then(|no| no.wait);
        let asked = asked.map(|wait| Duration::from_std(wait).unwrap_or(LEFT_ALONE_MOST).min(LEFT_ALONE_MOST));
        sqlx::query!(
            "UPDATE models SET failures = CASE WHEN NOT $2 THEN 0 WHEN $7::timestamptz IS NULL THEN failures + 1
                                               ELSE failures END,
                    last_error = $3,
                    worked_at = CASE WHEN $2 THEN worked_at ELSE $4 END,
                    -- A wait that it has asked for is kept, whatever else was under way.
                    open_until = greatest(CASE WHEN open_until > $4 AND failures < $5 THEN open_until END,
                                          CASE WHEN $2 THEN coalesce($7, CASE WHEN failures + 1 >= $5 THEN $6::timestamptz END) END)
             WHERE id = $1",
            id.0,
            failed,
            words,
            now,
            BREAK_AFTER,
            now + LEFT_ALONE,
            asked.map(|wait| now + wait),
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("models", id.0).await
    }

    async fn select(&mut self, id: Option<ModelId>) -> Result<Vec<Model>> {
        Ok(sqlx::query_as!(
            Model,
            r#"SELECT id AS "id: ModelId", name, kind AS "kind: ModelKind", base_url, model,
                      key_sealed IS NOT NULL AS "has_key!", price_in, price_out, place, enabled, open_until, last_error,
                      worked_at
               FROM models WHERE $1::uuid IS NULL OR id = $1 ORDER BY place"#,
            id.map(|id| id.0)
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    fn seal(&self, id: ModelId, key: Option<&str>) -> Result<Option<Vec<u8>>> {
        let company = self.t.actor().company();
        key.map(|key| self.t.db().secrets().seal(company, id.0, key)).transpose()
    }
}

fn name_taken(name: &str) -> Error {
    Error::conflict("name_taken", format!("There is a model “{name}” already."))
}
