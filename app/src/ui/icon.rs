//! The icons of `public/icons.svg`, referred to by symbol, so that a drawing
//! costs no wasm. Every name here is a symbol of the sprite; a test holds them equal.

use leptos::prelude::*;

/// A symbol of the sprite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum IconName {
    /// Robot head: an AI agent.
    Agent,
    /// Triangle: a warning.
    Alert,
    /// Ticked box: approvals.
    Approve,
    /// Box with lid.
    Archive,
    /// Long arrow down.
    ArrowDown,
    /// Long arrow up.
    ArrowUp,
    /// Slashed ring: suppressed.
    Ban,
    /// Notifications.
    Bell,
    /// A bounced e-mail.
    Bounce,
    /// An account or company.
    Building,
    /// A date.
    Calendar,
    /// Bars: numbers.
    Chart,
    /// A tick.
    Check,
    /// A time of day.
    Clock,
    /// Angle brackets: for developers.
    Code,
    /// Column chooser.
    Columns,
    /// Two sheets: copy.
    Copy,
    /// Chevron down.
    Down,
    /// Handle for dragging.
    Drag,
    /// Pencil.
    Edit,
    /// Out of a tray.
    Export,
    /// Leaves this site.
    External,
    /// Seen.
    Eye,
    /// Hidden.
    EyeOff,
    /// A file.
    File,
    /// Narrowing lines.
    Filter,
    /// A flag.
    Flag,
    /// A test or sandbox.
    Flask,
    /// Settings.
    Gear,
    /// The web, a zone.
    Globe,
    /// Question mark.
    Help,
    /// A house.
    Home,
    /// Into a tray.
    Import,
    /// Incoming mail.
    Inbox,
    /// A note of information.
    Info,
    /// A key.
    Key,
    /// Chevron to the start.
    Left,
    /// A link.
    Link,
    /// Lines with dots.
    List,
    /// A closed lock.
    Lock,
    /// An envelope.
    Mail,
    /// A sending mailbox.
    Mailbox,
    /// Three lines.
    Menu,
    /// Two lines becoming one.
    Merge,
    /// Dark theme.
    Moon,
    /// Three dots.
    More,
    /// A written note.
    Note,
    /// Octagon with bang: failure.
    Octagon,
    /// An opened envelope.
    Open,
    /// Two bars.
    Pause,
    /// Side panel.
    Peek,
    /// Leads.
    People,
    /// One person.
    Person,
    /// A telephone.
    Phone,
    /// A triangle: start.
    Play,
    /// Add.
    Plus,
    /// Two round arrows.
    Refresh,
    /// An answer.
    Reply,
    /// Chevron to the end.
    Right,
    /// A pulse line.
    Runs,
    /// The system's theme.
    Screen,
    /// A lens.
    Search,
    /// A slice.
    Segment,
    /// A paper plane.
    Send,
    /// Safe.
    Shield,
    /// The sidebar.
    Sidebar,
    /// Leave.
    SignOut,
    /// Sort order.
    Sort,
    /// Machine-written.
    Spark,
    /// A star.
    Star,
    /// A square.
    Stop,
    /// Light theme.
    Sun,
    /// A label.
    Tag,
    /// Something to do.
    Task,
    /// Delete.
    Trash,
    /// Arrow up.
    Up,
    /// Two chevrons: a chooser.
    Updown,
    /// Up from a line.
    Upload,
    /// Assign a person.
    Userplus,
    /// Close or remove.
    X,
}

impl IconName {
    /// The symbol's address in the sprite.
    pub const fn href(self) -> &'static str {
        match self {
            Self::Agent => "/icons.svg#agent",
            Self::Alert => "/icons.svg#alert",
            Self::Approve => "/icons.svg#approve",
            Self::Archive => "/icons.svg#archive",
            Self::ArrowDown => "/icons.svg#arrow-down",
            Self::ArrowUp => "/icons.svg#arrow-up",
            Self::Ban => "/icons.svg#ban",
            Self::Bell => "/icons.svg#bell",
            Self::Bounce => "/icons.svg#bounce",
            Self::Building => "/icons.svg#building",
            Self::Calendar => "/icons.svg#calendar",
            Self::Chart => "/icons.svg#chart",
            Self::Check => "/icons.svg#check",
            Self::Clock => "/icons.svg#clock",
            Self::Code => "/icons.svg#code",
            Self::Columns => "/icons.svg#columns",
            Self::Copy => "/icons.svg#copy",
            Self::Down => "/icons.svg#down",
            Self::Drag => "/icons.svg#drag",
            Self::Edit => "/icons.svg#edit",
            Self::Export => "/icons.svg#export",
            Self::External => "/icons.svg#external",
            Self::Eye => "/icons.svg#eye",
            Self::EyeOff => "/icons.svg#eye-off",
            Self::File => "/icons.svg#file",
            Self::Filter => "/icons.svg#filter",
            Self::Flag => "/icons.svg#flag",
            Self::Flask => "/icons.svg#flask",
            Self::Gear => "/icons.svg#gear",
            Self::Globe => "/icons.svg#globe",
            Self::Help => "/icons.svg#help",
            Self::Home => "/icons.svg#home",
            Self::Import => "/icons.svg#import",
            Self::Inbox => "/icons.svg#inbox",
            Self::Info => "/icons.svg#info",
            Self::Key => "/icons.svg#key",
            Self::Left => "/icons.svg#left",
            Self::Link => "/icons.svg#link",
            Self::List => "/icons.svg#list",
            Self::Lock => "/icons.svg#lock",
            Self::Mail => "/icons.svg#mail",
            Self::Mailbox => "/icons.svg#mailbox",
            Self::Menu => "/icons.svg#menu",
            Self::Merge => "/icons.svg#merge",
            Self::Moon => "/icons.svg#moon",
            Self::More => "/icons.svg#more",
            Self::Note => "/icons.svg#note",
            Self::Octagon => "/icons.svg#octagon",
            Self::Open => "/icons.svg#open",
            Self::Pause => "/icons.svg#pause",
            Self::Peek => "/icons.svg#peek",
            Self::People => "/icons.svg#people",
            Self::Person => "/icons.svg#person",
            Self::Phone => "/icons.svg#phone",
            Self::Play => "/icons.svg#play",
            Self::Plus => "/icons.svg#plus",
            Self::Refresh => "/icons.svg#refresh",
            Self::Reply => "/icons.svg#reply",
            Self::Right => "/icons.svg#right",
            Self::Runs => "/icons.svg#runs",
            Self::Screen => "/icons.svg#screen",
            Self::Search => "/icons.svg#search",
            Self::Segment => "/icons.svg#segment",
            Self::Send => "/icons.svg#send",
            Self::Shield => "/icons.svg#shield",
            Self::Sidebar => "/icons.svg#sidebar",
            Self::SignOut => "/icons.svg#sign-out",
            Self::Sort => "/icons.svg#sort",
            Self::Spark => "/icons.svg#spark",
            Self::Star => "/icons.svg#star",
            Self::Stop => "/icons.svg#stop",
            Self::Sun => "/icons.svg#sun",
            Self::Tag => "/icons.svg#tag",
            Self::Task => "/icons.svg#task",
            Self::Trash => "/icons.svg#trash",
            Self::Up => "/icons.svg#up",
            Self::Updown => "/icons.svg#updown",
            Self::Upload => "/icons.svg#upload",
            Self::Userplus => "/icons.svg#userplus",
            Self::X => "/icons.svg#x",
        }
    }
}

/// A decorative 16-pixel drawing; the words beside it carry the meaning.
#[component]
pub fn Icon(
    /// Which drawing.
    name: IconName,
    /// 14 pixels instead of 16, beside small text.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    let class = if small { "icon sm" } else { "icon" };
    view! {
        <svg class=class viewBox="0 0 16 16" aria-hidden="true">
            <use href=name.href()></use>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::IconName;

    #[test]
    fn names_and_symbols_are_the_same_set() {
        let sprite = include_str!("../../../public/icons.svg");
        let source = include_str!("icon.rs");
        let names = source.lines().filter_map(|line| line.trim().split_once("=> \"/icons.svg#"));
        let mut count = 0;
        for (_, rest) in names {
            let id = rest.trim_end_matches(['"', ',']);
            assert!(sprite.contains(&format!("id=\"{id}\"")), "no symbol {id}");
            count += 1;
        }
        assert_eq!(count, sprite.matches("<symbol").count());
        assert_eq!(IconName::Home.href(), "/icons.svg#home");
    }
}
