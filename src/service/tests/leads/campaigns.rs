//! What a lead's list and its end have to do with campaigns.

use domain::{
    CampaignId, LeadId, PageRequest,
    campaigns::{CampaignInput, CampaignState},
    leads::{BulkAction, LeadFilter, LeadSelection, LeadSort, LeadSource},
    steps::StepInput,
};
use service::{Tenant, campaigns::advance::advance};
use testing::TestCompany;

use crate::support::lead;

/// A running campaign with these leads placed.
pub async fn running(db: &testing::TestDb, acme: &TestCompany<'_>, name: &str, leads: &[LeadId]) -> CampaignId {
    let mailbox = acme.mailbox().await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let input = CampaignInput { name: Some(name.into()), mailboxes: Some(vec![mailbox]), ..CampaignInput::default() };
    let campaign = t.campaigns().create(input).await.unwrap().id;
    let step = StepInput { subject: Some("Hello".into()), body: Some("Hello.".into()), ..StepInput::default() };
    t.campaigns().add_step(campaign, step).await.unwrap();
    let enrol = BulkAction::Enrol { campaign };
    let done = t.leads().bulk(&LeadSelection::Ids(leads.to_vec()), &enrol).await.unwrap();
    assert_eq!(usize::try_from(done.changed).unwrap(), leads.len());
    t.campaigns().start(campaign).await.unwrap();
    t.commit().await.unwrap();
    advance(db, acme.id, campaign).await.unwrap();
    campaign
}

async fn ids(t: &mut Tenant, filter: &LeadFilter) -> Vec<LeadId> {
    let sort = LeadSort::parse("name").unwrap();
    t.leads().list(filter, sort, &PageRequest::default()).await.unwrap().items.iter().map(|l| l.id).collect()
}

#[tokio::test]
async fn the_list_shows_and_filters_by_campaign() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let mut leads = Vec::new();
    for email in ["a@b.example", "b@b.example", "c@b.example"] {
        leads.push(t.leads().create(lead(email), LeadSource::Manual).await.unwrap().id);
    }
    t.commit().await.unwrap();
    let first = running(&db, &acme, "First", &leads[..2]).await;
    let second = running(&db, &acme, "Second", &leads[..1]).await;

    let mut t = db.tenant(&acme.owner).await.unwrap();
    let sort = LeadSort::parse("name").unwrap();
    let page = t.leads().list(&LeadFilter::default(), sort, &PageRequest::default()).await.unwrap();
    let shown: Vec<_> = page.items.iter().map(|l| (l.campaign_name.as_deref(), l.campaign_state)).collect();
    let running = Some(CampaignState::Running);
    assert_eq!(shown, [(Some("Second"), running), (Some("First"), running), (None, None)]);

    let in_campaign = |campaign| LeadFilter { campaign: Some(campaign), ..LeadFilter::default() };
    let never = LeadFilter { never_enrolled: true, ..LeadFilter::default() };
    assert_eq!(ids(&mut t, &in_campaign(first)).await, leads[..2]);
    assert_eq!(ids(&mut t, &in_campaign(second)).await, leads[..1]);
    assert_eq!(ids(&mut t, &never).await, leads[2..]);
    assert_eq!(t.leads().count(&never).await.unwrap().value, 1);
}

#[tokio::test]
async fn a_deleted_lead_leaves_its_campaign_and_stays_in_the_ledger() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let gone = t.leads().create(lead("a@b.example"), LeadSource::Manual).await.unwrap().id;
    let stays = t.leads().create(lead("b@b.example"), LeadSource::Manual).await.unwrap().id;
    t.commit().await.unwrap();
    let campaign = running(&db, &acme, "First", &[gone, stays]).await;

    let mut t = db.tenant(&acme.owner).await.unwrap();
    t.leads().delete(gone).await.unwrap();
    let enrolments = t.enrolments().list(campaign, None, &PageRequest::default()).await.unwrap().items;
    let mut open: Vec<_> = enrolments.iter().map(|e| (e.lead_id, e.state.is_open())).collect();
    open.sort();
    assert_eq!(open, [(None, false), (Some(stays), true)]);
    assert_eq!(t.campaigns().get(campaign).await.unwrap().audience_size, 2);
}
