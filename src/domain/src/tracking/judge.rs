//! Judges who has asked for a picture or a link: a person or a program, and why.
//!
//! Programs that want to be taken for people are taken for people: the networks of data centres are not known here,
//! and what a browser says about itself proves nothing. What is said is what speaks for a program.

use chrono::{DateTime, Duration, Utc};

use super::{TrackedBy, TrackingKind};

/// Nobody has read an e-mail so soon after a server took it.
const TOO_SOON: Duration = Duration::seconds(10);
/// Whoever follows several links within this time reads none of them.
pub const TOGETHER: Duration = Duration::seconds(5);
/// So many different links followed together are a program, however many there are.
const SEVERAL: usize = 3;
/// The same again within this time is the same.
const AGAIN: Duration = Duration::minutes(1);

/// How it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As a browser does.
    Get,
    /// Without wanting to see anything.
    Head,
}

/// A request for a picture or a link.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    /// For which of them.
    pub kind: TrackingKind,
    /// Which link, from 1; 0 for the picture.
    pub place: i16,
    /// When.
    pub at: DateTime<Utc>,
    /// How.
    pub method: Method,
    /// A browser or a program said that it fetches before anybody has asked.
    pub is_preload: bool,
    /// What it says it is (`User-Agent`).
    pub agent: &'a str,
}

/// What is known about the e-mail.
#[derive(Clone, Copy, Debug)]
pub struct Mail {
    /// When it was handed over: sent, or begun to be.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// How many links of it are followed.
    pub links: usize,
}

/// What has happened to it before, not long ago.
#[derive(Clone, Copy, Debug)]
pub struct Earlier {
    /// What.
    pub kind: TrackingKind,
    /// Which link.
    pub place: i16,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: TrackedBy,
}

/// What a request is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Who it was.
    pub by: TrackedBy,
    /// Why, in words.
    pub reason: String,
    /// It is the same as one that was kept a moment ago.
    pub is_repeat: bool,
    /// The clicks of the last seconds that were taken for a person's were of the same program.
    pub takes_back: bool,
}

/// Programs that say who they are, by what stands in their name. The first that fits counts.
const PROGRAMS: [(&str, &str); 38] = [
    ("googleimageproxy", "Google image proxy"),
    ("yahoomailproxy", "Yahoo image proxy"),
    ("barracuda", "Barracuda scanner"),
    ("proofpoint", "Proofpoint scanner"),
    ("mimecast", "Mimecast scanner"),
    ("symantec", "Symantec scanner"),
    ("messagelabs", "Symantec scanner"),
    ("trendmicro", "Trend Micro scanner"),
    ("fireeye", "Trellix scanner"),
    ("trellix", "Trellix scanner"),
    ("sophos", "Sophos scanner"),
    ("fortinet", "Fortinet scanner"),
    ("cisco ironport", "Cisco scanner"),
    ("bitdefender", "Bitdefender scanner"),
    ("virustotal", "VirusTotal scanner"),
    ("urlscan", "urlscan.io"),
    ("bingpreview", "Microsoft preview"),
    ("skypeuripreview", "Skype preview"),
    ("msteams", "Teams preview"),
    ("slack", "Slack preview"),
    ("facebookexternalhit", "Facebook preview"),
    ("whatsapp", "WhatsApp preview"),
    ("telegrambot", "Telegram preview"),
    ("headless", "A browser without a window"),
    ("phantomjs", "A browser without a window"),
    ("python", "A script"),
    ("curl", "A script"),
    ("wget", "A script"),
    ("go-http-client", "A script"),
    ("java/", "A script"),
    ("okhttp", "A script"),
    ("libwww", "A script"),
    ("axios", "A script"),
    ("node-fetch", "A script"),
    ("crawler", "A crawler"),
    ("spider", "A crawler"),
    ("scanner", "A scanner"),
    ("bot", "A crawler"),
];

/// What a request is taken for. `earlier` is what has happened to the same e-mail in the last minute.
#[must_use]
pub fn judge(hit: &Hit<'_>, mail: &Mail, earlier: &[Earlier]) -> Judgement {
    let together = follows_many(hit, mail, earlier);
    let (by, reason) = match program(hit, mail) {
        Some(reason) => (TrackedBy::Machine, reason),
        None if together => {
            let seconds = TOGETHER.num_seconds();
            let words = format!("Several links of the e-mail were followed within {seconds} seconds");
            (TrackedBy::Machine, words)
        }
        None => {
            let words = "Nothing speaks for a program; networks of data centres are not known here";
            (TrackedBy::Human, words.to_owned())
        }
    };
    let is_repeat =
        earlier.iter().any(|e| e.kind == hit.kind && e.place == hit.place && e.by == by && hit.at - e.at < AGAIN);
    Judgement { by, reason, is_repeat, takes_back: together }
}

/// What speaks for a program in the request itself.
fn program(hit: &Hit<'_>, mail: &Mail) -> Option<String> {
    if hit.method == Method::Head {
        return Some("Asked whether the address works, without opening it (HEAD)".to_owned());
    }
    if hit.is_preload {
        return Some("Fetched ahead by a browser".to_owned());
    }
    let agent = hit.agent.trim().to_ascii_lowercase();
    if agent.is_empty() {
        return Some("A program that does not say what it is".to_owned());
    }
    if let Some((_, name)) = PROGRAMS.iter().find(|(part, _)| agent.contains(part)) {
        return Some((*name).to_owned());
    }
    // Apple's proxies fetch every picture when a mail arrives, and say no more than this.
    if hit.kind == TrackingKind::Open && agent == "mozilla/5.0" {
        return Some("Apple Mail privacy protection".to_owned());
    }
    match mail.handed_over_at.map(|sent| hit.at - sent) {
        Some(after) if after < TOO_SOON => {
            let seconds = after.num_seconds().max(0);
            let words = if seconds == 1 { "1 second".to_owned() } else { format!("{seconds} seconds") };
            Some(format!("{words} after the e-mail was handed over, before anybody can have read it"))
        }
        _ => None,
    }
}

/// Whether this click and those just before it are of somebody who follows every link, as scanners do.
fn follows_many(hit: &Hit<'_>, mail: &Mail, earlier: &[Earlier]) -> bool {
    if hit.kind != TrackingKind::Click || mail.links < 2 {
        return false;
    }
    let mut places: Vec<_> = earlier
        .iter()
        .filter(|e| e.kind == TrackingKind::Click && hit.at - e.at < TOGETHER)
        .map(|e| e.place)
        .chain([hit.place])
        .collect();
    places.sort_unstable();
    places.dedup();
    places.len() >= mail.links.min(SEVERAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn hit(kind: TrackingKind, place: i16, seconds: i64) -> Hit<'static> {
        Hit { kind, place, at: at(seconds), method: Method::Get, is_preload: false, agent: BROWSER }
    }

    fn click(place: i16, seconds: i64, by: TrackedBy) -> Earlier {
        Earlier { kind: TrackingKind::Click, place, at: at(seconds), by }
    }

    const MAIL: Mail = Mail { handed_over_at: Some(DateTime::UNIX_EPOCH), links: 3 };

    #[test]
    fn programs_are_told_from_people_with_the_reason() {
        use TrackingKind::{Click, Open};
        let sent = |seconds| Mail { handed_over_at: Some(at(seconds)), ..MAIL };
        let agent = |kind, agent| Hit { agent, ..hit(kind, 1, 100) };
        let google = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
        for (hit, mail, reason) in [
            (agent(Open, google), MAIL, "Google image proxy"),
            (agent(Open, "YahooMailProxy; https://help.yahoo.com"), MAIL, "Yahoo image proxy"),
            (agent(Open, "Mozilla/5.0"), MAIL, "Apple Mail privacy protection"),
            (agent(Click, "Barracuda Sentinel (EE)"), MAIL, "Barracuda scanner"),
            (agent(Click, "python-requests/2.32"), MAIL, "A script"),
            (agent(Click, "Slackbot-LinkExpanding 1.0"), MAIL, "Slack preview"),
            (agent(Click, "Mozilla/5.0 (X11) HeadlessChrome/140"), MAIL, "A browser without a window"),
            (agent(Click, " "), MAIL, "A program that does not say what it is"),
            (Hit { is_preload: true, ..hit(Click, 1, 100) }, MAIL, "Fetched ahead by a browser"),
            (
                Hit { method: Method::Head, ..hit(Click, 1, 100) },
                MAIL,
                "Asked whether the address works, without opening it (HEAD)",
            ),
            (
                hit(Click, 1, 100),
                sent(91),
                "9 seconds after the e-mail was handed over, before anybody can have read it",
            ),
            // Before the answer of the server was written down, by clocks that differ a little.
            (
                hit(Open, 0, 100),
                sent(101),
                "0 seconds after the e-mail was handed over, before anybody can have read it",
            ),
        ] {
            let judged = judge(&hit, &mail, &[]);
            assert_eq!((judged.by, judged.reason.as_str()), (TrackedBy::Machine, reason));
        }
        for hit in [hit(Open, 0, 100), hit(Click, 1, 100), agent(Click, "Mozilla/5.0")] {
            let judged = judge(&hit, &sent(90), &[]);
            assert_eq!((judged.by, judged.is_repeat, judged.takes_back), (TrackedBy::Human, false, false));
        }
    }

    #[test]
    fn whoever_follows_every_link_reads_none() {
        use TrackedBy::{Human, Machine};
        let clicks = [click(1, 96, Human), click(2, 98, Human)];
        let third = judge(&hit(TrackingKind::Click, 3, 100), &MAIL, &clicks);
        assert_eq!((third.by, third.takes_back), (Machine, true));
        // Three of many are enough; two of three are not.
        let many = Mail { links: 40, ..MAIL };
        assert_eq!(judge(&hit(TrackingKind::Click, 3, 100), &many, &clicks).by, Machine);
        assert_eq!(judge(&hit(TrackingKind::Click, 2, 100), &MAIL, &clicks[..1]).by, Human);
        let two = Mail { links: 2, ..MAIL };
        assert_eq!(judge(&hit(TrackingKind::Click, 2, 100), &two, &clicks[..1]).by, Machine);
        // The same link again, or slowly, or the only one, is a person.
        assert_eq!(judge(&hit(TrackingKind::Click, 2, 98), &MAIL, &clicks).by, Human);
        assert_eq!(judge(&hit(TrackingKind::Click, 3, 101), &MAIL, &clicks).by, Human);
        let one = Mail { links: 1, ..MAIL };
        assert_eq!(judge(&hit(TrackingKind::Click, 1, 100), &one, &clicks[..1]).by, Human);
    }

    #[test]
    fn the_same_within_a_minute_is_the_same() {
        let before = [click(1, 50, TrackedBy::Human)];
        let repeat = |place, seconds| judge(&hit(TrackingKind::Click, place, seconds), &MAIL, &before).is_repeat;
        assert!(repeat(1, 100));
        assert!(!repeat(1, 110), "a minute later");
        assert!(!repeat(2, 100), "another link");
        let machine = [click(1, 50, TrackedBy::Machine)];
        assert!(!judge(&hit(TrackingKind::Click, 1, 100), &MAIL, &machine).is_repeat, "it was a program before");
    }
}
