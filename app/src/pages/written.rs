//! Pages that the server writes, with scripts too: the browser fetches their HTML and puts it in place. What
//! people mostly read needs no program of its own there; links, forms and live changes work as elsewhere.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::{MetaContext, Title};
use serde::{Deserialize, Serialize};

use crate::{
    error::AppError,
    exchange::{WrittenHtml, with_data},
};

/// A page as the server has written it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    title: String,
    html: String,
}

#[cfg(feature = "ssr")]
impl Written {
    /// A page with this name of its tab.
    pub fn new(title: impl Into<String>, page: AnyView) -> Self {
        Self { title: title.into(), html: page.to_html() }
    }
}

/// The name of the tab, where a page is rendered. A server function that writes a part of one has no tab.
pub fn tab_title(name: impl Into<String>) -> Option<AnyView> {
    let name = name.into();
    use_context::<MetaContext>().map(|_| view! { <Title text=name/> }.into_any())
}

/// The page that `call` writes.
pub fn written<F>(version: Signal<u32>, call: impl Fn() -> F + Send + Sync + 'static) -> AnyView
where
    F: ServerFn<Error = AppError, Output = Written> + Serialize + 'static,
{
    with_data(version, call, page)
}

fn page(page: Written) -> AnyView {
    view! {
        <Title text=page.title/>
        <WrittenHtml html=page.html/>
    }
    .into_any()
}
