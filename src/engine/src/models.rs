//! Language models behind one question: the models of a company are asked in their order, each with its own
//! patience, until one answers. What a model says is data for the agent that asked.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{models::ModelKind, runs::Usage};
use futures::StreamExt;
use genai::{
    Client, ModelIden, ModelSpec, ServiceTarget,
    adapter::AdapterKind,
    chat::{ChatMessage, ChatOptions, ChatRequest, ChatStreamEvent, JsonSpec, StopReason, ToolCall},
    resolver::{AuthData, Endpoint},
};
use reqwest::StatusCode;
use serde_json::Value;
use service::{
    Db,
    jobs::TestModel,
    models::{NoAnswer, ReadyModel},
};

use crate::http;

/// How long the first word may take.
const FIRST_WORD: Duration = Duration::from_secs(90);
/// How long a whole answer may take.
const WHOLE: Duration = Duration::from_secs(600);
/// Most bytes of an answer.
const MOST: usize = 1024 * 1024;
/// Tries with one model, for what passes by itself.
const TRIES: u32 = 3;
/// The longest that a model may ask us to wait before we ask the next one.
const PATIENCE: Duration = Duration::from_secs(20);
/// Characters of a token, as models count in European languages.
const CHARACTERS: usize = 4;

/// What is said of a connection that does not work.
const BROKEN: &str = "It can't be reached, or what it says can't be read.";

/// What an answer may be.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Most tokens of it.
    pub tokens: u32,
    /// JSON Schema that it follows; any text where there is none.
    pub shape: Option<Value>,
}

/// What a model answered.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Its words.
    pub text: String,
    /// Calls of tools that it wants.
    pub calls: Vec<ToolCall>,
    /// Its name at the provider.
    pub model: String,
    /// Tokens and cost.
    pub usage: Usage,
    /// It was cut off, because it may not be longer.
    pub cut: bool,
}

/// What is heard of an answer while it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard<'t> {
    /// A model begins; what was heard before does not count.
    Beginning,
    /// The next words.
    Words(&'t str),
    /// A tool that it wants called, with the text of its arguments as far as it has come.
    Call(&'t str, &'t str),
}

/// Why no model answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unanswered {
    /// What each of them said, in words.
    pub words: String,
    /// What was spent all the same.
    pub usage: Usage,
}

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Silent {
    words: String,
    /// Try again after this; nothing when trying again cannot help.
    again: Option<Duration>,
    /// It does not take the question as it was put.
    refused: bool,
    /// What was spent all the same.
    usage: Usage,
}

impl Silent {
    /// Trying again cannot help.
    fn for_good(words: impl Into<String>) -> Self {
        Self { words: words.into(), again: None, refused: false, usage: Usage::default() }
    }

    /// It may pass by itself, after this time.
    fn passing(words: impl Into<String>, wait: Duration) -> Self {
        Self { again: Some(wait), ..Self::for_good(words) }
    }

    /// How long the model asks to be left alone, when that is longer than anybody waits for it here.
    fn busy(&self) -> Option<Duration> {
        self.again.filter(|wait| *wait > PATIENCE)
    }
}

/// Asks the models in their order.
///
/// `hear` gets the words while they come, from the beginning again when another model is asked. Every failure is
/// remembered for the circuit breaker, and how long a model wants to be left alone; dropping the future ends the
/// call. What tries without an answer have spent is part of what is told. A model that does not know shapes is asked
/// without one, so whoever wants one looks whether the answer has it.
///
/// # Errors
/// Why none of them answered.
pub(crate) async fn ask(
    db: &Db,
    actor: &service::Actor,
    models: &[ReadyModel],
    request: &ChatRequest,
    wanted: &Wanted,
    mut hear: impl FnMut(Heard<'_>),
) -> Result<Said, Unanswered> {
    let mut silent = Vec::new();
    let mut spent = Usage::default();
    for model in models {
        let mut tries = 1;
        let mut wanted = wanted.clone();
        let outcome = loop {
            hear(Heard::Beginning);
            match ask_one(db, model, request.clone(), &wanted, &mut hear).await {
                Err(Silent { refused: true, .. }) if wanted.shape.is_some() => wanted.shape = None,
                Err(Silent { again: Some(wait), words, usage, .. }) if tries < TRIES && wait <= PATIENCE => {
                    tracing::info!(model.id = %model.id, "A model is asked again: {words}");
                    spent = spent.with(&usage);
                    tokio::time::sleep(wait.max(Duration::from_millis(250) * 2_u32.pow(tries))).await;
                    tries += 1;
                }
                other => break other,
            }
        };
        remember(db, actor, model, &outcome).await;
        match outcome {
            Ok(mut said) => {
                said.usage = said.usage.with(&spent);
                return Ok(said);
            }
            Err(error) => {
                spent = spent.with(&error.usage);
                silent.push(format!("{}: {}", model.name, error.words));
            }
        }
    }
    let words = if silent.is_empty() { "No model is ready to be asked.".to_owned() } else { silent.join(" ") };
    Err(Unanswered { words, usage: spent })
}

/// Tokens of everything that is sent, as far as its characters tell: what was said, the instructions, and the tools
/// with their schemas.
pub(crate) fn tokens_of(talk: &ChatRequest) -> i64 {
    let said: usize = talk.messages.iter().map(ChatMessage::size).sum();
    let system = talk.system.as_ref().map_or(0, String::len);
    let tools = talk.tools.iter().flatten().map(|tool| {
        let schema = tool.schema.as_ref().map_or(0, |schema| schema.to_string().len());
        schema + tool.description.as_ref().map_or(0, String::len)
    });
    in_tokens(said + system + tools.sum::<usize>())
}

fn in_tokens(characters: usize) -> i64 {
    i64::try_from(characters / CHARACTERS).unwrap_or(i64::MAX)
}

/// Asks a model whether it answers.
pub(crate) async fn test(db: &Db, job: &TestModel) -> anyhow::Result<()> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let model = match t.models().open(job.model).await {
        Err(service::Error::NotFound(_)) => return Ok(()),
        other => other?,
    };
    t.commit().await?;
    let request = ChatRequest::from_user("Answer with the word ready.");
    // The outcome is kept with the model, where people look.
    let _ = ask(db, &actor, &[model], &request, &Wanted { tokens: 256, shape: None }, |_| {}).await;
    Ok(())
}

async fn remember(db: &Db, actor: &service::Actor, model: &ReadyModel, outcome: &Result<Said, Silent>) {
    let kept: service::Result<()> = async {
        let mut t = db.tenant(actor).await?;
        let outcome = outcome.as_ref().map(|_| ());
        let outcome = outcome.map_err(|silent| NoAnswer { words: &silent.words, wait: silent.busy() });
        t.models().record(model.id, outcome).await?;
        t.commit().await
    }
    .await;
    if let Err(error) = kept {
        tracing::warn!(error = &error as &dyn std::error::Error, "What a model did could not be kept");
    }
}

async fn ask_one(
    db: &Db,
    model: &ReadyModel,
    request: ChatRequest,
    wanted: &Wanted,
    hear: &mut impl FnMut(Heard<'_>),
) -> Result<Said, Silent> {
    let target = target(model);
    http::check(db, target.endpoint.base_url()).map_err(Silent::for_good)?;
    let reqwest = http::client(db).map_err(|error| Silent::for_good(error.to_string()))?;
    let client =
        Client::builder().with_reqwest(reqwest).build().map_err(|error| Silent::for_good(error.to_string()))?;
    let mut options = ChatOptions::default()
        .with_max_tokens(wanted.tokens)
        .with_capture_usage(true)
        .with_capture_tool_calls(true)
        .with_stream_header_timeout(FIRST_WORD);
    if let Some(shape) = &wanted.shape {
        options = options.with_response_format(JsonSpec::new("answer", shape.clone()));
    }
    let question = tokens_of(&request);
    // What has been said so far, which is paid for however it ends.
    let mut said = Said {
        text: String::new(),
        calls: Vec::new(),
        model: model.model.clone(),
        usage: Usage::default(),
        cut: false,
    };
    let answer = async {
        let mut stream = client
            .exec_chat_stream(ModelSpec::Target(target), request, Some(&options))
            .await
            .map_err(|error| judged(error, db.clock().now()))?
            .stream;
        said.usage.tokens_in = question;
        let mut ended = false;
        while let Some(event) = stream.next().await {
            match event.map_err(|error| judged(error, db.clock().now()))? {
                ChatStreamEvent::Chunk(chunk) => {
                    hear(Heard::Words(&chunk.content));
                    said.text.push_str(&chunk.content);
                    said.usage.tokens_out = in_tokens(said.text.len()).min(i64::from(wanted.tokens));
                }
                ChatStreamEvent::ToolCallChunk(chunk) => {
                    if let Some(arguments) = chunk.tool_call.fn_arguments.as_str() {
                        hear(Heard::Call(&chunk.tool_call.fn_name, arguments));
                    }
                }
                ChatStreamEvent::End(end) => {
                    ended = true;
                    said.cut = matches!(end.captured_stop_reason, Some(StopReason::MaxTokens(_)));
                    if let Some(used) = &end.captured_usage {
                        said.usage.tokens_in = used.prompt_tokens.map_or(said.usage.tokens_in, i64::from);
                        said.usage.tokens_out = used.completion_tokens.map_or(said.usage.tokens_out, i64::from);
                    }
                    said.calls = end.captured_into_tool_calls().unwrap_or_default();
                }
                _ => {}
            }
            if said.text.len() > MOST {
                return Err(Silent::for_good("The answer is longer than a megabyte."));
            }
        }
        if !ended {
            return Err(Silent::passing("The answer broke off.", Duration::ZERO));
        }
        Ok(())
    };
    let outcome = tokio::time::timeout(WHOLE, answer)
        .await
        .unwrap_or_else(|_| Err(Silent::for_good("The answer took longer than ten minutes.")));
    said.usage.cost_micros = cost_micros(model, said.usage);
    let empty = said.text.trim().is_empty() && said.calls.is_empty();
    match outcome {
        Ok(()) if empty => {
            Err(Silent { usage: said.usage, ..Silent::passing("The answer was empty.", Duration::ZERO) })
        }
        Ok(()) => Ok(said),
        Err(silent) => Err(Silent { usage: said.usage, ..silent }),
    }
}

/// A price for a million tokens is millionths of a dollar for one.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "tokens of one answer")]
fn cost_micros(model: &ReadyModel, usage: Usage) -> i64 {
    (usage.tokens_in as f64 * model.price_in + usage.tokens_out as f64 * model.price_out).ceil() as i64
}

fn target(model: &ReadyModel) -> ServiceTarget {
    let (adapter, home) = match model.kind {
        ModelKind::OpenAi => (AdapterKind::OpenAI, "https://api.openai.com/v1/"),
        ModelKind::Anthropic => (AdapterKind::Anthropic, "https://api.anthropic.com/v1/"),
        ModelKind::Gemini => (AdapterKind::Gemini, "https://generativelanguage.googleapis.com/v1beta/"),
        ModelKind::Ollama => (AdapterKind::Ollama, "http://localhost:11434/"),
    };
    // The library joins paths to it, so it ends with a slash.
    let endpoint = match &model.base_url {
        Some(url) => Endpoint::from_owned(format!("{url}/")),
        None => Endpoint::from_static(home),
    };
    let key = model.key.as_ref().map(|key| key.to_string()).unwrap_or_default();
    ServiceTarget { endpoint, auth: AuthData::from_single(key), model: ModelIden::new(adapter, model.model.clone()) }
}

/// What an error of the library means. Its own words may hold what was sent, so they are not passed on.
fn judged(error: genai::Error, now: DateTime<Utc>) -> Silent {
    // In a stream the answer of the server lies inside of another error.
    let error = match error {
        genai::Error::WebStream { error: inner, .. } => match inner.downcast::<genai::Error>() {
            Ok(inner) => *inner,
            Err(_) => return Silent::passing(BROKEN, Duration::ZERO),
        },
        other => other,
    };
    let wait = error
        .headers()
        .and_then(|headers| http::retry_after(headers.get("retry-after")?.to_str().ok()?, now))
        .unwrap_or_default();
    match error.status() {
        Some(StatusCode::TOO_MANY_REQUESTS) => Silent::passing("It is busy and asks to wait (429).", wait),
        Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Silent::for_good("It refuses the key. Enter a key that works.")
        }
        Some(StatusCode::NOT_FOUND) => Silent::for_good("It does not know the model, or the address is wrong (404)."),
        Some(status) if status.is_server_error() => {
            Silent::passing(format!("It is out of order ({}).", status.as_u16()), wait)
        }
        Some(status) => {
            let words = format!("It refuses the question ({}).", status.as_u16());
            Silent { refused: true, ..Silent::for_good(words) }
        }
        None => Silent::passing(BROKEN, wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_for_a_million_is_micros_for_one() {
        let model = ReadyModel {
            id: uuid::Uuid::nil().into(),
            name: "a".into(),
            kind: ModelKind::OpenAi,
            base_url: None,
            model: "b".into(),
            key: None,
            price_in: 0.25,
            price_out: 2.0,
        };
        let usage = Usage { tokens_in: 1_000, tokens_out: 100, ..Usage::default() };
        assert_eq!(cost_micros(&model, usage), 450);
    }
}
