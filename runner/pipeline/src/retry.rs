//! Trying a step again (rules F28-F30).

use std::time::Duration;

/// The longest single wait.
pub const MAX_WAIT: Duration = Duration::from_secs(3600);

/// The `retry` of a step, its numbers inside their documented ranges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// How often the step is executed at most (rule F30), 1 to 10.
    pub max_attempts: u32,
    /// The first wait in seconds, before the power is taken, 5 to 60.
    pub delay: f64,
    /// The power, 1 to 5.
    pub exponential_factor: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: 1, delay: 5.0, exponential_factor: 1.0 }
    }
}

impl Retry {
    /// The wait after an attempt that failed, counted from 1: a literal power (rule F29), at most [`MAX_WAIT`].
    #[must_use]
    pub fn wait_after(&self, attempt: u32) -> Duration {
        let mut wait = self.delay;
        for _ in 0..attempt.min(10) {
            wait = wait.powf(self.exponential_factor);
        }
        if wait.is_finite() && wait < MAX_WAIT.as_secs_f64() {
            Duration::from_secs_f64(wait.max(0.0))
        } else {
            MAX_WAIT
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f29_waits_are_powers_of_the_one_before() {
        let retry = Retry { max_attempts: 5, delay: 5.0, exponential_factor: 2.0 };
        let waits: Vec<u64> = (1..=3).map(|attempt| retry.wait_after(attempt).as_secs()).collect();
        assert_eq!(waits, [25, 625, 3600]);
        let constant = Retry { max_attempts: 5, ..Retry::default() };
        assert_eq!([1, 2, 9].map(|attempt| constant.wait_after(attempt).as_secs()), [5, 5, 5]);
    }
}
