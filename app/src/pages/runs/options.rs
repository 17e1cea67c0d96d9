//! How a run is to be done, in the form that starts it: its limits, who thinks, and whether it is only tried.

use std::collections::BTreeMap;

use domain::{
    Problem,
    runs::{LowerLimits, NewRun},
};
use leptos::prelude::*;

use crate::{
    exchange::Post,
    ui::{Checkbox, Choice, InputKind, Select, TextInput},
};

/// The value of the choice that is no model.
const BUILT_IN: &str = "built_in";

/// What the form offers.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOptions {
    /// Name, label, value and most of each limit.
    pub(super) limits: Vec<LimitField>,
    /// Value and words of whoever can be chosen to think; nothing when there is no choice.
    pub(super) writers: Vec<(String, String)>,
    /// What a run will probably take, in words.
    pub(super) estimate: String,
}

/// A limit in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitField {
    /// As problems name it.
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// That of the agent; empty where it has none.
    pub(super) most: String,
    /// Whether it is a whole number.
    pub(super) whole: bool,
}

/// The choice of writers, the usual one left out: there must be two to choose.
pub(super) fn writers(models: Vec<(String, String)>, has_playbook: bool) -> Vec<(String, String)> {
    let built_in = (has_playbook && !models.is_empty()).then(|| (BUILT_IN.to_owned(), "Built-in writer".to_owned()));
    let all: Vec<_> = models.into_iter().chain(built_in).collect();
    if all.len() > 1 { all } else { Vec::new() }
}

/// What a form says of how its run is to be done, with what of it cannot be read.
pub(super) fn read(form: &BTreeMap<String, String>, new: NewRun) -> (NewRun, Vec<Problem>) {
    let mut wrong = Vec::new();
    let given = |name: &str| form.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let mut whole = |name: &'static str| {
        let text = given(name)?;
        let number = text.replace(',', "").parse().ok();
        if number.is_none() {
            wrong.push(Problem::field(name, "number_invalid", "Enter a whole number."));
        }
        number
    };
    let [steps, minutes, tokens] = ["limits.steps", "limits.minutes", "limits.tokens"].map(&mut whole);
    let cost = given("limits.cost").and_then(|text| {
        let number = text.trim_start_matches('$').parse().ok();
        if number.is_none() {
            wrong.push(Problem::field("limits.cost", "cost_invalid", "Enter US dollars, such as 0.50."));
        }
        number
    });
    let chosen = given("model");
    let model = chosen.filter(|chosen| *chosen != BUILT_IN).and_then(|chosen| {
        let id = chosen.parse().ok();
        if id.is_none() {
            wrong.push(Problem::field("model", "model_unknown", "Choose one of the list."));
        }
        id
    });
    let new = NewRun {
        limits: LowerLimits { steps, minutes, tokens, cost },
        model,
        built_in: chosen == Some(BUILT_IN),
        dry_run: given("dry_run") == Some("true"),
        ..new
    };
    (new, wrong)
}

/// The fields below those of the inputs.
pub(super) fn fields(options: RunOptions, start: Post) -> AnyView {
    let limits: Vec<_> = options.limits.into_iter().map(|limit| limit_field(limit, start)).collect();
    let writer = (!options.writers.is_empty()).then(|| {
        let all = options.writers.into_iter().map(|(value, words)| Choice::new(value, words)).collect();
        let error = start.of_field("model");
        view! {
            <Select name="form[model]" label="Who thinks" options=all placeholder="Whom the agent asks for" hint="It is asked first; when it does not answer, the others are." error/>
        }
    });
    let wrong = move || {
        let of_options = |field: &str| field == "model" || field.starts_with("limits.");
        start.error().is_some_and(|error| error.problems.iter().any(|(field, _)| of_options(field)))
    };
    view! {
        <Checkbox name="form[dry_run]" label="Dry run" hint="It reads, thinks and answers, but changes nothing here and reaches nobody."/>
        <details open=wrong>
            <summary>"Limits and model"</summary>
            <div class="stack">
                <p class="subtle small-text">"Lower a limit to keep this run short. It can’t have more than its agent."</p>
                <div class="limit-grid">{limits}</div>
                {writer}
            </div>
        </details>
        <p class="subtle num">{options.estimate}</p>
    }
    .into_any()
}

fn limit_field(limit: LimitField, start: Post) -> AnyView {
    let LimitField { name: key, label, most, whole } = limit;
    let name = format!("form[{key}]");
    let error = Signal::derive(move || start.error().and_then(|error| error.of_field(key)));
    if whole {
        let upper = most.clone();
        view! { <TextInput name label kind=InputKind::Number value=most min="1" max=upper error/> }.into_any()
    } else {
        view! { <TextInput name label value=most error/> }.into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_left_empty_is_as_the_agent_has_it() {
        let (new, wrong) =
            read(&form(&[("limits.steps", ""), ("model", ""), ("limits.tokens", "2,000")]), NewRun::default());
        assert!(wrong.is_empty());
        assert_eq!(
            new,
            NewRun { limits: LowerLimits { tokens: Some(2_000), ..LowerLimits::default() }, ..NewRun::default() }
        );
        let (new, _) = read(&form(&[("model", "built_in"), ("dry_run", "true")]), NewRun::default());
        assert!(new.built_in && new.dry_run && new.model.is_none());
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let form = form(&[("limits.steps", "few"), ("limits.cost", "cheap"), ("model", "gpt")]);
        let fields: Vec<_> = read(&form, NewRun::default()).1.into_iter().filter_map(|problem| problem.field).collect();
        assert_eq!(fields, ["limits.steps", "limits.cost", "model"]);
    }

    #[test]
    fn one_writer_is_no_choice() {
        let one = || vec![("1".to_owned(), "Mini".to_owned())];
        assert!(writers(Vec::new(), true).is_empty());
        assert!(writers(one(), false).is_empty());
        assert_eq!(writers(one(), true).len(), 2);
    }
}
