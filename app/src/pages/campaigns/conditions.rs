//! What leads are like, as the audience and the questions of a sequence ask it: four fields, and what was set besides
//! them stays.

use std::collections::BTreeMap;

use domain::{Problem, leads::LeadFilter};
use leptos::prelude::*;

use crate::{
    pages::{
        conditions::{kept, with_several},
        leads::STATUSES,
    },
    ui::{Choice, FieldWidth, InputKind, Select, TextInput},
};

/// Conditions that have a field.
const FIELDS: [&str; 4] = ["f.status.is", "f.score.gte", "f.country.is", "f.tag.has"];

/// The fields, with what stands in them at first.
pub(super) fn fields(filter: &LeadFilter) -> AnyView {
    let pairs: BTreeMap<_, _> = filter.to_pairs().into_iter().collect();
    let [status, score, country, tag] = FIELDS.map(|key| pairs.get(key).cloned().unwrap_or_default());
    let statuses = with_several(STATUSES.map(|(value, word)| Choice::new(value, word)).to_vec(), &status);
    let kept = kept(filter, &FIELDS, |key| format!("form[kept][{key}]"));
    view! {
        <Select name="form[status]" label="Status" options=statuses value=status placeholder="Any" optional=true/>
        <TextInput name="form[score]" label="Score at least" kind=InputKind::Number value=score optional=true width=FieldWidth::Short/>
        <TextInput name="form[country]" label="Countries" hint="Two letters each, separated by commas" value=country optional=true/>
        <TextInput name="form[tag]" label="Tags" hint="Any of these, separated by commas" value=tag optional=true/>
        {kept}
    }
    .into_any()
}

/// What the fields say, in their order, with what the form has kept.
///
/// # Errors
/// A problem for the first condition that is not understood.
pub(super) fn read(fields: [&str; 4], kept: &BTreeMap<String, String>) -> Result<LeadFilter, Problem> {
    let kept = kept.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    LeadFilter::from_pairs(kept.chain(FIELDS.into_iter().zip(fields)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::conditions::others;

    #[test]
    fn saving_without_a_change_changes_nothing() {
        let owner = uuid::Uuid::from_u128(7).to_string();
        let all = [
            ("q", "corvus"),
            ("f.status.is", "new,working"),
            ("f.owner.is", owner.as_str()),
            ("f.score.gte", "10"),
            ("f.score.lte", "90"),
            ("f.country.is", "DE,CH"),
            ("f.tag.has", "optics,lab"),
            ("f.source.is", "import"),
            ("f.account.is", owner.as_str()),
            ("f.campaign.empty", "true"),
            ("f.created.after", "2026-11-01"),
        ];
        let filter = LeadFilter::from_pairs(all).unwrap();
        let pairs: BTreeMap<_, _> = filter.to_pairs().into_iter().collect();
        let kept = others(&filter, &FIELDS).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        assert_eq!(read(FIELDS.map(|key| pairs[key].as_str()), &kept), Ok(filter));
    }

    #[test]
    fn a_field_that_is_emptied_asks_for_nothing() {
        let kept = BTreeMap::from([("f.score.lte".to_owned(), "90".to_owned())]);
        let filter = read(["", "", "", ""], &kept).unwrap();
        assert_eq!(filter, LeadFilter { score_max: Some(90), ..LeadFilter::default() });
    }
}
