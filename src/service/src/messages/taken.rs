//! What the lanes of a worker bring at the same time: e-mails that were taken, and others that are ready to leave. Kept
//! together, because a transaction for each of them costs the database more than what it writes.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use domain::{
    CampaignId,
    campaigns::CampaignState,
    enrolments::EnrolmentState,
    leads::{LeadEventKind, LeadStatus},
    messages::SendOutcome,
    steps::Sequence,
};
use uuid::Uuid;

use super::{Claimed, Messages, Ready, begin::of_campaign, outcome::Row};
use crate::{Result, campaigns::walk::At};

/// An e-mail that a server has taken.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'m> {
    /// Which.
    pub claimed: &'m Claimed,
    /// Reply of the server.
    pub reply: &'m str,
    /// Its id for the e-mail, when the reply names one.
    pub queue_id: Option<&'m str>,
}

impl Taken<'_> {
    fn outcome(&self) -> SendOutcome {
        SendOutcome::Accepted { reply: self.reply.to_owned(), queue_id: self.queue_id.map(str::to_owned) }
    }
}

impl Messages<'_> {
    /// Records what was taken and begins what is ready, in one go: of each lane one that is done, one that is next, or
    /// both. Says for each that is ready whether it may leave; the caller commits before the first byte of them does.
    ///
    /// # Errors
    /// When the database is away, or one of them cannot be kept: then none is, and each has to be tried alone.
    pub async fn keep(&mut self, taken: &[Taken<'_>], ready: &[Ready<'_>]) -> Result<Vec<bool>> {
        // Threads come before enrolments, as everybody locks them.
        for one in taken.iter().filter(|one| of_campaign(one.claimed).is_none()) {
            self.record_reply(one.claimed.id, one.claimed.token, &one.outcome()).await?;
        }
        let mut begun = self.begin_replies(ready).await?;
        let all = taken.iter().map(|one| one.claimed).chain(ready.iter().map(|one| one.claimed));
        let places: Vec<_> = all.filter_map(of_campaign).collect();
        if !places.is_empty() {
            let open = self.hold(&places).await?;
            begun.extend(self.begin_held(ready, &open).await?);
            self.record_taken(taken).await?;
        }
        Ok(ready.iter().map(|one| begun.contains(&one.claimed.proof())).collect())
    }

    async fn record_taken(&mut self, taken: &[Taken<'_>]) -> Result<()> {
        let ours: Vec<_> = taken.iter().map(|one| (one.claimed.id, one.claimed.token)).collect();
        let mut rows = self.lock(&ours).await?;
        let mut known = Vec::new();
        for one in taken {
            let Some(place) = rows.iter().position(|row| row.id == one.claimed.id) else { continue };
            let mut row = rows.swap_remove(place);
            self.know_again(&mut row).await?;
            known.push((row, one.reply, one.queue_id));
        }
        self.taken(&known).await
    }

    /// Taken: each lead goes on behind the step, and after the last one its sequence has ended. A pause or a stop meanwhile
    /// holds what follows.
    pub(super) async fn taken(&mut self, taken: &[(Row, &str, Option<&str>)]) -> Result<()> {
        if taken.is_empty() {
            return Ok(());
        }
        let mut ways: BTreeMap<(CampaignId, i32), Sequence> = BTreeMap::new();
        for (row, ..) in taken {
            if let Entry::Vacant(way) = ways.entry((row.campaign, row.version)) {
                way.insert(self.t.campaigns().sequence(row.campaign, row.version).await?);
            }
        }
        let is_last = |row: &Row| ways[&(row.campaign, row.version)].after(row.step).is_none();
        self.sent(taken, is_last).await?;
        let failing: BTreeSet<_> =
            taken.iter().filter(|(row, ..)| row.mailbox_failing).map(|(r, ..)| r.mailbox).collect();
        for mailbox in failing {
            self.t.mailboxes().recovered(mailbox).await?;
        }
        let go_on: Vec<_> =
            taken.iter().map(|(row, ..)| row).filter(|row| row.enrolment_open && !is_last(row)).collect();
        let mut walkers: BTreeMap<(CampaignId, i32), Vec<_>> = BTreeMap::new();
        for row in &go_on {
            let way = (row.campaign, row.version);
            let goes_on = row.campaign_state == CampaignState::Running && row.held.is_none();
            let at = match ways[&way].after(row.step) {
                // A worker does what is no e-mail, once the campaign runs and its lead is not held any more.
                Some(next) if !goes_on => At::Later(next.id),
                _ => At::Done(row.step),
            };
            walkers.entry(way).or_default().push((row.enrolment, at));
        }
        for ((campaign, version), walkers) in walkers {
            self.t.campaigns().walk_on(campaign, version, &walkers).await?;
        }
        // Somebody has held it while this e-mail was on its way: what comes next is held too.
        for (row, why) in go_on.iter().filter_map(|row| Some((row, row.held.as_ref()?))) {
            self.t.enrolments().put_on_hold(&[row.enrolment.0], why).await?;
        }
        Ok(())
    }

    /// One statement, however many they are: this is what happens most. The histories of campaigns and leads read in the
    /// ledger that an e-mail has left.
    async fn sent(&mut self, taken: &[(Row, &str, Option<&str>)], is_last: impl Fn(&Row) -> bool) -> Result<()> {
        let now = self.t.now();
        let ids = |of: fn(&Row) -> Uuid| taken.iter().map(|(row, ..)| of(row)).collect::<Vec<_>>();
        let changed = sqlx::query!(
            r#"WITH s AS (
                 SELECT s.* FROM by_key($3) k
                 JOIN unnest($3::uuid[], $4::uuid[], $6::int[], $7::text[], $8::text[], $9::bool[])
                      AS s (id, enrolment_id, position, reply, queue_id, ends) USING (id)
             ), message AS (
                 UPDATE messages m SET state = 'sent', sent_at = $1, queue_id = s.queue_id, detail = s.reply,
                     attempts = attempts + 1, lease_until = NULL, updated_at = $1
                 FROM s WHERE m.id = s.id
             ), draft AS (
                 UPDATE drafts d SET state = 'used', version = version + 1
                 FROM s WHERE d.message_id = s.id AND d.state = 'approved'
             ), enrolment AS (
                 UPDATE enrolments e SET state = $10, steps_done = s.position, step_id = NULL, updated_at = $1
                 FROM s WHERE e.id = s.enrolment_id AND s.ends
             ), old AS MATERIALIZED (
                 -- In one order: the same leads may be in the campaigns of another worker.
                 SELECT l.id, l.status FROM (SELECT DISTINCT id FROM by_key($5)) k JOIN leads l USING (id)
                 ORDER BY l.id FOR NO KEY UPDATE OF l
             )
             UPDATE leads l SET status = CASE l.status WHEN 'new' THEN 'working' ELSE l.status END,
                 last_activity = $2, last_activity_at = $1
             FROM old
             WHERE l.id = old.id
             RETURNING l.id, old.status <> l.status AS "changed!""#,
            now,
            LeadEventKind::Sent.as_str(),
            &ids(|row| row.id.0),
            &ids(|row| row.enrolment.0),
            &taken.iter().map(|(row, ..)| row.lead.map(|lead| lead.0)).collect::<Vec<_>>() as &[Option<Uuid>],
            &taken.iter().map(|(row, ..)| row.position).collect::<Vec<_>>(),
            &taken.iter().map(|(_, reply, _)| (*reply).to_owned()).collect::<Vec<_>>(),
            &taken.iter().map(|(.., queue_id)| queue_id.map(str::to_owned)).collect::<Vec<_>>() as &[Option<String>],
            &taken.iter().map(|(row, ..)| row.enrolment_open && is_last(row)).collect::<Vec<_>>(),
            EnrolmentState::Finished.as_str(),
        )
        .fetch_all(self.t.conn())
        .await?;
        let changed = changed.into_iter().filter(|lead| lead.changed);
        let changed: Vec<_> = changed.map(|lead| (lead.id, LeadStatus::New)).collect();
        self.t.events().statuses_changed(&changed, LeadStatus::Working).await
    }
}
