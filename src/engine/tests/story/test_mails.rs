//! Test mails read as the e-mails that leads get.

use domain::{
    CampaignId, StepId,
    steps::{StepInput, Variant},
};
use engine::letters;
use service::{Error, jobs::SendTestMail};

use crate::support::{Story, start_of_story};

impl Story<'_> {
    async fn try_out(&self, id: CampaignId, step: StepId, variant: i16) -> service::Result<()> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let to = "nora@halden.example";
        let mail = t.campaigns().request_test_of_variant(id, step, variant, None, to).await?.id;
        t.commit().await.expect("kept");
        letters::send_test(&self.db, &SendTestMail { company: self.company.id, mail }).await.expect("sent");
        Ok(())
    }
}

#[tokio::test]
async fn each_wording_can_be_tried() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.campaign().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let steps: Vec<_> = t.campaigns().steps(id).await.expect("steps").steps().iter().map(|step| step.id).collect();
    let other = Variant { subject: "Other".into(), body: "Hello".into(), share: 50 };
    let input = StepInput { variants: Some(vec![other]), ..StepInput::default() };
    t.campaigns().update_step(id, steps[0], input, None).await.expect("changed");
    t.commit().await.expect("kept");
    for (step, variant) in [(steps[0], 0), (steps[0], 1), (steps[1], 0)] {
        story.try_out(id, step, variant).await.expect("it is there");
    }
    let subjects: Vec<_> = story.caught().await.into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(subjects, ["[Test A] First", "[Test B] Other", "[Test] Second"]);
    for (step, variant) in [(steps[0], 2), (steps[1], 1), (steps[0], -1)] {
        let refused = story.try_out(id, step, variant).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(problems)) if problems[0].code == "variant_unknown"),
            "{refused:?}"
        );
    }
}
