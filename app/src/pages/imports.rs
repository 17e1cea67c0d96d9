//! CSV imports in four pages: the file, its columns, the count, the report. The file itself is
//! posted as a plain form; everything is kept on the server and may go on another day.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

use crate::{
    error::AppError,
    exchange::{Post, PostForm, with_data},
    fmt::{Moment, plural},
    pages::frame::{live_version, live_version_of, only, use_param, use_slug},
    shell::{PageScroll, TabTitle, Topbar},
    ui::{
        ButtonKind, ButtonLink, Card, Choice, Crumb, Fact, Facts, FileDrop, Meter, Select, SubmitButton, TextInput,
        Time, Wizard, refusal,
    },
};

/// An import as its page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportView {
    id: String,
    file: String,
    state: String,
    encoding: String,
    delimiter: String,
    rows: i64,
    /// Place, heading, samples, field, and whether the field was guessed.
    columns: Vec<(usize, String, String, String, bool)>,
    fields: Vec<(String, String)>,
    preview: Option<[i64; 5]>,
    counts: [i64; 5],
    rejected: Vec<(i64, String, String)>,
    keeps_file: bool,
    failure: Option<String>,
}

/// What the mapping form sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MappingForm {
    columns: Vec<String>,
    duplicates: String,
    tag: String,
}

/// Loads an import.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_import(slug: String, id: String) -> Result<ImportView, AppError> {
    use domain::imports::{ImportCounts, ImportField};

    let id = import_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let import = t.imports().get(id).await?;
    let request = domain::PageRequest { per: Some(50), ..domain::PageRequest::default() };
    let rejected = t.imports().rejected(id, &request).await?;
    let now = t.now();
    t.commit().await?;
    let numbers = |c: ImportCounts| [c.created, c.updated, c.skipped, c.rejected, c.suppressed];
    let keeps_file = import.keeps_file(now);
    Ok(ImportView {
        keeps_file,
        id: import.id.to_string(),
        file: import.file_name,
        state: import.state.to_string(),
        encoding: import.encoding,
        delimiter: import.delimiter,
        rows: import.rows,
        columns: import
            .columns
            .into_iter()
            .map(|c| {
                let chosen = import.mapping.get(&c.index).copied();
                let field = chosen.or(c.guess).map(|f| f.to_string()).unwrap_or_default();
                (c.index, c.heading, c.samples.join(" · "), field, chosen.is_none() && c.guess.is_some())
            })
            .collect(),
        fields: ImportField::ALL.iter().map(|f| (f.to_string(), f.label().to_owned())).collect(),
        preview: import.preview.map(numbers),
        counts: numbers(import.counts),
        rejected: rejected
            .items
            .into_iter()
            .map(|r| {
                let what = [r.column, r.value].into_iter().flatten().collect::<Vec<_>>().join(": ");
                (r.row, what, r.reason)
            })
            .collect(),
        failure: import.failure,
    })
}

/// An import in the list of the last ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportRow {
    id: String,
    file: String,
    state: String,
    at: Moment,
}

/// Loads the last imports.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_imports(slug: String) -> Result<Vec<ImportRow>, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let page = t.imports().list(&domain::PageRequest { per: Some(10), ..Default::default() }).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let row = |import: domain::imports::Import| ImportRow {
        id: import.id.to_string(),
        file: import.file_name,
        state: import.state.label().to_owned(),
        at: Moment::new(import.created_at, now, &zone),
    };
    Ok(page.items.into_iter().map(row).collect())
}

/// Chooses the columns; a worker then counts what would become of the rows.
#[server(prefix = "/sf")]
pub async fn plan_import(slug: String, id: String, form: MappingForm) -> Result<(), AppError> {
    use domain::imports::{DuplicatePolicy, ImportField, ImportPlan};

    let own = format!("/t/{slug}/leads/import/{id}");
    let mapping =
        form.columns.iter().enumerate().filter_map(|(i, field)| Some((i, ImportField::parse(field)?))).collect();
    let plan = ImportPlan {
        mapping,
        duplicates: DuplicatePolicy::parse(&form.duplicates).unwrap_or(DuplicatePolicy::FillEmpty),
        tag: Some(form.tag).filter(|t| !t.trim().is_empty()),
    };
    let mut t = crate::server::tenant(&slug).await?;
    t.imports().plan(import_id(&id)?, plan).await?;
    t.commit().await?;
    leptos_axum::redirect(&own);
    Ok(())
}

/// Reads the file in another encoding or with another separator.
#[server(prefix = "/sf")]
pub async fn format_import(slug: String, id: String, encoding: String, delimiter: String) -> Result<(), AppError> {
    let own = format!("/t/{slug}/leads/import/{id}");
    let mut t = crate::server::tenant(&slug).await?;
    t.imports().set_format(import_id(&id)?, &encoding, &delimiter).await?;
    t.commit().await?;
    leptos_axum::redirect(&own);
    Ok(())
}

/// Starts or calls off an import that was counted.
#[server(prefix = "/sf")]
pub async fn decide_import(slug: String, id: String, what: String) -> Result<(), AppError> {
    let own = format!("/t/{slug}/leads/import/{id}");
    let id = import_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    match what.as_str() {
        "start" => drop(t.imports().start(id).await?),
        _ => t.imports().cancel(id).await?,
    }
    t.commit().await?;
    crate::server::done(&own, if what == "start" { "import-started" } else { "import-cancelled" });
    Ok(())
}

#[cfg(feature = "ssr")]
fn import_id(text: &str) -> Result<domain::ImportId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("import").into())
}

/// The first page: the file.
#[component]
pub fn ImportUploadPage() -> impl IntoView {
    let slug = use_slug();
    let live = live_version("imports");
    only(Permission::ImportLeads, move || {
        view! {
        <TabTitle text="Import leads"/>
        {move || {
            let base = format!("/t/{}/leads", slug.get());
            let action = format!("{base}/import/upload");
            view! {
                <Topbar title="Import leads" trail=vec![Crumb::new("Leads", base)]/>
                <PageScroll label="Import">
                    <div class="page-body narrow">
                        {wizard(0)}
                        <Card title="Choose a file">
                            <form method="post" action=action enctype="multipart/form-data" class="stack">
                                <FileDrop name="file" label="CSV file with leads" accept=".csv,.tsv,.txt,text/csv" hint="At most 50 MB and 200,000 rows, with a header. Encoding and separator are found by themselves."/>
                                <SubmitButton>"Upload"</SubmitButton>
                            </form>
                        </Card>
                        {with_data(live, move || LoadImports { slug: slug.get() }, move |list| recent(slug.get_untracked(), list))}
                    </div>
                </PageScroll>
            }
        }}
    }
    .into_any()
    })
}

/// The last imports: one that was left goes on here.
fn recent(slug: String, list: Vec<ImportRow>) -> AnyView {
    let rows: Vec<_> = list
        .into_iter()
        .map(|import| {
            let href = format!("/t/{slug}/leads/import/{}", import.id);
            view! {
                <li class="cluster">
                    <a class="strong" href=href>{import.file}</a>
                    <span class="subtle">{import.state}</span>
                    <span class="push subtle"><Time moment=import.at/></span>
                </li>
            }
            .into_any()
        })
        .collect();
    (!rows.is_empty()).then(|| view! { <Card title="Last imports"><ul class="stack">{rows}</ul></Card> }).into_any()
}

/// The other pages: which one is shown follows from the state of the import.
#[component]
pub fn ImportPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("import"));
    let (plan, decide) = (Post::to::<PlanImport>(), Post::to::<DecideImport>());
    let format = Post::to::<FormatImport>();
    let live = live_version_of("imports", id);
    only(Permission::ImportLeads, move || {
        view! {
            <TabTitle text="Import leads"/>
            {with_data(
                live,
                move || LoadImport { slug: slug.get(), id: id.get() },
                move |import| page(slug.get_untracked(), import, [plan, decide, format]),
            )}
        }
        .into_any()
    })
}

fn page(slug: String, import: ImportView, posts: [Post; 3]) -> AnyView {
    let [plan, decide, format] = posts;
    let (step, body) = match import.state.as_str() {
        "uploaded" => (1, mapping(&slug, &import, plan, format)),
        "reviewing" => (2, counting()),
        "ready" => (2, review(&slug, &import, decide)),
        _ => (3, report(&slug, &import)),
    };
    let waits = matches!(import.state.as_str(), "reviewing" | "importing");
    view! {
        // As text: an element that a script makes would refresh the page, noscript or not.
        {waits.then(|| view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="3">"#></noscript> })}
        <Topbar title=import.file.clone() trail=vec![Crumb::new("Leads", format!("/t/{slug}/leads"))]/>
        <PageScroll label="Import">
            <div class="page-body narrow">
                {wizard(step)}
                {posts.map(refusal)}
                {body}
            </div>
        </PageScroll>
    }
    .into_any()
}

fn wizard(current: usize) -> impl IntoView {
    view! { <Wizard steps=vec!["Upload", "Columns", "Review", "Report"] current/> }
}

/// How the file is read: found by itself, and corrected by a person.
fn reading(slug: &str, import: &ImportView, format: Post) -> AnyView {
    let common = ["UTF-8", "windows-1252", "windows-1250", "UTF-16LE", "UTF-16BE", "macintosh", "Shift_JIS", "GBK"];
    let other = (!common.contains(&import.encoding.as_str())).then(|| import.encoding.clone());
    let encodings =
        common.into_iter().map(str::to_owned).chain(other).map(|name| Choice::new(name.clone(), name)).collect();
    let separators = [(",", "Comma"), (";", "Semicolon"), ("\t", "Tab"), ("|", "Bar")];
    let separators = separators.map(|(value, label)| Choice::new(value, label)).to_vec();
    let (slug, id) = (slug.to_owned(), import.id.clone());
    let (encoding, delimiter) = (import.encoding.clone(), import.delimiter.clone());
    view! {
        <Card title="How the file is read" note="found by itself">
            <PostForm post=format class="cluster">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <Select name="encoding" label="Encoding" options=encodings value=encoding/>
                <Select name="delimiter" label="Separator" options=separators value=delimiter/>
                <SubmitButton kind=ButtonKind::Default busy=format.busy()>"Read it again"</SubmitButton>
            </PostForm>
        </Card>
    }
    .into_any()
}

fn mapping(slug: &str, import: &ImportView, plan: Post, format: Post) -> AnyView {
    let options: Vec<_> =
        import.fields.iter().map(|(value, label)| Choice::new(value.clone(), label.clone())).collect();
    let columns: Vec<_> = import
        .columns
        .iter()
        .cloned()
        .map(|(i, heading, samples, field, guessed)| {
            let samples = if guessed { format!("Guessed from: {samples}") } else { samples };
            view! { <Select name=format!("form[columns][{i}]") label=heading hint=samples options=options.clone() value=field placeholder="Do not import"/> }
                .into_any()
        })
        .collect();
    let policies = vec![
        Choice::new("fill_empty", "Fill what is empty"),
        Choice::new("overwrite", "Replace what the file has"),
        Choice::new("skip", "Leave them as they are"),
    ];
    let (slug, id) = (slug.to_owned(), import.id.clone());
    let about = plural(import.rows, "row", "rows");
    let reading = reading(&slug, import, format);
    let fields = view! {
        <p class="subtle">{about}</p>
        {columns}
        <Select name="form[duplicates]" label="Leads that exist already" options=policies/>
        <TextInput name="form[tag]" label="Tag for all of them" optional=true/>
        <SubmitButton busy=plan.busy()>"Continue"</SubmitButton>
    }
    .into_any();
    view! {
        {reading}
        <Card title="What is in the columns?">
            <PostForm post=plan class="stack">
                <input type="hidden" name="slug" value=slug.clone()/>
                <input type="hidden" name="id" value=id.clone()/>
                {fields}
            </PostForm>
        </Card>
    }
    .into_any()
}

fn counting() -> AnyView {
    view! { <Card title="Counting"><p role="status">"The rows are being counted. This page goes on by itself; you can leave it."</p></Card> }
        .into_any()
}

fn review(slug: &str, import: &ImportView, decide: Post) -> AnyView {
    let numbers = import.preview.unwrap_or_default();
    let words = format!("Import {} leads", numbers[0] + numbers[1]);
    let form = |what: &'static str, words: String, kind| {
        let (slug, id) = (slug.to_owned(), import.id.clone());
        view! {
            <PostForm post=decide>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="what" value=what/>
                <SubmitButton kind>{words}</SubmitButton>
            </PostForm>
        }
        .into_any()
    };
    let (start, cancel) =
        (form("start", words, ButtonKind::Primary), form("cancel", "Call it off".to_owned(), ButtonKind::Default));
    view! { <Card title="Review">{counts(numbers)}<div class="cluster">{start}{cancel}</div></Card> }.into_any()
}

fn report(slug: &str, import: &ImportView) -> AnyView {
    let done: i64 = import.counts[..4].iter().sum();
    let rejected: Vec<_> = import
        .rejected
        .iter()
        .cloned()
        .map(|(row, what, reason)| view! { <li>{format!("Row {row}: {reason} ")}<span class="subtle">{what}</span></li> })
        .collect();
    let some_rejected = !rejected.is_empty() && import.keeps_file;
    let title = match import.state.as_str() {
        "importing" => "Importing",
        "completed" => "Import done",
        "cancelled" => "Called off",
        _ => "Import failed",
    };
    let (file, leads) =
        (format!("/t/{slug}/leads/import/{}/rejected.csv", import.id), format!("/t/{slug}/leads?sort=-created"));
    let (failure, rows, counts) = (import.failure.clone(), import.rows, counts(import.counts));
    view! {
        <Card title>
            {failure.map(|text| view! { <p class="error">{text}</p> })}
            <Meter value=done max=rows label="Rows done" goal=true/>
            {counts}
            <div class="cluster">
                <ButtonLink href=leads kind=ButtonKind::Primary>"Show the leads"</ButtonLink>
                {some_rejected.then(|| view! { <a class="button" href=file rel="external" download>"Download rejected rows"</a> })}
            </div>
            <ul class="stack">{rejected}</ul>
        </Card>
    }
    .into_any()
}

fn counts(numbers: [i64; 5]) -> AnyView {
    let labels = ["New", "Changed", "Left as they are", "Rejected", "On the suppression list"];
    let facts: Vec<_> = labels
        .into_iter()
        .zip(numbers)
        .map(|(label, n)| view! { <Fact label>{crate::fmt::grouped(n)}</Fact> }.into_any())
        .collect();
    view! { <Facts>{facts}</Facts> }.into_any()
}
