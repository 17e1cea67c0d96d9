//! What a mail that has come makes of its thread.

use domain::{
    EmailAddress, MessageId, ThreadId,
    inbound::{Confidence, InboundKind, Judgement, Mail, classify, split},
    threads::{ClassifiedBy, SNIPPET, ThreadState},
};

use super::{Arrived, Threads};
use crate::{Result, inbound::Match, jobs::ClassifyThread};

impl Threads<'_> {
    /// Puts a mail into its thread, which is made for the first one. Reports of servers, and what the company itself
    /// writes, belong to none.
    pub(crate) async fn keep(
        &mut self,
        arrived: &Arrived,
        mail: &Mail,
        judgement: &Judgement,
        found: &Match,
    ) -> Result<()> {
        let talks = matches!(
            judgement.kind,
            InboundKind::Reply | InboundKind::AutoReply | InboundKind::OutOfOffice | InboundKind::Unsubscribe
        );
        let address = mail.from.as_ref().map(EmailAddress::as_str);
        let who = match (found.lead, address) {
            _ if !talks && !arrived.stranger => None,
            (Some(lead), _) => Some(format!("lead:{lead}")),
            (None, Some(address)) => Some(format!("from:{address}")),
            (None, None) => None,
        };
        let effects: Vec<String> = arrived.effects.iter().map(ToString::to_string).collect();
        let Some(who) = who else {
            return self.note(arrived, None, &effects).await;
        };
        // An answer is wanted by whoever a campaign has written to; whoever writes of themselves stands under “All”.
        let state = match judgement.kind {
            InboundKind::Reply => Some(ThreadState::NeedsAnswer),
            InboundKind::Unsubscribe => Some(ThreadState::Done),
            _ => None,
        };
        let classified = classify(judgement, &mail.text);
        let person = matches!(judgement.kind, InboundKind::Reply | InboundKind::Unsubscribe) || arrived.stranger;
        let tells = person && classified.confidence != Confidence::Unsure;
        let snippet: String = split(&mail.text).own.split_whitespace().collect::<Vec<_>>().join(" ");
        let id: ThreadId = self.t.new_id();
        let thread = sqlx::query!(
            r#"
            INSERT INTO threads AS t (id, mailbox_id, who, lead_id, account_id, campaign_id, from_name, from_address, subject,
                                      snippet, state, unread, last_at, class, class_why, class_confidence, classified_by,
                                      class_inbound_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce($11, 'done'), $12, $13, $14, $15, $16, $17, $18)
            ON CONFLICT ON CONSTRAINT threads_who_key DO UPDATE SET
                lead_id = coalesce(excluded.lead_id, t.lead_id),
                account_id = coalesce(excluded.account_id, t.account_id),
                campaign_id = coalesce(excluded.campaign_id, t.campaign_id),
                from_name = excluded.from_name, from_address = excluded.from_address, subject = excluded.subject,
                snippet = excluded.snippet, state = coalesce($11, t.state),
                snoozed_until = CASE WHEN $11::text IS NULL THEN t.snoozed_until END,
                unread = t.unread OR excluded.unread, last_at = greatest(t.last_at, excluded.last_at),
                -- A class that says something gives way only to one that says something, too.
                (class, class_why, class_confidence, classified_by, class_inbound_id) = (
                    SELECT v.class, v.why, v.confidence, v.by, v.inbound FROM (VALUES
                        (true, excluded.class, excluded.class_why, excluded.class_confidence, excluded.classified_by,
                         excluded.class_inbound_id),
                        (false, t.class, t.class_why, t.class_confidence, t.classified_by, t.class_inbound_id)
                    ) v (is_new, class, why, confidence, by, inbound)
                    WHERE v.is_new = ($19 OR (t.class IN ('other', 'out_of_office')
                                               AND ($20 OR t.state <> 'needs_answer')))),
                version = t.version + 1
            RETURNING id AS "id: ThreadId", class_inbound_id = $18 AS "judged?", assignee_id
            "#,
            id.0,
            arrived.mailbox.0,
            who,
            found.lead.map(|id| id.0),
            found.account.map(|id| id.0),
            found.campaign.map(|id| id.0),
            mail.from_name,
            address,
            mail.subject,
            snippet.chars().take(SNIPPET).collect::<String>(),
            state.map(ThreadState::as_str),
            judgement.kind == InboundKind::Reply,
            arrived.at,
            classified.class.as_str(),
            classified.why,
            classified.confidence.as_str(),
            ClassifiedBy::Rule.as_str(),
            arrived.id.0,
            tells,
            person,
        )
        .fetch_one(self.t.conn())
        .await?;
        self.note(arrived, Some(thread.id), &effects).await?;
        if thread.judged == Some(true) && !arrived.stranger {
            let unsure = person && classified.confidence == Confidence::Unsure;
            // Whoever is asked will say what it is about.
            let asked = unsure && self.ask_models(thread.id).await?;
            if let Some(lead) = found.lead.filter(|_| !asked) {
                self.t.events().reply_classified(lead, found.campaign, arrived.id, classified.class).await?;
            }
        }
        self.t.tell("threads", thread.id.0).await
    }

    /// A server had taken an answer, and it came back after all: somebody has to look at it, once.
    pub(crate) async fn answer_came_back(&mut self, message: MessageId) -> Result<()> {
        let thread = sqlx::query_scalar!(
            "UPDATE threads t SET state = 'needs_answer', snoozed_until = NULL, unread = true, version = version + 1
             FROM replies r JOIN messages m ON m.id = r.message_id
             WHERE t.id = r.thread_id AND r.message_id = $1 AND m.came_back IS NULL RETURNING t.id",
            message.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        match thread {
            Some(thread) => self.t.tell("threads", thread).await,
            None => Ok(()),
        }
    }

    /// Keeps with a mail to which thread it belongs and what was done because of it.
    async fn note(&mut self, arrived: &Arrived, thread: Option<ThreadId>, effects: &[String]) -> Result<()> {
        if thread.is_none() && effects.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "UPDATE inbound_messages SET thread_id = $2, effects = $3 WHERE id = $1",
            arrived.id.0,
            thread.map(|id| id.0),
            effects,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// What the rules leave open is a question for a model, where the company has one. Whether it was asked.
    async fn ask_models(&mut self, thread: ThreadId) -> Result<bool> {
        if !self.has_model().await? {
            return Ok(false);
        }
        let company = self.t.actor().company();
        self.t.enqueue(&ClassifyThread { company, thread }).await?;
        Ok(true)
    }
}
