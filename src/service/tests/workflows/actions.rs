//! What workflows do to leads.

use domain::{
    CampaignId, LeadId, PageRequest, UserId,
    agents::Definition,
    campaigns::CampaignState,
    enrolments::EnrolmentState,
    leads::{LeadEventKind, LeadInput, LeadStatus},
    runs::RunOrigin,
    suppressions::SuppressionTarget,
    workflows::{ActionOutcome, WorkflowAction, WorkflowInput, WorkflowTrigger},
};
use serde_json::json;
use service::Error;
use testing::TestCompany;

use crate::support::{Story, add_tag, noon, on, taken};

fn created() -> WorkflowTrigger {
    WorkflowTrigger::LeadCreated {}
}

#[tokio::test]
async fn actions_follow_one_after_the_other() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let task = |assignee| WorkflowAction::CreateTask { title: "Call".into(), due_in_days: 2, assignee };
    let actions = vec![
        add_tag("hot"),
        WorkflowAction::RemoveTag { tag: "cold".into() },
        WorkflowAction::SetStatus { status: LeadStatus::Qualified },
        task(None),
        add_tag("hot"),
        WorkflowAction::SetStatus { status: LeadStatus::Qualified },
        WorkflowAction::RemoveTag { tag: "cold".into() },
    ];
    let id = story.workflow(on("Hot leads", created(), actions)).await;
    let input = LeadInput { email: Some("a@x.example".into()), tags: vec!["cold".into()], ..LeadInput::default() };
    let lead = story.lead_with(input).await;
    story.work(&[id]).await;
    assert_eq!(
        story.results(id).await,
        [
            "Added the tag hot.",
            "Removed the tag cold.",
            "Changed its status from new to qualified.",
            "Created the task “Call” for Halden.",
            "It has the tag already: hot.",
            "Its status is qualified already.",
            "It does not have the tag: cold.",
        ]
    );
    let after = story.get(lead).await;
    assert_eq!((after.tags, after.status), (vec!["hot".to_owned()], LeadStatus::Qualified));
    let mut t = story.open().await;
    let tasks = t.tasks().of_lead(lead).await.expect("a list");
    assert_eq!(tasks.len(), 1);
    assert_eq!(
        (tasks[0].assignee, tasks[0].created_by.as_str()),
        (Some(story.company.owner_id), "Workflow “Hot leads”")
    );
    assert_eq!(tasks[0].due_on.map(|day| day.to_string()).as_deref(), Some("2026-11-22"));
    let events = t.leads().timeline(lead, &PageRequest::default()).await.expect("a list").items;
    let mut of_workflow: Vec<_> =
        events.iter().filter(|event| event.workflow_id == Some(id)).map(|event| event.kind).collect();
    of_workflow.sort_unstable();
    assert_eq!(of_workflow, [LeadEventKind::StatusChanged, LeadEventKind::Tagged, LeadEventKind::Tagged]);
    assert!(events.iter().filter(|event| event.workflow_id.is_some()).all(|e| e.actor == "Workflow “Hot leads”"));
}

#[tokio::test]
async fn leads_are_shared_out_in_turn_among_those_who_are_still_there() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(story.company.member(domain::Role::Member).await.user_id().expect("a person"));
    }
    let assign = WorkflowAction::Assign { people: people.clone() };
    let id = story.workflow(on("Share out", created(), vec![assign])).await;
    let mut t = story.open().await;
    t.members().remove(people[1]).await.expect("gone");
    t.commit().await.expect("kept");
    let mut owners = Vec::new();
    for n in 0..4 {
        let lead = story.lead(&format!("lead{n}@x.example")).await;
        story.work(&[id]).await;
        owners.push(story.get(lead).await.owner_id.expect("an owner"));
    }
    assert_eq!(owners, [people[0], people[2], people[0], people[2]]);
    let mine = LeadInput { email: Some("mine@x.example".into()), owner_id: Some(people[2]), ..LeadInput::default() };
    let mine = story.lead_with(mine).await;
    story.work(&[id]).await;
    assert_eq!(story.get(mine).await.owner_id, Some(people[2]), "who has it keeps it");
    assert_eq!(story.log(id).await.pop().expect("the last").results[0].outcome, ActionOutcome::Unchanged);

    let mut t = story.open().await;
    for person in [people[0], people[2]] {
        t.members().remove(person).await.expect("gone");
    }
    t.commit().await.expect("kept");
    story.lead("late@x.example").await;
    story.work(&[id]).await;
    let last = story.log(id).await.pop().expect("the last");
    assert_eq!(last.results[0].reason.as_deref(), Some("people_gone"));
}

async fn state_of(story: &Story<'_>, campaign: CampaignId, lead: LeadId) -> Option<EnrolmentState> {
    let mut t = story.open().await;
    let list = t.enrolments().list(campaign, None, &PageRequest::default()).await.expect("a list").items;
    list.into_iter().find(|enrolment| enrolment.lead_id == Some(lead)).map(|enrolment| enrolment.state)
}

#[tokio::test]
async fn a_campaign_takes_whom_it_does_not_leave_out_and_goes_on_meanwhile() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let first = story.lead("first@x.example").await;
    let (campaign, _) = story.campaign(&[first]).await;
    let enrol = WorkflowAction::Enrol { campaign };
    let id = story.workflow(on("Welcome", created(), vec![enrol.clone(), add_tag("seen"), enrol])).await;
    let early = story.lead("early@x.example").await;
    story.work(&[id]).await;
    let told = &story.log(id).await[0].results;
    assert_eq!(
        (told[0].reason.as_deref(), told[0].words.as_str()),
        (Some("campaign_not_running"), "“Autumn” is draft.")
    );
    assert_eq!(story.get(early).await.tags, ["seen"], "what follows is done");

    story.start(campaign).await;
    story.send(&taken()).await;
    db.clock().advance(chrono::Duration::days(9));
    story.advance(campaign).await;
    story.send(&taken()).await;
    story.advance(campaign).await;
    let state = async || {
        let mut t = story.open().await;
        t.campaigns().get(campaign).await.expect("there").lifecycle.state
    };
    assert_eq!(state_of(&story, campaign, first).await, Some(EnrolmentState::Finished));
    assert_eq!(state().await, CampaignState::Running, "a workflow may bring more");

    let mut t = story.open().await;
    let barred = SuppressionTarget::parse("barred@x.example").expect("an address");
    t.suppressions().add(&[barred], None).await.expect("added");
    t.commit().await.expect("kept");
    let new = story.lead("new@x.example").await;
    let barred = story.lead("barred@x.example").await;
    let nameless = LeadInput { first_name: Some("No".into()), account: Some("Mail".into()), ..LeadInput::default() };
    story.lead_with(nameless).await;
    story.work(&[id]).await;
    story.advance(campaign).await;
    assert_eq!(state_of(&story, campaign, new).await, Some(EnrolmentState::Active));
    assert_eq!(state_of(&story, campaign, barred).await, None);
    let mut words: Vec<_> = story.log(id).await[1..].iter().map(|firing| firing.results[0].words.clone()).collect();
    words.sort();
    assert_eq!(words, ["Enrolled in “Autumn”.", "No e-mail address.", "On the suppression list."]);
    let again: Vec<_> = story.results(id).await.into_iter().filter(|words| words.starts_with("It is")).collect();
    assert_eq!(again, ["It is or was in “Autumn” already."]);
    let mut t = story.open().await;
    let look = t.workflows().look_back(id).await.expect("a look");
    let refused: Vec<_> = look.refused.iter().map(|count| (count.words.as_str(), count.count)).collect();
    assert_eq!(
        refused,
        [
            ("Enrol in a campaign: No e-mail address.", 2),
            ("Enrol in a campaign: On the suppression list.", 2),
            ("Enrol in a campaign: “Autumn” is draft.", 2),
        ]
    );
    t.workflows().set_enabled(id, false).await.expect("off");
    t.commit().await.expect("kept");
    story.send(&taken()).await;
    db.clock().advance(chrono::Duration::days(9));
    story.advance(campaign).await;
    story.send(&taken()).await;
    story.advance(campaign).await;
    assert_eq!(state().await, CampaignState::Completed, "now nothing more comes");
}

#[tokio::test]
async fn a_run_gets_the_lead_and_the_rights_of_whoever_saved_the_workflow() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let file = "---\nname: scout\ndescription: Tests.\ninputs: {type: object, properties: {lead: {type: string, \
                format: lead}}, additionalProperties: false}\n---\nDo it.";
    let mut t = story.open().await;
    let agent = t.agents().create(Definition::from_markdown(file).expect("a file")).await.expect("made").id;
    t.commit().await.expect("kept");
    let run = WorkflowAction::RunAgent { agent: "scout".into(), task: "Look at it.".into() };
    let id = story.workflow(on("Scout", created(), vec![run])).await;
    let lead = story.lead("a@x.example").await;
    story.work(&[id]).await;
    let result = story.log(id).await[0].results[0].clone();
    let mut t = story.open().await;
    let run = t.runs().get(result.run.expect("a run")).await.expect("there");
    assert_eq!((run.origin, run.started_by.as_str()), (RunOrigin::Workflow, "Workflow “Scout”"));
    assert_eq!((run.person, run.parameters["lead"].clone()), (Some(story.company.owner_id), json!(lead)));
    assert_eq!(run.task, "Look at it.");

    t.agents().set_enabled(agent, false).await.expect("off");
    t.commit().await.expect("kept");
    story.lead("b@x.example").await;
    story.work(&[id]).await;
    let last = story.log(id).await.pop().expect("the last");
    assert_eq!(
        (last.results[0].outcome, last.results[0].reason.as_deref()),
        (ActionOutcome::Refused, Some("agent_disabled"))
    );
}

#[tokio::test]
async fn a_call_is_written_down_and_told_in_the_log_when_it_was_taken() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let mut t = story.open().await;
    t.webhook().connect("https://hooks.example/in").await.expect("connected");
    t.commit().await.expect("kept");
    let call = WorkflowAction::CallWebhook { event: "lead.new".into() };
    let id = story.workflow(on("Tell", created(), vec![call])).await;
    story.lead("a@x.example").await;
    story.work(&[id]).await;
    let result = story.log(id).await[0].results[0].clone();
    assert_eq!((result.outcome, result.words.as_str()), (ActionOutcome::Waiting, "lead.new is on its way."));
    let call = result.call.expect("a call");

    let mut t = story.open().await;
    let due = t.campaigns().webhook_call(call).await.expect("asked").expect("it is due");
    assert_eq!((due.url.as_str(), &due.body["type"]), ("https://hooks.example/in", &json!("lead.new")));
    assert_eq!(due.body["data"]["workflow"]["name"], "Tell");
    assert_eq!(due.body["data"]["lead"]["email"], "a@x.example");
    assert!(t.campaigns().webhook_called(call, Err("Answered 503"), false).await.expect("noted"), "again");
    t.commit().await.expect("kept");
    assert_eq!(story.results(id).await, ["lead.new is tried again, 1 so far: Answered 503."]);
    let mut t = story.open().await;
    assert!(!t.campaigns().webhook_called(call, Ok("Answered 200"), false).await.expect("noted"));
    assert!(t.campaigns().webhook_call(call).await.expect("asked").is_none(), "once");
    t.commit().await.expect("kept");
    let result = story.log(id).await[0].results[0].clone();
    assert_eq!((result.outcome, result.words.as_str()), (ActionOutcome::Done, "lead.new was taken: Answered 200."));
}

#[tokio::test]
async fn what_the_company_does_not_have_is_refused_when_it_is_saved() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let other: TestCompany<'_> = db.company("Other").await;
    let (campaign, _) = story.campaign(&[]).await;
    let file = "---\nname: picky\ndescription: Tests.\ninputs: {type: object, properties: {town: {type: string}}, \
                required: [town]}\n---\nDo it.";
    let mut t = story.open().await;
    t.agents().create(Definition::from_markdown(file).expect("a file")).await.expect("made");
    t.commit().await.expect("kept");
    let agent = |name: &str| WorkflowAction::RunAgent { agent: name.into(), task: String::new() };
    let stranger = |people: UserId| WorkflowAction::Assign { people: vec![people] };
    for (action, code, field) in [
        (agent("nobody"), "agent_unknown", "actions.0.agent"),
        (agent("picky"), "agent_needs_more", "actions.0.agent"),
        (stranger(other.owner_id), "assignee_unknown", "actions.0.people"),
        (WorkflowAction::CallWebhook { event: "a".into() }, "no_webhook", "actions.0.event"),
    ] {
        let mut t = story.open().await;
        let Err(Error::Invalid(problems)) = t.workflows().create(on("W", created(), vec![action])).await else {
            panic!("{code} was not found")
        };
        assert_eq!((problems[0].code.as_ref(), problems[0].field.as_deref()), (code, Some(field)));
    }
    let mut t = db.tenant(&other.owner).await.expect("open");
    let theirs = on("W", created(), vec![WorkflowAction::Enrol { campaign }]);
    assert!(matches!(t.workflows().create(theirs).await, Err(Error::NotFound("campaign"))));
    let replied = WorkflowTrigger::Replied { class: None, campaign: Some(campaign) };
    assert!(matches!(
        t.workflows().create(on("W", replied, vec![add_tag("a")])).await,
        Err(Error::NotFound("campaign"))
    ));

    // What is not turned on may still be unfinished.
    let mut t = story.open().await;
    let unfinished = vec![WorkflowAction::CallWebhook { event: "a".into() }];
    let input = WorkflowInput { enabled: false, ..on("W", created(), unfinished) };
    let id = t.workflows().create(input).await.expect("made").id;
    assert!(matches!(t.workflows().set_enabled(id, true).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn whom_a_workflow_makes_a_customer_leaves_its_campaigns() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let (buyer, other) = (story.lead("a@x.example").await, story.lead("b@x.example").await);
    let (campaign, _) = story.campaign(&[buyer, other]).await;
    story.start(campaign).await;
    let trigger = WorkflowTrigger::StatusChanged { from: None, to: Some(LeadStatus::Qualified) };
    let id = story.workflow(on("Won", trigger, vec![WorkflowAction::SetStatus { status: LeadStatus::Customer }])).await;
    let mut t = story.open().await;
    t.leads().set_status(buyer, LeadStatus::Qualified).await.expect("changed");
    t.commit().await.expect("kept");
    let state = async |lead| story.open().await.enrolments().of_lead(lead).await.expect("a list").remove(0).state;
    assert!(state(buyer).await.is_open(), "to be qualified ends nothing");
    story.work(&[id]).await;
    assert_eq!(story.results(id).await, ["Changed its status from qualified to customer."]);
    assert_eq!(state(buyer).await, EnrolmentState::Converted);
    assert!(state(other).await.is_open());
}
