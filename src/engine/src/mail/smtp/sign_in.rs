//! Signs in with AUTH PLAIN or AUTH LOGIN (RFC 4954, RFC 4616).
//! The password leaves this process only inside one of these two exchanges.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use zeroize::Zeroizing;

use super::{
    Credentials, Limits, Phase,
    connect::ConnectError,
    features::Features,
    reply::Reply,
    wire::{Wire, WireError},
};

/// Signs in, or says why not.
pub(super) async fn sign_in(
    wire: &mut Wire,
    features: &Features,
    credentials: &Credentials,
    limits: &Limits,
) -> Result<(), ConnectError> {
    let reply = if features.auth_plain {
        plain(wire, credentials, limits).await
    } else if features.auth_login {
        login(wire, credentials, limits).await
    } else {
        return Err(ConnectError::new(
            Phase::SignIn,
            "the server offers no sign-in with a password on this connection (neither AUTH PLAIN nor AUTH LOGIN)",
        ));
    };
    match reply {
        Ok(reply) if reply.code == 235 => Ok(()),
        Ok(reply) => Err(ConnectError::refused(Phase::SignIn, &reply)),
        Err(error) => Err(ConnectError::new(Phase::SignIn, error)),
    }
}

async fn plain(wire: &mut Wire, credentials: &Credentials, limits: &Limits) -> Result<Reply, WireError> {
    let secret = Zeroizing::new(format!("\0{}\0{}", credentials.username, credentials.password.reveal()));
    let line = Zeroizing::new(format!("AUTH PLAIN {}", BASE64.encode(secret.as_bytes())));
    wire.command(&line, limits.command).await
}

async fn login(wire: &mut Wire, credentials: &Credentials, limits: &Limits) -> Result<Reply, WireError> {
    let reply = wire.command("AUTH LOGIN", limits.command).await?;
    if reply.code != 334 {
        return Ok(reply);
    }
    let reply = wire.command(&BASE64.encode(&credentials.username), limits.command).await?;
    if reply.code != 334 {
        return Ok(reply);
    }
    let line = Zeroizing::new(BASE64.encode(credentials.password.reveal()));
    wire.command(&line, limits.command).await
}
