//! The form of a connector: a new one, empty or filled by a preset, and one that is changed.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    ui::{
        Callout, Card, Choice, FieldWidth, InputKind, Select, SubmitButton, TabLink, Tabs, TextArea, TextInput, Tone,
    },
};
#[cfg(feature = "ssr")]
use domain::connectors::{Connector, ConnectorAuth, ConnectorInput, PRESETS, Preset, SIGN_IN_BACK, Transport, preset};

/// What is entered about a connector, as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct ConnectorForm {
    name: String,
    transport: String,
    url: String,
    command: String,
    args: String,
    auth: String,
    secret_name: String,
    secret: String,
    client_id: String,
    calls_per_minute: String,
    timeout_seconds: String,
}

#[cfg(feature = "ssr")]
impl From<&Connector> for ConnectorForm {
    fn from(c: &Connector) -> Self {
        Self {
            name: c.name.clone(),
            transport: c.transport.to_string(),
            url: c.url.clone().unwrap_or_default(),
            command: c.command.clone().unwrap_or_default(),
            args: c.args.join("\n"),
            auth: c.auth.to_string(),
            secret_name: c.secret_name.clone().unwrap_or_default(),
            secret: String::new(),
            client_id: c.client_id.clone().unwrap_or_default(),
            calls_per_minute: c.calls_per_minute.to_string(),
            timeout_seconds: c.timeout_seconds.to_string(),
        }
    }
}

#[cfg(feature = "ssr")]
impl From<ConnectorForm> for ConnectorInput {
    fn from(form: ConnectorForm) -> Self {
        // What is no number is outside of every range, so the check says what to enter.
        let number =
            |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap_or(0));
        let args = form.args.lines().map(str::trim).filter(|arg| !arg.is_empty()).map(ToOwned::to_owned).collect();
        Self {
            name: Some(form.name).filter(|name| !name.is_empty()),
            transport: Transport::parse(&form.transport),
            url: Some(form.url),
            command: Some(form.command),
            args: Some(args),
            auth: ConnectorAuth::parse(&form.auth),
            secret_name: Some(form.secret_name),
            secret: Some(form.secret),
            client_id: Some(form.client_id),
            calls_per_minute: number(&form.calls_per_minute),
            timeout_seconds: number(&form.timeout_seconds),
        }
    }
}

/// Sets up a connector.
#[server(prefix = "/sf")]
pub async fn add_connector(slug: String, form: ConnectorForm) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let connector = t.connectors().create(form.into()).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/connectors/{}", connector.id), "connector-added");
    Ok(())
}

/// Changes a connector. An empty secret leaves the one that is kept.
#[server(prefix = "/sf")]
pub async fn save_connector(slug: String, id: String, form: ConnectorForm) -> Result<(), AppError> {
    let id = super::connector_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.connectors().update(id, form.into()).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/connectors/{id}"), "connector-saved");
    Ok(())
}

/// The form of a new connector, and what it can be filled with.
#[cfg(feature = "ssr")]
pub(super) fn add(slug: &str, chosen: &str, settings: &service::Settings, post: Post) -> AnyView {
    let base = format!("/t/{slug}/settings/connectors");
    let presets = PRESETS.iter().map(|preset| (preset.name, preset.label));
    let kinds = [("", "An address")].into_iter().chain(presets).chain([("command", "A command")]);
    let items =
        kinds.map(|(kind, label)| TabLink::new(label, format!("{base}?preset={kind}"), kind == chosen)).collect();
    let known = preset(chosen);
    let transport = if chosen == "command" { Transport::Stdio } else { Transport::Http };
    let values = ConnectorForm {
        name: known.map(|preset| preset.name.to_owned()).unwrap_or_default(),
        url: known.map(|preset| preset.url.to_owned()).unwrap_or_default(),
        auth: known.map_or(ConnectorAuth::None, |preset| preset.auth).to_string(),
        transport: transport.to_string(),
        calls_per_minute: "60".to_owned(),
        timeout_seconds: "30".to_owned(),
        ..ConnectorForm::default()
    };
    let help = known.map(|preset| help(preset, settings));
    let form = if transport == Transport::Stdio && settings.mcp_commands.is_empty() {
        view! { <p>"The operator of this installation has listed no commands. They stand in the setting "<code>"SALESWRIGHT_MCP_COMMANDS"</code>"."</p> }.into_any()
    } else {
        let name = view! {
            <TextInput name="form[name]" label="Name" hint="Agents write it before the names of the tools, so it cannot be changed later: lower-case letters, digits and hyphens" value=values.name.clone() width=FieldWidth::Medium error=post.of_field("name")/>
        };
        let fields = fields(transport, values, "Kept encrypted, never shown again.", &settings.mcp_commands, post);
        let slug = slug.to_owned();
        view! {
            <PostForm post class="stack">
                <input type="hidden" name="slug" value=slug/>
                {name}
                {fields}
                <SubmitButton busy=post.busy()>"Add connector"</SubmitButton>
            </PostForm>
        }
        .into_any()
    };
    view! {
        <Card title="Add a connector">
            <Tabs label="What it is" items/>
            {help}
            {form}
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn help(preset: &'static Preset, settings: &service::Settings) -> AnyView {
    let back = format!("{}{SIGN_IN_BACK}", settings.public_url);
    view! {
        <Callout tone=Tone::Sky title=preset.label>
            {preset.before}" Address to come back to: "<code class="as-written">{back}</code>". "{preset.advice}" "
            <a href=preset.docs rel="noreferrer">{format!("What {} says of its server", preset.label)}</a>
        </Callout>
    }
    .into_any()
}

/// The form of a connector that is set up, in the place of its page.
#[cfg(feature = "ssr")]
pub(super) fn change(slug: &str, connector: &Connector, settings: &service::Settings, post: Post) -> AnyView {
    let back = format!("/t/{slug}/settings/connectors/{}", connector.id);
    let hint = if connector.has_secret {
        "Empty leaves the one that is kept. Another address needs it again."
    } else {
        "None is kept."
    };
    let fields = fields(connector.transport, connector.into(), hint, &settings.mcp_commands, post);
    let (slug, id, title) = (slug.to_owned(), connector.id.to_string(), format!("Change {}", connector.name));
    view! {
        <Card title>
            <PostForm post class="stack">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                {fields}
                <div class="cluster">
                    <SubmitButton busy=post.busy()>"Save connector"</SubmitButton>
                    // Leads out of the page, so that what was wrong is not said of the next form.
                    <a class="button" href=back rel="external">"Cancel"</a>
                </div>
            </PostForm>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn fields(
    transport: Transport,
    values: ConnectorForm,
    secret_hint: &'static str,
    commands: &[String],
    post: Post,
) -> AnyView {
    let of = move |field| post.of_field(field);
    let http = transport == Transport::Http;
    let place = if http {
        view! { <TextInput name="form[url]" label="Address" kind=InputKind::Url hint="As in https://mcp.example.com/mcp" value=values.url error=of("url")/> }.into_any()
    } else {
        let commands = commands.iter().map(|command| Choice::new(command, command)).collect();
        view! {
            <Select name="form[command]" label="Command" options=commands value=values.command hint="Those that the operator has listed" width=FieldWidth::Medium error=of("command")/>
            <TextArea name="form[args]" label="Arguments" rows=3 code=true optional=true hint="One on each line" value=values.args error=of("args")/>
        }
        .into_any()
    };
    let kinds: &[ConnectorAuth] = if http { ConnectorAuth::ALL } else { &[ConnectorAuth::None, ConnectorAuth::Header] };
    let kinds = kinds.iter().map(|auth| Choice::new(auth.as_str(), auth.label())).collect();
    let secret_name = if http { "Header of a named secret" } else { "Environment variable of a named secret" };
    let secret_name_hint = if http { "As in X-Api-Key" } else { "Ends in _KEY, _TOKEN, _SECRET or _PASSWORD" };
    let client = http.then(|| {
        view! { <TextInput name="form[client_id]" label="Client ID for signing in" hint="If you have registered one; its secret goes into the field “Secret”" value=values.client_id optional=true error=of("client_id")/> }
    });
    view! {
        <input type="hidden" name="form[transport]" value=transport.as_str()/>
        {place}
        <Select name="form[auth]" label="What the server asks for" options=kinds value=values.auth width=FieldWidth::Medium error=of("auth")/>
        <TextInput name="form[secret]" label="Secret" kind=InputKind::Password hint=secret_hint autocomplete="off" optional=true error=of("secret")/>
        <TextInput name="form[secret_name]" label=secret_name hint=secret_name_hint value=values.secret_name width=FieldWidth::Medium optional=true error=of("secret_name")/>
        {client}
        <TextInput name="form[calls_per_minute]" label="Calls in a minute, at most" value=values.calls_per_minute width=FieldWidth::Short error=of("calls_per_minute")/>
        <TextInput name="form[timeout_seconds]" label="A call may take" suffix="seconds" value=values.timeout_seconds width=FieldWidth::Short error=of("timeout_seconds")/>
    }
    .into_any()
}
