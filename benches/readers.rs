//! How fast logs become allocations, on one core, beside what reads the same bytes without understanding them.
//!
//! Text: MB/s from a file in the page cache through `Reader` and `Assembler`, beside `LC_ALL=C grep -c 'NEW.*udp'` of the
//! same file in the same run. IPFIX: beside `netflow_parser` decoding the same messages and doing nothing with them.
//! Lab files are used where they are (`PORTLEDGER_LAB`, else `../shared/lab`), and made-up lines everywhere.

use std::fmt::Write as _;
use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use portledger::allocation::SourceId;
use portledger::natlog::{Event, Format, Reader, ReaderOptions, Record, ndjson};
use portledger::session::{Assembler, Profile};
use portledger::time::Zone;

/// For people to read.
#[expect(clippy::cast_precision_loss, reason = "a size of some hundred megabytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn options() -> ReaderOptions {
    ReaderOptions::new().with_zone(Zone::UTC).with_year(2026)
}

/// A log as conntrack writes it: a flow every 2 ms, over after some seconds.
fn conntrack(flows: u64) -> String {
    let mut text = String::new();
    let ends = |n: u64| n + 1 + n * 7919 % 4000;
    let mut open = std::collections::BTreeMap::new();
    for n in 0..flows {
        let us = 1_795_306_735_000_000 + n * 2000;
        let (host, port) = (n * 31 % 60_000, 1024 + n * 17 % 64_000);
        let tuple = format!(
            "src=100.64.{}.{} dst=192.0.2.{} sport={} dport=443",
            host >> 8,
            host & 255,
            n % 250,
            32_768 + n % 28_000
        );
        let reply =
            format!("src=192.0.2.{} dst=203.0.113.{} sport=443 dport={port}", n % 250, n % 64);
        let _ = writeln!(
            text,
            "[{}.{:06}]\t    [NEW] ipv4     2 udp      17 30 {tuple} [UNREPLIED] {reply} id={n}",
            us / 1_000_000,
            us % 1_000_000
        );
        let end: &mut Vec<String> = open.entry(ends(n)).or_default();
        end.push(format!("{tuple} {reply} id={n}"));
        for flow in open.remove(&n).unwrap_or_default() {
            let _ = writeln!(
                text,
                "[{}.{:06}]\t[DESTROY] ipv4     2 udp      17 {flow}",
                us / 1_000_000,
                us % 1_000_000
            );
        }
    }
    text
}

/// Blocks as Juniper's services cards log them.
fn juniper(blocks: u64) -> String {
    let mut text = String::new();
    for n in 0..blocks {
        let second = 1_700_000_000 + n / 100;
        let low = 1024 + n * 64 % 64_000;
        let event = if n % 2 == 0 { "ALLOC" } else { "RELEASE" };
        let n = n / 2;
        let _ = writeln!(
            text,
            "<14>1 2026-01-01T00:00:00Z cgn-1 RT_NAT - RT_SRC_NAT_PBA_{event} [junos@2636.1.1.1.2.129 \
             internal-ip=\"100.64.{}.{}\" block-used=\"1\" block-max-per-host=\"4\" \
             block-port-low=\"{low}\" block-port-high=\"{}\" reflexive-ip=\"203.0.113.{}\" \
             nat-pool-name=\"p\" logical-system-id=\"0\" epoch-time-64=\"0x{second:x}\"]",
            n >> 8 & 255,
            n & 255,
            low + 63,
            n % 64
        );
    }
    text
}

/// The flows of [`conntrack`] as an exporter sends them by RFC 8158, eight records a message, the template every thousand.
#[cfg(feature = "netflow")]
fn nat_events(log: &str) -> Vec<u8> {
    // Time, event, inside, outside, far side, protocol, ports of each.
    const FIELDS: [(u16, u16); 9] =
        [(323, 8), (230, 1), (8, 4), (225, 4), (12, 4), (4, 1), (7, 2), (227, 2), (11, 2)];
    let mut template: Vec<u8> = [2_u16, 44, 300, 9].iter().flat_map(|n| n.to_be_bytes()).collect();
    template
        .extend(FIELDS.iter().flat_map(|(id, len)| [id.to_be_bytes(), len.to_be_bytes()].concat()));
    let (mut bytes, mut set, mut count, mut sequence) = (Vec::new(), Vec::new(), 0_u32, 0_u32);
    let mut send = |set: &mut Vec<u8>, count: &mut u32, second: u32| {
        let template: &[u8] = if sequence % 1000 < *count { &template } else { &[] };
        let length = u16::try_from(16 + template.len() + 4 + set.len()).unwrap();
        bytes.extend([10_u16.to_be_bytes(), length.to_be_bytes()].concat());
        bytes.extend([second.to_be_bytes(), sequence.to_be_bytes(), 1_u32.to_be_bytes()].concat());
        bytes.extend_from_slice(template);
        bytes.extend(
            [
                300_u16.to_be_bytes(),
                (length - 16 - u16::try_from(template.len()).unwrap()).to_be_bytes(),
            ]
            .concat(),
        );
        bytes.append(set);
        sequence += std::mem::take(count);
    };
    let mut reader = Reader::new(Format::Conntrack, options(), log.as_bytes());
    let (mut event, mut second) = (Event::default(), 0);
    while reader.read_event(&mut event).unwrap() {
        let micros = event.time.unwrap().start().as_microsecond();
        let is_create = event.kind == portledger::natlog::EventKind::SessionCreate;
        let (to, inside) = (event.destination.unwrap(), event.inside.as_ref().unwrap());
        let portledger::InsideHost::V4 { addr, .. } = inside else { unreachable!() };
        set.extend(u64::try_from(micros / 1000).unwrap().to_be_bytes());
        set.push(if is_create { 4 } else { 5 });
        set.extend([addr.octets(), event.outside.unwrap().octets(), to.addr.octets()].concat());
        set.push(17);
        let ports = [event.inside_port.unwrap(), event.ports.unwrap().first(), to.port.unwrap()];
        set.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
        (count, second) = (count + 1, u32::try_from(micros / 1_000_000).unwrap());
        if count == 8 {
            send(&mut set, &mut count, second);
        }
    }
    send(&mut set, &mut count, second);
    bytes
}

/// The same facts as our own NDJSON and CSV.
fn own(log: &str) -> (String, String) {
    let mut reader = Reader::new(Format::Conntrack, options(), log.as_bytes());
    let (mut objects, mut event) = (Vec::new(), Event::default());
    let mut rows = "event,time,proto,inside,inside_port,outside,port,dst,dport\n".to_owned();
    while reader.read_event(&mut event).unwrap() {
        ndjson::write_event(&event, &mut objects).unwrap();
        let (to, at) = (event.destination.unwrap(), event.time.unwrap());
        let _ = writeln!(
            rows,
            "{},{},udp,{},{},{},{},{},443",
            event.kind,
            at.start().rfc3339(),
            event.inside.as_ref().unwrap(),
            event.inside_port.unwrap(),
            event.outside.unwrap(),
            event.ports.unwrap().first(),
            to.addr,
        );
    }
    (String::from_utf8(objects).unwrap(), rows)
}

/// Reads a file to its allocations; how many there are.
fn allocations(format: Format, path: &Path) -> usize {
    let mut reader = Reader::new(format, options(), File::open(path).unwrap());
    let mut assembler = Assembler::new(Profile::for_format(format.name(), None));
    let mut event = Event::default();
    while let Some(record) = reader.next_record(&mut event).unwrap() {
        if record == Record::Event {
            let _ = assembler.push(SourceId(0), &event);
        }
    }
    black_box(assembler.finish(None)).allocations.len()
}

/// Reads a file to its events; how many there are.
fn events(format: Format, path: &Path) -> u64 {
    let mut reader = Reader::new(format, options(), File::open(path).unwrap());
    let mut event = Event::default();
    while reader.read_event(&mut event).unwrap() {
        black_box(&event);
    }
    reader.events()
}

/// The shortest of some runs.
fn best<T>(runs: u32, mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut once = || {
        let start = Instant::now();
        let value = run();
        (start.elapsed(), value)
    };
    let mut found = once();
    for _ in 1..runs {
        let next = once();
        if next.0 < found.0 {
            found = next;
        }
    }
    found
}

fn grep(path: &Path) -> bool {
    let done = Command::new("grep").env("LC_ALL", "C").args(["-c", "NEW.*udp"]).arg(path).output();
    // Exit code 1 is that nothing matched.
    done.is_ok_and(|output| output.status.code().is_some_and(|code| code < 2))
}

#[expect(clippy::cast_precision_loss, reason = "megabytes")]
fn rate(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

/// Reads `piece` so many times, each time as a log of its own: the stamps of a copy are those of the one before. `path`
/// holds all of them, for grep.
fn text(name: &str, format: Format, piece: &Path, copies: usize, path: &Path, runs: u32) {
    let bytes = std::fs::metadata(path).unwrap().len();
    let (whole, made) =
        best(runs, || (0..copies).map(|_| allocations(format, piece)).sum::<usize>());
    let (read, events) = best(runs, || (0..copies).map(|_| events(format, piece)).sum::<u64>());
    assert!(events > 0 && made > 0, "{name}: nothing was read");
    let (whole, read) = (rate(bytes, whole), rate(bytes, read));
    let (time, found) = best(runs, || grep(path));
    let beside = if found { rate(bytes, time) } else { f64::NAN };
    println!(
        "{name:<22} {:>7.1} MB {events:>9} events {made:>9} allocations  {whole:>7.1} MB/s  events alone {read:>7.1}  \
         grep {beside:>8.1}  share {:>5.2}",
        megabytes(bytes),
        whole / beside
    );
}

#[cfg(feature = "netflow")]
fn ipfix(name: &str, piece: &Path, copies: usize, path: &Path, runs: u32) {
    use netflow_parser::NetflowParser;
    let bytes = std::fs::read(path).unwrap();
    let (whole, made) =
        best(runs, || (0..copies).map(|_| allocations(Format::Ipfix, piece)).sum::<usize>());
    let (read, events) =
        best(runs, || (0..copies).map(|_| events(Format::Ipfix, piece)).sum::<u64>());
    let (bare, messages) = best(runs, || {
        let mut parser = NetflowParser::default();
        let (mut rest, mut messages) = (&bytes[..], 0);
        while let Some(length) = rest.get(2..4) {
            let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
            let Some((message, next)) = rest.split_at_checked(length.max(16)) else { break };
            let _ = black_box(parser.parse_bytes(message));
            (rest, messages) = (next, messages + 1);
        }
        messages
    });
    let bytes = bytes.len() as u64;
    assert!(events > 0 && made > 0, "{name}: nothing was read");
    let (whole, read, bare) = (rate(bytes, whole), rate(bytes, read), rate(bytes, bare));
    println!(
        "{name:<22} {:>7.1} MB {events:>9} events {made:>9} allocations  {whole:>7.1} MB/s  events alone {read:>7.1}  \
         decoder {bare:>5.1}  share {:>5.2} (events {:.2}; {messages} messages)",
        megabytes(bytes),
        whole / bare,
        read / bare
    );
}

fn lab() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/lab");
    let dir = std::env::var_os("PORTLEDGER_LAB").map_or(beside, PathBuf::from);
    dir.join("query.csv").exists().then_some(dir)
}

/// Several copies of a file as one; how many.
fn repeated(path: &Path, size: usize, out: &Path) -> usize {
    let bytes = std::fs::read(path).unwrap();
    let mut file = File::create(out).unwrap();
    let copies = size.div_ceil(bytes.len());
    for _ in 0..copies {
        file.write_all(&bytes).unwrap();
    }
    copies
}

fn main() {
    let is_test = std::env::args().any(|arg| arg == "--test");
    let (flows, size, runs) = if is_test { (10_000, 1 << 20, 1) } else { (300_000, 100 << 20, 3) };
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let log = conntrack(flows);
    let (objects, rows) = own(&log);
    for (name, format, log) in [
        ("conntrack, made up", Format::Conntrack, &log),
        ("csv, made up", Format::Csv, &rows),
        ("ndjson, made up", Format::Ndjson, &objects),
        ("juniper, made up", Format::Juniper, &juniper(flows)),
    ] {
        let path = file(name, log);
        text(name, format, &path, 1, &path, runs);
    }
    #[cfg(feature = "netflow")]
    {
        let path = dir.path().join("ipfix, made up");
        std::fs::write(&path, nat_events(&log)).unwrap();
        ipfix("ipfix, made up", &path, 1, &path, runs);
    }
    let Some(lab) = lab() else { return };
    for (name, format, path) in [
        ("conntrack, lab", Format::Conntrack, "cgnA/conntrack_E.log"),
        ("ulogd-json, lab", Format::UlogdJson, "cgnA/ulogd_flow.json"),
    ] {
        let out = dir.path().join(name);
        let piece = lab.join(path);
        let copies = repeated(&piece, size, &out);
        text(name, format, &piece, copies, &out, runs);
    }
    #[cfg(feature = "netflow")]
    {
        let out = dir.path().join("ipfix");
        let piece = lab.join("cgnA/nat_events.ipfix");
        let copies = repeated(&piece, size / 4, &out);
        ipfix("ipfix, lab", &piece, copies, &out, runs);
    }
}
