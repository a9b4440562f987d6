//! What a store of objects must do with parts, whichever it is; and what S3 is asked for.

use std::sync::Arc;

use bytes::Bytes;
use pidima::adapters::objects::{
    DirectoryObjects, ObjectError, ObjectKey, Objects, S3Objects, S3Settings, StoreUpload,
};
use pidima::kernel::ids::{TenantId, new_id};
use uuid::Uuid;

use super::{PART, file, sha256};
use crate::aws::proxy::FaultProxy;
use crate::aws::{StandIn, aws};

fn s3_settings(bucket: &str, kms_key: Option<&str>) -> S3Settings {
    S3Settings {
        bucket: bucket.to_owned(),
        kms_key: kms_key.map(str::to_owned),
        part_bytes: PART,
        concurrency: 3,
        timeout: std::time::Duration::from_secs(20),
        copy_timeout: std::time::Duration::from_secs(20),
        tries: 2,
    }
}

async fn stores() -> [(&'static str, Arc<dyn Objects>); 2] {
    let stand_in = StandIn::shared().await;
    let folder = std::env::temp_dir().join(format!("pidima-objects-{}", Uuid::new_v4()));
    let bucket = stand_in.bucket().await;
    let s3 = S3Objects::new(aws(&stand_in.address), s3_settings(&bucket, None));
    [("directory", Arc::new(DirectoryObjects::new(folder))), ("s3", Arc::new(s3))]
}

async fn begun(store: &Arc<dyn Objects>) -> StoreUpload {
    let key = ObjectKey::original(TenantId::generate(), new_id());
    let id = store.begin_upload(&key, None).await.unwrap();
    StoreUpload { key, id }
}

#[tokio::test]
async fn parts_are_listed_by_number_replaced_and_made_into_an_object() {
    for (name, store) in stores().await {
        let upload = begun(&store).await;
        assert_eq!(store.list_parts(&upload).await.unwrap(), Some(vec![]), "{name}");
        let bytes = file(PART + 100);
        store.put_part(&upload, 2, Bytes::from_static(b"wrong")).await.unwrap();
        for (number, piece) in [(2, &bytes[PART..]), (1, &bytes[..PART])] {
            store.put_part(&upload, number, Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let parts = store.list_parts(&upload).await.unwrap().unwrap();
        let told: Vec<(u32, u64)> = parts.iter().map(|part| (part.number, part.size)).collect();
        assert_eq!(told, [(1, PART as u64), (2, 100)], "{name}");
        let none = store.get(&upload.key).await;
        assert!(matches!(none, Err(ObjectError::Missing(_))), "{name}: no object yet");
        assert!(store.complete_upload(&upload, &parts).await.unwrap(), "{name}");
        assert!(store.get(&upload.key).await.unwrap() == bytes, "{name}");
        let mut seen = Vec::new();
        store.scan(&upload.key, &mut |piece| seen.extend_from_slice(piece)).await.unwrap();
        assert_eq!(sha256(&seen), sha256(&bytes), "{name}");
        assert_eq!(store.list_parts(&upload).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn what_is_given_up_takes_no_part_and_is_no_object() {
    for (name, store) in stores().await {
        for by_id in [true, false] {
            let upload = begun(&store).await;
            let etag = store.put_part(&upload, 1, Bytes::from_static(b"a")).await.unwrap();
            assert!(!etag.is_empty() && !etag.contains('"'), "{name}: {etag}");
            let parts = store.list_parts(&upload).await.unwrap().unwrap();
            let id = by_id.then_some(upload.id.as_str());
            store.abort_upload(&upload.key, id).await.unwrap();
            store.abort_upload(&upload.key, id).await.unwrap();
            let late = store.put_part(&upload, 2, Bytes::from_static(b"b")).await;
            assert!(matches!(late, Err(ObjectError::Missing(_))), "{name}: {late:?}");
            assert_eq!(store.list_parts(&upload).await.unwrap(), None, "{name}");
            assert!(!store.complete_upload(&upload, &parts).await.unwrap(), "{name}");
            assert!(store.get(&upload.key).await.is_err(), "{name}");
            let mut seen = 0;
            let missing = store.scan(&upload.key, &mut |piece| seen += piece.len()).await;
            assert!(matches!(missing, Err(ObjectError::Missing(_))), "{name}");
            assert_eq!(seen, 0, "{name}");
        }
    }
}

#[tokio::test]
async fn an_upload_is_under_the_same_key_of_encryption_as_every_object() {
    let stand_in = StandIn::shared().await;
    let proxy = FaultProxy::before(&stand_in.address).await;
    let bucket = stand_in.bucket().await;
    for key_id in [None, Some("alias/pidima")] {
        let store = S3Objects::new(aws(&proxy.url), s3_settings(&bucket, key_id));
        let key = ObjectKey::original(TenantId::generate(), new_id());
        store.begin_upload(&key, Some([7; 32])).await.unwrap();
        let began = &proxy.take()[0];
        let expected = if key_id.is_some() { "aws:kms" } else { "" };
        assert_eq!(began.header("x-amz-server-side-encryption"), expected);
        let sent = began.header("x-amz-server-side-encryption-aws-kms-key-id");
        assert_eq!(sent, key_id.unwrap_or_default());
        assert_eq!(began.header("x-amz-meta-sha256"), "07".repeat(32));
    }
}
