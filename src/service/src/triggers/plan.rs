//! Schedules that are due, of all companies. The runs, what is told of them and the next time are one
//! commit, so a time starts one run or none, whichever worker comes first.

use chrono::{DateTime, Utc};
use domain::{
    TriggerId,
    triggers::{Event, Misfire, NotStarted, Schedule},
};

use super::{Triggers, firing::NewFiring};
use crate::{Db, Error, Result};

/// Starts what is due; when the next one will be. A schedule that fails keeps no other one waiting.
///
/// # Errors
/// When the database is away.
pub async fn fire_due(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let mut passed = Vec::new();
    while let Some((mut t, id)) = db.platform().claim_trigger(db.clock().now(), &passed).await? {
        let fired = match t.triggers().fire_schedule(id).await {
            Ok(()) => t.commit().await,
            Err(error) => Err(error),
        };
        match fired {
            Ok(()) => {}
            Err(Error::Unavailable) => return Err(Error::Unavailable),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(trigger.id = %id, error, "A schedule could not start what is due");
                passed.push(id.0);
            }
        }
    }
    if passed.is_empty() { db.platform().next_trigger_at().await } else { Ok(None) }
}

impl Triggers<'_> {
    /// Starts what is due of a schedule whose row is held.
    async fn fire_schedule(&mut self, id: TriggerId) -> Result<()> {
        let now = self.t.now();
        let row = sqlx::query!(
            r#"SELECT cron AS "cron!", time_zone AS "time_zone!", misfire AS "misfire!: Misfire", next_at AS "next_at!"
               FROM triggers WHERE id = $1 AND next_at IS NOT NULL"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let (Some(row), Some(held)) = (row, self.hold(id).await?) else { return Ok(()) };
        let schedule = Schedule::parse(&row.cron, &row.time_zone)?;
        let due = schedule.due(row.next_at, now);
        let first = due.first;
        let plan = due.plan(row.misfire, now);
        if let Ok(count @ 1..) = i32::try_from(plan.missed)
            && let Some(firing) = self.note(id, NewFiring { due_at: first, ..was_due() }).await?
        {
            sqlx::query!("UPDATE trigger_firings SET events = $2 WHERE id = $1", firing.0, count)
                .execute(self.t.conn())
                .await?;
            self.settle(firing, &Err((NotStarted::Missed, None))).await?;
        }
        for due_at in plan.start {
            if let Some(firing) = self.note(id, NewFiring { due_at: Some(due_at), ..was_due() }).await? {
                let outcome = self.decide(&held, &Event::default(), 1).await?;
                self.settle(firing, &outcome).await?;
            }
        }
        sqlx::query!("UPDATE triggers SET next_at = $2 WHERE id = $1 AND enabled", id.0, schedule.next(now))
            .execute(self.t.conn())
            .await?;
        Ok(())
    }
}

fn was_due() -> NewFiring {
    NewFiring { cause: "It was due".to_owned(), ..NewFiring::default() }
}
