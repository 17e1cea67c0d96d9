//! Imports: what a file may be, and what becomes of its rows.

use std::collections::BTreeMap;

use crate::support::{lead, refused};
use domain::{
    EmailAddress, PageRequest, Role,
    imports::{DuplicatePolicy, Import, ImportColumn, ImportCounts, ImportField, ImportPlan, ImportState, Mapping},
    leads::{Lead, LeadEventKind, LeadFilter, LeadInput, LeadSource},
    suppressions::SuppressionTarget,
};
use service::{Actor, Db, Error, imports};
use sqlx::{Connection, PgConnection};

async fn upload(db: &Db, actor: &Actor, bytes: impl Into<Vec<u8>>) -> Result<Import, Error> {
    let mut t = db.tenant(actor).await?;
    let import = t.imports().upload("list.csv", bytes.into()).await?;
    t.commit().await?;
    Ok(import)
}

/// The mapping that the headings suggest.
fn guessed(columns: &[ImportColumn]) -> Mapping {
    columns.iter().filter_map(|c| Some((c.index, c.guess?))).collect()
}

/// Uploads, reviews and stores a file; what was counted must be what was done.
async fn import(db: &Db, actor: &Actor, duplicates: DuplicatePolicy, text: &str) -> Import {
    let made = upload(db, actor, text).await.unwrap();
    let mut t = db.tenant(actor).await.unwrap();
    let plan = ImportPlan { mapping: guessed(&made.columns), duplicates, tag: Some("Fair".into()) };
    assert_eq!(t.imports().plan(made.id, plan).await.unwrap().state, ImportState::Reviewing);
    t.commit().await.unwrap();
    imports::work(db, actor.company(), made.id).await.unwrap();

    let mut t = db.tenant(actor).await.unwrap();
    assert_eq!(t.imports().get(made.id).await.unwrap().state, ImportState::Ready);
    t.imports().start(made.id).await.unwrap();
    t.commit().await.unwrap();
    imports::work(db, actor.company(), made.id).await.unwrap();

    let mut t = db.tenant(actor).await.unwrap();
    let done = t.imports().get(made.id).await.unwrap();
    assert_eq!((done.state, done.preview), (ImportState::Completed, Some(done.counts)));
    assert_eq!(done.counts.total(), done.rows);
    done
}

async fn by_email(db: &Db, actor: &Actor, email: &str) -> Lead {
    let mut t = db.tenant(actor).await.unwrap();
    let id = t.leads().find_by_email(&EmailAddress::parse(email).unwrap()).await.unwrap().expect(email);
    t.leads().get(id).await.unwrap()
}

#[tokio::test]
async fn a_file_becomes_leads() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    t.suppressions().add(&[SuppressionTarget::parse("gone@b.example").unwrap()], None).await.unwrap();
    t.commit().await.unwrap();
    let text = "Name;E-Mail;Firma;Land;Tags;Basis\n\
                Ines Maria Albrecht;Ines@b.example;Corvus;de;a,b;fair visit\n\
                \"Jonas\nKeller\";jonas@b.example;corvus;;;\n\
                Nobody;;Halden;;;\n\
                ;gone@b.example;;;;\n\
                ;nonsense;;;;\n\
                ;x@b.example;;Germany;;\n\
                ;INES@b.example;;;;\n\
                ;;;;;\n\
                ;y@b.example;;;;;;;\n";
    let done = import(&db, &acme.owner, DuplicatePolicy::FillEmpty, text).await;
    let counts = ImportCounts { created: 4, updated: 0, skipped: 1, rejected: 4, suppressed: 1 };
    assert_eq!((done.counts, done.delimiter.as_str()), (counts, ";"));

    let ines = by_email(&db, &acme.owner, "ines@b.example").await;
    assert_eq!((ines.first_name.as_deref(), ines.last_name.as_deref()), (Some("Ines"), Some("Maria Albrecht")));
    assert_eq!((ines.country.as_deref(), ines.lawful_basis.as_deref()), (Some("DE"), Some("fair visit")));
    assert_eq!((ines.tags, ines.source), (vec!["a".to_owned(), "b".to_owned(), "fair".to_owned()], LeadSource::Import));
    assert_eq!(ines.owner_id, Some(acme.owner_id));
    let jonas = by_email(&db, &acme.owner, "jonas@b.example").await;
    assert_eq!((jonas.account_id, jonas.last_name.as_deref()), (ines.account_id, Some("Keller")));

    let mut t = db.tenant(&acme.owner).await.unwrap();
    let events = t.leads().timeline(ines.id, &PageRequest::default()).await.unwrap().items;
    assert_eq!((events[0].kind, events[0].text.as_deref()), (LeadEventKind::Imported, Some("From list.csv.")));
    let rejected = t.imports().rejected(done.id, &PageRequest::default()).await.unwrap().items;
    let blamed: Vec<_> = rejected.iter().map(|r| (r.row, r.column.as_deref(), r.value.as_deref())).collect();
    assert_eq!(
        blamed,
        [(5, Some("E-Mail"), Some("nonsense")), (6, Some("Land"), Some("Germany")), (8, None, None), (9, None, None)]
    );
    let csv = String::from_utf8(t.imports().rejected_csv(done.id).await.unwrap()).unwrap();
    assert!(csv.starts_with("\u{feff}Name;E-Mail;Firma;Land;Tags;Basis;reason\n;nonsense;;;;;An e-mail"), "{csv}");
}

#[tokio::test]
async fn the_policy_says_what_happens_to_leads_that_exist() {
    for (duplicates, title, phone, counts) in [
        (DuplicatePolicy::Skip, "CEO", None, ImportCounts { skipped: 2, ..ImportCounts::default() }),
        (DuplicatePolicy::FillEmpty, "CEO", Some("1"), ImportCounts { updated: 2, ..ImportCounts::default() }),
        (DuplicatePolicy::Overwrite, "CTO", Some("1"), ImportCounts { updated: 2, ..ImportCounts::default() }),
    ] {
        let db = testing::db().await;
        let acme = db.company("Acme").await;
        let mut t = db.tenant(&acme.owner).await.unwrap();
        let known = LeadInput { title: Some("CEO".into()), country: Some("DE".into()), ..lead("ines@b.example") };
        t.leads().create(known, LeadSource::Manual).await.unwrap();
        t.leads().create(lead("jonas@b.example"), LeadSource::Manual).await.unwrap();
        t.commit().await.unwrap();
        let text = "email,title,phone,country\nines@b.example,CTO,1,\njonas@b.example,,,\n";
        let done = import(&db, &acme.owner, duplicates, text).await;
        assert_eq!(done.counts, counts, "{duplicates}");
        let ines = by_email(&db, &acme.owner, "ines@b.example").await;
        assert_eq!((ines.title.as_deref(), ines.phone.as_deref()), (Some(title), phone), "{duplicates}");
        assert_eq!(ines.country.as_deref(), Some("DE"), "an empty value takes nothing away");
        if duplicates != DuplicatePolicy::Skip {
            let again = import(&db, &acme.owner, duplicates, text).await;
            assert_eq!(again.counts.skipped, 2, "{duplicates}: the second time nothing is new");
        }
    }
}

#[tokio::test]
async fn a_member_changes_no_lead_of_a_colleague() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let member = acme.member(Role::Member).await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    t.leads().create(lead("ines@b.example"), LeadSource::Manual).await.unwrap();
    t.commit().await.unwrap();
    let text = "email,title\nines@b.example,CTO\nnew@b.example,CTO\n";
    let done = import(&db, &member, DuplicatePolicy::Overwrite, text).await;
    assert_eq!(done.counts, ImportCounts { created: 1, skipped: 1, ..ImportCounts::default() });
    assert_eq!(by_email(&db, &acme.owner, "ines@b.example").await.title, None);
    assert_eq!(by_email(&db, &acme.owner, "new@b.example").await.owner_id, member.user_id());

    let mut t = db.tenant(&acme.owner).await.unwrap();
    let theirs = t.imports().upload("list.csv", text.into()).await.unwrap();
    t.commit().await.unwrap();
    let mut t = db.tenant(&member).await.unwrap();
    assert!(matches!(t.imports().cancel(theirs.id).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn a_worker_that_dies_is_followed_by_another_and_no_row_is_stored_twice() {
    let start = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let db = testing::db_at(start).await;
    let acme = db.company("Acme").await;
    let mut text = "email,company,first name\n".to_owned();
    for n in 0..12_000 {
        text += &match n % 100 {
            0 => format!("nonsense{n},,\n"),
            1 => format!("lead{}@b.example,,\n", n - n % 1000 + 5),
            _ => format!("lead{n}@b.example,Firm {},Ines\n", n % 50),
        };
    }
    let made = upload(&db, &acme.owner, text).await.unwrap();
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let plan = ImportPlan { mapping: guessed(&made.columns), duplicates: DuplicatePolicy::Overwrite, tag: None };
    t.imports().plan(made.id, plan).await.unwrap();
    t.commit().await.unwrap();
    imports::work(&db, acme.id, made.id).await.unwrap();
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let preview = t.imports().start(made.id).await.unwrap().preview.unwrap();
    t.commit().await.unwrap();

    // Each worker is cut off where it stands once it has stored something more, as by kill -9.
    let mut deaths = 0;
    let mut stored = 0;
    loop {
        let worker = tokio::spawn({
            let (db, company, import) = ((*db).clone(), acme.id, made.id);
            async move { imports::work(&db, company, import).await }
        });
        let state = loop {
            tokio::task::yield_now().await;
            let mut t = db.tenant(&acme.owner).await.unwrap();
            let now = t.imports().get(made.id).await.unwrap();
            if now.counts.total() > stored || worker.is_finished() {
                stored = now.counts.total();
                break now.state;
            }
        };
        if state == ImportState::Completed {
            worker.await.unwrap().unwrap();
            break;
        }
        worker.abort();
        let _ = worker.await;
        deaths += 1;
        // While the lease holds, nobody else touches the import.
        imports::work(&db, acme.id, made.id).await.unwrap();
        db.clock().advance(chrono::Duration::minutes(2));
    }
    assert!(deaths >= 2, "{deaths} workers died");

    let mut t = db.tenant(&acme.owner).await.unwrap();
    let done = t.imports().get(made.id).await.unwrap();
    assert_eq!((done.counts, done.counts.total()), (preview, 12_000));
    assert_eq!((done.counts.created, done.counts.skipped, done.counts.rejected), (11_760, 120, 120));
    let mut seen = 0;
    for page in 0..10 {
        // Counts stop at ten thousand, so they are added up by first digits.
        let filter = LeadFilter { q: Some(format!("lead{page}")), ..LeadFilter::default() };
        seen += t.leads().count(&filter).await.unwrap().value;
    }
    assert_eq!(seen, done.counts.created);
}

#[tokio::test]
async fn what_is_no_list_is_refused_in_its_own_words() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    for (bytes, code) in [
        (Vec::new(), "file_empty"),
        (b"PK\x03\x04 the rest of a workbook".to_vec(), "not_csv"),
        (b"a\0\0\0binary\x01\x02".to_vec(), "not_text"),
        (b"email,name\n".to_vec(), "rows_none"),
        (b"email,Email\na@b.example,\n".to_vec(), "heading_twice"),
        ((0..201).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",").into_bytes(), "columns_many"),
        (("email\n".to_owned() + &"a@b.example\n".repeat(200_001)).into_bytes(), "rows_many"),
        (vec![b'a'; 50 * 1024 * 1024 + 1], "file_large"),
    ] {
        match upload(&db, &acme.owner, bytes).await {
            Err(Error::Invalid(problems)) => assert_eq!(problems[0].code, code),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn encoding_and_separator_are_found_and_can_be_changed() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let text = "Vorname;E-Mail\nJürgen Größe;a@b.example\n";
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    for (bytes, encoding) in
        [(format!("\u{feff}{text}").into_bytes(), "UTF-8"), (utf16, "UTF-16LE"), (latin.clone(), "windows-1252")]
    {
        let import = upload(&db, &acme.owner, bytes).await.unwrap();
        assert_eq!((import.encoding.as_str(), import.delimiter.as_str(), import.rows), (encoding, ";", 1));
        assert_eq!(
            (import.columns[0].heading.as_str(), import.columns[0].samples[0].as_str()),
            ("Vorname", "Jürgen Größe")
        );
    }
    let import = upload(&db, &acme.owner, latin).await.unwrap();
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let changed = t.imports().set_format(import.id, "windows-1250", ",").await.unwrap();
    assert_eq!((changed.columns.len(), changed.encoding.as_str()), (1, "windows-1250"));
    assert!(matches!(t.imports().set_format(import.id, "UTF-8", ";").await, Err(Error::Invalid(_))));
    assert!(matches!(t.imports().set_format(import.id, "windows-1252", "x").await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_preview_reads_the_beginning_of_a_file() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut text = "email\nines@b.example\n".to_owned();
    text += &"nonsense\n".repeat(((1 << 20) - 20 - text.len()) / 9);
    // This row goes over the end of the first megabyte.
    text += "jonas@b.example.example.example\n";
    text += &"later@b.example\n".repeat(40_000);
    let import = upload(&db, &acme.owner, text).await.unwrap();
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let plan = ImportPlan { mapping: guessed(&import.columns), duplicates: DuplicatePolicy::Skip, tag: None };
    t.imports().plan(import.id, plan).await.unwrap();
    t.commit().await.unwrap();
    // What lies behind could not be read as text any more.
    let mut conn = PgConnection::connect_with(&db.superuser()).await.unwrap();
    let spoilt = sqlx::query("UPDATE import_chunks SET bytes = '\\xff' WHERE chunk_no >= 4").execute(&mut conn).await;
    assert_eq!(spoilt.unwrap().rows_affected(), 3);

    let mut t = db.tenant(&acme.owner).await.unwrap();
    let rows = t.imports().preview_rows(import.id).await.unwrap();
    let emails: Vec<_> = rows.iter().map(|row| row.email.as_deref()).collect();
    assert_eq!(emails, [Some("ines@b.example")]);
}

#[tokio::test]
async fn a_mapping_must_say_enough_and_no_field_twice() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let import = upload(&db, &acme.owner, "a,b\n1,2\n").await.unwrap();
    for (mapping, code) in [
        (vec![], "mapping_incomplete"),
        (vec![(0, ImportField::FirstName)], "mapping_incomplete"),
        (vec![(0, ImportField::Email), (1, ImportField::Email)], "field_twice"),
        (vec![(7, ImportField::Email)], "column_unknown"),
    ] {
        let mut t = db.tenant(&acme.owner).await.unwrap();
        let plan = ImportPlan { mapping: BTreeMap::from_iter(mapping), duplicates: DuplicatePolicy::Skip, tag: None };
        match t.imports().plan(import.id, plan).await {
            Err(Error::Invalid(problems)) => assert_eq!(problems[0].code, code),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn steps_come_in_their_order_and_stay_in_their_company() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let import = upload(&db, &acme.owner, "email,name\na@b.example,Ines Albrecht\nx,\n").await.unwrap();

    let mut t = db.tenant(&other.owner).await.unwrap();
    fn not_found<T: std::fmt::Debug>(result: Result<T, Error>) {
        assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    }
    let plan = ImportPlan { mapping: guessed(&import.columns), duplicates: DuplicatePolicy::Skip, tag: None };
    not_found(t.imports().get(import.id).await);
    not_found(t.imports().plan(import.id, plan.clone()).await);
    not_found(t.imports().start(import.id).await);
    not_found(t.imports().cancel(import.id).await);
    not_found(t.imports().set_format(import.id, "UTF-8", ",").await);
    not_found(t.imports().preview_rows(import.id).await);
    not_found(t.imports().rejected(import.id, &PageRequest::default()).await);
    not_found(t.imports().rejected_csv(import.id).await);
    assert!(t.imports().list(&PageRequest::default()).await.unwrap().items.is_empty());
    imports::work(&db, other.id, import.id).await.unwrap();

    let mut t = db.tenant(&acme.owner).await.unwrap();
    assert_eq!(refused(t.imports().start(import.id).await), ["set_format", "plan", "cancel"]);
    t.imports().plan(import.id, plan.clone()).await.unwrap();
    let preview = t.imports().preview_rows(import.id).await.unwrap();
    assert_eq!(preview.len(), 1);
    assert_eq!((preview[0].first_name.as_deref(), preview[0].last_name.as_deref()), (Some("Ines"), Some("Albrecht")));
    t.imports().cancel(import.id).await.unwrap();
    assert!(refused(t.imports().plan(import.id, plan).await).is_empty());
    assert_eq!(t.imports().list(&PageRequest::default()).await.unwrap().items[0].state, ImportState::Cancelled);

    let viewer = acme.member(Role::Viewer).await;
    assert!(matches!(upload(&db, &viewer, "email\na@b.example\n").await, Err(Error::Forbidden(_))));
}
