//! Pages that the server writes, with scripts too: the browser fetches their HTML and puts it in place. What
//! people mostly read needs no program of its own there; links, forms and live changes work as elsewhere.

use leptos::{prelude::*, server_fn::ServerFn};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::server::RoleHere;
use crate::{
    error::AppError,
    exchange::{WrittenHtml, with_data},
    shell::TabTitle,
};
#[cfg(feature = "ssr")]
use {http::request::Parts, leptos::server::ServerActionError, leptos_axum::ResponseOptions};

/// A page as the server has written it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    title: String,
    html: String,
}

#[cfg(feature = "ssr")]
impl Written {
    /// A page with this name of its tab.
    ///
    /// It is written under an owner of its own: the framework may ask for the page anew in the middle of
    /// this, and then takes away what the owner of the first question holds.
    pub fn new(title: impl Into<String>, page: impl FnOnce() -> AnyView) -> Self {
        let (refused, parts) = (use_context::<ServerActionError>(), use_context::<Parts>());
        let (response, role) = (use_context::<ResponseOptions>(), use_context::<RoleHere>());
        let before = Owner::current();
        let html = Owner::new_root(None).with(|| {
            provide(refused);
            provide(parts);
            provide(response);
            provide(role);
            page().to_html()
        });
        // A new root stays the present owner of its thread until another one is set.
        if let Some(before) = before {
            before.set();
        }
        Self { title: title.into(), html }
    }
}

#[cfg(feature = "ssr")]
fn provide<T: Send + Sync + 'static>(context: Option<T>) {
    if let Some(context) = context {
        provide_context(context);
    }
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
        <TabTitle text=page.title/>
        <WrittenHtml html=page.html/>
    }
    .into_any()
}
