//! What runs ask of people, the oldest question first. It is answered on the page of its run, beside what
//! the run has done so far.

use leptos::prelude::*;

use crate::{
    fmt::Moment,
    ui::{ColumnKind, HeaderCell, TableRegion, Time},
};

/// A page of the questions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuestionList {
    /// The page after it.
    pub next: Option<String>,
    pub(super) rows: Vec<Question>,
}

impl QuestionList {
    /// Whether nobody is asked anything.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A question in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub(super) run: String,
    pub(super) agent: String,
    pub(super) what: String,
    /// The beginning of the arguments.
    pub(super) arguments: String,
    pub(super) asked: Moment,
    pub(super) expires: Moment,
}

/// The questions as a table.
pub fn question_table(slug: &str, list: QuestionList) -> AnyView {
    let base = format!("/t/{slug}/runs");
    let head = view! {
        <HeaderCell label="What" width="16rem"/>
        <HeaderCell label="Agent" width="10rem"/>
        <HeaderCell label="Arguments" width="22rem"/>
        <HeaderCell label="Asked" kind=ColumnKind::Number width="8rem"/>
        <HeaderCell label="Counts as no" kind=ColumnKind::Number width="8rem"/>
    }
    .into_any();
    let rows: Vec<_> = list.rows.into_iter().map(|question| row(&base, question)).collect();
    view! { <TableRegion label="Questions of runs" min_width="64rem" head>{rows}</TableRegion> }.into_any()
}

fn row(base: &str, q: Question) -> AnyView {
    view! {
        <tr role="row">
            <td role="cell" class="name"><a class="truncate" href=format!("{base}/{}", q.run)>{q.what}</a></td>
            <td role="cell" class="title">{q.agent}</td>
            <td role="cell"><code>{q.arguments}</code></td>
            <td role="cell" class="num"><Time moment=q.asked/></td>
            <td role="cell" class="num status-cell"><Time moment=q.expires/></td>
        </tr>
    }
    .into_any()
}
