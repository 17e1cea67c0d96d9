//! How connections to mail servers are encrypted: by the certificate authorities of the web, and by nothing less.

use std::{io, sync::Arc};

use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore, crypto::ring};

/// What a client trusts.
#[must_use]
pub fn web() -> Arc<ClientConfig> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default TLS versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// Whether encryption failed because of the certificate: what it is for, who vouches for it, until when.
pub(crate) fn is_about_certificate(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    matches!(error, Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented))
}
