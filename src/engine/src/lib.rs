//! engine

pub mod mail;
pub mod sandbox;
