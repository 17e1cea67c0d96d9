//! Calls to the webhook of the company that steps of campaigns and workflows make: signed (Standard Webhooks) and tried
//! again until they are taken. The receiver knows by `webhook-id` when it gets the same twice.

use std::time::Duration;

use service::{Db, Error, Result, jobs::CallStepWebhook};
use standardwebhooks::Webhook;

use crate::http;

/// How long an answer may take.
const WAIT: Duration = Duration::from_secs(20);

/// Makes a call. The queue asks for it again when it was not taken.
///
/// # Errors
/// When the database is away, or the call is to be tried again.
pub(crate) async fn call(db: &Db, job: &CallStepWebhook) -> anyhow::Result<()> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let due = t.campaigns().webhook_call(job.call).await?;
    let now = t.now().timestamp();
    t.commit().await?;
    let Some(due) = due else { return Ok(()) };
    let outcome = match http::check(db, &due.url) {
        Err(words) => Err((words, true)),
        Ok(()) => {
            let body = due.body.to_string();
            let id = due.id.to_string();
            let signature = Webhook::new(&due.secret).and_then(|key| key.sign(&id, now, body.as_bytes()));
            match signature {
                Ok(signature) => {
                    let request = http::client(db)
                        .map_err(Error::internal)?
                        .post(&due.url)
                        .timeout(WAIT)
                        .header("content-type", "application/json")
                        .header("webhook-id", id)
                        .header("webhook-timestamp", now)
                        .header("webhook-signature", signature)
                        .body(body);
                    match request.send().await {
                        Ok(answer) if answer.status().is_success() => {
                            Ok(format!("Answered {}", answer.status().as_u16()))
                        }
                        Ok(answer) => Err((format!("Answered {}", answer.status().as_u16()), false)),
                        Err(error) => Err((http::words(&error), false)),
                    }
                }
                Err(_) => Err(("The secret of the webhook can't be used. Connect it again.".to_owned(), true)),
            }
        }
    };
    if record(db, job, &outcome).await? {
        anyhow::bail!("the webhook has not taken the call");
    }
    Ok(())
}

/// Writes down what came of a try; whether another one is to follow.
async fn record(db: &Db, job: &CallStepWebhook, outcome: &std::result::Result<String, (String, bool)>) -> Result<bool> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let again = match outcome {
        Ok(words) => t.campaigns().webhook_called(job.call, Ok(words), false).await?,
        Err((words, give_up)) => t.campaigns().webhook_called(job.call, Err(words), *give_up).await?,
    };
    t.commit().await?;
    Ok(again)
}
