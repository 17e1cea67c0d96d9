//! How many e-mails the recipients of one domain get from a company. Providers watch what comes from a sender, and put
//! off or refuse what comes too fast.

use chrono::Duration;
use serde::{Deserialize, Serialize};

use crate::{Problem, problem::Problems};

/// The most e-mails to the recipients of one domain, over all mailboxes. Addresses that anybody can have count by
/// their provider: those of `googlemail.com` are Gmail's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RecipientLimits {
    /// In any hour, 1 to 100,000; no limit when absent.
    pub per_hour: Option<i32>,
    /// In any 24 hours, 1 to 100,000; no limit when absent.
    pub per_day: Option<i32>,
}

impl RecipientLimits {
    /// The same, checked.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        for (field, limit) in [("per_hour", self.per_hour), ("per_day", self.per_day)] {
            if limit.is_some_and(|n| !(1..=100_000).contains(&n)) {
                problems.push(Problem::field(field, "number_invalid", "Use 1 to 100,000, or nothing for no limit."));
            }
        }
        if let (Some(hour), Some(day)) = (self.per_hour, self.per_day)
            && day < hour
        {
            let words = "Use at least as many in 24 hours as in one.";
            problems.push(Problem::field("per_day", "number_invalid", words));
        }
        problems.finish()?;
        Ok(self)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// The time between two e-mails to one domain that keeps all limits, once there is no room.
    #[must_use]
    pub fn pace(self) -> Duration {
        let each = |limit: Option<i32>, seconds: i64| limit.map_or(0, |n| seconds * 1000 / i64::from(n.max(1)));
        Duration::milliseconds(each(self.per_hour, 3600).max(each(self.per_day, 86_400)))
    }
}

/// The groups of providers, and what people call them.
const PROVIDERS: [(&str, &str); 3] = [("gmail", "Gmail"), ("outlook", "Outlook.com"), ("yahoo", "Yahoo")];

/// Countries in which Microsoft gives addresses at `live`; elsewhere the name may be somebody else's.
const LIVE: [&str; 27] = [
    "at", "be", "ca", "cl", "cn", "co.kr", "co.uk", "co.za", "com", "com.ar", "com.au", "com.mx", "com.my", "com.ph",
    "com.pt", "com.sg", "de", "dk", "fr", "hk", "ie", "in", "it", "jp", "nl", "no", "se",
];

/// What an address counts with: the provider of addresses that anybody can have, or else its domain.
#[must_use]
pub fn recipient_group(domain: &str) -> &str {
    let (name, ending) = domain.split_once('.').unwrap_or((domain, ""));
    match name {
        "gmail" | "googlemail" if ending == "com" => "gmail",
        "hotmail" | "outlook" if is_common(ending) => "outlook",
        "live" if LIVE.contains(&ending) => "outlook",
        "msn" | "passport" | "windowslive" if ending == "com" => "outlook",
        // Another company has the name in Japan.
        "yahoo" if is_common(ending) && ending != "co.jp" => "yahoo",
        "aol" if is_common(ending) => "yahoo",
        "aim" | "myyahoo" | "rocketmail" | "ymail" if ending == "com" => "yahoo",
        _ => domain,
    }
}

/// What people call a group.
#[must_use]
pub fn group_label(group: &str) -> &str {
    PROVIDERS.iter().find(|(name, _)| *name == group).map_or(group, |(_, label)| label)
}

/// `com`, a country, or `co` and `com` of one.
fn is_common(ending: &str) -> bool {
    let country = ending.strip_prefix("com.").or_else(|| ending.strip_prefix("co.")).unwrap_or(ending);
    ending == "com" || country.len() == 2 && country.bytes().all(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_anybody_can_have_count_by_their_provider() {
        for (domain, group) in [
            ("gmail.com", "gmail"),
            ("googlemail.com", "gmail"),
            ("outlook.com", "outlook"),
            ("outlook.de", "outlook"),
            ("hotmail.co.uk", "outlook"),
            ("live.nl", "outlook"),
            ("msn.com", "outlook"),
            ("yahoo.com.br", "yahoo"),
            ("aol.com", "yahoo"),
            ("ymail.com", "yahoo"),
        ] {
            assert_eq!(recipient_group(domain), group, "{domain}");
        }
        for own in
            ["corvus.example", "gmail.example", "live.io", "mail.gmail.com", "yahoo.co.jp", "outlook.corvus.example"]
        {
            assert_eq!(recipient_group(own), own);
        }
        assert_eq!((group_label("gmail"), group_label("corvus.example")), ("Gmail", "corvus.example"));
    }

    #[test]
    fn the_pace_keeps_every_limit() {
        let limits = |per_hour, per_day| RecipientLimits { per_hour, per_day };
        assert_eq!(limits(Some(20), None).pace(), Duration::seconds(180));
        assert_eq!(limits(Some(20), Some(100)).pace(), Duration::seconds(864));
        assert_eq!(limits(None, None).pace(), Duration::zero());
        assert!(limits(Some(20), Some(10)).check().is_err());
        assert!(limits(Some(0), None).check().is_err());
        assert!(limits(Some(10), Some(10)).check().is_ok());
    }
}
