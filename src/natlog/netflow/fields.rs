//! The fields of one record, by their numbers: whatever the decoder calls them and however wide they were sent.

#![expect(
    clippy::option_option,
    reason = "unreadable, sent but empty, and a value are three things"
)]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use netflow_parser::variable_versions::field_value::{DataNumber, DurationValue, FieldValue};
use netflow_parser::variable_versions::ipfix::lookup::{
    IANAIPFixField as Iana, IPFixField, NatIPFixField,
};

use super::super::RejectReason;
use crate::time::{MICROS_PER_SECOND, Timestamp, WrittenTime};

/// The numbers of IANA's registry as they are, those of Nokia (PEN 637) and VAS Experts (PEN 43823) behind these.
const NOKIA: u32 = 1 << 16;
const VAS_EXPERTS: u32 = 2 << 16;
/// Seconds from 1900, the epoch of NTP, to 1970.
const NTP_EPOCH: i64 = 2_208_988_800;

/// Microseconds from 1990 to 2100: no flow was logged before, and no clock is right behind.
const AGE: Range<i64> = 631_152_000_000_000..4_102_444_800_000_000;

/// An address and port, as far as sent; an IPv6 address of zeros is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    pub(super) v4: Option<Ipv4Addr>,
    pub(super) v6: Option<Ipv6Addr>,
    pub(super) port: Option<u16>,
}

impl End {
    /// The IPv4 address, where it is one: zeros stand for none.
    pub(super) fn address(self) -> Option<Ipv4Addr> {
        self.v4.filter(|addr| !addr.is_unspecified())
    }
}

/// What a record says, as far as it concerns us.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub(super) protocol: Option<u8>,
    pub(super) source: End,
    pub(super) far: End,
    pub(super) post_source: End,
    pub(super) post_far: End,
    /// 229: 1 if the inside began it, 2 if the outside did.
    pub(super) origin: Option<u8>,
    /// 230.
    pub(super) nat_event: Option<u8>,
    /// 233.
    pub(super) firewall_event: Option<u8>,
    /// 40005: the event of old ASAs.
    pub(super) old_event: Option<u8>,
    /// 234.
    pub(super) vrf: Option<u64>,
    /// 236.
    pub(super) vrf_name: Option<Box<str>>,
    /// 463.
    pub(super) instance: Option<u64>,
    /// 464: what each NAT calls its inside.
    pub(super) inner_realm: Option<Box<str>>,
    /// 283, 284.
    pub(super) pool_id: Option<u64>,
    pub(super) pool_name: Option<Box<str>>,
    /// 322 to 325.
    pub(super) observed: Option<WrittenTime>,
    has_323: bool,
    /// 323 again: of Junos, when the block was given out.
    pub(super) second_323: Option<WrittenTime>,
    /// 150, 152, 154, 156.
    pub(super) start: Option<WrittenTime>,
    /// 151, 153, 155, 157.
    pub(super) end: Option<WrittenTime>,
    /// 22, 21: milliseconds since the device was started.
    pub(super) start_uptime: Option<u64>,
    pub(super) end_uptime: Option<u64>,
    /// 160: when that was.
    pub(super) boot: Option<WrittenTime>,
    /// 148.
    pub(super) flow_id: Option<u64>,
    /// 361 to 364.
    pub(super) first: Option<u16>,
    pub(super) last: Option<u16>,
    pub(super) step: Option<u16>,
    pub(super) count: Option<u16>,
    /// 466, 467: a quota or threshold was met.
    pub(super) has_quota: bool,
    /// 371, and 40000 of ASAs.
    pub(super) user: Option<Box<str>>,
    /// Nokia's service of the inside, 91.
    pub(super) nokia_inside: Option<u64>,
    /// Nokia's name of the subscriber, 93.
    pub(super) nokia_name: Option<Box<str>>,
    /// The first field that cannot be read.
    pub(super) bad: Option<RejectReason>,
}

/// The number of a field of IPFIX; none of those that concern nobody here.
pub(super) fn ipfix_number(field: IPFixField) -> Option<u32> {
    let number = match field {
        IPFixField::IANA(field) => match field {
            Iana::ProtocolIdentifier => 4,
            Iana::SourceTransportPort => 7,
            Iana::SourceIpv4address => 8,
            Iana::DestinationTransportPort => 11,
            Iana::DestinationIpv4address => 12,
            Iana::FlowEndSysUpTime => 21,
            Iana::FlowStartSysUpTime => 22,
            Iana::SourceIpv6address => 27,
            Iana::DestinationIpv6address => 28,
            Iana::FlowId => 148,
            Iana::FlowStartSeconds => 150,
            Iana::FlowEndSeconds => 151,
            Iana::FlowStartMilliseconds => 152,
            Iana::FlowEndMilliseconds => 153,
            Iana::FlowStartMicroseconds => 154,
            Iana::FlowEndMicroseconds => 155,
            Iana::FlowStartNanoseconds => 156,
            Iana::FlowEndNanoseconds => 157,
            Iana::SystemInitTimeMilliseconds => 160,
            Iana::PostNatsourceIpv4address => 225,
            Iana::PostNatdestinationIpv4address => 226,
            Iana::PostNaptsourceTransportPort => 227,
            Iana::PostNaptdestinationTransportPort => 228,
            Iana::NatOriginatingaddressRealm => 229,
            Iana::NatEvent => 230,
            Iana::FirewallEvent => 233,
            Iana::IngressVrfid => 234,
            Iana::VRFname => 236,
            Iana::PostNatsourceIpv6address => 281,
            Iana::PostNatdestinationIpv6address => 282,
            Iana::NatPoolId => 283,
            Iana::NatPoolName => 284,
            Iana::ObservationTimeSeconds => 322,
            Iana::ObservationTimeMilliseconds => 323,
            Iana::ObservationTimeMicroseconds => 324,
            Iana::ObservationTimeNanoseconds => 325,
            Iana::PortRangeStart => 361,
            Iana::PortRangeEnd => 362,
            Iana::PortRangeStepSize => 363,
            Iana::PortRangeNumPorts => 364,
            Iana::UserName => 371,
            Iana::NatInstanceId => 463,
            Iana::InternaladdressRealm => 464,
            Iana::NatQuotaExceededEvent => 466,
            Iana::NatThresholdEvent => 467,
            Iana::Unknown(number) => u32::from(number),
            _ => return None,
        },
        IPFixField::Nat(NatIPFixField::NatInsideSvcid) => NOKIA + 91,
        IPFixField::Nat(NatIPFixField::NatSubString) => NOKIA + 93,
        IPFixField::Enterprise { enterprise_number: 43_823, field_number } => {
            VAS_EXPERTS + u32::from(field_number)
        }
        _ => return None,
    };
    Some(number)
}

/// The number of a field as a template has it; none of those that concern nobody here.
pub(super) fn sent_number(enterprise: u32, number: u16) -> Option<u32> {
    match enterprise {
        0 => Some(u32::from(number)),
        637 => Some(NOKIA + u32::from(number)),
        43_823 => Some(VAS_EXPERTS + u32::from(number)),
        _ => None,
    }
}

/// A value as it was sent, or as the decoder has it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sent<'a> {
    Raw(&'a [u8]),
    Decoded(&'a FieldValue),
}

impl<'a> Sent<'a> {
    /// Its bytes, where the decoder has made nothing else of them.
    fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Sent::Raw(bytes) => Some(bytes),
            Sent::Decoded(
                FieldValue::Vec(bytes) | FieldValue::DataNumber(DataNumber::Vec(bytes)),
            ) => Some(bytes),
            Sent::Decoded(FieldValue::String(text)) => Some(&text.raw),
            Sent::Decoded(_) => None,
        }
    }
}

impl Fields {
    /// Takes in a field.
    pub(super) fn set(&mut self, number: u32, value: Sent<'_>) {
        use RejectReason::{BadAddress, BadPort, BadProtocol, BadTime, BadValue};
        // A field of no length was not sent.
        if value.bytes().is_some_and(<[u8]>::is_empty) {
            return;
        }
        let bad = &mut self.bad;
        match number {
            4 => put(&mut self.protocol, small(value), BadProtocol, bad),
            7 => put(&mut self.source.port, port(value), BadPort, bad),
            8 => put(&mut self.source.v4, v4(value), BadAddress, bad),
            11 => put(&mut self.far.port, port(value), BadPort, bad),
            12 => put(&mut self.far.v4, v4(value), BadAddress, bad),
            21 => put(&mut self.end_uptime, integer(value), BadTime, bad),
            22 => put(&mut self.start_uptime, integer(value), BadTime, bad),
            27 => put(&mut self.source.v6, v6(value), BadAddress, bad),
            28 => put(&mut self.far.v6, v6(value), BadAddress, bad),
            148 => put(&mut self.flow_id, integer(value), BadValue, bad),
            150 => put_time(&mut self.start, seconds(value), bad),
            151 => put_time(&mut self.end, seconds(value), bad),
            152 => put_time(&mut self.start, millis(value), bad),
            153 => put_time(&mut self.end, millis(value), bad),
            154 | 156 => put_time(&mut self.start, ntp(value), bad),
            155 | 157 => put_time(&mut self.end, ntp(value), bad),
            160 => put(&mut self.boot, millis(value), BadTime, bad),
            225 | 40001 => put(&mut self.post_source.v4, v4(value), BadAddress, bad),
            226 | 40002 => put(&mut self.post_far.v4, v4(value), BadAddress, bad),
            227 | 40003 => put(&mut self.post_source.port, port(value), BadPort, bad),
            228 | 40004 => put(&mut self.post_far.port, port(value), BadPort, bad),
            229 => put(&mut self.origin, small(value), BadValue, bad),
            230 => put(&mut self.nat_event, small(value), BadValue, bad),
            233 => put(&mut self.firewall_event, small(value), BadValue, bad),
            40005 => put(&mut self.old_event, small(value), BadValue, bad),
            234 => put(&mut self.vrf, integer(value), BadValue, bad),
            236 => put(&mut self.vrf_name, text(value), BadValue, bad),
            281 => put(&mut self.post_source.v6, v6(value), BadAddress, bad),
            282 => put(&mut self.post_far.v6, v6(value), BadAddress, bad),
            283 => put(&mut self.pool_id, integer(value), BadValue, bad),
            284 => put(&mut self.pool_name, text(value), BadValue, bad),
            322 => put_time(&mut self.observed, seconds(value), bad),
            323 if self.has_323 => put_time(&mut self.second_323, millis(value), bad),
            323 => {
                self.has_323 = true;
                put_time(&mut self.observed, millis(value), bad);
            }
            324 | 325 => put_time(&mut self.observed, ntp(value), bad),
            361 => put(&mut self.first, port(value), BadPort, bad),
            362 => put(&mut self.last, port(value), BadPort, bad),
            363 => put(&mut self.step, port(value), BadPort, bad),
            364 => put(&mut self.count, port(value), BadPort, bad),
            463 => put(&mut self.instance, integer(value), BadValue, bad),
            464 => put(&mut self.inner_realm, octets(value), BadValue, bad),
            466 | 467 => self.has_quota = true,
            371 | 40000 => put(&mut self.user, text(value), BadValue, bad),
            _ if number == VAS_EXPERTS + 2000 => {
                put(&mut self.flow_id, integer(value), BadValue, bad);
            }
            _ if number == VAS_EXPERTS + 2003 => put(&mut self.user, text(value), BadValue, bad),
            _ if number == NOKIA + 91 => put(&mut self.nokia_inside, integer(value), BadValue, bad),
            _ if number == NOKIA + 93 => put(&mut self.nokia_name, text(value), BadValue, bad),
            _ => {}
        }
    }

    /// Whether a time is of another age than the message: sent in another unit, or counted from another day.
    pub(super) fn is_out_of_age(&self, exported: WrittenTime) -> bool {
        let is_of_age = |time: WrittenTime| AGE.contains(&time.start().as_microsecond());
        let times = [self.observed, self.second_323, self.start, self.end, self.boot];
        is_of_age(exported) && times.into_iter().flatten().any(|time| !is_of_age(time))
    }

    /// Whether the time was sent twice and not the same.
    pub(super) fn has_two_times(&self) -> bool {
        self.second_323.is_some() && self.second_323 != self.observed
    }

    /// Whether the record says anything of a translation.
    pub(super) fn is_of_nat(&self) -> bool {
        self.nat_event.is_some()
            || self.post_source != End::default()
            || self.post_far != End::default()
            || self.nokia_name.is_some()
            || self.first.is_some()
            || self.old_event.is_some()
    }
}

/// A field that can be read, and that does not contradict an earlier one of its number.
fn put<T: PartialEq>(
    slot: &mut Option<T>,
    value: Option<Option<T>>,
    reason: RejectReason,
    bad: &mut Option<RejectReason>,
) {
    match value {
        None => {
            bad.get_or_insert(reason);
        }
        Some(None) => {}
        Some(value) => {
            if slot.is_some() && *slot != value {
                bad.get_or_insert(RejectReason::RepeatedField);
            }
            *slot = value;
        }
    }
}

/// A time; where it was sent twice, in seconds and finer, the finer one.
fn put_time(
    slot: &mut Option<WrittenTime>,
    value: Option<Option<WrittenTime>>,
    bad: &mut Option<RejectReason>,
) {
    match (*slot, value) {
        (Some(earlier), Some(Some(value))) if earlier.range().overlaps(value.range()) => {
            if value.resolution_microsecond() < earlier.resolution_microsecond() {
                *slot = Some(value);
            }
        }
        _ => put(slot, value, RejectReason::BadTime, bad),
    }
}

/// An unsigned integer of up to eight bytes, big-endian.
fn number(value: Sent<'_>) -> Option<u64> {
    let value = match (value.bytes(), value) {
        (Some(&[a, b]), _) => return Some(u64::from(u16::from_be_bytes([a, b]))),
        (Some(bytes), _) => {
            let fits = (1..=8).contains(&bytes.len());
            return fits.then(|| bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b)));
        }
        (None, Sent::Decoded(value)) => value,
        (None, Sent::Raw(_)) => return None,
    };
    match value {
        FieldValue::DataNumber(number) => number.as_u64(),
        FieldValue::ProtocolType(protocol) => Some(u64::from(u8::from(*protocol))),
        FieldValue::NatEvent(event) => Some(u64::from(u8::from(*event))),
        FieldValue::FirewallEvent(event) => Some(u64::from(u8::from(*event))),
        FieldValue::NatOriginatingAddressRealm(realm) => Some(u64::from(u8::from(*realm))),
        FieldValue::Duration(
            DurationValue::Millis { value, .. } | DurationValue::Seconds { value, .. },
        ) => Some(*value),
        _ => None,
    }
}

// Each of these: none if unreadable, Some(None) if sent but empty.

fn integer(value: Sent<'_>) -> Option<Option<u64>> {
    number(value).map(Some)
}

fn small(value: Sent<'_>) -> Option<Option<u8>> {
    number(value).and_then(|n| u8::try_from(n).ok()).map(Some)
}

fn port(value: Sent<'_>) -> Option<Option<u16>> {
    number(value).and_then(|n| u16::try_from(n).ok()).map(Some)
}

fn v4(value: Sent<'_>) -> Option<Option<Ipv4Addr>> {
    let addr = match value {
        Sent::Decoded(FieldValue::Ip4Addr(addr)) => *addr,
        Sent::Decoded(FieldValue::DataNumber(DataNumber::U32(addr))) => Ipv4Addr::from(*addr),
        _ => Ipv4Addr::from(<[u8; 4]>::try_from(value.bytes()?).ok()?),
    };
    Some(Some(addr))
}

fn v6(value: Sent<'_>) -> Option<Option<Ipv6Addr>> {
    let addr = match value {
        Sent::Decoded(FieldValue::Ip6Addr(addr)) => *addr,
        _ => Ipv6Addr::from(<[u8; 16]>::try_from(value.bytes()?).ok()?),
    };
    Some(Some(addr).filter(|addr| !addr.is_unspecified()))
}

/// Text, padded with NULs to the width of its field.
fn text(value: Sent<'_>) -> Option<Option<Box<str>>> {
    let bytes = value.bytes()?;
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let (text, padding) = bytes.split_at(end);
    let text = std::str::from_utf8(text).ok()?;
    if padding.iter().any(|&b| b != 0) || text.contains(char::is_control) {
        return None;
    }
    let text = text.trim();
    Some((!text.is_empty()).then(|| Box::from(text)))
}

/// An array of bytes that names something: text if it reads as such, else a number, or the bytes in hexadecimal.
fn octets(value: Sent<'_>) -> Option<Option<Box<str>>> {
    let bytes = value.bytes()?;
    if bytes.iter().all(|&b| b == 0) {
        return Some(None);
    }
    match text(value) {
        Some(Some(text)) if text.contains(|c: char| c.is_alphanumeric()) => Some(Some(text)),
        _ if bytes.len() <= 8 => {
            let number = bytes.iter().fold(0, |n: u64, &b| n << 8 | u64::from(b));
            Some(Some(number.to_string().into_boxed_str()))
        }
        _ => {
            let mut hex = String::with_capacity(2 * bytes.len());
            for byte in bytes {
                let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
                hex.extend([digit(byte >> 4), digit(byte & 15)].into_iter().flatten());
            }
            Some(Some(hex.into_boxed_str()))
        }
    }
}

fn scaled(value: Sent<'_>, microsecond: i64) -> Option<Option<WrittenTime>> {
    let number = i64::try_from(number(value)?).ok()?;
    let at = Timestamp::from_microsecond(number.checked_mul(microsecond)?);
    // A clock that was never set is no clock.
    Some((number != 0).then(|| WrittenTime::new(at, microsecond)))
}

fn seconds(value: Sent<'_>) -> Option<Option<WrittenTime>> {
    scaled(value, MICROS_PER_SECOND)
}

fn millis(value: Sent<'_>) -> Option<Option<WrittenTime>> {
    scaled(value, 1000)
}

/// A time in the format of NTP (RFC 7011, section 6.1.9).
fn ntp(value: Sent<'_>) -> Option<Option<WrittenTime>> {
    let (seconds, fraction) = if let Sent::Decoded(FieldValue::Duration(
        DurationValue::MicrosNtp { seconds, fraction }
        | DurationValue::NanosNtp { seconds, fraction },
    )) = value
    {
        (*seconds, *fraction)
    } else {
        let both = u64::from_be_bytes(value.bytes()?.try_into().ok()?);
        (u32::try_from(both >> 32).ok()?, u32::try_from(both & 0xffff_ffff).ok()?)
    };
    if seconds == 0 {
        return Some(None);
    }
    let micros = i64::try_from((u64::from(fraction) * 1_000_000) >> 32).ok()?;
    let second = i64::from(seconds) - NTP_EPOCH;
    let at = Timestamp::from_microsecond(second * MICROS_PER_SECOND + micros);
    Some(Some(WrittenTime::exact(at)))
}
