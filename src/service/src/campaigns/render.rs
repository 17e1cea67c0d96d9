//! From a step and the facts of a lead to the e-mail that a person will read.

use std::borrow::Cow;

use domain::{
    CampaignId, EmailAddress, LeadId, PageRequest, Permission, Problem, StepId,
    campaigns::Audience,
    drafts::{Writer, join, write_built_in},
    leads::{LeadSort, display_name},
    steps::{Action, Email, Preview, Thread},
    template::{self, Variable},
};

use super::Campaigns;
use crate::{Error, Result, drafts::basic_facts};

/// The facts that variables stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeadFacts {
    pub email: Option<EmailAddress>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub title: Option<String>,
    pub account: Option<String>,
    pub country: Option<String>,
}

/// The side that sends.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub name: String,
    pub address: String,
    pub company: String,
    pub postal_address: Option<String>,
}

/// An e-mail as written for one lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Subject.
    pub subject: String,
    /// Body as plain text, with the footer that the law asks for.
    pub text: String,
    /// Variables without a value and without a fallback.
    pub missing: Vec<String>,
}

/// Fills the variables of a text that is no e-mail; one without a value is left out.
pub(crate) fn fill(text: &str, lead: &LeadFacts, sender: &Sender) -> String {
    template::render(text, |variable| fact(variable, lead, sender)).text
}

/// Fills a text for somebody who goes on writing: a variable without a value stays.
pub(crate) fn fill_open(text: &str, lead: &LeadFacts, sender: &Sender) -> String {
    template::render_open(text, |variable| fact(variable, lead, sender)).text
}

/// Writes an e-mail for a lead.
pub(crate) fn write(
    (subject, body): (&str, &str),
    lead: &LeadFacts,
    sender: &Sender,
    unsubscribe_url: &str,
) -> Written {
    let value = |variable| fact(variable, lead, sender);
    let subject = template::render(subject, value);
    let body = template::render(body, value);
    let mut missing: Vec<String> = subject.missing.iter().chain(&body.missing).map(ToString::to_string).collect();
    missing.sort();
    missing.dedup();
    // Facts come from outside: a line break in a name must not begin a header.
    let subject = subject.text.split_whitespace().collect::<Vec<_>>().join(" ");
    Written { subject, text: format!("{}\n\n{}", body.text.trim_end(), footer(sender, unsubscribe_url)), missing }
}

/// How a step reads for a lead before any writer has been asked: the built-in one needs no answer of a model.
pub(super) fn sample(email: &Email, variant: i16, lead: &LeadFacts, sender: &Sender, unsubscribe_url: &str) -> Written {
    let (subject, body) = email.wording(variant);
    if !email.writing.needs_draft() {
        return write((subject, body), lead, sender, unsubscribe_url);
    }
    let (subject, sentences) = write_built_in(subject, body, &basic_facts(lead, sender));
    write_approved(&subject, &join(&sentences), sender, unsubscribe_url)
}

/// Words that somebody has approved, as they stand, with the footer that every e-mail has.
pub(crate) fn write_approved(subject: &str, body: &str, sender: &Sender, unsubscribe_url: &str) -> Written {
    let text = format!("{}\n\n{}", body.trim_end(), footer(sender, unsubscribe_url));
    Written { subject: subject.to_owned(), text, missing: Vec::new() }
}

/// The company, its postal address (CAN-SPAM Act, 15 U.S.C. 7704(a)(5)) and the way out.
fn footer(sender: &Sender, unsubscribe_url: &str) -> String {
    let address = sender.postal_address.as_deref().unwrap_or_default().trim();
    let address = address.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(", ");
    let who = if address.is_empty() { sender.company.clone() } else { format!("{}, {address}", sender.company) };
    // “-- ” and a line break: mail programs know it as the beginning of a signature (RFC 3676, 4.3).
    format!("-- \n{who}\nNo more e-mails from us: {unsubscribe_url}\n")
}

fn fact<'f>(variable: Variable, lead: &'f LeadFacts, sender: &'f Sender) -> Option<Cow<'f, str>> {
    let known = |text: &'f Option<String>| text.as_deref().map(Cow::Borrowed);
    match variable {
        Variable::FirstName => known(&lead.first_name),
        Variable::LastName => known(&lead.last_name),
        Variable::FullName => match (&lead.first_name, &lead.last_name) {
            (None, None) => None,
            (first, last) => Some(display_name(first.as_deref(), last.as_deref(), None).into()),
        },
        Variable::Email => lead.email.as_ref().map(|e| Cow::Borrowed(e.as_str())),
        Variable::Title => known(&lead.title),
        Variable::Company => known(&lead.account),
        Variable::Country => known(&lead.country),
        Variable::SenderName => Some(Cow::Borrowed(&sender.name)),
        Variable::SenderEmail => Some(Cow::Borrowed(&sender.address)),
        Variable::SenderCompany => Some(Cow::Borrowed(&sender.company)),
    }
}

impl Campaigns<'_> {
    /// A step as `lead` would read it; without one, as the first lead of the audience or an invented one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when campaign, step or lead does not exist.
    pub async fn preview(
        &mut self,
        campaign: CampaignId,
        step: StepId,
        variant: i16,
        lead: Option<LeadId>,
    ) -> Result<Preview> {
        self.t.require(Permission::Read).await?;
        let email = self.email(campaign, step).await?;
        let facts = self.facts_for(campaign, lead).await?;
        let sender = self.sender_of(campaign).await?;
        let url = format!("{}/p/example", self.t.db().settings().public_url);
        let mut written = sample(&email, variant, &facts, &sender, &url);
        if email.thread == Thread::Reply && written.subject.is_empty() {
            written.subject = "Re: the subject of the e-mail before".to_owned();
        }
        Ok(Preview {
            writer: email.writing.needs_draft().then_some(Writer::BuiltIn),
            subject: written.subject,
            text: written.text,
            missing: written.missing,
            lead_name: display_name(
                facts.first_name.as_deref(),
                facts.last_name.as_deref(),
                facts.email.as_ref().map(EmailAddress::as_str),
            ),
            from: format!("{} <{}>", sender.name, sender.address),
        })
    }

    /// The e-mail of a step.
    pub(crate) async fn email(&mut self, campaign: CampaignId, step: StepId) -> Result<Email> {
        match self.step(campaign, step).await?.action {
            Action::Email(email) => Ok(email),
            _ => Err(Problem::field("step", "not_an_email", "This step is no e-mail. Choose another one.").into()),
        }
    }

    /// Some leads of the audience, with their names: for whom a step can be previewed.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the campaign does not exist.
    pub async fn some_of_audience(&mut self, id: CampaignId, most: u16) -> Result<Vec<(LeadId, String)>> {
        self.t.require(Permission::Read).await?;
        let campaign = self.load(id, false).await?;
        if let (Audience::Filter { filter }, None) = (&campaign.audience, campaign.lifecycle.started_at) {
            let page = PageRequest { per: Some(i64::from(most)), ..PageRequest::default() };
            let leads = self.t.leads().list(filter, LeadSort::default(), &page).await?.items;
            return Ok(leads.into_iter().map(|lead| (lead.id, lead.name)).collect());
        }
        let rows = sqlx::query!(
            r#"SELECT l.id AS "id: LeadId", l.first_name, l.last_name, l.email AS "email: EmailAddress" FROM leads l
               WHERE l.id IN (
                   (SELECT e.lead_id FROM enrolments e WHERE e.campaign_id = $1 AND e.lead_id IS NOT NULL
                    ORDER BY e.lead_id LIMIT $2)
                   UNION ALL
                   (SELECT unnest(a.lead_ids[:$2::bigint::int]) FROM campaign_audience a WHERE a.campaign_id = $1
                    ORDER BY a.chunk_no LIMIT $2))
               ORDER BY l.id LIMIT $2"#,
            id.0,
            i64::from(most),
        )
        .fetch_all(self.t.conn())
        .await?;
        let name = |first: &Option<String>, last: &Option<String>, email: Option<&EmailAddress>| {
            display_name(first.as_deref(), last.as_deref(), email.map(EmailAddress::as_str))
        };
        Ok(rows.into_iter().map(|r| (r.id, name(&r.first_name, &r.last_name, r.email.as_ref()))).collect())
    }

    /// What is known about `lead`; without one, about the first of the audience or an invented one.
    pub(super) async fn facts_for(&mut self, campaign: CampaignId, lead: Option<LeadId>) -> Result<LeadFacts> {
        let first = match lead {
            Some(lead) => Some(lead),
            None => self.some_of_audience(campaign, 1).await?.pop().map(|(id, _)| id),
        };
        let Some(lead) = first else {
            return Ok(LeadFacts {
                email: EmailAddress::parse("ana.berg@example.com").ok(),
                first_name: Some("Ana".to_owned()),
                last_name: Some("Berg".to_owned()),
                title: Some("Head of Quality".to_owned()),
                account: Some("Example Optics".to_owned()),
                country: Some("DE".to_owned()),
            });
        };
        self.facts_of(lead).await
    }

    /// What is known about a lead.
    pub(crate) async fn facts_of(&mut self, lead: LeadId) -> Result<LeadFacts> {
        sqlx::query_as!(
            LeadFacts,
            r#"SELECT l.email AS "email: EmailAddress", l.first_name, l.last_name, l.title, a.name AS "account?", l.country
               FROM leads l LEFT JOIN accounts a ON a.id = l.account_id WHERE l.id = $1"#,
            lead.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("lead"))
    }

    /// The first mailbox of the campaign as a sender; a placeholder name while there is none.
    pub(crate) async fn sender_of(&mut self, campaign: CampaignId) -> Result<Sender> {
        let row = sqlx::query!(
            r#"SELECT c.name AS company, c.postal_address, m.from_name AS "name?", m.address AS "address?"
               FROM companies c
               LEFT JOIN (SELECT b.from_name, b.address FROM campaign_mailboxes cm JOIN mailboxes b ON b.id = cm.mailbox_id
                          WHERE cm.campaign_id = $1 ORDER BY cm.position LIMIT 1) m ON true"#,
            campaign.0
        )
        .fetch_one(self.t.conn())
        .await?;
        Ok(Sender {
            name: row.name.unwrap_or_else(|| row.company.clone()),
            address: row.address.unwrap_or_else(|| "no mailbox chosen yet".to_owned()),
            company: row.company,
            postal_address: row.postal_address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: &str = "A question about {company|your team}";

    fn sender() -> Sender {
        Sender {
            name: "Nora Berg".into(),
            address: "nora@halden.example".into(),
            company: "Halden Instruments".into(),
            postal_address: Some("Werkstraße 4\n 10115 Berlin".into()),
        }
    }

    #[test]
    fn an_e_mail_carries_address_and_way_out() {
        let lead = LeadFacts { first_name: Some("Ines".into()), ..LeadFacts::default() };
        let written = write((SUBJECT, "Hi {first_name|there}"), &lead, &sender(), "https://x.example/p/t");
        assert_eq!(
            written.text,
            "Hi Ines\n\n-- \nHalden Instruments, Werkstraße 4, 10115 Berlin\nNo more e-mails from us: https://x.example/p/t\n"
        );
        assert_eq!(written.subject, "A question about your team");
    }

    #[test]
    fn a_fact_cannot_smuggle_a_header_into_the_subject() {
        let lead = LeadFacts { account: Some("Corvus\r\nBcc: all@example.com".into()), ..LeadFacts::default() };
        let written = write((SUBJECT, "Hi"), &lead, &sender(), "u");
        assert_eq!(written.subject, "A question about Corvus Bcc: all@example.com");
    }

    #[test]
    fn gaps_are_named() {
        let words = (SUBJECT, "Hi {first_name} from {company}");
        assert_eq!(write(words, &LeadFacts::default(), &sender(), "u").missing, ["company", "first_name"]);
    }
}
