//! What stands in place of an answer that its reader may not read: in the history, and in what a model is told of it.

/// Said instead of the answer.
pub const WITHHELD: &str =
    "This answer is withheld: it was made of documentation that you can not read (any more).";
