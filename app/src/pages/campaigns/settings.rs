//! The settings of a campaign: whom it is for, who is left out, from where and when it sends, and what answers and breaks
//! do.

use std::collections::BTreeMap;

use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::looks::{Head, head};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    pages::frame::may,
    shell::PageScroll,
    ui::{
        Callout, Card, Checkbox, Choice, FieldWidth, InputKind, RadioGroup, Select, SubmitButton, TextInput, Tone,
        refusal,
    },
};
#[cfg(feature = "ssr")]
use domain::{
    Permission,
    campaigns::{CatchUp, Holidays, OnColleague, OnReply, OnUnknown, Rules},
    leads::LeadFilter,
    window::SendingWindow,
};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub(super) head: Head,
    pub(super) may_edit: bool,
    pub(super) started: bool,
    pub(super) selection: bool,
    /// Whom it is for, unless leads are chosen by hand.
    pub(super) filter: LeadFilter,
    pub(super) mailboxes: Vec<(String, String, bool)>,
    pub(super) window: SendingWindow,
    pub(super) rules: Rules,
    pub(super) version: i64,
}

/// What the form sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct SettingsForm {
    version: i64,
    name: String,
    audience: String,
    status: String,
    score: String,
    country: String,
    tag: String,
    /// Conditions that have no field, by their names in an address.
    kept: BTreeMap<String, String>,
    mailboxes: Vec<String>,
    days: Vec<i16>,
    from: String,
    to: String,
    zone: String,
    customers: bool,
    active_elsewhere: bool,
    contacted_within_days: i32,
    account_replied: bool,
    missing_variable: bool,
    unverified: bool,
    holdout_percent: i32,
    holidays: String,
    catch_up: String,
    on_reply: String,
    on_colleague: String,
    colleague_delay_days: i32,
    on_unknown: String,
    track_opens: bool,
    track_clicks: bool,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_settings(slug: String, id: String) -> Result<Written, AppError> {
    let shown = super::load::settings(&slug, &id).await?;
    Ok(Written::new(shown.head.name.clone(), move || page(&slug, shown)))
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
    // What happens to the campaign meanwhile must not take away what is being entered here.
    written(live_version("none"), move || LoadSettings { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, s: Settings) -> AnyView {
    let save = Post::to::<SaveSettings>();
    let top = head(slug, &s.head, "settings", ().into_any());
    let locked = (!s.may_edit).then(|| {
        let words = match s.head.state.as_str() {
            "running" | "pausing" => "Pause the campaign to change its settings.",
            "scheduled" => "Take its start back to change its settings.",
            _ => "The campaign has ended. Duplicate it to go on with other settings.",
        };
        view! { <Callout tone=Tone::Sky>{words}</Callout> }
    });
    let may_edit = s.may_edit && may(Permission::EditCampaigns);
    let tracking = tracking(slug, &s.rules);
    let (slug, id, version, name) = (slug.to_owned(), s.head.id.clone(), s.version, s.head.name.clone());
    let (audience, mailboxes) = (audience(&s), mailboxes(&s));
    let (left_out, answers, unknown) = (left_out(&s.rules), answers(&s.rules), unknown(&s.rules));
    let window = when(&s);
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
                        {audience}
                        {left_out}
                        {mailboxes}
                        {window}
                        {answers}
                        {unknown}
                        {tracking}
                    </fieldset>
                    {may_edit.then(|| view! { <SubmitButton busy=save.busy()>"Save"</SubmitButton> })}
                </PostForm>
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn audience(s: &Settings) -> AnyView {
    let kinds = vec![
        Choice::new("filter", "Everybody who matches conditions when it starts"),
        Choice::new("selection", "Leads that are ticked in the list and enrolled"),
    ];
    let kind = if s.selection { "selection" } else { "filter" };
    let frozen = s.started.then(|| view! { <p class="subtle">"Fixed since the start."</p> });
    let fields = super::conditions::fields(&s.filter);
    view! {
        <Card title="Audience">
            {frozen}
            <RadioGroup name="form[audience]" legend="Who gets it" options=kinds value=kind/>
            <div class="conditions fields">{fields}</div>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn left_out(rules: &Rules) -> AnyView {
    let (exclude, holdout) = (rules.exclude, rules.holdout_percent.to_string());
    view! {
        <Card title="Left out" note="when leads are placed; each is a reason in the ledger">
            <Checkbox name="form[customers]" label="Whoever is a customer" checked=exclude.customers/>
            <Checkbox name="form[active_elsewhere]" label="Whoever is in another campaign" checked=exclude.active_elsewhere/>
            <TextInput name="form[contacted_within_days]" label="Whoever got an e-mail from us in the last days" hint="0 leaves nobody out." kind=InputKind::Number value=exclude.contacted_within_days.to_string() min="0" width=FieldWidth::Short/>
            <Checkbox name="form[account_replied]" label="Whoever works where somebody has answered us" checked=exclude.account_replied/>
            <Checkbox name="form[missing_variable]" label="Whoever lacks a variable without a fallback" hint="Otherwise each variable needs a fallback." checked=exclude.missing_variable/>
            <Checkbox name="form[unverified]" label="Whoever’s address has never taken a mail of ours or answered" checked=exclude.unverified/>
            <TextInput name="form[holdout_percent]" label="Hold-out group in percent" hint="These leads get nothing, so that you see what the e-mails change. 0 to 50." kind=InputKind::Number value=holdout min="0" width=FieldWidth::Short/>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn mailboxes(s: &Settings) -> AnyView {
    let mailboxes: Vec<_> = s
        .mailboxes
        .iter()
        .cloned()
        .enumerate()
        .map(|(i, (id, address, checked))| {
            view! { <Checkbox name=format!("form[mailboxes][{i}]") label=address value=id checked/> }.into_any()
        })
        .collect();
    view! { <Card title="Mailboxes"><fieldset class="field"><legend>"Send from"</legend>{mailboxes}</fieldset></Card> }
        .into_any()
}

#[cfg(feature = "ssr")]
fn when(s: &Settings) -> AnyView {
    let fields = window_fields(&s.window);
    let holidays = Holidays::ALL.iter().map(|h| Choice::new(h.as_str(), h.label())).collect::<Vec<_>>();
    let catch_up = CatchUp::ALL.iter().map(|c| Choice::new(c.as_str(), c.label())).collect::<Vec<_>>();
    let rules = s.rules;
    view! {
        <Card title="Sending window">
            {fields}
            <RadioGroup name="form[holidays]" legend="Public holidays" options=holidays value=rules.holidays.as_str() hint="They are no working days either."/>
            <RadioGroup name="form[catch_up]" legend="After a pause or an outage" options=catch_up value=rules.catch_up.as_str()/>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn answers(rules: &Rules) -> AnyView {
    let on_reply = OnReply::ALL.iter().map(|r| Choice::new(r.as_str(), r.label())).collect::<Vec<_>>();
    let on_colleague = OnColleague::ALL.iter().map(|r| Choice::new(r.as_str(), r.label())).collect::<Vec<_>>();
    let rules = *rules;
    view! {
        <Card title="Answers">
            <RadioGroup name="form[on_reply]" legend="When a lead answers" options=on_reply value=rules.on_reply.as_str()/>
            <RadioGroup name="form[on_colleague]" legend="What that does to colleagues of the same account" options=on_colleague value=rules.on_colleague.as_str()/>
            <TextInput name="form[colleague_delay_days]" label="Days of that delay" kind=InputKind::Number value=rules.colleague_delay_days.to_string() min="1" width=FieldWidth::Short/>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn unknown(rules: &Rules) -> AnyView {
    let options = OnUnknown::ALL.iter().map(|o| Choice::new(o.as_str(), o.label())).collect::<Vec<_>>();
    let chosen = rules.on_unknown.as_str();
    view! {
        <Card title="Unknown outcomes" note="when a server does not say whether it took an e-mail">
            <RadioGroup name="form[on_unknown]" legend="When nobody knows whether it was taken" options value=chosen hint="Copies in the folder of sent mails, answers, opens and clicks are looked for first, for 72 hours. A second one has the same Message-ID; the lead may still see two."/>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn tracking(slug: &str, rules: &Rules) -> AnyView {
    let (tracking, domains) = (rules.tracking, format!("/t/{slug}/settings/domains"));
    view! {
        <Card title="Tracking" note="off unless you turn it on">
            <p>
                "Needs a "<a href=domains>"host name of your own"</a>
                " that passes its check. Some countries ask for consent first, and every picture makes an e-mail look a little less like one of a person."
            </p>
            <Checkbox name="form[track_opens]" label="Track opens" hint="A picture of one point tells when it is fetched. Mail systems fetch it by themselves or not at all, so opens are an estimate." checked=tracking.opens/>
            <Checkbox name="form[track_clicks]" label="Track clicks" hint="Links lead over your host name. The unsubscribe link and the plain text stay as they are." checked=tracking.clicks/>
        </Card>
    }
    .into_any()
}

/// The fields of a sending window.
#[cfg(feature = "ssr")]
pub(super) fn window_fields(window: &SendingWindow) -> AnyView {
    let clock = |minute: i32| format!("{:02}:{:02}", minute / 60, minute % 60);
    let days: Vec<_> = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        .into_iter()
        .zip(1_i16..)
        .map(|(label, day)| {
            let checked = window.days.contains(&day);
            view! { <Checkbox name=format!("form[days][{day}]") label value=day.to_string() checked/> }.into_any()
        })
        .collect();
    let zones = vec![Choice::new("lead", "The lead’s time zone"), Choice::new("company", "The company’s time zone")];
    view! {
        <fieldset class="field"><legend>"Days"</legend>{days}</fieldset>
        <div class="cluster">
            <TextInput name="form[from]" label="From" value=clock(window.from_minute) hint="As in 09:00" width=FieldWidth::Short/>
            <TextInput name="form[to]" label="To" value=clock(window.to_minute) hint="At most 24:00" width=FieldWidth::Short/>
        </div>
        <Select name="form[zone]" label="On whose clock" options=zones value=window.zone.as_str()/>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
impl SettingsForm {
    /// The form as the service takes it.
    pub(super) fn into_input(self, started: bool) -> Result<domain::campaigns::CampaignInput, domain::Problem> {
        use domain::{
            campaigns::{Audience, CampaignInput, Exclusions},
            tracking::Tracking,
            window::WindowZone,
        };

        let conditions = [&self.status, &self.score, &self.country, &self.tag].map(String::as_str);
        let audience = match self.audience.as_str() {
            "selection" => Audience::Selection,
            _ => Audience::Filter { filter: super::conditions::read(conditions, &self.kept)? },
        };
        let mailboxes = self.mailboxes.iter().filter_map(|id| id.parse().ok()).collect();
        let window = SendingWindow {
            days: self.days,
            from_minute: minute(&self.from)?,
            to_minute: minute(&self.to)?,
            zone: WindowZone::parse(&self.zone).unwrap_or(WindowZone::Lead),
        };
        let rules = Rules {
            exclude: Exclusions {
                customers: self.customers,
                active_elsewhere: self.active_elsewhere,
                contacted_within_days: self.contacted_within_days,
                account_replied: self.account_replied,
                missing_variable: self.missing_variable,
                unverified: self.unverified,
            },
            holdout_percent: self.holdout_percent,
            catch_up: CatchUp::parse(&self.catch_up).unwrap_or(CatchUp::Spread),
            holidays: Holidays::parse(&self.holidays).unwrap_or(Holidays::Ignored),
            on_reply: OnReply::parse(&self.on_reply).unwrap_or(OnReply::Stop),
            on_colleague: OnColleague::parse(&self.on_colleague).unwrap_or(OnColleague::Nothing),
            colleague_delay_days: self.colleague_delay_days,
            on_unknown: OnUnknown::parse(&self.on_unknown).unwrap_or(OnUnknown::Never),
            tracking: Tracking { opens: self.track_opens, clicks: self.track_clicks },
        };
        Ok(CampaignInput {
            name: Some(self.name),
            audience: (!started).then_some(audience),
            window: Some(window),
            rules: Some(rules),
            mailboxes: (!started).then_some(mailboxes),
        })
    }
}

/// Minutes since midnight of a time as in 09:00.
#[cfg(feature = "ssr")]
pub(super) fn minute(text: &str) -> Result<i32, domain::Problem> {
    let parsed =
        text.split_once(':').and_then(|(h, m)| Some((h.trim().parse::<i32>().ok()?, m.trim().parse::<i32>().ok()?)));
    match parsed {
        Some((hours @ 0..=24, minutes @ 0..=59)) => Ok(hours * 60 + minutes),
        _ => Err(domain::Problem::field("window", "time_invalid", "Write times as in 09:00.")),
    }
}
