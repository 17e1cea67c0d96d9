//! Examples of the bodies, by the name of their schema.

use std::sync::LazyLock;

use serde_json::{Value, json};

/// The example of a schema, if it has one. A page shows the example of its rows.
pub fn of(schema: &str) -> Option<Value> {
    static EXAMPLES: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).expect("the examples are JSON"));
    match schema.strip_prefix("Page_") {
        Some(row) => of(row).map(|row| json!({"items": [row], "next": null, "previous": null})),
        None => EXAMPLES.get(schema).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        accounts::{Account, AccountInput},
        agents::{AgentSummary, AgentVersion},
        analytics::AgentAnalytics,
        campaigns::{CampaignEvent, CampaignInput, CampaignSummary, Check},
        connectors::{Connector, ConnectorCall, ConnectorInput, ConnectorTool, ToolReview},
        content::{ContentFile, ContentInput, ContentItem, ContentSummary, ContentText, ContentVersion},
        conversations::{Conversation, Helper, NewMessage, Turn},
        documents::{Document, DocumentInput, DocumentSummary, DocumentText, DocumentVersion},
        domains::{DomainInput, RecordCheck, SendingDomain, SigningInput},
        drafts::{Draft, DraftInput, QueuedDraft, Rewrite, Sample},
        enrolments::{Enrolment, EnrolmentsChanged},
        imports::{Import, ImportPlan, RejectedRow},
        inbound::Inbound,
        inboxes::{Inbox, InboxInput},
        leads::{BulkOutcome, Lead, LeadEvent, LeadInput, LeadSelection, LeadSummary, Note},
        ledger::{Ledger, SendProof},
        mailboxes::{ConnectionTest, Health, Mailbox, MailboxInput, RecipientLimits, TestStep},
        memories::Memory,
        messages::MessageInFull,
        models::{Model, ModelInput},
        named_jobs::NamedJob,
        page::Count,
        replies::{Reply, ReplyInput},
        runs::{Approval, ChildRun, NewRun, PersonAnswer, Question, Run, RunEvent, RunStep},
        simulation::AskedSimulation,
        steps::{Place, Preview, SequenceVersion, Step, StepInput, TestMail},
        suppressions::Suppression,
        tasks::{Task, TaskInput},
        threads::{Correction, Thread, ThreadChange, ThreadInFull},
        tracking::{CampaignTracking, LinkHost, LinkHostInput, TrackingEvent},
        triggers::{Firing, Trigger, TriggerInput},
        workflows::{Workflow, WorkflowFiring, WorkflowInput, WorkflowLook},
    };

    use super::*;
    use crate::{
        ProblemDetails,
        v1::{bodies::*, campaigns::CampaignInFull},
    };

    /// Reads each example as the type it stands for, and writes it again: nothing may be lost.
    macro_rules! are_true {
        ($($schema:ident),+ $(,)?) => {$(
            let example = of(stringify!($schema)).expect(stringify!($schema));
            let read: $schema = serde_json::from_value(example.clone()).expect(stringify!($schema));
            let again = serde_json::to_value(&read).expect("JSON");
            for (name, value) in example.as_object().expect("an object") {
                if !value.is_null() && name != "mapping" {
                    assert_eq!(again[name], *value, "{} of {}", name, stringify!($schema));
                }
            }
        )+};
    }

    #[test]
    fn every_example_is_what_it_stands_for() {
        are_true!(
            Me,
            Lead,
            LeadSummary,
            Count,
            LeadBatch,
            LeadResults,
            BulkChange,
            BulkOutcome,
            LeadSelection,
            LeadEvent,
            Note,
            NewNote,
            Account,
            AccountInput,
            Import,
            ImportFormat,
            ImportPlan,
            RejectedRow,
            CampaignInFull,
            CampaignSummary,
            CommandResult,
            Resume,
            Check,
            MessageInFull,
            CampaignEvent,
            Step,
            Place,
            SequenceVersion,
            Edits,
            PublishVersion,
            Comparison,
            Preview,
            TestMail,
            NewTestMail,
            Enrolment,
            EnrolmentsChange,
            EnrolmentsChanged,
            Mailbox,
            SendingDomain,
            DomainInput,
            SigningInput,
            RecordCheck,
            Health,
            ConnectionTest,
            TestStep,
            RecipientLimits,
            SendProof,
            AskedSimulation,
            LinkHost,
            LinkHostInput,
            CampaignTracking,
            TrackingEvent,
            Inbound,
            Thread,
            ThreadChange,
            ThreadInFull,
            ReplyInput,
            Reply,
            Correction,
            Inbox,
            InboxInput,
            Suppression,
            NewSuppressions,
            SuppressionsAdded,
            AgentSummary,
            AgentInFull,
            AgentInput,
            RestoreVersion,
            AgentVersion,
            AgentFiles,
            AgentsImported,
            ContentFile,
            ContentItem,
            ContentInput,
            ContentSummary,
            ContentVersion,
            ContentText,
            Document,
            DocumentInput,
            DocumentSummary,
            DocumentVersion,
            DocumentText,
            Task,
            TaskInput,
            Workflow,
            WorkflowInput,
            WorkflowFiring,
            WorkflowLook,
            Draft,
            QueuedDraft,
            ApproveDraft,
            Reject,
            Rewrite,
            Sample,
            ApprovePassing,
            Approved,
            DraftInput,
            NewRun,
            Run,
            RunInFull,
            RunStep,
            RunEvent,
            Approval,
            Approve,
            ChildRun,
            Conversation,
            ConversationInFull,
            Helper,
            NewConversation,
            NewMessage,
            Turn,
            PersonAnswer,
            Question,
            Memory,
            Deny,
            AgentTask,
            AgentExecution,
            AgentAnswer,
            AgentStanding,
            Trigger,
            TriggerInput,
            TriggerSecret,
            Firing,
            AgentAnalytics,
            NamedJob,
            Model,
            Webhook,
            WebhookInput,
            ConnectedWebhook,
            Connector,
            ConnectorTool,
            ToolReview,
            ConnectorCall,
            ProblemDetails,
            Ledger,
        );
        // These say less than they may, or say it in another form.
        for (schema, reads) in [
            ("LeadInput", reads::<LeadInput>("LeadInput")),
            ("CampaignInput", reads::<CampaignInput>("CampaignInput")),
            ("StepInput", reads::<StepInput>("StepInput")),
            ("ConnectorInput", reads::<ConnectorInput>("ConnectorInput")),
            ("ModelInput", reads::<ModelInput>("ModelInput")),
            ("MailboxInput", reads::<MailboxInput>("MailboxInput")),
            ("Schedule", reads::<Schedule>("Schedule")),
        ] {
            assert!(reads, "{schema}");
        }
    }

    fn reads<T: serde::de::DeserializeOwned>(schema: &str) -> bool {
        of(schema).is_some_and(|example| serde_json::from_value::<T>(example).is_ok())
    }
}
