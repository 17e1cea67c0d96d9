//! The question before all drafts that pass the checks are approved: how many they are, and some of them in full.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::list::Shown;
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
    shell::{PageScroll, Topbar},
    ui::{ButtonLink, Card, Crumb, Empty, EmptyKind, SubmitButton, refusal},
};

/// What is asked.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Passing {
    pub shown: Shown,
    pub count: i64,
    /// Until when the drafts were written that are approved, for the form.
    pub before: String,
    pub sample: Vec<Sampled>,
}

/// A draft of the sample.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sampled {
    pub lead: String,
    pub subject: String,
    pub body: String,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_passing(slug: String, campaign: String, writer: String) -> Result<Written, AppError> {
    let passing = super::load::passing(&slug, &campaign, &writer).await?;
    Ok(Written::new("Approve all that pass checks", move || page(&slug, passing)))
}

/// Approves what somebody has been asked about.
#[server(prefix = "/sf")]
pub async fn approve_passing(
    slug: String,
    before: String,
    #[server(default)] campaign: String,
    #[server(default)] writer: String,
) -> Result<(), AppError> {
    let (filter, before) = (super::load::filter(&campaign, &writer, "")?, super::load::moment(&before)?);
    let mut t = crate::server::tenant(&slug).await?;
    t.drafts().approve_passing(&filter, before).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/approvals"), "drafts-approved");
    Ok(())
}

/// The question.
#[component]
pub fn PassingDraftsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(use_posts(), move || {
        let of = |name| query.read().get(name).unwrap_or_default();
        LoadPassing { slug: slug.get(), campaign: of("campaign"), writer: of("writer") }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, p: Passing) -> AnyView {
    let post = Post::to::<ApprovePassing>();
    let base = format!("/t/{slug}/approvals");
    let top =
        view! { <Topbar title="Approve all that pass checks" trail=vec![Crumb::new("Approvals", base.clone())]/> };
    if p.count == 0 {
        let text = "Drafts that a check holds, or that are older than five days, are approved one by one.";
        return view! { {top}<Empty kind=EmptyKind::Done title="No draft passes every check" text/> }.into_any();
    }
    let drafts = crate::fmt::plural(p.count, "draft", "drafts");
    let of = p.shown.campaign.as_ref().map_or_else(String::new, |(_, name)| format!(" of {name}"));
    let title = format!("Approve {drafts}{of}?");
    let (button, slug) = (format!("Approve {drafts}"), slug.to_owned());
    let sample: Vec<_> = p
        .sample
        .into_iter()
        .map(|s| {
            let note = s.lead;
            view! { <Card title=s.subject note><p class="as-written">{s.body}</p></Card> }.into_any()
        })
        .collect();
    view! {
        {top}
        <PageScroll label="Question">
            <div class="page-body narrow">
                {refusal(post)}
                <Card title>
                    <p>"Every check passes for them. They leave when they are due, as they stand; those that a colleague has open stay. Below are some of them, chosen by chance."</p>
                    <PostForm post class="cluster">
                        <input type="hidden" name="slug" value=slug/>
                        <input type="hidden" name="before" value=p.before/>
                        <input type="hidden" name="campaign" value=p.shown.campaign.map(|(id, _)| id).unwrap_or_default()/>
                        <input type="hidden" name="writer" value=p.shown.writer/>
                        <SubmitButton busy=post.busy()>{button}</SubmitButton>
                        <ButtonLink href=base>"Read them one by one"</ButtonLink>
                    </PostForm>
                </Card>
                {sample}
            </div>
        </PageScroll>
    }
    .into_any()
}
