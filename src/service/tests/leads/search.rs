//! The one function that reads leads past the policy: it finds for the company that asks, and only then.

use domain::{
    PageRequest,
    leads::{LeadFilter, LeadInput, LeadSort, LeadSource},
};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::support::lead;

#[tokio::test]
async fn the_search_function_knows_no_other_company() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let input = LeadInput { tags: vec!["vip".into()], ..lead("ines@corvus.example") };
    let ines = t.leads().create(input, LeadSource::Manual).await.unwrap();
    t.commit().await.unwrap();

    // As the application role could call it at worst: by hand, with any arguments.
    let mut conn = PgConnection::connect_with(&db.app()).await.unwrap();
    let found = "SELECT search_leads($1, $2, NULL)";
    for (company, expected) in [(acme.id, vec![ines.id.0]), (other.id, vec![])] {
        sqlx::query("SELECT set_config('app.company_id', $1, false)")
            .bind(company.to_string())
            .execute(&mut conn)
            .await
            .unwrap();
        for (patterns, tags) in [(vec!["%ines%"], vec![]), (vec![], vec!["vip"]), (vec![], vec![])] {
            let ids: Vec<Uuid> =
                sqlx::query_scalar(found).bind(&patterns).bind(&tags).fetch_all(&mut conn).await.unwrap();
            assert_eq!(ids, expected, "{patterns:?} {tags:?}");
        }
    }
    // Patterns are values, whatever they hold.
    let evil = vec!["%' OR true --", "\\', '"];
    let ids: Vec<Uuid> =
        sqlx::query_scalar(found).bind(&evil).bind(Vec::<String>::new()).fetch_all(&mut conn).await.unwrap();
    assert!(ids.is_empty());
    // Without a company it is an error, not “all rows”.
    sqlx::query("RESET app.company_id").execute(&mut conn).await.unwrap();
    let refused = sqlx::query(found).bind(vec!["%"]).bind(Vec::<String>::new()).execute(&mut conn).await;
    assert!(refused.unwrap_err().to_string().contains("no company is set"));
}

#[tokio::test]
async fn a_common_word_gives_the_same_rows_as_a_rare_one() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    // More than the search collects before it walks along the order instead.
    for thousand in 0..11 {
        let inputs = (0..1_000)
            .map(|n| LeadInput { tags: vec!["all".into()], ..lead(&format!("lead{thousand}-{n}@corvus.example")) })
            .collect();
        t.leads().bulk_upsert(inputs).await.unwrap();
    }
    let sort = LeadSort::parse("name").unwrap();
    let every = LeadFilter::default();
    for common in [
        LeadFilter { q: Some("corvus LEAD".into()), ..every.clone() },
        LeadFilter { q: Some("le".into()), ..every.clone() },
        LeadFilter { tag: vec!["all".into()], ..every.clone() },
    ] {
        let count = t.leads().count(&common).await.unwrap();
        assert_eq!((count.value, count.more), (10_000, true));
        let mut request = PageRequest { per: Some(100), ..PageRequest::default() };
        for _ in 0..3 {
            let all = t.leads().list(&every, sort, &request).await.unwrap();
            assert_eq!(t.leads().list(&common, sort, &request).await.unwrap(), all);
            request.after = all.next;
        }
        let rare = LeadFilter { q: Some("lead10-999".into()), ..common };
        assert_eq!(t.leads().count(&rare).await.unwrap().value, 1);
        assert_eq!(t.leads().list(&rare, sort, &PageRequest::default()).await.unwrap().items.len(), 1);
    }
}
