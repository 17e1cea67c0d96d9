//! With whose rights workflows act, and who may make one.

use domain::{
    CampaignId, Permission, Role,
    keys::Scope,
    leads::LeadStatus,
    workflows::{WorkflowAction, WorkflowInput, WorkflowNotStarted, WorkflowTrigger},
};
use service::{Actor, Error};

use crate::support::{Story, add_tag, noon, on};

fn tags() -> WorkflowInput {
    on("New", WorkflowTrigger::LeadCreated {}, vec![add_tag("new")])
}

fn enrols(campaign: CampaignId) -> WorkflowInput {
    on("Enrol", WorkflowTrigger::LeadCreated {}, vec![WorkflowAction::Enrol { campaign }])
}

#[tokio::test]
async fn whoever_may_not_change_the_leads_of_others_makes_no_workflow() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let (campaign, _) = story.campaign(&[]).await;
    let missing = async |actor: &Actor, input: WorkflowInput| {
        let mut t = story.open_as(actor).await;
        match t.workflows().create(input).await {
            Err(Error::Forbidden(permission)) => Some(permission),
            made => made.map(|_| None).expect("made"),
        }
    };
    let manager = story.company.member(Role::Manager).await;
    let member = story.company.member(Role::Member).await;
    assert_eq!(missing(&manager, enrols(campaign)).await, None);
    assert_eq!(missing(&member, tags()).await, Some(Permission::ManageAllLeads));
    let (leads, _) = story.company.key(&[Scope::LeadsWrite]).await;
    assert_eq!(missing(&leads, tags()).await, None);
    assert_eq!(missing(&leads, enrols(campaign)).await, Some(Permission::EditCampaigns));
    let (edits, _) = story.company.key(&[Scope::LeadsWrite, Scope::CampaignsWrite]).await;
    assert_eq!(missing(&edits, enrols(campaign)).await, Some(Permission::RunCampaigns), "enrolling is sending");

    let id = story.workflow(tags()).await;
    let mut t = story.open_as(&member).await;
    assert_eq!(t.workflows().list().await.expect("everybody reads").len(), 1);
    let fields = |id| WorkflowInput { name: format!("{id}"), ..tags() };
    for refused in [
        t.workflows().update(id, fields(1), None).await.err(),
        t.workflows().set_enabled(id, false).await.err(),
        t.workflows().delete(id).await.err(),
    ] {
        assert!(matches!(refused, Some(Error::Forbidden(Permission::ManageAllLeads))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_workflow_is_turned_off_when_its_rights_are_gone() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let manager = story.company.member(Role::Manager).await;
    let mut t = story.open_as(&manager).await;
    let id = t.workflows().create(tags()).await.expect("made").id;
    t.commit().await.expect("kept");
    let before = story.lead("a@x.example").await;
    let mut t = story.open().await;
    t.members().change_role(manager.user_id().expect("a person"), Role::Member).await.expect("changed");
    t.commit().await.expect("kept");
    story.work(&[id]).await;
    assert_eq!(story.reasons(id).await, [(WorkflowNotStarted::RightsLost, 1)]);
    assert!(story.get(before).await.tags.is_empty());
    let mut t = story.open().await;
    let workflow = t.workflows().get(id).await.expect("there");
    assert!(!workflow.enabled);
    let why = workflow.paused.expect("a reason");
    assert!(why.contains("may not change leads of other people any more"), "{why}");

    let workflow = t.workflows().set_enabled(id, true).await.expect("on");
    assert_eq!((workflow.paused, workflow.saved_by), (None, story.company.owner.to_string()));
    t.commit().await.expect("kept");
    let after = story.lead("b@x.example").await;
    story.work(&[id]).await;
    assert_eq!(story.get(after).await.tags, ["new"], "now with the rights of the owner");
}

#[tokio::test]
async fn nobody_reaches_into_another_company() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let other = db.company("Other").await;
    let id = story.workflow(tags()).await;
    let mut t = story.open_as(&other.owner).await;
    assert_eq!(t.workflows().list().await.expect("a list"), []);
    let page = domain::PageRequest::default();
    for refused in [
        t.workflows().get(id).await.err(),
        t.workflows().update(id, tags(), None).await.err(),
        t.workflows().set_enabled(id, true).await.err(),
        t.workflows().delete(id).await.err(),
        t.workflows().log(id, &page).await.err(),
        t.workflows().look_back(id).await.err(),
    ] {
        assert!(matches!(refused, Some(Error::NotFound("workflow"))), "{refused:?}");
    }
    let lead = domain::leads::LeadInput { email: Some("a@x.example".into()), ..Default::default() };
    t.leads().create(lead, domain::leads::LeadSource::Manual).await.expect("made");
    t.commit().await.expect("kept");
    assert_eq!(story.log(id).await, [], "their leads are nothing to us");
}

#[tokio::test]
async fn two_who_change_a_workflow_at_once_do_not_overwrite_each_other() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let id = story.workflow(tags()).await;
    let mut t = story.open().await;
    let seen = t.workflows().get(id).await.expect("there").version;
    let status = WorkflowAction::SetStatus { status: LeadStatus::Working };
    let mine = WorkflowInput { actions: vec![status], ..tags() };
    let changed = t.workflows().update(id, mine, Some(seen)).await.expect("changed");
    assert_eq!((changed.version, changed.actions_words), (seen + 1, vec!["Change the status to working".to_owned()]));
    let late = t.workflows().update(id, tags(), Some(seen)).await;
    assert!(matches!(late, Err(Error::Conflict(problem)) if problem.code == "stale"));
}
