//! A hard look at vectors that came over a network: storing a wrong one would spoil search without anybody noticing.

use crate::adapters::embeddings::Vector;

/// The vectors at unit length, when there is one for each text and each is what it must be.
///
/// # Errors
/// What is wrong, for a person.
pub(super) fn vectors(
    vectors: Vec<Vec<f32>>,
    texts: usize,
    dimensions: usize,
) -> Result<Vec<Vector>, String> {
    if vectors.len() != texts {
        return Err(format!("{} vectors came for {texts} texts", vectors.len()));
    }
    vectors.into_iter().map(|vector| at_unit_length(vector, dimensions)).collect()
}

/// The mean of vectors at unit length; `None` when they cancel each other out.
pub(super) fn mean(vectors: &[Vector]) -> Option<Vector> {
    let mut sum = vectors.first()?.clone();
    for vector in &vectors[1..] {
        sum.iter_mut().zip(vector).for_each(|(sum, number)| *sum += number);
    }
    let dimensions = sum.len();
    at_unit_length(sum, dimensions).ok()
}

fn at_unit_length(mut vector: Vec<f32>, dimensions: usize) -> Result<Vector, String> {
    if vector.len() != dimensions {
        return Err(format!(
            "it has {} dimensions where {dimensions} were asked for; set PIDIMA_EMBEDDING_DIMENSIONS to what the model gives",
            vector.len()
        ));
    }
    if vector.iter().any(|number| !number.is_finite()) {
        return Err("it holds something that is no number".to_owned());
    }
    // In 64 bits: the squares of large numbers do not fit into 32.
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    if length < f64::from(f32::MIN_POSITIVE) {
        return Err("it is zero and has no direction".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, reason = "numbers of a vector of length one")]
    vector.iter_mut().for_each(|number| *number = (f64::from(*number) / length) as f32);
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_vector_is_scaled_to_unit_length() {
        assert_eq!(vectors(vec![vec![3.0, 4.0]], 1, 2), Ok(vec![vec![0.6, 0.8]]));
        let huge = vectors(vec![vec![f32::MAX, 0.0]], 1, 2).unwrap();
        assert_eq!(huge, [[1.0, 0.0]]);
    }

    #[test]
    fn what_is_no_vector_is_refused_with_words() {
        for (bad, texts, words) in [
            (vec![vec![1.0, 0.0, 0.0]], 1, "3 dimensions where 2"),
            (vec![vec![]], 1, "0 dimensions"),
            (vec![vec![f32::NAN, 1.0]], 1, "no number"),
            (vec![vec![f32::INFINITY, 1.0]], 1, "no number"),
            (vec![vec![0.0, -0.0]], 1, "zero"),
            (vec![vec![1.0, 0.0]], 2, "1 vectors came for 2 texts"),
            (vec![vec![1.0, 0.0]; 3], 2, "3 vectors came for 2 texts"),
        ] {
            let told = vectors(bad, texts, 2).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn a_mean_points_between_its_vectors_unless_they_cancel_each_other_out() {
        let between = mean(&[vec![1.0, 0.0], vec![0.0, 1.0]]).unwrap();
        assert!((between[0] - between[1]).abs() < 1e-6);
        assert_eq!(mean(&[vec![1.0, 0.0], vec![-1.0, 0.0]]), None);
        assert_eq!(mean(&[]), None);
    }
}
