//! Figures of agents: what is counted, from when on, and whose.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    AgentId,
    agents::{Definition, Team},
    analytics::{Period, RunFigures},
    leads::{LeadInput, LeadSource},
};
use sqlx::{Connection, PgConnection};
use testing::{TestCompany, TestDb};

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

async fn agent(db: &TestDb, company: &TestCompany<'_>, name: &str, team: &str) -> AgentId {
    let file = format!("---\nname: {name}\ndescription: Tests.\nteam: {team}\n---\nDo it.\n");
    let mut t = db.tenant(&company.owner).await.expect("open");
    let agent = t.agents().create(Definition::from_markdown(&file).expect("a file")).await.expect("made");
    t.commit().await.expect("kept");
    agent.id
}

/// Runs that began at `at`; the n-th took n seconds. `state` is of all of them.
async fn runs(db: &TestDb, company: &TestCompany<'_>, agent: AgentId, at: &str, state: &str, count: i32) {
    let mut conn = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    sqlx::query(
        "WITH made AS (
         INSERT INTO runs (id, company_id, agent_id, agent_version, agent, task, parameters, limits, state, started_by,
                           origin, tokens_in, tokens_out, cost_micros, created_at, started_at, finished_at)
         SELECT gen_random_uuid(), $1, $2, 1, 'x', 'Do it', '{}', '{}', $4, 'Test', 'system', 100, 10, 2000,
                $3::timestamptz, $3::timestamptz,
                CASE WHEN $4 <> 'queued' THEN $3::timestamptz + n * interval '1 second' END
         FROM generate_series(1, $5) n RETURNING company_id, id, created_at)
         INSERT INTO run_steps (company_id, run_id, attempt, number, key, kind, name, atomic, state, input, tokens_in,
                                tokens_out, cost_micros, started_at)
         SELECT company_id, id, attempt, 1, 'm0', 'model_call', 'Mini', true, 'done', '{}', 50, 5, 1000, created_at
         FROM made, generate_series(1, 2) AS attempt",
    )
    .bind(company.id.0)
    .bind(agent.0)
    .bind(at)
    .bind(state)
    .bind(count)
    .execute(&mut conn)
    .await
    .expect("a superuser writes everything");
}

/// One question with an answer, and one draft, for each of some runs of an agent.
async fn leave(db: &TestDb, company: &TestCompany<'_>, agent: AgentId, approval: &str, draft: &str, count: i64) {
    let mut t = db.tenant(&company.owner).await.expect("open");
    let input = LeadInput { email: Some(format!("{approval}@corvus.example")), ..LeadInput::default() };
    let lead = t.leads().create(input, LeadSource::Api).await.expect("made").id;
    t.commit().await.expect("kept");
    let mut conn = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    sqlx::query(
        "WITH r AS (SELECT company_id, id, created_at FROM runs WHERE agent_id = $1 ORDER BY id LIMIT $5), a AS (
             INSERT INTO run_approvals (id, company_id, run_id, attempt, step_key, tool, arguments, hash, state, expires_at,
                                        created_at)
             SELECT gen_random_uuid(), company_id, id, 1, $3, 'send', '{}', '', $3, created_at, created_at FROM r)
         INSERT INTO drafts (id, company_id, lead_id, subject, body, state, run_id, author, created_at, decided_at,
                             decided_by)
         SELECT gen_random_uuid(), company_id, $2, 'Hello', 'Hello', $4, id, 'Test', created_at,
                CASE WHEN $4 <> 'open' THEN created_at END, CASE WHEN $4 <> 'open' THEN 'Nora' END FROM r",
    )
    .bind(agent.0)
    .bind(lead.0)
    .bind(approval)
    .bind(draft)
    .bind(count)
    .execute(&mut conn)
    .await
    .expect("a superuser writes everything");
}

#[tokio::test]
async fn figures_count_the_runs_of_the_period_by_agent_and_by_team() {
    let db = testing::db_at(noon()).await;
    let (acme, rival) = (db.company("Acme").await, db.company("Rival").await);
    let writer = agent(&db, &acme, "writer", "marketing").await;
    let finder = agent(&db, &acme, "finder", "marketing").await;
    let tester = agent(&db, &acme, "tester", "testing").await;
    let theirs = agent(&db, &rival, "spy", "testing").await;
    runs(&db, &acme, writer, "2026-11-20T08:00:00Z", "succeeded", 36).await;
    runs(&db, &acme, writer, "2026-11-19T08:00:00Z", "failed", 4).await;
    runs(&db, &acme, finder, "2026-11-20T09:00:00Z", "queued", 2).await;
    // Seven days reach back to the midnight of the 14th in Berlin, which is 23:00 of the 13th in UTC.
    runs(&db, &acme, tester, "2026-11-13T23:00:00Z", "succeeded", 1).await;
    runs(&db, &acme, tester, "2026-11-13T22:59:59Z", "succeeded", 5).await;
    runs(&db, &rival, theirs, "2026-11-20T08:00:00Z", "succeeded", 9).await;
    leave(&db, &acme, writer, "approved", "used", 3).await;
    leave(&db, &acme, writer, "denied", "dismissed", 2).await;
    leave(&db, &acme, writer, "expired", "open", 1).await;

    let mut t = db.tenant(&acme.owner).await.expect("open");
    let week = t.analytics().agents(Period::Week).await.expect("figures");
    assert_eq!(week.since, "2026-11-13T23:00:00Z".parse::<DateTime<Utc>>().expect("a time"));
    let names: Vec<_> = week.agents.iter().map(|line| (line.name.as_str(), line.figures.runs)).collect();
    assert_eq!(names, [("finder", 2), ("writer", 40), ("tester", 1)]);
    assert_eq!(
        week.agents[1].figures,
        RunFigures {
            runs: 40,
            ended: 40,
            succeeded: 36,
            // 1 to 36 seconds, and 1 to 4 once more.
            p50_ms: Some(16_500),
            p95_ms: Some(34_050),
            tokens: 4_400,
            cost_micros: 80_000,
            asked: 6,
            approved: 3,
            denied: 2,
            drafts: 6,
            drafts_used: 3,
            drafts_dismissed: 2,
        }
    );
    let teams: Vec<_> = week.teams.iter().map(|line| (line.team, line.figures.runs, line.figures.ended)).collect();
    assert_eq!(teams, [(Team::Marketing, 42, 40), (Team::Testing, 1, 1)]);
    assert_eq!((week.total.runs, week.total.ended, week.total.drafts), (43, 41, 6));
    let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).expect("a day");
    let days: Vec<_> = week.days.iter().map(|line| (line.day, line.runs)).collect();
    let expected = [(14, 1), (15, 0), (16, 0), (17, 0), (18, 0), (19, 4), (20, 38)];
    assert_eq!(days, expected.map(|(n, runs)| (day(n), runs)));

    let month = t.analytics().by_agent(Period::Month).await.expect("figures");
    assert_eq!((month[&tester].runs, month[&finder].p50_ms), (6, None), "nothing is known of what has not ended");
    assert_eq!(t.analytics().agents(Period::Quarter).await.expect("figures").days.len(), 90);
}

#[tokio::test]
async fn nothing_has_happened_is_no_error_and_a_file_runs_no_formula() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let none = t.analytics().agents(Period::Month).await.expect("figures");
    assert_eq!((none.total, none.agents.len(), none.days.len()), (RunFigures::default(), 0, 30));
    drop(t);

    let id = agent(&db, &acme, "writer", "marketing").await;
    runs(&db, &acme, id, "2026-11-20T08:00:00Z", "succeeded", 2).await;
    let mut conn = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    sqlx::query("UPDATE agents SET name = '=1+1' WHERE id = $1").bind(id.0).execute(&mut conn).await.expect("renamed");
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let file = String::from_utf8(t.analytics().agents_csv(Period::Week).await.expect("a file")).expect("UTF-8");
    let lines: Vec<_> = file.lines().collect();
    assert!(lines[0].starts_with("agent,team,runs,ended,succeeded,p50_ms"), "{file}");
    assert_eq!(lines[1..], ["'=1+1,marketing,2,2,2,1500,1950,220,0.004000,0,0,0,0,0,0"]);
}
