//! Sending domains: how the records of each stand, and adding one.

mod detail;
mod link_hosts;
#[cfg(feature = "ssr")]
mod records;
mod signing;

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};

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
    fmt::{Moment, plural},
    ui::{Callout, Card, Empty, EmptyKind, SubmitButton, TextInput, Time, Tone, refusal},
};
#[cfg(feature = "ssr")]
use domain::{domains::SendingDomain, tracking::LinkHost};

pub use detail::DomainPage;

/// Loads the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_domains(slug: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let domains = t.domains().list().await?;
    let hosts = t.link_hosts().list().await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let rows = domains.into_iter().map(|domain| {
        let checked = domain.checked_at.map(|at| Moment::new(at, now, &zone));
        (domain, checked)
    });
    let rows: Vec<_> = rows.collect();
    let hosts: Vec<_> = hosts
        .into_iter()
        .map(|host| {
            let checked = host.checked_at.map(|at| Moment::new(at, now, &zone));
            (host, checked)
        })
        .collect();
    Ok(Written::new("Domains", move || show(&slug, rows, hosts)))
}

/// Adds a domain.
#[server(prefix = "/sf")]
pub async fn add_domain(slug: String, name: String) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let id = t.domains().create(domain::domains::DomainInput { name }).await?.id;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/domains/{id}"), "domain-added");
    Ok(())
}

#[cfg(feature = "ssr")]
fn domain_id(text: &str) -> Result<domain::DomainId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("domain").into())
}

/// The sending domains.
#[component]
pub fn DomainsPage() -> impl IntoView {
    let slug = use_slug();
    let live = live_version("domains");
    only(Permission::ManageMailboxes, move || written(live, move || LoadDomains { slug: slug.get() }))
}

#[cfg(feature = "ssr")]
fn show(slug: &str, rows: Vec<(SendingDomain, Option<Moment>)>, hosts: Vec<(LinkHost, Option<Moment>)>) -> AnyView {
    let add = Post::to::<AddDomain>();
    let empty = rows.is_empty().then(|| {
        view! {
            <Card title="Domains">
                <Empty kind=EmptyKind::First title="No domain yet" text="The domains of mailboxes with a server of their own appear here by themselves. Mailboxes of the sandbox need none: nobody is mailed."/>
            </Card>
        }
    });
    let rows: Vec<_> = rows.into_iter().map(|(domain, checked)| row(slug, domain, checked)).collect();
    let (owner, links) = (slug.to_owned(), link_hosts::section(slug, hosts));
    let body = view! {
        {refusal(add)}
        {empty}
        {rows}
        <Card title="Add a domain">
            <PostForm post=add class="stack">
                <input type="hidden" name="slug" value=owner/>
                <TextInput name="name" label="Domain" hint="As in example.com. Make its records pass before you connect a mailbox." error=add.of_field("name")/>
                <SubmitButton busy=add.busy()>"Add domain"</SubmitButton>
            </PostForm>
        </Card>
        {links}
    }
    .into_any();
    page(slug, "domains", "Domains", body)
}

#[cfg(feature = "ssr")]
fn row(slug: &str, domain: SendingDomain, checked: Option<Moment>) -> AnyView {
    let href = format!("/t/{slug}/settings/domains/{}", domain.id);
    let checked = match checked {
        Some(at) => view! { "Checked "<Time moment=at/> }.into_any(),
        None => "Not checked yet".into_any(),
    };
    let note = plural(domain.mailboxes, "mailbox", "mailboxes");
    let error = domain.error.map(|words| view! { <Callout tone=Tone::Amber>{words}</Callout> });
    let words = format!("Records of {}", domain.name);
    view! {
        <Card title=domain.name note>
            {records::summary(&domain.records)}
            {error}
            <div class="cluster"><a class="button small" href=href>{words}</a><span class="subtle">{checked}</span></div>
        </Card>
    }
    .into_any()
}
