//! The demo: a company that a newcomer can try everything with. Made through the same methods that
//! people use; names and domains are invented and end in `.example`.

mod names;

use anyhow::Result;
use domain::{
    CampaignId, LeadId, MailboxId, Role,
    campaigns::{Audience, CampaignInput},
    companies::{CompanyChange, NewCompany},
    content::{ContentInput, ContentKind},
    conversations::NewMessage,
    documents::DocumentInput,
    leads::{LeadFilter, LeadInput, LeadStatus},
    mailboxes::{MailboxInput, MailboxKind},
    steps::{Answer, Branch, Delay, DelayUnit, Place, StepInput, StepKind, Test, Variant, WinBy, WinnerRule, Writing},
    tasks::TaskInput,
    threads::ThreadClass,
    triggers::{Misfire, TriggerInput, When, WhileBusy},
    window::SendingWindow,
    workflows::{WorkflowAction, WorkflowInput, WorkflowTrigger},
};
use service::{Actor, Db, Error, Origin, people::NewPerson};

/// How to sign in to the demo, for the terminal.
pub const SIGN_INS: &str = "\
Demo sign-ins (password for all: correct horse battery)
  nora@halden.example    owner
  jonas@halden.example   manager
  aisha@halden.example   member
  viktor@halden.example  viewer
Mails of the demo stay here: Sandbox mail in the sidebar shows them.";

const PASSWORD: &str = "correct horse battery";
const LEADS: usize = 400;

/// Whether nobody has an account yet.
///
/// # Errors
/// When the database is away.
pub async fn is_empty(db: &Db) -> Result<bool> {
    match db.platform().system_actor_by_slug("halden", "seed").await {
        Err(Error::NotFound(_)) => Ok(true),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(false),
    }
}

/// Makes the demo, if it is not there: the company, and work for its agents.
///
/// # Errors
/// As [`company`].
pub async fn demo(db: &Db) -> Result<()> {
    match company(db).await? {
        Some(nora) => agents_at_work(db, &nora).await,
        None => Ok(()),
    }
}

/// Makes the demo company, if it is not there, and answers its owner.
///
/// # Errors
/// When the database is away, or the demo breaks a rule of the product.
pub async fn company(db: &Db) -> Result<Option<Actor>> {
    if !is_empty(db).await? {
        return Ok(None);
    }
    let nora = sign_up(db, "Nora Berg", "nora@halden.example", "Halden Instruments", "halden").await?;
    for (name, email, role) in [
        ("Jonas Keller", "jonas@halden.example", Role::Manager),
        ("Aisha Said", "aisha@halden.example", Role::Member),
        ("Viktor Lind", "viktor@halden.example", Role::Viewer),
    ] {
        join(db, &nora, name, email, role).await?;
    }
    let mut t = db.tenant(&nora).await?;
    let address = "Halden Instruments GmbH\nWerkstraße 4\n10115 Berlin\nGermany";
    t.update_company(CompanyChange { postal_address: Some(address.to_owned()), ..CompanyChange::default() })
        .await
        .map_err(words)?;
    t.commit().await?;
    let leads = leads(db, &nora).await?;
    let mailboxes = [
        mailbox(db, &nora, "Nora Berg", "nora@halden-labs.example").await?,
        mailbox(db, &nora, "Jonas Keller", "jonas@halden-labs.example").await?,
    ];
    let campaign = campaigns(db, &nora, &mailboxes).await?;
    written_campaign(db, &nora, &mailboxes).await?;
    texts(db, &nora, campaign).await?;
    facts(db, &nora).await?;
    to_do(db, &nora, &leads).await?;
    plan(db, &nora).await?;
    rules(db, &nora, &leads).await?;
    // A second company, so that the switcher has something to switch to.
    let second = NewCompany {
        name: "Nordfjell Optics".to_owned(),
        slug: Some("nordfjell".to_owned()),
        time_zone: Some("Europe/Oslo".to_owned()),
    };
    if let Some(id) = nora.user_id() {
        db.people().create_company(id, second, Origin::default()).await.map_err(words)?;
    }
    Ok(Some(nora))
}

async fn sign_up(db: &Db, name: &str, email: &str, company: &str, slug: &str) -> Result<Actor> {
    let person = NewPerson { name: name.to_owned(), email: email.to_owned(), password: PASSWORD.to_owned() };
    let company = NewCompany {
        name: company.to_owned(),
        slug: Some(slug.to_owned()),
        time_zone: Some("Europe/Berlin".to_owned()),
    };
    let (person, membership) = db.people().sign_up(person, company, Origin::default()).await.map_err(words)?;
    Ok(db.people().actor(person.id, &membership.slug, Origin::default()).await?.0)
}

async fn join(db: &Db, owner: &Actor, name: &str, email: &str, role: Role) -> Result<()> {
    let person = NewPerson { name: name.to_owned(), email: email.to_owned(), password: PASSWORD.to_owned() };
    let person = db.people().create_user(person).await.map_err(words)?;
    let mut t = db.tenant(owner).await?;
    t.members().add_existing(person.id, role).await.map_err(words)?;
    Ok(t.commit().await?)
}

async fn mailbox(db: &Db, owner: &Actor, name: &str, address: &str) -> Result<MailboxId> {
    let input = MailboxInput {
        kind: Some(MailboxKind::Sandbox),
        from_name: Some(name.to_owned()),
        address: Some(address.to_owned()),
        ..MailboxInput::default()
    };
    let mut t = db.tenant(owner).await?;
    let mailbox = t.mailboxes().create(input).await.map_err(words)?;
    t.commit().await?;
    Ok(mailbox.id)
}

/// The ids in the order of the numbers.
async fn leads(db: &Db, owner: &Actor) -> Result<Vec<LeadId>> {
    let mut t = db.tenant(owner).await?;
    for account in names::accounts() {
        t.accounts().create(account).await.map_err(words)?;
    }
    t.commit().await?;
    let inputs: Vec<LeadInput> = (0..LEADS).map(names::lead).collect();
    let mut ids = Vec::with_capacity(LEADS);
    for chunk in inputs.chunks(200) {
        let mut t = db.tenant(owner).await?;
        let made = t.leads().bulk_upsert(chunk.to_vec()).await.map_err(words)?;
        let made: Result<Vec<_>, _> = made.into_iter().map(|lead| lead.map(|(id, _)| id)).collect();
        let made = made.map_err(|problems| words(Error::Invalid(problems)))?;
        for (note, lead) in names::NOTES.iter().zip(made.iter().step_by(7)) {
            t.leads().add_note(*lead, note).await.map_err(words)?;
        }
        t.commit().await?;
        ids.extend(made);
    }
    Ok(ids)
}

/// The id of the one that runs.
async fn campaigns(db: &Db, owner: &Actor, mailboxes: &[MailboxId]) -> Result<CampaignId> {
    let filter = |tag: &str| LeadFilter { tag: vec![tag.to_owned()], ..LeadFilter::default() };
    let running = campaign(db, owner, "DACH optics Q4", filter("optics"), mailboxes).await?;
    let paused = campaign(db, owner, "Lab managers EU", filter("lab"), mailboxes).await?;
    let draft = campaign(db, owner, "Re-engage 2026", filter("energy"), mailboxes).await?;
    branched(db, owner, draft).await?;
    let over = campaign(db, owner, "Autumn fair, thank you", filter("robotics"), mailboxes).await?;
    let mut t = db.tenant(owner).await?;
    // One step only: the demo has sent it after a few seconds, and this campaign is completed.
    let second = t.campaigns().steps(over).await.map_err(words)?.into_steps().pop();
    if let Some(step) = second {
        t.campaigns().remove_step(over, step.id).await.map_err(words)?;
    }
    t.campaigns().start(over).await.map_err(words)?;
    t.campaigns().start(running).await.map_err(words)?;
    t.campaigns().start(paused).await.map_err(words)?;
    t.campaigns().pause(paused).await.map_err(words)?;
    t.commit().await?;
    Ok(running)
}

/// A draft with two wordings of its first e-mail, and a way of its own for leads with a high score.
async fn branched(db: &Db, owner: &Actor, campaign: CampaignId) -> Result<()> {
    let mut t = db.tenant(owner).await?;
    let first = t.campaigns().steps(campaign).await.map_err(words)?.first().map(|step| step.id);
    if let Some(first) = first {
        let other = Variant { subject: names::OTHER_SUBJECT.to_owned(), body: names::OTHER_BODY.to_owned(), share: 50 };
        let winner = WinnerRule { by: WinBy::Replies, ..WinnerRule::default() };
        let compared = StepInput { variants: Some(vec![other]), winner: Some(winner), ..StepInput::default() };
        t.campaigns().update_step(campaign, first, compared, None).await.map_err(words)?;
    }
    let filter = Box::new(LeadFilter { score_min: Some(70), ..LeadFilter::default() });
    let asks = StepInput { kind: Some(StepKind::Condition), test: Some(Test::Lead { filter }), ..StepInput::default() };
    let condition = t.campaigns().add_step(campaign, asks).await.map_err(words)?;
    let call = StepInput {
        kind: Some(StepKind::Task),
        place: Some(Place { position: None, branch: Some(Branch { of: condition.id, when: Answer::Yes }) }),
        title: Some("Call {first_name|them} at {company|their company}".to_owned()),
        ..StepInput::default()
    };
    t.campaigns().add_step(campaign, call).await.map_err(words)?;
    Ok(t.commit().await?)
}

/// A campaign whose e-mails are written for each lead, so that some drafts wait for approval.
async fn written_campaign(db: &Db, owner: &Actor, mailboxes: &[MailboxId]) -> Result<()> {
    let filter = LeadFilter { tag: vec!["energy".to_owned()], score_min: Some(85), ..LeadFilter::default() };
    let mut t = db.tenant(owner).await?;
    t.drafts().forbid(&["cheap".to_owned(), "guarantee".to_owned()]).await.map_err(words)?;
    let input = CampaignInput {
        name: Some("Energy, one by one".to_owned()),
        audience: Some(Audience::Filter { filter }),
        window: Some(SendingWindow::always()),
        mailboxes: Some(mailboxes.to_vec()),
        ..CampaignInput::default()
    };
    let campaign = t.campaigns().create(input).await.map_err(words)?;
    let (key, title, body) = names::SERVICE;
    let document = DocumentInput {
        collection: "services".to_owned(),
        key: key.to_owned(),
        title: title.to_owned(),
        body: serde_json::from_str(body)?,
        outside: false,
        lead: None,
        account: None,
    };
    t.documents().create(document).await.map_err(words)?;
    let step = StepInput {
        delay: Some(Delay::NONE),
        subject: Some(names::WRITTEN_SUBJECT.to_owned()),
        body: Some(names::WRITTEN_BODY.to_owned()),
        writing: Some(Writing::Approve),
        instructions: Some(names::INSTRUCTIONS.to_owned()),
        sources: Some(vec!["services".to_owned()]),
        ..StepInput::default()
    };
    t.campaigns().add_step(campaign.id, step).await.map_err(words)?;
    t.campaigns().start(campaign.id).await.map_err(words)?;
    Ok(t.commit().await?)
}

async fn texts(db: &Db, owner: &Actor, campaign: CampaignId) -> Result<()> {
    let mut t = db.tenant(owner).await?;
    let text = |kind, (title, body): (&str, &str), campaign| ContentInput {
        kind,
        title: title.to_owned(),
        body: body.to_owned(),
        metadata: Default::default(),
        campaign,
    };
    let post = text(ContentKind::Blog, names::POST, None);
    let post = t.content().create(post).await.map_err(words)?;
    let second = text(ContentKind::Blog, names::POST_AGAIN, None);
    t.content().update(post.id, second, None).await.map_err(words)?;
    t.content().create(text(ContentKind::Report, names::REPORT, Some(campaign))).await.map_err(words)?;
    Ok(t.commit().await?)
}

/// Facts that are no text and no lead.
async fn facts(db: &Db, owner: &Actor) -> Result<()> {
    let mut t = db.tenant(owner).await?;
    for (key, title, body) in names::COMPETITORS {
        let input = DocumentInput {
            collection: "competitors".to_owned(),
            key: key.to_owned(),
            title: title.to_owned(),
            body: serde_json::from_str(body)?,
            outside: false,
            lead: None,
            account: None,
        };
        t.documents().create(input).await.map_err(words)?;
    }
    Ok(t.commit().await?)
}

/// What waits for people about some of the leads.
async fn to_do(db: &Db, owner: &Actor, leads: &[LeadId]) -> Result<()> {
    let mut t = db.tenant(owner).await?;
    for ((title, days), lead) in names::TASKS.into_iter().zip(leads.iter().step_by(7)) {
        let task = TaskInput {
            title: title.to_owned(),
            lead: Some(*lead),
            assignee: owner.user_id().filter(|_| days == Some(0)),
            due_in_days: days,
            ..TaskInput::default()
        };
        t.tasks().create(task).await.map_err(words)?;
    }
    if let Some(lead) = leads.first() {
        let (subject, body) = names::DRAFT;
        t.drafts().create(*lead, subject, body).await.map_err(words)?;
    }
    Ok(t.commit().await?)
}

/// Something that happens by itself: an agent looks at the leads once a week.
async fn plan(db: &Db, owner: &Actor) -> Result<()> {
    let mut t = db.tenant(owner).await?;
    let agents = t.agents().list().await.map_err(words)?;
    let Some(cleaner) = agents.into_iter().find(|agent| agent.name == "list-cleaner") else { return Ok(()) };
    let weekly = TriggerInput {
        name: "Monday round".to_owned(),
        when: When::Schedule { cron: "0 7 * * MON".to_owned(), time_zone: None, misfire: Misfire::Once },
        task: "Look for leads that cannot be reached, and say what to do about them.".to_owned(),
        parameters: Default::default(),
        while_busy: WhileBusy::Skip,
        hourly_cap: 2,
        enabled: true,
    };
    t.triggers().create(cleaner.id, weekly).await.map_err(words)?;
    Ok(t.commit().await?)
}

/// What is done when something happens to a lead. Two leads change, so that the first worker has something to do.
async fn rules(db: &Db, owner: &Actor, leads: &[LeadId]) -> Result<()> {
    let mut t = db.tenant(owner).await?;
    let me = owner.user_id().into_iter().collect::<Vec<_>>();
    let call =
        |title: &str, due_in_days| WorkflowAction::CreateTask { title: title.to_owned(), due_in_days, assignee: None };
    let interested = WorkflowInput {
        actions: vec![
            WorkflowAction::SetStatus { status: LeadStatus::Qualified },
            WorkflowAction::Assign { people: me },
            call("Answer with a time to talk", 1),
        ],
        enabled: true,
        ..WorkflowInput::new(
            "Interested answers",
            WorkflowTrigger::Replied { class: Some(ThreadClass::Interested), campaign: None },
        )
    };
    let later = WorkflowInput {
        actions: vec![WorkflowAction::AddTag { tag: "next year".to_owned() }, call("Ask again", 90)],
        once_per_lead: true,
        enabled: true,
        ..WorkflowInput::new(
            "Nurtured leads",
            WorkflowTrigger::StatusChanged { from: None, to: Some(LeadStatus::Nurture) },
        )
    };
    let fresh = WorkflowInput {
        conditions: LeadFilter { score_min: Some(70), ..LeadFilter::default() },
        actions: vec![call("Look at this new lead", 0)],
        ..WorkflowInput::new("Promising new leads", WorkflowTrigger::LeadCreated {})
    };
    for input in [interested, later, fresh] {
        t.workflows().create(input).await.map_err(words)?;
    }
    for lead in leads.iter().rev().take(2) {
        t.leads().set_status(*lead, LeadStatus::Nurture).await.map_err(words)?;
    }
    Ok(t.commit().await?)
}

/// Runs that the first worker finds: most of them end, one asks first, and one is the beginning of a talk.
async fn agents_at_work(db: &Db, owner: &Actor) -> Result<()> {
    let mut t = db.tenant(owner).await?;
    let agents = t.agents().list().await.map_err(words)?;
    for agent in agents.iter().filter(|agent| names::AT_WORK.contains(&agent.name.as_str())) {
        t.runs().create_example(agent.id).await.map_err(words)?;
    }
    if let Some(researcher) = agents.iter().find(|agent| agent.name == "lead-researcher") {
        let message = NewMessage { message: names::MESSAGE.to_owned() };
        t.conversations().create(researcher.id, &message).await.map_err(words)?;
    }
    Ok(t.commit().await?)
}

async fn campaign(
    db: &Db,
    owner: &Actor,
    name: &str,
    filter: LeadFilter,
    mailboxes: &[MailboxId],
) -> Result<CampaignId> {
    let mut t = db.tenant(owner).await?;
    let input = CampaignInput {
        name: Some(name.to_owned()),
        audience: Some(Audience::Filter { filter }),
        // Always open, so that the demo moves while somebody watches.
        window: Some(SendingWindow::always()),
        mailboxes: Some(mailboxes.to_vec()),
        ..CampaignInput::default()
    };
    let campaign = t.campaigns().create(input).await.map_err(words)?;
    for (delay, subject, body) in [
        (Delay::NONE, names::FIRST_SUBJECT, names::FIRST_BODY),
        (Delay { amount: 3, unit: DelayUnit::WorkingDays }, names::SECOND_SUBJECT, names::SECOND_BODY),
    ] {
        let step = StepInput {
            delay: Some(delay),
            subject: Some(subject.to_owned()),
            body: Some(body.to_owned()),
            ..StepInput::default()
        };
        t.campaigns().add_step(campaign.id, step).await.map_err(words)?;
    }
    t.commit().await?;
    Ok(campaign.id)
}

/// An error with every problem in it.
fn words(error: Error) -> anyhow::Error {
    match error {
        Error::Invalid(problems) => {
            anyhow::anyhow!(problems.into_iter().map(|p| p.message).collect::<Vec<_>>().join(" "))
        }
        other => other.into(),
    }
}
