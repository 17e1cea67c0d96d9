//! What the pages of the inbox load: one transaction each.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::{
    CampaignId, LeadId, MailboxId, PageRequest, Permission, ThreadId, UserId,
    campaigns::CampaignFilter,
    content::{ContentFilter, ContentKind},
    messages::MessageState,
    replies::{ReplyDraft, UNDO},
    template,
    threads::{ClassifiedBy, Thread, ThreadClass, ThreadEntry, ThreadFilter, ThreadState, Written},
};
use service::{Error, Tenant};

use super::{
    actions::Undoable,
    context::{About, Enrolled},
    conversation::{Mail, Opened, Side},
    looks::confidence_words,
    pane::{Address, Options, Pane, Row, said},
    reply::Editor,
};
use crate::{
    error::AppError,
    fmt::{Moment, bytes},
    pages::filters::{Condition, given, pairs},
    server,
};

/// Tabs: what stands in the address, and their words.
pub const TABS: [(&str, &str); 9] = [
    ("", "Needs answer"),
    ("interested", "Interested"),
    ("question", "Questions"),
    ("not_now", "Not now"),
    ("out_of_office", "Out of office"),
    ("unsubscribe", "Unsubscribe"),
    ("snoozed", "Snoozed"),
    ("done", "Done"),
    ("all", "All"),
];
/// Ages: what stands in the address, and their words.
pub const AGES: [(&str, &str); 4] =
    [("1d", "In the last day"), ("7d", "In the last 7 days"), ("30d", "In the last 30 days"), ("older", "Older")];
/// Names in the address that the list keeps.
const KEPT: [&str; 6] = ["tab", "campaign", "assignee", "mailbox", "class", "age"];
/// Most choices of a filter.
const CHOICES: i64 = 100;
/// Lines of the list beside a conversation.
const BESIDE: i64 = 50;
/// Texts of the library that can be put into a reply, the last changed.
const TEXTS: i64 = 50;

/// An id of the path.
pub fn thread_id(text: &str) -> Result<ThreadId, AppError> {
    text.parse().map_err(|_| Error::NotFound("conversation").into())
}

/// Nine o'clock of a day on a clock in `zone`.
pub fn morning(day: NaiveDate, zone: &str) -> Result<DateTime<Utc>, AppError> {
    Moment::read(&format!("{day}T09:00"), zone).map_err(|problem| Error::from(problem.on("form[date]")).into())
}

/// The list that a query string names: its address, and what it shows.
pub fn place(t: &mut Tenant, slug: &str, query: &str) -> Result<(Address, ThreadFilter), AppError> {
    let given_pairs = pairs(query);
    let own = KEPT.map(|key| (key, given(&given_pairs, key)));
    let address = Address {
        base: format!("/t/{slug}/inbox"),
        pairs: own.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
    };
    let unknown = |noun: &'static str| move |_| AppError::from(Error::NotFound(noun));
    let some = |key: &str| Some(address.value(key).to_owned()).filter(|value| !value.is_empty());
    let mut filter = ThreadFilter {
        campaign: some("campaign").map(|id| id.parse::<CampaignId>()).transpose().map_err(unknown("campaign"))?,
        mailbox: some("mailbox").map(|id| id.parse::<MailboxId>()).transpose().map_err(unknown("mailbox"))?,
        class: some("class").and_then(|class| ThreadClass::parse(&class)),
        ..ThreadFilter::default()
    };
    match some("assignee").as_deref() {
        Some("none") => filter.unassigned = true,
        Some("me") => filter.assignee = t.actor().user_id(),
        Some(id) => filter.assignee = Some(id.parse::<UserId>().map_err(unknown("person"))?),
        None => {}
    }
    let now = t.now();
    match address.value("age") {
        "1d" => filter.since = Some(now - Duration::days(1)),
        "7d" => filter.since = Some(now - Duration::days(7)),
        "30d" => filter.since = Some(now - Duration::days(30)),
        "older" => filter.before = Some(now - Duration::days(30)),
        _ => {}
    }
    match address.value("tab") {
        "" => filter.state = Some(ThreadState::NeedsAnswer),
        "snoozed" => filter.state = Some(ThreadState::Snoozed),
        "done" => filter.state = Some(ThreadState::Done),
        tab => filter.class = ThreadClass::parse(tab).or(filter.class),
    }
    Ok((address, filter))
}

/// The list, and the last decision if it can be taken back.
pub async fn list(slug: &str, query: &str) -> Result<(Pane, Option<Undoable>), AppError> {
    let mut t = server::tenant(slug).await?;
    let (address, filter) = place(&mut t, slug, query)?;
    t.threads().let_go(None).await?;
    let undoable = undoable(&mut t, query).await?;
    let pane = pane(&mut t, address, &filter, query).await?;
    t.commit().await?;
    Ok((pane, undoable))
}

/// One conversation with the list beside it.
pub async fn thread(slug: &str, id: &str, query: &str) -> Result<(Pane, Opened, Option<Undoable>), AppError> {
    let id = thread_id(id)?;
    let mut t = server::tenant(slug).await?;
    let (address, filter) = place(&mut t, slug, query)?;
    let replies = given(&pairs(query), "reply") == "1";
    t.threads().read(id).await?;
    if replies {
        t.threads().hold(id).await?;
    } else {
        t.threads().let_go(None).await?;
    }
    let mut opened = opened(&mut t, &address, &filter, id).await?;
    if let Some(editor) = &mut opened.editor {
        editor.open = replies;
    }
    let undoable = undoable(&mut t, query).await?;
    let pane = pane(&mut t, address, &filter, query).await?;
    t.commit().await?;
    Ok((pane, opened, undoable))
}

async fn pane(t: &mut Tenant, address: Address, filter: &ThreadFilter, query: &str) -> Result<Pane, AppError> {
    let after = Some(given(&pairs(query), "after")).filter(|after| !after.is_empty());
    let later = after.is_some();
    let page = PageRequest { after, per: Some(BESIDE), ..PageRequest::default() };
    let page = t.threads().list(filter, &page).await?;
    let needs = ThreadFilter { state: Some(ThreadState::NeedsAnswer), ..ThreadFilter::default() };
    let waiting = match t.threads().count(&needs).await? {
        0 => String::new(),
        1_000.. => "1,000+".to_owned(),
        n => n.to_string(),
    };
    let options = options(t, filter.campaign).await?;
    let conditions = conditions(&address, &options);
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let rows = page.items.into_iter().map(|thread| row(thread, now, &zone)).collect();
    Ok(Pane { address, conditions, options, rows, next: page.next, later, waiting })
}

fn row(thread: Thread, now: DateTime<Utc>, zone: &str) -> Row {
    Row {
        id: thread.id.to_string(),
        name: thread.name().to_owned(),
        confidence: said(&thread),
        account: thread.account_name.unwrap_or_default(),
        subject: if thread.subject.is_empty() { "No subject".to_owned() } else { thread.subject },
        snippet: thread.snippet,
        class: thread.class,
        by_model: thread.classified_by == ClassifiedBy::Model,
        state: thread.state,
        snoozed_until: thread.snoozed_until.map(|at| Moment::exact(at, zone)),
        assignee: thread.assignee_name,
        campaign: thread.campaign_name,
        at: Moment::new(thread.last_at, now, zone),
        unread: thread.unread,
    }
}

/// What the filters offer: the newest campaigns, and the one that is asked for although it is older or archived.
async fn options(t: &mut Tenant, asked: Option<CampaignId>) -> Result<Options, AppError> {
    let page = PageRequest { per: Some(CHOICES), ..PageRequest::default() };
    let campaigns = t.campaigns().list(&CampaignFilter::default(), &page).await?.items;
    let mut campaigns: Vec<_> = campaigns.into_iter().map(|campaign| (campaign.id, campaign.name)).collect();
    if let Some(id) = asked.filter(|id| campaigns.iter().all(|(known, _)| known != id)) {
        match t.campaigns().get(id).await {
            Ok(campaign) => campaigns.push((id, campaign.name)),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let people = t.members().list().await?;
    let mailboxes = t.mailboxes().list().await?;
    let mut whose = vec![("me".to_owned(), "Me".to_owned()), ("none".to_owned(), "Nobody".to_owned())];
    whose.extend(people.into_iter().map(|member| (member.user_id.to_string(), member.name)));
    Ok(Options {
        campaigns: campaigns.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
        people: whose,
        mailboxes: mailboxes.into_iter().map(|mailbox| (mailbox.id.to_string(), mailbox.address.to_string())).collect(),
    })
}

fn conditions(address: &Address, options: &Options) -> Vec<Condition> {
    let classes: Vec<_> = ThreadClass::ALL.iter().map(|c| (c.to_string(), c.label().to_owned())).collect();
    let ages: Vec<_> = AGES.iter().map(|(age, words)| ((*age).to_owned(), (*words).to_owned())).collect();
    let known = [&options.campaigns, &options.people, &options.mailboxes, &classes, &ages];
    let fields = ["Campaign", "Assigned to", "Mailbox", "Class", "Newest mail"];
    ["campaign", "assignee", "mailbox", "class", "age"]
        .into_iter()
        .zip(fields.into_iter().zip(known))
        .filter_map(|(key, (field, known))| {
            let value = Some(address.value(key)).filter(|value| !value.is_empty())?.to_owned();
            let words = known.iter().find(|(id, _)| *id == value).map_or("another one", |(_, words)| words).to_owned();
            Some(Condition { key, value, field, operator: "is", words })
        })
        .collect()
}

/// The decision that an address tells of, while it stands.
async fn undoable(t: &mut Tenant, query: &str) -> Result<Option<Undoable>, AppError> {
    let Ok(id) = given(&pairs(query), "undo").parse::<ThreadId>() else { return Ok(None) };
    let thread = match t.threads().get(id).await {
        Err(Error::NotFound(_)) => return Ok(None),
        other => other?,
    };
    let zone = t.actor().time_zone().to_owned();
    let name = thread.name();
    let words = match (thread.state, thread.snoozed_until) {
        (ThreadState::NeedsAnswer, _) => return Ok(None),
        (_, Some(until)) => {
            format!("Snoozed. The conversation with {name} is back on {}.", Moment::exact(until, &zone).text)
        }
        (..) => format!("Done. The conversation with {name} comes back when they write again."),
    };
    Ok(Some(Undoable { id: id.to_string(), words }))
}

async fn opened(t: &mut Tenant, address: &Address, filter: &ThreadFilter, id: ThreadId) -> Result<Opened, AppError> {
    let full = t.threads().in_full(id).await?;
    let (before, next) = t.threads().beside(&full.thread, filter).await?;
    let replying = t.threads().replying(id).await?;
    let about = match full.thread.lead {
        Some(lead) => Some(about(t, lead).await?),
        None => None,
    };
    let draft = t.threads().draft(id).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let editor = match draft {
        Some(draft) => Some(editor(t, id, draft, &zone).await?),
        None => None,
    };
    let people = t.members().list().await?;
    let thread = full.thread;
    let corrections = full.corrections.into_iter().map(|c| {
        let was = format!("{} ({})", c.was.label(), confidence_words(c.was_by, c.was_confidence));
        (format!("{} changed “{was}” to “{}”.", c.by, c.became.label()), Moment::new(c.at, now, &zone))
    });
    let place = |id: Option<ThreadId>| id.map(|id| address.at(&format!("/{id}"), &[]));
    Ok(Opened {
        id: id.to_string(),
        version: thread.version,
        name: thread.name().to_owned(),
        from_address: thread.from_address.clone().unwrap_or_default(),
        subject: if thread.subject.is_empty() { "No subject".to_owned() } else { thread.subject.clone() },
        mailbox: thread.mailbox_address.clone(),
        state: thread.state,
        snoozed_until: thread.snoozed_until.map(|at| Moment::exact(at, &zone)),
        assignee: thread.assignee.map(|id| id.to_string()).unwrap_or_default(),
        assignee_name: thread.assignee_name.clone(),
        class: thread.class,
        class_why: thread.class_why.clone(),
        confidence: said(&thread),
        by_model: thread.classified_by == ClassifiedBy::Model,
        corrections: corrections.collect(),
        mails: full.entries.into_iter().map(|entry| mail(entry, &thread, now, &zone)).collect(),
        earlier: full.earlier,
        people: people.into_iter().map(|member| (member.user_id.to_string(), member.name)).collect(),
        me: t.actor().user_id().map(|id| id.to_string()).unwrap_or_default(),
        replying,
        may: t.actor().can(Permission::EditCampaigns),
        editor,
        campaign: thread.campaign.zip(thread.campaign_name.clone()).map(|(id, name)| (id.to_string(), name)),
        about,
        before: place(before),
        next: place(next),
        today: t.today().to_string(),
    })
}

async fn editor(t: &mut Tenant, id: ThreadId, draft: ReplyDraft, zone: &str) -> Result<Editor, AppError> {
    let kind = ContentFilter { kind: Some(ContentKind::Email), ..ContentFilter::default() };
    let page = PageRequest { per: Some(TEXTS), ..PageRequest::default() };
    let texts = t.content().list(&kind, &page).await?.items;
    let drafting = t.threads().drafting(id).await?;
    let may_draft = t.actor().can(Permission::RunAgents);
    Ok(Editor {
        gaps: template::variables(&draft.body).iter().map(|variable| format!("{{{variable}}}")).collect(),
        subject: draft.subject,
        body: draft.body,
        quotes: draft.quotes,
        arrived: draft.arrived,
        drafting,
        may_draft,
        has_model: t.threads().has_model().await?,
        send_at: draft.send_at.map(|at| Moment::field(at, zone)).unwrap_or_default(),
        zone: zone.to_owned(),
        texts: texts.into_iter().map(|text| (text.id.to_string(), text.title)).collect(),
        open: false,
    })
}

fn mail(entry: ThreadEntry, thread: &Thread, now: DateTime<Utc>, zone: &str) -> Mail {
    match entry {
        ThreadEntry::In(received) => {
            let mail = received.mail;
            let from = Some(mail.from_name.clone()).filter(|name| !name.is_empty()).or(mail.from_address.clone());
            Mail {
                id: mail.id.to_string(),
                side: Side::In,
                name: from.unwrap_or_else(|| "Unknown sender".to_owned()),
                address: mail.from_address.unwrap_or_default(),
                at: Moment::new(mail.arrived_at, now, zone),
                subject: mail.subject,
                text: mail.text,
                quoted: mail.quoted,
                note: mail.why,
                effects: received.effects.iter().map(|effect| effect.sentence()).collect(),
                files: received.attachments.into_iter().map(|file| (file.name, bytes(file.size))).collect(),
                has_files: received.has_files,
                has_html: received.has_html,
                state: String::new(),
                can_be_taken_back: false,
            }
        }
        ThreadEntry::Out(written) => Mail {
            id: written.id.to_string(),
            side: Side::Out,
            can_be_taken_back: written.author.is_some() && MessageState::CANCELLABLE.contains(&written.state),
            state: standing(&written, now, zone),
            note: note(&written, now, zone),
            name: written.author.unwrap_or_else(|| thread.mailbox_address.clone()),
            address: String::new(),
            at: Moment::new(written.at, now, zone),
            subject: written.subject.unwrap_or_default(),
            text: written.text,
            quoted: String::new(),
            effects: Vec::new(),
            files: Vec::new(),
            has_files: false,
            has_html: false,
        },
    }
}

/// Where an e-mail of ours stands, in a word or two.
fn standing(written: &Written, now: DateTime<Utc>, zone: &str) -> String {
    let waits = written.detail.as_deref().is_some_and(|detail| !detail.is_empty());
    match written.state {
        _ if written.came_back.is_some() => "Came back".to_owned(),
        MessageState::Scheduled if written.author.is_some() && !waits && written.at > now + UNDO => {
            format!("Leaves {}", Moment::ahead(written.at, now, zone))
        }
        state => state.label().to_owned(),
    }
}

/// What is said of an e-mail of ours, and of an answer that did not simply arrive, what to do.
fn note(written: &Written, now: DateTime<Utc>, zone: &str) -> String {
    let detail = written.detail.clone().unwrap_or_default();
    let at = Moment::exact(written.at, zone).text;
    let address = "Check the address, then answer again.";
    if let Some(why) = &written.came_back {
        return if written.author.is_some() { format!("{why} {address}") } else { why.clone() };
    }
    match written.state {
        // What a server says when it takes an e-mail is of no use to people.
        MessageState::Sent => String::new(),
        _ if written.author.is_none() => detail,
        MessageState::Scheduled if !detail.is_empty() => format!("It waits, because {detail}"),
        MessageState::Scheduled if written.at <= now + UNDO => "It leaves in a few seconds.".to_owned(),
        MessageState::Scheduled => String::new(),
        MessageState::Deferred => format!("On {at}. The server said: {detail}"),
        MessageState::Failed => format!("{detail} {address}"),
        MessageState::Unknown => format!(
            "{detail} It is never sent again by itself. Look into the sent mail of the mailbox before you write again."
        ),
        _ => detail,
    }
}

async fn about(t: &mut Tenant, id: LeadId) -> Result<About, AppError> {
    let lead = t.leads().get(id).await?;
    let enrolled = t.enrolments().of_lead(id).await?;
    let tasks = t.tasks().of_lead(id).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    Ok(About {
        id: id.to_string(),
        name: lead.display_name(),
        title: lead.title.unwrap_or_default(),
        account: lead.account_id.map(|id| id.to_string()).zip(lead.account_name),
        email: lead.email.map(|email| email.to_string()).unwrap_or_default(),
        phone: lead.phone.unwrap_or_default(),
        country: lead.country.unwrap_or_default(),
        status: lead.status,
        score: lead.score,
        owner: lead.owner_name.unwrap_or_default(),
        tags: lead.tags,
        suppressed: lead.suppressed,
        enrolled: enrolled
            .into_iter()
            .map(|e| Enrolled { state: e.standing(), campaign: (e.campaign.to_string(), e.name) })
            .collect(),
        tasks: tasks.into_iter().filter(|task| task.done_at.is_none()).map(|task| task.title).collect(),
        last_activity: Moment::new(lead.last_activity_at, now, &zone),
    })
}
