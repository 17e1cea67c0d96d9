//! Opens and clicks: what an e-mail carries for them, and what comes of a request.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, LeadId, MessageId, PageRequest, StepId,
    campaigns::{CampaignInput, EventFilter, Rules},
    enrolments::EnrolmentState,
    leads::{LeadEvent, LeadEventKind},
    messages::{Message, MessageState, SendOutcome},
    steps::{Answer, Branch, Delay, DelayUnit, Place, StepInput, StepKind, Test},
    tracking::{Method, TrackedBy, Tracking, TrackingEvent, network},
};
use mail_parser::MessageParser;
use service::{
    Error,
    campaigns::advance::advance,
    messages::{Ready, claim::claim_next},
    tracking::{Asked, Request},
};
use testing::TestDb;

use crate::support::{Story, start_of_story};

const BODY: &str = "Hi {first_name|there},\n\nsee https://halden.example/a?x=1&y=2, https://bücher.example/ü and \
                    https://halden.example/a?x=1&y=2 or write to mailto:nora@halden.example";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

fn request(host: &str) -> Request<'_> {
    let address = "203.0.113.77".parse().expect("an address");
    Request { host, address: Some(address), agent: FIREFOX, method: Method::Get, is_preload: false }
}

/// As somebody with a browser, where the sandbox leads.
fn browser() -> Request<'static> {
    request("127.0.0.1")
}

impl Story<'_> {
    /// A campaign of one e-mail with links, which are tracked so; where clicks are, with a wait for one behind it.
    async fn tracked(&self, tracking: Tracking) -> CampaignId {
        let id = self.campaign().await;
        let mut t = self.open().await;
        let rules = Rules { tracking, ..Rules::default() };
        t.campaigns()
            .update(id, CampaignInput { rules: Some(rules), ..CampaignInput::default() }, None)
            .await
            .expect("on");
        let steps: Vec<StepId> = t.campaigns().steps(id).await.expect("steps").steps().iter().map(|s| s.id).collect();
        let words = StepInput { body: Some(BODY.into()), ..StepInput::default() };
        t.campaigns().update_step(id, steps[0], words, None).await.expect("changed");
        t.campaigns().remove_step(id, steps[1]).await.expect("removed");
        if !tracking.clicks {
            t.commit().await.expect("kept");
            return id;
        }
        let waits = StepInput {
            kind: Some(StepKind::WaitFor),
            test: Some(Test::Clicked { step: None }),
            timeout: Some(Delay { amount: 2, unit: DelayUnit::Days }),
            ..StepInput::default()
        };
        let wait = t.campaigns().add_step(id, waits).await.expect("added").id;
        let yes = StepInput {
            subject: Some("You clicked".into()),
            body: Some("Hi".into()),
            delay: Some(Delay::NONE),
            place: Some(Place { position: None, branch: Some(Branch { of: wait, when: Answer::Yes }) }),
            ..StepInput::default()
        };
        t.campaigns().add_step(id, yes).await.expect("added");
        t.commit().await.expect("kept");
        id
    }

    /// The text and the HTML of the only e-mail that was caught, and all of it.
    async fn bodies(&self) -> (String, String, String) {
        let mut t = self.open().await;
        let mails = t.sandbox().list(&PageRequest::default()).await.expect("a list").items;
        assert_eq!(mails.len(), 1);
        let raw = t.sandbox().raw(mails[0].id).await.expect("bytes");
        let parsed = MessageParser::default().parse(&raw).expect("a mail");
        let text = parsed.body_text(0).expect("text").replace("\r\n", "\n");
        let html = parsed.body_html(0).expect("HTML").replace("\r\n", "\n");
        (text, html, String::from_utf8(raw.clone()).expect("ASCII"))
    }

    async fn only_mail(&self, id: CampaignId) -> Message {
        let mut t = self.open().await;
        t.campaigns().messages(id, None, &PageRequest::default()).await.expect("a list").items.remove(0).message
    }

    async fn told(&self, id: CampaignId, message: MessageId) -> Vec<TrackingEvent> {
        self.open().await.campaigns().tracking_events(id, message).await.expect("events")
    }

    async fn told_of(&self, lead: LeadId) -> Vec<LeadEvent> {
        self.open().await.leads().timeline(lead, &PageRequest::default()).await.expect("a timeline").items
    }

    /// Lets minutes pass, and the worker look.
    async fn after(&self, test: &TestDb, id: CampaignId, minutes: i64) {
        test.clock().advance(Duration::minutes(minutes));
        advance(&self.db, self.company.id, id).await.expect("advanced");
        self.send().await;
    }
}

/// The tokens in a text, of links or of pictures.
fn tokens(html: &str, door: &str) -> Vec<String> {
    let begin = format!("http://127.0.0.1:3000/{door}/");
    html.match_indices(&begin)
        .map(|(at, _)| {
            let rest = &html[at + begin.len()..];
            rest[..rest.find('"').expect("an attribute ends")].trim_end_matches(".gif").to_owned()
        })
        .collect()
}

const BOTH: Tracking = Tracking { opens: true, clicks: true };

#[tokio::test]
async fn links_of_an_e_mail_lead_over_us_and_the_way_out_does_not() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.tracked(BOTH).await;
    story.start(id).await;
    story.send().await;

    let (text, html, raw) = story.bodies().await;
    assert!(text.contains("https://halden.example/a?x=1&y=2, https://bücher.example/ü"), "{text}");
    assert!(!text.contains("/c/") && !text.contains("/o/"), "the plain text is as it was written: {text}");
    let links = tokens(&html, "c");
    assert_eq!(links.len(), 3, "{html}");
    assert_eq!(links[0], links[2], "the same address is the same link");
    assert!(html.contains(">https://halden.example/a?x=1&amp;y=2</a>"), "what is read stays: {html}");
    let way_out = html.find("href=\"http://127.0.0.1:3000/p/").expect("the way out leads where it led");
    assert!(html[way_out..].contains("No more") || html[..way_out].contains("No more e-mails from us"), "{html}");
    assert!(raw.contains("List-Unsubscribe: <http://127.0.0.1:3000/p/"), "{raw}");
    assert_eq!(tokens(&html, "o").len(), 1, "one picture: {html}");
    assert!(!html.contains("mailto:nora@halden.example\""), "no address of mail is a link");

    let led = async |token: &str| story.db.follow(token, &browser()).await.expect("ours");
    assert_eq!(led(&links[0]).await, Asked::Link("https://halden.example/a?x=1&y=2".into()));
    assert_eq!(led(&links[1]).await, Asked::Link("https://xn--bcher-kva.example/%C3%BC".into()));
    let mail = story.only_mail(id).await;
    assert!(mail.tracks_opens && mail.tracks_clicks);
}

#[tokio::test]
async fn nothing_is_tracked_unless_somebody_turns_it_on() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.tracked(Tracking::default()).await;
    story.start(id).await;
    story.send().await;
    let (_, html, _) = story.bodies().await;
    assert!(tokens(&html, "c").is_empty() && tokens(&html, "o").is_empty(), "{html}");
    let mail = story.only_mail(id).await;
    assert!(!mail.tracks_opens && !mail.tracks_clicks);
}

#[tokio::test]
async fn a_click_of_a_person_wakes_who_waits_for_it_and_one_of_a_machine_does_not() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let lead = story.leads(&["a@x.example"]).await[0];
    let id = story.tracked(BOTH).await;
    story.start(id).await;
    story.send().await;
    let (_, html, _) = story.bodies().await;
    let (link, picture) = (tokens(&html, "c").remove(0), tokens(&html, "o").remove(0));
    let mail = story.only_mail(id).await.id;
    let stands = async || {
        let mut t = story.open().await;
        t.enrolments().list(id, None, &PageRequest::default()).await.expect("a list").items.remove(0).state
    };
    story.after(&test, id, 5).await;
    assert_eq!(stands().await, EnrolmentState::WaitingEvent);

    let scanner = Request { agent: "Barracuda Sentinel (EE)", ..browser() };
    assert!(matches!(story.db.follow(&link, &scanner).await, Ok(Asked::Link(_))), "it is given what it asks for");
    let proxy = Request { agent: "Mozilla/5.0 (via ggpht.com GoogleImageProxy)", ..browser() };
    assert_eq!(story.db.see(&picture, &proxy).await.expect("ours"), Asked::Picture);
    story.after(&test, id, 2).await;
    let shown = story.only_mail(id).await;
    assert_eq!((shown.opened_at, shown.clicked_at), (None, None));
    assert_eq!(shown.machine.as_deref(), Some("Google image proxy"));
    assert_eq!((stands().await, story.caught().await.len()), (EnrolmentState::WaitingEvent, 1));

    let clicked_at: DateTime<Utc> = test.clock().now();
    story.db.follow(&link, &browser()).await.expect("ours");
    assert_eq!(story.only_mail(id).await.clicked_at, Some(clicked_at));
    story.after(&test, id, 1).await;
    assert_eq!(story.caught().await.len(), 2, "who waits for a click goes on");
    assert_eq!(stands().await, EnrolmentState::Finished);

    let events = story.told(id, mail).await;
    let by: Vec<_> = events.iter().map(|e| (e.by, e.reason.as_str())).collect();
    assert_eq!(by[1..], [(TrackedBy::Machine, "Google image proxy"), (TrackedBy::Machine, "Barracuda scanner")]);
    assert_eq!(by[0].0, TrackedBy::Human);
    let kept = network("203.0.113.77".parse().expect("an address"));
    assert!(events.iter().all(|e| e.network.as_ref() == Some(&kept)), "{events:?}");
    let kinds: Vec<_> = story.told_of(lead).await.into_iter().map(|e| e.kind).collect();
    for kind in
        [LeadEventKind::Clicked, LeadEventKind::MachineClicked, LeadEventKind::MachineOpened, LeadEventKind::Sent]
    {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let seen = story.open().await.campaigns().tracking(id).await.expect("figures");
    assert_eq!(
        (seen.total.tracked_clicks, seen.total.clicked),
        (1, 1),
        "the second e-mail has no link but the way out"
    );
    assert_eq!((seen.total.tracked_opens, seen.total.opened, seen.total.machine_events), (2, 0, 2));

    // The log tells what people did, and programs are no more than a figure.
    let told = async |kind: &str| -> Vec<_> {
        let filter = EventFilter { kind: Some(kind.to_owned()), ..EventFilter::default() };
        let page = story.open().await.campaigns().log_entries(id, &filter, &PageRequest::default()).await;
        let entries = page.expect("a log").items.into_iter();
        entries.map(|one| (one.event.at, one.event.lead_id, one.event.mailbox_id.is_some())).collect()
    };
    assert_eq!(told("clicked").await, [(clicked_at, Some(lead), true)]);
    assert!(told("opened").await.is_empty());
}

#[tokio::test]
async fn whoever_follows_every_link_was_no_person_before_either() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.tracked(BOTH).await;
    story.start(id).await;
    story.send().await;
    let (_, html, _) = story.bodies().await;
    let links = tokens(&html, "c");
    story.after(&test, id, 5).await;
    story.db.follow(&links[0], &browser()).await.expect("ours");
    assert!(story.only_mail(id).await.clicked_at.is_some(), "one link alone is a person's");
    test.clock().advance(Duration::seconds(2));
    story.db.follow(&links[1], &browser()).await.expect("ours");
    let mail = story.only_mail(id).await;
    assert_eq!(mail.clicked_at, None);
    assert!(story.told(id, mail.id).await.iter().all(|e| e.by == TrackedBy::Machine));
    story.after(&test, id, 2).await;
    assert_eq!(story.caught().await.len(), 1, "nobody was woken");
}

#[tokio::test]
async fn the_same_click_counts_once_and_soon_nothing_more_is_kept() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.tracked(BOTH).await;
    story.start(id).await;
    story.send().await;
    let (_, html, _) = story.bodies().await;
    let link = tokens(&html, "c").remove(0);
    let mail = story.only_mail(id).await.id;
    test.clock().advance(Duration::minutes(5));
    for _ in 0..3 {
        story.db.follow(&link, &browser()).await.expect("ours");
    }
    assert_eq!(story.told(id, mail).await.len(), 1);
    for _ in 0..domain::tracking::MOST_EVENTS + 5 {
        test.clock().advance(Duration::minutes(2));
        story.db.follow(&link, &browser()).await.expect("ours");
    }
    assert_eq!(story.told(id, mail).await.len(), domain::tracking::MOST_EVENTS);
}

#[tokio::test]
async fn only_hosts_of_the_company_answer_and_only_what_was_signed() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.tracked(BOTH).await;
    story.start(id).await;
    story.send().await;
    let (_, html, _) = story.bodies().await;
    let (link, picture) = (tokens(&html, "c").remove(0), tokens(&html, "o").remove(0));
    let refused =
        async |token: &str, host: &str| matches!(story.db.follow(token, &request(host)).await, Err(Error::NotFound(_)));
    assert!(refused(&link, "evil.example").await);
    assert!(!refused(&link, "127.0.0.1").await);
    assert!(refused(&picture, "127.0.0.1").await, "a picture is no link");
    let mut forged = link.clone();
    forged.replace_range(22..23, if &link[22..23] == "A" { "B" } else { "A" });
    assert!(refused(&forged, "127.0.0.1").await, "another place of the same e-mail");

    // A host name of another company is none of this one.
    let other = test.company("Other").await;
    let mut t = story.db.tenant(&other.owner).await.expect("open");
    let host = domain::tracking::LinkHostInput { name: "links.other.example".into() };
    t.link_hosts().create(host.clone()).await.expect("added");
    t.commit().await.expect("kept");
    assert!(refused(&link, "links.other.example").await);
    let mut t = story.open().await;
    t.link_hosts().create(host).await.expect("added");
    t.commit().await.expect("kept");
    assert!(!refused(&link, "Links.Other.Example").await);
}

#[tokio::test]
async fn with_the_lead_everything_about_its_links_is_gone() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let lead = story.leads(&["a@x.example"]).await[0];
    let id = story.tracked(BOTH).await;
    story.start(id).await;
    story.send().await;
    let (_, html, _) = story.bodies().await;
    let (link, picture) = (tokens(&html, "c").remove(0), tokens(&html, "o").remove(0));
    let mail = story.only_mail(id).await.id;
    test.clock().advance(Duration::minutes(5));
    story.db.follow(&link, &browser()).await.expect("ours");
    assert_eq!(story.told(id, mail).await.len(), 1);
    let mut t = story.open().await;
    t.leads().delete(lead).await.expect("deleted");
    t.commit().await.expect("kept");
    assert_eq!(story.db.follow(&link, &browser()).await.expect("known as ours"), Asked::Gone);
    assert_eq!(story.db.see(&picture, &browser()).await.expect("known as ours"), Asked::Gone);
    assert!(story.told(id, mail).await.is_empty());
}

#[tokio::test]
async fn what_nobody_knew_has_arrived_when_its_link_is_followed() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.tracked(BOTH).await;
    story.start(id).await;
    let claimed = claim_next(&story.db).await.expect("a claim").expect("due").remove(0);
    let links = ["https://halden.example/".to_owned()];
    let ready = Ready { links: Some(&links), ..Ready::new(&claimed, "First", b"x", "nowhere:25") };
    let mut t = story.open().await;
    assert_eq!(t.messages().begin(&[ready]).await.expect("begun"), [true]);
    t.commit().await.expect("kept");
    story.record(&claimed, &SendOutcome::Unknown { reason: "the line broke".into() }).await;
    assert_eq!(story.only_mail(id).await.state, MessageState::Unknown);
    let link = claimed.tracked.as_ref().expect("tracked").link(1);
    let token = link.rsplit('/').next().expect("a token");
    test.clock().advance(Duration::minutes(5));
    story.db.follow(token, &browser()).await.expect("ours");
    assert_eq!(story.only_mail(id).await.state, MessageState::Sent);
    assert!(story.ledger(id).await.is_balanced());
    let log = story.open().await.campaigns().events(id, &PageRequest::default()).await.expect("a log").items;
    let sent: Vec<_> = log.iter().filter(|event| event.kind == "sent").map(|event| event.at).collect();
    assert_eq!(sent, [test.clock().now()], "once, when it was known");
}

#[tokio::test]
async fn months_are_made_ahead_and_go_when_they_are_old() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.tracked(BOTH).await;
    story.start(id).await;
    story.send().await;
    let (_, html, _) = story.bodies().await;
    let link = tokens(&html, "c").remove(0);
    let mail = story.only_mail(id).await.id;
    for _ in 0..6 {
        test.platform().keep_months(test.clock().now()).await.expect("looked after");
        test.clock().advance(Duration::days(61));
        story.db.follow(&link, &browser()).await.expect("ours");
    }
    assert_eq!(story.told(id, mail).await.len(), 6);
    test.clock().advance(Duration::days(365));
    test.platform().keep_months(test.clock().now()).await.expect("looked after");
    let kept = story.told(id, mail).await;
    let oldest = kept.last().expect("the last ones are younger than 13 months").at;
    assert!(kept.len() < 6 && test.clock().now() - oldest < Duration::days(31 * 14), "{oldest}");
    assert!(story.only_mail(id).await.clicked_at.is_some(), "the figure of the e-mail stays");
}
