//! What a person writes in a conversation: kept while it is written, sent once, taken back while it can be.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What is entered in the editor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct AnswerForm {
    /// Version of the conversation that was read.
    pub version: Option<i64>,
    /// The query string of the page.
    pub query: String,
    /// Subject; that of an answer when empty.
    pub subject: String,
    /// Words.
    pub body: String,
    /// The mail that is answered stands below them.
    pub quotes: bool,
    /// When it leaves, on the clock of its author; at once when empty.
    pub send_at: String,
    /// What an agent has drafted was among the words that were read.
    pub arrived: bool,
    /// The text of the library that is put into it.
    pub text: String,
    /// The answer that is taken back.
    pub message: String,
}

/// Writes in a conversation: `send_done`, `send`, `save`, `insert`, `draft`, `discard` or `take_back`.
#[server(prefix = "/sf")]
pub async fn answer_thread(
    slug: String,
    id: String,
    what: String,
    #[server(default)] form: AnswerForm,
) -> Result<(), AppError> {
    use super::load;
    use crate::{fmt::Moment, server::tenant};
    use domain::{
        ContentId, MessageId, Problem,
        replies::{ReplyDraft, ReplyInput},
    };
    use service::Error;
    use uuid::Uuid;

    let thread = load::thread_id(&id)?;
    let mut t = tenant(&slug).await?;
    let (address, _) = load::place(&mut t, &slug, &form.query)?;
    // With scripts lines end as they do without.
    let body = form.body.replace("\r\n", "\n");
    let zone = t.actor().time_zone().to_owned();
    let planned = Some(form.send_at.trim()).filter(|text| !text.is_empty());
    let send_at =
        planned.map(|text| Moment::read(text, &zone).map_err(|problem| Error::from(problem.on("send_at")))).transpose();
    let draft = ReplyDraft {
        subject: form.subject.clone(),
        body: body.clone(),
        quotes: form.quotes,
        send_at: *send_at.as_ref().unwrap_or(&None),
        arrived: form.arrived,
    };
    let (said, writes) = match what.as_str() {
        "send" | "send_done" => {
            // Kept before anything can be refused, so that nothing that was written is lost.
            t.threads().keep_draft(thread, &draft).await?;
            let me = t.actor().user_id().map(|id| id.to_string()).unwrap_or_default();
            t.commit().await?;
            let send_at = send_at?;
            t = tenant(&slug).await?;
            // The same words to the same state of the conversation are the same answer, however often they are posted.
            let (version, planned) = (form.version.unwrap_or_default(), planned.unwrap_or_default());
            let said = format!("{me}\n{version}\n{planned}\n{}\n{body}", form.subject);
            let request = Uuid::new_v5(&thread.0, said.as_bytes());
            let input = ReplyInput {
                subject: Some(form.subject),
                body,
                quotes: form.quotes,
                then_done: what == "send_done",
                send_at,
            };
            t.threads().reply(thread, input, Some(request), form.version).await?;
            (if send_at.is_some() { "answer-planned" } else { "answer-written" }, false)
        }
        "save" => {
            t.threads().keep_draft(thread, &draft).await?;
            t.commit().await?;
            send_at?;
            t = tenant(&slug).await?;
            ("answer-kept", true)
        }
        "draft" => {
            t.threads().keep_draft(thread, &draft).await?;
            t.commit().await?;
            send_at?;
            t = tenant(&slug).await?;
            t.threads().draft_with_agent(thread).await?;
            ("answer-asked", true)
        }
        "insert" => {
            t.threads().keep_draft(thread, &draft).await?;
            t.commit().await?;
            send_at?;
            let missing = || Error::from(Problem::field("text", "text_missing", "Choose a text."));
            let text: ContentId = form.text.parse().map_err(|_| missing())?;
            t = tenant(&slug).await?;
            t.threads().insert_text(thread, text).await?;
            ("answer-text-inserted", true)
        }
        "discard" => {
            t.threads().get(thread).await?;
            t.threads().drop_draft(thread).await?;
            ("answer-discarded", false)
        }
        "take_back" => {
            let message: MessageId = form.message.parse().map_err(|_| Error::NotFound("reply"))?;
            t.threads().take_back(thread, message).await?;
            ("answer-taken-back", true)
        }
        _ => return Err(Error::NotFound("action").into()),
    };
    t.commit().await?;
    let done = [("done", said), ("reply", "1")];
    leptos_axum::redirect(&address.at(&format!("/{thread}"), if writes { &done } else { &done[..1] }));
    Ok(())
}
