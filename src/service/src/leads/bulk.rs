//! Changes to many leads at once, some thousand by each statement. What the actor may not change,
//! and what is so already, stays as it is and is counted.

use domain::{
    Permission, Problem, UserId,
    leads::{BulkAction, BulkOutcome, LeadEventKind, LeadSelection, LeadStatus, check_tags},
};
use uuid::Uuid;

use super::{
    Leads,
    query::{Query, push_filter},
    score::CHUNK,
    store,
};
use crate::{Result, audit::Entry};

/// Leads of one change: so few that whoever sends to one of them waits a second at most.
const MOST: i64 = 10_000;

impl Leads<'_> {
    /// Changes every lead of a selection that the actor may change. Only an enrolment takes more than
    /// 10,000: its leads are placed later, in chunks.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without the right to edit leads; problems of the action; a problem
    /// when too many are selected.
    pub async fn bulk(&mut self, selection: &LeadSelection, action: &BulkAction) -> Result<BulkOutcome> {
        self.t.require(Permission::EditLeads).await?;
        if let BulkAction::Enrol { campaign } = action {
            return self.t.campaigns().enrol(*campaign, selection).await;
        }
        // What these end comes before the leads, as everybody locks them.
        if matches!(action, BulkAction::Delete | BulkAction::SetStatus { status: LeadStatus::Customer }) {
            let ids: Vec<_> = self.select(selection, "").await?.into_iter().map(|(id, _)| id).collect();
            self.t.enrolments().hold_open(&ids).await?;
        }
        let (selected, ids) = self.lock_selection(selection).await?;
        let mut changed = 0;
        let words;
        match action {
            BulkAction::Enrol { .. } => unreachable!("campaigns have taken it"),
            BulkAction::Assign { owner } => {
                let name = self.owner_name(*owner).await?;
                for chunk in ids.chunks(CHUNK) {
                    changed += self.change_owner(chunk, *owner, &name).await?;
                }
                words = format!("owner: {name}");
            }
            BulkAction::SetStatus { status } => {
                for chunk in ids.chunks(CHUNK) {
                    changed += self.change_status(chunk, *status).await?;
                }
                words = format!("status: {status}");
            }
            BulkAction::AddTag { tag } => {
                let tag = one_tag(tag)?;
                for chunk in ids.chunks(CHUNK) {
                    changed += self.add_tag(chunk, &tag).await?;
                }
                words = format!("tag added: {tag}");
            }
            BulkAction::RemoveTag { tag } => {
                let tag = one_tag(tag)?;
                for chunk in ids.chunks(CHUNK) {
                    changed += self.remove_tag(chunk, &tag).await?;
                }
                words = format!("tag removed: {tag}");
            }
            BulkAction::Delete => {
                for chunk in ids.chunks(CHUNK) {
                    changed += self.remove(chunk).await?;
                }
                words = "deleted".to_owned();
            }
        }
        self.t.audit().record(Entry::done("leads.bulk_changed").on(format!("{changed} leads")).details(words)).await?;
        self.t.tell("leads", None).await?;
        Ok(BulkOutcome { selected, changed, unchanged: selected - changed })
    }

    /// How many leads are selected, and those among them that the actor may change, locked.
    async fn lock_selection(&mut self, selection: &LeadSelection) -> Result<(i64, Vec<Uuid>)> {
        // The ids stay as they are, so whoever only refers to a lead need not wait.
        let rows = self.select(selection, " FOR NO KEY UPDATE OF l").await?;
        let selected = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if selected > MOST {
            let words = "At most 10,000 leads are changed at once. Choose fewer with a filter.";
            return Err(Problem::new("selection_too_large", words).into());
        }
        let all = self.t.actor().can(Permission::ManageAllLeads);
        let me = self.t.actor().user_id().map(|id| id.0);
        let ids =
            rows.into_iter().filter(|(_, owner)| all || (owner.is_some() && *owner == me)).map(|(id, _)| id).collect();
        Ok((selected, ids))
    }

    /// The selected leads and their owners, at most one more than may be changed.
    async fn select(&mut self, selection: &LeadSelection, lock: &str) -> Result<Vec<(Uuid, Option<Uuid>)>> {
        let mut query = Query::new("SELECT l.id, l.owner_id FROM leads l WHERE true");
        match selection {
            LeadSelection::Ids(ids) => {
                let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
                query.push(" AND l.id = ANY(").push_bind(ids).push(")");
            }
            LeadSelection::Filter(filter) => push_filter(&mut query, filter),
        }
        query.push(" ORDER BY l.id LIMIT ").push_bind(MOST + 1).push(lock);
        Ok(query.build_query_as().persistent(false).fetch_all(self.t.conn()).await?)
    }

    /// Gives locked leads to somebody; gives how many had another owner.
    pub(super) async fn change_owner(&mut self, ids: &[Uuid], owner: Option<UserId>, name: &str) -> Result<i64> {
        let now = self.t.now();
        let changed = sqlx::query_scalar!(
            "UPDATE leads SET owner_id = $2, last_activity = 'owner_changed', last_activity_at = $3, updated_at = $3,
                              version = version + 1
             WHERE id = ANY($1) AND owner_id IS DISTINCT FROM $2
             RETURNING id",
            ids,
            owner.map(|o| o.0),
            now,
        )
        .fetch_all(self.t.conn())
        .await?;
        self.tell_timelines(&changed, LeadEventKind::OwnerChanged, &format!("Belongs to {name}.")).await
    }

    /// Sets the status of locked leads; gives how many had another. Those that become customers leave every campaign.
    pub(crate) async fn change_status(&mut self, ids: &[Uuid], status: LeadStatus) -> Result<i64> {
        let now = self.t.now();
        let rows = sqlx::query!(
            r#"
            UPDATE leads l SET status = $2, last_activity = 'status_changed', last_activity_at = $3, updated_at = $3,
                               version = l.version + 1
            FROM leads old
            WHERE l.id = ANY($1) AND old.id = l.id AND l.status <> $2
            RETURNING l.id, old.status AS "old: LeadStatus"
            "#,
            ids,
            status.as_str(),
            now,
        )
        .fetch_all(self.t.conn())
        .await?;
        // Having replied is worth points.
        let rescored: Vec<_> = rows
            .iter()
            .filter(|r| status == LeadStatus::Replied || r.old == LeadStatus::Replied)
            .map(|r| r.id)
            .collect();
        self.renew(&rescored).await?;
        let changed: Vec<_> = rows.iter().map(|r| r.id).collect();
        let was: Vec<_> = rows.iter().map(|r| (r.id, r.old)).collect();
        self.t.events().statuses_changed(&was, status).await?;
        let count = self.tell_timelines(&changed, LeadEventKind::StatusChanged, &format!("Now {status}.")).await?;
        if status == LeadStatus::Customer {
            self.t.enrolments().convert(&changed).await?;
        }
        Ok(count)
    }

    /// Adds a tag to locked leads that have room for it; gives how many did not have it.
    pub(crate) async fn add_tag(&mut self, ids: &[Uuid], tag: &str) -> Result<i64> {
        let now = self.t.now();
        let changed = sqlx::query_scalar!(
            r#"
            UPDATE leads l
            SET tags = ARRAY(SELECT t FROM unnest(l.tags || $2::text) AS t ORDER BY t COLLATE "C"),
                last_activity = 'tagged', last_activity_at = $3, updated_at = $3, version = version + 1
            WHERE id = ANY($1) AND NOT $2::text = ANY(l.tags) AND cardinality(l.tags) < 20
            RETURNING id
            "#,
            ids,
            tag,
            now,
        )
        .fetch_all(self.t.conn())
        .await?;
        sqlx::query!("INSERT INTO lead_tags (tag) VALUES ($1) ON CONFLICT DO NOTHING", tag)
            .execute(self.t.conn())
            .await?;
        self.tell_timelines(&changed, LeadEventKind::Tagged, &format!("Added the tag {tag}.")).await
    }

    /// Removes a tag from locked leads; gives how many had it.
    pub(crate) async fn remove_tag(&mut self, ids: &[Uuid], tag: &str) -> Result<i64> {
        let now = self.t.now();
        let changed = sqlx::query_scalar!(
            "UPDATE leads l
             SET tags = array_remove(l.tags, $2), last_activity = 'tagged', last_activity_at = $3, updated_at = $3,
                 version = version + 1
             WHERE id = ANY($1) AND $2::text = ANY(l.tags)
             RETURNING id",
            ids,
            tag,
            now,
        )
        .fetch_all(self.t.conn())
        .await?;
        self.tell_timelines(&changed, LeadEventKind::Tagged, &format!("Removed the tag {tag}.")).await
    }

    /// Deletes locked leads after they have left their campaigns; gives how many.
    pub(super) async fn remove(&mut self, ids: &[Uuid]) -> Result<i64> {
        let leads: Vec<_> = ids.iter().map(|id| domain::LeadId(*id)).collect();
        self.t.enrolments().lead_gone(&leads).await?;
        let done = sqlx::query!("DELETE FROM leads WHERE id = ANY($1)", ids).execute(self.t.conn()).await?;
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }

    async fn tell_timelines(&mut self, changed: &[Uuid], kind: LeadEventKind, text: &str) -> Result<i64> {
        store::add_events(self.t, changed, kind, Some(text), None).await?;
        Ok(i64::try_from(changed.len()).unwrap_or(i64::MAX))
    }
}

fn one_tag(tag: &str) -> Result<String> {
    let tag = check_tags(vec![tag.to_owned()]).map_err(|p| p.on("tag"))?.pop();
    tag.ok_or_else(|| Problem::field("tag", "tag_missing", "Enter a tag.").into())
}
