//! What a store of objects must do, whichever it is; and what S3 does in addition.

use std::sync::Arc;

use futures_util::future::join_all;
use pidima::adapters::objects::{
    DirectoryObjects, Download, ObjectError, ObjectKey, Objects, S3Objects,
};
use pidima::kernel::ids::{TenantId, new_id};
use uuid::Uuid;

use super::proxy::{Act, FaultProxy};
use super::{StandIn, aws, objects_at, s3_settings, whole};

const PART: usize = 5 << 20;

/// Both stores, each empty.
async fn stores() -> [(&'static str, Arc<dyn Objects>); 2] {
    let stand_in = StandIn::shared().await;
    let folder = std::env::temp_dir().join(format!("pidima-objects-{}", Uuid::new_v4()));
    let bucket = stand_in.bucket().await;
    [
        ("directory", Arc::new(DirectoryObjects::new(folder))),
        ("s3", Arc::new(objects_at(&stand_in.address, &bucket))),
    ]
}

fn key() -> ObjectKey {
    ObjectKey::original(TenantId::generate(), new_id())
}

/// Bytes that are not the same anywhere, so that parts in a wrong order are seen.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    })
    .take(count)
    .collect()
}

#[tokio::test]
async fn what_is_put_is_read_replaced_and_removed() {
    for (name, store) in stores().await {
        let key = key();
        store.check().await.unwrap();
        let missing = store.get(&key).await.unwrap_err();
        assert!(
            matches!(missing, ObjectError::Missing(ref of) if *of == key),
            "{name}: {missing:?}"
        );
        store.put(&key, b"one".to_vec()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), b"one", "{name}");
        store.put(&key, b"another".to_vec()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), b"another", "{name}");
        store.delete(&key).await.unwrap();
        assert!(matches!(store.get(&key).await, Err(ObjectError::Missing(_))), "{name}");
        store.delete(&key).await.unwrap();
        store.put(&key, Vec::new()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), b"", "{name}: empty");
    }
}

#[tokio::test]
async fn pieces_are_read_from_where_they_begin_to_where_the_object_ends() {
    for (name, store) in stores().await {
        let (key, sent) = (key(), bytes(100_000));
        store.put(&key, sent.clone()).await.unwrap();
        for (offset, length) in [(0, 1), (0, 100_000), (1, 99_998), (99_999, 1), (99_990, 1_000)] {
            let piece = store.read(&key, offset as u64, length as u64).await.unwrap();
            let end = sent.len().min(offset + length);
            assert!(piece == sent[offset..end], "{name}: {offset} {length}");
        }
        let missing = store.read(&self::key(), 0, 10).await;
        assert!(matches!(missing, Err(ObjectError::Missing(_))), "{name}: {missing:?}");
    }
}

#[tokio::test]
async fn a_copy_is_whole_and_stands_by_itself() {
    for (name, store) in stores().await {
        for size in [0, 10, PART + 1] {
            let (old, new, sent) = (key(), key(), bytes(size));
            store.put(&old, sent.clone()).await.unwrap();
            store.copy(&old, &new).await.unwrap();
            store.delete(&old).await.unwrap();
            assert!(store.get(&new).await.unwrap() == sent, "{name}: {size}");
        }
        let new = key();
        let missing = store.copy(&key(), &new).await;
        assert!(matches!(missing, Err(ObjectError::Missing(_))), "{name}: {missing:?}");
        assert!(matches!(store.get(&new).await, Err(ObjectError::Missing(_))), "{name}");
    }
}

#[tokio::test]
async fn half_a_copy_that_was_broken_off_in_a_folder_goes_with_its_object() {
    let folder = std::env::temp_dir().join(format!("pidima-objects-{}", Uuid::new_v4()));
    let store = DirectoryObjects::new(folder.clone());
    let (old, new) = (key(), key());
    store.put(&old, bytes(10)).await.unwrap();
    store.copy(&old, &new).await.unwrap();
    let half = folder.join(format!("{}.copy", new.as_str()));
    assert!(!half.exists(), "it has another name now");
    std::fs::write(&half, "half").unwrap();
    store.delete(&new).await.unwrap();
    assert!(!half.exists() && store.get(&old).await.is_ok());
}

#[tokio::test]
async fn an_object_is_read_at_a_signed_address_where_the_store_has_addresses() {
    for (name, store) in stores().await {
        let (key, sent) = (key(), bytes(1_000));
        store.put(&key, sent.clone()).await.unwrap();
        let download = Download {
            file_name: "chunks.parquet".to_owned(),
            from: chrono::Utc::now(),
            life: std::time::Duration::from_secs(60),
        };
        let Some(url) = store.sign_download(&key, &download).await.unwrap() else {
            assert_eq!(name, "directory");
            continue;
        };
        let got = reqwest::get(url).await.unwrap();
        assert_eq!(got.status(), 200, "{name}");
        let saved = got.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(saved.contains("chunks.parquet"), "{name}: {saved}");
        assert!(got.bytes().await.unwrap() == sent, "{name}");
    }
}

#[tokio::test]
async fn objects_of_every_size_around_a_part_come_back_whole() {
    for (name, store) in stores().await {
        for size in [PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1] {
            let (key, sent) = (key(), bytes(size));
            store.put(&key, sent.clone()).await.unwrap();
            assert!(store.get(&key).await.unwrap() == sent, "{name}: {size}");
            store.delete(&key).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_large_object_is_read_into_no_more_memory_than_it_has_bytes() {
    let (_, store, _) = through_a_proxy().await;
    let (key, sent) = (key(), bytes(2 * PART + 1));
    store.put(&key, sent.clone()).await.unwrap();
    let got = store.get(&key).await.unwrap();
    assert!(got == sent);
    assert_eq!(got.capacity(), got.len());
}

#[tokio::test]
async fn many_objects_at_once_do_not_touch_one_another() {
    for (name, store) in stores().await {
        let sent: Vec<(ObjectKey, Vec<u8>)> =
            (0..24).map(|number| (key(), bytes(1_000 + number))).collect();
        let put = sent.iter().map(|(key, bytes)| store.put(key, bytes.clone()));
        for done in join_all(put).await {
            done.unwrap();
        }
        let got = join_all(sent.iter().map(|(key, _)| store.get(key))).await;
        for ((_, sent), got) in sent.iter().zip(got) {
            assert!(*sent == got.unwrap(), "{name}");
        }
    }
}

#[tokio::test]
async fn one_key_written_many_times_at_once_holds_one_of_them_whole() {
    for (name, store) in stores().await {
        let key = key();
        let all: Vec<Vec<u8>> = (0..8).map(|letter| vec![b'a' + letter; 20_000]).collect();
        for done in join_all(all.iter().map(|bytes| store.put(&key, bytes.clone()))).await {
            done.unwrap();
        }
        assert!(all.contains(&store.get(&key).await.unwrap()), "{name}");
    }
}

async fn through_a_proxy() -> (FaultProxy, S3Objects, String) {
    let stand_in = StandIn::shared().await;
    let proxy = FaultProxy::before(&stand_in.address).await;
    let bucket = stand_in.bucket().await;
    let objects = objects_at(&proxy.url, &bucket);
    (proxy, objects, bucket)
}

#[tokio::test]
async fn an_object_goes_in_one_request_up_to_a_part_and_in_parts_above() {
    let (proxy, objects, bucket) = through_a_proxy().await;
    for (size, parts) in [(PART - 1, 0), (PART, 0), (PART + 1, 2), (2 * PART, 2), (2 * PART + 1, 3)]
    {
        let key = key();
        objects.put(&key, bytes(size)).await.unwrap();
        let seen = proxy.take();
        let of_parts = seen.iter().filter(|one| one.line.contains("partNumber=")).count();
        assert_eq!(of_parts, parts, "{size}");
        assert_eq!(seen.len(), if parts == 0 { 1 } else { parts + 2 }, "{size}: no more requests");
        let path = format!("/{bucket}/{key}");
        assert!(seen.iter().all(|one| one.line.contains(&path)), "the path names the bucket");
        for one in seen.iter().filter(|one| one.line.starts_with("PUT ")) {
            assert_eq!(one.header("x-amz-checksum-sha256").len(), 44, "{}", one.line);
        }
    }
}

#[tokio::test]
async fn encryption_is_the_buckets_own_unless_a_key_is_set() {
    let stand_in = StandIn::shared().await;
    let proxy = FaultProxy::before(&stand_in.address).await;
    let bucket = stand_in.bucket().await;
    for key_id in [None, Some("alias/pidima")] {
        let mut settings = s3_settings(&bucket);
        settings.kms_key = key_id.map(str::to_owned);
        let objects = S3Objects::new(aws(&proxy.url), settings);
        for size in [10, PART + 1] {
            objects.put(&key(), bytes(size)).await.unwrap();
            let began = &proxy.take()[0];
            let expected = if key_id.is_some() { "aws:kms" } else { "" };
            assert_eq!(began.header("x-amz-server-side-encryption"), expected, "{size}");
            let sent = began.header("x-amz-server-side-encryption-aws-kms-key-id");
            assert_eq!(sent, key_id.unwrap_or_default(), "{size}");
        }
    }
}

#[tokio::test]
async fn bytes_that_change_on_the_way_in_are_refused() {
    let (proxy, objects, _) = through_a_proxy().await;
    for size in [1_000, PART + 1_000] {
        let key = key();
        proxy.on(|seen| {
            let mut body = seen.body.clone();
            match body.last_mut() {
                Some(last) if seen.line.starts_with("PUT ") => *last ^= 1,
                _ => return Act::Pass,
            }
            Act::Alter(body)
        });
        let error = objects.put(&key, bytes(size)).await.unwrap_err();
        assert!(matches!(error, ObjectError::Store { .. }), "{size}: {error:?}");
        proxy.pass();
        assert!(matches!(objects.get(&key).await, Err(ObjectError::Missing(_))), "{size}");
    }
}

#[tokio::test]
async fn bytes_that_change_on_the_way_out_are_noticed_also_of_objects_in_parts() {
    let (proxy, objects, bucket) = through_a_proxy().await;
    let foreign = key();
    // Written by another program: with no metadata of ours, and with a checksum that S3 knows.
    let client = StandIn::shared().await.s3();
    let request = client.put_object().bucket(&bucket).key(foreign.as_str());
    let request = request.checksum_algorithm(aws_sdk_s3::types::ChecksumAlgorithm::Sha256);
    request.body(bytes(1_000).into()).send().await.unwrap();
    let (small, large) = (key(), key());
    objects.put(&small, bytes(1_000)).await.unwrap();
    objects.put(&large, bytes(2 * PART + 1)).await.unwrap();
    for key in [&foreign, &small, &large] {
        objects.get(key).await.unwrap();
        proxy.on(|_| Act::Damage);
        let error = objects.get(key).await.unwrap_err();
        assert!(whole(&error).contains("SHA-256"), "{error:?}");
        assert!(matches!(error, ObjectError::Store { .. }), "worth trying again: {error:?}");
        proxy.pass();
    }
}

#[tokio::test]
async fn of_an_object_that_could_not_be_sent_whole_nothing_is_kept() {
    let (proxy, objects, bucket) = through_a_proxy().await;
    let key = key();
    proxy.on(|seen| {
        if seen.line.contains("partNumber=2") { Act::s3(500, "InternalError") } else { Act::Pass }
    });
    let error = objects.put(&key, bytes(2 * PART + 1)).await.unwrap_err();
    assert!(whole(&error).contains("500 InternalError"), "{error:?}");
    let tries = proxy.count(|seen| seen.line.contains("partNumber=2"));
    assert_eq!(tries, 2, "as often as the settings say");
    proxy.pass();
    assert!(matches!(objects.get(&key).await, Err(ObjectError::Missing(_))));
    let client = StandIn::shared().await.s3();
    let left = client.list_multipart_uploads().bucket(&bucket).send().await.unwrap();
    assert_eq!(left.uploads().len(), 0, "parts are left behind");
}
