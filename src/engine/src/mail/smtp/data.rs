//! Prepares a mail for the DATA phase: CRLF line ends and dot-stuffing (RFC 5321 section 4.5.2).
//! What comes out ends with CRLF and contains no line that is a single dot, so the content cannot end itself.

/// How much is written at a time; each block has its own wait.
pub(super) const BLOCK: usize = 64 * 1024;

/// The line that ends the content. Once its first octet is written, the server may have the mail.
pub(super) const FINAL_DOT: &[u8] = b".\r\n";

/// The content as it goes over the wire, without the final dot.
pub(super) fn stuff(mime: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mime.len() + mime.len() / 64 + 2);
    let mut rest = mime;
    while !rest.is_empty() {
        let end = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n')).unwrap_or(rest.len());
        if rest[0] == b'.' {
            out.push(b'.');
        }
        out.extend_from_slice(&rest[..end]);
        out.extend_from_slice(b"\r\n");
        let line_end = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = rest.get(end + line_end..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_and_line_ends_made_equal() {
        for (mime, wire) in [
            ("", ""),
            ("a", "a\r\n"),
            ("a\r\n", "a\r\n"),
            ("a\nb\rc\r\n", "a\r\nb\r\nc\r\n"),
            (".", "..\r\n"),
            ("..\r\n", "...\r\n"),
            ("a\r\n.\r\nb", "a\r\n..\r\nb\r\n"),
            ("a\n.\nb", "a\r\n..\r\nb\r\n"),
            ("a\r.\rb", "a\r\n..\r\nb\r\n"),
            ("\r\n\r\n.x.", "\r\n\r\n..x.\r\n"),
            ("a\n\r\n.", "a\r\n\r\n..\r\n"),
        ] {
            assert_eq!(String::from_utf8(stuff(mime.as_bytes())).unwrap(), wire, "{mime:?}");
        }
    }

    #[test]
    fn no_content_can_end_itself() {
        for mime in ["\r\n.\r\n", "\n.\n", "\r.\r", ".\r\n.\r\n", "x\r\n.\nMAIL FROM:<a@b>"] {
            let wire = stuff(mime.as_bytes());
            assert!(wire.split(|&octet| octet == b'\n').all(|line| line != b".\r"), "{mime:?}");
        }
    }
}
