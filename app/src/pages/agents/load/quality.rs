//! The quality of an agent as its page shows it: the case of the newest version, and its evaluations.

use chrono::{DateTime, Utc};
use domain::{
    PageRequest,
    agents::Case,
    runs::{Evaluation, Run, RunState},
};

use super::super::quality::*;
use crate::{
    error::AppError,
    fmt::{Moment, NO_DATA, duration},
    pages::runs::{expectation, plain},
    server,
};

/// Evaluations of a page.
const ROWS: i64 = 20;

/// A page of the evaluations of an agent.
pub async fn quality(slug: &str, id: &str, cursor: &str) -> Result<Quality, AppError> {
    let id = super::agent_id(id)?;
    let later = !cursor.is_empty();
    let request = PageRequest { after: later.then(|| cursor.to_owned()), per: Some(ROWS), ..PageRequest::default() };
    let mut t = server::tenant(slug).await?;
    let agent = t.agents().get(id).await?;
    let case = t.agents().definition(id).await?.evaluation;
    let page = t.runs().evaluations(id, &request).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    Ok(Quality {
        head: super::head(&agent),
        case: case.as_ref().map(words),
        later,
        next: page.next,
        rows: page.items.into_iter().map(|evaluation| row(evaluation, now, &zone)).collect(),
    })
}

fn words(case: &Case) -> CaseWords {
    let parameters = serde_json::to_value(&case.parameters).unwrap_or_default();
    let first = |value: String| if value == "first" { "the first one of the company".to_owned() } else { value };
    let pairs = parameters.as_object().into_iter().flatten();
    CaseWords {
        task: case.task.clone(),
        parameters: pairs.map(|(name, value)| (name.clone(), first(plain(value)))).collect(),
        expects: case.expects.iter().map(|text| expectation(text)).collect(),
    }
}

fn row(Evaluation { run, verdict }: Evaluation, now: DateTime<Utc>, zone: &str) -> EvaluationRow {
    let counts = verdict.as_ref().map(|verdict| (verdict.met.len(), verdict.met.len() + verdict.unmet.len()));
    let missing = verdict.iter().flat_map(|verdict| &verdict.unmet).map(|text| expectation(text));
    EvaluationRow {
        version: run.agent_version,
        passed: verdict.as_ref().map(|verdict| verdict.passed),
        met: counts.map_or_else(|| NO_DATA.to_owned(), |(met, all)| format!("{met} of {all}")),
        missing: why(&run).into_iter().chain(missing).collect::<Vec<_>>().join(". "),
        took: took(&run).map_or_else(|| NO_DATA.to_owned(), duration),
        at: Moment::new(run.created_at, now, zone),
        state: (run.state.to_string(), run.state.label().to_owned()),
        run: run.id.to_string(),
        by: run.started_by,
    }
}

/// Why a run that has ended did not succeed.
fn why(run: &Run) -> Option<String> {
    let failed = run.state.has_ended() && run.state != RunState::Succeeded;
    failed.then(|| run.state.label().to_owned())
}

fn took(run: &Run) -> Option<i64> {
    Some((run.finished_at? - run.started_at?).num_milliseconds())
}
