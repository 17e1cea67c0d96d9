//! The tools of a connector, each with the words of its server and what agents may do with it.

use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{ButtonKind, ButtonSize, Card, Choice, SubmitButton, Tag, Time, Tone, option_list},
};
#[cfg(feature = "ssr")]
use domain::connectors::{ConnectorTool, ToolPermission, ToolReview, ToolState};

/// Keeps what a person says of a tool. `hash` is of what they have read.
#[server(prefix = "/sf")]
pub async fn review_tool(
    slug: String,
    id: String,
    tool: String,
    permission: String,
    hash: String,
) -> Result<(), AppError> {
    let id = super::connector_id(&id)?;
    let permission = permission.parse().map_err(service::Error::invalid)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.connectors().review(id, &ToolReview { tool, permission, hash }).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/connectors/{id}"), "tool-reviewed");
    Ok(())
}

/// The part of the page that is about them.
#[cfg(feature = "ssr")]
pub(super) fn section(slug: &str, id: &str, tools: Vec<(ConnectorTool, Option<Moment>)>, post: Post) -> AnyView {
    if tools.is_empty() {
        return view! { <Card title="Tools"><p class="subtle">"None are known yet. They appear here when the server has answered."</p></Card> }
            .into_any();
    }
    let items: Vec<_> =
        tools.into_iter().enumerate().map(|(n, (tool, at))| item(slug, id, n, tool, at, post)).collect();
    view! {
        <Card title="Tools" note="What they say of themselves comes from the server">
            <ul class="stack tools">{items}</ul>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn item(slug: &str, id: &str, n: usize, tool: ConnectorTool, at: Option<Moment>, post: Post) -> AnyView {
    let mark = match tool.state {
        ToolState::New => Some(("New", Tone::Amber)),
        ToolState::Changed => Some(("Changed", Tone::Amber)),
        ToolState::Gone => Some(("Gone", Tone::Neutral)),
        ToolState::Known => None,
    };
    let mark = mark.map(|(text, tone)| view! { <Tag text tone/> });
    let hint = match (tool.read_only, tool.destructive) {
        (Some(true), _) => Some("Says that it changes nothing"),
        (_, Some(true)) => Some("Says that it can destroy something"),
        _ => None,
    };
    let hint = hint.map(|text| view! { <span class="subtle">{text}</span> });
    let title = tool.title.clone().filter(|title| *title != tool.name);
    let title = title.map(|title| view! { <span class="as-written outside">{title}</span> });
    let description = match tool.description.trim() {
        "" => view! { <p class="subtle">"The server does not describe it."</p> }.into_any(),
        text => view! { <blockquote class="as-written outside">{text.to_owned()}</blockquote> }.into_any(),
    };
    let schema = format!("{:#}", tool.input_schema);
    let (region, of) = (format!("Arguments of {}", tool.name), format!(" of {}", tool.name));
    let reviewed = tool.reviewed_by.clone().zip(at).map(|(by, moment)| {
        view! { <span class="subtle">"Reviewed by "{by}", "<Time moment/></span> }
    });
    let decide = (tool.state != ToolState::Gone).then(|| decide(slug, id, n, &tool, post));
    view! {
        <li class="stack">
            <div class="cluster"><code class="strong as-written">{tool.call_name.clone()}</code>{mark}{hint}</div>
            {title}
            {description}
            <details>
                <summary>"Arguments"<span class="sr-only">{of}</span></summary>
                <pre class="payload" tabindex="0" role="region" aria-label=region>{schema}</pre>
            </details>
            {decide}
            {reviewed}
        </li>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn decide(slug: &str, id: &str, n: usize, tool: &ConnectorTool, post: Post) -> AnyView {
    let field = format!("permission-{n}");
    let words = |permission: &ToolPermission| match permission {
        ToolPermission::Off => "Off: agents don’t see it",
        ToolPermission::Ask => "Ask: a person approves each call",
        ToolPermission::Allow => "Allow: it is harmless",
    };
    let options = ToolPermission::ALL.iter().map(|p| Choice::new(p.as_str(), words(p))).collect();
    let (label, save) = (format!("Permission of {}", tool.name), format!("Save: {}", tool.name));
    let (slug, id, name, hash) = (slug.to_owned(), id.to_owned(), tool.name.clone(), tool.hash.clone());
    let options = option_list(options, tool.permission.as_str(), None);
    view! {
        <PostForm post class="cluster">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="tool" value=name/>
            <input type="hidden" name="hash" value=hash/>
            <label for=field.clone() class="sr-only">{label}</label>
            <select id=field name="permission">{options}</select>
            <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small label=save>"Save"</SubmitButton>
        </PostForm>
    }
    .into_any()
}
