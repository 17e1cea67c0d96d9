//! Tools about campaigns: read, started, paused. A command whose aim is reached already changes nothing.

use domain::{
    CampaignId,
    campaigns::{CampaignFilter, CampaignState, CommandOutcome},
    keys::Scope,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use service::Tenant;

use super::tools::{Effect, ToolOf, input, page, read, shown};
use crate::{problem::Result, v1::campaigns::in_full};

pub(super) static TOOLS: [ToolOf; 6] = [
    ToolOf {
        name: "list_campaigns",
        title: "List campaigns",
        what: "List campaigns with their states and figures.",
        scope: Scope::CampaignsRead,
        effect: Effect::Reads,
        outside: false,
        input: input::<ListCampaigns>,
        call: |t, arguments| Box::pin(async move { list(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "read_campaign",
        title: "Read a campaign",
        what: "Read one campaign with its steps, its launch checks, and the commands that its state allows.",
        scope: Scope::CampaignsRead,
        effect: Effect::Reads,
        outside: false,
        input: input::<OneCampaign>,
        call: |t, arguments| Box::pin(async move { open(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "campaign_figures",
        title: "Read the figures of a campaign",
        what: "Read where every lead of a campaign is (the sum of `enrolling` and all `lines` is the audience), what \
               became of each step's e-mails, and how many were sent on each of the last 14 days.",
        scope: Scope::CampaignsRead,
        effect: Effect::Reads,
        outside: false,
        input: input::<OneCampaign>,
        call: |t, arguments| Box::pin(async move { figures(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "start_campaign",
        title: "Start a campaign",
        what: "Freeze the audience of a campaign and begin to send its e-mails to people. Only when a person asked.",
        scope: Scope::CampaignsRun,
        effect: Effect::ReachesOut,
        outside: false,
        input: input::<OneCampaign>,
        call: |t, arguments| {
            Box::pin(async move {
                let OneCampaign { campaign } = read(arguments)?;
                let outcome = t.campaigns().start(campaign).await?;
                done(t, outcome).await
            })
        },
    },
    ToolOf {
        name: "pause_campaign",
        title: "Pause a campaign",
        what: "Send nothing new from a campaign. E-mails that are being handed over still arrive.",
        scope: Scope::CampaignsRun,
        effect: Effect::Sets,
        outside: false,
        input: input::<OneCampaign>,
        call: |t, arguments| {
            Box::pin(async move {
                let OneCampaign { campaign } = read(arguments)?;
                let outcome = t.campaigns().pause(campaign).await?;
                done(t, outcome).await
            })
        },
    },
    ToolOf {
        name: "resume_campaign",
        title: "Resume a campaign",
        what: "Go on sending the e-mails of a paused campaign to people. Only when a person asked.",
        scope: Scope::CampaignsRun,
        effect: Effect::ReachesOut,
        outside: false,
        input: input::<ResumeCampaign>,
        call: |t, arguments| {
            Box::pin(async move {
                let ResumeCampaign { campaign, acknowledged } = read(arguments)?;
                let outcome = t.campaigns().resume(campaign, acknowledged).await?;
                done(t, outcome).await
            })
        },
    },
];

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ListCampaigns {
    /// Part of the name.
    q: Option<String>,
    /// State is one of these.
    state: Vec<CampaignState>,
    /// Those that were put away instead of the others.
    archived: bool,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 20 when absent.
    per: Option<i64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneCampaign {
    /// Id of the campaign.
    campaign: CampaignId,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResumeCampaign {
    /// Id of the campaign.
    campaign: CampaignId,
    /// Needed when the system paused it: a person has read why.
    #[serde(default)]
    acknowledged: bool,
}

async fn list(t: &mut Tenant, wanted: ListCampaigns) -> Result<Value> {
    let ListCampaigns { q, state, archived, after, per } = wanted;
    shown(&t.campaigns().list(&CampaignFilter { state, q, archived }, &page(after, per)?).await?)
}

async fn open(t: &mut Tenant, OneCampaign { campaign }: OneCampaign) -> Result<Value> {
    let found = t.campaigns().get(campaign).await?;
    let steps = t.campaigns().steps(campaign).await?;
    let checks = t.campaigns().checks(campaign).await?;
    Ok(json!({ "campaign": shown(&in_full(t, found).await?)?, "steps": shown(&steps)?, "checks": shown(&checks)? }))
}

async fn figures(t: &mut Tenant, OneCampaign { campaign }: OneCampaign) -> Result<Value> {
    let ledger = t.campaigns().ledger(campaign).await?;
    let days = t.campaigns().per_day(campaign).await?;
    let days: Vec<_> = days.iter().map(|day| json!({ "day": day.day, "sent": day.sent })).collect();
    Ok(json!({ "ledger": shown(&ledger)?, "per_day": days }))
}

async fn done(t: &mut Tenant, outcome: CommandOutcome) -> Result<Value> {
    let CommandOutcome { campaign, changed, in_flight } = outcome;
    Ok(json!({ "campaign": shown(&in_full(t, campaign).await?)?, "changed": changed, "in_flight": in_flight }))
}
