//! Random groups, members and limits against a model of a few lines.

use std::collections::HashSet;

use pidima::identity::{Actor, Principal, RequestOrigin, Role};
use pidima::knowledge::{Reach, Reader};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use uuid::Uuid;

use super::made;
use crate::support::TestApp;

fn actor(tenant: pidima::kernel::ids::TenantId, principal: Principal, role: Role) -> Actor {
    Actor {
        tenant,
        principal,
        name: "reader".to_owned(),
        role,
        scopes: role.scopes(),
        allowed_origins: Vec::new(),
        request: RequestOrigin::default(),
    }
}

/// Who reads, with which role, and whether they reach the collection of a number.
type Case<'a> = (Principal, Role, &'a dyn Fn(usize) -> bool);

fn key(collection_ids: Vec<Uuid>) -> Principal {
    Principal::ApiKey { api_key_id: Uuid::now_v7(), publishable: false, collection_ids }
}

fn end_user(collection_ids: Vec<Uuid>) -> Principal {
    let id = Uuid::now_v7();
    Principal::EndUser { api_key_id: id, end_user_id: id, collection_ids }
}

#[tokio::test(flavor = "multi_thread")]
async fn reach_is_what_a_few_lines_say_it_is() {
    let app = TestApp::start().await;
    let tenant = app.tenant("reach-model").await;
    let (mut groups, mut collections, mut members) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..4 {
        groups.push(made(&tenant, "/v1/groups", json!({ "name": format!("g{number}") })).await);
        let body = json!({ "name": format!("c{number}") });
        collections.push(made(&tenant, "/v1/collections", body).await.parse::<Uuid>().unwrap());
        members.push(tenant.as_member("member").await.member_id.unwrap());
    }
    let mut random = StdRng::seed_from_u64(7);
    let mut limits: HashSet<(usize, usize)> = HashSet::new();
    let mut places: HashSet<(usize, usize)> = HashSet::new();
    let mut compared = 0;
    for _ in 0..60 {
        let (group, other) = (random.random_range(0..4), random.random_range(0..4));
        if random.random_bool(0.5) {
            let path = format!("/v1/groups/{}/members/{}", groups[group], members[other]);
            if places.insert((group, other)) {
                tenant.put(&path).await.expect(204);
            } else {
                places.remove(&(group, other));
                tenant.delete(&path).await.expect(204);
            }
        } else {
            if !limits.insert((group, other)) {
                limits.remove(&(group, other));
            }
            let of_it: Vec<&String> =
                (0..4).filter(|it| limits.contains(&(*it, other))).map(|it| &groups[it]).collect();
            let path = format!("/v1/collections/{}", collections[other]);
            tenant.patch(&path, &json!({ "group_ids": of_it })).await.expect(200);
        }
        let is_open =
            |collection: usize| (0..4).all(|group| !limits.contains(&(group, collection)));
        let listed = vec![collections[random.random_range(0..4)]];
        let mut tx = app.app.services.db.tenant(tenant.id).await.unwrap();
        for (place, member_id) in members.iter().enumerate() {
            let person = Principal::Member { member_id: *member_id, browser_session_id: None };
            let admitted = |collection: usize| {
                is_open(collection)
                    || (0..4).any(|it| {
                        limits.contains(&(it, collection)) && places.contains(&(it, place))
                    })
            };
            let named = |collection: usize| listed.contains(&collections[collection]);
            let cases: [Case<'_>; 8] = [
                (person.clone(), Role::Member, &admitted),
                (person.clone(), Role::Analyst, &admitted),
                (person.clone(), Role::Editor, &admitted),
                (person, Role::Admin, &|_| true),
                (key(Vec::new()), Role::Editor, &is_open),
                (key(Vec::new()), Role::Owner, &|_| true),
                (key(listed.clone()), Role::Owner, &named),
                (end_user(Vec::new()), Role::Admin, &is_open),
            ];
            for (principal, role, expected) in cases {
                let actor = actor(tenant.id, principal, role);
                let reach = Reach::of(&mut tx, &Reader::from(&actor)).await.unwrap();
                for (collection, id) in collections.iter().enumerate() {
                    assert_eq!(
                        reach.holds(*id),
                        expected(collection),
                        "{:?} {role}",
                        actor.principal
                    );
                    compared += 1;
                }
            }
            let widget = actor(tenant.id, end_user(listed.clone()), Role::Member);
            let reach = Reach::of(&mut tx, &Reader::from(&widget)).await.unwrap();
            assert!(collections.iter().all(|id| reach.holds(*id) == listed.contains(id)));
        }
    }
    println!("{compared} decisions compared");
}
