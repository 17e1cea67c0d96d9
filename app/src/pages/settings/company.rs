//! Name, postal address and time zone of the company.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{page, refused};
use crate::{
    error::AppError,
    pages::frame::{ErrorPage, use_slug},
    ui::{Card, FieldWidth, SubmitButton, TextArea, TextInput},
};

/// What the form shows and sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompanyForm {
    name: String,
    time_zone: String,
    country: String,
    postal_address: String,
}

/// Loads the form.
#[server(prefix = "/sf")]
pub async fn load_company(slug: String) -> Result<CompanyForm, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let company = t.company().await?;
    t.commit().await?;
    Ok(CompanyForm {
        name: company.name,
        time_zone: company.time_zone,
        country: company.country.unwrap_or_default(),
        postal_address: company.postal_address.unwrap_or_default(),
    })
}

/// Saves the form.
#[server(prefix = "/sf")]
pub async fn save_company(slug: String, form: CompanyForm) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    t.update_company(domain::companies::CompanyChange {
        name: Some(form.name),
        time_zone: Some(form.time_zone),
        country: Some(form.country),
        postal_address: Some(form.postal_address),
    })
    .await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/company"), "saved");
    Ok(())
}

/// The company.
#[component]
pub fn CompanySettingsPage() -> impl IntoView {
    let slug = use_slug();
    let save = ServerAction::<SaveCompany>::new();
    let form = Resource::new(move || (slug.get(), save.version().get()), |(slug, _)| load_company(slug));
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match form.await {
                    Ok(form) => show(slug.get_untracked(), form, save),
                    Err(error) => view! { <ErrorPage error/> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

fn show(slug: String, form: CompanyForm, save: ServerAction<SaveCompany>) -> AnyView {
    let of = move |field: &'static str| {
        Signal::derive(move || save.value().get().and_then(Result::err).and_then(|e| e.of_field(field)))
    };
    let hidden = slug.clone();
    let body = view! {
        {refused(save)}
        <Card title="Company">
            <ActionForm action=save attr:class="stack">
                <input type="hidden" name="slug" value=hidden.clone()/>
                <TextInput name="form[name]" label="Name" hint="Recipients read it under every e-mail." value=form.name.clone() error=of("name")/>
                <TextArea name="form[postal_address]" label="Postal address" hint="Stands under every campaign e-mail; the law asks for it." rows=4 value=form.postal_address.clone() error=of("postal_address")/>
                <TextInput name="form[time_zone]" label="Time zone" hint="As in Europe/Berlin" value=form.time_zone.clone() width=FieldWidth::Medium error=of("time_zone")/>
                <TextInput name="form[country]" label="Country" hint="Two letters" value=form.country.clone() optional=true width=FieldWidth::Short error=of("country")/>
                <SubmitButton busy=save.pending()>"Save"</SubmitButton>
            </ActionForm>
        </Card>
    }
    .into_any();
    page(&slug, "company", "Company", body)
}
