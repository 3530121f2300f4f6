//! Who takes part.

mod btree_map;
mod coitrees;
mod eytzinger;
mod lapper;
mod lmdb;
mod portledger;
mod rangemap;
mod sorted_vec;
mod splus_tree;
mod sqlite;
mod superintervals;

use crate::contender::Entry;

/// All of them, ours first.
pub const ALL: [Entry; 12] = [
    Entry {
        name: "portledger",
        complete: true,
        peer: false,
        slow: false,
        build: portledger::build,
    },
    Entry {
        name: "superintervals",
        complete: true,
        peer: true,
        slow: false,
        build: superintervals::build,
    },
    Entry { name: "coitrees", complete: true, peer: true, slow: false, build: coitrees::build },
    Entry { name: "rust-lapper", complete: true, peer: true, slow: false, build: lapper::build },
    Entry {
        name: "rangemap-per-port",
        complete: false,
        peer: true,
        slow: false,
        build: rangemap::build_per_port,
    },
    Entry {
        name: "rangemap-global",
        complete: false,
        peer: true,
        slow: false,
        build: rangemap::build_global,
    },
    Entry { name: "btreemap", complete: false, peer: true, slow: false, build: btree_map::build },
    Entry {
        name: "sorted-vec",
        complete: true,
        peer: false,
        slow: false,
        build: sorted_vec::build,
    },
    Entry { name: "s+tree", complete: true, peer: false, slow: false, build: splus_tree::build },
    Entry { name: "eytzinger", complete: true, peer: false, slow: false, build: eytzinger::build },
    Entry { name: "lmdb", complete: true, peer: true, slow: true, build: lmdb::build },
    Entry { name: "sqlite", complete: true, peer: true, slow: true, build: sqlite::build },
];

/// Those that fit beside a hundred million records, one at a time.
pub const LARGE: [&str; 4] = ["portledger", "superintervals", "s+tree", "sorted-vec"];
