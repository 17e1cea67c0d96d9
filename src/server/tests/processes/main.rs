//! Real processes of the binary on a database of their own: killed, restarted, and several at once.

mod browser;
mod chance;
#[expect(dead_code, reason = "bench/faults uses the rest")]
mod count;
mod counting;
mod desk;
#[expect(dead_code, reason = "bench/faults uses the rest")]
mod gate;
#[expect(dead_code, reason = "bench/faults uses the rest")]
mod house;
mod kill;
mod late;
mod pairs;
mod patience;
mod runs;
mod sink;
#[expect(dead_code, reason = "bench/faults uses the rest")]
mod story;
mod talk;
mod terminal;
