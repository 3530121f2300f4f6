//! Tables against the rows they were made from, and against damage.

use proptest::prelude::*;

use super::bits::mask;
use super::{Table, TableWriter};

fn pack(columns: usize, rows: &[Vec<u64>]) -> Vec<u8> {
    let mut writer = TableWriter::new(columns);
    for row in rows {
        writer.push(row).unwrap();
    }
    writer.finish()
}

/// Values as columns have them: constant, on a grid, narrow with outliers, anything.
fn column(rows: usize) -> impl Strategy<Value = Vec<u64>> {
    let many = move |values: BoxedStrategy<u64>| prop::collection::vec(values, rows);
    let base = prop_oneof![Just(0), any::<u64>(), 0..1_u64 << 40].boxed();
    prop_oneof![
        2 => Just(vec![0; rows]),
        1 => base.clone().prop_map(move |v| vec![v; rows]),
        3 => (base.clone(), 0..64_u32, prop::sample::select(vec![1, 1_000, 1_000_000, 7]), 0..40_u8)
            .prop_flat_map(move |(base, width, step, rare)| {
                let near = any::<u64>().prop_map(move |v| {
                    base.wrapping_add((v & mask(width)).wrapping_mul(step))
                });
                many(prop_oneof![
                    100 => near,
                    u32::from(rare) => any::<u64>(),
                    u32::from(rare / 4) => prop::sample::select(vec![0, u64::MAX, 1 << 63]),
                ].boxed())
            }),
        1 => many(any::<u64>().boxed()),
    ]
}

fn table() -> impl Strategy<Value = (usize, Vec<Vec<u64>>)> {
    (1..=32_usize, prop_oneof![0..5_usize, 250..262_usize, 0..700_usize]).prop_flat_map(
        |(columns, rows)| {
            prop::collection::vec(column(rows), columns).prop_map(move |by_column| {
                let row = |at: usize| by_column.iter().map(|c| c[at]).collect();
                (columns, (0..rows).map(row).collect())
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_row_comes_back((columns, rows) in table()) {
        let bytes = pack(columns, &rows);
        let table = Table::open(&bytes).unwrap();
        prop_assert_eq!(table.rows() as usize, rows.len());
        table.verify().unwrap();
        let mut got = vec![0; columns];
        for (at, row) in (0_u32..).zip(&rows) {
            prop_assert!(table.get(at, &mut got));
            prop_assert_eq!(&got, row, "row {}", at);
        }
        prop_assert!(!table.get(table.rows(), &mut got));
        prop_assert!(!table.get(u32::MAX, &mut got));
    }

    #[test]
    fn damage_gives_an_error_or_another_value(
        (columns, rows) in table(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        more in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = pack(columns, &rows);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.extend(more);
        look_at_everything(&bytes);
    }
}

fn look_at_everything(bytes: &[u8]) {
    let Ok(table) = Table::open(bytes) else { return };
    let _ = (table.verify(), table.column_bits());
    let mut row = [0; 32];
    for at in (0..table.rows().min(2_000)).chain([u32::MAX]) {
        table.get(at, &mut row);
    }
}

fn sample() -> Vec<u8> {
    let rows: Vec<Vec<u64>> = (0..600_u64)
        .map(|i| vec![0, 77, i % 5, if i % 50 == 3 { u64::MAX / 3 } else { i * 1_000 }])
        .collect();
    pack(4, &rows)
}

#[test]
fn every_single_damage_is_survived_and_every_change_of_length_is_seen() {
    let good = sample();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            look_at_everything(&bad);
        }
        assert!(Table::open(&good[..at]).is_err(), "cut at {at}");
    }
    let mut longer = good;
    longer.push(0);
    assert!(Table::open(&longer).is_err());
}

#[test]
fn verify_sees_blocks_that_overlap_or_are_left_out() {
    let good = sample();
    let directory = usize::try_from(u64::from_le_bytes(good[24..32].try_into().unwrap())).unwrap();
    Table::open(&good).unwrap().verify().unwrap();
    for entry in 0..3 {
        for value in [0, 32, 40, u64::MAX] {
            let mut bad = good.clone();
            let at = directory + entry * 8;
            bad[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
            let table = Table::open(&bad).unwrap();
            assert_eq!(table.verify().is_ok(), bad == good, "entry {entry} is {value}");
        }
    }
}

#[test]
fn a_table_of_zeros_costs_its_directory_alone() {
    let bytes = pack(20, &vec![vec![0; 20]; 10_000]);
    assert_eq!(bytes.len(), 32 + 10_000_usize.div_ceil(256) * 8 + 8);
}

#[test]
fn constant_columns_cost_bytes_a_block_and_rare_outliers_little_more() {
    let row = |i: u64| {
        let mut row = vec![1_000_000 + i / 256; 20];
        row[3] = if i % 100 == 7 { 1 << 50 } else { 5 };
        row
    };
    let rows: Vec<Vec<u64>> = (0..25_600).map(row).collect();
    let bytes = pack(20, &rows);
    // 20 descriptors of 5 bytes; one row in a hundred at 8 + 52 bits.
    assert!(bytes.len() < 100 * 140, "{}", bytes.len());
}

#[test]
fn a_row_of_another_length_is_filled_or_cut() {
    let mut writer = TableWriter::new(2);
    writer.push(&[1]).unwrap();
    writer.push(&[2, 3, 4]).unwrap();
    let bytes = writer.finish();
    let table = Table::open(&bytes).unwrap();
    let mut row = [9; 3];
    assert!(table.get(0, &mut row) && row == [1, 0, 9]);
    assert!(table.get(1, &mut row) && row == [2, 3, 9]);
    assert!(!table.get(0, &mut row[..1]));
}

/// The block of a table of one block, and what the header says around it.
fn only_block(bytes: &[u8], rows: u8, columns: u8) -> &[u8] {
    let block = &bytes[32..bytes.len() - 16];
    let mut around = b"PLT\x01".to_vec();
    around.extend([rows, 0, 0, 0, columns, 0, 0, 0, 0, 0, 0, 0]);
    around.extend(u64::to_le_bytes(bytes.len() as u64));
    around.extend(u64::to_le_bytes(bytes.len() as u64 - 16));
    assert_eq!(bytes[..32], around);
    assert_eq!(bytes[bytes.len() - 16..], [32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    block
}

#[test]
fn the_bytes_are_those_of_the_documentation() {
    let bytes = pack(2, &[vec![0, 5], vec![0, 6], vec![0, 8]]);
    //      bitmap        w    descriptors  width, form, base 5   fields 0, 1, 3
    let block = [2, 0, 0, 0, 2, 0, 3, 0, 0x02, 0x01, 10, 0b11_01_00];
    assert_eq!(only_block(&bytes, 3, 2), block);

    let mut rows = vec![vec![0]; 16];
    rows[9] = vec![1 << 20];
    let bytes = pack(1, &rows);
    //      bitmap        w    descriptors  width, form, count - 1, bits   row, exception
    let block = [1, 0, 0, 0, 0, 0, 4, 0, 0x80, 0x00, 0, 22, 9, 0, 0, 0x20];
    assert_eq!(only_block(&bytes, 16, 1), block);

    let bytes = pack(1, &[vec![7_000_000], vec![9_000_000]]);
    //      bitmap        w    descriptors  width, divisor and base length, base   fields 0, 2
    let block = [1, 0, 0, 0, 2, 0, 5, 0, 0x02, 0x23, 0x80, 0x9F, 0xD5, 0b10_00];
    assert_eq!(only_block(&bytes, 2, 1), block);
}
