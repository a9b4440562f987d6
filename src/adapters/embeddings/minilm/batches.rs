//! Groups windows into batches for the model.
//!
//! Windows of a batch are padded to the longest of them, so neighbours in length go together, and a bound
//! on the padded size keeps memory and the time of one batch low. Called by `minilm`; runs nothing.

/// Most tokens of a batch, padding included. Larger batches were measured to be slower, as they leave the
/// CPU's cache.
const BATCH_TOKENS: usize = 1_024;

/// The batches of windows of the given lengths in tokens, as indices into `lengths`.
pub fn plan(lengths: &[usize]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|index| lengths[*index]);
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for index in order {
        // `index` is the longest so far, so its length is the padded one.
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * lengths[index] <= BATCH_TOKENS => batch.push(index),
            _ => batches.push(vec![index]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_is_in_one_batch_and_no_batch_is_too_large() {
        let lengths: Vec<usize> = (0..300).map(|index| 2 + index * 37 % 160).collect();
        let mut seen = vec![0; lengths.len()];
        for batch in plan(&lengths) {
            let longest = batch.iter().map(|index| lengths[*index]).max().unwrap_or(0);
            assert!(longest * batch.len() <= BATCH_TOKENS);
            for index in batch {
                seen[index] += 1;
            }
        }
        assert_eq!(seen, vec![1; lengths.len()]);
    }

    #[test]
    fn a_window_longer_than_a_batch_still_gets_its_own() {
        assert_eq!(plan(&[2_000, 1]), [vec![1], vec![0]]);
    }

    #[test]
    fn no_window_makes_no_batch() {
        assert!(plan(&[]).is_empty());
    }
}
