//! Runs of agents: the list, one run with its trace, the form that starts one, and what runs ask of people.
//! A page shows what the journal of the run says, and nothing that it has made up itself.

#[cfg(feature = "ssr")]
mod approvals;
mod decision;
mod detail;
#[cfg(feature = "ssr")]
mod inputs;
mod list;
#[cfg(feature = "ssr")]
mod load;
#[cfg(feature = "ssr")]
mod looks;
mod question;
mod start;
#[cfg(feature = "ssr")]
mod trace;

#[cfg(feature = "ssr")]
pub use approvals::{QuestionList, question_table};
pub use detail::RunPage;
pub use list::RunsPage;
#[cfg(feature = "ssr")]
pub use list::{RunRow, run_lines};
#[cfg(feature = "ssr")]
pub use load::{input_fields, last_of_agent, questions};
pub use start::StartRunPage;
#[cfg(feature = "ssr")]
pub use {
    inputs::{declared, parameters, plain},
    start::{Input, InputLook, field},
};
