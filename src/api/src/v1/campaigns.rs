//! Campaigns: from the draft to the ledger. What they are told to do stands in `commands.rs`.

use domain::{
    CampaignId, MailboxId, MessageId, Page, Problem, StepId,
    campaigns::{
        Alarm, Campaign, CampaignEvent, CampaignFilter, CampaignInput, CampaignState, CampaignSummary, Check,
        EventFilter, event_label,
    },
    ledger::Ledger,
    messages::{MessageInFull, MessageState},
    tracking::{CampaignTracking, TrackingEvent},
    why_not::WhyNot,
};
use serde::{Deserialize, Serialize};
use service::Tenant;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::whole;
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Path, Query, page, several},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(duplicate))
        .routes(routes!(archive))
        .routes(routes!(unarchive))
        .routes(routes!(checks))
        .routes(routes!(ledger))
        .routes(routes!(messages))
        .routes(routes!(resend))
        .routes(routes!(leave))
        .routes(routes!(events))
        .routes(routes!(tracking))
        .routes(routes!(message_tracking))
}

/// A campaign, and why it sends nothing just now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CampaignInFull {
    #[serde(flatten)]
    campaign: Campaign,
    /// Commands that its state allows.
    #[serde(default)]
    allowed: Vec<String>,
    /// Why a campaign that has begun sends nothing, in words, and when that ends.
    why_not_yet: Option<WhyNot>,
    /// What came of its newest e-mails, when that comes near a limit at which it pauses by itself.
    alarm: Option<Alarm>,
}

/// The answer about one campaign.
pub(crate) async fn in_full(t: &mut Tenant, campaign: Campaign) -> Result<CampaignInFull> {
    let allowed = campaign.lifecycle.state.allowed().iter().map(ToString::to_string).collect();
    let alarm = t.campaigns().alarm(campaign.id).await?;
    let why_not_yet = t.campaigns().why_not(campaign.id).await?;
    Ok(CampaignInFull { campaign, allowed, why_not_yet, alarm })
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CampaignList {
    /// Part of the name.
    q: Option<String>,
    /// State is one of these, with commas.
    #[param(example = "running,paused")]
    state: Option<String>,
    /// `true`: archived ones instead of the others.
    archived: bool,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// List campaigns
#[utoipa::path(get, path = "/campaigns", tag = "Campaigns", operation_id = "list_campaigns", params(CampaignList),
    security(("key" = ["campaigns:read"])), responses((status = OK, body = Page<CampaignSummary>)))]
async fn list(call: Read, Query(query): Query<CampaignList>) -> Result<Reply> {
    let page = page(query.after, query.per)?;
    let state: Vec<CampaignState> = several("state", query.state.as_deref())?;
    let filter = CampaignFilter { state, q: query.q, archived: query.archived };
    Reply::ok(&call.open().await?.campaigns().list(&filter, &page).await?)
}

/// Create a campaign
///
/// It is a draft until it is started.
#[utoipa::path(post, path = "/campaigns", tag = "Campaigns", operation_id = "create_campaign",
    security(("key" = ["campaigns:write"])), request_body = CampaignInput,
    responses((status = CREATED, body = CampaignInFull)))]
async fn create(call: Write<Json<CampaignInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let campaign = work.t.campaigns().create(input).await?;
    let reply = created(&mut work.t, campaign).await?;
    work.done(reply).await
}

async fn created(t: &mut Tenant, campaign: Campaign) -> Result<Reply> {
    let (id, version) = (campaign.id, campaign.version);
    Ok(Reply::created(&format!("/campaigns/{id}"), &in_full(t, campaign).await?)?.version(version))
}

async fn found(t: &mut Tenant, campaign: Campaign) -> Result<Reply> {
    let version = campaign.version;
    Ok(Reply::ok(&in_full(t, campaign).await?)?.version(version))
}

/// Get a campaign
#[utoipa::path(get, path = "/campaigns/{id}", tag = "Campaigns", operation_id = "get_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = CampaignInFull)))]
async fn get(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    let mut t = call.open().await?;
    let campaign = t.campaigns().get(id).await?;
    found(&mut t, campaign).await
}

/// Change a campaign
///
/// A running campaign is paused first; then its name and window may change, its audience and mailboxes stay.
#[utoipa::path(patch, path = "/campaigns/{id}", tag = "Campaigns", operation_id = "change_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])), request_body = CampaignInput,
    responses((status = OK, body = CampaignInFull),
        (status = CONFLICT, description = "Its state does not allow it; `allowed` lists what it does.")))]
async fn change(Path(id): Path<CampaignId>, call: Write<Json<CampaignInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let version = work.version();
    let campaign = work.t.campaigns().update(id, input, version).await?;
    let reply = found(&mut work.t, campaign).await?;
    work.done(reply).await
}

/// Delete a draft
#[utoipa::path(delete, path = "/campaigns/{id}", tag = "Campaigns", operation_id = "delete_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = NO_CONTENT), (status = CONFLICT, description = "It was started; archive it instead.")))]
async fn delete(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.campaigns().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// Duplicate a campaign
///
/// The copy is a draft with the same steps and settings.
#[utoipa::path(post, path = "/campaigns/{id}/duplicate", tag = "Campaigns", operation_id = "duplicate_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = CREATED, body = CampaignInFull)))]
async fn duplicate(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let campaign = work.t.campaigns().duplicate(id).await?;
    let reply = created(&mut work.t, campaign).await?;
    work.done(reply).await
}

/// Put a campaign away
#[utoipa::path(post, path = "/campaigns/{id}/archive", tag = "Campaigns", operation_id = "archive_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = OK, body = CampaignInFull), (status = CONFLICT, description = "It has not ended.")))]
async fn archive(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    put_away(id, call, true).await
}

/// Take a campaign out of the archive
#[utoipa::path(post, path = "/campaigns/{id}/unarchive", tag = "Campaigns", operation_id = "unarchive_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = OK, body = CampaignInFull)))]
async fn unarchive(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    put_away(id, call, false).await
}

async fn put_away(id: CampaignId, call: Write, away: bool) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let campaign = work.t.campaigns().archive(id, away).await?;
    let reply = found(&mut work.t, campaign).await?;
    work.done(reply).await
}

/// The launch checklist
///
/// A campaign starts when no check blocks.
#[utoipa::path(get, path = "/campaigns/{id}/checks", tag = "Campaigns", operation_id = "check_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<Check>)))]
async fn checks(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.campaigns().checks(id).await?))
}

/// Where every lead of the audience is
///
/// `enrolling` and the leads of all `lines` sum up to `audience`, always.
#[utoipa::path(get, path = "/campaigns/{id}/ledger", tag = "Campaigns", operation_id = "get_campaign_ledger",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Ledger)))]
async fn ledger(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    Reply::ok(&call.open().await?.campaigns().ledger(id).await?)
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MessageList {
    /// Only those in this state.
    state: Option<MessageState>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// The e-mails of a campaign
///
/// Each with what is known about its way: due when, handed over to which server with which queue id, or why not.
#[utoipa::path(get, path = "/campaigns/{id}/messages", tag = "Campaigns", operation_id = "list_campaign_messages",
    params(("id" = CampaignId, Path), MessageList), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<MessageInFull>)))]
async fn messages(call: Read, Path(id): Path<CampaignId>, Query(query): Query<MessageList>) -> Result<Reply> {
    let page = page(query.after, query.per)?;
    Reply::ok(&call.open().await?.campaigns().messages(id, query.state, &page).await?)
}

/// Send an unknown e-mail once more
///
/// For campaigns whose rules ask (`on_unknown: ask`): the same octets with the same `Message-ID` are handed over a second
/// time, and there is no third.
#[utoipa::path(post, path = "/campaigns/{id}/messages/{message}/resend", tag = "Campaigns",
    operation_id = "resend_unknown_message", params(("id" = CampaignId, Path), ("message" = MessageId, Path)),
    security(("key" = ["campaigns:run"])), responses((status = NO_CONTENT), (status = CONFLICT,
        description = "The campaign does not ask, it is not unknown any more, its copy is being looked for, or its lead has left.")))]
async fn resend(Path((id, message)): Path<(CampaignId, MessageId)>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.messages().send_unknown_again(id, message).await?;
    work.done(Reply::nothing()).await
}

/// Leave an unknown e-mail as it is
///
/// For campaigns whose rules ask (`on_unknown: ask`): nobody looks for evidence any more.
#[utoipa::path(post, path = "/campaigns/{id}/messages/{message}/leave", tag = "Campaigns",
    operation_id = "leave_unknown_message", params(("id" = CampaignId, Path), ("message" = MessageId, Path)),
    security(("key" = ["campaigns:run"])), responses((status = NO_CONTENT),
        (status = CONFLICT, description = "The campaign does not ask, or it is not unknown any more.")))]
async fn leave(Path((id, message)): Path<(CampaignId, MessageId)>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.messages().leave_unknown(id, message).await?;
    work.done(Reply::nothing()).await
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventList {
    /// Of this kind.
    #[param(example = "bounced")]
    kind: Option<String>,
    /// About this step.
    step: Option<StepId>,
    /// About an e-mail of this mailbox.
    mailbox: Option<MailboxId>,
    /// About leads that have these words in their name, address, title or account.
    lead: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// What happened to a campaign
///
/// The newest first: commands, what became of e-mails, and what people did with them. An entry that does not say which
/// step or mailbox it is about, as older ones do not, is left out where one is asked for.
#[utoipa::path(get, path = "/campaigns/{id}/events", tag = "Campaigns", operation_id = "list_campaign_events",
    params(("id" = CampaignId, Path), EventList), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<CampaignEvent>)))]
async fn events(call: Read, Path(id): Path<CampaignId>, Query(query): Query<EventList>) -> Result<Reply> {
    let page = page(query.after, query.per)?;
    if query.kind.as_deref().is_some_and(|kind| event_label(kind).is_none()) {
        return Err(Problem::field("kind", "kind_unknown", "There are no entries of this kind.").into());
    }
    let EventList { kind, step, mailbox, lead, .. } = query;
    let filter = EventFilter { kind, step, mailbox, lead };
    let entries = call.open().await?.campaigns().log_entries(id, &filter, &page).await?;
    Reply::ok(&entries.map(|entry| entry.event))
}

/// Get what is known of opens and clicks
///
/// Only those of people count; what programs did is one figure beside them. Opens are an estimate: mail systems fetch
/// pictures by themselves, or never.
#[utoipa::path(get, path = "/campaigns/{id}/tracking", tag = "Campaigns", operation_id = "get_campaign_tracking",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = CampaignTracking)))]
async fn tracking(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    Reply::ok(&call.open().await?.campaigns().tracking(id).await?)
}

/// List opens and clicks of an e-mail
///
/// Those of programs too, each with why it was taken for what it is. They are kept for 13 months.
#[utoipa::path(get, path = "/campaigns/{id}/messages/{message}/tracking", tag = "Campaigns",
    operation_id = "list_message_tracking", params(("id" = CampaignId, Path), ("message" = MessageId, Path)),
    security(("key" = ["campaigns:read"])), responses((status = OK, body = Page<TrackingEvent>)))]
async fn message_tracking(call: Read, Path((id, message)): Path<(CampaignId, MessageId)>) -> Result<Reply> {
    Reply::ok(&super::whole(call.open().await?.campaigns().tracking_events(id, message).await?))
}
