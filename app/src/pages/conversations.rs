//! Conversations with agents: the list, and one conversation with its messages. An agent answers one message
//! after the other, and every answer leads to the run that it came from.

mod list;
#[cfg(feature = "ssr")]
mod load;
mod talk;

pub use list::ConversationsPage;
pub use talk::ConversationPage;
