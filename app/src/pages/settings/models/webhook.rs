//! The webhook of agents. It is connected by a plain form whose answer shows the secret, once.

use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{ButtonKind, ButtonSize, Card, InputKind, SubmitButton, TextInput, Time, confirm},
};

/// The name of the form of a webhook, which a door without scripts answers.
pub const NEW_WEBHOOK: &str = "models/webhook";

/// The webhook that is connected.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ConnectedWebhook {
    pub(super) url: String,
    pub(super) since: Moment,
}

/// Forgets the webhook.
#[server(prefix = "/sf")]
pub async fn remove_webhook(slug: String) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    t.webhook().disconnect().await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/settings/models"), "webhook-removed");
    Ok(())
}

/// The part of the page that is about it.
#[cfg(feature = "ssr")]
pub(super) fn section(slug: &str, webhook: Option<ConnectedWebhook>, connect: Post, remove: Post) -> AnyView {
    let action = format!("/t/{slug}/settings/models/webhook");
    let verb = if webhook.is_some() { "Replace webhook" } else { "Connect webhook" };
    let connected = webhook.map(|ConnectedWebhook { url, since }| {
        let slug = slug.to_owned();
        let form = view! {
            <PostForm post=remove>
                <input type="hidden" name="slug" value=slug/>
                <SubmitButton kind=ButtonKind::Danger size=ButtonSize::Small>"Remove webhook"</SubmitButton>
            </PostForm>
        };
        let question = confirm("Remove", "the webhook", "Agents can send nothing there any more.", form.into_any());
        view! {
            <div class="cluster">
                <span><strong>{url}</strong><br/><span class="subtle">"Connected "<Time moment=since/></span></span>
                <span class="push">{question}</span>
            </div>
        }
    });
    view! {
        <Card title="Webhook of agents">
            <p class="subtle">"Agents may send to one address outside; a person approves each call. What arrives there is signed with a secret, as Standard Webhooks describes it. When an agent asks for an answer, the call carries an address and a secret of its own in "<code>"webhook-callback"</code>" and "<code>"webhook-callback-secret"</code>": say 202 at once, and send the answer there as signed JSON within 24 hours."</p>
            {connected}
            <form method="post" action=action class="fields">
                <TextInput name="url" label="Address of the webhook" kind=InputKind::Url hint="As in https://example.com/agents. A new secret is shown, once." error=connect.of_field("url")/>
                <SubmitButton>{verb}</SubmitButton>
            </form>
        </Card>
    }
    .into_any()
}
