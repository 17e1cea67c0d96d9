//! The tools of a connector, each with the words of its server and what agents may do with it.

#[cfg(feature = "ssr")]
use domain::connectors::{ConnectorTool, ToolPermission, ToolReview, ToolState};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{Card, Choice, SubmitButton, Tag, Time, Tone, option_list},
};

/// What the form says of a tool; `hash` is of what was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct ToolFields {
    tool: String,
    permission: String,
    hash: String,
}

/// Keeps what a person says of the tools: of each, or of all of them where `all` says something.
#[server(prefix = "/sf")]
pub async fn review_tools(
    slug: String,
    id: String,
    #[server(default)] all: String,
    #[server(default)] tools: Vec<ToolFields>,
) -> Result<(), AppError> {
    let id = super::connector_id(&id)?;
    let reviews = tools.into_iter().map(|ToolFields { tool, permission, hash }| {
        let permission = if all.is_empty() { &permission } else { &all };
        Ok(ToolReview { tool, permission: permission.parse().map_err(service::Error::invalid)?, hash })
    });
    let reviews = reviews.collect::<Result<Vec<_>, service::Error>>()?;
    let mut t = crate::server::tenant(&slug).await?;
    t.connectors().review_all(id, &reviews).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/connectors/{id}"), "tools-reviewed");
    Ok(())
}

/// The part of the page that is about them.
#[cfg(feature = "ssr")]
pub(super) fn section(slug: &str, id: &str, tools: Vec<(ConnectorTool, Option<Moment>)>, post: Post) -> AnyView {
    if tools.is_empty() {
        return view! { <Card title="Tools"><p class="subtle">"None are known yet. They appear here when the server has answered."</p></Card> }
            .into_any();
    }
    let there = tools.iter().any(|(tool, _)| tool.state != ToolState::Gone);
    let items: Vec<_> = tools.into_iter().enumerate().map(|(n, (tool, at))| item(n, tool, at)).collect();
    let (slug, id) = (slug.to_owned(), id.to_owned());
    let all = [ToolPermission::Ask, ToolPermission::Off].map(|p| Choice::new(p.as_str(), words(p))).to_vec();
    let all = option_list(all, "", Some("As chosen above".to_owned()));
    view! {
        <Card title="Tools" note="What they say of themselves comes from the server">
            <PostForm post class="stack">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <ul class="stack tools">{items}</ul>
                {there.then(|| view! {
                    <div class="cluster">
                        <label for="permission-all">"All of them"</label>
                        <select id="permission-all" name="all">{all}</select>
                        <SubmitButton busy=post.busy()>"Save permissions"</SubmitButton>
                    </div>
                })}
            </PostForm>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn item(n: usize, tool: ConnectorTool, at: Option<Moment>) -> AnyView {
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
    let decide = (tool.state != ToolState::Gone).then(|| decide(n, &tool));
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
fn decide(n: usize, tool: &ConnectorTool) -> AnyView {
    let field = format!("permission-{n}");
    let of = |name: &str| format!("tools[{n}][{name}]");
    let options = ToolPermission::ALL.iter().map(|p| Choice::new(p.as_str(), words(*p))).collect();
    let label = format!("Permission of {}", tool.name);
    let options = option_list(options, tool.permission.as_str(), None);
    view! {
        <div class="cluster">
            <input type="hidden" name=of("tool") value=tool.name.clone()/>
            <input type="hidden" name=of("hash") value=tool.hash.clone()/>
            <label for=field.clone() class="sr-only">{label}</label>
            <select id=field name=of("permission")>{options}</select>
        </div>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
const fn words(permission: ToolPermission) -> &'static str {
    match permission {
        ToolPermission::Off => "Off: agents don’t see it",
        ToolPermission::Ask => "Ask: a person approves each call",
        ToolPermission::Allow => "Allow: it is harmless",
    }
}
