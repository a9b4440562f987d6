//! Server-sent events as they are written: each with its number, a comment while nothing happens, and how soon to come
//! again. What an event is, is told by its type in the document.

use std::io::Error as IoError;
use std::marker::PhantomData;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use tokio::time::{Instant, sleep_until};

use crate::telemetry::metrics::metrics;

/// Keeps proxies from closing a connection on which nothing happens; clients ignore it.
const COMMENT: &str = ":\n\n";
/// Most events that are written at once.
const MOST_AT_ONCE: usize = 64;

/// How a stream is kept open.
#[derive(Clone, Copy, Debug)]
pub struct EventTimes {
    /// Silence after which a comment is sent.
    pub heartbeat: Duration,
    /// How soon a client whose connection was cut comes again.
    pub retry: Duration,
}

/// A stream of events of one type.
pub struct Events<E> {
    frames: BoxStream<'static, String>,
    kind: PhantomData<fn() -> E>,
}

impl<E> Events<E> {
    /// A stream of events that are written already, as by [`frame`].
    pub fn new(frames: impl Stream<Item = String> + Send + 'static, times: EventTimes) -> Self {
        Self { frames: with_comments(frames, times).boxed(), kind: PhantomData }
    }
}

/// One event as it is written. `json` has no line breaks, as JSON has none outside its strings and escapes those inside.
pub fn frame(number: usize, name: &str, json: &str) -> String {
    // Some readers take these for line breaks, though the format does not.
    let json = json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    format!("id: {number}\nevent: {name}\ndata: {json}\n\n")
}

fn with_comments(
    frames: impl Stream<Item = String> + Send + 'static,
    times: EventTimes,
) -> impl Stream<Item = String> + Send + 'static {
    async_stream::stream! {
        let _open = metrics().open_stream();
        let mut frames = pin!(frames.ready_chunks(MOST_AT_ONCE));
        // At once, so that the client has the head of the response before anything happens.
        yield format!("retry: {}\n\n", times.retry.as_millis());
        loop {
            let silence = pin!(sleep_until(Instant::now() + times.heartbeat));
            let next = match select(frames.next(), silence).await {
                Either::Left((Some(ready), _)) => ready.concat(),
                Either::Left((None, _)) => return,
                Either::Right(_) => COMMENT.to_owned(),
            };
            yield next;
        }
    }
}

impl<E: Type> Payload for Events<E> {
    const CONTENT_TYPE: &'static str = "text/event-stream";

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            items: Some(Box::new(E::schema_ref())),
            ..MetaSchema::new_with_format("array", "event-stream")
        }))
    }

    fn register(registry: &mut Registry) {
        E::register(registry);
    }
}

impl<E> IntoResponse for Events<E> {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type("text/event-stream")
            .header("x-accel-buffering", "no")
            .header("cache-control", "no-cache")
            .body(Body::from_bytes_stream(self.frames.map(Ok::<_, IoError>)))
    }
}

impl<E: Type> ApiResponse for Events<E> {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: Self::CONTENT_TYPE,
                    schema: Self::schema_ref(),
                }],
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        E::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const TIMES: EventTimes =
        EventTimes { heartbeat: Duration::from_millis(100), retry: Duration::from_millis(700) };

    #[tokio::test]
    async fn silence_is_filled_with_comments_from_the_first_byte_on() {
        let later = stream::once(async {
            tokio::time::sleep(TIMES.heartbeat * 5 / 2).await;
            "late".to_owned()
        });
        let written: Vec<String> = with_comments(later, TIMES).collect().await;
        // On a busy machine both timers are late, and it may be one comment.
        assert!((3..=4).contains(&written.len()), "{written:?}");
        assert_eq!(written[0], "retry: 700\n\n");
        assert!(written[1..written.len() - 1].iter().all(|it| it == COMMENT), "{written:?}");
        assert_eq!(written.last().unwrap(), "late");
    }

    #[tokio::test]
    async fn events_that_wait_are_written_at_once() {
        let frames = stream::iter((0..100).map(|number| format!("{number} ")));
        let written: Vec<String> = with_comments(frames, TIMES).collect().await;
        assert_eq!(written.len(), 3, "{written:?}");
        assert_eq!(written[1].split_whitespace().count(), MOST_AT_ONCE);
    }

    #[test]
    fn an_event_is_three_lines_whatever_its_text_holds() {
        let json = serde_json::to_string("a\nb\r\u{0}\u{2028}\u{2029}data: \u{85}").unwrap();
        let written = frame(7, "delta", &json);
        assert_eq!(written.split(['\n', '\r', '\u{2028}', '\u{2029}']).count(), 5, "{written}");
        let data = written.lines().nth(2).unwrap().strip_prefix("data: ").unwrap();
        let read: String = serde_json::from_str(data).unwrap();
        assert_eq!(read, "a\nb\r\u{0}\u{2028}\u{2029}data: \u{85}");
    }
}
