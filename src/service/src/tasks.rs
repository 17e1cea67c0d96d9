//! Tasks for people. Everybody who edits leads may make one, also about a colleague's lead, and finish
//! any of them.

use chrono::{NaiveDate, NaiveTime};
use domain::{
    LeadId, Page, PageRequest, Permission, RunId, TaskId, UserId,
    tasks::{Task, TaskInput},
    window::day_in,
};

use crate::{Error, Result, Tenant, audit::Entry, cursor};

/// Where tasks without a day stand in the list; the column `sort_on` says the same.
const SOME_DAY: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a day of the calendar");

/// The tasks of the company.
#[derive(Debug)]
pub struct Tasks<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The tasks of the company.
    pub fn tasks(&mut self) -> Tasks<'_> {
        Tasks { t: self }
    }

    /// The day that it is where the actor is.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        day_in(self.actor().time_zone(), self.now())
    }
}

/// Tasks by what follows their columns.
macro_rules! task_query {
    ($rest:tt, $($bind:expr),* $(,)?) => {
        sqlx::query_as!(
            Task,
            r#"
            SELECT t.id AS "id: TaskId", t.title, t.details, t.lead_id AS "lead: LeadId",
                   coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email) AS lead_name,
                   t.assignee AS "assignee: UserId", u.name AS "assignee_name?", t.due_on, t.created_by,
                   t.run_id AS "run: RunId", t.created_at, t.done_at, t.done_by
            FROM tasks t
            LEFT JOIN leads l ON l.id = t.lead_id
            LEFT JOIN users u ON u.id = t.assignee
            "#
                + $rest,
            $($bind),*
        )
    };
}

impl Tasks<'_> {
    /// The open tasks: those that are due first, then the oldest.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn open(&mut self, page: &PageRequest) -> Result<Page<Task>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = task_query!(
            "WHERE t.done_at IS NULL
               AND ($1::date IS NULL OR (t.sort_on, t.id) > ($1, $2::uuid))
             ORDER BY t.sort_on, t.id
             LIMIT $3",
            after.at.map(|at| at.date_naive()),
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |task| {
            let day = task.due_on.unwrap_or(SOME_DAY);
            cursor::encode(day.and_time(NaiveTime::MIN).and_utc(), task.id.0)
        }))
    }

    /// How many open tasks of the actor, or of nobody, are due today or were due before.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn due(&mut self) -> Result<i64> {
        self.t.require(Permission::Read).await?;
        let (today, person) = (self.t.today(), self.t.actor().user_id());
        Ok(sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM tasks
               WHERE done_at IS NULL AND sort_on <= $1 AND (assignee IS NULL OR assignee = $2)"#,
            today,
            person.map(|person| person.0),
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// The tasks about a lead: the open ones as in [`Tasks::open`], then those that were done last.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn of_lead(&mut self, lead: LeadId) -> Result<Vec<Task>> {
        self.t.leads().require_there(lead).await?;
        Ok(task_query!(
            "WHERE t.lead_id = $1
             ORDER BY t.done_at DESC NULLS FIRST, t.sort_on, t.id
             LIMIT 200",
            lead.0,
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// One task.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: TaskId) -> Result<Task> {
        self.t.require(Permission::Read).await?;
        task_query!("WHERE t.id = $1", id.0).fetch_optional(self.t.conn()).await?.ok_or(Error::NotFound("task"))
    }

    /// A new task. A number of days counts from the day that it is where the actor is.
    ///
    /// # Errors
    /// Problems of the input; [`Error::NotFound`] for a lead that is not there.
    pub async fn create(&mut self, input: TaskInput) -> Result<Task> {
        self.t.require(Permission::EditLeads).await?;
        let input = input.check(self.t.today())?;
        if let Some(lead) = input.lead {
            self.t.leads().require_there(lead).await?;
        }
        self.t.members().require_there(input.assignee).await?;
        let (id, now): (TaskId, _) = (self.t.new_id(), self.t.now());
        let (author, run) = (self.t.actor().to_string(), self.t.actor().run().map(|run| run.id.0));
        sqlx::query!(
            "INSERT INTO tasks (id, title, details, lead_id, assignee, due_on, created_by, run_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            id.0,
            input.title,
            input.details,
            input.lead.map(|lead| lead.0),
            input.assignee.map(|person| person.0),
            input.due_on,
            author,
            run,
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.tell(id, input.lead).await?;
        self.get(id).await
    }

    /// Says that a task is done; nothing happens when it is.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn complete(&mut self, id: TaskId) -> Result<Task> {
        self.t.require(Permission::EditLeads).await?;
        let (now, actor) = (self.t.now(), self.t.actor().to_string());
        let done = sqlx::query!(
            r#"UPDATE tasks SET done_at = $2, done_by = $3 WHERE id = $1 AND done_at IS NULL
               RETURNING lead_id AS "lead: LeadId", title"#,
            id.0,
            now,
            actor,
        )
        .fetch_optional(self.t.conn())
        .await?;
        if let Some(done) = done {
            self.t.campaigns().go_on(&[id.0]).await?;
            if let Some(lead) = done.lead {
                self.t.events().task_done(lead, &done.title).await?;
            }
            self.tell(id, done.lead).await?;
        }
        self.get(id).await
    }

    /// Opens a task again that was done; nothing happens when it is open.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn reopen(&mut self, id: TaskId) -> Result<Task> {
        self.t.require(Permission::EditLeads).await?;
        let lead = sqlx::query_scalar!(
            r#"UPDATE tasks SET done_at = NULL, done_by = NULL WHERE id = $1 AND done_at IS NOT NULL
               RETURNING lead_id AS "lead: LeadId""#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        if let Some(lead) = lead {
            self.tell(id, lead).await?;
        }
        self.get(id).await
    }

    /// Deletes a task.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&mut self, id: TaskId) -> Result<()> {
        self.t.require(Permission::EditLeads).await?;
        let row = sqlx::query!(r#"DELETE FROM tasks WHERE id = $1 RETURNING title, lead_id AS "lead: LeadId""#, id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("task"))?;
        self.t.campaigns().go_on(&[id.0]).await?;
        self.t.audit().record(Entry::done("task.deleted").on(row.title)).await?;
        self.tell(id, row.lead).await
    }

    /// Tells the list of tasks, and the page of the lead.
    async fn tell(&mut self, id: TaskId, lead: Option<LeadId>) -> Result<()> {
        if let Some(lead) = lead {
            self.t.tell("leads", lead.0).await?;
        }
        self.t.tell("tasks", id.0).await
    }
}
