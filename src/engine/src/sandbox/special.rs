//! Recipients with a behaviour of their own, chosen by their local part.
//! Only the exact words count, so that no ordinary address meets one by accident.

use domain::inbound::AnswerAs;

/// What the server does for a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// Refuses it with this reply.
    Refused(&'static str),
    /// Takes it, slowly.
    Slow,
    /// Takes it, and hangs up without saying so.
    Silent,
}

/// The behaviour of a recipient, if it has one.
pub(super) fn special(recipient: &str) -> Option<Special> {
    match word(recipient)?.as_str() {
        "bounce" => Some(Special::Refused("550 5.1.1 No such mailbox here")),
        "full" => Some(Special::Refused("552 5.2.2 The mailbox is full")),
        "defer" => Some(Special::Refused("451 4.7.1 Not now, please try again later")),
        "slow" => Some(Special::Slow),
        "silent" => Some(Special::Silent),
        _ => None,
    }
}

/// How a recipient answers by itself, if it does.
pub(super) fn answer(recipient: &str) -> Option<AnswerAs> {
    match word(recipient)?.as_str() {
        "reply" => Some(AnswerAs::Reply),
        "away" => Some(AnswerAs::OutOfOffice),
        "gone" => Some(AnswerAs::Bounce),
        _ => None,
    }
}

fn word(recipient: &str) -> Option<String> {
    let (local, _) = recipient.rsplit_once('@')?;
    Some(local.split('+').next().unwrap_or(local).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_words_are_special() {
        for address in ["bounce@x.example", "Bounce+7@x.example", "full@x", "defer+a+b@x"] {
            assert!(matches!(special(address), Some(Special::Refused(_))), "{address}");
        }
        assert_eq!(special("slow+1@x.example"), Some(Special::Slow));
        assert_eq!(special("silent@x.example"), Some(Special::Silent));
        assert_eq!(answer("Reply+7@x.example"), Some(AnswerAs::Reply));
        assert_eq!(answer("away@x.example"), Some(AnswerAs::OutOfOffice));
        assert_eq!((special("reply@x.example"), answer("replying@x.example")), (None, None));
        for address in ["bouncer@x", "no.bounce@x", "fuller@x", "deferred@x", "slowly@x", "a+bounce@x", "x@bounce"] {
            assert_eq!(special(address), None, "{address}");
        }
    }
}
