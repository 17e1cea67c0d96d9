//! The form that starts a run: the fields of the inputs, what they begin with, and what a run will probably take.

use domain::{
    AgentId, LeadId,
    agents::{Definition, Limits},
    runs::{Estimate, NewRun, ThingKind},
};
use service::{Error, Tenant};

use super::{
    super::{
        inputs,
        options::{LimitField, RunOptions, writers},
        start::{InputLook, StartForm},
    },
    beginning, there, things, typed,
};
use crate::{
    error::AppError,
    fmt::{dollars, duration, grouped, plural},
    pages::agents::agent_id,
    server,
};

/// The form for an agent. It begins with a lead, or with the example of the agent.
pub async fn start(slug: &str, id: &str, lead: &str, example: bool) -> Result<StartForm, AppError> {
    let id = agent_id(id)?;
    let mut t = server::tenant(slug).await?;
    let agent = t.agents().get(id).await?;
    let definition = t.agents().definition(id).await?;
    let filled = if example { t.runs().example(id).await? } else { None };
    let mut fields = Vec::new();
    for input in inputs::declared(&definition) {
        let kind = input.format().and_then(ThingKind::parse);
        let given = filled.as_ref().and_then(|new| new.parameters.get(&input.name)).map(inputs::entered);
        let mut field = input.field(None);
        if let Some(kind) = kind {
            let likely = things(&mut t, kind).await?;
            field.look = InputLook::Lookup(likely.into_iter().map(|thing| (thing.typed, thing.words)).collect());
        }
        if let (Some(ThingKind::Lead), Ok(lead)) = (kind, lead.parse::<LeadId>()) {
            let lead = there(t.leads().get(lead).await)?;
            field.value = lead.map_or_else(String::new, |lead| typed(lead.email.as_ref(), lead.id));
        }
        if let Some(given) = given {
            field.value = match kind {
                Some(kind) => typed_for(&mut t, kind, given).await?,
                None => given,
            };
        }
        fields.push(field);
    }
    let options = options(&mut t, id, &definition).await?;
    t.commit().await?;
    Ok(StartForm {
        id: agent.id.to_string(),
        name: agent.name,
        job: beginning(&agent.description, 300),
        enabled: agent.enabled,
        example: definition.example.map(|example| example.task),
        task: filled.map(|NewRun { task, .. }| task).unwrap_or_default(),
        inputs: fields,
        options,
    })
}

/// What is typed for a thing, in the place of its id.
async fn typed_for(t: &mut Tenant, kind: ThingKind, id: String) -> Result<String, Error> {
    if let (ThingKind::Lead, Ok(lead)) = (kind, id.parse::<LeadId>()) {
        let lead = t.leads().get(lead).await?;
        return Ok(typed(lead.email.as_ref(), lead.id));
    }
    let known = match id.parse() {
        Ok(id) => t.runs().things(&[id]).await?.pop(),
        Err(_) => None,
    };
    Ok(known.map_or(id, |thing| thing.name))
}

async fn options(t: &mut Tenant, id: AgentId, definition: &Definition) -> Result<RunOptions, Error> {
    let models = t.models().list().await?.into_iter().filter(|model| model.enabled);
    let models = models.map(|model| (model.id.to_string(), model.name)).collect();
    Ok(RunOptions {
        limits: limits(&definition.limits),
        writers: writers(models, !definition.playbook.is_empty()),
        estimate: estimate_words(t.runs().estimate(id).await?),
    })
}

fn limits(of_agent: &Limits) -> Vec<LimitField> {
    let whole = |name, label, most: u32| {
        let most = if most == 0 { String::new() } else { most.to_string() };
        LimitField { name, label, most, whole: true }
    };
    vec![
        whole("limits.steps", "Steps", of_agent.steps),
        whole("limits.minutes", "Minutes", of_agent.minutes),
        whole("limits.tokens", "Tokens", of_agent.tokens),
        LimitField { name: "limits.cost", label: "Cost, US dollars", most: of_agent.cost.to_string(), whole: false },
    ]
}

/// What a run will probably take, in a sentence or two.
fn estimate_words(estimate: Option<Estimate>) -> String {
    let Some(Estimate { runs, steps, tokens, cost_micros, ms }) = estimate else {
        return "It has not run yet, so nobody knows how long it takes.".to_owned();
    };
    let words = |n: usize| {
        let tokens = (tokens[n] > 0).then(|| format!("{} tokens", grouped(tokens[n])));
        let parts =
            [Some(plural(steps[n], "step", "steps")), tokens, Some(dollars(cost_micros[n])), Some(duration(ms[n]))];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let judged = if runs == 1 { "its last run".to_owned() } else { format!("its last {runs} runs") };
    let nine_of_ten =
        if words(0) == words(1) { String::new() } else { format!(" Nine of ten took at most {}.", words(1)) };
    format!("About {}, judging by {judged}.{nine_of_ten}", words(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_says_what_it_rests_on() {
        let estimate = Estimate {
            runs: 20,
            steps: [4, 6],
            tokens: [2_100, 3_000],
            cost_micros: [10_000, 20_000],
            ms: [6_000, 9_000],
        };
        assert_eq!(
            estimate_words(Some(estimate)),
            "About 4 steps, 2,100 tokens, $0.01, 6.0 s, judging by its last 20 runs. Nine of ten took at most 6 steps, \
             3,000 tokens, $0.02, 9.0 s."
        );
        let one = Estimate { runs: 1, steps: [1, 1], tokens: [0, 0], cost_micros: [0, 0], ms: [40, 40] };
        assert_eq!(estimate_words(Some(one)), "About 1 step, $0.00, 40 ms, judging by its last run.");
        assert_eq!(estimate_words(None), "It has not run yet, so nobody knows how long it takes.");
    }
}
