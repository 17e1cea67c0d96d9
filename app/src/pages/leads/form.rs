//! The form of a lead: new, and edited. The mutation that others follow: a server function behind an
//! `PostForm` that works before the scripts arrive, keeps what was entered, and ends in a redirect.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

use crate::{
    error::AppError,
    exchange::{Post, PostForm, with_data},
    pages::frame::{only, use_param, use_slug},
    shell::{PageScroll, TabTitle, Topbar},
    ui::{ButtonLink, Crumb, FieldWidth, SubmitButton, TextInput, existing, refusal_of_fields},
};

/// What can be entered about a lead, as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeadFields {
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) title: String,
    pub(super) account: String,
    pub(super) phone: String,
    pub(super) country: String,
    pub(super) time_zone: String,
    pub(super) tags: String,
    pub(super) lawful_basis: String,
    pub(super) version: i64,
}

#[cfg(feature = "ssr")]
impl From<LeadFields> for domain::leads::LeadInput {
    fn from(f: LeadFields) -> Self {
        Self {
            email: Some(f.email),
            first_name: Some(f.first_name),
            last_name: Some(f.last_name),
            title: Some(f.title),
            account: Some(f.account),
            phone: Some(f.phone),
            country: Some(f.country),
            time_zone: Some(f.time_zone),
            tags: f.tags.split(',').map(str::to_owned).collect(),
            lawful_basis: Some(f.lawful_basis),
            ..Self::default()
        }
    }
}

/// Creates a lead.
#[server(prefix = "/sf")]
pub async fn create_lead(slug: String, fields: LeadFields) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let same =
        format!("/t/{slug}/leads?q={}", form_urlencoded::byte_serialize(fields.email.as_bytes()).collect::<String>());
    let lead = t.leads().create(fields.into(), domain::leads::LeadSource::Manual).await.map_err(|error| {
        let taken = matches!(&error, service::Error::Conflict(problem) if problem.code == "email_taken");
        AppError { existing: taken.then_some(same), ..AppError::from(error) }
    })?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/leads/{}", lead.id), "lead-created");
    Ok(())
}

/// Changes a lead, if nobody else has in the meantime.
#[server(prefix = "/sf")]
pub async fn update_lead(slug: String, id: String, fields: LeadFields) -> Result<(), AppError> {
    let id = super::load::lead_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let old = t.leads().get(id).await?;
    let version = fields.version;
    let input = domain::leads::LeadInput { status: Some(old.status), owner_id: old.owner_id, ..fields.into() };
    t.leads().update(id, input, Some(version)).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/leads/{id}"), "lead-saved");
    Ok(())
}

/// Loads the fields of a lead.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_fields(slug: String, id: String) -> Result<LeadFields, AppError> {
    super::load::fields(&slug, &id).await
}

/// A new lead.
#[component]
pub fn NewLeadPage() -> impl IntoView {
    let slug = use_slug();
    let action = Post::to::<CreateLead>();
    only(Permission::EditLeads, move || {
        move || {
            let slug = slug.get();
            let back = format!("/t/{slug}/leads");
            let hidden = view! { <input type="hidden" name="slug" value=slug/> }.into_any();
            page(["New lead", "Leads", "Create lead"], back, action, hidden, LeadFields::default())
        }
    })
}

/// The form of a lead that exists.
#[component]
pub fn EditLeadPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("lead"));
    let action = Post::to::<UpdateLead>();
    only(Permission::EditLeads, move || {
        with_data(
            // A version that comes while somebody types would defeat the check for it.
            Signal::stored(0),
            move || LoadFields { slug: slug.get(), id: id.get() },
            move |fields| edit(slug.get_untracked(), id.get_untracked(), fields, action),
        )
    })
}

fn edit(slug: String, id: String, fields: LeadFields, action: Post) -> AnyView {
    let back = format!("/t/{slug}/leads/{id}");
    let hidden = view! {
        <input type="hidden" name="slug" value=slug/>
        <input type="hidden" name="id" value=id/>
        <input type="hidden" name="fields[version]" value=fields.version/>
    }
    .into_any();
    page(["Edit lead", "Lead", "Save"], back, action, hidden, fields)
}

/// Title, the page above and the words of the button; where that page is; the form.
fn page(words: [&'static str; 3], back: String, action: Post, hidden: AnyView, fields: LeadFields) -> AnyView {
    let [title, above, verb] = words;
    view! {
        <TabTitle text=title/>
        <Topbar title trail=vec![Crumb::new(above, back.clone())]/>
        <PageScroll label=title>
            <div class="page-body narrow">
                {refusal_of_fields(action, "fields")}
                {existing(action, "Show the lead that has it")}
                <PostForm post=action class="stack">
                    {hidden}
                    {inputs(fields, action)}
                    <div class="cluster">
                        <SubmitButton busy=action.busy()>{verb}</SubmitButton>
                        <ButtonLink href=back>"Cancel"</ButtonLink>
                    </div>
                </PostForm>
            </div>
        </PageScroll>
    }
    .into_any()
}

fn inputs(fields: LeadFields, post: Post) -> impl IntoView {
    let of = |field| post.of_field(field);
    view! {
        <TextInput name="fields[email]" label="E-mail" value=fields.email error=of("email")/>
        <TextInput name="fields[first_name]" label="First name" value=fields.first_name error=of("first_name") optional=true width=FieldWidth::Medium/>
        <TextInput name="fields[last_name]" label="Last name" value=fields.last_name error=of("last_name") optional=true width=FieldWidth::Medium/>
        <TextInput name="fields[title]" label="Title" value=fields.title error=of("title") optional=true/>
        <TextInput name="fields[account]" label="Account" hint="The firm that the lead works for" value=fields.account error=of("account") optional=true/>
        <TextInput name="fields[phone]" label="Phone" value=fields.phone error=of("phone") optional=true width=FieldWidth::Medium/>
        <TextInput name="fields[country]" label="Country" hint="Two letters, as in DE" value=fields.country error=of("country") optional=true width=FieldWidth::Short/>
        <TextInput name="fields[time_zone]" label="Time zone" hint="As in Europe/Berlin" value=fields.time_zone error=of("time_zone") optional=true width=FieldWidth::Medium/>
        <TextInput name="fields[tags]" label="Tags" hint="Separated by commas" value=fields.tags error=of("tags") optional=true/>
        <TextInput name="fields[lawful_basis]" label="Lawful basis" hint="Why you may write to this person" value=fields.lawful_basis error=of("lawful_basis") optional=true/>
    }
}
