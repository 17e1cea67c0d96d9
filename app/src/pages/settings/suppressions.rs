//! The suppression list: who gets no more e-mail, and why.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::page;
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, only, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{ButtonKind, ButtonSize, Card, Empty, EmptyKind, Pager, SubmitButton, TextArea, Time, confirm, refusal},
};

/// A page of the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct SuppressionList {
    rows: Vec<SuppressionRow>,
    next: Option<String>,
    /// It is not the first page.
    later: bool,
}

#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
struct SuppressionRow {
    id: String,
    target: String,
    words: String,
    at: Moment,
    removable: bool,
}

/// Loads a page of the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_suppressions(slug: String, after: String) -> Result<Written, AppError> {
    let later = !after.is_empty();
    let request =
        domain::PageRequest { after: Some(after).filter(|a| !a.is_empty()), ..domain::PageRequest::default() };
    let mut t = crate::server::tenant(&slug).await?;
    let page = t.suppressions().list(None, &request).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let list = SuppressionList {
        rows: page
            .items
            .into_iter()
            .map(|s| SuppressionRow {
                id: s.id.to_string(),
                target: s.target,
                words: [Some(s.reason.label().to_owned()), s.detail]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" · "),
                at: Moment::new(s.created_at, now, &zone),
                removable: s.reason.removable(),
            })
            .collect(),
        next: page.next,
        later,
    };
    Ok(Written::new("Suppression list", move || show(slug, list)))
}

/// Adds addresses and domains, one per line.
#[server(prefix = "/sf")]
pub async fn add_suppressions(slug: String, targets: String) -> Result<(), AppError> {
    use domain::suppressions::SuppressionTarget;

    let targets: Result<Vec<_>, _> =
        targets.lines().map(str::trim).filter(|l| !l.is_empty()).map(SuppressionTarget::parse).collect();
    let targets = targets.map_err(|p| AppError::from(service::Error::invalid(p.on("targets"))))?;
    let mut t = crate::server::tenant(&slug).await?;
    t.suppressions().add(&targets, None).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/suppressions"), "suppressed");
    Ok(())
}

/// Takes an entry back.
#[server(prefix = "/sf")]
pub async fn remove_suppression(slug: String, id: String) -> Result<(), AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("suppression")))?;
    let mut t = crate::server::tenant(&slug).await?;
    t.suppressions().remove(id).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/suppressions"), "unsuppressed");
    Ok(())
}

/// The suppression list.
#[component]
pub fn SuppressionsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    let live = live_version("suppressions");
    only(Permission::ManageSuppressions, move || {
        written(live, move || {
            let after = query.read().get("after").unwrap_or_default();
            LoadSuppressions { slug: slug.get(), after }
        })
    })
}

#[cfg(feature = "ssr")]
fn show(slug: String, list: SuppressionList) -> AnyView {
    let (add, remove) = (Post::to::<AddSuppressions>(), Post::to::<RemoveSuppression>());
    let first = list.later.then(|| format!("/t/{slug}/settings/suppressions"));
    let next = list.next.map(|c| format!("/t/{slug}/settings/suppressions?after={c}"));
    let empty = list.rows.is_empty();
    let rows: Vec<_> = list
        .rows
        .into_iter()
        .map(|r| {
            let (slug, id) = (slug.clone(), r.id);
            let button = r.removable.then(|| {
                let form = view! {
                    <PostForm post=remove>
                        <input type="hidden" name="slug" value=slug.clone()/>
                        <input type="hidden" name="id" value=id.clone()/>
                        <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small>"Take off the list"</SubmitButton>
                    </PostForm>
                };
                confirm("Remove", &r.target, "E-mails may be sent there again.", form.into_any())
            });
            view! {
                <li class="cluster">
                    <span><strong>{r.target}</strong><br/><span class="subtle">{r.words}</span></span>
                    <span class="push subtle"><Time moment=r.at/></span>
                    {button}
                </li>
            }
            .into_any()
        })
        .collect();
    let error = add.of_field("targets");
    let hidden = slug.clone();
    let body = view! {
        {refusal(add)}
        {refusal(remove)}
        <Card title="Suppression list">
            {empty.then(|| view! { <Empty kind=EmptyKind::Done title="Nobody is suppressed yet." text="Who unsubscribes or bounces appears here."/> })}
            <ul class="stack">{rows}</ul>
        </Card>
        <Pager first next/>
        <Card title="Add">
            <PostForm post=add class="stack">
                <input type="hidden" name="slug" value=hidden.clone()/>
                <TextArea name="targets" label="Addresses and domains" hint="One per line, as in ana@example.com or example.com" error/>
                <SubmitButton busy=add.busy()>"Add to the list"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any();
    page(&slug, "suppressions", "Suppression list", body)
}
