//! How a step reads for one lead, and the test mails that show it in a real inbox.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{drafts::Writer, wire::wire_enum};

/// A step as a real lead would read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preview {
    /// Subject.
    pub subject: String,
    /// Body as plain text, footer included.
    pub text: String,
    /// Variables without a value and without a fallback.
    pub missing: Vec<String>,
    /// The lead it was written for.
    pub lead_name: String,
    /// Who it would come from.
    pub from: String,
    /// What has written it, when the e-mails of the step are written for each lead: a preview asks no model.
    pub writer: Option<Writer>,
}

wire_enum! {
    /// Where a test mail stands.
    pub enum TestMailState {
        /// Nobody has taken it yet.
        Waiting = "waiting",
        /// On its way; it is never sent again.
        Sending = "sending",
        /// Handed over.
        Sent = "sent",
        /// Refused.
        Failed = "failed",
        /// Nobody knows whether it was handed over.
        Unknown = "unknown",
    }
}

impl TestMailState {
    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Sending => "Being sent",
            Self::Sent => "Sent",
            Self::Failed => "Refused",
            Self::Unknown => "Unknown",
        }
    }
}

/// A test mail: one step, written for one lead, sent to an address that somebody entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TestMail {
    /// Id.
    pub id: Uuid,
    /// Where it went.
    pub recipient: String,
    /// Where it stands.
    pub state: TestMailState,
    /// The words of the server.
    pub detail: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}
