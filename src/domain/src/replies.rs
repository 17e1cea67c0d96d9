//! Replies: e-mails that people write in a thread. One leaves some seconds after it was written, so that it can be
//! taken back, or at a time that its author has chosen.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    MessageId, Problem,
    drafts::{MAX_BODY, MAX_SUBJECT},
    problem::Problems,
    template,
};

/// A reply can be taken back for so long.
pub const UNDO: Duration = Duration::seconds(10);
/// The furthest that a reply may be planned, in days.
pub const MAX_AHEAD: i64 = 366;

/// What somebody writes in a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ReplyInput {
    /// Subject on one line; “Re: ” and the one of the mail that is answered when absent.
    pub subject: Option<String>,
    /// Plain text of at most 20,000 characters. It leaves as it is written: no footer, and a variable such as
    /// `{first_name}` is refused.
    pub body: String,
    /// Whether the mail that is answered stands below the words, as it does when absent.
    pub quotes: bool,
    /// Whether the thread is done with it, as it is when absent. It comes back when they write again.
    pub then_done: bool,
    /// When it leaves; in ten seconds when absent.
    pub send_at: Option<DateTime<Utc>>,
}

impl Default for ReplyInput {
    fn default() -> Self {
        Self { subject: None, body: String::new(), quotes: true, then_done: true, send_at: None }
    }
}

impl ReplyInput {
    /// The same, trimmed and checked.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self, now: DateTime<Utc>) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        let body = self.body.replace("\r\n", "\n").trim().to_owned();
        if body.is_empty() {
            problems.push(Problem::field("body", "body_missing", "Write what you answer."));
        }
        if body.chars().count() > MAX_BODY || body.contains('\0') {
            problems.push(Problem::field("body", "body_long", "Use at most 20,000 characters of plain text."));
        }
        if let Some(variable) = template::variables(&body).first() {
            problems.push(Problem::field(
                "body",
                "variable_left",
                format!("An answer leaves as it is written. Write what stands for {{{variable}}}, or take it out."),
            ));
        }
        if let Some(gap) = gap(&body) {
            let words = format!("Something is still to be filled in: write it in place of “{gap}”.");
            problems.push(Problem::field("body", "gap_left", words));
        }
        let subject = self.subject.map(|subject| subject.split_whitespace().collect::<Vec<_>>().join(" "));
        let subject = subject.filter(|subject| !subject.is_empty());
        if subject.as_ref().is_some_and(|text| text.chars().count() > MAX_SUBJECT || text.contains('\0')) {
            problems.push(Problem::field("subject", "subject_long", "Use at most 200 characters for the subject."));
        }
        if self.send_at.is_some_and(|at| at <= now) {
            problems.push(Problem::field("send_at", "time_past", "Choose a time that is still to come."));
        }
        if self.send_at.is_some_and(|at| at > now + Duration::days(MAX_AHEAD)) {
            problems.push(Problem::field("send_at", "time_far", "Choose a time within a year from now."));
        }
        problems.finish()?;
        Ok(Self { subject, body, ..self })
    }
}

/// A reply that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reply {
    /// The e-mail.
    pub id: MessageId,
    /// When it leaves.
    pub send_at: DateTime<Utc>,
    /// Its subject.
    pub subject: String,
    /// Its words, without what it quotes.
    pub body: String,
}

/// What somebody has begun to write in a thread; others do not see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyDraft {
    /// Subject.
    pub subject: String,
    /// Words, as they were entered.
    pub body: String,
    /// Whether the mail that is answered stands below them.
    pub quotes: bool,
    /// When it is to leave; in ten seconds when absent.
    pub send_at: Option<DateTime<Utc>>,
    /// What an agent has drafted stands in the words, below those of the person.
    pub arrived: bool,
}

/// The subject of an answer (RFC 5322, 3.6.5): “Re: ” once, whatever programs of other languages put there.
#[must_use]
pub fn answer_subject(subject: &str) -> String {
    const MARKS: [&str; 6] = ["re:", "aw:", "sv:", "odp:", "rif:", "antw:"];
    let mut bare = subject.trim();
    let marked = |text: &str| {
        let starts = |mark: &&&str| text.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark));
        MARKS.iter().find(starts).map(|mark| mark.len())
    };
    while let Some(mark) = marked(bare) {
        bare = bare[mark..].trim_start();
    }
    let text = if bare.is_empty() { "your mail" } else { bare };
    format!("Re: {text}").chars().take(MAX_SUBJECT).collect()
}

/// The words that are answered, below the line that says whose they are.
#[must_use]
pub fn quote(name: &str, day: &str, text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("> {line}\n")).collect();
    format!("On {day}, {name} wrote:\n{lines}")
}

/// What a draft has left open for a person, as in “[ANSWER: the price]”: a word in capitals and a colon in brackets.
fn gap(text: &str) -> Option<&str> {
    let ends = |from: usize| text[from..].find(']').map(|end| from + end + 1);
    text.match_indices('[').find_map(|(from, _)| {
        let gap = &text[from..ends(from)?];
        let (word, _) = gap[1..].split_once(':')?;
        (word.len() > 1 && word.chars().all(char::is_uppercase)).then_some(gap)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_says_re_once() {
        for (subject, answer) in [
            ("Lenses", "Re: Lenses"),
            ("Re: Lenses", "Re: Lenses"),
            ("AW: RE: re: Lenses", "Re: Lenses"),
            ("Regarding lenses", "Re: Regarding lenses"),
            ("Ödland", "Re: Ödland"),
            (" ", "Re: your mail"),
        ] {
            assert_eq!(answer_subject(subject), answer);
        }
        assert_eq!(answer_subject(&"x".repeat(300)).chars().count(), MAX_SUBJECT);
    }

    #[test]
    fn a_reply_has_words_and_a_time_to_come() {
        let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().expect("a time");
        let reply = |body: &str, seconds: i64| ReplyInput {
            body: body.to_owned(),
            subject: Some(" Two\n lines ".to_owned()),
            send_at: Some(now + Duration::seconds(seconds)),
            ..ReplyInput::default()
        };
        assert_eq!(reply(" Yes\r\nplease ", 1).check(now).expect("fine").body, "Yes\nplease");
        assert_eq!(reply("Yes", 1).check(now).expect("fine").subject.as_deref(), Some("Two lines"));
        let year = MAX_AHEAD * 24 * 3600 + 1;
        for (input, code) in
            [(reply(" ", 1), "body_missing"), (reply("Yes", 0), "time_past"), (reply("Yes", year), "time_far")]
        {
            assert_eq!(input.check(now).expect_err("refused")[0].code, code);
        }
        assert!(reply(&"x".repeat(MAX_BODY + 1), 1).check(now).is_err());
        assert_eq!(reply("Dear {first_name}", 1).check(now).expect_err("refused")[0].code, "variable_left");
        assert!(reply("{\"lens\": 4} {}", 1).check(now).is_ok());
        let gap = reply("The price is [ANSWER: to be filled in].", 1).check(now).expect_err("refused");
        assert!(gap[0].code == "gap_left" && gap[0].message.contains("“[ANSWER: to be filled in]”"), "{gap:?}");
        assert!(reply("See [1] and [note: ours] [ANSWER", 1).check(now).is_ok());
    }

    #[test]
    fn what_is_quoted_says_whose_it_is() {
        assert_eq!(
            quote("Ines", "20 November 2026", "Hi\n\nyou"),
            "On 20 November 2026, Ines wrote:\n> Hi\n> \n> you\n"
        );
    }
}
