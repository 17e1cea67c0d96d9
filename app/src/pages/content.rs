//! Content: the library of texts, one text with its versions, and the form that it is written in.

mod detail;
mod documents;
mod form;
mod list;
#[cfg(feature = "ssr")]
mod load;

pub use detail::ContentPage;
pub use documents::{DocumentPage, DocumentsPage};
pub use form::{EditContentPage, NewContentPage};
pub use list::LibraryPage;
