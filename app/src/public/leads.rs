//! Changes to the ticked rows of the lead list: a form with many boxes, posted without scripts.

use axum::{
    extract::{Path, RawForm, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    LeadId, Permission, Problem,
    campaigns::CampaignState,
    leads::{BulkAction, BulkOutcome, LeadFilter, LeadSelection},
    page::Count,
};
use http::{StatusCode, request::Parts};
use leptos::prelude::*;
use service::{Db, Error, Result, Tenant};
use tower_sessions::Session;

use super::page;
use crate::{fmt::plural, server::actor};

/// A change of more leads than this is confirmed by a word.
const FEW: i64 = 10;

/// Does it, then shows the list again. What cannot be taken back, or mails people, is asked about first.
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
        Ok(Step::Done(done, o)) => {
            let done = format!("{done}.{}.{}", o.changed, o.selected);
            Redirect::to(&format!("/t/{slug}/leads?{query}&done={done}")).into_response()
        }
        Ok(Step::Question(question)) => ask(&slug, &form, question),
        Err(error) => page::refuse("Nothing was changed", error, format!("/t/{slug}/leads?{query}")),
    }
}

enum Step {
    /// What was done, as the page is told, and to how many.
    Done(&'static str, BulkOutcome),
    Question(Question),
}

/// What is asked before a change.
struct Question {
    title: String,
    text: String,
    verb: &'static str,
    /// The word that has to be typed.
    word: Option<&'static str>,
}

async fn change(db: &Db, session: &Session, slug: &str, parts: &Parts, form: &[(String, String)]) -> Result<Step> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let selection = selection(form)?;
    let action = action(&value(form, "action"), value(form, "tag"))?;
    let mut t = db.tenant(&actor).await?;
    t.require(Permission::EditLeads).await?;
    if let Some(question) = question(&mut t, &selection, &action).await?
        && value(form, "sure") != question.word.unwrap_or("yes")
    {
        return Ok(Step::Question(question));
    }
    let outcome = t.leads().bulk(&selection, &action).await?;
    t.commit().await?;
    let done = if matches!(action, BulkAction::Enrol { .. }) { "leads-enrolled" } else { "leads-changed" };
    Ok(Step::Done(done, outcome))
}

/// The ticked leads, or all that match the filter of the list.
fn selection(form: &[(String, String)]) -> Result<LeadSelection> {
    if value(form, "all") == "1" {
        let query = value(form, "query");
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let filter = LeadFilter::from_pairs(pairs.iter().map(|(k, v)| (k.as_ref(), v.as_ref())))?;
        return Ok(LeadSelection::Filter(filter));
    }
    let ids: Vec<LeadId> = form.iter().filter(|(k, _)| k == "ids").filter_map(|(_, id)| id.parse().ok()).collect();
    if ids.is_empty() {
        return Err(Problem::new("nothing_selected", "Tick at least one lead.").into());
    }
    Ok(LeadSelection::Ids(ids))
}

async fn question(t: &mut Tenant, selection: &LeadSelection, action: &BulkAction) -> Result<Option<Question>> {
    let count = match selection {
        LeadSelection::Ids(ids) => Count { value: i64::try_from(ids.len()).unwrap_or(i64::MAX), more: false },
        LeadSelection::Filter(filter) => t.leads().count(filter).await?,
    };
    let leads = format!("{}{}", plural(count.value, "lead", "leads"), if count.more { " and more" } else { "" });
    Ok(match action {
        BulkAction::Delete => Some(Question {
            title: format!("Delete {leads}?"),
            text: "They leave their campaigns, and their notes are lost. This cannot be undone.".to_owned(),
            verb: "Delete",
            word: (count.more || count.value > FEW).then_some("delete"),
        }),
        BulkAction::Enrol { campaign } => {
            let campaign = t.campaigns().get(*campaign).await?;
            let when = match campaign.lifecycle.state {
                CampaignState::Running => "It is running: the first e-mails leave in its next sending window.",
                _ => "They are mailed when it is started.",
            };
            Some(Question {
                title: format!("Enrol {leads} in {}?", campaign.name),
                text: format!("{when} Whoever is in it already stays as they are; whoever is suppressed is skipped."),
                verb: "Enrol",
                word: None,
            })
        }
        _ => None,
    })
}

/// The same form again, with the question.
fn ask(slug: &str, form: &[(String, String)], question: Question) -> Response {
    let (action, back) = (format!("/t/{slug}/leads/bulk"), format!("/t/{slug}/leads?{}", value(form, "query")));
    let kept: Vec<_> = form
        .iter()
        .filter(|(name, _)| name != "sure")
        .cloned()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect();
    let sure = match question.word {
        Some(word) => view! {
            <div class="field">
                <label for="sure">{format!("Type “{word}” to go on")}</label>
                <input id="sure" name="sure" autocomplete="off" required/>
            </div>
        }
        .into_any(),
        None => view! { <input type="hidden" name="sure" value="yes"/> }.into_any(),
    };
    let kind = if question.word.is_some() || question.verb == "Delete" { "button danger" } else { "button primary" };
    page::card(StatusCode::OK, &question.title, || {
        view! {
            <p>{question.text}</p>
            <form method="post" action=action class="stack">
                {kept}
                {sure}
                <div class="cluster">
                    <a class="button" href=back>"Cancel"</a>
                    <button class=kind>{question.verb}</button>
                </div>
            </form>
        }
        .into_any()
    })
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
