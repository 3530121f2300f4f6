//! `RT_SRC_NAT_PBA_ALLOC`, `_INTERIM` and `_RELEASE`.
//!
//! ```text
//! RT_NAT - RT_SRC_NAT_PBA_ALLOC [junos@2636.1 internal-ip="100.64.0.10" ... block-port-low="2048" block-port-high="2175"
//!     reflexive-ip="203.0.113.7" nat-pool-name="P" logical-system-id="0" epoch-time-64="6a44007a"]
//! RT_NAT: RT_SRC_NAT_PBA_ALLOC: Subscriber 100.64.0.10 used/maximum [1/15] blocks, allocates port block [2048-2175]
//!     from 203.0.113.7 in source pool P lsys_id: 0 epoch 0x6a44007a
//! ```

use std::net::IpAddr;

use super::fields::Fields;
use super::{JuniperParser, Record, frame_time};
use crate::natlog::texts::{self, Refusal, split_at_text};
use crate::natlog::{Event, EventKind, RejectReason};
use crate::port::PortRange;
use crate::time::{TimeDelta, WrittenTime};

/// The parts of a block, in either form.
struct Block<'a> {
    inside: IpAddr,
    outside: &'a [u8],
    ports: PortRange,
    pool: &'a [u8],
    system: &'a [u8],
    epoch: Option<WrittenTime>,
}

pub(super) fn read<'a>(
    parser: &mut JuniperParser,
    record: &Record<'a, '_>,
    kind: EventKind,
    event: &mut Event,
) -> Result<(), Refusal<'a>> {
    let block = match Fields::new(record.rest) {
        Some(fields) => {
            let block = structured(&fields?)?;
            parser.is_whole = true;
            block
        }
        None => text(parser, record.rest)?,
    };
    event.kind = kind;
    match block.epoch {
        // The epoch of an interim record is that of the ALLOC.
        Some(start) if kind == EventKind::BlockInterim => {
            event.start = Some(start);
            event.header_time = record.head.relay_time;
            let mut near = || record.head.time_beside(&mut parser.clock, start);
            event.time = match record.head.time {
                Some(Err(RejectReason::NoYear)) => {
                    Some(near().ok_or((RejectReason::NoYear, record.line))?)
                }
                Some(time) => Some(time.map_err(|reason| (reason, record.line))?),
                None => None,
            };
            // Far before its own begin: the frame was read in the wrong year.
            let day = TimeDelta::from_second(86_400);
            if event.time.is_some_and(|time| time.end().plus(day) < start.start()) {
                return Err((RejectReason::BadTime, record.line));
            }
        }
        Some(time) => {
            event.header_time = record.head.time_beside(&mut parser.clock, time);
            event.time = Some(time);
        }
        None => frame_time(record, event)?,
    }
    let realm = parser.realms.named(block.system)?;
    event.inside = Some(texts::host(block.inside, realm));
    event.outside = Some(texts::ipv4(block.outside)?);
    event.ports = Some(block.ports);
    event.pool = name(block.pool);
    Ok(())
}

fn name(text: &[u8]) -> Option<Box<str>> {
    let text = String::from_utf8_lossy(text);
    (!text.is_empty()).then(|| Box::from(text.as_ref()))
}

fn structured<'a>(fields: &Fields<'a>) -> Result<Block<'a>, Refusal<'a>> {
    let low = fields.require(b"block-port-low")?;
    let high = fields.require(b"block-port-high")?;
    Ok(Block {
        inside: texts::address(fields.require(b"internal-ip")?)?,
        outside: fields.require(b"reflexive-ip")?,
        ports: PortRange::new(texts::port(low)?, texts::port(high)?)
            .map_err(|_| (RejectReason::BadPort, high))?,
        pool: fields.get(b"nat-pool-name").unwrap_or_default(),
        system: fields
            .get(b"logical-system-name")
            .or(fields.get(b"logical-system-id"))
            .unwrap_or_default(),
        epoch: fields.get(b"epoch-time-64").map(epoch).transpose()?,
    })
}

fn text<'a>(parser: &mut JuniperParser, rest: &'a [u8]) -> Result<Block<'a>, Refusal<'a>> {
    let end = rest.get(rest.len()..).unwrap_or_default();
    let cut = (RejectReason::CutShort, end);
    let (_, after) = split_at_text(rest, b"Subscriber ").ok_or(cut)?;
    let (inside, after) = texts::split(after.trim_ascii_start(), b' ').ok_or(cut)?;
    let (_, after) = split_at_text(after, b"port block [").ok_or(cut)?;
    let (ports, after) = texts::split(after, b']').ok_or(cut)?;
    let (_, after) = split_at_text(after, b"from ").ok_or(cut)?;
    let (outside, after) = texts::split(after.trim_ascii_start(), b' ').ok_or(cut)?;
    let (_, after) = split_at_text(after, b"pool ").ok_or(cut)?;
    let after = after.trim_ascii();
    let (pool, after) = texts::split(after, b' ').unwrap_or((after, end));
    let first_word = |text: &'a [u8]| {
        let text = text.trim_ascii_start();
        texts::split(text, b' ').map_or(text, |(word, _)| word)
    };
    let system = split_at_text(after, b"lsys_id:").map_or(end, |(_, id)| first_word(id));
    let epoch_text = split_at_text(after, b"epoch").map(|(_, text)| first_word(text));
    parser.has_epochs |= epoch_text.is_some();
    parser.is_whole = epoch_text.is_some() || !parser.has_epochs;
    Ok(Block {
        inside: texts::address(inside)?,
        outside,
        ports: texts::ports(ports)?,
        pool,
        system,
        epoch: epoch_text.map(epoch).transpose()?,
    })
}

/// Eight hexadecimal digits, seconds: any fewer are the head of a cut line.
fn epoch(text: &[u8]) -> Result<WrittenTime, Refusal<'_>> {
    let digits = text.strip_prefix(b"0x").or(text.strip_prefix(b"0X")).unwrap_or(text);
    let bad = (RejectReason::BadTime, text);
    let leading = digits.iter().take_while(|b| **b == b'0').count();
    let significant = digits.get(leading..).unwrap_or_default();
    if significant.len() != 8 || digits.len() > 16 {
        return Err(bad);
    }
    let significant = std::str::from_utf8(significant).map_err(|_| bad)?;
    let second = u32::from_str_radix(significant, 16).map_err(|_| bad)?;
    Ok(WrittenTime::from_second(i64::from(second)))
}
