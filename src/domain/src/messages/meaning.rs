//! What the answer of a mail server means, by its codes: the enhanced one (RFC 3463 and what the registry of RFC 5248 has
//! taken up since), else the plain one (RFC 5321). The words beside the codes are for postmasters, and every server
//! chooses its own.

/// A sentence for the answer of a server; nothing for what is no answer of one.
#[must_use]
pub fn meaning(answer: &str) -> Option<&'static str> {
    let words = || answer.split(|c: char| c.is_whitespace() || "#()-:;,[]".contains(c));
    // A code stands at the beginning; further on, numbers are addresses, times and ids.
    words().take(12).find_map(enhanced).or_else(|| words().take(8).find_map(plain))
}

/// By an enhanced code: class, subject, detail.
fn enhanced(word: &str) -> Option<&'static str> {
    let mut parts = word.split('.');
    let (class, subject, detail) = (parts.next()?, number(parts.next()?)?, number(parts.next()?)?);
    if parts.next().is_some() {
        return None;
    }
    match class {
        "2" => Some("The server has taken it."),
        "4" => Some(for_now(subject, detail).unwrap_or_else(|| for_good(subject, detail))),
        "5" => Some(for_good(subject, detail)),
        _ => None,
    }
}

fn number(part: &str) -> Option<u16> {
    let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    part.parse().ok().filter(|_| is_number)
}

/// Where “later” means something else than “no”.
fn for_now(subject: u16, detail: u16) -> Option<&'static str> {
    Some(match (subject, detail) {
        (2, 1) => "The mailbox takes no e-mails just now.",
        (2, 2) => return None,
        (1 | 2, _) => "The mailbox cannot be reached just now.",
        (3, 0 | 2) => "The server takes no e-mails just now.",
        (7, 0 | 1) => "The server puts e-mails of this sender off for now.",
        (7, 28) => "The server finds that too many e-mails come at once.",
        _ => return None,
    })
}

const fn for_good(subject: u16, detail: u16) -> &'static str {
    match (subject, detail) {
        (1, 1) => "The mailbox does not exist.",
        (1, 2) => "The domain of the address does not exist.",
        (1, 3) => "The address is not written as addresses are.",
        (1, 4) => "The address stands for more than one mailbox.",
        (1, 6) => "The mailbox has moved, and the server does not say where.",
        (1, 7 | 8) => "The server does not accept the address of the sender.",
        (1, 10) => "The domain of the address takes no e-mails.",
        (1, _) => "Something is wrong with the address.",
        (2, 1) => "The mailbox is switched off.",
        (2, 2) => "The mailbox is full.",
        (2, 3) | (3, 4) => "The e-mail is too large.",
        (2, 4) => "The mailing list behind the address does not work.",
        (2, _) => "Something is wrong with the mailbox.",
        (3, 1) => "The server has no room left.",
        (3, _) => "The server has a problem of its own.",
        (4, 1) => "The server of the domain does not answer.",
        (4, 2) => "The connection to the server of the domain broke.",
        (4, 3 | 4) => "No server is known that takes e-mails of the domain.",
        (4, 5) => "The server of the domain is too busy.",
        (4, 6) => "The e-mail went in a circle between servers.",
        (4, 7) => "It was tried for too long.",
        (4, _) => "The way to the server of the domain does not work.",
        (5, 3) => "The e-mail has too many recipients.",
        (5, _) => "The two servers did not understand each other.",
        (6, _) => "The server cannot handle the form of the e-mail.",
        (7, 8) => "The sign-in of the sending mailbox was refused.",
        (7, 20..=22) => "The signature of the e-mail (DKIM) is missing or does not hold.",
        (7, 23 | 24) => "The domain of the sender does not name this server as one of its own (SPF).",
        (7, 25) => "The address of the sending server has no name.",
        (7, 26 | 509 | 515) => "The server wants proof that the e-mail is of its sender (SPF, DKIM, DMARC).",
        (7, 28) => "The server finds that too many e-mails come from this sender.",
        (7, _) => "The server does not let this sender write to the address.",
        _ => "The server gives no reason that it has a code for.",
    }
}

/// By a plain code.
fn plain(word: &str) -> Option<&'static str> {
    Some(match word {
        "250" => "The server has taken it.",
        "421" => "The server takes no e-mails just now.",
        "450" => "The mailbox cannot be reached just now.",
        "451" => "The server has a problem of its own just now.",
        "452" => "The server has no room just now.",
        "455" | "500" | "501" | "502" | "503" | "504" | "555" => "The two servers did not understand each other.",
        "530" | "535" => "The sign-in of the sending mailbox was refused.",
        "550" => "The server takes no e-mail for the address.",
        "521" | "556" => "The domain of the address takes no e-mails.",
        "551" => "The mailbox is not on this server.",
        "552" => "The mailbox has no room for the e-mail.",
        "553" => "The server does not accept the address.",
        "554" => "The server refuses the e-mail.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_sentence() {
        for (answer, sentence) in [
            ("550 5.1.1 No such mailbox here", "The mailbox does not exist."),
            ("550-5.1.1 The email account that you tried to reach does not exist", "The mailbox does not exist."),
            ("552 5.2.2 The mailbox is full", "The mailbox is full."),
            ("452 4.2.2 Over quota", "The mailbox is full."),
            ("450 4.2.1 Recipient receives mail at a rate", "The mailbox takes no e-mails just now."),
            ("450 4.1.1 Recipient address rejected: greylisted", "The mailbox cannot be reached just now."),
            ("451 4.7.1 Try again later", "The server puts e-mails of this sender off for now."),
            (
                "550 5.7.26 This mail has been blocked because the sender is unauthenticated",
                "The server wants proof that the e-mail is of its sender (SPF, DKIM, DMARC).",
            ),
            ("554 5.7.1: refused", "The server does not let this sender write to the address."),
            ("556 5.1.10 the domain takes no mail", "The domain of the address takes no e-mails."),
            ("the server answered: 552 5.3.4 too big", "The e-mail is too large."),
            ("Status: 5.4.7 (expired)", "It was tried for too long."),
            ("250 2.0.0 Ok: queued as 4bK2Qx1", "The server has taken it."),
            ("550 no such user", "The server takes no e-mail for the address."),
            ("451 later", "The server has a problem of its own just now."),
            ("554 5.0.0 refused", "The server gives no reason that it has a code for."),
        ] {
            assert_eq!(meaning(answer), Some(sentence), "{answer}");
        }
    }

    #[test]
    fn what_no_server_has_said_has_no_meaning() {
        for words in [
            "",
            "the line broke",
            "The worker ended while the e-mail was handed over. It may have arrived.",
            "The campaign was stopped.",
            "mail from 10.5.1.1 was late",
            "5.1.1234 is no code",
            "3.1.1 is none either",
        ] {
            assert_eq!(meaning(words), None, "{words}");
        }
    }
}
