//! The uploaded file in the database, in chunks: no row is larger than a page of a network, and
//! any worker on any host can read it. It is kept until seven days after the import has ended.

use domain::ImportId;

use crate::{Error, Result, Tenant};

/// Bytes of a chunk.
const CHUNK: usize = 256 * 1024;
/// Chunks of the beginning of a file: a megabyte.
const BEGINNING: i64 = 4;
/// Chunks of one statement.
const AT_ONCE: usize = 16;

/// Stores the file of an import.
pub(super) async fn store(t: &mut Tenant, id: ImportId, bytes: &[u8]) -> Result<()> {
    let chunks: Vec<Vec<u8>> = bytes.chunks(CHUNK).map(<[u8]>::to_vec).collect();
    let mut first = 0_i32;
    for some in chunks.chunks(AT_ONCE) {
        let count = i32::try_from(some.len()).expect("a few chunks");
        sqlx::query!(
            "INSERT INTO import_chunks (import_id, chunk_no, bytes)
             SELECT $1, $2::int + place::int - 1, bytes FROM unnest($3::bytea[]) WITH ORDINALITY AS n (bytes, place)",
            id.0,
            first,
            some,
        )
        .execute(t.conn())
        .await?;
        first += count;
    }
    Ok(())
}

/// The file of an import.
pub(super) async fn load(t: &mut Tenant, id: ImportId) -> Result<Vec<u8>> {
    chunks(t, id, None).await
}

/// The first megabyte of the file of an import.
pub(super) async fn beginning(t: &mut Tenant, id: ImportId) -> Result<Vec<u8>> {
    chunks(t, id, Some(BEGINNING)).await
}

async fn chunks(t: &mut Tenant, id: ImportId, first: Option<i64>) -> Result<Vec<u8>> {
    let chunks = sqlx::query_scalar!(
        "SELECT bytes FROM import_chunks WHERE import_id = $1 ORDER BY chunk_no LIMIT $2",
        id.0,
        first
    )
    .fetch_all(t.conn())
    .await?;
    if chunks.is_empty() {
        return Err(Error::conflict(
            "file_gone",
            "The file of this import is no longer kept. It is deleted when an import is cancelled, and seven days \
             after it has ended.",
        ));
    }
    Ok(chunks.concat())
}
