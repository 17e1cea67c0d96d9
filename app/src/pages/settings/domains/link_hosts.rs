//! The host names that links lead over when opens or clicks are tracked: how each stands, what to publish, adding one.

use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{
        ButtonKind, ButtonSize, Callout, Card, FieldWidth, Glyph, Status, SubmitButton, TextInput, Time, Tone, confirm,
        refusal,
    },
};
#[cfg(feature = "ssr")]
use domain::{LinkHostId, tracking::LinkHost};

/// Adds a host name.
#[server(prefix = "/sf")]
pub async fn add_link_host(slug: String, host: String) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    t.link_hosts().create(domain::tracking::LinkHostInput { name: host }).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/domains"), "link-host-added");
    Ok(())
}

/// Does something with a host name: `check`, `remove`.
#[server(prefix = "/sf")]
pub async fn change_link_host(slug: String, id: String, what: String) -> Result<(), AppError> {
    let id: LinkHostId = id.parse().map_err(|_| service::Error::NotFound("host name"))?;
    let mut t = crate::server::tenant(&slug).await?;
    let code = match what.as_str() {
        "check" => t.link_hosts().request_check(id).await.map(|()| "link-host-checked")?,
        "remove" => t.link_hosts().delete(id).await.map(|()| "link-host-removed")?,
        _ => return Err(service::Error::NotFound("command").into()),
    };
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/domains"), code);
    Ok(())
}

/// All of them, and the form for another.
#[cfg(feature = "ssr")]
pub(super) fn section(slug: &str, hosts: Vec<(LinkHost, Option<Moment>)>) -> AnyView {
    let (add, change) = (Post::to::<AddLinkHost>(), Post::to::<ChangeLinkHost>());
    let hosts: Vec<_> = hosts.into_iter().map(|(host, checked)| one(slug, host, checked, change)).collect();
    let owner = slug.to_owned();
    view! {
        <Card title="Host names for tracking" note="opens and clicks are tracked over a name of your own">
            {refusal(change)}
            <ul class="records stack">{hosts}</ul>
            <PostForm post=add class="stack">
                <input type="hidden" name="slug" value=owner/>
                <TextInput name="host" label="Host name" hint="As in links.example.com, below the domain that you send from: links that lead over somebody else’s name are held against the sender." error=add.of_field("name") width=FieldWidth::Medium/>
                <SubmitButton kind=ButtonKind::Default busy=add.busy()>"Add host name"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn one(slug: &str, host: LinkHost, checked: Option<Moment>, change: Post) -> AnyView {
    let (glyph, tone, word) = match (host.passes, host.is_used, &checked) {
        (true, true, _) => (Glyph::Done, Tone::Jade, "passes, used by new e-mails"),
        (true, false, _) => (Glyph::Done, Tone::Neutral, "passes, serves older e-mails"),
        (false, _, Some(_)) => (Glyph::Octagon, Tone::Coral, "does not pass"),
        (false, _, None) => (Glyph::Dashed, Tone::Neutral, "not checked"),
    };
    let error = host.error.clone().map(|words| view! { <Callout tone=Tone::Amber>{words}</Callout> });
    let records: Vec<_> = if host.passes { Vec::new() } else { host.publish.clone() };
    let records: Vec<_> = records.into_iter().map(super::records::to_copy).collect();
    let checked = checked.map(|at| view! { <span class="subtle">"Checked "<Time moment=at/></span> });
    let id = host.id.to_string();
    let check = button(slug, &id, change, ("check", "Check now"), ButtonKind::Default);
    let words = "Links and pictures of e-mails that were sent with it lead nowhere from then on.";
    let remove = button(slug, &id, change, ("remove", "Remove host name"), ButtonKind::Danger);
    let remove = confirm("Remove", &host.name, words, remove);
    view! {
        <li class="stack">
            <h3 class="cluster">{host.name.clone()}" "<Status glyph tone word/></h3>
            {host.message.clone().map(|words| view! { <p>{words}</p> })}
            {error}
            {records}
            <div class="cluster">{check}{remove}{checked}</div>
        </li>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn button(
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
