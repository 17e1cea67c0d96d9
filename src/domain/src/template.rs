//! Variables in subjects and bodies: `{first_name|there}`.
//!
//! The language is this small on purpose: no loops and no code, so a template
//! cannot run away and a salesperson can read it.

use std::borrow::Cow;

use crate::{Problem, wire::wire_enum};

wire_enum! {
    /// A fact that a template may name.
    pub enum Variable {
        /// First name of the lead.
        FirstName = "first_name",
        /// Last name of the lead.
        LastName = "last_name",
        /// First and last name of the lead.
        FullName = "full_name",
        /// Address of the lead.
        Email = "email",
        /// Job title of the lead.
        Title = "title",
        /// Name of the firm the lead works for.
        Company = "company",
        /// Country code of the lead.
        Country = "country",
        /// Name of the mailbox that sends.
        SenderName = "sender_name",
        /// Address of the mailbox that sends.
        SenderEmail = "sender_email",
        /// Name of the company that sends.
        SenderCompany = "sender_company",
    }
}

impl Variable {
    /// Whether every lead has it, so that no fallback is needed.
    #[must_use]
    pub const fn always_known(self) -> bool {
        matches!(self, Self::Email | Self::SenderName | Self::SenderEmail | Self::SenderCompany)
    }
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text as it stands.
    Text(&'a str),
    /// A fact, and what stands in its place when it is not known.
    Fact(Variable, Option<&'a str>),
    /// A name in braces that is not a variable.
    Unknown(&'a str),
}

/// Takes a template apart. Braces that do not hold a name are text.
#[must_use]
pub fn parts(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        match placeholder(&after[1..]) {
            Some((name, fallback, length)) => {
                if !before.is_empty() {
                    parts.push(Part::Text(before));
                }
                parts.push(Variable::parse(name).map_or(Part::Unknown(name), |v| Part::Fact(v, fallback)));
                rest = &after[1 + length..];
            }
            None => {
                parts.push(Part::Text(&rest[..=open]));
                rest = &rest[open + 1..];
            }
        }
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// What a template became for one lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// Variables without a value and without a fallback.
    pub missing: Vec<Variable>,
}

/// Fills a template. `value` gives a fact, or nothing when it is not known.
pub fn render<'v>(template: &str, value: impl Fn(Variable) -> Option<Cow<'v, str>>) -> Rendered {
    render_with(template, value, |_, _| {})
}

/// The same for somebody who goes on writing: what is missing stays as the variable, where they see it.
pub fn render_open<'v>(template: &str, value: impl Fn(Variable) -> Option<Cow<'v, str>>) -> Rendered {
    render_with(template, value, |text, variable| {
        text.push('{');
        text.push_str(variable.as_str());
        text.push('}');
    })
}

/// The variables that a text names, each once, in their order.
#[must_use]
pub fn variables(text: &str) -> Vec<Variable> {
    let mut found = Vec::new();
    for part in parts(text) {
        if let Part::Fact(variable, _) = part
            && !found.contains(&variable)
        {
            found.push(variable);
        }
    }
    found
}

fn render_with<'v>(
    template: &str,
    value: impl Fn(Variable) -> Option<Cow<'v, str>>,
    gap: impl Fn(&mut String, Variable),
) -> Rendered {
    let mut text = String::with_capacity(template.len());
    let mut missing = Vec::new();
    for part in parts(template) {
        match part {
            Part::Text(plain) => text.push_str(plain),
            Part::Unknown(name) => {
                text.push('{');
                text.push_str(name);
                text.push('}');
            }
            Part::Fact(variable, fallback) => match (value(variable).filter(|v| !v.trim().is_empty()), fallback) {
                (Some(known), _) => text.push_str(&known),
                (None, Some(fallback)) => text.push_str(fallback),
                (None, None) => {
                    gap(&mut text, variable);
                    missing.push(variable);
                }
            },
        }
    }
    missing.dedup();
    Rendered { text, missing }
}

/// What looks like a variable and is none, as problems of `field`: a name that is not known, and braces
/// that begin like a variable and do not end like one.
#[must_use]
pub fn mistakes(template: &str, field: &'static str) -> Vec<Problem> {
    let unknown = parts(template).into_iter().filter_map(|part| match part {
        Part::Unknown(name) => Some(Problem::field(
            field,
            "variable_unknown",
            format!("{{{name}}} is not a variable. Known are {}.", known_names()),
        )),
        _ => None,
    });
    let broken = braces(template).filter(|after| placeholder(after).is_none()).filter_map(|after| {
        let word = &after[..after.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(after.len())];
        (after.starts_with('|') || Variable::parse(word).is_some()).then(|| {
            let seen: String = after.chars().take(20).take_while(|c| *c != '\n').collect();
            let message = format!("“{{{seen}” is no whole variable. Write it as {{first_name|there}}.");
            Problem::field(field, "variable_broken", message)
        })
    });
    unknown.chain(broken).collect()
}

/// What follows each opening brace.
fn braces(template: &str) -> impl Iterator<Item = &str> {
    template.match_indices('{').map(|(open, brace)| &template[open + brace.len()..])
}

fn known_names() -> String {
    Variable::ALL.iter().map(|v| format!("{{{v}}}")).collect::<Vec<_>>().join(", ")
}

/// Name, fallback and length up to and with the closing brace.
fn placeholder(text: &str) -> Option<(&str, Option<&str>, usize)> {
    let close = text.find('}')?;
    let inside = &text[..close];
    let (name, fallback) = match inside.split_once('|') {
        Some((name, fallback)) => (name, Some(fallback)),
        None => (inside, None),
    };
    let is_name = !name.is_empty() && name.len() <= 40 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let on_one_line = !inside.contains(['\n', '{']);
    (is_name && on_one_line).then_some((name, fallback, close + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> Rendered {
        render(template, |v| match v {
            Variable::FirstName => Some("Ines".into()),
            Variable::Title => Some("  ".into()),
            _ => None,
        })
    }

    #[test]
    fn facts_fallbacks_and_gaps() {
        for (template, text, missing) in [
            ("Hi {first_name|there}", "Hi Ines", vec![]),
            ("Hi {last_name|there}", "Hi there", vec![]),
            ("{title|your role} at {company}", "your role at ", vec![Variable::Company]),
            ("{last_name|}!", "!", vec![]),
            ("no braces", "no braces", vec![]),
        ] {
            assert_eq!(fill(template), Rendered { text: text.into(), missing });
        }
    }

    #[test]
    fn whoever_goes_on_writing_sees_the_gaps() {
        let open = render_open("{last_name|} {company}, {company} {first_name}", |v| {
            (v == Variable::FirstName).then(|| "Ines".into())
        });
        assert_eq!(open.text, " {company}, {company} Ines");
        assert_eq!(variables(&open.text), [Variable::Company]);
        assert_eq!(variables("fn main() { } {shoe_size} {title|you}"), [Variable::Title]);
    }

    #[test]
    fn braces_that_hold_no_name_are_text() {
        for template in ["{", "}", "{}", "{ first_name }", "fn main() { }", "{{first_name", "{First}", "{a\nb}"] {
            assert_eq!(fill(template).text, template, "{template}");
        }
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        let out = render("{first_name}", |_| Some("{email}".into()));
        assert_eq!(out.text, "{email}");
    }

    #[test]
    fn mistakes_are_told() {
        for (template, code) in [
            ("{shoe_size} {first_name}", "variable_unknown"),
            ("Hi {first_name", "variable_broken"),
            ("Hi {first_name\n}", "variable_broken"),
            ("{|there}", "variable_broken"),
            ("{first_name {company|you}", "variable_broken"),
        ] {
            let codes: Vec<_> = mistakes(template, "body").into_iter().map(|p| p.code).collect();
            assert_eq!(codes, [code], "{template}");
        }
        for fine in ["{first_name|}", "fn main() { }", "{", "{ first_name }", "{{company}}"] {
            assert_eq!(mistakes(fine, "body"), [], "{fine}");
        }
        assert_eq!(fill("{shoe_size}").text, "{shoe_size}");
    }
}
