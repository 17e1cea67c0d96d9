//! From bytes to text. The encoding is found by its mark, then by what is valid, then by what is
//! likely; a file that is no text at all is told from one.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use domain::Problem;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::of_file;

/// Bytes that are looked at for zeros.
const SAMPLE: usize = 64 * 1024;
/// What ZIP files begin with, xlsx and ods among them, and what old Office files begin with.
const SPREADSHEETS: [&[u8]; 2] = [b"PK\x03\x04", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"];

/// The encoding a file is most likely written in.
pub(super) fn detect(bytes: &[u8]) -> Result<&'static Encoding, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(of_file("file_empty", "This file is empty."));
    }
    if SPREADSHEETS.iter().any(|magic| bytes.starts_with(magic)) {
        return Err(of_file("not_csv", "This is a spreadsheet, not CSV. Save it as CSV (UTF-8)."));
    }
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Ok(encoding);
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let zeros = |from: usize| sample.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    // Latin text in UTF-16 has a zero in nearly every second byte.
    let many = sample.len() / 5;
    match (even, odd) {
        (0, 0) => {}
        (0, odd) if odd > many => return Ok(UTF_16LE),
        (even, 0) if even > many => return Ok(UTF_16BE),
        _ => return Err(of_file("not_text", "This file is not text. Save your list as CSV (UTF-8).")),
    }
    if std::str::from_utf8(bytes).is_ok() {
        return Ok(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    Ok(detector.guess(None, Utf8Detection::Deny))
}

/// The text of a file without the mark of its encoding.
pub(super) fn decode(bytes: &[u8], encoding: &'static Encoding) -> Result<String, Problem> {
    let (text, _, wrong) = encoding.decode(bytes);
    if wrong {
        let message = format!("This file is not written in {}. Choose another encoding.", encoding.name());
        return Err(Problem::field("encoding", "encoding_wrong", message));
    }
    Ok(text.into_owned())
}

/// The same of the beginning of a file, which may end within a character; that one is left out.
pub(super) fn decode_beginning(bytes: &[u8], encoding: &'static Encoding) -> String {
    let mut decoder = encoding.new_decoder();
    let most = decoder.max_utf8_buffer_length(bytes.len()).expect("a megabyte or less");
    let mut text = String::with_capacity(most);
    let _ = decoder.decode_to_string(bytes, &mut text, false);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() }).collect()
    }

    #[test]
    fn encodings_are_found() {
        let text = "E-Mail;Name\nines@corvus.example;Jürgen Müller-Größe\n";
        let windows: Vec<u8> = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        for (bytes, name) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            ([b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat(), "UTF-8"),
            ([b"\xFF\xFE".as_slice(), &utf16(text, true)].concat(), "UTF-16LE"),
            ([b"\xFE\xFF".as_slice(), &utf16(text, false)].concat(), "UTF-16BE"),
            (utf16(text, true), "UTF-16LE"),
            (utf16(text, false), "UTF-16BE"),
            (windows, "windows-1252"),
        ] {
            let encoding = detect(&bytes).expect(name);
            assert_eq!(encoding.name(), name);
            assert_eq!(decode(&bytes, encoding).expect(name), text, "{name}");
        }
    }

    #[test]
    fn a_beginning_may_end_within_a_character() {
        for bytes in [b"\xEF\xBB\xBFM\xC3\xBCll\xC3".as_slice(), b"M\xC3\xBCll"] {
            assert_eq!(decode_beginning(bytes, UTF_8), "Müll");
        }
        assert_eq!(decode_beginning(&utf16("Müller", true)[..9], UTF_16LE), "Müll");
    }

    #[test]
    fn what_is_no_text_is_told() {
        for (bytes, code) in [
            (b"".as_slice(), "file_empty"),
            (b" \r\n\n", "file_empty"),
            (b"PK\x03\x04\x14\0\x06\0", "not_csv"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0", "not_csv"),
            (b"%PDF-1.7\0\x01\0\0binary", "not_text"),
        ] {
            assert_eq!(detect(bytes).expect_err(code).code, code);
        }
        assert_eq!(decode(b"M\xFCller", UTF_8).expect_err("not UTF-8").code, "encoding_wrong");
    }
}
