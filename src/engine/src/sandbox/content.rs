//! Takes the content of a mail line by line and undoes its dot-stuffing.
//! Only CRLF ends a line and only CRLF `.` CRLF ends the mail, so no mail can smuggle in another one.

/// RFC 5321 section 4.5.3.1.6: 1,000 octets with CRLF, one more for a stuffed dot.
pub(super) const MAX_LINE: usize = 1_001;

const TOO_LARGE: &str = "552 5.3.4 The mail is too large";
const TOO_LONG: &str = "554 5.6.0 A line is longer than 998 octets";
const BARE_LINE_END: &str = "554 5.6.0 A line does not end with CR and LF";

/// The content as far as it has come.
pub(super) struct Content {
    raw: Vec<u8>,
    max_size: usize,
    fault: Option<&'static str>,
}

impl Content {
    pub fn new(max_size: usize) -> Self {
        Self { raw: Vec::new(), max_size, fault: None }
    }

    /// Takes one line with its line end; true when it was the final dot.
    pub fn push(&mut self, line: &[u8], is_whole: bool) -> bool {
        if line == b".\r\n" {
            return true;
        }
        let text = line.strip_suffix(b"\r\n");
        if !is_whole {
            self.fail(TOO_LONG);
        } else if text.is_none_or(|text| text.iter().any(|octet| matches!(octet, b'\r' | b'\n'))) {
            self.fail(BARE_LINE_END);
        }
        if self.fault.is_none() {
            let unstuffed = line.strip_prefix(b".").unwrap_or(line);
            if self.raw.len() + unstuffed.len() > self.max_size {
                self.fail(TOO_LARGE);
            } else {
                self.raw.extend_from_slice(unstuffed);
            }
        }
        false
    }

    /// The whole content, or the reply that refuses it.
    pub fn finish(self) -> Result<Vec<u8>, &'static str> {
        self.fault.map_or(Ok(self.raw), Err)
    }

    /// The rest of a refused mail is read and forgotten, for the reply comes only after the final dot.
    fn fail(&mut self, fault: &'static str) {
        self.fault.get_or_insert(fault);
        self.raw = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(lines: &[&str]) -> Result<String, &'static str> {
        let mut content = Content::new(20);
        let ends: Vec<bool> = lines.iter().map(|line| content.push(line.as_bytes(), true)).collect();
        assert!(ends.iter().rev().skip(1).all(|end| !end), "ended early");
        content.finish().map(|raw| String::from_utf8(raw).unwrap())
    }

    #[test]
    fn dots_are_unstuffed() {
        assert_eq!(take(&["a\r\n", "..\r\n", "..b\r\n", ".\r\n"]).unwrap(), "a\r\n.\r\n.b\r\n");
    }

    #[test]
    fn only_crlf_ends_anything() {
        assert_eq!(take(&["a\r\n", ".\n", "b\r\n", ".\r\n"]), Err(BARE_LINE_END));
        assert_eq!(take(&["a\r.\r\n", ".\r\n"]), Err(BARE_LINE_END));
        assert_eq!(take(&["a\n", ".\r\n"]), Err(BARE_LINE_END));
    }

    #[test]
    fn what_is_too_large_is_refused() {
        assert_eq!(take(&["0123456789\r\n", "0123456789\r\n", ".\r\n"]), Err(TOO_LARGE));
        let mut content = Content::new(20);
        content.push(b"cut off", false);
        assert_eq!(content.finish(), Err(TOO_LONG));
    }
}
