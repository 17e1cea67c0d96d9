//! The claim: a few due messages of one mailbox. The caller holds the mailbox's row, so cap and
//! gap are counted by one worker at a time.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, CompanyId, DraftId, EmailAddress, EnrolmentId, MailboxId, MessageId, StepId,
    drafts::STALE_AFTER,
    enrolments::{EndReason, EnrolmentState},
    leads::display_name,
    mailboxes::{RecipientLimits, recipient_group},
    messages::LEASE,
    steps::{Email, Thread},
    tracking::Tracking,
};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Claimed, Content, Messages, Place, room::Wait};
use crate::{
    Actor, Db, Result,
    campaigns::{
        LeadFacts, Sender,
        clock::{FAR, waiting_state},
        write, write_approved,
    },
    tracking::Tracked,
};

/// Messages of one claim: few enough that a pause frees them soon, many enough that the claim
/// costs little beside the hand-over.
pub(super) const BATCH: i64 = 20;

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
    Ok(claim_next_but(db, &[]).await?.map(|(_, claimed)| claimed))
}

/// The same, for companies that are not passed over, and as whom to go on with them.
///
/// # Errors
/// When the database is away.
pub async fn claim_next_but(db: &Db, passed: &[CompanyId]) -> Result<Option<(Actor, Vec<Claimed>)>> {
    let now = db.clock().now();
    let passed: Vec<_> = passed.iter().map(|company| company.0).collect();
    let Some((mut t, mailbox)) = db.platform().claim_mailbox(now, &passed).await? else { return Ok(None) };
    let actor = t.actor().clone();
    let claimed = t.messages().claim(mailbox, now).await?;
    t.commit().await?;
    Ok(Some((actor, claimed)))
}

struct Row {
    id: MessageId,
    campaign: CampaignId,
    enrolment: EnrolmentId,
    /// The version of the steps that its lead follows.
    version: i32,
    step: StepId,
    /// Nothing when the step is not in the version of the lead: then nothing of it is sent.
    email: Option<Email>,
    variant: i16,
    before: Vec<Before>,
    /// The subject of what it would answer, where nothing of that was sent to this lead.
    opening: Option<String>,
    attempts: i32,
    recipient: Option<EmailAddress>,
    facts: LeadFacts,
    suppressed: bool,
    window_over: bool,
    /// Its place in the line of its recipient's group has come.
    stood: bool,
    frozen: Option<Vec<u8>>,
    draft: Option<Approved>,
    tracking: Tracking,
}

/// Who writes, and over which roads.
struct Desk {
    sender: Sender,
    /// What comes back is read: an inbox that could not be read for a day hears nothing.
    hears: bool,
    limits: RecipientLimits,
    /// Where links that are followed begin; nothing while no host name of the company passes.
    links: Option<String>,
}

impl Row {
    /// What its recipient counts with.
    fn group(&self) -> Option<String> {
        self.recipient.as_ref().map(|address| recipient_group(address.domain()).to_owned())
    }

    /// Whether what it would answer was never sent to its lead, because somebody has skipped it.
    fn answers_nothing(&self) -> bool {
        self.before.is_empty() && self.email.as_ref().is_some_and(|email| email.thread == Thread::Reply)
    }
}

/// An e-mail of the same enrolment that was sent before.
#[derive(Debug, serde::Deserialize)]
struct Before {
    id: String,
    subject: String,
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
        let wants = self.t.mailboxes().wants(mailbox, now).await?;
        // Somebody waits for an answer, so it goes before whatever was planned.
        if wants.replies {
            let answers = self.claim_replies(mailbox, now).await?;
            if !answers.is_empty() {
                return Ok(answers);
            }
        }
        if !wants.campaigns {
            return Ok(Vec::new());
        }
        if !wants.believed {
            self.t.mailboxes().wait_for_domain(mailbox, now).await?;
            return Ok(Vec::new());
        }
        let turn = self.t.mailboxes().turn(mailbox, now, BATCH).await?;
        if turn.room <= 0 {
            self.t.mailboxes().wait_for_cap(mailbox, now).await?;
            return Ok(Vec::new());
        }
        let most = if turn.gap.is_zero() { turn.room.min(BATCH) } else { 1 };
        let desk = self.desk(mailbox, now).await?;
        let (mut ready, mut ids, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        let token: Uuid = self.t.new_id();
        let mut due = self.due(mailbox, now, most).await?;
        if due.iter().any(|row| row.window_over) {
            self.put_off_closed(mailbox, now).await?;
            due = self.due(mailbox, now, most).await?;
        }
        let wanted: Vec<_> = due.iter().filter(|row| !row.window_over).filter_map(Row::group).collect();
        let mut room = self.room(desk.limits, &wanted, now).await?;
        for mut row in due {
            if row.window_over {
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
            let group = recipient_group(recipient.domain()).to_owned();
            if let Some(wait) = room.take(&group, row.stood, now) {
                self.put_off(&row, &group, &wait).await?;
                continue;
            }
            if row.answers_nothing() {
                let sequence = self.t.campaigns().sequence(row.campaign, row.version).await?;
                row.opening = sequence.opener(row.step).map(|email| email.subject.clone());
            }
            let claimed = self.prepare(row, recipient, mailbox, token, &desk);
            match claimed {
                Ok(claimed) => {
                    ids.push(claimed.id.0);
                    groups.push(group);
                    ready.push(claimed);
                }
                Err((enrolment, missing)) => self.end_incomplete(enrolment, &missing).await?,
            }
        }
        sqlx::query!(
            "UPDATE messages m SET state = 'claimed', lease_token = $2, lease_until = $3, updated_at = $4,
                 recipient_group = c.name, room_at = NULL
             FROM by_key($1) k JOIN unnest($1::uuid[], $5::text[]) AS c (id, name) USING (id) WHERE m.id = k.id",
            &ids,
            token,
            now + LEASE,
            now,
            &groups,
        )
        .execute(self.t.conn())
        .await?;
        let not_before = if ready.is_empty() { now } else { now + turn.gap };
        self.t.mailboxes().end_turn(mailbox, not_before, turn.used + ready.len() as i64).await?;
        Ok(ready)
    }

    /// Due messages of running campaigns, the longest due first. Each campaign is one walk along an
    /// index, so a paused one with many due messages costs nothing.
    async fn due(&mut self, mailbox: MailboxId, now: DateTime<Utc>, most: i64) -> Result<Vec<Row>> {
        let rows = sqlx::query!(
            r#"
            SELECT d.id AS "id!: MessageId", d.campaign_id AS "campaign!: CampaignId",
                   d.enrolment_id AS "enrolment!: EnrolmentId", d.version_number AS "version!",
                   d.attempts AS "attempts!",
                   d.window_ends_at <= $2 AS "window_over!", coalesce(d.room_at <= $2, false) AS "stood!",
                   d.step_id AS "step!: StepId", d.variant AS "variant!", d.email AS "step_email: Json<Email>",
                   d.before AS "before: Json<Vec<Before>>",
                   l.email AS "email?: EmailAddress", l.first_name AS "first_name?", l.last_name AS "last_name?",
                   l.title AS "title?", l.country AS "country?", a.name AS "account?",
                   coalesce(is_suppressed(l.email), false) AS "suppressed!",
                   (SELECT k.mime FROM message_contents k WHERE k.message_id = d.id AND d.attempts > 0) AS "frozen?",
                   p.id AS "draft?: DraftId",
                   p.subject AS "draft_subject?", p.body AS "draft_body?",
                   coalesce(p.checked_at <= $4, false) AS "stale!", c.tracking AS "tracking?: Json<Tracking>"
            FROM (SELECT id, plan_shift, rules -> 'tracking' AS tracking FROM campaigns WHERE state = 'running') c
            CROSS JOIN LATERAL (
                SELECT m.id, m.campaign_id, m.enrolment_id, m.lead_id, m.step_id, m.variant, m.attempts, m.due_at,
                       m.window_ends_at, m.draft_id, m.room_at, e.version_number,
                       (SELECT w.step FROM campaign_versions v
                            CROSS JOIN LATERAL jsonb_array_elements(v.steps) AS w (step)
                        WHERE v.campaign_id = c.id AND v.number = e.version_number
                          AND w.step ->> 'id' = m.step_id::text) AS email,
                       (SELECT jsonb_agg(jsonb_build_object('id', b.message_id_header, 'subject', b.subject)
                                         ORDER BY b.sent_at, b.id) FILTER (WHERE b.state = 'sent')
                        -- In the order of `messages_once_key`, which finds them by the enrolment: all others are many.
                        FROM (SELECT * FROM messages WHERE enrolment_id = e.id ORDER BY step_id, attempt_group) b) AS before
                FROM messages m
                -- One by one behind the message, not all of them before it: what there is no statistics of yet seems few.
                -- Both without waiting, and the enrolment first, as everybody locks them.
                CROSS JOIN LATERAL (
                    SELECT id, version_number FROM enrolments
                    WHERE id = m.enrolment_id AND state IN ('active', 'waiting_delay', 'waiting_window')
                    LIMIT 1 FOR UPDATE SKIP LOCKED
                ) e
                WHERE m.campaign_id = c.id AND m.mailbox_id = $1 AND m.state IN ('scheduled', 'deferred')
                  AND NOT m.waits_for_draft AND m.plan_shift = c.plan_shift AND m.due_at <= $2
                  -- What is written for one lead leaves only as it was approved.
                  AND (NOT m.needs_draft OR EXISTS (
                          SELECT FROM drafts d WHERE d.id = m.draft_id AND d.state IN ('approved', 'used')))
                ORDER BY m.due_at
                LIMIT $3
                FOR UPDATE OF m SKIP LOCKED
            ) d
            LEFT JOIN leads l ON l.id = d.lead_id
            LEFT JOIN accounts a ON a.id = l.account_id
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
                version: r.version,
                step: r.step,
                email: r.step_email.map(|email| email.0),
                variant: r.variant,
                before: r.before.map(|before| before.0).unwrap_or_default(),
                opening: None,
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
                stood: r.stood,
                frozen: r.frozen,
                draft: r.draft.zip(r.draft_subject.zip(r.draft_body)).map(|(id, (subject, body))| Approved {
                    id,
                    subject,
                    body,
                    stale: r.stale,
                }),
                tracking: r.tracking.map(|tracking| tracking.0).unwrap_or_default(),
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
        Desk { sender, hears, links, .. }: &Desk,
    ) -> std::result::Result<Claimed, (EnrolmentId, Vec<String>)> {
        let db = self.t.db();
        let link = db.secrets().link_token(UNSUBSCRIBE, row.id.0);
        let unsubscribe_url = format!("{}/p/{link}", db.settings().public_url);
        let email = row.email.unwrap_or_default();
        let answers = email.thread == Thread::Reply;
        let content = match row.frozen {
            Some(mime) => Content::Frozen(mime),
            None => {
                let mut written = match &row.draft {
                    Some(draft) => write_approved(&draft.subject, &draft.body, sender, &unsubscribe_url),
                    None => write(email.wording(row.variant), &row.facts, sender, &unsubscribe_url),
                };
                if let Some(first) = row.before.first().filter(|_| answers) {
                    written.subject = answer_to(&first.subject);
                }
                if answers && written.subject.is_empty() {
                    // It begins the conversation itself.
                    let opening = row.opening.as_deref().unwrap_or_default();
                    let begun = write((opening, ""), &row.facts, sender, &unsubscribe_url);
                    written.subject = begun.subject;
                    written.missing.extend(begun.missing);
                }
                if answers && written.subject.is_empty() {
                    written.missing.push("subject".to_owned());
                }
                if !written.missing.is_empty() {
                    return Err((row.enrolment, written.missing));
                }
                Content::Written(written)
            }
        };
        let domain = sender.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        Ok(Claimed {
            id: row.id,
            place: Place::Campaign { campaign: row.campaign, enrolment: row.enrolment },
            mailbox,
            token,
            recipient_name: display_name(row.facts.first_name.as_deref(), row.facts.last_name.as_deref(), None),
            recipient,
            // The same for every try of this message, so that copies can be recognised (RFC 5322, 3.6.4).
            message_id_header: format!("<{}@{domain}>", Uuid::new_v5(&row.enrolment.0, row.id.0.as_bytes())),
            unsubscribe_url: Some(unsubscribe_url),
            unsubscribe_mailto: mailto(&sender.address, &link).filter(|_| *hears),
            tracked: links
                .as_ref()
                .filter(|_| row.tracking.is_on())
                .map(|base| Tracked::new(db.secrets().clone(), base.clone(), row.id, row.tracking)),
            thread: if answers { row.before.into_iter().map(|before| before.id).collect() } else { Vec::new() },
            content,
        })
    }

    async fn desk(&mut self, mailbox: MailboxId, now: DateTime<Utc>) -> Result<Desk> {
        let row = sqlx::query!(
            r#"SELECT m.from_name, m.address, c.name, c.postal_address, c.recipient_hourly, c.recipient_daily,
                      m.kind = 'sandbox' AS "sandbox!",
                      m.kind = 'sandbox' OR EXISTS (
                          SELECT FROM inboxes i WHERE i.mailbox_id = m.id AND i.read_at > $2) AS "hears!"
               FROM mailboxes m, companies c WHERE m.id = $1"#,
            mailbox.0,
            now - HEARD
        )
        .fetch_one(self.t.conn())
        .await?;
        let links = match self.t.link_hosts().used().await? {
            Some(host) => Some(format!("https://{host}")),
            // Nothing leaves the sandbox, so nobody outside needs to know the name.
            None => row.sandbox.then(|| self.t.db().settings().public_url.clone()),
        };
        let sender =
            Sender { name: row.from_name, address: row.address, company: row.name, postal_address: row.postal_address };
        let limits = RecipientLimits { per_hour: row.recipient_hourly, per_day: row.recipient_daily };
        Ok(Desk { sender, hears: row.hears, limits, links })
    }

    /// There is no room at the recipient's domain. It keeps a place in line, unless the window moves it.
    async fn put_off(&mut self, row: &Row, group: &str, wait: &Wait) -> Result<()> {
        let now = self.t.now();
        let slot = self.t.campaigns().next_slot(row.campaign, row.enrolment, row.step, wait.at).await?;
        sqlx::query!(
            "UPDATE messages SET due_at = $2, window_ends_at = $3, updated_at = $4, room_at = $5,
                 recipient_group = $6, waits_for = $7, waits_until = $2
             WHERE id = $1",
            row.id.0,
            slot.due_at,
            slot.ends_at.min(FAR),
            now,
            Some(slot.due_at).filter(|due| *due == wait.at),
            group,
            wait.words,
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "UPDATE enrolments SET state = $3, updated_at = $2
             WHERE id = $1 AND state IN ('active', 'waiting_delay', 'waiting_window')",
            row.enrolment.0,
            now,
            waiting_state(slot, now).as_str(),
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

/// The subject of an answer (RFC 5322, 3.6.5): “Re: ” once, before that of the first e-mail.
fn answer_to(subject: &str) -> String {
    let bare = subject.get(..3).filter(|start| start.eq_ignore_ascii_case("re:")).map_or(subject, |_| &subject[3..]);
    format!("Re: {}", bare.trim_start())
}

/// The other way to leave, for mail programs that know no links (RFC 2369, 3.2). An address whose characters would
/// have to be encoded has the link only.
fn mailto(address: &str, link: &str) -> Option<String> {
    let is_plain = address.bytes().all(|b| b.is_ascii_alphanumeric() || b"@.-_".contains(&b));
    is_plain.then(|| format!("{address}?subject=unsubscribe%20{link}"))
}
