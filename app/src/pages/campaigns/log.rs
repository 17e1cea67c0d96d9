//! The log of a campaign: what it was told, what became of its e-mails and what their recipients did. Its filters are its
//! address. It does not change under who reads it; whoever wants to see more loads it again.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use domain::campaigns::EVENT_KINDS;

#[cfg(feature = "ssr")]
use super::looks::{Head, head};
use crate::{
    error::AppError,
    exchange::use_posts,
    pages::{
        frame::{use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    fmt::Moment,
    pages::filters::{Condition, address, chips},
    ui::{
        AddFilter, Choice, Empty, EmptyKind, FieldFrame, FieldWidth, FilterBar, HeaderCell, Pager, Select,
        SubmitButton, TableRegion, TextInput, Time, option_list,
    },
};

/// A page of the log.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignLog {
    pub(super) head: Head,
    /// Where it is.
    pub(super) base: String,
    pub(super) conditions: Vec<Condition>,
    /// Id and name of the steps that leads get.
    pub(super) steps: Vec<(String, String)>,
    /// Id and address of its mailboxes.
    pub(super) mailboxes: Vec<(String, String)>,
    /// The file holds the address of every lead.
    pub(super) may_download: bool,
    pub(super) next: Option<String>,
    /// It is not the first page.
    pub(super) later: bool,
    pub(super) entries: Vec<Entry>,
}

/// An entry in words.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub(super) at: Moment,
    pub(super) what: String,
    pub(super) step: String,
    pub(super) mailbox: String,
    /// Id and name.
    pub(super) lead: Option<(String, String)>,
    pub(super) who: String,
    pub(super) text: String,
    /// As it is stored, as JSON.
    pub(super) record: String,
}

#[cfg(feature = "ssr")]
impl CampaignLog {
    /// The value that a filter has in the address.
    fn value(&self, key: &str) -> String {
        self.conditions.iter().find(|condition| condition.key == key).map_or_else(String::new, |c| c.value.clone())
    }

    /// The same log with `path` behind its address, from `after`.
    fn here(&self, path: &str, after: Option<&str>) -> String {
        let filters = self.conditions.iter().map(|condition| (condition.key, condition.value.as_str()));
        address(&format!("{}{path}", self.base), filters.chain(after.map(|cursor| ("after", cursor))))
    }
}

/// Loads a page of the log for the query string of the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_campaign_log(slug: String, id: String, query: String) -> Result<Written, AppError> {
    let log = super::load::log::page(&slug, &id, &query).await?;
    Ok(Written::new(log.head.name.clone(), move || page(&slug, log)))
}

/// The log of a campaign.
#[component]
pub fn CampaignLogPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("campaign"), use_query_map());
    written(use_posts(), move || LoadCampaignLog {
        slug: slug.get(),
        id: id.get(),
        query: query.read().to_query_string(),
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, log: CampaignLog) -> AnyView {
    let first = log.later.then(|| log.here("", None));
    let next = log.next.as_deref().map(|cursor| log.here("", Some(cursor)));
    let (top, filters) = (head(slug, &log.head, "log", ().into_any()), filter_bar(&log));
    let body = if log.entries.is_empty() { empty(&log) } else { table(slug, log.entries) };
    view! {
        {top}
        {filters}
        {body}
        <Pager first next/>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn filter_bar(log: &CampaignLog) -> AnyView {
    let chips = chips(&log.base, &log.conditions, &[]);
    let clear = (!chips.is_empty()).then(|| {
        let clear = log.base.clone();
        view! { <a class="button ghost small" href=clear>"Clear filters"</a> }
    });
    let form = form(log);
    let newest = log.here("", None);
    let file = log.may_download.then(|| {
        let href = log.here("/file", None);
        view! { <a class="button small" href=href download rel="external">"Download CSV"</a> }
    });
    view! {
        <FilterBar chips=ToChildren::to_children(move || view! { {chips}<AddFilter id="log-filter">{form}</AddFilter>{clear} })>
            <div class="cluster">
                <a class="button ghost small" href=newest rel="external">"Show the newest"</a>
                {file}
            </div>
        </FilterBar>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn form(log: &CampaignLog) -> AnyView {
    let choices = |pairs: &[(String, String)]| -> Vec<_> {
        pairs.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect()
    };
    let (action, kinds) = (log.base.clone(), kinds(log.value("f.kind.is")));
    let (steps, step) = (choices(&log.steps), log.value("f.step.is"));
    let (mailboxes, mailbox) = (choices(&log.mailboxes), log.value("f.mailbox.is"));
    let (lead, hint) = (log.value("f.lead.has"), "An e-mail address, or a part of the name");
    view! {
        <form method="get" action=action class="stack">
            {kinds}
            <Select name="f.step.is" label="Step" options=steps value=step placeholder="Any"/>
            <Select name="f.mailbox.is" label="Mailbox" options=mailboxes value=mailbox placeholder="Any"/>
            <TextInput name="f.lead.has" label="Lead" hint value=lead optional=true/>
            <SubmitButton>"Apply"</SubmitButton>
        </form>
    }
    .into_any()
}

/// What happened, by what it is about: more than a list without groups can be looked through.
#[cfg(feature = "ssr")]
fn kinds(value: String) -> AnyView {
    let id = "f.kind.is";
    let groups: Vec<_> = EVENT_KINDS
        .iter()
        .map(|(about, kinds)| {
            let (label, options) = (*about, kinds.iter().map(|(kind, words)| Choice::new(*kind, *words)).collect());
            view! { <optgroup label=label>{option_list(options, &value, None)}</optgroup> }.into_any()
        })
        .collect();
    let frame = FieldFrame {
        id: id.to_owned(),
        label: "What happened".to_owned(),
        hint: String::new(),
        error: Signal::stored(None),
        optional: false,
        width: FieldWidth::Full,
    };
    frame.wrap(view! { <select id=id name=id><option value="">"Any"</option>{groups}</select> }.into_any())
}

#[cfg(feature = "ssr")]
fn empty(log: &CampaignLog) -> AnyView {
    let clear = log.base.clone();
    view! {
        <Empty kind=EmptyKind::None title="No entries match" text="Nothing that happened fits all of these filters.">
            <a class="button" href=clear>"Clear filters"</a>
        </Empty>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn table(slug: &str, entries: Vec<Entry>) -> AnyView {
    let head = view! {
        <HeaderCell label="When" width="11.5rem"/>
        <HeaderCell label="What happened" width="12rem"/>
        <HeaderCell label="Step" width="9rem"/>
        <HeaderCell label="Mailbox" width="11rem"/>
        <HeaderCell label="Lead" width="8.5rem"/>
        <HeaderCell label="Who" width="6.5rem"/>
        <HeaderCell label="More"/>
    }
    .into_any();
    let rows: Vec<_> = entries.into_iter().map(|entry| row(slug, entry)).collect();
    view! { <TableRegion label="Log of this campaign" min_width="74rem" head>{rows}</TableRegion> }.into_any()
}

#[cfg(feature = "ssr")]
fn row(slug: &str, entry: Entry) -> AnyView {
    let lead = entry
        .lead
        .map(|(id, name)| view! { <a class="truncate" href=format!("/t/{slug}/leads/{id}")>{name}</a> }.into_any());
    // A record on a phone has no columns for these.
    let beside = [entry.step.as_str(), &entry.mailbox, &entry.who];
    let beside = beside.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" · ");
    let of = format!(" of “{}”, {}", entry.what, entry.at.text);
    let (step, mailbox) = (entry.step.clone(), entry.mailbox.clone());
    let text = (!entry.text.is_empty()).then(|| view! { <p class="as-written outside">{entry.text}</p> });
    view! {
        <tr role="row">
            <td role="cell" class="status-cell"><Time moment=entry.at/></td>
            <td role="cell" class="name"><span class="strong">{entry.what}</span></td>
            <td role="cell" title=entry.step>{step}</td>
            <td role="cell" title=entry.mailbox>{mailbox}</td>
            <td role="cell" class="title">{lead}</td>
            <td role="cell">{entry.who}</td>
            <td role="cell" class="wraps shown">
                <p class="at subtle">{beside}</p>
                {text}
                <details class="record">
                    <summary>"Record"<span class="sr-only">{of}</span></summary>
                    <pre class="payload outside" tabindex="0">{entry.record}</pre>
                </details>
            </td>
        </tr>
    }
    .into_any()
}
