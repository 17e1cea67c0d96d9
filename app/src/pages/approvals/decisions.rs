//! What a person may do with a draft: approve it, change its words, ask for another one, reject it, or take such a
//! decision back. After a decision the next draft of the queue is shown.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use {
    super::load,
    domain::{
        DraftId,
        drafts::{Rejection, Rewrite, RewriteReason},
    },
    service::Tenant,
};

/// The draft that is decided about, and the queue that it was opened from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct Seen {
    /// Version that was read; for a decision that is taken back it does not matter.
    pub version: Option<i32>,
    /// Which drafts the queue shows.
    pub campaign: String,
    /// Who has written them.
    pub writer: String,
    /// How their checks came out.
    pub flag: String,
}

/// Approves a draft as it stands.
#[server(prefix = "/sf")]
pub async fn approve_draft(
    slug: String,
    id: String,
    seen: Seen,
    #[server(default)] acknowledged: bool,
) -> Result<(), AppError> {
    decide(&slug, &id, seen, Decision::Approve { acknowledged }).await
}

/// Keeps other words for a draft; it waits on.
#[server(prefix = "/sf")]
pub async fn edit_draft(slug: String, id: String, subject: String, body: String, seen: Seen) -> Result<(), AppError> {
    decide(&slug, &id, seen, Decision::Edit { subject, body }).await
}

/// Asks for another draft.
#[server(prefix = "/sf")]
pub async fn rewrite_draft(
    slug: String,
    id: String,
    #[server(default)] reasons: Vec<String>,
    #[server(default)] wrong: String,
    seen: Seen,
) -> Result<(), AppError> {
    let reasons = reasons.iter().filter_map(|reason| RewriteReason::parse(reason)).collect();
    decide(&slug, &id, seen, Decision::Rewrite(Rewrite { reasons, reason: wrong })).await
}

/// Rejects a draft: its e-mail is skipped, or its lead leaves the campaign.
#[server(prefix = "/sf")]
pub async fn reject_draft(
    slug: String,
    id: String,
    #[server(default)] then: String,
    #[server(default)] reason: String,
    seen: Seen,
) -> Result<(), AppError> {
    let then = Rejection::parse(&then).ok_or_else(|| {
        let problem = domain::Problem::field("then", "then_missing", "Choose what becomes of the lead.");
        AppError::from(service::Error::invalid(problem))
    })?;
    decide(&slug, &id, seen, Decision::Reject { then, reason }).await
}

/// Takes an approval or a rejection back.
#[server(prefix = "/sf")]
pub async fn undo_draft(slug: String, id: String, seen: Seen) -> Result<(), AppError> {
    decide(&slug, &id, seen, Decision::Undo).await
}

#[cfg(feature = "ssr")]
enum Decision {
    Approve { acknowledged: bool },
    Edit { subject: String, body: String },
    Rewrite(Rewrite),
    Reject { then: Rejection, reason: String },
    Undo,
}

#[cfg(feature = "ssr")]
impl Decision {
    async fn make(self, t: &mut Tenant, id: DraftId, version: Option<i32>) -> service::Result<()> {
        let mut drafts = t.drafts();
        match self {
            Self::Approve { acknowledged } => drafts.approve(id, version, acknowledged).await,
            Self::Edit { subject, body } => drafts.update(id, &subject, &body, version).await,
            Self::Rewrite(wrong) => drafts.rewrite(id, &wrong, version).await,
            Self::Reject { then, reason } => drafts.reject(id, then, &reason, version).await,
            Self::Undo => drafts.undo(id).await,
        }
        .map(drop)
    }

    /// Whether the same draft is shown again, and what is said above the next page.
    const fn leads_to(&self) -> (bool, &'static str) {
        match self {
            Self::Approve { .. } | Self::Reject { .. } => (false, "undo"),
            Self::Edit { .. } => (true, "done=draft-edited"),
            Self::Rewrite(_) => (false, "done=draft-rewritten"),
            Self::Undo => (true, "done=draft-undone"),
        }
    }
}

/// Makes a decision and goes on with the queue.
#[cfg(feature = "ssr")]
async fn decide(slug: &str, id: &str, seen: Seen, decision: Decision) -> Result<(), AppError> {
    let draft = load::draft_id(id)?;
    let filter = load::filter(&seen.campaign, &seen.writer, &seen.flag)?;
    let (stays, said) = decision.leads_to();
    let mut t = crate::server::tenant(slug).await?;
    let next = t.drafts().place(draft, &filter).await?.next;
    decision.make(&mut t, draft, seen.version).await?;
    t.commit().await?;
    let page = if stays { Some(draft) } else { next }.map(|id| format!("/{id}")).unwrap_or_default();
    let said = if said == "undo" { format!("undo={draft}") } else { said.to_owned() };
    let Seen { campaign, writer, flag, .. } = seen;
    leptos_axum::redirect(&format!("/t/{slug}/approvals{page}?campaign={campaign}&writer={writer}&flag={flag}&{said}"));
    Ok(())
}
