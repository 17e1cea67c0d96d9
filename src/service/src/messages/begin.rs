//! The last look before the hand-over, at as many e-mails at once as are ready. Each is looked at for itself: one that
//! must not be sent any more goes out of the others' way.

use std::collections::HashMap;

use domain::{CampaignId, EnrolmentId, MessageId, messages::LEASE};
use uuid::Uuid;

use super::{Claimed, Messages, Place};
use crate::{Result, tracking::Tracked};

/// An e-mail that is ready to leave.
#[derive(Clone, Copy, Debug)]
pub struct Ready<'m> {
    /// Which.
    pub claimed: &'m Claimed,
    /// Its subject; that of an earlier try stays when empty.
    pub subject: &'m str,
    /// The e-mail as it will be handed over, byte for byte.
    pub mime: &'m [u8],
    /// Whom it will be handed over to, as `host:port`.
    pub server: &'m str,
    /// Where the links lead that are followed, by their places from 1; those of an earlier try stay when absent.
    pub links: Option<&'m [String]>,
}

impl<'m> Ready<'m> {
    /// One without links.
    #[must_use]
    pub fn new(claimed: &'m Claimed, subject: &'m str, mime: &'m [u8], server: &'m str) -> Self {
        Self { claimed, subject, mime, server, links: None }
    }

    /// What it tells of: opens and clicks.
    fn tells(&self) -> Option<(bool, bool)> {
        let links = self.links?;
        let wants = self.claimed.tracked.as_ref().map(Tracked::wants)?;
        Some((wants.opens, wants.clicks && !links.is_empty()))
    }
}

impl Messages<'_> {
    /// The last look before the hand-over. Freezes the e-mails that may leave and marks them `sending`; the caller
    /// commits before the first byte of them leaves. Says for each whether it may.
    ///
    /// # Errors
    /// When the database is away; then nothing leaves.
    pub async fn begin(&mut self, ready: &[Ready<'_>]) -> Result<Vec<bool>> {
        self.keep(&[], ready).await
    }

    /// The answers of people among what is ready. Gives the claims that may leave.
    pub(super) async fn begin_replies(&mut self, ready: &[Ready<'_>]) -> Result<Vec<(MessageId, Uuid)>> {
        let mut begun = Vec::new();
        for one in ready {
            if let Place::Thread(thread) = one.claimed.place
                && self.begin_reply(one.claimed, thread, one.mime, one.server).await?
            {
                begun.push(one.claimed.proof());
            }
        }
        Ok(begun)
    }

    /// The e-mails of campaigns among what is ready; `open` says of which enrolments, which the caller holds, e-mails
    /// may leave. Gives the claims that may.
    pub(super) async fn begin_held(
        &mut self,
        ready: &[Ready<'_>],
        open: &HashMap<EnrolmentId, bool>,
    ) -> Result<Vec<(MessageId, Uuid)>> {
        let of_campaigns = ready.iter().filter_map(|one| Some((one, of_campaign(one.claimed)?.1)));
        let (may, closed): (Vec<_>, Vec<_>) =
            of_campaigns.partition(|(_, enrolment)| open.get(enrolment).copied().unwrap_or(false));
        let may: Vec<_> = may.into_iter().map(|(one, _)| one).collect();
        let begun = self.mark_as_sending(&may).await?;
        self.keep_links(&may, &begun).await?;
        for (one, _) in closed {
            let suppressed = self.is_suppressed(one.claimed).await?;
            self.release(one.claimed, suppressed).await?;
        }
        for one in may.iter().filter(|one| !begun.contains(&one.claimed.proof())) {
            if self.is_suppressed(one.claimed).await? {
                self.release(one.claimed, true).await?;
            }
        }
        Ok(begun)
    }

    /// Holds campaigns, then enrolments, in the order of everybody and among themselves in that of their ids, so that
    /// two who hold many never wait for each other. Says of each enrolment whether e-mails of it may leave.
    pub(super) async fn hold(&mut self, places: &[(CampaignId, EnrolmentId)]) -> Result<HashMap<EnrolmentId, bool>> {
        let (campaigns, enrolments): (Vec<_>, Vec<_>) = places.iter().map(|(c, e)| (c.0, e.0)).unzip();
        let running: Vec<Uuid> = sqlx::query!(
            r#"SELECT id, state = 'running' AS "running!" FROM campaigns WHERE id = ANY($1) ORDER BY id FOR SHARE"#,
            &campaigns
        )
        .fetch_all(self.t.conn())
        .await?
        .into_iter()
        .filter_map(|campaign| campaign.running.then_some(campaign.id))
        .collect();
        let rows = sqlx::query!(
            r#"SELECT id AS "id!: EnrolmentId", campaign_id,
                      state IN ('active', 'waiting_delay', 'waiting_window') AS "goes_on!"
               FROM by_key($1) k JOIN enrolments e USING (id) ORDER BY id FOR UPDATE OF e"#,
            &enrolments
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.goes_on && running.contains(&row.campaign_id))).collect())
    }

    /// Marks what is still ours and may be sent, and keeps its bytes. Of two claims of one e-mail only the newest is ours.
    async fn mark_as_sending(&mut self, mails: &[&Ready<'_>]) -> Result<Vec<(MessageId, Uuid)>> {
        if mails.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.t.now();
        let tells: Vec<_> = mails.iter().map(|one| one.tells()).collect();
        let begun = sqlx::query!(
            r#"WITH r AS MATERIALIZED (
                   SELECT r.*, is_suppressed(r.recipient) AS suppressed
                   FROM by_key($3) k JOIN unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[],
                                        $10::bool[], $11::bool[])
                        AS r (id, token, recipient, subject, header, server, mime, opens, clicks) USING (id)
               ), ours AS (
                   UPDATE messages m SET state = 'sending', sending_at = $1, lease_until = $2,
                       first_attempt_at = coalesce(first_attempt_at, $1), recipient = r.recipient,
                       subject = coalesce(nullif(r.subject, ''), m.subject, ''),
                       message_id_header = r.header, server = r.server,
                       tracks_opens = coalesce(r.opens, tracks_opens), tracks_clicks = coalesce(r.clicks, tracks_clicks),
                       updated_at = $1
                   FROM r
                   WHERE m.id = r.id AND m.state = 'claimed' AND m.lease_token = r.token AND NOT r.suppressed
                     AND NOT waits_for_draft AND (NOT needs_draft OR draft_id IS NOT NULL)
                     AND (draft_id IS NULL OR EXISTS (SELECT FROM drafts d WHERE d.id = m.draft_id
                                                        AND d.state IN ('approved', 'used')))
                   RETURNING m.id, r.token, r.mime
               ), kept AS (
                   -- After a try that broke before its end it is written anew: what is kept is what was handed over last.
                   INSERT INTO message_contents AS c (message_id, mime) SELECT id, mime FROM ours
                   ON CONFLICT (company_id, message_id) DO UPDATE SET mime = excluded.mime WHERE c.mime <> excluded.mime
               )
               SELECT id AS "id!: MessageId", token AS "token!" FROM ours"#,
            now,
            now + LEASE,
            &mails.iter().map(|one| one.claimed.id.0).collect::<Vec<_>>(),
            &mails.iter().map(|one| one.claimed.token).collect::<Vec<_>>(),
            &mails.iter().map(|one| one.claimed.recipient.to_string()).collect::<Vec<_>>(),
            &mails.iter().map(|one| one.subject.to_owned()).collect::<Vec<_>>(),
            &mails.iter().map(|one| one.claimed.message_id_header.clone()).collect::<Vec<_>>(),
            &mails.iter().map(|one| one.server.to_owned()).collect::<Vec<_>>(),
            &mails.iter().map(|one| one.mime.to_vec()).collect::<Vec<_>>(),
            &tells.iter().map(|tells| tells.map(|(opens, _)| opens)).collect::<Vec<_>>() as &[Option<bool>],
            &tells.iter().map(|tells| tells.map(|(_, clicks)| clicks)).collect::<Vec<_>>() as &[Option<bool>],
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(begun.into_iter().map(|one| (one.id, one.token)).collect())
    }

    /// Keeps where the links of e-mails that were just begun lead.
    async fn keep_links(&mut self, mails: &[&Ready<'_>], begun: &[(MessageId, Uuid)]) -> Result<()> {
        let (mut ids, mut places, mut urls) = (Vec::new(), Vec::new(), Vec::new());
        for one in mails.iter().filter(|one| one.tells().is_some() && begun.contains(&one.claimed.proof())) {
            for (url, place) in one.links.into_iter().flatten().zip(1_i16..) {
                ids.push(one.claimed.id.0);
                places.push(place);
                urls.push(url.clone());
            }
        }
        if ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "INSERT INTO tracked_links (message_id, lead_id, place, url)
             SELECT m.id, m.lead_id, l.place, l.url
             FROM unnest($1::uuid[], $2::smallint[], $3::text[]) AS l (id, place, url)
             JOIN messages m ON m.id = l.id WHERE m.lead_id IS NOT NULL
             ON CONFLICT (company_id, message_id, place) DO UPDATE SET url = excluded.url",
            &ids,
            &places,
            &urls,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}

/// The campaign and the enrolment of an e-mail that is part of one.
pub(super) fn of_campaign(claimed: &Claimed) -> Option<(CampaignId, EnrolmentId)> {
    match claimed.place {
        Place::Campaign { campaign, enrolment } => Some((campaign, enrolment)),
        Place::Thread(_) => None,
    }
}
