//! Samples of a step: written for real leads of the audience, by whoever would write the e-mails, and never sent.

use chrono::Duration;
use domain::{
    CampaignId, Role, StepId,
    drafts::{QueueFilter, Sample, Writer},
    steps::{StepInput, Writing},
};
use engine::drafting::write_samples;
use service::{Error, drafts::Text, jobs::WriteSamples};

use crate::support::{Story, start_of_story};

impl Story<'_> {
    async fn ask(&self, id: CampaignId, step: StepId) -> Vec<Sample> {
        let mut t = self.open().await;
        let asked = t.drafts().ask_for_samples(id, step).await.expect("asked");
        t.commit().await.expect("kept");
        asked
    }

    async fn first_step(&self, id: CampaignId) -> StepId {
        self.open().await.campaigns().steps(id).await.expect("steps").steps()[0].id
    }
}

#[tokio::test]
async fn samples_are_written_for_three_leads_and_nothing_of_them_leaves() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example", "d@x.example"]).await;
    let id = story.written(Writing::Approve).await;
    let step = story.first_step(id).await;
    let asked = story.ask(id, step).await;
    assert!(asked.len() == 3 && asked.iter().all(|sample| sample.text.is_none()), "{asked:?}");
    test.clock().advance(Duration::minutes(1));
    assert_eq!(story.ask(id, step).await, asked, "they are on their way");

    let job = WriteSamples { company: story.company.id, step };
    write_samples(&story.db, &job, &story.stop).await.expect("written");
    let mut t = story.open().await;
    let written = t.drafts().samples(id, step).await.expect("a list");
    for sample in &written {
        let text = sample.text.as_ref().expect("it is written");
        assert_eq!(text.subject, "Calibration at your company");
        assert_eq!(sample.origin.as_ref().map(|origin| origin.writer), Some(Writer::BuiltIn));
        assert!(!sample.checks.is_empty());
        assert_eq!(t.drafts().of_lead(sample.lead).await.expect("a list"), []);
    }
    assert_eq!(t.drafts().count(&QueueFilter::default()).await.expect("counted").waiting, 0);
    story.send().await;
    assert_eq!(story.caught().await, []);
    let again = story.ask(id, step).await;
    assert!(again.iter().all(|sample| sample.text.is_none()), "new ones take the place of the old");
}

#[tokio::test]
async fn who_was_too_slow_delivers_no_sample() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.written(Writing::Auto).await;
    let step = story.first_step(id).await;
    story.ask(id, step).await;
    let mut t = story.open().await;
    let late = t.drafts().take_sample(step).await.expect("taken").expect("asked");
    assert!(t.drafts().take_sample(step).await.expect("a look").is_none(), "somebody has it");
    t.commit().await.expect("kept");
    test.clock().advance(Duration::minutes(16));
    let mut t = story.open().await;
    let now = t.drafts().take_sample(step).await.expect("taken").expect("its lease is over");
    let text = |subject: &str| Text {
        subject: subject.into(),
        sentences: Vec::new(),
        writer: Writer::BuiltIn,
        model: None,
        usage: Default::default(),
        notice: None,
    };
    t.drafts().keep_sample(&late, text("Late")).await.expect("heard");
    t.drafts().keep_sample(&now, text("Now")).await.expect("kept");
    let samples = t.drafts().samples(id, step).await.expect("a list");
    assert_eq!(samples[0].text.as_ref().map(|text| text.subject.as_str()), Some("Now"));
}

#[tokio::test]
async fn only_a_step_that_is_written_has_samples_and_only_for_some_to_ask() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.written(Writing::Approve).await;
    let step = story.first_step(id).await;
    let refused = async |step| match story.open().await.drafts().ask_for_samples(id, step).await {
        Err(Error::Refused(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(step).await, "audience_empty");
    let second = story.open().await.campaigns().steps(id).await.expect("steps").steps()[1].id;
    assert_eq!(refused(second).await, "step_is_fixed");
    let mut t = story.open().await;
    let silent = StepInput { instructions: Some(String::new()), ..StepInput::default() };
    t.campaigns().update_step(id, step, silent, None).await.expect("changed");
    assert!(matches!(t.drafts().ask_for_samples(id, step).await, Err(Error::Invalid(_))));
    let viewer = story.company.member(Role::Viewer).await;
    let mut t = story.db.tenant(&viewer).await.expect("open");
    assert!(matches!(t.drafts().ask_for_samples(id, step).await, Err(Error::Forbidden(_))));
}
