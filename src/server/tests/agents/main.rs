//! Agents as they really run: the catalogue without a model, and agents with models that do as they like.

mod catalogue;
mod drafting;
mod models;
mod strangers;
mod support;
mod talk;
mod waits;
