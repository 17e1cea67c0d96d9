//! Language models of a company: who answers, where, for how much, and in which order they are asked.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ModelId, Problem, companies::check_name, problem::Problems, public_url::check_endpoint, wire::wire_enum};

wire_enum! {
    /// How a model is spoken to.
    pub enum ModelKind {
        /// OpenAI, and every endpoint that speaks like it.
        OpenAi = "openai",
        /// Anthropic.
        Anthropic = "anthropic",
        /// Google Gemini.
        Gemini = "gemini",
        /// Ollama, on a machine of the company.
        Ollama = "ollama",
    }
}

impl ModelKind {
    /// The name people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI-compatible",
            Self::Anthropic => "Anthropic",
            Self::Gemini => "Gemini",
            Self::Ollama => "Ollama",
        }
    }

    /// Whether it asks for a key.
    #[must_use]
    pub const fn needs_key(self) -> bool {
        !matches!(self, Self::Ollama)
    }
}

/// A model that is set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Model {
    /// Id.
    pub id: ModelId,
    /// Its name here.
    pub name: String,
    /// How it is spoken to.
    pub kind: ModelKind,
    /// Where; at the provider's own address when absent.
    pub base_url: Option<String>,
    /// Its name at the provider.
    pub model: String,
    /// Whether a key is kept for it.
    pub has_key: bool,
    /// US dollars for a million tokens that are sent.
    pub price_in: f64,
    /// US dollars for a million tokens that are answered.
    pub price_out: f64,
    /// Place in the order they are asked, from 1.
    pub place: i32,
    /// Whether it is asked.
    pub enabled: bool,
    /// Not asked until then, because it failed several times.
    pub open_until: Option<DateTime<Utc>>,
    /// What went wrong last, until it answers again.
    pub last_error: Option<String>,
    /// When it last answered.
    pub worked_at: Option<DateTime<Utc>>,
}

/// What is entered to set up or change a model; an absent value stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ModelInput {
    /// Its name here, 1 to 100 characters.
    pub name: Option<String>,
    /// How it is spoken to; cannot be changed later.
    pub kind: Option<ModelKind>,
    /// Address of an endpoint, as in `https://llm.example.com/v1`; empty for the provider's own.
    pub base_url: Option<String>,
    /// Its name at the provider, as in `gpt-5-mini`.
    pub model: Option<String>,
    /// Key; kept encrypted, never shown. Needed again with another address.
    pub key: Option<String>,
    /// US dollars for a million tokens that are sent.
    pub price_in: Option<f64>,
    /// US dollars for a million tokens that are answered.
    pub price_out: Option<f64>,
    /// Whether it is asked.
    pub enabled: Option<bool>,
}

impl ModelInput {
    /// Checks what is there. `new` also asks for what a new model cannot do without.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self, new: bool) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        if new || self.name.is_some() {
            self.name = problems.check("name", check_name(self.name.as_deref().unwrap_or_default(), 100));
        }
        if new && self.kind.is_none() {
            problems.push(Problem::field("kind", "kind_missing", "Choose how the model is spoken to."));
        }
        self.model = self.model.map(|model| model.trim().to_owned());
        let named = self.model.as_ref().is_some_and(|m| (1..=200).contains(&m.chars().count()));
        if !named && (new || self.model.is_some()) {
            let words = "Enter the name that the provider gives the model, as in gpt-5-mini.";
            problems.push(Problem::field("model", "model_invalid", words));
        }
        if let Some(url) = self.base_url.take() {
            let url = url.trim();
            self.base_url =
                if url.is_empty() { Some(String::new()) } else { problems.check("base_url", check_endpoint(url)) };
        }
        self.key = self.key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        if self.key.as_ref().is_some_and(|key| key.len() > 2_000 || !key.is_ascii()) {
            problems.push(Problem::field("key", "key_invalid", "Enter the key as the provider shows it."));
        }
        if new && self.key.is_none() && self.kind.is_some_and(ModelKind::needs_key) {
            problems.push(Problem::field("key", "key_missing", "Enter the key that the provider gave you."));
        }
        for (field, price) in [("price_in", self.price_in), ("price_out", self.price_out)] {
            if price.is_some_and(|price| !(0.0..=10_000.0).contains(&price)) {
                let words = "Enter US dollars for a million tokens, 0 to 10,000.";
                problems.push(Problem::field(field, "price_invalid", words));
            }
        }
        problems.finish()?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_model_needs_what_it_is_asked_with() {
        let fields: Vec<_> = ModelInput { kind: Some(ModelKind::OpenAi), ..ModelInput::default() }
            .check(true)
            .expect_err("nothing is there")
            .into_iter()
            .filter_map(|p| p.field)
            .collect();
        assert_eq!(fields, ["name", "model", "key"]);
        let ollama = ModelInput {
            name: Some("Local".into()),
            kind: Some(ModelKind::Ollama),
            model: Some("gemma3".into()),
            base_url: Some("http://127.0.0.1:11434/".into()),
            ..ModelInput::default()
        };
        assert_eq!(ollama.check(true).expect("fine").base_url.as_deref(), Some("http://127.0.0.1:11434"));
    }

    #[test]
    fn an_address_is_one_of_the_web() {
        for wrong in
            ["ftp://x.example", "llm.example.com", "https://", "https://user:pass@x.example", "https://x.example/?a=b"]
        {
            let input = ModelInput { base_url: Some(wrong.into()), ..ModelInput::default() };
            assert!(input.check(false).is_err(), "{wrong}");
        }
    }
}
