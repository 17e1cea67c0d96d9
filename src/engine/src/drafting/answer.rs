//! The answer of a model to the question for a draft: JSON of one shape. What does not have it, or rests on
//! facts that nobody told it, is not used.

use std::sync::LazyLock;

use domain::drafts::{Fact, Sentence};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most sentences of an e-mail.
const SENTENCES: usize = 40;

/// An e-mail.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// Subject on one line.
    #[schemars(length(min = 1, max = 200))]
    pub subject: String,
    /// The text, the greeting first.
    #[schemars(length(min = 1, max = 40))]
    sentences: Vec<Said>,
}

/// A sentence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// Its words.
    #[schemars(length(min = 1, max = 1000))]
    text: String,
    /// Ids of the facts that it rests on.
    facts: Vec<String>,
    /// Whether a paragraph begins with it.
    #[serde(default)]
    new_paragraph: bool,
}

/// The shape of an answer.
pub(super) fn schema() -> Value {
    schema_for!(Answer).to_value()
}

impl Answer {
    /// Reads what a model said.
    ///
    /// # Errors
    /// What is wrong with it, in words for the model.
    pub fn read(said: &str, facts: &[Fact]) -> Result<Self, String> {
        static VALIDATOR: LazyLock<Option<jsonschema::Validator>> =
            LazyLock::new(|| jsonschema::validator_for(&schema()).ok());
        let value: Value = serde_json::from_str(object(said)).map_err(|error| format!("it is no JSON ({error})."))?;
        if let Some(validator) = &*VALIDATOR
            && let Some(error) = validator.iter_errors(&value).next()
        {
            return Err(format!("at {} {error}.", error.instance_path()));
        }
        let answer: Self = serde_json::from_value(value).map_err(|error| format!("{error}."))?;
        if answer.sentences.len() > SENTENCES || answer.subject.contains(['\r', '\n']) {
            return Err(format!("write at most {SENTENCES} sentences and a subject on one line."));
        }
        let named = answer.sentences.iter().flat_map(|sentence| &sentence.facts);
        match named.into_iter().find(|id| !facts.iter().any(|fact| fact.id == **id)) {
            Some(id) => Err(format!("there is no fact “{id}”.")),
            None => Ok(answer),
        }
    }

    /// The text as a draft keeps it.
    pub fn into_sentences(self) -> Vec<Sentence> {
        let sentence = |said: Said| Sentence {
            text: said.text.trim().to_owned(),
            facts: said.facts,
            breaks: if said.new_paragraph { 2 } else { 0 },
            unsupported: Vec::new(),
        };
        self.sentences.into_iter().map(sentence).collect()
    }
}

/// The object in what a model said: many put it in a fence.
fn object(said: &str) -> &str {
    match (said.find('{'), said.rfind('}')) {
        (Some(from), Some(to)) if from < to => &said[from..=to],
        _ => said.trim(),
    }
}

#[cfg(test)]
mod tests {
    use domain::drafts::FactSource;

    use super::*;

    #[test]
    fn only_an_answer_of_the_right_shape_is_used() {
        let facts = [Fact {
            id: "lead.title".into(),
            source: FactSource::Lead,
            label: "Title".into(),
            value: "Engineer".into(),
            document: None,
        }];
        let good = r#"{"subject": "A question", "sentences": [{"text": "Hi.", "facts": ["lead.title"]}]}"#;
        for said in [good.to_owned(), format!("Here it is:\n```json\n{good}\n```")] {
            let answer = Answer::read(&said, &facts).expect("it can be used");
            assert_eq!(answer.into_sentences()[0].facts, ["lead.title"]);
        }
        for (said, words) in [
            ("Dear Ines".to_owned(), "no JSON"),
            (good.replace("lead.title", "lead.age"), "no fact “lead.age”"),
            (good.replace("A question", ""), "/subject"),
            (good.replace("\"facts\"", "\"sources\""), "/sentences/0"),
            (good.replace("A question", "Two\\nlines"), "on one line"),
        ] {
            let wrong = Answer::read(&said, &facts).expect_err("it cannot be used");
            assert!(wrong.contains(words), "{wrong}");
        }
    }
}
