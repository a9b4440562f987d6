//! What is learned about a request on its way in and said in the headers of its response: the tightest limit, and whether
//! pages of its origin may read. The outermost layer lays one beside each request; the verification of callers writes; the
//! layers of the server read.

use std::sync::{Arc, Mutex, PoisonError};

use poem::Request;

use crate::adapters::limits::Decision;

/// The note; clones are of one sheet.
#[derive(Clone, Debug, Default)]
pub struct ResponseNote(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    tightest: Option<Decision>,
    origin_may_read: Option<bool>,
}

impl ResponseNote {
    /// The note of a request; an empty one where no layer laid one.
    pub fn of(request: &Request) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// Notes a decision, unless a tighter one is noted.
    pub fn note_limit(&self, decision: Decision) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rank = |decision: &Decision| (decision.is_allowed(), decision.taken.remaining);
        if noted.tightest.is_none_or(|tightest| rank(&decision) < rank(&tightest)) {
            noted.tightest = Some(decision);
        }
    }

    /// The decision that leaves least.
    pub fn tightest(&self) -> Option<Decision> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tightest
    }

    /// Notes, once it is known who asks, whether pages of the request's origin may read the response.
    pub fn note_origin(&self, may_read: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).origin_may_read = Some(may_read);
    }

    /// Whether they may; nothing while it is not known who asks.
    pub fn origin_may_read(&self) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).origin_may_read
    }
}
