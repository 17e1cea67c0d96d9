//! The query of the list, built at run time: each tab and filter walks along an index of its own. Values travel as
//! binds only.

use chrono::{DateTime, Utc};
use domain::{
    AccountId, CampaignId, LeadId, MailboxId, ThreadId, UserId,
    inbound::Confidence,
    threads::{ClassifiedBy, Thread, ThreadClass, ThreadFilter, ThreadState},
};
use sqlx::{Postgres, QueryBuilder};

use crate::{Result, Tenant, cursor};

type Query = QueryBuilder<Postgres>;

/// The page is found first, and only its rows are joined with what they name.
const COLUMNS: &str = "
    SELECT t.id, t.mailbox_id AS mailbox, b.address AS mailbox_address, t.lead_id AS lead,
           coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email) AS lead_name,
           coalesce(t.account_id, l.account_id) AS account, a.name AS account_name, t.from_name, t.from_address,
           t.subject, t.snippet, t.campaign_id AS campaign, c.name AS campaign_name, t.state, t.snoozed_until,
           t.assignee_id AS assignee, u.name AS assignee_name, t.class, t.class_why, t.class_confidence,
           t.classified_by, t.last_at, t.unread, t.version
    FROM (";
const JOINS: &str = ") t
    JOIN mailboxes b ON b.id = t.mailbox_id
    LEFT JOIN leads l ON l.id = t.lead_id
    LEFT JOIN accounts a ON a.id = coalesce(t.account_id, l.account_id)
    LEFT JOIN campaigns c ON c.id = t.campaign_id
    LEFT JOIN users u ON u.id = t.assignee_id
    ORDER BY t.last_at DESC, t.id DESC";

#[derive(sqlx::FromRow)]
struct Row {
    id: ThreadId,
    mailbox: MailboxId,
    mailbox_address: String,
    lead: Option<LeadId>,
    lead_name: Option<String>,
    account: Option<AccountId>,
    account_name: Option<String>,
    from_name: String,
    from_address: Option<String>,
    subject: String,
    snippet: String,
    campaign: Option<CampaignId>,
    campaign_name: Option<String>,
    state: ThreadState,
    snoozed_until: Option<DateTime<Utc>>,
    assignee: Option<UserId>,
    assignee_name: Option<String>,
    class: ThreadClass,
    class_why: String,
    class_confidence: Confidence,
    classified_by: ClassifiedBy,
    last_at: DateTime<Utc>,
    unread: bool,
    version: i64,
}

/// The threads behind a place, the newest first.
pub(super) async fn select(
    t: &mut Tenant,
    id: Option<ThreadId>,
    filter: &ThreadFilter,
    after: cursor::After,
    limit: i64,
) -> Result<Vec<Thread>> {
    let mut query = Query::new(COLUMNS);
    query.push("SELECT * FROM threads t WHERE true");
    if let Some(id) = id {
        query.push(" AND t.id = ").push_bind(id.0);
    }
    push_filter(&mut query, filter);
    if let (Some(at), Some(id)) = (after.at, after.id) {
        query.push(" AND (t.last_at, t.id) < (").push_bind(at).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY t.last_at DESC, t.id DESC LIMIT ").push_bind(limit).push(JOINS);
    let rows: Vec<Row> = query.build_query_as().persistent(false).fetch_all(t.conn()).await?;
    Ok(rows.into_iter().map(Row::into_thread).collect())
}

/// The thread that stands before one in the list.
pub(super) async fn before(t: &mut Tenant, filter: &ThreadFilter, thread: &Thread) -> Result<Option<ThreadId>> {
    let mut query = Query::new("SELECT t.id FROM threads t WHERE (t.last_at, t.id) > (");
    query.push_bind(thread.last_at).push(", ").push_bind(thread.id.0).push(")");
    push_filter(&mut query, filter);
    query.push(" ORDER BY t.last_at, t.id LIMIT 1");
    Ok(query.build_query_scalar().persistent(false).fetch_optional(t.conn()).await?)
}

/// How many there are, counted up to `most`.
pub(super) async fn count(t: &mut Tenant, filter: &ThreadFilter, most: i64) -> Result<i64> {
    let mut query = Query::new("SELECT count(*) FROM (SELECT FROM threads t WHERE true");
    push_filter(&mut query, filter);
    query.push(" LIMIT ").push_bind(most).push(") counted");
    Ok(query.build_query_scalar().persistent(false).fetch_one(t.conn()).await?)
}

fn push_filter(query: &mut Query, filter: &ThreadFilter) {
    if let Some(state) = filter.state {
        query.push(" AND t.state = ").push_bind(state.as_str());
    }
    if let Some(class) = filter.class {
        query.push(" AND t.class = ").push_bind(class.as_str());
    }
    if let Some(campaign) = filter.campaign {
        query.push(" AND t.campaign_id = ").push_bind(campaign.0);
    }
    if let Some(mailbox) = filter.mailbox {
        query.push(" AND t.mailbox_id = ").push_bind(mailbox.0);
    }
    if let Some(assignee) = filter.assignee {
        query.push(" AND t.assignee_id = ").push_bind(assignee.0);
    }
    if filter.unassigned {
        query.push(" AND t.assignee_id IS NULL");
    }
    if let Some(lead) = filter.lead {
        query.push(" AND t.lead_id = ").push_bind(lead.0);
    }
    if let Some(since) = filter.since {
        query.push(" AND t.last_at >= ").push_bind(since);
    }
    if let Some(before) = filter.before {
        query.push(" AND t.last_at < ").push_bind(before);
    }
}

impl Row {
    fn into_thread(self) -> Thread {
        let Self { id, mailbox, mailbox_address, lead, lead_name, account, account_name, from_name, .. } = self;
        let Self { from_address, subject, snippet, campaign, campaign_name, state, snoozed_until, .. } = self;
        let Self { assignee, assignee_name, class, class_why, class_confidence, classified_by, .. } = self;
        let Self { last_at, unread, version, .. } = self;
        Thread {
            id,
            mailbox,
            mailbox_address,
            lead,
            lead_name,
            account,
            account_name,
            from_name,
            from_address,
            subject,
            snippet,
            campaign,
            campaign_name,
            state,
            snoozed_until,
            assignee,
            assignee_name,
            class,
            class_why,
            class_confidence,
            classified_by,
            last_at,
            unread,
            version,
        }
    }
}
