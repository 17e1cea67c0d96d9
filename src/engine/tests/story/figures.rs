//! A figure of a campaign is the same wherever it stands.

use chrono::Duration;
use domain::{
    PageRequest,
    campaigns::{CampaignFilter, CampaignState},
    page::Count,
};
use service::campaigns::advance::advance;

use crate::support::{Story, start_of_story};

#[tokio::test]
async fn whoever_has_answered_is_finished_nowhere() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;
    story.receive("7:1", "From: a@x.example\nSubject: Hello\n\nYes.").await;
    story.minutes(&test, id, 75).await;
    let ledger = story.ledger(id).await;
    assert_eq!((ledger.finished(), ledger.replied(), ledger.left_early()), (2, 1, 0));
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let listed = t.campaigns().list(&CampaignFilter::default(), &PageRequest::default()).await.expect("a list").items;
    assert_eq!((listed[0].finished, listed[0].audience_size), (2, 3));
}

#[tokio::test]
async fn an_audience_has_one_size_before_and_after_it_is_frozen() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let (started, stopped) = (story.campaign().await, story.campaign().await);
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    for id in [started, stopped] {
        assert_eq!(t.campaigns().get(id).await.expect("there").audience_size, 3);
    }
    let open = t.campaigns().open_audiences(&[started, stopped]).await.expect("counted");
    assert_eq!(open.values().copied().collect::<Vec<_>>(), [Count { value: 3, more: false }; 2]);

    // One that is stopped before its start has begun for nobody, and keeps its leads.
    let at = t.now() + Duration::hours(1);
    t.campaigns().schedule(stopped, at).await.expect("scheduled");
    t.campaigns().stop(stopped).await.expect("stopped");
    t.commit().await.expect("kept");
    story.leads(&["d@x.example"]).await;
    story.ledger(stopped).await;
    advance(&story.db, story.company.id, stopped).await.expect("ended");
    assert_eq!(story.state(stopped).await, CampaignState::Stopped);
    assert_eq!(story.ledger(stopped).await.audience, 3);

    story.start(started).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert_eq!(t.campaigns().get(stopped).await.expect("there").audience_size, 3);
    assert_eq!(t.campaigns().get(started).await.expect("there").audience_size, 4);
    assert!(t.campaigns().open_audiences(&[started, stopped]).await.expect("counted").is_empty());
}
