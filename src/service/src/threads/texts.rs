//! Texts of the library in a reply, filled in as those of campaigns are. What is not known stays as a variable where
//! the author sees it, and no reply leaves with one.

use domain::{
    ContentId, EmailAddress, LeadId, Permission, Problem, ThreadId, content::MAX_TITLE, drafts::MAX_BODY, template,
};

use super::Threads;
use crate::{
    Error, Result,
    campaigns::{LeadFacts, Sender, fill_open},
};

impl Threads<'_> {
    /// Puts a text of the library below what the person has begun to write in a thread.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a problem of a text that names an unknown variable, or that does not fit; a conflict when
    /// there is nobody to answer.
    pub async fn insert_text(&mut self, id: ThreadId, text: ContentId) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let text = self.t.content().get(text).await?;
        if let Some(mistake) = template::mistakes(&text.body, "text").into_iter().next() {
            let title: String = text.title.chars().take(MAX_TITLE).collect();
            let words = format!("{} Correct the text “{title}” in the library first.", mistake.message);
            return Err(Problem { message: words, ..mistake }.into());
        }
        let (lead, sender) = self.sides(id).await?;
        let words = fill_open(&text.body, &lead, &sender);
        let nobody = || Error::conflict("nothing_to_answer", "Nobody has written in this conversation yet.");
        let mut draft = self.draft(id).await?.ok_or_else(nobody)?;
        draft.body = below(&draft.body, &words);
        if draft.body.chars().count() > MAX_BODY {
            let words = "An answer has at most 20,000 characters, and with this text it would have more.";
            return Err(Problem::field("text", "text_long", words).into());
        }
        self.keep_draft(id, &draft).await
    }

    /// What is known of whoever is answered, and of the mailbox that answers.
    async fn sides(&mut self, id: ThreadId) -> Result<(LeadFacts, Sender)> {
        let row = sqlx::query!(
            r#"SELECT t.lead_id AS "lead: LeadId", lower(t.from_address) AS "address: EmailAddress", b.from_name,
                      b.address AS mailbox, c.name AS company, c.postal_address
               FROM threads t JOIN mailboxes b ON b.id = t.mailbox_id CROSS JOIN companies c
               WHERE t.id = $1"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("conversation"))?;
        let lead = match row.lead {
            Some(lead) => self.t.campaigns().facts_of(lead).await?,
            None => LeadFacts { email: row.address, ..LeadFacts::default() },
        };
        let sender = Sender {
            name: row.from_name,
            address: row.mailbox,
            company: row.company,
            postal_address: row.postal_address,
        };
        Ok((lead, sender))
    }
}

/// One text below another, with an empty line between them.
pub(super) fn below(above: &str, text: &str) -> String {
    let (above, text) = (above.trim_end(), text.trim());
    if above.is_empty() { text.to_owned() } else { format!("{above}\n\n{text}") }
}
