//! Recipients with a behaviour of their own, chosen by their local part.
//! Only the exact words count, so that no ordinary address meets one by accident.

/// What the server does for a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// Refuses it with this reply.
    Refused(&'static str),
    /// Takes it, slowly.
    Slow,
}

/// The behaviour of a recipient, if it has one.
pub(super) fn special(recipient: &str) -> Option<Special> {
    let (local, _) = recipient.rsplit_once('@')?;
    let word = local.split('+').next().unwrap_or(local);
    match word.to_ascii_lowercase().as_str() {
        "bounce" => Some(Special::Refused("550 5.1.1 No such mailbox here")),
        "full" => Some(Special::Refused("552 5.2.2 The mailbox is full")),
        "defer" => Some(Special::Refused("451 4.7.1 Not now, please try again later")),
        "slow" => Some(Special::Slow),
        _ => None,
    }
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
        for address in ["bouncer@x", "no.bounce@x", "fuller@x", "deferred@x", "slowly@x", "a+bounce@x", "x@bounce"] {
            assert_eq!(special(address), None, "{address}");
        }
    }
}
