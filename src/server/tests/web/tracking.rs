//! The doors behind pictures and links of e-mails: what they give, to whom, and what they never do.

use axum::{
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{Method, Request, Response, StatusCode, header},
};
use chrono::Duration;
use domain::{
    CampaignId, MessageId, PageRequest,
    campaigns::{Audience, CampaignInput, Rules},
    leads::{LeadFilter, LeadInput},
    messages::SendOutcome,
    steps::{Delay, StepInput},
    tracking::{LinkHostInput, PROOF_PATH, TrackedBy, Tracking, TrackingEvent},
    window::SendingWindow,
};
use service::{
    campaigns::advance::advance,
    messages::{Ready, claim::claim_next},
};
use std::net::SocketAddr;
use testing::TestCompany;

use crate::support::{TestApp, header_of};

const TARGET: &str = "https://halden.example/cases?a=1&b=2";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// An e-mail that was sent with links, five minutes ago.
struct Sent {
    campaign: CampaignId,
    message: MessageId,
    /// Paths.
    link: String,
    picture: String,
}

async fn sent(app: &TestApp, company: &TestCompany<'_>) -> Sent {
    let mailbox = company.mailbox().await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let lead = LeadInput { email: Some("ines@corvus.example".into()), ..LeadInput::default() };
    t.leads().bulk_upsert(vec![lead]).await.expect("stored");
    let input = CampaignInput {
        name: Some("Tracked".into()),
        audience: Some(Audience::Filter { filter: LeadFilter::default() }),
        window: Some(SendingWindow::always()),
        rules: Some(Rules { tracking: Tracking { opens: true, clicks: true }, ..Rules::default() }),
        mailboxes: Some(vec![mailbox]),
    };
    let campaign = t.campaigns().create(input).await.expect("created").id;
    let step = StepInput {
        delay: Some(Delay::NONE),
        subject: Some("Hello".into()),
        body: Some("Hello".into()),
        ..StepInput::default()
    };
    t.campaigns().add_step(campaign, step).await.expect("added");
    t.campaigns().start(campaign).await.expect("started");
    t.commit().await.expect("kept");
    advance(&app.db, company.id, campaign).await.expect("placed");
    let claimed = claim_next(&app.db).await.expect("a claim").expect("due").remove(0);
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let links = [TARGET.to_owned(), "https://halden.example/".to_owned()];
    let ready = Ready { links: Some(&links), ..Ready::new(&claimed, "Hello", b"x", "nowhere:25") };
    assert_eq!(t.messages().begin(&[ready]).await.expect("begun"), [true]);
    let taken = SendOutcome::Accepted { reply: "250 ok".into(), queue_id: None };
    t.messages().record(claimed.id, claimed.token, &taken).await.expect("recorded");
    t.commit().await.expect("kept");
    app.db.clock().advance(Duration::minutes(5));
    let tracked = claimed.tracked.expect("tracked");
    let path = |url: String| url.strip_prefix("http://127.0.0.1:3000").expect("where the sandbox leads").to_owned();
    Sent { campaign, message: claimed.id, link: path(tracked.link(1)), picture: path(tracked.picture()) }
}

async fn ask(app: &TestApp, method: Method, path: &str, host: &str, agent: &str) -> Response<Body> {
    let peer: SocketAddr = "203.0.113.77:1234".parse().expect("an address");
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, agent)
        .header(header::ACCEPT, "text/html")
        .extension(ConnectInfo(peer));
    app.send(request.body(Body::empty()).expect("a request")).await
}

async fn get(app: &TestApp, path: &str) -> Response<Body> {
    ask(app, Method::GET, path, "127.0.0.1:3000", FIREFOX).await
}

async fn text(answer: Response<Body>) -> String {
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn events(app: &TestApp, company: &TestCompany<'_>, sent: &Sent) -> Vec<TrackingEvent> {
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    t.campaigns().tracking_events(sent.campaign, sent.message).await.expect("events")
}

#[tokio::test]
async fn a_link_leads_where_the_e_mail_said_and_tells_nobody_from_where() {
    let app = TestApp::new().await;
    let company = app.db.company("Halden").await;
    let sent = sent(&app, &company).await;
    let answer = get(&app, &sent.link).await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    for (name, value) in [
        ("location", TARGET),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("set-cookie", ""),
    ] {
        assert_eq!(header_of(&answer, name), value, "{name}");
    }
    let picture = get(&app, &sent.picture).await;
    assert_eq!(picture.status(), StatusCode::OK);
    assert_eq!((header_of(&picture, "content-type"), header_of(&picture, "cache-control")), ("image/gif", "no-store"));
    let bytes = to_bytes(picture.into_body(), 1 << 20).await.expect("a body");
    assert_eq!((bytes.len(), &bytes[..6]), (43, b"GIF89a".as_slice()));
    let kept = events(&app, &company, &sent).await;
    assert!(kept.len() == 2 && kept.iter().all(|e| e.by == TrackedBy::Human), "{kept:?}");
    assert!(kept.iter().all(|e| e.network.as_deref() == Some("203.0.113.0/24")), "{kept:?}");
}

#[tokio::test]
async fn nobody_is_sent_where_the_e_mail_did_not_say() {
    let app = TestApp::new().await;
    let company = app.db.company("Halden").await;
    let sent = sent(&app, &company).await;
    for more in ["?url=https://evil.example", "?to=//evil.example", "?u=https%3A%2F%2Fevil.example#x"] {
        let answer = get(&app, &format!("{}{more}", sent.link)).await;
        assert_eq!(header_of(&answer, "location"), TARGET, "{more}");
    }
    let token = sent.link.strip_prefix("/c/").expect("a link");
    let flipped = |at: usize| {
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        format!("/c/{}{other}{}", &token[..at], &token[at + 1..])
    };
    let as_picture = sent.picture.replace("/o/", "/c/").replace(".gif", "");
    for wrong in [
        flipped(0),
        flipped(23),
        flipped(40),
        format!("/c/{}", &token[..token.len() - 2]),
        format!("/c/{token}AA"),
        "/c/https:%2F%2Fevil.example".to_owned(),
        "/c/x".to_owned(),
        as_picture,
        format!("/o/{token}.gif"),
        sent.picture.replace(".gif", ""),
    ] {
        let answer = get(&app, &wrong).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{wrong}");
        assert_eq!((header_of(&answer, "location"), header_of(&answer, "cache-control")), ("", "no-store"), "{wrong}");
        let page = text(answer).await;
        assert!(page.contains("This link does not work") && page.contains("answer the e-mail"), "{page}");
    }
    assert_eq!(events(&app, &company, &sent).await.len(), 1, "of what is wrong nothing is kept");
    let post = ask(&app, Method::POST, &sent.link, "127.0.0.1:3000", FIREFOX).await;
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn programs_get_the_same_and_count_for_nothing() {
    let app = TestApp::new().await;
    let company = app.db.company("Halden").await;
    let sent = sent(&app, &company).await;
    let head = ask(&app, Method::HEAD, &sent.link, "127.0.0.1:3000", FIREFOX).await;
    assert_eq!((head.status(), header_of(&head, "location")), (StatusCode::FOUND, TARGET));
    assert!(to_bytes(head.into_body(), 1).await.expect("no body").is_empty());
    let scanner = ask(&app, Method::GET, &sent.link, "127.0.0.1:3000", "Mimecast Targeted Threat Protection").await;
    assert_eq!((scanner.status(), header_of(&scanner, "location")), (StatusCode::FOUND, TARGET));
    let preload =
        Request::get(&sent.picture).header(header::HOST, "127.0.0.1").header("sec-purpose", "prefetch;prerender");
    let preload = preload.header(header::USER_AGENT, FIREFOX).body(Body::empty()).expect("a request");
    assert_eq!(app.send(preload).await.status(), StatusCode::OK);
    let kept = events(&app, &company, &sent).await;
    assert!(!kept.is_empty() && kept.iter().all(|e| e.by == TrackedBy::Machine), "{kept:?}");
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let mail = t
        .campaigns()
        .messages(sent.campaign, None, &PageRequest::default())
        .await
        .expect("a list")
        .items
        .remove(0)
        .message;
    assert_eq!((mail.opened_at, mail.clicked_at), (None, None));
}

#[tokio::test]
async fn a_host_name_of_another_company_gives_nothing() {
    let app = TestApp::new().await;
    let (company, other) = (app.db.company("Halden").await, app.db.company("Other").await);
    let (sent, theirs) = (sent(&app, &company).await, "links.other.example");
    let mut t = app.db.tenant(&other.owner).await.expect("open");
    t.link_hosts().create(LinkHostInput { name: theirs.into() }).await.expect("added");
    t.commit().await.expect("kept");
    for host in [theirs, "evil.example", ""] {
        let answer = ask(&app, Method::GET, &sent.link, host, FIREFOX).await;
        assert_eq!((answer.status(), header_of(&answer, "location")), (StatusCode::NOT_FOUND, ""), "{host}");
    }
    assert!(events(&app, &company, &sent).await.is_empty());
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    t.link_hosts().create(LinkHostInput { name: "links.halden.example".into() }).await.expect("added");
    t.commit().await.expect("kept");
    let answer = ask(&app, Method::GET, &sent.link, "links.halden.example", FIREFOX).await;
    assert_eq!(answer.status(), StatusCode::FOUND);

    // Each host name hears a word of its own, so that a check can tell that it leads here.
    let word = text(ask(&app, Method::GET, PROOF_PATH, "links.halden.example:443", FIREFOX).await).await;
    assert_eq!(word, app.db.link_host_word("links.halden.example"));
    assert_ne!(word, app.db.link_host_word(theirs));
}

#[tokio::test]
async fn a_deleted_lead_leaves_a_page_that_says_so() {
    let app = TestApp::new().await;
    let company = app.db.company("Halden").await;
    let sent = sent(&app, &company).await;
    let mut t = app.db.tenant(&company.owner).await.expect("open");
    let mail = t
        .campaigns()
        .messages(sent.campaign, None, &PageRequest::default())
        .await
        .expect("a list")
        .items
        .remove(0)
        .message;
    t.leads().delete(mail.lead_id.expect("there")).await.expect("deleted");
    t.commit().await.expect("kept");
    for path in [&sent.link, &sent.picture] {
        let answer = get(&app, path).await;
        assert_eq!((answer.status(), header_of(&answer, "location")), (StatusCode::GONE, ""));
        assert!(text(answer).await.contains("This link is gone"));
    }
    assert!(events(&app, &company, &sent).await.is_empty());
}

#[tokio::test]
async fn whoever_asks_too_often_waits_and_nobody_else_does() {
    let app = TestApp::new().await;
    let company = app.db.company("Halden").await;
    let sent = sent(&app, &company).await;
    for _ in 0..60 {
        assert_eq!(get(&app, "/c/wrong").await.status(), StatusCode::NOT_FOUND);
    }
    let refused = get(&app, "/c/wrong").await;
    assert_eq!((refused.status(), header_of(&refused, "retry-after")), (StatusCode::TOO_MANY_REQUESTS, "60"));
    for _ in 0..60 {
        assert_eq!(get(&app, &sent.link).await.status(), StatusCode::FOUND, "what is right is counted by itself");
    }
    assert_eq!(get(&app, &sent.link).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(get(&app, &sent.picture).await.status(), StatusCode::OK);
    app.db.clock().advance(Duration::minutes(1));
    assert_eq!(get(&app, &sent.link).await.status(), StatusCode::FOUND);
}
