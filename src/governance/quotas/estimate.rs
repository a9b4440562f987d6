//! The most that an answer may use, before anything of it is known: an estimate that is rather too high, since what is
//! not used is given back when the run ends.

/// Characters of a token: English has four, code and other languages fewer.
const CHARS_PER_TOKEN: usize = 3;

/// The most that a run may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Tokens of prompt and answer.
    pub tokens: i64,
    /// Their price, in millionths of a US dollar; 0 when no price is known.
    pub cost_micro_usd: i64,
}

/// Tokens of so many characters, rather too many than too few.
pub fn estimated_tokens(chars: usize) -> i64 {
    i64::try_from(chars.div_ceil(CHARS_PER_TOKEN)).unwrap_or(i64::MAX)
}
