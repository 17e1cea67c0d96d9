//! The filters of a list that the server writes: chips that lead to the list without them, and the fields that a form
//! of filters keeps. Filters are nothing but the address of the list.

use leptos::prelude::*;

use crate::ui::FilterChip;

/// A filter in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its name in the address.
    pub key: &'static str,
    /// Its value there.
    pub value: String,
    /// What is compared: "Status".
    pub field: &'static str,
    /// How: "is".
    pub operator: &'static str,
    /// With what, in words.
    pub words: String,
}

/// The pairs of a query string.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).into_owned().collect()
}

/// The value that an address gives a name; empty where it gives none.
pub fn given(pairs: &[(String, String)], name: &str) -> String {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// The list at `base` with these pairs.
pub fn address<'a>(base: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { base.to_owned() } else { format!("{base}?{query}") }
}

/// The chips of `conditions`; each leads to the list without it, where `beside` stays.
pub fn chips(base: &str, conditions: &[Condition], beside: &[(&'static str, String)]) -> Vec<AnyView> {
    let chip = |condition: &Condition| {
        let others = conditions.iter().filter(|other| other.key != condition.key);
        let others = others.map(|other| (other.key, other.value.as_str()));
        let remove = address(base, beside.iter().map(|(key, value)| (*key, value.as_str())).chain(others));
        let Condition { field, operator, words, .. } = condition.clone();
        view! { <FilterChip field operator value=words remove/> }.into_any()
    };
    conditions.iter().map(chip).collect()
}

/// What a form keeps of the address, in hidden fields.
pub fn kept(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Vec<AnyView> {
    pairs.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }.into_any()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_what_was_asked_for() {
        assert_eq!(address("/t/a/runs", []), "/t/a/runs");
        let address = address("/t/a/runs", [("view", "failed"), ("q", "a & b")]);
        assert_eq!(address, "/t/a/runs?view=failed&q=a+%26+b");
        let read = pairs("?view=failed&q=a+%26+b");
        assert_eq!((given(&read, "q"), given(&read, "x")), ("a & b".to_owned(), String::new()));
    }
}
