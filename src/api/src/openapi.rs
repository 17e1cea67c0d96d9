//! The description of the API, OpenAPI 3.1. Operations, parameters and schemas come from the handlers;
//! what all operations share is added here once.

use std::{collections::HashMap, sync::LazyLock};

use axum::http::Method;
use domain::keys::Scope;
use serde_json::{Map, Value, json};
use utoipa::{
    OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{ProblemDetails, examples, v1};

/// Name of the way to sign in, as operations name it.
const KEY: &str = "key";

#[derive(OpenApi)]
#[openapi(
    info(title = "Saleswright API", version = "1", description = include_str!("openapi.md"),
         license(name = "AGPL-3.0-only", identifier = "AGPL-3.0-only")),
    components(schemas(ProblemDetails)),
    tags(
        (name = "Me", description = "The key and its company."),
        (name = "Leads", description = "The people a company wants to reach."),
        (name = "Accounts", description = "The firms that leads work for."),
        (name = "Imports", description = "Leads from CSV files, in four steps: upload, plan, start, read the outcome."),
        (name = "Campaigns", description = "E-mails in steps to an audience, from the draft to the ledger."),
        (name = "Steps", description = "The e-mails of a campaign and the time between them."),
        (name = "Enrolments", description = "One lead in one campaign."),
        (name = "Mailboxes", description = "The addresses that e-mails leave from."),
        (name = "Sending domains", description = "What the DNS says about their domains, and the keys that sign."),
        (name = "Link hosts", description = "Host names that links lead over, when opens or clicks are tracked."),
        (name = "Inbound mail", description = "What comes back: replies, automatic replies, bounces, complaints."),
        (name = "Inbox", description = "Conversations with people outside, and what is to be done about them."),
        (name = "Suppressions", description = "Addresses and domains that get no more e-mail."),
        (name = "Agents", description = "Who does what in a run: definitions as Markdown files, in versions."),
        (name = "Triggers", description = "What starts runs of an agent by itself: schedules, things that happen, deliveries."),
        (name = "Content", description = "Texts that people and agents keep, in versions."),
        (name = "Documents", description = "Facts of any shape, by collection and key, in versions."),
        (name = "Tasks", description = "What people are to do, mostly about a lead."),
        (name = "Workflows", description = "What is done when something happens to a lead: trigger, conditions, actions, log."),
        (name = "Drafts", description = "E-mails to a lead that nobody has sent."),
        (name = "Runs", description = "An agent does a task: started, watched, answered and stopped."),
        (name = "Conversations", description = "Messages to agents, each answered by a run."),
        (name = "Analytics", description = "Figures about the work of agents."),
        (name = "Jobs", description = "Work by name, done later: executions of agents, reports of campaigns."),
        (name = "Live", description = "What changes, as it changes, over one WebSocket."),
        (name = "Models", description = "Language models, in the order they are asked."),
        (name = "Connectors", description = "Servers of the Model Context Protocol, whose tools agents may call."),
        (name = "Webhook", description = "Where agents may send something, with approval."),
    )
)]
struct Description;

/// Operations that change a thing without a version.
const UNVERSIONED: [&str; 2] = ["change_model", "change_trigger"];

/// Every operation with its description.
pub fn operations() -> OpenApiRouter {
    OpenApiRouter::with_openapi(Description::openapi()).nest("/api/v1", v1::router())
}

/// The description as JSON.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        let (_, mut api) = operations().split_for_parts();
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        api.components.get_or_insert_default().add_security_scheme(KEY, scheme);
        let mut document = serde_json::to_value(api).expect("a description is JSON");
        for (_, path) in members(&mut document["paths"]) {
            for (method, operation) in members(path) {
                complete(method, operation);
            }
        }
        for (name, schema) in members(&mut document["components"]["schemas"]) {
            if let Some(example) = examples::of(name) {
                schema["example"] = example;
            }
        }
        document
    });
    &DOCUMENT
}

/// The scope that an operation needs; nothing for one that every key may call.
pub fn needed_scope(method: &Method, path: &str) -> Option<Scope> {
    static SCOPES: LazyLock<HashMap<(String, String), Option<Scope>>> = LazyLock::new(|| {
        let paths = document()["paths"].as_object().expect("there are paths");
        let of_path = |(path, operations): (&String, &Value)| {
            let operations = operations.as_object().expect("a path has operations").clone();
            operations
                .into_iter()
                .map(|(method, operation)| {
                    let scope = operation["security"][0][KEY].as_array().expect("an operation says who may call it");
                    let scope = scope.first().and_then(Value::as_str).and_then(Scope::parse);
                    ((method.to_uppercase(), path.clone()), scope)
                })
                .collect::<Vec<_>>()
        };
        paths.iter().flat_map(of_path).collect()
    });
    SCOPES.get(&(method.to_string(), path.to_owned())).copied().flatten()
}

/// Adds what every operation of its kind has.
fn complete(method: &str, operation: &mut Value) {
    let mut headers = Vec::new();
    if method == "post" {
        headers.push((
            "Idempotency-Key",
            "A word of your choice, new for each request. The same request with the same key is answered again, \
             not done again, for 24 hours.",
        ));
    }
    let versioned = method == "patch" && !UNVERSIONED.iter().any(|id| operation["operationId"] == *id);
    if versioned {
        headers.push(("If-Match", "The `ETag` of an earlier answer: nothing is done when it is no longer the newest."));
    }
    let parameters = operation["parameters"].take();
    let mut parameters = parameters.as_array().cloned().unwrap_or_default();
    parameters.extend(headers.into_iter().map(|(name, text)| {
        json!({"name": name, "in": "header", "required": false, "description": text, "schema": {"type": "string"}})
    }));
    let has_id = parameters.iter().any(|p| p["in"] == "path");
    if parameters.is_empty() {
        operation.as_object_mut().expect("an operation").remove("parameters");
    } else {
        operation["parameters"] = parameters.into();
    }
    let mut failures =
        vec![("401", "The key is missing, unknown, expired or revoked."), ("403", "The key lacks the scope.")];
    failures.extend(has_id.then_some(("404", "It does not exist, or it belongs to another company.")));
    if versioned {
        failures.push(("412", "`If-Match` names an old version."));
    }
    failures.extend([
        ("422", "A value is wrong; `errors` says which."),
        ("429", "Too many calls; `Retry-After` says when to try again."),
        ("503", "The database is away; `Retry-After` says when to try again."),
    ]);
    for (status, text) in failures {
        let answers = operation["responses"].as_object_mut().expect("an operation has answers");
        answers.entry(status).or_insert_with(|| {
            json!({"description": text, "content": {"application/problem+json":
                {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}})
        });
    }
}

fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations() -> Vec<(String, &'static Value)> {
        let paths = document()["paths"].as_object().expect("paths");
        let named = |(path, methods): (&String, &'static Value)| {
            let methods = methods.as_object().expect("operations").iter();
            methods.map(|(method, operation)| (format!("{method} {path}"), operation)).collect::<Vec<_>>()
        };
        paths.iter().flat_map(named).collect()
    }

    #[test]
    fn every_operation_says_what_it_is_and_which_scope_it_needs() {
        assert!(operations().len() > 40, "the operations are found");
        for (name, operation) in operations() {
            assert!(operation["summary"].is_string(), "{name} has no summary");
            assert!(operation["operationId"].is_string(), "{name} has no id");
            let scopes = operation["security"][0][KEY].as_array().unwrap_or_else(|| panic!("{name} has no security"));
            let needs_none = name.ends_with("/me") || name.ends_with("/live");
            assert!(scopes.is_empty() == needs_none, "{name} needs no scope");
        }
    }

    #[test]
    fn ids_of_operations_are_unique() {
        let mut ids: Vec<_> = operations().iter().map(|(_, o)| o["operationId"].to_string()).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }

    #[test]
    fn every_body_has_an_example() {
        let schemas = &document()["components"]["schemas"];
        for (name, operation) in operations() {
            let answers = operation["responses"].as_object().expect("answers").values();
            let bodies = answers.chain([&operation["requestBody"]]);
            for schema in bodies.filter_map(|body| body["content"]["application/json"]["schema"]["$ref"].as_str()) {
                let schema = schema.rsplit('/').next().expect("a name");
                assert!(schemas[schema]["example"] != Value::Null, "{schema}, a body of {name}, has no example");
            }
        }
    }
}
