//! What the sender of a mail says, apart from what the mail quotes. The parts together are the whole text, so
//! nothing is lost, and a quote is never taken for the sender's own words.

/// A text in two parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// What the sender says.
    pub own: String,
    /// What they quote, and their signature.
    pub quoted: String,
}

/// How the line before a quote begins, and how it ends, in small letters.
const BEGINS: [&str; 13] =
    ["on ", "am ", "le ", "el ", "w dniu ", "dnia ", "pon.", "wt.", "śr.", "czw.", "pt.", "sob.", "niedz."];
const ENDS: [&str; 8] =
    ["wrote:", "schrieb:", "a écrit :", "a écrit:", "escribió:", "napisał:", "napisała:", "napisał(a):"];
/// Lines between dashes that stand before an older mail.
const ORIGINAL: [&str; 7] = [
    "original message",
    "ursprüngliche nachricht",
    "message d'origine",
    "message d’origine",
    "mensaje original",
    "wiadomość oryginalna",
    "forwarded message",
];
/// First and second lines of the headers that some mail programs put before an older mail.
const FROM: [&str; 4] = ["from:", "von:", "de:", "od:"];
const SENT: [&str; 10] =
    ["sent:", "date:", "gesendet:", "datum:", "envoyé :", "envoyé:", "enviado:", "enviado el:", "wysłano:", "data:"];

/// Takes a text apart.
#[must_use]
pub fn split(text: &str) -> Parts {
    let lines: Vec<&str> = text.lines().collect();
    let mut parts = Parts::default();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if line.trim_start().starts_with('>') {
            add(&mut parts.quoted, line);
            at += 1;
        } else if let Some(after) = attribution(&lines, at) {
            lines[at..after].iter().for_each(|line| add(&mut parts.quoted, line));
            let quote = lines[after..].iter().find(|line| !line.trim().is_empty());
            if !quote.is_some_and(|line| line.trim_start().starts_with('>')) {
                // Without marks nobody can tell where the quote ends.
                lines[after..].iter().for_each(|line| add(&mut parts.quoted, line));
                break;
            }
            at = after;
        } else if ends_own_words(&lines, at) {
            lines[at..].iter().for_each(|line| add(&mut parts.quoted, line));
            break;
        } else {
            add(&mut parts.own, line);
            at += 1;
        }
    }
    Parts { own: parts.own.trim().to_owned(), quoted: parts.quoted.trim().to_owned() }
}

fn add(part: &mut String, line: &str) {
    part.push_str(line.trim_end());
    part.push('\n');
}

/// The line after “On Friday Nora wrote:”, which mail programs may wrap.
fn attribution(lines: &[&str], at: usize) -> Option<usize> {
    let first = lines[at].trim().to_lowercase();
    if !BEGINS.iter().any(|word| first.starts_with(word)) {
        return None;
    }
    let is_end = |line: &&str| {
        let line = line.trim().to_lowercase();
        ENDS.iter().any(|end| line.ends_with(end)) || (line.ends_with(':') && line.contains(" schrieb "))
    };
    let last = lines[at..].iter().take(3).take_while(|line| !line.trim().is_empty()).position(is_end)?;
    Some(at + last + 1)
}

/// Whether an older mail or the signature begins here.
fn ends_own_words(lines: &[&str], at: usize) -> bool {
    let line = lines[at].trim().to_lowercase();
    if lines[at].trim_end() == "--" || (line.len() >= 20 && line.chars().all(|c| c == '_')) {
        return true;
    }
    let between = line.trim_matches(['-', ' ']);
    if line.starts_with("--") && ORIGINAL.contains(&between) {
        return true;
    }
    let begins = |line: &str, words: &[&str]| words.iter().any(|word| line.starts_with(word));
    let next = lines[at + 1..].iter().take(2).map(|line| line.trim().to_lowercase());
    begins(line.trim_start_matches('*'), &FROM)
        && next.into_iter().any(|line| begins(line.trim_start_matches('*'), &SENT))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn own_words_are_told_from_quotes() {
        for (text, own) in [
            (
                "Yes, please.\n\nOn Fri, 20 Nov 2026 at 10:00, Nora Berg <nora@halden.example> wrote:\n> Stop?\n",
                "Yes, please.",
            ),
            ("Gerne!\r\n\r\nAm 20.11.2026 um 10:00 schrieb Nora Berg:\r\n> unsubscribe", "Gerne!"),
            ("Oui.\n\nLe ven. 20 nov. 2026 à 10:00, Nora Berg <nora@halden.example>\na écrit :\n\n> Bonjour", "Oui."),
            ("Sí.\n\nEl vie, 20 nov 2026 a las 10:00, Nora (<n@h.example>) escribió:\n> Hola", "Sí."),
            (
                "Tak.\n\npt., 20 lis 2026 o 10:00\n\nW dniu 20.11.2026 Nora Berg napisał(a):\n> Cześć",
                "Tak.\n\npt., 20 lis 2026 o 10:00",
            ),
            (
                "On Friday Nora wrote:\n> Shall we?\n\nLet us talk.\n\n> Or later?\n\nLater is fine.",
                "Let us talk.\n\n\nLater is fine.",
            ),
            ("Sounds good\n\n-----Original Message-----\nFrom: Nora\nUnsubscribe here", "Sounds good"),
            ("Passt.\n\nVon: Nora Berg\nGesendet: Freitag\nAn: Ines\n\nStop", "Passt."),
            ("Fine\n________________________________\nFrom: x", "Fine"),
            ("Thanks\n-- \nInes, stop the clock", "Thanks"),
            ("On Monday I am free.\nBest, Ines", "On Monday I am free.\nBest, Ines"),
            ("", ""),
        ] {
            assert_eq!(split(text).own, own, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_marked_line_is_never_the_senders_own(lines in prop::collection::vec("[>a-z ]{0,12}", 0..20)) {
            let own = split(&lines.join("\n")).own;
            prop_assert!(own.lines().all(|line| !line.trim_start().starts_with('>')), "{own}");
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC*") {
            let parts = split(&text);
            prop_assert!(parts.own.len() + parts.quoted.len() <= text.len() + text.lines().count());
        }
    }
}
