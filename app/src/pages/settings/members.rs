//! Members and invitations.

use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::page;
use crate::{
    error::AppError,
    exchange::use_posts,
    pages::{
        frame::use_slug,
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    pages::frame::may,
    ui::{
        Avatar, ButtonKind, ButtonSize, Card, Choice, InputKind, Select, SubmitButton, TextInput, confirm, option_list,
        refusal,
    },
};

/// Who belongs to the company, and who is invited.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct People {
    members: Vec<(String, String, String, String)>,
    invitations: Vec<(String, String, String)>,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_people(slug: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let invitations = t.invitations().list().await?;
    let members = t.members().list().await?;
    t.commit().await?;
    let people = People {
        members: members
            .into_iter()
            .map(|m| (m.user_id.to_string(), m.name, m.email.to_string(), m.role.to_string()))
            .collect(),
        invitations: invitations
            .into_iter()
            .map(|i| (i.id.to_string(), i.email.to_string(), format!("{}, by {}", i.role.label(), i.invited_by)))
            .collect(),
    };
    Ok(Written::new("Members", move || show(&slug, people)))
}

/// Invites somebody.
#[server(prefix = "/sf")]
pub async fn invite_person(slug: String, email: String, role: String) -> Result<(), AppError> {
    let role = role.parse().map_err(|p| AppError::from(service::Error::invalid(p)))?;
    let mut t = crate::server::tenant(&slug).await?;
    t.invitations().invite(&email, role).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/members"), "invited");
    Ok(())
}

/// Changes a member or an invitation: `role`, `remove`, `revoke`, `resend`.
#[server(prefix = "/sf")]
pub async fn change_person(
    slug: String,
    id: String,
    what: String,
    #[server(default)] role: String,
) -> Result<(), AppError> {
    let id: uuid::Uuid = id.parse().map_err(|_| AppError::from(service::Error::NotFound("member")))?;
    let mut t = crate::server::tenant(&slug).await?;
    let code = match what.as_str() {
        "role" => {
            let role = role.parse().map_err(|p| AppError::from(service::Error::invalid(p)))?;
            t.members().change_role(id.into(), role).await.map(|_| "role-set")?
        }
        "revoke" => t.invitations().revoke(id.into()).await.map(|()| "invitation-revoked")?,
        "resend" => t.invitations().resend(id.into()).await.map(|()| "invited")?,
        _ => t.members().remove(id.into()).await.map(|()| "member-removed")?,
    };
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/members"), code);
    Ok(())
}

/// The members.
#[component]
pub fn MembersPage() -> impl IntoView {
    let slug = use_slug();
    written(use_posts(), move || LoadPeople { slug: slug.get() })
}

#[cfg(feature = "ssr")]
fn show(slug: &str, people: People) -> AnyView {
    let (invite, change) = (Post::to::<InvitePerson>(), Post::to::<ChangePerson>());
    let members: Vec<_> = people
        .members
        .into_iter()
        .map(|(id, name, email, role)| {
            let roles = view! {
                <select name="role" aria-label=format!("Role of {name}")>{option_list(roles(), &role, None)}</select>
            }
            .into_any();
            let name_of = name.clone();
            let effect = format!("{name} can’t sign in to this company any more. Leads and campaigns stay.");
            let (set, remove) = (format!("Set role of {name}"), format!("Remove {name}"));
            view! {
                <li class="person">
                    <Avatar name=name.clone()/>
                    <span class="who"><strong>{name}</strong><span class="subtle">{email}</span></span>
                    {form(change, slug, &id, "role", ("Set role", set), Some(roles))}
                    {confirm("Remove", &name_of, effect, form(change, slug, &id, "remove", ("Remove", remove), None))}
                </li>
            }
            .into_any()
        })
        .collect();
    let invitations: Vec<_> = people
        .invitations
        .into_iter()
        .map(|(id, email, words)| {
            view! {
                <li class="person">
                    <Avatar name=email.clone()/>
                    <span class="who"><strong>{email.clone()}</strong><span class="subtle">{words}</span></span>
                    {form(change, slug, &id, "resend", ("Send again", format!("Send again to {email}")), None)}
                    {form(change, slug, &id, "revoke", ("Take back", format!("Take back the invitation of {email}")), None)}
                </li>
            }
            .into_any()
        })
        .collect();
    let hidden = slug.to_owned();
    let error = invite.of_field("email");
    let body = view! {
        {refusal(invite)}
        {refusal(change)}
        <Card title="Members"><ul class="stack">{members}</ul></Card>
        {(!invitations.is_empty()).then(|| view! { <Card title="Open invitations"><ul class="stack">{invitations}</ul></Card> })}
        <Card title="Invite">
            <PostForm post=invite class="stack">
                <input type="hidden" name="slug" value=hidden.clone()/>
                <TextInput name="email" label="E-mail" kind=InputKind::Email error/>
                <Select name="role" label="Role" options=roles() value="member"/>
                <SubmitButton busy=invite.busy()>"Send invitation"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any();
    page(slug, "members", "Members", body)
}

/// The roles that the person may give.
#[cfg(feature = "ssr")]
fn roles() -> Vec<Choice> {
    let owner = may(domain::Permission::OwnCompany);
    [("owner", "Owner"), ("admin", "Admin"), ("manager", "Manager"), ("member", "Member"), ("viewer", "Viewer")]
        .into_iter()
        .filter(|(value, _)| owner || *value != "owner")
        .map(|(value, label)| Choice::new(value, label))
        .collect()
}

/// A form with one button: its words, and its name with whom it is about.
#[cfg(feature = "ssr")]
fn form(
    change: Post,
    slug: &str,
    id: &str,
    what: &'static str,
    (words, name): (&'static str, String),
    more: Option<AnyView>,
) -> AnyView {
    let (slug, id) = (slug.to_owned(), id.to_owned());
    view! {
        <PostForm post=change class="cluster">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="what" value=what/>
            {more}
            <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small label=name>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}
