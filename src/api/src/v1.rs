//! Version 1, one file for each noun.

mod accounts;
mod agents;
mod analytics;
pub(crate) mod campaigns;
mod commands;
mod connectors;
mod content;
mod conversations;
mod documents;
mod domains;
mod drafts;
mod enrolments;
mod imports;
mod inbound;
mod inboxes;
mod jobs;
mod leads;
mod link_hosts;
mod live;
mod mailboxes;
mod me;
mod memories;
mod models;
mod proofs;
mod recipient_limits;
pub(crate) mod runs;
mod simulations;
mod steps;
mod suppressions;
mod tasks;
mod threads;
mod triggers;
mod versions;
mod webhook;
mod workflows;

use domain::{Page, Problem};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

use crate::{door::unreadable, problem::Result};

/// Every operation, below `/api/v1`.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(me::router())
        .merge(leads::router())
        .merge(accounts::router())
        .merge(imports::router())
        .merge(campaigns::router())
        .merge(steps::router())
        .merge(commands::router())
        .merge(enrolments::router())
        .merge(mailboxes::router())
        .merge(recipient_limits::router())
        .merge(proofs::router())
        .merge(simulations::router())
        .merge(domains::router())
        .merge(link_hosts::router())
        .merge(inbound::router())
        .merge(inboxes::router())
        .merge(threads::router())
        .merge(suppressions::router())
        .merge(agents::router())
        .merge(triggers::router())
        .merge(versions::router())
        .merge(memories::router())
        .merge(conversations::router())
        .merge(runs::router())
        .merge(live::router())
        .merge(jobs::router())
        .merge(analytics::router())
        .merge(content::router())
        .merge(documents::router())
        .merge(tasks::router())
        .merge(workflows::router())
        .merge(drafts::router())
        .merge(models::router())
        .merge(webhook::router())
        .merge(connectors::router())
}

/// A list that always comes whole, in the shape of a page.
fn whole<T>(items: Vec<T>) -> Page<T> {
    Page { items, next: None, previous: None }
}

/// `old` with the values of `patch`: `null` empties a value (JSON Merge Patch, RFC 7396).
pub(crate) fn merged<T: Serialize + DeserializeOwned>(old: &T, patch: Value) -> Result<T> {
    let Value::Object(changes) = patch else {
        return Err(Problem::new("body_invalid", "Send an object with the values to change.").into());
    };
    let mut value = serde_json::to_value(old).map_err(service::Error::from)?;
    for (name, change) in changes {
        value[name] = change;
    }
    serde_json::from_value(value).map_err(|error| unreadable(&error))
}

/// The bodies that only this API has.
#[cfg(test)]
pub(crate) mod bodies {
    pub use super::{
        agents::{
            AgentAnswer, AgentExecution, AgentFiles, AgentInFull, AgentInput, AgentStanding, AgentTask, AgentsImported,
            RestoreVersion,
        },
        commands::{CommandResult, Resume, Schedule},
        conversations::{ConversationInFull, NewConversation},
        drafts::{ApproveDraft, ApprovePassing, Approved, Reject},
        enrolments::EnrolmentsChange,
        imports::ImportFormat,
        leads::{BulkChange, LeadBatch, LeadResults, NewNote},
        me::Me,
        runs::{Approve, Deny, RunInFull},
        steps::NewTestMail,
        suppressions::{NewSuppressions, SuppressionsAdded},
        triggers::TriggerSecret,
        versions::{Comparison, Edits, PublishVersion},
        webhook::{ConnectedWebhook, Webhook, WebhookInput},
    };
}
