//! SQLite: a b-tree without row ids, one prepared statement, the file mapped; rows are read backwards and no further
//! than needed.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use portledger::index::Lean;
use rusqlite::{CachedStatement, Connection, params};

use crate::cells::{Cells, Tail, has_earlier};
use crate::contender::{Contender, Question, Setup, plain_batch};

struct Sqlite {
    cells: Cells,
    /// Leaked, so that the statement may live beside it; it lives as long as the process.
    connection: &'static Connection,
    statement: RefCell<CachedStatement<'static>>,
    bytes: u64,
}

const MAKE: &str = "CREATE TABLE held (place INTEGER, id INTEGER, length INTEGER, PRIMARY KEY (place, id)) WITHOUT ROWID";
const ASK: &str =
    "SELECT place, id, length FROM held WHERE place <= ?1 ORDER BY place DESC, id DESC";
const SET: &str =
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA mmap_size = 1099511627776; PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY;";

pub fn build(records: &[Lean], setup: &Setup<'_>) -> Box<dyn Contender> {
    let cells = Cells::new(records);
    let entries = cells.entries(records);
    let earlier = has_earlier(&entries, &cells);
    static BUILT: AtomicUsize = AtomicUsize::new(0);
    let path = setup.scratch.join(format!("sqlite-{}.db", BUILT.fetch_add(1, Ordering::Relaxed)));
    let connection = Connection::open(&path).expect("SQLite opens");
    connection.execute_batch(SET).expect("SQLite takes its settings");
    connection.execute_batch(MAKE).expect("SQLite writes");
    connection.execute_batch("BEGIN").expect("SQLite writes");
    let mut insert = connection.prepare("INSERT INTO held VALUES (?1, ?2, ?3)").expect("valid SQL");
    for (entry, earlier) in entries.iter().zip(earlier) {
        let tail = Tail::new(entry, earlier);
        let place = entry.key.cast_signed();
        insert.execute(params![place, tail.id, tail.len_earlier]).expect("SQLite writes");
    }
    drop(insert);
    connection.execute_batch("COMMIT; ANALYZE").expect("SQLite writes");
    let bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
    let connection: &'static Connection = Box::leak(Box::new(connection));
    let statement = RefCell::new(connection.prepare_cached(ASK).expect("valid SQL"));
    Box::new(Sqlite { cells, connection, statement, bytes })
}

impl Contender for Sqlite {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        let Some(place) = self.cells.key(q) else { return };
        let mut statement = self.statement.borrow_mut();
        let mut rows = statement.query([place.cast_signed()]).expect("SQLite reads");
        while let Some(row) = rows.next().expect("SQLite reads") {
            let number = |column| row.get::<_, i64>(column).expect("columns are integers");
            let (start, id) = (number(0).cast_unsigned(), number(1) as u32);
            let tail = Tail { len_earlier: number(2) as u32, id };
            if tail.holds(place - start) {
                hits.push(id);
            }
            if !tail.earlier() {
                return;
            }
        }
    }

    fn batch(&self, questions: &[Question], hits: &mut Vec<(u32, u32)>) {
        self.connection.execute_batch("BEGIN").expect("SQLite reads");
        plain_batch(self, questions, hits);
        self.connection.execute_batch("COMMIT").expect("SQLite reads");
    }

    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.cells.key(q).unwrap_or(u64::MAX))
    }

    fn batch_in_order(&self, questions: &[Question], order: &[u32], hits: &mut Vec<(u32, u32)>) {
        self.connection.execute_batch("BEGIN").expect("SQLite reads");
        let mut found = Vec::new();
        for &position in order {
            found.clear();
            self.at(&questions[position as usize], &mut found);
            hits.extend(found.iter().map(|&id| (position, id)));
        }
        self.connection.execute_batch("COMMIT").expect("SQLite reads");
    }

    fn other_bytes(&self) -> u64 {
        self.bytes
    }

    fn note(&self) -> String {
        "one prepared statement; a batch is one transaction".into()
    }
}
