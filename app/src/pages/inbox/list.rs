//! The list of conversations. Tab and filters are its address.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use {
    super::{actions::undo, load, pane::pane},
    crate::{
        shell::{PageScroll, Topbar},
        ui::{Empty, EmptyKind},
    },
};

/// Loads the page for its query string.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_threads(slug: String, query: String) -> Result<Written, AppError> {
    let (list, undoable) = load::list(&slug, &query).await?;
    Ok(Written::new("Inbox", move || {
        let undo = undo(&slug, &list.address, undoable);
        let (head, pane) = pane(list, None);
        let text = "Open one to read it here, beside what is known of the person.";
        view! {
            <Topbar title="Inbox"/>
            {undo}
            {head}
            <div class="inbox">
                {pane}
                <PageScroll label="Conversation">
                    <Empty kind=EmptyKind::First title="No conversation is open" text/>
                </PageScroll>
            </div>
        }
        .into_any()
    }))
}

/// The list of conversations.
#[component]
pub fn InboxPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("threads"), move || LoadThreads { slug: slug.get(), query: query.read().to_query_string() })
}
