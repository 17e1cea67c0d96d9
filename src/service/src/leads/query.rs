//! The one place where a lead filter becomes SQL. Values are always bound, never written.

use domain::leads::LeadFilter;
use sqlx::{Postgres, QueryBuilder};

/// Adds the conditions of a filter to a query on `leads l`, each as ` AND ..`.
pub(crate) fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &LeadFilter) {
    if let Some(q) = &filter.q {
        // The trigram index cannot be used under row-level security, so the search runs in a
        // function that repeats the test of the company (migration 7).
        query.push(" AND l.id IN (SELECT platform_search_leads(current_company(), ");
        query.push_bind(q.to_lowercase()).push("))");
    }
    any_of(query, "l.status", filter.status.iter().map(ToString::to_string).collect());
    if !filter.owner.is_empty() {
        let ids: Vec<_> = filter.owner.iter().map(|id| id.0).collect();
        query.push(" AND l.owner_id = ANY(").push_bind(ids).push(")");
    }
    if filter.unowned {
        query.push(" AND l.owner_id IS NULL");
    }
    if let Some(least) = filter.score_min {
        query.push(" AND l.score >= ").push_bind(least);
    }
    if let Some(most) = filter.score_max {
        query.push(" AND l.score <= ").push_bind(most);
    }
    any_of(query, "l.country", filter.country.clone());
    if !filter.tag.is_empty() {
        query.push(" AND l.id IN (SELECT platform_tagged_leads(current_company(), ");
        query.push_bind(filter.tag.clone()).push("))");
    }
    any_of(query, "l.source", filter.source.iter().map(ToString::to_string).collect());
    if let Some(account) = filter.account {
        query.push(" AND l.account_id = ").push_bind(account.0);
    }
    if let Some(campaign) = filter.campaign {
        query.push(" AND EXISTS (SELECT FROM enrolments e WHERE e.lead_id = l.id AND e.campaign_id = ");
        query.push_bind(campaign.0).push(")");
    }
    if filter.never_enrolled {
        query.push(" AND NOT EXISTS (SELECT FROM enrolments e WHERE e.lead_id = l.id)");
    }
    if let Some(day) = filter.created_from {
        query.push(" AND l.created_at >= ").push_bind(day).push("::date");
    }
    if let Some(day) = filter.created_before {
        query.push(" AND l.created_at < ").push_bind(day).push("::date");
    }
}

fn any_of(query: &mut QueryBuilder<Postgres>, column: &'static str, values: Vec<String>) {
    if !values.is_empty() {
        query.push(" AND ").push(column).push(" = ANY(").push_bind(values).push(")");
    }
}
