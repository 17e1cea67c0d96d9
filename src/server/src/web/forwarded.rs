//! Who really calls, behind a proxy: the address that limits, the audit log and the logs go by.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderMap;
use ipnet::IpNet;

/// The proxies of the operator.
#[derive(Clone, Debug)]
pub struct Proxies(Arc<Vec<IpNet>>);

impl Proxies {
    /// Reads addresses and networks, separated by commas.
    ///
    /// # Errors
    /// Names the one that is none.
    pub fn parse(list: &str) -> anyhow::Result<Self> {
        let network = |text: &str| {
            let address = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse::<IpNet>()
                .or_else(|_| address())
                .map_err(|_| anyhow::anyhow!("`{text}` is no address or network"))
        };
        let networks: anyhow::Result<_> =
            list.split(',').map(str::trim).filter(|t| !t.is_empty()).map(network).collect();
        Ok(Self(Arc::new(networks?)))
    }

    fn include(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// The last address on the way that is not one of ours. What stands before it in
    /// `X-Forwarded-For` may be invented by whoever has that address.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let hops: Vec<_> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|hop| hop.trim().parse::<IpAddr>())
            .collect();
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            match hop {
                Ok(hop) if self.include(client) => client = hop.to_canonical(),
                _ => break,
            }
        }
        client
    }
}

/// Puts the address of the client in the place of the proxy's.
pub async fn resolve(State(proxies): State<Proxies>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        let client = proxies.client(peer.ip(), request.headers());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(client, peer.port())));
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a header"));
        }
        let proxies = Proxies::parse("127.0.0.1, ::1, 10.0.0.0/8").expect("networks");
        proxies.client(peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn the_last_address_that_is_not_ours_is_the_client() {
        for (peer, forwarded, expected) in [
            ("203.0.113.9", &[][..], "203.0.113.9"),
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["2001:db8::7"], "2001:db8::7"),
            ("127.0.0.1", &["unknown"], "127.0.0.1"),
            ("::ffff:127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
        ] {
            assert_eq!(client(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn what_is_no_network_is_named() {
        let error = Proxies::parse("10.0.0.0/8, proxy.example").expect_err("a name is no network");
        assert!(error.to_string().contains("proxy.example"));
    }
}
