//! Workflows as a program sees them: made, corrected, set off, read and deleted.

use axum::http::StatusCode;
use domain::keys::Scope;
use serde_json::{Value, json};

use crate::{api::Program, support::TestApp};

fn rule(actions: Value) -> Value {
    json!({"name": "Fair", "trigger": {"kind": "lead_created"}, "conditions": {"tag": ["fair"]}, "actions": actions,
        "enabled": true})
}

#[tokio::test]
async fn a_program_makes_a_workflow_and_reads_what_it_has_done() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::LeadsRead, Scope::LeadsWrite]).await;
    let program = Program { app: &app, secret };
    let made = program.post("/workflows", rule(json!([{"kind": "add_tag", "tag": "Met"}]))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
    let path = format!("/workflows/{}", made.id());
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    assert_eq!(made.json["trigger_words"], "A lead is created");
    assert_eq!(made.json["actions_words"], json!(["Add the tag “met”"]));
    assert_eq!((&made.json["hourly_cap"], &made.json["saved_by"]), (&json!(100), &json!("key Test")));

    let etag = made.header("etag").to_owned();
    let patch = json!({"conditions": {}, "once_per_lead": true});
    let changed = program.send("PATCH", &path, &[("if-match", &etag)], Some(&patch)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.json);
    assert_eq!(changed.json["conditions_words"], "Any lead");
    assert_eq!(changed.json["actions"], json!([{"kind": "add_tag", "tag": "met"}]), "what is not sent stays");
    let late = program.send("PATCH", &path, &[("if-match", &etag)], Some(&patch)).await;
    assert_eq!((late.status, &late.json["code"]), (StatusCode::PRECONDITION_FAILED, &json!("stale")));

    let lead = program.post("/leads", json!({"email": "ines@corvus.example"})).await.id();
    let id = made.id().parse().expect("an id");
    service::workflows::carry_out(&app.db, company.id, id).await.expect("carried out");
    assert_eq!(program.get(&format!("/leads/{lead}")).await.json["tags"], json!(["met"]));
    let log = program.get(&format!("{path}/log")).await.json;
    assert_eq!((&log["items"][0]["state"], &log["items"][0]["lead"]), (&json!("done"), &json!(lead)));
    let result = json!({"action": "add_tag", "outcome": "done", "words": "Added the tag met."});
    assert_eq!(log["items"][0]["results"], json!([result]));
    let look = program.get(&format!("{path}/look")).await.json;
    assert_eq!((&look["acted"], &look["matching"]), (&json!(1), &json!(1)));

    assert_eq!(program.send("DELETE", &path, &[], None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_program_is_told_what_is_wrong_and_what_it_may_not() {
    let app = TestApp::new().await;
    let company = app.db.company("Acme").await;
    let (_, secret) = company.key(&[Scope::LeadsRead, Scope::LeadsWrite]).await;
    let program = Program { app: &app, secret };
    let wrong = program
        .post("/workflows", rule(json!([{"kind": "add_tag", "tag": "a"}, {"kind": "add_tag", "tag": ""}])))
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.json);
    assert_eq!(wrong.json["errors"][0]["field"], "actions.1.tag");
    for unknown in [rule(json!([{"kind": "dance"}])), json!({"name": "x", "trigger": {"kind": "full_moon"}})] {
        assert_eq!(program.post("/workflows", unknown).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    // To enrol is to send, and to run agents is a right of its own.
    let nobodys = "019aa5e0-7c00-7000-8000-000000000001";
    for action in [json!({"kind": "enrol", "campaign": nobodys}), json!({"kind": "run_agent", "agent": "scout"})] {
        let refused = program.post("/workflows", rule(json!([action]))).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.json);
    }
    let (_, secret) = company.key(&[Scope::LeadsRead]).await;
    let reader = Program { app: &app, secret };
    assert_eq!(reader.get("/workflows").await.status, StatusCode::OK);
    assert_eq!(reader.post("/workflows", rule(json!([]))).await.status, StatusCode::FORBIDDEN);
}
