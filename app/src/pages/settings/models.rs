//! Language models of the company in the order they are asked, and the webhook of its agents. A key goes in
//! and is never shown.

mod form;
mod webhook;

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use self::{
    form::{AddModel, FilledForm, SaveModel},
    webhook::{ConnectedWebhook, RemoveWebhook},
};
#[cfg(feature = "ssr")]
use super::page;
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, only, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{
        ButtonKind, ButtonLink, ButtonSize, Card, Empty, EmptyKind, Fact, Facts, Glyph, Status, SubmitButton, Time,
        Tone, confirm, refusal, refusal_of_fields,
    },
};

pub use webhook::NEW_WEBHOOK;

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct ModelList {
    rows: Vec<ModelRow>,
    /// The form of the one that is changed.
    edited: Option<FilledForm>,
    webhook: Option<ConnectedWebhook>,
}

/// A model in the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
struct ModelRow {
    id: String,
    name: String,
    what: String,
    address: String,
    key: String,
    prices: String,
    enabled: bool,
    state: State,
}

/// How a model stands.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
enum State {
    Off,
    Alone(Moment, String),
    Failed(String),
    Answers(Moment),
    Untested,
}

/// Loads the page; `edit` is the id of the model whose form is open.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_models(slug: String, edit: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let models = t.models().list().await?;
    let edited = match edit.as_str() {
        "" => None,
        id => Some(FilledForm::from(t.models().get(model_id(id)?).await?)),
    };
    let webhook = t.webhook().find().await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    // A model answers within the hour or never: what matters is the time of day, not how long ago it was.
    let at = |at| {
        let exact = Moment::exact(at, &zone);
        match (Moment::day(at, now, &zone).as_str(), exact.text.split_once(", ")) {
            ("Today", Some((_, clock))) => Moment { text: clock.to_owned(), ..exact },
            _ => exact,
        }
    };
    let row = |m: domain::models::Model| ModelRow {
        id: m.id.to_string(),
        what: format!("{}, {}", m.kind.label(), m.model),
        address: m.base_url.unwrap_or_else(|| "The provider’s own".to_owned()),
        key: if m.has_key { "Kept" } else { "None" }.to_owned(),
        prices: format!("${} in, ${} out, for a million tokens", m.price_in, m.price_out),
        enabled: m.enabled,
        state: match (m.open_until.filter(|until| *until > now), m.last_error, m.worked_at) {
            _ if !m.enabled => State::Off,
            (Some(until), reason, _) => State::Alone(at(until), reason.unwrap_or_default()),
            (None, Some(reason), _) => State::Failed(reason),
            (None, None, Some(worked)) => State::Answers(at(worked)),
            (None, None, None) => State::Untested,
        },
        name: m.name,
    };
    let list = ModelList {
        rows: models.into_iter().map(row).collect(),
        edited,
        webhook: webhook.map(|w| ConnectedWebhook { url: w.url, since: Moment::new(w.created_at, now, &zone) }),
    };
    Ok(Written::new("Models", move || show(&slug, list)))
}

/// Does something with a model: `test`, `earlier`, `disable`, `enable`, `remove`.
#[server(prefix = "/sf")]
pub async fn change_model(slug: String, id: String, what: String) -> Result<(), AppError> {
    use domain::models::ModelInput;

    let id = model_id(&id)?;
    let enable = |enabled| ModelInput { enabled: Some(enabled), ..ModelInput::default() };
    let mut t = crate::server::tenant(&slug).await?;
    let code = match what.as_str() {
        "test" => t.models().request_test(id).await.map(|()| "model-tested")?,
        "earlier" => t.models().ask_earlier(id).await.map(|()| "model-moved")?,
        "disable" => t.models().update(id, enable(false)).await.map(|_| "model-disabled")?,
        "enable" => t.models().update(id, enable(true)).await.map(|_| "model-enabled")?,
        "remove" => t.models().delete(id).await.map(|()| "model-removed")?,
        _ => return Err(service::Error::NotFound("command").into()),
    };
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/models"), code);
    Ok(())
}

#[cfg(feature = "ssr")]
fn model_id(text: &str) -> Result<domain::ModelId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("model").into())
}

/// What the forms of the page post to.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy)]
struct Posts {
    add: Post,
    save: Post,
    change: Post,
    connect: Post,
    disconnect: Post,
}

/// The models.
#[component]
pub fn ModelsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    let live = live_version("models");
    only(Permission::ManageAgents, move || {
        written(live, move || {
            let edit = query.read().get("edit").unwrap_or_default();
            LoadModels { slug: slug.get(), edit }
        })
    })
}

#[cfg(feature = "ssr")]
fn show(slug: &str, list: ModelList) -> AnyView {
    let posts = Posts {
        add: Post::to::<AddModel>(),
        save: Post::to::<SaveModel>(),
        change: Post::to::<ChangeModel>(),
        connect: Post::to_door(NEW_WEBHOOK),
        disconnect: Post::to::<RemoveWebhook>(),
    };
    let body = match list.edited {
        Some(edited) => form::change(slug, edited, posts.save),
        None => {
            let models = models(slug, list.rows, posts);
            let webhook = webhook::section(slug, list.webhook, posts.connect, posts.disconnect);
            view! {
                {refusal_of_fields(posts.add, "form")}
                {refusal(posts.change)}
                {refusal(posts.connect)}
                {refusal(posts.disconnect)}
                {models}
                {webhook}
            }
            .into_any()
        }
    };
    page(slug, "models", "Models", body)
}

#[cfg(feature = "ssr")]
fn models(slug: &str, rows: Vec<ModelRow>, posts: Posts) -> impl IntoView + use<> {
    let empty = rows.is_empty().then(|| {
        view! { <Card title="Models"><Empty kind=EmptyKind::First title="No model yet" text="Add one below, and agents think with it."/></Card> }
    });
    let mut before = None;
    let cards: Vec<_> = rows
        .into_iter()
        .map(|model| {
            let order = match (&before, model.enabled) {
                (_, false) => String::new(),
                (None, true) => "Asked first".to_owned(),
                (Some(name), true) => format!("Asked when {name} does not answer"),
            };
            let first = before.is_none();
            if model.enabled {
                before = Some(model.name.clone());
            }
            card(slug, model, order, first, posts.change)
        })
        .collect();
    view! {
        <p class="subtle">"Agents ask the first model; when it does not answer, the next one. Without a model the built-in writer follows the playbooks of agents; it needs no network."</p>
        {empty}
        {cards}
        {form::add(slug, posts.add)}
    }
}

#[cfg(feature = "ssr")]
fn card(slug: &str, model: ModelRow, order: String, first: bool, change: Post) -> AnyView {
    let switch = if model.enabled { ("disable", "Disable") } else { ("enable", "Enable") };
    let commands = [Some(("test", "Test")), (!first).then_some(("earlier", "Ask earlier")), Some(switch)];
    let buttons: Vec<_> = commands
        .into_iter()
        .flatten()
        .map(|(what, words)| {
            let label = format!("{words}: {}", model.name);
            command(
                change,
                slug,
                &model.id,
                what,
                view! { <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small label>{words}</SubmitButton> }
                    .into_any(),
            )
        })
        .collect();
    let edit = format!("/t/{slug}/settings/models?edit={}", model.id);
    let label = format!("Remove model {}", model.name);
    let remove =
        view! { <SubmitButton kind=ButtonKind::Danger size=ButtonSize::Small label>"Remove model"</SubmitButton> };
    let remove = command(change, slug, &model.id, "remove", remove.into_any());
    let of = format!(" {}", model.name);
    view! {
        <Card title=model.name.clone() note=order>
            {state(model.state)}
            <Facts>
                <Fact label="Model">{model.what}</Fact>
                <Fact label="Address">{model.address}</Fact>
                <Fact label="Key">{model.key}</Fact>
                <Fact label="Prices">{model.prices}</Fact>
            </Facts>
            <div class="cluster">
                {buttons}
                <ButtonLink href=edit size=ButtonSize::Small>"Change"<span class="sr-only">{of}</span></ButtonLink>
                {confirm("Remove", &model.name, "Its key is forgotten. Agents ask the other models, or follow their playbooks.", remove)}
            </div>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn state(state: State) -> AnyView {
    match state {
        State::Off => view! { <p><Status glyph=Glyph::Dash tone=Tone::Neutral word="Not asked"/></p> }.into_any(),
        State::Alone(until, reason) => view! {
            <p><Status glyph=Glyph::Pause tone=Tone::Amber word="Left alone"/>" until "<Time moment=until/>": "{reason}</p>
        }
        .into_any(),
        State::Failed(reason) => view! {
            <p><Status glyph=Glyph::Octagon tone=Tone::Coral word="Does not answer"/>": "{reason}</p>
        }
        .into_any(),
        State::Answers(last) => view! {
            <p><Status glyph=Glyph::Done tone=Tone::Jade word="Answers"/>", last "<Time moment=last/></p>
        }
        .into_any(),
        State::Untested => view! { <p><Status glyph=Glyph::Clock tone=Tone::Sky word="Being tested"/></p> }.into_any(),
    }
}

/// A form around a button that does something with a model.
#[cfg(feature = "ssr")]
fn command(change: Post, slug: &str, id: &str, what: &'static str, button: AnyView) -> AnyView {
    let (slug, id) = (slug.to_owned(), id.to_owned());
    view! {
        <PostForm post=change>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="what" value=what/>
            {button}
        </PostForm>
    }
    .into_any()
}
