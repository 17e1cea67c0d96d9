//! Agents as they really run: the catalogue without a model, and agents with models that do as they like.

mod catalogue;
mod classifying;
mod connectors;
mod drafting;
mod everything;
mod injection;
mod mcp_server;
mod models;
mod options;
mod provider;
mod replying;
mod sign_in;
mod strangers;
mod support;
mod talk;
mod unknown;
mod waits;
