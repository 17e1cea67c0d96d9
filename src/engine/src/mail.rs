//! Outgoing mail: the frozen MIME text, the SMTP client that hands it over, and the guard in front of both.
//! Nothing here knows campaigns or storage; it reports exactly what a server said, or that it said nothing.

pub mod dkim;
pub mod host_guard;
pub(crate) mod lines;
pub mod mime;
pub mod smtp;
pub mod tls;

pub use dkim::Signer;
pub use host_guard::HostGuard;
pub use mime::{MimeError, OutgoingMail, html_from_text, html_with_links};
pub use smtp::{
    ConnectError, Credentials, EnhancedCode, HandOver, Limits, Password, Phase, ProbeReport, Security, Session,
    SmtpClient, SmtpServer,
};
