//! Keys: two things that are counted apart never have one key, whatever strangers can put into one.

use std::net::IpAddr;

use pidima::adapters::limits::{Limit, LimitKey, Subject};
use pidima::kernel::ids::TenantId;
use proptest::prelude::*;
use uuid::Uuid;

/// Few different values of each part, so that equal ones meet.
fn triple() -> impl Strategy<Value = (Limit, Option<TenantId>, Subject)> {
    let id = || (0_u128..3).prop_map(Uuid::from_u128);
    let address = || {
        prop_oneof![
            Just(None),
            (0_u32..4).prop_map(|low| Some(IpAddr::from((0xcb00_7100 + (low << 8)).to_be_bytes()))),
            (0_u128..4).prop_map(|low| Some(IpAddr::from(
                ((0x2001_0db8 << 96) + (low << 80)).to_be_bytes()
            ))),
        ]
    };
    let subject = prop_oneof![
        Just(Subject::Whole),
        id().prop_map(Subject::Id),
        address().prop_map(Subject::Address),
        address().prop_map(Subject::Network),
        (id(), address()).prop_map(|(id, address)| Subject::IdAt(id, address)),
    ];
    let tenant = prop::option::of(id().prop_map(TenantId::from));
    (prop::sample::select(Limit::ALL.to_vec()), tenant, subject)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn different_triples_have_different_keys(one in triple(), other in triple()) {
        let key = |(limit, tenant, subject)| LimitKey::new(limit, tenant, subject);
        // The addresses differ in bits that are counted, so equal keys mean equal triples.
        prop_assert_eq!(key(one) == key(other), one == other, "{:?} {:?}", one, other);
        let text = key(one);
        let plain = |letter: char| letter.is_ascii_graphic();
        let tag = text.as_str().strip_prefix("pidima:limit:{").and_then(|rest| rest.split_once('}'));
        prop_assert!(tag.is_some(), "{}", text.as_str());
        if let (Some((tag, _)), Some(tenant)) = (tag, one.1) {
            prop_assert_eq!(tag, tenant.uuid().simple().to_string(), "all of a tenant lies together");
        }
        prop_assert!(text.as_str().chars().all(plain) && text.as_str().len() < 200);
        prop_assert!(text.as_str().contains(one.0.name()));
        if let Some(tenant) = one.1 {
            prop_assert!(text.as_str().contains(&tenant.uuid().simple().to_string()));
        }
    }
}
