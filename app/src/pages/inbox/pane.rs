//! The pane with the list: tabs, filters, and a line for each conversation.

use domain::threads::{ThreadClass, ThreadState};
use leptos::prelude::*;

use super::looks::{class_tag, confidence_words};
use crate::{
    fmt::Moment,
    pages::filters::{Condition, address, chips, kept},
    shell::PageScroll,
    ui::{AddFilter, Choice, Empty, EmptyKind, FilterBar, Pager, Select, SubmitButton, TabLink, Tabs, Tag, Time, Tone},
};

/// Names of the filters in the address that the form offers.
const OFFERED: [&str; 5] = ["campaign", "assignee", "mailbox", "class", "age"];

/// What the pane shows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pane {
    pub address: Address,
    /// What a chip takes away.
    pub conditions: Vec<Condition>,
    pub options: Options,
    pub rows: Vec<Row>,
    pub next: Option<String>,
    /// It is not the first page.
    pub later: bool,
    /// How many need an answer, in words.
    pub waiting: String,
}

/// Where the list stands, and what it is narrowed by.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Address {
    pub base: String,
    /// The address, without the page.
    pub pairs: Vec<(&'static str, String)>,
}

/// What the form of filters offers: values and words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Options {
    pub campaigns: Vec<(String, String)>,
    pub people: Vec<(String, String)>,
    pub mailboxes: Vec<(String, String)>,
}

/// A conversation in the list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub id: String,
    pub name: String,
    pub account: String,
    pub subject: String,
    pub snippet: String,
    pub class: ThreadClass,
    pub confidence: String,
    pub by_model: bool,
    pub state: ThreadState,
    pub snoozed_until: Option<Moment>,
    pub assignee: Option<String>,
    pub campaign: Option<String>,
    pub at: Moment,
    pub unread: bool,
}

impl Address {
    /// What the address says of a name.
    pub fn value(&self, key: &str) -> &str {
        self.pairs.iter().find(|(name, _)| *name == key).map_or("", |(_, value)| value)
    }

    /// The address of a page of the inbox that keeps tab and filters.
    pub fn at(&self, path: &str, more: &[(&str, &str)]) -> String {
        let own = self.pairs.iter().map(|(key, value)| (*key, value.as_str()));
        address(&format!("{}{path}", self.base), own.chain(more.iter().copied()))
    }

    fn in_tab(&self, tab: &str) -> String {
        let others = self.pairs.iter().filter(|(key, _)| *key != "tab").map(|(key, value)| (*key, value.as_str()));
        let tab = Some(("tab", tab)).filter(|(_, tab)| !tab.is_empty());
        address(&self.base, tab.into_iter().chain(others))
    }

    /// The same tab without filters.
    fn unfiltered(&self) -> String {
        address(&self.base, self.tab_only().iter().map(|(key, value)| (*key, value.as_str())))
    }

    fn tab_only(&self) -> Vec<(&'static str, String)> {
        self.pairs.iter().filter(|(key, _)| *key == "tab").cloned().collect()
    }
}

/// Tabs and filters, and the list below them; `open` is the conversation beside it.
pub(super) fn pane(p: Pane, open: Option<&str>) -> (AnyView, AnyView) {
    let current = p.address.value("tab").to_owned();
    let tabs = super::load::TABS
        .iter()
        .map(|(tab, label)| {
            let link = TabLink::new(*label, p.address.in_tab(tab), current == *tab);
            if tab.is_empty() && !p.waiting.is_empty() { link.count(p.waiting.clone()) } else { link }
        })
        .collect();
    let filters = filter_bar(&p);
    let first = p.later.then(|| p.address.at("", &[]));
    let next = p.next.as_ref().map(|cursor| p.address.at("", &[("after", cursor)]));
    let rows: Vec<_> = p.rows.iter().map(|row| line(&p.address, row, open)).collect();
    let body = if rows.is_empty() { nothing(&p) } else { view! { <ol class="threads">{rows}</ol> }.into_any() };
    let head = view! { <div class="inbox-head"><Tabs label="Conversations" items=tabs/>{filters}</div> };
    let list = view! {
        <div class="inbox-list">
            <PageScroll label="Conversations">{body}</PageScroll>
            <Pager first next/>
        </div>
    };
    (head.into_any(), list.into_any())
}

fn nothing(p: &Pane) -> AnyView {
    if !p.conditions.is_empty() {
        let clear = p.address.unfiltered();
        let title = "No conversation matches these filters";
        return view! {
            <Empty kind=EmptyKind::None title><a class="button" href=clear>"Clear filters"</a></Empty>
        }
        .into_any();
    }
    match p.address.value("tab") {
        "" => view! {
            <Empty kind=EmptyKind::Done title="No replies wait for you" text="A reply to a campaign appears here within seconds."/>
        }
        .into_any(),
        _ => view! { <Empty kind=EmptyKind::Done title="Nothing is here"/> }.into_any(),
    }
}

fn line(address: &Address, row: &Row, open: Option<&str>) -> AnyView {
    let href = address.at(&format!("/{}", row.id), &[]);
    let here = (open == Some(row.id.as_str())).then_some("true");
    let unread = row.unread.then(|| view! { <span class="sr-only">"Unread: "</span> });
    let account =
        (!row.account.is_empty()).then(|| view! { <span class="truncate subtle">{row.account.clone()}</span> });
    let snoozed = row.snoozed_until.clone().map(|moment| {
        let text = format!("Snoozed until {}", moment.text);
        view! { <Tag text tone=Tone::Sky/> }
    });
    let done = (row.state == ThreadState::Done && address.value("tab") != "done")
        .then(|| view! { <Tag text=ThreadState::Done.label()/> });
    let assignee = row.assignee.clone().map(|name| view! { <span class="truncate">{name}</span> });
    let campaign = row.campaign.clone().map(|name| view! { <span class="truncate">{name}</span> });
    view! {
        <li data-unread=row.unread.then_some("true")>
            <a href=href aria-current=here>
                <span class="thread-head">
                    {unread}<span class="truncate who">{row.name.clone()}</span>{account}
                    <span class="push small-text subtle"><Time moment=row.at.clone()/></span>
                </span>
                <span class="truncate what">{row.subject.clone()}</span>
                <span class="truncate subtle">{row.snippet.clone()}</span>
                <span class="thread-marks small-text subtle">
                    {class_tag(row.class, row.by_model)}<span>{row.confidence.clone()}</span>{snoozed}{done}{campaign}{assignee}
                </span>
            </a>
        </li>
    }
    .into_any()
}

fn filter_bar(p: &Pane) -> AnyView {
    let chips = chips(&p.address.base, &p.conditions, &p.address.tab_only());
    let form = form(p);
    let clear = (!p.conditions.is_empty()).then(|| {
        let clear = p.address.unfiltered();
        view! { <a class="button ghost small" href=clear>"Clear filters"</a> }
    });
    view! {
        <FilterBar chips=ToChildren::to_children(move || view! { {chips}<AddFilter id="inbox-filter">{form}</AddFilter> })>
            {clear}
        </FilterBar>
    }
    .into_any()
}

fn form(p: &Pane) -> AnyView {
    let choices = |pairs: &[(String, String)]| -> Vec<_> {
        pairs.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect()
    };
    let value = |key: &str| p.address.value(key).to_owned();
    let classes: Vec<_> = ThreadClass::ALL.iter().map(|class| Choice::new(class.as_str(), class.label())).collect();
    let ages = super::load::AGES.iter().map(|(age, words)| Choice::new(*age, *words)).collect::<Vec<_>>();
    let hidden = kept(p.address.pairs.iter().filter(|(key, _)| !OFFERED.contains(key)).cloned());
    let (campaigns, people, mailboxes) =
        (choices(&p.options.campaigns), choices(&p.options.people), choices(&p.options.mailboxes));
    let action = p.address.base.clone();
    view! {
        <form method="get" action=action class="stack">
            {hidden}
            <Select name="campaign" label="Campaign" options=campaigns value=value("campaign") placeholder="Any campaign"/>
            <Select name="assignee" label="Assigned to" options=people value=value("assignee") placeholder="Anybody"/>
            <Select name="mailbox" label="Mailbox" options=mailboxes value=value("mailbox") placeholder="Any mailbox"/>
            <Select name="class" label="Class" options=classes value=value("class") placeholder="Any class"/>
            <Select name="age" label="Newest mail" options=ages value=value("age") placeholder="Of any age"/>
            <SubmitButton>"Apply"</SubmitButton>
        </form>
    }
    .into_any()
}

/// How sure a class is, in a word, or who has said it.
pub(super) fn said(thread: &domain::threads::Thread) -> String {
    confidence_words(thread.classified_by, thread.class_confidence)
}
