//! Replies that an agent drafts: with the rights of whoever asks, from the mail as data, and beside what they write
//! themselves.

use domain::{
    LeadId, ThreadId,
    drafts::DraftState,
    replies::{ReplyDraft, ReplyInput},
    runs::{Run, RunState},
};
use serde_json::json;
use service::{Actor, Db, Error};

use crate::{
    classifying::answered,
    models::set_up,
    support::{Model, Says, once, while_it_works},
};

async fn ask(db: &Db, owner: &Actor, thread: ThreadId) -> service::Result<Run> {
    let mut t = db.tenant(owner).await.expect("open");
    let run = t.threads().draft_with_agent(thread).await?;
    let run = t.runs().get(run).await?;
    t.commit().await?;
    Ok(run)
}

async fn keep(db: &Db, owner: &Actor, thread: ThreadId, body: &str, arrived: bool) {
    let draft = ReplyDraft { body: body.to_owned(), quotes: true, arrived, ..ReplyDraft::default() };
    let mut t = db.tenant(owner).await.expect("open");
    t.threads().keep_draft(thread, &draft).await.expect("kept");
    t.commit().await.expect("kept");
}

async fn draft(db: &Db, owner: &Actor, thread: ThreadId) -> ReplyDraft {
    let mut t = db.tenant(owner).await.expect("open");
    t.threads().draft(thread).await.expect("asked").expect("somebody to answer")
}

async fn lead_of(db: &Db, owner: &Actor, thread: ThreadId) -> LeadId {
    let mut t = db.tenant(owner).await.expect("open");
    t.threads().get(thread).await.expect("there").lead.expect("a lead")
}

async fn decided(db: &Db, owner: &Actor, lead: LeadId) -> Vec<DraftState> {
    let mut t = db.tenant(owner).await.expect("open");
    t.drafts().of_lead(lead).await.expect("a list").into_iter().map(|draft| draft.state).collect()
}

#[tokio::test]
async fn a_draft_of_an_agent_stands_below_the_words_of_the_person() {
    let test = testing::db().await;
    let (db, owner, thread) = answered(&test).await;
    keep(&db, &owner, thread, "From 400 nm on.", false).await;
    let run = ask(&db, &owner, thread).await.expect("asked");
    assert_eq!(run.parameters["facts"], "From 400 nm on.");
    assert!(run.read_outside, "the mail is from outside");
    assert!(matches!(ask(&db, &owner, thread).await, Err(Error::Conflict(p)) if p.code == "draft_under_way"));

    // Meanwhile they go on writing, and neither text takes the place of the other.
    keep(&db, &owner, thread, "From 380 nm on.", false).await;
    assert_eq!(once(&db, &owner, &run).await.state, RunState::Succeeded);
    let both = draft(&db, &owner, thread).await;
    assert!(both.arrived && both.body.starts_with("From 380 nm on.\n\nHello there,"), "{}", both.body);
    assert!(both.body.contains("From 400 nm on."), "{}", both.body);
    keep(&db, &owner, thread, "Not seen yet.", false).await;
    assert!(draft(&db, &owner, thread).await.body.starts_with("Not seen yet.\n\nHello there,"));
    keep(&db, &owner, thread, "Hello Ines, from 380 nm on.", true).await;
    let seen = draft(&db, &owner, thread).await;
    assert_eq!((seen.body.as_str(), seen.arrived), ("Hello Ines, from 380 nm on.", false));

    let mut t = db.tenant(&owner).await.expect("open");
    let drafting = t.threads().drafting(thread).await.expect("asked").expect("it is remembered");
    assert!(drafting.wrote && drafting.built_in, "{drafting:?}");
    assert_eq!(drafting.read, ["read_lead", "read_timeline"]);
    let input = ReplyInput { body: seen.body, ..ReplyInput::default() };
    t.threads().reply(thread, input, None, None).await.expect("written");
    assert_eq!(t.threads().drafting(thread).await.expect("asked"), None);
    t.commit().await.expect("kept");
    assert_eq!(decided(&db, &owner, lead_of(&db, &owner, thread).await).await, [DraftState::Used]);
}

#[tokio::test]
async fn a_model_drafts_from_the_mail_as_data_and_what_nobody_wants_is_put_aside() {
    let test = testing::db().await;
    let (db, owner, thread) = answered(&test).await;
    let lead = lead_of(&db, &owner, thread).await;
    let mail = json!({ "lead": lead, "subject": "Re: Hi", "body": "Gladly." }).to_string();
    let model = Model::start([Says::Calls("draft_mail", mail), Says::Words("Drafted.")]).await;
    set_up(&db, &owner, "Mini", &model).await;
    let run = ask(&db, &owner, thread).await.expect("asked");
    assert_eq!(once(&db, &owner, &run).await.state, RunState::Succeeded);
    assert_eq!(draft(&db, &owner, thread).await.body, "Gladly.");
    let question = model.asked()[0]["messages"][1]["content"].to_string();
    let (before, data) = question.split_once("data_from_outside").expect("the words of the mail are data");
    assert!(data.contains("You are asked to say") && !before.contains("You are asked to say"), "{question}");

    let mut t = db.tenant(&owner).await.expect("open");
    assert!(!t.threads().drafting(thread).await.expect("asked").expect("remembered").built_in);
    t.threads().drop_draft(thread).await.expect("dropped");
    t.commit().await.expect("kept");
    assert_eq!(draft(&db, &owner, thread).await.body, "");
    assert_eq!(decided(&db, &owner, lead).await, [DraftState::Dismissed]);
}

#[tokio::test]
async fn a_draft_is_read_while_a_model_writes_it() {
    let test = testing::db().await;
    let (db, owner, thread) = answered(&test).await;
    let parts = &[r#"{"subject": "Re: Hi", "body": "Gladly."#, r"\n\nFrom 4"];
    let model = Model::start([Says::HangsInCall("draft_mail", parts)]).await;
    set_up(&db, &owner, "Slow", &model).await;
    let run = ask(&db, &owner, thread).await.expect("asked");
    let words = while_it_works(&db, &owner, run.id, "drafting", async || {
        let mut t = db.tenant(&owner).await.expect("open");
        t.threads()
            .drafting(thread)
            .await
            .expect("asked")
            .expect("under way")
            .writing
            .filter(|words| words.ends_with('4'))
    })
    .await;
    assert_eq!(words, "Gladly.\n\nFrom 4");
}
