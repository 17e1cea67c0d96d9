//! The form of a model: a new one, and one that is changed.

#[cfg(feature = "ssr")]
use domain::models::ModelKind;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    ui::{Card, Choice, FieldWidth, InputKind, Select, SubmitButton, TextInput, refusal_of_fields},
};

/// What is entered about a model, as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct ModelForm {
    kind: String,
    name: String,
    model: String,
    base_url: String,
    api_key: String,
    price_in: String,
    price_out: String,
}

/// The form of a model that is set up. It has no key: that is not sent back.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FilledForm {
    id: String,
    has_key: bool,
    values: ModelForm,
}

#[cfg(feature = "ssr")]
impl From<domain::models::Model> for FilledForm {
    fn from(m: domain::models::Model) -> Self {
        Self {
            id: m.id.to_string(),
            has_key: m.has_key,
            values: ModelForm {
                kind: m.kind.label().to_owned(),
                name: m.name,
                model: m.model,
                base_url: m.base_url.unwrap_or_default(),
                api_key: String::new(),
                price_in: m.price_in.to_string(),
                price_out: m.price_out.to_string(),
            },
        }
    }
}

#[cfg(feature = "ssr")]
impl From<ModelForm> for domain::models::ModelInput {
    fn from(form: ModelForm) -> Self {
        // What is no number is outside of every range, so the check says what to enter.
        let price = |text: String| match text.trim() {
            "" => Some(0.0),
            text => Some(text.parse().unwrap_or(f64::NAN)),
        };
        Self {
            kind: ModelKind::parse(&form.kind),
            name: Some(form.name),
            base_url: Some(form.base_url),
            model: Some(form.model),
            key: Some(form.api_key),
            price_in: price(form.price_in),
            price_out: price(form.price_out),
            enabled: None,
        }
    }
}

/// Sets up a model.
#[server(prefix = "/sf")]
pub async fn add_model(slug: String, form: ModelForm) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    t.models().create(form.into()).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/models"), "model-added");
    Ok(())
}

/// Changes a model. An empty key leaves the one that is kept.
#[server(prefix = "/sf")]
pub async fn save_model(slug: String, id: String, form: ModelForm) -> Result<(), AppError> {
    let id = super::model_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.models().update(id, form.into()).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/models"), "model-saved");
    Ok(())
}

/// The form of a new model.
#[cfg(feature = "ssr")]
pub(super) fn add(slug: &str, post: Post) -> AnyView {
    let slug = slug.to_owned();
    let kinds = ModelKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), kind.label())).collect();
    let values = ModelForm { price_in: "0".to_owned(), price_out: "0".to_owned(), ..ModelForm::default() };
    let fields = fields(values, "Ollama needs none. Kept encrypted, never shown again.", post);
    view! {
        <Card title="Add a model">
            <PostForm post class="stack">
                <input type="hidden" name="slug" value=slug/>
                <Select name="form[kind]" label="Kind" options=kinds error=post.of_field("kind") width=FieldWidth::Medium/>
                {fields}
                <SubmitButton busy=post.busy()>"Add model"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any()
}

/// The form of a model that is set up, in the place of the list.
#[cfg(feature = "ssr")]
pub(super) fn change(slug: &str, form: FilledForm, post: Post) -> AnyView {
    let (slug, back) = (slug.to_owned(), format!("/t/{slug}/settings/models"));
    let (kind, title) = (form.values.kind.clone(), format!("Change {}", form.values.name));
    let hint = if form.has_key {
        "Empty leaves the one that is kept. Another address needs it again."
    } else {
        "None is kept."
    };
    let fields = fields(form.values, hint, post);
    view! {
        {refusal_of_fields(post, "form")}
        <Card title=title note=kind>
            <PostForm post class="stack">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=form.id/>
                {fields}
                <div class="cluster">
                    <SubmitButton busy=post.busy()>"Save model"</SubmitButton>
                    // Leads out of the page, so that what was wrong with this model is not said of the next.
                    <a class="button" href=back rel="external">"Cancel"</a>
                </div>
            </PostForm>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn fields(values: ModelForm, key_hint: &'static str, post: Post) -> AnyView {
    let of = move |field| post.of_field(field);
    view! {
        <TextInput name="form[name]" label="Name" hint="What it is called here" value=values.name error=of("name")/>
        <TextInput name="form[model]" label="Model" hint="As the provider calls it, as in gpt-5-mini" value=values.model error=of("model")/>
        <TextInput name="form[base_url]" label="Address" kind=InputKind::Url hint="Of an endpoint that speaks like this kind. Empty for the provider’s own." value=values.base_url optional=true error=of("base_url")/>
        <TextInput name="form[api_key]" label="Key" kind=InputKind::Password hint=key_hint autocomplete="off" optional=true error=of("key")/>
        <TextInput name="form[price_in]" label="Price of a million tokens sent" value=values.price_in suffix="US dollars" width=FieldWidth::Short error=of("price_in")/>
        <TextInput name="form[price_out]" label="Price of a million tokens answered" value=values.price_out suffix="US dollars" width=FieldWidth::Short error=of("price_out")/>
    }
    .into_any()
}
