//! The form of an agent: its file, in one field. What is a problem names its line.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::detail::{AgentHead, head};
#[cfg(feature = "ssr")]
use crate::ui::TextInput;
use crate::{
    error::AppError,
    exchange::{Post, PostForm},
    pages::{
        frame::{only, use_param, use_slug},
        written::{Written, written},
    },
    shell::{PageScroll, TabTitle, Topbar},
    ui::{ButtonLink, Crumb, SubmitButton, TextArea, refusal},
};

/// What a new agent begins with.
const BEGINNING: &str = "---\nname: \ndescription: \ntools:\n- find_leads\n- read_lead\nlimits:\n  steps: 20\n  minutes: 15\n  \
    tokens: 50000\n  cost: 1.0\n---\n\nYou are …\n";

/// What the page shows.
#[cfg(feature = "ssr")]
pub struct AgentFile {
    pub(super) head: AgentHead,
    pub(super) text: String,
}

/// Loads the file of an agent.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_agent_file(slug: String, id: String) -> Result<Written, AppError> {
    let file = super::load::file(&slug, &id).await?;
    Ok(Written::new(file.head.name.clone(), move || edit(slug, file)))
}

/// Creates an agent.
#[server(prefix = "/sf")]
pub async fn create_agent(slug: String, definition: String) -> Result<(), AppError> {
    let definition = super::load::definition(&definition)?;
    let mut t = crate::server::tenant(&slug).await?;
    let agent = t.agents().create(definition).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/agents/{}", agent.id), "agent-created");
    Ok(())
}

/// Saves a new version, if nobody else has in the meantime.
#[server(prefix = "/sf")]
pub async fn save_agent(
    slug: String,
    id: String,
    version: i32,
    definition: String,
    #[server(default)] note: String,
) -> Result<(), AppError> {
    let own = format!("/t/{slug}/agents/{id}");
    let id = super::load::agent_id(&id)?;
    let definition = super::load::definition(&definition)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.agents().update(id, definition, &note, Some(version)).await?;
    t.commit().await?;
    crate::server::done(&own, "agent-saved");
    Ok(())
}

/// A new agent.
#[component]
pub fn NewAgentPage() -> impl IntoView {
    let slug = use_slug();
    let create = Post::to::<CreateAgent>();
    only(Permission::ManageAgents, move || {
        move || {
            let slug = slug.get();
            let back = format!("/t/{slug}/agents");
            view! {
                <TabTitle text="New agent"/>
                <Topbar title="New agent" trail=vec![Crumb::new("Agents", back.clone())]/>
                <PageScroll label="New agent">
                    <div class="page-body narrow">
                        {refusal(create)}
                        <PostForm post=create class="stack">
                            <input type="hidden" name="slug" value=slug/>
                            {field(BEGINNING.to_owned(), create)}
                            <div class="cluster">
                                <SubmitButton busy=create.busy()>"Create agent"</SubmitButton>
                                <ButtonLink href=back>"Cancel"</ButtonLink>
                            </div>
                        </PostForm>
                    </div>
                </PageScroll>
            }
            .into_any()
        }
    })
}

/// The form of an agent that exists.
#[component]
pub fn EditAgentPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("agent"));
    only(Permission::ManageAgents, move || {
        // A version that comes while somebody types would defeat the check for it.
        written(Signal::stored(0), move || LoadAgentFile { slug: slug.get(), id: id.get() })
    })
}

#[cfg(feature = "ssr")]
fn edit(slug: String, file: AgentFile) -> AnyView {
    let save = Post::to::<SaveAgent>();
    let top = head(&slug, &file.head, "/edit", ().into_any());
    view! {
        {top}
        <PageScroll label="Edit agent">
            <div class="page-body narrow">
                {refusal(save)}
                <PostForm post=save class="stack">
                    <input type="hidden" name="slug" value=slug/>
                    <input type="hidden" name="id" value=file.head.id/>
                    <input type="hidden" name="version" value=file.head.version/>
                    {field(file.text, save)}
                    <TextInput name="note" label="Why" hint="For the list of versions" optional=true/>
                    <SubmitButton busy=save.busy()>"Save new version"</SubmitButton>
                </PostForm>
            </div>
        </PageScroll>
    }
    .into_any()
}

fn field(text: String, post: Post) -> AnyView {
    let hint =
        "Front matter with name, description, tools and limits between lines of three dashes, then the instructions.";
    view! { <TextArea name="definition" label="Definition" hint value=text code=true error=post.of_field("file")/> }
        .into_any()
}
