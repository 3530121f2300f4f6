//! What a reader is told beside the bytes.

use crate::inside::Realm;
use crate::natlog::ColumnMap;
use crate::natlog::template::Template;
use crate::time::Zone;

/// What the lines do not say about themselves, and how long they may be.
///
/// ```
/// use portledger::inside::Realm;
/// use portledger::natlog::ReaderOptions;
/// let options = ReaderOptions::new().with_realm(Realm::new("blue")).with_zone("Asia/Tokyo".parse()?);
/// # Ok::<(), portledger::time::ParseZoneError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReaderOptions {
    zone: Option<Zone>,
    year: Option<i16>,
    realm: Realm,
    template: Option<Template>,
    columns: Option<ColumnMap>,
    takes_untimed: bool,
    max_line_len: usize,
    #[cfg(feature = "netflow")]
    dialect: Option<crate::natlog::Dialect>,
    #[cfg(feature = "netflow")]
    udp_port: Option<u16>,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        ReaderOptions {
            zone: None,
            year: None,
            realm: Realm::EMPTY,
            template: None,
            columns: None,
            takes_untimed: false,
            max_line_len: Self::MAX_LINE_LEN,
            #[cfg(feature = "netflow")]
            dialect: None,
            #[cfg(feature = "netflow")]
            udp_port: None,
        }
    }
}

impl ReaderOptions {
    /// The default limit of a line (of a row, where quotes make a row of several lines), 64 KiB: far beyond any
    /// line that a NAT writes, far below what a broken file could cost.
    pub const MAX_LINE_LEN: usize = 64 * 1024;

    /// No zone, no realm, lines up to [`ReaderOptions::MAX_LINE_LEN`].
    pub fn new() -> ReaderOptions {
        ReaderOptions::default()
    }

    /// The zone of times that carry none.
    ///
    /// Without it such times are refused in our own formats; the `[start=]` and `[stop=]` of conntrack are then
    /// read as UTC, and a line whose stop is nowhere near its own stamp is refused.
    #[must_use]
    pub fn with_zone(self, zone: Zone) -> ReaderOptions {
        ReaderOptions { zone: Some(zone), ..self }
    }

    /// The year of the first stamp that has none; later ones follow it over New Year.
    #[must_use]
    pub fn with_year(self, year: i16) -> ReaderOptions {
        ReaderOptions { year: Some(year), ..self }
    }

    /// Whether records are read whose stamps need a zone or year that was not named: as events without times, and
    /// [`Event::unplaced`](crate::natlog::Event::unplaced) says why. To look at, not to answer from; not for our own formats.
    #[must_use]
    pub fn with_untimed(self, takes_untimed: bool) -> ReaderOptions {
        ReaderOptions { takes_untimed, ..self }
    }

    /// The realm of inside IPv4 addresses whose record names none.
    ///
    /// For conntrack it stands in for the realm `zone-N` that a `zone=N` gives: name one only where the zones of
    /// the box do not hand out the same inside addresses, or two hosts become one.
    #[must_use]
    pub fn with_realm(self, realm: Realm) -> ReaderOptions {
        ReaderOptions { realm, ..self }
    }

    /// The layout of the lines, for formats that leave it to the operator ([`crate::natlog::huawei`], [`crate::natlog::vasexperts`]);
    /// every other format ignores it.
    #[must_use]
    pub fn with_template(self, template: Template) -> ReaderOptions {
        ReaderOptions { template: Some(template), ..self }
    }

    /// The longest line that is read, in bytes without its LF; longer ones are dropped and counted. It bounds the
    /// memory of a reader.
    #[must_use]
    pub fn with_max_line_len(self, bytes: usize) -> ReaderOptions {
        ReaderOptions { max_line_len: bytes, ..self }
    }

    /// What the columns of a CSV, or the members of NDJSON objects, are that somebody else made.
    #[must_use]
    pub fn with_columns(self, columns: ColumnMap) -> ReaderOptions {
        ReaderOptions { columns: Some(columns), ..self }
    }

    /// The columns, if a map of them was given.
    pub fn columns(&self) -> Option<&ColumnMap> {
        self.columns.as_ref()
    }

    /// Who numbers the NAT events of flow records; by default that of the format.
    #[cfg(feature = "netflow")]
    #[must_use]
    pub fn with_dialect(self, dialect: crate::natlog::Dialect) -> ReaderOptions {
        ReaderOptions { dialect: Some(dialect), ..self }
    }

    /// The collector's port: of a capture only UDP to this port is read, the rest is other traffic.
    #[cfg(feature = "netflow")]
    #[must_use]
    pub fn with_udp_port(self, port: u16) -> ReaderOptions {
        ReaderOptions { udp_port: Some(port), ..self }
    }

    /// The dialect, if one was named.
    #[cfg(feature = "netflow")]
    pub fn dialect(&self) -> Option<crate::natlog::Dialect> {
        self.dialect
    }

    /// The port, if one was named.
    #[cfg(feature = "netflow")]
    pub fn udp_port(&self) -> Option<u16> {
        self.udp_port
    }

    /// The zone, if one was named.
    pub fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }

    /// The year, if one was named.
    pub fn year(&self) -> Option<i16> {
        self.year
    }

    /// The realm.
    pub fn realm(&self) -> &Realm {
        &self.realm
    }

    /// The layout, if one was named.
    pub fn template(&self) -> Option<&Template> {
        self.template.as_ref()
    }

    /// Whether records are read whose stamps cannot be placed.
    pub fn takes_untimed(&self) -> bool {
        self.takes_untimed
    }

    /// The longest line, in bytes.
    pub fn max_line_len(&self) -> usize {
        self.max_line_len
    }
}
