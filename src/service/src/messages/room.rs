//! Room at the recipients' domains. Whoever claims e-mails of a group holds its lock until the claim is kept, so the
//! mailboxes of a company count one after the other; companies without limits count nothing.
//!
//! What finds no room stands in a line: its next try is one step behind whoever came before, so a thousand e-mails to
//! one domain are moved once, and not each hour again.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use domain::mailboxes::{RecipientLimits, group_label};

use super::Messages;
use crate::Result;

/// What may still leave now, by group.
#[derive(Debug, Default)]
pub(super) struct Room {
    limits: RecipientLimits,
    groups: HashMap<String, Group>,
}

#[derive(Debug)]
struct Group {
    hour: i64,
    day: i64,
    /// When there is room again, where there is none.
    free_at: Option<DateTime<Utc>>,
    /// The last of the line.
    line_ends_at: Option<DateTime<Utc>>,
}

/// An e-mail that has to wait.
#[derive(Debug)]
pub(super) struct Wait {
    pub at: DateTime<Utc>,
    /// Why, for people.
    pub words: String,
}

impl Room {
    /// Takes a place for an e-mail, or says how long it waits. `stood` is one that has stood in line, and goes first.
    pub(super) fn take(&mut self, group: &str, stood: bool, now: DateTime<Utc>) -> Option<Wait> {
        let used = self.groups.get_mut(group)?;
        let over = |limit: Option<i32>, used: i64| limit.is_some_and(|most| used >= i64::from(most));
        let (hour, day) = (over(self.limits.per_hour, used.hour), over(self.limits.per_day, used.day));
        let has_line = used.line_ends_at.is_some_and(|end| end > now);
        if !hour && !day && (stood || !has_line) {
            used.hour += 1;
            used.day += 1;
            return None;
        }
        let pace = self.limits.pace();
        let free_at = used.free_at.unwrap_or(now + pace);
        let at = match used.line_ends_at {
            Some(end) if !stood => free_at.max(end + pace),
            _ => free_at,
        };
        // Those of one claim that have stood in line follow each other, too.
        used.free_at = Some(free_at + pace);
        used.line_ends_at = used.line_ends_at.max(Some(at));
        Some(Wait { at, words: self.words(group, day) })
    }

    fn words(&self, group: &str, day: bool) -> String {
        let label = group_label(group);
        match (self.limits.per_hour, self.limits.per_day) {
            (Some(most), None) => format!("{label} gets at most {most} e-mails in an hour; it stands in line."),
            (Some(most), _) if !day => format!("{label} gets at most {most} e-mails in an hour; it stands in line."),
            (_, most) => {
                format!("{label} gets at most {} e-mails in 24 hours; it stands in line.", most.unwrap_or_default())
            }
        }
    }
}

impl Messages<'_> {
    /// The room that there is for some groups. Waits for others who are claiming e-mails to the same.
    pub(super) async fn room(
        &mut self,
        limits: RecipientLimits,
        groups: &[String],
        now: DateTime<Utc>,
    ) -> Result<Room> {
        if limits.is_none() || groups.is_empty() {
            return Ok(Room::default());
        }
        // In one order for everybody, so that two claims never wait for each other.
        sqlx::query!(
            r#"SELECT pg_advisory_xact_lock(hashtextextended(current_company() || name, 0)) AS "held: ()"
               FROM (SELECT DISTINCT name FROM unnest($1::text[]) AS g (name) ORDER BY name) g"#,
            groups
        )
        .fetch_all(self.t.conn())
        .await?;
        // What has no limit is not counted; what has one is seldom more than that.
        let rows = sqlx::query!(
            r#"SELECT g.name AS "name!", c.claimed + h.sent AS "hour!", c.claimed + d.sent AS "day!",
                      w.room_at AS "line_ends_at?"
               FROM (SELECT DISTINCT name FROM unnest($1::text[]) AS n (name)) g
               CROSS JOIN LATERAL (SELECT count(*) AS sent FROM messages
                                   WHERE $3 AND recipient_group = g.name
                                     AND sending_at > $2::timestamptz - interval '1 hour') h
               CROSS JOIN LATERAL (SELECT count(*) AS sent FROM messages
                                   WHERE $4 AND recipient_group = g.name
                                     AND sending_at > $2::timestamptz - interval '24 hours') d
               CROSS JOIN LATERAL (SELECT count(*) AS claimed FROM messages
                                   WHERE recipient_group = g.name AND state = 'claimed' AND lease_until > $2) c
               LEFT JOIN LATERAL (SELECT m.room_at FROM messages m
                                  JOIN campaigns k ON k.id = m.campaign_id AND k.state = 'running'
                                  WHERE m.recipient_group = g.name AND m.room_at > $2
                                    AND m.state IN ('scheduled', 'deferred')
                                  ORDER BY m.room_at DESC LIMIT 1) w ON true"#,
            groups,
            now,
            limits.per_hour.is_some(),
            limits.per_day.is_some(),
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut room = Room { limits, groups: HashMap::new() };
        for row in rows {
            let wanted = i64::try_from(groups.iter().filter(|group| **group == row.name).count()).unwrap_or(i64::MAX);
            let mut free_at = None;
            for (limit, used, window) in
                [(limits.per_hour, row.hour, Duration::hours(1)), (limits.per_day, row.day, Duration::hours(24))]
            {
                let Some(most) = limit.map(i64::from).filter(|most| used + wanted > *most) else { continue };
                free_at = free_at.max(Some(self.free_at(&row.name, (used - most).max(0), window, now).await?));
            }
            let group = Group { hour: row.hour, day: row.day, free_at, line_ends_at: row.line_ends_at };
            room.groups.insert(row.name, group);
        }
        Ok(room)
    }

    /// When the limit that is reached lets one more leave: the oldest e-mail of the window has to be past, and those
    /// that are `above` the limit before.
    async fn free_at(
        &mut self,
        group: &str,
        above: i64,
        window: Duration,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>> {
        let oldest = sqlx::query_scalar!(
            r#"SELECT sending_at AS "at!" FROM messages WHERE recipient_group = $1 AND sending_at > $2
               ORDER BY sending_at OFFSET $3 LIMIT 1"#,
            group,
            now - window,
            above
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(oldest.unwrap_or(now) + window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(used: i64, line_ends_at: Option<DateTime<Utc>>, free_at: Option<DateTime<Utc>>) -> Room {
        let limits = RecipientLimits { per_hour: Some(4), per_day: None };
        let group = Group { hour: used, day: used, free_at, line_ends_at };
        Room { limits, groups: HashMap::from([("gmail".to_owned(), group)]) }
    }

    #[test]
    fn whoever_finds_no_room_stands_in_line_one_behind_the_other() {
        let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().expect("a time");
        let later = |minutes| now + Duration::minutes(minutes);
        let mut room = room(3, None, Some(later(20)));
        assert!(room.take("gmail", false, now).is_none(), "the fourth");
        let at = |room: &mut Room, stood| room.take("gmail", stood, now).map(|wait| wait.at);
        assert_eq!(at(&mut room, false), Some(later(20)), "then the first of the four is an hour old");
        assert_eq!(at(&mut room, false), Some(later(35)), "four an hour are one in fifteen minutes");
        assert!(room.take("corvus.example", false, now).is_none(), "others are not counted");
    }

    #[test]
    fn a_new_one_does_not_overtake_the_line_and_who_has_stood_in_it_does() {
        let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().expect("a time");
        let end = now + Duration::minutes(40);
        let mut with_line = room(3, Some(end), None);
        let wait = with_line.take("gmail", false, now).expect("it waits");
        assert_eq!(wait.at, end + Duration::minutes(15));
        assert_eq!(wait.words, "Gmail gets at most 4 e-mails in an hour; it stands in line.");
        assert!(with_line.take("gmail", true, now).is_none(), "there is room");
        let free = now + Duration::minutes(7);
        let mut full = room(4, Some(end), Some(free));
        assert_eq!(full.take("gmail", true, now).map(|wait| wait.at), Some(free), "it keeps its turn");
    }
}
