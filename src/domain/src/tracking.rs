//! Opens and clicks: what a campaign asks to know, and whether a person or a program has asked for a link.
//!
//! Off unless somebody turns it on. Mail systems fetch pictures and follow links long before anybody reads, so each
//! event is judged, and only those of people count.

mod host;
mod judge;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{StepId, wire::wire_enum};

pub use host::{HostAnswers, LinkHost, LinkHostInput, PROOF_PATH, judge_host, records_of};
pub use judge::{Earlier, Hit, Judgement, Mail, Method, TOGETHER, judge};

/// Links of one e-mail that are followed; those behind them stay as they are.
pub const MOST_LINKS: usize = 100;
/// Events that are kept of one e-mail: after them nothing more is learned, and whoever goes on asking costs nothing.
pub const MOST_EVENTS: usize = 200;
/// For how many months events are kept.
pub const KEPT_MONTHS: i32 = 13;

wire_enum! {
    /// What has happened to an e-mail.
    pub enum TrackingKind {
        /// Its picture was fetched.
        Open = "open",
        /// One of its links was followed.
        Click = "click",
    }
}

wire_enum! {
    /// Who it was, as far as one can tell.
    pub enum TrackedBy {
        /// A person.
        Human = "human",
        /// A program: a mail system that looks ahead, a security scanner, a preview.
        Machine = "machine",
    }
}

/// What a campaign asks to know about its e-mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Tracking {
    /// Whether they are opened: a picture of one point is put at the end of each.
    pub opens: bool,
    /// Whether their links are followed: each leads over the company’s own host name.
    pub clicks: bool,
}

impl Tracking {
    /// Whether it asks for anything.
    #[must_use]
    pub const fn is_on(self) -> bool {
        self.opens || self.clicks
    }
}

/// Something that has happened to an e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrackingEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: TrackingKind,
    /// Who.
    pub by: TrackedBy,
    /// Why it was taken for that, in words.
    pub reason: String,
    /// Where the link leads, of a click.
    pub url: Option<String>,
    /// The network that was asked from; its last part is never kept.
    pub network: Option<String>,
}

/// What has become of the e-mails of a step. E-mails are counted once, whatever is done to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrackingCount {
    /// E-mails that were sent with the picture.
    pub tracked_opens: i64,
    /// Of these: opened by a person. An estimate: who blocks pictures is not seen.
    pub opened: i64,
    /// E-mails that were sent with followed links.
    pub tracked_clicks: i64,
    /// Of these: with a link that a person has followed.
    pub clicked: i64,
    /// Opens and clicks that programs have made, which count nowhere. Of the last 13 months.
    pub machine_events: i64,
}

/// The figures of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepTracking {
    /// The step.
    pub step: StepId,
    /// Its figures.
    pub count: TrackingCount,
}

/// What has become of the e-mails of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CampaignTracking {
    /// Over all steps.
    pub total: TrackingCount,
    /// Step by step.
    pub steps: Vec<StepTracking>,
}

impl TrackingCount {
    /// With those of another step.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            tracked_opens: self.tracked_opens + other.tracked_opens,
            opened: self.opened + other.opened,
            tracked_clicks: self.tracked_clicks + other.tracked_clicks,
            clicked: self.clicked + other.clicked,
            machine_events: self.machine_events + other.machine_events,
        }
    }
}

/// The network of an address: the first 24 bits of an IPv4 address, the first 48 of an IPv6 one. That tells one
/// company's scanner from another's; the whole address is data about a person, and for nothing here is it needed
/// (GDPR, 5 (1) c).
#[must_use]
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_an_address_is_not_kept() {
        for (whole, kept) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "2001:db8:aaaa::/48"),
            ("::1", "::/48"),
        ] {
            assert_eq!(network(whole.parse().expect("an address")), kept);
        }
    }

    #[test]
    fn nothing_is_asked_unless_somebody_says_so() {
        assert!(!Tracking::default().is_on());
        assert_eq!(serde_json::from_str::<Tracking>("{}").expect("tracking"), Tracking::default());
    }
}
