//! Jobs by name: with whose rights they are done, what they leave, and that nothing is done twice.

use std::collections::BTreeMap;

use domain::{
    CampaignId, ContentId, PageRequest, Role,
    agents::Definition,
    campaigns::CampaignInput,
    content::{ContentFilter, ContentInput, ContentKind},
    keys::Scope,
    named_jobs::{JobState, MarketingReport, NamedJob},
    runs::RunOrigin,
};
use serde_json::Map;
use service::{Actor, Db, Error, named_jobs::work};

async fn campaign(db: &Db, actor: &Actor, name: &str) -> CampaignId {
    let mut t = db.tenant(actor).await.expect("open");
    let input = CampaignInput { name: Some(name.to_owned()), ..CampaignInput::default() };
    let campaign = t.campaigns().create(input).await.expect("made");
    t.commit().await.expect("kept");
    campaign.id
}

async fn write(db: &Db, actor: &Actor, kind: ContentKind, campaign: Option<CampaignId>) -> ContentId {
    let mut t = db.tenant(actor).await.expect("open");
    let (title, body) = ("Glass".to_owned(), "Text.".to_owned());
    let input = ContentInput { kind, title, body, metadata: BTreeMap::new(), campaign };
    let id = t.content().create(input).await.expect("made").id;
    t.commit().await.expect("kept");
    id
}

async fn ask(db: &Db, actor: &Actor, campaign: CampaignId) -> NamedJob {
    let mut t = db.tenant(actor).await.expect("open");
    let job = t.named_jobs().generate_marketing_report(campaign).await.expect("asked");
    t.commit().await.expect("kept");
    job
}

async fn done(db: &Db, actor: &Actor, job: &NamedJob) -> NamedJob {
    work(db, actor.company(), job.id).await.expect("done");
    db.tenant(actor).await.expect("open").named_jobs().get(job.id).await.expect("a job")
}

#[tokio::test]
async fn a_report_counts_what_belongs_to_its_campaign_and_is_one_text_in_versions() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let (spring, autumn) = (campaign(&db, &acme.owner, "Spring").await, campaign(&db, &acme.owner, "Autumn").await);
    for (kind, of) in [
        (ContentKind::Blog, Some(spring)),
        (ContentKind::Blog, Some(spring)),
        (ContentKind::Social, Some(spring)),
        (ContentKind::Image, Some(spring)),
        (ContentKind::Image, Some(autumn)),
        (ContentKind::Blog, None),
    ] {
        write(&db, &acme.owner, kind, of).await;
    }
    // A text that describes an image is none yet.
    let image = write(&db, &acme.owner, ContentKind::Image, Some(spring)).await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    t.content().attach(image, "glass.png", b"\x89PNG\r\n\x1a\n").await.expect("taken");
    t.commit().await.expect("kept");
    let job = ask(&db, &acme.owner, spring).await;
    assert_eq!(job.state, JobState::Queued);
    assert_eq!(ask(&db, &acme.owner, spring).await.id, job.id, "who asks twice means the same report");
    let waiting = db.platform().waiting_named_jobs(db.clock().now() + chrono::Duration::minutes(1)).await;
    assert_eq!(waiting.expect("a list"), [(acme.owner.company(), job.id)], "a lost wake-up is made good");

    let job = done(&db, &acme.owner, &job).await;
    assert_eq!(job.state, JobState::Done, "{:?}", job.error);
    let answer: MarketingReport = serde_json::from_value(job.answer.clone().expect("an answer")).expect("a report");
    let expected = MarketingReport {
        campaign_id: spring,
        blog_posts: 2,
        social_media_posts: 1,
        images_generated: 1,
        emails_sent: 0,
    };
    assert_eq!(answer, expected);
    assert_eq!(done(&db, &acme.owner, &job).await, job, "a job that is woken twice is done once");

    write(&db, &acme.owner, ContentKind::Social, Some(spring)).await;
    let second = ask(&db, &acme.owner, spring).await;
    assert_ne!(second.id, job.id);
    let second = done(&db, &acme.owner, &second).await;
    assert_eq!(second.content, job.content, "the reports of a campaign are one text");
    let mut t = db.tenant(&acme.owner).await.expect("open");
    assert_eq!(t.named_jobs().latest_report(spring).await.expect("a report").id, second.id);
    assert!(matches!(t.named_jobs().latest_report(autumn).await, Err(Error::NotFound("report"))));
    let filter = ContentFilter { kind: Some(ContentKind::Report), q: None };
    let texts = t.content().list(&filter, &PageRequest::default()).await.expect("a list").items;
    assert_eq!(texts.len(), 1);
    let text = t.content().get(texts[0].id).await.expect("a text");
    assert_eq!((text.version, text.campaign, text.title.as_str()), (2, Some(spring), "Report of Spring"));
    assert_eq!(text.metadata["social_media_posts"], "2");
    assert_eq!(text.author, acme.owner.to_string(), "it is by whoever asked for it");
}

#[tokio::test]
async fn an_execution_is_a_run_with_the_rights_of_whoever_asked() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let file = "---\nname: reader\ndescription: Reads.\n---\nRead.\n";
    t.agents().create(Definition::from_markdown(file).expect("a file")).await.expect("made");
    t.commit().await.expect("kept");
    let (program, _) = acme.key(&[Scope::RunsWrite]).await;

    let mut t = db.tenant(&program).await.expect("open");
    let known =
        t.named_jobs().execute_marketing_agent("reader".into(), "Read".into(), Map::new()).await.expect("asked");
    let unknown =
        t.named_jobs().execute_marketing_agent("nobody".into(), "Read".into(), Map::new()).await.expect("asked");
    t.commit().await.expect("kept");
    let known = done(&db, &program, &known).await;
    assert_eq!(known.state, JobState::Running, "{:?}", known.error);
    let run = db.tenant(&program).await.expect("open").runs().get(known.run.expect("a run")).await.expect("a run");
    assert_eq!((run.agent.as_str(), run.task.as_str(), run.origin), ("reader", "Read", RunOrigin::Key));
    let unknown = done(&db, &program, &unknown).await;
    assert_eq!((unknown.state, unknown.error.as_deref()), (JobState::Failed, Some("There is no such agent.")));

    let mut t = db.tenant(&program).await.expect("open");
    let late = t.named_jobs().execute_marketing_agent("reader".into(), "Read".into(), Map::new()).await.expect("asked");
    t.commit().await.expect("kept");
    let mut t = db.tenant(&acme.owner).await.expect("open");
    t.keys().revoke(program.api_key_id().expect("a key")).await.expect("revoked");
    t.commit().await.expect("kept");
    let late = done(&db, &acme.owner, &late).await;
    assert_eq!((late.state, late.run), (JobState::Failed, None), "no rights, no run");
}

#[tokio::test]
async fn who_may_not_ask_is_refused_and_nobody_reads_the_jobs_of_others() {
    let db = testing::db().await;
    let (acme, rival) = (db.company("Acme").await, db.company("Rival").await);
    let spring = campaign(&db, &acme.owner, "Spring").await;
    let job = ask(&db, &acme.owner, spring).await;
    let viewer = acme.member(Role::Viewer).await;
    let mut t = db.tenant(&viewer).await.expect("open");
    assert!(matches!(t.named_jobs().generate_marketing_report(spring).await, Err(Error::Forbidden(_))));
    assert!(matches!(
        t.named_jobs().execute_marketing_agent(String::new(), String::new(), Map::new()).await,
        Err(Error::Forbidden(_))
    ));
    assert_eq!(t.named_jobs().get(job.id).await.expect("a job").id, job.id);
    drop(t);
    let mut t = db.tenant(&rival.owner).await.expect("open");
    assert!(matches!(t.named_jobs().get(job.id).await, Err(Error::NotFound("job"))));
    assert!(matches!(t.named_jobs().generate_marketing_report(spring).await, Err(Error::NotFound("campaign"))));
    drop(t);
    work(&db, rival.owner.company(), job.id).await.expect("nothing to do");
    let still = db.tenant(&acme.owner).await.expect("open").named_jobs().get(job.id).await.expect("a job");
    assert_eq!(still.state, JobState::Queued, "a job is done in its own company");
}
