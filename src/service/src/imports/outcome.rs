//! What became of the rows: stored with the batch that decided it, and given back as a list or as
//! a file that can be mended and imported again.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use csv::WriterBuilder;
use domain::{ImportId, LeadId, Page, PageRequest, Permission, imports::RejectedRow};
use uuid::Uuid;

use super::{
    Imports, blocking, file,
    sheet::{Format, Sheet},
    text,
};
use crate::{Error, Result, Tenant, cursor};

/// The outcome of a row.
#[derive(Debug)]
pub(super) struct Outcome {
    pub row: i64,
    pub word: &'static str,
    pub lead: Option<LeadId>,
    pub column: Option<String>,
    pub value: Option<String>,
    pub reason: Option<String>,
}

/// Stores the outcomes of a batch. The key of the table refuses a second one for any row.
pub(super) async fn store(t: &mut Tenant, id: ImportId, outcomes: Vec<Outcome>) -> Result<()> {
    let (mut rows, mut words, mut leads) = (Vec::new(), Vec::new(), Vec::new());
    let (mut columns, mut values, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for outcome in outcomes {
        rows.push(outcome.row);
        words.push(outcome.word.to_owned());
        leads.push(outcome.lead.map(|lead| lead.0));
        columns.push(outcome.column);
        values.push(outcome.value);
        reasons.push(outcome.reason);
    }
    sqlx::query!(
        "INSERT INTO import_rows (import_id, row_no, outcome, lead_id, column_name, value, reason)
         SELECT $1, n.* FROM unnest($2::bigint[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[]) AS n",
        id.0,
        &rows,
        &words,
        &leads as &[Option<Uuid>],
        &columns as &[Option<String>],
        &values as &[Option<String>],
        &reasons as &[Option<String>],
    )
    .execute(t.conn())
    .await?;
    Ok(())
}

impl Imports<'_> {
    /// The rows that were not stored, in the order of the file.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn rejected(&mut self, id: ImportId, page: &PageRequest) -> Result<Page<RejectedRow>> {
        self.get(id).await?;
        let limit = page.limit();
        let after = page.after.as_deref().map(row_after).transpose()?.unwrap_or(0);
        let rows = sqlx::query_as!(
            RejectedRow,
            r#"SELECT row_no AS row, column_name AS "column", value, reason AS "reason!" FROM import_rows
               WHERE import_id = $1 AND outcome = 'rejected' AND row_no > $2 ORDER BY row_no LIMIT $3"#,
            id.0,
            after,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |row| URL_SAFE_NO_PAD.encode(row.row.to_string())))
    }

    /// The rejected rows as they stood in the file, with the reason in a column of its own; UTF-8
    /// with its mark, because spreadsheets guess wrong without.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when the file of the import is no longer kept.
    pub async fn rejected_csv(&mut self, id: ImportId) -> Result<Vec<u8>> {
        self.t.require(Permission::ImportLeads).await?;
        let import = self.get(id).await?;
        let reasons: HashMap<i64, String> = sqlx::query!(
            r#"SELECT row_no, reason AS "reason!" FROM import_rows WHERE import_id = $1 AND outcome = 'rejected'"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?
        .into_iter()
        .map(|r| (r.row_no, r.reason))
        .collect();
        let format = Format::parse(&import.encoding, &import.delimiter)?;
        let bytes = file::load(self.t, id).await?;
        blocking(move || {
            let sheet = Sheet::new(text::decode(&bytes, format.encoding)?, format.delimiter);
            write(&sheet, format.delimiter, &reasons).map_err(Error::internal)
        })
        .await?
    }
}

fn write(sheet: &Sheet, delimiter: u8, reasons: &HashMap<i64, String>) -> csv::Result<Vec<u8>> {
    let headings = sheet.headings();
    let mut writer = WriterBuilder::new().flexible(true).delimiter(delimiter).from_writer(b"\xEF\xBB\xBF".to_vec());
    writer.write_record(headings.iter().map(harmless).chain(["reason".to_owned()]))?;
    for (number, record) in sheet.rows() {
        if let Some(reason) = reasons.get(&number) {
            // A short row is filled up, so that the reason always stands in its column.
            let missing = headings.len().saturating_sub(record.len());
            let values = record.iter().map(harmless).chain(std::iter::repeat_n(String::new(), missing));
            writer.write_record(values.chain([harmless(reason)]))?;
        }
    }
    writer.into_inner().map_err(|e| csv::Error::from(std::io::Error::other(e.to_string())))
}

/// A value that a spreadsheet shows and does not run: what begins like a formula gets a quote.
pub(crate) fn harmless(value: &str) -> String {
    match value.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{value}"),
        _ => value.to_owned(),
    }
}

fn row_after(text: &str) -> Result<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| cursor::invalid())?;
    std::str::from_utf8(&bytes).ok().and_then(|t| t.parse().ok()).ok_or_else(cursor::invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_rows_keep_their_columns_and_run_nothing() {
        let sheet = Sheet::new("name;email\n=1+1;x\nok;a@b.example\n+49;\n".to_owned(), b';');
        let reasons = HashMap::from([(1, "No address.".to_owned()), (3, "Also none.".to_owned())]);
        let text = String::from_utf8(write(&sheet, b';', &reasons).expect("written")).expect("UTF-8");
        assert_eq!(text, "\u{feff}name;email;reason\n'=1+1;x;No address.\n'+49;;Also none.\n");
    }
}
