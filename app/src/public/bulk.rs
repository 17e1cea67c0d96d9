//! What the forms of lists have in common: many ticked rows in one form, posted without scripts, and a question before
//! what cannot be taken back.

use std::str::FromStr;

use axum::response::Response;
use domain::Problem;
use http::StatusCode;
use leptos::prelude::*;
use service::{Error, Result};

use super::page;

/// A change of more leads than this, where it is lost for good, is confirmed by a word.
pub const FEW: i64 = 10;

/// What comes of a form.
pub enum Step {
    /// It is done; how the page is told.
    Done(String),
    /// It is asked about first.
    Question(Question),
}

/// What is asked before a change.
pub struct Question {
    /// The heading.
    pub title: String,
    /// What follows from it.
    pub text: String,
    /// What the button says.
    pub verb: &'static str,
    /// Something is lost by it.
    pub danger: bool,
    /// The word that has to be typed.
    pub word: Option<&'static str>,
}

impl Question {
    /// Whether the form brings the answer.
    pub fn is_answered(&self, form: &Form) -> bool {
        form.value("sure") == self.word.unwrap_or("yes")
    }
}

/// A form as it was posted.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads its body.
    pub fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first value with this name; empty when there is none.
    pub fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(k, _)| k == name).map_or("", |(_, v)| v.as_str())
    }

    /// Whether all rows of the list are meant, and not only the ticked ones.
    pub fn is_all(&self) -> bool {
        self.value("all") == "1"
    }

    /// The ids of the ticked rows.
    ///
    /// # Errors
    /// A problem when there is none.
    pub fn ids<I: FromStr>(&self) -> Result<Vec<I>> {
        let ids: Vec<I> = self.0.iter().filter(|(k, _)| k == "ids").filter_map(|(_, id)| id.parse().ok()).collect();
        if ids.is_empty() { Err(Problem::new("nothing_selected", "Tick at least one lead.").into()) } else { Ok(ids) }
    }

    /// The same, with one more value that the question hands on; one that is there already stays.
    pub fn with(mut self, name: &str, value: impl FnOnce() -> String) -> Self {
        if self.value(name).is_empty() {
            self.0.push((name.to_owned(), value()));
        }
        self
    }

    /// The same form again, with the question; `back` is where to go instead.
    pub fn ask(self, action: String, back: String, question: Question) -> Response {
        let kept: Vec<_> = self
            .0
            .into_iter()
            .filter(|(name, _)| name != "sure")
            .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
            .collect();
        let sure = match question.word {
            Some(word) => view! {
                <div class="field">
                    <label for="sure">{format!("Type “{word}” to go on")}</label>
                    <input id="sure" name="sure" autocomplete="off" required/>
                </div>
            }
            .into_any(),
            None => view! { <input type="hidden" name="sure" value="yes"/> }.into_any(),
        };
        let kind = if question.danger { "button danger" } else { "button primary" };
        page::card(StatusCode::OK, &question.title, || {
            view! {
                <p>{question.text}</p>
                <form method="post" action=action class="stack">
                    {kept}
                    {sure}
                    <div class="cluster">
                        <a class="button" href=back>"Cancel"</a>
                        <button class=kind>{question.verb}</button>
                    </div>
                </form>
            }
            .into_any()
        })
    }
}

/// The action of the form is none that the list offers.
pub fn unknown() -> Error {
    Problem::new("action_unknown", "Choose what to do.").into()
}
