//! Agents of a company: versions that are never edited, files that come and go, and a catalogue that is
//! followed until somebody changes an agent.

use domain::{
    Role,
    agents::{Definition, Origin, Team},
};
use service::{Actor, Db, Error, agents::refresh};
use sqlx::{Connection, PgConnection};

fn definition(name: &str, instructions: &str) -> Definition {
    Definition::new(name, "Counts leads.", instructions)
}

async fn create(db: &Db, actor: &Actor, definition: Definition) -> service::Result<domain::agents::AgentSummary> {
    let mut t = db.tenant(actor).await?;
    let agent = t.agents().create(definition).await?;
    t.commit().await?;
    Ok(agent)
}

#[tokio::test]
async fn a_company_begins_with_the_catalogue() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    let mut t = db.tenant(&company.owner).await.expect("open");
    let agents = t.agents().list().await.expect("a list");
    assert_eq!(agents.len(), 28);
    assert!(agents.iter().all(|agent| agent.enabled && agent.version == 1 && agent.origin == Origin::Catalogue));
    assert!(agents.is_sorted_by_key(|agent| (agent.team, agent.name.clone())));
    let copywriter = t.agents().by_name("Copywriter").await.expect("case does not matter");
    let read = t.agents().definition(copywriter).await.expect("a definition");
    assert_eq!((read.name.as_str(), read.team), ("copywriter", Team::Marketing));
}

#[tokio::test]
async fn every_change_is_a_version_and_any_of_them_comes_back() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    let agent = create(&db, &company.owner, definition("counter", "Count.")).await.expect("made");
    assert_eq!((agent.version, agent.origin, agent.team), (1, Origin::Written, Team::Own));

    let mut t = db.tenant(&company.owner).await.expect("open");
    let same = t.agents().update(agent.id, definition("counter", "Count."), "", Some(1)).await.expect("fine");
    assert_eq!(same.version, 1, "the same words make no version");
    let second =
        t.agents().update(agent.id, definition("counter", "Count twice."), "Twice", Some(1)).await.expect("fine");
    assert_eq!(second.version, 2);
    let stale = t.agents().update(agent.id, definition("counter", "Count thrice."), "", Some(1)).await;
    assert!(matches!(stale, Err(Error::Conflict(p)) if p.code == "stale"));
    let third = t.agents().restore(agent.id, 1).await.expect("restored");
    assert_eq!(third.version, 3);
    assert_eq!(t.agents().definition(agent.id).await.expect("read").instructions, "Count.");
    let notes: Vec<_> = t.agents().versions(agent.id).await.expect("a list").into_iter().map(|v| v.note).collect();
    assert_eq!(notes, ["Version 1 restored", "Twice", "Written"]);
    assert!(matches!(t.agents().restore(agent.id, 9).await, Err(Error::NotFound("version"))));
}

#[tokio::test]
async fn a_name_belongs_to_one_agent_until_it_is_deleted() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    let first = create(&db, &company.owner, definition("Counter", "Count.")).await.expect("made");
    let taken = create(&db, &company.owner, definition("counter", "Count.")).await;
    assert!(matches!(taken, Err(Error::Conflict(p)) if p.code == "name_taken"));

    let mut t = db.tenant(&company.owner).await.expect("open");
    t.agents().delete(first.id).await.expect("deleted");
    assert!(matches!(t.agents().get(first.id).await, Err(Error::NotFound("agent"))));
    assert!(matches!(t.agents().versions(first.id).await, Err(Error::NotFound("agent"))));
    t.agents().create(definition("counter", "Count.")).await.expect("the name is free");
}

#[tokio::test]
async fn only_who_may_manage_agents_changes_them() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    for role in [Role::Viewer, Role::Member, Role::Manager] {
        let actor = company.member(role).await;
        let denied = create(&db, &actor, definition("counter", "Count.")).await;
        assert!(matches!(denied, Err(Error::Forbidden(_))), "{role}");
        let mut t = db.tenant(&actor).await.expect("open");
        assert!(!t.agents().list().await.expect("everybody reads").is_empty());
        let id = t.agents().by_name("copywriter").await.expect("there");
        assert!(matches!(t.agents().set_enabled(id, false).await, Err(Error::Forbidden(_))), "{role}");
    }
    create(&db, &company.member(Role::Admin).await, definition("counter", "Count.")).await.expect("an admin may");
}

#[tokio::test]
async fn files_make_agents_and_new_versions_and_a_bad_one_keeps_no_other_back() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = [
        file("a.md", "---\nname: reviewer\ndescription: Looks: at things\ntools: Read, Bash\n---\nLook.\n"),
        file("b.md", "no front matter"),
        file("c.md", "---\nname: Reviewer\ndescription: Looks twice.\n---\nLook twice.\n"),
        file("d.md", "---\nname: nul\ndescription: \"a\\0b\"\n---\nLook.\n"),
    ];
    let mut t = db.tenant(&company.owner).await.expect("open");
    let outcomes = t.agents().import(&files).await.expect("imported");
    let said: Vec<_> = outcomes
        .iter()
        .map(|o| match &o.result {
            Ok(imported) => format!("{} version {}", imported.name, imported.version),
            Err(problem) => problem.message.clone(),
        })
        .collect();
    assert_eq!(said[0], "reviewer version 1");
    assert!(said[1].starts_with("Line 1: begin the file"), "{}", said[1]);
    assert_eq!(said[2], "Reviewer version 2");
    assert!(said[3].contains("cannot be stored"), "{}", said[3]);
    let id = t.agents().by_name("reviewer").await.expect("there");
    assert_eq!(t.agents().get(id).await.expect("there").origin, Origin::Imported);

    // What is written out is what can be read in again.
    let text = t.agents().file(id, 2).await.expect("a file");
    let again = t.agents().import(&[("again.md".to_owned(), text)]).await.expect("imported");
    assert!(matches!(&again[0].result, Ok(imported) if !imported.changed));
}

#[tokio::test]
async fn an_agent_follows_the_catalogue_until_somebody_changes_it() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    let mut t = db.tenant(&company.owner).await.expect("open");
    let edited = t.agents().by_name("copywriter").await.expect("there");
    let mut definition = t.agents().definition(edited).await.expect("read");
    definition.instructions = "Write like us.".to_owned();
    t.agents().update(edited, definition, "Our voice", None).await.expect("edited");
    let deleted = t.agents().by_name("visual-designer").await.expect("there");
    t.agents().delete(deleted).await.expect("deleted");
    let followed = t.agents().by_name("test-orchestrator").await.expect("there");
    t.commit().await.expect("kept");
    refresh(&db).await.expect("nothing to do");

    // As if the catalogue of this company came from an earlier product.
    let mut conn = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    let older = "---\nname: test-orchestrator\ndescription: Older.\n---\n\nOlder.\n";
    sqlx::query("UPDATE agent_versions SET definition = $1 WHERE agent_id = $2")
        .bind(older)
        .bind(followed.0)
        .execute(&mut conn)
        .await
        .expect("changed");
    sqlx::query("UPDATE companies SET catalogue = 'older'").execute(&mut conn).await.expect("changed");
    refresh(&db).await.expect("brought up to date");

    let mut t = db.tenant(&company.owner).await.expect("open");
    assert_eq!(t.agents().get(followed).await.expect("there").version, 2);
    assert_ne!(t.agents().definition(followed).await.expect("read").description, "Older.");
    assert_eq!(t.agents().definition(edited).await.expect("read").instructions, "Write like us.");
    assert!(matches!(t.agents().by_name("visual-designer").await, Err(Error::NotFound(_))), "it stays deleted");
    assert_eq!(t.agents().list().await.expect("a list").len(), 27);
}

#[tokio::test]
async fn a_playbook_that_could_fill_the_memory_is_refused_unless_the_catalogue_has_it() {
    let db = testing::db().await;
    let company = db.company("Acme").await;
    let text = "---\nname: bomb\ndescription: Grows.\nplaybook:\n  - answer: '{% set a = a ~ a %}{{ a }}'\n---\nGrow.";
    let refused = create(&db, &company.owner, Definition::from_markdown(text).expect("a file")).await;
    assert!(matches!(refused, Err(Error::Invalid(problems)) if problems[0].code == "playbook_grows"));

    let mut t = db.tenant(&company.owner).await.expect("open");
    for agent in t.agents().list().await.expect("a list") {
        let mut definition = t.agents().definition(agent.id).await.expect("a definition");
        definition.instructions.push_str("\n\nBe brief.");
        let kept = t.agents().update(agent.id, definition, "", None).await;
        assert!(kept.is_ok(), "{}: {kept:?}", agent.name);
    }
}
