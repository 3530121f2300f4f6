//! Binding tables in the JSON encoding of the YANG module `ietf-softwire-br` (RFC 8676, RFC 7951).

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::de::{Error as _, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::TextPosition;
use super::read::{port_params, short};
use super::{BadBinding, BindingLimits, BindingReadError, BindingTable, LwB4, Softwire};
use crate::time::{TimeRange, Timestamp};

/// One `bind-instance` of a relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BindInstance {
    /// Its name, unique in the file.
    pub name: String,
    /// The version of its table, where the file has one (`binding-table-versioning`).
    pub version: Option<String>,
    /// Its rows.
    pub table: BindingTable,
}

/// Reads the binding tables of a border relay, one for each `bind-instance`.
///
/// ```json
/// { "ietf-softwire-br:br-instances": { "binding": { "bind-instance": [ {
///     "name": "mybinding", "binding-table": { "binding-entry": [ {
///         "binding-ipv6info": "2001:db8::/32", "binding-ipv4-addr": "192.0.2.1",
///         "port-set": { "psid-offset": 0, "psid-len": 8, "psid": 52 },
///         "br-ipv6-addr": "2001:db8:1::2" } ] } } ] } } }
/// ```
///
/// - The top node may be written with or without its module name; other modules beside it, and `algorithm` in it (MAP,
///   [`read_softwire_br`](crate::mapping::read_softwire_br)), are left alone.
/// - The file describes one moment: all rows get the lifetime given here.
/// - PSIDs are right-aligned. Without `psid-offset` it is 0. `psid` may be missing where `psid-len` is 0; `psid-len` may
///   be 16, which the model does not allow and relays use.
/// - `br-ipv6-addr` may stand in an `encapsulation`, as in the example of the RFC. `version` may be a string or a number.
/// - The model keys rows by `binding-ipv6info`; a B4 with several rows is read all the same.
/// - Other members of an instance are known but not kept; unknown ones are refused, a misspelt one could move ports.
///
/// # Errors
///
/// [`BindingReadError`] with line and column, at or just behind the bad row; one bad row refuses the file.
pub fn read_softwire_bindings(
    bytes: &[u8],
    lifetime: TimeRange,
    limits: BindingLimits,
) -> Result<Vec<BindInstance>, BindingReadError> {
    const ADVICE: &str = "export the ietf-softwire-br (RFC 8676) configuration: `br-instances`, `binding`, `bind-instance`";
    limits.check_bytes(bytes)?;
    let file: File = serde_json::from_slice(bytes).map_err(|e| json_error(&e))?;
    let binding = file.top.and_then(|top| top.binding);
    let Some(binding) = binding else {
        return Err(BindingReadError::NoTable { advice: ADVICE });
    };
    let mut names = HashSet::new();
    let mut count = 0;
    let mut instances = Vec::new();
    for raw in binding.instances {
        if !names.insert(raw.name.clone()) {
            return Err(BindingReadError::DuplicateName { name: short(&raw.name) });
        }
        let entries = raw.table.map(|table| table.entries).unwrap_or_default();
        count += entries.len();
        if count > limits.max_rows {
            return Err(BindingReadError::TooManyRows { limit: limits.max_rows });
        }
        let version = raw.versioning.and_then(|v| v.version).map(|version| version.0);
        let rows = entries.into_iter().map(|entry| entry.0.with_lifetime(lifetime));
        instances.push(BindInstance { name: raw.name, version, table: rows.collect() });
    }
    Ok(instances)
}

/// Writes the rows that are in force at an instant, in the form that [`read_softwire_bindings`] reads.
///
/// The form has no lifetimes: reading gives the same tables back when all rows have the lifetime that the reader is
/// given.
///
/// ```
/// use portledger::TimeRange;
/// use portledger::mapping::PsidParams;
/// use portledger::mapping::lw4o6::{BindInstance, BindingLimits, LwB4, Softwire};
/// use portledger::mapping::lw4o6::{read_softwire_bindings, write_softwire_bindings};
/// let row = Softwire::new("192.0.2.1".parse()?, PsidParams::new(0, 8)?, 52, "2001:db8::1".parse::<LwB4>()?)?;
/// let instances = vec![BindInstance {
///     name: "mybinding".to_owned(),
///     version: Some("3".to_owned()),
///     table: [row].into_iter().collect(),
/// }];
/// let mut json = Vec::new();
/// write_softwire_bindings(&mut json, &instances, "@100".parse()?)?;
/// let back = read_softwire_bindings(&json, TimeRange::ALL, BindingLimits::default())?;
/// assert_eq!(back, instances);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of the writer.
pub fn write_softwire_bindings<W: io::Write>(
    writer: W,
    instances: &[BindInstance],
    at: Timestamp,
) -> io::Result<()> {
    let at = TimeRange::instant(at);
    let instances = instances.iter().map(|instance| RawInstance {
        name: instance.name.clone(),
        versioning: instance
            .version
            .clone()
            .map(|version| Versioning { version: Some(Version(version)), ..Versioning::default() }),
        table: Some(Table {
            entries: instance
                .table
                .rows()
                .iter()
                .filter(|row| row.lifetime().overlaps(at))
                .map(|row| Entry(*row))
                .collect(),
        }),
        ..RawInstance::default()
    });
    let binding = Some(Binding { instances: instances.collect() });
    let file = File { top: Some(Top { binding, ..Top::default() }) };
    serde_json::to_writer_pretty(writer, &file).map_err(io::Error::from)
}

fn json_error(error: &serde_json::Error) -> BindingReadError {
    let text = error.to_string();
    let (line, column) = (error.line().max(1), error.column().max(1));
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&place).unwrap_or(&text);
    let text = match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    };
    TextPosition { line, column }.bad(BadBinding::Json(text))
}

#[derive(Default, Deserialize, Serialize)]
struct File {
    #[serde(rename = "ietf-softwire-br:br-instances", alias = "br-instances")]
    top: Option<Top>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Top {
    binding: Option<Binding>,
    #[serde(rename = "algorithm", default, skip_serializing)]
    _algorithm: IgnoredAny,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Binding {
    #[serde(rename = "bind-instance")]
    instances: Vec<RawInstance>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawInstance {
    name: String,
    #[serde(rename = "binding-table-versioning", default, skip_serializing_if = "Option::is_none")]
    versioning: Option<Versioning>,
    #[serde(rename = "binding-table", default)]
    table: Option<Table>,
    #[serde(rename = "softwire-num-max", default, skip_serializing)]
    _num_max: IgnoredAny,
    #[serde(rename = "softwire-payload-mtu", default, skip_serializing)]
    _payload_mtu: IgnoredAny,
    #[serde(rename = "softwire-path-mru", default, skip_serializing)]
    _path_mru: IgnoredAny,
    #[serde(rename = "enable-hairpinning", default, skip_serializing)]
    _hairpinning: IgnoredAny,
    #[serde(rename = "icmp-policy", default, skip_serializing)]
    _icmp_policy: IgnoredAny,
    #[serde(rename = "traffic-stat", default, skip_serializing)]
    _traffic_stat: IgnoredAny,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Versioning {
    version: Option<Version>,
    #[serde(rename = "date", default, skip_serializing)]
    _date: IgnoredAny,
}

/// A version; RFC 7951 writes a `uint64` as a string, older exports as a number.
struct Version(String);

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
        // Not an untagged enum: that would hold whatever stands here in memory first.
        deserializer.deserialize_any(VersionVisitor)
    }
}

struct VersionVisitor;

impl Visitor<'_> for VersionVisitor {
    type Value = Version;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version: a number, or a text")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Version, E> {
        Ok(Version(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Version, E> {
        Ok(Version(text.to_owned()))
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "binding-entry", default)]
    entries: Vec<Entry>,
}

/// A row; read and written through [`RawEntry`].
#[derive(Deserialize)]
#[serde(try_from = "RawEntry")]
struct Entry(Softwire);

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    #[serde(rename = "binding-ipv6info", deserialize_with = "b4", serialize_with = "shown")]
    b4: LwB4,
    #[serde(rename = "binding-ipv4-addr", deserialize_with = "ipv4")]
    ipv4: Ipv4Addr,
    #[serde(rename = "port-set")]
    port_set: RawPortSet,
    #[serde(
        rename = "br-ipv6-addr",
        default,
        deserialize_with = "br",
        skip_serializing_if = "Option::is_none"
    )]
    br: Option<Ipv6Addr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encapsulation: Option<Encapsulation>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Encapsulation {
    #[serde(rename = "br-ipv6-addr", default, deserialize_with = "br")]
    br: Option<Ipv6Addr>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawPortSet {
    #[serde(rename = "psid-offset", default)]
    offset: u8,
    #[serde(rename = "psid-len")]
    len: u8,
    #[serde(default)]
    psid: Option<u16>,
}

impl TryFrom<RawEntry> for Entry {
    type Error = String;

    fn try_from(raw: RawEntry) -> Result<Entry, String> {
        let RawEntry { b4, ipv4, port_set, br, encapsulation } = raw;
        let of = |what: &dyn fmt::Display| format!("the row of {ipv4} and {b4}: {what}");
        let params = port_params(port_set.offset, port_set.len).map_err(|e| of(&e))?;
        let psid = match port_set.psid {
            Some(psid) => psid,
            None if params.len() == 0 => 0,
            // Taking PSID 0 for it would give its holder somebody else's ports.
            None => return Err(of(&BadBinding::Missing { field: "psid" })),
        };
        let wrapped = encapsulation.and_then(|e| e.br);
        if br.is_some() && wrapped.is_some() {
            return Err(of(&BadBinding::Twice { field: "br-ipv6-addr" }));
        }
        let row = Softwire::new(ipv4, params, psid, b4).map_err(|e| of(&e))?;
        Ok(Entry(br.or(wrapped).map_or(row, |br| row.with_br(br))))
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Entry(row) = self;
        let params = row.psid_params();
        RawEntry {
            b4: row.b4(),
            ipv4: row.ipv4(),
            port_set: RawPortSet {
                offset: params.offset(),
                len: params.len(),
                psid: Some(row.psid()),
            },
            br: row.br(),
            encapsulation: None,
        }
        .serialize(serializer)
    }
}

fn shown<S: Serializer>(b4: &LwB4, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(b4)
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr>(
    deserializer: D,
    expected: &str,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format!("`{}` is not {expected}", short(&text))))
}

fn b4<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LwB4, D::Error> {
    parsed(deserializer, "an IPv6 address or prefix")
}

fn ipv4<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ipv4Addr, D::Error> {
    parsed(deserializer, "an IPv4 address")
}

fn br<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Ipv6Addr>, D::Error> {
    parsed(deserializer, "an IPv6 address").map(Some)
}
