//! Real processes of the binary on a database of their own: killed, restarted, and several at once.

mod browser;
mod gate;
mod house;
mod kill;
mod late;
mod pairs;
mod sink;
mod story;
mod terminal;
