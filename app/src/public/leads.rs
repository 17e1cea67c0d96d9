//! Changes to the ticked rows of the lead list: a form with many boxes, posted without scripts.

use axum::{
    extract::{Path, RawForm, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    LeadId, Problem,
    leads::{BulkAction, LeadSelection},
};
use http::request::Parts;
use leptos::prelude::*;
use service::{Db, Error, Result};
use tower_sessions::Session;

use super::page;
use crate::{
    error::AppError,
    server::{origin, signed_in},
};

/// Does it, then shows the list again.
pub async fn bulk(
    State(db): State<Db>,
    session: Session,
    Path(slug): Path<String>,
    parts: Parts,
    RawForm(body): RawForm,
) -> Response {
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let query = value(&form, "query");
    match change(&db, &session, &slug, &parts, &form).await {
        Ok(()) => Redirect::to(&format!("/t/{slug}/leads?{query}&done=leads-changed")).into_response(),
        Err(error) => {
            let error = AppError::from(error);
            let (message, back) = (error.message.clone(), format!("/t/{slug}/leads?{query}"));
            page::card(page::status(&error), "Nothing was changed", || {
                view! { <p>{message}</p><p><a class="button" href=back>"Back to the list"</a></p> }.into_any()
            })
        }
    }
}

async fn change(db: &Db, session: &Session, slug: &str, parts: &Parts, form: &[(String, String)]) -> Result<()> {
    let user = signed_in(session).await?.ok_or(Error::Unauthenticated)?;
    let (actor, ..) = db.people().actor(user, slug, origin(parts)).await?;
    let ids: Vec<LeadId> = form.iter().filter(|(k, _)| k == "ids").filter_map(|(_, id)| id.parse().ok()).collect();
    if ids.is_empty() {
        return Err(Problem::new("nothing_selected", "Tick at least one lead.").into());
    }
    let action = action(&value(form, "action"), value(form, "tag"))?;
    let mut t = db.tenant(&actor).await?;
    t.leads().bulk(&LeadSelection::Ids(ids), &action).await?;
    t.commit().await
}

fn action(word: &str, tag: String) -> Result<BulkAction> {
    let (kind, rest) = word.split_once(':').unwrap_or((word, ""));
    let unknown = || Error::from(Problem::new("action_unknown", "Choose what to do."));
    let tagged = |tag: String| {
        if tag.trim().is_empty() { Err(Error::from(Problem::new("tag_missing", "Enter a tag."))) } else { Ok(tag) }
    };
    Ok(match (kind, rest) {
        ("enrol", id) => BulkAction::Enrol { campaign: id.parse().map_err(|_| unknown())? },
        ("assign", "") => BulkAction::Assign { owner: None },
        ("assign", id) => BulkAction::Assign { owner: Some(id.parse().map_err(|_| unknown())?) },
        ("status", status) => BulkAction::SetStatus { status: status.parse().map_err(Error::from)? },
        ("tag", "add") => BulkAction::AddTag { tag: tagged(tag)? },
        ("tag", "remove") => BulkAction::RemoveTag { tag: tagged(tag)? },
        ("delete", _) => BulkAction::Delete,
        _ => return Err(unknown()),
    })
}

fn value(form: &[(String, String)], name: &str) -> String {
    form.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()).unwrap_or_default()
}
