//! Figures about the work of agents. They are read from the runs themselves, so they agree with the list of
//! runs at every moment; nothing is counted on the side. Evaluations are no work for the company, and left out.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{
    AgentId, Permission,
    agents::Team,
    analytics::{AgentAnalytics, AgentFigures, Period, RunFigures, RunsOfDay, TeamFigures},
};

use crate::{Error, Result, Tenant, imports::harmless};

/// The figures of the company.
#[derive(Debug)]
pub struct Analytics<'t> {
    t: &'t mut Tenant,
}

/// A line of the figures: of an agent, of a team, or of all.
struct Line {
    agent: Option<AgentId>,
    name: Option<String>,
    team: Option<Team>,
    figures: RunFigures,
}

impl Tenant {
    /// The figures of the company.
    pub fn analytics(&mut self) -> Analytics<'_> {
        Analytics { t: self }
    }
}

impl Analytics<'_> {
    /// What the agents did in a period, together, by team, by agent and by day.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn agents(&mut self, period: Period) -> Result<AgentAnalytics> {
        self.t.require(Permission::Read).await?;
        let since = self.since(period).await?;
        let mut all = AgentAnalytics {
            period,
            since,
            total: RunFigures::default(),
            teams: Vec::new(),
            agents: Vec::new(),
            days: self.days(since).await?,
        };
        for Line { agent, name, team, figures } in self.lines(since).await? {
            match (agent, name, team) {
                (Some(agent), Some(name), Some(team)) => all.agents.push(AgentFigures { agent, name, team, figures }),
                (None, None, Some(team)) => all.teams.push(TeamFigures { team, figures }),
                _ => all.total = figures,
            }
        }
        all.teams.sort_by_key(|line| line.team);
        all.agents.sort_by_key(|line| (line.team, line.name.to_lowercase()));
        Ok(all)
    }

    /// The figures of each agent that had a run, for cards: one query for all of them.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn by_agent(&mut self, period: Period) -> Result<HashMap<AgentId, RunFigures>> {
        self.t.require(Permission::Read).await?;
        let since = self.since(period).await?;
        let lines = self.lines(since).await?;
        Ok(lines.into_iter().filter_map(|line| Some((line.agent?, line.figures))).collect())
    }

    /// The figures by agent as a file for spreadsheets.
    ///
    /// # Errors
    /// As [`Self::agents`].
    pub async fn agents_csv(&mut self, period: Period) -> Result<Vec<u8>> {
        let mut file = csv::Writer::from_writer(Vec::new());
        file.write_record([
            "agent",
            "team",
            "runs",
            "ended",
            "succeeded",
            "p50_ms",
            "p95_ms",
            "tokens",
            "cost_usd",
            "asked",
            "approved",
            "denied",
            "drafts",
            "drafts_used",
            "drafts_dismissed",
        ])
        .map_err(Error::internal)?;
        for AgentFigures { name, team, figures: f, .. } in self.agents(period).await?.agents {
            let count = |n: i64| n.to_string();
            let some = |n: Option<i64>| n.map(count).unwrap_or_default();
            let cost = format!("{}.{:06}", f.cost_micros / 1_000_000, f.cost_micros % 1_000_000);
            file.write_record([
                harmless(&name),
                team.to_string(),
                count(f.runs),
                count(f.ended),
                count(f.succeeded),
                some(f.p50_ms),
                some(f.p95_ms),
                count(f.tokens),
                cost,
                count(f.asked),
                count(f.approved),
                count(f.denied),
                count(f.drafts),
                count(f.drafts_used),
                count(f.drafts_dismissed),
            ])
            .map_err(Error::internal)?;
        }
        file.into_inner().map_err(|error| Error::internal(error.into_error()))
    }

    /// When a period begins: the midnight of its first day, in the time zone of the company.
    async fn since(&mut self, period: Period) -> Result<DateTime<Utc>> {
        let now = self.t.now();
        let zone = self.t.actor().company_time_zone().to_owned();
        Ok(sqlx::query_scalar!(
            r#"SELECT (date_trunc('day', $1 AT TIME ZONE $2) - make_interval(days => $3)) AT TIME ZONE $2 AS "since!""#,
            now,
            zone,
            period.days() - 1,
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    async fn lines(&mut self, since: DateTime<Utc>) -> Result<Vec<Line>> {
        let rows = sqlx::query!(
            r#"
            WITH run AS (
                SELECT id, agent_id, state, finished_at,
                       extract(epoch FROM finished_at - started_at)::float8 * 1000 AS ms
                FROM runs WHERE created_at >= $1 AND NOT evaluation
            ), used AS (
                -- Of its own steps in all attempts: a run also counts what runs have used that it handed work over to.
                SELECT s.run_id, sum(s.tokens_in + s.tokens_out) AS tokens, sum(s.cost_micros) AS cost_micros
                FROM run JOIN run_steps s ON s.run_id = run.id GROUP BY s.run_id
            ), asked AS (
                SELECT p.run_id, count(*) AS asked, count(*) FILTER (WHERE p.state = 'approved') AS approved,
                       count(*) FILTER (WHERE p.state = 'denied') AS denied
                FROM run JOIN run_approvals p ON p.run_id = run.id GROUP BY p.run_id
            ), draft AS (
                SELECT d.run_id, count(*) AS drafts, count(*) FILTER (WHERE d.state = 'used') AS used,
                       count(*) FILTER (WHERE d.state = 'dismissed') AS dismissed
                FROM run JOIN drafts d ON d.run_id = run.id GROUP BY d.run_id
            )
            SELECT a.id AS "agent?: AgentId", a.name AS "name?", a.team AS "team?: Team", count(run.id) AS "runs!",
                   count(run.finished_at) AS "ended!", count(*) FILTER (WHERE run.state = 'succeeded') AS "succeeded!",
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY run.ms)::bigint AS p50,
                   percentile_cont(0.95) WITHIN GROUP (ORDER BY run.ms)::bigint AS p95,
                   coalesce(sum(used.tokens), 0)::bigint AS "tokens!", coalesce(sum(used.cost_micros), 0)::bigint AS "cost!",
                   coalesce(sum(asked.asked), 0)::bigint AS "asked!",
                   coalesce(sum(asked.approved), 0)::bigint AS "approved!",
                   coalesce(sum(asked.denied), 0)::bigint AS "denied!",
                   coalesce(sum(draft.drafts), 0)::bigint AS "drafts!", coalesce(sum(draft.used), 0)::bigint AS "used!",
                   coalesce(sum(draft.dismissed), 0)::bigint AS "dismissed!"
            FROM run
            JOIN agents a ON a.id = run.agent_id
            LEFT JOIN used ON used.run_id = run.id
            LEFT JOIN asked ON asked.run_id = run.id
            LEFT JOIN draft ON draft.run_id = run.id
            GROUP BY GROUPING SETS ((a.id, a.name, a.team), (a.team), ())
            "#,
            since
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Line {
                agent: row.agent,
                name: row.name,
                team: row.team,
                figures: RunFigures {
                    runs: row.runs,
                    ended: row.ended,
                    succeeded: row.succeeded,
                    p50_ms: row.p50,
                    p95_ms: row.p95,
                    tokens: row.tokens,
                    cost_micros: row.cost,
                    asked: row.asked,
                    approved: row.approved,
                    denied: row.denied,
                    drafts: row.drafts,
                    drafts_used: row.used,
                    drafts_dismissed: row.dismissed,
                },
            })
            .collect())
    }

    async fn days(&mut self, since: DateTime<Utc>) -> Result<Vec<RunsOfDay>> {
        let now = self.t.now();
        let zone = self.t.actor().company_time_zone().to_owned();
        Ok(sqlx::query_as!(
            RunsOfDay,
            r#"
            SELECT d.day::date AS "day!", count(r.id) AS "runs!"
            FROM generate_series($1 AT TIME ZONE $3, date_trunc('day', $2 AT TIME ZONE $3), interval '1 day') AS d (day)
            LEFT JOIN runs r ON r.created_at >= $1 AND NOT r.evaluation
                 AND r.created_at >= d.day AT TIME ZONE $3 AND r.created_at < (d.day + interval '1 day') AT TIME ZONE $3
            GROUP BY d.day ORDER BY d.day
            "#,
            since,
            now,
            zone,
        )
        .fetch_all(self.t.conn())
        .await?)
    }
}
