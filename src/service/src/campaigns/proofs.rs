//! Send proofs: a file with one row for each lead of the audience, made from one snapshot after each pause and each
//! end. Its hash stays for good, so a file that somebody holds can be compared.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    CampaignId, CompanyId, EnrolmentId, LeadId, Permission,
    campaigns::CampaignState,
    enrolments::{EndReason, EnrolmentState},
    ledger::{Ledger, LedgerLine, SendProof},
    messages::MessageState,
};
use futures::{Stream, stream};
use sha2::{Digest, Sha256};
use sqlx::types::Json;

use super::Campaigns;
use crate::{Actor, Db, Error, Result, imports::harmless};

/// Leads of one piece of the file.
const PART: i64 = 2000;

/// Files of a campaign that are kept, the newest ones.
const KEPT: i32 = 10;

/// The head of the file.
const HEAD: [&str; 15] = [
    "lead_id",
    "email",
    "outcome",
    "reason",
    "reason_in_words",
    "steps_done",
    "emails_sent",
    "emails_unknown",
    "first_sent_at",
    "last_sent_at",
    "mailbox",
    "last_email_state",
    "last_message_id",
    "last_queue_id",
    "last_words",
];

/// The word for a lead that is still being placed.
const ENROLLING: &str = "enrolling";

/// Makes the proof of a pause or an end, once. Safe to call again.
///
/// # Errors
/// When the database is away, or when somebody else has just made it; then the next call does nothing.
pub async fn prove(db: &Db, company: CompanyId, id: CampaignId, caused_at: DateTime<Utc>) -> Result<()> {
    let actor = db.platform().system_actor(company, "system").await?;
    let mut t = db.snapshot(&actor).await?;
    match t.campaigns().write_proof(id, caused_at).await {
        Err(Error::NotFound(_)) => return Ok(()),
        other => other?,
    }
    t.commit().await
}

/// The bytes of a proof, piece by piece. Each piece has a transaction of its own: none waits for a slow reader.
pub fn read(db: Db, actor: Actor, id: CampaignId, number: i32) -> impl Stream<Item = Result<Vec<u8>>> + Send + 'static {
    stream::try_unfold((db, actor, 0), move |(db, actor, place)| async move {
        let mut t = db.tenant(&actor).await?;
        let part = t.campaigns().proof_part(id, number, place).await?;
        t.commit().await?;
        Ok(part.map(|bytes| (bytes, (db, actor, place + 1))))
    })
}

/// What is written about a lead.
struct Row {
    id: EnrolmentId,
    lead: Option<LeadId>,
    email: Option<String>,
    state: EnrolmentState,
    reason: Option<EndReason>,
    steps_done: i32,
    sent: i64,
    unknown: i64,
    first_sent_at: Option<DateTime<Utc>>,
    last_sent_at: Option<DateTime<Utc>>,
    mailbox: Option<String>,
    last_state: Option<MessageState>,
    message_id: Option<String>,
    queue_id: Option<String>,
    words: Option<String>,
    updated_at: DateTime<Utc>,
}

/// The file while it is written.
struct File {
    id: CampaignId,
    number: i32,
    place: i32,
    rows: i64,
    size: i64,
    hash: Sha256,
    enrolling: i64,
    lines: BTreeMap<(EnrolmentState, Option<EndReason>), i64>,
}

impl Campaigns<'_> {
    /// The proofs of a campaign, the newest one first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn proofs(&mut self, id: CampaignId) -> Result<Vec<SendProof>> {
        self.require_there(id).await?;
        self.read_proofs(id, None).await
    }

    /// One proof, to read its file: an export, with the address of every lead.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to run campaigns; [`Error::NotFound`]; [`Error::Conflict`] when its file is
    /// no longer kept.
    pub async fn proof_to_read(&mut self, id: CampaignId, number: i32) -> Result<SendProof> {
        self.t.require(Permission::RunCampaigns).await?;
        self.require_there(id).await?;
        let proof = self.read_proofs(id, Some(number)).await?.pop().ok_or(Error::NotFound("proof"))?;
        if !proof.is_kept {
            let words = "The file of this proof is no longer kept. Compare a copy with its hash.";
            return Err(Error::conflict("proof_not_kept", words));
        }
        Ok(proof)
    }

    async fn read_proofs(&mut self, id: CampaignId, number: Option<i32>) -> Result<Vec<SendProof>> {
        let rows = sqlx::query!(
            r#"SELECT number, made_at, state AS "state: CampaignState", ledger AS "ledger: Json<Ledger>", rows, size,
                      encode(sha256, 'hex') AS "sha256!",
                      EXISTS (SELECT FROM send_proof_parts f WHERE f.campaign_id = p.campaign_id
                                AND f.number = p.number) AS "is_kept!"
               FROM send_proofs p WHERE campaign_id = $1 AND ($2::int IS NULL OR number = $2) ORDER BY number DESC"#,
            id.0,
            number,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| SendProof {
                number: r.number,
                made_at: r.made_at,
                state: r.state,
                ledger: r.ledger.0,
                rows: r.rows,
                size: r.size,
                sha256: r.sha256,
                is_kept: r.is_kept,
            })
            .collect())
    }

    async fn proof_part(&mut self, id: CampaignId, number: i32, place: i32) -> Result<Option<Vec<u8>>> {
        self.t.require(Permission::RunCampaigns).await?;
        Ok(sqlx::query_scalar!(
            "SELECT bytes FROM send_proof_parts WHERE campaign_id = $1 AND number = $2 AND place = $3",
            id.0,
            number,
            place,
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    /// Writes all of it. The caller's transaction sees one snapshot.
    async fn write_proof(&mut self, id: CampaignId, caused_at: DateTime<Utc>) -> Result<()> {
        let campaign = self.load(id, false).await?;
        let before = sqlx::query!(
            r#"SELECT coalesce(max(number), 0) AS "last!", coalesce(bool_or(caused_at = $2), false) AS "done!"
               FROM send_proofs WHERE campaign_id = $1"#,
            id.0,
            caused_at,
        )
        .fetch_one(self.t.conn())
        .await?;
        if before.done {
            return Ok(());
        }
        let mut file = File::new(id, before.last + 1);
        let mut after: Option<(DateTime<Utc>, EnrolmentId)> = None;
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(HEAD).map_err(Error::internal)?;
        loop {
            let rows = self.proof_rows(id, after).await?;
            after = rows.last().map(|row| (row.updated_at, row.id));
            for row in &rows {
                csv.write_record(row.record()).map_err(Error::internal)?;
                *file.lines.entry((row.state, row.reason)).or_default() += 1;
            }
            file.rows += i64::try_from(rows.len()).map_err(Error::internal)?;
            self.keep_part(&mut file, csv).await?;
            csv = csv::Writer::from_writer(Vec::new());
            if after.is_none() {
                break;
            }
        }
        let mut chunk = campaign.lifecycle.started_at.map(|_| i64::MIN);
        while let Some(last) = chunk {
            let rows = sqlx::query!(
                r#"SELECT a.chunk_no AS "chunk!", w.id AS "lead!: LeadId", l.email AS "email?"
                   FROM (SELECT chunk_no, lead_ids FROM campaign_audience
                         WHERE campaign_id = $1 AND chunk_no > $2 ORDER BY chunk_no LIMIT 1) a
                   CROSS JOIN LATERAL unnest(a.lead_ids) AS w (id)
                   LEFT JOIN leads l ON l.id = w.id ORDER BY w.id"#,
                id.0,
                last,
            )
            .fetch_all(self.t.conn())
            .await?;
            chunk = rows.last().map(|row| row.chunk);
            for row in &rows {
                let mut record = vec![String::new(); HEAD.len()];
                record[0] = row.lead.to_string();
                record[1] = harmless(row.email.as_deref().unwrap_or_default());
                ENROLLING.clone_into(&mut record[2]);
                csv.write_record(record).map_err(Error::internal)?;
                file.enrolling += 1;
                file.rows += 1;
            }
            self.keep_part(&mut file, csv).await?;
            csv = csv::Writer::from_writer(Vec::new());
        }
        self.keep_proof(file, campaign.lifecycle.state, caused_at).await?;
        self.t.tell("campaigns", id.0).await
    }

    /// The next leads, in the order in which they last changed.
    async fn proof_rows(&mut self, id: CampaignId, after: Option<(DateTime<Utc>, EnrolmentId)>) -> Result<Vec<Row>> {
        Ok(sqlx::query_as!(
            Row,
            r#"
            SELECT e.id AS "id: EnrolmentId", e.lead_id AS "lead: LeadId", coalesce(m.recipient, l.email) AS email,
                   e.state AS "state: EnrolmentState", e.end_reason AS "reason: EndReason", e.steps_done,
                   n.sent AS "sent!", n.unknown AS "unknown!", n.first_sent_at, n.last_sent_at, b.address AS "mailbox?",
                   m.state AS "last_state?: MessageState", m.message_id_header AS message_id, m.queue_id,
                   m.detail AS words, e.updated_at
            FROM enrolments e
            LEFT JOIN leads l ON l.id = e.lead_id
            LEFT JOIN mailboxes b ON b.id = e.mailbox_id
            CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE g.state = 'sent') AS sent, min(g.sent_at) AS first_sent_at,
                       count(*) FILTER (WHERE g.state = 'unknown') AS unknown, max(g.sent_at) AS last_sent_at
                FROM messages g WHERE g.enrolment_id = e.id
            ) n
            LEFT JOIN LATERAL (
                SELECT g.recipient, g.state, g.message_id_header, g.queue_id, g.detail FROM messages g
                WHERE g.enrolment_id = e.id ORDER BY g.created_at DESC, g.id DESC LIMIT 1
            ) m ON true
            WHERE e.campaign_id = $1 AND ($2::timestamptz IS NULL OR (e.updated_at, e.id) > ($2, $3::uuid))
            ORDER BY e.updated_at, e.id
            LIMIT $4
            "#,
            id.0,
            after.map(|(at, _)| at),
            after.map(|(_, id)| id.0),
            PART,
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    async fn keep_part(&mut self, file: &mut File, csv: csv::Writer<Vec<u8>>) -> Result<()> {
        let bytes = csv.into_inner().map_err(|error| Error::internal(error.into_error()))?;
        if bytes.is_empty() {
            return Ok(());
        }
        file.hash.update(&bytes);
        file.size += i64::try_from(bytes.len()).map_err(Error::internal)?;
        sqlx::query!(
            "INSERT INTO send_proof_parts (campaign_id, number, place, bytes) VALUES ($1, $2, $3, $4)",
            file.id.0,
            file.number,
            file.place,
            bytes,
        )
        .execute(self.t.conn())
        .await?;
        file.place += 1;
        Ok(())
    }

    /// Puts down what the file says in all, and lets the oldest file go.
    async fn keep_proof(&mut self, file: File, state: CampaignState, caused_at: DateTime<Utc>) -> Result<()> {
        let now = self.t.now();
        let mut ledger = self.ledger(file.id).await?;
        ledger.enrolling = file.enrolling;
        ledger.lines =
            file.lines.into_iter().map(|((state, reason), leads)| LedgerLine { state, reason, leads }).collect();
        if !ledger.is_balanced() {
            tracing::error!(campaign.id = %file.id, number = file.number, "A send proof does not add up");
        }
        sqlx::query!(
            "INSERT INTO send_proofs (campaign_id, number, caused_at, made_at, state, ledger, rows, size, sha256)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            file.id.0,
            file.number,
            caused_at,
            now,
            state.as_str(),
            Json(&ledger) as _,
            file.rows,
            file.size,
            &file.hash.finalize()[..],
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "DELETE FROM send_proof_parts WHERE campaign_id = $1 AND number <= $2",
            file.id.0,
            file.number - KEPT
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}

impl File {
    fn new(id: CampaignId, number: i32) -> Self {
        Self { id, number, place: 0, rows: 0, size: 0, hash: Sha256::new(), enrolling: 0, lines: BTreeMap::new() }
    }
}

impl Row {
    fn record(&self) -> [String; HEAD.len()] {
        let text = |value: &Option<String>| harmless(value.as_deref().unwrap_or_default());
        let time = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
        [
            self.lead.map(|id| id.to_string()).unwrap_or_default(),
            text(&self.email),
            self.state.to_string(),
            self.reason.map(|reason| reason.to_string()).unwrap_or_default(),
            self.reason.map(|reason| reason.label().to_owned()).unwrap_or_default(),
            self.steps_done.to_string(),
            self.sent.to_string(),
            self.unknown.to_string(),
            time(self.first_sent_at).unwrap_or_default(),
            time(self.last_sent_at).unwrap_or_default(),
            text(&self.mailbox),
            self.last_state.map(|state| state.to_string()).unwrap_or_default(),
            text(&self.message_id),
            text(&self.queue_id),
            text(&self.words),
        ]
    }
}
