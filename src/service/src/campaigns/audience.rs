//! The audience: frozen in chunks of ids when a start commits, so that it is exact from the first
//! second and placing it can take its time.

use std::collections::HashMap;

use domain::{
    CampaignId, Permission,
    campaigns::{Audience, AudienceKind, Campaign, CampaignState},
    leads::{BulkOutcome, LeadFilter, LeadSelection},
    page::Count,
    words::plural,
};
use sqlx::{Postgres, QueryBuilder, types::Json};

use super::{Campaigns, editing_refused};
use crate::{Result, audit::Entry, jobs::AdvanceCampaign, leads::query::push_filter};

/// Leads that are placed in one transaction.
const CHUNK: i64 = 1000;

impl Campaigns<'_> {
    /// Puts leads into a campaign: into the selection of a draft, which takes the place of a filter, or at the end of the
    /// line of one that has started. One that was completed goes on for them. Leads that are in it already stay as they
    /// are.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Refused`] while it is scheduled, for one that was stopped, failed or
    /// archived, and for a completed one that fails its checks.
    pub async fn enrol(&mut self, id: CampaignId, selection: &LeadSelection) -> Result<BulkOutcome> {
        self.t.require(Permission::EditCampaigns).await?;
        let campaign = self.load(id, true).await?;
        let state = campaign.lifecycle.state;
        let started = campaign.lifecycle.started_at.is_some();
        if started {
            // More leads mean more e-mails: whoever may not start may not add either.
            self.t.require(Permission::RunCampaigns).await?;
        }
        if !state.takes_leads() {
            return Err(editing_refused(state));
        }
        if !started && matches!(campaign.audience, Audience::Filter { .. }) {
            sqlx::query!(
                "UPDATE campaigns SET audience_kind = 'selection', audience_filter = NULL WHERE id = $1",
                id.0
            )
            .execute(self.t.conn())
            .await?;
        }
        let selected = self.count_selection(selection).await?;
        let added = self.freeze(id, selection).await?;
        if started {
            sqlx::query!("UPDATE campaigns SET audience_size = audience_size + $2 WHERE id = $1", id.0, added)
                .execute(self.t.conn())
                .await?;
            if state == CampaignState::Completed && added > 0 {
                self.reopen(&campaign).await?;
            }
            let company = self.t.actor().company();
            self.t.enqueue(&AdvanceCampaign { company, campaign: id }).await?;
        }
        let text = format!("{} added", plural(added, "lead", "leads"));
        self.log(id, "enrolled", Some(&text)).await?;
        self.t.audit().record(Entry::done("campaign.enrolled").on(campaign.name).details(text)).await?;
        self.t.tell("campaigns", id.0).await?;
        Ok(BulkOutcome { selected, changed: added, unchanged: selected - added })
    }

    /// Freezes the audience of a campaign that starts. Gives its size.
    pub(super) async fn freeze_audience(&mut self, campaign: &Campaign) -> Result<i64> {
        if let Audience::Filter { filter } = &campaign.audience {
            self.freeze(campaign.id, &LeadSelection::Filter(filter.clone())).await?;
        }
        self.count_chunks(campaign.id).await
    }

    /// Leads that wait to be placed.
    pub(crate) async fn count_chunks(&mut self, id: CampaignId) -> Result<i64> {
        Ok(sqlx::query_scalar!(
            r#"SELECT coalesce(sum(cardinality(lead_ids)), 0)::bigint AS "n!" FROM campaign_audience WHERE campaign_id = $1"#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// Leads that would be frozen if the campaign started now.
    pub(super) async fn count_audience(&mut self, campaign: &Campaign) -> Result<i64> {
        match &campaign.audience {
            Audience::Selection => self.count_chunks(campaign.id).await,
            Audience::Filter { filter } => self.count_selection(&LeadSelection::Filter(filter.clone())).await,
        }
    }

    /// How many leads would be frozen, of those among these campaigns whose audience is not frozen yet. Filters are
    /// counted as lists of leads are: exactly up to a cap.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn open_audiences(&mut self, ids: &[CampaignId]) -> Result<HashMap<CampaignId, Count>> {
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let rows = sqlx::query!(
            r#"SELECT c.id AS "id: CampaignId", c.audience_kind AS "kind: AudienceKind",
                      c.audience_filter AS "filter: Json<LeadFilter>",
                      (SELECT coalesce(sum(cardinality(a.lead_ids)), 0) FROM campaign_audience a
                       WHERE a.campaign_id = c.id)::bigint AS "chosen!"
               FROM campaigns c
               WHERE c.id = ANY($1) AND c.started_at IS NULL AND c.state NOT IN ('stopping', 'stopped')"#,
            &ids
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut counts = HashMap::new();
        for row in rows {
            let count = match row.kind {
                AudienceKind::Selection => Count { value: row.chosen, more: false },
                AudienceKind::Filter => {
                    self.t.leads().count(&row.filter.map(|filter| filter.0).unwrap_or_default()).await?
                }
            };
            counts.insert(row.id, count);
        }
        Ok(counts)
    }

    async fn count_selection(&mut self, selection: &LeadSelection) -> Result<i64> {
        let mut query = QueryBuilder::<Postgres>::new("SELECT count(*) FROM leads l WHERE true");
        push_selection(&mut query, selection);
        Ok(query.build_query_scalar().fetch_one(self.t.conn()).await?)
    }

    /// Adds chunks with the leads of a selection that the campaign does not have yet. Gives how many.
    async fn freeze(&mut self, id: CampaignId, selection: &LeadSelection) -> Result<i64> {
        let mut query = QueryBuilder::<Postgres>::new(
            "WITH there AS (SELECT unnest(lead_ids) AS lead_id FROM campaign_audience WHERE campaign_id = ",
        );
        query.push_bind(id.0);
        query.push(" UNION ALL SELECT lead_id FROM enrolments WHERE campaign_id = ").push_bind(id.0);
        query.push("), wanted AS (SELECT l.id, (row_number() OVER (ORDER BY l.id) - 1) / ").push_bind(CHUNK);
        query.push(" AS chunk FROM leads l WHERE NOT EXISTS (SELECT FROM there t WHERE t.lead_id = l.id)");
        push_selection(&mut query, selection);
        query.push("), added AS (INSERT INTO campaign_audience (campaign_id, lead_ids) SELECT ").push_bind(id.0);
        query.push(
            ", array_agg(id ORDER BY id) FROM wanted GROUP BY chunk RETURNING cardinality(lead_ids) AS n)
             SELECT coalesce(sum(n), 0)::bigint FROM added",
        );
        Ok(query.build_query_scalar().fetch_one(self.t.conn()).await?)
    }
}

fn push_selection(query: &mut QueryBuilder<Postgres>, selection: &LeadSelection) {
    match selection {
        LeadSelection::Ids(ids) => {
            let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
            query.push(" AND l.id = ANY(").push_bind(ids).push(")");
        }
        LeadSelection::Filter(filter) => push_filter(query, filter),
    }
}
