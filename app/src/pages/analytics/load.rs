//! What the page of figures loads, in one transaction, and the words for them.

use domain::analytics::{FEW, Period, RunFigures};

use super::agents::{FigureRow, Figures};
use crate::{
    error::AppError,
    fmt::{NO_DATA, dollars, duration, grouped, grouped_or_none, percent, plural},
    server,
    ui::{DayBar, Kpi},
};

/// Figures as people read them.
pub struct FigureWords {
    /// "12 runs in 30 days".
    pub runs: String,
    /// "92.3% succeeded", or the two counts where there are few.
    pub success: String,
    /// "4.2 s at the median".
    pub median: String,
    /// "$0.03 a run".
    pub cost: String,
}

/// The figures of one agent in the last 30 days, for its card and its page.
pub fn figure_words(figures: &RunFigures) -> FigureWords {
    FigureWords {
        runs: format!("{} in 30 days", plural(figures.runs, "run", "runs")),
        success: format!("{} succeeded", share(figures)),
        median: figures.p50_ms.map_or_else(|| NO_DATA.to_owned(), |ms| format!("{} at the median", duration(ms))),
        cost: format!("{} a run", dollars(figures.cost_micros / figures.runs.max(1))),
    }
}

/// The page.
pub async fn figures(slug: &str, period: &str) -> Result<Figures, AppError> {
    let period = Period::parse(period).unwrap_or(Period::Month);
    let mut t = server::tenant(slug).await?;
    let all = t.analytics().agents(period).await?;
    let zone = t.actor().company_time_zone().to_owned();
    t.commit().await?;
    let total = all.total;
    Ok(Figures {
        period,
        zone,
        kpis: vec![
            Kpi::new("Runs", grouped(total.runs), format!("{} have ended", grouped(total.ended))),
            Kpi::new("Succeeded", share(&total), few(&total).unwrap_or("of those that have ended")),
            Kpi::new("Median time", took(total.p50_ms), "from start to end"),
            Kpi::new("Cost", dollars(total.cost_micros), format!("{} tokens", grouped(total.tokens))),
            Kpi::new("Approvals", grouped(total.asked), decided(&total)),
            Kpi::new("Drafts", grouped(total.drafts), used(&total)),
        ],
        days: all
            .days
            .into_iter()
            .map(|d| DayBar { label: d.day.format("%-d %b").to_string(), value: d.runs })
            .collect(),
        teams: all.teams.iter().map(|line| row(None, line.team.label().to_owned(), &line.figures)).collect(),
        agents: all
            .agents
            .iter()
            .map(|line| row(Some(line.agent.to_string()), line.name.clone(), &line.figures))
            .collect(),
    })
}

fn row(agent: Option<String>, name: String, figures: &RunFigures) -> FigureRow {
    FigureRow {
        agent,
        name,
        runs: grouped(figures.runs),
        success: share(figures),
        few: few(figures),
        median: took(figures.p50_ms),
        slow: took(figures.p95_ms),
        tokens: grouped(figures.tokens),
        cost: dollars(figures.cost_micros),
        approvals: if figures.asked == 0 { NO_DATA.to_owned() } else { decided(figures) },
        drafts: grouped_or_none(Some(figures.drafts).filter(|drafts| *drafts > 0)),
        used: if figures.drafts == 0 { NO_DATA.to_owned() } else { used(figures) },
    }
}

/// The share that succeeded; of few runs the two counts, which say no more than they know.
fn share(figures: &RunFigures) -> String {
    match figures.ended {
        0 => NO_DATA.to_owned(),
        ended if ended < FEW => format!("{} of {}", grouped(figures.succeeded), grouped(ended)),
        ended => percent(figures.succeeded, ended),
    }
}

fn few(figures: &RunFigures) -> Option<&'static str> {
    (figures.ended > 0 && figures.are_few()).then_some("too few to compare")
}

fn took(milliseconds: Option<i64>) -> String {
    milliseconds.map_or_else(|| NO_DATA.to_owned(), duration)
}

fn decided(figures: &RunFigures) -> String {
    format!("{} approved, {} denied", grouped(figures.approved), grouped(figures.denied))
}

fn used(figures: &RunFigures) -> String {
    format!("{} used, {} dismissed", grouped(figures.drafts_used), grouped(figures.drafts_dismissed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_few_runs_is_told_as_two_counts() {
        let of = |ended, succeeded| RunFigures { runs: ended, ended, succeeded, ..RunFigures::default() };
        assert_eq!([share(&of(0, 0)), share(&of(29, 28)), share(&of(30, 27))], ["–", "28 of 29", "90.0%"]);
        assert_eq!(few(&of(29, 28)), Some("too few to compare"));
        assert_eq!((few(&of(30, 27)), few(&of(0, 0))), (None, None));
    }
}
