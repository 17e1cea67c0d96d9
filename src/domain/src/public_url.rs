//! Addresses of the web: the one under which the installation is reached, and those that it calls.

use std::net::IpAddr;

use crate::Problem;

/// Whether links of an e-mail may lead to `url`: one-click unsubscribing asks for https (RFC 8058,
/// section 3.1). An address of this very machine, where nobody else listens, may do without.
#[must_use]
pub fn is_fit_for_mail(url: &str) -> bool {
    if url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) {
        return true;
    }
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = host_of(rest);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// An address that the product calls, without a slash at its end. Over the open net only encrypted:
/// keys and facts about people go there.
///
/// # Errors
/// What is wrong with it.
pub fn check_endpoint(url: &str) -> Result<String, Problem> {
    let wrong = |words: &str| Problem::new("url_invalid", words);
    let url = url.trim().trim_end_matches('/');
    let (scheme, rest) =
        url.split_once("://").ok_or_else(|| wrong("Enter an address of the web, as in https://api.example.com/v1."))?;
    let host = host_of(rest);
    if !matches!(scheme, "http" | "https") || host.is_empty() || url.len() > 500 {
        return Err(wrong("Enter an address of the web, as in https://api.example.com/v1."));
    }
    if rest.contains(['@', '?', '#', '\\']) || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(wrong("Leave out names, passwords and everything from a question mark on."));
    }
    let near = !host.contains('.') || host.parse().is_ok_and(|address: IpAddr| is_near(address));
    if scheme == "http" && !near {
        return Err(wrong("Use https: what is sent there must not be read on the way."));
    }
    Ok(url.to_owned())
}

/// Whether an address of ours is one that servers elsewhere can come to: encrypted, and no name or number of a
/// network at home.
#[must_use]
pub fn is_open(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let host = host_of(rest);
    host.contains('.') && host.parse::<IpAddr>().is_err()
}

fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

/// The host of what stands behind the scheme.
fn host_of(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_endpoint, is_fit_for_mail};

    #[test]
    fn what_is_called_over_the_open_net_is_encrypted() {
        for good in ["https://api.example.com/v1/", "http://127.0.0.1:11434", "http://ollama:11434", "http://10.0.0.5"]
        {
            assert!(check_endpoint(good).is_ok(), "{good}");
        }
        for bad in
            ["http://api.example.com", "http://8.8.8.8/", "https://u:p@x.example", "x.example", "https://x.example/?q"]
        {
            assert!(check_endpoint(bad).is_err(), "{bad}");
        }
    }

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
