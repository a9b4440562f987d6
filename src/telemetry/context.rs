//! Which trace something belongs to, as it travels: in the header `traceparent` of W3C Trace Context, and in `X-Amzn-Trace-Id`
//! of AWS X-Ray, whose `1-5759e988-bd862e3fe1be46a994272793` is the same 128 bits with two dashes.

use std::fmt;

use crate::kernel::ids::new_id;

/// A place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; never zero.
    pub trace_id: u128,
    /// The span that asks; absent where the sender made none, as a load balancer.
    pub span_id: Option<u64>,
    /// Whether the trace is kept; absent where the sender left it to us.
    pub is_sampled: Option<bool>,
}

impl TraceContext {
    /// A trace that is told to nobody.
    pub fn untold() -> Self {
        Self { trace_id: new_id().as_u128(), span_id: None, is_sampled: Some(false) }
    }

    /// The context of a request: `traceparent` first, since who sends it made a span; then X-Ray's. What is malformed is as if
    /// it were not there.
    pub fn of_headers(traceparent: Option<&str>, xray: Option<&str>) -> Option<Self> {
        traceparent.and_then(Self::parse).or_else(|| xray.and_then(Self::parse_xray))
    }

    /// Reads `00-<trace>-<span>-<flags>`; a later version may have more behind that.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_more = parts.next().is_some();
        let version = number(version, 2)?;
        if version == 0xff || (version == 0 && is_more) {
            return None;
        }
        let span_id = u64::try_from(number(span, 16)?).ok().filter(|id| *id != 0)?;
        Some(Self {
            trace_id: number(trace, 32).filter(|id| *id != 0)?,
            span_id: Some(span_id),
            is_sampled: Some(number(flags, 2)? & 1 == 1),
        })
    }

    /// Reads `Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=<0 or 1>` with its parts in any order; `Parent` and `Sampled` may
    /// be absent.
    pub fn parse_xray(text: &str) -> Option<Self> {
        let (mut trace_id, mut span_id, mut is_sampled) = (None, None, None);
        for part in text.split(';') {
            let Some((name, value)) = part.trim().split_once('=') else { continue };
            match name {
                "Root" => {
                    let (time, rest) = value.strip_prefix("1-")?.split_once('-')?;
                    trace_id = Some((number(time, 8)? << 96) | number(rest, 24)?);
                }
                "Parent" => span_id = u64::try_from(number(value, 16)?).ok().filter(|id| *id != 0),
                "Sampled" => {
                    is_sampled = match value {
                        "0" => Some(false),
                        "1" => Some(true),
                        // `?` asks the receiver to decide.
                        _ => None,
                    }
                }
                _ => {}
            }
        }
        Some(Self { trace_id: trace_id.filter(|id| *id != 0)?, span_id, is_sampled })
    }
}

/// As `traceparent` has it.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span_id = self.span_id.unwrap_or_default();
        let flags = u8::from(self.is_sampled.unwrap_or_default());
        write!(f, "00-{:032x}-{span_id:016x}-{flags:02x}", self.trace_id)
    }
}

/// A number of exactly so many lower-case hexadecimal digits.
fn number(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != digits || !text.bytes().all(is_hex) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const W3C: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    #[test]
    fn a_traceparent_comes_back_as_it_went() {
        let read = TraceContext::parse(W3C).unwrap();
        assert_eq!(read.to_string(), W3C);
        assert_eq!(read.is_sampled, Some(true));
        assert_eq!(
            TraceContext::parse(&W3C.replace("-01", "-00")).unwrap().is_sampled,
            Some(false)
        );
        let later = format!("{}-more", W3C.replacen("00", "01", 1));
        assert_eq!(TraceContext::parse(&later).unwrap().trace_id, read.trace_id);
    }

    #[test]
    fn the_root_of_x_ray_is_the_trace() {
        let read = TraceContext::parse_xray(XRAY).unwrap();
        assert_eq!(read.to_string(), "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01");
        let alone =
            TraceContext::parse_xray("Self=1-67891234-1;Root=1-5759e988-bd862e3fe1be46a994272793");
        let alone = alone.unwrap();
        assert_eq!((alone.trace_id, alone.span_id, alone.is_sampled), (read.trace_id, None, None));
        let asked = TraceContext::parse_xray(&XRAY.replace("Sampled=1", "Sampled=?")).unwrap();
        assert_eq!(asked.is_sampled, None);
        let both = TraceContext::of_headers(Some(W3C), Some(XRAY));
        assert_eq!(both, TraceContext::parse(W3C));
        assert_eq!(TraceContext::of_headers(Some("00-1"), Some(XRAY)), Some(read));
    }

    #[test]
    fn what_is_malformed_is_no_context() {
        let zero = "0".repeat(32);
        for bad in [
            "",
            "00",
            &W3C[1..],
            &format!("{W3C}-more"),
            &W3C.to_uppercase(),
            &W3C.replacen("00", "ff", 1),
            &W3C.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zero),
            &W3C.replace("00f067aa0ba902b7", "0000000000000000"),
            &W3C.replace("4bf9", "4bfg"),
            &W3C.replace("4bf9", "+bf9"),
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
        for bad in [
            "",
            "Root",
            "Root=",
            "Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e98-8bd862e3fe1be46a994272793",
            "Root=1-00000000-000000000000000000000000",
            &XRAY.replace("53995c3f42cd8ad8", "53995c3f"),
        ] {
            assert_eq!(TraceContext::parse_xray(bad), None, "{bad}");
        }
    }
}
