//! The documentation of the API at `/docs/api`, written from its description. No scripts, nothing from
//! another host; every heading has an address.

mod model;

use axum::{extract::State, response::Response};
use leptos::prelude::*;
use pulldown_cmark::{Options, Parser, html};
use serde_json::Value;

use super::page;
use model::{Noun, Operation, Parameter, nouns};

/// The page.
pub async fn show(State(document): State<&'static Value>) -> Response {
    let nouns = nouns(document);
    let guide = html_of(document["info"]["description"].as_str().unwrap_or_default());
    page::document("API", "api-docs", || {
        view! {
            <a class="skip-link" href="#main">"Skip to the text"</a>
            <header class="docs-bar">
                <a class="brand" href="/"><img src="/favicon.svg" alt="" width="24" height="24"/>"Saleswright"</a>
                <a class="button" href="/api/v1/openapi.json" download="openapi.json">"Download openapi.json"</a>
            </header>
            <div class="docs-body">
                {contents(&nouns)}
                <main id="main">
                    <h1>"The Saleswright API"</h1>
                    <div class="docs-guide" inner_html=guide></div>
                    {nouns.into_iter().map(noun).collect_view()}
                </main>
            </div>
        }
        .into_any()
    })
}

/// Our own Markdown as HTML.
fn html_of(markdown: &str) -> String {
    let mut out = String::new();
    html::push_html(&mut out, Parser::new_ext(markdown, Options::ENABLE_HEADING_ATTRIBUTES));
    out
}

fn contents(nouns: &[Noun]) -> impl IntoView + use<> {
    let guide = ["Keys", "Lists", "Changes", "Repeats", "Problems", "Limits"];
    let link = |name: &str| {
        let (href, name) = (format!("#{}", name.to_lowercase()), name.to_owned());
        view! { <li><a href=href>{name}</a></li> }
    };
    let resources = nouns.iter().map(|noun| {
        let operations = noun.operations.iter().map(|o| {
            let (href, summary) = (format!("#{}", o.id), o.summary.clone());
            view! { <li><a href=href>{summary}</a></li> }
        });
        let operations = operations.collect_view();
        let name = noun.name.clone();
        view! { <details><summary>{name}</summary><ul>{operations}</ul></details> }
    });
    view! {
        <nav class="docs-contents" aria-label="Contents">
            <ul>{guide.map(link).collect_view()}</ul>
            {resources.collect_view()}
        </nav>
    }
}

fn noun(noun: Noun) -> impl IntoView {
    let id = noun.name.to_lowercase();
    let href = format!("#{id}");
    view! {
        <section class="docs-noun">
            <h2 id=id><a href=href>{noun.name}</a></h2>
            <p>{noun.text}</p>
            {noun.operations.into_iter().map(operation).collect_view()}
        </section>
    }
}

fn operation(operation: Operation) -> impl IntoView {
    let (id, href) = (operation.id.clone(), format!("#{}", operation.id));
    let needs = match &operation.scope {
        Some(scope) => view! { <p class="docs-scope">"Scope "<code>{scope.clone()}</code></p> }.into_any(),
        None => view! { <p class="docs-scope">"Every key"</p> }.into_any(),
    };
    let request = requests(&operation);
    let about = html_of(&operation.text);
    let method = operation.method.to_lowercase();
    view! {
        <article class="docs-operation">
            <div class="docs-words">
                <h3 id=id><a href=href>{operation.summary}</a></h3>
                <p class="docs-route"><span class="docs-method" data-method=method>{operation.method}</span>" "<code>{operation.path}</code></p>
                {needs}
                <div inner_html=about></div>
                {(!operation.parameters.is_empty()).then(|| parameters(operation.parameters))}
                <h4>"Answers"</h4>
                <dl class="docs-answers">
                    {operation.answers.into_iter().map(|(status, text)| view! { <dt>{status}</dt><dd inner_html=html_of(&text)></dd> }).collect_view()}
                </dl>
            </div>
            <div class="docs-example">
                {request}
                {operation.example.map(|example| view! { <h4>"Answer"</h4><pre tabindex="0"><code>{example}</code></pre> })}
            </div>
        </article>
    }
}

fn parameters(parameters: Vec<Parameter>) -> impl IntoView {
    let row = |p: Parameter| {
        let kind = format!("{} {}", p.place, p.kind);
        let must = if p.required { "required" } else { "optional" };
        view! {
            <tr>
                <th scope="row"><code>{p.name}</code></th>
                <td>{kind}<br/>{must}</td>
                <td inner_html=html_of(&p.text)></td>
            </tr>
        }
    };
    view! {
        <h4>"Parameters"</h4>
        <div class="docs-scroll" tabindex="0" role="group" aria-label="Parameters">
            <table>
                <thead><tr><th scope="col">"Name"</th><th scope="col">"Where and what"</th><th scope="col">"Meaning"</th></tr></thead>
                <tbody>{parameters.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}

/// The request in three languages.
fn requests(operation: &Operation) -> impl IntoView + use<> {
    let (method, path) = (&operation.method, &operation.path);
    let (kind, body) = match &operation.body {
        Some((kind, body)) => (Some(kind.as_str()), body.as_deref()),
        None => (None, None),
    };
    let file = kind.is_some_and(|kind| !kind.ends_with("json"));
    let mut curl =
        format!("curl -X {method} \"$SALESWRIGHT_URL{path}\" \\\n  -H \"Authorization: Bearer $SALESWRIGHT_KEY\"");
    let mut python = format!(
        "requests.request(\"{method}\", url + \"{path}\",\n    headers={{\"Authorization\": \"Bearer \" + key}}"
    );
    let mut script = format!(
        "await fetch(url + \"{path}\", {{\n  method: \"{method}\",\n  headers: {{ Authorization: \"Bearer \" + key"
    );
    if let Some(kind) = kind {
        curl += &format!(" \\\n  -H \"Content-Type: {kind}\"");
        script += &format!(", \"Content-Type\": \"{kind}\"");
    }
    script += " },\n";
    if file {
        curl += " \\\n  --data-binary @leads.csv";
        python += ",\n    data=open(\"leads.csv\", \"rb\")";
        script += "  body: file,\n";
    } else if let Some(body) = body {
        curl += &format!(" \\\n  -d '{body}'");
        python +=
            &format!(",\n    json={}", body.replace("true", "True").replace("false", "False").replace("null", "None"));
        script += &format!("  body: JSON.stringify({body}),\n");
    }
    python += ")";
    script += "});";
    view! {
        <h4>"Request"</h4>
        <pre tabindex="0"><code>{curl}</code></pre>
        <details><summary>"Python"</summary><pre tabindex="0"><code>{python}</code></pre></details>
        <details><summary>"JavaScript"</summary><pre tabindex="0"><code>{script}</code></pre></details>
    }
}
