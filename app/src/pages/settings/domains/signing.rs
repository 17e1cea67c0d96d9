//! Who signs the e-mails of a domain: a key that is made or entered here, or the provider. A key is not sent back.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{
        ButtonKind, Card, Choice, FieldWidth, Select, SubmitButton, TextArea, TextInput, Time, confirm,
        refusal_of_fields,
    },
};
#[cfg(feature = "ssr")]
use domain::domains::{SendingDomain, Signer, SigningInput};

/// What is entered about signing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct SigningForm {
    version: i64,
    signer: String,
    selector: String,
    private_key: String,
}

/// Says who signs.
#[server(prefix = "/sf")]
pub async fn save_signing(slug: String, id: String, form: SigningForm) -> Result<(), AppError> {
    let id = super::domain_id(&id)?;
    let signer = Signer::parse(&form.signer).unwrap_or(Signer::NewKey);
    let input = SigningInput { signer, selector: Some(form.selector), private_key: Some(form.private_key) };
    let mut t = crate::server::tenant(&slug).await?;
    t.domains().set_signing(id, input, Some(form.version)).await?;
    t.commit().await?;
    let code = if signer == Signer::Provider { "domain-provider" } else { "domain-signing" };
    crate::server::done(&format!("/t/{slug}/settings/domains/{id}"), code);
    Ok(())
}

/// Who signs now, and the form to change that.
#[cfg(feature = "ssr")]
pub(super) fn section(slug: &str, domain: &SendingDomain, seen: Option<Moment>, change: Post) -> AnyView {
    let save = Post::to::<SaveSigning>();
    let of = move |field| save.of_field(field);
    let now = match (&domain.selector, domain.signs, seen) {
        (None, ..) => view! { <p>"E-mails of this domain are not signed here."</p> }.into_any(),
        (Some(selector), false, _) => {
            let words = format!("The provider signs with its key at {selector}._domainkey.{}.", domain.name);
            view! { <p>{words}</p> }.into_any()
        }
        (Some(_), true, Some(at)) => view! { <p>"E-mails are signed here. The record of the key was first seen "<Time moment=at/>"."</p> }.into_any(),
        (Some(_), true, None) => {
            view! { <p>"E-mails are signed here as soon as the record of the key is found; a key before it signs until then."</p> }.into_any()
        }
    };
    let record = domain.key_record.clone().filter(|_| domain.key_seen_at.is_none()).map(super::records::to_copy);
    let forget = domain.selector.is_some().then(|| {
        let id = domain.id.to_string();
        let button =
            super::detail::button(slug, &id, change, ("unsign", "Forget key and selector"), ButtonKind::Danger);
        confirm(
            "Stop signing",
            &domain.name,
            "The key cannot be brought back. Remove its record from the DNS, too.",
            button,
        )
    });
    let signers = vec![
        Choice::new("new_key", "We do, with a new key of 2048 bits"),
        Choice::new("own_key", "We do, with a key that I paste"),
        Choice::new("provider", "The provider of the mailbox does"),
    ];
    let (slug, id, version) = (slug.to_owned(), domain.id.to_string(), domain.version.to_string());
    view! {
        {refusal_of_fields(save, "form")}
        <Card title="DKIM signature">
            {now}
            {record}
            {forget}
        </Card>
        <Card title="Change who signs">
            <PostForm post=save class="stack">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="form[version]" value=version/>
                <Select name="form[signer]" label="Who signs" options=signers/>
                <TextInput name="form[selector]" label="Selector" optional=true hint="The word in front of ._domainkey. Needed for the key of a provider or one of your own; a new key finds a name by itself." width=FieldWidth::Medium error=of("selector")/>
                <TextArea name="form[private_key]" label="Private key" optional=true code=true rows=4 hint="Only for a key of your own: RSA, 2048 to 4096 bits, as PEM. Kept encrypted, never shown again." error=of("private_key")/>
                <SubmitButton busy=save.busy()>"Save"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any()
}
