//! How leads are read for a change and written, many rows by one statement. The only place that
//! inserts leads or changes their fields, so what follows from the fields is always written along.

mod columns;

use domain::{
    AccountId, CampaignId, EmailAddress, LeadId, Problem, UserId,
    leads::{CheckedLead, LeadEventKind, LeadSource, LeadStatus, display_name},
};
use uuid::Uuid;

use crate::{Error, Result, Tenant, accounts::Firm, error::OnConstraint};
use columns::Columns;

/// A lead as it shall be stored.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// Id, new or of the lead that is replaced.
    pub id: LeadId,
    /// Its fields. `account` is only a word here; what counts is the firm.
    pub lead: CheckedLead,
    /// The firm it works for.
    pub account: Option<Firm>,
}

/// A lead as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Existing {
    /// Id.
    pub id: LeadId,
    /// Version.
    pub version: i64,
    /// Its fields.
    pub lead: CheckedLead,
    /// The firm it works for.
    pub account: Option<Firm>,
}

impl Existing {
    /// First and last name, else the address.
    pub(crate) fn display_name(&self) -> String {
        let email = self.lead.email.as_ref().map(EmailAddress::as_str);
        display_name(self.lead.first_name.as_deref(), self.lead.last_name.as_deref(), email)
    }
}

/// Which leads are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of<'a> {
    /// These.
    Ids(&'a [Uuid]),
    /// Those with these addresses.
    Emails(&'a [String]),
}

/// Leads with all that can be entered about them; `lock` holds them, in the order of their ids so
/// that two who lock many never wait for each other.
pub(crate) async fn existing(t: &mut Tenant, of: Of<'_>, lock: bool) -> Result<Vec<Existing>> {
    let (ids, emails): (&[Uuid], &[String]) = match of {
        Of::Ids(ids) => (ids, &[]),
        Of::Emails(emails) => (&[], emails),
    };
    // A union, so that each half walks along its own index.
    let ids = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM leads WHERE id = ANY($1)
           UNION SELECT id FROM leads WHERE email = ANY($2) ORDER BY 1"#,
        ids,
        emails
    )
    .fetch_all(t.conn())
    .await?;
    if lock {
        sqlx::query!("SELECT id FROM leads WHERE id = ANY($1) ORDER BY id FOR UPDATE", &ids)
            .fetch_all(t.conn())
            .await?;
    }
    let rows = sqlx::query!(
        r#"
        SELECT l.id, l.version, l.email AS "email: EmailAddress", l.first_name, l.last_name, l.title, l.phone, l.country,
               l.time_zone, l.status AS "status: LeadStatus", l.owner_id AS "owner_id: UserId", l.tags, l.lawful_basis,
               a.id AS "account_id?: AccountId", a.name AS "account_name?", a.employees AS "employees?"
        FROM leads l LEFT JOIN accounts a ON a.id = l.account_id
        WHERE l.id = ANY($1)
        ORDER BY l.id
        "#,
        &ids
    )
    .fetch_all(t.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let account = r.account_id.zip(r.account_name).map(|(id, name)| Firm { id, name, employees: r.employees });
            Existing {
                id: LeadId(r.id),
                version: r.version,
                lead: CheckedLead {
                    email: r.email,
                    first_name: r.first_name,
                    last_name: r.last_name,
                    title: r.title,
                    account: account.as_ref().map(|firm| firm.name.clone()),
                    phone: r.phone,
                    country: r.country,
                    time_zone: r.time_zone,
                    status: Some(r.status),
                    owner_id: r.owner_id,
                    tags: r.tags,
                    lawful_basis: r.lawful_basis,
                },
                account,
            }
        })
        .collect())
}

/// Stores new leads with their first timeline entry, all of `kind` and with `text`. Gives the ids of those that
/// were stored: one whose address was taken a moment ago is left out.
pub(crate) async fn insert(
    t: &mut Tenant,
    source: LeadSource,
    kind: LeadEventKind,
    text: Option<&str>,
    drafts: &[Draft],
) -> Result<Vec<Uuid>> {
    let c = Columns::of(drafts);
    let now = t.now();
    let stored = sqlx::query_scalar!(
        "INSERT INTO leads (id, email, first_name, last_name, title, account_id, phone, country, time_zone, status,
                            owner_id, tags, lawful_basis, score, score_reasons, score_version, sort_name, search_text,
                            source, last_activity, last_activity_at, created_at, updated_at)
         SELECT id, email, first_name, last_name, title, account_id, phone, country, time_zone, status,
                owner_id, string_to_array(tags, ','), lawful_basis, score, score_reasons, $16, sort_name, search_text,
                $19, $20, $21, $21, $21
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[],
                     $9::text[], $10::text[], $11::uuid[], $12::text[], $13::text[], $14::int[], $15::jsonb[],
                     $17::text[], $18::text[])
              AS n (id, email, first_name, last_name, title, account_id, phone, country, time_zone, status,
                    owner_id, tags, lawful_basis, score, score_reasons, sort_name, search_text)
         ON CONFLICT (company_id, email) WHERE email IS NOT NULL DO NOTHING
         RETURNING id",
        &c.ids,
        &c.emails as &[Option<String>],
        &c.first_names as &[Option<String>],
        &c.last_names as &[Option<String>],
        &c.titles as &[Option<String>],
        &c.account_ids as &[Option<Uuid>],
        &c.phones as &[Option<String>],
        &c.countries as &[Option<String>],
        &c.time_zones as &[Option<String>],
        &c.statuses,
        &c.owner_ids as &[Option<Uuid>],
        &c.tags,
        &c.lawful_bases as &[Option<String>],
        &c.scores,
        &c.reasons,
        domain::score::RULES_VERSION,
        &c.sort_names,
        &c.search_texts,
        source.as_str(),
        kind.as_str(),
        now,
    )
    .fetch_all(t.conn())
    .await?;
    remember_tags(t, drafts).await?;
    add_events(t, &stored, kind, text, None).await?;
    t.events().leads_created(&stored).await?;
    Ok(stored)
}

/// Replaces the fields of leads that the caller has locked. Those that become customers leave every campaign: what is open
/// for them is held by the caller, too.
pub(crate) async fn update(t: &mut Tenant, kind: LeadEventKind, drafts: &[Draft]) -> Result<()> {
    let c = Columns::of(drafts);
    let converted = new_customers(t, drafts).await?;
    let before = t.events().before(&c.ids).await?;
    let now = t.now();
    sqlx::query!(
        "UPDATE leads l
         SET email = n.email, first_name = n.first_name, last_name = n.last_name, title = n.title,
             account_id = n.account_id, phone = n.phone, country = n.country, time_zone = n.time_zone,
             status = n.status, owner_id = n.owner_id, tags = string_to_array(n.tags, ','),
             lawful_basis = n.lawful_basis, score = n.score, score_reasons = n.score_reasons, score_version = $16,
             sort_name = n.sort_name, search_text = n.search_text, last_activity = $19, last_activity_at = $20,
             updated_at = $20, version = l.version + 1
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[],
                     $9::text[], $10::text[], $11::uuid[], $12::text[], $13::text[], $14::int[], $15::jsonb[],
                     $17::text[], $18::text[])
              AS n (id, email, first_name, last_name, title, account_id, phone, country, time_zone, status,
                    owner_id, tags, lawful_basis, score, score_reasons, sort_name, search_text)
         WHERE l.id = n.id",
        &c.ids,
        &c.emails as &[Option<String>],
        &c.first_names as &[Option<String>],
        &c.last_names as &[Option<String>],
        &c.titles as &[Option<String>],
        &c.account_ids as &[Option<Uuid>],
        &c.phones as &[Option<String>],
        &c.countries as &[Option<String>],
        &c.time_zones as &[Option<String>],
        &c.statuses,
        &c.owner_ids as &[Option<Uuid>],
        &c.tags,
        &c.lawful_bases as &[Option<String>],
        &c.scores,
        &c.reasons,
        domain::score::RULES_VERSION,
        &c.sort_names,
        &c.search_texts,
        kind.as_str(),
        now,
    )
    .execute(t.conn())
    .await
    .on_constraint("leads_email_key", || {
        Error::Conflict(Problem::field("email", "email_taken", "Another lead has this address already."))
    })?;
    remember_tags(t, drafts).await?;
    t.events().leads_changed(before, &c.ids).await?;
    t.enrolments().convert(&converted).await
}

/// Those that are customers in the draft and are none yet.
async fn new_customers(t: &mut Tenant, drafts: &[Draft]) -> Result<Vec<Uuid>> {
    let drafted = drafts.iter().filter(|draft| draft.lead.status == Some(LeadStatus::Customer));
    let ids: Vec<_> = drafted.map(|draft| draft.id.0).collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    Ok(sqlx::query_scalar!("SELECT id FROM leads WHERE id = ANY($1) AND status <> 'customer'", &ids)
        .fetch_all(t.conn())
        .await?)
}

/// Writes again what follows from the fields of leads that the caller has locked: their firm or
/// their status has changed. It is no change of the lead's own, so its version stays.
pub(crate) async fn derive(t: &mut Tenant, leads: Vec<Existing>) -> Result<()> {
    let drafts: Vec<_> = leads.into_iter().map(|l| Draft { id: l.id, lead: l.lead, account: l.account }).collect();
    let c = Columns::of(&drafts);
    let before = t.events().before(&c.ids).await?;
    sqlx::query!(
        "UPDATE leads l
         SET score = n.score, score_reasons = n.score_reasons, score_version = $4, search_text = n.search_text
         FROM unnest($1::uuid[], $2::int[], $3::jsonb[], $5::text[]) AS n (id, score, score_reasons, search_text)
         WHERE l.id = n.id",
        &c.ids,
        &c.scores,
        &c.reasons,
        domain::score::RULES_VERSION,
        &c.search_texts,
    )
    .execute(t.conn())
    .await?;
    t.events().leads_changed(before, &c.ids).await
}

/// Adds the same entry to the timelines of several leads.
pub(crate) async fn add_events(
    t: &mut Tenant,
    leads: &[Uuid],
    kind: LeadEventKind,
    text: Option<&str>,
    campaign: Option<CampaignId>,
) -> Result<()> {
    let (now, actor, workflow) = (t.now(), t.actor().to_string(), t.actor().workflow().map(|workflow| workflow.id));
    sqlx::query!(
        "INSERT INTO lead_events (event_id, lead_id, at, kind, actor, text, campaign_id, workflow_id)
         SELECT gen_random_uuid(), lead_id, $2, $3, $4, $5, $6, $7 FROM unnest($1::uuid[]) AS n (lead_id)",
        leads,
        now,
        kind.as_str(),
        actor,
        text,
        campaign.map(|c| c.0),
        workflow.map(|id| id.0),
    )
    .execute(t.conn())
    .await?;
    Ok(())
}

async fn remember_tags(t: &mut Tenant, drafts: &[Draft]) -> Result<()> {
    let mut tags: Vec<String> = drafts.iter().flat_map(|draft| draft.lead.tags.clone()).collect();
    tags.sort_unstable();
    tags.dedup();
    if !tags.is_empty() {
        sqlx::query!("INSERT INTO lead_tags (tag) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", &tags)
            .execute(t.conn())
            .await?;
    }
    Ok(())
}
