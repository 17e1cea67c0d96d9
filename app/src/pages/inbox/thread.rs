//! One conversation: the list at its left, its mails in the middle, and at its right what is known of the person.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_version, live_version_of, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use {
    super::{actions::undo, change::ChangeThread, context::context, conversation::conversation, load, pane::pane},
    crate::{
        exchange::Post,
        shell::{PageScroll, Topbar},
        ui::{Crumb, refusal},
    },
};

/// Loads the page for its query string.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_thread(slug: String, id: String, query: String) -> Result<Written, AppError> {
    let (list, opened, undoable) = load::thread(&slug, &id, &query).await?;
    let title = opened.name.clone();
    Ok(Written::new(title.clone(), move || {
        let post = Post::to::<ChangeThread>();
        let back = list.address.at("", &[]);
        let undo = undo(&slug, &list.address, undoable);
        let middle = conversation(&slug, &list.address, &opened, post);
        let aside = context(&slug, &opened);
        let (head, pane) = pane(list, Some(&opened.id));
        view! {
            <Topbar title trail=vec![Crumb::new("Inbox", back)]/>
            {undo}
            {head}
            <div class="inbox" data-open="true">
                {pane}
                <PageScroll label="Conversation">
                    <div class="thread-page">
                        <div class="conversation">{refusal(post)}{middle}</div>
                        {aside}
                    </div>
                </PageScroll>
            </div>
        }
        .into_any()
    }))
}

/// One conversation.
#[component]
pub fn ThreadPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("thread"), use_query_map());
    // The second is about a draft for the reply, which grows while its model writes.
    let (threads, drafting) = (live_version("threads"), live_version_of("drafting", id));
    let version = Signal::derive(move || threads.get().wrapping_add(drafting.get()));
    // What comes while something is being entered waits until it was.
    written(version, move || LoadThread { slug: slug.get(), id: id.get(), query: query.read().to_query_string() })
}
