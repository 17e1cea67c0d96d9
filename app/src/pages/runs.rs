//! Runs of agents: the list, one run with its trace, the form that starts one, and what runs ask of people.
//! A page shows what the journal of the run says, and nothing that it has made up itself.

#[cfg(feature = "ssr")]
mod approvals;
mod decision;
mod detail;
#[cfg(feature = "ssr")]
mod filters;
#[cfg(feature = "ssr")]
mod inputs;
mod list;
#[cfg(feature = "ssr")]
mod load;
#[cfg(feature = "ssr")]
mod looks;
#[cfg(feature = "ssr")]
mod options;
mod question;
mod start;
#[cfg(feature = "ssr")]
mod trace;
#[cfg(feature = "ssr")]
mod verdict;

#[cfg(feature = "ssr")]
pub use approvals::{QuestionList, question_table};
pub use detail::RunPage;
pub use list::RunsPage;
#[cfg(feature = "ssr")]
pub use list::{RunList, RunRow, listing, run_lines};
#[cfg(feature = "ssr")]
pub use load::{input_fields, last_of_agent, list_of_agent, questions};
pub use start::StartRunPage;
#[cfg(feature = "ssr")]
pub use {
    inputs::{declared, parameters, plain},
    looks::status,
    start::{Input, InputLook, field},
    verdict::expectation,
};
