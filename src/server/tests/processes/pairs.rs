//! Two web servers and two workers on one database: nothing is kept in the memory of one of them.

use std::time::Duration;

use domain::campaigns::CampaignState;

use crate::{browser::Browser, gate::Gate, house::House, sink::Sink, story::Story};

const AUDIENCE: usize = 1500;
/// Hand-overs at the same time by one worker.
const LANES: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_and_two_workers_are_one_installation() {
    let house = House::build().await;
    let sink = Sink::start(&house.home);
    let gate = Gate::open(sink.address()).await;
    // More than one worker can have in its hands: without the other one nothing goes on.
    gate.gather(LANES + 1);
    let story = Story::begin(house.db(), AUDIENCE, gate.address()).await;
    let ((_a, a), (_b, b)) = (house.serve(), house.serve());
    let workers = [house.work(), house.work()];
    for server in [a, b] {
        Browser::stranger().wait_until_ready(server).await;
    }

    // A session that began at one server is good at the other.
    let browser = Browser::sign_in(a, &story.company.owner_email).await;
    let campaign = format!("/t/{}/campaigns/{}", story.company.slug, story.campaign);
    let page = browser.get(b, &format!("{campaign}/launch")).await;
    assert_eq!(page.status(), 200, "{}", page.text);

    // A page of one server hears of what was done at the other.
    let mut hints = browser.listen(a, &format!("/t/{}/live", story.company.slug)).await;
    hints.read_until("resync").await;
    let form = format!("slug={}&id={}&command=start", story.company.slug, story.campaign);
    let started = browser.post(b, form_action(&page.text), &form).await;
    assert!(started.header("location").ends_with("done=started"), "{}", started.text);
    hints.read_until(&story.campaign.to_string()).await;
    assert!(hints.text.contains(r#""topic":"campaigns""#), "{}", hints.text);

    // The workers share the campaign, and nobody is mailed twice.
    for _ in 0..600 {
        story.ledger().await;
        if story.state().await == CampaignState::Completed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(story.state().await, CampaignState::Completed);
    assert!(gate.most_at_once() > LANES, "both workers have sent, and at the same time");
    for worker in workers {
        assert!(worker.stop().await.success());
    }
    let mails = sink.mails();
    assert_eq!((mails.len(), mails.values().sum::<usize>()), (AUDIENCE, AUDIENCE));
    let fates = testing::fates(&house.superuser()).await;
    assert!(fates.values().all(|state| state == "sent"), "{fates:?}");
}

/// Where the form of the page with the campaign's commands goes.
fn form_action(page: &str) -> &str {
    let from = page.find("/sf/command_campaign").expect("the page has the form");
    page[from..].split('"').next().expect("an attribute ends")
}
