//! Documents that a step names: what they say are facts of its drafts, each with the version that it is quoted from.

use chrono::Duration;
use domain::{
    documents::{Document, DocumentInput},
    drafts::{FactSource, QueueFilter, Quoted},
    steps::{StepInput, Writing},
};
use serde_json::json;
use service::Error;

use crate::support::{Story, start_of_story};

impl Story<'_> {
    async fn document(&self, key: &str, days: &str, lead: Option<domain::LeadId>) -> Document {
        let mut t = self.open().await;
        let made = t.documents().create(input(key, days, lead)).await.expect("made");
        t.commit().await.expect("kept");
        made
    }

    /// The first step may quote what it is told.
    async fn quote(&self, id: domain::CampaignId, sources: &[&str]) -> service::Result<()> {
        let mut t = self.open().await;
        let step = t.campaigns().steps(id).await.expect("steps").steps()[0].id;
        let change = StepInput {
            body: Some("Hi {first_name|there},\n\na calibration takes 3 days. Who looks after it?".into()),
            sources: Some(sources.iter().map(ToString::to_string).collect()),
            ..StepInput::default()
        };
        t.campaigns().update_step(id, step, change, None).await?;
        t.commit().await
    }
}

fn input(key: &str, days: &str, lead: Option<domain::LeadId>) -> DocumentInput {
    let body = json!({ "times": { "calibration": days }, "sites": ["Hamburg"] });
    DocumentInput {
        collection: "services".into(),
        key: key.into(),
        title: "What we do".into(),
        body: body.as_object().cloned().expect("an object"),
        outside: false,
        lead,
        account: None,
    }
}

#[tokio::test]
async fn a_document_is_quoted_with_its_version_and_looked_up_again_before_an_old_draft_leaves() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let leads = story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.written(Writing::Approve).await;
    let missing = story.quote(id, &["services/2026"]).await;
    assert!(matches!(missing, Err(Error::Invalid(problems)) if problems[0].field.as_deref() == Some("sources")));
    let document = story.document("2026", "3 days", None).await;
    let of_one = story.document("of one", "9 days", Some(leads[0])).await;
    story.quote(id, &["services"]).await.expect("named");
    story.start(id).await;
    story.write().await;

    for queued in story.queue().await {
        let draft = queued.draft;
        assert!(draft.passes, "{:?}", draft.checks);
        let quote = draft.facts.iter().find(|fact| fact.id == "document.services/2026.times.calibration");
        let quote = quote.expect("it is known");
        assert_eq!((quote.source, quote.value.as_str()), (FactSource::Document, "3 days"));
        assert_eq!(quote.label, "What we do, times.calibration");
        assert_eq!(quote.document, Some(Quoted { id: document.id, version: 1 }));
        assert!(draft.sentences.iter().any(|sentence| sentence.facts.contains(&quote.id)), "{:?}", draft.sentences);
        let others = draft.facts.iter().any(|fact| fact.document.is_some_and(|of| of.id == of_one.id));
        assert_eq!(others, draft.lead == leads[0], "a document about somebody else is nobody's fact");
    }

    let mut t = story.open().await;
    let now = t.now();
    assert_eq!(t.drafts().approve_passing(&QueueFilter::default(), now).await.expect("done"), 2);
    t.commit().await.expect("kept");
    test.clock().advance(Duration::days(7));
    let mut t = story.open().await;
    t.documents().update(document.id, input("2026", "4 days", None), None).await.expect("changed");
    t.commit().await.expect("kept");
    story.send().await;
    assert_eq!(story.caught().await, [], "what they rest on is not so any more");
    let back = story.queue().await.remove(0).draft;
    assert_eq!(back.notice.as_deref(), Some("What we do, times.calibration was “3 days” and is “4 days”."));
    assert!(back.facts.iter().any(|fact| fact.document == Some(Quoted { id: document.id, version: 2 })));
}
