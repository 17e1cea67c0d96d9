//! Simulations: gathers the leads, windows, caps and mailboxes of a campaign, and keeps what `domain::simulation` says
//! of them, so that what is said after an edit can be held against what was said before.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, CompanyId, EnrolmentId, LeadId, MailboxId, Permission, Refusal, StepId,
    campaigns::{Audience, Campaign, CampaignState},
    enrolments::EndReason,
    mailboxes::{MailboxState, RecipientLimits, recipient_group},
    simulation::{self, AskedSimulation, Lead, Mailbox, NeverReached, Other, Plan, Simulation, Stands},
    steps::{Action, Sequence},
};
use sqlx::{Postgres, QueryBuilder, types::Json};
use uuid::Uuid;

use super::{Campaigns, placing::without_fallback, rotation::Rotation, walk::Walker};
use crate::{Db, Error, Result, jobs::SimulateCampaign, leads::query::push_filter};

/// Leads that are read at once, as they are placed.
const CHUNK: usize = 1000;
/// Most leads of a simulation: they are held in memory.
const MOST: usize = 500_000;
/// Most e-mails of other campaigns that are looked at.
const MOST_OTHERS: i64 = 500_000;
/// Simulations of a campaign that are kept.
const KEPT: i32 = 10;
/// The time between an edit and the simulation of it: edits come in a row.
const SOON: Duration = Duration::seconds(2);

/// Makes the simulations that a campaign waits for. Safe to call again.
///
/// # Errors
/// When the database is away.
pub async fn simulate(db: &Db, company: CompanyId, id: CampaignId) -> Result<()> {
    let actor = db.platform().system_actor(company, "system").await?;
    // One snapshot, so that nobody is counted twice while leads are being placed.
    let mut t = db.snapshot(&actor).await?;
    let made = match t.campaigns().gather(id).await {
        Ok(facts) => Ok(facts),
        Err(Error::NotFound(_)) => return Ok(()),
        Err(Error::Refused(refusal)) => Err(refusal.message),
        Err(other) => return Err(other),
    };
    drop(t);
    let made = match made {
        // Counting takes seconds for a large audience, and others want to go on meanwhile.
        Ok(facts) => tokio::task::spawn_blocking(move || facts.run()).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "A simulation has failed");
            "It could not be computed.".to_owned()
        }),
        Err(words) => Err(words),
    };
    let mut t = db.tenant(&actor).await?;
    t.campaigns().keep_simulation(id, made).await?;
    t.commit().await
}

/// What a simulation needs, of one moment.
struct Facts {
    campaign: Campaign,
    sequences: Vec<Sequence>,
    company_zone: String,
    company_country: Option<String>,
    limits: RecipientLimits,
    mailboxes: Vec<Mailbox>,
    others: Vec<Other>,
    begins_at: DateTime<Utc>,
    leads: Vec<Lead>,
    held: i64,
    never: BTreeMap<EndReason, i64>,
}

impl Facts {
    fn run(self) -> Simulation {
        let plan = Plan {
            sequences: &self.sequences,
            window: &self.campaign.window,
            holidays: self.campaign.rules.holidays,
            company_zone: &self.company_zone,
            company_country: self.company_country.as_deref(),
            limits: self.limits,
            mailboxes: &self.mailboxes,
            others: &self.others,
            begins_at: self.begins_at,
        };
        let never = self.never.iter().map(|(reason, leads)| NeverReached { reason: *reason, leads: *leads }).collect();
        Simulation { held: self.held, ..simulation::run(&plan, &self.leads, never) }
    }
}

/// Leads as they are read.
struct Gathered {
    sequence: usize,
    id: EnrolmentId,
    lead: Option<LeadId>,
    mailbox: Option<MailboxId>,
    zone: Option<Arc<str>>,
    country: Option<Arc<str>>,
    group: Arc<str>,
    stands: Stands,
}

/// Texts that many leads have, each kept once.
#[derive(Default)]
struct Texts(HashSet<Arc<str>>);

impl Texts {
    fn one(&mut self, text: &str) -> Arc<str> {
        if let Some(kept) = self.0.get(text) {
            return kept.clone();
        }
        let kept: Arc<str> = text.into();
        self.0.insert(kept.clone());
        kept
    }
}

impl Campaigns<'_> {
    /// The simulations of a campaign, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn simulations(&mut self, id: CampaignId) -> Result<Vec<AskedSimulation>> {
        self.t.require(Permission::Read).await?;
        self.require_there(id).await?;
        let rows = sqlx::query!(
            r#"SELECT number, asked_at, cause, made_at, result AS "result: Json<Simulation>", error
               FROM campaign_simulations WHERE campaign_id = $1 ORDER BY number DESC"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| AskedSimulation {
                number: row.number,
                asked_at: row.asked_at,
                cause: row.cause,
                made_at: row.made_at,
                result: row.result.map(|result| result.0),
                error: row.error,
            })
            .collect())
    }

    /// Asks for a simulation. One that nobody has made yet is made for both.
    ///
    /// # Errors
    /// [`Error::NotFound`]; refused when the campaign has ended.
    pub async fn ask_simulation(&mut self, id: CampaignId) -> Result<AskedSimulation> {
        self.t.require(Permission::EditCampaigns).await?;
        let campaign = self.load(id, false).await?;
        if campaign.lifecycle.state.is_terminal() || campaign.lifecycle.state == CampaignState::Stopping {
            let words = "This campaign has ended, so there is nothing ahead of it.";
            return Err(Refusal::new("campaign_ended", words, campaign.lifecycle.state.allowed()).into());
        }
        self.plan_simulation(id, None).await?;
        self.simulations(id).await?.into_iter().next().ok_or(Error::NotFound("simulation"))
    }

    /// Something was edited: what was simulated before is simulated again.
    pub(super) async fn simulate_again(&mut self, id: CampaignId, cause: &str) -> Result<()> {
        let has_one = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM campaign_simulations WHERE campaign_id = $1) AS "has!""#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        if has_one { self.plan_simulation(id, Some(cause)).await } else { Ok(()) }
    }

    async fn plan_simulation(&mut self, id: CampaignId, cause: Option<&str>) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "INSERT INTO campaign_simulations (campaign_id, number, asked_at, cause)
             SELECT $1, coalesce(max(number), 0) + 1, $2, $3 FROM campaign_simulations WHERE campaign_id = $1
             HAVING count(*) FILTER (WHERE made_at IS NULL) = 0
             ON CONFLICT DO NOTHING",
            id.0,
            now,
            cause
        )
        .execute(self.t.conn())
        .await?;
        let company = self.t.actor().company();
        self.t.enqueue_at(&SimulateCampaign { company, campaign: id }, now + SOON).await?;
        self.t.tell("campaigns", id.0).await
    }

    async fn keep_simulation(&mut self, id: CampaignId, made: std::result::Result<Simulation, String>) -> Result<()> {
        let now = self.t.now();
        let (result, error) = match made {
            Ok(result) => (Some(Json(result)), None),
            Err(words) => (None, Some(words)),
        };
        sqlx::query!(
            "WITH made AS (
                 UPDATE campaign_simulations SET made_at = $2, result = $3, error = $4
                 WHERE campaign_id = $1 AND made_at IS NULL RETURNING number
             )
             DELETE FROM campaign_simulations WHERE campaign_id = $1 AND number <= (SELECT max(number) FROM made) - $5::int",
            id.0,
            now,
            result as Option<Json<Simulation>>,
            error,
            KEPT
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("campaigns", id.0).await
    }

    async fn gather(&mut self, id: CampaignId) -> Result<Facts> {
        let campaign = self.load(id, false).await?;
        let now = self.t.now();
        let begins_at = campaign.lifecycle.starts_at.filter(|at| campaign.lifecycle.started_at.is_none() && *at > now);
        // What is being edited is what comes next: leads that are not placed yet get it.
        let (working, sequence) = self.working(id).await?;
        let mut sequences = vec![sequence];
        let mut numbers = BTreeMap::from([(working, 0)]);
        let mut texts = Texts::default();
        let mut gathered = Vec::new();
        let mut never = BTreeMap::new();
        self.gather_new(&campaign, &sequences[0], &mut texts, &mut gathered, &mut never).await?;
        let held = self.gather_enrolled(id, &mut numbers, &mut texts, &mut gathered, &mut never).await?;
        for (number, place) in numbers.iter().filter(|(_, place)| **place > 0) {
            let sequence = self.sequence(id, *number).await?;
            sequences.resize_with(sequences.len().max(place + 1), Sequence::default);
            sequences[*place] = sequence;
        }
        let mut ids = campaign.mailboxes.clone();
        ids.extend(gathered.iter().filter_map(|one| one.mailbox));
        let (mailboxes, places, others) = self.gather_mailboxes(id, ids, now).await?;
        let holds = self.gather_holds(&campaign, &sequences, &gathered).await?;
        let leads = gathered
            .into_iter()
            .filter_map(|one| {
                Some(Lead {
                    sequence: one.sequence,
                    mailbox: *places.get(&one.mailbox?)?,
                    holds: holds.get(&one.id).cloned().unwrap_or_default(),
                    zone: one.zone,
                    country: one.country,
                    group: one.group,
                    stands: one.stands,
                })
            })
            .collect();
        Ok(Facts {
            sequences,
            company_zone: self.t.actor().company_time_zone().to_owned(),
            company_country: self.company_country().await?,
            limits: self.t.mailboxes().limits().await?,
            mailboxes,
            others,
            begins_at: begins_at.unwrap_or(now),
            leads,
            held,
            never,
            campaign,
        })
    }

    /// Leads that are not placed yet: the audience of a draft, or what is left of that of a started campaign.
    async fn gather_new(
        &mut self,
        campaign: &Campaign,
        sequence: &Sequence,
        texts: &mut Texts,
        gathered: &mut Vec<Gathered>,
        never: &mut BTreeMap<EndReason, i64>,
    ) -> Result<()> {
        let ids = self.unplaced(campaign).await?;
        if ids.len() > MOST {
            let words = format!("The audience has more than {MOST} leads, which are too many for a simulation.");
            return Err(Refusal::new("audience_too_large", words, &[]).into());
        }
        let bare = without_fallback(sequence);
        let mut rotation = Rotation::new(self.senders_of(campaign).await?, 0);
        for chunk in ids.chunks(CHUNK) {
            for one in self.candidates(campaign, chunk).await? {
                if let Some((_, reason)) = one.left_out(campaign, None, &bare) {
                    *never.entry(reason).or_default() += 1;
                    continue;
                }
                let (Some(lead), Some(email)) = (one.lead, &one.email) else { continue };
                gathered.push(Gathered {
                    sequence: 0,
                    id: EnrolmentId(lead.0),
                    lead: Some(lead),
                    mailbox: rotation.next(),
                    zone: one.time_zone.as_deref().map(|zone| texts.one(zone)),
                    country: one.country.as_deref().map(|country| texts.one(country)),
                    group: texts.one(recipient_group(email.domain())),
                    stands: Stands::Start,
                });
            }
        }
        Ok(())
    }

    async fn unplaced(&mut self, campaign: &Campaign) -> Result<Vec<Uuid>> {
        let mut query = QueryBuilder::<Postgres>::new("SELECT l.id FROM leads l WHERE true");
        match (&campaign.audience, campaign.lifecycle.started_at) {
            (Audience::Filter { filter }, None) => push_filter(&mut query, filter),
            _ => {
                query.push(" AND l.id IN (SELECT unnest(lead_ids) FROM campaign_audience WHERE campaign_id = ");
                query.push_bind(campaign.id.0).push(")");
            }
        }
        query.push(" ORDER BY l.id LIMIT ").push_bind(i64::try_from(MOST).unwrap_or(i64::MAX) + 1);
        Ok(query.build_query_scalar().fetch_all(self.t.conn()).await?)
    }

    /// Leads in the middle of their sequence. How many of them somebody holds.
    async fn gather_enrolled(
        &mut self,
        id: CampaignId,
        numbers: &mut BTreeMap<i32, usize>,
        texts: &mut Texts,
        gathered: &mut Vec<Gathered>,
        never: &mut BTreeMap<EndReason, i64>,
    ) -> Result<i64> {
        let now = self.t.now();
        let rows = sqlx::query!(
            r#"
            SELECT e.id AS "id: EnrolmentId", e.lead_id AS "lead: LeadId", e.version_number,
                   coalesce(m.mailbox_id, e.mailbox_id) AS "mailbox: MailboxId", e.state = 'paused' AS "held!",
                   e.step_id AS "step: StepId", e.step_begun, coalesce(e.wait_until, e.due_at) AS rests_until,
                   m.step_id AS "mail: StepId", greatest(m.due_at, e.away_until) AS due_at,
                   l.time_zone AS "zone?", l.country AS "country?", split_part(l.email, '@', 2) AS domain
            FROM enrolments e
            LEFT JOIN leads l ON l.id = e.lead_id
            LEFT JOIN LATERAL (
                SELECT g.mailbox_id, g.step_id, g.due_at FROM messages g
                WHERE g.enrolment_id = e.id AND g.state IN ('scheduled', 'claimed', 'sending', 'deferred')
                ORDER BY g.created_at DESC, g.id DESC LIMIT 1
            ) m ON true
            WHERE e.campaign_id = $1 AND e.is_open
            "#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut held = 0;
        for row in rows {
            if row.held {
                held += 1;
                continue;
            }
            let next = numbers.len();
            let sequence = *numbers.entry(row.version_number).or_insert(next);
            let stands = match (row.mail, row.step) {
                (Some(step), _) => Stands::Mail(step, row.due_at.unwrap_or(now)),
                (None, Some(step)) if row.step_begun => Stands::In(step, row.rests_until.unwrap_or(now)),
                (None, Some(step)) => Stands::Before(step, row.rests_until.unwrap_or(now)),
                (None, None) => continue,
            };
            let Some(domain) = row.domain.filter(|domain| !domain.is_empty()) else {
                *never.entry(EndReason::NoAddress).or_default() += 1;
                continue;
            };
            gathered.push(Gathered {
                sequence,
                id: row.id,
                lead: row.lead,
                mailbox: row.mailbox,
                zone: row.zone.as_deref().map(|zone| texts.one(zone)),
                country: row.country.as_deref().map(|country| texts.one(country)),
                group: texts.one(recipient_group(&domain)),
                stands,
            });
        }
        Ok(held)
    }

    /// The mailboxes, each once, where each is, and what others have planned for them.
    async fn gather_mailboxes(
        &mut self,
        id: CampaignId,
        mut ids: Vec<MailboxId>,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Mailbox>, HashMap<MailboxId, usize>, Vec<Other>)> {
        ids.sort_unstable();
        ids.dedup();
        let ids: Vec<_> = ids.into_iter().map(|id| id.0).collect();
        let rows = sqlx::query!(
            r#"SELECT b.id AS "id: MailboxId", b.state AS "state: MailboxState", b.daily_cap, b.ramp_from,
                      b.gap_seconds, b.gap_max_seconds,
                      ARRAY(SELECT s.sending_at FROM (
                                SELECT m.sending_at FROM messages m WHERE m.mailbox_id = b.id
                                  AND m.sending_at > $2::timestamptz - interval '24 hours'
                                UNION ALL
                                SELECT x.sending_at FROM test_mails x WHERE x.mailbox_id = b.id
                                  AND x.sending_at > $2::timestamptz - interval '24 hours') s
                            ORDER BY s.sending_at) AS "sent!: Vec<DateTime<Utc>>"
               FROM mailboxes b WHERE b.id = ANY($1) ORDER BY b.id"#,
            &ids,
            now
        )
        .fetch_all(self.t.conn())
        .await?;
        let places: HashMap<_, _> = rows.iter().enumerate().map(|(place, row)| (row.id, place)).collect();
        let mailboxes = rows
            .into_iter()
            .map(|row| Mailbox {
                id: row.id,
                // One that is paused or not connected carries nothing until somebody changes that.
                daily_cap: if row.state == MailboxState::Connected { row.daily_cap } else { 0 },
                ramp_from: row.ramp_from,
                gap_seconds: i64::from(row.gap_seconds + row.gap_max_seconds) / 2,
                sent: row.sent,
            })
            .collect();
        let others = sqlx::query!(
            r#"SELECT m.mailbox_id AS "mailbox: MailboxId", m.due_at FROM messages m
               LEFT JOIN campaigns c ON c.id = m.campaign_id
               WHERE m.mailbox_id = ANY($1) AND m.state IN ('scheduled', 'deferred') AND NOT m.waits_for_draft
                 AND m.campaign_id IS DISTINCT FROM $2 AND (m.campaign_id IS NULL OR c.state = 'running')
               ORDER BY m.due_at LIMIT $3"#,
            &ids,
            id.0,
            MOST_OTHERS
        )
        .fetch_all(self.t.conn())
        .await?;
        let others = others
            .into_iter()
            .filter_map(|row| Some(Other { mailbox: *places.get(&row.mailbox)?, due_at: row.due_at }))
            .collect();
        Ok((mailboxes, places, others))
    }

    /// The steps whose question is answered yes, for each lead. What is true now is taken to stay true.
    async fn gather_holds(
        &mut self,
        campaign: &Campaign,
        sequences: &[Sequence],
        gathered: &[Gathered],
    ) -> Result<HashMap<EnrolmentId, Vec<StepId>>> {
        let mut holds: HashMap<EnrolmentId, Vec<StepId>> = HashMap::new();
        let mut asked = HashSet::new();
        for step in sequences.iter().flat_map(Sequence::steps) {
            let (Action::Condition { test } | Action::WaitFor { test, .. }) = &step.action else { continue };
            if !asked.insert(step.id) {
                continue;
            }
            for some in gathered.chunks(CHUNK) {
                let walkers: Vec<_> = some.iter().map(Walker::asked).collect();
                for id in self.holds(campaign.id, test, walkers.iter()).await? {
                    holds.entry(id).or_default().push(step.id);
                }
            }
        }
        Ok(holds)
    }
}

impl Walker {
    fn asked(one: &Gathered) -> Self {
        Self {
            enrolment: one.id,
            lead: one.lead,
            mailbox: None,
            zone: None,
            country: None,
            away_until: None,
            wait_until: None,
        }
    }
}
