//! What a person or a program reads when something cannot be done.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One reason why input was not accepted.
///
/// `code` is for programs and never changes; `message` says what happened and
/// what to do; `field` names the input it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Stable word for programs.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub code: Cow<'static, str>,
    /// Sentence for people.
    pub message: String,
    /// Name of the input, as in the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub field: Option<Cow<'static, str>>,
}

impl Problem {
    /// A problem of the request as a whole.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), message: message.into(), field: None }
    }

    /// A problem of one input.
    pub fn field(field: impl Into<Cow<'static, str>>, code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), message: message.into(), field: Some(field.into()) }
    }

    /// The same problem, said of `field`.
    #[must_use]
    pub fn on(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }
}

/// A command that the state of the thing does not allow.
///
/// `allowed` lists the commands that would work now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Stable word for programs.
    pub code: Cow<'static, str>,
    /// Sentence for people.
    pub message: String,
    /// Commands that are allowed from the present state.
    pub allowed: Vec<Cow<'static, str>>,
}

impl Refusal {
    /// A refusal with the commands that would work instead.
    pub fn new(code: &'static str, message: impl Into<String>, allowed: &[&'static str]) -> Self {
        Self {
            code: Cow::Borrowed(code),
            message: message.into(),
            allowed: allowed.iter().map(|word| Cow::Borrowed(*word)).collect(),
        }
    }
}

/// Collects problems while input is checked, so that a person sees all of them at once.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Nothing found yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds several.
    pub fn extend(&mut self, problems: Vec<Problem>) {
        self.0.extend(problems);
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Keeps the value of a check, or remembers its problem under `field`.
    pub fn check<T>(&mut self, field: &'static str, result: Result<T, Problem>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                self.0.push(problem.on(field));
                None
            }
        }
    }

    /// Whether something was found for `field`.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|p| p.field.as_deref() == Some(field))
    }

    /// `Ok` when nothing was found.
    ///
    /// # Errors
    /// All problems that were found.
    pub fn finish(self) -> Result<(), Vec<Problem>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}
