//! Random numbers that can be had again.

use service::clock::Clock;

/// A few random numbers; the seed is printed, and given again as `SALESWRIGHT_TEST_SEED`.
pub struct Chance(u64);

impl Chance {
    #[expect(clippy::disallowed_methods, reason = "the seed of a test is no setting of the product")]
    pub fn new() -> Self {
        let given = std::env::var("SALESWRIGHT_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| Clock::system().now().timestamp_micros().unsigned_abs());
        eprintln!("SALESWRIGHT_TEST_SEED={seed}");
        Self(seed | 1)
    }

    /// A number below `end` (xorshift).
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
