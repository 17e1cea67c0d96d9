//! Conditions on leads in a form. Some have a field; whatever else was set by a program or another page stays as it is,
//! and the form says so.

use domain::leads::LeadFilter;
use leptos::prelude::*;

use crate::ui::Choice;

/// What a form that has fields for `shown` keeps of `conditions`, each in a hidden field of this name, and a sentence
/// about it.
pub fn kept(conditions: &LeadFilter, shown: &[&str], name: impl Fn(&str) -> String) -> AnyView {
    let others = others(conditions, shown);
    let words = words(&others).map(|words| {
        let text = format!("Besides: {words}. There is no field for this here; saving keeps it.");
        view! { <p class="subtle">{text}</p> }
    });
    let fields: Vec<_> = others
        .into_iter()
        .map(|(key, value)| view! { <input type="hidden" name=name(key) value=value/> }.into_any())
        .collect();
    view! { {fields}{words} }.into_any()
}

/// The conditions that have no field.
pub fn others(conditions: &LeadFilter, shown: &[&str]) -> Vec<(&'static str, String)> {
    conditions.to_pairs().into_iter().filter(|(key, _)| !shown.contains(key)).collect()
}

/// Choices of a field that takes one value. Several values of a program are one more choice, or saving would lose them.
pub fn with_several(mut choices: Vec<Choice>, value: &str) -> Vec<Choice> {
    if !value.is_empty() && !choices.iter().any(|choice| choice.value == value) {
        choices.push(Choice::new(value.to_owned(), value.replace(',', ", ")));
    }
    choices
}

/// Conditions in words; nothing where there are none.
fn words(pairs: &[(&'static str, String)]) -> Option<String> {
    let filter = LeadFilter::from_pairs(pairs.iter().map(|(key, value)| (*key, value.as_str()))).ok()?;
    (!filter.is_empty()).then(|| filter.words())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_field_is_kept_and_said() {
        let pairs = [("f.score.gte", "10"), ("f.score.lte", "90"), ("f.campaign.empty", "true")];
        let filter = LeadFilter::from_pairs(pairs).unwrap();
        let others = others(&filter, &["f.score.gte"]);
        assert_eq!(others.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["f.score.lte", "f.campaign.empty"]);
        assert_eq!(words(&others).as_deref(), Some("score at most 90 and was never in a campaign"));
        assert_eq!(words(&[]), None);
    }

    #[test]
    fn several_values_are_one_more_choice() {
        let one = || vec![Choice::new("new", "New")];
        assert_eq!(with_several(one(), "new").len(), 1);
        assert_eq!(with_several(one(), "").len(), 1);
        let several = with_several(one(), "new,working");
        assert_eq!(several.last().map(|c| (c.value.as_str(), c.label.as_str())), Some(("new,working", "new, working")));
    }
}
