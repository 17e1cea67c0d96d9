//! Companies and people as values: a test names only what it is about.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::{
    CompanyId, MailboxId, Role, UserId,
    companies::NewCompany,
    keys::Scope,
    mailboxes::{MailboxInput, MailboxKind},
};
use service::{Actor, Db, Origin, people::NewPerson};

use crate::TestDb;

/// Password of everybody in tests.
pub const PASSWORD: &str = "correct horse battery";

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A company with its owner.
#[derive(Debug)]
pub struct TestCompany<'d> {
    db: &'d Db,
    /// Id.
    pub id: CompanyId,
    /// Slug.
    pub slug: String,
    /// The owner.
    pub owner: Actor,
    /// The owner's account.
    pub owner_id: UserId,
    /// The owner's address; everybody's password is [`PASSWORD`].
    pub owner_email: String,
}

impl TestDb {
    /// A company with an owner and a postal address.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn company(&self, name: &str) -> TestCompany<'_> {
        company(self, name).await
    }
}

/// A company in any installation, with an owner and a postal address.
///
/// # Panics
/// When it cannot be made.
pub async fn company<'d>(db: &'d Db, name: &str) -> TestCompany<'d> {
    let person = new_person(name);
    let owner_email = person.email.clone();
    let company = NewCompany { name: name.to_owned(), slug: None, time_zone: Some("Europe/Berlin".to_owned()) };
    let (person, membership) =
        db.people().sign_up(person, company, Origin::default()).await.expect("the company is made");
    let (owner, ..) =
        db.people().actor(person.id, &membership.slug, Origin::default()).await.expect("the owner belongs to it");
    let mut t = db.tenant(&owner).await.expect("the company opens");
    let change = domain::companies::CompanyChange {
        postal_address: Some("Werkstraße 4, 10115 Berlin".to_owned()),
        ..Default::default()
    };
    t.update_company(change).await.expect("the address is set");
    t.commit().await.expect("kept");
    TestCompany { db, id: membership.company, slug: membership.slug, owner, owner_id: person.id, owner_email }
}

impl TestCompany<'_> {
    /// Another person of the company.
    ///
    /// # Panics
    /// When they cannot be made.
    pub async fn member(&self, role: Role) -> Actor {
        let person = self.db.people().create_user(new_person(role.label())).await.expect("the person is made");
        let mut t = self.db.tenant(&self.owner).await.expect("the company opens");
        t.members().add_existing(person.id, role).await.expect("the person joins");
        t.commit().await.expect("kept");
        let origin = Origin::default();
        self.db.people().actor(person.id, &self.slug, origin).await.expect("the person belongs to it").0
    }

    /// An API key: the program as an actor, and the secret.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn key(&self, scopes: &[Scope]) -> (Actor, String) {
        let mut t = self.db.tenant(&self.owner).await.expect("the company opens");
        let (_, secret) = t.keys().create("Test", scopes, None).await.expect("the key is made");
        t.commit().await.expect("kept");
        let key = self.db.people().key_actor(&secret, Origin::default()).await.expect("the key works");
        (key.actor, secret)
    }

    /// A sandbox mailbox.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn mailbox(&self) -> MailboxId {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let input = MailboxInput {
            kind: Some(MailboxKind::Sandbox),
            from_name: Some("Nora Berg".to_owned()),
            address: Some(format!("nora{n}@halden.example")),
            ..MailboxInput::default()
        };
        let mut t = self.db.tenant(&self.owner).await.expect("the company opens");
        let mailbox = t.mailboxes().create(input).await.expect("the mailbox is made");
        t.commit().await.expect("kept");
        mailbox.id
    }
}

fn new_person(name: &str) -> NewPerson {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    NewPerson { name: name.to_owned(), email: format!("person{n}@people.example"), password: PASSWORD.to_owned() }
}
