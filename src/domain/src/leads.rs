//! Leads: the people a company wants to reach, and the language of their list.
//!
//! A [`LeadFilter`] is the same thing in a URL, in the JSON API and as the
//! audience of a campaign.

mod bulk;
mod countries;
mod filter;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use bulk::{BulkAction, BulkOutcome, LeadSelection};
pub use filter::{LeadFilter, LeadSort, SortField};

use crate::{
    AccountId, CampaignId, EmailAddress, InboundId, LeadEventId, LeadId, NoteId, Problem, UserId, WorkflowId,
    accounts::{check_country, clean},
    problem::Problems,
    score::Reason,
    wire::wire_enum,
};

/// For how many months what has happened to leads and campaigns is kept.
pub const HISTORY_MONTHS: i32 = 36;

wire_enum! {
    /// Where a lead stands.
    pub enum LeadStatus {
        /// Nobody has written yet.
        New = "new",
        /// Somebody is in touch, or a campaign is.
        Working = "working",
        /// The lead has answered.
        Replied = "replied",
        /// Worth a salesperson's time.
        Qualified = "qualified",
        /// Has bought: what was going on with them in campaigns has ended.
        Customer = "customer",
        /// Later.
        Nurture = "nurture",
        /// Not at all.
        Lost = "lost",
    }
}

impl LeadStatus {
    /// Where a lead stands that has answered: what a person has decided about it counts for more.
    #[must_use]
    pub const fn after_reply(self) -> Self {
        match self {
            Self::New | Self::Working | Self::Nurture => Self::Replied,
            decided => decided,
        }
    }

    /// Where a lead stands with whom a meeting is booked: whoever has bought stays a customer.
    #[must_use]
    pub const fn after_meeting(self) -> Self {
        match self {
            Self::Customer => Self::Customer,
            _ => Self::Qualified,
        }
    }
}

wire_enum! {
    /// Where a lead came from.
    pub enum LeadSource {
        /// Entered by a person.
        Manual = "manual",
        /// From a CSV file.
        Import = "import",
        /// From a program.
        Api = "api",
    }
}

impl LeadSource {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Manual => "Entered by hand",
            Self::Import => "CSV file",
            Self::Api => "API",
        }
    }
}

/// A lead in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lead {
    /// Id.
    pub id: LeadId,
    /// Address; unique in the company. A lead without one cannot be mailed.
    pub email: Option<EmailAddress>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// The firm the lead works for.
    pub account_id: Option<AccountId>,
    /// Its name.
    pub account_name: Option<String>,
    /// Phone number, as entered.
    pub phone: Option<String>,
    /// ISO 3166 country code.
    pub country: Option<String>,
    /// IANA time zone; that of the company when absent.
    pub time_zone: Option<String>,
    /// Where it stands.
    pub status: LeadStatus,
    /// Who looks after it.
    pub owner_id: Option<UserId>,
    /// Their name.
    pub owner_name: Option<String>,
    /// Words given to it, sorted.
    pub tags: Vec<String>,
    /// Where it came from.
    pub source: LeadSource,
    /// Why it may be written to, in the company's words (GDPR, Article 6).
    pub lawful_basis: Option<String>,
    /// 0 to 100.
    pub score: i32,
    /// What the score is made of.
    pub score_reasons: Vec<Reason>,
    /// Whether the address is on the suppression list.
    pub suppressed: bool,
    /// When something last happened.
    pub last_activity_at: DateTime<Utc>,
    /// Created.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
    /// Version for If-Match; grows with every change.
    pub version: i64,
}

impl Lead {
    /// First and last name, else the address, else “Unnamed lead”.
    #[must_use]
    pub fn display_name(&self) -> String {
        display_name(
            self.first_name.as_deref(),
            self.last_name.as_deref(),
            self.email.as_ref().map(EmailAddress::as_str),
        )
    }
}

/// A lead as a row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeadSummary {
    /// Id.
    pub id: LeadId,
    /// Display name.
    pub name: String,
    /// Address.
    pub email: Option<EmailAddress>,
    /// Job title.
    pub title: Option<String>,
    /// The firm.
    pub account_id: Option<AccountId>,
    /// Its name.
    pub account_name: Option<String>,
    /// ISO 3166 country code.
    pub country: Option<String>,
    /// Words given to it, sorted.
    pub tags: Vec<String>,
    /// 0 to 100.
    pub score: i32,
    /// Where it stands.
    pub status: LeadStatus,
    /// Whether the address is suppressed.
    pub suppressed: bool,
    /// The campaign it is in, the newest when there are several.
    pub campaign_id: Option<CampaignId>,
    /// Its name.
    pub campaign_name: Option<String>,
    /// Its state.
    pub campaign_state: Option<crate::campaigns::CampaignState>,
    /// What happened last.
    pub last_activity: Option<LeadEventKind>,
    /// When.
    pub last_activity_at: DateTime<Utc>,
    /// Who looks after it.
    pub owner_name: Option<String>,
}

/// What can be entered about a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LeadInput {
    /// Address.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Name of the firm; an account is made when none has it.
    pub account: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// ISO 3166 country code.
    pub country: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// Where it stands; `new` when absent.
    pub status: Option<LeadStatus>,
    /// Who looks after it; the person who creates it when absent.
    pub owner_id: Option<UserId>,
    /// Words given to it.
    pub tags: Vec<String>,
    /// Why it may be written to.
    pub lawful_basis: Option<String>,
}

/// [`LeadInput`] after its check: trimmed, parsed, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedLead {
    /// Address.
    pub email: Option<EmailAddress>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Name of the firm.
    pub account: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// Country code.
    pub country: Option<String>,
    /// Time zone.
    pub time_zone: Option<String>,
    /// Where it stands.
    pub status: Option<LeadStatus>,
    /// Who looks after it.
    pub owner_id: Option<UserId>,
    /// Words, sorted, once each.
    pub tags: Vec<String>,
    /// Lawful basis.
    pub lawful_basis: Option<String>,
}

/// What was entered about a lead that exists, to change some of it.
impl From<Lead> for LeadInput {
    fn from(lead: Lead) -> Self {
        Self {
            email: lead.email.map(String::from),
            first_name: lead.first_name,
            last_name: lead.last_name,
            title: lead.title,
            account: lead.account_name,
            phone: lead.phone,
            country: lead.country,
            time_zone: lead.time_zone,
            status: Some(lead.status),
            owner_id: lead.owner_id,
            tags: lead.tags,
            lawful_basis: lead.lawful_basis,
        }
    }
}

impl LeadInput {
    /// The same, trimmed and parsed. A lead needs an address, or a name and an account.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<CheckedLead, Vec<Problem>> {
        let mut problems = Problems::new();
        let email = match clean(self.email) {
            Some(raw) => problems.check("email", EmailAddress::parse(&raw)),
            None => None,
        };
        let country = problems.check("country", check_country(self.country)).flatten();
        let tags = problems.check("tags", check_tags(self.tags)).unwrap_or_default();
        let mut short = |field: &'static str, text: Option<String>, max: usize| {
            let text = clean(text);
            if text.as_ref().is_some_and(|t| t.chars().count() > max) {
                problems.push(Problem::field(field, "text_long", format!("Use at most {max} characters.")));
            }
            text
        };
        let first_name = short("first_name", self.first_name, 100);
        let last_name = short("last_name", self.last_name, 100);
        let title = short("title", self.title, 200);
        let account = short("account", self.account, 200);
        let phone = short("phone", self.phone, 50);
        let time_zone = short("time_zone", self.time_zone, 60);
        let lawful_basis = short("lawful_basis", self.lawful_basis, 500);
        let named = first_name.is_some() || last_name.is_some();
        if email.is_none() && !(named && account.is_some()) && !problems.has("email") {
            problems.push(Problem::field(
                "email",
                "email_missing",
                "Enter an e-mail address, or a name and a company.",
            ));
        }
        problems.finish()?;
        Ok(CheckedLead {
            email,
            first_name,
            last_name,
            title,
            account,
            phone,
            country,
            time_zone,
            status: self.status,
            owner_id: self.owner_id,
            tags,
            lawful_basis,
        })
    }
}

/// Tags in lower case, sorted, once each; at most 20 of at most 40 characters.
///
/// # Errors
/// A problem that names the tag.
pub fn check_tags(tags: Vec<String>) -> Result<Vec<String>, Problem> {
    let mut tags: Vec<String> = tags.into_iter().map(|t| t.trim().to_lowercase()).filter(|t| !t.is_empty()).collect();
    tags.sort();
    tags.dedup();
    if tags.len() > 20 {
        return Err(Problem::new("tags_many", "Use at most 20 tags."));
    }
    if let Some(bad) = tags.iter().find(|t| t.chars().count() > 40 || t.contains(',')) {
        return Err(Problem::new("tag_invalid", format!("“{bad}”: use at most 40 characters and no comma.")));
    }
    Ok(tags)
}

/// How a lead is called in lists.
#[must_use]
pub fn display_name(first: Option<&str>, last: Option<&str>, email: Option<&str>) -> String {
    match (first, last) {
        (Some(first), Some(last)) => format!("{first} {last}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => email.unwrap_or("Unnamed lead").to_owned(),
    }
}

wire_enum! {
    /// What an entry of a lead's timeline tells.
    pub enum LeadEventKind {
        /// Created by hand or by a program.
        Created = "created",
        /// Created or updated by an import.
        Imported = "imported",
        /// Fields were changed.
        Edited = "edited",
        /// The status was changed.
        StatusChanged = "status_changed",
        /// Somebody else looks after it.
        OwnerChanged = "owner_changed",
        /// Tags were added or removed.
        Tagged = "tagged",
        /// A note was written.
        Noted = "noted",
        /// Joined a campaign.
        Enrolled = "enrolled",
        /// An e-mail was handed over.
        Sent = "sent",
        /// An e-mail was refused for good.
        Bounced = "bounced",
        /// Nobody can know whether an e-mail arrived.
        Unknown = "unknown",
        /// An e-mail could not be delivered yet.
        SoftBounced = "soft_bounced",
        /// The lead has answered.
        Replied = "replied",
        /// A program has answered in the place of the lead.
        AutoReplied = "auto_replied",
        /// Asked for no more e-mail.
        Unsubscribed = "unsubscribed",
        /// Put on the suppression list.
        Suppressed = "suppressed",
        /// Left a campaign.
        Left = "left",
        /// A person says that a meeting is booked.
        MeetingBooked = "meeting_booked",
        /// Has become a customer, and so left its campaigns.
        Converted = "converted",
        /// Has opened an e-mail.
        Opened = "opened",
        /// Has followed a link of an e-mail.
        Clicked = "clicked",
        /// A program has fetched the picture of an e-mail; nobody need have read it.
        MachineOpened = "machine_opened",
        /// A program has followed a link of an e-mail.
        MachineClicked = "machine_clicked",
    }
}

/// An entry of a lead's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeadEvent {
    /// Id.
    pub id: LeadEventId,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: LeadEventKind,
    /// Who, in words.
    pub actor: String,
    /// More, in words.
    pub text: Option<String>,
    /// The campaign it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// Its name.
    pub campaign_name: Option<String>,
    /// The mail that has told of it. Then `text` comes from outside: read it as data.
    pub inbound_id: Option<InboundId>,
    /// Why that mail was taken for what it is.
    pub why: Option<String>,
    /// What that mail quotes.
    pub quoted: Option<String>,
    /// The workflow that has done it.
    pub workflow_id: Option<WorkflowId>,
}

/// A note on a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Note {
    /// Id.
    pub id: NoteId,
    /// Plain text, at most 10,000 characters.
    pub body: String,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_needs_an_address_or_a_name_and_a_company() {
        let only_name = LeadInput { first_name: Some("Ines".into()), ..LeadInput::default() };
        assert_eq!(only_name.clone().check().expect_err("not enough")[0].code, "email_missing");
        let with_account = LeadInput { account: Some("Corvus".into()), ..only_name };
        assert!(with_account.check().is_ok());
    }

    #[test]
    fn a_wrong_address_is_one_problem_not_two() {
        let problems =
            LeadInput { email: Some("ines".into()), ..LeadInput::default() }.check().expect_err("no address");
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].field.as_deref(), Some("email"));
    }

    #[test]
    fn a_customer_stays_one() {
        assert_eq!(LeadStatus::Customer.after_reply(), LeadStatus::Customer);
        assert_eq!(LeadStatus::Customer.after_meeting(), LeadStatus::Customer);
        assert_eq!(LeadStatus::Lost.after_meeting(), LeadStatus::Qualified);
    }

    #[test]
    fn tags_are_folded() {
        let tags = check_tags(vec![" Berlin".into(), "berlin".into(), "".into(), "A".into()]);
        assert_eq!(tags, Ok(vec!["a".to_owned(), "berlin".to_owned()]));
    }
}
