//! The folder of junk mail (RFC 6154, `\Junk`): a reply that the provider has sorted there is a reply all the same. Of what
//! strangers send, only some headers are looked at, and nothing is marked as read.

use async_imap::imap_proto::{AttributeValue, Response};
use chrono::{DateTime, Utc};
use domain::inboxes::Folder;
use service::inboxes::Headers;
use tokio_util::sync::CancellationToken;

use super::{Open, Reader, back_to, moment};
use crate::inbox::{
    End,
    ask::{Failure, PATIENCE, Server, ask},
    folders,
};

/// Headers that tell whose mail it is, and what it answers.
const TELLING: &str = "FROM TO SUBJECT DATE MESSAGE-ID IN-REPLY-TO REFERENCES CONTENT-TYPE RETURN-PATH DELIVERED-TO \
                       X-ORIGINAL-TO ENVELOPE-TO X-ENVELOPE-TO";
/// Mails whose headers are asked for at once.
const BATCH: usize = 50;

impl Reader<'_> {
    /// Looks into the folder of junk mail, if there is one that may be read, and opens the INBOX again.
    pub(super) async fn look_into_junk(
        &mut self,
        server: &mut Server,
        inbox: Open,
        marks: bool,
        stop: &CancellationToken,
    ) -> Result<(), End> {
        let Some(name) = folders::junk(server, marks).await? else { return Ok(()) };
        let looked = match folders::examine(server, "Opening the folder of junk mail", &name).await {
            Ok(Some(uid_validity)) => self.catch_up(server, Open { folder: Folder::Junk, uid_validity }, stop).await,
            // A folder whose mails have no lasting numbers cannot be read once and only once.
            Ok(None) => Ok(()),
            Err(failure) => Err(failure.into()),
        };
        match looked {
            // The server does not give it out, and goes on talking. A single mail is another matter.
            Err(End::Failed(failure)) if failure.refused && self.held.is_none() => {}
            other => other?,
        }
        Ok(back_to(server, inbox).await?)
    }

    /// The mails that may be for us: all in the INBOX, and those of the folder of junk mail whose headers say so.
    pub(super) async fn sift(&self, server: &mut Server, open: Open, uids: &[u32]) -> Result<Vec<u32>, End> {
        if open.folder == Folder::Inbox {
            return Ok(uids.to_vec());
        }
        let (now, mut wanted) = (self.db.clock().now(), Vec::new());
        for some in uids.chunks(BATCH) {
            let mails = headers(server, some, now).await?;
            let mut t = self.db.tenant(self.actor).await?;
            wanted.extend(t.inboxes().wanted(&self.hand, &mails).await?);
            t.commit().await?;
        }
        Ok(wanted)
    }

    /// What is not stored of the mails up to this one is none of ours.
    pub(super) async fn pass(&mut self, open: Open, uid: u32) -> Result<(), End> {
        let mut t = self.db.tenant(self.actor).await?;
        let ours = t.inboxes().pass(&self.hand, open.folder, open.uid_validity, uid).await?;
        t.commit().await?;
        if !ours {
            return Err(End::NotOurs);
        }
        self.moved(open, uid);
        Ok(())
    }
}

/// What the headers of mails tell, the oldest first.
async fn headers(server: &mut Server, uids: &[u32], now: DateTime<Utc>) -> Result<Vec<Headers>, Failure> {
    let set = uids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let command = format!("UID FETCH {set} (UID INTERNALDATE BODY.PEEK[HEADER.FIELDS ({TELLING})])");
    let mut found = Vec::new();
    ask(server, "Looking at junk mail", PATIENCE, &command, |told| {
        let Response::Fetch(_, values) = told else { return };
        let (mut uid, mut at, mut raw) = (None, now, None);
        for value in values {
            match value {
                AttributeValue::Uid(it) => uid = Some(*it),
                AttributeValue::InternalDate(date) => at = moment(date).unwrap_or(now).min(now),
                AttributeValue::BodySection { data, .. } => raw = Some(data.as_deref().unwrap_or_default().to_vec()),
                _ => {}
            }
        }
        found.extend(uid.zip(raw).filter(|(uid, _)| uids.contains(uid)).map(|(uid, raw)| Headers { uid, at, raw }));
    })
    .await?;
    found.sort_by_key(|mail| mail.uid);
    found.dedup_by_key(|mail| mail.uid);
    Ok(found)
}
