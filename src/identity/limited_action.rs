//! Which limits a request of a verified caller counts for: by method and path, so that handlers need not think of it.
//! Counting is done by the adapter, and the order in which the limits are asked by the verification of callers.

use crate::adapters::limits::{Limit, LimitKey, Subject};
use crate::identity::{Actor, Principal};

/// An action that has a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitedAction {
    /// Sending a document.
    Upload,
    /// Asking a question.
    Ask,
    /// Searching.
    Search,
    /// Exporting.
    Export,
}

impl LimitedAction {
    /// The action of a request; most have no limit of their own.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        match (method, path) {
            ("POST", "/v1/documents" | "/v1/uploads") => Some(Self::Upload),
            ("POST", path) if path.starts_with("/v1/uploads/") && path.ends_with("/complete") => {
                Some(Self::Upload)
            }
            ("POST", path)
                if path.starts_with("/v1/sessions/") && path.ends_with("/attachments") =>
            {
                Some(Self::Upload)
            }
            ("POST", "/v1/answers") => Some(Self::Ask),
            ("POST", "/v1/search") => Some(Self::Search),
            ("POST", path) if path.starts_with("/v1/sessions/") && path.ends_with("/messages") => {
                Some(Self::Ask)
            }
            (_, path) if path.ends_with("/export") => Some(Self::Export),
            _ => None,
        }
    }

    fn limit(self) -> Limit {
        match self {
            Self::Upload => Limit::Upload,
            Self::Ask => Limit::Ask,
            Self::Search => Limit::Search,
            Self::Export => Limit::Export,
        }
    }
}

/// What a request counts for, from the narrowest: who is refused by a narrow limit takes nothing from a wide one, so that a
/// noisy key does not use up its tenant's. Visitors of a public page share limits apart from those of the tenant's own
/// people and programs, so that no number of visitors keeps these out.
pub fn limits_of(actor: &Actor, method: &str, path: &str) -> Vec<LimitKey> {
    let tenant = Some(actor.tenant);
    let (own, widget) = match actor.principal {
        // One key in the pages of all readers: each of them counts for themselves.
        Principal::ApiKey { api_key_id, publishable: true, .. } => {
            (Subject::IdAt(api_key_id, actor.request.address), Some(api_key_id))
        }
        Principal::EndUser { api_key_id, .. } => (Subject::Id(actor.id()), Some(api_key_id)),
        _ => (Subject::Id(actor.id()), None),
    };
    let action = LimitedAction::of(method, path);
    let mut counted: Vec<(Limit, Subject)> =
        action.map(|action| (action.limit(), own)).into_iter().collect();
    counted.push((Limit::Caller, own));
    match widget {
        Some(api_key_id) => {
            // However many addresses or end users there are: what they spend together has an end.
            if action == Some(LimitedAction::Ask) {
                counted.push((Limit::PublicAsk, Subject::Id(api_key_id)));
            }
            counted.push((Limit::Public, Subject::Whole));
        }
        None => counted.push((Limit::Tenant, Subject::Whole)),
    }
    counted.into_iter().map(|(limit, subject)| LimitKey::new(limit, tenant, subject)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_much_has_a_limit_of_its_own() {
        let of = LimitedAction::of;
        assert_eq!(of("POST", "/v1/documents"), Some(LimitedAction::Upload));
        assert_eq!(of("POST", "/v1/uploads"), Some(LimitedAction::Upload));
        assert_eq!(of("POST", "/v1/uploads/7/complete"), Some(LimitedAction::Upload));
        assert_eq!(of("POST", "/v1/sessions/7/attachments"), Some(LimitedAction::Upload));
        assert_eq!(of("POST", "/v1/answers"), Some(LimitedAction::Ask));
        assert_eq!(of("POST", "/v1/sessions/7/messages"), Some(LimitedAction::Ask));
        assert_eq!(of("POST", "/v1/search"), Some(LimitedAction::Search));
        assert_eq!(of("GET", "/v1/audit_events/export"), Some(LimitedAction::Export));
        for (method, path) in [
            ("GET", "/v1/documents"),
            ("GET", "/v1/sessions/7/messages"),
            ("GET", "/v1/sessions/7/attachments"),
            ("POST", "/v1/sessions"),
            ("DELETE", "/v1/documents/7"),
            ("GET", "/v1/uploads"),
            ("GET", "/v1/uploads/7"),
            ("PUT", "/v1/uploads/7/parts/1"),
        ] {
            assert_eq!(of(method, path), None, "{method} {path}");
        }
    }
}
