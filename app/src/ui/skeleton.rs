//! Stands where content will be, in the content's own size.

use leptos::prelude::*;

/// What is being waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SkeletonKind {
    /// Lines of text.
    #[default]
    Text,
    /// Table rows.
    Rows,
    /// A chart.
    Chart,
    /// A strip of key figures.
    Figures,
}

/// A quiet placeholder, hidden from assistive technology.
#[component]
pub fn Skeleton(
    /// What is being waited for.
    #[prop(optional)]
    kind: SkeletonKind,
    /// How many lines or rows.
    #[prop(default = 3)]
    count: usize,
) -> impl IntoView {
    let (class, count) = match kind {
        SkeletonKind::Text => ("skeleton", count),
        SkeletonKind::Rows => ("skeleton rows", count),
        SkeletonKind::Chart => ("skeleton chart", 1),
        SkeletonKind::Figures => ("skeleton figures", 1),
    };
    view! { <div class=class aria-hidden="true">{(0..count).map(|_| view! { <i></i> }).collect_view()}</div> }
}
