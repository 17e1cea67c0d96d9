//! Agents: the catalogue of the company, one agent with its versions, and the form that its file is written in.

mod detail;
mod form;
mod list;
#[cfg(feature = "ssr")]
mod load;
mod memory;
mod quality;
mod runs;
mod tools;
mod triggers;
mod versions;

pub use detail::AgentPage;
pub use form::{EditAgentPage, NewAgentPage};
pub use list::{AgentsPage, ImportAgentsPage};
#[cfg(feature = "ssr")]
pub use load::agent_id;
pub use memory::AgentMemoryPage;
pub use quality::AgentQualityPage;
pub use runs::AgentRunsPage;
pub use tools::AgentToolsPage;
pub use triggers::TriggersPage;
pub use versions::AgentVersionsPage;
