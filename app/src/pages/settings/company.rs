//! Name, postal address, time zone and lawful basis of the company.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::page;
use crate::{
    error::AppError,
    exchange::use_posts,
    pages::{
        frame::{only, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    ui::{Card, Checkbox, FieldWidth, SubmitButton, TextArea, TextInput, refusal},
};

/// What the form shows and sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct CompanyForm {
    name: String,
    time_zone: String,
    country: String,
    postal_address: String,
    asks_for_basis: bool,
}

/// Loads the form.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_company(slug: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let company = t.company().await?;
    t.commit().await?;
    let form = CompanyForm {
        name: company.name,
        time_zone: company.time_zone,
        country: company.country.unwrap_or_default(),
        postal_address: company.postal_address.unwrap_or_default(),
        asks_for_basis: company.asks_for_basis,
    };
    Ok(Written::new("Company", move || show(&slug, form)))
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
        asks_for_basis: Some(form.asks_for_basis),
    })
    .await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/company"), "company-saved");
    Ok(())
}

/// The company.
#[component]
pub fn CompanySettingsPage() -> impl IntoView {
    let slug = use_slug();
    only(Permission::ManageCompany, move || written(use_posts(), move || LoadCompany { slug: slug.get() }))
}

#[cfg(feature = "ssr")]
fn show(slug: &str, form: CompanyForm) -> AnyView {
    let save = Post::to::<SaveCompany>();
    let of = move |field| save.of_field(field);
    let hidden = slug.to_owned();
    let body = view! {
        {refusal(save)}
        <Card title="Company">
            <PostForm post=save class="stack">
                <input type="hidden" name="slug" value=hidden.clone()/>
                <TextInput name="form[name]" label="Name" hint="Recipients read it under every e-mail." value=form.name.clone() error=of("name")/>
                <TextArea name="form[postal_address]" label="Postal address" hint="Stands under every campaign e-mail; the law asks for it." rows=4 value=form.postal_address.clone() error=of("postal_address")/>
                <TextInput name="form[time_zone]" label="Time zone" hint="As in Europe/Berlin" value=form.time_zone.clone() width=FieldWidth::Medium error=of("time_zone")/>
                <TextInput name="form[country]" label="Country" hint="Two letters" value=form.country.clone() optional=true width=FieldWidth::Short error=of("country")/>
                <Checkbox name="form[asks_for_basis]" label="Write only to leads with a lawful basis"
                    hint="Campaigns pass over everybody else, and count them (GDPR, Article 6)."
                    checked=form.asks_for_basis/>
                <SubmitButton busy=save.busy()>"Save"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any();
    page(slug, "company", "Company", body)
}
