//! LMDB through heed: the key is place and record (12 bytes, big-endian), the value the [`Tail`]'s length.

use std::sync::atomic::{AtomicUsize, Ordering};

use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, PutFlags, RoTxn, WithTls};
use portledger::index::Lean;

use crate::cells::{Cells, Tail, has_earlier};
use crate::contender::{Contender, Question, Setup};

struct Lmdb {
    cells: Cells,
    table: Database<'static, Bytes, Bytes>,
    /// One snapshot for all questions: opening one each time would cost it more.
    snapshot: RoTxn<'static, WithTls>,
    bytes: u64,
}

fn key_of(place: u64, id: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&place.to_be_bytes());
    key[8..].copy_from_slice(&id.to_be_bytes());
    key
}

pub fn build(records: &[Lean], setup: &Setup<'_>) -> Box<dyn Contender> {
    let cells = Cells::new(records);
    let entries = cells.entries(records);
    let earlier = has_earlier(&entries, &cells);
    // An environment stays open for the life of the process, so every table has a directory of its own.
    static BUILT: AtomicUsize = AtomicUsize::new(0);
    let dir = setup.scratch.join(format!("lmdb-{}", BUILT.fetch_add(1, Ordering::Relaxed)));
    std::fs::create_dir_all(&dir).expect("the scratch directory can be written");
    let map = (entries.len() * 64 + (64 << 20)).next_multiple_of(1 << 21);
    let env: &'static Env =
        Box::leak(Box::new(crate::sys::open_lmdb(&dir, map).expect("LMDB opens")));
    let made =
        env.create_databases_and_commit(env.write_txn().expect("LMDB writes"), |opener, txn| {
            opener.create_database::<Bytes, Bytes>(txn, None).map(CommitOrAbort::<_, ()>::Commit)
        });
    let table = made.expect("LMDB writes").unwrap_commit();
    let mut txn = env.write_txn().expect("LMDB writes");
    for (entry, earlier) in entries.iter().zip(earlier) {
        let tail = Tail::new(entry, earlier);
        let key = key_of(entry.key, entry.id);
        table
            .put_with_flags(&mut txn, PutFlags::APPEND, &key, &tail.len_earlier.to_le_bytes())
            .expect("LMDB writes");
    }
    txn.commit().expect("LMDB writes");
    let bytes = std::fs::metadata(dir.join("data.mdb")).map_or(0, |m| m.len());
    let snapshot = env.read_txn().expect("LMDB reads");
    Box::new(Lmdb { cells, table, snapshot, bytes })
}

impl Contender for Lmdb {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        let Some(place) = self.cells.key(q) else { return };
        let mut key = key_of(place, u32::MAX);
        let mut found =
            self.table.get_lower_than_or_equal_to(&self.snapshot, &key).expect("LMDB reads");
        while let Some((at, value)) = found {
            let (start, id) = at.split_at(8);
            let start = u64::from_be_bytes(start.try_into().expect("keys have 12 bytes"));
            let id = u32::from_be_bytes(id.try_into().expect("keys have 12 bytes"));
            let len_earlier = u32::from_le_bytes(value.try_into().expect("values have 4 bytes"));
            let tail = Tail { len_earlier, id };
            if tail.holds(place - start) {
                hits.push(id);
            }
            if !tail.earlier() {
                return;
            }
            key.copy_from_slice(at);
            found = self.table.get_lower_than(&self.snapshot, &key).expect("LMDB reads");
        }
    }

    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.cells.key(q).unwrap_or(u64::MAX))
    }

    fn other_bytes(&self) -> u64 {
        self.bytes
    }

    fn note(&self) -> String {
        "one snapshot for all questions".into()
    }
}
