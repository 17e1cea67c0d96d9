//! Asks the DNS. “There is none” and “nobody answered” are never the same.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{RData, RecordType},
};

/// How long a name server may take for one answer; it is asked twice.
const PATIENCE: Duration = Duration::from_secs(4);

/// A name server that did not answer, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(String);

/// A resolver that remembers nothing from one use to the next, so that what was just published is seen.
#[derive(Clone)]
pub struct Dns(TokioResolver);

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dns(..)")
    }
}

impl Dns {
    /// One that asks `server`, or the name servers of this machine.
    ///
    /// # Errors
    /// When the machine names none.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, Unanswered> {
        let unusable = |error: NetError| Unanswered(format!("this machine has no usable name server: {error}"));
        let mut builder = match server {
            Some(server) => {
                let mut config = NameServerConfig::udp_and_tcp(server.ip());
                for connection in &mut config.connections {
                    connection.port = server.port();
                }
                let config = ResolverConfig::from_name_servers(vec![config]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio().map_err(unusable)?,
        };
        let options = builder.options_mut();
        options.timeout = PATIENCE;
        options.attempts = 2;
        // Receivers do not have the file of this machine.
        options.use_hosts_file = ResolveHosts::Never;
        Ok(Self(builder.build().map_err(unusable)?))
    }

    /// The TXT records of a name, each with its strings joined (RFC 7208, 3.3).
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, Unanswered> {
        self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        })
        .await
    }

    /// The hosts that take the mail of a name, the preferred first; `.` for a name that takes none (RFC 7505).
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn mail_hosts(&self, name: &str) -> Result<Vec<String>, Unanswered> {
        let mut hosts = self
            .ask(name, RecordType::MX, |data| match data {
                RData::MX(mx) => Some((mx.preference, mx.exchange.to_ascii().to_lowercase())),
                _ => None,
            })
            .await?;
        hosts.sort();
        let without_end = |host: String| if host == "." { host } else { host.trim_end_matches('.').to_owned() };
        Ok(hosts.into_iter().map(|(_, host)| without_end(host)).collect())
    }

    /// The addresses of a name.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Unanswered> {
        let address = |data: &RData| match data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            _ => None,
        };
        let mut found = self.ask(name, RecordType::A, address).await?;
        found.extend(self.ask(name, RecordType::AAAA, address).await?);
        Ok(found)
    }

    /// The IPv4 addresses of a name: what a list says about it (RFC 5782).
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn ipv4_addresses(&self, name: &str) -> Result<Vec<Ipv4Addr>, Unanswered> {
        self.ask(name, RecordType::A, |data| match data {
            RData::A(a) => Some(a.0),
            _ => None,
        })
        .await
    }

    /// What an address is called, asked by its name below `in-addr.arpa` or `ip6.arpa`.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn names(&self, name: &str) -> Result<Vec<String>, Unanswered> {
        self.ask(name, RecordType::PTR, |data| match data {
            RData::PTR(ptr) => Some(ptr.0.to_ascii().to_lowercase().trim_end_matches('.').to_owned()),
            _ => None,
        })
        .await
    }

    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Result<Vec<T>, Unanswered> {
        // With a dot at its end the name is whole: nothing is searched for below other domains.
        match self.0.lookup(format!("{}.", name.trim_end_matches('.')), kind).await {
            Ok(answer) => Ok(answer.answers().iter().filter_map(|record| read(&record.data)).collect()),
            Err(error) if error.is_no_records_found() && !is_refusal(&error) => Ok(Vec::new()),
            Err(error) => Err(Unanswered(format!("no name server answered for {name} ({kind}): {error}"))),
        }
    }
}

/// An answer without records that says nothing about them: the server refuses, or is broken.
fn is_refusal(error: &NetError) -> bool {
    use hickory_resolver::{net::DnsError, proto::op::ResponseCode};
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            !matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
        }
        _ => false,
    }
}
