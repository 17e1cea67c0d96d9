//! The parts of a table that lists records. Sort orders are links, the scroll
//! region takes the keyboard, and explicit roles keep the table a table where
//! style turns its rows into records.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// A labelled scroll region with a table in it.
#[component]
pub fn TableRegion(
    /// What the rows are: "Leads".
    #[prop(into)]
    label: String,
    /// Width below which the table scrolls sideways, such as `66rem`.
    #[prop(default = "60rem")]
    min_width: &'static str,
    /// Header cells, in one row.
    head: AnyView,
    /// Rows of `<tr role="row">`.
    children: Children,
) -> impl IntoView {
    let region = format!("{label} table");
    view! {
        <div class="grid-wrap" tabindex="0" role="region" aria-label=region>
            <table class="data-grid" role="table" aria-label=label style=format!("--grid-min:{min_width}")>
                <thead role="rowgroup"><tr role="row">{head}</tr></thead>
                <tbody role="rowgroup">{children()}</tbody>
            </table>
        </div>
    }
}

/// The order a column is sorted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// How a header cell is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColumnKind {
    /// Words, from the start.
    #[default]
    Text,
    /// Figures, to the end.
    Number,
    /// The column that stays in view, after the boxes.
    Name,
}

impl ColumnKind {
    const fn class(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::Number => "num",
            Self::Name => "pin-1",
        }
    }
}

/// A header cell without sorting.
#[component]
pub fn HeaderCell(
    /// The words.
    #[prop(into)]
    label: String,
    /// How it is set.
    #[prop(optional)]
    kind: ColumnKind,
    /// Width of the column, such as `9rem`.
    #[prop(optional)]
    width: &'static str,
    /// The words are for assistive technology only.
    #[prop(optional)]
    quiet: bool,
) -> impl IntoView {
    let words = if quiet { view! { <span class="sr-only">{label}</span> }.into_any() } else { label.into_any() };
    view! { <th role="columnheader" scope="col" class=kind.class() style=column_width(width)>{words}</th> }
}

/// A header cell that leads to the same list in another order.
#[component]
pub fn SortHeader(
    /// The words.
    #[prop(into)]
    label: String,
    /// The list in the other order.
    #[prop(into)]
    href: String,
    /// The order in force, if it is this column's.
    order: Option<SortOrder>,
    /// How it is set.
    #[prop(optional)]
    kind: ColumnKind,
    /// Width of the column.
    #[prop(optional)]
    width: &'static str,
) -> impl IntoView {
    let (sort, icon) = match order {
        Some(SortOrder::Ascending) => (Some("ascending"), Some(IconName::Up)),
        Some(SortOrder::Descending) => (Some("descending"), Some(IconName::Down)),
        None => (None, None),
    };
    view! {
        <th role="columnheader" scope="col" class=kind.class() aria-sort=sort style=column_width(width)>
            <a href=href>{label}{icon.map(|name| view! { <Icon name small=true/> })}</a>
        </th>
    }
}

fn column_width(width: &str) -> Option<String> {
    (!width.is_empty()).then(|| format!("inline-size:{width}"))
}

/// The header cell whose box ticks every row of the page.
#[component]
pub fn SelectAllHeader() -> impl IntoView {
    view! {
        <th role="columnheader" scope="col" class="pin-0">
            <input class="check" type="checkbox" aria-label="Select all on this page"/>
        </th>
    }
}

/// The cell with the box of one row.
#[component]
pub fn SelectBox(
    /// Id of the record, sent when ticked.
    #[prop(into)]
    value: String,
    /// Name of the record; the box is "Select Ines Albrecht".
    #[prop(into)]
    label: String,
    /// Name in the form.
    #[prop(default = "ids")]
    name: &'static str,
) -> impl IntoView {
    view! {
        <td role="cell" class="pin-0">
            <input class="check" type="checkbox" name=name value=value aria-label=format!("Select {label}")/>
        </td>
    }
}
