//! What is simulated of a campaign, held against what then really happens.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::{
    CampaignId, PageRequest,
    campaigns::{CampaignInput, CampaignState, Exclusions, Rules},
    enrolments::EndReason,
    leads::LeadInput,
    mailboxes::MailboxInput,
    simulation::{AskedSimulation, OtherWay, Simulation, SimulationPart},
    steps::{Delay, DelayUnit, StepInput},
    window::{SendingWindow, WindowZone},
};
use service::{
    Error,
    campaigns::{advance::advance, simulations::simulate},
    jobs::SimulateCampaign,
};
use testing::TestDb;

use crate::support::{Story, start_of_story};

impl Story<'_> {
    async fn ask_simulation(&self, id: CampaignId) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().ask_simulation(id).await.expect("asked");
        t.commit().await.expect("kept");
    }

    async fn simulations(&self, id: CampaignId) -> Vec<AskedSimulation> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().simulations(id).await.expect("a list")
    }

    /// Makes what was asked for, as a worker does. The newest.
    async fn simulated(&self, test: &TestDb, id: CampaignId) -> Simulation {
        let asked = testing::take_jobs::<SimulateCampaign>(&test.superuser()).await;
        assert_eq!(asked.len(), 1, "edits in a row are one job");
        for _ in 0..2 {
            simulate(&self.db, asked[0].company, asked[0].campaign).await.expect("simulated, once");
        }
        self.simulations(id).await.remove(0).result.expect("made")
    }

    /// From nine to five on weekdays, on the clock of the lead; forty e-mails a day, ten minutes apart.
    async fn office(&self, id: CampaignId) {
        let window = SendingWindow { zone: WindowZone::Lead, ..SendingWindow::default() };
        self.edit(id, CampaignInput { window: Some(window), ..CampaignInput::default() }).await;
        self.change_mailbox(MailboxInput {
            daily_cap: Some(40),
            ramp: Some(false),
            gap_seconds: Some(600),
            gap_max_seconds: Some(600),
            ..MailboxInput::default()
        })
        .await;
    }

    /// When each e-mail was sent.
    async fn sent_at(&self, id: CampaignId) -> Vec<DateTime<Utc>> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = PageRequest { after, per: Some(100), ..PageRequest::default() };
            let page = t.campaigns().messages(id, None, &page).await.expect("a list");
            all.extend(page.items.into_iter().filter_map(|mail| mail.message.sent_at));
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    }
}

/// Leads in Berlin, New York and Tokyo.
async fn with_leads(story: &Story<'_>, count: usize) {
    let zones = ["Europe/Berlin", "America/New_York", "Asia/Tokyo"];
    let lead = |n: usize| LeadInput {
        email: Some(format!("lead{n}@x{n}.example")),
        first_name: (n > 0).then(|| "Ines".to_owned()),
        time_zone: Some(zones[n % zones.len()].to_owned()),
        ..LeadInput::default()
    };
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.leads().bulk_upsert((0..count).map(lead).collect()).await.expect("stored");
    t.commit().await.expect("kept");
}

#[tokio::test]
async fn what_is_simulated_is_what_then_happens() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    with_leads(&story, 60).await;
    let id = story.campaign().await;
    story.office(id).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let third = StepInput {
        delay: Some(Delay { amount: 2, unit: DelayUnit::WorkingDays }),
        subject: Some("Third".into()),
        body: Some("Hi {first_name}".into()),
        ..StepInput::default()
    };
    t.campaigns().add_step(id, third).await.expect("added");
    t.commit().await.expect("kept");
    let exclude = Exclusions { missing_variable: true, ..Exclusions::default() };
    let rules = Some(Rules { exclude, ..Rules::default() });
    story.edit(id, CampaignInput { rules, ..CampaignInput::default() }).await;
    story.ask_simulation(id).await;
    let simulation = story.simulated(&test, id).await;

    story.start(id).await;
    // Ten minutes are the gap, so nothing happens in between.
    for _ in 0..(14 * 144) {
        story.send().await;
        test.clock().advance(Duration::minutes(10));
        advance(&story.db, story.company.id, id).await.expect("looked");
        if story.state(id).await == CampaignState::Completed {
            break;
        }
    }
    assert_eq!(story.state(id).await, CampaignState::Completed);
    let sent = story.sent_at(id).await;
    let mut days: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for at in &sent {
        *days.entry(at.date_naive()).or_default() += 1;
    }
    let simulated: BTreeMap<_, _> = simulation.days.iter().map(|day| (day.day, day.mails)).collect();
    assert!(simulated.keys().eq(days.keys()), "{simulated:?} became {days:?}");
    // Which of those that are due at the same moment goes first is open, so a day may be off by a few.
    let off = simulated.values().zip(days.values()).map(|(simulated, real)| (simulated - real).abs()).max();
    assert!(off <= Some(2), "{simulated:?} became {days:?}");
    assert_eq!(usize::try_from(simulation.mails), Ok(sent.len()));
    assert_eq!(simulation.last_mail_at.map(|at| at.date_naive()), sent.iter().max().map(DateTime::date_naive));
    assert_eq!((simulation.leads, simulation.unfinished), (59, 0));
    assert_eq!(
        simulation.never.iter().map(|one| (one.reason, one.leads)).collect::<Vec<_>>(),
        [(EndReason::MissingVariable, 1)]
    );
    assert_eq!(simulation.mailboxes[0].mails, simulation.mails);
}

#[tokio::test]
async fn an_edit_is_simulated_again_beside_what_was_said_before() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    with_leads(&story, 10).await;
    let id = story.campaign().await;
    story.edit(id, CampaignInput { window: Some(SendingWindow::always()), ..CampaignInput::default() }).await;
    assert_eq!(testing::take_jobs::<SimulateCampaign>(&test.superuser()).await.len(), 0, "nobody has asked yet");
    story.ask_simulation(id).await;
    let before = story.simulated(&test, id).await;
    assert_eq!(before.mails, 20);

    let weekdays = SendingWindow { days: vec![1], ..SendingWindow::always() };
    story.edit(id, CampaignInput { window: Some(weekdays.clone()), ..CampaignInput::default() }).await;
    story.edit(id, CampaignInput { name: Some("Mondays".into()), ..CampaignInput::default() }).await;
    let after = story.simulated(&test, id).await;
    assert_ne!(after.days, before.days);
    assert_eq!(after.figures_of(OtherWay::Before), Some(before.figures()), "the clock stands still");
    let all = story.simulations(id).await;
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].cause.as_deref(), all[1].cause.as_deref()), (Some("The settings were edited"), None));
}

#[tokio::test]
async fn a_running_campaign_is_simulated_from_where_its_leads_stand() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    with_leads(&story, 6).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let all = t.enrolments().list(id, None, &PageRequest::default()).await.expect("a list").items;
    t.enrolments().pause(all[0].id).await.expect("held");
    t.enrolments().remove(all[1].id).await.expect("removed");
    t.commit().await.expect("kept");
    story.ask_simulation(id).await;
    let simulation = story.simulated(&test, id).await;
    assert_eq!((simulation.leads, simulation.mails, simulation.held), (4, 4, 1), "the second e-mails of four");

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().stop(id).await.expect("stopped");
    let refused = t.campaigns().ask_simulation(id).await;
    assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal.code == "campaign_ended"));
}

/// A third e-mail, an hour after the second one.
async fn add_third(story: &Story<'_>, id: CampaignId) {
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let third = StepInput {
        delay: Some(Delay { amount: 1, unit: DelayUnit::Hours }),
        subject: Some("Third".into()),
        body: Some("Hi {first_name|there}".into()),
        ..StepInput::default()
    };
    t.campaigns().add_step(id, third).await.expect("added");
    t.commit().await.expect("kept");
}

#[tokio::test]
async fn an_edit_of_a_running_campaign_says_what_publishing_it_changes() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    with_leads(&story, 6).await;
    let id = story.campaign().await;
    story.ask_simulation(id).await;
    assert_eq!(story.simulated(&test, id).await.mails, 12);
    story.start(id).await;
    story.send().await;

    add_third(&story, id).await;
    let edited = story.simulated(&test, id).await;
    let mails = |way| edited.figures_of(way).map(|figures| figures.mails);
    assert_eq!(edited.mails, 6, "those in the middle go on in their version, and what was sent is behind them");
    assert_eq!((mails(OtherWay::Unpublished), mails(OtherWay::Moved)), (Some(6), Some(12)));
    assert_eq!(mails(OtherWay::Before), None, "no settings were edited");

    // Whoever is moved gets them, before the worker has come to it and after.
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().publish(id, true).await.expect("published");
    t.commit().await.expect("kept");
    let published = story.simulated(&test, id).await;
    assert_eq!((published.mails, published.otherwise.len()), (12, 0));
    advance(&story.db, story.company.id, id).await.expect("moved");
    story.ask_simulation(id).await;
    assert_eq!(story.simulated(&test, id).await.figures(), published.figures());
}

#[tokio::test]
async fn what_a_moved_lead_is_simulated_to_get_is_what_it_gets() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    with_leads(&story, 4).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;
    test.clock().advance(Duration::minutes(10));
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let second = t.campaigns().steps(id).await.expect("steps").steps()[1].id;
    let later = StepInput { delay: Some(Delay { amount: 5, unit: DelayUnit::Hours }), ..StepInput::default() };
    t.campaigns().update_step(id, second, later, None).await.expect("changed");
    t.campaigns().publish(id, true).await.expect("published");
    t.commit().await.expect("kept");
    story.ask_simulation(id).await;
    let simulation = story.simulated(&test, id).await;
    assert_eq!(simulation.last_mail_at, Some(start_of_story() + Duration::hours(5)));

    for _ in 0..29 {
        test.clock().advance(Duration::minutes(10));
        advance(&story.db, story.company.id, id).await.expect("looked");
        story.send().await;
    }
    let sent = story.sent_at(id).await;
    assert_eq!((sent.len(), sent.iter().max().copied()), (8, simulation.last_mail_at));
}

#[tokio::test]
async fn a_simulation_is_out_of_date_when_what_it_was_made_of_has_changed() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    with_leads(&story, 4).await;
    let id = story.campaign().await;
    story.ask_simulation(id).await;
    story.simulated(&test, id).await;
    let changed = async || story.simulations(id).await.remove(0).changed;
    assert_eq!(changed().await, []);

    story.change_mailbox(MailboxInput { daily_cap: Some(2), ..MailboxInput::default() }).await;
    assert_eq!(changed().await, [SimulationPart::Mailboxes]);
    story.leads(&["new@x.example"]).await;
    assert_eq!(changed().await, [SimulationPart::Audience, SimulationPart::Mailboxes]);
    story.ask_simulation(id).await;
    let again = story.simulated(&test, id).await;
    assert_eq!((again.leads, changed().await), (5, Vec::new()));
    assert_eq!(again.otherwise, [], "nobody has edited the campaign");

    // The job that the edit asks for has not run yet, and what was made before it is older than the edit.
    add_third(&story, id).await;
    let all = story.simulations(id).await;
    assert_eq!((all[0].made_at, all[1].changed.as_slice()), (None, [SimulationPart::Steps].as_slice()));
}
