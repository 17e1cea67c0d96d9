//! Workflows: the list, a new one, and one with its actions and its log. The server writes these pages.

#[cfg(feature = "ssr")]
mod action;
mod detail;
#[cfg(feature = "ssr")]
mod form;
mod list;
#[cfg(feature = "ssr")]
mod load;
#[cfg(feature = "ssr")]
mod log;

pub use detail::WorkflowPage;
pub use list::{NewWorkflowPage, WorkflowsPage};
