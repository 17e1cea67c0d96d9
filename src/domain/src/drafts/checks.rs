//! What a draft is judged by before anybody sees it. The same text and facts always get the same verdict, and
//! no check asks a model.

use serde::{Deserialize, Serialize};

use super::{
    Fact, Sentence,
    claims::{numbers_of_phones, unsupported},
    tone::tone,
};
use crate::{Refusal, campaigns::checks::Verdict, words::plural};

/// How fast people read (Brysbaert, 2019: 238 words of English, fewer in most other languages).
const WORDS_PER_MINUTE: usize = 200;
/// Words that filters for spam look for.
const SPAM: &[&str] = &[
    "act now",
    "buy now",
    "click ",
    "limited time",
    "risk-free",
    "risk free",
    "100% free",
    "free!",
    "for free",
    "free of charge",
    "winner",
    "cash bonus",
    "no obligation",
    "urgent",
    "special promotion",
    "once in a lifetime",
    "double your",
    "earn money",
];

/// One line under a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftCheck {
    /// Stable word for programs.
    pub code: String,
    /// What it says. With `block` the draft is not sent or approved together with others.
    pub verdict: Verdict,
    /// Sentence for people.
    pub message: String,
}

impl DraftCheck {
    /// What is looked at, as people name it.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match &*self.code {
            "sources" => "Claims",
            "length" => "Length",
            "subject" => "Subject",
            "links" => "Links",
            "spam" => "Spam words",
            "tone" => "Tone",
            "forbidden" => "Forbidden terms",
            "variables" => "Variables",
            "personal_data" => "Personal data",
            _ => "Check",
        }
    }
}

/// What is judged, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// Subject.
    pub subject: &'a str,
    /// The text.
    pub sentences: &'a [Sentence],
    /// What was known.
    pub facts: &'a [Fact],
    /// Words that the company does not write.
    pub forbidden: &'a [String],
}

/// Whether a draft may be approved without anybody reading it.
#[must_use]
pub fn passes(checks: &[DraftCheck]) -> bool {
    checks.iter().all(|check| check.verdict != Verdict::Block)
}

/// Why a draft may not be approved. What has no subject, or a variable without a value, is never sent; what else stands
/// against it a person overrules who has `acknowledged` it.
///
/// # Errors
/// Refused, with what to do.
pub fn require_approvable(checks: &[DraftCheck], acknowledged: bool) -> Result<(), Refusal> {
    let against: Vec<_> = checks.iter().filter(|check| check.verdict == Verdict::Block).collect();
    let words = |checks: &[&DraftCheck]| checks.iter().map(|c| c.message.as_str()).collect::<Vec<_>>().join(" ");
    let gaps: Vec<_> = against.iter().copied().filter(|c| matches!(&*c.code, "subject" | "variables")).collect();
    if !gaps.is_empty() {
        let words = format!("{} Edit the draft, or ask for another one.", words(&gaps));
        return Err(Refusal::new("draft_incomplete", words, &["edit", "rewrite", "reject"]));
    }
    if against.is_empty() || acknowledged {
        return Ok(());
    }
    let words = format!("{} Confirm that you have read this to approve it all the same.", words(&against));
    Err(Refusal::new("acknowledgement_needed", words, &["approve", "edit", "rewrite", "reject"]))
}

/// Marks in each sentence what it claims without a fact, then runs every check.
#[must_use]
pub fn judge(subject: &str, sentences: &mut [Sentence], facts: &[Fact], forbidden: &[String]) -> Vec<DraftCheck> {
    for sentence in sentences.iter_mut() {
        sentence.unsupported = unsupported(&sentence.text, facts, !sentence.facts.is_empty());
    }
    let m = Material { subject, sentences, facts, forbidden };
    let text = m.sentences.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(" ");
    vec![
        sources(&m),
        length(&text),
        subject_length(m.subject),
        links(&text, facts),
        spam(m.subject, &text),
        tone(m.subject, &text, facts),
        forbidden_terms(&m, &text),
        variables(m.subject, &text),
        personal_data(&text, facts),
    ]
}

/// What is said to somebody who writes the same words for everybody. It keeps nothing from leaving.
#[must_use]
pub fn hints(subject: &str, text: &str) -> Vec<DraftCheck> {
    let mut length = length(text);
    let seconds = text.split_whitespace().count() * 60 / WORDS_PER_MINUTE;
    if length.verdict == Verdict::Pass {
        length.message =
            format!("{} Read in {}.", length.message, plural(i64::try_from(seconds).unwrap_or(0), "second", "seconds"));
    }
    let mut hints = vec![length, subject_length(subject), number_of_links(links_in(text).len()), spam(subject, text)];
    for hint in hints.iter_mut().filter(|hint| hint.verdict == Verdict::Block) {
        hint.verdict = Verdict::Warn;
    }
    hints
}

fn sources(m: &Material<'_>) -> DraftCheck {
    let mut claims = unsupported(m.subject, m.facts, false);
    claims.extend(m.sentences.iter().flat_map(|sentence| sentence.unsupported.iter().cloned()));
    if claims.is_empty() {
        return pass("sources", "Every claim rests on a fact.");
    }
    block("sources", format!("No fact says: {}.", quoted(claims)))
}

fn length(text: &str) -> DraftCheck {
    let words = text.split_whitespace().count();
    let said = plural(i64::try_from(words).unwrap_or(i64::MAX), "word", "words");
    match words {
        0..5 => block("length", format!("{said} are too few for an e-mail.")),
        5..=200 => pass("length", format!("{said}.")),
        201..=400 => warn("length", format!("{said}. Short e-mails are answered more often.")),
        _ => block("length", format!("{said} are too many. Stay below 400.")),
    }
}

fn subject_length(subject: &str) -> DraftCheck {
    match subject.chars().count() {
        0 => block("subject", "There is no subject."),
        1..=78 => pass("subject", "The subject fits on one line."),
        _ => warn("subject", "The subject is longer than a line: many programs cut it."),
    }
}

fn links_in(text: &str) -> Vec<&str> {
    let is_link = |word: &&str| ["http://", "https://", "www."].iter().any(|start| word.contains(start));
    text.split_whitespace().filter(is_link).collect()
}

fn links(text: &str, facts: &[Fact]) -> DraftCheck {
    let links = links_in(text);
    let unknown = links.iter().filter(|link| {
        let link = link.trim_matches(|c: char| matches!(c, '.' | ',' | ')' | '(' | '<' | '>'));
        !facts.iter().any(|fact| fact.value.contains(link))
    });
    match unknown.count() {
        0 => number_of_links(links.len()),
        _ => block("links", "A link leads where no fact does."),
    }
}

fn number_of_links(links: usize) -> DraftCheck {
    match links {
        0 => pass("links", "No links."),
        1..=2 => pass("links", "No more than two links."),
        _ => warn("links", "More than two links look like advertising."),
    }
}

fn spam(subject: &str, text: &str) -> DraftCheck {
    let all = format!("{subject} {text}").to_lowercase();
    let found: Vec<_> = SPAM.iter().filter(|words| all.contains(**words)).map(|words| (*words).to_owned()).collect();
    match found.len() {
        0 => pass("spam", "No words that filters look for."),
        1 => warn("spam", format!("Filters look for {}.", quoted(found))),
        _ => block("spam", format!("Filters look for {}.", quoted(found))),
    }
}

fn forbidden_terms(m: &Material<'_>, text: &str) -> DraftCheck {
    let all = format!("{} {text}", m.subject).to_lowercase();
    let found: Vec<_> = m.forbidden.iter().filter(|term| all.contains(&term.to_lowercase())).cloned().collect();
    if found.is_empty() {
        return pass("forbidden", "No forbidden terms.");
    }
    block("forbidden", format!("Your company does not write {}.", quoted(found)))
}

fn variables(subject: &str, text: &str) -> DraftCheck {
    let open = |text: &str| ["{", "}", "[name", "[company", "[your"].iter().any(|mark| text.contains(mark));
    if open(subject) || open(&text.to_lowercase()) {
        return block("variables", "A variable has no value.");
    }
    pass("variables", "Every variable has a value.")
}

fn personal_data(text: &str, facts: &[Fact]) -> DraftCheck {
    let known = |wanted: &str| facts.iter().any(|fact| fact.value.to_lowercase().contains(&wanted.to_lowercase()));
    let addresses = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')));
    let strange = addresses.map(str::to_owned).filter(|address| !known(address));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let phones = numbers_of_phones(text)
        .into_iter()
        .filter(|phone| !facts.iter().any(|fact| digits(&fact.value).contains(&digits(phone))));
    let found: Vec<_> = strange.chain(phones).collect();
    if found.is_empty() {
        return pass("personal_data", "No address or number of somebody else.");
    }
    block("personal_data", format!("Belongs to somebody else: {}.", quoted(found)))
}

pub(super) fn quoted(mut found: Vec<String>) -> String {
    found.sort();
    found.dedup();
    found.iter().map(|words| format!("“{words}”")).collect::<Vec<_>>().join(", ")
}

pub(super) fn pass(code: &str, message: impl Into<String>) -> DraftCheck {
    DraftCheck { code: code.to_owned(), verdict: Verdict::Pass, message: message.into() }
}

pub(super) fn warn(code: &str, message: impl Into<String>) -> DraftCheck {
    DraftCheck { code: code.to_owned(), verdict: Verdict::Warn, message: message.into() }
}

pub(super) fn block(code: &str, message: impl Into<String>) -> DraftCheck {
    DraftCheck { code: code.to_owned(), verdict: Verdict::Block, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drafts::{FactSource, ground};

    fn facts() -> Vec<Fact> {
        [
            ("lead.first_name", FactSource::Lead, "Ines"),
            ("lead.email", FactSource::Lead, "ines@corvus.example"),
            ("account.employees", FactSource::Account, "250"),
            ("step.instructions", FactSource::Step, "Invite them to https://halden.example/fair."),
        ]
        .map(|(id, source, value)| Fact {
            id: id.into(),
            source,
            label: id.into(),
            value: value.into(),
            document: None,
        })
        .to_vec()
    }

    fn failed(subject: &str, body: &str) -> Vec<String> {
        let (facts, forbidden) = (facts(), ["cheap".to_owned()]);
        let mut sentences = ground(body, &facts, &[], None);
        let checks = judge(subject, &mut sentences, &facts, &forbidden);
        assert_eq!(passes(&checks), checks.iter().all(|check| check.verdict != Verdict::Block));
        checks.into_iter().filter(|check| check.verdict != Verdict::Pass).map(|check| check.code).collect()
    }

    #[test]
    fn each_fault_is_found_by_its_check() {
        let good = "Hi Ines,\n\nhow do your 250 people look after their instruments?";
        assert_eq!(failed("A question", good), Vec::<String>::new());
        for (subject, body, code) in [
            ("A question", "Hi Ines, your 300 people deserve it, I think.", "sources"),
            ("Save 40 percent", good, "sources"),
            ("A question", "Hi Ines.", "length"),
            ("", good, "subject"),
            ("A question", "Hi Ines, have a look at https://evil.example/x for it.", "links"),
            ("A question", "Hi Ines, you may be a winner of something here.", "spam"),
            ("A question", "Hi Ines, this is your last chance to answer me.", "tone"),
            ("A question", "Hi Ines, these are cheap instruments for your work.", "forbidden"),
            ("A question", "Hi {first_name}, who looks after your instruments?", "variables"),
            ("A question", "Hi Ines, ask jonas@corvus.example, he may know it.", "personal_data"),
        ] {
            assert_eq!(failed(subject, body), [code], "{body}");
        }
        let known = "Hi Ines, is ines@corvus.example right, and may I show https://halden.example/fair to you?";
        assert_eq!(failed("A question", known), Vec::<String>::new());
        let all = judge("A question", &mut ground(known, &facts(), &[], None), &facts(), &[]);
        assert!(all.iter().all(|check| check.label() != "Check"), "{all:?}");
        let phone = failed("A question", "Hi Ines, call +49 30 1234567 when you have the time.");
        assert!(phone.contains(&"personal_data".to_owned()), "{phone:?}");
    }

    #[test]
    fn whoever_writes_for_everybody_gets_hints_that_stop_nothing() {
        let told = |subject: &str, text: &str| {
            let warned = hints(subject, text).into_iter().filter(|hint| hint.verdict != Verdict::Pass);
            warned.map(|hint| (hint.code, hint.verdict)).collect::<Vec<_>>()
        };
        let good = "Hi Ines, may I show you https://halden.example/fair?";
        assert_eq!(told("A question", good), []);
        assert_eq!(hints("A question", good)[0].message, "7 words. Read in 2 seconds.");
        let of = |code: &str| vec![(code.to_owned(), Verdict::Warn)];
        assert_eq!(told("A question", "Hi Ines."), of("length"));
        assert_eq!(told("A question", &format!("{good} www.a.example www.b.example")), of("links"));
        assert_eq!(told("A question", &format!("{good} No obligation, and you may be a winner.")), of("spam"));
        assert_eq!(told(&"Long ".repeat(20), good), of("subject"));
    }

    #[test]
    fn what_stands_against_a_draft_is_read_before_it_is_approved() {
        let approvable = |subject: &str, body: &str, acknowledged| {
            let checks = judge(subject, &mut ground(body, &facts(), &[], None), &facts(), &[]);
            require_approvable(&checks, acknowledged).map_err(|refusal| refusal.code)
        };
        let (good, bold) =
            ("Hi Ines, who looks after your instruments?", "Hi Ines, your 300 people deserve it, I think.");
        assert_eq!(approvable("A question", good, false), Ok(()));
        assert_eq!(approvable("A question", bold, false), Err("acknowledgement_needed".into()));
        assert_eq!(approvable("A question", bold, true), Ok(()));
        let gap = "Hi {first_name}, who looks after your instruments?";
        for (subject, body) in [("A question", gap), ("For {company}", good), ("", good)] {
            assert_eq!(approvable(subject, body, true), Err("draft_incomplete".into()), "nobody overrules a gap");
        }
    }
}
