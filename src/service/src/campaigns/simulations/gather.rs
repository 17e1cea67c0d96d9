//! Gathers what a simulation needs: leads that are not placed yet, where the others stand, what the mailboxes have sent,
//! and what other campaigns have planned for them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, EnrolmentId, LeadId, MailboxId, Refusal, StepId,
    campaigns::{Audience, Campaign},
    mailboxes::{MailboxState, recipient_group},
    simulation::{Basis, Mailbox, Other, OtherWay, Stands},
    steps::Sequence,
};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::plays::{Answers, Facts, NewLeads, Person, Placed, Play, Post};
use crate::{
    Result,
    campaigns::{Campaigns, placing::without_fallback, replanning::Planned, walk::Walker},
    leads::query::push_filter,
};

/// Leads that are read at once, as they are placed.
const CHUNK: usize = 1000;
/// Most leads of a simulation: they are held in memory.
const MOST: usize = 500_000;
/// Most e-mails of other campaigns that are looked at.
const MOST_OTHERS: i64 = 500_000;

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

/// The versions of the steps that somebody is in, or would come into.
#[derive(Default)]
struct Versions {
    sequences: Vec<Sequence>,
    places: BTreeMap<i32, usize>,
}

/// Leads in the middle of their sequence, and how many of them get nothing.
#[derive(Default)]
struct Middle {
    placed: Vec<Placed>,
    held: i64,
    without_address: i64,
}

impl Campaigns<'_> {
    pub(super) async fn gather(&mut self, id: CampaignId) -> Result<Facts> {
        let campaign = Arc::new(self.get(id).await?);
        let now = self.t.now();
        let has_started = campaign.lifecycle.started_at.is_some();
        let begins_at = campaign.lifecycle.starts_at.filter(|at| !has_started && *at > now).unwrap_or(now);
        let basis = self.basis(&campaign).await?;
        let before = self.before(&campaign, &basis).await?;
        let (working, _) = self.working(id).await?;
        let moves_to = sqlx::query_scalar!("SELECT move_to_version FROM campaigns WHERE id = $1", id.0)
            .fetch_one(self.t.conn())
            .await?;
        let mut versions =
            self.gather_versions(id, [working, campaign.sequence_version].into_iter().chain(moves_to)).await?;
        let mut texts = Texts::default();
        let middle = self.gather_middle(id, working > 1, &versions.places, &mut texts).await?;
        let (edited, published) = (versions.places[&working], versions.places[&campaign.sequence_version]);
        let main = Play {
            new: Arc::new(self.gather_new(&campaign, &versions.sequences[edited], &mut texts).await?),
            sequence: edited,
            moved_to: moves_to.and_then(|number| versions.places.get(&number).copied()),
            senders: self.senders_of(&campaign).await?,
            post: Arc::new(self.gather_post(&campaign, &middle.placed, now).await?),
            campaign,
        };
        let mut otherwise = Vec::new();
        if main.campaign.has_edits {
            let new =
                self.new_leads(&main, &main.campaign, [edited, published], &versions.sequences, &mut texts).await?;
            otherwise.push((OtherWay::Unpublished, Play { new, sequence: published, ..main.clone() }));
            if middle.placed.iter().any(|one| one.sequence != edited) {
                otherwise.push((OtherWay::Moved, Play { moved_to: Some(edited), ..main.clone() }));
            }
        }
        if let Some((old, steps)) = before {
            let sequence = match steps {
                Some(steps) => {
                    versions.sequences.push(steps);
                    versions.sequences.len() - 1
                }
                None => edited,
            };
            let new = self.new_leads(&main, &old, [edited, sequence], &versions.sequences, &mut texts).await?;
            let post = match old.mailboxes.iter().all(|id| main.post.places.contains_key(id)) {
                true => main.post.clone(),
                false => Arc::new(self.gather_post(&old, &middle.placed, now).await?),
            };
            let senders = senders_before(&old, &main, &post);
            let before = Play { campaign: Arc::new(old), new, sequence, senders, post, ..main.clone() };
            otherwise.push((OtherWay::Before, before));
        }
        let answers = self.gather_answers(id, &versions.sequences, &middle.placed, &main, &otherwise).await?;
        Ok(Facts {
            company_zone: self.t.actor().company_time_zone().to_owned(),
            company_country: self.company_country().await?,
            limits: basis.limits,
            basis,
            begins_at,
            sequences: versions.sequences,
            placed: middle.placed,
            held: middle.held,
            without_address: middle.without_address,
            answers,
            main,
            otherwise,
        })
    }

    /// The campaign as it was simulated last, where an edit lies between, and its steps where those count.
    async fn before(&mut self, campaign: &Campaign, now: &Basis) -> Result<Option<(Campaign, Option<Sequence>)>> {
        let was = sqlx::query_scalar!(
            r#"SELECT basis AS "basis!" FROM campaign_simulations WHERE campaign_id = $1 AND basis IS NOT NULL
               ORDER BY number DESC LIMIT 1"#,
            campaign.id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        // What another release has written may not be read any more.
        let Some(was) = was.and_then(|was| serde_json::from_value::<Basis>(was).ok()) else { return Ok(None) };
        let has_started = campaign.lifecycle.started_at.is_some();
        // Who was selected is forgotten once a filter takes their place.
        let is_forgotten = was.audience == Audience::Selection && campaign.audience != Audience::Selection;
        if !was.was_edited(now, has_started) || !has_started && is_forgotten {
            return Ok(None);
        }
        let mailboxes = was.senders().collect();
        let steps = (!has_started).then_some(was.steps);
        let (window, rules, audience) = (was.window, was.rules, was.audience);
        Ok(Some((Campaign { window, rules, audience, mailboxes, ..campaign.clone() }, steps)))
    }

    /// These versions, and every one that open leads are in.
    async fn gather_versions(&mut self, id: CampaignId, more: impl Iterator<Item = i32>) -> Result<Versions> {
        let mut numbers: BTreeSet<i32> = more.collect();
        let used = sqlx::query_scalar!(
            "SELECT DISTINCT version_number FROM enrolments WHERE campaign_id = $1 AND is_open",
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        numbers.extend(used);
        let mut versions = Versions::default();
        for number in numbers {
            versions.places.insert(number, versions.sequences.len());
            versions.sequences.push(self.sequence(id, number).await?);
        }
        Ok(versions)
    }

    /// New leads of another way: those of the first one, where nobody is asked anything else. `sequences` are the places
    /// of those of both.
    async fn new_leads(
        &mut self,
        main: &Play,
        campaign: &Campaign,
        [first, sequence]: [usize; 2],
        sequences: &[Sequence],
        texts: &mut Texts,
    ) -> Result<Arc<NewLeads>> {
        let (asked, here) = (main.campaign.rules, campaign.rules);
        let is_same = campaign.audience == main.campaign.audience
            && (asked.exclude, asked.holdout_percent) == (here.exclude, here.holdout_percent)
            && without_fallback(&sequences[first]) == without_fallback(&sequences[sequence]);
        match is_same {
            true => Ok(main.new.clone()),
            false => Ok(Arc::new(self.gather_new(campaign, &sequences[sequence], texts).await?)),
        }
    }

    /// Leads that are not placed yet: the audience of a draft, or what is left of that of a started campaign.
    async fn gather_new(&mut self, campaign: &Campaign, sequence: &Sequence, texts: &mut Texts) -> Result<NewLeads> {
        let ids = self.unplaced(campaign).await?;
        if ids.len() > MOST {
            let words = format!("The audience has more than {MOST} leads, which are too many for a simulation.");
            return Err(Refusal::new("audience_too_large", words, &[]).into());
        }
        let bare = without_fallback(sequence);
        let mut new = NewLeads::default();
        for chunk in ids.chunks(CHUNK) {
            for one in self.candidates(campaign, chunk).await? {
                if let Some((_, reason)) = one.left_out(campaign, None, &bare) {
                    *new.never.entry(reason).or_default() += 1;
                    continue;
                }
                let (Some(lead), Some(email)) = (one.lead, &one.email) else { continue };
                new.people.push(Person {
                    id: EnrolmentId(lead.0),
                    lead: Some(lead),
                    zone: one.time_zone.as_deref().map(|zone| texts.one(zone)),
                    country: one.country.as_deref().map(|country| texts.one(country)),
                    group: texts.one(recipient_group(email.domain())),
                });
            }
        }
        Ok(new)
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

    /// Leads in the middle of their sequence. What each has got already is read only where it `may_repeat`.
    async fn gather_middle(
        &mut self,
        id: CampaignId,
        may_repeat: bool,
        places: &BTreeMap<i32, usize>,
        texts: &mut Texts,
    ) -> Result<Middle> {
        let now = self.t.now();
        let rows = sqlx::query!(
            r#"
            SELECT e.id AS "id: EnrolmentId", e.lead_id AS "lead: LeadId", e.version_number,
                   coalesce(m.mailbox_id, e.mailbox_id) AS "mailbox: MailboxId", e.state = 'paused' AS "held!",
                   e.step_id AS "step: StepId", e.step_begun, coalesce(e.wait_until, e.due_at) AS rests_until,
                   e.away_until, m.step_id AS "mail: StepId", m.due_at AS "due_at?", m.created_at AS "planned_at?",
                   coalesce(m.state = 'scheduled' AND m.attempts = 0 AND m.resent_at IS NULL, false) AS "is_untried!",
                   ARRAY(SELECT g.step_id FROM messages g
                         WHERE $2 AND g.enrolment_id = e.id AND g.step_id IS NOT NULL) AS "got!: Vec<Uuid>",
                   l.time_zone AS "zone?", l.country AS "country?", split_part(l.email, '@', 2) AS domain
            FROM enrolments e
            LEFT JOIN leads l ON l.id = e.lead_id
            LEFT JOIN LATERAL (
                SELECT g.mailbox_id, g.step_id, g.due_at, g.created_at, g.state, g.attempts, g.resent_at FROM messages g
                WHERE g.enrolment_id = e.id AND g.state IN ('scheduled', 'claimed', 'sending', 'deferred')
                ORDER BY g.created_at DESC, g.id DESC LIMIT 1
            ) m ON true
            WHERE e.campaign_id = $1 AND e.is_open
            "#,
            id.0,
            may_repeat
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut middle = Middle::default();
        for row in rows {
            if row.held {
                middle.held += 1;
                continue;
            }
            let due_at = row.due_at.max(row.away_until).unwrap_or(now);
            let stands = match (row.mail, row.step) {
                (Some(step), _) => Stands::Mail(step, due_at),
                (None, Some(step)) if row.step_begun => Stands::In(step, row.rests_until.unwrap_or(now)),
                (None, Some(step)) => Stands::Before(step, row.rests_until.unwrap_or(now)),
                (None, None) => continue,
            };
            let Some(domain) = row.domain.filter(|domain| !domain.is_empty()) else {
                middle.without_address += 1;
                continue;
            };
            let Some(sequence) = places.get(&row.version_number).copied() else { continue };
            let untried = row.planned_at.zip(row.due_at).filter(|_| row.is_untried);
            middle.placed.push(Placed {
                person: Person {
                    id: row.id,
                    lead: row.lead,
                    zone: row.zone.as_deref().map(|zone| texts.one(zone)),
                    country: row.country.as_deref().map(|country| texts.one(country)),
                    group: texts.one(recipient_group(&domain)),
                },
                mailbox: row.mailbox,
                sequence,
                stands,
                mail: untried.map(|(begun_at, due_at)| Planned { begun_at, due_at, away_until: row.away_until }),
                got: row.got.into_iter().map(StepId).collect(),
            });
        }
        Ok(middle)
    }

    /// The mailboxes of a campaign and those of its leads in the middle.
    async fn gather_post(&mut self, campaign: &Campaign, placed: &[Placed], now: DateTime<Utc>) -> Result<Post> {
        let ids = campaign.mailboxes.iter().copied().chain(placed.iter().filter_map(|one| one.mailbox));
        let ids: BTreeSet<_> = ids.map(|id| id.0).collect();
        let ids: Vec<_> = ids.into_iter().collect();
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
            campaign.id.0,
            MOST_OTHERS
        )
        .fetch_all(self.t.conn())
        .await?;
        let others = others
            .into_iter()
            .filter_map(|row| Some(Other { mailbox: *places.get(&row.mailbox)?, due_at: row.due_at }))
            .collect();
        Ok(Post { mailboxes, places, others })
    }

    /// What the steps ask of each lead of any way.
    async fn gather_answers(
        &mut self,
        id: CampaignId,
        sequences: &[Sequence],
        placed: &[Placed],
        main: &Play,
        otherwise: &[(OtherWay, Play)],
    ) -> Result<Answers> {
        let mut answers = Answers::default();
        for step in sequences.iter().flat_map(Sequence::steps) {
            let Some(test) = step.action.test() else { continue };
            let question = (step.id, test.clone());
            if !answers.asked.contains(&question) {
                answers.asked.push(question);
            }
        }
        if answers.asked.is_empty() {
            return Ok(answers);
        }
        let ways = std::iter::once(main).chain(otherwise.iter().map(|(_, play)| play));
        let people = placed.iter().map(|one| &one.person).chain(ways.flat_map(|play| &play.new.people));
        let mut known = HashSet::new();
        let people: Vec<_> = people.filter(|person| known.insert(person.id)).collect();
        for (place, (_, test)) in answers.asked.iter().enumerate() {
            for some in people.chunks(CHUNK) {
                let walkers: Vec<_> = some.iter().map(|person| Walker::asked(person)).collect();
                for id in self.holds(id, test, walkers.iter()).await? {
                    answers.yes.entry(id).or_default().push(place);
                }
            }
        }
        Ok(answers)
    }
}

/// The mailboxes that new leads were given to: those that can send.
fn senders_before(old: &Campaign, main: &Play, post: &Post) -> Vec<MailboxId> {
    let is_connected = |id: MailboxId| post.places.get(&id).is_some_and(|place| post.mailboxes[*place].daily_cap > 0);
    let is_able = |id: MailboxId| match main.campaign.mailboxes.contains(&id) {
        true => main.senders.contains(&id),
        false => is_connected(id),
    };
    let able: Vec<_> = old.mailboxes.iter().copied().filter(|id| is_able(*id)).collect();
    if able.is_empty() { old.mailboxes.clone() } else { able }
}

impl Walker {
    fn asked(person: &Person) -> Self {
        Self {
            enrolment: person.id,
            lead: person.lead,
            mailbox: None,
            zone: None,
            country: None,
            away_until: None,
            wait_until: None,
        }
    }
}
