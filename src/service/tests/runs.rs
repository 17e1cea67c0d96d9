//! Runs: rights, admission, the journal, approvals, limits and what happens when a worker ends in the middle.

use chrono::{DateTime, Duration, Utc};
use domain::{
    AgentId, PageRequest, Permission, Role, RunId,
    agents::{Definition, Risk},
    runs::{ApprovalState, Decision, Failure, NewRun, Run, RunFilter, RunState, RunStepState, RunView, StepKind},
};
use serde_json::{Value, json};
use service::{
    Actor, Error,
    runs::{Asked, Beat, Intent, Outcome, RunInHand},
};
use sqlx::{Connection, PgConnection};
use testing::{TestCompany, TestDb};

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// An agent whose runs may take three steps and five minutes.
async fn agent(db: &TestDb, company: &TestCompany<'_>, name: &str) -> AgentId {
    let text = format!(
        "---\nname: {name}\ndescription: Tests.\ntools: [add_note, enrol_leads]\n\
         limits: {{steps: 3, minutes: 5, tokens: 1000, cost: 1}}\n\
         inputs: {{type: object, required: [topic], properties: {{topic: {{type: string, title: Topic}}, \
         tone: {{type: string, enum: [plain, warm], default: plain, title: Tone}}}}, additionalProperties: false}}\n\
         ---\nDo it."
    );
    let mut t = db.tenant(&company.owner).await.expect("open");
    let agent = t.agents().create(Definition::from_markdown(&text).expect("a file")).await.expect("created");
    t.commit().await.expect("kept");
    agent.id
}

fn new(agent: &str) -> NewRun {
    let parameters = json!({ "topic": "lenses" }).as_object().expect("an object").clone();
    NewRun { agent: agent.to_owned(), task: "Do it".to_owned(), parameters, ..NewRun::default() }
}

async fn start(db: &TestDb, actor: &Actor, agent: &str) -> RunId {
    let mut t = db.tenant(actor).await.expect("open");
    let run = t.runs().create(new(agent)).await.expect("started");
    t.commit().await.expect("kept");
    run.id
}

async fn get(db: &TestDb, company: &TestCompany<'_>, id: RunId) -> Run {
    let mut t = db.tenant(&company.owner).await.expect("open");
    t.runs().get(id).await.expect("it is there")
}

async fn take(db: &TestDb, company: &TestCompany<'_>, id: RunId) -> RunInHand {
    RunInHand::take(db, company.id, id).await.expect("asked").expect("it waits for a worker")
}

fn asked<'a>(key: &'a str, name: &'a str, risk: Risk) -> Asked<'a> {
    Asked {
        key,
        kind: StepKind::ToolCall,
        name,
        risk: Some(risk),
        atomic: true,
        input: json!({ "key": key }),
        schema: None,
    }
}

/// Does a step that reads.
async fn step(run: &mut RunInHand, key: &str, outside: bool) {
    let Intent::Do { number, .. } = run.intend(asked(key, "read", Risk::Read)).await.expect("held") else {
        panic!("it is to be done")
    };
    let mut t = run.tenant().await.expect("open");
    let outcome = Outcome { output: Some(json!({})), outside, ..Outcome::default() };
    run.record(&mut t, number, outcome).await.expect("held");
    t.commit().await.expect("kept");
}

/// Cancels, reconciles, decides: what other people do with a run.
async fn with<T>(
    db: &TestDb,
    actor: &Actor,
    act: impl AsyncFnOnce(&mut service::Tenant) -> service::Result<T>,
) -> service::Result<T> {
    let mut t = db.tenant(actor).await.expect("open");
    let done = act(&mut t).await?;
    t.commit().await.expect("kept");
    Ok(done)
}

async fn decide(db: &TestDb, actor: &Actor, run: RunId, decision: Decision) -> service::Result<()> {
    with(db, actor, async |t| {
        let asked = t.runs().approvals(run).await?.pop().expect("a question");
        t.runs().decide(run, asked.id, decision).await
    })
    .await
}

fn yes(edited: Option<Value>) -> Decision {
    Decision::Approve { for_this_run: false, edited }
}

/// The worker of a run is not heard of any more, and somebody looks.
async fn worker_ends(db: &TestDb, company: &TestCompany<'_>, run: RunId) {
    db.clock().advance(Duration::seconds(61));
    let waiting = db.platform().waiting_runs(db.clock().now()).await.expect("a list");
    assert!(waiting.contains(&(company.id, run)), "somebody looks after it");
    with(db, &company.owner, async |t| t.runs().reconcile(run).await).await.expect("looked after");
}

#[tokio::test]
async fn parameters_are_filled_in_and_checked() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let run = get(&db, &acme, start(&db, &acme.owner, "Scout").await).await;
    assert_eq!(Value::Object(run.parameters), json!({ "topic": "lenses", "tone": "plain" }));

    let refused = async |parameters: Value| {
        let new = NewRun { parameters: parameters.as_object().expect("an object").clone(), ..new("scout") };
        match with(&db, &acme.owner, async |t| t.runs().create(new).await).await {
            Err(Error::Invalid(problems)) => problems[0].field.clone().expect("a field").into_owned(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(json!({ "topic": " " })).await, "parameters.topic");
    assert_eq!(refused(json!({ "topic": "x", "tone": "rude" })).await, "parameters.tone");
    let unknown = with(&db, &acme.owner, async |t| t.runs().create(new("nobody")).await).await;
    assert!(matches!(unknown, Err(Error::NotFound("agent"))));
}

#[tokio::test]
async fn who_may_only_look_starts_nothing_and_decides_nothing() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let (viewer, member) = (acme.member(Role::Viewer).await, acme.member(Role::Member).await);
    let refused = with(&db, &viewer, async |t| t.runs().create(new("scout")).await).await;
    assert!(matches!(refused, Err(Error::Forbidden(Permission::RunAgents))));

    let run = start(&db, &member, "scout").await;
    let mut hand = take(&db, &acme, run).await;
    assert!(matches!(hand.intend(asked("1", "enrol_leads", Risk::Unsafe)).await, Ok(Intent::Stop)));
    assert!(matches!(decide(&db, &member, run, yes(None)).await, Err(Error::Forbidden(Permission::DecideRuns))));
    decide(&db, &acme.member(Role::Manager).await, run, yes(None)).await.expect("a manager may");
}

#[tokio::test]
async fn a_run_that_goes_on_repeats_nothing_that_has_an_outcome() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let run = start(&db, &acme.owner, "scout").await;
    let mut first = take(&db, &acme, run).await;
    step(&mut first, "1", false).await;
    assert!(matches!(first.intend(asked("2", "add_note", Risk::Write)).await, Ok(Intent::Do { number: 2, .. })));
    assert!(RunInHand::take(&db, acme.id, run).await.expect("asked").is_none(), "one worker at a time");

    worker_ends(&db, &acme, run).await;
    let mut second = take(&db, &acme, run).await;
    // The first one was only slow: it can write nothing any more.
    let mut t = first.tenant().await.expect("open");
    assert!(matches!(first.record(&mut t, 2, Outcome::default()).await, Err(Error::Conflict(_))));
    drop(t);
    assert_eq!(first.pulse().beat().await.expect("asked"), Beat::Lost);

    assert!(matches!(second.intend(asked("1", "read", Risk::Read)).await, Ok(Intent::Have(step)) if step.number == 1));
    assert!(matches!(second.intend(asked("2", "add_note", Risk::Write)).await, Ok(Intent::Do { number: 2, .. })));
    second.succeed("Done.").await.expect("held");
    let run = get(&db, &acme, run).await;
    assert_eq!((run.state, run.answer.as_deref(), run.usage.steps), (RunState::Succeeded, Some("Done."), 2));
}

#[tokio::test]
async fn what_may_have_happened_outside_is_not_done_again() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let run = start(&db, &acme.owner, "scout").await;
    let mut hand = take(&db, &acme, run).await;
    let call = || Asked { atomic: false, ..asked("1", "call_webhook", Risk::Unsafe) };
    assert!(matches!(hand.intend(call()).await, Ok(Intent::Stop)));
    decide(&db, &acme.owner, run, yes(None)).await.expect("decided");
    let mut hand = take(&db, &acme, run).await;
    assert!(matches!(hand.intend(call()).await, Ok(Intent::Do { .. })));
    drop(hand);
    worker_ends(&db, &acme, run).await;
    let ended = get(&db, &acme, run).await;
    assert_eq!((ended.state, ended.failure), (RunState::Failed, Some(Failure::OutcomeUnknown)));
    let steps = with(&db, &acme.owner, async |t| t.runs().steps(run).await).await.expect("steps");
    assert_eq!(steps[0].state, RunStepState::Unknown);
}

#[tokio::test]
async fn a_run_that_ends_its_workers_ends() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let run = start(&db, &acme.owner, "scout").await;
    for _ in 0..6 {
        drop(take(&db, &acme, run).await);
        worker_ends(&db, &acme, run).await;
    }
    let ended = get(&db, &acme, run).await;
    assert_eq!((ended.state, ended.failure), (RunState::Failed, Some(Failure::WorkerLost)));
    let again = with(&db, &acme.owner, async |t| t.runs().retry(run).await).await.expect("tried again");
    assert_eq!((again.state, again.attempt, again.failure), (RunState::Queued, 2, None));
    step(&mut take(&db, &acme, run).await, "1", false).await;
}

#[tokio::test]
async fn a_cancelled_run_does_nothing_more() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let cancel = async |run| with(&db, &acme.owner, async |t| t.runs().cancel(run).await).await;
    let queued = start(&db, &acme.owner, "scout").await;
    assert_eq!(cancel(queued).await.expect("cancelled").state, RunState::Cancelled);
    assert_eq!(cancel(queued).await.expect("twice is once").state, RunState::Cancelled);

    let run = start(&db, &acme.owner, "scout").await;
    let mut hand = take(&db, &acme, run).await;
    let Ok(Intent::Do { number, .. }) = hand.intend(asked("1", "add_note", Risk::Write)).await else {
        panic!("to be done")
    };
    assert_eq!(cancel(run).await.expect("cancelled").state, RunState::Cancelling);
    assert_eq!(hand.pulse().beat().await.expect("asked"), Beat::Cancel);
    let mut t = hand.tenant().await.expect("open");
    assert!(matches!(hand.record(&mut t, number, Outcome::default()).await, Err(Error::Conflict(_))));
    drop(t);
    hand.stopped().await.expect("told");
    assert_eq!(get(&db, &acme, run).await.state, RunState::Cancelled);
}

#[tokio::test]
async fn what_is_done_is_what_was_approved() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let run = start(&db, &acme.owner, "scout").await;
    let mut hand = take(&db, &acme, run).await;
    assert!(matches!(hand.intend(asked("1", "enrol_leads", Risk::Unsafe)).await, Ok(Intent::Stop)));
    assert_eq!(get(&db, &acme, run).await.state, RunState::WaitingApproval);
    decide(&db, &acme.owner, run, yes(Some(json!({ "key": "changed" })))).await.expect("decided");
    decide(&db, &acme.owner, run, yes(Some(json!({ "key": "changed" })))).await.expect("the same answer twice");
    let plain = decide(&db, &acme.owner, run, yes(None)).await;
    assert!(matches!(plain, Err(Error::Conflict(_))), "a yes to other arguments is another answer");
    let no = Decision::Deny { reason: String::new() };
    assert!(matches!(decide(&db, &acme.owner, run, no).await, Err(Error::Conflict(_))));

    let mut hand = take(&db, &acme, run).await;
    // The agent may want something else by now; it gets what a person has read.
    let other = Asked { input: json!({ "key": "sneaky" }), ..asked("1", "enrol_leads", Risk::Unsafe) };
    match hand.intend(other).await.expect("held") {
        Intent::Do { input, .. } => assert_eq!(input, json!({ "key": "changed" })),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn arguments_that_the_tool_does_not_take_are_refused_at_once() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let run = start(&db, &acme.owner, "scout").await;
    let schema = json!({ "type": "object", "required": ["lead"], "additionalProperties": false,
                         "properties": { "lead": { "type": "string", "format": "uuid" } } });
    let question = Asked { schema: Some(schema), ..asked("1", "enrol_leads", Risk::Unsafe) };
    assert!(matches!(take(&db, &acme, run).await.intend(question).await, Ok(Intent::Stop)));
    for wrong in [json!({}), json!({ "lead": "nope" }), json!({ "lead": acme.id, "more": 1 })] {
        match decide(&db, &acme.owner, run, yes(Some(wrong.clone()))).await {
            Err(Error::Invalid(problems)) => assert_eq!(problems[0].field.as_deref(), Some("arguments")),
            other => panic!("{wrong}: {other:?}"),
        }
    }
    decide(&db, &acme.owner, run, yes(Some(json!({ "lead": acme.id })))).await.expect("it fits");
}

#[tokio::test]
async fn another_attempt_has_the_rights_of_whoever_asks_for_it() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let scout = agent(&db, &acme, "scout").await;
    let member = acme.member(Role::Member).await;
    let run = start(&db, &acme.owner, "scout").await;
    with(&db, &acme.owner, async |t| t.runs().cancel(run).await).await.expect("cancelled");
    let again = with(&db, &member, async |t| t.runs().retry(run).await).await.expect("tried again");
    assert_eq!((again.person, again.started_by), (member.user_id(), member.to_string()));
    let hand = take(&db, &acme, run).await;
    assert!(!hand.actor().can(Permission::RunCampaigns), "not those of the owner");
    hand.fail(Failure::AgentError, "For a test.").await.expect("held");

    with(&db, &acme.owner, async |t| t.agents().set_enabled(scout, false).await).await.expect("switched off");
    let off = with(&db, &acme.owner, async |t| t.runs().retry(run).await).await;
    assert!(matches!(off, Err(Error::Conflict(problem)) if problem.code == "agent_disabled"));
}

#[tokio::test]
async fn a_step_has_the_time_that_its_run_has_left() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let run = start(&db, &acme.owner, "scout").await;
    let mut hand = take(&db, &acme, run).await;
    db.clock().advance(Duration::seconds(290));
    let Ok(Intent::Do { number, .. }) = hand.intend(asked("1", "read", Risk::Read)).await else { panic!("to be done") };
    assert_eq!(hand.time_left().as_secs(), 10);
    db.clock().advance(Duration::seconds(10));
    hand.time_out(number).await.expect("held");
    let ended = get(&db, &acme, run).await;
    assert_eq!((ended.state, ended.failure), (RunState::TimedOut, Some(Failure::LimitReached)));
    let steps = with(&db, &acme.owner, async |t| t.runs().steps(run).await).await.expect("steps");
    assert_eq!(steps[0].state, RunStepState::Failed);
}

#[tokio::test]
async fn a_no_is_told_to_the_agent_and_silence_is_a_no() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let run = start(&db, &acme.owner, "scout").await;
    let wants = async |key: &str| take(&db, &acme, run).await.intend(asked(key, "enrol_leads", Risk::Unsafe)).await;
    assert!(matches!(wants("1").await, Ok(Intent::Stop)));
    decide(&db, &acme.owner, run, Decision::Deny { reason: "Too many.".into() }).await.expect("decided");
    let mut hand = take(&db, &acme, run).await;
    match hand.intend(asked("1", "enrol_leads", Risk::Unsafe)).await.expect("held") {
        Intent::Have(step) => {
            assert_eq!(step.state, RunStepState::Denied);
            assert!(step.error.expect("words").contains("Too many."));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(hand.intend(asked("2", "enrol_leads", Risk::Unsafe)).await, Ok(Intent::Stop)));
    db.clock().advance(Duration::hours(24));
    worker_ends(&db, &acme, run).await;
    let asked_for = with(&db, &acme.owner, async |t| t.runs().approvals(run).await).await.expect("questions");
    assert_eq!(asked_for[1].state, ApprovalState::Expired);
    let mut hand = take(&db, &acme, run).await;
    assert!(matches!(hand.intend(asked("2", "enrol_leads", Risk::Unsafe)).await, Ok(Intent::Have(_))));
}

#[tokio::test]
async fn a_grant_for_the_run_ends_with_text_from_outside() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let run = start(&db, &acme.owner, "scout").await;
    let mut hand = take(&db, &acme, run).await;
    assert!(matches!(hand.intend(asked("1", "enrol_leads", Risk::Unsafe)).await, Ok(Intent::Stop)));
    let grant = Decision::Approve { for_this_run: true, edited: None };
    decide(&db, &acme.owner, run, grant).await.expect("decided");
    let mut hand = take(&db, &acme, run).await;
    step(&mut hand, "2", false).await;
    assert!(matches!(hand.intend(asked("3", "enrol_leads", Risk::Unsafe)).await, Ok(Intent::Do { .. })), "granted");

    let run = start(&db, &acme.owner, "scout").await;
    let mut hand = take(&db, &acme, run).await;
    assert!(matches!(hand.intend(asked("1", "enrol_leads", Risk::Unsafe)).await, Ok(Intent::Stop)));
    let grant = Decision::Approve { for_this_run: true, edited: None };
    decide(&db, &acme.owner, run, grant).await.expect("decided");
    let mut hand = take(&db, &acme, run).await;
    step(&mut hand, "2", true).await;
    assert!(
        matches!(hand.intend(asked("3", "enrol_leads", Risk::Unsafe)).await, Ok(Intent::Stop)),
        "somebody is asked"
    );
}

#[tokio::test]
async fn a_limit_asks_for_more_and_time_ends() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let run = start(&db, &acme.owner, "scout").await;
    let mut hand = take(&db, &acme, run).await;
    for key in ["1", "2", "3"] {
        step(&mut hand, key, false).await;
    }
    assert!(matches!(hand.intend(asked("4", "read", Risk::Read)).await, Ok(Intent::Stop)));
    assert_eq!(get(&db, &acme, run).await.state, RunState::WaitingBudget);
    decide(&db, &acme.owner, run, yes(None)).await.expect("raised");
    assert_eq!(get(&db, &acme, run).await.limits.steps, 6);
    let mut hand = take(&db, &acme, run).await;
    for key in ["4", "5", "6"] {
        step(&mut hand, key, false).await;
    }
    assert!(matches!(hand.intend(asked("7", "read", Risk::Read)).await, Ok(Intent::Stop)));
    decide(&db, &acme.owner, run, Decision::Deny { reason: String::new() }).await.expect("decided");
    let mut hand = take(&db, &acme, run).await;
    assert!(matches!(hand.intend(asked("7", "read", Risk::Read)).await, Ok(Intent::Stop)));
    let ended = get(&db, &acme, run).await;
    assert_eq!((ended.state, ended.failure), (RunState::Failed, Some(Failure::LimitReached)));

    let run = start(&db, &acme.owner, "scout").await;
    let mut hand = take(&db, &acme, run).await;
    db.clock().advance(Duration::minutes(5));
    step(&mut hand, "1", false).await;
    assert!(matches!(hand.intend(asked("2", "read", Risk::Read)).await, Ok(Intent::Stop)));
    assert_eq!(get(&db, &acme, run).await.state, RunState::TimedOut);
}

#[tokio::test]
async fn a_run_has_the_rights_that_its_person_has_now() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let member = acme.member(Role::Member).await;
    let run = start(&db, &member, "scout").await;
    let hand = take(&db, &acme, run).await;
    assert!(!hand.actor().can(Permission::RunCampaigns));
    assert_eq!(hand.actor().to_string(), "Member with scout");
    hand.give_back().await.expect("given back");
    let person = member.user_id().expect("a person");
    with(&db, &acme.owner, async |t| t.members().remove(person).await).await.expect("removed");
    assert!(RunInHand::take(&db, acme.id, run).await.expect("asked").is_none());
    let ended = get(&db, &acme, run).await;
    assert_eq!((ended.state, ended.failure), (RunState::Failed, Some(Failure::RightsLost)));
}

#[tokio::test]
async fn rights_that_are_lost_while_it_works_end_a_run_before_its_next_step() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    agent(&db, &acme, "scout").await;
    let manager = acme.member(Role::Manager).await;
    let person = manager.user_id().expect("a person");
    let run = start(&db, &manager, "scout").await;
    let mut hand = take(&db, &acme, run).await;
    step(&mut hand, "1", false).await;
    assert!(hand.actor().can(Permission::RunCampaigns));
    with(&db, &acme.owner, async |t| t.members().change_role(person, Role::Member).await).await.expect("changed");
    step(&mut hand, "2", false).await;
    assert!(!hand.actor().can(Permission::RunCampaigns), "the rights of now");
    with(&db, &acme.owner, async |t| t.members().remove(person).await).await.expect("removed");
    assert!(matches!(hand.intend(asked("3", "add_note", Risk::Write)).await, Ok(Intent::Stop)));
    let ended = get(&db, &acme, run).await;
    assert_eq!((ended.state, ended.failure), (RunState::Failed, Some(Failure::RightsLost)));
}

#[tokio::test]
async fn a_company_with_many_runs_fills_its_own_slots_only() {
    let db = testing::db().await;
    let (acme, other) = (db.company("Acme").await, db.company("Other").await);
    for name in ["a", "b", "c"] {
        agent(&db, &acme, name).await;
    }
    agent(&db, &other, "a").await;
    let mut first = None;
    for name in ["a", "b", "c"] {
        for _ in 0..6 {
            let run = start(&db, &acme.owner, name).await;
            first.get_or_insert(run);
        }
    }
    let slots = async |company: &TestCompany<'_>| {
        let slots = with(&db, &company.owner, async |t| t.runs().slots().await).await.expect("counted");
        (slots.busy, slots.queued)
    };
    // Four of each agent, ten of the company.
    assert_eq!(slots(&acme).await, (10, 8));
    start(&db, &other.owner, "a").await;
    assert_eq!(slots(&other).await, (1, 0));

    take(&db, &acme, first.expect("one")).await.succeed("Done.").await.expect("held");
    assert_eq!(slots(&acme).await, (10, 7), "the next one is let in");
    let open = RunFilter { view: Some(RunView::Open), ..RunFilter::default() };
    let page = with(&db, &acme.owner, async |t| t.runs().list(&open, &PageRequest::default()).await).await;
    assert_eq!(page.expect("a list").items.len(), 17);
}

#[tokio::test]
async fn each_view_of_the_list_shows_its_states() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    agent(&db, &company, "clerk").await;
    let mut superuser = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    for &state in RunState::ALL {
        let run = start(&db, &company.owner, "clerk").await;
        sqlx::query("UPDATE runs SET state = $2, finished_at = CASE WHEN $3 THEN now() END WHERE id = $1")
            .bind(run.0)
            .bind(state.as_str())
            .bind(state.has_ended())
            .execute(&mut superuser)
            .await
            .expect("a superuser changes everything");
    }
    let mut t = db.tenant(&company.owner).await.expect("open");
    for view in [RunView::NeedsYou, RunView::Open, RunView::Failed] {
        let filter = RunFilter { view: Some(view), ..RunFilter::default() };
        let page = t.runs().list(&filter, &PageRequest::default()).await.expect("a list");
        let mut shown: Vec<_> = page.items.iter().map(|run| run.state).collect();
        shown.reverse();
        assert_eq!(shown, view.states(), "{view:?}");
    }
}
