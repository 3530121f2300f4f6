//! The columns of a row, by name.

/// How many columns there are.
pub(super) const COLUMNS: usize = 20;

/// The names of the columns, in their order.
pub(super) const NAMES: [&str; COLUMNS] = [
    "shape",
    "ports first",
    "ports length",
    "protocol",
    "destination",
    "destination port",
    "inside port",
    "inner start",
    "inner end",
    "used until",
    "created",
    "released",
    "create source",
    "create offset",
    "create rest",
    "create length",
    "release source",
    "release offset",
    "release rest",
    "release length",
];

/// Where one record stands: numbers relative to what is expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PlaceColumns {
    pub(super) source: u64,
    pub(super) offset: u64,
    pub(super) rest: u64,
    pub(super) length: u64,
}

/// One row; the module's documentation says what each number means. Zero is what is expected, or absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) shape: u64,
    pub(super) ports_first: u64,
    pub(super) ports_length: u64,
    pub(super) protocol: u64,
    pub(super) destination: u64,
    pub(super) destination_port: u64,
    pub(super) inside_port: u64,
    pub(super) inner_start: u64,
    pub(super) inner_end: u64,
    pub(super) used_until: u64,
    pub(super) created: u64,
    pub(super) released: u64,
    pub(super) create: PlaceColumns,
    pub(super) release: PlaceColumns,
}

impl Columns {
    pub(super) fn to_row(self) -> [u64; COLUMNS] {
        [
            self.shape,
            self.ports_first,
            self.ports_length,
            self.protocol,
            self.destination,
            self.destination_port,
            self.inside_port,
            self.inner_start,
            self.inner_end,
            self.used_until,
            self.created,
            self.released,
            self.create.source,
            self.create.offset,
            self.create.rest,
            self.create.length,
            self.release.source,
            self.release.offset,
            self.release.rest,
            self.release.length,
        ]
    }

    pub(super) fn from_row(row: [u64; COLUMNS]) -> Columns {
        let [
            shape,
            ports_first,
            ports_length,
            protocol,
            destination,
            destination_port,
            inside_port,
            inner_start,
            inner_end,
            used_until,
            created,
            released,
            c_source,
            c_offset,
            c_rest,
            c_length,
            r_source,
            r_offset,
            r_rest,
            r_length,
        ] = row;
        let place = |source, offset, rest, length| PlaceColumns { source, offset, rest, length };
        Columns {
            shape,
            ports_first,
            ports_length,
            protocol,
            destination,
            destination_port,
            inside_port,
            inner_start,
            inner_end,
            used_until,
            created,
            released,
            create: place(c_source, c_offset, c_rest, c_length),
            release: place(r_source, r_offset, r_rest, r_length),
        }
    }
}
