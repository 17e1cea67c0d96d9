//! The rule score of a lead: a number from 0 to 100 and the reasons for it.
//!
//! Pure arithmetic over facts, so the same lead always gets the same score and
//! every point can be explained.

use serde::{Deserialize, Serialize};

/// Version of the default rules; stored with each score, so that old ones can be found and renewed.
pub const RULES_VERSION: i32 = 1;

/// The facts that the default rules look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Address.
    pub email: Option<&'a str>,
    /// Job title.
    pub title: Option<&'a str>,
    /// Phone number is known.
    pub has_phone: bool,
    /// Country is known.
    pub has_country: bool,
    /// The firm is known.
    pub has_account: bool,
    /// Number of employees of the firm.
    pub employees: Option<i32>,
    /// The lead has answered.
    pub replied: bool,
}

/// One contribution to a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reason {
    /// Sentence for people.
    pub text: String,
    /// Points, negative ones lower the score.
    pub points: i32,
}

/// A score with its reasons, most important first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Score {
    /// 0 to 100.
    pub value: i32,
    /// What it is made of.
    pub reasons: Vec<Reason>,
}

/// Titles that decide about a purchase.
const DECIDES: [&str; 14] = [
    "chief",
    "ceo",
    "cto",
    "coo",
    "cfo",
    "founder",
    "owner",
    "president",
    "geschäftsführer",
    "managing director",
    "vp",
    "vice president",
    "inhaber",
    "gérant",
];
/// Titles that prepare one.
const PREPARES: [&str; 8] = ["head", "director", "leiter", "direktor", "directeur", "manager", "lead", "responsable"];
/// Providers of private mailboxes: who has an address there need not work with anybody else who has.
pub const PRIVATE_MAIL: [&str; 12] = [
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "yahoo.com",
    "icloud.com",
    "aol.com",
    "gmx.de",
    "gmx.net",
    "web.de",
    "proton.me",
];
/// Mailboxes that a team reads and nobody answers for.
const SHARED: [&str; 7] = ["info", "sales", "contact", "office", "hello", "support", "noreply"];

/// Scores a lead by the default rules.
#[must_use]
pub fn evaluate(facts: &Facts<'_>) -> Score {
    let mut reasons = vec![Reason { text: "Every lead starts here".into(), points: 20 }];
    let mut add = |points: i32, text: String| reasons.push(Reason { text, points });

    if let Some(title) = facts.title.map(str::to_lowercase) {
        if has_word(&title, &DECIDES) {
            add(30, "Title decides about a purchase".into());
        } else if has_word(&title, &PREPARES) {
            add(20, "Title leads a team".into());
        } else {
            add(5, "Title is known".into());
        }
    }
    match facts.email.and_then(|email| email.split_once('@')) {
        Some((_, domain)) if PRIVATE_MAIL.contains(&domain) => add(-10, "Private mailbox".into()),
        Some((local, _)) if SHARED.contains(&local) => add(-15, "Shared mailbox that nobody answers for".into()),
        Some(_) => add(10, "Business address".into()),
        None => add(-20, "No e-mail address".into()),
    }
    match facts.employees {
        Some(n) if (50..=1000).contains(&n) => add(18, format!("{n} employees: fits best")),
        Some(n) if n > 1000 => add(8, format!("{n} employees: slow but large")),
        Some(n) if n >= 10 => add(6, format!("{n} employees: small")),
        Some(n) => add(-4, format!("{n} employees: very small")),
        None => {}
    }
    if facts.has_account {
        add(6, "Account is known".into());
    }
    if facts.has_phone {
        add(4, "Phone number is known".into());
    }
    if facts.has_country {
        add(2, "Country is known".into());
    }
    if facts.replied {
        add(25, "Has replied".into());
    }

    let value = reasons.iter().map(|r| r.points).sum::<i32>().clamp(0, 100);
    reasons.sort_by_key(|r| std::cmp::Reverse(r.points.abs()));
    Score { value, reasons }
}

/// Whole words only: “co-founder” founds, “refounding” does not.
fn has_word(title: &str, words: &[&str]) -> bool {
    let padded: String = std::iter::once(' ')
        .chain(title.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }))
        .chain(std::iter::once(' '))
        .collect();
    words.iter().any(|word| padded.contains(&format!(" {word} ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_points_add_up_to_the_score() {
        let score = evaluate(&Facts {
            email: Some("ines@corvus.example"),
            title: Some("VP Operations"),
            has_account: true,
            employees: Some(200),
            ..Facts::default()
        });
        assert_eq!(score.value, score.reasons.iter().map(|r| r.points).sum::<i32>());
        assert_eq!(score.value, 84);
        assert_eq!(score.reasons[0].text, "Title decides about a purchase");
    }

    #[test]
    fn a_score_stays_between_0_and_100() {
        assert_eq!(evaluate(&Facts::default()).value, 0);
        let best = Facts {
            email: Some("a@b.example"),
            title: Some("CEO"),
            has_phone: true,
            has_country: true,
            has_account: true,
            employees: Some(100),
            replied: true,
        };
        assert_eq!(evaluate(&best).value, 100);
    }

    #[test]
    fn words_are_whole_words() {
        assert!(has_word("co-founder", &DECIDES));
        assert!(!has_word("refounding lab", &DECIDES));
        assert!(!has_word("leadership coach", &PREPARES));
    }
}
