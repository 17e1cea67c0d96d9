//! Copies of e-mails whose server has said nothing. Some providers put every mail that they take into a folder of sent
//! mails (RFC 6154, `\Sent`): what lies there has left.

use async_imap::imap_proto::{MailboxDatum, NameAttribute, Response, ResponseCode};
use domain::MessageId;
use service::messages::unknown::Sought;

use super::{
    ask::{Failure, PATIENCE, Server, ask},
    reader::search,
};

/// What servers call the folder that do not mark it.
const NAMES: [&str; 4] = ["Sent", "Sent Items", "Sent Messages", "INBOX.Sent"];

/// Which of them lie in the folder of sent mails; none when there is no such folder, or when the server refuses to say.
pub(super) async fn look(server: &mut Server, sought: &[Sought]) -> Result<Vec<(MessageId, bool)>, Failure> {
    match found(server, sought).await {
        Err(failure) if failure.refused => Ok(sought.iter().map(|one| (one.id, false)).collect()),
        other => other,
    }
}

async fn found(server: &mut Server, sought: &[Sought]) -> Result<Vec<(MessageId, bool)>, Failure> {
    let Some(folder) = sent_folder(server).await? else {
        return Ok(sought.iter().map(|one| (one.id, false)).collect());
    };
    let open = format!("EXAMINE {}", quoted(&folder));
    ask(server, "Opening the folder of sent mails", PATIENCE, &open, |_| {}).await?;
    let mut looked = Vec::new();
    for one in sought {
        let what = format!("HEADER Message-ID {}", quoted(&one.header));
        let found = search(server, "Looking for a sent mail", &what).await?;
        looked.push((one.id, !found.is_empty()));
    }
    Ok(looked)
}

/// Opens the INBOX again, for reading only. Gives what its uids count within.
pub(super) async fn back_to_inbox(server: &mut Server) -> Result<Option<u32>, Failure> {
    let mut validity = None;
    ask(server, "Opening INBOX", PATIENCE, "EXAMINE INBOX", |told| {
        if let Response::Data { outcome, .. } = told
            && let Some(ResponseCode::UidValidity(it)) = outcome.code
        {
            validity = Some(it);
        }
    })
    .await?;
    // What has come meanwhile is behind the cursor, and nobody tells it again.
    server.news = true;
    Ok(validity)
}

/// The folder that the server marks, or one with a usual name.
async fn sent_folder(server: &mut Server) -> Result<Option<String>, Failure> {
    let (mut marked, mut named) = (None, None);
    ask(server, "Looking for the folder of sent mails", PATIENCE, "LIST \"\" \"*\"", |told| {
        let Response::MailboxData(MailboxDatum::List(folder)) = told else { return };
        let name = &folder.name;
        if folder.name_attributes.contains(&NameAttribute::Sent) {
            marked = Some(name.to_string());
        } else if NAMES.iter().any(|usual| name.eq_ignore_ascii_case(usual)) {
            named = named.take().or_else(|| Some(name.to_string()));
        }
    })
    .await?;
    Ok(marked.or(named))
}

/// A string as commands carry it (RFC 9051, `quoted`).
fn quoted(text: &str) -> String {
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
