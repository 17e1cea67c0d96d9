//! Analytics: figures about the work of agents. The page says of each figure what it counts.

mod agents;
#[cfg(feature = "ssr")]
mod load;

pub use agents::AgentAnalyticsPage;
#[cfg(feature = "ssr")]
pub use load::{FigureWords, figure_words};
