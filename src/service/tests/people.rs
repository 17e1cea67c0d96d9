//! Signing in, roles, invitations and keys, as the application role.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use chrono::{DateTime, Duration, Utc};
use domain::{Role, companies::NewCompany, keys::Scope};
use service::{
    Error, Origin,
    people::{Accept, InvitationState, NewPerson},
};
use testing::PASSWORD;

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn unknown_addresses_and_wrong_passwords_get_the_same_answer() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let answer = |email: String| {
        let db = &db;
        async move {
            match db.people().sign_in(&email, "not the password", Origin::default()).await {
                Err(Error::Invalid(problems)) => problems,
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(answer(acme.owner_email.clone()).await, answer("nobody@x.example".into()).await);
    assert!(db.people().sign_in(&acme.owner_email, PASSWORD, Origin::default()).await.is_ok());
}

#[tokio::test]
async fn five_wrong_passwords_close_the_door_for_two_minutes() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    for _ in 0..5 {
        let wrong = db.people().sign_in(&acme.owner_email, "not the password", Origin::default()).await;
        assert!(matches!(wrong, Err(Error::Invalid(_))));
    }
    let closed = db.people().sign_in(&acme.owner_email, PASSWORD, Origin::default()).await;
    assert!(matches!(closed, Err(Error::TooMany(1..=120))), "{closed:?}");
    db.clock().advance(Duration::seconds(121));
    assert!(db.people().sign_in(&acme.owner_email, PASSWORD, Origin::default()).await.is_ok());
}

#[tokio::test]
async fn a_sign_up_with_a_problem_leaves_no_account() {
    let db = testing::db().await;
    let sign_up = async |zone: &str| {
        let person = NewPerson { name: "Nia".into(), email: "nia@x.example".into(), password: PASSWORD.into() };
        let company = NewCompany { name: "Acme".into(), slug: None, time_zone: Some(zone.to_owned()) };
        db.people().sign_up(person, company, Origin::default()).await
    };
    match sign_up("Atlantis/Capital").await {
        Err(Error::Invalid(problems)) => assert_eq!(problems[0].code, "time_zone_unknown"),
        other => panic!("{other:?}"),
    }
    sign_up("Europe/Berlin").await.expect("the corrected form works");
}

#[tokio::test]
async fn of_tries_that_come_together_five_are_free() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let tries = (0..20).map(|_| async { db.people().sign_in(&acme.owner_email, "not it", Origin::default()).await });
    let answers = futures::future::join_all(tries).await;
    let tried = answers.iter().filter(|a| matches!(a, Err(Error::Invalid(_)))).count();
    let refused = answers.iter().filter(|a| matches!(a, Err(Error::TooMany(120)))).count();
    assert_eq!((tried, refused), (5, 15));
}

#[tokio::test]
async fn a_host_has_fifty_tries_for_all_that_hashes_a_password() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let token = invite(&db, &acme.owner, "new@x.example").await;
    let office = Origin { ip: Some("192.0.2.7".into()), request_id: None };
    let sign_up = |n: usize| {
        let (db, origin) = (&db, office.clone());
        let person = NewPerson { name: "Nia".into(), email: format!("nia{n}@x.example"), password: PASSWORD.into() };
        let company = NewCompany { name: format!("Firm {n}"), slug: None, time_zone: None };
        async move { db.people().sign_up(person, company, origin).await }
    };
    for _ in 0..51 {
        db.people().sign_in(&acme.owner_email, PASSWORD, office.clone()).await.expect("what is right is not counted");
    }
    for n in 0..49 {
        sign_up(n).await.expect("a new account");
    }
    db.people().sign_in("nobody@x.example", "not it", office.clone()).await.expect_err("wrong");

    assert!(matches!(sign_up(49).await, Err(Error::TooMany(_))));
    let accept = || Accept::New { name: "Nia".into(), password: PASSWORD.into() };
    let joined = db.people().accept_invitation(&token, accept(), office.clone()).await;
    assert!(matches!(joined, Err(Error::TooMany(_))), "{joined:?}");
    let right = db.people().sign_in(&acme.owner_email, PASSWORD, office.clone()).await;
    assert!(matches!(right, Err(Error::TooMany(_))), "{right:?}");
    db.people().sign_in(&acme.owner_email, PASSWORD, Origin::default()).await.expect("others are let in");

    db.clock().advance(Duration::minutes(2));
    db.people().accept_invitation(&token, accept(), office).await.expect("the pause is over");
}

#[tokio::test]
async fn a_company_keeps_an_owner_and_nobody_climbs() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let admin = acme.member(Role::Admin).await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    assert!(matches!(t.members().remove(acme.owner_id).await, Err(Error::Conflict(_))));
    assert!(matches!(t.members().change_role(acme.owner_id, Role::Admin).await, Err(Error::Conflict(_))));
    // Its transaction holds the owners' rows.
    drop(t);
    let mut t = db.tenant(&admin).await.unwrap();
    let own = admin.user_id().unwrap();
    assert!(matches!(t.members().change_role(own, Role::Owner).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.members().remove(acme.owner_id).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn an_invitation_works_once_for_its_address_for_seven_days() {
    let db = testing::db_at(noon()).await;
    let (acme, other) = (db.company("Acme").await, db.company("Other").await);
    let mut t = db.tenant(&acme.owner).await.unwrap();
    t.invitations().invite("new@x.example", Role::Member).await.unwrap();
    assert!(matches!(t.invitations().invite("new@x.example", Role::Member).await, Err(Error::Invalid(_))));
    drop(t);

    let token = invite(&db, &acme.owner, "new@x.example").await;
    assert_eq!(db.people().invitation(&token).await.unwrap().state, InvitationState::Open);
    let wrong = db.people().accept_invitation(&token, Accept::As(other.owner_id), Origin::default()).await;
    assert!(matches!(wrong, Err(Error::Conflict(_))), "{wrong:?}");
    let accept = || Accept::New { name: "Nia".into(), password: PASSWORD.into() };
    let (_, membership) = db.people().accept_invitation(&token, accept(), Origin::default()).await.unwrap();
    assert_eq!((membership.company, membership.role), (acme.id, Role::Member));
    assert_eq!(db.people().invitation(&token).await.unwrap().state, InvitationState::Used);
    assert!(db.people().accept_invitation(&token, accept(), Origin::default()).await.is_err());

    let late = invite(&db, &acme.owner, "late@x.example").await;
    db.clock().advance(Duration::days(8));
    assert_eq!(db.people().invitation(&late).await.unwrap().state, InvitationState::Expired);
}

#[tokio::test]
async fn a_key_works_until_it_is_revoked_and_within_its_limit() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let (program, secret) = acme.key(&[Scope::LeadsRead]).await;
    assert_eq!(program.company(), acme.id);
    let mut passed = 1;
    let wait = loop {
        match db.people().key_actor(&secret, Origin::default()).await {
            Ok(_) => passed += 1,
            Err(Error::TooMany(wait)) => break wait,
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!((passed, wait), (600, 1));
    db.clock().advance(Duration::minutes(1));
    assert!(db.people().key_actor(&secret, Origin::default()).await.is_ok());

    let mut t = db.tenant(&acme.owner).await.unwrap();
    let id = t.keys().list().await.unwrap()[0].id;
    t.keys().revoke(id).await.unwrap();
    t.commit().await.unwrap();
    assert!(matches!(db.people().key_actor(&secret, Origin::default()).await, Err(Error::Unauthenticated)));
}

/// Invites and reads the link out of the mail that waits to be sent.
async fn invite(db: &testing::TestDb, owner: &service::Actor, email: &str) -> String {
    use sqlx::Connection;

    let mut t = db.tenant(owner).await.unwrap();
    t.invitations().invite(email, Role::Member).await.unwrap();
    t.commit().await.unwrap();
    let mut conn = sqlx::PgConnection::connect_with(&db.superuser()).await.unwrap();
    let body: String =
        sqlx::query_scalar("SELECT body FROM system_mails WHERE recipient = $1 ORDER BY created_at DESC LIMIT 1")
            .bind(email)
            .fetch_one(&mut conn)
            .await
            .unwrap();
    let link = body.lines().find(|l| l.contains("/invite/")).unwrap();
    link.rsplit_once("/invite/").unwrap().1.to_owned()
}
