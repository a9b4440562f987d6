//! Reads the nodes and weights of an ONNX file and writes a new one.
//!
//! Used by `fused_graph` alone. It covers the parts of `onnx.proto` which that needs (field numbers:
//! <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>) and checks no operator.

use std::collections::HashMap;

use super::protobuf::{Fields, Malformed, Message, Value};

/// `TensorProto.DataType` of the tensors used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// 32-bit float.
    Float = 1,
    /// Signed byte.
    Int8 = 3,
    /// 32-bit integer, as the attention operator wants its mask.
    Int32 = 6,
    /// 64-bit integer.
    Int64 = 7,
}

/// An operator call.
#[derive(Debug, Default)]
pub struct Node<'a> {
    pub operator: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
}

/// A constant, such as a weight matrix: row-major little-endian `data`.
#[derive(Debug, Default)]
pub struct Tensor<'a> {
    pub dimensions: Vec<u64>,
    pub data_type: u64,
    pub data: &'a [u8],
}

/// What is read of a model.
#[derive(Debug, Default)]
pub struct Graph<'a> {
    pub nodes: Vec<Node<'a>>,
    pub tensors: HashMap<&'a str, Tensor<'a>>,
}

impl<'a> Graph<'a> {
    /// Reads the bytes of an ONNX file.
    pub fn read(model: &'a [u8]) -> Result<Self, Malformed> {
        let mut graph = Graph::default();
        for field in Fields::new(model) {
            let (7, Value::Bytes(body)) = field? else {
                continue;
            };
            for part in Fields::new(body) {
                match part? {
                    (1, Value::Bytes(node)) => graph.nodes.push(read_node(node)?),
                    (5, Value::Bytes(tensor)) => {
                        let (name, tensor) = read_tensor(tensor)?;
                        graph.tensors.insert(name, tensor);
                    }
                    _ => {}
                }
            }
        }
        Ok(graph)
    }
}

/// An attribute's value.
#[derive(Debug, Clone, Copy)]
pub enum Attribute {
    Float(f32),
    Int(u64),
    /// -1 as an axis: the last one.
    LastAxis,
}

/// A graph under construction.
#[derive(Debug, Default)]
pub struct GraphWriter {
    body: Message,
}

impl GraphWriter {
    /// Adds an operator call; `domain` is empty for the standard operators.
    pub fn node(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Attribute)],
    ) {
        let mut node = Message::default();
        for input in inputs {
            node = node.text(1, input);
        }
        for output in outputs {
            node = node.text(2, output);
        }
        node = node.text(4, operator).text(7, domain);
        for (name, value) in attributes {
            let attribute = Message::default().text(1, name);
            node = node.message(
                5,
                match value {
                    Attribute::Float(value) => attribute.float(2, *value).number(20, 1),
                    Attribute::Int(value) => attribute.number(3, *value).number(20, 2),
                    Attribute::LastAxis => attribute.number(3, u64::MAX).number(20, 2),
                },
            );
        }
        self.add(1, node);
    }

    /// Adds a constant of row-major little-endian `data`.
    pub fn tensor(&mut self, name: &str, data_type: Type, dimensions: &[u64], data: &[u8]) {
        let mut tensor = Message::default();
        for dimension in dimensions {
            tensor = tensor.number(1, *dimension);
        }
        self.add(5, tensor.number(2, data_type as u64).text(8, name).bytes(9, data));
    }

    /// Declares an input of the model with named dimensions.
    pub fn input(&mut self, name: &str, data_type: Type, dimensions: &[&str]) {
        self.add(11, value_info(name, data_type, dimensions));
    }

    /// Declares an output of the model with named dimensions.
    pub fn output(&mut self, name: &str, data_type: Type, dimensions: &[&str]) {
        self.add(12, value_info(name, data_type, dimensions));
    }

    /// The bytes of the ONNX file. `operator_sets` are pairs of a domain and its version.
    pub fn finish(self, operator_sets: &[(&str, u64)]) -> Vec<u8> {
        let mut model = Message::default().number(1, IR_VERSION);
        for (domain, version) in operator_sets {
            model = model.message(8, Message::default().text(1, domain).number(2, *version));
        }
        model.message(7, self.body.text(2, "sentence-embedding")).into_bytes()
    }

    fn add(&mut self, field: u64, part: Message) {
        self.body = std::mem::take(&mut self.body).message(field, part);
    }
}

/// Version of the file format itself: 8 is read by every ONNX Runtime since 1.10.
const IR_VERSION: u64 = 8;

fn value_info(name: &str, data_type: Type, dimensions: &[&str]) -> Message {
    let mut shape = Message::default();
    for dimension in dimensions {
        shape = shape.message(1, Message::default().text(2, dimension));
    }
    let tensor = Message::default().number(1, data_type as u64).message(2, shape);
    Message::default().text(1, name).message(2, Message::default().message(1, tensor))
}

fn read_node(bytes: &[u8]) -> Result<Node<'_>, Malformed> {
    let mut node = Node::default();
    for field in Fields::new(bytes) {
        match field? {
            (1, Value::Bytes(name)) => node.inputs.push(text(name)?),
            (2, Value::Bytes(name)) => node.outputs.push(text(name)?),
            (4, Value::Bytes(name)) => node.operator = text(name)?,
            _ => {}
        }
    }
    Ok(node)
}

fn read_tensor(bytes: &[u8]) -> Result<(&str, Tensor<'_>), Malformed> {
    let mut name = "";
    let mut tensor = Tensor::default();
    for field in Fields::new(bytes) {
        match field? {
            (1, Value::Number(dimension)) => tensor.dimensions.push(dimension),
            (1, Value::Bytes(packed)) => {
                let mut numbers = Fields::new(packed);
                while !numbers.is_done() {
                    tensor.dimensions.push(numbers.varint()?);
                }
            }
            (2, Value::Number(data_type)) => tensor.data_type = data_type,
            (8, Value::Bytes(bytes)) => name = text(bytes)?,
            (9, Value::Bytes(data)) => tensor.data = data,
            _ => {}
        }
    }
    Ok((name, tensor))
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed("a name in the file is not UTF-8".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_graph_is_read_back() {
        let mut writer = GraphWriter::default();
        writer.tensor("w", Type::Int8, &[2, 300], &[7; 600]);
        writer.node("", "Gather", &["w", "ids"], &["rows"], &[("axis", Attribute::Int(0))]);
        writer.input("ids", Type::Int64, &["batch"]);
        writer.output("rows", Type::Int8, &["batch", "width"]);
        let bytes = writer.finish(&[("", 17)]);
        let graph = Graph::read(&bytes).unwrap();
        assert_eq!(graph.tensors["w"].dimensions, [2, 300]);
        assert_eq!(graph.tensors["w"].data_type, Type::Int8 as u64);
        assert_eq!(graph.tensors["w"].data, [7; 600]);
        assert_eq!(graph.nodes[0].operator, "Gather");
        assert_eq!(graph.nodes[0].inputs, ["w", "ids"]);
        assert_eq!(graph.nodes[0].outputs, ["rows"]);
    }

    #[test]
    fn bytes_that_are_no_model_are_an_error() {
        assert!(Graph::read(b"<html>not found</html>").is_err());
    }
}
