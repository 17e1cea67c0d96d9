//! The binary `saleswright`: settings, wiring and the command line.

pub mod agents;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod installation;
pub mod seed;
pub mod web;
