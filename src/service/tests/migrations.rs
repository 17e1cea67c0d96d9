//! The way back is tried before it is needed: down to nothing and up again gives the same schema.

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

/// Everything of the schema that a migration can make, in words.
const SCHEMA: &str = "
    WITH ours AS (
        SELECT oid, relname, relkind, relrowsecurity, relforcerowsecurity, relacl FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_sqlx\\_migrations%'
    ), functions AS (
        SELECT p.oid, p.proacl, p.proowner FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    )
    SELECT concat_ws(' ', relkind, relname, relrowsecurity, relforcerowsecurity, relacl) FROM ours
    UNION ALL
    SELECT concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull, attacl,
                     pg_get_expr(adbin, adrelid))
    FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped AND relkind = 'r'
    LEFT JOIN pg_attrdef ON adrelid = ours.oid AND adnum = attnum
    UNION ALL
    SELECT concat_ws(' ', 'constraint', relname, conname, pg_get_constraintdef(c.oid))
    FROM ours JOIN pg_constraint c ON conrelid = ours.oid
    UNION ALL
    SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid)) FROM ours JOIN pg_index ON indrelid = ours.oid
    UNION ALL
    SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid))
    FROM ours JOIN pg_trigger t ON tgrelid = ours.oid AND NOT tgisinternal
    UNION ALL
    SELECT concat_ws(' ', 'policy', tablename, policyname, permissive, roles, cmd, qual, with_check)
    FROM pg_policies WHERE schemaname = 'public'
    UNION ALL
    SELECT concat_ws(' ', 'function', pg_get_functiondef(oid), proowner::regrole, proacl) FROM functions
    UNION ALL
    SELECT concat_ws(' ', 'extension', extname) FROM pg_extension WHERE extname <> 'plpgsql'
    ORDER BY 1";

async fn schema(options: &PgConnectOptions) -> Vec<String> {
    let mut conn = PgConnection::connect_with(options).await.expect("the database answers");
    sqlx::query_scalar(SCHEMA).fetch_all(&mut conn).await.expect("the catalog is readable")
}

#[tokio::test]
async fn down_to_nothing_and_up_again_is_the_same_schema() {
    let db = testing::db().await;
    let before = schema(&db.superuser()).await;
    assert!(before.len() > 200, "the schema is there");

    service::db::migrate_down(&db.owner(), 0).await.expect("every migration has a way back");
    let nothing: Vec<String> = Vec::new();
    assert_eq!(schema(&db.superuser()).await, nothing, "nothing is left behind");

    service::db::migrate(&db.owner()).await.expect("the migrations run again");
    let after = schema(&db.superuser()).await;
    let lost: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(lost.is_empty() && new.is_empty(), "lost {lost:#?}\nnew {new:#?}");
}

#[tokio::test]
async fn every_migration_can_be_taken_back_alone() {
    let db = testing::db().await;
    let before = schema(&db.superuser()).await;
    let mut versions: Vec<i64> = service::db::MIGRATOR.iter().map(|m| m.version).collect();
    versions.sort_unstable();
    versions.dedup();
    for version in versions.into_iter().rev() {
        service::db::migrate_down(&db.owner(), version - 1).await.expect("the migration has a way back");
    }
    service::db::migrate(&db.owner()).await.expect("the migrations run again");
    assert_eq!(schema(&db.superuser()).await, before);
}

#[tokio::test]
async fn migrating_twice_and_at_once_changes_nothing() {
    let db = testing::db().await;
    let before = schema(&db.superuser()).await;
    let owner = db.owner();
    for run in futures::future::join_all((0..4).map(|_| service::db::migrate(&owner))).await {
        run.expect("each waits for the others and ends well");
    }
    assert_eq!(schema(&db.superuser()).await, before);
}

#[tokio::test]
async fn processes_that_start_at_once_make_the_roles_once() {
    let db = testing::db().await;
    let superuser = db.superuser();
    let database = superuser.get_database().expect("a test has a database").to_owned();
    let starts = (0..8).map(|_| service::db::bootstrap(&superuser, &database));
    for start in futures::future::join_all(starts).await {
        start.expect("everybody finds what the first one made");
    }
}
