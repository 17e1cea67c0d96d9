//! The built-in writer: fills in the template of the step, or a general one. It needs no model, says nothing
//! that it was not told, and the same facts give the same words.

use std::borrow::Cow;

use super::{Fact, Sentence, ground};
use crate::template::{self, Part, Variable};

/// The text that it writes when the step has none.
const GENERAL: (&str, &str) = (
    "A question about {company|your work}",
    "Hi {first_name|there},\n\nI am writing to you because of your work at {company|your company}. May I send you a \
     few lines about {sender_company}?\n\n{sender_name}",
);

/// The fact that stands for the template of a step.
pub const TEMPLATE: &str = "step.template";

/// The subject and the text, from a template that may be empty.
#[must_use]
pub fn write(subject: &str, body: &str, facts: &[Fact]) -> (String, Vec<Sentence>) {
    let or = |text: &'static str, own: &str| if own.trim().is_empty() { text.to_owned() } else { own.to_owned() };
    let otherwise = (!body.trim().is_empty()).then_some(TEMPLATE);
    let subject = fill(&or(GENERAL.0, subject), facts);
    let body = fill(&or(GENERAL.1, body), facts);
    // A line break in a name must not begin a header.
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    (subject, ground(&body, facts, &[], otherwise))
}

/// Fills in a template; a variable without a value stays, for the checks to find.
fn fill(text: &str, facts: &[Fact]) -> String {
    template::parts(text)
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => Cow::Borrowed(text),
            Part::Unknown(name) => format!("{{{name}}}").into(),
            Part::Fact(variable, fallback) => known(variable, facts)
                .or(fallback.map(Cow::Borrowed))
                .unwrap_or_else(|| format!("{{{variable}}}").into()),
        })
        .collect()
}

fn known(variable: Variable, facts: &[Fact]) -> Option<Cow<'_, str>> {
    let of = |id: &str| facts.iter().find(|fact| fact.id == id).map(|fact| fact.value.as_str());
    let id = match variable {
        Variable::FirstName => "lead.first_name",
        Variable::LastName => "lead.last_name",
        Variable::FullName => {
            return match (of("lead.first_name"), of("lead.last_name")) {
                (None, None) => None,
                (first, last) => Some([first, last].into_iter().flatten().collect::<Vec<_>>().join(" ").into()),
            };
        }
        Variable::Email => "lead.email",
        Variable::Title => "lead.title",
        Variable::Company => "account.name",
        Variable::Country => "lead.country",
        Variable::SenderName => "sender.name",
        Variable::SenderEmail => "sender.address",
        Variable::SenderCompany => "company.name",
    };
    of(id).map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drafts::{FactSource, join, judge, passes};

    fn fact(id: &str, value: &str) -> Fact {
        Fact { id: id.into(), source: FactSource::Lead, label: id.into(), value: value.into(), document: None }
    }

    #[test]
    fn the_template_is_filled_in_and_each_sentence_says_why() {
        let facts =
            [fact("lead.first_name", "Ines"), fact("account.name", "Corvus"), fact(TEMPLATE, "Hi. May we talk?")];
        let (subject, sentences) =
            write("For {company|you}", "Hi {full_name|there},\n\nhow is {company|it}? May we talk?", &facts);
        assert_eq!(
            (subject.as_str(), join(&sentences).as_str()),
            ("For Corvus", "Hi Ines,\n\nhow is Corvus? May we talk?")
        );
        let rests: Vec<_> = sentences.iter().map(|s| s.facts.join(",")).collect();
        assert_eq!(rests, ["lead.first_name", "account.name", TEMPLATE]);
    }

    #[test]
    fn without_a_template_it_writes_a_general_mail_that_passes() {
        for facts in [
            vec![fact("sender.name", "Nora Berg"), fact("company.name", "Halden")],
            vec![fact("sender.name", "Nora"), fact("company.name", "Halden"), fact("account.name", "Corvus AG")],
        ] {
            let (subject, mut sentences) = write("", " ", &facts);
            let checks = judge(&subject, &mut sentences, &facts, &[]);
            assert!(passes(&checks), "{} {checks:?}", join(&sentences));
        }
    }

    #[test]
    fn what_is_missing_stays_to_be_seen() {
        let (subject, sentences) = write("Hi {first_name}", "About {title} and {country|abroad}.", &[]);
        assert_eq!((subject.as_str(), join(&sentences).as_str()), ("Hi {first_name}", "About {title} and abroad."));
    }
}
