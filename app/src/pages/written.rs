//! Pages that the server writes, with scripts too: the browser fetches their HTML and puts it in place. What
//! people mostly read needs no program of its own there; links, forms and live changes work as elsewhere.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use serde::{Deserialize, Serialize};

use crate::{
    error::AppError,
    exchange::{WrittenHtml, with_data},
    shell::Topbar,
    ui::Crumb,
};

/// A page as the server has written it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Written {
    title: String,
    trail: Vec<(String, String)>,
    headed: bool,
    actions: String,
    content: String,
}

#[cfg(feature = "ssr")]
impl Written {
    /// A page with this title, which is its heading.
    pub fn new(title: impl Into<String>, content: impl FnOnce() -> AnyView) -> Self {
        Self { title: title.into(), content: html(content), ..Self::default() }
    }

    /// Below this page.
    #[must_use]
    pub fn under(mut self, label: &str, href: impl Into<String>) -> Self {
        self.trail.push((label.to_owned(), href.into()));
        self
    }

    /// Its content has a heading of its own.
    #[must_use]
    pub fn headed(self) -> Self {
        Self { headed: true, ..self }
    }

    /// With buttons in the bar above it.
    #[must_use]
    pub fn with_actions(self, actions: impl FnOnce() -> AnyView) -> Self {
        Self { actions: html(actions), ..self }
    }
}

/// A view as HTML; text in it is escaped.
#[cfg(feature = "ssr")]
pub fn html(view: impl FnOnce() -> AnyView) -> String {
    Owner::new().with(|| view().to_html())
}

/// The page that `call` writes.
pub fn written<F>(version: Signal<u32>, call: impl Fn() -> F + Send + Sync + 'static) -> AnyView
where
    F: ServerFn<Error = AppError, Output = Written> + Serialize + 'static,
{
    with_data(version, call, page)
}

fn page(page: Written) -> AnyView {
    let trail = page.trail.into_iter().map(|(label, href)| Crumb::new(label, href)).collect();
    let actions = (!page.actions.is_empty()).then(|| view! { <WrittenHtml html=page.actions/> });
    view! {
        <Title text=page.title.clone()/>
        <Topbar title=page.title trail headed=page.headed>{actions}</Topbar>
        <WrittenHtml html=page.content/>
    }
    .into_any()
}
