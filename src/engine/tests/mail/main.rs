//! The mail client and the sandbox server, against each other, against Postfix's `smtp-sink`, and against
//! servers that misbehave at every step.

#![expect(clippy::unwrap_used, reason = "what the helpers need and do not get fails the test")]

mod sandbox;
mod scripted;
mod sink;
mod support;
mod tls;
