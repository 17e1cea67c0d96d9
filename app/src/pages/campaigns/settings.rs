//! The settings of a campaign: whom it is for, from where and when it sends.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

use super::looks::{Head, head};
use crate::{
    error::AppError,
    exchange::{Post, PostForm, use_posts, with_data},
    pages::frame::{may, use_param, use_slug},
    pages::leads::STATUSES,
    shell::PageScroll,
    ui::{
        Callout, Card, Checkbox, Choice, FieldWidth, InputKind, RadioGroup, Select, SubmitButton, TextInput, Tone,
        refusal,
    },
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub(super) head: Head,
    pub(super) may_edit: bool,
    pub(super) started: bool,
    pub(super) selection: bool,
    pub(super) status: String,
    pub(super) score: String,
    pub(super) country: String,
    pub(super) tag: String,
    pub(super) mailboxes: Vec<(String, String, bool)>,
    pub(super) days: Vec<i16>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) zone: String,
    pub(super) version: i64,
}

/// What the form sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsForm {
    version: i64,
    name: String,
    audience: String,
    status: String,
    score: String,
    country: String,
    tag: String,
    mailboxes: Vec<String>,
    days: Vec<i16>,
    from: String,
    to: String,
    zone: String,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_settings(slug: String, id: String) -> Result<Settings, AppError> {
    super::load::settings(&slug, &id).await
}

/// Saves the settings.
#[server(prefix = "/sf")]
pub async fn save_settings(slug: String, id: String, form: SettingsForm) -> Result<(), AppError> {
    let own = format!("/t/{slug}/campaigns/{id}/settings");
    let id = super::load::campaign_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let started = t.campaigns().get(id).await?.lifecycle.started_at.is_some();
    let version = form.version;
    let input = super::load::settings_input(form, started)?;
    t.campaigns().update(id, input, Some(version)).await?;
    t.commit().await?;
    crate::server::done(&own, "campaign-saved");
    Ok(())
}

/// The settings of a campaign.
#[component]
pub fn CampaignSettingsPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("campaign"));
    let save = Post::to::<SaveSettings>();
    with_data(
        use_posts(),
        move || LoadSettings { slug: slug.get(), id: id.get() },
        move |shown| page(slug.get_untracked(), shown, save),
    )
}

fn page(slug: String, s: Settings, save: Post) -> AnyView {
    let top = head(&slug, &s.head, "settings", ().into_any());
    let locked =
        (!s.may_edit).then(|| view! { <Callout tone=Tone::Sky>"Pause the campaign to change its settings."</Callout> });
    let may_edit = s.may_edit && may(Permission::EditCampaigns);
    let (id, version, name) = (s.head.id.clone(), s.version, s.head.name.clone());
    let fields = fields(s);
    view! {
        {top}
        <PageScroll label="Settings">
            <div class="page-body narrow">
                {refusal(save)}
                {locked}
                <PostForm post=save class="stack">
                    <input type="hidden" name="slug" value=slug/>
                    <input type="hidden" name="id" value=id/>
                    <input type="hidden" name="form[version]" value=version/>
                    <fieldset class="stack" disabled=!may_edit>
                        <TextInput name="form[name]" label="Name" value=name/>
                        {fields}
                    </fieldset>
                    {may_edit.then(|| view! { <SubmitButton busy=save.busy()>"Save"</SubmitButton> })}
                </PostForm>
            </div>
        </PageScroll>
    }
    .into_any()
}

fn fields(s: Settings) -> AnyView {
    let statuses = STATUSES.map(|(value, word)| Choice::new(value, word)).to_vec();
    let kinds = vec![
        Choice::new("filter", "Everybody who matches conditions when it starts"),
        Choice::new("selection", "Leads that are ticked in the list and enrolled"),
    ];
    let kind = if s.selection { "selection" } else { "filter" };
    let mailboxes: Vec<_> = s
        .mailboxes
        .iter()
        .cloned()
        .enumerate()
        .map(|(i, (id, address, checked))| {
            view! { <Checkbox name=format!("form[mailboxes][{i}]") label=address value=id checked/> }.into_any()
        })
        .collect();
    let days: Vec<_> = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        .into_iter()
        .zip(1_i16..)
        .map(|(label, day)| {
            let checked = s.days.contains(&day);
            view! { <Checkbox name=format!("form[days][{day}]") label value=day.to_string() checked/> }.into_any()
        })
        .collect();
    let zones = vec![Choice::new("lead", "The lead’s time zone"), Choice::new("company", "The company’s time zone")];
    let frozen = s.started.then(|| view! { <p class="subtle">"Fixed since the start."</p> });
    let audience = view! {
        <Card title="Audience">
            {frozen}
            <RadioGroup name="form[audience]" legend="Who gets it" options=kinds value=kind.to_owned()/>
            <div class="conditions fields">
            <Select name="form[status]" label="Status" options=statuses value=s.status.clone() placeholder="Any" optional=true/>
            <TextInput name="form[score]" label="Score at least" kind=InputKind::Number value=s.score.clone() optional=true width=FieldWidth::Short/>
            <TextInput name="form[country]" label="Countries" hint="Two letters each, separated by commas" value=s.country.clone() optional=true/>
            <TextInput name="form[tag]" label="Tags" hint="Any of these, separated by commas" value=s.tag.clone() optional=true/>
            </div>
        </Card>
    }
    .into_any();
    let window = view! {
        <Card title="Sending window">
            <fieldset><legend>"Days"</legend>{days}</fieldset>
            <div class="cluster">
                <TextInput name="form[from]" label="From" value=s.from.clone() hint="As in 09:00" width=FieldWidth::Short/>
                <TextInput name="form[to]" label="To" value=s.to.clone() hint="At most 24:00" width=FieldWidth::Short/>
            </div>
            <Select name="form[zone]" label="On whose clock" options=zones value=s.zone.clone()/>
        </Card>
    }
    .into_any();
    view! {
        {audience}
        <Card title="Mailboxes"><fieldset><legend>"Send from"</legend>{mailboxes}</fieldset></Card>
        {window}
    }
    .into_any()
}

#[cfg(feature = "ssr")]
impl SettingsForm {
    /// The form as the service takes it.
    pub(super) fn into_input(self, started: bool) -> Result<domain::campaigns::CampaignInput, domain::Problem> {
        use domain::{
            campaigns::{Audience, CampaignInput},
            leads::LeadFilter,
            window::{SendingWindow, WindowZone},
        };

        let pairs = [
            ("f.status.is", self.status),
            ("f.score.gte", self.score),
            ("f.country.is", self.country),
            ("f.tag.has", self.tag),
        ];
        let audience = match self.audience.as_str() {
            "selection" => Audience::Selection,
            _ => Audience::Filter { filter: LeadFilter::from_pairs(pairs.iter().map(|(k, v)| (*k, v.as_str())))? },
        };
        let mailboxes = self.mailboxes.iter().filter_map(|id| id.parse().ok()).collect();
        let window = SendingWindow {
            days: self.days,
            from_minute: minute(&self.from)?,
            to_minute: minute(&self.to)?,
            zone: WindowZone::parse(&self.zone).unwrap_or(WindowZone::Lead),
        };
        Ok(CampaignInput {
            name: Some(self.name),
            audience: (!started).then_some(audience),
            window: Some(window),
            mailboxes: (!started).then_some(mailboxes),
        })
    }
}

/// Minutes since midnight of a time as in 09:00.
#[cfg(feature = "ssr")]
fn minute(text: &str) -> Result<i32, domain::Problem> {
    let parsed =
        text.split_once(':').and_then(|(h, m)| Some((h.trim().parse::<i32>().ok()?, m.trim().parse::<i32>().ok()?)));
    match parsed {
        Some((hours @ 0..=24, minutes @ 0..=59)) => Ok(hours * 60 + minutes),
        _ => Err(domain::Problem::field("window", "time_invalid", "Write times as in 09:00.")),
    }
}
