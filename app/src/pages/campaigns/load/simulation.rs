//! What the page of a simulation shows.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use domain::{
    Permission,
    mailboxes::Mailbox,
    simulation::{OtherWay, SimulatedDay, SimulatedFigures, Simulation, SimulationPart},
    window::day_in,
    words::{plural, sentence},
};

use super::{Publishing, Simulated, SimulationPage, has_ended, load_head};
use crate::{
    error::AppError,
    fmt::{Moment, grouped},
    server,
};

/// More days than this are shown as weeks.
const MOST_DAYS: usize = 60;

/// The figures that are held against each other.
const COMPARED: [&str; 6] = ["Leads", "E-mails", "Days with e-mails", "Last e-mail", "Ends", "Get nothing"];

/// The newest simulation, and what is otherwise in the other ways that were played with it.
pub async fn page(slug: &str, id: &str) -> Result<SimulationPage, AppError> {
    let mut t = server::tenant(slug).await?;
    let (campaign, head) = load_head(&mut t, id).await?;
    let all = t.campaigns().simulations_of(&campaign).await?;
    let mailboxes = t.mailboxes().list().await?;
    let ended = has_ended(&head.state);
    let may_ask = t.actor().can(Permission::EditCampaigns) && !ended;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let is_being_made = all.first().is_some_and(|one| one.made_at.is_none());
    let error = all.iter().find(|one| one.made_at.is_some()).and_then(|one| one.error.clone());
    let newest = all.into_iter().find(|one| one.result.is_some());
    // What is being made is of now.
    let outdated = newest.as_ref().filter(|_| !is_being_made).and_then(|one| SimulationPart::sentence(&one.changed));
    let newest = newest.and_then(|one| {
        let (cause, made_at, result) = (one.cause, one.made_at?, one.result?);
        let (bars, by) = bars(&result.days);
        Some(Simulated {
            made_at: Moment::new(made_at, now, &zone),
            figures: figures(&result, &zone),
            publishing: publishing(&result, &zone),
            edit: result.figures_of(OtherWay::Before).map(|before| changes(&before, &result.figures(), &zone)),
            bars,
            by,
            mailboxes: carried(&result, &mailboxes),
            never: never(&result),
            reached: reached(&result),
            cause,
        })
    });
    Ok(SimulationPage { head, may_ask, ended, is_being_made, error, outdated, newest })
}

fn day(at: Option<DateTime<Utc>>, zone: &str) -> String {
    at.map_or_else(|| "–".to_owned(), |at| day_in(zone, at).format("%-d %b %Y").to_string())
}

fn end(leads: i64, ends_at: Option<DateTime<Utc>>, zone: &str) -> String {
    match ends_at {
        Some(at) => day(Some(at), zone),
        None if leads == 0 => "–".to_owned(),
        None => "not in 400 days".to_owned(),
    }
}

fn figures(s: &Simulation, zone: &str) -> Vec<(String, String, String)> {
    let figure = |label: &str, value: String, note: String| (label.to_owned(), value, note);
    let unfinished = match (s.leads, s.unfinished) {
        (0, _) => "nobody is in it".to_owned(),
        (_, 0) => "everybody is done".to_owned(),
        (_, some) => plural(some, "lead is not done", "leads are not done"),
    };
    let a_day = s.days.iter().map(|day| day.mails).max().unwrap_or_default();
    let all = s.figures();
    vec![
        figure("Leads", grouped(s.leads), "are mailed".to_owned()),
        figure("E-mails", grouped(s.mails), format!("to come, at most {} a day", grouped(a_day))),
        figure("Last e-mail", day(s.last_mail_at, zone), format!("on {}", plural(all.days, "day", "days"))),
        figure("Ends", end(s.leads, s.ends_at, zone), unfinished),
        figure("Nothing", grouped(all.nothing), "leads get nothing".to_owned()),
        figure("Held", grouped(s.held), "leads are paused".to_owned()),
    ]
}

/// The figures of several ways beside each other, where one of them is otherwise.
fn compared(ways: &[SimulatedFigures], zone: &str) -> Vec<(String, Vec<String>)> {
    let values: Vec<[String; 6]> = ways
        .iter()
        .map(|of| {
            let (last, end) = (day(of.last_mail_at, zone), end(of.leads, of.ends_at, zone));
            [grouped(of.leads), grouped(of.mails), grouped(of.days), last, end, grouped(of.nothing)]
        })
        .collect();
    let mut rows = Vec::new();
    for (n, label) in COMPARED.iter().enumerate() {
        let row: Vec<String> = values.iter().map(|value| value[n].clone()).collect();
        if row.windows(2).any(|pair| pair[0] != pair[1]) {
            rows.push(((*label).to_owned(), row));
        }
    }
    rows
}

/// What is otherwise since the last edit; nothing when all figures are the same.
fn changes(before: &SimulatedFigures, now: &SimulatedFigures, zone: &str) -> Vec<(String, String)> {
    let rows = compared(&[*before, *now], zone);
    rows.into_iter().map(|(label, row)| (label, format!("{} (was {})", row[1], row[0]))).collect()
}

/// What publishing changes, while something waits for that: as it is, for new leads only, for everybody.
fn publishing(s: &Simulation, zone: &str) -> Option<Publishing> {
    let mut ways = vec![s.figures_of(OtherWay::Unpublished)?, s.figures()];
    ways.extend(s.figures_of(OtherWay::Moved));
    let columns = ["As it is", "New leads only", "Those in the middle, too"];
    Some(Publishing { columns: columns.into_iter().take(ways.len()).collect(), rows: compared(&ways, zone) })
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

/// What is said where nobody is left out.
fn reached(s: &Simulation) -> &'static str {
    match (s.leads, s.unfinished) {
        (0, _) => "There is nobody to write to.",
        (_, 0) => "Everybody is reached.",
        _ => "Nobody is left out, but not everybody is done in 400 days.",
    }
}

#[cfg(test)]
mod tests {
    use domain::simulation::Otherwise;

    use super::*;

    fn simulation(leads: i64, mails: i64) -> Simulation {
        let last: DateTime<Utc> = "2026-11-24T09:00:00Z".parse().expect("a time");
        Simulation { leads, mails, last_mail_at: Some(last), ends_at: Some(last), ..Simulation::default() }
    }

    #[test]
    fn nobody_is_not_everybody() {
        assert_eq!(reached(&Simulation::default()), "There is nobody to write to.");
        assert_eq!(reached(&simulation(5, 5)), "Everybody is reached.");
        let unfinished = Simulation { unfinished: 2, ends_at: None, ..simulation(5, 3) };
        assert_eq!(reached(&unfinished), "Nobody is left out, but not everybody is done in 400 days.");
    }

    #[test]
    fn publishing_is_told_for_whom_and_only_what_it_changes() {
        let other = |way, mails| Otherwise { way, figures: simulation(6, mails).figures() };
        let edited = Simulation { otherwise: vec![other(OtherWay::Unpublished, 6)], ..simulation(6, 6) };
        let told = publishing(&edited, "UTC").expect("something waits");
        assert_eq!((told.columns.len(), told.rows), (2, Vec::new()));
        let moved = [other(OtherWay::Unpublished, 6), other(OtherWay::Moved, 1200)];
        let edited = Simulation { otherwise: moved.to_vec(), ..edited };
        let told = publishing(&edited, "UTC").expect("something waits");
        assert_eq!(told.columns, ["As it is", "New leads only", "Those in the middle, too"]);
        assert_eq!(told.rows, [("E-mails".to_owned(), ["6", "6", "1,200"].map(str::to_owned).to_vec())]);
        assert_eq!(publishing(&simulation(6, 6), "UTC"), None, "nothing was edited");
    }

    #[test]
    fn what_an_edit_changes_is_held_against_what_was() {
        let (before, now) = (simulation(6, 6).figures(), simulation(6, 12).figures());
        assert_eq!(changes(&before, &now, "UTC"), [("E-mails".to_owned(), "12 (was 6)".to_owned())]);
        assert_eq!(changes(&now, &now, "UTC"), []);
    }
}
