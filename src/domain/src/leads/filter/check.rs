//! Conditions that no lead can meet are a slip of whoever entered them. The address of a list may hold any, because it
//! is passed on and finds nobody; what is kept or comes from a program is checked.

use super::LeadFilter;
use crate::{Problem, accounts::check_country, leads::countries, problem::Problems};

/// What a score can be.
const SCORES: std::ops::RangeInclusive<i32> = 0..=100;

impl LeadFilter {
    /// The same, tidied. Problems have the names that conditions have in an address: `f.country.is`.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        for (field, score) in [("f.score.gte", self.score_min), ("f.score.lte", self.score_max)] {
            if score.is_some_and(|score| !SCORES.contains(&score)) {
                problems.push(Problem::field(field, "score_invalid", "Enter a score, 0 to 100."));
            }
        }
        if self.score_min.zip(self.score_max).is_some_and(|(least, most)| least > most) {
            let words = "No score is at least the one and at most the other.";
            problems.push(Problem::field("f.score.lte", "scores_crossed", words));
        }
        if let Some(codes) = problems.check("f.country.is", self.country.iter().map(|code| code_of(code)).collect()) {
            self.country = codes;
        }
        self.tag = self.tag.iter().map(|tag| tag.trim().to_lowercase()).filter(|tag| !tag.is_empty()).collect();
        if self.created_from.zip(self.created_before).is_some_and(|(first, end)| first >= end) {
            let words = "No day is on or after the one and before the other.";
            problems.push(Problem::field("f.created.before", "days_crossed", words));
        }
        if self.campaign.is_some() && self.never_enrolled {
            let words = "Nobody was in this campaign and never in any. Choose one of the two.";
            problems.push(Problem::field("f.campaign.is", "campaign_never", words));
        }
        problems.finish()?;
        Ok(self)
    }
}

/// A country as leads have it: two letters (ISO 3166-1).
fn code_of(country: &str) -> Result<String, Problem> {
    let unknown = || {
        let code = countries::code_of(country);
        let instead = code.map_or_else(|| "two letters, as in DE".to_owned(), ToOwned::to_owned);
        Problem::new("country_invalid", format!("“{}” is no country code. Use {instead}.", country.trim()))
    };
    check_country(Some(country.to_owned())).ok().flatten().ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::CampaignId;

    fn problems(filter: LeadFilter) -> Vec<(String, String)> {
        let problems = filter.check().expect_err("problems");
        problems.into_iter().map(|p| (p.code.to_string(), p.field.unwrap_or_default().to_string())).collect()
    }

    fn countries(names: &[&str]) -> LeadFilter {
        LeadFilter { country: names.iter().map(|name| (*name).to_owned()).collect(), ..LeadFilter::default() }
    }

    #[test]
    fn conditions_that_no_lead_can_meet_are_refused_at_their_field() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day);
        let every = LeadFilter::default();
        for (filter, code, field) in [
            (LeadFilter { score_min: Some(900), ..every.clone() }, "score_invalid", "f.score.gte"),
            (LeadFilter { score_max: Some(-1), ..every.clone() }, "score_invalid", "f.score.lte"),
            (LeadFilter { score_min: Some(80), score_max: Some(70), ..every.clone() }, "scores_crossed", "f.score.lte"),
            (countries(&["DE", "Germany"]), "country_invalid", "f.country.is"),
            (countries(&[""]), "country_invalid", "f.country.is"),
            (
                LeadFilter { created_from: day(20), created_before: day(20), ..every.clone() },
                "days_crossed",
                "f.created.before",
            ),
            (
                LeadFilter { campaign: Some(CampaignId(uuid::Uuid::nil())), never_enrolled: true, ..every.clone() },
                "campaign_never",
                "f.campaign.is",
            ),
        ] {
            assert_eq!(problems(filter.clone()), [(code.to_owned(), field.to_owned())], "{filter:?}");
        }
        let all = LeadFilter { score_min: Some(101), ..countries(&["Germany"]) };
        assert_eq!(problems(all).len(), 2, "all are told at once");
        assert_eq!(every.clone().check(), Ok(every));
    }

    #[test]
    fn a_country_that_is_named_is_told_its_code() {
        let told = |name: &str| countries(&[name]).check().expect_err(name).remove(0).message;
        assert_eq!(told("Germany"), "“Germany” is no country code. Use DE.");
        assert_eq!(told(" united kingdom"), "“united kingdom” is no country code. Use GB.");
        assert_eq!(told("Narnia"), "“Narnia” is no country code. Use two letters, as in DE.");
    }

    #[test]
    fn what_is_meant_is_written_as_leads_have_it() {
        let entered = LeadFilter {
            tag: vec![" Optics".into(), " ".into()],
            score_min: Some(0),
            score_max: Some(100),
            ..countries(&["de", " ch "])
        };
        let checked = entered.check().expect("good");
        assert_eq!(checked.country, ["DE", "CH"]);
        assert_eq!(checked.tag, ["optics"]);
        assert_eq!(checked.clone().check(), Ok(checked), "and stays as it is");
    }
}
