//! One step: its editor, what it was in other versions, and of an e-mail how a lead would read it, how its wordings
//! compare, and test mails.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use super::fields::StepForm;
#[cfg(feature = "ssr")]
use super::{
    fields::fields,
    looks::{Head, head},
    samples::{SampleView, samples},
};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    pages::frame::may,
    shell::PageScroll,
    ui::{
        ButtonKind, ButtonSize, Callout, Card, CheckItem, Checklist, Choice, Fact, Facts, InputKind, Select,
        SubmitButton, TextInput, Time, Tone,
    },
};
#[cfg(feature = "ssr")]
use domain::{
    Permission,
    steps::{Step, letter},
};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    pub(super) head: Head,
    pub(super) may_edit: bool,
    pub(super) started: bool,
    pub(super) step: Step,
    /// E-mails before it, which a condition may ask about.
    pub(super) mails: Vec<(String, String)>,
    pub(super) agents: Vec<String>,
    pub(super) people: Vec<(String, String)>,
    pub(super) problems: Vec<String>,
    pub(super) history: Vec<HistoryRow>,
    /// Only of e-mails.
    pub(super) mail: Option<MailView>,
}

/// What is shown about an e-mail besides its editor.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct MailView {
    /// A model is set up; otherwise the built-in writer writes.
    pub(super) has_model: bool,
    pub(super) samples: Vec<SampleView>,
    pub(super) preview: (String, String, String),
    /// What readers and filters will say of its words; none of what is written for each lead.
    pub(super) hints: Vec<CheckItem>,
    pub(super) variant: i16,
    /// Whom the preview is for, and whom it could be for.
    pub(super) lead: String,
    pub(super) leads: Vec<(String, String)>,
    pub(super) missing: String,
    pub(super) tests: Vec<(String, String, String)>,
    pub(super) me: String,
    pub(super) variables: String,
    /// How each wording does, in words, and what that says.
    pub(super) comparison: Vec<(String, String)>,
    pub(super) verdict: String,
}

/// A version in which the step was another one.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRow {
    pub(super) number: i32,
    pub(super) by: String,
    pub(super) at: Moment,
    pub(super) name: String,
    pub(super) body: String,
    pub(super) is_shown: bool,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_step(
    slug: String,
    id: String,
    step: String,
    lead: String,
    #[server(default)] variant: i16,
) -> Result<Written, AppError> {
    let shown = super::load::step(&slug, &id, &step, &lead, variant).await?;
    Ok(Written::new(shown.head.name.clone(), move || page(&slug, shown)))
}

/// Saves the step, unfinished or not.
#[server(prefix = "/sf")]
pub async fn save_step(
    slug: String,
    id: String,
    step: String,
    version: i64,
    #[server(default)] form: StepForm,
) -> Result<(), AppError> {
    let own = format!("/t/{slug}/campaigns/{id}/sequence/{step}");
    let (id, step) = (super::load::campaign_id(&id)?, super::load::step_id(&step)?);
    let mut t = crate::server::tenant(&slug).await?;
    let kind = t.campaigns().steps(id).await?.get(step).ok_or(service::Error::NotFound("step"))?.kind();
    let input = form.into_input(kind).map_err(service::Error::invalid)?;
    t.campaigns().update_step(id, step, input, Some(version)).await?;
    t.commit().await?;
    crate::server::done(&own, "campaign-saved");
    Ok(())
}

/// Takes what a step was in another version.
#[server(prefix = "/sf")]
pub async fn restore_step(slug: String, id: String, step: String, number: i32) -> Result<(), AppError> {
    let own = format!("/t/{slug}/campaigns/{id}/sequence/{step}");
    let (id, step) = (super::load::campaign_id(&id)?, super::load::step_id(&step)?);
    let mut t = crate::server::tenant(&slug).await?;
    t.campaigns().restore_step(id, step, number).await?;
    t.commit().await?;
    crate::server::done(&own, "campaign-saved");
    Ok(())
}

/// Asks for a test mail.
#[server(prefix = "/sf")]
pub async fn send_test(
    slug: String,
    id: String,
    step: String,
    #[server(default)] lead: String,
    #[server(default)] variant: i16,
    to: String,
) -> Result<(), AppError> {
    let own = format!("/t/{slug}/campaigns/{id}/sequence/{step}?lead={lead}&variant={variant}");
    let (id, step) = (super::load::campaign_id(&id)?, super::load::step_id(&step)?);
    let lead = Some(lead).filter(|l| !l.is_empty()).map(|l| super::load::lead_id(&l)).transpose()?;
    let mut t = crate::server::tenant(&slug).await?;
    t.campaigns().request_test_of_variant(id, step, variant, lead, &to).await?;
    t.commit().await?;
    crate::server::done(&own, "test-sent");
    Ok(())
}

/// One step.
#[component]
pub fn CampaignStepPage() -> impl IntoView {
    let (slug, id, step, query) = (use_slug(), use_param("campaign"), use_param("step"), use_query_map());
    // What happens to the campaign meanwhile must not take away what is being entered here; samples wait for that.
    written(live_version_of("samples", step), move || {
        let get = |name: &str| query.read().get(name).unwrap_or_default();
        let variant = get("variant").parse().unwrap_or(0);
        LoadStep { slug: slug.get(), id: id.get(), step: step.get(), lead: get("lead"), variant }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, s: StepView) -> AnyView {
    let (save, test, restore) = (Post::to::<SaveStep>(), Post::to::<SendTest>(), Post::to::<RestoreStep>());
    let title = format!("Step {}: {}", s.step.position, s.step.kind().label());
    let locked = (!s.may_edit).then(|| {
        view! { <Callout tone=Tone::Sky>"The steps of a campaign that is scheduled or has ended stay as they are."</Callout> }
    });
    let next = (s.started && s.may_edit).then(|| {
        view! { <Callout tone=Tone::Sky>"What you save goes into the next version. Leads get it when you publish that."</Callout> }
    });
    let (top, editor) = (head(slug, &s.head, "sequence/step", ().into_any()), editor(slug, &s, save));
    let history = history(slug, &s, restore);
    let aside = s.mail.clone().map(|mail| mail_cards(slug, &s, mail, test));
    view! {
        {top}
        <PageScroll label="Step">
            <div class="page-body split">
                <div class="col">
                    {locked}
                    {next}
                    <Card title>{editor}</Card>
                    {history}
                </div>
                <div class="col">{aside}</div>
            </div>
        </PageScroll>
    }
    .into_any()
}

/// Preview, samples, comparison and test mails.
#[cfg(feature = "ssr")]
fn mail_cards(slug: &str, s: &StepView, mail: MailView, test: Post) -> AnyView {
    let Some(email) = s.step.email() else { return ().into_any() };
    let drafted = email.writing.needs_draft();
    let (from, subject, text) = mail.preview.clone();
    let gaps = (!mail.missing.is_empty()).then(|| {
        let words = format!("No value and no fallback: {}", mail.missing);
        view! { <Callout tone=Tone::Amber>{words}</Callout> }
    });
    let hints = (!mail.hints.is_empty())
        .then(|| view! { <Checklist items=mail.hints.clone() words=["Passes: ", "Warns: ", "Fails: "]/> });
    let written =
        drafted.then(|| samples(slug, &s.head.id, &s.step.id.to_string(), mail.has_model, mail.samples.clone()));
    let by = drafted.then(|| {
        let words = if mail.has_model {
            "Your model writes each e-mail when its time comes near. This is what the built-in writer makes of the template; it writes when no model answers."
        } else {
            "No model is set up. This is what the built-in writer makes of the template."
        };
        view! { <p class="subtle">{words}</p> }
    });
    let wordings = (0..=email.variants.len())
        .map(|n| Choice::new(n.to_string(), format!("Variant {}", letter(n))))
        .collect::<Vec<_>>();
    let several = wordings.len() > 1;
    let whom = (!mail.leads.is_empty() || several).then(|| {
        let leads: Vec<_> = mail.leads.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect();
        let (any, lead, variant) = (!leads.is_empty(), mail.lead.clone(), mail.variant.to_string());
        view! {
            <form method="get" class="cluster">
                {any.then(|| view! { <Select name="lead" label="As it reads for" options=leads.clone() value=lead.clone()/> })}
                {several.then(|| view! { <Select name="variant" label="Wording" options=wordings.clone() value=variant.clone()/> })}
                <SubmitButton kind=ButtonKind::Default>"Show"</SubmitButton>
            </form>
        }
    });
    let comparison = several.then(|| {
        let verdict = mail.verdict.clone();
        let rows: Vec<_> = mail
            .comparison
            .iter()
            .cloned()
            .map(|(label, words)| view! { <Fact label>{words}</Fact> }.into_any())
            .collect();
        view! { <Card title="Comparison"><Facts>{rows}</Facts><p class="subtle">{verdict}</p></Card> }
    });
    let tests = tests(slug, s, &mail, test);
    view! {
        <Card title="Preview">
            {by}
            {whom}
            <p class="subtle">{from}</p>
            <p class="strong">{subject}</p>
            <div class="mail-preview" data-theme="light">{text}</div>
            {gaps}
            {hints}
        </Card>
        {comparison}
        {written}
        <Card title="Test e-mail">{tests}</Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn editor(slug: &str, s: &StepView, save: Post) -> AnyView {
    let failed = move || {
        let error = save.error()?;
        error.problems.is_empty().then(|| view! { <p class="error" role="alert">{error.message}</p> })
    };
    let problems: Vec<_> = s.problems.iter().cloned().map(|p| view! { <p class="subtle">{p}</p> }).collect();
    let fields = fields(s, save);
    let (slug, id, step, version) = (slug.to_owned(), s.head.id.clone(), s.step.id.to_string(), s.step.version);
    let may_save = s.may_edit && may(Permission::EditCampaigns);
    view! {
        <PostForm post=save class="stack" autosave="save">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="step" value=step/>
            <input type="hidden" name="version" value=version data-version/>
            <fieldset class="stack" disabled=!may_save>
                {fields}
            </fieldset>
            {problems}
            {failed}
            {may_save.then(|| view! {
                <div class="cluster">
                    <SubmitButton busy=save.busy()>"Save"</SubmitButton>
                    <span class="subtle small-text" role="status" data-kept></span>
                </div>
            })}
        </PostForm>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn history(slug: &str, s: &StepView, restore: Post) -> Option<AnyView> {
    let may_restore = s.may_edit && may(Permission::EditCampaigns);
    let rows: Vec<_> = s
        .history
        .iter()
        .cloned()
        .map(|row| {
            let (slug, id, step) = (slug.to_owned(), s.head.id.clone(), s.step.id.to_string());
            let form = (may_restore && !row.is_shown).then(|| {
                view! {
                    <PostForm post=restore>
                        <input type="hidden" name="slug" value=slug.clone()/>
                        <input type="hidden" name="id" value=id.clone()/>
                        <input type="hidden" name="step" value=step.clone()/>
                        <input type="hidden" name="number" value=row.number/>
                        <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small>"Take this"</SubmitButton>
                    </PostForm>
                }
            });
            let title = format!("Version {}", row.number);
            view! {
                <li>
                    <p><b>{title}</b>" · "{row.by}" · "<Time moment=row.at/></p>
                    <p class="strong">{row.name}</p>
                    <p class="subtle step-words">{row.body}</p>
                    {form}
                </li>
            }
            .into_any()
        })
        .collect();
    (rows.len() > 1).then(|| view! { <Card title="History"><ol class="samples">{rows}</ol></Card> }.into_any())
}

#[cfg(feature = "ssr")]
fn tests(slug: &str, s: &StepView, mail: &MailView, test: Post) -> AnyView {
    let error = Signal::derive(move || test.message());
    let sent: Vec<_> = mail
        .tests
        .iter()
        .cloned()
        .map(|(to, state, detail)| view! { <li>{format!("{to}: {state}")}<p class="subtle">{detail}</p></li> })
        .collect();
    let (slug, id, step, me) = (slug.to_owned(), s.head.id.clone(), s.step.id.to_string(), mail.me.clone());
    let (lead, variant) = (mail.lead.clone(), mail.variant.to_string());
    view! {
        <PostForm post=test class="stack">
            <input type="hidden" name="lead" value=lead/>
            <input type="hidden" name="variant" value=variant/>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="step" value=step/>
            <TextInput name="to" label="Send to" kind=InputKind::Email value=me error/>
            {may(Permission::EditCampaigns).then(|| view! { <SubmitButton kind=ButtonKind::Default>"Send test e-mail"</SubmitButton> })}
        </PostForm>
        <ul class="stack">{sent}</ul>
    }
    .into_any()
}
