//! The claim: a few due messages of one mailbox. The caller holds the mailbox's row, so cap and
//! gap are counted by one worker at a time.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, DraftId, EmailAddress, EnrolmentId, MailboxId, MessageId, StepId,
    drafts::STALE_AFTER,
    enrolments::{EndReason, EnrolmentState},
    leads::display_name,
    messages::LEASE,
    steps::{Delay, Step, Writing},
};
use uuid::Uuid;

use super::{Claimed, Content, Messages};
use crate::{
    Db, Result, Tenant,
    campaigns::{LeadFacts, Sender, write, write_approved},
};

/// Messages of one claim: few enough that a pause frees them soon, many enough that the claim
/// costs little beside the hand-over.
const BATCH: i64 = 20;

/// An inbox that was read within this time is one that hears.
const HEARD: Duration = Duration::days(1);

/// What the link of a message is signed for.
pub(crate) const UNSUBSCRIBE: &str = "unsubscribe";

/// Claims the next messages, fair between companies and mailboxes. `None` when nothing is due
/// anywhere; an empty list when a mailbox had its turn and nothing could leave.
///
/// # Errors
/// When the database is away.
pub async fn claim_next(db: &Db) -> Result<Option<Vec<Claimed>>> {
    let now = db.clock().now();
    let Some((mut t, mailbox)) = db.platform().claim_mailbox(now).await? else { return Ok(None) };
    let claimed = t.messages().claim(mailbox, now).await?;
    t.commit().await?;
    Ok(Some(claimed))
}

struct Row {
    id: MessageId,
    campaign: CampaignId,
    enrolment: EnrolmentId,
    step: Step,
    attempts: i32,
    recipient: Option<EmailAddress>,
    facts: LeadFacts,
    suppressed: bool,
    window_over: bool,
    frozen: Option<Vec<u8>>,
    draft: Option<Approved>,
}

/// The words that somebody has approved.
struct Approved {
    id: DraftId,
    subject: String,
    body: String,
    stale: bool,
}

impl Messages<'_> {
    async fn claim(&mut self, mailbox: MailboxId, now: DateTime<Utc>) -> Result<Vec<Claimed>> {
        let turn = self.t.mailboxes().turn(mailbox, now).await?;
        if turn.room <= 0 {
            self.t.mailboxes().wait_for_cap(mailbox, now).await?;
            return Ok(Vec::new());
        }
        let most = if turn.gap.is_zero() { turn.room.min(BATCH) } else { 1 };
        let (sender, hears) = self.sender(mailbox, now).await?;
        let (mut ready, mut ids) = (Vec::new(), Vec::new());
        let token: Uuid = self.t.new_id();
        for row in self.due(mailbox, now, most).await? {
            if row.window_over {
                self.replan(&row).await?;
                continue;
            }
            let Some(recipient) = row.recipient.clone().filter(|_| !row.suppressed) else {
                self.end_unreachable(&row).await?;
                continue;
            };
            let old = row.draft.as_ref().filter(|draft| draft.stale && row.attempts == 0).map(|draft| draft.id);
            if let Some(old) = old
                && !self.t.drafts().is_still_true(old).await?
            {
                continue;
            }
            let claimed = self.prepare(row, recipient, mailbox, token, &sender, hears);
            match claimed {
                Ok(claimed) => {
                    ids.push(claimed.id.0);
                    ready.push(claimed);
                }
                Err((enrolment, missing)) => self.end_incomplete(enrolment, &missing).await?,
            }
        }
        sqlx::query!(
            "UPDATE messages SET state = 'claimed', lease_token = $2, lease_until = $3, updated_at = $4 WHERE id = ANY($1)",
            &ids,
            token,
            now + LEASE,
            now,
        )
        .execute(self.t.conn())
        .await?;
        let not_before = if ready.is_empty() { now } else { now + turn.gap };
        self.t.mailboxes().end_turn(mailbox, not_before).await?;
        Ok(ready)
    }

    /// Due messages of running campaigns, the longest due first. Each campaign is one walk along an
    /// index, so a paused one with many due messages costs nothing.
    async fn due(&mut self, mailbox: MailboxId, now: DateTime<Utc>, most: i64) -> Result<Vec<Row>> {
        let rows = sqlx::query!(
            r#"
            SELECT d.id AS "id!: MessageId", d.campaign_id AS "campaign!: CampaignId",
                   d.enrolment_id AS "enrolment!: EnrolmentId", d.attempts AS "attempts!",
                   d.window_ends_at <= $2 AS "window_over!",
                   s.id AS "step!: StepId", s.position AS "position!", s.subject AS "subject!", s.body AS "body!",
                   l.email AS "email?: EmailAddress", l.first_name AS "first_name?", l.last_name AS "last_name?",
                   l.title AS "title?", l.country AS "country?", a.name AS "account?",
                   coalesce(is_suppressed(l.email), false) AS "suppressed!", k.mime AS "frozen?",
                   s.writing AS "writing!: Writing", s.instructions AS "instructions!", p.id AS "draft?: DraftId",
                   p.subject AS "draft_subject?", p.body AS "draft_body?",
                   coalesce(p.checked_at <= $4, false) AS "stale!"
            FROM (SELECT id, plan_shift FROM campaigns WHERE state = 'running') c
            CROSS JOIN LATERAL (
                SELECT m.id, m.campaign_id, m.enrolment_id, m.lead_id, m.step_id, m.attempts, m.due_at, m.window_ends_at,
                       m.draft_id
                FROM messages m
                JOIN enrolments e ON e.id = m.enrolment_id AND e.state IN ('active', 'waiting_delay', 'waiting_window')
                JOIN campaign_steps w ON w.id = m.step_id
                WHERE m.campaign_id = c.id AND m.mailbox_id = $1 AND m.state IN ('scheduled', 'deferred')
                  AND NOT m.waits_for_draft AND m.plan_shift = c.plan_shift AND m.due_at <= $2
                  -- What is written for one lead leaves only as it was approved.
                  AND (w.writing = 'template' OR EXISTS (
                          SELECT FROM drafts d WHERE d.id = m.draft_id AND d.state IN ('approved', 'used')))
                ORDER BY m.due_at
                LIMIT $3
                -- Both at once and without waiting: others lock the enrolment first.
                FOR UPDATE OF m, e SKIP LOCKED
            ) d
            JOIN campaign_steps s ON s.id = d.step_id
            LEFT JOIN leads l ON l.id = d.lead_id
            LEFT JOIN accounts a ON a.id = l.account_id
            LEFT JOIN message_contents k ON k.message_id = d.id
            LEFT JOIN drafts p ON p.id = d.draft_id
            ORDER BY d.due_at
            LIMIT $3
            "#,
            mailbox.0,
            now,
            most,
            now - STALE_AFTER,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| Row {
                id: r.id,
                campaign: r.campaign,
                enrolment: r.enrolment,
                step: Step {
                    id: r.step,
                    position: r.position,
                    delay: Delay::NONE,
                    subject: r.subject,
                    body: r.body,
                    writing: r.writing,
                    instructions: r.instructions,
                    // The words are written already.
                    sources: Vec::new(),
                    version: 0,
                },
                attempts: r.attempts,
                recipient: r.email.clone(),
                facts: LeadFacts {
                    email: r.email,
                    first_name: r.first_name,
                    last_name: r.last_name,
                    title: r.title,
                    account: r.account,
                    country: r.country,
                },
                suppressed: r.suppressed,
                window_over: r.window_over,
                frozen: r.frozen,
                draft: r.draft.zip(r.draft_subject.zip(r.draft_body)).map(|(id, (subject, body))| Approved {
                    id,
                    subject,
                    body,
                    stale: r.stale,
                }),
            })
            .collect())
    }

    /// The e-mail of a row, or the variables that it lacks.
    fn prepare(
        &self,
        row: Row,
        recipient: EmailAddress,
        mailbox: MailboxId,
        token: Uuid,
        sender: &Sender,
        hears: bool,
    ) -> std::result::Result<Claimed, (EnrolmentId, Vec<String>)> {
        let db = self.t.db();
        let link = db.secrets().link_token(UNSUBSCRIBE, row.id.0);
        let unsubscribe_url = format!("{}/p/{link}", db.settings().public_url);
        let content = match row.frozen.filter(|_| row.attempts > 0) {
            Some(mime) => Content::Frozen(mime),
            None => {
                let written = match &row.draft {
                    Some(draft) => write_approved(&draft.subject, &draft.body, sender, &unsubscribe_url),
                    None => write(&row.step, &row.facts, sender, &unsubscribe_url),
                };
                if !written.missing.is_empty() {
                    return Err((row.enrolment, written.missing));
                }
                Content::Written(written)
            }
        };
        let domain = sender.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        Ok(Claimed {
            id: row.id,
            campaign: row.campaign,
            enrolment: row.enrolment,
            mailbox,
            token,
            recipient_name: display_name(row.facts.first_name.as_deref(), row.facts.last_name.as_deref(), None),
            recipient,
            // The same for every try of this message, so that copies can be recognised (RFC 5322, 3.6.4).
            message_id_header: format!("<{}@{domain}>", Uuid::new_v5(&row.enrolment.0, row.id.0.as_bytes())),
            unsubscribe_url,
            unsubscribe_mailto: mailto(&sender.address, &link).filter(|_| hears),
            content,
        })
    }

    /// Who writes, and whether what comes back is read: an inbox that could not be read for a day hears nothing.
    async fn sender(&mut self, mailbox: MailboxId, now: DateTime<Utc>) -> Result<(Sender, bool)> {
        let row = sqlx::query!(
            r#"SELECT m.from_name, m.address, c.name, c.postal_address,
                      m.kind = 'sandbox' OR EXISTS (
                          SELECT FROM inboxes i WHERE i.mailbox_id = m.id AND i.read_at > $2) AS "hears!"
               FROM mailboxes m, companies c WHERE m.id = $1"#,
            mailbox.0,
            now - HEARD
        )
        .fetch_one(self.t.conn())
        .await?;
        let sender =
            Sender { name: row.from_name, address: row.address, company: row.name, postal_address: row.postal_address };
        Ok((sender, row.hears))
    }

    /// The window closed while the message waited for its turn: the next one.
    async fn replan(&mut self, row: &Row) -> Result<()> {
        let now = self.t.now();
        let slot = next_slot(self.t, row.campaign, row.enrolment, now).await?;
        sqlx::query!(
            "UPDATE messages SET due_at = $2, window_ends_at = $3, updated_at = $4 WHERE id = $1",
            row.id.0,
            slot.due_at,
            slot.ends_at,
            now,
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "UPDATE enrolments SET state = 'waiting_window', updated_at = $2
             WHERE id = $1 AND state IN ('active', 'waiting_delay', 'waiting_window')",
            row.enrolment.0,
            now,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    async fn end_unreachable(&mut self, row: &Row) -> Result<()> {
        let (state, reason) = if row.suppressed {
            (EnrolmentState::Suppressed, None)
        } else {
            (EnrolmentState::Failed, Some(EndReason::NoAddress))
        };
        self.t.enrolments().end(&[row.enrolment.0], state, reason).await
    }

    async fn end_incomplete(&mut self, enrolment: EnrolmentId, missing: &[String]) -> Result<()> {
        self.t.enrolments().end(&[enrolment.0], EnrolmentState::Failed, Some(EndReason::MissingVariable)).await?;
        tracing::info!(enrolment.id = %enrolment, missing = ?missing, "An e-mail lacks variables");
        Ok(())
    }
}

/// The next slot of an enrolment at or after `at`, and not while its lead is away.
pub(crate) async fn next_slot(
    t: &mut Tenant,
    campaign: CampaignId,
    enrolment: EnrolmentId,
    at: DateTime<Utc>,
) -> Result<domain::window::Slot> {
    let campaign = t.campaigns().load(campaign, false).await?;
    let row = sqlx::query!(
        r#"SELECT l.time_zone AS "zone?", e.away_until
           FROM enrolments e LEFT JOIN leads l ON l.id = e.lead_id WHERE e.id = $1"#,
        enrolment.0
    )
    .fetch_one(t.conn())
    .await?;
    let company_zone = t.actor().company_time_zone().to_owned();
    let clock = crate::campaigns::advance::Clock::of(&campaign, &company_zone);
    let at = row.away_until.map_or(at, |until| until.max(at));
    Ok(clock.window.next_open(at, clock.zone(row.zone.as_deref())))
}

/// The other way to leave, for mail programs that know no links (RFC 2369, 3.2). An address whose characters would
/// have to be encoded has the link only.
fn mailto(address: &str, link: &str) -> Option<String> {
    let is_plain = address.bytes().all(|b| b.is_ascii_alphanumeric() || b"@.-_".contains(&b));
    is_plain.then(|| format!("{address}?subject=unsubscribe%20{link}"))
}
