//! Home: what runs, what was sent, and what a new company should do next.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

use crate::{
    error::AppError,
    exchange::with_data,
    pages::{
        campaigns::{CampaignRow, campaign_table},
        frame::{live_versions, may, use_slug},
    },
    shell::{PageScroll, TabTitle, Topbar},
    ui::{Card, CheckItem, Checklist, Empty, EmptyKind, Kpi, KpiStrip, Verdict},
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Home {
    leads: String,
    sent_today: String,
    running: i64,
    drafts: String,
    new_leads: String,
    needs: Vec<(String, String, String)>,
    campaigns: Vec<CampaignRow>,
    steps: Vec<(bool, String, String, String)>,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_home(slug: String) -> Result<Home, AppError> {
    use crate::{
        fmt::{grouped, plural},
        pages::campaigns::campaign_row,
    };
    use domain::{
        PageRequest,
        campaigns::{CampaignFilter, CampaignState},
        connectors::ConnectorState,
        drafts::QueueFilter,
        leads::LeadFilter,
        mailboxes::MailboxState,
    };

    let mut t = crate::server::tenant(&slug).await?;
    let leads = t.leads().count(&LeadFilter::default()).await?;
    let counts = t.campaigns().counts().await?;
    let (sent, cap) = t.mailboxes().usage_today().await?;
    let mailboxes = t.mailboxes().list().await?;
    let company = t.company().await?;
    let open = CampaignFilter {
        state: vec![CampaignState::Running, CampaignState::Paused, CampaignState::Scheduled],
        ..CampaignFilter::default()
    };
    let page = PageRequest { per: Some(10), ..PageRequest::default() };
    let may_mend = t.actor().can(Permission::ManageMailboxes);
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let week =
        LeadFilter { created_from: Some((now - chrono::Duration::days(6)).date_naive()), ..LeadFilter::default() };
    let new_leads = t.leads().count(&week).await?;
    let campaigns = t.campaigns().list(&open, &page).await?;
    let due = t.tasks().due().await?;
    let slots = t.runs().slots().await?;
    let waiting = if t.actor().can(Permission::DecideRuns) { slots.waiting - slots.asking } else { 0 };
    let asking = if t.actor().can(Permission::RunAgents) { slots.asking } else { 0 };
    let drafts = if t.actor().can(Permission::ApproveDrafts) {
        t.drafts().count(&QueueFilter::default()).await?.waiting
    } else {
        0
    };
    let connectors = if t.actor().can(Permission::ManageAgents) { t.connectors().list().await? } else { Vec::new() };
    t.commit().await?;
    let in_state = |state| counts.iter().filter(|(s, _)| *s == state).map(|(_, n)| *n).sum::<i64>();
    let base = format!("/t/{slug}");
    let mut needs = Vec::new();
    if waiting > 0 {
        let title = format!("{} for your approval", plural(waiting, "run waits", "runs wait"));
        let why = "An agent asks before it acts outside the company, or for more of a limit.".to_owned();
        needs.push((title, why, format!("{base}/runs?view=needs_you")));
    }
    if asking > 0 {
        let title = format!("{} you something", plural(asking, "run asks", "runs ask"));
        let why = "An agent waits for an answer before it goes on.".to_owned();
        needs.push((title, why, format!("{base}/runs?view=needs_you")));
    }
    if drafts > 0 {
        let title = format!("{} for your approval", plural(drafts, "draft waits", "drafts wait"));
        let why = "Their e-mails leave when they are approved.".to_owned();
        needs.push((title, why, format!("{base}/approvals?kind=drafts")));
    }
    needs.extend(connectors.iter().filter(|c| c.to_review > 0).map(|c| {
        let verb = plural(c.to_review, "tool is", "tools are");
        let why = "Agents use what is new or has changed only after somebody has reviewed it.".to_owned();
        (format!("{verb} new or changed at {}", c.name), why, format!("{base}/settings/connectors/{}", c.id))
    }));
    needs.extend(connectors.iter().filter(|c| c.state == ConnectorState::NeedsSignIn).map(|c| {
        let why = c.last_error.clone().unwrap_or_else(|| "Agents cannot use its tools until then.".to_owned());
        (format!("{} waits for somebody to sign in", c.name), why, format!("{base}/settings/connectors/{}", c.id))
    }));
    needs.extend(mailboxes.iter().filter(|m| may_mend && m.state == MailboxState::Reconnect).map(|m| {
        let why = m.last_error.clone().unwrap_or_default();
        (format!("{} is not connected", m.address), why, format!("{base}/settings/mailboxes"))
    }));
    needs.extend(campaigns.items.iter().filter_map(|c| {
        let why = c.pause_reason.clone()?;
        Some((format!("{} paused by itself", c.name), why, format!("{base}/campaigns/{}", c.id)))
    }));
    if due > 0 {
        let title = format!("{} due", plural(due, "task is", "tasks are"));
        needs.push((title, "Yours, or for anybody.".to_owned(), format!("{base}/tasks")));
    }
    let step = |done: bool, text: &str, detail: &str, href: &str| {
        (done, text.to_owned(), detail.to_owned(), format!("{base}/{href}"))
    };
    let started = counts.iter().any(|(s, _)| !matches!(s, CampaignState::Draft));
    let steps = vec![
        step(
            company.postal_address.is_some(),
            "Set the postal address",
            "The law asks for one under every e-mail.",
            "settings/company",
        ),
        step(!mailboxes.is_empty(), "Connect a mailbox", "The address you send from.", "settings/mailboxes"),
        step(leads.value > 0, "Import leads", "The people you want to reach.", "leads/import"),
        step(started, "Start a campaign", "A short series of e-mails.", "campaigns/new"),
    ];
    Ok(Home {
        leads: format!("{}{}", grouped(leads.value), if leads.more { "+" } else { "" }),
        sent_today: format!("{} of {}", grouped(sent), grouped(cap)),
        new_leads: format!("{}{} new in 7 days", grouped(new_leads.value), if new_leads.more { "+" } else { "" }),
        running: in_state(CampaignState::Running),
        drafts: plural(in_state(CampaignState::Draft), "draft", "drafts"),
        needs,
        campaigns: campaigns.items.into_iter().map(|c| campaign_row(c, now, &zone)).collect(),
        steps,
    })
}

/// The first page of a company.
#[component]
pub fn HomePage() -> impl IntoView {
    let slug = use_slug();
    let live = live_versions(["campaigns", "runs"]);
    view! {
        <TabTitle text="Home"/>
        <Topbar title="Home"/>
        {with_data(live, move || LoadHome { slug: slug.get() }, move |home| page(slug.get_untracked(), home))}
    }
    .into_any()
}

fn page(slug: String, home: Home) -> AnyView {
    let links = |rows: Vec<(String, String, String)>| -> Vec<AnyView> {
        rows.into_iter()
            .map(|(title, text, href)| {
                view! { <li><a class="strong" href=href>{title}</a><p class="subtle">{text}</p></li> }.into_any()
            })
            .collect()
    };
    let running = match home.running {
        0 => "No campaign is running.".to_owned(),
        1 => "1 campaign is running.".to_owned(),
        n => format!("{n} campaigns are running."),
    };
    let needs = if home.needs.is_empty() {
        view! { <Empty kind=EmptyKind::Done title="Nothing waits for you." text=running/> }.into_any()
    } else {
        view! { <ul class="stack">{links(home.needs)}</ul> }.into_any()
    };
    let campaigns = if home.campaigns.is_empty() {
        view! { <Empty kind=EmptyKind::First title="No campaign is running" text="A campaign is a short series of e-mails with pauses between them."/> }.into_any()
    } else {
        campaign_table(&slug, home.campaigns).into_any()
    };
    let unfinished = home.steps.iter().any(|(done, ..)| !done);
    let set_up = (unfinished && may(Permission::ManageCompany)).then(|| {
        let items = home
            .steps
            .iter()
            .cloned()
            .map(|(done, text, detail, href)| CheckItem {
                verdict: if done { Verdict::Pass } else { Verdict::Warn },
                text,
                detail,
                fix: (!done).then(|| ("Do this".to_owned(), href)),
            })
            .collect();
        view! { <Card title="Set up your company"><Checklist items/></Card> }
    });
    view! {
        <PageScroll label="Home">
            <div class="page-body">
                {set_up}
                <Card title="Needs you">{needs}</Card>
                <KpiStrip items=vec![
                    Kpi::new("Leads", home.leads, home.new_leads),
                    Kpi::new("E-mails sent", home.sent_today, "in the last 24 hours"),
                    Kpi::new("Campaigns running", home.running.to_string(), home.drafts),
                ]/>
                <Card title="Campaigns">{campaigns}</Card>
            </div>
        </PageScroll>
    }
    .into_any()
}
