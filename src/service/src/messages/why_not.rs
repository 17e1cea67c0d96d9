//! Why e-mails have not left yet: gathers the facts of a page of leads, and `domain::why_not` judges them.

use std::collections::HashMap;

use domain::{
    CampaignId, EmailAddress, EnrolmentId, MailboxId, StepId,
    campaigns::CampaignState,
    domains::RecordKind,
    enrolments::EnrolmentState,
    mailboxes::MailboxState,
    messages::{Message, MessageInFull, MessageState},
    why_not::{DraftWait, Facts, Planned, Sender, WhyNot},
};

use super::{Messages, windows};
use crate::Result;

impl Messages<'_> {
    /// Why each of these leads has not got its next e-mail; nothing of those that have left their campaign.
    pub(crate) async fn why_not(&mut self, enrolments: &[EnrolmentId]) -> Result<HashMap<EnrolmentId, WhyNot>> {
        let ids: Vec<_> = enrolments.iter().map(|id| id.0).collect();
        let now = self.t.now();
        let rows = sqlx::query!(
            r#"
            SELECT e.id AS "id!: EnrolmentId", e.state AS "state!: EnrolmentState", e.pause_reason, e.away_until,
                   e.due_at AS step_due_at, c.state AS "campaign!: CampaignState",
                   coalesce(m.mailbox_id, e.mailbox_id) AS "mailbox: MailboxId",
                   m.state AS "message?: MessageState", m.due_at AS "due_at?", m.window_ends_at AS "window_ends_at?",
                   m.id AS "message_id?", e.campaign_id AS "campaign_id!: CampaignId", m.step_id AS "step?: StepId",
                   e.version_number AS "version!", l.time_zone AS "zone?", l.country AS "country?",
                   m.detail AS "detail?", CASE WHEN m.waits_until = m.due_at THEN m.waits_for END AS waits_for,
                   coalesce(m.plan_shift = c.plan_shift, true) AS "is_current!",
                   coalesce(m.waits_for_draft OR m.needs_draft AND coalesce(d.state NOT IN ('approved', 'used'), true),
                            false) AS "waits_for_draft!",
                   coalesce(d.state = 'open', false) AS "has_draft!",
                   e.away_until IS NOT NULL AND EXISTS (
                       SELECT FROM inbound_messages i WHERE i.lead_id = e.lead_id AND i.kind = 'out_of_office') AS "is_away!",
                   l.email AS "email?: EmailAddress", coalesce(is_suppressed(l.email), false) AS "suppressed!"
            FROM enrolments e
            JOIN campaigns c ON c.id = e.campaign_id
            LEFT JOIN leads l ON l.id = e.lead_id
            LEFT JOIN LATERAL (
                SELECT * FROM messages g
                WHERE g.enrolment_id = e.id AND g.state IN ('scheduled', 'claimed', 'sending', 'deferred', 'held')
                ORDER BY g.created_at DESC, g.id DESC LIMIT 1
            ) m ON true
            LEFT JOIN LATERAL (
                SELECT o.state FROM drafts o
                WHERE o.id = m.draft_id OR o.message_id = m.id AND o.state = 'open'
                ORDER BY o.id = m.draft_id DESC NULLS LAST LIMIT 1
            ) d ON true
            WHERE e.id = ANY($1) AND e.is_open
            "#,
            &ids
        )
        .fetch_all(self.t.conn())
        .await?;
        let closed: Vec<_> = rows
            .iter()
            .filter(|row| row.window_ends_at.is_some_and(|end| end <= now))
            .filter_map(|row| {
                Some(windows::Planned {
                    id: row.message_id?,
                    campaign: row.campaign_id,
                    step: row.step?,
                    version: row.version,
                    away_until: row.away_until,
                    zone: row.zone.clone(),
                    country: row.country.clone(),
                })
            })
            .collect();
        let slots = self.next_slots(&closed, now).await?;
        let opens: HashMap<_, _> = closed.iter().zip(slots).map(|(one, slot)| (one.id, slot.due_at)).collect();
        let senders = self.senders(rows.iter().filter_map(|row| row.mailbox).collect()).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let planned = row.message.zip(row.due_at).zip(row.message_id).map(|((state, due_at), id)| Planned {
                    state,
                    due_at,
                    opens_at: opens.get(&id).copied(),
                    is_current: row.is_current,
                    draft: row.waits_for_draft.then_some(match row.has_draft {
                        true => DraftWait::Approval,
                        false => DraftWait::Writer,
                    }),
                    detail: row.detail,
                    waits_for: row.waits_for,
                });
                let facts = Facts {
                    campaign: row.campaign,
                    state: row.state,
                    paused: row.pause_reason.as_deref(),
                    away_until: row.away_until,
                    is_away: row.is_away,
                    step_due_at: row.step_due_at,
                    planned: planned.as_ref(),
                    unsendable: match (&row.email, row.suppressed) {
                        (None, _) => Some("the lead has no address"),
                        (Some(_), true) => Some("the address is suppressed"),
                        (Some(_), false) => None,
                    },
                    sender: row.mailbox.and_then(|id| senders.get(&id)),
                };
                (row.id, facts.why_not(now))
            })
            .collect())
    }

    /// The same for a page of e-mails.
    pub(crate) async fn in_full(&mut self, messages: Vec<Message>) -> Result<Vec<MessageInFull>> {
        let waiting = |m: &Message| !m.state.is_terminal();
        let ids: Vec<_> = messages.iter().filter(|m| waiting(m)).map(|m| m.enrolment_id).collect();
        let why_not = self.why_not(&ids).await?;
        Ok(messages
            .into_iter()
            .map(|message| MessageInFull {
                why_not_yet: why_not.get(&message.enrolment_id).filter(|_| waiting(&message)).cloned(),
                message,
            })
            .collect())
    }

    /// What decides when these mailboxes send again.
    pub(crate) async fn senders(&mut self, mut ids: Vec<MailboxId>) -> Result<HashMap<MailboxId, Sender>> {
        ids.sort_unstable();
        ids.dedup();
        let ids: Vec<_> = ids.into_iter().map(|id| id.0).collect();
        let now = self.t.now();
        let rows = sqlx::query!(
            r#"SELECT b.id AS "id: MailboxId", b.address, b.state AS "state: MailboxState", mailbox_failing(b.id) AS failing,
                      mailbox_cap(b.daily_cap, b.ramp_from, $2) - mailbox_used(b.id, $2) AS "room!",
                      least((SELECT min(m.sending_at) FROM messages m
                             WHERE m.mailbox_id = b.id AND m.sending_at > $2::timestamptz - interval '24 hours'),
                            (SELECT min(x.sending_at) FROM test_mails x
                             WHERE x.mailbox_id = b.id AND x.sending_at > $2::timestamptz - interval '24 hours'))
                          + interval '24 hours' AS free_at,
                      nullif(b.not_before, '-infinity') AS not_before,
                      CASE WHEN b.failures > 0 THEN b.last_error END AS fault
               FROM mailboxes b WHERE b.id = ANY($1)"#,
            &ids,
            now
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let failing = row.failing.iter().flatten().filter_map(|kind| RecordKind::parse(kind)).collect();
                let sender = Sender {
                    address: row.address,
                    state: row.state,
                    failing,
                    room: row.room,
                    free_at: row.free_at,
                    not_before: row.not_before,
                    fault: row.fault,
                };
                (row.id, sender)
            })
            .collect())
    }
}
