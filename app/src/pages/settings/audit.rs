//! The audit log: every critical operation and every denied attempt.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::page;
use crate::{
    error::AppError,
    exchange::use_posts,
    pages::{
        frame::use_slug,
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    fmt::Moment,
    ui::{Card, Pager, Tag, Time, Tone},
};

/// A page of the log.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct AuditLog {
    rows: Vec<(Moment, bool, String, String)>,
    next: Option<String>,
    /// It is not the first page.
    later: bool,
}

/// `campaign.started` as a person reads it: “Campaign started”.
#[cfg(feature = "ssr")]
fn in_words(action: &str) -> String {
    domain::words::sentence(&action.replace(['.', '_'], " "))
}

/// Loads a page of the log.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_audit(slug: String, after: String) -> Result<Written, AppError> {
    let later = !after.is_empty();
    let request =
        domain::PageRequest { after: Some(after).filter(|a| !a.is_empty()), ..domain::PageRequest::default() };
    let mut t = crate::server::tenant(&slug).await?;
    let page = t.audit().list(false, &request).await?;
    let zone = t.actor().time_zone().to_owned();
    t.commit().await?;
    let log = AuditLog {
        rows: page
            .items
            .into_iter()
            .map(|e| {
                let denied = e.outcome == domain::companies::AuditOutcome::Denied;
                let what = [Some(in_words(&e.action)), e.object, e.details]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" · ");
                let who = [Some(e.actor), e.ip].into_iter().flatten().collect::<Vec<_>>().join(" from ");
                (Moment::exact(e.at, &zone), denied, what, who)
            })
            .collect(),
        next: page.next,
        later,
    };
    Ok(Written::new("Audit log", move || show(slug, log)))
}

/// The audit log.
#[component]
pub fn AuditPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(use_posts(), move || {
        let after = query.read().get("after").unwrap_or_default();
        LoadAudit { slug: slug.get(), after }
    })
}

#[cfg(feature = "ssr")]
fn show(slug: String, log: AuditLog) -> AnyView {
    let first = log.later.then(|| format!("/t/{slug}/settings/audit"));
    let next = log.next.map(|c| format!("/t/{slug}/settings/audit?after={c}"));
    let rows: Vec<_> = log
        .rows
        .into_iter()
        .map(|(moment, denied, what, who)| {
            view! {
                <li class="cluster">
                    <Time moment/>
                    {denied.then(|| view! { <Tag text="denied" tone=Tone::Coral/> })}
                    <span>{what}</span>
                    <span class="push subtle">{who}</span>
                </li>
            }
            .into_any()
        })
        .collect();
    let body = view! {
        <Card title="Audit log" note="Written once, never edited"><ul class="stack">{rows}</ul></Card>
        <Pager first next/>
    }
    .into_any();
    page(&slug, "audit", "Audit log", body)
}
