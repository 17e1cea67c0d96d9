//! The mail client and the sandbox server, against each other, against Postfix's `smtp-sink`, and against
//! servers that misbehave at every step.

mod sandbox;
mod scripted;
mod sink;
mod support;
mod tls;
