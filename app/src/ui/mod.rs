//! The parts every page is made of, one component per file. They know nothing
//! about leads or campaigns, and each is complete HTML before any script runs.

mod avatar;
mod breadcrumb;
mod bulk_bar;
mod button;
mod callout;
mod card;
mod checklist;
mod choice;
mod confirm;
mod data_table;
mod empty;
mod error_summary;
mod facts;
mod field;
mod file_drop;
mod filter_bar;
mod flash;
mod icon;
mod input;
mod kpi;
mod live_mark;
#[cfg(feature = "ssr")]
mod lookup;
#[cfg(feature = "ssr")]
mod markdown;
mod menu;
mod meter;
mod pager;
mod per_day_chart;
mod score;
mod search_field;
mod select;
mod stacked_bar;
mod status;
mod tabs;
mod tag;
mod time;
mod timeline;
mod tone;
mod wizard;

pub use avatar::{Avatar, AvatarKind};
pub use breadcrumb::{Breadcrumb, Crumb};
pub use bulk_bar::{BulkBar, ListForm};
pub use button::{ButtonKind, ButtonLink, ButtonSize, SubmitButton};
pub use callout::Callout;
pub use card::Card;
pub use checklist::{CheckItem, Checklist, Verdict};
pub use choice::{Checkbox, RadioGroup};
pub use confirm::{confirm, question};
pub use data_table::{ColumnKind, HeaderCell, SelectAllHeader, SelectBox, SortHeader, SortOrder, TableRegion};
pub use empty::{Empty, EmptyKind};
pub use error_summary::{existing, problems, refusal, refusal_of_fields};
pub use facts::{Fact, Facts};
pub use field::{FieldFrame, FieldWidth};
pub use file_drop::FileDrop;
pub use filter_bar::{AddFilter, FilterBar, FilterChip};
pub use flash::{Flash, Notice};
pub use icon::{Icon, IconName};
pub use input::{InputKind, TextArea, TextInput};
pub use kpi::{Kpi, KpiStrip};
pub use live_mark::{LiveMark, LiveState};
#[cfg(feature = "ssr")]
pub use lookup::lookup;
#[cfg(feature = "ssr")]
pub use markdown::markdown;
pub use menu::{MenuButton, MenuLink, popover};
pub use meter::Meter;
pub use pager::Pager;
pub use per_day_chart::{DayBar, PerDayChart};
pub use score::Score;
pub use search_field::SearchField;
pub use select::{Choice, Select, option_list};
pub use stacked_bar::{Part, StackedBar};
pub use status::{Glyph, Status, StatusLook, glyph_mark};
pub use tabs::{TabLink, Tabs};
pub use tag::Tag;
pub use time::Time;
pub use timeline::{Timeline, TimelineDay, TimelineItem};
pub use tone::Tone;
pub use wizard::Wizard;
