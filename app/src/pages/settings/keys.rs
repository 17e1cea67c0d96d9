//! The API keys of the company. A key is made by a plain form whose answer shows the secret, once: it is
//! in no address, no session and no cache.

use leptos::{prelude::*, server_fn::codec::Postcard};

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
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{
        ButtonKind, ButtonSize, Card, Checkbox, Choice, Empty, EmptyKind, FieldWidth, Select, SubmitButton, TextInput,
        Time, confirm, refusal,
    },
};

/// The name of the form of a new key, which a door without scripts answers.
pub const NEW_KEY: &str = "keys/new";

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct KeyList {
    keys: Vec<KeyRow>,
    /// Spelling and sentence of every scope.
    scopes: Vec<(String, String)>,
}

#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
struct KeyRow {
    id: String,
    name: String,
    prefix: String,
    scopes: String,
    by: Option<String>,
    created: Moment,
    used: Option<Moment>,
    /// Why it no longer works, or until when it does.
    end: Option<String>,
    works: bool,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_keys(slug: String) -> Result<Written, AppError> {
    use domain::keys::Scope;

    let mut t = crate::server::tenant(&slug).await?;
    let keys = t.keys().list().await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let row = |key: domain::keys::ApiKey| {
        let expired = key.expires_at.is_some_and(|at| at <= now);
        KeyRow {
            id: key.id.to_string(),
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            by: key.created_by,
            created: Moment::new(key.created_at, now, &zone),
            used: key.last_used_at.map(|at| Moment::new(at, now, &zone)),
            end: match (key.revoked_at, key.expires_at) {
                (Some(_), _) => Some("Revoked".to_owned()),
                (None, Some(_)) if expired => Some("Expired".to_owned()),
                (None, Some(at)) => Some(format!("Works until {}", at.format("%-d %B %Y"))),
                (None, None) => None,
            },
            works: key.revoked_at.is_none() && !expired,
        }
    };
    let scopes = Scope::ALL.iter().map(|scope| (scope.to_string(), scope.label().to_owned())).collect();
    let list = KeyList { keys: keys.into_iter().map(row).collect(), scopes };
    Ok(Written::new("API keys", move || show(&slug, list)))
}

/// Ends a key.
#[server(prefix = "/sf")]
pub async fn revoke_key(slug: String, id: String) -> Result<(), AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("key")))?;
    let mut t = crate::server::tenant(&slug).await?;
    t.keys().revoke(id).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/keys"), "key-revoked");
    Ok(())
}

/// The API keys.
#[component]
pub fn KeysPage() -> impl IntoView {
    let slug = use_slug();
    written(use_posts(), move || LoadKeys { slug: slug.get() })
}

#[cfg(feature = "ssr")]
fn show(slug: &str, list: KeyList) -> AnyView {
    let (revoke, make) = (Post::to::<RevokeKey>(), Post::to_door(NEW_KEY));
    let empty = list.keys.is_empty();
    let rows: Vec<_> = list.keys.into_iter().map(|key| row(slug, key, revoke)).collect();
    let scopes: Vec<_> = list
        .scopes
        .into_iter()
        .map(|(scope, words)| view! { <Checkbox name=format!("scope-{scope}") label=words value="on"/> }.into_any())
        .collect();
    let ends = vec![
        Choice::new("90", "After 90 days"),
        Choice::new("30", "After 30 days"),
        Choice::new("365", "After a year"),
        Choice::new("never", "Never"),
    ];
    let new = format!("/t/{slug}/settings/keys/new");
    let body = view! {
        {refusal(revoke)}
        {refusal(make)}
        <Card title="API keys">
            {empty.then(|| view! { <Empty kind=EmptyKind::First title="No key yet" text="A key lets a program work with leads and campaigns of this company."/> })}
            <ul class="stack">{rows}</ul>
            <p class="subtle">"What a program can do stands in the "<a href="/docs/api" rel="external">"documentation of the API"</a>"."</p>
        </Card>
        <Card title="New key">
            <form method="post" action=new class="fields">
                <TextInput name="name" label="Name" hint="The program that uses it, as in “CRM sync”" error=make.of_field("name")/>
                <fieldset class="field"><legend>"It may"</legend>{make.of_field("scopes").get_untracked().map(|text| view! { <p class="error">{text}</p> })}{scopes}</fieldset>
                <Select name="expires" label="It ends" options=ends value="90" width=FieldWidth::Medium/>
                <SubmitButton>"Create key"</SubmitButton>
            </form>
        </Card>
    }
    .into_any();
    page(slug, "keys", "API keys", body)
}

#[cfg(feature = "ssr")]
fn row(slug: &str, key: KeyRow, revoke: Post) -> AnyView {
    let (slug, id, words) = (slug.to_owned(), key.id, format!("Revoke {}", key.name));
    let button = key.works.then(|| {
        let form = view! {
            <PostForm post=revoke>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <SubmitButton kind=ButtonKind::Danger size=ButtonSize::Small>{words}</SubmitButton>
            </PostForm>
        };
        confirm("Revoke", &key.name, "Programs that use it stop working at once.", form.into_any())
    });
    let used = match key.used {
        Some(moment) => view! { "Used "<Time moment/> }.into_any(),
        None => view! { "Never used" }.into_any(),
    };
    let by = key.by.map(|name| format!(" by {name}"));
    let end = key.end.map(|words| format!(" · {words}"));
    view! {
        <li class="cluster">
            <span>
                <strong>{key.name}</strong>" "<code>{key.prefix}"…"</code><br/>
                <span class="subtle">{key.scopes}</span><br/>
                <span class="subtle">{used}" · Created "<Time moment=key.created/>{by}{end}</span>
            </span>
            <span class="push">{button}</span>
        </li>
    }
    .into_any()
}
