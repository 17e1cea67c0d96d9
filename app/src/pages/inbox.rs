//! The inbox: conversations with people outside, and what is to be done about them. The list stands beside the
//! conversation where there is room; on a phone each is a page.

#[cfg(feature = "ssr")]
mod actions;
mod answer;
mod change;
#[cfg(feature = "ssr")]
mod context;
#[cfg(feature = "ssr")]
mod conversation;
mod list;
#[cfg(feature = "ssr")]
mod load;
#[cfg(feature = "ssr")]
mod looks;
#[cfg(feature = "ssr")]
mod pane;
#[cfg(feature = "ssr")]
mod reply;
mod thread;

pub use list::InboxPage;
pub use thread::ThreadPage;
