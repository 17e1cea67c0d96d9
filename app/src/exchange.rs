//! How pages talk with their server functions: [`with_data`] loads what a page shows, [`PostForm`] posts
//! what a person enters.
//!
//! Both know a function by its path and carry bytes. So the code for loading and posting is in the
//! browser's program once, not once for each function; of a page only its own data and view are added.

#[cfg(feature = "hydrate")]
mod browser;

#[cfg(feature = "hydrate")]
use std::sync::Mutex;
use std::{fmt, pin::Pin, str::FromStr, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use leptos::{
    prelude::*,
    server::ServerActionError,
    server_fn::{
        ServerFn,
        error::{FromServerFnError, ServerFnErrorErr, ServerFnUrlError},
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{error::AppError, pages::frame::ErrorPage};

/// What a server function answered: its value in [Postcard](https://docs.rs/postcard), or why there
/// is none. The page of the first load carries it as Base64.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Answer(Result<Vec<u8>, AppError>);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = postcard::to_allocvec(self).map_err(|_| fmt::Error)?;
        f.write_str(&BASE64_STANDARD.encode(bytes))
    }
}

impl FromStr for Answer {
    type Err = Box<dyn std::error::Error>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(postcard::from_bytes(&BASE64_STANDARD.decode(text)?)?)
    }
}

type Loading = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Show = Arc<dyn Fn(&[u8]) -> AnyView + Send + Sync>;

/// What `show` makes of the answer to `call`. It is loaded with the page, and again when the
/// arguments of the call or `version` change; until then the old view stays.
pub fn with_data<F, V>(
    version: Signal<u32>,
    call: impl Fn() -> F + Send + Sync + 'static,
    show: impl Fn(F::Output) -> V + Send + Sync + 'static,
) -> AnyView
where
    F: ServerFn<Error = AppError> + Serialize + 'static,
    F::Output: Serialize + DeserializeOwned,
    V: IntoView + 'static,
{
    let call = Arc::new(call);
    let arguments = {
        let call = call.clone();
        // The arguments of a page come from its address: text without structure.
        move || serde_urlencoded::to_string(call()).unwrap_or_default()
    };
    #[cfg(feature = "ssr")]
    let load = move |_| -> Loading {
        let call = untrack(|| call());
        Box::pin(async move {
            let bytes = |value| postcard::to_allocvec(&value).map_err(|e| broken(&e));
            Answer(call.run_body().await.and_then(bytes))
        })
    };
    #[cfg(not(feature = "ssr"))]
    let load = |arguments| browser::load(F::PATH, arguments);
    let show = move |bytes: &[u8]| match postcard::from_bytes(bytes) {
        Ok(value) => show(value).into_any(),
        Err(e) => view! { <ErrorPage error=broken(&e)/> }.into_any(),
    };
    loaded(version, Arc::new(arguments), Arc::new(load), Arc::new(show))
}

fn loaded(
    version: Signal<u32>,
    arguments: Arc<dyn Fn() -> String + Send + Sync>,
    load: Arc<dyn Fn(String) -> Loading + Send + Sync>,
    show: Show,
) -> AnyView {
    #[cfg(feature = "hydrate")]
    let (load, show) = patiently(version, arguments.clone(), load, show);
    let answer = Resource::new_str(move || (arguments(), version.get()), move |(arguments, _)| load(arguments));
    view! {
        <Transition>
            {move || {
                let show = show.clone();
                Suspend::new(async move {
                    match answer.await.0 {
                        Ok(bytes) => show(&bytes),
                        Err(error) => view! { <ErrorPage error/> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// News of a page that is shown wait while a person is in the middle of something there, so that nothing
/// changes under their hands. What they asked for themselves (another address, a post) does not.
#[cfg(feature = "hydrate")]
fn patiently(
    version: Signal<u32>,
    arguments: Arc<dyn Fn() -> String + Send + Sync>,
    load: Arc<dyn Fn(String) -> Loading + Send + Sync>,
    show: Show,
) -> (Arc<dyn Fn(String) -> Loading + Send + Sync>, Show) {
    let posts = use_posts();
    let shown = StoredValue::new(None);
    // What the page asks for now; nothing once it is gone.
    let wanted = Arc::new(Mutex::new(None));
    let keep = move |wanted: &Mutex<_>, asked| {
        if let Ok(mut wanted) = wanted.lock() {
            *wanted = asked;
        }
    };
    Effect::new({
        let (wanted, arguments) = (wanted.clone(), arguments.clone());
        move || keep(&wanted, Some((arguments(), posts.get())))
    });
    on_cleanup({
        let wanted = wanted.clone();
        move || keep(&wanted, None)
    });
    let load = move |arguments: String| -> Loading {
        let asked = Some((arguments.clone(), posts.get_untracked()));
        let news = shown.get_value() == asked;
        let (load, wanted) = (load.clone(), wanted.clone());
        Box::pin(async move {
            loop {
                let seen = version.get_untracked();
                let answer = load(arguments.clone()).await;
                // Whatever is asked for next begins when this has ended, but for more news.
                let over = || !wanted.lock().is_ok_and(|wanted| *wanted == asked);
                let outdated = || version.try_get_untracked().is_some_and(|version| version != seen);
                if !news || browser::idle(&answer, over, outdated).await {
                    return answer;
                }
            }
        })
    };
    let show = move |bytes: &[u8]| {
        shown.set_value(Some((untrack(|| arguments()), posts.get_untracked())));
        show(bytes)
    };
    (Arc::new(load), Arc::new(show))
}

/// What a part of the frame shows: `first` as the page came, and what `call` answers whenever `version`
/// grows. It is no page, so nothing waits for it, and an answer that fails leaves what was shown.
#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "a page of the server does not age"))]
pub fn kept_fresh<F>(first: F::Output, version: Signal<u32>, call: impl Fn() -> F + 'static) -> Signal<F::Output>
where
    F: ServerFn<Error = AppError> + Serialize + 'static,
    F::Output: DeserializeOwned + Clone + Send + Sync + 'static,
{
    let shown = RwSignal::new(first);
    #[cfg(feature = "hydrate")]
    Effect::new(move |old: Option<u32>| {
        let version = version.get();
        if old.is_some_and(|old| old != version) {
            let load = browser::load(F::PATH, serde_urlencoded::to_string(call()).unwrap_or_default());
            leptos::task::spawn_local(async move {
                if let Some(value) = load.await.0.ok().and_then(|bytes| postcard::from_bytes(&bytes).ok()) {
                    // The frame may be gone by now.
                    let _ = shown.try_set(value);
                }
            });
        }
        version
    });
    shown.into()
}

fn broken(error: &postcard::Error) -> AppError {
    AppError::from_server_fn_error(ServerFnErrorErr::Deserialization(error.to_string()))
}

/// Grows with each post that was done on this side of the frame; a page that shows what its own forms
/// change takes it as its version.
#[derive(Clone, Copy, Debug)]
struct Posts {
    done: RwSignal<u32>,
    /// The last one is under way, or was refused.
    open: RwSignal<bool>,
    /// Why the server has not even looked at the last one.
    unread: RwSignal<Option<AppError>>,
}

/// Counts the posts of everything below.
pub fn provide_posts() {
    let unread = RwSignal::new(None);
    provide_context(Posts { done: RwSignal::new(0), open: RwSignal::new(false), unread });
}

/// Why the server has not looked at the last post. Its form is as it was.
#[must_use]
pub fn use_unread_post() -> RwSignal<Option<AppError>> {
    use_context::<Posts>().map_or_else(|| RwSignal::new(None), |posts| posts.unread)
}

/// Takes `parameter` out of the address, so that a page that is loaded again does not say once more what was done.
#[cfg(feature = "hydrate")]
pub fn say_once(parameter: &str) {
    browser::take_out(parameter);
}

/// Keeps what is written in forms that ask for it, asks before somebody leaves a page on which they have written what
/// was not kept, and counts the rows that they tick. As long as this program runs.
#[cfg(feature = "hydrate")]
pub fn guard_what_is_entered() {
    browser::keep_what_is_written();
    browser::ask_before_leaving();
    browser::count_what_is_ticked();
}

/// How many posts were done; it stays 0 outside the frame.
#[must_use]
pub fn use_posts() -> Signal<u32> {
    use_context::<Posts>().map_or_else(|| Signal::stored(0), |posts| posts.done.into())
}

/// Whether the last post is still under way, or was refused: then what was done before is old news.
#[must_use]
pub fn use_open_post() -> Signal<bool> {
    use_context::<Posts>().map_or_else(|| Signal::stored(false), |posts| posts.open.into())
}

/// What was entered in a form that was refused, for a browser that has no scripts to keep it.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pairs: Vec<(String, String)>,
}

#[cfg(feature = "ssr")]
impl Attempt {
    /// Reads a form as it was posted. Secrets are not kept.
    #[must_use]
    pub fn new(form: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(form).into_owned();
        let secret =
            |name: &str| name.contains("password") || ["[api_key]", "[secret]"].iter().any(|n| name.ends_with(n));
        Self { pairs: pairs.filter(|(name, _)| !secret(name)).collect() }
    }
}

/// What was entered in the field `name` before, if its form comes back with a problem. With scripts a
/// form never leaves, so only the server knows such a thing.
#[must_use]
#[cfg_attr(not(feature = "ssr"), expect(unused_variables, reason = "there is nothing to look for"))]
pub fn entered(name: &str) -> Option<String> {
    #[cfg(feature = "ssr")]
    return use_context::<Attempt>()?.pairs.into_iter().find(|(n, _)| n == name).map(|(_, value)| value);
    #[cfg(not(feature = "ssr"))]
    None
}

/// The same for a box: whether it was ticked with `value`.
#[must_use]
#[cfg_attr(not(feature = "ssr"), expect(unused_variables, reason = "there is nothing to look for"))]
pub fn ticked(name: &str, value: &str) -> Option<bool> {
    #[cfg(feature = "ssr")]
    return Some(use_context::<Attempt>()?.pairs.iter().any(|(n, v)| n == name && v == value));
    #[cfg(not(feature = "ssr"))]
    None
}

/// A change that a form posts to its server function.
#[derive(Clone, Copy, Debug)]
pub struct Post {
    path: &'static str,
    busy: RwSignal<bool>,
    error: RwSignal<Option<AppError>>,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only a browser counts"))]
    posts: Option<Posts>,
}

impl Post {
    /// A post to `F`. Without scripts the error of the last one came with the address.
    #[must_use]
    pub fn to<F: ServerFn<Error = AppError>>() -> Self {
        Self::to_path(F::PATH)
    }

    /// What a form that another door than a server function answers was refused for.
    #[must_use]
    pub fn to_door(name: &'static str) -> Self {
        Self::to_path(name)
    }

    fn to_path(path: &'static str) -> Self {
        let error = use_context::<ServerActionError>()
            .filter(|e| e.path() == path)
            .map(|e| ServerFnUrlError::<AppError>::decode_err(e.err()));
        #[cfg(feature = "ssr")]
        if let Some(error) = &error {
            crate::error::answer_with(error.status);
            let parts = use_context::<http::request::Parts>();
            if let Some(attempt) = parts.and_then(|parts| parts.extensions.get::<Attempt>().cloned()) {
                // For the fields of the page.
                provide_context(attempt);
            }
        }
        Self { path, busy: RwSignal::new(false), error: RwSignal::new(error), posts: use_context() }
    }

    /// Whether an answer is awaited.
    #[must_use]
    pub fn busy(self) -> Signal<bool> {
        self.busy.into()
    }

    /// Why the last one was not done.
    #[must_use]
    pub fn error(self) -> Option<AppError> {
        self.error.get()
    }

    /// The same, as a sentence.
    #[must_use]
    pub fn message(self) -> Option<String> {
        self.error().map(|e| e.message)
    }

    /// What is wrong with one field.
    #[must_use]
    pub fn of_field(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || self.error().and_then(|e| e.of_field(field)))
    }
}

/// A form that posts to a server function: as it is without scripts, in the background with them.
/// While an answer is awaited a second click does nothing.
#[component]
pub fn PostForm(
    /// Where to.
    post: Post,
    /// Class of the form.
    #[prop(optional)]
    class: &'static str,
    /// The value of `what` with which it is posted by itself when somebody pauses while they write in it.
    #[prop(optional)]
    autosave: Option<&'static str>,
    /// Fields and buttons.
    children: Children,
) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    let submit = move |event| post.submit(&event);
    #[cfg(not(feature = "hydrate"))]
    let submit = |_| ();
    view! {
        <form action=post.path method="post" class=class data-autosave=autosave on:submit=submit>{children()}</form>
    }
}

/// What the server has written, as it stands. Forms in it post in the background with scripts.
#[component]
pub fn WrittenHtml(
    /// Made by a view of ours on the server, so it holds no text of anybody that is not escaped.
    html: String,
) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    {
        let posts = use_context::<Posts>();
        let place = NodeRef::<leptos::html::Div>::new();
        // New words come into an old place: what was scrolled stays where it was.
        Effect::new(move || {
            if let Some(place) = place.get() {
                browser::scroll_again(&place);
                browser::begin(&place);
                browser::focus_again(&place);
            }
        });
        let submit = move |event| browser::submit_written(&event, posts);
        let scrolled = move |_| {
            // What is scrolled last may be gone by now.
            if let Some(place) = place.try_get_untracked().flatten() {
                browser::scrolled(&place);
            }
        };
        view! { <div class="as-it-stands" node_ref=place inner_html=html on:submit=submit on:scroll:capture=scrolled></div> }
    }
    #[cfg(not(feature = "hydrate"))]
    view! { <div class="as-it-stands" inner_html=html></div> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "ssr")]
    #[test]
    fn the_secrets_of_a_refused_form_are_not_kept() {
        let kept = Attempt::new(b"form[name]=a&form[password]=b&form%5Bapi_key%5D=c&form[secret]=d").pairs;
        assert_eq!(kept, [("form[name]".to_owned(), "a".to_owned())]);
    }

    #[test]
    fn answers_survive_as_text() {
        let error = AppError { status: 409, message: "Not now.".to_owned(), problems: Vec::new(), existing: None };
        for answer in [Answer(Ok(b"some".to_vec())), Answer(Ok(Vec::new())), Answer(Err(error))] {
            assert_eq!(answer.to_string().parse::<Answer>().ok(), Some(answer));
        }
        assert!("not an answer".parse::<Answer>().is_err());
    }
}
