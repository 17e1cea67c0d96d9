//! Variants of e-mails: how each does, and which one gets all the rest.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, StepId,
    campaigns::comparison::{self, VariantCount, Verdict},
    steps::{Sequence, WinBy, letter},
};
use sqlx::types::Json;

use super::{Campaigns, Concerning, placing::emails};
use crate::Result;

/// A step whose e-mails have said something else before.
struct Reworded {
    step: StepId,
    /// The first version that says what it says now.
    version: i32,
    /// When that was published.
    since: DateTime<Utc>,
}

impl Campaigns<'_> {
    /// What has become of the e-mails of each variant, step by step. What an older version of the campaign said is not
    /// counted for a wording that is another one.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn variant_counts(&mut self, id: CampaignId) -> Result<HashMap<StepId, Vec<VariantCount>>> {
        let current = self.load(id, false).await?.sequence_version;
        let reworded = self.reworded(id, current).await?;
        let rows = sqlx::query!(
            r#"SELECT m.step_id AS "step!: StepId", m.variant, count(*) AS "sent!", count(m.opened_at) AS "opened!",
                      count(*) FILTER (WHERE m.tracks_clicks) AS "tracked_clicks!", count(m.clicked_at) AS "clicked!",
                      count(m.replied_at) AS "replied!"
               FROM messages m
               LEFT JOIN unnest($2::uuid[], $3::int[], $4::timestamptz[]) AS w (step, version, since) ON w.step = m.step_id
               WHERE m.campaign_id = $1 AND m.state = 'sent'
                 AND (w.step IS NULL OR m.sending_at >= w.since AND EXISTS (
                         SELECT FROM enrolments e WHERE e.id = m.enrolment_id AND e.version_number >= w.version))
               GROUP BY m.step_id, m.variant ORDER BY m.step_id, m.variant"#,
            id.0,
            &reworded.iter().map(|r| r.step.0).collect::<Vec<_>>(),
            &reworded.iter().map(|r| r.version).collect::<Vec<_>>(),
            &reworded.iter().map(|r| r.since).collect::<Vec<_>>(),
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut counts: HashMap<StepId, Vec<VariantCount>> = HashMap::new();
        for r in rows {
            let count = VariantCount {
                variant: r.variant,
                sent: r.sent,
                opened: r.opened,
                tracked_clicks: r.tracked_clicks,
                clicked: r.clicked,
                replied: r.replied,
            };
            counts.entry(r.step).or_default().push(count);
        }
        Ok(counts)
    }

    /// Steps whose e-mails say something else than in the first version, and since when.
    async fn reworded(&mut self, id: CampaignId, current: i32) -> Result<Vec<Reworded>> {
        let rows = sqlx::query!(
            r#"SELECT number, steps AS "steps: Json<Sequence>", published_at FROM campaign_versions
               WHERE campaign_id = $1 AND number <= $2 ORDER BY number DESC"#,
            id.0,
            current
        )
        .fetch_all(self.t.conn())
        .await?;
        let Some((newest, older)) = rows.split_first() else { return Ok(Vec::new()) };
        Ok(emails(&newest.steps.0)
            .filter_map(|(step, email)| {
                let reads_so = |sequence: &Sequence| {
                    sequence.get(step.id).and_then(domain::steps::Step::email).is_some_and(|old| old.reads_like(email))
                };
                let same = older.iter().take_while(|row| reads_so(&row.steps.0)).count();
                let first = rows.get(same).filter(|_| same < older.len())?;
                Some(Reworded { step: step.id, version: first.number, since: first.published_at? })
            })
            .collect())
    }

    /// Wordings that are other ones now have won nothing.
    pub(super) async fn forget_winners(&mut self, id: CampaignId, old: &Sequence, new: &Sequence) -> Result<()> {
        let other: Vec<_> = emails(new)
            .filter(|(step, email)| {
                !old.get(step.id).and_then(domain::steps::Step::email).is_some_and(|old| old.reads_like(email))
            })
            .map(|(step, _)| step.id.0)
            .collect();
        sqlx::query!("DELETE FROM variant_winners WHERE campaign_id = $1 AND step_id = ANY($2)", id.0, &other)
            .execute(self.t.conn())
            .await?;
        Ok(())
    }

    /// The variants that have won, with why.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn decided(&mut self, id: CampaignId) -> Result<HashMap<StepId, (i16, String)>> {
        self.require_there(id).await?;
        let rows = sqlx::query!(
            r#"SELECT step_id AS "step!: StepId", variant, why FROM variant_winners WHERE campaign_id = $1"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().map(|row| (row.step, (row.variant, row.why))).collect())
    }

    /// The variants that get all the rest; asked only where a step has some.
    pub(super) async fn winners(&mut self, id: CampaignId, sequence: &Sequence) -> Result<HashMap<StepId, i16>> {
        if !emails(sequence).any(|(_, email)| email.winner.by != WinBy::Nobody && !email.variants.is_empty()) {
            return Ok(HashMap::new());
        }
        let decided = self.decided(id).await?;
        Ok(decided.into_iter().map(|(step, (variant, _))| (step, variant)).collect())
    }

    /// Looks whether a variant has won where nothing was decided yet.
    pub(super) async fn decide_winners(&mut self, id: CampaignId) -> Result<()> {
        let version = self.load(id, false).await?.sequence_version;
        let sequence = self.sequence(id, version).await?;
        let compared: Vec<_> = emails(&sequence)
            .filter(|(_, email)| email.winner.by != WinBy::Nobody && !email.variants.is_empty())
            .collect();
        if compared.is_empty() {
            return Ok(());
        }
        let (decided, mut counts) = (self.decided(id).await?, self.variant_counts(id).await?);
        for (step, email) in compared.into_iter().filter(|(step, _)| !decided.contains_key(&step.id)) {
            let mut found = counts.remove(&step.id).unwrap_or_default();
            let variants = i16::try_from(email.variants.len()).unwrap_or(0);
            for variant in 0..=variants {
                if !found.iter().any(|count| count.variant == variant) {
                    found.push(VariantCount { variant, ..VariantCount::default() });
                }
            }
            found.retain(|count| count.variant <= variants);
            let Verdict::Winner { variant } = comparison::compare(&email.winner, &found) else { continue };
            let name = |variant: i16| letter(usize::try_from(variant).unwrap_or(0));
            let numbers: Vec<_> = found
                .iter()
                .map(|c| format!("{}: {} of {}", name(c.variant), c.successes(email.winner.by), c.sent))
                .collect();
            let why = format!("Variant {} won: {}.", name(variant), numbers.join(", "));
            let now = self.t.now();
            sqlx::query!(
                "INSERT INTO variant_winners (campaign_id, step_id, variant, why, decided_at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT DO NOTHING",
                id.0,
                step.id.0,
                variant,
                why,
                now
            )
            .execute(self.t.conn())
            .await?;
            let text = format!("Step {}. {why}", step.position);
            let about = Concerning { step: Some(step.id), ..Concerning::default() };
            self.log_of(id, "variant_won", Some(&text), about).await?;
            // What is planned and written by a template gets the winner too.
            sqlx::query!(
                "UPDATE messages SET variant = $3 WHERE campaign_id = $1 AND step_id = $2 AND attempts = 0
                   AND state IN ('scheduled', 'held') AND draft_id IS NULL",
                id.0,
                step.id.0,
                variant
            )
            .execute(self.t.conn())
            .await?;
            self.t.tell("campaigns", id.0).await?;
        }
        Ok(())
    }
}
