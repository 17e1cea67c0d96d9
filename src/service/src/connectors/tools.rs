//! The tools of a connector: found by a worker, reviewed by a person, offered to agents. A tool that its server
//! has changed is off until somebody has looked at it again.

use chrono::Duration;
use domain::{
    ConnectorId, Permission, Problem,
    connectors::{ConnectorState, ConnectorTool, ToolPermission, ToolReview, ToolState},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Connectors;
use crate::{Error, Result, audit::Entry, secrets::hex};

/// How often a server is looked at again: what it says of its tools is only as old as this, also where it
/// tells of no changes.
const AGAIN: Duration = Duration::hours(1);
/// Characters of a name that models take.
const NAME: usize = 64;
/// Most tools of a server.
const MOST: usize = 500;
/// Bytes of a description, and of a schema.
const TEXT: usize = 100_000;

/// What a look at a server has found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The revision of the protocol that was agreed on.
    pub protocol: String,
    /// What the server calls itself.
    pub server_name: Option<String>,
    /// Which version it says it is.
    pub server_version: Option<String>,
    /// Its tools.
    pub tools: Vec<FoundTool>,
}

/// A tool, in the words of its server.
#[derive(Clone, Debug)]
pub struct FoundTool {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: Option<String>,
    /// What it does.
    pub description: String,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// Whether it changes nothing.
    pub read_only: Option<bool>,
    /// Whether it destroys something.
    pub destructive: Option<bool>,
}

/// A tool that an agent is offered.
#[derive(Clone, Debug, PartialEq)]
pub struct Offered {
    /// As agents call it.
    pub call_name: String,
    /// What it does, in the words of its server.
    pub description: String,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
}

/// A tool that an agent names, with what people have said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As agents call it.
    pub call_name: String,
    /// What it does, in the words of its server.
    pub description: String,
    /// What agents may do with it.
    pub permission: ToolPermission,
    /// Its connector.
    pub connector_id: ConnectorId,
    /// The name of that.
    pub connector: String,
    /// Nothing of that is called at present.
    pub paused: bool,
}

/// A tool that is to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callable {
    /// Its connector.
    pub connector: ConnectorId,
    /// As its server calls it.
    pub name: String,
    /// What a person has said of it.
    pub permission: ToolPermission,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
}

impl Connectors<'_> {
    /// The tools of a connector, those first that somebody should review.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn tools(&mut self, id: ConnectorId) -> Result<Vec<ConnectorTool>> {
        self.get(id).await?;
        self.select_tools(id, None).await
    }

    /// Keeps what a person says of several tools; of those that they leave as they are, nothing.
    ///
    /// # Errors
    /// As [`Self::review`], and nothing of it is to be kept then.
    pub async fn review_all(&mut self, id: ConnectorId, reviews: &[ToolReview]) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        let tools = self.tools(id).await?;
        let settled = |review: &ToolReview| {
            let same = |tool: &ConnectorTool| {
                (&tool.name, &tool.hash, tool.permission) == (&review.tool, &review.hash, review.permission)
            };
            tools.iter().any(|tool| tool.state == ToolState::Known && same(tool))
        };
        for review in reviews.iter().filter(|review| !settled(review)) {
            self.review(id, review).await?;
        }
        Ok(())
    }

    /// Keeps what a person says of a tool.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when the tool has changed since it was looked at, or is gone.
    pub async fn review(&mut self, id: ConnectorId, review: &ToolReview) -> Result<ConnectorTool> {
        self.t.require(Permission::ManageAgents).await?;
        let connector = self.get(id).await?.name;
        let tool = self.select_tools(id, Some(&review.tool)).await?.pop().ok_or(Error::NotFound("tool"))?;
        if tool.hash != review.hash {
            let words = "The server has changed this tool since you looked. Read it again, then decide.";
            return Err(Error::conflict("tool_changed", words));
        }
        if tool.state == ToolState::Gone {
            return Err(Error::conflict("tool_gone", "The server does not have this tool any more."));
        }
        let (by, now) = (self.t.actor().to_string(), self.t.now());
        sqlx::query!(
            "UPDATE connector_tools SET permission = $3, state = 'known', reviewed_by = $4, reviewed_at = $5
             WHERE connector_id = $1 AND name = $2 AND hash = $6",
            id.0,
            review.tool,
            review.permission.as_str(),
            by,
            now,
            review.hash,
        )
        .execute(self.t.conn())
        .await?;
        let entry = Entry::done("connector.tool_reviewed").on(format!("{connector}: {}", review.tool));
        self.t.audit().record(entry.details(review.permission.as_str())).await?;
        self.t.tell("connectors", id.0).await?;
        self.select_tools(id, Some(&review.tool)).await?.pop().ok_or(Error::NotFound("tool"))
    }

    /// The tools that an agent with this list may call.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for whoever may not run agents.
    pub async fn offered(&mut self, listed: &[String]) -> Result<Vec<Offered>> {
        self.t.require(Permission::RunAgents).await?;
        let whole: Vec<String> =
            listed.iter().filter_map(|tool| tool.strip_suffix("__*").map(ToOwned::to_owned)).collect();
        Ok(sqlx::query_as!(
            Offered,
            "SELECT t.call_name, t.description, t.input_schema
             FROM connector_tools t JOIN connectors c ON c.id = t.connector_id
             WHERE t.permission <> 'off' AND c.state <> 'paused' AND (t.call_name = ANY($1) OR c.name = ANY($2))
             ORDER BY t.call_name",
            listed,
            &whole,
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Everything that an agent with this list names of connectors, also what it may not call.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn listed(&mut self, listed: &[String]) -> Result<Vec<Listed>> {
        self.t.require(Permission::Read).await?;
        let whole: Vec<String> =
            listed.iter().filter_map(|tool| tool.strip_suffix("__*").map(ToOwned::to_owned)).collect();
        Ok(sqlx::query_as!(
            Listed,
            r#"SELECT t.call_name, t.description, t.permission AS "permission: ToolPermission",
                      c.id AS "connector_id: ConnectorId", c.name AS connector, c.state = 'paused' AS "paused!"
               FROM connector_tools t JOIN connectors c ON c.id = t.connector_id
               WHERE t.call_name = ANY($1) OR c.name = ANY($2)
               ORDER BY t.call_name"#,
            listed,
            &whole,
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// The tool that agents call by this name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for whoever may not run agents.
    pub async fn find_tool(&mut self, call_name: &str) -> Result<Option<Callable>> {
        self.t.require(Permission::RunAgents).await?;
        Ok(sqlx::query_as!(
            Callable,
            r#"SELECT connector_id AS "connector: ConnectorId", name, permission AS "permission: ToolPermission",
                      input_schema
               FROM connector_tools WHERE call_name = $1"#,
            call_name
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    /// Keeps what a worker has found. New and changed tools are off, and so are those that came back.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn found(&mut self, id: ConnectorId, found: Found) -> Result<()> {
        let now = self.t.now();
        let Some(name) = sqlx::query_scalar!(
            "UPDATE connectors SET state = CASE WHEN state = 'paused' THEN state ELSE 'ready' END, protocol = $2,
                    server_name = $3, server_version = $4, checked_at = $5, next_check_at = $6, last_error = NULL,
                    failures = 0, open_until = NULL
             WHERE id = $1 RETURNING name",
            id.0,
            cut(found.protocol, 50),
            found.server_name.map(|text| cut(text, 200)),
            found.server_version.map(|text| cut(text, 100)),
            now,
            now + AGAIN,
        )
        .fetch_optional(self.t.conn())
        .await?
        else {
            return Ok(());
        };
        let mut tools: Vec<FoundTool> = found.tools.into_iter().filter(is_kept).take(MOST).collect();
        tools.sort_by(|a, b| a.name.cmp(&b.name));
        tools.dedup_by(|a, b| a.name == b.name);
        let schemas: Vec<Value> = tools.iter().map(|tool| storable(&tool.input_schema)).collect();
        let texts: Vec<String> = tools.iter().map(|tool| clean(&tool.description)).collect();
        let hashes: Vec<String> = texts.iter().zip(&schemas).map(|(text, schema)| hash(text, schema)).collect();
        let names: Vec<String> = tools.iter().map(|tool| tool.name.clone()).collect();
        let call_names: Vec<String> = names.iter().map(|tool| call_name(&name, tool)).collect();
        let titles: Vec<Option<String>> =
            tools.iter().map(|tool| tool.title.as_ref().map(|title| cut(clean(title), 200))).collect();
        let read_only: Vec<Option<bool>> = tools.iter().map(|tool| tool.read_only).collect();
        let destructive: Vec<Option<bool>> = tools.iter().map(|tool| tool.destructive).collect();
        sqlx::query!(
            "UPDATE connector_tools SET state = 'gone', permission = 'off'
             WHERE connector_id = $1 AND state <> 'gone' AND name <> ALL($2)",
            id.0,
            &names
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "INSERT INTO connector_tools AS k (connector_id, name, call_name, title, description, input_schema, hash,
                                               read_only, destructive)
             SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[],
                                      $8::bool[], $9::bool[])
             ON CONFLICT (company_id, connector_id, name) DO UPDATE SET
                 title = EXCLUDED.title, description = EXCLUDED.description, input_schema = EXCLUDED.input_schema,
                 hash = EXCLUDED.hash, read_only = EXCLUDED.read_only, destructive = EXCLUDED.destructive,
                 state = CASE WHEN k.state = 'gone' OR k.state = 'known' AND k.hash <> EXCLUDED.hash THEN 'changed'
                              ELSE k.state END,
                 permission = CASE WHEN k.hash <> EXCLUDED.hash THEN 'off' ELSE k.permission END",
            id.0,
            &names,
            &call_names,
            &titles as _,
            &texts,
            &schemas,
            &hashes,
            &read_only as _,
            &destructive as _,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("connectors", id.0).await
    }

    /// Keeps why a look has failed. A server that knows nobody any more waits for somebody to sign in, and
    /// `challenge` is what it asks of them.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn not_found_out(
        &mut self,
        id: ConnectorId,
        words: &str,
        needs_sign_in: bool,
        challenge: Option<&str>,
    ) -> Result<()> {
        let now = self.t.now();
        let state = if needs_sign_in { ConnectorState::NeedsSignIn } else { ConnectorState::Failing };
        sqlx::query!(
            "UPDATE connectors SET state = CASE WHEN state = 'paused' THEN state ELSE $2 END, last_error = $3,
                    checked_at = $4, next_check_at = $5, challenge = coalesce($6, challenge) WHERE id = $1",
            id.0,
            state.as_str(),
            cut(clean(words), 2_000),
            now,
            now + AGAIN,
            challenge,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("connectors", id.0).await
    }

    async fn select_tools(&mut self, id: ConnectorId, name: Option<&str>) -> Result<Vec<ConnectorTool>> {
        if name.is_some_and(|name| name.contains('\0')) {
            return Err(Problem::field("tool", "tool_unknown", "There is no such tool.").into());
        }
        Ok(sqlx::query_as!(
            ConnectorTool,
            r#"SELECT name, call_name, title, description, input_schema, hash, permission AS "permission: ToolPermission",
                      state AS "state: ToolState", read_only, destructive, reviewed_by, reviewed_at
               FROM connector_tools WHERE connector_id = $1 AND ($2::text IS NULL OR name = $2)
               ORDER BY array_position('{new,changed,known,gone}'::text[], state), name"#,
            id.0,
            name
        )
        .fetch_all(self.t.conn())
        .await?)
    }
}

/// A name without which nothing can be called, and texts that are no attack by length.
fn is_kept(tool: &FoundTool) -> bool {
    (1..=200).contains(&tool.name.len())
        && !tool.name.chars().any(char::is_control)
        && tool.description.len() <= TEXT
        && tool.input_schema.is_object()
        && tool.input_schema.to_string().len() <= TEXT
}

/// The name by which models call a tool. They take few characters; a name that does not fit gets a part of
/// its hash, so that two of them stay two.
fn call_name(connector: &str, tool: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let name = format!("{connector}__{}", tool.chars().map(plain).collect::<String>());
    if name.len() <= NAME && name.ends_with(tool) {
        return name;
    }
    let mark = &hex(&Sha256::digest(tool))[..8];
    let kept: String = name.chars().take(NAME - 9).collect();
    format!("{kept}_{mark}")
}

fn hash(description: &str, schema: &Value) -> String {
    hex(&Sha256::digest(format!("{description}\0{schema}")))
}

fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A value as Postgres can keep it: without NUL, in its texts and its names.
#[must_use]
pub fn storable(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => Value::Array(items.iter().map(storable).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(name, value)| (clean(name), storable(value))).collect()),
        other => other.clone(),
    }
}

fn cut(text: String, most: usize) -> String {
    if text.chars().count() <= most { text } else { text.chars().take(most).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_name_is_one_that_models_take() {
        assert_eq!(call_name("crm", "find_people"), "crm__find_people");
        let (dots, long) = (call_name("crm", "people.find"), call_name("crm", &"x".repeat(200)));
        assert!(dots.starts_with("crm__people_find_") && dots != call_name("crm", "people/find"), "{dots}");
        assert_eq!(long.len(), NAME);
        assert_ne!(long, call_name("crm", &"x".repeat(199)));
    }

    #[test]
    fn what_postgres_cannot_keep_is_replaced_everywhere() {
        let value = serde_json::json!({"a\0": ["b\0", {"c": "d"}]});
        assert_eq!(storable(&value), serde_json::json!({"a\u{fffd}": ["b\u{fffd}", {"c": "d"}]}));
    }
}
