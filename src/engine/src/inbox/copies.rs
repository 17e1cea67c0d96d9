//! Copies of e-mails whose server has said nothing. Some providers put every mail that they take into a folder of sent
//! mails (RFC 6154, `\Sent`): what lies there has left.

use async_imap::imap_proto::{MailboxDatum, NameAttribute, Response};
use domain::MessageId;
use service::messages::unknown::Sought;

use super::{
    ask::{Failure, PATIENCE, Server, ask},
    folders::{examine, quoted},
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
    examine(server, "Opening the folder of sent mails", &folder).await?;
    let mut looked = Vec::new();
    for one in sought {
        let what = format!("HEADER Message-ID {}", quoted(&one.header));
        let found = search(server, "Looking for a sent mail", &what).await?;
        looked.push((one.id, !found.is_empty()));
    }
    Ok(looked)
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
