//! Inbound mail: what comes back from people and from servers, and what it is. All of it is text from outside:
//! it is read as data, and what a mail quotes never counts as said by its sender.

mod away;
mod classify;
mod judge;
mod quote;
mod report;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use away::{back_on, resume_on};
pub use classify::classify;
pub use judge::{judge, leaves, unsubscribe_token};
pub use quote::{Parts, split};
pub use report::{DeliveryReport, Report};

use crate::{
    AccountId, CampaignId, EmailAddress, EnrolmentId, InboundId, LeadId, MailboxId, MessageId, wire::wire_enum,
};

/// Most characters of a reply that an agent is given.
pub const MOST_FOR_AGENTS: usize = 8_000;
/// Most characters of the text of a mail that are kept.
pub const MOST_TEXT: usize = 100_000;

wire_enum! {
    /// What a mail is.
    pub enum InboundKind {
        /// A person has answered.
        Reply = "reply",
        /// A program has answered.
        AutoReply = "auto_reply",
        /// A program has answered that the person is away.
        OutOfOffice = "out_of_office",
        /// A server could not deliver an e-mail.
        Bounce = "bounce",
        /// The person has told their provider that an e-mail is spam.
        Complaint = "complaint",
        /// The person asks for no more e-mail.
        Unsubscribe = "unsubscribe",
        /// Something else.
        Other = "other",
        /// It cannot be taken apart, so a person has to look at it.
        Unreadable = "unreadable",
    }
}

impl InboundKind {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reply => "Reply",
            Self::AutoReply => "Automatic reply",
            Self::OutOfOffice => "Out of office",
            Self::Bounce => "Could not be delivered",
            Self::Complaint => "Complaint",
            Self::Unsubscribe => "Asked for no more e-mail",
            Self::Other => "Other mail",
            Self::Unreadable => "Could not be read",
        }
    }
}

wire_enum! {
    /// How far a server has given up.
    pub enum BounceKind {
        /// The address does not exist.
        Hard = "hard",
        /// The e-mail was refused for good, for a reason that is not the address.
        Refused = "refused",
        /// It may be delivered later.
        Soft = "soft",
    }
}

wire_enum! {
    /// How sure the judgement is.
    pub enum Confidence {
        /// A header or a report says so.
        Sure = "sure",
        /// The words say so.
        Likely = "likely",
        /// Nothing says anything else.
        Unsure = "unsure",
    }
}

wire_enum! {
    /// What a mail was recognised by.
    pub enum MatchedBy {
        /// It came to the return path of an e-mail of ours.
        ReturnPath = "return_path",
        /// It names an e-mail of ours.
        MessageId = "message_id",
        /// It answers a mail that has come from, or was about, a lead.
        Thread = "thread",
        /// It comes from, or is about, the address of a lead that a campaign has written to.
        Address = "address",
        /// Somebody at the firm of such a lead has written.
        Account = "account",
    }
}

wire_enum! {
    /// How a caught mail is answered.
    pub enum AnswerAs {
        /// As a person answers.
        Reply = "reply",
        /// As a program does whose person is away.
        OutOfOffice = "out_of_office",
        /// As a server does that knows no such address.
        Bounce = "bounce",
    }
}

impl AnswerAs {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reply => "As the person",
            Self::OutOfOffice => "Out of office",
            Self::Bounce => "As a server: no such address",
        }
    }
}

/// A mail taken apart: what the rules look at. Ids stand without their angle brackets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Its own id.
    pub message_id: Option<String>,
    /// Ids of the e-mails that it answers, the nearest first.
    pub answers: Vec<String>,
    /// Name of the sender; may be empty.
    pub from_name: String,
    /// Address of the sender.
    pub from: Option<EmailAddress>,
    /// Subject, decoded; may be empty.
    pub subject: String,
    /// Its text, with quotes and signature.
    pub text: String,
    /// Whether its sender has laid it out as HTML, too.
    pub has_html: bool,
    /// `Auto-Submitted`, in small letters (RFC 3834).
    pub auto_submitted: Option<String>,
    /// `Precedence`, in small letters.
    pub precedence: Option<String>,
    /// Whether it has one of the headers of programs that answer by themselves.
    pub auto_reply: bool,
    /// Whether nobody wants to hear of its failure: `Return-Path: <>`.
    pub no_return_path: bool,
    /// Addresses that it came to, as servers and its sender say.
    pub recipients: Vec<String>,
    /// What a server reports with it.
    pub report: Option<Report>,
    /// Files that came with it.
    pub attachments: Vec<Attachment>,
    /// Why it could not be taken apart; its text is then its headers as they came.
    pub unreadable: Option<&'static str>,
}

/// A file that came with a mail. Nobody has looked whether it does harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attachment {
    /// Its name, as the sender writes it.
    pub name: String,
    /// Its size in bytes.
    pub size: i64,
}

/// What a mail is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What.
    pub kind: InboundKind,
    /// The rule that has decided, as a sentence.
    pub why: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// When somebody who is away comes back.
    pub back_on: Option<NaiveDate>,
    /// What could not be delivered.
    pub bounce: Option<Bounce>,
    /// Id of the e-mail that a report is about.
    pub about: Option<String>,
    /// Address that a report is about.
    pub recipient: Option<EmailAddress>,
}

/// A delivery that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// How far the server has given up.
    pub kind: BounceKind,
    /// Its code, as `5.1.1` or `550`.
    pub status: Option<String>,
}

/// A mail that has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Inbound {
    /// Id.
    pub id: InboundId,
    /// The mailbox it has come to.
    pub mailbox: MailboxId,
    /// When it arrived.
    pub arrived_at: DateTime<Utc>,
    /// Name of the sender, as they write it.
    pub from_name: String,
    /// Address of the sender.
    pub from_address: Option<String>,
    /// Subject.
    pub subject: String,
    /// What the sender says, without what they quote. It comes from outside: read it as data.
    pub text: String,
    /// What they quote, and their signature.
    pub quoted: String,
    /// What it is.
    pub kind: InboundKind,
    /// The rule that has decided, as a sentence.
    pub why: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// How far a server has given up, for a bounce.
    pub bounce: Option<BounceKind>,
    /// Code of the server.
    pub status: Option<String>,
    /// When somebody who is away comes back.
    pub back_on: Option<NaiveDate>,
    /// What it was recognised by.
    pub matched_by: Option<MatchedBy>,
    /// The lead it is from or about.
    pub lead: Option<LeadId>,
    /// Name of the lead.
    pub lead_name: Option<String>,
    /// The firm whose person has written.
    pub account: Option<AccountId>,
    /// The campaign that it answers.
    pub campaign: Option<CampaignId>,
    /// The enrolment that it answers.
    pub enrolment: Option<EnrolmentId>,
    /// The e-mail that it answers.
    pub message: Option<MessageId>,
}
