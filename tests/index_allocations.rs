//! Lookups allocate nothing once their buffers have grown: counted by this program's own allocator.

#[path = "common/counting.rs"]
mod counting;

use counting::calls;
use portledger::index::{Hits, Index, IndexBuilder, Question};
use portledger::synth::{AllocationTable, QuestionKind, TableConfig, questions};
use portledger::{Allocation, PortRange, Protocol, TimeRange, Timestamp};

/// What asking finds, and how often it called the allocator the second time: one by one, and as a batch.
fn ask(index: &Index, asked: &[Question]) -> (Vec<usize>, [usize; 2]) {
    let (mut one, mut each, view) = (Vec::new(), Hits::default(), index.view());
    let mut single = |found: &mut Vec<usize>| {
        found.clear();
        for q in asked {
            one.clear();
            view.at(q.addr, q.port, q.protocol, q.at, &mut one);
            found.push(one.len());
        }
    };
    let mut found = Vec::with_capacity(asked.len());
    single(&mut found);
    let by_one = calls(|| single(&mut found));
    view.at_each(asked, &mut each);
    let by_batch = calls(|| view.at_each(asked, &mut each));
    assert!(each.iter().map(<[u32]>::len).eq(found.iter().copied()), "both find the same");
    (found, [by_one, by_batch])
}

/// Records crowded on eight ports, every fortieth of them there until the end of the window: these stand in many lines,
/// all but one of them copies.
fn with_long_records(config: &TableConfig) -> AllocationTable {
    let mut table = AllocationTable::generate(config);
    let end = table.allocations.iter().map(|a| a.outer.end()).max().unwrap();
    for (number, a) in (0_u16..).zip(&mut table.allocations) {
        a.ports = PortRange::single(4_000 + number % 8);
        if number % 40 == 0 {
            a.outer = TimeRange::new(a.outer.start(), end).unwrap();
        }
    }
    table
}

/// The records of a table, and on each of its addresses blocks of every size: an address with several planes.
fn with_blocks_of_every_size(config: &TableConfig) -> AllocationTable {
    let mut table = AllocationTable::generate(config);
    let pattern = *table.allocations.first().unwrap();
    let mut addresses: Vec<_> = table.allocations.iter().map(|a| a.addr).collect();
    addresses.sort_unstable();
    addresses.dedup();
    for addr in addresses {
        for size in 0..16_u32 {
            for begin in (0..65_536_u32).step_by(1 << size).take(40) {
                let first = u16::try_from(begin).unwrap();
                let last = u16::try_from(begin + (1 << size) - 1).unwrap();
                let ports = PortRange::new(first, last).unwrap();
                let protocol = None;
                table.allocations.push(Allocation { addr, ports, protocol, ..pattern });
            }
        }
    }
    table
}

#[test]
fn the_allocator_counts() {
    assert_eq!(calls(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(10)))), 2);
}

#[test]
fn lookups_with_warm_buffers_allocate_nothing() {
    let (sessions, blocks) = (TableConfig::sessions(20_000), TableConfig::blocks(20_000));
    let stacked = TableConfig { overlap_share: 0.3, same_start_share: 0.5, ..sessions.clone() };
    let tables = [
        ("sessions", AllocationTable::generate(&sessions)),
        ("blocks", AllocationTable::generate(&blocks)),
        ("stacks", AllocationTable::generate(&stacked)),
        ("copies", with_long_records(&TableConfig { records: 3_000, ..sessions.clone() })),
        ("planes", with_blocks_of_every_size(&TableConfig { addresses: 4, ..sessions })),
    ];
    for (name, table) in tables {
        let index = IndexBuilder::new().build(&table.allocations).unwrap();
        let bytes = |part| index.parts().find(|(name, _)| *name == part).unwrap().1;
        assert!(name != "copies" || bytes("copies") > 0, "no record was copied");
        assert!(name != "planes" || bytes("more planes") > 0, "no address has several planes");
        for kind in [QuestionKind::Hit, QuestionKind::Miss, QuestionKind::Mixed] {
            let drawn = questions(&table, 2_000, 7, kind);
            let asked: Vec<Question> = drawn
                .iter()
                .map(|q| Question { addr: q.addr, port: q.port, protocol: q.protocol, at: q.at })
                .collect();
            let (found, calls) = ask(&index, &asked);
            assert!(drawn.iter().map(|q| q.expected.len()).eq(found), "{name}, {kind:?}");
            assert_eq!(calls, [0, 0], "{name}, {kind:?}: calls of the allocator");
        }
    }
}

#[test]
fn an_unknown_address_allocates_nothing() {
    let index = Index::build(Vec::new()).unwrap();
    let at = Timestamp::from_second(1);
    let q = Question { addr: [192, 0, 2, 1].into(), port: 1, protocol: Some(Protocol::TCP), at };
    assert_eq!(ask(&index, &[q]), (vec![0], [0, 0]));
}
