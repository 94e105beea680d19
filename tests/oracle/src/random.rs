//! Random numbers that a seed determines, on every machine and in every version.

/// A generator of the splitmix64 family. Two with one seed give the same numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed);
        random.bits();
        random
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 for a limit of 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.bits() % (limit.max(1) as u64)).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in that many of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of some values.
    ///
    /// # Panics
    /// There is none.
    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }

    /// One of some words.
    ///
    /// # Panics
    /// There is none.
    pub fn word<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    /// One of some values, each as likely as its weight says.
    ///
    /// # Panics
    /// There is none.
    pub fn weighted<'a, T>(&mut self, values: &'a [(usize, T)]) -> &'a T {
        let mut at = self.below(values.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in values {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return value,
            }
        }
        &values[0].1
    }

    /// A generator of its own, whose numbers do not depend on how many more this one gives.
    pub fn fork(&mut self) -> Self {
        Self::new(self.bits())
    }
}
