//! The rows of a file in batches, read by a thread of its own one batch ahead. Every row is read
//! from the first, also those behind the cursor, because a later one may repeat their address.

use domain::Problem;
use tokio::sync::mpsc;

use crate::{
    Error, Result,
    imports::{
        row::{Read, Reader},
        sheet::{Format, Sheet},
        text,
    },
};

/// Rows of a batch: large enough that the commit does not count, small enough to be done in a second.
const ROWS: usize = 5_000;

/// Rows that follow each other.
#[derive(Debug)]
pub(super) struct Batch {
    /// Number of the first row.
    pub first: i64,
    /// Number of the last row.
    pub last: i64,
    /// What they say.
    pub rows: Vec<(i64, Read)>,
}

/// The batches that a thread reads.
#[derive(Debug)]
pub(super) struct Batches(mpsc::Receiver<Result<Batch, Problem>>);

impl Batches {
    /// Begins to read the rows after `behind`.
    pub(super) fn read(bytes: Vec<u8>, format: Format, reader: Reader, behind: i64) -> Self {
        let (sender, receiver) = mpsc::channel(1);
        tokio::task::spawn_blocking(move || send(&bytes, format, reader, behind, &sender));
        Self(receiver)
    }

    /// The next batch; nothing at the end of the file.
    pub(super) async fn next(&mut self) -> Option<Result<Batch>> {
        Some(self.0.recv().await?.map_err(Error::from))
    }
}

/// Sends until the end, or until nobody listens any more.
fn send(bytes: &[u8], format: Format, mut reader: Reader, behind: i64, sender: &mpsc::Sender<Result<Batch, Problem>>) {
    let sheet = match text::decode(bytes, format.encoding) {
        Ok(text) => Sheet::new(text, format.delimiter),
        Err(problem) => {
            // Nobody listens: then nobody needs to know.
            let _ = sender.blocking_send(Err(problem));
            return;
        }
    };
    let mut rows = Vec::with_capacity(ROWS);
    for (number, record) in sheet.rows() {
        let read = reader.read(number, &record);
        if number <= behind {
            continue;
        }
        rows.push((number, read));
        if rows.len() == ROWS && sender.blocking_send(Ok(batch(std::mem::take(&mut rows)))).is_err() {
            return;
        }
    }
    if !rows.is_empty() {
        let _ = sender.blocking_send(Ok(batch(rows)));
    }
}

fn batch(rows: Vec<(i64, Read)>) -> Batch {
    let number = |row: Option<&(i64, Read)>| row.map_or(0, |(number, _)| *number);
    Batch { first: number(rows.first()), last: number(rows.last()), rows }
}
