//! Decides which addresses a host name given by a company may lead to.
//! The addresses that passed are the ones connected to, so a name cannot change its mind between check and use.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Keeps connections away from this machine and its private networks.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostGuard {
    allow_private: bool,
    sandbox: Option<SocketAddr>,
}

impl HostGuard {
    /// A guard that lets only public addresses pass.
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Lets private and loopback addresses pass too: the operator's choice, for a mail server in the same network.
    pub fn allow_private(mut self, allow: bool) -> Self {
        self.allow_private = allow;
        self
    }

    /// Lets this one address pass whatever the rest says: our own sandbox mail server.
    pub fn allow_sandbox(mut self, sandbox: SocketAddr) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// Looks the name up and returns the addresses that may be connected to, in the resolver's order.
    pub async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = tokio::net::lookup_host((bare, port)).await?.collect();
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| self.allows(*address)).collect();
        if allowed.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the name leads to a private network, which this installation does not allow",
            ));
        }
        Ok(allowed)
    }

    /// Whether this address may be connected to.
    pub fn allows(&self, address: SocketAddr) -> bool {
        self.allow_private || self.sandbox == Some(address) || is_public(address.ip())
    }
}

/// Whether an address belongs to the public internet: none of the special ranges of RFC 6890 and its successors.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        // Shared address space of carriers, RFC 6598.
        || (a == 100 && (64..128).contains(&b))
        // IETF protocol assignments, RFC 6890.
        || (a == 192 && b == 0 && c == 0)
        // Benchmarks between networks, RFC 2544.
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, .., g, h] = address.segments();
    if let Some(v4) = embedded_v4(address) {
        return is_public_v4(v4);
    }
    let special = address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        // Site-local, RFC 3879: withdrawn, still routed inside some networks.
        || first & 0xffc0 == 0xfec0
        // Documentation, RFC 3849.
        || (first == 0x2001 && second == 0x0db8)
        // IPv4-compatible addresses, withdrawn by RFC 4291.
        || (address.segments()[..6] == [0; 6] && (g, h) != (0, 0));
    !special
}

/// The IPv4 address that an IPv6 address stands for: mapped, NAT64 or 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => address.to_ipv4_mapped(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_ranges_are_not_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address} was let through");
        }
    }

    #[test]
    fn ordinary_addresses_are_public() {
        for address in ["1.1.1.1", "100.128.0.1", "172.32.0.1", "198.20.0.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(is_public(address.parse().unwrap()), "{address} was refused");
        }
    }

    #[tokio::test]
    async fn the_sandbox_is_one_address_with_its_port() {
        let guard = HostGuard::public_only().allow_sandbox("127.0.0.1:2525".parse().unwrap());

        assert!(guard.resolve("127.0.0.1", 2525).await.is_ok());
        let refused = guard.resolve("127.0.0.1", 5432).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }

    #[tokio::test]
    async fn the_operator_may_allow_private_networks() {
        let guard = HostGuard::public_only().allow_private(true);

        assert!(guard.resolve("[::1]", 25).await.is_ok());
    }
}
