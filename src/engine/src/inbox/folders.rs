//! The folders of a server beside its INBOX: how one is opened, and which one is for junk mail (RFC 6154, `\Junk`).

use async_imap::imap_proto::{MailboxDatum, MailboxListData, NameAttribute, Response, ResponseCode};

use super::ask::{Failure, PATIENCE, Server, ask};

/// What servers call the folder of junk mail that do not mark it.
const JUNK: [&str; 6] = ["junk", "junk e-mail", "junk email", "spam", "bulk mail", "bulk"];

/// Opens a folder for reading only. Gives what its uids count within.
pub(super) async fn examine(server: &mut Server, step: &str, name: &str) -> Result<Option<u32>, Failure> {
    let mut validity = None;
    ask(server, step, PATIENCE, &format!("EXAMINE {}", quoted(name)), |told| {
        if let Response::Data { outcome, .. } = told
            && let Some(ResponseCode::UidValidity(it)) = outcome.code
        {
            validity = Some(it);
        }
    })
    .await?;
    Ok(validity)
}

/// Opens the INBOX again, for reading only. Gives what its uids count within.
pub(super) async fn back_to_inbox(server: &mut Server) -> Result<Option<u32>, Failure> {
    let validity = examine(server, "Opening INBOX", "INBOX").await?;
    // What has come meanwhile is behind the cursor, and nobody tells it again.
    server.news = true;
    Ok(validity)
}

/// The folder of junk mail: the one that the server marks, or one with a usual name. `marks` is whether it can be asked for
/// its marks; others tell them unasked, or have none. None when there is no such folder, or when the server refuses to say.
pub(super) async fn junk(server: &mut Server, marks: bool) -> Result<Option<String>, Failure> {
    let asked = marks.then_some(r#"LIST "" "*" RETURN (SPECIAL-USE)"#);
    for command in asked.into_iter().chain([r#"LIST "" "*""#]) {
        match junk_in(server, command).await {
            Err(failure) if failure.refused => {}
            told => return told,
        }
    }
    Ok(None)
}

async fn junk_in(server: &mut Server, command: &str) -> Result<Option<String>, Failure> {
    let (mut marked, mut named) = (None, None);
    ask(server, "Looking for the folder of junk mail", PATIENCE, command, |told| {
        let Response::MailboxData(MailboxDatum::List(MailboxListData { name_attributes, delimiter, name })) = told
        else {
            return;
        };
        let last = delimiter.as_deref().and_then(|between| name.rsplit(between).next()).unwrap_or(name);
        if name_attributes.contains(&NameAttribute::NoSelect) {
            return;
        }
        if name_attributes.contains(&NameAttribute::Junk) {
            marked = Some(name.to_string());
        } else if JUNK.iter().any(|usual| last.eq_ignore_ascii_case(usual)) {
            named = named.take().or_else(|| Some(name.to_string()));
        }
    })
    .await?;
    Ok(marked.or(named))
}

/// A string as commands carry it (RFC 9051, `quoted`).
pub(super) fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_name_cannot_end_its_quotes() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
        assert_eq!(quoted("a\r\nb"), "\"ab\"");
    }
}
