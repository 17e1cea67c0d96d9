//! Real processes of the binary on a database of their own: killed, restarted, and several at once.

mod browser;
mod desk;
mod gate;
mod house;
mod kill;
mod late;
mod pairs;
mod runs;
mod sink;
mod story;
mod terminal;
