//! Ids as types: a lead's id cannot be handed to something that wants a campaign.
//!
//! Values are UUIDs of version 7, so they sort by the time of their creation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = uuid::Uuid))]
        #[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// A company: the tenant.
    CompanyId,
    /// A person who can sign in.
    UserId,
    /// An invitation to join a company.
    InvitationId,
    /// A key for programs.
    ApiKeyId,
    /// A firm that leads work for.
    AccountId,
    /// A person whom the company wants to reach.
    LeadId,
    /// A note on a lead.
    NoteId,
    /// An entry of a lead's timeline.
    LeadEventId,
    /// A CSV import.
    ImportId,
    /// An address that e-mails leave from.
    MailboxId,
    /// A domain that e-mails are sent from.
    DomainId,
    /// A host name that links of e-mails lead over.
    LinkHostId,
    /// A campaign.
    CampaignId,
    /// A step of a campaign.
    StepId,
    /// An entry of a campaign's log.
    CampaignEventId,
    /// One lead in one campaign.
    EnrolmentId,
    /// One e-mail to one lead.
    MessageId,
    /// An address that gets no more e-mail.
    SuppressionId,
    /// An entry of the audit log.
    AuditEventId,
    /// A mail caught by the sandbox.
    SandboxMailId,
    /// A mail that has arrived.
    InboundId,
    /// What a person outside and the company have written to each other.
    ThreadId,
    /// An agent.
    AgentId,
    /// A language model.
    ModelId,
    /// A server whose tools agents may call.
    ConnectorId,
    /// A run of an agent.
    RunId,
    /// What starts runs of an agent by itself.
    TriggerId,
    /// Something that set a trigger off.
    FiringId,
    /// A rule of what is done when something happens.
    WorkflowId,
    /// Something that set a workflow off.
    WorkflowFiringId,
    /// A conversation with an agent.
    ConversationId,
    /// Something that an agent remembers.
    MemoryId,
    /// A question of a run to a person.
    ApprovalId,
    /// A text of the content library.
    ContentId,
    /// A document: facts of any shape.
    DocumentId,
    /// A task for a person.
    TaskId,
    /// A draft of an e-mail to a lead.
    DraftId,
    /// A job that a program asked for by its name.
    NamedJobId,
}
