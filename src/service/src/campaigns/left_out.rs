//! Who is left out of a campaign, and why. A reason is one condition, asked of each lead when it is placed and counted
//! over an audience that is not frozen yet, so that what is said before the start is what happens after it.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use domain::{
    campaigns::{Audience, Campaign},
    enrolments::EndReason,
    simulation::NeverReached,
    steps::Sequence,
};
use uuid::Uuid;

use super::{Campaigns, placing::without_fallback, walk::spread};
use crate::{
    Result,
    leads::query::{Query, push_filter},
};

/// A mail that was taken so long ago and has not come back was delivered.
const DELIVERED: Duration = Duration::days(3);

/// What is asked of a lead, in this order: the first reason that holds counts. Whether it is held out is known by its id
/// alone, and asked last.
const ASKED: [EndReason; 9] = [
    EndReason::NoAddress,
    EndReason::OnSuppressionList,
    EndReason::NoLawfulBasis,
    EndReason::MissingVariable,
    EndReason::Customer,
    EndReason::ActiveElsewhere,
    EndReason::ContactedRecently,
    EndReason::AccountReplied,
    EndReason::UnverifiedAddress,
];

/// The leads of an audience, and those among them that get nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    pub(super) audience: i64,
    pub(super) left_out: Vec<NeverReached>,
}

impl Reach {
    /// Those who would get the first e-mail.
    pub(super) fn reached(&self) -> i64 {
        self.audience - self.left_out.iter().map(|one| one.leads).sum::<i64>()
    }
}

impl Campaigns<'_> {
    /// Who would be frozen if the campaign started now, and who of them would get nothing of `sequence`.
    pub(super) async fn reach(&mut self, campaign: &Campaign, sequence: &Sequence) -> Result<Reach> {
        let (now, bare) = (self.t.now(), without_fallback(sequence));
        // What many leads are looked up in is hashed once, if there is room for it, and not searched for each of them.
        sqlx::query!("SET LOCAL work_mem = '64MB'").execute(self.t.conn()).await?;
        // A million ids are some megabytes, so they are asked for only where a part of them is held out.
        let ids = match campaign.rules.holdout_percent {
            0 => "NULL::uuid[]",
            _ => "array_agg(r.id) FILTER (WHERE r.reason IS NULL)",
        };
        let mut query = Query::new(format!("SELECT r.reason, count(*), {ids} FROM (SELECT "));
        let (id, from) = match &campaign.audience {
            Audience::Filter { .. } => ("l.id", "leads l CROSS JOIN companies f"),
            Audience::Selection => (
                "w.id",
                "campaign_audience u CROSS JOIN LATERAL unnest(u.lead_ids) AS w (id) CROSS JOIN companies f
                 LEFT JOIN leads l ON l.id = w.id",
            ),
        };
        query.push(id).push(", CASE WHEN l.id IS NULL THEN 'lead_deleted'");
        for reason in ASKED {
            query.push(" WHEN ");
            match reason {
                EndReason::MissingVariable if campaign.rules.exclude.missing_variable => {
                    push_missing(&mut query, &bare)
                }
                reason => push_condition(&mut query, reason, campaign, now),
            }
            query.push(format_args!(" THEN '{reason}'"));
        }
        query.push(" END AS reason FROM ").push(from).push(" LEFT JOIN accounts a ON a.id = l.account_id WHERE ");
        match &campaign.audience {
            Audience::Filter { filter } => {
                query.push("true");
                push_filter(&mut query, filter);
            }
            Audience::Selection => {
                query.push("u.campaign_id = ").push_bind(campaign.id.0);
            }
        }
        // Each lead is asked once, and not once more by each aggregate.
        query.push(" OFFSET 0) r GROUP BY r.reason ORDER BY count(*) DESC");
        let rows: Vec<(Option<EndReason>, i64, Option<Vec<Uuid>>)> =
            query.build_query_as().persistent(false).fetch_all(self.t.conn()).await?;
        let mut reach = Reach::default();
        for (reason, leads, ids) in rows {
            reach.audience += leads;
            let held_out = ids.into_iter().flatten().filter(|id| campaign.rules.holds_out(spread(*id, campaign.id.0)));
            let (reason, leads) = match reason {
                Some(reason) => (reason, leads),
                None => (EndReason::HeldOut, i64::try_from(held_out.count()).unwrap_or(i64::MAX)),
            };
            if leads > 0 {
                reach.left_out.push(NeverReached { reason, leads });
            }
        }
        Ok(reach)
    }
}

/// Appends when a lead `l` is left out for a reason, in a company `f`. What the campaign does not ask is never so.
pub(super) fn push_condition(query: &mut Query, reason: EndReason, campaign: &Campaign, now: DateTime<Utc>) {
    let exclude = campaign.rules.exclude;
    match reason {
        EndReason::NoAddress => {
            query.push("l.email IS NULL");
        }
        // What `is_suppressed` says, in a form that a plan for a million leads can look up at once.
        EndReason::OnSuppressionList => {
            query.push(
                "(EXISTS (SELECT FROM suppressions s WHERE s.target = l.email)
                  OR EXISTS (SELECT FROM suppressions s WHERE s.target = split_part(l.email, '@', 2)))",
            );
        }
        EndReason::NoLawfulBasis => {
            query.push("(f.asks_for_basis AND coalesce(btrim(l.lawful_basis), '') = '')");
        }
        EndReason::Customer if exclude.customers => {
            query.push("l.status = 'customer'");
        }
        EndReason::ActiveElsewhere if exclude.active_elsewhere => {
            query.push("EXISTS (SELECT FROM enrolments e WHERE e.lead_id = l.id AND e.is_open AND e.campaign_id <> ");
            query.push_bind(campaign.id.0).push(")");
        }
        EndReason::ContactedRecently if exclude.contacted_within_days > 0 => {
            let since = now - Duration::days(i64::from(exclude.contacted_within_days));
            query.push("EXISTS (SELECT FROM messages m WHERE m.lead_id = l.id AND m.sent_at > ");
            query.push_bind(since).push(")");
        }
        EndReason::AccountReplied if exclude.account_replied => {
            query.push(
                "(EXISTS (SELECT FROM leads c JOIN inbound_messages i ON i.lead_id = c.id AND i.kind = 'reply'
                          WHERE c.account_id = l.account_id)
                  OR EXISTS (SELECT FROM inbound_messages i WHERE i.account_id = l.account_id AND i.kind = 'reply'))",
            );
        }
        EndReason::UnverifiedAddress if exclude.unverified => {
            query.push(
                "(NOT EXISTS (SELECT FROM messages m WHERE m.lead_id = l.id AND m.state = 'sent'
                                AND m.recipient = l.email AND m.sent_at <= ",
            );
            query.push_bind(now - DELIVERED).push(
                ") AND NOT EXISTS (SELECT FROM inbound_messages i WHERE i.lead_id = l.id AND i.kind = 'reply'
                                     AND i.from_address = l.email))",
            );
        }
        _ => {
            query.push("false");
        }
    }
}

/// Appends when one of these variables has no value, with the account as `a`. `Candidate::lacks` says the same of one lead.
fn push_missing(query: &mut Query, bare: &BTreeSet<String>) {
    query.push("(false");
    for variable in bare {
        let value = match variable.as_str() {
            "first_name" => "l.first_name",
            "last_name" => "l.last_name",
            "full_name" => "concat_ws(' ', l.first_name, l.last_name)",
            "title" => "l.title",
            "company" => "a.name",
            "country" => "l.country",
            _ => continue,
        };
        query.push(format_args!(" OR coalesce(btrim({value}), '') = ''"));
    }
    query.push(")");
}
