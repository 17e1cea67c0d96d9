//! The seven tone families a component may wear. A tone only repeats what a
//! word or a shape already says.

/// A colour family of `style/tokens.css`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Tone {
    /// Grey: nothing to notice.
    #[default]
    Neutral,
    /// Cobalt: the brand, running, selected.
    Accent,
    /// Jade: went well.
    Jade,
    /// Amber: paused, wants attention.
    Amber,
    /// Coral: failed, destructive.
    Coral,
    /// Violet: made by an AI, or a reply.
    Violet,
    /// Sky: scheduled, informational.
    Sky,
}

impl Tone {
    /// The class that sets the tone variables.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Neutral => "t-neutral",
            Self::Accent => "t-accent",
            Self::Jade => "t-jade",
            Self::Amber => "t-amber",
            Self::Coral => "t-coral",
            Self::Violet => "t-violet",
            Self::Sky => "t-sky",
        }
    }

    /// The class that sets the colour of a segment, bar or legend mark.
    pub const fn segment(self) -> &'static str {
        match self {
            Self::Neutral => "seg-neutral",
            Self::Accent => "seg-accent",
            Self::Jade => "seg-jade",
            Self::Amber => "seg-amber",
            Self::Coral => "seg-coral",
            Self::Violet => "seg-violet",
            Self::Sky => "seg-sky",
        }
    }
}
