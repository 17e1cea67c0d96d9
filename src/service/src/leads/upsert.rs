//! Many leads at once, told apart by their addresses: imports and programs. What will happen to a
//! row is decided in one place, [`plan`], so a review counts exactly what the import then does.

use std::collections::{HashMap, HashSet};

use domain::{
    EmailAddress, LeadId, Permission, Problem, UserId,
    imports::DuplicatePolicy,
    leads::{CheckedLead, LeadEventKind, LeadInput, LeadSource, LeadStatus, check_tags},
};

use super::{
    Leads,
    store::{self, Draft, Existing, Of},
};
use crate::{Error, Result, Tenant};

/// Leads of one call.
const MOST: usize = 1_000;

/// How rows meet leads that exist.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// What happens to leads that exist.
    pub duplicates: DuplicatePolicy,
    /// Who looks after new leads, and whose leads may be changed when not all may.
    pub person: Option<UserId>,
    /// Whether leads of others may be changed.
    pub may_change_all: bool,
}

/// What will happen to a row.
#[derive(Debug)]
pub(crate) enum Fate {
    /// A new lead.
    Create(CheckedLead),
    /// A lead gets these fields.
    Update(LeadId, CheckedLead),
    /// The lead that has the address stays as it is.
    Skip(LeadId, Why),
}

/// What has happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// A new lead.
    Created(LeadId),
    /// A lead was changed.
    Updated(LeadId),
    /// A lead stays as it is.
    Skipped(Option<LeadId>, Why),
}

/// Why a lead stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The policy is not to touch leads that exist.
    Exists,
    /// It is a colleague's.
    NotOwn,
    /// There is nothing new in the row.
    Unchanged,
    /// Another transaction made it between plan and insert.
    Overtaken,
}

impl Why {
    /// In words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Exists => "There is a lead with this address already.",
            Self::NotOwn => "The lead with this address belongs to somebody else.",
            Self::Unchanged => "The lead says all of this already.",
            Self::Overtaken => "Somebody added this address at the same moment.",
        }
    }
}

/// Decides about rows whose addresses differ from each other; `lock` when it is going to be done.
/// A row without an address is always a new lead: nothing else says that two people are one.
pub(crate) async fn plan(t: &mut Tenant, rows: Vec<CheckedLead>, rules: Rules, lock: bool) -> Result<Vec<Fate>> {
    let emails: Vec<String> =
        rows.iter().filter_map(|row| row.email.as_ref()).map(|email| email.as_str().to_owned()).collect();
    if lock && rules.duplicates == DuplicatePolicy::Overwrite {
        hold_new_customers(t, &rows).await?;
    }
    let mut known: HashMap<EmailAddress, Existing> = store::existing(t, Of::Emails(&emails), lock)
        .await?
        .into_iter()
        .filter_map(|lead| lead.lead.email.clone().map(|email| (email, lead)))
        .collect();
    Ok(rows.into_iter().map(|row| fate(row.email.as_ref().and_then(|e| known.remove(e)), row, rules)).collect())
}

/// Holds what is open for leads that the rows make customers; before the leads, as everybody locks them.
async fn hold_new_customers(t: &mut Tenant, rows: &[CheckedLead]) -> Result<()> {
    let customers = rows.iter().filter(|row| row.status == Some(LeadStatus::Customer));
    let emails: Vec<String> = customers.filter_map(|row| row.email.as_ref()).map(|e| e.as_str().to_owned()).collect();
    if emails.is_empty() {
        return Ok(());
    }
    let leads = sqlx::query_scalar!("SELECT id FROM leads WHERE email = ANY($1) AND status <> 'customer'", &emails)
        .fetch_all(t.conn())
        .await?;
    t.enrolments().hold_for_status(&leads, LeadStatus::Customer).await
}

fn fate(known: Option<Existing>, mut row: CheckedLead, rules: Rules) -> Fate {
    let Some(known) = known else {
        row.owner_id = row.owner_id.or(rules.person);
        return Fate::Create(row);
    };
    let own = known.lead.owner_id.is_some() && known.lead.owner_id == rules.person;
    if rules.duplicates == DuplicatePolicy::Skip {
        Fate::Skip(known.id, Why::Exists)
    } else if !rules.may_change_all && !own {
        Fate::Skip(known.id, Why::NotOwn)
    } else {
        match merge(&known.lead, row, rules.duplicates) {
            Some(merged) => Fate::Update(known.id, merged),
            None => Fate::Skip(known.id, Why::Unchanged),
        }
    }
}

/// The lead with what the row adds to it; nothing when it adds nothing. Tags are always added,
/// and an absent value never removes one.
fn merge(known: &CheckedLead, row: CheckedLead, policy: DuplicatePolicy) -> Option<CheckedLead> {
    fn pick<T: Clone>(known: &Option<T>, new: Option<T>, policy: DuplicatePolicy) -> Option<T> {
        match policy {
            DuplicatePolicy::Overwrite => new.or_else(|| known.clone()),
            _ => known.clone().or(new),
        }
    }
    // Another spelling of the same firm is not another firm.
    let same_firm = match (&known.account, &row.account) {
        (Some(a), Some(b)) => a.to_lowercase() == b.to_lowercase(),
        _ => false,
    };
    let added: Vec<_> = row.tags.into_iter().filter(|tag| !known.tags.contains(tag)).collect();
    let tags = check_tags(known.tags.iter().cloned().chain(added).take(20).collect());
    let merged = CheckedLead {
        email: known.email.clone(),
        first_name: pick(&known.first_name, row.first_name, policy),
        last_name: pick(&known.last_name, row.last_name, policy),
        title: pick(&known.title, row.title, policy),
        account: if same_firm { known.account.clone() } else { pick(&known.account, row.account, policy) },
        phone: pick(&known.phone, row.phone, policy),
        country: pick(&known.country, row.country, policy),
        time_zone: pick(&known.time_zone, row.time_zone, policy),
        status: pick(&known.status, row.status, policy),
        owner_id: pick(&known.owner_id, row.owner_id, policy),
        tags: tags.unwrap_or_else(|_| known.tags.clone()),
        lawful_basis: pick(&known.lawful_basis, row.lawful_basis, policy),
    };
    (merged != *known).then_some(merged)
}

/// Does what was planned; `text` goes into the timelines.
pub(crate) async fn apply(
    t: &mut Tenant,
    fates: Vec<Fate>,
    source: LeadSource,
    text: Option<&str>,
) -> Result<Vec<Done>> {
    let mut names: Vec<String> = fates
        .iter()
        .filter_map(|fate| match fate {
            Fate::Create(lead) | Fate::Update(_, lead) => lead.account.clone(),
            Fate::Skip(..) => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    let firms = t.accounts().firms(&names).await?;
    let firm_of = |lead: &CheckedLead| lead.account.as_ref().and_then(|name| firms.get(name).cloned());

    let (mut created, mut updated, mut done) = (Vec::new(), Vec::new(), Vec::with_capacity(fates.len()));
    for fate in fates {
        done.push(match fate {
            Fate::Skip(id, why) => Done::Skipped(Some(id), why),
            Fate::Create(lead) => {
                let id = t.new_id();
                created.push(Draft { id, account: firm_of(&lead), lead });
                Done::Created(id)
            }
            Fate::Update(id, lead) => {
                updated.push(Draft { id, account: firm_of(&lead), lead });
                Done::Updated(id)
            }
        });
    }
    let (made, changed) = match source {
        LeadSource::Import => (LeadEventKind::Imported, LeadEventKind::Imported),
        _ => (LeadEventKind::Created, LeadEventKind::Edited),
    };
    // Two who insert the same new addresses wait for each other in one order, so neither waits for ever.
    created.sort_by(|a, b| a.lead.email.cmp(&b.lead.email));
    let stored: HashSet<_> = store::insert(t, source, made, text, &created).await?.into_iter().collect();
    store::update(t, changed, &updated).await?;
    let ids: Vec<_> = updated.iter().map(|draft| draft.id.0).collect();
    store::add_events(t, &ids, changed, text, None).await?;
    for done in &mut done {
        if matches!(done, Done::Created(id) if !stored.contains(&id.0)) {
            *done = Done::Skipped(None, Why::Overtaken);
        }
    }
    Ok(done)
}

impl Leads<'_> {
    /// Creates leads, or changes those that have the addresses already: values that are given
    /// replace the old ones. For each input the lead and whether it is new, or its problems.
    ///
    /// # Errors
    /// A problem when there are more than a thousand.
    pub async fn bulk_upsert(
        &mut self,
        inputs: Vec<LeadInput>,
    ) -> Result<Vec<std::result::Result<(LeadId, bool), Vec<Problem>>>> {
        self.t.require(Permission::EditLeads).await?;
        if inputs.len() > MOST {
            return Err(Problem::new("leads_many", "Send at most 1,000 leads at once.").into());
        }
        let mut seen = HashSet::new();
        let mut results = Vec::with_capacity(inputs.len());
        let mut rows = Vec::new();
        for input in inputs {
            let checked = self.check_one(input, &mut seen).await?;
            results.push(checked.map(|lead| rows.push(lead)));
        }
        let rules = Rules {
            duplicates: DuplicatePolicy::Overwrite,
            person: self.t.actor().user_id(),
            may_change_all: self.t.actor().can(Permission::ManageAllLeads),
        };
        let fates = plan(self.t, rows, rules, true).await?;
        let mut done = apply(self.t, fates, LeadSource::Api, None).await?.into_iter();
        self.t.tell("leads", None).await?;
        let mut outcome = |()| match done.next() {
            Some(Done::Created(id)) => Ok((id, true)),
            Some(Done::Updated(id)) => Ok((id, false)),
            Some(Done::Skipped(Some(id), Why::Unchanged)) => Ok((id, false)),
            Some(Done::Skipped(_, why)) => Err(vec![Problem::field("email", "not_changed", why.words())]),
            None => unreachable!("one outcome for each row"),
        };
        Ok(results.into_iter().map(|result| result.and_then(&mut outcome)).collect())
    }

    async fn check_one(
        &mut self,
        input: LeadInput,
        seen: &mut HashSet<EmailAddress>,
    ) -> Result<std::result::Result<CheckedLead, Vec<Problem>>> {
        let lead = match self.check(input).await {
            Ok(lead) => lead,
            Err(Error::Invalid(problems)) => return Ok(Err(problems)),
            Err(other) => return Err(other),
        };
        let repeated = lead.email.clone().is_some_and(|email| !seen.insert(email));
        Ok(if repeated {
            Err(vec![Problem::field("email", "email_repeated", "This address is in the list twice.")])
        } else {
            Ok(lead)
        })
    }
}
