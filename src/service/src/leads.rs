//! Leads: the people a company wants to reach. Every write goes through `leads/store.rs`, so that
//! score, search words and sort name always say the same as the fields they come from.

mod bulk;
mod list;
pub(crate) mod query;
mod score;
mod search;
pub(crate) mod store;
mod timeline;
pub(crate) mod upsert;
mod words;

use domain::{
    AccountId, EmailAddress, LeadId, Permission, Problem, UserId,
    leads::{CheckedLead, Lead, LeadEventKind, LeadInput, LeadSource, LeadStatus},
    score::Reason,
    window::is_time_zone,
};
use sqlx::types::Json;

use crate::{Error, Result, Tenant, audit::Entry};
use store::{Draft, Existing, Of};

/// The leads of the company.
#[derive(Debug)]
pub struct Leads<'t> {
    pub(crate) t: &'t mut Tenant,
}

impl Tenant {
    /// The leads of the company.
    pub fn leads(&mut self) -> Leads<'_> {
        Leads { t: self }
    }
}

impl Leads<'_> {
    /// One lead in full.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: LeadId) -> Result<Lead> {
        self.t.require(Permission::Read).await?;
        let row = sqlx::query!(
            r#"
            SELECT l.email AS "email: EmailAddress", l.first_name, l.last_name, l.title,
                   l.account_id AS "account_id: AccountId", a.name AS "account_name?", l.phone, l.country, l.time_zone,
                   l.status AS "status: LeadStatus", l.owner_id AS "owner_id: UserId", u.name AS "owner_name?", l.tags,
                   l.source AS "source: LeadSource", l.lawful_basis, l.score,
                   l.score_reasons AS "score_reasons: Json<Vec<Reason>>", is_suppressed(l.email) AS "suppressed!",
                   l.last_activity_at, l.created_at, l.updated_at, l.version
            FROM leads l
            LEFT JOIN accounts a ON a.id = l.account_id
            LEFT JOIN users u ON u.id = l.owner_id
            WHERE l.id = $1
            "#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("lead"))?;
        Ok(Lead {
            id,
            email: row.email,
            first_name: row.first_name,
            last_name: row.last_name,
            title: row.title,
            account_id: row.account_id,
            account_name: row.account_name,
            phone: row.phone,
            country: row.country,
            time_zone: row.time_zone,
            status: row.status,
            owner_id: row.owner_id,
            owner_name: row.owner_name,
            tags: row.tags,
            source: row.source,
            lawful_basis: row.lawful_basis,
            score: row.score,
            score_reasons: row.score_reasons.0,
            suppressed: row.suppressed,
            last_activity_at: row.last_activity_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }

    /// The lead with this address.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn find_by_email(&mut self, email: &EmailAddress) -> Result<Option<LeadId>> {
        self.t.require(Permission::Read).await?;
        let id = sqlx::query_scalar!("SELECT id FROM leads WHERE email = $1", email.as_str())
            .fetch_optional(self.t.conn())
            .await?;
        Ok(id.map(LeadId))
    }

    /// A new lead; it belongs to the person who creates it unless `input` names somebody.
    ///
    /// # Errors
    /// Problems of the input; [`Error::Conflict`] when a lead has the address already.
    pub async fn create(&mut self, input: LeadInput, source: LeadSource) -> Result<Lead> {
        self.t.require(Permission::EditLeads).await?;
        let mut lead = self.check(input).await?;
        lead.owner_id = lead.owner_id.or_else(|| self.t.actor().user_id());
        self.refuse_taken(&lead, None).await?;
        let account = self.t.accounts().firm(lead.account.as_deref()).await?;
        let draft = Draft { id: self.t.new_id(), lead, account };
        let id = draft.id;
        let drafts = std::slice::from_ref(&draft);
        if store::insert(self.t, source, LeadEventKind::Created, None, drafts).await?.is_empty() {
            // Somebody else was faster by a moment; now their lead can be seen.
            self.refuse_taken(&draft.lead, None).await?;
        }
        self.t.tell("leads", id.0).await?;
        self.get(id).await
    }

    /// Replaces what was entered about a lead. Its status stays when `input` names none.
    ///
    /// # Errors
    /// Problems of the input; a conflict when `expected_version` is not the newest or the address is taken.
    pub async fn update(&mut self, id: LeadId, input: LeadInput, expected_version: Option<i64>) -> Result<Lead> {
        let old = self.open_for(id, input.status).await?;
        if expected_version.is_some_and(|version| version != old.version) {
            return Err(Error::stale());
        }
        let mut lead = self.check(input).await?;
        lead.status = lead.status.or(old.lead.status);
        self.refuse_taken(&lead, Some(id)).await?;
        let account = self.t.accounts().firm(lead.account.as_deref()).await?;
        lead.account = account.as_ref().map(|firm| firm.name.clone());
        let changed = changes(&old.lead, &lead);
        if !changed.is_empty() {
            store::update(self.t, LeadEventKind::Edited, &[Draft { id, lead, account }]).await?;
            let text = format!("Changed {}.", changed.join(", "));
            store::add_events(self.t, &[id.0], LeadEventKind::Edited, Some(&text), None).await?;
            self.t.tell("leads", id.0).await?;
        }
        self.get(id).await
    }

    /// Says where a lead stands. A customer leaves every campaign.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] for leads of others.
    pub async fn set_status(&mut self, id: LeadId, status: LeadStatus) -> Result<Lead> {
        let old = self.open_for(id, Some(status)).await?;
        if old.lead.status != Some(status) {
            self.change_status(&[id.0], status).await?;
            self.t.tell("leads", id.0).await?;
        }
        self.get(id).await
    }

    /// Gives a lead to somebody, or to nobody. Whoever may edit leads may take one that is nobody's.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] for leads of others; a problem for a stranger.
    pub async fn assign(&mut self, id: LeadId, owner: Option<UserId>) -> Result<Lead> {
        self.t.require(Permission::EditLeads).await?;
        let old = self.existing(id).await?;
        let takes = old.lead.owner_id.is_none() && owner.is_some() && owner == self.t.actor().user_id();
        if !takes {
            self.require_own(&old).await?;
        }
        let name = self.owner_name(owner).await?;
        if old.lead.owner_id != owner {
            self.change_owner(&[id.0], owner, &name).await?;
            self.t.tell("leads", id.0).await?;
        }
        self.get(id).await
    }

    /// Deletes a lead. What is planned for it is cancelled; the ledgers of its campaigns still count it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] for leads of others.
    pub async fn delete(&mut self, id: LeadId) -> Result<()> {
        self.t.enrolments().hold_open(&[id.0]).await?;
        let old = self.open(id).await?;
        self.remove(&[id.0]).await?;
        self.t.audit().record(Entry::done("lead.deleted").on(old.display_name())).await?;
        self.t.tell("leads", id.0).await
    }

    /// Every tag that was ever given to a lead, sorted.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn tags(&mut self) -> Result<Vec<String>> {
        self.t.require(Permission::Read).await?;
        Ok(sqlx::query_scalar!(r#"SELECT tag AS "tag!" FROM lead_tags ORDER BY tag LIMIT 500"#)
            .fetch_all(self.t.conn())
            .await?)
    }

    /// Every country that a lead is in, sorted. Jumps from one to the next along the index, so a
    /// million leads cost as much as their hundred countries.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn countries(&mut self) -> Result<Vec<String>> {
        self.t.require(Permission::Read).await?;
        Ok(sqlx::query_scalar!(
            r#"
            WITH RECURSIVE found AS (
                SELECT min(country) AS country FROM leads
                UNION ALL
                SELECT (SELECT min(l.country) FROM leads l WHERE l.country > found.country)
                FROM found WHERE found.country IS NOT NULL
            )
            SELECT country AS "country!" FROM found WHERE country IS NOT NULL ORDER BY country
            "#
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// The input, checked also for what only the company knows.
    pub(crate) async fn check(&mut self, input: LeadInput) -> Result<CheckedLead> {
        let lead = input.check()?;
        check_values(&lead)?;
        self.owner_name(lead.owner_id).await?;
        Ok(lead)
    }

    /// The name of a member who may look after leads.
    pub(crate) async fn owner_name(&mut self, owner: Option<UserId>) -> Result<String> {
        let Some(owner) = owner else { return Ok("nobody".to_owned()) };
        sqlx::query_scalar!(
            "SELECT u.name FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.user_id = $1 AND m.deactivated_at IS NULL",
            owner.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or_else(|| Problem::field("owner_id", "owner_unknown", "Choose somebody of this company.").into())
    }

    /// A lead that the actor may change, locked.
    async fn open(&mut self, id: LeadId) -> Result<Existing> {
        self.t.require(Permission::EditLeads).await?;
        let lead = self.existing(id).await?;
        self.require_own(&lead).await?;
        Ok(lead)
    }

    /// The same for a lead that may get this status.
    async fn open_for(&mut self, id: LeadId, status: Option<LeadStatus>) -> Result<Existing> {
        self.t.require(Permission::EditLeads).await?;
        if let Some(status) = status {
            self.t.enrolments().hold_for_status(&[id.0], status).await?;
        }
        self.open(id).await
    }

    async fn existing(&mut self, id: LeadId) -> Result<Existing> {
        store::existing(self.t, Of::Ids(&[id.0]), true).await?.pop().ok_or(Error::NotFound("lead"))
    }

    async fn require_own(&mut self, lead: &Existing) -> Result<()> {
        let owner = lead.lead.owner_id;
        if owner.is_some() && owner == self.t.actor().user_id() {
            return Ok(());
        }
        self.t.require(Permission::ManageAllLeads).await
    }

    async fn refuse_taken(&mut self, lead: &CheckedLead, but: Option<LeadId>) -> Result<()> {
        let Some(email) = &lead.email else { return Ok(()) };
        let emails = [email.as_str().to_owned()];
        match store::existing(self.t, Of::Emails(&emails), false).await?.pop() {
            Some(other) if Some(other.id) != but => {
                let message = format!("{} has this address already.", other.display_name());
                Err(Error::Conflict(Problem::field("email", "email_taken", message)))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses what is text but of no use: a time zone that does not exist, by which e-mails would go
/// at night, and the zero character, which Postgres does not keep.
pub(crate) fn check_values(lead: &CheckedLead) -> Result<(), Problem> {
    let texts = [
        ("first_name", &lead.first_name),
        ("last_name", &lead.last_name),
        ("title", &lead.title),
        ("account", &lead.account),
        ("phone", &lead.phone),
        ("time_zone", &lead.time_zone),
        ("lawful_basis", &lead.lawful_basis),
    ];
    for (field, text) in texts {
        if text.as_ref().is_some_and(|t| !is_storable(t)) {
            return Err(Problem::field(field, "text_invalid", "Remove the characters that cannot be stored."));
        }
    }
    if lead.tags.iter().any(|tag| !is_storable(tag)) {
        return Err(Problem::field("tags", "text_invalid", "Remove the characters that cannot be stored."));
    }
    match &lead.time_zone {
        Some(zone) if !is_time_zone(zone) => {
            Err(Problem::field("time_zone", "time_zone_unknown", "Use a time zone as in Europe/Berlin."))
        }
        _ => Ok(()),
    }
}

/// Whether Postgres can keep a text.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// The fields that differ, in words.
fn changes(old: &CheckedLead, new: &CheckedLead) -> Vec<&'static str> {
    let pairs = [
        ("e-mail", old.email != new.email),
        ("first name", old.first_name != new.first_name),
        ("last name", old.last_name != new.last_name),
        ("title", old.title != new.title),
        ("company", old.account != new.account),
        ("phone", old.phone != new.phone),
        ("country", old.country != new.country),
        ("time zone", old.time_zone != new.time_zone),
        ("status", old.status != new.status),
        ("owner", old.owner_id != new.owner_id),
        ("tags", old.tags != new.tags),
        ("lawful basis", old.lawful_basis != new.lawful_basis),
    ];
    pairs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
