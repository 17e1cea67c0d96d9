//! Leads that become customers: they leave every campaign in the same moment, whoever says so, and nobody else does.

use std::collections::BTreeSet;

use domain::{
    CampaignId, LeadId, PageRequest,
    enrolments::{EndReason, EnrolmentState},
    leads::{BulkAction, LeadEventKind, LeadInput, LeadSelection, LeadSource, LeadStatus},
    messages::MessageState,
};
use service::Tenant;
use testing::TestCompany;

use crate::{campaigns::running, support::lead};

async fn leads(db: &testing::TestDb, company: &TestCompany<'_>, emails: &[&str]) -> Vec<LeadId> {
    let mut t = db.tenant(&company.owner).await.unwrap();
    let mut leads = Vec::new();
    for email in emails {
        leads.push(t.leads().create(lead(email), LeadSource::Manual).await.unwrap().id);
    }
    t.commit().await.unwrap();
    leads
}

/// Where a lead stands in each of its campaigns, and why.
async fn standing(t: &mut Tenant, lead: LeadId) -> Vec<(EnrolmentState, Option<EndReason>)> {
    t.enrolments().of_lead(lead).await.unwrap().iter().map(|one| (one.state, one.reason)).collect()
}

/// Where the e-mails to a lead are in a campaign.
async fn mails(t: &mut Tenant, campaign: CampaignId, lead: LeadId) -> Vec<MessageState> {
    let all = t.campaigns().messages(campaign, None, &PageRequest::default()).await.unwrap().items;
    all.into_iter().map(|mail| mail.message).filter(|mail| mail.lead_id == Some(lead)).map(|mail| mail.state).collect()
}

/// Those of whom the log of a campaign says that they have become customers.
async fn told(t: &mut Tenant, campaign: CampaignId) -> BTreeSet<LeadId> {
    let all = t.campaigns().events(campaign, &PageRequest::default()).await.unwrap().items;
    let told: Vec<_> = all.into_iter().filter(|one| one.kind == "converted").filter_map(|one| one.lead_id).collect();
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "nobody is named twice");
    told.into_iter().collect()
}

fn those(leads: &[LeadId]) -> BTreeSet<LeadId> {
    leads.iter().copied().collect()
}

#[tokio::test]
async fn a_customer_leaves_every_campaign_and_nobody_else_does() {
    let db = testing::db().await;
    let (acme, rival) = (db.company("Acme").await, db.company("Rival").await);
    let ids = leads(&db, &acme, &["buyer@b.example", "other@b.example", "gone@b.example"]).await;
    let (buyer, other, gone) = (ids[0], ids[1], ids[2]);
    let first = running(&db, &acme, "First", &ids).await;
    let second = running(&db, &acme, "Second", &ids[..2]).await;
    let theirs = leads(&db, &rival, &["buyer@b.example"]).await[0];
    let elsewhere = running(&db, &rival, "Elsewhere", &[theirs]).await;

    let mut t = db.tenant(&acme.owner).await.unwrap();
    let page = t.enrolments().list(first, None, &PageRequest::default()).await.unwrap().items;
    let removed = page.iter().find(|one| one.lead_id == Some(gone)).unwrap().id;
    t.enrolments().remove(removed).await.unwrap();
    assert_eq!(mails(&mut t, first, buyer).await, [MessageState::Scheduled]);
    t.leads().set_status(buyer, LeadStatus::Qualified).await.unwrap();
    assert!(standing(&mut t, buyer).await.iter().all(|(state, _)| state.is_open()), "no other status ends them");
    for id in [buyer, gone, buyer] {
        t.leads().set_status(id, LeadStatus::Customer).await.unwrap();
    }
    t.commit().await.unwrap();

    let mut t = db.tenant(&acme.owner).await.unwrap();
    assert_eq!(standing(&mut t, buyer).await, [(EnrolmentState::Converted, None); 2]);
    assert_eq!(standing(&mut t, gone).await, [(EnrolmentState::Stopped, Some(EndReason::Removed))]);
    assert!(standing(&mut t, other).await.iter().all(|(state, _)| state.is_open()));
    for campaign in [first, second] {
        assert_eq!(mails(&mut t, campaign, buyer).await, [MessageState::Cancelled]);
        assert_eq!(mails(&mut t, campaign, other).await, [MessageState::Scheduled]);
        assert_eq!(told(&mut t, campaign).await, those(&[buyer]));
    }
    let ledger = t.campaigns().ledger(first).await.unwrap();
    assert!(ledger.is_balanced());
    assert_eq!((ledger.audience, ledger.converted(), ledger.left_early(), ledger.ended()), (3, 1, 1, 2));
    for (id, entries) in [(buyer, 1), (gone, 0)] {
        let timeline = t.leads().timeline(id, &PageRequest::default()).await.unwrap().items;
        assert_eq!(timeline.iter().filter(|one| one.kind == LeadEventKind::Converted).count(), entries);
    }

    let mut t = db.tenant(&rival.owner).await.unwrap();
    assert!(standing(&mut t, theirs).await.iter().all(|(state, _)| state.is_open()));
    assert_eq!(mails(&mut t, elsewhere, theirs).await, [MessageState::Scheduled]);
    assert!(t.leads().set_status(buyer, LeadStatus::Customer).await.is_err());
}

#[tokio::test]
async fn many_become_customers_at_once_by_a_person_and_by_programs() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let emails = ["a@b.example", "b@b.example", "c@b.example", "d@b.example", "e@b.example"];
    let ids = leads(&db, &acme, &emails).await;
    let first = running(&db, &acme, "First", &ids).await;
    let second = running(&db, &acme, "Second", &ids[1..]).await;
    let customer = |email| LeadInput { status: Some(LeadStatus::Customer), ..lead(email) };

    let mut t = db.tenant(&acme.owner).await.unwrap();
    let status = BulkAction::SetStatus { status: LeadStatus::Customer };
    let done = t.leads().bulk(&LeadSelection::Ids(ids[..2].to_vec()), &status).await.unwrap();
    assert_eq!((done.selected, done.changed), (2, 2));
    assert_eq!((told(&mut t, first).await, told(&mut t, second).await), (those(&ids[..2]), those(&ids[1..2])));
    // One of them is new, and one is a customer already.
    let batch = [customer("c@b.example"), customer("new@b.example"), customer("a@b.example"), lead("e@b.example")];
    let results = t.leads().bulk_upsert(batch.to_vec()).await.unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    t.leads().update(ids[3], customer("d@b.example"), None).await.unwrap();
    t.commit().await.unwrap();

    let mut t = db.tenant(&acme.owner).await.unwrap();
    for (n, id) in ids.iter().enumerate() {
        let state = if n == 4 { MessageState::Scheduled } else { MessageState::Cancelled };
        assert_eq!(mails(&mut t, first, *id).await, [state], "{}", emails[n]);
        let ended = standing(&mut t, *id).await.iter().filter(|(state, _)| *state == EnrolmentState::Converted).count();
        assert_eq!(ended, [1, 2, 2, 2, 0][n], "{}", emails[n]);
    }
    assert_eq!((told(&mut t, first).await, told(&mut t, second).await), (those(&ids[..4]), those(&ids[1..4])));
    let ledger = t.campaigns().ledger(first).await.unwrap();
    assert_eq!((ledger.converted(), ledger.left_early(), ledger.is_balanced()), (4, 0, true));
    let changed = t.leads().bulk(&LeadSelection::Ids(ids.clone()), &status).await.unwrap();
    assert_eq!((changed.changed, changed.unchanged), (1, 4));
}
