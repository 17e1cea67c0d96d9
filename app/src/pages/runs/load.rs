//! What the pages of runs load: one transaction each, turned into what they show.

mod list;
mod run;
mod start;
mod trace;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    LeadId, PageRequest, Problem, RunId,
    accounts::AccountFilter,
    agents::{Definition, tool},
    campaigns::CampaignFilter,
    leads::{LeadFilter, LeadSort, LeadSummary},
    runs::{Approval, Run, RunState, Thing, ThingKind, Usage, ids_in},
};
use serde_json::Value;
use service::{Error, Tenant};

pub use self::{
    list::{last_of_agent, list, list_of_agent},
    run::run,
    start::start,
};
use super::{approvals::*, inputs, start::Input};
use crate::{
    error::AppError,
    fmt::{Moment, NO_DATA, dollars, grouped},
};

/// Things of the company that a select offers.
const THINGS: i64 = 100;
/// Things that a question in the list is about, by name.
const NAMED: usize = 3;
/// The beginning of the tool of a question for more of a limit.
const LIMIT: &str = "limit:";

/// An id of the path.
pub fn run_id(text: &str) -> Result<RunId, AppError> {
    text.parse().map_err(|_| Error::NotFound("run").into())
}

fn after(cursor: &str) -> PageRequest {
    PageRequest { after: Some(cursor.to_owned()).filter(|cursor| !cursor.is_empty()), ..PageRequest::default() }
}

/// The first line, as far as there is room.
fn beginning(text: &str, room: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(room) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// A number, or "–" where it says nothing.
fn some(value: i64) -> String {
    if value == 0 { NO_DATA.to_owned() } else { grouped(value) }
}

/// What it cost; before the first step there is nothing to say.
fn cost(usage: &Usage) -> String {
    if usage.steps == 0 { NO_DATA.to_owned() } else { dollars(usage.cost_micros) }
}

fn took(run: &Run, now: DateTime<Utc>) -> Option<i64> {
    Some((run.finished_at.unwrap_or(now) - run.started_at?).num_milliseconds())
}

/// Whether it goes on by itself.
fn moves(state: RunState) -> bool {
    !state.has_ended() && !state.needs_person()
}

/// What is there; nothing instead of a refusal when it is not.
fn there<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The questions that nobody has answered.
pub async fn questions(t: &mut Tenant, page: &PageRequest) -> Result<QuestionList, AppError> {
    let page = t.runs().pending_approvals(page).await?;
    let ids: Vec<_> = page.items.iter().flat_map(|asked| ids_in(&asked.arguments).into_iter().take(NAMED)).collect();
    let things = t.runs().things(&ids).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let row = |asked: Approval| {
        let limit = limit(&asked);
        Question {
            run: asked.run.to_string(),
            what: match &limit {
                Some(height) => format!("More than {height}"),
                None => tool(&asked.tool).map_or_else(|| asked.tool.clone(), |tool| tool.what.to_owned()),
            },
            arguments: if limit.is_some() { NO_DATA.to_owned() } else { about(&asked.arguments, &things) },
            asked: Moment::new(asked.created_at, now, &zone),
            expires: Moment::new(asked.expires_at, now, &zone),
            agent: asked.agent,
        }
    };
    Ok(QuestionList { next: page.next, rows: page.items.into_iter().map(row).collect() })
}

/// What a call is about: the names of the things it speaks of, or its arguments where it speaks of none.
fn about(arguments: &Value, things: &[Thing]) -> String {
    let ids = ids_in(arguments);
    let name = |id| things.iter().find(|thing| thing.id == id).map(|thing| thing.name.as_str());
    let names: Vec<_> = ids.iter().copied().take(NAMED).filter_map(name).collect();
    match (names.is_empty(), ids.len() - names.len()) {
        (true, _) => beginning(&arguments.to_string(), 120),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

/// What is typed for a lead.
fn typed(email: Option<&domain::EmailAddress>, id: LeadId) -> String {
    email.map_or_else(|| id.to_string(), ToString::to_string)
}

/// Puts ids in the place of the names and addresses that were entered; what names nothing, or several things, is told.
pub async fn look_up(
    t: &mut Tenant,
    declared: &[inputs::Declared],
    form: &mut BTreeMap<String, String>,
) -> Result<Vec<Problem>, Error> {
    let mut wrong = Vec::new();
    for input in declared {
        let Some(kind) = input.format().and_then(ThingKind::parse) else { continue };
        let field = format!("parameters.{}", input.name);
        let Some(entered) = form.get(&field).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) else {
            continue;
        };
        match t.runs().meant(kind, &entered).await?.as_slice() {
            [one] => drop(form.insert(field, one.to_string())),
            [] => wrong.push(Problem::field(field, "thing_unknown", format!("There is no {kind} “{entered}”."))),
            _ => {
                let words = format!("“{entered}” means more than one {kind}. Enter more of its name, or its address.");
                wrong.push(Problem::field(field, "thing_ambiguous", words));
            }
        }
    }
    Ok(wrong)
}

/// The fields of the inputs that a definition declares.
pub async fn input_fields(t: &mut Tenant, definition: &Definition) -> Result<Vec<Input>, Error> {
    let mut fields = Vec::new();
    for input in inputs::declared(definition) {
        let choices = match input.format().and_then(ThingKind::parse) {
            Some(kind) => Some(things(t, kind).await?.into_iter().map(|thing| (thing.id, thing.words)).collect()),
            None => None,
        };
        fields.push(input.field(choices));
    }
    Ok(fields)
}

/// Something of the company that an input can stand for.
struct Offered {
    id: String,
    /// What a field takes for it.
    typed: String,
    /// What people call it.
    words: String,
}

/// The first things of a kind, the best leads among them.
async fn things(t: &mut Tenant, kind: ThingKind) -> Result<Vec<Offered>, Error> {
    let first = PageRequest { per: Some(THINGS), ..PageRequest::default() };
    let named = |id: String, name: String| Offered { id, typed: name.clone(), words: name };
    Ok(match kind {
        ThingKind::Lead => {
            let page = t.leads().list(&LeadFilter::default(), LeadSort::default(), &first).await?;
            let offered = |lead: LeadSummary| Offered {
                id: lead.id.to_string(),
                typed: typed(lead.email.as_ref(), lead.id),
                words: [Some(lead.name), lead.account_name].into_iter().flatten().collect::<Vec<_>>().join(", "),
            };
            page.items.into_iter().map(offered).collect()
        }
        ThingKind::Account => {
            let page = t.accounts().list(&AccountFilter::default(), &first).await?;
            page.items.into_iter().map(|account| named(account.id.to_string(), account.name)).collect()
        }
        ThingKind::Campaign => {
            let page = t.campaigns().list(&CampaignFilter::default(), &first).await?;
            page.items.into_iter().map(|campaign| named(campaign.id.to_string(), campaign.name)).collect()
        }
    })
}

/// The limit that a question is about, with its height: "20 steps".
fn limit(asked: &Approval) -> Option<String> {
    let name = asked.tool.strip_prefix(LIMIT)?;
    let height = &asked.arguments["limit"];
    Some(match (name, height.as_i64(), height.as_f64()) {
        ("cost", _, Some(dollars)) => format!("${dollars:.2}"),
        (_, Some(height), _) => format!("{} {name}", grouped(height)),
        _ => name.to_owned(),
    })
}
