//! Opens and clicks: the links that tell of them, and what is written down when somebody asks for one.
//!
//! A request names an e-mail and a place in it, both signed; where a link leads stands in our own table, so nobody can
//! be sent elsewhere. What is asked for is judged (`domain::tracking`), and only what people do changes anything.

mod events;
mod figures;
mod hosts;

use domain::{MessageId, tracking::Tracking};

pub use events::{Asked, Request};
pub use hosts::{HostToCheck, LinkHosts};

use crate::secrets::Secrets;

/// What the token of a link is signed for.
const CLICK: &str = "click";
/// What the token of a picture is signed for.
const OPEN: &str = "open";

/// How opens and clicks of one e-mail are told.
#[derive(Clone, Debug)]
pub struct Tracked {
    secrets: Secrets,
    base: String,
    message: MessageId,
    wants: Tracking,
}

impl Tracked {
    pub(crate) fn new(secrets: Secrets, base: String, message: MessageId, wants: Tracking) -> Self {
        Self { secrets, base, message, wants }
    }

    /// What is to be told.
    #[must_use]
    pub fn wants(&self) -> Tracking {
        self.wants
    }

    /// The address of the link at `place`, from 1.
    #[must_use]
    pub fn link(&self, place: i16) -> String {
        format!("{}/c/{}", self.base, self.secrets.place_token(CLICK, self.message.0, place))
    }

    /// The address of the picture.
    #[must_use]
    pub fn picture(&self) -> String {
        format!("{}/o/{}.gif", self.base, self.secrets.place_token(OPEN, self.message.0, 0))
    }
}
