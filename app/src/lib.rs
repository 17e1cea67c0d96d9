//! app

pub mod fmt;
pub mod shell;
pub mod ui;
