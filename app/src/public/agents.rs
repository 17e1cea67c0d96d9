//! Agents as files: in, many at once, and out.

use axum::{
    extract::{Multipart, Path, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::{Permission, Problem};
use http::{StatusCode, header, request::Parts};
use leptos::prelude::*;
use service::{Db, Error, Result, agents::FileOutcome};
use tower_sessions::Session;

use super::page;
use crate::{fmt::plural, server::actor};

/// Takes the files. When each of them made an agent the catalogue is shown, else what became of each.
pub async fn import(
    State(db): State<Db>,
    session: Session,
    Path(slug): Path<String>,
    parts: Parts,
    form: Multipart,
) -> Response {
    let base = format!("/t/{slug}/agents");
    match take(&db, &session, &slug, &parts, form).await {
        Ok(outcomes) if outcomes.iter().all(|o| o.result.is_ok()) => {
            Redirect::to(&format!("{base}?done=agents-imported")).into_response()
        }
        Ok(outcomes) => report(&base, outcomes),
        Err(error) => page::refuse("Nothing was imported", error, format!("{base}/import")),
    }
}

/// The file of an agent.
pub async fn export(
    State(db): State<Db>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
    parts: Parts,
) -> Response {
    let file = async {
        let (actor, ..) = actor(&db, &session, &slug, &parts).await?;
        let mut t = db.tenant(&actor).await?;
        let id = id.parse().map_err(|_| Error::NotFound("agent"))?;
        let agent = t.agents().get(id).await?;
        let text = t.agents().file(id, agent.version).await?;
        t.commit().await?;
        Ok::<_, Error>((agent.file_name(), text))
    };
    match file.await {
        Ok((name, text)) => {
            let disposition = format!("attachment; filename=\"{name}\"");
            let kind = "text/markdown; charset=utf-8".to_owned();
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], text).into_response()
        }
        Err(error) => page::refuse("This did not work", error, format!("/t/{slug}/agents")),
    }
}

async fn take(db: &Db, session: &Session, slug: &str, parts: &Parts, mut form: Multipart) -> Result<Vec<FileOutcome>> {
    let broken =
        || Error::from(Problem::field("file", "upload_broken", "The upload broke off, or is larger than 20 MB."));
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let (mut files, mut refused) = (Vec::new(), Vec::new());
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        let name = field.file_name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(|_| broken())?;
        if name.is_empty() && bytes.is_empty() {
            continue;
        }
        match String::from_utf8(bytes.to_vec()) {
            Ok(text) => files.push((name, text)),
            Err(_) => {
                let problem = Problem::field("file", "encoding_unknown", "This is no text in UTF-8. Save it as UTF-8.");
                refused.push(FileOutcome { file: name, result: Err(problem) });
            }
        }
    }
    let mut t = db.tenant(&actor).await?;
    t.require(Permission::ManageAgents).await?;
    if !files.is_empty() || refused.is_empty() {
        refused.extend(t.agents().import(&files).await?);
    }
    t.commit().await?;
    Ok(refused)
}

fn report(base: &str, outcomes: Vec<FileOutcome>) -> Response {
    let taken = outcomes.iter().filter(|o| o.result.is_ok()).count();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let title = format!("{} of {} imported", taken, plural(count(outcomes.len()), "file", "files"));
    let status = if taken == 0 { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let rows: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| {
            let words = match outcome.result {
                Ok(agent) if agent.changed => format!("{}, version {}", agent.name, agent.version),
                Ok(agent) => format!("{}, unchanged", agent.name),
                Err(problem) => problem.message,
            };
            view! { <li><strong>{outcome.file}</strong><br/><span>{words}</span></li> }
        })
        .collect();
    let (catalogue, again) = (base.to_owned(), format!("{base}/import"));
    page::card(status, &title, || {
        view! {
            <ul class="stack">{rows}</ul>
            <div class="cluster">
                <a class="button primary" href=catalogue>"To the agents"</a>
                <a class="button" href=again>"Import more"</a>
            </div>
        }
        .into_any()
    })
}
