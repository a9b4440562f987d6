//! One request and its answer over one connection, which is closed afterwards.

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::connect::Stream;
use super::{OutboundError, OutboundRequest, OutboundResponse, OutboundSettings};

/// Who asks.
const AGENT: &str = concat!("pidima/", env!("CARGO_PKG_VERSION"));

/// Sends, and reads as much as the settings allow.
pub(super) async fn exchange(
    stream: Box<dyn Stream>,
    request: &OutboundRequest,
    settings: &OutboundSettings,
) -> Result<OutboundResponse, OutboundError> {
    let message = message(request)?;
    let handshake = http1::Builder::new()
        .max_buf_size(settings.max_header_bytes)
        .handshake(TokioIo::new(stream))
        .await;
    let (mut sender, connection) = handshake.map_err(|_| OutboundError::Protocol)?;
    let talk = async {
        let response = sender.send_request(message).await.map_err(|_| OutboundError::Protocol)?;
        read(response, request, settings.max_body_bytes).await
    };
    tokio::pin!(talk, connection);
    // The connection moves only while somebody looks at it. At its end the answer may still lie here unread.
    tokio::select! {
        answer = &mut talk => answer,
        _ = &mut connection => talk.await,
    }
}

fn message(request: &OutboundRequest) -> Result<Request<Full<Bytes>>, OutboundError> {
    let unsendable = |_| OutboundError::Address("can not be sent as it stands");
    let host = HeaderValue::from_str(&request.target.authority());
    let mut message = Request::builder()
        .method(request.method.clone())
        .uri(request.target.path())
        .body(Full::new(request.body.clone()))
        .map_err(unsendable)?;
    let headers = message.headers_mut();
    headers.extend(request.headers.iter().cloned());
    headers
        .insert(HOST, host.map_err(|_| OutboundError::Address("has a host that no header holds"))?);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(message)
}

async fn read(
    response: Response<Incoming>,
    request: &OutboundRequest,
    most: usize,
) -> Result<OutboundResponse, OutboundError> {
    let (head, mut body) = response.into_parts();
    let told = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if told > most {
        return Err(OutboundError::TooLong(most));
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| OutboundError::Protocol)?;
        let Some(piece) = frame.data_ref() else { continue };
        if bytes.len() + piece.len() > most {
            return Err(OutboundError::TooLong(most));
        }
        bytes.extend_from_slice(piece);
    }
    Ok(OutboundResponse {
        status: head.status,
        headers: head.headers,
        body: bytes.freeze(),
        target: request.target.clone(),
    })
}
