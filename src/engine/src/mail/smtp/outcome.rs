//! What became of a mail, in words that say whether it may be sent again.
//! Every reply of the server is final: 2xx accepted, 4xx deferred, 5xx rejected, in whichever phase it comes.

use std::fmt;

use super::reply::{Class, EnhancedCode, Reply};

/// A step of the conversation with a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Looking up the host name.
    NameLookup,
    /// Opening the connection.
    Connect,
    /// Encrypting it.
    Tls,
    /// The server's first words.
    Greeting,
    /// EHLO.
    Hello,
    /// AUTH.
    SignIn,
    /// MAIL: whether the server sends for this sender.
    Sender,
    /// RCPT: whether it sends to this recipient.
    Recipient,
    /// DATA: whether it wants the content now.
    Data,
    /// The content and the reply to its final dot.
    Content,
}

impl Phase {
    /// The name that is stored and sent over the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NameLookup => "name_lookup",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Greeting => "greeting",
            Self::Hello => "hello",
            Self::SignIn => "sign_in",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Data => "data",
            Self::Content => "content",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of one mail for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandOver {
    /// The server took responsibility for it.
    Accepted {
        /// What it said.
        reply: String,
        /// The mail's name in the server's queue, where the reply tells it.
        queue_id: Option<String>,
    },
    /// The server does not want it now; it did not take it.
    Deferred {
        /// The reply code, 4xx.
        code: u16,
        /// What it said.
        reply: String,
        /// When it said so.
        phase: Phase,
    },
    /// The server does not want it; it did not take it.
    Rejected {
        /// The reply code, 5xx.
        code: u16,
        /// The enhanced code, where the reply has one.
        enhanced: Option<EnhancedCode>,
        /// What it said.
        reply: String,
        /// Whether the recipient's address is bad for good, so that nothing may be sent to it again.
        hard: bool,
        /// When it said so.
        phase: Phase,
    },
    /// The server cannot have it: the final dot was not written. It may be sent again.
    NotStarted {
        /// Why it did not come to that.
        reason: String,
    },
    /// The server may have it: the final dot may have left, and no reply came. It must not be sent again unasked.
    Unknown {
        /// What happened instead of a reply.
        reason: String,
    },
}

impl HandOver {
    /// Reads a reply of class 2, 4 or 5. A reply of class 3 answers no such question.
    pub(super) fn from_reply(phase: Phase, reply: &Reply) -> Option<Self> {
        let text = reply.to_string();
        match reply.class() {
            Class::Positive => Some(Self::Accepted { reply: text, queue_id: reply.queue_id() }),
            Class::Transient => Some(Self::Deferred { code: reply.code, reply: text, phase }),
            Class::Permanent => Some(Self::Rejected {
                code: reply.code,
                enhanced: reply.enhanced(),
                reply: text,
                hard: is_hard(phase, reply),
                phase,
            }),
            Class::Intermediate => None,
        }
    }

    /// A mail that this server cannot be given at all, in the words in which it would refuse it itself.
    pub(super) fn unfit(code: u16, text: &str, phase: Phase, hard: bool) -> Self {
        let reply = Reply { code, text: text.to_owned() };
        Self::Rejected { code, enhanced: reply.enhanced(), reply: reply.to_string(), hard, phase }
    }
}

/// Words of replies that refuse the sender or the content, though their code is one of a bad address.
const POLICY_WORDS: [&str; 16] = [
    "spam",
    "policy",
    "block",
    "blacklist",
    "denylist",
    "reputation",
    "relay",
    "denied",
    "authenticat",
    "spf",
    "dkim",
    "dmarc",
    "rate",
    "sender",
    "quota",
    "full",
];

/// Whether a 5xx reply says that the recipient's address is bad.
///
/// An enhanced code is believed. Without one, only the replies to RCPT that RFC 5321 section 4.2.3 reserves
/// for unknown mailboxes count, and only when their text names no other reason: suppressing a good address
/// because of our own reputation would lose a lead for ever.
fn is_hard(phase: Phase, reply: &Reply) -> bool {
    if phase < Phase::Recipient {
        return false;
    }
    match reply.enhanced() {
        // RFC 3463 section 3.2 without 5.1.5 (valid), 5.1.7 and 5.1.8 (the sender's address); 5.1.10 is RFC 7505.
        Some(EnhancedCode { subject: 1, detail: 1 | 2 | 3 | 4 | 6 | 10, .. }) => true,
        // `5.1.0` says "address" and leaves open whose; before the content it can only be the recipient's.
        Some(EnhancedCode { subject: 1, detail: 0, .. }) => phase == Phase::Recipient && !names_a_policy(reply),
        // The mailbox is disabled for good.
        Some(EnhancedCode { subject: 2, detail: 1, .. }) => true,
        Some(_) => false,
        None => phase == Phase::Recipient && matches!(reply.code, 550 | 551 | 553) && !names_a_policy(reply),
    }
}

fn names_a_policy(reply: &Reply) -> bool {
    let text = reply.text.to_ascii_lowercase();
    POLICY_WORDS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(phase: Phase, code: u16, text: &str) -> HandOver {
        HandOver::from_reply(phase, &Reply { code, text: text.to_owned() }).expect("a reply of class 2, 4 or 5")
    }

    #[test]
    fn the_first_digit_decides_in_every_phase() {
        for phase in [Phase::Sender, Phase::Recipient, Phase::Data, Phase::Content] {
            assert!(matches!(read(phase, 451, "4.7.1 later"), HandOver::Deferred { code: 451, .. }));
            assert!(matches!(read(phase, 421, "closing"), HandOver::Deferred { code: 421, .. }));
            assert!(matches!(read(phase, 554, "5.7.1 no"), HandOver::Rejected { code: 554, hard: false, .. }));
        }
        assert!(matches!(read(Phase::Content, 250, "ok"), HandOver::Accepted { .. }));
        assert!(matches!(read(Phase::Content, 252, "ok"), HandOver::Accepted { .. }));
        assert_eq!(HandOver::from_reply(Phase::Content, &Reply { code: 354, text: "go".into() }), None);
    }

    #[test]
    fn only_a_bad_recipient_is_hard() {
        for (phase, code, text, expected) in [
            (Phase::Recipient, 550, "5.1.1 no such user", true),
            (Phase::Recipient, 550, "no such user here", true),
            (Phase::Recipient, 551, "user not local", true),
            (Phase::Recipient, 553, "mailbox name not allowed", true),
            (Phase::Recipient, 556, "5.1.10 the domain takes no mail", true),
            (Phase::Recipient, 550, "5.2.1 mailbox disabled", true),
            (Phase::Recipient, 550, "5.1.0 address unknown", true),
            (Phase::Content, 550, "5.1.1 no such user", true),
            (Phase::Recipient, 550, "5.1.8 bad sender domain", false),
            (Phase::Recipient, 550, "5.7.1 we do not like you", false),
            (Phase::Recipient, 550, "5.7.515 access denied", false),
            (Phase::Recipient, 552, "5.2.2 mailbox full", false),
            (Phase::Recipient, 552, "mailbox over its size", false),
            (Phase::Recipient, 550, "relay not permitted", false),
            (Phase::Recipient, 550, "rejected: listed as spam source", false),
            (Phase::Recipient, 554, "no", false),
            (Phase::Sender, 550, "5.1.0 sender rejected", false),
            (Phase::Sender, 550, "5.1.1 unknown", false),
            (Phase::Content, 550, "message refused", false),
            (Phase::Content, 554, "5.1.0 refused", false),
        ] {
            let HandOver::Rejected { hard, .. } = read(phase, code, text) else {
                panic!("{code} {text} was not a rejection");
            };
            assert_eq!(hard, expected, "{phase}: {code} {text}");
        }
    }
}
