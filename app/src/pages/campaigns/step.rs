//! One step: the e-mail, how a lead would read it, and test mails.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::{
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
    pages::frame::may,
    shell::PageScroll,
    ui::{
        ButtonKind, Callout, Card, Choice, FieldWidth, InputKind, RadioGroup, Select, SubmitButton, TextArea,
        TextInput, Tone,
    },
};
#[cfg(feature = "ssr")]
use domain::{Permission, steps::Writing};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    pub(super) head: Head,
    pub(super) may_edit: bool,
    pub(super) may_time: bool,
    pub(super) id: String,
    pub(super) position: i32,
    pub(super) amount: i32,
    pub(super) unit: String,
    pub(super) subject: String,
    pub(super) body: String,
    pub(super) writing: Writing,
    pub(super) instructions: String,
    /// Documents that the writer may quote.
    pub(super) sources: String,
    /// A model is set up; otherwise the built-in writer writes.
    pub(super) has_model: bool,
    pub(super) version: i64,
    pub(super) problems: Vec<String>,
    pub(super) samples: Vec<SampleView>,
    pub(super) preview: (String, String, String),
    /// Whom the preview is for, and whom it could be for.
    pub(super) lead: String,
    pub(super) leads: Vec<(String, String)>,
    pub(super) missing: String,
    pub(super) tests: Vec<(String, String, String)>,
    pub(super) me: String,
    pub(super) variables: String,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_step(slug: String, id: String, step: String, lead: String) -> Result<Written, AppError> {
    let shown = super::load::step(&slug, &id, &step, &lead).await?;
    Ok(Written::new(shown.head.name.clone(), move || page(&slug, shown)))
}

/// What a form says to the writer of a step; what it has no field for stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct Told {
    writing: String,
    instructions: Option<String>,
    /// Names of documents, with commas.
    sources: Option<String>,
}

/// Saves the step, unfinished or not.
#[server(prefix = "/sf")]
pub async fn save_step(
    slug: String,
    id: String,
    step: String,
    version: i64,
    subject: String,
    body: String,
    #[server(default)] amount: Option<i32>,
    #[server(default)] unit: String,
    #[server(default)] told: Told,
) -> Result<(), AppError> {
    use domain::steps::{Delay, DelayUnit, StepInput};

    let own = format!("/t/{slug}/campaigns/{id}/sequence/{step}");
    let delay = amount.zip(DelayUnit::parse(&unit)).map(|(amount, unit)| Delay { amount, unit });
    // Forms send line breaks as CR LF.
    let input = StepInput {
        delay,
        subject: Some(subject),
        body: Some(body.replace("\r\n", "\n")),
        writing: Writing::parse(&told.writing),
        instructions: told.instructions.map(|text| text.replace("\r\n", "\n")),
        sources: told.sources.map(|names| names.split([',', '\n']).map(str::to_owned).collect()),
    };
    let (id, step) = (super::load::campaign_id(&id)?, super::load::step_id(&step)?);
    let mut t = crate::server::tenant(&slug).await?;
    t.campaigns().update_step(id, step, input, Some(version)).await?;
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
    to: String,
) -> Result<(), AppError> {
    let own = format!("/t/{slug}/campaigns/{id}/sequence/{step}?lead={lead}");
    let (id, step) = (super::load::campaign_id(&id)?, super::load::step_id(&step)?);
    let lead = Some(lead).filter(|l| !l.is_empty()).map(|l| super::load::lead_id(&l)).transpose()?;
    let mut t = crate::server::tenant(&slug).await?;
    t.campaigns().request_test_mail(id, step, lead, &to).await?;
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
        let lead = query.read().get("lead").unwrap_or_default();
        LoadStep { slug: slug.get(), id: id.get(), step: step.get(), lead }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, s: StepView) -> AnyView {
    let (save, test) = (Post::to::<SaveStep>(), Post::to::<SendTest>());
    let title = format!("Step {}", s.position);
    let locked = (!s.may_edit).then(|| {
        view! { <Callout tone=Tone::Sky>"Pause the campaign to change its wording. E-mails that were sent stay as they are."</Callout> }
    });
    let (from, subject, text) = s.preview.clone();
    let gaps = (!s.missing.is_empty()).then(|| {
        let words = format!("No value and no fallback: {}", s.missing);
        view! { <Callout tone=Tone::Amber>{words}</Callout> }
    });
    let (top, editor) = (head(slug, &s.head, "sequence", ().into_any()), editor(slug, &s, save));
    let tests = tests(slug, &s, test);
    let written = s.writing.needs_draft().then(|| samples(slug, &s.head.id, &s.id, s.has_model, s.samples.clone()));
    let by = s.writing.needs_draft().then(|| {
        let words = if s.has_model {
            "Your model writes each e-mail when its time comes near. This is what the built-in writer makes of the template; it writes when no model answers."
        } else {
            "No model is set up. This is what the built-in writer makes of the template."
        };
        view! { <p class="subtle">{words}</p> }
    });
    let whom = (!s.leads.is_empty()).then(|| {
        let leads: Vec<_> = s.leads.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect();
        view! {
            <form method="get" class="cluster">
                <Select name="lead" label="As it reads for" options=leads value=s.lead.clone()/>
                <SubmitButton kind=ButtonKind::Default>"Show"</SubmitButton>
            </form>
        }
    });
    view! {
        {top}
        <PageScroll label="Step">
            <div class="page-body split">
                <div class="col">
                    {locked}
                    <Card title>{editor}</Card>
                </div>
                <div class="col">
                    <Card title="Preview">
                        {by}
                        {whom}
                        <p class="subtle">{from}</p>
                        <p class="strong">{subject}</p>
                        <div class="mail-preview" data-theme="light">{text}</div>
                        {gaps}
                    </Card>
                    {written}
                    <Card title="Test e-mail">{tests}</Card>
                </div>
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn editor(slug: &str, s: &StepView, save: Post) -> AnyView {
    let of = |field| save.of_field(field);
    let failed = move || {
        let error = save.error()?;
        error.problems.is_empty().then(|| view! { <p class="error" role="alert">{error.message}</p> })
    };
    let units = [("minutes", "minutes"), ("hours", "hours"), ("days", "days"), ("working_days", "working days")]
        .map(|(value, label)| Choice::new(value, label))
        .to_vec();
    let delay = s.may_time.then(|| {
        view! {
            <div class="cluster">
                <TextInput name="amount" label="Wait before it" kind=InputKind::Number value=s.amount.to_string() min="0" width=FieldWidth::Short error=of("delay")/>
                <Select name="unit" label="Unit" options=units value=s.unit.clone()/>
            </div>
        }
        .into_any()
    });
    let choices = Writing::ALL.iter().map(|writing| Choice::new(writing.as_str(), writing.label())).collect();
    let least = Permission::ApproveDrafts.least_role().label();
    let writing = s.may_time.then(|| {
        let hint = format!("A {least} or above approves. Each e-mail waits for its draft.");
        view! { <RadioGroup name="told[writing]" legend="Writing" options=choices value=s.writing.as_str() hint error=of("writing")/> }
            .into_any()
    });
    let told = (s.may_time || s.writing.needs_draft()).then(|| {
        view! {
            <TextArea name="told[instructions]" label="Instructions for AI" hint="What the e-mail is about, its tone, what to ask. Only with AI." value=s.instructions.clone() rows=4 maxlength=5_000u32 optional=!s.writing.needs_draft() error=of("instructions")/>
            <TextInput name="told[sources]" label="Documents it may quote" hint="Collections, or single ones as collection/key, with commas: competitors, prices/2026. Only with AI." value=s.sources.clone() optional=true error=of("sources")/>
        }
        .into_any()
    });
    let problems: Vec<_> = s.problems.iter().cloned().map(|p| view! { <p class="subtle">{p}</p> }).collect();
    let template =
        if s.writing.needs_draft() { "What the built-in writer fills in, and an example for the model. " } else { "" };
    let hint = format!("{template}Variables: {} – write a fallback as in {{first_name|there}}.", s.variables);
    let (slug, id, step, version) = (slug.to_owned(), s.head.id.clone(), s.id.clone(), s.version);
    let fields = view! {
        {delay}
        {writing}
        {told}
        <TextInput name="subject" label="Subject" value=s.subject.clone() error=of("subject") maxlength=250u32/>
        <TextArea name="body" label="Text" value=s.body.clone() rows=14 hint error=of("body")/>
        {problems}
        {failed}
        {(s.may_edit && may(Permission::EditCampaigns)).then(|| view! { <SubmitButton busy=save.busy()>"Save"</SubmitButton> })}
    }
    .into_any();
    view! {
        <PostForm post=save class="stack">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="step" value=step/>
            <input type="hidden" name="version" value=version/>
            {fields}
        </PostForm>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn tests(slug: &str, s: &StepView, test: Post) -> AnyView {
    let error = Signal::derive(move || test.message());
    let sent: Vec<_> = s
        .tests
        .iter()
        .cloned()
        .map(|(to, state, detail)| view! { <li>{format!("{to}: {state}")}<p class="subtle">{detail}</p></li> })
        .collect();
    let (slug, id, step, me) = (slug.to_owned(), s.head.id.clone(), s.id.clone(), s.me.clone());
    let lead = s.lead.clone();
    view! {
        <PostForm post=test class="stack">
            <input type="hidden" name="lead" value=lead/>
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
