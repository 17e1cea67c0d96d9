//! Our client before a suite that checks clients of the Model Context Protocol: `connector_conformance SCENARIO
//! CONTEXT URL`. It does what people and workers do: a connector is set up, somebody signs in if it asks for that, a
//! worker looks at its tools, all are allowed, and a run calls each of them once. When the server wants somebody to
//! sign in again, with more rights, that is done once, and the run is tried again.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use domain::{
    ConnectorId, RunId,
    agents::Definition,
    connectors::{ConnectorAuth, ConnectorInput, ConnectorState, ConnectorTool, ToolPermission, ToolReview, Transport},
    runs::{NewRun, RunState},
};
use reqwest::Url;
use serde_json::{Map, Value, json};
use service::{
    Actor, Db,
    connectors::SignInAnswer,
    jobs::{BeginSignIn, CheckConnector, FinishSignIn, WorkOnRun},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(scenario), Some(context), Some(url)) = (arguments.next(), arguments.next(), arguments.next()) else {
        bail!("say which scenario, with which context, and where");
    };
    let context: Value = serde_json::from_str(&context).unwrap_or_default();
    let test = testing::db().await;
    // Under this address the suite expects the document that tells providers who we are.
    let (db, actor) = (test.with_public_url("https://conformance-test.local"), test.company("Suite").await.owner);
    let connector = set_up(&db, &actor, &scenario, &context, &url).await?;
    if scenario.starts_with("auth/") {
        sign_in(&db, &actor, connector).await?;
    }
    look(&db, &actor, connector).await?;
    let tools = allow_all(&db, &actor, connector).await?;
    let id = start(&db, &actor, &tools).await?;
    if let Err(failed) = work(&db, &actor, id).await {
        if state(&db, &actor, connector).await?.0 != ConnectorState::NeedsSignIn {
            return Err(failed);
        }
        sign_in(&db, &actor, connector).await?;
        look(&db, &actor, connector).await?;
        let mut t = db.tenant(&actor).await?;
        t.runs().retry(id).await?;
        t.commit().await?;
        work(&db, &actor, id).await?;
    }
    Ok(())
}

async fn set_up(db: &Db, actor: &Actor, scenario: &str, context: &Value, url: &str) -> Result<ConnectorId> {
    let auth = if scenario.starts_with("auth/") { ConnectorAuth::Oauth } else { ConnectorAuth::None };
    let given = |name: &str| context[name].as_str().map(ToOwned::to_owned);
    let input = ConnectorInput {
        name: Some("suite".into()),
        transport: Some(Transport::Http),
        url: Some(url.into()),
        auth: Some(auth),
        client_id: given("client_id"),
        secret: given("client_secret"),
        ..ConnectorInput::default()
    };
    let mut t = db.tenant(actor).await?;
    let id = t.connectors().create(input).await?.id;
    t.commit().await?;
    Ok(id)
}

/// As a person does it: to the provider, and back with a code.
async fn sign_in(db: &Db, actor: &Actor, connector: ConnectorId) -> Result<()> {
    let company = actor.company();
    let mut t = db.tenant(actor).await?;
    let attempt = t.connectors().begin_sign_in(connector).await?;
    t.commit().await?;
    engine::mcp::begin_sign_in(db, &BeginSignIn { company, attempt }).await?;
    let mut t = db.tenant(actor).await?;
    let led = t.connectors().sign_in(connector).await?.context("the attempt is gone")?;
    let Some(url) = led.url else { bail!("no address to sign in at: {:?}", led.error) };
    let back = Url::parse(&redirect_of(&url).await?)?;
    let of = |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let answer = SignInAnswer { code: of("code").context("no code")?, issuer: of("iss") };
    t.connectors().answer_sign_in(&of("state").context("no state")?, Ok(answer)).await?;
    t.commit().await?;
    engine::mcp::finish_sign_in(db, &FinishSignIn { company, attempt }).await?;
    let mut t = db.tenant(actor).await?;
    match t.connectors().sign_in(connector).await? {
        Some(ended) => bail!("signing in did not work: {:?}", ended.error),
        None => Ok(()),
    }
}

/// Where a provider sends the browser.
async fn redirect_of(url: &str) -> Result<String> {
    let rest = url.strip_prefix("http://").context("providers of the suite are on this machine")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).await?;
    let asked = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let location = answer.lines().find_map(|line| line.strip_prefix("Location: ").or(line.strip_prefix("location: ")));
    Ok(location.context("the provider sends the browser nowhere")?.to_owned())
}

async fn look(db: &Db, actor: &Actor, connector: ConnectorId) -> Result<()> {
    engine::mcp::check(db, &CheckConnector { company: actor.company(), connector }).await?;
    match state(db, actor, connector).await? {
        (ConnectorState::Ready, _) => Ok(()),
        (other, error) => bail!("{other}: {}", error.unwrap_or_default()),
    }
}

async fn state(db: &Db, actor: &Actor, connector: ConnectorId) -> Result<(ConnectorState, Option<String>)> {
    let mut t = db.tenant(actor).await?;
    let seen = t.connectors().get(connector).await?;
    Ok((seen.state, seen.last_error))
}

async fn allow_all(db: &Db, actor: &Actor, connector: ConnectorId) -> Result<Vec<ConnectorTool>> {
    let mut t = db.tenant(actor).await?;
    let tools = t.connectors().tools(connector).await?;
    for tool in &tools {
        let review = ToolReview { tool: tool.name.clone(), permission: ToolPermission::Allow, hash: tool.hash.clone() };
        t.connectors().review(connector, &review).await?;
    }
    t.commit().await?;
    Ok(tools)
}

async fn start(db: &Db, actor: &Actor, tools: &[ConnectorTool]) -> Result<RunId> {
    let mut file = "---\nname: suite\ndescription: Calls each tool.\ntools: ['suite__*']\nplaybook:\n".to_owned();
    for tool in tools {
        let with = Value::Object(arguments(&tool.input_schema));
        writeln!(file, "  - call: {}\n    with: {with}", tool.call_name)?;
    }
    file.push_str("  - answer: Done\n---\nWork.\n");
    let definition = Definition::from_markdown(&file).map_err(|problem| anyhow::anyhow!(problem.message))?;
    let mut t = db.tenant(actor).await?;
    t.agents().create(definition).await?;
    let run = t.runs().create(NewRun { agent: "suite".into(), ..NewRun::default() }).await?;
    t.commit().await?;
    Ok(run.id)
}

async fn work(db: &Db, actor: &Actor, run: RunId) -> Result<()> {
    let job = WorkOnRun { company: actor.company(), run };
    engine::agents::work(db, &job, &CancellationToken::new()).await?;
    let mut t = db.tenant(actor).await?;
    let run = t.runs().get(run).await?;
    if run.state != RunState::Succeeded {
        bail!("{}: {}", run.state, run.failure_detail.unwrap_or_default());
    }
    Ok(())
}

/// Something for each argument.
fn arguments(schema: &Value) -> Map<String, Value> {
    let Some(properties) = schema["properties"].as_object() else { return Map::new() };
    let something = |of: &Value| match of["type"].as_str() {
        Some("number" | "integer") => json!(5),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => json!("hello"),
    };
    properties.iter().map(|(name, of)| (name.clone(), something(of))).collect()
}
