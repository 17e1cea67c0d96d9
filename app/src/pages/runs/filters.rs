//! The filters of the list of runs: chips for those in force, and the form behind "Filter".

use domain::runs::{RunOrigin, RunState};
use leptos::prelude::*;

use crate::{
    pages::filters::{Condition, address, chips, kept},
    ui::{AddFilter, Choice, FilterBar, InputKind, Select, SubmitButton, TextInput},
};

/// Filters that the form offers; everything else of the address is kept by it.
const OFFERED: [&str; 6] = ["agent", "f.state.is", "f.by.is", "f.created.after", "f.created.before", "f.cost.over"];

/// What a list of runs is narrowed by.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFilters {
    /// Where the list stands: its own page, or a part of an agent.
    pub(super) base: String,
    /// The address, without the page.
    pub(super) pairs: Vec<(&'static str, String)>,
    /// What of it a chip takes away.
    pub(super) conditions: Vec<Condition>,
    /// Id and name of every agent; nothing where the list is that of one.
    pub(super) agents: Vec<(String, String)>,
    /// Id and name of everybody who can have started a run.
    pub(super) people: Vec<(String, String)>,
}

impl RunFilters {
    /// What the address says of a name.
    pub(super) fn value(&self, key: &str) -> &str {
        self.pairs.iter().find(|(name, _)| *name == key).map_or("", |(_, value)| value)
    }

    /// The list without filters, in the same view.
    pub(super) fn clear(&self) -> String {
        address(&self.base, self.view().iter().map(|(key, value)| (*key, value.as_str())))
    }

    fn view(&self) -> Vec<(&'static str, String)> {
        self.pairs.iter().filter(|(key, _)| *key == "view").cloned().collect()
    }
}

/// The bar above the table; `slots` says how busy the company is.
pub(super) fn filter_bar(filters: &RunFilters, slots: String) -> AnyView {
    let chips = chips(&filters.base, &filters.conditions, &filters.view());
    let clear = (!chips.is_empty()).then(|| {
        let clear = filters.clear();
        view! { <a class="button ghost small" href=clear>"Clear filters"</a> }
    });
    let form = form(filters);
    view! {
        <FilterBar chips=ToChildren::to_children(move || view! { {chips}<AddFilter id="run-filter">{form}</AddFilter>{clear} })>
            <span class="subtle num">{slots}</span>
        </FilterBar>
    }
    .into_any()
}

fn form(filters: &RunFilters) -> AnyView {
    let choices = |pairs: &[(String, String)]| -> Vec<_> {
        pairs.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect()
    };
    let value = |key: &str| filters.value(key).to_owned();
    let agents = (!filters.agents.is_empty()).then(|| {
        let options = choices(&filters.agents);
        view! { <Select name="agent" label="Agent" options value=value("agent") placeholder="Any agent"/> }
    });
    let states = RunState::ALL.iter().map(|state| Choice::new(state.as_str(), state.label())).collect::<Vec<_>>();
    let mut by = choices(&filters.people);
    by.extend(RunOrigin::ALL.iter().map(|origin| Choice::new(origin.as_str(), origin.label())));
    let hidden = kept(filters.pairs.iter().filter(|(key, _)| !OFFERED.contains(key)).cloned());
    let action = filters.base.clone();
    view! {
        <form method="get" action=action class="stack">
            {hidden}
            {agents}
            <Select name="f.state.is" label="Status" options=states value=value("f.state.is") placeholder="Any"/>
            <Select name="f.by.is" label="Started by" options=by value=value("f.by.is") placeholder="Anybody"/>
            <TextInput name="f.created.after" label="Started from" kind=InputKind::Date value=value("f.created.after") optional=true/>
            <TextInput name="f.created.before" label="Started before" kind=InputKind::Date value=value("f.created.before") optional=true/>
            <TextInput name="f.cost.over" label="Cost over" hint="US dollars, as in 0.05" value=value("f.cost.over") optional=true/>
            <SubmitButton>"Apply"</SubmitButton>
        </form>
    }
    .into_any()
}
