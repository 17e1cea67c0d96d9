//! Workflows: what sets them off, what they do, and what keeps them within bounds.

mod actions;
mod bounds;
mod events;
mod rights;
mod support;
