//! Memories: what an agent has kept for later runs. What was kept after text from outside had been read stays
//! marked, and is offered back as data.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{MemoryId, Problem, RunId, wire::wire_enum};

/// Most characters of a memory.
pub const MAX_MEMORY: usize = 2_000;

wire_enum! {
    /// What a memory is about.
    pub enum MemoryKind {
        /// Something that is so.
        Fact = "fact",
        /// How somebody wants it done.
        Preference = "preference",
        /// What worked, or did not.
        Lesson = "lesson",
    }
}

impl MemoryKind {
    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fact => "Fact",
            Self::Preference => "Preference",
            Self::Lesson => "Lesson",
        }
    }
}

/// Something that an agent remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Memory {
    /// Id.
    pub id: MemoryId,
    /// What it is about.
    pub kind: MemoryKind,
    /// The words.
    pub text: String,
    /// Whether text from outside may stand behind it.
    pub outside: bool,
    /// The run that kept it.
    pub run: Option<RunId>,
    /// Who kept it.
    pub created_by: String,
    /// Kept.
    pub created_at: DateTime<Utc>,
    /// Forgotten from then on.
    pub expires_at: DateTime<Utc>,
}

/// What an agent wants to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMemory {
    /// What it is about.
    pub kind: MemoryKind,
    /// The words.
    pub text: String,
    /// For how many days.
    pub days: i64,
}

impl NewMemory {
    /// The same, trimmed and checked.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self) -> Result<Self, Problem> {
        let text = self.text.trim().to_owned();
        if text.is_empty() || text.chars().count() > MAX_MEMORY {
            return Err(Problem::field("text", "text_invalid", "Remember a text of 1 to 2,000 characters."));
        }
        if !(1..=730).contains(&self.days) {
            return Err(Problem::field("days", "days_invalid", "Remember it for 1 to 730 days."));
        }
        Ok(Self { text, ..self })
    }
}
