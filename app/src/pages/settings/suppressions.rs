//! The suppression list: who gets no more e-mail, and why.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

use super::{page, refused};
use crate::{
    error::AppError,
    fmt::Moment,
    pages::frame::{ErrorPage, live_version, use_slug},
    ui::{ButtonKind, ButtonSize, Card, Empty, EmptyKind, Pager, SubmitButton, TextArea, Time},
};

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuppressionList {
    rows: Vec<SuppressionRow>,
    next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SuppressionRow {
    id: String,
    target: String,
    words: String,
    at: Moment,
    removable: bool,
}

/// Loads a page of the list.
#[server(prefix = "/sf")]
pub async fn load_suppressions(slug: String, after: String) -> Result<SuppressionList, AppError> {
    let request =
        domain::PageRequest { after: Some(after).filter(|a| !a.is_empty()), ..domain::PageRequest::default() };
    let mut t = crate::server::tenant(&slug).await?;
    let page = t.suppressions().list(None, &request).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    Ok(SuppressionList {
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
    })
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
    crate::server::done(&format!("/t/{slug}/settings/suppressions"), "saved");
    Ok(())
}

/// Takes an entry back.
#[server(prefix = "/sf")]
pub async fn remove_suppression(slug: String, id: String) -> Result<(), AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("suppression")))?;
    let mut t = crate::server::tenant(&slug).await?;
    t.suppressions().remove(id).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/suppressions"), "removed");
    Ok(())
}

/// The suppression list.
#[component]
pub fn SuppressionsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    let (add, remove) = (ServerAction::<AddSuppressions>::new(), ServerAction::<RemoveSuppression>::new());
    let live = live_version("suppressions");
    let list = Resource::new(
        move || {
            let after = query.read().get("after").unwrap_or_default();
            (slug.get(), after, add.version().get(), remove.version().get(), live.get())
        },
        |(slug, after, ..)| load_suppressions(slug, after),
    );
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match list.await {
                    Ok(list) => show(slug.get_untracked(), list, add, remove),
                    Err(error) => view! { <ErrorPage error/> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

fn show(
    slug: String,
    list: SuppressionList,
    add: ServerAction<AddSuppressions>,
    remove: ServerAction<RemoveSuppression>,
) -> AnyView {
    let next = list.next.map(|c| format!("/t/{slug}/settings/suppressions?after={c}"));
    let empty = list.rows.is_empty();
    let rows: Vec<_> = list
        .rows
        .into_iter()
        .map(|r| {
            let (slug, id) = (slug.clone(), r.id);
            let button = r.removable.then(|| {
                view! {
                    <ActionForm action=remove>
                        <input type="hidden" name="slug" value=slug.clone()/>
                        <input type="hidden" name="id" value=id.clone()/>
                        <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small>"Remove"</SubmitButton>
                    </ActionForm>
                }
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
    let error = Signal::derive(move || add.value().get().and_then(Result::err).and_then(|e| e.of_field("targets")));
    let hidden = slug.clone();
    let body = view! {
        {refused(remove)}
        <Card title="Suppression list">
            {empty.then(|| view! { <Empty kind=EmptyKind::Done title="Nobody is suppressed yet." text="Who unsubscribes or bounces appears here."/> })}
            <ul class="stack">{rows}</ul>
        </Card>
        <Pager previous=None next/>
        <Card title="Add">
            <ActionForm action=add attr:class="stack">
                <input type="hidden" name="slug" value=hidden.clone()/>
                <TextArea name="targets" label="Addresses and domains" hint="One per line, as in ana@example.com or example.com" error/>
                <SubmitButton busy=add.pending()>"Add to the list"</SubmitButton>
            </ActionForm>
        </Card>
    }
    .into_any();
    page(&slug, "suppressions", "Suppression list", body)
}
