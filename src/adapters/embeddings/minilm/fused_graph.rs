//! Rebuilds all-MiniLM-L6-v2 with the operators that compute on int8.
//!
//! The file as published stores int8 weights but multiplies in float. From the same weights this builds a
//! graph whose products are int8 (activations are quantised on the fly) and whose attention, layer
//! normalisation and residual sums are one operator each. Called once per start by `minilm`; the operators are
//! described in <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>. It runs nothing.

use super::onnx::{Attribute, Graph, GraphWriter, Type};
use super::protobuf::Malformed;
use super::vocabulary::VOCABULARY;
use super::weights::{Dense, Weights, side_by_side, to_seven_bits};

/// Numbers in a token's vector, and in a sentence's.
pub const WIDTH: usize = 384;
/// Most tokens of one sequence, the two special ones included.
pub const MAX_TOKENS: usize = 256;
/// Name of the input with token ids: int64, batch x tokens.
pub const INPUT_IDS: &str = "input_ids";
/// Name of the input that is 1 for a token and 0 for padding: int32, batch x tokens.
pub const ATTENTION_MASK: &str = "attention_mask";
/// Name of the output with one vector per token: float, batch x tokens x `WIDTH`.
pub const TOKEN_VECTORS: &str = "token_vectors";

const POSITIONS: usize = 512;
const LAYERS: usize = 6;
const HEADS: u64 = 12;
const INNER_WIDTH: usize = 1_536;
const EPSILON: f32 = 1e-12;
const FUSED: &str = "com.microsoft";

/// Builds the fast model from the bytes of the published one.
pub fn build(model: &[u8]) -> Result<Vec<u8>, Malformed> {
    let graph = Graph::read(model)?;
    let weights = Weights::new(&graph);
    let mut builder = Builder { weights, out: GraphWriter::default() };
    builder.out.input(INPUT_IDS, Type::Int64, &["batch", "tokens"]);
    builder.out.input(ATTENTION_MASK, Type::Int32, &["batch", "tokens"]);
    builder.embeddings()?;
    for layer in 0..LAYERS {
        builder.layer(layer)?;
    }
    builder.out.output(TOKEN_VECTORS, Type::Float, &["batch", "tokens", "width"]);
    Ok(builder.out.finish(&[("", 17), (FUSED, 1)]))
}

struct Builder<'a> {
    weights: Weights<'a>,
    out: GraphWriter,
}

impl Builder<'_> {
    /// Sums the word, position and (constant) segment vectors of each token into `hidden0`.
    fn embeddings(&mut self) -> Result<(), Malformed> {
        let words = "embeddings.word_embeddings.weight";
        let (table, scales) = self.weights.table(words, VOCABULARY, WIDTH)?;
        self.out.tensor("words", Type::Int8, &[VOCABULARY as u64, WIDTH as u64], table);
        self.floats("words.scale", &[VOCABULARY as u64, 1], &scales);
        let axis = [("axis", Attribute::Int(0))];
        self.out.node("", "Gather", &["words", INPUT_IDS], &["word.int8"], &axis);
        self.out.node("", "Gather", &["words.scale", INPUT_IDS], &["word.scale"], &axis);
        let to_float = [("to", Attribute::Int(Type::Float as u64))];
        self.out.node("", "Cast", &["word.int8"], &["word.float"], &to_float);
        self.out.node("", "Mul", &["word.float", "word.scale"], &["word"], &[]);

        let places = self.places()?;
        self.floats("places", &[MAX_TOKENS as u64, WIDTH as u64], &places);
        self.out.tensor("zero", Type::Int64, &[1], &0i64.to_le_bytes());
        let second = [("start", Attribute::Int(1)), ("end", Attribute::Int(2))];
        self.out.node("", "Shape", &[INPUT_IDS], &["length"], &second);
        self.out.node("", "Slice", &["places", "zero", "length"], &["place"], &[]);
        self.out.node("", "Add", &["word", "place"], &["sum"], &[]);
        let [scale, shift] = self.norm("embeddings", "embeddings.LayerNorm")?;
        let attributes = [("axis", Attribute::LastAxis), ("epsilon", Attribute::Float(EPSILON))];
        let inputs = ["sum", &scale, &shift];
        self.out.node("", "LayerNormalization", &inputs, &["hidden0"], &attributes);
        Ok(())
    }

    /// The vector added at each position: the position's own plus that of segment 0, as there is only one.
    fn places(&self) -> Result<Vec<f32>, Malformed> {
        let positions = "embeddings.position_embeddings.weight";
        let (table, scales) = self.weights.table(positions, POSITIONS, WIDTH)?;
        let segments = self.weights.floats("embeddings.token_type_embeddings.weight", 2 * WIDTH)?;
        let mut places = Vec::with_capacity(MAX_TOKENS * WIDTH);
        for (row, scale) in table.chunks_exact(WIDTH).zip(&scales).take(MAX_TOKENS) {
            for (stored, segment) in row.iter().zip(&segments) {
                places.push(f32::from(stored.cast_signed()) * scale + segment);
            }
        }
        Ok(places)
    }

    /// One transformer layer, from `hidden{layer}` to the next.
    fn layer(&mut self, layer: usize) -> Result<(), Malformed> {
        let input = format!("hidden{layer}");
        let output = match layer + 1 {
            LAYERS => TOKEN_VECTORS.to_string(),
            next => format!("hidden{next}"),
        };
        let part = |name: &str| format!("layer{layer}.{name}");
        let source = |name: &str| format!("encoder.layer.{layer}.{name}");

        self.attention(&input, &part("attention"), &source("attention.self"))?;
        let after = source("attention.output");
        let dense = self.weights.dense(&format!("{after}.dense"), WIDTH, WIDTH)?;
        self.product(&part("attention"), dense, &part("mixed"), false);
        self.add_and_norm([&part("mixed"), &input, &part("middle")], &after)?;

        let dense = self.weights.dense(&source("intermediate.dense"), WIDTH, INNER_WIDTH)?;
        self.product(&part("middle"), dense, &part("wide"), true);
        self.out.node(FUSED, "Gelu", &[&part("wide")], &[&part("active")], &[]);
        let after = source("output");
        let dense = self.weights.dense(&format!("{after}.dense"), INNER_WIDTH, WIDTH)?;
        self.product(&part("active"), dense, &part("narrow"), false);
        self.add_and_norm([&part("narrow"), &part("middle"), &output], &after)
    }

    /// Self-attention with its three input products as one.
    fn attention(&mut self, input: &str, output: &str, source: &str) -> Result<(), Malformed> {
        let mut layers = Vec::new();
        for name in ["query", "key", "value"] {
            layers.push(self.weights.dense(&format!("{source}.{name}"), WIDTH, WIDTH)?);
        }
        let [weights, scales, bias] = self.dense_tensors(output, side_by_side(&layers));
        let part = |name: &str| format!("{output}.{name}");
        let (int8, scale, zero) = (part("input"), part("input.scale"), part("input.zero"));
        self.out.node("", "DynamicQuantizeLinear", &[input], &[&int8, &scale, &zero], &[]);
        let inputs = [&int8, &weights, &bias, &scale, &scales, ATTENTION_MASK, &zero];
        let heads = [("num_heads", Attribute::Int(HEADS))];
        self.out.node(FUSED, "QAttention", &inputs, &[output], &heads);
        Ok(())
    }

    /// An int8 product; without `with_bias` the bias is left to the following `add_and_norm`.
    fn product(&mut self, input: &str, dense: Dense, output: &str, with_bias: bool) {
        let [weights, scales, bias] = self.dense_tensors(output, dense);
        let mut inputs = vec![input, &weights, &scales];
        if with_bias {
            // The fourth input, a zero point, stays empty: the weights are symmetric.
            inputs.extend(["", bias.as_str()]);
        }
        self.out.node(FUSED, "DynamicQuantizeMatMul", &inputs, &[output], &[]);
    }

    /// `output = normalise(product + bias + residual)` with the dense bias and the norm of `source`.
    fn add_and_norm(
        &mut self,
        [product, residual, output]: [&str; 3],
        source: &str,
    ) -> Result<(), Malformed> {
        let [scale, shift] = self.norm(output, &format!("{source}.LayerNorm"))?;
        let bias = format!("{product}.bias");
        let inputs = [product, residual, &scale, &shift, &bias];
        let epsilon = [("epsilon", Attribute::Float(EPSILON))];
        self.out.node(FUSED, "SkipLayerNormalization", &inputs, &[output], &epsilon);
        Ok(())
    }

    fn norm(&mut self, name: &str, source: &str) -> Result<[String; 2], Malformed> {
        let names = [format!("{name}.norm.scale"), format!("{name}.norm.shift")];
        for (name, field) in names.iter().zip(["weight", "bias"]) {
            let numbers = self.weights.floats(&format!("{source}.{field}"), WIDTH)?;
            self.floats(name, &[WIDTH as u64], &numbers);
        }
        Ok(names)
    }

    fn dense_tensors(&mut self, name: &str, dense: Dense) -> [String; 3] {
        let dense = to_seven_bits(dense);
        let names = ["weights", "scales", "bias"].map(|field| format!("{name}.{field}"));
        let bytes: Vec<u8> = dense.weights.iter().map(|weight| weight.cast_unsigned()).collect();
        let (inputs, outputs) = (dense.inputs as u64, dense.outputs as u64);
        self.out.tensor(&names[0], Type::Int8, &[inputs, outputs], &bytes);
        self.floats(&names[1], &[outputs], &dense.scales);
        self.floats(&names[2], &[outputs], &dense.bias);
        names
    }

    fn floats(&mut self, name: &str, dimensions: &[u64], numbers: &[f32]) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.out.tensor(name, Type::Float, dimensions, &bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_model_is_refused_with_the_name_of_what_is_missing() {
        let mut other = GraphWriter::default();
        other.tensor("weights", Type::Int8, &[1], &[1]);
        let error = build(&other.finish(&[("", 17)])).unwrap_err().to_string();
        assert!(error.contains("inner.embeddings.word_embeddings.weight_q"), "{error}");
    }
}
