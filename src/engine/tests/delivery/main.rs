//! Sending domains and signatures, against a name server and a verifier that are not ours.

#![expect(clippy::unwrap_used, reason = "what the helpers need and do not get fails the test")]

mod bound;
mod connections;
mod domains;
mod reputation;
mod signing;
mod support;
mod tracking;
mod verifier;
