//! One document: its facts as they were kept, and its versions. The facts are data: they are never read as a
//! part of the page.

use domain::{DocumentId, Permission};
use leptos::prelude::*;
use service::{Result, Tenant};

use super::DeleteDocument;
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, ButtonLink, ButtonSize, Callout, Card, Crumb, Fact, Facts, IconName, SubmitButton, Time, confirm,
        refusal,
    },
};

/// What the page shows.
pub(super) struct Shown {
    id: String,
    pub key: String,
    title: String,
    collection: String,
    author: String,
    outside: bool,
    lead: Option<String>,
    account: Option<String>,
    created: Moment,
    newest: i32,
    version: i32,
    body: String,
    versions: Vec<(i32, String, Moment)>,
    may_edit: bool,
}

/// Loads a version; 0 is the newest.
pub(super) async fn load(t: &mut Tenant, id: DocumentId, version: i32) -> Result<Shown> {
    let document = t.documents().get(id).await?;
    let shown = t.documents().version(id, if version == 0 { document.version } else { version }).await?;
    let versions = t.documents().versions(id).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    Ok(Shown {
        id: id.to_string(),
        key: document.key,
        title: document.title,
        collection: document.collection,
        author: document.author,
        outside: document.outside,
        lead: document.lead.map(|id| id.to_string()),
        account: document.account.map(|id| id.to_string()),
        created: Moment::new(document.created_at, now, &zone),
        newest: document.version,
        version: shown.version,
        body: format!("{:#}", serde_json::Value::Object(shown.body)),
        versions: versions.into_iter().map(|v| (v.version, v.author, Moment::new(v.created_at, now, &zone))).collect(),
        may_edit: t.actor().can(Permission::EditCampaigns),
    })
}

/// The page.
pub(super) fn view(slug: &str, document: Shown) -> AnyView {
    let delete = Post::to::<DeleteDocument>();
    let (library, base) = (format!("/t/{slug}/content"), format!("/t/{slug}/content/documents"));
    let own = format!("{base}/{}", document.id);
    let trail = vec![Crumb::new("Content", library), Crumb::new("Documents", base.clone())];
    let older = (document.version != document.newest).then(|| {
        let newest = own.clone();
        view! { <Callout title=format!("This is version {}.", document.version)><a href=newest>"Show the newest version"</a></Callout> }
    });
    let link = |label: &'static str, noun: &str, words: &'static str, id: Option<String>| {
        let href = id.map(|id| format!("/t/{slug}/{noun}/{id}"));
        href.map(|href| view! { <Fact label><a href=href>{words}</a></Fact> })
    };
    let lead = link("Lead", "leads", "The lead", document.lead.clone());
    let account = link("Account", "accounts", "The account", document.account.clone());
    let versions: Vec<_> = document
        .versions
        .iter()
        .map(|(number, author, at)| {
            let here = (*number == document.version).then_some("true");
            view! {
                <li>
                    <a class="strong" href=format!("{own}?version={number}") aria-current=here>{format!("Version {number}")}</a>
                    <p class="subtle">{author.clone()}" · "<Time moment=at.clone()/></p>
                </li>
            }
            .into_any()
        })
        .collect();
    let actions = document.may_edit.then(|| actions(slug, &own, &document, delete));
    let collection = format!("{base}?collection={}", document.collection);
    let origin = if document.outside { "Somebody outside could have written some of it" } else { "The company" };
    view! {
        <Topbar title=document.key.clone() headed=true trail/>
        <PageScroll label="Document">
            <header class="page-head">
                <div>
                    <h1>{document.key}</h1>
                    <p class="meta"><span>{document.title}</span><span>{format!("Version {}", document.newest)}</span></p>
                </div>
                <div class="head-actions">{actions}</div>
            </header>
            <div class="page-body with-aside">
                <div class="wide">{refusal(delete)}</div>
                <div class="col">
                    {older}
                    <Card title="Facts" note=format!("Version {} of {}", document.version, document.newest)>
                        <pre class="as-written" tabindex="0"><code>{document.body}</code></pre>
                    </Card>
                </div>
                <div class="col">
                    <Card title="About">
                        <Facts>
                            <Fact label="Collection"><a href=collection>{document.collection}</a></Fact>
                            {lead}
                            {account}
                            <Fact label="Written by">{document.author}</Fact>
                            <Fact label="Origin">{origin}</Fact>
                            <Fact label="Created"><Time moment=document.created/></Fact>
                        </Facts>
                    </Card>
                    <Card title="Versions"><ul class="stack">{versions}</ul></Card>
                </div>
            </div>
        </PageScroll>
    }
    .into_any()
}

fn actions(slug: &str, own: &str, document: &Shown, delete: Post) -> AnyView {
    let (slug, id, label) = (slug.to_owned(), document.id.clone(), format!("Delete document {}", document.key));
    let form = view! {
        <PostForm post=delete>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <SubmitButton kind=ButtonKind::Danger size=ButtonSize::Small label busy=delete.busy()>"Delete document"</SubmitButton>
        </PostForm>
    };
    view! {
        <ButtonLink href=format!("{own}?edit=1") icon=IconName::Edit size=ButtonSize::Small>"Edit"</ButtonLink>
        {confirm("Delete", &document.key, "It is gone for everybody, with all of its versions.", form.into_any())}
    }
    .into_any()
}
