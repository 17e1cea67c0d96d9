//! Evaluations: what marks them, what came of them, and that figures leave them out; and the filters of the list.

use domain::{
    AgentId, Page, PageRequest, RunId,
    agents::Definition,
    analytics::Period,
    runs::{NewRun, Run, RunFilter, RunOrigin, RunState, Verdict},
};
use service::{Error, runs::RunInHand};
use sqlx::{Connection, PgConnection};
use testing::{TestCompany, TestDb};

const CASE: &str =
    "evaluation:\n  task: Count.\n  expects:\n  - \"answer contains: seven\"\n  - \"calls: find_leads\"\n";

async fn agent(db: &TestDb, company: &TestCompany<'_>, name: &str, case: &str) -> AgentId {
    let file = format!("---\nname: {name}\ndescription: Tests.\ntools: [find_leads]\n{case}---\nCount.\n");
    let mut t = db.tenant(&company.owner).await.expect("open");
    let agent = t.agents().create(Definition::from_markdown(&file).expect("a file")).await.expect("made");
    t.commit().await.expect("kept");
    agent.id
}

async fn evaluate(db: &TestDb, company: &TestCompany<'_>, agent: AgentId) -> Run {
    let mut t = db.tenant(&company.owner).await.expect("open");
    let run = t.runs().create_evaluation(agent).await.expect("started");
    t.commit().await.expect("kept");
    run
}

async fn answer(db: &TestDb, company: &TestCompany<'_>, run: RunId, words: &str) {
    let run = RunInHand::take(db, company.id, run).await.expect("asked").expect("it waits for a worker");
    run.succeed(words).await.expect("held");
}

async fn verdict(db: &TestDb, company: &TestCompany<'_>, run: RunId) -> Option<Verdict> {
    let mut t = db.tenant(&company.owner).await.expect("open");
    let run = t.runs().get(run).await.expect("it is there");
    t.runs().verdict(&run).await.expect("read")
}

#[tokio::test]
async fn an_evaluation_is_judged_by_the_version_that_worked() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    let counter = agent(&db, &company, "counter", CASE).await;
    let run = evaluate(&db, &company, counter).await;
    assert!(run.evaluation);
    assert_eq!(verdict(&db, &company, run.id).await, None, "it goes on");
    answer(&db, &company, run.id, "There are Seven.").await;
    let expected = Verdict {
        passed: false,
        met: vec!["answer contains: seven".to_owned()],
        unmet: vec!["calls: find_leads".to_owned()],
    };
    assert_eq!(verdict(&db, &company, run.id).await, Some(expected));

    // Another version expects less, and changes nothing about what the first one did.
    let mut t = db.tenant(&company.owner).await.expect("open");
    let mut changed = t.agents().definition(counter).await.expect("read");
    changed.evaluation.as_mut().expect("a case").expects.pop();
    t.agents().update(counter, changed, "", None).await.expect("saved");
    let again = t.runs().fork(run.id).await.expect("started");
    t.commit().await.expect("kept");
    assert!(again.evaluation, "what is evaluated is evaluated once more");
    answer(&db, &company, again.id, "seven").await;
    let mut t = db.tenant(&company.owner).await.expect("open");
    let page = t.runs().evaluations(counter, &PageRequest::default()).await.expect("a list");
    let told: Vec<_> = page
        .items
        .iter()
        .map(|evaluation| (evaluation.run.agent_version, evaluation.verdict.as_ref().map(|verdict| verdict.passed)))
        .collect();
    assert_eq!(told, [(2, Some(true)), (1, Some(false))], "the newest first");
    let first = PageRequest { per: Some(1), ..PageRequest::default() };
    let next = t.runs().evaluations(counter, &first).await.expect("a page").next;
    let rest = t.runs().evaluations(counter, &PageRequest { after: next, ..first }).await.expect("a page");
    assert_eq!(rest.items.len(), 1);
    assert_eq!(rest.items[0].run.id, run.id);
}

#[tokio::test]
async fn an_agent_without_a_case_says_so() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    let plain = agent(&db, &company, "plain", "").await;
    let mut t = db.tenant(&company.owner).await.expect("open");
    let refused = t.runs().create_evaluation(plain).await.expect_err("there is nothing to judge by");
    assert!(matches!(refused, Error::Conflict(problem) if problem.code == "no_evaluation"));
    let page = t.runs().evaluations(plain, &PageRequest::default()).await.expect("a list");
    assert!(page.items.is_empty());
}

#[tokio::test]
async fn figures_leave_evaluations_out() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    let counter = agent(&db, &company, "counter", CASE).await;
    let run = evaluate(&db, &company, counter).await;
    answer(&db, &company, run.id, "seven").await;
    let figures = async || {
        let mut t = db.tenant(&company.owner).await.expect("open");
        let all = t.analytics().agents(Period::Month).await.expect("counted");
        (all.total.runs, all.days.iter().map(|day| day.runs).sum::<i64>())
    };
    assert_eq!(figures().await, (0, 0));
    let mut t = db.tenant(&company.owner).await.expect("open");
    let new = NewRun { agent: "counter".to_owned(), task: "Count".to_owned(), ..NewRun::default() };
    let work = t.runs().create(new).await.expect("started");
    t.commit().await.expect("kept");
    assert!(!work.evaluation);
    assert_eq!(verdict(&db, &company, work.id).await, None);
    assert_eq!(figures().await, (1, 1));
}

/// Many runs of a company, one of which is rare in each way that a filter asks for.
async fn many(db: &TestDb, company: &TestCompany<'_>, agent: AgentId, count: i32) {
    let mut conn = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    sqlx::query(
        "INSERT INTO runs (id, company_id, agent_id, agent_version, agent, task, parameters, limits, state, started_by,
                           origin, person_id, cost_micros, created_at, started_at, finished_at)
         SELECT gen_random_uuid(), $1, $2, 1, 'x', 'Do it', '{}', $5::jsonb,
                CASE WHEN n = 7 THEN 'timed_out' ELSE 'succeeded' END, 'Test',
                CASE WHEN n = 7 THEN 'person' ELSE 'schedule' END, $3,
                CASE WHEN n = 7 THEN 900000 WHEN n % 10 = 0 THEN n ELSE 0 END, at, at, at
         FROM (SELECT n, timestamptz '2026-11-20T12:00:00Z' - n * interval '1 minute' AS at
               FROM generate_series(1, $4) n) made",
    )
    .bind(company.id.0)
    .bind(agent.0)
    .bind(company.owner_id.0)
    .bind(count)
    .bind(serde_json::json!(domain::agents::Limits::default()))
    .execute(&mut conn)
    .await
    .expect("a superuser writes everything");
}

#[tokio::test]
async fn each_filter_finds_its_runs_and_pages_keep_it() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    let counter = agent(&db, &company, "counter", CASE).await;
    many(&db, &company, counter, 60).await;
    let mut t = db.tenant(&company.owner).await.expect("open");
    let day = |text: &str| Some(domain::runs::day(text).expect("a day"));
    let all = RunFilter::default;
    for (filter, count) in [
        (all(), 50),
        (RunFilter { state: Some(RunState::TimedOut), ..all() }, 1),
        (RunFilter { person: Some(company.owner_id), ..all() }, 1),
        (RunFilter { origin: Some(RunOrigin::Person), ..all() }, 1),
        (RunFilter { origin: Some(RunOrigin::Key), ..all() }, 0),
        (RunFilter { cost_over: Some(100_000), ..all() }, 1),
        (RunFilter { cost_over: Some(0), ..all() }, 7),
        (RunFilter { created_from: day("2026-11-21"), ..all() }, 0),
        (RunFilter { created_before: day("2026-11-20"), ..all() }, 0),
        (RunFilter { evaluations: true, ..all() }, 0),
    ] {
        let Page { items, .. } = t.runs().list(&filter, &PageRequest::default()).await.expect("a list");
        assert_eq!(items.len(), count, "{filter:?}");
    }
    let filter = RunFilter { origin: Some(RunOrigin::Schedule), ..all() };
    let first = t.runs().list(&filter, &PageRequest::default()).await.expect("a page");
    let rest = PageRequest { after: first.next, ..PageRequest::default() };
    let rest = t.runs().list(&filter, &rest).await.expect("a page");
    assert_eq!((first.items.len(), rest.items.len()), (50, 9));
    assert!(rest.next.is_none() && rest.items.iter().all(|run| run.origin == RunOrigin::Schedule));
}
