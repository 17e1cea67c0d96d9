//! What a check finds out about a company's own mail server, blocklists and the registry, and what it asks nobody.

use std::sync::{Arc, Mutex};

use domain::domains::{RecordCheck, RecordKind, SendingDomain, Standing, failing};
use service::Db;
use testing::{
    TestDb,
    dns::{NameServer, Record},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::{DOMAIN, Desk, of};

/// A domain that somebody could register, and its own server.
const SALES: &str = "sales.example.com";
const HOST: &str = "mail.sales.example.com";
const SERVER: Record<'static> = ("A", HOST, "93.184.216.34");
const REVERSE: &str = "34.216.184.93.in-addr.arpa";
const LISTS: [&str; 2] = ["domains.list.example=k3y.domains.list.example", "addresses.list.example"];
const NOBODY: &str = "http://127.0.0.1:9";

async fn own_server(test: &TestDb, db: Db) -> Desk<'_> {
    Desk::with_server(test, db, (SALES, HOST, 25)).await
}

/// What lists say once other records are published.
async fn listed_after(desk: &Desk<'_>, records: &[Record<'_>], dns: NameServer) -> (RecordCheck, NameServer) {
    let dns = dns.publish(records);
    (of(&desk.check().await, RecordKind::Blocklist).clone(), dns)
}

fn is_judged(domain: &SendingDomain, kind: RecordKind) -> bool {
    domain.records.iter().any(|record| record.kind == kind)
}

#[tokio::test]
async fn a_server_of_the_companys_own_needs_a_name_that_leads_back() {
    let test = testing::db().await;
    let dns = NameServer::start(&[SERVER]);
    let desk = own_server(&test, test.with_dns(dns.address(), "https://sales.halden.example")).await;
    let domain = desk.check().await;
    let missing = of(&domain, RecordKind::Ptr);
    assert!(missing.standing == Standing::Fail && missing.message.contains("has no name"), "{missing:?}");
    let publish = missing.publish.as_ref().unwrap();
    assert_eq!((publish.kind.as_str(), publish.name.as_str(), publish.value.as_str()), ("PTR", REVERSE, HOST));
    assert!(failing(&domain.records).contains(&RecordKind::Ptr), "campaigns wait for it");

    let dns = dns.publish(&[SERVER, ("PTR", REVERSE, "x1.isp.example"), ("A", "x1.isp.example", "192.0.2.9")]);
    let elsewhere = of(&desk.check().await, RecordKind::Ptr).clone();
    assert!(elsewhere.standing == Standing::Fail && elsewhere.message.contains("does not lead back"), "{elsewhere:?}");
    assert_eq!(elsewhere.found, ["x1.isp.example"]);

    let _dns = dns.publish(&[SERVER, ("PTR", REVERSE, HOST)]);
    let domain = desk.check().await;
    let good = of(&domain, RecordKind::Ptr);
    assert!(good.standing == Standing::Pass && good.found == [HOST], "{good:?}");
    assert!(!failing(&domain.records).contains(&RecordKind::Ptr));
    let nobody = [RecordKind::Blocklist, RecordKind::Age].map(|kind| is_judged(&domain, kind));
    assert_eq!(nobody, [false, false], "no list and no directory is set");
}

#[tokio::test]
async fn a_server_of_a_provider_or_in_a_private_network_is_not_judged() {
    let test = testing::db().await;
    let dns = NameServer::start(&[("A", HOST, "10.1.2.3"), ("A", "smtp.relay.example", "93.184.216.34")]);
    for host in [HOST, "smtp.relay.example"] {
        let db = test.with_dns(dns.address(), "https://sales.halden.example");
        let desk = Desk::with_server(&test, db, (SALES, host, 25)).await;
        let domain = desk.check().await;
        assert!(domain.error.is_none() && !is_judged(&domain, RecordKind::Ptr), "{host}: {domain:?}");
        desk.db.close().await;
    }
}

#[tokio::test]
async fn what_a_list_names_is_told_and_a_list_that_does_not_answer_says_nothing() {
    let test = testing::db().await;
    let (domain, address) = ("sales.example.com.k3y.domains.list.example", "34.216.184.93.addresses.list.example");
    let why = "https://list.example/why/sales.example.com";
    let dns = NameServer::start(&[
        SERVER,
        ("A", domain, "127.0.1.2"),
        ("TXT", domain, why),
        ("A", address, "127.255.255.254"),
    ]);
    let desk = own_server(&test, test.with_lists(dns.address(), LISTS, NOBODY)).await;
    let found = desk.check().await;
    let listed = of(&found, RecordKind::Blocklist);
    assert!(listed.message.starts_with("sales.example.com is in domains.list.example. "), "{listed:?}");
    assert!(listed.message.ends_with(" addresses.list.example did not answer."), "{listed:?}");
    assert_eq!((listed.standing, &listed.found[..]), (Standing::Fail, &[why.to_owned()][..]));
    assert!(failing(&found.records).contains(&RecordKind::Blocklist), "campaigns wait for it");
    assert!(found.error.is_none() && !is_judged(&found, RecordKind::Age), "no directory answers: {found:?}");

    let (clean, dns) = listed_after(&desk, &[SERVER], dns).await;
    let words = "Not in domains.list.example, addresses.list.example.";
    assert_eq!((clean.standing, clean.message.as_str()), (Standing::Pass, words));
    let (listed, dns) = listed_after(&desk, &[SERVER, ("A", address, "127.0.0.4")], dns).await;
    assert_eq!(listed.standing, Standing::Fail);
    assert!(listed.message.starts_with("93.184.216.34 is in addresses.list.example. "), "{listed:?}");
    let silent = [SERVER, ("A", domain, "127.255.255.254"), ("A", address, "127.255.255.254")];
    let (silent, _dns) = listed_after(&desk, &silent, dns).await;
    assert!(silent.standing == Standing::Warn && silent.message.contains("did not answer"), "{silent:?}");
}

/// A directory that leads on to a registry, which knows `example.com` since `day`, and what both were asked.
async fn registry(day: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = socket.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            assert!(request.to_lowercase().contains("\r\naccept: application/rdap+json\r\n"), "{request}");
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let (status, header, body) = match path.strip_prefix("/domain/") {
                Some(name) => ("302 Found", format!("location: /registry/{name}\r\n"), String::new()),
                None if path == "/registry/example.com" => {
                    let event = format!(r#"{{"eventAction": "registration", "eventDate": "{day}"}}"#);
                    ("200 OK", String::new(), format!(r#"{{"objectClassName": "domain", "events": [{event}]}}"#))
                }
                None => ("404 Not Found", String::new(), String::new()),
            };
            kept.lock().unwrap().push(path);
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
            socket.write_all(answer.as_bytes()).await.unwrap();
            let _closed = socket.shutdown().await;
        }
    });
    (url, asked)
}

#[tokio::test]
async fn a_young_domain_is_told_to_begin_slowly() {
    let test = testing::db_at("2026-11-20T10:00:00Z".parse().unwrap()).await;
    let dns = NameServer::start(&[SERVER]);
    for (day, standing, words) in [
        (
            "2026-11-10T00:00:00Z",
            Standing::Warn,
            "example.com was registered on 10 November 2026, less than 30 days ago.",
        ),
        ("1995-08-14T04:00:00Z", Standing::Pass, "example.com was registered on 14 August 1995."),
    ] {
        let (url, asked) = registry(day).await;
        let desk = own_server(&test, test.with_lists(dns.address(), LISTS, &url)).await;
        let domain = desk.check().await;
        let age = of(&domain, RecordKind::Age);
        assert!(age.standing == standing && age.message.starts_with(words), "{age:?}");
        assert!(!failing(&domain.records).contains(&RecordKind::Age), "it holds nothing up");
        let in_turn = [
            "/domain/sales.example.com",
            "/registry/sales.example.com",
            "/domain/example.com",
            "/registry/example.com",
        ];
        assert_eq!(*asked.lock().unwrap(), in_turn);
        desk.db.close().await;
    }
}

#[tokio::test]
async fn nobody_is_asked_about_a_name_that_nobody_can_register() {
    let test = testing::db().await;
    let dns = NameServer::start(&[("A", "halden.example.k3y.domains.list.example", "127.0.1.2")]);
    let (url, asked) = registry("1995-08-14T04:00:00Z").await;
    let db = test.with_lists(dns.address(), LISTS, &url);
    let desk = Desk::with_server(&test, db, (DOMAIN, "127.0.0.1", 25)).await;
    let domain = desk.check().await;
    assert!(domain.error.is_none() && is_judged(&domain, RecordKind::Mx), "{domain:?}");
    assert!(!is_judged(&domain, RecordKind::Blocklist) && !is_judged(&domain, RecordKind::Age), "{domain:?}");
    assert!(asked.lock().unwrap().is_empty(), "{asked:?}");
}
