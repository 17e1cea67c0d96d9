//! Variants side by side, and leads that are mailed beside those that are held out: rates with honest intervals, and the
//! moment at which one may be called better.

mod holdout;

use serde::{Deserialize, Serialize};

pub use holdout::{Effect, FEWEST, GroupCount, Holdout, Outcome};

use crate::steps::{WinBy, WinnerRule};

/// What has become of the e-mails of one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VariantCount {
    /// Which: 0 is A.
    pub variant: i16,
    /// E-mails handed over.
    pub sent: i64,
    /// Of these: opened by a person.
    pub opened: i64,
    /// Of these: sent with followed links.
    pub tracked_clicks: i64,
    /// Of these: a link opened by a person.
    pub clicked: i64,
    /// Of these: answered by a person.
    pub replied: i64,
}

impl VariantCount {
    /// What the rule counts.
    #[must_use]
    pub const fn successes(&self, by: WinBy) -> i64 {
        match by {
            WinBy::Clicks => self.clicked,
            WinBy::Replies | WinBy::Nobody => self.replied,
        }
    }
}

/// A share with the interval in which it lies with 95 % certainty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rate {
    /// The share, 0 to 1.
    pub rate: f64,
    /// Not less than this.
    pub low: f64,
    /// Not more than this.
    pub high: f64,
}

/// The share of `successes` in `trials`, with its Wilson score interval (Wilson 1927), which stays honest for few
/// trials. Nothing without trials.
#[must_use]
pub fn rate(successes: i64, trials: i64) -> Option<Rate> {
    const Z: f64 = 1.959_964;
    if trials <= 0 {
        return None;
    }
    let (k, n) = (float(successes.clamp(0, trials)), float(trials));
    let (p, z2) = (k / n, Z * Z);
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Some(Rate { rate: p, low: (middle - half).max(0.0), high: (middle + half).min(1.0) })
}

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// There is nothing to compare.
    None,
    /// Not enough e-mails of each variant yet.
    TooFew {
        /// How many the variant with the fewest still needs.
        missing: i64,
    },
    /// The difference may be chance.
    NoDifference,
    /// This one is better, as surely as the rule asks.
    Winner {
        /// Which: 0 is A.
        variant: i16,
    },
}

/// Compares variants as the rule asks.
///
/// The best is held against each other one by a sequential test of two proportions, which is as sure however often
/// somebody looks (Johari, Koomen, Pekelis and Walsh 2017, “Peeking at A/B Tests”). What is asked of the test is divided
/// by the number of rivals (Bonferroni).
#[must_use]
pub fn compare(rule: &WinnerRule, counts: &[VariantCount]) -> Verdict {
    if counts.len() < 2 {
        return Verdict::None;
    }
    let min = i64::from(rule.min_sends.max(1));
    let fewest = counts.iter().map(|c| c.sent).min().unwrap_or(0);
    if fewest < min {
        return Verdict::TooFew { missing: min - fewest };
    }
    let share = |c: &VariantCount| float(c.successes(rule.by)) / float(c.sent);
    let Some(best) = counts.iter().max_by(|a, b| share(a).total_cmp(&share(b))) else { return Verdict::None };
    let rivals = float(i64::try_from(counts.len()).unwrap_or(2) - 1);
    let alpha = (1.0 - f64::from(rule.confidence) / 100.0) / rivals;
    let beats = |other: &VariantCount| {
        evidence((best.successes(rule.by), best.sent), (other.successes(rule.by), other.sent)) >= alpha.recip()
    };
    if counts.iter().filter(|c| c.variant != best.variant).all(beats) {
        Verdict::Winner { variant: best.variant }
    } else {
        Verdict::NoDifference
    }
}

/// How much more likely the difference is if there is one than if there is none: the mixture sequential probability
/// ratio, with differences that are spread normally around none. It reaches 1 / α by chance with probability α at most,
/// whenever one looks.
fn evidence((k1, n1): (i64, i64), (k2, n2): (i64, i64)) -> f64 {
    /// How far apart variants are expected to be, in standard deviations of one e-mail; it decides how soon a difference
    /// is seen, not how sure the answer is.
    const APART: f64 = 0.2;
    let (n1, n2) = (float(n1), float(n2));
    let (p1, p2) = (float(k1) / n1, float(k2) / n2);
    let pooled = (p1 * n1 + p2 * n2) / (n1 + n2);
    let variance = pooled * (1.0 - pooled);
    if variance <= 0.0 {
        return 0.0;
    }
    let (spread, apart) = (1.0 / n1 + 1.0 / n2, APART * APART);
    let distance = (p1 - p2) * (p1 - p2) / variance;
    (spread / (spread + apart)).sqrt() * libm::exp(apart * distance / (2.0 * spread * (spread + apart)))
}

#[expect(clippy::cast_precision_loss, reason = "counts of e-mails are far below 2^52")]
const fn float(n: i64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(variant: i16, sent: i64, replied: i64) -> VariantCount {
        VariantCount { variant, sent, replied, ..VariantCount::default() }
    }

    fn rule() -> WinnerRule {
        WinnerRule { by: WinBy::Replies, ..WinnerRule::default() }
    }

    #[test]
    fn an_interval_is_wide_for_few_and_narrow_for_many() {
        let few = rate(1, 10).expect("trials");
        assert!((few.low - 0.0179).abs() < 0.001 && (few.high - 0.4042).abs() < 0.001, "{few:?}");
        let many = rate(1_000, 10_000).expect("trials");
        assert!(many.high - many.low < 0.012, "{many:?}");
        assert_eq!(rate(0, 0), None);
        assert!(rate(0, 5).is_some_and(|r| r.low < 1e-9));
    }

    #[test]
    fn a_known_table_has_its_known_evidence() {
        // 2 of 100 against 20 of 100: spread 0.02, distance 0.18² / (0.11 · 0.89) = 0.33095, so
        // √(0.02 / 0.06) · exp(0.04 · 0.33095 / (2 · 0.02 · 0.06)) = 143.5.
        assert!((evidence((2, 100), (20, 100)) - 143.5).abs() < 0.5);
        assert_eq!(evidence((0, 100), (0, 100)), 0.0);
    }

    #[test]
    fn a_winner_needs_enough_e_mails_and_a_clear_difference() {
        for (counts, verdict) in [
            (vec![count(0, 500, 5)], Verdict::None),
            (vec![count(0, 99, 0), count(1, 400, 90)], Verdict::TooFew { missing: 1 }),
            (vec![count(0, 100, 10), count(1, 100, 14)], Verdict::NoDifference),
            (vec![count(0, 100, 2), count(1, 100, 20)], Verdict::Winner { variant: 1 }),
            (vec![count(0, 100, 2), count(1, 100, 20), count(2, 100, 19)], Verdict::NoDifference),
        ] {
            assert_eq!(compare(&rule(), &counts), verdict, "{counts:?}");
        }
    }

    #[test]
    fn however_often_one_looks_chance_seldom_wins() {
        // Two variants that do equally well, looked at after every ten e-mails of each.
        let mut seed = 7_u64;
        let mut answers = || {
            // Marsaglia 2003: enough for a coin.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            i64::from(seed % 100 < 5)
        };
        let mut wins = |rule: &WinnerRule| {
            let (mut a, mut b) = (count(0, 0, 0), count(1, 0, 0));
            (0..400).any(|_| {
                for one in [&mut a, &mut b] {
                    one.sent += 10;
                    one.replied += (0..10).map(|_| answers()).sum::<i64>();
                }
                matches!(compare(rule, &[a, b]), Verdict::Winner { .. })
            })
        };
        let chance = (0..400).filter(|_| wins(&rule())).count();
        assert!(chance <= 20, "{chance} of 400 were called winners, at a confidence of 95 %");
    }
}
