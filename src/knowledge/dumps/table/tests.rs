//! What is written is read back as it was, whatever it is and wherever groups end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::*;
use crate::adapters::objects::{DirectoryObjects, ObjectKey, Objects};
use crate::kernel::ids::{TenantId, new_id};
use crate::knowledge::dumps::checked_object::CheckedObject;
use crate::knowledge::dumps::manifest::FileEntry;
use crate::knowledge::store::dump_contents::{DumpedChunk, DumpedDocument, DumpedEmbedding};

/// A file of these rows, with a group after each `group` of them.
fn written<T: Table>(rows: Vec<T::Row>, group: usize) -> Vec<u8> {
    let mut encoder = Encoder::<T>::new().expect("a schema");
    let mut file = Vec::new();
    for row in rows {
        encoder.push(row);
        if encoder.rows() >= group {
            let (next, bytes) = encoder.end_group().expect("a group");
            encoder = next;
            file.extend(bytes);
        }
    }
    file.extend(encoder.finish().expect("a file"));
    file
}

/// A file of these bytes, in a folder that the caller removes.
async fn stored(bytes: &[u8]) -> (PathBuf, CheckedObject) {
    let folder = std::env::temp_dir().join(format!("pidima-table-{}", new_id()));
    let objects: Arc<dyn Objects> = Arc::new(DirectoryObjects::new(folder.clone()));
    let key = ObjectKey::dump(TenantId::generate(), new_id(), "table.parquet");
    objects.put(&key, bytes.to_vec()).await.expect("an object");
    let written = FileEntry {
        name: "table.parquet".to_owned(),
        size_bytes: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
        rows: None,
    };
    let object = CheckedObject::open(objects, key, "table.parquet", &written).await;
    (folder, object.expect("as it was written"))
}

/// Rows that are read after so many were passed over.
async fn read<T: Table>(bytes: Vec<u8>, skipped: usize) -> Vec<T::Row> {
    let (folder, object) = stored(&bytes).await;
    let mut reader = TableReader::<T>::open(object).await.expect("a file");
    reader.skip(skipped).await.expect("as many rows");
    let mut rows = Vec::new();
    while let Some(row) = reader.next().await.expect("a row") {
        rows.push(row);
    }
    std::fs::remove_dir_all(folder).expect("the folder goes");
    rows
}

fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

prop_compose! {
    fn document()(
        ids in (id(), id(), proptest::option::of(id())),
        texts in (any::<String>(), proptest::option::of(any::<String>()), proptest::option::of(any::<String>())),
        numbers in (any::<i32>(), any::<i64>(), any::<i32>(), any::<i32>(), any::<i32>()),
        digest in any::<[u8; 32]>(),
        micros in 0..4_000_000_000_000_000_i64,
        enriched in proptest::option::of(0..4_000_000_000_000_000_i64),
        summary in proptest::option::of(any::<String>()),
        suggested_questions in proptest::collection::vec(any::<String>(), 0..4),
        text in any::<String>(),
    ) -> DocumentRow {
        let time = |micros| DateTime::from_timestamp_micros(micros).expect("a time");
        let document = DumpedDocument {
            document_id: ids.0,
            version_id: ids.1,
            version_number: numbers.0,
            original_version_id: ids.2,
            name: texts.0.clone(),
            title: texts.1.clone(),
            source_url: texts.2.clone(),
            metadata: json!({ "product": texts.0, "pressure": 3.5, "old": null }),
            media_type: "text/markdown".to_owned(),
            size_bytes: numbers.1,
            content_sha256: digest.to_vec(),
            language: texts.1,
            char_count: numbers.2,
            chunk_count: numbers.3,
            created_at: time(micros),
            enriched_at: enriched.map(time),
            summary,
            suggested_questions,
        };
        DocumentRow { document, embedding_count: numbers.4, text }
    }
}

prop_compose! {
    fn passage()(
        ids in (id(), id()),
        heading_path in proptest::collection::vec(any::<String>(), 0..4),
        anchor in proptest::option::of(any::<String>()),
        page in proptest::option::of(any::<i32>()),
        page_starts in proptest::collection::vec(any::<i32>(), 0..4),
        numbers in (any::<i32>(), any::<i32>(), any::<i32>()),
        body in any::<String>(),
        context in proptest::option::of(any::<String>()),
        digest in any::<[u8; 32]>(),
        terms in proptest::collection::btree_map(any::<String>(), any::<i32>(), 0..6),
    ) -> DumpedChunk {
        DumpedChunk {
            chunk_id: ids.0,
            document_id: ids.1,
            ordinal: numbers.0,
            heading_path,
            anchor,
            page,
            page_starts,
            char_start: numbers.1,
            char_end: numbers.2,
            body,
            context,
            embedded_sha256: digest.to_vec(),
            embedding_model: "model".to_owned(),
            terms,
        }
    }
}

prop_compose! {
    fn vector()(
        chunk_id in id(),
        number in any::<i32>(),
        embedding in proptest::collection::vec(-1.0_f32..1.0, 0..20),
    ) -> DumpedEmbedding {
        DumpedEmbedding { chunk_id, number, embedding }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn documents_come_back(rows in proptest::collection::vec(document(), 0..12), group in 1_usize..8, skipped in 0_usize..12) {
        let skipped = skipped.min(rows.len());
        let found = block(read::<DocumentTable>(written::<DocumentTable>(rows.clone(), group), skipped));
        prop_assert_eq!(&found[..], &rows[skipped..]);
    }

    #[test]
    fn passages_come_back(rows in proptest::collection::vec(passage(), 0..12), group in 1_usize..8, skipped in 0_usize..12) {
        let skipped = skipped.min(rows.len());
        let found = block(read::<ChunkTable>(written::<ChunkTable>(rows.clone(), group), skipped));
        prop_assert_eq!(&found[..], &rows[skipped..]);
    }

    #[test]
    fn vectors_come_back(rows in proptest::collection::vec(vector(), 0..40), group in 1_usize..20, skipped in 0_usize..40) {
        let skipped = skipped.min(rows.len());
        let found = block(read::<EmbeddingTable>(written::<EmbeddingTable>(rows.clone(), group), skipped));
        prop_assert_eq!(&found[..], &rows[skipped..]);
    }

    #[test]
    fn what_is_no_such_file_is_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let opened = block(async {
            let (folder, object) = stored(&bytes).await;
            let opened = TableReader::<ChunkTable>::open(object).await;
            std::fs::remove_dir_all(folder).expect("the folder goes");
            opened.is_ok()
        });
        prop_assert!(!opened);
    }
}

#[test]
fn a_vector_of_many_numbers_goes_over_pages_and_comes_back() {
    let rows: Vec<DumpedEmbedding> = (0..400)
        .map(|number| DumpedEmbedding {
            chunk_id: Uuid::from_u128(7),
            number,
            embedding: (0..1_000).map(|at| (at * number) as f32 / 1e6).collect(),
        })
        .collect();
    let found = block(read::<EmbeddingTable>(written::<EmbeddingTable>(rows.clone(), 400), 0));
    assert!(found == rows);
}

#[test]
fn more_rows_than_there_are_can_neither_be_taken_nor_passed_over() {
    let rows = vec![DumpedEmbedding { chunk_id: Uuid::nil(), number: 0, embedding: vec![1.0] }; 3];
    let bytes = written::<EmbeddingTable>(rows, 2);
    block(async {
        for (count, is_there) in [(2, true), (3, true), (4, false)] {
            let (folder, object) = stored(&bytes).await;
            let mut reader = TableReader::<EmbeddingTable>::open(object).await.expect("a file");
            assert_eq!(reader.take(count).await.is_ok(), is_there, "{count}");
            std::fs::remove_dir_all(folder).expect("the folder goes");
            let (folder, object) = stored(&bytes).await;
            let mut reader = TableReader::<EmbeddingTable>::open(object).await.expect("a file");
            let skipped = reader.skip(count.unsigned_abs() as usize).await;
            assert_eq!(skipped.is_ok(), is_there, "{count}");
            std::fs::remove_dir_all(folder).expect("the folder goes");
        }
    });
}

#[test]
fn a_file_of_another_table_is_refused() {
    let rows = vec![DumpedEmbedding { chunk_id: Uuid::nil(), number: 0, embedding: vec![1.0] }];
    let bytes = written::<EmbeddingTable>(rows, 1);
    block(async {
        let (folder, object) = stored(&bytes).await;
        let refused = TableReader::<ChunkTable>::open(object).await.err().expect("refused");
        assert!(refused.to_string().contains("other columns"), "{refused}");
        std::fs::remove_dir_all(folder).expect("the folder goes");
    });
}

#[test]
fn the_terms_of_a_passage_keep_their_counts() {
    let terms = BTreeMap::from([("bar".to_owned(), 2), ("pump".to_owned(), 7)]);
    let row = DumpedChunk {
        chunk_id: Uuid::nil(),
        document_id: Uuid::nil(),
        ordinal: 0,
        heading_path: Vec::new(),
        anchor: None,
        page: None,
        page_starts: Vec::new(),
        char_start: 0,
        char_end: 4,
        body: "pump".to_owned(),
        context: None,
        embedded_sha256: vec![7; 32],
        embedding_model: "model".to_owned(),
        terms,
    };
    let found = block(read::<ChunkTable>(written::<ChunkTable>(vec![row.clone()], 1), 0));
    assert_eq!(found, [row]);
}
