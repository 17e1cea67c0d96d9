//! The file of a text. What it is, its first bytes say; a name is only a name.

use chrono::{DateTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::Problem;

/// The largest file, in bytes.
pub const MAX_FILE: usize = 20 * 1024 * 1024;
/// The most characters of a name.
const MAX_NAME: usize = 200;

/// A file that belongs to a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentFile {
    /// Its name.
    pub name: String,
    /// Media type, as its first bytes say.
    pub media_type: String,
    /// Bytes.
    pub size: i32,
    /// Who brought it.
    pub author: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl ContentFile {
    /// Whether browsers show it as an image.
    #[must_use]
    pub fn is_image(&self) -> bool {
        self.media_type.starts_with("image/")
    }
}

/// A name without folders and signs that no line has.
///
/// # Errors
/// When nothing is left of it, or it is too long.
pub fn check_file_name(name: &str) -> Result<String, Problem> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        let message = format!("Give the file a name of 1 to {MAX_NAME} characters.");
        return Err(Problem::field("name", "name_invalid", message));
    }
    Ok(name)
}

/// The header `Content-Disposition` of a file to be kept (RFC 6266, section 4): the name in signs that every client
/// knows, and as it is.
#[must_use]
pub fn attachment(name: &str) -> String {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let plain: String = name.chars().map(|c| if known(c) { c } else { '_' }).collect();
    if plain == name {
        return format!("attachment; filename=\"{name}\"");
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_on_one_line() {
        assert_eq!(check_file_name(" C:\\Users\\nora\\Plan.pdf ").as_deref(), Ok("Plan.pdf"));
        assert_eq!(check_file_name("../../etc/passwd\n").as_deref(), Ok("passwd"));
        for bad in ["", "  ", "images/", &"a".repeat(201)] {
            assert!(check_file_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_header_carries_every_name() {
        assert_eq!(attachment("Plan 1.pdf"), "attachment; filename=\"Plan 1.pdf\"");
        let strange = attachment("Übersicht\"; x=\"1.png");
        assert_eq!(
            strange,
            "attachment; filename=\"_bersicht__ x__1.png\"; filename*=UTF-8''%C3%9Cbersicht%22%3B%20x%3D%221%2Epng"
        );
    }
}
