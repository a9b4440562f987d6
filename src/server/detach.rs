//! Runs writes on a task of their own: a client that hangs up cannot cut one in half.

use std::sync::Arc;

use poem::http::Method;
use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result};
use tokio_util::task::TaskTracker;

use crate::web::problem::ApiError;

/// Detaches requests that are no mere reads.
pub struct DetachWrites {
    /// Keeps the process alive until they are done.
    pub tasks: TaskTracker,
}

impl<E: Endpoint + 'static> Middleware<E> for DetachWrites {
    type Output = DetachWritesEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        DetachWritesEndpoint { tasks: self.tasks.clone(), inner: Arc::new(inner) }
    }
}

pub struct DetachWritesEndpoint<E> {
    tasks: TaskTracker,
    inner: Arc<E>,
}

impl<E: Endpoint + 'static> Endpoint for DetachWritesEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return self.inner.call(request).await.map(IntoResponse::into_response);
        }
        let inner = Arc::clone(&self.inner);
        let span = tracing::Span::current();
        let call = async move { inner.call(request).await.map(IntoResponse::into_response) };
        self.tasks
            .spawn(tracing::Instrument::instrument(call, span))
            .await
            .unwrap_or_else(|panicked| Err(ApiError::internal(panicked).into()))
    }
}
