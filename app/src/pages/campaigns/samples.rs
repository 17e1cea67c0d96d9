//! Samples at a step that AI writes: how it reads for real leads, by whom it was written and what that cost.

use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    pages::frame::may,
    ui::{ButtonKind, Card, CheckItem, Checklist, SubmitButton, refusal},
};

/// A sample.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct SampleView {
    pub(super) lead: String,
    pub(super) subject: String,
    /// Empty while it is being written.
    pub(super) body: String,
    /// What stands against it, and what to look at.
    pub(super) checks: Vec<CheckItem>,
    /// By whom it was written, and what that cost.
    pub(super) writer: String,
    pub(super) notice: Option<String>,
}

/// Asks for samples.
#[server(prefix = "/sf")]
pub async fn write_samples(slug: String, id: String, step: String) -> Result<(), AppError> {
    let own = format!("/t/{slug}/campaigns/{id}/sequence/{step}");
    let (id, step) = (super::load::campaign_id(&id)?, super::load::step_id(&step)?);
    let mut t = crate::server::tenant(&slug).await?;
    t.drafts().ask_for_samples(id, step).await?;
    t.commit().await?;
    crate::server::done(&own, "samples-asked");
    Ok(())
}

/// The samples of a step, and the button that asks for new ones.
#[cfg(feature = "ssr")]
pub(super) fn samples(slug: &str, campaign: &str, step: &str, has_model: bool, samples: Vec<SampleView>) -> AnyView {
    let post = Post::to::<WriteSamples>();
    let (slug, campaign, step) = (slug.to_owned(), campaign.to_owned(), step.to_owned());
    let by = if has_model {
        "Your model writes them, which costs what it costs."
    } else {
        "The built-in writer writes them."
    };
    let waits = samples.iter().any(|sample| sample.body.is_empty());
    let again = (may(domain::Permission::EditCampaigns) && !waits).then(|| {
        view! {
            <PostForm post>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=campaign/>
                <input type="hidden" name="step" value=step/>
                <SubmitButton kind=ButtonKind::Default busy=post.busy()>"Write 3 samples"</SubmitButton>
            </PostForm>
        }
    });
    let samples: Vec<_> = samples.into_iter().map(sample).collect();
    view! {
        <Card title="Samples">
            {refusal(post)}
            <p class="subtle">"For the first leads of the audience, with what is saved. They are never sent. "{by}</p>
            {again}
            <ol class="stack samples">{samples}</ol>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn sample(s: SampleView) -> AnyView {
    if s.body.is_empty() {
        return view! { <li><p class="strong">{s.lead}</p><p class="subtle">"It is being written."</p></li> }
            .into_any();
    }
    let notice = s.notice.map(|words| view! { <p class="subtle">{words}</p> });
    let checks = if s.checks.is_empty() {
        view! { <p class="subtle">"It passes every check."</p> }.into_any()
    } else {
        view! { <Checklist items=s.checks words=["Passes: ", "Warns: ", "Fails: "]/> }.into_any()
    };
    view! {
        <li>
            <p class="subtle small-text">"To "{s.lead}" · "{s.writer}</p>
            <p class="strong">{s.subject}</p>
            <p class="as-written">{s.body}</p>
            {notice}
            {checks}
        </li>
    }
    .into_any()
}
