//! Somebody asks for a picture or a link: what it is, and what is written down about it.

use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, EnrolmentId, LeadId, MessageId, StepId,
    messages::{Evidence, MessageState},
    tracking::{Earlier, Hit, Judgement, MOST_EVENTS, Mail, Method, TOGETHER, TrackedBy, TrackingKind, judge, network},
};
use uuid::Uuid;

use super::{CLICK, OPEN};
use crate::{Actor, Db, Error, Result, Tenant};

/// Events of one e-mail that matter for the next one.
const LATELY: Duration = Duration::minutes(1);

/// How something was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// The host name that was asked, without a port.
    pub host: &'r str,
    /// From where.
    pub address: Option<IpAddr>,
    /// What it says it is.
    pub agent: &'r str,
    /// How.
    pub method: Method,
    /// It says that it fetches before anybody has asked.
    pub is_preload: bool,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The picture.
    Picture,
    /// A link that leads to this address.
    Link(String),
    /// Something that was ours: the lead or the company is deleted, and nothing is known any more.
    Gone,
}

/// What is known about an e-mail whose picture or link is asked for.
struct Known {
    message: MessageId,
    lead: LeadId,
    campaign: CampaignId,
    step: StepId,
    enrolment: EnrolmentId,
    state: MessageState,
    mail: Mail,
}

impl Db {
    /// Whether we have signed a token. Asks nobody, so that what is made up costs next to nothing.
    #[must_use]
    pub fn is_tracking_token(&self, kind: TrackingKind, token: &str) -> bool {
        let purpose = match kind {
            TrackingKind::Open => OPEN,
            TrackingKind::Click => CLICK,
        };
        self.secrets().read_place_token(purpose, token).is_some()
    }

    /// A picture was asked for.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a token that is not ours, or at another host name than those of the company.
    pub async fn see(&self, token: &str, request: &Request<'_>) -> Result<Asked> {
        self.ask(TrackingKind::Open, OPEN, token, request).await
    }

    /// A link was followed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a token that is not ours, or at another host name than those of the company.
    pub async fn follow(&self, token: &str, request: &Request<'_>) -> Result<Asked> {
        self.ask(TrackingKind::Click, CLICK, token, request).await
    }

    /// The same few statements for everybody, and none for a token that we have not signed.
    async fn ask(&self, kind: TrackingKind, purpose: &str, token: &str, request: &Request<'_>) -> Result<Asked> {
        let (message, place) = self.secrets().read_place_token(purpose, token).ok_or(Error::NotFound("link"))?;
        let message = MessageId(message);
        let Some(company) = self.platform().message_company(message).await? else { return Ok(Asked::Gone) };
        let actor = self.platform().system_actor(company, "recipient").await?;
        let (asked, known) = self.look_up(&actor, kind, message, place, request.host).await?;
        let Some(known) = known else { return Ok(asked) };
        let now = self.clock().now();
        let (method, is_preload, agent) = (request.method, request.is_preload, request.agent);
        let hit = Hit { kind, place, at: now, method, is_preload, agent };
        // Whoever has asked gets it, also when it cannot be written down.
        if let Err(error) = self.write_down(&actor, &known, &hit, request.address).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "An open or a click is not written down");
        }
        Ok(asked)
    }

    async fn look_up(
        &self,
        actor: &Actor,
        kind: TrackingKind,
        message: MessageId,
        place: i16,
        host: &str,
    ) -> Result<(Asked, Option<Known>)> {
        let mut t = self.tenant(actor).await?;
        let row = sqlx::query!(
            r#"
            SELECT m.lead_id AS "lead: LeadId", m.campaign_id AS "campaign!: CampaignId", m.step_id AS "step!: StepId",
                   m.enrolment_id AS "enrolment!: EnrolmentId", m.state AS "state: MessageState", m.tracks_opens,
                   coalesce(m.sent_at, m.sending_at) AS handed_over_at, b.kind = 'sandbox' AS "sandbox!",
                   EXISTS (SELECT FROM link_hosts h WHERE h.name = $3) AS "ours!",
                   (SELECT k.url FROM tracked_links k WHERE k.message_id = m.id AND k.place = $2) AS url,
                   (SELECT count(*) FROM tracked_links k WHERE k.message_id = m.id) AS "links!"
            FROM messages m JOIN mailboxes b ON b.id = m.mailbox_id
            WHERE m.id = $1 AND m.campaign_id IS NOT NULL
            "#,
            message.0,
            place,
            host.to_ascii_lowercase(),
        )
        .fetch_optional(t.conn())
        .await?;
        t.commit().await?;
        let Some(row) = row else { return Ok((Asked::Gone, None)) };
        let is_ours = row.ours || row.sandbox && is_host_of(&self.settings().public_url, host);
        if !is_ours {
            return Err(Error::NotFound("link"));
        }
        let Some(lead) = row.lead else { return Ok((Asked::Gone, None)) };
        let asked = match (kind, row.url) {
            (TrackingKind::Open, _) if row.tracks_opens => Asked::Picture,
            (TrackingKind::Click, Some(url)) => Asked::Link(url),
            _ => return Ok((Asked::Gone, None)),
        };
        let mail = Mail { handed_over_at: row.handed_over_at, links: usize::try_from(row.links).unwrap_or_default() };
        let known = Known {
            message,
            lead,
            campaign: row.campaign,
            step: row.step,
            enrolment: row.enrolment,
            state: row.state,
            mail,
        };
        Ok((asked, Some(known)))
    }

    async fn write_down(&self, actor: &Actor, known: &Known, hit: &Hit<'_>, from: Option<IpAddr>) -> Result<()> {
        let mut t = self.tenant(actor).await?;
        // The enrolment before the message, as everybody locks them; and one request for an e-mail after the other,
        // so that what a program does all at once is seen as that.
        sqlx::query!("SELECT id FROM enrolments WHERE id = $1 FOR NO KEY UPDATE", known.enrolment.0)
            .fetch_optional(t.conn())
            .await?;
        if matches!(known.state, MessageState::Unknown | MessageState::Deferred | MessageState::Held) {
            t.messages()
                .proven(known.message, Evidence::Tracking, "One of its links or pictures was asked for.")
                .await?;
        }
        let rows = sqlx::query!(
            r#"SELECT kind AS "kind: TrackingKind", place, at, by AS "by: TrackedBy" FROM tracking_events
               WHERE message_id = $1 ORDER BY at DESC LIMIT $2"#,
            known.message.0,
            i64::try_from(MOST_EVENTS).unwrap_or(i64::MAX),
        )
        .fetch_all(t.conn())
        .await?;
        let full = rows.len() >= MOST_EVENTS;
        let earlier: Vec<_> = rows
            .into_iter()
            .filter(|row| hit.at - row.at < LATELY)
            .map(|row| Earlier { kind: row.kind, place: row.place, at: row.at, by: row.by })
            .collect();
        let judged = judge(hit, &known.mail, &earlier);
        if judged.takes_back {
            take_back(&mut t, known, hit.at, &judged.reason).await?;
        }
        if !judged.is_repeat && !full {
            insert(&mut t, known, hit, &judged, from).await?;
            if judged.by == TrackedBy::Human {
                count(&mut t, known, hit).await?;
                t.tell("campaigns", known.campaign.0).await?;
            }
            t.tell("leads", known.lead.0).await?;
        }
        t.commit().await
    }
}

async fn insert(t: &mut Tenant, known: &Known, hit: &Hit<'_>, judged: &Judgement, from: Option<IpAddr>) -> Result<()> {
    let id: Uuid = t.new_id();
    sqlx::query!(
        "INSERT INTO tracking_events (event_id, at, message_id, campaign_id, step_id, lead_id, kind, place, by, reason,
                                      network)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        hit.at,
        known.message.0,
        known.campaign.0,
        known.step.0,
        known.lead.0,
        hit.kind.as_str(),
        hit.place,
        judged.by.as_str(),
        judged.reason,
        from.map(network),
    )
    .execute(t.conn())
    .await?;
    Ok(())
}

/// A person has opened the e-mail or followed a link: that counts, and whoever waits for it goes on.
async fn count(t: &mut Tenant, known: &Known, hit: &Hit<'_>) -> Result<()> {
    let is_open = hit.kind == TrackingKind::Open;
    sqlx::query!(
        "UPDATE messages SET opened_at = CASE WHEN $3 THEN coalesce(opened_at, $2) ELSE opened_at END,
             clicked_at = CASE WHEN $3 THEN clicked_at ELSE coalesce(clicked_at, $2) END
         WHERE id = $1",
        known.message.0,
        hit.at,
        is_open,
    )
    .execute(t.conn())
    .await?;
    sqlx::query!(
        "UPDATE leads SET last_activity = $2, last_activity_at = $3 WHERE id = $1 AND last_activity_at <= $3",
        known.lead.0,
        if is_open { "opened" } else { "clicked" },
        hit.at,
    )
    .execute(t.conn())
    .await?;
    // A program that follows every link is known as one only by the next ones.
    let at: DateTime<Utc> = if is_open { hit.at } else { hit.at + TOGETHER };
    t.campaigns().look_again_at(known.enrolment, at).await
}

/// The clicks of the last seconds were of a program after all.
async fn take_back(t: &mut Tenant, known: &Known, now: DateTime<Utc>, reason: &str) -> Result<()> {
    let since = now - TOGETHER;
    sqlx::query!(
        "UPDATE tracking_events SET by = 'machine', reason = $3
         WHERE message_id = $1 AND at > $2 AND kind = 'click' AND by = 'human'",
        known.message.0,
        since,
        reason,
    )
    .execute(t.conn())
    .await?;
    // A click before them stays.
    sqlx::query!("UPDATE messages SET clicked_at = NULL WHERE id = $1 AND clicked_at > $2", known.message.0, since)
        .execute(t.conn())
        .await?;
    Ok(())
}

/// Whether an address of ours is at this host.
fn is_host_of(url: &str, host: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    host_of(authority).eq_ignore_ascii_case(host)
}

/// The host of `host:port`.
#[must_use]
pub(super) fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}
