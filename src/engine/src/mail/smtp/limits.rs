//! How long each phase of a conversation may take.
//! The defaults are the minimum waits of RFC 5321 section 4.5.3.2, because giving up earlier makes doubles.

use std::time::Duration;

/// The longest waits, one for each phase.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Looking the host name up, and connecting to each of its addresses.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// The greeting (section 4.5.3.2.1).
    pub greeting: Duration,
    /// EHLO, STARTTLS, each step of AUTH, and RSET.
    pub command: Duration,
    /// MAIL (section 4.5.3.2.2).
    pub sender: Duration,
    /// RCPT (section 4.5.3.2.3).
    pub recipient: Duration,
    /// DATA (section 4.5.3.2.4).
    pub data: Duration,
    /// Writing one block of content (section 4.5.3.2.5).
    pub block: Duration,
    /// Everything before the final dot together: giving up there makes no doubles, and a lease is short.
    pub before_dot: Duration,
    /// The reply to the final dot (section 4.5.3.2.6).
    pub final_dot: Duration,
}

impl Limits {
    /// The same wait for every phase; for a person who waits in front of a page, and for tests.
    pub fn uniform(wait: Duration) -> Self {
        Self {
            connect: wait,
            tls: wait,
            greeting: wait,
            command: wait,
            sender: wait,
            recipient: wait,
            data: wait,
            block: wait,
            before_dot: wait.saturating_mul(8),
            final_dot: wait,
        }
    }

    /// The longest that handing over a mail can take on an open session; a lease must be longer.
    pub fn longest_hand_over(&self) -> Duration {
        self.before_dot + self.block + self.final_dot
    }
}

impl Default for Limits {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            // The kernel gives up on a silent address after about two minutes; a queue need not wait so long.
            connect: Duration::from_secs(30),
            tls: Duration::from_secs(30),
            greeting: minutes(5),
            command: minutes(5),
            sender: minutes(5),
            recipient: minutes(5),
            data: minutes(2),
            block: minutes(3),
            before_dot: minutes(4),
            final_dot: minutes(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_outlives_the_slowest_hand_over() {
        let lease = domain::messages::LEASE.to_std().expect("a positive time");
        assert!(Limits::default().longest_hand_over() + Duration::from_secs(120) <= lease);
    }
}
