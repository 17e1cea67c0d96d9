//! What keeps companies apart, asked of the database itself: the catalog for every table and
//! function there is, so that a new one cannot be forgotten, and the statements of an intruder.

use domain::{
    CompanyId, PageRequest, Role,
    campaigns::CampaignInput,
    leads::{LeadFilter, LeadInput, LeadSort, LeadSource},
};
use service::Error;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use testing::TestDb;

/// Tables that belong to no company. A person is in several companies; a session, a failed sign-in
/// and the list of migrations exist before there is one; a company is the thing itself.
const GLOBAL: [&str; 6] = ["_sqlx_migrations", "companies", "sessions", "sign_in_attempts", "sign_ups", "users"];

async fn connect(options: PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(&options).await.expect("the database answers")
}

/// Names that a query on the catalog finds; a rule holds when there are none.
async fn names(conn: &mut PgConnection, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).bind(&GLOBAL[..]).fetch_all(conn).await.expect("the catalog is readable")
}

#[tokio::test]
async fn every_table_belongs_to_companies_or_is_named_as_global() {
    let db = testing::db().await;
    let mut conn = connect(db.superuser()).await;
    let known = names(&mut conn, "SELECT tablename::text FROM pg_tables WHERE tablename = ANY($1) ORDER BY 1").await;
    assert_eq!(known, GLOBAL);

    let not_protected = names(
        &mut conn,
        "SELECT relname::text FROM pg_class c
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'm', 'f') AND relname <> ALL($1)
           AND NOT (relrowsecurity AND relforcerowsecurity
                    AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'
                                AND pg_get_expr(p.polqual, c.oid) LIKE '(company_id = ( SELECT current_company()%'
                                AND pg_get_expr(p.polwithcheck, c.oid) LIKE '(company_id = ( SELECT current_company()%'))",
    )
    .await;
    assert!(not_protected.is_empty(), "without row-level security: {not_protected:?}");

    let without_company = names(
        &mut conn,
        "SELECT relname::text FROM pg_class c
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> ALL($1)
           AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND attname = 'company_id' AND attnotnull)",
    )
    .await;
    assert!(without_company.is_empty(), "company_id is missing or may be null: {without_company:?}");

    let without_key = names(
        &mut conn,
        "SELECT relname::text FROM pg_class c
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> ALL($1)
           AND NOT EXISTS (SELECT FROM pg_index i
                           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                           WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL
                             AND a.attname = 'company_id')",
    )
    .await;
    assert!(without_key.is_empty(), "no unique key begins with the company: {without_key:?}");

    let views = names(
        &mut conn,
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' AND relname <> ALL($1)
           AND NOT coalesce('security_invoker=true' = ANY(reloptions), false)",
    )
    .await;
    assert!(views.is_empty(), "these views run with the rights of their owner: {views:?}");
}

#[tokio::test]
async fn a_reference_between_companies_tables_names_the_company() {
    let db = testing::db().await;
    let mut conn = connect(db.superuser()).await;
    // Checks of foreign keys bypass row-level security: without the company in the key, a row could
    // point at another company's.
    let loose = names(
        &mut conn,
        "SELECT k.conrelid::regclass || ': ' || pg_get_constraintdef(k.oid)
         FROM pg_constraint k JOIN pg_class target ON target.oid = k.confrelid
         WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND target.relname <> ALL($1)
           AND NOT EXISTS (
               SELECT FROM unnest(k.conkey, k.confkey) AS pair(here, there)
               JOIN pg_attribute h ON h.attrelid = k.conrelid AND h.attnum = pair.here AND h.attname = 'company_id'
               JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attnum = pair.there AND t.attname = 'company_id')",
    )
    .await;
    assert!(loose.is_empty(), "references that leave the company out: {loose:#?}");
}

#[tokio::test]
async fn the_application_is_not_above_the_rules() {
    let db = testing::db().await;
    service::db::check_app_role(&db.app()).await.expect("the role is a fit one");
    assert!(service::db::check_app_role(&db.owner()).await.is_err(), "the owner of tables is refused");
    assert!(service::db::check_app_role(&db.superuser()).await.is_err(), "a superuser is refused");

    let mut conn = connect(db.superuser()).await;
    let memberships: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_auth_members WHERE member = 'saleswright_app'::regrole")
            .fetch_one(&mut conn)
            .await
            .expect("the catalog is readable");
    assert_eq!(memberships, 0, "the application may become no other role");
    let sign_in: bool = sqlx::query_scalar("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'saleswright_platform'")
        .fetch_one(&mut conn)
        .await
        .expect("the role exists");
    assert!(!sign_in, "nobody signs in as the platform");
}

#[tokio::test]
async fn functions_that_look_across_companies_are_few_and_closed() {
    let db = testing::db().await;
    let mut conn = connect(db.superuser()).await;
    let open = names(
        &mut conn,
        "SELECT p.oid::regprocedure::text FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND cardinality($1::text[]) > 0
           AND NOT (p.proowner = 'saleswright_platform'::regrole
                    AND p.proconfig @> ARRAY['search_path=pg_catalog, public, pg_temp']
                    AND NOT has_function_privilege('public', p.oid, 'EXECUTE')
                    AND has_function_privilege('saleswright_app', p.oid, 'EXECUTE'))",
    )
    .await;
    assert!(open.is_empty(), "not closed: {open:#?}");

    let unnamed = names(
        &mut conn,
        "SELECT p.oid::regprocedure::text FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND cardinality($1::text[]) > 0
           AND p.proname NOT LIKE 'platform\\_%' AND p.proname NOT IN ('search_leads', 'search_documents', 'search_content')",
    )
    .await;
    assert!(unnamed.is_empty(), "their names do not say what they are: {unnamed:?}");
}

/// Two companies, the lead of the first, and the application's connection with the second set.
async fn two_companies(db: &TestDb) -> (CompanyId, uuid::Uuid, PgConnection) {
    let acme = db.company("Acme").await;
    let rival = db.company("Rival").await;
    let input = LeadInput { email: Some("ana@acme.example".to_owned()), ..Default::default() };
    let mut t = db.tenant(&acme.owner).await.expect("the company opens");
    let lead = t.leads().create(input, LeadSource::Manual).await.expect("the lead is made");
    t.commit().await.expect("kept");
    let mut intruder = connect(db.app()).await;
    sqlx::query("SELECT set_config('app.company_id', $1, false)")
        .bind(rival.id.to_string())
        .execute(&mut intruder)
        .await
        .expect("a company is set");
    (acme.id, lead.id.0, intruder)
}

/// The SQLSTATE that a statement ends with, or the number of rows it touched.
async fn attempt(conn: &mut PgConnection, sql: String) -> Result<u64, String> {
    match sqlx::query(AssertSqlSafe(sql)).execute(conn).await {
        Ok(done) => Ok(done.rows_affected()),
        Err(sqlx::Error::Database(error)) => Err(error.code().unwrap_or_default().into_owned()),
        Err(error) => panic!("not an answer of the database: {error}"),
    }
}

const INSUFFICIENT_PRIVILEGE: &str = "42501";
const FOREIGN_KEY_VIOLATION: &str = "23503";

#[tokio::test]
async fn without_a_company_there_is_no_query() {
    let db = testing::db().await;
    db.company("Acme").await;
    let mut conn = connect(db.app()).await;
    for sql in [
        "SELECT * FROM leads",
        "SELECT * FROM companies",
        "SELECT id FROM users",
        "DELETE FROM messages",
        "INSERT INTO accounts (id, name) VALUES (gen_random_uuid(), 'x')",
    ] {
        assert_eq!(attempt(&mut conn, sql.to_owned()).await, Err(INSUFFICIENT_PRIVILEGE.to_owned()), "{sql}");
    }
}

#[tokio::test]
async fn another_companys_rows_cannot_be_read_changed_or_pointed_at() {
    let db = testing::db().await;
    let (acme, lead, mut intruder) = two_companies(&db).await;
    for sql in [
        format!("SELECT * FROM leads WHERE id = '{lead}'"),
        format!("SELECT * FROM leads WHERE company_id = '{acme}'"),
        format!("SELECT * FROM companies WHERE id = '{acme}'"),
        format!("UPDATE leads SET last_name = 'x' WHERE id = '{lead}'"),
        format!("DELETE FROM leads WHERE id = '{lead}'"),
    ] {
        assert_eq!(attempt(&mut intruder, sql.clone()).await, Ok(0), "{sql}");
    }

    let planted = format!("INSERT INTO accounts (id, company_id, name) VALUES (gen_random_uuid(), '{acme}', 'x')");
    assert_eq!(attempt(&mut intruder, planted).await, Err(INSUFFICIENT_PRIVILEGE.to_owned()));

    let own = "INSERT INTO accounts (id, name) VALUES (gen_random_uuid(), 'x')".to_owned();
    assert_eq!(attempt(&mut intruder, own).await, Ok(1));
    let given_away = format!("UPDATE accounts SET company_id = '{acme}'");
    assert_eq!(attempt(&mut intruder, given_away).await, Err(INSUFFICIENT_PRIVILEGE.to_owned()));

    let pointed =
        format!("INSERT INTO lead_notes (id, lead_id, author, body) VALUES (gen_random_uuid(), '{lead}', 'x', 'x')");
    assert_eq!(attempt(&mut intruder, pointed).await, Err(FOREIGN_KEY_VIOLATION.to_owned()));
}

#[tokio::test]
async fn what_the_application_never_needs_is_closed_to_it() {
    let db = testing::db().await;
    let (_, _, mut conn) = two_companies(&db).await;
    for sql in [
        "SELECT password_hash FROM users",
        "UPDATE users SET name = 'x'",
        "UPDATE audit_events SET actor = 'x'",
        "DELETE FROM audit_events",
        "DELETE FROM companies",
        "SET ROLE saleswright_platform",
        "SELECT tenant_table('leads')",
        "CREATE TABLE mine (id int)",
    ] {
        assert_eq!(attempt(&mut conn, sql.to_owned()).await, Err(INSUFFICIENT_PRIVILEGE.to_owned()), "{sql}");
    }
}

#[tokio::test]
async fn one_company_does_not_see_the_other() {
    let db = testing::db().await;
    let (acme, other) = (db.company("Acme").await, db.company("Other").await);
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let input = LeadInput { email: Some("ana@x.example".into()), ..LeadInput::default() };
    let lead = t.leads().create(input, LeadSource::Manual).await.unwrap();
    let campaign =
        t.campaigns().create(CampaignInput { name: Some("Secret".into()), ..Default::default() }).await.unwrap();
    t.commit().await.unwrap();
    let mailbox = acme.mailbox().await;

    let mut t = db.tenant(&other.owner).await.unwrap();
    assert!(matches!(t.leads().get(lead.id).await, Err(Error::NotFound(_))));
    assert!(matches!(t.leads().delete(lead.id).await, Err(Error::NotFound(_))));
    assert!(matches!(t.campaigns().get(campaign.id).await, Err(Error::NotFound(_))));
    assert!(matches!(t.campaigns().start(campaign.id).await, Err(Error::NotFound(_))));
    assert!(matches!(t.campaigns().ledger(campaign.id).await, Err(Error::NotFound(_))));
    assert!(matches!(t.mailboxes().pause(mailbox).await, Err(Error::NotFound(_))));
    let page = t.leads().list(&LeadFilter::default(), LeadSort::default(), &PageRequest::default()).await.unwrap();
    assert!(page.items.is_empty());
    let stolen = CampaignInput { name: Some("Thief".into()), mailboxes: Some(vec![mailbox]), ..Default::default() };
    assert!(matches!(t.campaigns().create(stolen).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_refused_attempt_stands_in_the_audit_log() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let viewer = acme.member(Role::Viewer).await;
    let mut t = db.tenant(&viewer).await.unwrap();
    let refused = t.campaigns().create(CampaignInput { name: Some("No".into()), ..Default::default() }).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    drop(t);
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let denied = t.audit().list(true, &PageRequest::default()).await.unwrap().items;
    assert_eq!(denied.len(), 1);
    assert_eq!((denied[0].actor.as_str(), denied[0].action.as_str()), ("Viewer", "edit_campaigns"));
}

#[tokio::test]
async fn as_many_refused_attempts_at_once_as_there_are_connections_are_all_answered() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let viewer = acme.member(Role::Viewer).await;
    let mut held = Vec::new();
    for _ in 0..testing::CONNECTIONS {
        held.push(db.tenant(&viewer).await.unwrap());
    }
    let attempts = held
        .iter_mut()
        .map(async |t| t.campaigns().create(CampaignInput { name: Some("No".into()), ..Default::default() }).await);
    for refused in futures::future::join_all(attempts).await {
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    drop(held);
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let denied = t.audit().list(true, &PageRequest::default()).await.unwrap().items;
    assert_eq!(denied.len(), testing::CONNECTIONS as usize);
}

#[tokio::test]
async fn what_was_done_before_a_refusal_is_not_kept() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let member = acme.member(Role::Member).await;
    let mut t = db.tenant(&member).await.unwrap();
    let input = LeadInput { email: Some("ana@x.example".into()), ..LeadInput::default() };
    let lead = t.leads().create(input, LeadSource::Manual).await.unwrap();
    assert!(matches!(t.keys().list().await, Err(Error::Forbidden(_))));
    assert!(matches!(t.leads().get(lead.id).await, Err(Error::NotFound(_))), "the company is still the same");
    t.commit().await.unwrap();
    let mut t = db.tenant(&acme.owner).await.unwrap();
    assert!(matches!(t.leads().get(lead.id).await, Err(Error::NotFound(_))));
}
