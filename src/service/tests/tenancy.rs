//! The third and fourth lock on tenancy, read from the catalog of a migrated database.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use domain::{
    PageRequest, Role,
    campaigns::CampaignInput,
    leads::{LeadFilter, LeadInput, LeadSort, LeadSource},
};
use service::Error;
use sqlx::{Connection, PgConnection};

/// Tables that belong to nobody or to everybody. Everything else is a company's.
const GLOBAL: [&str; 4] = ["_sqlx_migrations", "sessions", "sign_in_attempts", "users"];

#[tokio::test]
async fn every_table_belongs_to_companies_or_stands_in_the_list() {
    let db = testing::db().await;
    let mut conn = PgConnection::connect_with(&db.superuser()).await.unwrap();
    let tables: Vec<(String, bool, bool, bool)> = sqlx::query_as(
        "SELECT c.relname::text, c.relrowsecurity AND c.relforcerowsecurity,
                EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname IN ('of_its_company', 'company_itself')),
                c.relname = 'companies' OR EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'company_id' AND a.attnotnull AND a.atthasdef)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let open: Vec<_> = tables
        .iter()
        .filter(|(name, secured, policy, company)| {
            !GLOBAL.contains(&name.as_str()) && !(*secured && *policy && *company)
        })
        .map(|(name, ..)| name)
        .collect();
    assert_eq!(open, Vec::<&String>::new());
    assert!(tables.len() > 20, "the catalog was read");
}

#[tokio::test]
async fn references_between_companies_tables_carry_the_company() {
    let db = testing::db().await;
    let mut conn = PgConnection::connect_with(&db.superuser()).await.unwrap();
    let loose: Vec<String> = sqlx::query_scalar(
        "SELECT k.conname::text FROM pg_constraint k
         JOIN pg_attribute here ON here.attrelid = k.conrelid AND here.attname = 'company_id'
         JOIN pg_attribute there ON there.attrelid = k.confrelid AND there.attname = 'company_id'
         WHERE k.contype = 'f' AND NOT (here.attnum = ANY (k.conkey))",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    assert_eq!(loose, Vec::<String>::new());
}

#[tokio::test]
async fn functions_that_look_across_companies_are_closed_to_others() {
    let db = testing::db().await;
    let mut conn = PgConnection::connect_with(&db.superuser()).await.unwrap();
    let wrong: Vec<String> = sqlx::query_scalar(
        "SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = 'public' AND p.prosecdef
           AND (pg_get_userbyid(p.proowner) <> 'saleswright_platform'
                OR NOT coalesce(array_to_string(p.proconfig, ',') LIKE '%search_path=%', false)
                OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn the_application_role_is_below_row_level_security() {
    let db = testing::db().await;
    service::db::check_app_role(&db.app()).await.unwrap();
    assert!(service::db::check_app_role(&db.owner()).await.is_err());
    assert!(service::db::check_app_role(&db.superuser()).await.is_err());
    let mut conn = PgConnection::connect_with(&db.app()).await.unwrap();
    let raised = sqlx::query("SELECT * FROM leads").fetch_all(&mut conn).await;
    assert!(raised.unwrap_err().to_string().contains("no company is set"));
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
