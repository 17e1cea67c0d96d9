//! Send proofs: the files that account for every lead, made after each pause and each end.

use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::looks::{Head, head};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    fmt::Moment,
    shell::PageScroll,
    ui::{Card, Empty, EmptyKind, Time},
};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Proofs {
    pub(super) head: Head,
    pub(super) rows: Vec<ProofRow>,
    /// The files hold the address of every lead.
    pub(super) may_download: bool,
}

/// A proof in the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct ProofRow {
    pub(super) number: i32,
    pub(super) at: Moment,
    pub(super) state: &'static str,
    pub(super) rows: String,
    pub(super) audience: String,
    pub(super) adds_up: bool,
    pub(super) sent: String,
    pub(super) unknown: String,
    pub(super) sha256: String,
    pub(super) is_kept: bool,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_send_proofs(slug: String, id: String) -> Result<Written, AppError> {
    let shown = super::load::proofs(&slug, &id).await?;
    Ok(Written::new(shown.head.name.clone(), move || page(&slug, shown)))
}

/// The send proofs of a campaign.
#[component]
pub fn CampaignProofsPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("campaign"));
    written(live_version_of("campaigns", id), move || LoadSendProofs { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, p: Proofs) -> AnyView {
    let own = format!("/t/{slug}/campaigns/{}/proofs", p.head.id);
    let body = if p.rows.is_empty() {
        let text = "One is made each time the campaign pauses or ends, a moment later.";
        view! { <Empty kind=EmptyKind::None title="No send proof yet" text/> }.into_any()
    } else {
        let may_download = p.may_download;
        let rows: Vec<_> = p.rows.into_iter().map(|row| line(&own, row, may_download)).collect();
        view! {
            <Card title="Send proofs" flush=true>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Send proofs table">
                    <table class="plain-table">
                        <thead><tr>
                            <th scope="col">"Made"</th><th scope="col">"Leads in it"</th>
                            <th scope="col" class="num">"Sent"</th><th scope="col" class="num opt">"Unknown"</th>
                            <th scope="col">"File"</th>
                        </tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </Card>
        }
        .into_any()
    };
    view! {
        {head(slug, &p.head, "/proofs", ().into_any())}
        <PageScroll label="Send proofs">
            <div class="page-body narrow">
                <p class="subtle">"A proof has one row for each lead of the audience: what became of it, and why. All rows are of one moment, and there are as many as leads. The last ten files are kept; compare older copies with their SHA-256."</p>
                {body}
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn line(own: &str, row: ProofRow, may_download: bool) -> AnyView {
    let sum = match row.adds_up {
        true => format!("{} of {}", row.rows, row.audience),
        false => format!("{} of {}: does not add up", row.rows, row.audience),
    };
    let file = match row.is_kept {
        true if !may_download => view! { <span class="subtle">"For managers"</span> }.into_any(),
        true => {
            let label = format!("Download proof {}", row.number);
            let href = format!("{own}/{}/file", row.number);
            view! { <a class="button small" href=href aria-label=label download rel="external">"Download"</a> }
                .into_any()
        }
        false => view! { <span class="subtle">"No longer kept"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row">{row.state}<br/><span class="subtle"><Time moment=row.at/></span></th>
            <td>{sum}</td>
            <td class="num">{row.sent}</td>
            <td class="num opt">{row.unknown}</td>
            <td>{file}</td>
        </tr>
        <tr><td colspan="5" class="small-text">"SHA-256 "<code>{row.sha256}</code></td></tr>
    }
    .into_any()
}
