//! Reads lines of a bounded length from a peer that is not trusted.
//! However long a line is, no more than the limit is ever held in memory.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// How reading one line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// The whole line is there, with its line feed.
    Complete,
    /// The line was longer than the limit: its beginning was kept, the rest read and thrown away.
    TooLong,
    /// The peer closed the connection before the line feed.
    Closed,
}

/// Reads up to the next line feed into `line`, which keeps at most `limit` octets, line feed included.
pub(crate) async fn read_line<R>(reader: &mut R, limit: usize, line: &mut Vec<u8>) -> io::Result<LineEnd>
where
    R: AsyncBufRead + Unpin,
{
    line.clear();
    let mut too_long = false;
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(LineEnd::Closed);
        }
        let feed = available.iter().position(|&octet| octet == b'\n');
        let taken = feed.map_or(available.len(), |at| at + 1);
        let kept = taken.min(limit - line.len());
        line.extend_from_slice(&available[..kept]);
        too_long |= kept < taken;
        reader.consume(taken);
        if feed.is_some() {
            return Ok(if too_long { LineEnd::TooLong } else { LineEnd::Complete });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let mut input = &b"short\r\nmuch too long\r\nend\r\nrest"[..];
        let mut line = Vec::new();

        assert_eq!(read_line(&mut input, 8, &mut line).await.unwrap(), LineEnd::Complete);
        assert_eq!(line, b"short\r\n");
        assert_eq!(read_line(&mut input, 8, &mut line).await.unwrap(), LineEnd::TooLong);
        assert_eq!(line, b"much too");
        assert_eq!(read_line(&mut input, 8, &mut line).await.unwrap(), LineEnd::Complete);
        assert_eq!(line, b"end\r\n");
        assert_eq!(read_line(&mut input, 8, &mut line).await.unwrap(), LineEnd::Closed);
    }
}
