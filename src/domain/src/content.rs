//! The library of texts that people and agents keep. A text is data, never a page of the product: it is
//! shown as it was written.

mod file;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{CampaignId, ContentId, Problem, RunId, companies::check_name, problem::Problems, wire::wire_enum};

pub use self::file::{ContentFile, MAX_FILE, attachment, check_file_name};

/// The most characters of a title.
pub const MAX_TITLE: usize = 200;
/// The most characters of a text.
pub const MAX_BODY: usize = 200_000;

wire_enum! {
    /// What a text is for.
    pub enum ContentKind {
        /// An article.
        Blog = "blog",
        /// A post for a network.
        Social = "social",
        /// An image, as a description of it.
        Image = "image",
        /// A video, as its script.
        Video = "video",
        /// An e-mail or a part of one.
        Email = "email",
        /// Figures and what they say.
        Report = "report",
    }
}

impl ContentKind {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Blog => "Blog post",
            Self::Social => "Social post",
            Self::Image => "Image",
            Self::Video => "Video",
            Self::Email => "E-mail",
            Self::Report => "Report",
        }
    }
}

/// A text in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentItem {
    /// Id.
    pub id: ContentId,
    /// What it is for.
    pub kind: ContentKind,
    /// Title.
    pub title: String,
    /// The text, in Markdown.
    pub body: String,
    /// Further facts about it, as names and values.
    pub metadata: BTreeMap<String, String>,
    /// Its file.
    pub file: Option<ContentFile>,
    /// Name of the agent that made it.
    pub agent: Option<String>,
    /// The run in which it was made.
    pub run: Option<RunId>,
    /// The built-in writer made its first version: no language model took part in the run.
    pub built_in: bool,
    /// The campaign it belongs to.
    pub campaign: Option<CampaignId>,
    /// Its name.
    pub campaign_name: Option<String>,
    /// Who made it.
    pub author: String,
    /// Its newest version; the first is 1.
    pub version: i32,
    /// Created.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

impl ContentItem {
    /// A name for its file that every system takes.
    #[must_use]
    pub fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
        format!("{}.md", self.title.chars().map(plain).collect::<String>())
    }
}

/// A text as a row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentSummary {
    /// Id.
    pub id: ContentId,
    /// What it is for.
    pub kind: ContentKind,
    /// Title.
    pub title: String,
    /// Name of the agent that made it.
    pub agent: Option<String>,
    /// The run in which it was made.
    pub run: Option<RunId>,
    /// The campaign it belongs to.
    pub campaign: Option<CampaignId>,
    /// Who made it.
    pub author: String,
    /// Its newest version; the first is 1.
    pub version: i32,
    /// Created.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

/// What can be entered about a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ContentInput {
    /// What it is for.
    pub kind: ContentKind,
    /// Title, 1 to 200 characters.
    pub title: String,
    /// The text, in Markdown: 1 to 200,000 characters.
    pub body: String,
    /// Further facts about it, as names and values; at most 50.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// The campaign it belongs to.
    #[serde(default)]
    pub campaign: Option<CampaignId>,
}

/// What was entered about a text that exists, to change some of it.
impl From<ContentItem> for ContentInput {
    fn from(item: ContentItem) -> Self {
        Self { kind: item.kind, title: item.title, body: item.body, metadata: item.metadata, campaign: item.campaign }
    }
}

impl ContentInput {
    /// The same, trimmed and checked.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        // Browsers end the lines of a form in two characters, programs in one.
        let body = self.body.replace("\r\n", "\n").trim().to_owned();
        let title = check_name(&self.title, MAX_TITLE)
            .map_err(|_| Problem::new("title_invalid", "Enter a title of 1 to 200 characters, on one line."));
        let title = problems.check("title", title).unwrap_or_default();
        if body.is_empty() {
            problems.push(Problem::field("body", "body_missing", "Write the text."));
        }
        if body.chars().count() > MAX_BODY {
            let message = "A text has at most 200,000 characters. Keep it as two texts.";
            problems.push(Problem::field("body", "body_long", message));
        }
        let small =
            |name: &str, value: &str| (1..=100).contains(&name.chars().count()) && value.chars().count() <= 2_000;
        if self.metadata.len() > 50 || !self.metadata.iter().all(|(name, value)| small(name, value)) {
            let message = "Use at most 50 facts, with names of 1 to 100 and values of at most 2,000 characters.";
            problems.push(Problem::field("metadata", "metadata_invalid", message));
        }
        problems.finish()?;
        Ok(Self { title, body, ..self })
    }
}

/// A filter of the library.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContentFilter {
    /// Only texts for this.
    pub kind: Option<ContentKind>,
    /// Beginnings of words that title or body have, in any order.
    pub q: Option<String>,
}

/// A version of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentVersion {
    /// Its number.
    pub version: i32,
    /// Title.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A version of a text, with its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentText {
    /// Its number.
    pub version: i32,
    /// Title.
    pub title: String,
    /// The text, in Markdown.
    pub body: String,
    /// Who made it.
    pub author: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(title: &str, body: &str) -> ContentInput {
        ContentInput {
            kind: ContentKind::Blog,
            title: title.to_owned(),
            body: body.to_owned(),
            metadata: BTreeMap::new(),
            campaign: None,
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let metadata = BTreeMap::from([(String::new(), "a value without a name".to_owned())]);
        let wrong = ContentInput { metadata, ..input(" ", "\r\n") };
        let fields: Vec<_> = wrong.check().expect_err("nothing is right").into_iter().filter_map(|p| p.field).collect();
        assert_eq!(fields, ["title", "body", "metadata"]);
        let long = input(&"a".repeat(201), &"b".repeat(MAX_BODY + 1)).check().expect_err("both are too long");
        assert_eq!(long.len(), 2);
    }

    #[test]
    fn a_text_is_trimmed_and_its_lines_end_in_one_way() {
        let checked = input(" Title ", "\r\none\r\ntwo\r\n").check().expect("fine");
        assert_eq!((checked.title.as_str(), checked.body.as_str()), ("Title", "one\ntwo"));
    }
}
