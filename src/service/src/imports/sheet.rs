//! A CSV file as headings and rows. Rows are numbered from 1 in the order of the file, the heading
//! and blank lines not counted, so a number always names the same row.

use csv::{ReaderBuilder, StringRecord};
use domain::{
    Problem,
    imports::{ImportColumn, ImportField, MAX_COLUMNS, MAX_ROWS},
};
use encoding_rs::Encoding;

use super::of_file;

/// What may separate columns.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Records that are looked at to find the separator.
const SNIFFED: usize = 20;
/// Values of a column that the mapping page shows.
const SAMPLES: usize = 3;
/// Rows that are searched for them.
const SAMPLED: i64 = 1_000;

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub encoding: &'static Encoding,
    pub delimiter: u8,
}

impl Format {
    /// From the words of a request or a row.
    pub(super) fn parse(encoding: &str, delimiter: &str) -> Result<Self, Problem> {
        let encoding = Encoding::for_label(encoding.as_bytes())
            .ok_or_else(|| Problem::field("encoding", "encoding_unknown", "There is no such encoding."))?;
        match delimiter.as_bytes() {
            [byte] if DELIMITERS.contains(byte) => Ok(Self { encoding, delimiter: *byte }),
            _ => Err(Problem::field("delimiter", "delimiter_unknown", "Use a comma, a semicolon, a tab or a bar.")),
        }
    }

    pub(super) fn delimiter_text(self) -> String {
        char::from(self.delimiter).to_string()
    }
}

/// What the mapping page needs to know of a file.
#[derive(Debug)]
pub(super) struct Described {
    pub columns: Vec<ImportColumn>,
    pub rows: i64,
}

/// The text of a file and its separator.
#[derive(Debug)]
pub(super) struct Sheet {
    text: String,
    delimiter: u8,
}

impl Sheet {
    pub(super) const fn new(text: String, delimiter: u8) -> Self {
        Self { text, delimiter }
    }

    /// With the separator by which the first records have the same number of columns. The records are
    /// read as CSV, so what stands in quotes does not count.
    pub(super) fn sniff(text: String) -> Self {
        let best = DELIMITERS.into_iter().max_by_key(|delimiter| {
            let widths: Vec<usize> = records(&text, *delimiter).take(SNIFFED).map(|r| r.len()).collect();
            let width = widths.first().copied().unwrap_or(0);
            let alike = widths.iter().filter(|w| **w == width).count();
            // One column is what every wrong separator gives; of equals the first of the list wins.
            let rank = DELIMITERS.iter().position(|d| d == delimiter);
            (width > 1, alike, width, std::cmp::Reverse(rank))
        });
        Self { text, delimiter: best.unwrap_or(b',') }
    }

    pub(super) const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The headings as they stand in the file.
    pub(super) fn headings(&self) -> StringRecord {
        records(&self.text, self.delimiter).next().unwrap_or_default()
    }

    /// The rows with their numbers.
    pub(super) fn rows(&self) -> impl Iterator<Item = (i64, StringRecord)> {
        (1..).zip(records(&self.text, self.delimiter).skip(1))
    }

    /// Columns and number of rows.
    pub(super) fn describe(&self) -> Result<Described, Problem> {
        let headings = self.headings();
        if headings.len() > MAX_COLUMNS {
            let message = format!("This file has {} columns. Use at most {MAX_COLUMNS}.", headings.len());
            return Err(of_file("columns_many", message));
        }
        let mut columns = columns(&headings)?;
        let mut rows = 0;
        for (number, record) in self.rows() {
            rows = number;
            if rows > MAX_ROWS {
                return Err(of_file("rows_many", "This file has more than 200,000 rows. Split it into several."));
            }
            if rows <= SAMPLED {
                for (column, value) in columns.iter_mut().zip(&record) {
                    let value = value.trim();
                    if column.samples.len() < SAMPLES && !value.is_empty() {
                        column.samples.push(value.chars().take(80).collect());
                    }
                }
            }
        }
        if rows == 0 {
            return Err(of_file("rows_none", "This file has headings but no rows."));
        }
        Ok(Described { columns, rows })
    }
}

fn columns(headings: &StringRecord) -> Result<Vec<ImportColumn>, Problem> {
    let mut columns: Vec<ImportColumn> = Vec::with_capacity(headings.len());
    for (index, heading) in headings.iter().enumerate() {
        let heading = match heading.trim() {
            "" => format!("Column {}", index + 1),
            heading => heading.chars().take(200).collect(),
        };
        if columns.iter().any(|c| c.heading.to_lowercase() == heading.to_lowercase()) {
            let message = format!("Two columns are called “{heading}”. Rename one of them.");
            return Err(of_file("heading_twice", message));
        }
        // The first column that looks like a field gets it; a field is filled once.
        let guess = ImportField::guess(&heading).filter(|field| columns.iter().all(|c| c.guess != Some(*field)));
        columns.push(ImportColumn { index, heading, samples: Vec::new(), guess });
    }
    Ok(columns)
}

/// The records of a text. The text is valid and lies in memory, so reading cannot fail; rows may
/// be longer or shorter than the heading, which is a matter of the row.
fn records(text: &str, delimiter: u8) -> impl Iterator<Item = StringRecord> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
        .into_records()
        .filter_map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_found_and_quotes_respected() {
        for (text, delimiter) in [
            ("a,b\n1,2\n", b','),
            ("a;b\n1,5;2,5\n", b';'),
            ("a\tb\n1\t2\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            ("\"a,b,c,d\";e\n\"1,2,3,4\";5\n", b';'),
            ("email\nines@corvus.example\n", b','),
        ] {
            assert_eq!(Sheet::sniff(text.to_owned()).delimiter(), delimiter, "{text:?}");
        }
    }

    #[test]
    fn a_line_break_in_quotes_is_no_new_row() {
        let sheet =
            Sheet::sniff("name,email\n\"Ines\nAlbrecht\",ines@corvus.example\n\nJonas,j@corvus.example".to_owned());
        let rows: Vec<_> = sheet.rows().map(|(n, r)| (n, r.get(0).map(str::to_owned))).collect();
        assert_eq!(rows, [(1, Some("Ines\nAlbrecht".to_owned())), (2, Some("Jonas".to_owned()))]);
    }

    #[test]
    fn every_fault_of_a_file_has_its_own_words() {
        let wide = (0..=MAX_COLUMNS).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        let long = "email\n".to_owned() + &"a@b.example\n".repeat(200_001);
        for (text, code) in [
            ("email,name\n", "rows_none"),
            ("email,E-mail ,email\n1,2,3", "heading_twice"),
            (wide.as_str(), "columns_many"),
            (long.as_str(), "rows_many"),
        ] {
            assert_eq!(Sheet::sniff(text.to_owned()).describe().expect_err(code).code, code);
        }
    }

    #[test]
    fn columns_have_samples_and_guesses() {
        let described = Sheet::sniff("E-Mail;;Mail\n;x;\na@b.example;;\n".to_owned()).describe().expect("described");
        assert_eq!(described.rows, 2);
        let columns: Vec<_> =
            described.columns.iter().map(|c| (c.heading.as_str(), c.samples.len(), c.guess)).collect();
        assert_eq!(columns, [("E-Mail", 1, Some(ImportField::Email)), ("Column 2", 1, None), ("Mail", 0, None)]);
    }
}
