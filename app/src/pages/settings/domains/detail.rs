//! One sending domain: what was found about each record, with what to publish, and who signs.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::{domain_id, records, signing};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, only, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::{Moment, plural},
    pages::settings::page,
    ui::{ButtonKind, ButtonSize, Callout, Card, Fact, Facts, SubmitButton, Time, Tone, confirm, refusal},
};
#[cfg(feature = "ssr")]
use domain::domains::SendingDomain;

/// What the page shows.
#[cfg(feature = "ssr")]
struct Shown {
    domain: SendingDomain,
    checked: Option<Moment>,
    next: Moment,
    seen: Option<Moment>,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_domain(slug: String, id: String) -> Result<Written, AppError> {
    let id = domain_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let domain = t.domains().get(id).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let at = |at| Moment::new(at, now, &zone);
    let shown = Shown {
        checked: domain.checked_at.map(at),
        next: at(domain.next_check_at),
        seen: domain.key_seen_at.map(at),
        domain,
    };
    let title = shown.domain.name.clone();
    Ok(Written::new(title, move || show(&slug, shown)))
}

/// Does something with a domain: `check`, `unsign`, `remove`.
#[server(prefix = "/sf")]
pub async fn change_domain(slug: String, id: String, what: String) -> Result<(), AppError> {
    let id = domain_id(&id)?;
    let list = format!("/t/{slug}/settings/domains");
    let mut t = crate::server::tenant(&slug).await?;
    let code = match what.as_str() {
        "check" => t.domains().request_check(id).await.map(|()| "domain-checked")?,
        "unsign" => t.domains().remove_signing(id, None).await.map(|_| "domain-unsigned")?,
        "remove" => t.domains().delete(id).await.map(|()| "domain-removed")?,
        _ => return Err(service::Error::NotFound("command").into()),
    };
    t.commit().await?;
    crate::server::done(&if what == "remove" { list } else { format!("{list}/{id}") }, code);
    Ok(())
}

/// One sending domain.
#[component]
pub fn DomainPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("domain"));
    let live = live_version_of("domains", id);
    only(Permission::ManageMailboxes, move || written(live, move || LoadDomain { slug: slug.get(), id: id.get() }))
}

#[cfg(feature = "ssr")]
fn show(slug: &str, shown: Shown) -> AnyView {
    let change = Post::to::<ChangeDomain>();
    let back = format!("/t/{slug}/settings/domains");
    let body = view! {
        <p><a href=back>"All domains"</a></p>
        {refusal(change)}
        {head(slug, &shown, change)}
        {signing::section(slug, &shown.domain, shown.seen.clone(), change)}
    }
    .into_any();
    page(slug, "domains", "Domains", body)
}

#[cfg(feature = "ssr")]
fn head(slug: &str, shown: &Shown, change: Post) -> AnyView {
    let domain = &shown.domain;
    let checked = match shown.checked.clone() {
        Some(at) => view! { <Time moment=at/> }.into_any(),
        None => "Not yet".into_any(),
    };
    let error = domain
        .error
        .clone()
        .map(|words| view! { <Callout tone=Tone::Amber title="The last check failed.">{words}</Callout> });
    let records: Vec<_> = domain.records.iter().map(records::full).collect();
    let id = domain.id.to_string();
    let check = button(slug, &id, change, ("check", "Check now"), ButtonKind::Default);
    let remove = button(slug, &id, change, ("remove", "Remove domain"), ButtonKind::Danger);
    let remove = confirm("Remove", &domain.name, "Its key and what is known of its records are forgotten.", remove);
    let note = plural(domain.mailboxes, "mailbox", "mailboxes");
    let (title, summary, next) = (domain.name.clone(), records::summary(&domain.records), shown.next.clone());
    view! {
        <Card title note>
            {summary}
            {error}
            <Facts>
                <Fact label="Checked">{checked}</Fact>
                <Fact label="Next check"><Time moment=next/></Fact>
            </Facts>
            <div class="cluster">{check}{remove}</div>
            <ul class="records stack">{records}</ul>
        </Card>
    }
    .into_any()
}

/// A button that does one thing with the domain.
#[cfg(feature = "ssr")]
pub(super) fn button(
    slug: &str,
    id: &str,
    change: Post,
    (what, words): (&'static str, &'static str),
    kind: ButtonKind,
) -> AnyView {
    let (slug, id) = (slug.to_owned(), id.to_owned());
    view! {
        <PostForm post=change>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="what" value=what/>
            <SubmitButton kind size=ButtonSize::Small busy=change.busy()>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}
