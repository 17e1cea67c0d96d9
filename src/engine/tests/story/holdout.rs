//! Leads that are held out beside those that are mailed.

use chrono::Duration;
use domain::{
    CampaignId, PageRequest,
    campaigns::{
        CampaignInput, Rules,
        comparison::{Effect, GroupCount, Holdout, Outcome},
    },
    enrolments::{EndReason, Enrolment},
    leads::LeadStatus,
};

use crate::support::{Story, start_of_story};

impl Story<'_> {
    async fn groups(&self, id: CampaignId) -> Option<Holdout> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().holdout(id).await.expect("counted")
    }

    /// Those that are mailed, and those that are held out.
    async fn apart(&self, id: CampaignId) -> (Vec<Enrolment>, Vec<Enrolment>) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let page = PageRequest { per: Some(100), ..PageRequest::default() };
        let all = t.enrolments().list(id, None, &page).await.expect("a list").items;
        all.into_iter().partition(|one| one.reason != Some(EndReason::HeldOut))
    }
}

fn from(lead: &Enrolment, headers: &str) -> String {
    let address = lead.email.as_ref().expect("an address");
    format!("From: {address}\nSubject: Hello\n{headers}\nI write of myself.")
}

#[tokio::test]
async fn both_groups_are_counted_by_the_same_rule_since_each_lead_was_placed() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    // So many that each group has three, but for once in thousands of years.
    let emails: Vec<_> = (0..60).map(|n| format!("a{n}@x.example")).collect();
    let leads = story.leads(&emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let none = story.campaign().await;
    let id = story.campaign().await;
    let rules = Rules { holdout_percent: 50, ..Rules::default() };
    story.edit(id, CampaignInput { rules: Some(rules), ..CampaignInput::default() }).await;
    assert_eq!(story.groups(id).await, None, "it has not begun");
    // What was said before counts for nobody.
    for (n, email) in emails.iter().enumerate() {
        story.receive(&format!("6:{n}"), &format!("From: {email}\nSubject: Hello\n\nBefore.")).await;
    }
    test.clock().advance(Duration::hours(1));
    story.start(id).await;
    story.send().await;
    let (mailed, held_out) = story.apart(id).await;
    assert_eq!(mailed.len() + held_out.len(), leads.len());
    test.clock().advance(Duration::minutes(10));

    let away = "Auto-Submitted: auto-replied\n";
    for (key, raw) in [
        ("7:1", from(&mailed[0], "")),
        ("7:2", from(&mailed[0], "X-Again: yes\n")),
        ("7:3", from(&mailed[1], "")),
        ("7:4", from(&mailed[2], away)),
        ("7:5", from(&held_out[0], "")),
        ("7:6", from(&held_out[1], away)),
    ] {
        story.receive(key, &raw).await;
    }
    for one in [&mailed[0], &held_out[0]] {
        story.becomes(one.lead_id.expect("a lead"), LeadStatus::Qualified).await;
    }
    // Whoever has bought was worth the time.
    story.becomes(held_out[2].lead_id.expect("a lead"), LeadStatus::Customer).await;
    let count = |group: &[Enrolment], wrote, qualified| GroupCount {
        leads: i64::try_from(group.len()).expect("few"),
        wrote,
        qualified,
    };
    let groups = story.groups(id).await.expect("some are held out");
    assert_eq!(groups, Holdout { mailed: count(&mailed, 2, 1), held_out: count(&held_out, 1, 2) });
    assert!(matches!(groups.effect(Outcome::Wrote), Effect::TooFew { .. } | Effect::NoDifference), "{groups:?}");

    story.start(none).await;
    assert_eq!(story.groups(none).await, None, "nobody is held out");
}
