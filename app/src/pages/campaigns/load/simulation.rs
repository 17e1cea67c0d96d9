//! What the page of a simulation shows.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use domain::{
    Permission,
    mailboxes::Mailbox,
    simulation::{SimulatedDay, Simulation},
    window::day_in,
    words::{plural, sentence},
};

use super::{Simulated, SimulationPage, load_head};
use crate::{
    error::AppError,
    fmt::{Moment, grouped},
    server,
};

/// More days than this are shown as weeks.
const MOST_DAYS: usize = 60;

/// The newest simulation, and what is otherwise in it than in the one before.
pub async fn page(slug: &str, id: &str) -> Result<SimulationPage, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let all = t.campaigns().simulations(campaign.id).await?;
    let mailboxes = t.mailboxes().list().await?;
    let may_ask = t.actor().can(Permission::EditCampaigns) && !campaign.lifecycle.state.is_terminal();
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let is_being_made = all.first().is_some_and(|one| one.made_at.is_none());
    let error = all.iter().find(|one| one.made_at.is_some()).and_then(|one| one.error.clone());
    let mut made = all.into_iter().filter_map(|one| Some((one.cause, one.made_at?, one.result?)));
    let (newest, before) = (made.next(), made.next());
    let newest = newest.map(|(cause, made_at, result)| {
        let (bars, by) = bars(&result.days);
        Simulated {
            made_at: Moment::new(made_at, now, &zone),
            figures: figures(&result, &zone),
            changes: before.map(|(.., before)| changes(&before, &result, &zone)).unwrap_or_default(),
            bars,
            by,
            mailboxes: carried(&result, &mailboxes),
            never: never(&result),
            cause,
        }
    });
    Ok(SimulationPage { head, may_ask, is_being_made, error, newest })
}

fn day(at: Option<DateTime<Utc>>, zone: &str) -> String {
    at.map_or_else(|| "–".to_owned(), |at| day_in(zone, at).format("%-d %b %Y").to_string())
}

fn end(s: &Simulation, zone: &str) -> String {
    match s.ends_at {
        Some(at) => day(Some(at), zone),
        None if s.leads == 0 => "–".to_owned(),
        None => "not in 400 days".to_owned(),
    }
}

fn nothing_for(s: &Simulation) -> i64 {
    s.never.iter().map(|one| one.leads).sum()
}

fn figures(s: &Simulation, zone: &str) -> Vec<(String, String, String)> {
    let figure = |label: &str, value: String, note: String| (label.to_owned(), value, note);
    let unfinished = match s.unfinished {
        0 => "everybody is done".to_owned(),
        some => plural(some, "lead is not done", "leads are not done"),
    };
    let a_day = s.days.iter().map(|day| day.mails).max().unwrap_or_default();
    vec![
        figure("Leads", grouped(s.leads), "are mailed".to_owned()),
        figure("E-mails", grouped(s.mails), format!("at most {} a day", grouped(a_day))),
        figure("Last e-mail", day(s.last_mail_at, zone), format!("on {}", plural(days_of(s), "day", "days"))),
        figure("Ends", end(s, zone), unfinished),
        figure("Nothing", grouped(nothing_for(s)), "leads get nothing".to_owned()),
        figure("Held", grouped(s.held), "leads are paused".to_owned()),
    ]
}

fn days_of(s: &Simulation) -> i64 {
    i64::try_from(s.days.len()).unwrap_or_default()
}

/// What is otherwise; nothing when all figures are the same.
fn changes(before: &Simulation, now: &Simulation, zone: &str) -> Vec<(String, String)> {
    let count = |of: fn(&Simulation) -> i64| (grouped(of(before)), grouped(of(now)));
    let mut rows = vec![
        ("Leads", count(|s| s.leads)),
        ("E-mails", count(|s| s.mails)),
        ("Days with e-mails", count(days_of)),
        ("Last e-mail", (day(before.last_mail_at, zone), day(now.last_mail_at, zone))),
        ("Ends", (end(before, zone), end(now, zone))),
        ("Get nothing", count(nothing_for)),
    ];
    rows.retain(|(_, (old, new))| old != new);
    rows.into_iter().map(|(label, (old, new))| (label.to_owned(), format!("{new} (was {old})"))).collect()
}

fn bars(days: &[SimulatedDay]) -> (Vec<(String, i64)>, &'static str) {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return (Vec::new(), "day") };
    let by_week = usize::try_from((last.day - first.day).num_days()).is_ok_and(|span| span >= MOST_DAYS);
    let begin = |day: NaiveDate| match by_week {
        true => day - chrono::Duration::days(i64::from(day.weekday().num_days_from_monday())),
        false => day,
    };
    let mut sums: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    let step = chrono::Duration::days(if by_week { 7 } else { 1 });
    let mut day = begin(first.day);
    while day <= last.day {
        sums.insert(day, 0);
        day += step;
    }
    for one in days {
        *sums.entry(begin(one.day)).or_default() += one.mails;
    }
    let bars = sums.into_iter().map(|(day, mails)| (day.format("%-d %b").to_string(), mails)).collect();
    (bars, if by_week { "week" } else { "day" })
}

fn carried(s: &Simulation, mailboxes: &[Mailbox]) -> Vec<[String; 4]> {
    let address =
        |id| mailboxes.iter().find(|m| m.id == id).map_or("A deleted mailbox".to_owned(), |m| m.address.to_string());
    s.mailboxes
        .iter()
        .map(|one| [address(one.mailbox), grouped(one.mails), grouped(one.busiest_day), grouped(one.full_days)])
        .collect()
}

fn never(s: &Simulation) -> Vec<(String, String)> {
    s.never.iter().map(|one| (sentence(one.reason.label()), grouped(one.leads))).collect()
}
