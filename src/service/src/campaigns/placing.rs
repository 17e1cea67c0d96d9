//! Placing: each lead of the audience gets an enrolment, and either walks to its first step or is left out with a
//! reason. A chunk is one transaction, so the ledger is balanced whenever a worker dies.

use std::collections::BTreeSet;

use domain::{
    CampaignId, EmailAddress, EnrolmentId, LeadId,
    campaigns::{Campaign, CampaignState},
    enrolments::{EndReason, EnrolmentState},
    leads::display_name,
    steps::{Email, Sequence, Step},
};
use uuid::Uuid;

use super::{
    Campaigns,
    left_out::push_condition,
    rotation::Rotation,
    walk::{At, Rows, Walker, spread},
};
use crate::{Result, leads::query::Query};

/// A lead that is to be placed, with what may leave it out.
#[derive(sqlx::FromRow)]
pub(super) struct Candidate {
    pub(super) lead: Option<LeadId>,
    pub(super) email: Option<EmailAddress>,
    first_name: Option<String>,
    last_name: Option<String>,
    title: Option<String>,
    account: Option<String>,
    pub(super) country: Option<String>,
    pub(super) time_zone: Option<String>,
    suppressed: bool,
    no_basis: bool,
    customer: bool,
    active_elsewhere: bool,
    contacted: bool,
    account_replied: bool,
    unverified: bool,
}

impl Campaigns<'_> {
    /// Places one chunk of the audience. While the campaign is stopping leads are placed at their end.
    pub(super) async fn place_chunk(&mut self, campaign: &Campaign) -> Result<bool> {
        let id = campaign.id;
        // A share of the row: a pause waits for this chunk, senders do not.
        let state = self.share(id).await?;
        let chunk = sqlx::query!(
            "SELECT chunk_no, lead_ids FROM campaign_audience WHERE campaign_id = $1
             ORDER BY chunk_no LIMIT 1 FOR UPDATE SKIP LOCKED",
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(chunk) = chunk.filter(|_| matches!(state, Some(CampaignState::Running | CampaignState::Stopping)))
        else {
            return Ok(false);
        };
        if campaign.rules.exclude.active_elsewhere {
            // Of two campaigns that are placed at the same time each would see none of the other's leads.
            sqlx::query!(
                r#"SELECT pg_advisory_xact_lock(hashtextextended(current_company() || 'placing', 0)) AS "held: ()""#
            )
            .fetch_one(self.t.conn())
            .await?;
        }
        let sequence = self.sequence(id, campaign.sequence_version).await?;
        let bare = without_fallback(&sequence);
        let (mut walkers, mut ended) = (Vec::new(), Vec::new());
        let begin = usize::try_from(chunk.chunk_no).unwrap_or(0);
        let mut rotation = Rotation::new(self.senders_of(campaign).await?, begin);
        for candidate in self.candidates(campaign, &chunk.lead_ids).await? {
            let enrolment: EnrolmentId = self.t.new_id();
            match candidate.left_out(campaign, state, &bare) {
                Some((state, reason)) => ended.push((enrolment, candidate.lead, state, reason)),
                None => {
                    let walker = Walker {
                        enrolment,
                        lead: candidate.lead,
                        mailbox: rotation.next(),
                        zone: candidate.time_zone,
                        country: candidate.country,
                        away_until: None,
                        wait_until: None,
                    };
                    walkers.push((walker, At::Start));
                }
            }
        }
        self.insert_ended(id, campaign.sequence_version, &ended).await?;
        let placed: Vec<_> = walkers.iter().filter_map(|(walker, _)| walker.lead.map(|lead| lead.0)).collect();
        self.walk(campaign, campaign.sequence_version, walkers, Rows::New).await?;
        self.tell_leads(id, &placed).await?;
        sqlx::query!("DELETE FROM campaign_audience WHERE campaign_id = $1 AND chunk_no = $2", id.0, chunk.chunk_no)
            .execute(self.t.conn())
            .await?;
        self.t.tell("campaigns", id.0).await?;
        Ok(true)
    }

    /// Why a lead would be left out of a campaign that runs; a lead that is gone is left out, too.
    pub(crate) async fn why_left_out(&mut self, campaign: &Campaign, lead: LeadId) -> Result<Option<EndReason>> {
        let sequence = self.sequence(campaign.id, campaign.sequence_version).await?;
        let bare = without_fallback(&sequence);
        let candidate = self.candidates(campaign, &[lead.0]).await?.pop();
        Ok(match candidate {
            Some(candidate) => candidate.left_out(campaign, Some(CampaignState::Running), &bare).map(|(_, why)| why),
            None => Some(EndReason::LeadDeleted),
        })
    }

    /// The leads of a chunk, in the order of their ids.
    pub(super) async fn candidates(&mut self, campaign: &Campaign, leads: &[Uuid]) -> Result<Vec<Candidate>> {
        let now = self.t.now();
        let mut query = Query::new(
            "SELECT l.id AS lead, l.email, l.first_name, l.last_name, l.title, a.name AS account, l.country, l.time_zone",
        );
        for (reason, column) in [
            (EndReason::OnSuppressionList, "suppressed"),
            (EndReason::NoLawfulBasis, "no_basis"),
            (EndReason::Customer, "customer"),
            (EndReason::ActiveElsewhere, "active_elsewhere"),
            (EndReason::ContactedRecently, "contacted"),
            (EndReason::AccountReplied, "account_replied"),
            (EndReason::UnverifiedAddress, "unverified"),
        ] {
            query.push(", ");
            push_condition(&mut query, reason, campaign, now);
            query.push(format_args!(" AS {column}"));
        }
        query.push(" FROM unnest(").push_bind(leads.to_vec());
        query.push(
            "::uuid[]) AS w (id)
             CROSS JOIN companies f
             LEFT JOIN leads l ON l.id = w.id
             LEFT JOIN accounts a ON a.id = l.account_id
             ORDER BY w.id",
        );
        Ok(query.build_query_as().fetch_all(self.t.conn()).await?)
    }

    async fn insert_ended(
        &mut self,
        id: CampaignId,
        version: i32,
        ended: &[(EnrolmentId, Option<LeadId>, EnrolmentState, EndReason)],
    ) -> Result<()> {
        if ended.is_empty() {
            return Ok(());
        }
        let now = self.t.now();
        sqlx::query!(
            "INSERT INTO enrolments (id, campaign_id, lead_id, version_number, state, end_reason, created_at, updated_at)
             SELECT e.id, $1, e.lead_id, $3, e.state, e.reason, $2, $2
             FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[]) AS e (id, lead_id, state, reason)",
            id.0,
            now,
            version,
            &ended.iter().map(|(id, ..)| id.0).collect::<Vec<_>>(),
            &ended.iter().map(|(_, lead, ..)| lead.map(|lead| lead.0)).collect::<Vec<_>>() as &[Option<Uuid>],
            &ended.iter().map(|(_, _, state, _)| state.to_string()).collect::<Vec<_>>(),
            &ended.iter().map(|(.., reason)| reason.to_string()).collect::<Vec<_>>(),
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Writes to the timelines of leads that they are in a campaign now.
    async fn tell_leads(&mut self, id: CampaignId, leads: &[Uuid]) -> Result<()> {
        let (now, actor) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "INSERT INTO lead_events (event_id, lead_id, at, kind, actor, campaign_id)
             SELECT gen_random_uuid(), lead, $2, 'enrolled', $3, $1 FROM unnest($4::uuid[]) AS l (lead)",
            id.0,
            now,
            actor,
            leads,
        )
        .execute(self.t.conn())
        .await?;
        self.t.leads().mark_enrolled(leads).await
    }
}

impl Candidate {
    /// Why the lead gets nothing; the first reason counts, in the order of [`Campaigns::reach`].
    pub(super) fn left_out(
        &self,
        campaign: &Campaign,
        state: Option<CampaignState>,
        bare: &BTreeSet<String>,
    ) -> Option<(EnrolmentState, EndReason)> {
        use EndReason as R;
        if state == Some(CampaignState::Stopping) {
            return Some((EnrolmentState::Stopped, R::CampaignStopped));
        }
        let Some(lead) = self.lead else { return Some((EnrolmentState::Skipped, R::LeadDeleted)) };
        let reason = [
            (self.email.is_none(), R::NoAddress),
            (self.suppressed, R::OnSuppressionList),
            (self.no_basis, R::NoLawfulBasis),
            (campaign.rules.exclude.missing_variable && self.lacks(bare), R::MissingVariable),
            (self.customer, R::Customer),
            (self.active_elsewhere, R::ActiveElsewhere),
            (self.contacted, R::ContactedRecently),
            (self.account_replied, R::AccountReplied),
            (self.unverified, R::UnverifiedAddress),
            (campaign.rules.holds_out(spread(lead.0, campaign.id.0)), R::HeldOut),
        ]
        .into_iter()
        .find_map(|(holds, reason)| holds.then_some(reason))?;
        Some((EnrolmentState::Skipped, reason))
    }

    /// Whether a variable without a fallback has no value.
    fn lacks(&self, bare: &BTreeSet<String>) -> bool {
        let name = display_name(self.first_name.as_deref(), self.last_name.as_deref(), None);
        bare.iter().any(|variable| {
            let value = match variable.as_str() {
                "first_name" => self.first_name.as_deref(),
                "last_name" => self.last_name.as_deref(),
                "full_name" => Some(name.as_str()).filter(|_| self.first_name.is_some() || self.last_name.is_some()),
                "title" => self.title.as_deref(),
                "company" => self.account.as_deref(),
                "country" => self.country.as_deref(),
                _ => Some("known"),
            };
            value.is_none_or(|value| value.trim().is_empty())
        })
    }
}

/// The variables that have no fallback somewhere.
pub(super) fn without_fallback(sequence: &Sequence) -> BTreeSet<String> {
    sequence.steps().iter().filter_map(Step::email).flat_map(Email::variables_without_fallback).collect()
}

/// The steps of a campaign that are e-mails.
pub(super) fn emails(sequence: &Sequence) -> impl Iterator<Item = (&Step, &Email)> {
    sequence.steps().iter().filter_map(|step| Some((step, step.email()?)))
}
