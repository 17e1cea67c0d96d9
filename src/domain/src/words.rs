//! Numbers and remarks as people read them.

/// 1284 as "1,284".
#[must_use]
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('−');
    }
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 lead", "1,284 leads".
#[must_use]
pub fn plural(count: i64, one: &str, many: &str) -> String {
    let word = if count == 1 { one } else { many };
    format!("{} {word}", grouped(count))
}

/// A share with one decimal, rounded down, as in "5.5%": what is above a limit is never shown as the limit.
#[must_use]
pub fn percent(part: i64, whole: i64) -> String {
    let tenths = part * 1000 / whole.max(1);
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// The beginning of what somebody else has said, in quotation marks and on one line.
#[must_use]
pub fn quoted_start(words: &str) -> String {
    let mut line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(LONGEST_QUOTE) {
        line.truncate(cut);
        line.push('…');
    }
    format!("“{line}”")
}

/// Characters of a quotation within a sentence.
const LONGEST_QUOTE: usize = 160;

/// With a capital first letter.
#[must_use]
pub fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_up() {
        assert_eq!(percent(11, 200), "5.5%");
        assert_eq!(percent(1999, 10_000), "19.9%");
        assert_eq!(percent(0, 0), "0.0%");
    }

    #[test]
    fn a_quotation_is_one_line_and_not_too_long() {
        assert_eq!(quoted_start("552 too\r\nlarge"), "“552 too large”");
        assert_eq!(quoted_start(&"ü".repeat(200)).chars().count(), LONGEST_QUOTE + 3);
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        let cases = [(0, "0"), (999, "999"), (1284, "1,284"), (1_284_903, "1,284,903"), (-1284, "−1,284")];
        for (value, text) in cases {
            assert_eq!(grouped(value), text);
        }
        assert_eq!(grouped(i64::MIN), "−9,223,372,036,854,775,808");
    }
}
