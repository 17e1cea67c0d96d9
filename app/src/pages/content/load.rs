//! What the pages of content load: one transaction each.

use std::collections::BTreeMap;

use domain::{
    ContentId, PageRequest, Permission,
    campaigns::CampaignFilter,
    content::{ContentFilter, ContentInput, ContentKind},
    page::MAX_PER_PAGE,
};
use service::Error;

use super::{detail::*, form::*, list::*};
use crate::{
    error::AppError,
    fmt::{Moment, bytes},
    server,
};

/// An id of the path.
pub fn content_id(text: &str) -> Result<ContentId, AppError> {
    text.parse().map_err(|_| Error::NotFound("text").into())
}

/// What a form says.
pub fn input(fields: ContentFields, metadata: BTreeMap<String, String>) -> Result<ContentInput, AppError> {
    let campaign = Some(fields.campaign).filter(|id| !id.is_empty()).map(|id| id.parse()).transpose();
    Ok(ContentInput {
        kind: kind(&fields.kind)?,
        title: fields.title,
        body: fields.body,
        metadata,
        campaign: campaign.map_err(|_| AppError::from(Error::NotFound("campaign")))?,
    })
}

fn kind(text: &str) -> Result<ContentKind, AppError> {
    text.parse().map_err(|problem: domain::Problem| Error::invalid(problem.on("kind")).into())
}

/// A page of the library.
pub async fn library(slug: &str, wanted: String, q: String, after: String) -> Result<Library, AppError> {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = ContentFilter { kind: some(&wanted).as_deref().map(kind).transpose()?, q: some(&q) };
    let mut t = server::tenant(slug).await?;
    let page = t.content().list(&filter, &PageRequest { after: some(&after), ..PageRequest::default() }).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let may_edit = t.actor().can(Permission::EditCampaigns);
    t.commit().await?;
    let query = [("kind", &wanted), ("q", &q)];
    Ok(Library {
        may_edit,
        rows: page
            .items
            .into_iter()
            .map(|item| TextRow {
                id: item.id.to_string(),
                title: item.title,
                kind: item.kind.label().to_owned(),
                author: item.author,
                version: item.version,
                at: Moment::new(item.updated_at, now, &zone),
            })
            .collect(),
        query: form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish(),
        kind: wanted,
        search: q,
        next: page.next,
        later: !after.is_empty(),
    })
}

/// One text, with the words of a version; 0 is the newest.
pub async fn text(slug: &str, id: &str, version: i32) -> Result<TextView, AppError> {
    let id = content_id(id)?;
    let mut t = server::tenant(slug).await?;
    let item = t.content().get(id).await?;
    let versions = t.content().versions(id).await?;
    let shown = t.content().version(id, if version == 0 { item.version } else { version }).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let may_edit = t.actor().can(Permission::EditCampaigns);
    t.commit().await?;
    Ok(TextView {
        may_edit,
        id: id.to_string(),
        title: item.title,
        kind: item.kind.label().to_owned(),
        author: item.author,
        agent: item.agent,
        built_in: item.built_in,
        campaign: item.campaign.zip(item.campaign_name).map(|(id, name)| (id.to_string(), name)),
        facts: item.metadata.into_iter().collect(),
        file: item.file.map(|file| FileView {
            image: file.is_image(),
            size: bytes(file.size.into()),
            name: file.name,
            author: file.author,
            at: Moment::new(file.created_at, now, &zone),
        }),
        newest: item.version,
        created: Moment::new(item.created_at, now, &zone),
        versions: versions
            .into_iter()
            .map(|v| VersionRow { version: v.version, author: v.author, at: Moment::new(v.created_at, now, &zone) })
            .collect(),
        shown: shown.version,
        shown_title: shown.title,
        body: shown.body,
    })
}

/// The form of a text, or of a new one where there is no id.
pub async fn form(slug: &str, id: &str) -> Result<ContentForm, AppError> {
    let mut t = server::tenant(slug).await?;
    let item = match id {
        "" => None,
        id => Some(t.content().get(content_id(id)?).await?),
    };
    let most = PageRequest { per: Some(MAX_PER_PAGE), ..PageRequest::default() };
    let campaigns = t.campaigns().list(&CampaignFilter::default(), &most).await?;
    t.commit().await?;
    let mut campaigns: Vec<_> = campaigns.items.into_iter().map(|c| (c.id.to_string(), c.name)).collect();
    let Some(item) = item else {
        return Ok(ContentForm { id: String::new(), fields: ContentFields::default(), campaigns });
    };
    // The campaign that it has stays to be chosen, also when it is an old one.
    let own = item.campaign.zip(item.campaign_name).map(|(id, name)| (id.to_string(), name));
    campaigns.extend(own.clone().filter(|own| !campaigns.contains(own)));
    let fields = ContentFields {
        kind: item.kind.to_string(),
        title: item.title,
        body: item.body,
        campaign: own.map(|(id, _)| id).unwrap_or_default(),
        version: item.version,
    };
    Ok(ContentForm { id: item.id.to_string(), fields, campaigns })
}
