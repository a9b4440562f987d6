//! Finds the int8 weights of all-MiniLM-L6-v2 in its ONNX file.
//!
//! Used by `fused_graph` alone. The exporter names biases after the layer they belong to but numbers the
//! weight matrices, so a matrix is found by the bias added to its product. It computes nothing else.

use std::collections::HashMap;

use super::onnx::{Graph, Tensor, Type};
use super::protobuf::Malformed;

/// Name before every parameter's name in the file.
const PREFIX: &str = "inner.";

/// A dense layer `x * weights + bias`: `weights` is `inputs` x `outputs`, row-major; the true weight in a
/// column is the stored one times that column's scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    pub inputs: usize,
    pub outputs: usize,
    pub weights: Vec<i8>,
    pub scales: Vec<f32>,
    pub bias: Vec<f32>,
}

/// The parameters of a read model, by name.
pub struct Weights<'a> {
    graph: &'a Graph<'a>,
    matrix_of_bias: HashMap<&'a str, &'a str>,
}

impl<'a> Weights<'a> {
    /// Indexes the matrices of `graph` by the bias that follows them.
    pub fn new(graph: &'a Graph<'a>) -> Self {
        let mut matrix_of_product = HashMap::new();
        let mut matrix_of_bias = HashMap::new();
        for node in &graph.nodes {
            match (node.operator, node.inputs.as_slice(), node.outputs.as_slice()) {
                ("MatMul", [_, matrix], [product]) => {
                    matrix_of_product.insert(*product, *matrix);
                }
                ("Add", [left, right], _) => {
                    for (product, bias) in [(left, right), (right, left)] {
                        if let Some(matrix) = matrix_of_product.get(product) {
                            matrix_of_bias.insert(*bias, *matrix);
                        }
                    }
                }
                _ => {}
            }
        }
        Self { graph, matrix_of_bias }
    }

    /// A float parameter such as `embeddings.LayerNorm.weight`, of `length` numbers.
    pub fn floats(&self, name: &str, length: usize) -> Result<Vec<f32>, Malformed> {
        self.full_name_floats(&format!("{PREFIX}{name}"), length)
    }

    /// An embedding table `rows` x `width` as stored, with one scale per row.
    pub fn table(
        &self,
        name: &str,
        rows: usize,
        width: usize,
    ) -> Result<(&'a [u8], Vec<f32>), Malformed> {
        let name = format!("{PREFIX}{name}");
        let bytes = self.tensor(&format!("{name}_q"), Type::Int8, rows * width)?;
        Ok((bytes, self.full_name_floats(&format!("{name}_scale"), rows)?))
    }

    /// The dense layer whose bias is `{name}.bias`.
    pub fn dense(&self, name: &str, inputs: usize, outputs: usize) -> Result<Dense, Malformed> {
        let bias_name = format!("{PREFIX}{name}.bias");
        let matrix = self
            .matrix_of_bias
            .get(bias_name.as_str())
            .ok_or_else(|| Malformed(format!("no matrix product is followed by {bias_name}")))?;
        let bytes = self.tensor(&format!("{matrix}_q"), Type::Int8, inputs * outputs)?;
        Ok(Dense {
            inputs,
            outputs,
            weights: bytes.iter().map(|byte| byte.cast_signed()).collect(),
            scales: self.full_name_floats(&format!("{matrix}_scale"), outputs)?,
            bias: self.full_name_floats(&bias_name, outputs)?,
        })
    }

    fn full_name_floats(&self, name: &str, length: usize) -> Result<Vec<f32>, Malformed> {
        let bytes = self.tensor(name, Type::Float, length)?;
        let (words, _) = bytes.as_chunks::<4>();
        Ok(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
    }

    fn tensor(&self, name: &str, data_type: Type, length: usize) -> Result<&'a [u8], Malformed> {
        let missing = || Malformed(format!("the file has no parameter {name}"));
        let Tensor { data_type: found, data, dimensions } =
            self.graph.tensors.get(name).ok_or_else(missing)?;
        let width = if data_type == Type::Float { 4 } else { 1 };
        if *found != data_type as u64 || data.len() != length * width {
            return Err(Malformed(format!(
                "parameter {name} is not {length} numbers of type {data_type:?} but \
                 {dimensions:?} of type {found}"
            )));
        }
        Ok(*data)
    }
}

/// Puts layers that read the same input side by side, so that one product computes them all.
pub fn side_by_side(layers: &[Dense]) -> Dense {
    let inputs = layers.first().map_or(0, |layer| layer.inputs);
    let mut joined =
        Dense { inputs, outputs: 0, weights: Vec::new(), scales: Vec::new(), bias: Vec::new() };
    for layer in layers {
        joined.outputs += layer.outputs;
        joined.scales.extend(&layer.scales);
        joined.bias.extend(&layer.bias);
    }
    for row in 0..inputs {
        for layer in layers {
            let start = row * layer.outputs;
            joined.weights.extend(&layer.weights[start..start + layer.outputs]);
        }
    }
    joined
}

/// Halves the weights to 7 bits and doubles their scales; ties go to the even number.
///
/// CPUs with AVX2 but no VNNI add two products of an unsigned and a signed byte in 16 bits, saturating.
/// With |weight| <= 64 the sum is at most 2 * 255 * 64 = 32640, so every CPU computes the same product.
pub fn to_seven_bits(mut layer: Dense) -> Dense {
    for weight in &mut layer.weights {
        let down = *weight >> 1;
        *weight = down + (*weight & down & 1);
    }
    for scale in &mut layer.scales {
        *scale *= 2.0;
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::embeddings::minilm::onnx::Node;

    fn dense(outputs: usize, weights: &[i8]) -> Dense {
        Dense {
            inputs: weights.len() / outputs,
            outputs,
            weights: weights.to_vec(),
            scales: vec![0.5; outputs],
            bias: vec![1.0; outputs],
        }
    }

    #[test]
    fn joined_layers_keep_their_rows_together() {
        let joined = side_by_side(&[dense(1, &[1, 2]), dense(2, &[3, 4, 5, 6])]);
        assert_eq!((joined.inputs, joined.outputs), (2, 3));
        assert_eq!(joined.weights, [1, 3, 4, 2, 5, 6]);
        assert_eq!(joined.bias.len(), 3);
    }

    #[test]
    fn halved_weights_are_never_above_64_and_round_without_bias() {
        let all: Vec<i8> = (-127..=127).collect();
        let halved = to_seven_bits(dense(1, &all));
        assert!(halved.weights.iter().all(|weight| weight.unsigned_abs() <= 64));
        assert_eq!(halved.weights.iter().map(|weight| i32::from(*weight)).sum::<i32>(), 0);
        for (before, after) in all.iter().zip(&halved.weights) {
            assert!((i32::from(*before) - 2 * i32::from(*after)).abs() <= 1);
        }
        assert_eq!(halved.scales, [1.0]);
    }

    #[test]
    fn a_matrix_is_found_by_the_bias_added_to_its_product() {
        let scale = 0.5f32.to_le_bytes();
        let mut graph = Graph::default();
        graph.nodes.push(Node { operator: "MatMul", inputs: vec!["x", "m1"], outputs: vec!["p"] });
        let inputs = vec!["inner.layer.bias", "p"];
        graph.nodes.push(Node { operator: "Add", inputs, outputs: vec!["y"] });
        let float = |data| Tensor { dimensions: vec![1], data_type: 1, data };
        graph.tensors.insert("inner.layer.bias", float(&scale));
        graph.tensors.insert("m1_scale", float(&scale));
        graph
            .tensors
            .insert("m1_q", Tensor { dimensions: vec![2, 1], data_type: 3, data: &[255, 3] });
        let weights = Weights::new(&graph);
        let layer = weights.dense("layer", 2, 1).unwrap();
        assert_eq!(layer.weights, [-1, 3]);
        let wrong = weights.dense("layer", 3, 1).unwrap_err().to_string();
        assert!(wrong.contains("m1_q"), "{wrong}");
        let missing = weights.dense("other", 2, 1).unwrap_err().to_string();
        assert!(missing.contains("inner.other.bias"), "{missing}");
    }
}
