//! Triggers: what starts runs by itself, once, with the rights of whoever saved it, and within its bounds.

use chrono::{DateTime, Duration, Utc};
use domain::{
    AgentId, LeadId, PageRequest, Role, RunId, TriggerId,
    agents::Definition,
    campaigns::{CampaignInput, CampaignState},
    leads::{BulkAction, LeadInput, LeadSelection, LeadSource},
    runs::{Run, RunFilter, RunOrigin},
    triggers::{Firing, FiringState, Misfire, NotStarted, TriggerInput, When, WhileBusy},
};
use serde_json::{Value, json};
use service::{
    Actor, Db, Error, Tenant,
    runs::RunInHand,
    triggers::{fire, fire_due},
};
use sqlx::{Connection, PgConnection};
use testing::{TestCompany, TestDb};

/// A Friday in November; Berlin is one hour ahead of UTC.
fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// An agent that takes a lead, or nothing.
async fn agent(t: &mut Tenant, name: &str) -> AgentId {
    let text = format!(
        "---\nname: {name}\ndescription: Tests.\ninputs: {{type: object, properties: {{lead: {{type: string, format: lead, \
         title: Lead}}, campaign: {{type: string, format: campaign}}}}, additionalProperties: false}}\n---\nDo it."
    );
    t.agents().create(Definition::from_markdown(&text).expect("a file")).await.expect("created").id
}

fn input(name: &str, when: When, parameters: Value) -> TriggerInput {
    TriggerInput {
        name: name.to_owned(),
        when,
        task: "Look at it.".to_owned(),
        parameters: parameters.as_object().expect("an object").clone(),
        while_busy: WhileBusy::Queue,
        hourly_cap: 10,
        enabled: true,
    }
}

fn hourly(misfire: Misfire) -> When {
    When::Schedule { cron: "0 * * * *".to_owned(), time_zone: None, misfire }
}

fn about_leads(name: &str) -> TriggerInput {
    input(name, When::LeadCreated { tag: None }, json!({ "lead": "{{lead}}" }))
}

async fn lead(t: &mut Tenant, email: &str) -> LeadId {
    let input = LeadInput { email: Some(email.to_owned()), ..LeadInput::default() };
    t.leads().create(input, LeadSource::Manual).await.expect("made").id
}

/// An agent with one trigger.
async fn set_up(db: &TestDb, actor: &Actor, name: &str, input: TriggerInput) -> (AgentId, TriggerId) {
    let mut t = db.tenant(actor).await.expect("open");
    let agent = agent(&mut t, name).await;
    let trigger = t.triggers().create(agent, input).await.expect("made").id;
    t.commit().await.expect("kept");
    (agent, trigger)
}

async fn firings(db: &TestDb, company: &TestCompany<'_>, (agent, trigger): (AgentId, TriggerId)) -> Vec<Firing> {
    let mut t = db.tenant(&company.owner).await.expect("open");
    t.triggers().firings(agent, trigger, &PageRequest::default()).await.expect("a list").items
}

/// Why nothing was started, and how many things that stands for; the newest first.
fn reasons(firings: &[Firing]) -> Vec<(NotStarted, i32)> {
    firings.iter().filter_map(|firing| Some((firing.reason?, firing.events))).collect()
}

fn started(firings: &[Firing]) -> Vec<RunId> {
    firings.iter().filter(|firing| firing.state == FiringState::Started).filter_map(|firing| firing.run).collect()
}

async fn runs(db: &TestDb, company: &TestCompany<'_>) -> Vec<Run> {
    let mut t = db.tenant(&company.owner).await.expect("open");
    t.runs().list(&RunFilter::default(), &PageRequest::default()).await.expect("a list").items
}

async fn take(db: &TestDb, company: &TestCompany<'_>, run: RunId) -> Option<RunInHand> {
    RunInHand::take(db, company.id, run).await.expect("asked")
}

#[tokio::test]
async fn a_time_starts_one_run_however_many_workers_there_are() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let (agent, trigger) = set_up(&db, &acme.owner, "scout", input("Hourly", hourly(Misfire::Skip), json!({}))).await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let times = t.triggers().get(agent, trigger).await.expect("there").next_times;
    assert_eq!(times.len(), 5);
    assert_eq!(times[0], noon() + Duration::hours(1));
    drop(t);

    assert_eq!(fire_due(&db).await.expect("looked"), Some(noon() + Duration::hours(1)), "nothing is due");
    db.clock().advance(Duration::hours(1));
    let next = Some(noon() + Duration::hours(2));
    let (a, b, c) = tokio::join!(fire_due(&db), fire_due(&db), fire_due(&db));
    for looked in [a, b, c] {
        looked.expect("looked");
    }
    assert_eq!(fire_due(&db).await.expect("looked"), next);

    let runs = runs(&db, &acme).await;
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].origin, runs[0].started_by.as_str()), (RunOrigin::Schedule, "Schedule “Hourly”"));
    assert_eq!(runs[0].person, Some(acme.owner_id), "it has the rights of whoever saved the schedule");
    let firings = firings(&db, &acme, (agent, trigger)).await;
    assert_eq!(firings.len(), 1);
    assert_eq!((firings[0].due_at, firings[0].run), (Some(noon() + Duration::hours(1)), Some(runs[0].id)));
}

#[tokio::test]
async fn times_that_were_missed_are_left_out_or_made_up_for() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let mut made = Vec::new();
    for (name, misfire) in [("skips", Misfire::Skip), ("once", Misfire::Once), ("all", Misfire::All)] {
        made.push(set_up(&db, &acme.owner, name, input(name, hourly(misfire), json!({}))).await);
    }
    // The last of twelve times was half an hour ago.
    db.clock().advance(Duration::minutes(12 * 60 + 30));
    fire_due(&db).await.expect("looked");
    let mut told = Vec::new();
    for one in made {
        let firings = firings(&db, &acme, one).await;
        told.push((started(&firings).len(), reasons(&firings)));
    }
    let missed = |count| vec![(NotStarted::Missed, count)];
    assert_eq!(told, [(0, missed(12)), (1, missed(11)), (10, missed(2))]);
}

#[tokio::test]
async fn a_trigger_pauses_when_whoever_saved_it_has_lost_the_right() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let admin = acme.member(Role::Admin).await;
    let one = set_up(&db, &admin, "scout", input("Hourly", hourly(Misfire::Skip), json!({}))).await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    t.members().change_role(admin.user_id().expect("a person"), Role::Member).await.expect("changed");
    t.commit().await.expect("kept");

    db.clock().advance(Duration::hours(1));
    fire_due(&db).await.expect("looked");
    assert_eq!(reasons(&firings(&db, &acme, one).await), [(NotStarted::RightsLost, 1)]);
    assert_eq!(runs(&db, &acme).await, []);
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let trigger = t.triggers().get(one.0, one.1).await.expect("there");
    assert!(!trigger.enabled && trigger.next_times.is_empty());
    assert!(trigger.paused.expect("a reason").contains("may not manage agents any more"));

    let trigger = t.triggers().set_enabled(one.0, one.1, true).await.expect("enabled");
    assert_eq!((trigger.paused, trigger.saved_by), (None, acme.owner.to_string()));
    t.commit().await.expect("kept");
    db.clock().advance(Duration::hours(1));
    fire_due(&db).await.expect("looked");
    assert_eq!(runs(&db, &acme).await[0].person, Some(acme.owner_id), "now with the rights of the owner");
}

#[tokio::test]
async fn while_a_run_goes_on_the_next_one_waits_or_is_left_out() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let waits = set_up(&db, &acme.owner, "waits", about_leads("Waits")).await;
    let skips = TriggerInput { while_busy: WhileBusy::Skip, ..about_leads("Skips") };
    let skips = set_up(&db, &acme.owner, "skips", skips).await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    lead(&mut t, "a@b.example").await;
    lead(&mut t, "b@b.example").await;
    t.commit().await.expect("kept");
    for (_, trigger) in [waits, skips] {
        fire(&db, acme.id, trigger).await.expect("looked");
    }
    let skipped = firings(&db, &acme, skips).await;
    assert_eq!((started(&skipped).len(), reasons(&skipped)), (1, vec![(NotStarted::Busy, 1)]));

    let waiting = firings(&db, &acme, waits).await;
    let mut started = started(&waiting);
    assert_eq!(started.len(), 2);
    started.sort_unstable();
    assert!(take(&db, &acme, started[1]).await.is_none(), "it waits for the first one");
    let first = take(&db, &acme, started[0]).await.expect("let in");
    first.succeed("Done.").await.expect("ended");
    assert!(take(&db, &acme, started[1]).await.is_some(), "now it is let in");
}

#[tokio::test]
async fn many_leads_at_once_start_as_many_runs_as_an_hour_allows() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let capped = TriggerInput { hourly_cap: 2, ..about_leads("New leads") };
    let one = set_up(&db, &acme.owner, "scout", capped).await;
    let leads = (0..50).map(|n| LeadInput { email: Some(format!("lead{n}@b.example")), ..LeadInput::default() });
    let mut t = db.tenant(&acme.owner).await.expect("open");
    t.leads().bulk_upsert(leads.collect()).await.expect("made");
    t.commit().await.expect("kept");
    let mut t = db.tenant(&acme.owner).await.expect("open");
    lead(&mut t, "late@b.example").await;
    t.commit().await.expect("kept");

    fire(&db, acme.id, one.1).await.expect("looked");
    let told = firings(&db, &acme, one).await;
    assert_eq!(started(&told).len(), 2);
    let mut reasons = reasons(&told);
    reasons.sort_unstable();
    assert_eq!(reasons, [(NotStarted::HourlyCap, 1), (NotStarted::HourlyCap, 48)], "each lead counts");
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let used_up = t.triggers().get(one.0, one.1).await.expect("it is there").used_up_until;
    assert_eq!(used_up, Some(noon() + Duration::hours(1)));
    t.commit().await.expect("read");

    db.clock().advance(Duration::minutes(61));
    let mut t = db.tenant(&acme.owner).await.expect("open");
    assert_eq!(t.triggers().get(one.0, one.1).await.expect("it is there").used_up_until, None);
    let next = lead(&mut t, "next@b.example").await;
    t.commit().await.expect("kept");
    fire(&db, acme.id, one.1).await.expect("looked");
    let newest = runs(&db, &acme).await.remove(0);
    assert_eq!(newest.parameters["lead"], json!(next));
    assert_eq!((newest.origin, newest.started_by.as_str()), (RunOrigin::Trigger, "Trigger “New leads”"));
}

/// The newest run that a trigger has started does its work: it makes a lead.
async fn makes_a_lead(db: &TestDb, company: &TestCompany<'_>, one: (AgentId, TriggerId), email: &str) {
    db.clock().advance(Duration::seconds(1));
    fire(db, company.id, one.1).await.expect("looked");
    let run = started(&firings(db, company, one).await)[0];
    let hand = take(db, company, run).await.expect("let in");
    let mut t = hand.tenant().await.expect("open");
    lead(&mut t, email).await;
    t.commit().await.expect("kept");
    hand.succeed("Done.").await.expect("ended");
}

#[tokio::test]
async fn agents_do_not_set_each_other_off_for_ever() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let ping = set_up(&db, &acme.owner, "ping", about_leads("Ping")).await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    lead(&mut t, "first@b.example").await;
    t.commit().await.expect("kept");
    let pong = set_up(&db, &acme.owner, "pong", about_leads("Pong")).await;

    makes_a_lead(&db, &acme, ping, "second@b.example").await;
    assert_eq!(reasons(&firings(&db, &acme, ping).await), [(NotStarted::OwnChange, 1)]);
    makes_a_lead(&db, &acme, pong, "third@b.example").await;
    makes_a_lead(&db, &acme, ping, "fourth@b.example").await;
    fire(&db, acme.id, pong.1).await.expect("looked");
    let told = firings(&db, &acme, pong).await;
    assert_eq!(started(&told).len(), 1, "the fourth in a row is not started");
    assert_eq!(reasons(&told)[0], (NotStarted::TooDeep, 1));
}

#[tokio::test]
async fn a_score_sets_a_trigger_off_when_it_comes_from_below() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let when = When::ScoreCrossed { threshold: 60, tag: Some("fair".to_owned()) };
    let one = set_up(&db, &acme.owner, "scout", input("Hot", when, json!({ "lead": "{{lead}}" }))).await;
    let person = |title: &str, tag: &str| LeadInput {
        email: Some("ines@corvus.example".to_owned()),
        title: Some(title.to_owned()),
        tags: vec![tag.to_owned()],
        ..LeadInput::default()
    };
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let lead = t.leads().create(person("Clerk", "fair"), LeadSource::Manual).await.expect("made");
    assert!(lead.score < 60, "{}", lead.score);
    for title in ["CEO", "Founder", "Clerk"] {
        t.leads().update(lead.id, person(title, "fair"), None).await.expect("changed");
    }
    t.leads().update(lead.id, person("CEO", "other"), None).await.expect("changed");
    t.commit().await.expect("kept");
    fire(&db, acme.id, one.1).await.expect("looked");
    let told = firings(&db, &acme, one).await;
    assert_eq!(told.iter().map(|f| (f.lead, f.state)).collect::<Vec<_>>(), [(Some(lead.id), FiringState::Started)]);
}

#[tokio::test]
async fn a_campaign_sets_a_trigger_off_when_it_comes_to_its_state() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let named = |name: &str| CampaignInput { name: Some(name.to_owned()), ..CampaignInput::default() };
    let mine = t.campaigns().create(named("Mine")).await.expect("made").id;
    let other = t.campaigns().create(named("Other")).await.expect("made").id;
    t.commit().await.expect("kept");
    let when = When::CampaignState { state: CampaignState::Draft, campaign: Some(mine) };
    let one = set_up(&db, &acme.owner, "scout", input("Back", when, json!({ "campaign": "{{campaign}}" }))).await;

    let mailbox = acme.mailbox().await;
    for campaign in [mine, other] {
        let mut t = db.tenant(&acme.owner).await.expect("open");
        let lead = lead(&mut t, &format!("{campaign}@b.example")).await;
        let enrol = BulkAction::Enrol { campaign };
        t.leads().bulk(&LeadSelection::Ids(vec![lead]), &enrol).await.expect("chosen");
        let step = domain::steps::StepInput {
            subject: Some("Hello".into()),
            body: Some("Hello.".into()),
            ..Default::default()
        };
        t.campaigns().add_step(campaign, step).await.expect("added");
        let change = CampaignInput { mailboxes: Some(vec![mailbox]), ..CampaignInput::default() };
        t.campaigns().update(campaign, change, None).await.expect("changed");
        t.campaigns().schedule(campaign, noon() + Duration::days(1)).await.expect("scheduled");
        t.campaigns().unschedule(campaign).await.expect("back");
        t.commit().await.expect("kept");
    }
    fire(&db, acme.id, one.1).await.expect("looked");
    let told = firings(&db, &acme, one).await;
    assert_eq!(told.iter().map(|f| f.campaign).collect::<Vec<_>>(), [Some(mine)]);
    assert_eq!(runs(&db, &acme).await[0].parameters["campaign"], json!(mine));
}

#[tokio::test]
async fn who_may_not_manage_agents_makes_no_trigger_and_nobody_reaches_into_another_company() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let (agent, trigger) = set_up(&db, &acme.owner, "scout", about_leads("New leads")).await;
    let manager = acme.member(Role::Manager).await;
    let mut t = db.tenant(&manager).await.expect("open");
    assert_eq!(t.triggers().list(agent).await.expect("everybody reads").len(), 1);
    assert!(matches!(t.triggers().create(agent, about_leads("Mine")).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.triggers().set_enabled(agent, trigger, false).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.triggers().run_now(agent, trigger).await, Err(Error::Conflict(p)) if p.code == "nothing_there"));
    let lead = lead(&mut t, "a@b.example").await;
    let run = t.triggers().run_now(agent, trigger).await.expect("whoever may run agents may run it");
    assert_eq!((run.origin, run.person), (RunOrigin::Person, manager.user_id()), "with rights of their own");
    assert_eq!(run.parameters["lead"], json!(lead));

    let mut t = db.tenant(&other.owner).await.expect("open");
    assert!(matches!(t.triggers().list(agent).await, Err(Error::NotFound("agent"))));
    assert!(matches!(t.triggers().get(agent, trigger).await, Err(Error::NotFound("trigger"))));
    assert!(matches!(t.triggers().delete(agent, trigger).await, Err(Error::NotFound("trigger"))));
    assert!(matches!(t.triggers().run_now(agent, trigger).await, Err(Error::NotFound("trigger"))));
}

#[tokio::test]
async fn what_a_trigger_cannot_do_is_told_when_it_is_saved() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let agent = agent(&mut t, "scout").await;
    let mut fields = async |input: TriggerInput| match t.triggers().create(agent, input).await {
        Err(Error::Invalid(problems)) => {
            problems.into_iter().filter_map(|p| p.field).map(|f| f.into_owned()).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let plan = When::Schedule { cron: "soon".into(), time_zone: Some("Atlantis".into()), misfire: Misfire::Skip };
    let all = TriggerInput { name: " ".into(), task: String::new(), hourly_cap: 0, ..input("x", plan, json!({})) };
    assert_eq!(fields(all).await, ["name", "task", "hourly_cap", "time_zone"]);
    let lead = json!({ "lead": "{{lead}}" });
    assert_eq!(fields(input("x", hourly(Misfire::Skip), lead)).await, ["parameters.lead"]);
    let unknown = json!({ "colour": "red" });
    assert_eq!(fields(input("x", When::LeadCreated { tag: None }, unknown)).await, ["parameters."]);
}

#[tokio::test]
async fn a_trigger_is_deleted_while_its_run_is_changed() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let (agent, trigger) = set_up(&db, &acme.owner, "scout", about_leads("New leads")).await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    lead(&mut t, "a@b.example").await;
    t.commit().await.expect("kept");
    fire(&db, acme.id, trigger).await.expect("looked");
    let run = runs(&db, &acme).await.remove(0).id;

    // As a worker changes a run: more than once in a transaction, and from the second time on the database looks at
    // the trigger.
    let mut worker = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    let mut changing = worker.begin().await.expect("begun");
    let change = "UPDATE runs SET seq = seq + 1 WHERE id = $1";
    sqlx::query(change).bind(run.0).execute(&mut *changing).await.expect("changed");
    let deleting = tokio::spawn({
        let (db, owner) = (Db::clone(&db), acme.owner.clone());
        async move {
            let mut t = db.tenant(&owner).await?;
            t.triggers().delete(agent, trigger).await?;
            t.commit().await
        }
    });
    testing::until_somebody_waits(&db.superuser()).await;
    sqlx::query(change).bind(run.0).execute(&mut *changing).await.expect("changed once more");
    changing.commit().await.expect("kept");
    deleting.await.expect("no panic").expect("deleted, and nobody stood in the other's way");
}
