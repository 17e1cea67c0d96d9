//! Versions of the steps: what was edited and is not published yet, what publishing does to leads who are in the middle,
//! and the older versions.

use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::{
    looks::{Head, head},
    sequence::has_ended,
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
        ButtonKind, ButtonSize, Card, Choice, Empty, EmptyKind, RadioGroup, SubmitButton, Tag, Time, confirm, refusal,
    },
};
#[cfg(feature = "ssr")]
use domain::{Permission, words::plural};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Versions {
    pub(super) head: Head,
    pub(super) may_edit: bool,
    /// What was edited, if something was.
    pub(super) edits: Option<Edits>,
    pub(super) rows: Vec<VersionRow>,
}

/// What was edited since the last version.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Edits {
    pub(super) to: i32,
    pub(super) changes: Vec<ChangeRow>,
    pub(super) open: i64,
    pub(super) reworded: i64,
    /// Where leads would go on, in words, and how many.
    pub(super) moves: Vec<(String, i64)>,
    /// Nobody would take another way.
    pub(super) only_wording: bool,
}

/// A step that is different.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeRow {
    pub(super) word: &'static str,
    pub(super) name: String,
    /// Pieces of its text: `+`, `-` or a space, and the words.
    pub(super) words: Vec<(char, String)>,
}

/// A version in the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRow {
    pub(super) number: i32,
    pub(super) by: String,
    pub(super) at: Moment,
    pub(super) state: &'static str,
    pub(super) steps: i64,
    pub(super) leads: i64,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_sequence_versions(slug: String, id: String) -> Result<Written, AppError> {
    let shown = super::load::versions(&slug, &id).await?;
    Ok(Written::new(shown.head.name.clone(), move || page(&slug, shown)))
}

/// Publishes what was edited; `leads` is `move` or `keep`.
#[server(prefix = "/sf")]
pub async fn publish_sequence(slug: String, id: String, leads: String) -> Result<(), AppError> {
    let own = format!("/t/{slug}/campaigns/{id}/sequence");
    let id = super::load::campaign_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.campaigns().publish(id, leads == "move").await?;
    t.commit().await?;
    crate::server::done(&own, "sequence-published");
    Ok(())
}

/// Throws edits away, or takes an older version into them: `discard`, `restore`.
#[server(prefix = "/sf")]
pub async fn change_edits(
    slug: String,
    id: String,
    what: String,
    #[server(default)] number: i32,
) -> Result<(), AppError> {
    let own = format!("/t/{slug}/campaigns/{id}/versions");
    let id = super::load::campaign_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    match what.as_str() {
        "restore" => t.campaigns().restore_version(id, number).await.map(|_| ())?,
        _ => t.campaigns().discard_edits(id).await?,
    }
    t.commit().await?;
    crate::server::done(&own, "campaign-saved");
    Ok(())
}

/// The versions of the steps of a campaign.
#[component]
pub fn CampaignVersionsPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("campaign"));
    written(live_version_of("campaigns", id), move || LoadSequenceVersions { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, v: Versions) -> AnyView {
    let (publish, change) = (Post::to::<PublishSequence>(), Post::to::<ChangeEdits>());
    let may_edit = v.may_edit && may(Permission::EditCampaigns);
    let edits = match &v.edits {
        Some(edits) => edits_card(slug, &v.head, edits, may_edit, publish, change),
        None => {
            let text = if has_ended(&v.head.state) {
                "This campaign has ended, so its steps stay as they are."
            } else {
                "Edits of a started campaign wait here until they are published."
            };
            view! { <Empty kind=EmptyKind::None title="Nothing was edited" text/> }.into_any()
        }
    };
    let rows: Vec<_> = v
        .rows
        .into_iter()
        .map(|row| {
            let form = (may_edit && row.state == "Older").then(|| {
                let (slug, id) = (slug.to_owned(), v.head.id.clone());
                view! {
                    <PostForm post=change>
                        <input type="hidden" name="slug" value=slug.clone()/>
                        <input type="hidden" name="id" value=id.clone()/>
                        <input type="hidden" name="what" value="restore"/>
                        <input type="hidden" name="number" value=row.number/>
                        <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small>"Edit from this"</SubmitButton>
                    </PostForm>
                }
            });
            view! {
                <tr>
                    <td><b>{format!("Version {}", row.number)}</b>" "<Tag text=row.state/></td>
                    <td class="opt">{row.by}" · "<Time moment=row.at/></td>
                    <td class="num">{row.steps}</td>
                    <td class="num">{row.leads}</td>
                    <td>{form}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! {
        {head(slug, &v.head, "sequence", ().into_any())}
        <PageScroll label="Versions">
            <div class="page-body narrow">
                {refusal(publish)}
                {refusal(change)}
                {edits}
                <Card title="Versions" flush=true>
                    <div class="table-scroll" tabindex="0" role="region" aria-label="Table of versions">
                        <table class="plain-table">
                            <thead><tr>
                                <th scope="col">"Version"</th><th scope="col" class="opt">"Begun"</th>
                                <th scope="col" class="num">"Steps"</th><th scope="col" class="num">"Open leads"</th>
                                <th scope="col"><span class="sr-only">"Actions"</span></th>
                            </tr></thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                </Card>
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn edits_card(slug: &str, head: &Head, edits: &Edits, may_edit: bool, publish: Post, change: Post) -> AnyView {
    let ended = has_ended(&head.state);
    let title = format!("Version {}, {} published", edits.to, if ended { "never" } else { "not" });
    let changes: Vec<_> = edits
        .changes
        .iter()
        .cloned()
        .map(|row| {
            let words: Vec<_> = row
                .words
                .into_iter()
                .map(|(mark, text)| match mark {
                    '+' => view! { <ins>{text}</ins> }.into_any(),
                    '-' => view! { <del>{text}</del> }.into_any(),
                    _ => text.into_any(),
                })
                .collect();
            view! { <li><p><Tag text=row.word/>" "<b>{row.name}</b></p><p class="step-diff">{words}</p></li> }
                .into_any()
        })
        .collect();
    let moves: Vec<_> = edits
        .moves
        .iter()
        .map(|(words, leads)| format!("{} {words}", plural(*leads, "lead", "leads")))
        .map(|words| view! { <li>{words}</li> }.into_any())
        .collect();
    let means = match (edits.open, edits.reworded) {
        _ if ended => "This campaign has ended, so nobody gets this version.".to_owned(),
        (0, _) => "Nobody is in the middle of an older version.".to_owned(),
        (open, reworded) => format!(
            "{} in the middle of an older version. {} planned for them would have other words or another time.",
            plural(open, "lead is", "leads are"),
            plural(reworded, "e-mail", "e-mails")
        ),
    };
    let ahead = (!ended).then(|| {
        let href = format!("/t/{slug}/campaigns/{}/simulation", head.id);
        view! { <p><a href=href>"Simulate what publishing it changes"</a></p> }
    });
    let choices = vec![
        Choice::new("move", "New leads, and those who are in the middle")
            .hint("Their next e-mails are those of the new version, with its words, delays and windows."),
        Choice::new("keep", "New leads only").hint("Everybody else finishes the version they are in."),
    ];
    let chosen = if edits.only_wording { "move" } else { "keep" };
    let (slug, id) = (slug.to_owned(), head.id.clone());
    let (slug_of_discard, id_of_discard) = (slug.clone(), id.clone());
    let may_publish = may_edit && head.may("start");
    let form = may_publish.then(|| {
        view! {
            <PostForm post=publish class="stack">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <RadioGroup name="leads" legend="Who gets it" options=choices value=chosen/>
                <SubmitButton busy=publish.busy()>"Publish"</SubmitButton>
            </PostForm>
        }
    });
    let discard = may_edit.then(|| {
        let form = view! {
            <PostForm post=change>
                <input type="hidden" name="slug" value=slug_of_discard/>
                <input type="hidden" name="id" value=id_of_discard/>
                <input type="hidden" name="what" value="discard"/>
                <SubmitButton kind=ButtonKind::Danger>"Discard edits"</SubmitButton>
            </PostForm>
        };
        confirm("Discard", "edits", "What was edited since the last version is lost.", form.into_any())
    });
    view! {
        <Card title>
            <ol class="samples">{changes}</ol>
            <p>{means}</p>
            <ul>{moves}</ul>
            {ahead}
            {form}
            {discard}
        </Card>
    }
    .into_any()
}
