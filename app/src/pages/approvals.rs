//! What waits for people: drafts of campaigns and questions of runs, in one place. A draft is judged on a page of
//! its own, beside the facts that it rests on.

mod decisions;
#[cfg(feature = "ssr")]
mod evidence;
#[cfg(feature = "ssr")]
mod forms;
mod list;
#[cfg(feature = "ssr")]
mod load;
mod passing;
mod review;

pub use list::ApprovalsPage;
#[cfg(feature = "ssr")]
pub use load::{checks_of, words_of};
pub use passing::PassingDraftsPage;
pub use review::ReviewPage;
