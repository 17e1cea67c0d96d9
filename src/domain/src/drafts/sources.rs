//! Documents that the writer of a step may quote. A step names them; what they say are facts like any other.

use crate::Problem;

/// Most names of a step.
pub const MAX_SOURCES: usize = 10;

/// What a step names: a collection of documents, or one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The collection.
    pub collection: String,
    /// The key of the one document; all of the collection when absent.
    pub key: Option<String>,
}

impl Source {
    /// Reads `competitors` or `competitors/acme`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (collection, key) = text.split_once('/').map_or((text, None), |(collection, key)| (collection, Some(key)));
        let key = key.map(str::trim);
        let fits = !collection.is_empty() && collection.len() <= 63 && key.is_none_or(|key| !key.is_empty());
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        let long = key.is_some_and(|key| key.chars().count() > 200);
        let whole = fits && !long && collection.bytes().all(plain);
        whole.then(|| Self { collection: collection.to_owned(), key: key.map(str::to_owned) })
    }
}

/// The names of a step, trimmed, each once.
///
/// # Errors
/// One that names nothing, or too many.
pub fn check_sources(sources: Vec<String>) -> Result<Vec<String>, Problem> {
    let mut names: Vec<String> = Vec::new();
    for name in sources.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        if Source::parse(name).is_none() {
            let words = format!("“{name}” names no document. Write a collection, or collection/key.");
            return Err(Problem::field("sources", "source_invalid", words));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    if names.len() > MAX_SOURCES {
        return Err(Problem::field("sources", "sources_many", format!("Name at most {MAX_SOURCES}.")));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_names_collections_and_documents() {
        let of = |text| Source::parse(text).map(|source| (source.collection, source.key));
        assert_eq!(of(" prices "), Some(("prices".into(), None)));
        assert_eq!(of("prices/EU 2026/a"), Some(("prices".into(), Some("EU 2026/a".into()))));
        for wrong in ["", "Prices", "prices/", "/a", "two words"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        let names = |names: &[&str]| check_sources(names.iter().map(ToString::to_string).collect());
        assert_eq!(names(&["prices", " ", " prices", "a/b"]), Ok(vec!["prices".to_owned(), "a/b".to_owned()]));
        assert_eq!(names(&["Prices"]).map_err(|problem| problem.code), Err("source_invalid".into()));
        let many: Vec<_> = (0..11).map(|n| format!("c{n}")).collect();
        assert!(check_sources(many).is_err());
    }
}
