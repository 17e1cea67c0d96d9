//! The areas of the product. The browser's program comes in parts: what every page needs, and one part
//! for one or two areas, which is fetched with the first page of them. Two that are small are one part:
//! what parts have in common is cut into pieces of its own, and many small pieces compress badly.

use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};
use leptos_router::ChooseView;

use crate::pages::{
    accounts::{AccountPage, AccountsPage},
    agents::{AgentPage, AgentVersionsPage, AgentsPage, EditAgentPage, ImportAgentsPage, NewAgentPage},
    campaigns::{
        CampaignEnrolmentsPage, CampaignLaunchPage, CampaignMailsPage, CampaignPage, CampaignSequencePage,
        CampaignSettingsPage, CampaignStepPage, CampaignStopPage, CampaignsPage, NewCampaignPage,
    },
    content::{ContentPage, EditContentPage, LibraryPage, NewContentPage},
    frame::MorePlacesPage,
    home::HomePage,
    imports::{ImportPage, ImportUploadPage},
    leads::{EditLeadPage, LeadPage, LeadsPage, NewLeadPage},
    sandbox::{SandboxMailPage, SandboxPage},
    settings::{AuditPage, CompanySettingsPage, KeysPage, MailboxesPage, MembersPage, ModelsPage, SuppressionsPage},
    tasks::TasksPage,
};

/// A page, by its area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Leads and the accounts they work for.
    Leads(Leads),
    /// The first page, tasks, and what the sandbox caught.
    Home(Home),
    /// Campaigns and what they sent.
    Campaigns(Campaigns),
    /// Writing a campaign, until it starts.
    Builder(Builder),
    /// Agents.
    Agents(Agents),
    /// The library of texts.
    Content(Content),
    /// Settings of the company.
    Settings(Settings),
}

#[cfg(feature = "ssr")]
impl Page {
    /// Lets the browser fetch its part of the program while it still reads the page.
    fn announce(self) {
        use leptos_meta::Link;

        let Some(manifest) = use_context::<leptos::WasmSplitManifest>() else { return };
        manifest.0.with_value(|(folder, parts, _)| {
            for file in parts.get(self.part()).into_iter().flatten() {
                let href = format!("{folder}/{file}.wasm");
                let crossorigin = use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default();
                // To render it registers it with the head of the document.
                let _ = view! { <Link rel="preload" href as_="fetch" type_="application/wasm" crossorigin/> }.to_html();
            }
        });
    }

    const fn part(self) -> &'static str {
        match self {
            Self::Leads(_) => "leads",
            Self::Home(_) | Self::Settings(_) => "home",
            Self::Campaigns(_) => "campaigns",
            Self::Builder(_) | Self::Agents(_) | Self::Content(_) => "writing",
        }
    }
}

/// A page, unless its part of the program could not be fetched.
type Shown = Result<AnyView, SplitLoaderError>;

/// The router awaits `preload` before it takes a page over from the server or leaves the last one;
/// after it `choose` does not wait.
impl ChooseView for Page {
    async fn choose(self) -> AnyView {
        #[cfg(feature = "ssr")]
        self.announce();
        let shown = match self {
            Self::Leads(page) => leads(page).await,
            Self::Home(page) => home(page).await,
            Self::Campaigns(page) => campaigns(page).await,
            Self::Builder(page) => builder(page).await,
            Self::Agents(page) => agents(page).await,
            Self::Content(page) => content(page).await,
            Self::Settings(page) => settings(page).await,
        };
        shown.unwrap_or_else(|_| ().into_any())
    }

    async fn preload(&self) {
        let loaded = match self {
            Self::Leads(_) => preload_leads().await,
            Self::Home(_) => preload_home().await,
            Self::Campaigns(_) => preload_campaigns().await,
            Self::Builder(_) => preload_builder().await,
            Self::Agents(_) => preload_agents().await,
            Self::Content(_) => preload_content().await,
            Self::Settings(_) => preload_settings().await,
        };
        if loaded.is_err() {
            // Most likely the server has a newer program than this tab: begin anew with that.
            #[cfg(feature = "hydrate")]
            let _ = window().location().reload();
        }
    }
}

/// Pages of leads and accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leads {
    /// All leads.
    List,
    /// The form of a new one.
    New,
    /// One lead.
    One,
    /// Its form.
    Edit,
    /// The file of an import.
    Upload,
    /// The other pages of an import.
    Import,
    /// All accounts.
    Accounts,
    /// One account.
    Account,
}

#[wasm_split(leads, wasm_split_path = leptos::wasm_split, preload(preload_leads), fallible)]
fn leads(page: Leads) -> Shown {
    Ok(match page {
        Leads::List => view! { <LeadsPage/> }.into_any(),
        Leads::New => view! { <NewLeadPage/> }.into_any(),
        Leads::One => view! { <LeadPage/> }.into_any(),
        Leads::Edit => view! { <EditLeadPage/> }.into_any(),
        Leads::Upload => view! { <ImportUploadPage/> }.into_any(),
        Leads::Import => view! { <ImportPage/> }.into_any(),
        Leads::Accounts => view! { <AccountsPage/> }.into_any(),
        Leads::Account => view! { <AccountPage/> }.into_any(),
    })
}

/// The first page, tasks and the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// The first page of a company.
    Overview,
    /// What the phone's bottom bar has no room for.
    More,
    /// Open tasks.
    Tasks,
    /// What the sandbox caught.
    Sandbox,
    /// One such e-mail.
    SandboxMail,
}

#[wasm_split(home, wasm_split_path = leptos::wasm_split, preload(preload_home), fallible)]
fn home(page: Home) -> Shown {
    Ok(match page {
        Home::Overview => view! { <HomePage/> }.into_any(),
        Home::More => view! { <MorePlacesPage/> }.into_any(),
        Home::Tasks => view! { <TasksPage/> }.into_any(),
        Home::Sandbox => view! { <SandboxPage/> }.into_any(),
        Home::SandboxMail => view! { <SandboxMailPage/> }.into_any(),
    })
}

/// Pages of campaigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Campaigns {
    /// All campaigns.
    List,
    /// The form of a new one.
    New,
    /// One campaign.
    One,
    /// Its leads.
    Enrolments,
    /// Its e-mails.
    Mails,
    /// The question before a stop.
    Stop,
}

#[wasm_split(campaigns, wasm_split_path = leptos::wasm_split, preload(preload_campaigns), fallible)]
fn campaigns(page: Campaigns) -> Shown {
    Ok(match page {
        Campaigns::List => view! { <CampaignsPage/> }.into_any(),
        Campaigns::New => view! { <NewCampaignPage/> }.into_any(),
        Campaigns::One => view! { <CampaignPage/> }.into_any(),
        Campaigns::Enrolments => view! { <CampaignEnrolmentsPage/> }.into_any(),
        Campaigns::Mails => view! { <CampaignMailsPage/> }.into_any(),
        Campaigns::Stop => view! { <CampaignStopPage/> }.into_any(),
    })
}

/// Pages on which a campaign is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builder {
    /// Its steps.
    Sequence,
    /// One step.
    Step,
    /// Its settings.
    Settings,
    /// The checks before a start.
    Launch,
}

#[wasm_split(writing, wasm_split_path = leptos::wasm_split, preload(preload_builder), fallible)]
fn builder(page: Builder) -> Shown {
    Ok(match page {
        Builder::Sequence => view! { <CampaignSequencePage/> }.into_any(),
        Builder::Step => view! { <CampaignStepPage/> }.into_any(),
        Builder::Settings => view! { <CampaignSettingsPage/> }.into_any(),
        Builder::Launch => view! { <CampaignLaunchPage/> }.into_any(),
    })
}

/// Pages of agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agents {
    /// The catalogue.
    List,
    /// The form of a new one.
    New,
    /// Files of agents.
    Import,
    /// One agent.
    One,
    /// Its versions.
    Versions,
    /// Its form.
    Edit,
}

#[wasm_split(writing, wasm_split_path = leptos::wasm_split, preload(preload_agents), fallible)]
fn agents(page: Agents) -> Shown {
    Ok(match page {
        Agents::List => view! { <AgentsPage/> }.into_any(),
        Agents::New => view! { <NewAgentPage/> }.into_any(),
        Agents::Import => view! { <ImportAgentsPage/> }.into_any(),
        Agents::One => view! { <AgentPage/> }.into_any(),
        Agents::Versions => view! { <AgentVersionsPage/> }.into_any(),
        Agents::Edit => view! { <EditAgentPage/> }.into_any(),
    })
}

/// Pages of the library of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The library.
    List,
    /// The form of a new text.
    New,
    /// One text.
    One,
    /// Its form.
    Edit,
}

#[wasm_split(writing, wasm_split_path = leptos::wasm_split, preload(preload_content), fallible)]
fn content(page: Content) -> Shown {
    Ok(match page {
        Content::List => view! { <LibraryPage/> }.into_any(),
        Content::New => view! { <NewContentPage/> }.into_any(),
        Content::One => view! { <ContentPage/> }.into_any(),
        Content::Edit => view! { <EditContentPage/> }.into_any(),
    })
}

/// Pages of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settings {
    /// Name, address, time zone.
    Company,
    /// Mailboxes.
    Mailboxes,
    /// Members and invitations.
    Members,
    /// The suppression list.
    Suppressions,
    /// Language models and the webhook of agents.
    Models,
    /// API keys.
    Keys,
    /// The audit log.
    Audit,
}

#[wasm_split(home, wasm_split_path = leptos::wasm_split, preload(preload_settings), fallible)]
fn settings(page: Settings) -> Shown {
    Ok(match page {
        Settings::Company => view! { <CompanySettingsPage/> }.into_any(),
        Settings::Mailboxes => view! { <MailboxesPage/> }.into_any(),
        Settings::Members => view! { <MembersPage/> }.into_any(),
        Settings::Suppressions => view! { <SuppressionsPage/> }.into_any(),
        Settings::Models => view! { <ModelsPage/> }.into_any(),
        Settings::Keys => view! { <KeysPage/> }.into_any(),
        Settings::Audit => view! { <AuditPage/> }.into_any(),
    })
}
