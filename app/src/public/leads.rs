//! Changes to the ticked rows of the lead list: a form with many boxes, posted without scripts.

use axum::{
    extract::{Path, RawForm, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Permission, Problem,
    campaigns::CampaignState,
    leads::{BulkAction, LeadFilter, LeadSelection},
    page::Count,
};
use http::request::Parts;
use service::{Db, Error, Result, Tenant};
use tower_sessions::Session;

use super::{
    bulk::{FEW, Form, Question, Step, unknown},
    page,
};
use crate::{fmt::plural, server::actor};

/// Does it, then shows the list again. What cannot be taken back, or mails people, is asked about first.
pub async fn bulk(
    State(db): State<Db>,
    session: Session,
    Path(slug): Path<String>,
    parts: Parts,
    RawForm(body): RawForm,
) -> Response {
    let form = Form::read(&body);
    let back = format!("/t/{slug}/leads?{}", form.value("query"));
    match change(&db, &session, &slug, &parts, &form).await {
        Ok(Step::Done(done)) => Redirect::to(&format!("{back}&done={done}")).into_response(),
        Ok(Step::Question(question)) => form.ask(format!("/t/{slug}/leads/bulk"), back, question),
        Err(error) => page::refuse("Nothing was changed", error, back),
    }
}

async fn change(db: &Db, session: &Session, slug: &str, parts: &Parts, form: &Form) -> Result<Step> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let selection = selection(form)?;
    let action = action(form.value("action"), form.value("tag"))?;
    let mut t = db.tenant(&actor).await?;
    t.require(Permission::EditLeads).await?;
    if let Some(question) = question(&mut t, &selection, &action).await?
        && !question.is_answered(form)
    {
        return Ok(Step::Question(question));
    }
    let outcome = t.leads().bulk(&selection, &action).await?;
    t.commit().await?;
    let done = if matches!(action, BulkAction::Enrol { .. }) { "leads-enrolled" } else { "leads-changed" };
    Ok(Step::Done(format!("{done}.{}.{}", outcome.changed, outcome.selected)))
}

/// The ticked leads, or all that match the filter of the list.
fn selection(form: &Form) -> Result<LeadSelection> {
    if form.is_all() {
        let pairs: Vec<_> = form_urlencoded::parse(form.value("query").as_bytes()).collect();
        let filter = LeadFilter::from_pairs(pairs.iter().map(|(k, v)| (k.as_ref(), v.as_ref())))?;
        return Ok(LeadSelection::Filter(filter));
    }
    Ok(LeadSelection::Ids(form.ids()?))
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
            danger: true,
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
                danger: false,
                word: None,
            })
        }
        _ => None,
    })
}

fn action(word: &str, tag: &str) -> Result<BulkAction> {
    let (kind, rest) = word.split_once(':').unwrap_or((word, ""));
    let tagged = || match tag.trim() {
        "" => Err(Error::from(Problem::new("tag_missing", "Enter a tag."))),
        _ => Ok(tag.to_owned()),
    };
    Ok(match (kind, rest) {
        ("enrol", id) => BulkAction::Enrol { campaign: id.parse().map_err(|_| unknown())? },
        ("assign", "") => BulkAction::Assign { owner: None },
        ("assign", id) => BulkAction::Assign { owner: Some(id.parse().map_err(|_| unknown())?) },
        ("status", status) => BulkAction::SetStatus { status: status.parse().map_err(Error::from)? },
        ("tag", "add") => BulkAction::AddTag { tag: tagged()? },
        ("tag", "remove") => BulkAction::RemoveTag { tag: tagged()? },
        ("delete", _) => BulkAction::Delete,
        _ => return Err(unknown()),
    })
}
