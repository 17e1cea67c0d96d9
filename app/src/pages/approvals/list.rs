//! The list: drafts that wait and what runs ask, the oldest first.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_versions, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    fmt::Moment,
    pages::{
        frame::may,
        runs::{QuestionList, question_table},
    },
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, ButtonLink, Card, Choice, ColumnKind, Empty, EmptyKind, FilterBar, Glyph, HeaderCell, Pager,
        Select, Status, SubmitButton, TabLink, TableRegion, Tabs, Tag, Time, Tone,
    },
};
#[cfg(feature = "ssr")]
use domain::drafts::Writer;

#[cfg(feature = "ssr")]
use super::{
    decisions::Seen,
    forms::{Undoable, undo},
};

/// What is shown of the queue.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shown {
    /// `drafts`, `runs`, or both.
    pub kind: String,
    /// Id and name of the one campaign whose drafts are shown.
    pub campaign: Option<(String, String)>,
    /// `model`, `built_in`, or both.
    pub writer: String,
    /// `passes`, `held`, `stale`, or all.
    pub flag: String,
}

#[cfg(feature = "ssr")]
impl Shown {
    /// The address of a page of the queue that shows the same.
    pub fn at(&self, path: &str) -> String {
        let campaign = self.campaign.as_ref().map_or("", |(id, _)| id.as_str());
        format!("{path}?campaign={campaign}&writer={}&flag={}", self.writer, self.flag)
    }
}

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Approvals {
    pub shown: Shown,
    pub undoable: Option<Undoable>,
    /// Ids and names of the campaigns whose drafts wait.
    pub campaigns: Vec<(String, String)>,
    pub drafts: Vec<DraftLine>,
    pub next: Option<String>,
    pub later: bool,
    pub waiting: i64,
    pub passing: i64,
    pub oldest: Option<Moment>,
    pub questions: QuestionList,
}

/// A draft in the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DraftLine {
    pub id: String,
    pub lead: String,
    pub account: String,
    pub subject: String,
    pub campaign: (String, String),
    pub step: i32,
    /// Checks that stand against it.
    pub against: usize,
    pub stale: bool,
    /// Who else has it open.
    pub holder: Option<String>,
    pub at: Moment,
    pub due: Moment,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_approvals(
    slug: String,
    kind: String,
    campaign: String,
    writer: String,
    flag: String,
    undo: String,
    after: String,
) -> Result<Written, AppError> {
    let seen = Seen { version: None, campaign, writer, flag };
    let approvals = super::load::approvals(&slug, &kind, &seen, &undo, &after).await?;
    Ok(Written::new("Approvals", move || page(&slug, approvals)))
}

/// Everything that waits for people.
#[component]
pub fn ApprovalsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_versions(["drafts", "runs"]), move || {
        let of = |name| query.read().get(name).unwrap_or_default();
        LoadApprovals {
            slug: slug.get(),
            kind: of("kind"),
            campaign: of("campaign"),
            writer: of("writer"),
            flag: of("flag"),
            undo: of("undo"),
            after: of("after"),
        }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, a: Approvals) -> AnyView {
    let base = format!("/t/{slug}/approvals");
    let tab = |kind: &str, label| {
        let href = if kind.is_empty() { base.clone() } else { format!("{base}?kind={kind}") };
        TabLink::new(label, href, a.shown.kind == kind)
    };
    let tabs = vec![tab("", "All"), tab("drafts", "Drafts").count(a.waiting.to_string()), tab("runs", "Runs")];
    let questions = (a.shown.kind != "drafts").then(|| questions(slug, &base, &a));
    let (nothing, only_runs) = (a.drafts.is_empty() && a.questions.is_empty(), a.shown.kind == "runs");
    let filtered = a.shown.campaign.is_some() || !a.shown.writer.is_empty() || !a.shown.flag.is_empty();
    let undo = undo(slug, &a.shown, a.undoable.clone());
    let drafts = (!only_runs).then(|| drafts(&base, a));
    let body = if nothing && !filtered {
        let text = "Drafts of campaigns that AI writes, and agents that ask before they act outside the company.";
        view! { <Empty kind=EmptyKind::Done title="Nothing waits for an approval" text/> }.into_any()
    } else {
        view! { <div class="page-body">{drafts}{questions}</div> }.into_any()
    };
    view! {
        <Topbar title="Approvals"/>
        <Tabs label="Approvals" items=tabs/>
        {undo}
        <PageScroll label="Approvals">{body}</PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn questions(slug: &str, base: &str, a: &Approvals) -> AnyView {
    if a.questions.is_empty() {
        let text = "An agent asks before it acts outside the company, or for more of a limit.";
        return view! { <Card title="Questions of runs"><p class="subtle">{text}</p></Card> }.into_any();
    }
    let next = a.questions.next.clone().map(|cursor| format!("{base}?kind=runs&after={cursor}"));
    let first = (a.shown.kind == "runs" && a.later).then(|| format!("{base}?kind=runs"));
    let table = question_table(slug, a.questions.clone());
    view! { <Card title="Questions of runs" flush=true>{table}<Pager first next/></Card> }.into_any()
}

#[cfg(feature = "ssr")]
fn drafts(base: &str, a: Approvals) -> AnyView {
    let here = a.shown.at(base);
    let filters = filters(&a);
    let flags = [("", "All"), ("passes", "Pass the checks"), ("held", "Held by a check"), ("stale", "Stale")];
    let flags = flags.map(|(flag, words)| {
        let shown = Shown { flag: flag.to_owned(), ..a.shown.clone() };
        let here = (a.shown.flag == flag).then_some("true");
        view! { <a class="button small" href=format!("{}&kind=drafts", shown.at(base)) aria-current=here>{words}</a> }
            .into_any()
    });
    let note = match (a.waiting, &a.oldest) {
        (0, _) | (_, None) => String::new(),
        (n, Some(oldest)) => format!("{n}, the oldest written {}", oldest.text),
    };
    let all = (a.passing > 0 && may(domain::Permission::ApproveDrafts)).then(|| {
        let words = format!("Approve all that pass checks ({})", a.passing);
        let href = a.shown.at(&format!("{base}/passing"));
        view! { <ButtonLink href kind=ButtonKind::Primary>{words}</ButtonLink> }
    });
    let (first, next) = (
        a.later.then(|| format!("{here}&kind=drafts")),
        a.next.as_ref().map(|cursor| format!("{here}&kind=drafts&after={cursor}")),
    );
    let table = if a.drafts.is_empty() {
        view! { <p class="subtle nothing">"No draft waits here."</p> }.into_any()
    } else {
        let head = view! {
            <HeaderCell label="Draft to" width="16rem"/>
            <HeaderCell label="Subject" width="16rem"/>
            <HeaderCell label="Campaign" width="13rem"/>
            <HeaderCell label="Checks" width="11rem"/>
            <HeaderCell label="Written" kind=ColumnKind::Number width="7rem"/>
            <HeaderCell label="Due" kind=ColumnKind::Number width="7rem"/>
        }
        .into_any();
        let rows: Vec<_> = a.drafts.into_iter().map(|draft| line(base, &a.shown, draft)).collect();
        view! { <TableRegion label="Drafts" min_width="70rem" head>{rows}</TableRegion> }.into_any()
    };
    view! {
        <Card title="Drafts" note flush=true>
            <div class="queue-tools"><FilterBar chips=ToChildren::to_children(move || view! { {flags} })>{all}</FilterBar>{filters}</div>
            {table}
            <Pager first next/>
        </Card>
    }
    .into_any()
}

/// Whose drafts: of one campaign, of one writer.
#[cfg(feature = "ssr")]
fn filters(a: &Approvals) -> AnyView {
    let choice = |(id, name): &(String, String)| Choice::new(id.clone(), name.clone());
    // A campaign whose last draft was decided about still says what is shown.
    let shown = a.shown.campaign.iter().filter(|one| !a.campaigns.contains(one));
    let campaigns = a.campaigns.iter().chain(shown).map(choice).collect();
    let writers = [(Writer::Model, "A language model"), (Writer::BuiltIn, "The built-in writer")]
        .map(|(writer, words)| Choice::new(writer.as_str(), words))
        .to_vec();
    let campaign = a.shown.campaign.as_ref().map(|(id, _)| id.clone()).unwrap_or_default();
    let (writer, flag) = (a.shown.writer.clone(), a.shown.flag.clone());
    view! {
        <form method="get" class="cluster">
            <input type="hidden" name="kind" value="drafts"/>
            <input type="hidden" name="flag" value=flag/>
            <Select name="campaign" label="Campaign" options=campaigns value=campaign placeholder="Every campaign"/>
            <Select name="writer" label="Written by" options=writers value=writer placeholder="Every writer"/>
            <SubmitButton kind=ButtonKind::Default>"Show"</SubmitButton>
        </form>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn line(base: &str, shown: &Shown, d: DraftLine) -> AnyView {
    let href = shown.at(&format!("{base}/{}", d.id));
    let whom = if d.account.is_empty() { d.lead.clone() } else { format!("{}, {}", d.lead, d.account) };
    let campaign = format!("{base}?kind=drafts&campaign={}", d.campaign.0);
    let holder = d.holder.map(|name| view! { " "<Tag text=format!("Open at {name}’s") tone=Tone::Sky/> });
    view! {
        <tr role="row">
            <td role="cell" class="name"><a class="truncate" href=href>{whom}</a></td>
            <td role="cell" class="title">{d.subject}</td>
            <td role="cell"><a href=campaign>{d.campaign.1}</a>{format!(", step {}", d.step)}</td>
            <td role="cell">{checks_word(d.against)}{d.stale.then(|| view! { " "<Tag text="Stale" tone=Tone::Amber/> })}{holder}</td>
            <td role="cell" class="num"><Time moment=d.at/></td>
            <td role="cell" class="num"><Time moment=d.due/></td>
        </tr>
    }
    .into_any()
}

/// How the checks came out, in a word.
#[cfg(feature = "ssr")]
pub(super) fn checks_word(against: usize) -> AnyView {
    match against {
        0 => view! { <Status glyph=Glyph::Done tone=Tone::Jade word="Passes"/> }.into_any(),
        1 => view! { <Status glyph=Glyph::Octagon tone=Tone::Coral word="1 check fails"/> }.into_any(),
        n => view! { <Status glyph=Glyph::Octagon tone=Tone::Coral word=format!("{n} checks fail")/> }.into_any(),
    }
}
