//! One signed-in connection that hands over mail after mail.
//! A session in doubt about the state of the conversation closes: it never reads one mail's reply as another's.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    HandOver, Limits, Phase,
    data::{self, BLOCK, FINAL_DOT},
    features::Features,
    reply::{Class, Reply},
    wire::{Wire, WireError},
};

/// How long a server may take to say good-bye; nothing depends on it.
const QUIT_WAIT: Duration = Duration::from_secs(5);
/// How long to listen for the reason after a server stopped reading the content.
const LAST_WORDS_WAIT: Duration = Duration::from_secs(1);

/// An open session.
pub struct Session {
    wire: Wire,
    features: Features,
    limits: Limits,
    state: State,
    handed_over: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The server waits for MAIL.
    Ready,
    /// A transaction was refused half-way; RSET clears it (RFC 5321 section 4.1.1.5).
    HalfWay,
    /// Nothing more can be said on this connection.
    Over,
}

/// How a transaction ended without the reply to its final dot.
enum Stop {
    Refused(Phase, Reply),
    /// Refused while the content was under way: the connection is in the middle of a mail.
    CutOff(Reply),
    Lost(Phase, WireError),
    LostAfterDot(WireError),
}

impl Session {
    pub(super) fn new(wire: Wire, features: Features, limits: Limits) -> Self {
        Self { wire, features, limits, state: State::Ready, handed_over: 0 }
    }

    pub(super) fn features(&self) -> &Features {
        &self.features
    }

    /// Whether another mail can be tried on this session.
    pub fn is_usable(&self) -> bool {
        self.state != State::Over
    }

    /// Hands one mail over to the server, for one recipient.
    ///
    /// `envelope_from` may be empty, the null return path. A future dropped on the way leaves the session unusable.
    pub async fn hand_over(&mut self, envelope_from: &str, recipient: &str, mime: &[u8]) -> HandOver {
        let mail = Mail { from: envelope_from, to: recipient, mime };
        if let Some(refusal) = mail.unfit_for(&self.features) {
            return refusal;
        }
        // Until the end is known, the session counts as over: so it is when this future is dropped.
        let state = std::mem::replace(&mut self.state, State::Over);
        if state == State::Over || self.wire.was_interrupted() {
            return HandOver::NotStarted { reason: "the server had closed the session".to_owned() };
        }
        let is_reused = self.handed_over > 0;
        self.handed_over += 1;
        match self.transaction(&mail, state).await {
            Ok(reply) => self.conclude(Phase::Content, &reply, State::Ready),
            // A connection that was kept open and is being closed says nothing about this mail.
            Err(Stop::Refused(Phase::Sender, reply)) if reply.code == 421 && is_reused => not_started(reply),
            Err(Stop::Refused(phase, reply)) => self.conclude(phase, &reply, State::HalfWay),
            Err(Stop::CutOff(reply)) => self.conclude(Phase::Content, &reply, State::Over),
            Err(Stop::Lost(phase, error)) => not_started(format_args!("{error} ({phase})")),
            Err(Stop::LostAfterDot(error)) => HandOver::Unknown { reason: format!("after the final dot {error}") },
        }
    }

    /// Asks whether the server sends for this address, and begins no mail.
    pub async fn try_sender(&mut self, address: &str) -> HandOver {
        let mail = Mail { from: address, to: address, mime: b"" };
        if let Some(refusal) = mail.unfit_for(&self.features) {
            return refusal;
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        if state != State::Ready {
            return not_started("the session is in the middle of a mail");
        }
        let wait = self.limits.sender;
        match self.wire.command(&mail.mail_command(&self.features), wait).await {
            Ok(reply) if reply.class() == Class::Intermediate => {
                not_started(WireError::Garbled("a reply that does not belong to the command"))
            }
            // Whoever uses the session begins with RSET.
            Ok(reply) => self.conclude(Phase::Sender, &reply, State::HalfWay),
            Err(error) => not_started(error),
        }
    }

    /// Asks whether the server takes mails from and to this address, and sends none.
    pub async fn try_address(&mut self, address: &str) -> HandOver {
        let mail = Mail { from: address, to: address, mime: b"" };
        if let Some(refusal) = mail.unfit_for(&self.features) {
            return refusal;
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        if state == State::Over {
            return not_started("the server had closed the session");
        }
        match self.envelope(&mail, state).await {
            Ok(()) => {
                self.state = State::HalfWay;
                HandOver::Accepted { reply: String::new(), queue_id: None }
            }
            Err(Stop::Refused(phase, reply)) => self.conclude(phase, &reply, State::HalfWay),
            Err(Stop::CutOff(reply)) => self.conclude(Phase::Content, &reply, State::Over),
            Err(Stop::Lost(_, error) | Stop::LostAfterDot(error)) => not_started(error),
        }
    }

    /// Says good-bye. The connection closes in any case.
    pub async fn quit(mut self) {
        if self.is_usable() {
            // Whatever comes back, everything is said.
            let _ = timeout(QUIT_WAIT, self.wire.command("QUIT", QUIT_WAIT)).await;
        }
    }

    /// MAIL, RCPT, DATA, the content and its final dot: RFC 5321 section 3.3.
    async fn transaction(&mut self, mail: &Mail<'_>, state: State) -> Result<Reply, Stop> {
        let limits = self.limits;
        timeout(limits.before_dot, self.offer(mail, state))
            .await
            .unwrap_or(Err(Stop::Lost(Phase::Content, WireError::TimedOut)))?;
        // From the first octet of this write on the server may have the mail.
        self.wire.write(FINAL_DOT, limits.block).await.map_err(Stop::LostAfterDot)?;
        let reply = self.wire.read_reply(limits.final_dot).await.map_err(Stop::LostAfterDot)?;
        match reply.class() {
            Class::Intermediate => Err(Stop::LostAfterDot(WireError::Garbled("it asked for more content"))),
            _ => Ok(reply),
        }
    }

    /// From whom and to whom.
    async fn envelope(&mut self, mail: &Mail<'_>, state: State) -> Result<(), Stop> {
        let limits = self.limits;
        if state == State::HalfWay {
            match self.wire.command("RSET", limits.command).await {
                Ok(reply) if reply.class() == Class::Positive => {}
                Ok(_) => return Err(Stop::Lost(Phase::Sender, WireError::Garbled("RSET was refused"))),
                Err(error) => return Err(Stop::Lost(Phase::Sender, error)),
            }
        }
        self.step(Phase::Sender, &mail.mail_command(&self.features), Class::Positive, limits.sender).await?;
        self.step(Phase::Recipient, &format!("RCPT TO:<{}>", mail.to), Class::Positive, limits.recipient).await
    }

    /// All that comes before the final dot: however slow the server is, nobody has the mail yet.
    async fn offer(&mut self, mail: &Mail<'_>, state: State) -> Result<(), Stop> {
        let limits = self.limits;
        self.envelope(mail, state).await?;
        self.step(Phase::Data, "DATA", Class::Intermediate, limits.data).await?;
        for block in data::stuff(mail.mime).chunks(BLOCK) {
            if let Err(error) = self.wire.write(block, limits.block).await {
                return Err(self.last_words(error).await);
            }
        }
        if self.wire.was_interrupted() {
            return Err(self.last_words(WireError::Garbled("it spoke before the end of the content")).await);
        }
        Ok(())
    }

    async fn step(&mut self, phase: Phase, line: &str, wanted: Class, wait: Duration) -> Result<(), Stop> {
        let reply = self.wire.command(line, wait).await.map_err(|error| Stop::Lost(phase, error))?;
        match reply.class() {
            class if class == wanted => Ok(()),
            Class::Transient | Class::Permanent => Err(Stop::Refused(phase, reply)),
            _ => Err(Stop::Lost(phase, WireError::Garbled("a reply that does not belong to the command"))),
        }
    }

    /// The content did not get through: often the server has said why.
    async fn last_words(&mut self, error: WireError) -> Stop {
        match self.wire.read_reply(LAST_WORDS_WAIT.min(self.limits.block)).await {
            Ok(reply) if matches!(reply.class(), Class::Transient | Class::Permanent) => Stop::CutOff(reply),
            Err(WireError::Closed) => Stop::Lost(Phase::Content, WireError::Closed),
            _ => Stop::Lost(Phase::Content, error),
        }
    }

    fn conclude(&mut self, phase: Phase, reply: &Reply, next: State) -> HandOver {
        // 421 announces that the server closes the connection (section 3.8).
        self.state = if reply.code == 421 { State::Over } else { next };
        HandOver::from_reply(phase, reply).expect("replies of class 3 do not get here")
    }
}

fn not_started(reason: impl std::fmt::Display) -> HandOver {
    HandOver::NotStarted { reason: reason.to_string() }
}

/// One mail with its envelope.
struct Mail<'a> {
    from: &'a str,
    to: &'a str,
    mime: &'a [u8],
}

impl Mail<'_> {
    /// Why this mail cannot be given to this server at all.
    fn unfit_for(&self, features: &Features) -> Option<HandOver> {
        let refused = HandOver::unfit;
        if !self.from.is_empty() && !is_path(self.from) {
            return Some(refused(553, "5.1.7 The sender's address is not valid", Phase::Sender, false));
        }
        if !is_path(self.to) {
            return Some(refused(553, "5.1.3 The recipient's address is not valid", Phase::Recipient, true));
        }
        if self.needs_utf8() && !features.utf8 {
            let text = "5.6.7 This mail server takes no addresses with letters outside ASCII (SMTPUTF8)";
            let phase = if self.from.is_ascii() { Phase::Recipient } else { Phase::Sender };
            return Some(refused(553, text, phase, false));
        }
        if !self.mime.is_ascii() && !features.eight_bit {
            let text = "5.6.3 This mail server takes no 8-bit content (8BITMIME)";
            return Some(refused(554, text, Phase::Content, false));
        }
        None
    }

    fn mail_command(&self, features: &Features) -> String {
        let mut line = format!("MAIL FROM:<{}>", self.from);
        if features.size.is_some() {
            line.push_str(&format!(" SIZE={}", self.mime.len()));
        }
        if !self.mime.is_ascii() {
            line.push_str(" BODY=8BITMIME");
        }
        if self.needs_utf8() {
            line.push_str(" SMTPUTF8");
        }
        line
    }

    /// Whether addresses or headers have letters outside ASCII (RFC 6531 section 3.1).
    fn needs_utf8(&self) -> bool {
        let headers = self.mime.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(self.mime.len());
        !(self.from.is_ascii() && self.to.is_ascii() && self.mime[..headers].is_ascii())
    }
}

/// Whether an address can stand between angle brackets without ending them: no injection gets past this.
fn is_path(address: &str) -> bool {
    address.len() <= 254
        && address.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !address.chars().any(|c| c.is_control() || c.is_whitespace() || "<>()\",;:\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail<'a>(from: &'a str, to: &'a str, mime: &'a [u8]) -> Mail<'a> {
        Mail { from, to, mime }
    }

    #[test]
    fn addresses_cannot_smuggle_commands() {
        for bad in ["a@b>\r\nDATA", "a@b> SIZE=1", "<a@b>", "a b@c", "a@", "@b", "ab", "", "a@b\n", "a@b\0"] {
            let outcome = mail("me@here.example", bad, b"").unfit_for(&Features::default());
            assert!(matches!(outcome, Some(HandOver::Rejected { hard: true, .. })), "{bad:?}");
        }
        assert!(
            mail("", "a@b.example", b"").unfit_for(&Features::default()).is_none(),
            "the null return path is valid"
        );
    }

    #[test]
    fn extensions_are_used_only_when_announced() {
        let all = Features { eight_bit: true, utf8: true, size: Some(None), ..Features::default() };
        let plain = mail("a@b.example", "c@d.example", b"Subject: x\r\n\r\nhello");
        assert_eq!(plain.mail_command(&Features::default()), "MAIL FROM:<a@b.example>");
        assert_eq!(plain.mail_command(&all), "MAIL FROM:<a@b.example> SIZE=19");

        let eight_bit = mail("a@b.example", "c@d.example", "Subject: x\r\n\r\nhéllo".as_bytes());
        assert_eq!(eight_bit.mail_command(&all), "MAIL FROM:<a@b.example> SIZE=20 BODY=8BITMIME");
        assert!(matches!(
            eight_bit.unfit_for(&Features::default()),
            Some(HandOver::Rejected { code: 554, hard: false, .. })
        ));

        let utf8 = mail("a@b.example", "é@d.example", b"Subject: x\r\n\r\nhello");
        assert!(utf8.mail_command(&all).ends_with(" SMTPUTF8"));
        assert!(matches!(
            utf8.unfit_for(&Features::default()),
            Some(HandOver::Rejected { code: 553, hard: false, .. })
        ));
    }
}
