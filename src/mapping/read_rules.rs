//! Rule files of every mechanism, known by what is in them.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::mapping::detnat::{
    BlockTableCsvError, BlockTableLimits, DetNatError, Deterministic, ReadDetNatError,
    RecordReading, Rfc7422Record, read_block_table, read_detnat,
};
use crate::mapping::lw4o6::{
    BindingLimits, BindingReadError, BindingTable, SnabbOptions, read_bindings_csv, read_snabb,
    read_softwire_bindings,
};
use crate::mapping::{SoftwireJsonError, Stateless, read_softwire_br};
use crate::time::TimeRange;

/// The longest file, in bytes.
const MAX_BYTES: usize = 256 << 20;

/// Why a file is not read as rules.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadRulesError {
    /// The file is longer than is read.
    #[error("the rule file has {bytes} bytes, the limit is {limit}: split it")]
    TooLarge {
        /// The length of the file.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Nothing in the file says what it is.
    #[error(
        "no kind of rules is recognised: write RFC 8676 JSON, {{\"detnat\": ...}}, a configuration of snabb, an RFC 7422 record, or CSV with the header address,first,last,stride,inside or ipv4,psid_offset,psid_len,psid,b4"
    )]
    Unknown,
    /// The file holds rules of several mechanisms.
    #[error("the file holds {0}: write one file for each, what decides between them is not known")]
    Several(String),
    /// A JSON text that does not read.
    #[error("the rule file is not usable JSON: {0}")]
    Json(serde_json::Error),
    /// MAP rules (RFC 8676 `algorithm`).
    #[error(transparent)]
    Map(#[from] SoftwireJsonError),
    /// A binding table of lightweight 4over6.
    #[error(transparent)]
    Lw4o6(#[from] BindingReadError),
    /// Deterministic NATs as JSON.
    #[error(transparent)]
    DetNat(#[from] ReadDetNatError),
    /// A block table as CSV.
    #[error(transparent)]
    BlockTable(#[from] BlockTableCsvError),
    /// Rows of a block table that make no NAT, or a record that is none.
    #[error(transparent)]
    Nat(#[from] DetNatError),
    /// An RFC 7422 record without a word on what it leaves open.
    #[error(
        "an RFC 7422 record leaves open which order `sequential` is, whether boundary addresses are hosts, and whether port 0 is given out: say so (on the command line with `--record address-major,skip,use,reserve`), or write {{\"detnat\": {{\"algorithm\": \"rfc7422\", \"record\": ..., \"order\": ..., \"inside_boundary\": ..., \"outside_boundary\": ..., \"port_zero\": ...}}}}"
    )]
    RecordLeavesOpen,
    /// Several RFC 7422 records: each was in force at another time.
    #[error("{0} RFC 7422 records: each holds from its own time on, write one file for each")]
    SeveralRecords(usize),
}

/// Reads rules; what kind they are is told by the content.
///
/// | content | read as |
/// |---|---|
/// | JSON with `br-instances`, `algorithm` | MAP ([`read_softwire_br`]) |
/// | JSON with `br-instances`, `binding` | lightweight 4over6; the rows of all instances together |
/// | JSON with `detnat` | deterministic NATs ([`read_detnat`]) |
/// | CSV with a column `address` | a block table ([`read_block_table`]) |
/// | CSV with a column `ipv4` | a binding table ([`read_bindings_csv`]) |
/// | lines that begin with `[` and are no JSON | an RFC 7422 record; only [`read_rules_with`] a reading |
/// | otherwise | a configuration of snabb ([`read_snabb`]) |
///
/// ```
/// use portledger::mapping::{CeLayout, read_rules};
/// let rules = read_rules(b"address,first,last,inside\n192.0.2.1,1024,2047,100.64.0.1\n")?;
/// let answer = rules.reverse("192.0.2.1".parse().unwrap(), 1500, CeLayout::default());
/// assert_eq!((answer.kind, answer.holders[0].inside.to_string().as_str()), ("mapped", "100.64.0.1"));
/// # Ok::<(), portledger::mapping::ReadRulesError>(())
/// ```
///
/// # Errors
///
/// [`ReadRulesError`]; one bad rule refuses the file, and so do rules of two mechanisms in one file.
pub fn read_rules(bytes: &[u8]) -> Result<Stateless, ReadRulesError> {
    read_rules_with(bytes, None)
}

/// Reads rules as [`read_rules`] does, and an RFC 7422 record in the way given.
///
/// # Errors
///
/// As [`read_rules`].
pub fn read_rules_with(
    bytes: &[u8],
    record: Option<RecordReading>,
) -> Result<Stateless, ReadRulesError> {
    if bytes.len() > MAX_BYTES {
        return Err(ReadRulesError::TooLarge { bytes: bytes.len(), limit: MAX_BYTES });
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    match text.first() {
        None => Err(ReadRulesError::Unknown),
        Some(b'{') => read_json(text),
        // JSON too may begin so, but none of what is read here.
        Some(b'[') if serde_json::from_slice::<IgnoredAny>(text).is_ok() => {
            Err(ReadRulesError::Unknown)
        }
        Some(b'[') => read_record(text, record),
        Some(_) => read_table(text),
    }
}

#[derive(Deserialize)]
struct Shape {
    detnat: Option<IgnoredAny>,
    #[serde(rename = "ietf-softwire-br:br-instances", alias = "br-instances")]
    relay: Option<RelayShape>,
}

#[derive(Deserialize)]
struct RelayShape {
    algorithm: Option<IgnoredAny>,
    binding: Option<IgnoredAny>,
}

fn read_json(text: &[u8]) -> Result<Stateless, ReadRulesError> {
    let shape: Shape = serde_json::from_slice(text).map_err(ReadRulesError::Json)?;
    let has = |member: fn(&RelayShape) -> bool| shape.relay.as_ref().is_some_and(member);
    match (has(|r| r.algorithm.is_some()), has(|r| r.binding.is_some()), shape.detnat.is_some()) {
        (true, false, false) => Ok(Stateless::Map(read_softwire_br(text)?)),
        (false, true, false) => {
            let instances = read_softwire_bindings(text, TimeRange::ALL, BindingLimits::default())?;
            let rows = instances.iter().flat_map(|i| i.table.rows().iter().copied());
            Ok(Stateless::Lw4o6(rows.collect::<BindingTable>()))
        }
        (false, false, true) => Ok(Stateless::Deterministic(read_detnat(text)?)),
        (false, false, false) => Err(ReadRulesError::Unknown),
        (map, lw4o6, nat) => {
            let found = [
                (map, "MAP rules (`algorithm`)"),
                (lw4o6, "binding tables (`binding`)"),
                (nat, "deterministic NATs (`detnat`)"),
            ];
            let found = found.into_iter().filter_map(|(is_there, what)| is_there.then_some(what));
            Err(ReadRulesError::Several(found.collect::<Vec<_>>().join(" and ")))
        }
    }
}

fn read_record(text: &[u8], reading: Option<RecordReading>) -> Result<Stateless, ReadRulesError> {
    let text = std::str::from_utf8(text).map_err(|_| ReadRulesError::Unknown)?;
    let count = text.lines().filter(|line| !line.trim().is_empty()).count();
    if count > 1 {
        return Err(ReadRulesError::SeveralRecords(count));
    }
    let record: Rfc7422Record = text.parse()?;
    let reading = reading.ok_or(ReadRulesError::RecordLeavesOpen)?;
    Ok(Stateless::Deterministic(vec![record.deterministic(reading)?]))
}

fn read_table(text: &[u8]) -> Result<Stateless, ReadRulesError> {
    let header = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let names = |name: &str| {
        let mut fields = header.split(|b| *b == b',').map(<[u8]>::trim_ascii);
        fields.any(|field| {
            field.strip_prefix(b"\"").and_then(|f| f.strip_suffix(b"\"")).unwrap_or(field)
                == name.as_bytes()
        })
    };
    match (names("address"), names("ipv4")) {
        (true, false) => {
            let blocks = read_block_table(text, BlockTableLimits::default())?;
            Ok(Stateless::Deterministic(vec![Deterministic::block_table(&blocks)?]))
        }
        (false, true) => {
            Ok(Stateless::Lw4o6(read_bindings_csv(text, BindingLimits::default(), None)?))
        }
        (true, true) => Err(ReadRulesError::Several(
            "columns of a block table and of a binding table".to_owned(),
        )),
        // Every form of snabb has blocks in braces.
        (false, false) if text.contains(&b'{') => {
            Ok(Stateless::Lw4o6(read_snabb(text, &SnabbOptions::default())?))
        }
        (false, false) => Err(ReadRulesError::Unknown),
    }
}
