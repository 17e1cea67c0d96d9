//! Asking for an account: what a stranger sees, and what the owner of the address reads.

use chrono::{DateTime, Duration, Utc};
use domain::companies::NewCompany;
use service::{Error, Origin};
use testing::{PASSWORD, TestDb, sign_ups};

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// Takes the mail of the last sign-up and answers its words.
async fn mail(db: &TestDb) -> String {
    let (id, _) = sign_ups(&db.superuser()).await.pop().expect("somebody asked");
    let mail = db.people().take_sign_up_mail(id).await.expect("asked").expect("it waits");
    db.people().finish_sign_up_mail(id, "sent", "250 OK").await.expect("kept");
    mail.body
}

fn token(mail: &str) -> String {
    mail.lines().find_map(|line| line.split_once("/signup/")).expect("a link").1.to_owned()
}

fn firm() -> NewCompany {
    NewCompany { name: "Nia's firm".into(), slug: None, time_zone: None }
}

#[tokio::test]
async fn a_stranger_learns_nothing_and_the_owner_of_the_address_everything() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let people = db.people();

    let known = people.ask_to_sign_up(&acme.owner_email, &Origin::default()).await.expect("the same answer");
    assert_eq!(known.as_str(), acme.owner_email);
    let words = mail(&db).await;
    assert!(words.contains("You have one: sign in"), "{words}");
    assert!(!words.contains("/signup/"), "{words}");

    db.clock().advance(Duration::seconds(1));
    people.ask_to_sign_up("Nia@x.example", &Origin::default()).await.expect("the same answer");
    let token = token(&mail(&db).await);
    assert_eq!(people.sign_up_address(&token).await.expect("open").as_str(), "nia@x.example");
    let made = people.complete_sign_up(&token, "Nia".into(), PASSWORD.into(), firm(), Origin::default()).await;
    assert_eq!(made.expect("a company").1.slug, "nia-s-firm");

    let again = people.complete_sign_up(&token, "Nia".into(), PASSWORD.into(), firm(), Origin::default()).await;
    assert!(matches!(again, Err(Error::Invalid(p)) if p[0].code == "account_exists"));
}

#[tokio::test]
async fn a_link_ends_after_a_day_and_another_opens_nothing() {
    let db = testing::db_at(noon()).await;
    db.people().ask_to_sign_up("nia@x.example", &Origin::default()).await.expect("asked");
    let token = token(&mail(&db).await);
    let forged = token.chars().rev().collect::<String>();
    assert!(matches!(db.people().sign_up_address(&forged).await, Err(Error::NotFound(_))));
    db.clock().advance(Duration::hours(24));
    assert!(matches!(db.people().sign_up_address(&token).await, Err(Error::NotFound(_))));
    db.people().reconcile_sign_ups(db.clock().now() + Duration::seconds(1)).await.expect("swept");
    assert!(sign_ups(&db.superuser()).await.is_empty());
}

#[tokio::test]
async fn nobody_fills_an_inbox() {
    let db = testing::db_at(noon()).await;
    let asked = async || {
        db.people().ask_to_sign_up("nia@x.example", &Origin::default()).await.expect("the same answer");
        sign_ups(&db.superuser()).await.len()
    };
    assert_eq!((asked().await, asked().await), (1, 1), "a second within a minute");
    for _ in 0..8 {
        db.clock().advance(Duration::seconds(61));
        asked().await;
    }
    assert_eq!(asked().await, 5, "no more than five in a day");
}

#[tokio::test]
async fn a_mail_is_tried_again_and_given_up_and_a_lost_worker_leaves_it_unknown() {
    let db = testing::db_at(noon()).await;
    db.people().ask_to_sign_up("nia@x.example", &Origin::default()).await.expect("asked");
    let (id, _) = sign_ups(&db.superuser()).await.remove(0);
    let state = async || sign_ups(&db.superuser()).await.remove(0).1;
    for tried in 1..=6 {
        assert!(db.people().take_sign_up_mail(id).await.expect("asked").is_some(), "try {tried}");
        assert!(db.people().take_sign_up_mail(id).await.expect("asked").is_none(), "another worker has it");
        db.people().finish_sign_up_mail(id, "waiting", "451 later").await.expect("kept");
    }
    assert_eq!(state().await, "failed");

    db.clock().advance(Duration::minutes(2));
    db.people().ask_to_sign_up("nia@x.example", &Origin::default()).await.expect("asked");
    let (id, _) = sign_ups(&db.superuser()).await.remove(1);
    db.people().take_sign_up_mail(id).await.expect("asked").expect("it waits");
    db.clock().advance(Duration::hours(1));
    db.people().reconcile_sign_ups(db.clock().now()).await.expect("judged");
    assert_eq!(sign_ups(&db.superuser()).await[1].1, "unknown");
}
