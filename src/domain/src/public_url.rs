//! The address under which the installation is reached from outside.

use std::net::IpAddr;

/// Whether links of an e-mail may lead to `url`: one-click unsubscribing asks for https (RFC 8058,
/// section 3.1). An address of this very machine, where nobody else listens, may do without.
#[must_use]
pub fn is_fit_for_mail(url: &str) -> bool {
    if url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) {
        return true;
    }
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_fit_for_mail;

    #[test]
    fn one_click_needs_encryption_except_on_this_machine() {
        for good in
            ["https://app.example/p/t0ken", "http://localhost:3000/p/t", "http://127.0.0.1/p/t", "http://[::1]:3000/p"]
        {
            assert!(is_fit_for_mail(good), "{good}");
        }
        for bad in [
            "http://app.example",
            "http://192.168.1.10:3000",
            "http://localhost.evil.example/",
            "https://",
            "ftp://x",
            "",
        ] {
            assert!(!is_fit_for_mail(bad), "{bad}");
        }
    }
}
