//! A database that comes later than the processes that need it.

use std::time::Duration;

use domain::campaigns::CampaignState;

use crate::{
    browser::{Browser, wait_until_listens},
    house::House,
    sink::{Sink, free_port},
    story::Story,
};

#[tokio::test(flavor = "multi_thread")]
async fn server_and_worker_wait_for_their_database() {
    let house = House::build().await;
    let sink = Sink::start(&house.home);
    let story = Story::begin(house.db(), 5, sink.address()).await;
    story.start().await;
    let server = free_port();

    let _server = house.through_door(&["serve", "--port", &server.port().to_string()]);
    let worker = house.through_door(&["work"]);
    wait_until_listens(server).await;
    let stranger = Browser::stranger();
    let answer = stranger.get(server, "/login").await;
    assert_eq!((answer.status(), answer.header("retry-after")), (503, "5"));
    assert!(answer.text.contains("One moment"), "{}", answer.text);
    assert_eq!(stranger.get(server, "/readyz").await.status(), 503);
    assert_eq!(stranger.get(server, "/livez").await.status(), 200);
    while house.log().matches("The database cannot be reached").count() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(house.log().contains("Check DATABASE_URL"), "{}", house.log());

    house.open_door();
    stranger.wait_until_ready(server).await;
    assert_eq!(stranger.get(server, "/login").await.status(), 200);
    while story.state().await != CampaignState::Completed {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(sink.mails().len(), 5);
    assert!(worker.stop().await.success());
}
