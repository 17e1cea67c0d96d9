//! Agents at work: a run is taken, done step by step, and ended. Everything an agent does to the company
//! goes through the tools, and every step through the journal of the run.

mod aloud;
mod budget;
mod connectors;
mod playbook;
mod talk;
mod thinking;
mod tools;
mod waits;
mod webhook;
mod writer;

use std::time::Duration;

use anyhow::Result;
use domain::{
    agents::{Risk, Tool, tool},
    connectors::connector_of,
    runs::{Failure, RunStep, StepKind, left_undone},
};
use serde_json::Value;
use service::{
    Db, Error,
    jobs::WorkOnRun,
    runs::{Asked, Beat, Intent, Outcome, Pulse, RunInHand},
};
use tokio_util::sync::CancellationToken;

use self::{tools::Trouble, webhook::Sent};

/// How often a worker says that it lives, and hears whether its run was cancelled.
const BEAT: Duration = Duration::from_secs(2);

/// Works on a run until it ends, waits for a person, or `stop` is cancelled. Does nothing when there is
/// nothing to do, so it may be called at any time and any number of times.
///
/// # Errors
/// When the database is away; the run is taken up again when its lease has ended.
pub async fn work(db: &Db, job: &WorkOnRun, stop: &CancellationToken) -> Result<()> {
    let Some(run) = RunInHand::take(db, job.company, job.run).await? else { return Ok(()) };
    let pulse = run.pulse();
    let halt = CancellationToken::new();
    let ended = CancellationToken::new();
    let beating = {
        let (halt, ended, stop) = (halt.clone(), ended.clone(), stop.clone());
        async move {
            loop {
                tokio::select! {
                    () = ended.cancelled() => return Beat::GoOn,
                    () = stop.cancelled() => {
                        halt.cancel();
                        return Beat::GoOn;
                    }
                    () = tokio::time::sleep(BEAT) => {}
                }
                match pulse.beat().await {
                    Ok(Beat::GoOn) | Err(Error::Unavailable) => {}
                    Ok(beat) => {
                        halt.cancel();
                        return beat;
                    }
                    Err(error) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "A run's worker could not say that it lives"
                        );
                    }
                }
            }
        }
    };
    let working = async {
        let outcome = Box::pin(thinking::follow(db, run, &halt)).await;
        ended.cancel();
        outcome
    };
    let (beat, outcome) = tokio::join!(beating, working);
    match (outcome?, beat) {
        (End::Ended, _) | (End::Halted(_), Beat::Lost) => Ok(()),
        (End::Halted(run), Beat::Cancel) => Ok(run.stopped().await?),
        (End::Halted(run), Beat::GoOn) => Ok(run.give_back().await?),
    }
}

/// How the work on a run came to its end.
enum End {
    /// The run has ended or waits for a person; its row says so.
    Ended,
    /// It was told to stop in the middle.
    Halted(Box<RunInHand>),
}

/// What came of a call.
enum Called {
    /// The step, with its outcome.
    Step(Box<RunStep>),
    /// The run waits for somebody, or was ended by a limit.
    Stop,
}

/// Calls a tool of the product: written down first, then effect and outcome in one commit.
async fn call(
    db: &Db,
    run: &mut RunInHand,
    key: &str,
    name: &str,
    arguments: Value,
    halt: &CancellationToken,
) -> service::Result<Called> {
    if connector_of(name).is_some() {
        // In a box: a conversation with a server is large, and would lie on the stack of every call.
        return Box::pin(connectors::call(db, run, key, name, arguments, halt)).await;
    }
    let Some(known) = tool(name).filter(|tool| run.definition().tools.iter().any(|own| own == tool.name)) else {
        let error = Trouble::Words(format!("This agent has no tool `{name}`."));
        return refuse(run, key, name, arguments, error).await;
    };
    let kind = if known.name == "remember" { StepKind::MemoryWrite } else { StepKind::ToolCall };
    // What is handed over is done by a dry run as well. Nobody is asked, and no time is waited for.
    let acts = known.name != "hand_over" && (known.risk != Risk::Read || waits::is_one(known));
    if run.run().dry_run && acts {
        return leave_undone(run, key, kind, name, arguments).await;
    }
    if waits::is_one(known) {
        return waits::call(run, key, known, arguments).await;
    }
    let schema = Some(tools::schema(known));
    let asked = Asked { key, kind, name, risk: Some(known.risk), atomic: is_ours(known), input: arguments, schema };
    let (number, input) = match run.intend(asked).await? {
        Intent::Have(step) => return Ok(Called::Step(step)),
        Intent::Stop => return Ok(Called::Stop),
        Intent::Do { number, input } => (number, input),
    };
    if !is_ours(known) {
        let outcome = match webhook::call(db, run, number, &input, halt).await? {
            Sent::Done(output) => Outcome { output: Some(output), outside: true, ..Outcome::default() },
            Sent::Failed(words) => Outcome { error: Some(words), ..Outcome::default() },
            Sent::Unknown(words) => {
                run.outcome_unknown(number, &words).await?;
                return Ok(Called::Stop);
            }
            Sent::AnswersLater => {
                run.wait_for_answer().await?;
                return Ok(Called::Stop);
            }
        };
        let mut t = run.tenant().await?;
        let step = run.record(&mut t, number, outcome).await?;
        t.commit().await?;
        return Ok(Called::Step(Box::new(step)));
    }
    let mut t = run.tenant().await?;
    let step = match tools::call(&mut t, known, input).await {
        Ok(answer) => {
            let outcome = Outcome { output: Some(answer.value), outside: answer.outside, ..Outcome::default() };
            let step = run.record(&mut t, number, outcome).await?;
            t.commit().await?;
            step
        }
        Err(Trouble::Fault(error)) => return Err(error),
        Err(Trouble::Words(words)) => {
            // Nothing of what was begun is kept.
            drop(t);
            not_done(run, number, words).await?
        }
    };
    Ok(Called::Step(Box::new(step)))
}

/// Writes down a call that would change something, and does not make it: the run is only tried. Nobody is asked about
/// what does not happen.
async fn leave_undone(
    run: &mut RunInHand,
    key: &str,
    kind: StepKind,
    name: &str,
    arguments: Value,
) -> service::Result<Called> {
    let asked = Asked { key, kind, name, risk: None, atomic: true, input: arguments, schema: None };
    let number = match run.intend(asked).await? {
        Intent::Have(step) => return Ok(Called::Step(step)),
        Intent::Stop => return Ok(Called::Stop),
        Intent::Do { number, .. } => number,
    };
    let mut t = run.tenant().await?;
    let step = run.record(&mut t, number, Outcome { output: Some(left_undone()), ..Outcome::default() }).await?;
    t.commit().await?;
    Ok(Called::Step(Box::new(step)))
}

/// Waits for a call to the outside. A run that was cancelled does not wait for it; a worker that ends lets it come
/// to its end, so that its outcome is known, unless it changes nothing anyway.
///
/// # Errors
/// A conflict when the run is to be let go of.
async fn outside<T>(
    calling: impl Future<Output = T>,
    risk: Risk,
    pulse: &Pulse,
    halt: &CancellationToken,
) -> service::Result<T> {
    let mut calling = std::pin::pin!(calling);
    let mut listening = true;
    loop {
        tokio::select! {
            outcome = &mut calling => return Ok(outcome),
            () = halt.cancelled(), if listening => {
                if risk == Risk::Read || !matches!(pulse.beat().await, Ok(Beat::GoOn)) {
                    return Err(Error::conflict("run_halted", "The run was told to stop."));
                }
                listening = false;
            }
        }
    }
}

/// Writes down a call that is not even tried.
async fn refuse(run: &mut RunInHand, key: &str, name: &str, arguments: Value, why: Trouble) -> service::Result<Called> {
    let asked = Asked { key, kind: StepKind::ToolCall, name, risk: None, atomic: true, input: arguments, schema: None };
    match (run.intend(asked).await?, why) {
        (Intent::Have(step), _) => Ok(Called::Step(step)),
        (Intent::Do { number, .. }, Trouble::Words(words)) => {
            Ok(Called::Step(Box::new(not_done(run, number, words).await?)))
        }
        (Intent::Do { .. }, Trouble::Fault(error)) => Err(error),
        (Intent::Stop, _) => Ok(Called::Stop),
    }
}

async fn not_done(run: &mut RunInHand, number: i32, words: String) -> service::Result<RunStep> {
    let mut t = run.tenant().await?;
    let step = run.record(&mut t, number, Outcome { error: Some(words), ..Outcome::default() }).await?;
    t.commit().await?;
    Ok(step)
}

/// Whether a tool changes nothing but the company's own rows, so that effect and outcome are one commit.
fn is_ours(tool: Tool) -> bool {
    tool.name != "call_webhook"
}

/// Ends a run that its agent could not do.
async fn give_up(run: RunInHand, failure: Failure, words: &str) -> service::Result<End> {
    run.fail(failure, words).await?;
    Ok(End::Ended)
}
