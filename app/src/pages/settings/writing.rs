//! What the writers of e-mails are told: the prompt in its versions, and terms that no e-mail may hold.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::page;
use crate::{
    error::AppError,
    exchange::use_posts,
    pages::{
        frame::{only, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{Card, SubmitButton, TextArea, Time},
};

/// What the page shows.
#[cfg(feature = "ssr")]
struct Writing {
    prompt: String,
    terms: String,
    versions: Vec<Version>,
}

/// A version of the prompt.
#[cfg(feature = "ssr")]
struct Version {
    name: String,
    author: String,
    at: Option<Moment>,
    text: String,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_writing(slug: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let prompts = t.drafts().prompts().await?;
    let terms = t.drafts().rules().await?.forbidden_terms.join("\n");
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let prompt = prompts.first().map(|newest| newest.text.clone()).unwrap_or_default();
    let version = |p: service::drafts::Prompt| Version {
        name: if p.version == 0 { "The one of the product".to_owned() } else { format!("Version {}", p.version) },
        author: p.created_by.unwrap_or_default(),
        at: p.created_at.map(|at| Moment::new(at, now, &zone)),
        text: p.text,
    };
    let shown = Writing { prompt, terms, versions: prompts.into_iter().map(version).collect() };
    Ok(Written::new("Writing", move || show(&slug, shown)))
}

/// Keeps a new version of the prompt.
#[server(prefix = "/sf")]
pub async fn save_prompt(slug: String, prompt: String) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    t.drafts().write_prompt(&prompt).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/writing"), "prompt-saved");
    Ok(())
}

/// Keeps the forbidden terms, one on each line.
#[server(prefix = "/sf")]
pub async fn save_terms(slug: String, #[server(default)] terms: String) -> Result<(), AppError> {
    let terms: Vec<String> = terms.lines().map(str::to_owned).collect();
    let mut t = crate::server::tenant(&slug).await?;
    t.drafts().forbid(&terms).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/writing"), "terms-saved");
    Ok(())
}

/// What writers are told.
#[component]
pub fn WritingPage() -> impl IntoView {
    let slug = use_slug();
    only(Permission::ManageAgents, move || written(use_posts(), move || LoadWriting { slug: slug.get() }))
}

#[cfg(feature = "ssr")]
fn show(slug: &str, w: Writing) -> AnyView {
    let (prompt, terms) = (Post::to::<SavePrompt>(), Post::to::<SaveTerms>());
    let versions: Vec<_> = w
        .versions
        .into_iter()
        .map(|v| {
            let at = v.at.map(|moment| view! { " · "<Time moment/> });
            view! {
                <li>
                    <details>
                        <summary>{v.name}" "<span class="subtle small-text">{v.author}{at}</span></summary>
                        <p class="as-written">{v.text}</p>
                    </details>
                </li>
            }
            .into_any()
        })
        .collect();
    let (for_prompt, for_terms) = (slug.to_owned(), slug.to_owned());
    let body = view! {
        <p class="subtle">"This is for campaigns whose e-mails AI writes for each lead. The instructions of the step and the facts about the lead are added."</p>
        <Card title="Prompt">
            <PostForm post=prompt class="stack">
                <input type="hidden" name="slug" value=for_prompt/>
                <TextArea name="prompt" label="What every writer is told" hint="Saving makes a new version. A draft says which one it was written with." value=w.prompt rows=8 maxlength=10_000u32 error=prompt.of_field("prompt")/>
                <SubmitButton busy=prompt.busy()>"Save new version"</SubmitButton>
            </PostForm>
        </Card>
        <Card title="Forbidden terms">
            <PostForm post=terms class="stack">
                <input type="hidden" name="slug" value=for_terms/>
                <TextArea name="terms" label="Terms that no e-mail may hold" hint="One on each line. A draft with one of them waits for a person." value=w.terms rows=5 optional=true error=terms.of_field("terms")/>
                <SubmitButton busy=terms.busy()>"Save terms"</SubmitButton>
            </PostForm>
        </Card>
        <Card title="Versions of the prompt"><ul class="stack">{versions}</ul></Card>
    }
    .into_any();
    page(slug, "writing", "Writing", body)
}
