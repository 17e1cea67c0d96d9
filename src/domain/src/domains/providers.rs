//! What the SPF record of a domain must include for providers whose instructions say so.

/// The end of a provider's submission host, and the domain to include.
const KNOWN: [(&str, &str); 9] = [
    ("gmail.com", "_spf.google.com"),
    ("googlemail.com", "_spf.google.com"),
    ("office365.com", "spf.protection.outlook.com"),
    ("amazonaws.com", "amazonses.com"),
    ("sendgrid.net", "sendgrid.net"),
    ("mailgun.org", "mailgun.org"),
    ("fastmail.com", "spf.messagingengine.com"),
    ("postmarkapp.com", "spf.mtasv.net"),
    ("mailjet.com", "spf.mailjet.com"),
];

/// What to include for mails that are handed over to `host`, where that is known.
#[must_use]
pub fn spf_include(host: &str) -> Option<&'static str> {
    let is_at = |end: &str| host.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    KNOWN.iter().find(|(end, _)| is_at(end)).map(|(_, include)| *include)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_known_by_the_end_of_its_host() {
        assert_eq!(spf_include("smtp.gmail.com"), Some("_spf.google.com"));
        assert_eq!(spf_include("email-smtp.eu-west-1.amazonaws.com"), Some("amazonses.com"));
        assert_eq!(spf_include("smtp.notgmail.com"), None);
        assert_eq!(spf_include("smtp.halden.example"), None);
    }
}
