//! Pages and counts of the lead list. The page is cut from `leads` alone; campaign, account,
//! owner and suppression are looked up for its rows and no others.

use chrono::{DateTime, Utc};
use domain::{
    AccountId, CampaignId, EmailAddress, LeadId, Page, PageRequest, Permission,
    campaigns::CampaignState,
    leads::{LeadEventKind, LeadFilter, LeadSort, LeadStatus, LeadSummary, SortField, display_name},
    page::{COUNT_CAP, Count},
};

use super::{
    Leads,
    query::{Place, Query, SortValue, push_columns, push_order},
    search::Hits,
};
use crate::Result;

/// Words that more leads have are tested row by row. At the cap both ways take about as long.
const LIST_HITS: i64 = 5_000;

impl Leads<'_> {
    /// A page of the leads that match.
    ///
    /// # Errors
    /// A problem when the cursor belongs to another order.
    pub async fn list(&mut self, filter: &LeadFilter, sort: LeadSort, page: &PageRequest) -> Result<Page<LeadSummary>> {
        self.t.require(Permission::Read).await?;
        let limit = page.limit();
        let (place, backwards) = Place::of(page, sort)?;
        let from_cursor = place.is_some();
        let hits = self.hits(filter, LIST_HITS).await?;

        let mut query = Query::new(
            "WITH page AS MATERIALIZED (
                 SELECT l.id, l.email, l.first_name, l.last_name, l.title, l.account_id, l.country, l.tags, l.score, l.status,
                        l.sort_name, l.created_at, l.last_activity, l.last_activity_at, l.owner_id
                 FROM leads l WHERE true",
        );
        hits.push(&mut query, filter);
        push_columns(&mut query, filter);
        if let Some(place) = place {
            place.push(&mut query, sort, backwards);
        }
        push_order(&mut query, "l", sort, backwards);
        query.push(" LIMIT ").push_bind(limit + 1);
        query.push(
            ") SELECT p.*, a.name AS account_name, u.name AS owner_name, is_suppressed(p.email) AS suppressed,
                      c.id AS campaign_id, c.name AS campaign_name, c.state AS campaign_state
               FROM page p
               LEFT JOIN accounts a ON a.id = p.account_id
               LEFT JOIN users u ON u.id = p.owner_id
               LEFT JOIN LATERAL (
                   SELECT c.id, c.name, c.state FROM enrolments e JOIN campaigns c ON c.id = e.campaign_id
                   WHERE e.lead_id = p.id ORDER BY e.created_at DESC, e.id DESC LIMIT 1
               ) c ON true",
        );
        push_order(&mut query, "p", sort, backwards);

        // Planned for these very values: a plan for any status suits neither a rare nor a common one.
        let rows: Vec<Row> = query.build_query_as().persistent(false).fetch_all(self.t.conn()).await?;
        let page = Page::from_rows(rows, limit, backwards, from_cursor, |row| row.place(sort).encode(sort));
        Ok(page.map(Row::summary))
    }

    /// How many leads match, exact up to the cap.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without the right to read.
    pub async fn count(&mut self, filter: &LeadFilter) -> Result<Count> {
        self.t.require(Permission::Read).await?;
        let hits = self.hits(filter, COUNT_CAP).await?;
        let words_only = LeadFilter { q: filter.q.clone(), tag: filter.tag.clone(), ..LeadFilter::default() };
        match &hits {
            Hits::Few(ids) if words_only == *filter => {
                return Ok(Count::capped(i64::try_from(ids.len()).unwrap_or(i64::MAX)));
            }
            Hits::Many if words_only == *filter => return Ok(Count::capped(COUNT_CAP + 1)),
            _ => {}
        }
        let mut query = Query::new("SELECT count(*) FROM (SELECT FROM leads l WHERE true");
        hits.push(&mut query, filter);
        push_columns(&mut query, filter);
        query.push(" LIMIT ").push_bind(COUNT_CAP + 1).push(") counted");
        let counted = query.build_query_scalar().persistent(false).fetch_one(self.t.conn()).await?;
        Ok(Count::capped(counted))
    }
}

/// A row of the list as the database gives it.
#[derive(sqlx::FromRow)]
struct Row {
    id: LeadId,
    email: Option<EmailAddress>,
    first_name: Option<String>,
    last_name: Option<String>,
    title: Option<String>,
    account_id: Option<AccountId>,
    account_name: Option<String>,
    country: Option<String>,
    tags: Vec<String>,
    score: i32,
    status: LeadStatus,
    sort_name: String,
    created_at: DateTime<Utc>,
    last_activity: Option<LeadEventKind>,
    last_activity_at: DateTime<Utc>,
    owner_name: Option<String>,
    suppressed: bool,
    campaign_id: Option<CampaignId>,
    campaign_name: Option<String>,
    campaign_state: Option<CampaignState>,
}

impl Row {
    fn place(&self, sort: LeadSort) -> Place {
        let value = match sort.field {
            SortField::Score => SortValue::Number(self.score),
            SortField::Name => SortValue::Text(self.sort_name.clone()),
            SortField::Created => SortValue::Time(self.created_at),
            SortField::Activity => SortValue::Time(self.last_activity_at),
        };
        Place::new(value, self.id.0)
    }

    fn summary(self) -> LeadSummary {
        let name = display_name(
            self.first_name.as_deref(),
            self.last_name.as_deref(),
            self.email.as_ref().map(EmailAddress::as_str),
        );
        LeadSummary {
            id: self.id,
            name,
            email: self.email,
            title: self.title,
            account_id: self.account_id,
            account_name: self.account_name,
            country: self.country,
            tags: self.tags,
            score: self.score,
            status: self.status,
            suppressed: self.suppressed,
            campaign_id: self.campaign_id,
            campaign_name: self.campaign_name,
            campaign_state: self.campaign_state,
            last_activity: self.last_activity,
            last_activity_at: self.last_activity_at,
            owner_name: self.owner_name,
        }
    }
}
