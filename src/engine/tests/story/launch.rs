//! What is said before the start is what comes of it: who is reached, who is left out and why, and how long it takes.

use chrono::Duration;
use domain::{
    CampaignId,
    campaigns::{CampaignInput, Exclusions, Rules, Verdict, checks::Checklist},
    companies::CompanyChange,
    enrolments::{EndReason, EnrolmentState},
    leads::{LeadInput, LeadStatus},
    mailboxes::MailboxInput,
    simulation::{NeverReached, Simulation},
    steps::StepInput,
    suppressions::SuppressionTarget,
    window::SendingWindow,
    words::plural,
};
use service::campaigns::simulations::simulate;
use testing::TestDb;

use crate::support::{Story, start_of_story};

async fn checklist(story: &Story<'_>, id: CampaignId) -> Checklist {
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().checklist(id).await.expect("a checklist")
}

/// Asks for a simulation and makes it, as a worker does.
async fn simulation(story: &Story<'_>, id: CampaignId) -> Simulation {
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().ask_simulation(id).await.expect("asked");
    t.commit().await.expect("kept");
    simulate(&story.db, story.company.id, id).await.expect("made");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().simulations(id).await.expect("a list").remove(0).result.expect("made")
}

/// All that a checklist says.
fn sentences(checklist: &Checklist) -> Vec<&str> {
    let of_check = checklist.checks.iter().flat_map(|check| std::iter::once(&check.message).chain(&check.lines));
    of_check.map(String::as_str).collect()
}

fn words(one: &NeverReached) -> String {
    match one.reason {
        EndReason::NoAddress => format!("{} without an e-mail address will be skipped.", one.leads),
        EndReason::OnSuppressionList => format!("{} on the suppression list will be skipped.", one.leads),
        reason => format!("{} left out: {}.", plural(one.leads, "lead is", "leads are"), reason.label()),
    }
}

fn lead(email: &str, account: &str) -> LeadInput {
    LeadInput {
        email: Some(email.to_owned()).filter(|email| !email.is_empty()),
        first_name: Some("Ines".into()),
        account: Some(account.to_owned()),
        ..LeadInput::default()
    }
}

async fn store(story: &Story<'_>, leads: Vec<LeadInput>) {
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    for stored in t.leads().bulk_upsert(leads).await.expect("stored") {
        stored.expect("a lead");
    }
    t.commit().await.expect("kept");
}

/// Of seven leads ana has answered and ben waits for the second e-mail of a campaign of four days ago; cem is their
/// colleague. Dora is new, eva has no name, finn is suppressed, and gil has no address.
async fn seven<'d>(test: &'d TestDb) -> Story<'d> {
    let story = Story::of(test).await;
    store(&story, vec![lead("ana@corvus.example", "Corvus"), lead("ben@corvus.example", "Corvus")]).await;
    let first = story.campaign().await;
    story.start(first).await;
    story.send().await;
    story.receive("7:1", "From: ana@corvus.example\nSubject: Hello\n\nYes.").await;
    test.clock().advance(Duration::days(4));
    let nameless = LeadInput { first_name: None, ..lead("eva@x.example", "Lark") };
    let others = vec![lead("cem@corvus.example", "Corvus"), lead("dora@x.example", "Lark"), nameless];
    store(&story, others).await;
    store(&story, vec![lead("finn@x.example", "Lark"), lead("", "Lark")]).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let finn = SuppressionTarget::parse("finn@x.example").expect("an address");
    t.suppressions().add(&[finn], None).await.expect("suppressed");
    t.commit().await.expect("kept");
    story
}

/// A campaign for everybody, one of whose e-mails needs a name.
async fn campaign(story: &Story<'_>, rules: Rules) -> CampaignId {
    let id = story.campaign().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let step =
        StepInput { subject: Some("Third".into()), body: Some("Hi {first_name}".into()), ..StepInput::default() };
    t.campaigns().add_step(id, step).await.expect("added");
    t.commit().await.expect("kept");
    story.edit(id, CampaignInput { rules: Some(rules), ..CampaignInput::default() }).await;
    id
}

#[tokio::test]
async fn who_is_reached_is_said_before_the_start() {
    let test = testing::db_at(start_of_story()).await;
    let story = seven(&test).await;
    let dora = story.leads(&["dora@x.example"]).await[0];
    story.becomes(dora, LeadStatus::Customer).await;
    let nobody = Exclusions { customers: false, ..Exclusions::default() };
    let all = Exclusions {
        active_elsewhere: true,
        contacted_within_days: 7,
        account_replied: true,
        missing_variable: true,
        ..nobody
    };
    for (exclude, reached) in [
        (nobody, 5),
        (Exclusions { customers: true, ..nobody }, 4),
        (Exclusions { active_elsewhere: true, ..nobody }, 4),
        (Exclusions { contacted_within_days: 7, ..nobody }, 3),
        (Exclusions { contacted_within_days: 2, ..nobody }, 5),
        (Exclusions { account_replied: true, ..nobody }, 2),
        (Exclusions { missing_variable: true, ..nobody }, 4),
        (Exclusions { unverified: true, ..nobody }, 2),
        (all, 1),
    ] {
        let id = campaign(&story, Rules { exclude, ..Rules::default() }).await;
        let (said, simulated) = (checklist(&story, id).await, simulation(&story, id).await);
        assert_eq!((said.reached, simulated.leads), (reached, reached), "{exclude:?}");
        assert_eq!(simulated.never.iter().map(|one| one.leads).sum::<i64>(), 7 - reached, "{exclude:?}");
        for one in &simulated.never {
            assert!(sentences(&said).contains(&words(one).as_str()), "{}: {:?}", words(one), sentences(&said));
        }
    }

    // A part of them is held out, whoever that is.
    let id = campaign(&story, Rules { holdout_percent: 50, ..Rules::default() }).await;
    let (said, simulated) = (checklist(&story, id).await, simulation(&story, id).await);
    assert_eq!(said.reached, simulated.leads);
    for one in &simulated.never {
        assert!(sentences(&said).contains(&words(one).as_str()), "{}: {:?}", words(one), sentences(&said));
    }

    let id = campaign(&story, Rules { exclude: all, ..Rules::default() }).await;
    let said = checklist(&story, id).await;
    assert!(said.checks.iter().all(|check| check.verdict != Verdict::Block), "{said:?}");
    story.start(id).await;
    let ledger = story.ledger(id).await;
    assert_eq!(ledger.audience - ledger.leads(&[EnrolmentState::Skipped]), said.reached);
}

#[tokio::test]
async fn a_campaign_that_reaches_nobody_says_why() {
    let test = testing::db_at(start_of_story()).await;
    let story = seven(&test).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let asks = CompanyChange { asks_for_basis: Some(true), ..CompanyChange::default() };
    t.update_company(asks).await.expect("changed");
    t.commit().await.expect("kept");
    let id = story.campaign().await;
    let said = checklist(&story, id).await;
    let audience = said.checks.iter().find(|check| check.code == "audience").expect("there");
    assert_eq!((said.reached, audience.verdict), (0, Verdict::Block));
    assert_eq!(audience.message, "None of the 7 leads can be mailed.");
    let basis = "5 leads are left out: no lawful basis is recorded.".to_owned();
    assert!(audience.lines.contains(&basis), "{:?}", audience.lines);
}

#[tokio::test]
async fn how_long_it_takes_is_what_was_simulated_of_just_this() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let id = story.campaign().await;
    let pace = |cap| MailboxInput { daily_cap: Some(cap), ramp: Some(false), ..MailboxInput::default() };
    story.change_mailbox(pace(40)).await;
    let volume = async || {
        let found = checklist(&story, id).await.checks.into_iter().find(|check| check.code == "volume");
        found.expect("there").message
    };
    let unknown = |cap: i32| {
        format!("6 e-mails at most, and at most {cap} a day. Simulate the campaign to see how long they take.")
    };
    assert_eq!(volume().await, unknown(40));
    // One hour lies between both e-mails, and no e-mail waits for its mailbox.
    simulation(&story, id).await;
    let known = "6 e-mails leave on 1 day, as simulated.";
    assert_eq!(volume().await, known);

    // Whatever it rests on may change.
    story.change_mailbox(pace(30)).await;
    assert_eq!(volume().await, unknown(30), "a mailbox");
    simulation(&story, id).await;
    assert_eq!(volume().await, known);
    let fridays = SendingWindow { days: vec![5], ..SendingWindow::always() };
    story.edit(id, CampaignInput { window: Some(fridays), ..CampaignInput::default() }).await;
    assert_eq!(volume().await, unknown(30), "the settings");
    simulation(&story, id).await;
    assert_eq!(volume().await, known);
    story.leads(&["d@x.example"]).await;
    assert!(volume().await.starts_with("8 e-mails at most"), "the audience");
    simulation(&story, id).await;
    assert_eq!(volume().await, "8 e-mails leave on 1 day, as simulated.");
    test.clock().advance(Duration::days(2));
    assert!(volume().await.starts_with("8 e-mails at most"), "the time");
}
