//! Changes to the ticked leads of a campaign: a form with many boxes, posted without scripts.

use axum::{
    extract::{Path, RawForm, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    CampaignId, Permission,
    campaigns::Campaign,
    enrolments::{EnrolmentAction, EnrolmentSelection, EnrolmentState, EnrolmentsChanged},
    steps::Sequence,
};
use http::request::Parts;
use service::{Db, Error, Result, Tenant};
use tower_sessions::Session;

use super::{
    bulk::{FEW, Form, Question, Step, unknown},
    page,
};
use crate::{fmt::plural, server::actor};

/// Does it, then shows the list again. What gives up e-mails that were planned is asked about first.
pub async fn bulk(
    State(db): State<Db>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
    parts: Parts,
    RawForm(body): RawForm,
) -> Response {
    let form = Form::read(&body);
    let list = format!("/t/{slug}/campaigns/{id}/enrolments");
    // Whatever stands in the form, the address is one of ours.
    let state = EnrolmentState::parse(form.value("state")).map_or("", EnrolmentState::as_str);
    let back = format!("{list}?state={state}");
    match change(&db, &session, (&slug, &id), &parts, &form).await {
        Ok(Step::Done(done)) => Redirect::to(&format!("{back}&done={done}")).into_response(),
        Ok(Step::Question(question)) => {
            let asked = form.with("as_of", || db.clock().now().to_rfc3339());
            asked.ask(format!("{list}/bulk"), back, question)
        }
        Err(error) => page::refuse("Nothing was changed", error, back),
    }
}

async fn change(db: &Db, session: &Session, (slug, id): (&str, &str), parts: &Parts, form: &Form) -> Result<Step> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let id: CampaignId = id.parse().map_err(|_| Error::NotFound("campaign"))?;
    let selection = selection(form)?;
    let action = action(form)?;
    let mut t = db.tenant(&actor).await?;
    t.require(Permission::EditCampaigns).await?;
    if let Some(question) = question(&mut t, id, &selection, &action).await?
        && !question.is_answered(form)
    {
        return Ok(Step::Question(question));
    }
    let outcome = t.enrolments().bulk(id, &selection, &action).await?;
    t.commit().await?;
    Ok(Step::Done(done(&action, outcome)))
}

/// The ticked leads, or all in the state that the list shows.
fn selection(form: &Form) -> Result<EnrolmentSelection> {
    if !form.is_all() {
        return Ok(EnrolmentSelection::Ids(form.ids()?));
    }
    let state = match form.value("state") {
        "" => None,
        state => Some(state.parse()?),
    };
    Ok(EnrolmentSelection::All { state })
}

fn action(form: &Form) -> Result<EnrolmentAction> {
    Ok(match form.value("action") {
        "pause" => EnrolmentAction::Pause,
        "resume" => EnrolmentAction::Resume,
        "skip" => EnrolmentAction::Skip { as_of: form.value("as_of").parse().ok() },
        "remove" => EnrolmentAction::Remove,
        other => {
            let step = other.strip_prefix("move:").and_then(|step| step.parse().ok());
            EnrolmentAction::Move { step: step.ok_or_else(unknown)? }
        }
    })
}

async fn question(
    t: &mut Tenant,
    id: CampaignId,
    selection: &EnrolmentSelection,
    action: &EnrolmentAction,
) -> Result<Option<Question>> {
    if matches!(action, EnrolmentAction::Pause | EnrolmentAction::Resume) {
        return Ok(None);
    }
    let campaign = t.campaigns().get(id).await?;
    let steps = t.campaigns().version(id, campaign.sequence_version).await?;
    let open = t.enrolments().count_open(id, selection).await?;
    // Where nobody is left to be changed, there is nothing to ask.
    if open == 0 { Ok(None) } else { words(&campaign, &steps, open, action).map(Some) }
}

/// What is asked before a change that cannot be taken back; `open` is for how many leads.
fn words(campaign: &Campaign, steps: &Sequence, open: i64, action: &EnrolmentAction) -> Result<Question> {
    let leads = plural(open, "lead", "leads");
    let lost = "What was planned for them there is cancelled, and they don’t come back to it. Whoever’s e-mail is being \
                handed over right now stays as they are.";
    let (title, text, verb) = match action {
        EnrolmentAction::Move { step } => {
            let step = steps.get(*step).ok_or(Error::NotFound("step"))?;
            let title = format!("Move {leads} to step {}?", step.position);
            let text = format!(
                "They leave the step they are at and go on with “{}”; the wait before it begins now. {lost} Nobody goes \
                 back: whoever is at that step or past it stays, too.",
                step.name(steps)
            );
            (title, text, "Move")
        }
        EnrolmentAction::Remove => {
            let title = format!("Remove {leads} from {}?", campaign.name);
            let text = "They get no more e-mails of this campaign, and cannot come back into it.".to_owned();
            (title, text, "Remove")
        }
        _ => {
            let title = format!("Skip the step that {leads} {} at?", if open == 1 { "is" } else { "are" });
            let text = format!("Each goes on with the step that follows; the wait before it begins now. {lost}");
            (title, text, "Skip step")
        }
    };
    let word = *action == EnrolmentAction::Remove && open > FEW;
    Ok(Question { title, text, verb, danger: true, word: word.then_some("remove") })
}

/// What was done, to how many of how many, and how many stayed as they are for which reason, as the page is told.
fn done(action: &EnrolmentAction, o: EnrolmentsChanged) -> String {
    let what = match action {
        EnrolmentAction::Pause => "paused",
        EnrolmentAction::Resume => "resumed",
        EnrolmentAction::Skip { .. } => "skipped",
        EnrolmentAction::Move { .. } => "moved",
        EnrolmentAction::Remove => "removed",
    };
    let counts = [o.changed, o.selected, o.ended, o.in_flight, o.passed, o.elsewhere, o.unchanged];
    counts.iter().fold(format!("leads-{what}"), |code, count| format!("{code}.{count}"))
}
