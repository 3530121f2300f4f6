//! Reads the files back with readers of its own, plain and slow, and checks every promise against them.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use super::plan::inside_a;
use super::*;
use crate::synth::day::SECOND;

fn small() -> ProviderConfig {
    ProviderConfig { subscribers: 200, hours: 2, ..ProviderConfig::default() }
}

fn written(config: &ProviderConfig) -> (Provider, tempfile::TempDir, ProviderFiles) {
    let provider = Provider::generate(config);
    let dir = tempfile::tempdir().unwrap();
    let files = provider.write_to(dir.path()).unwrap();
    (provider, dir, files)
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// The values of `key=` in a line, in order.
fn values<'a>(line: &'a str, key: &str) -> Vec<&'a str> {
    line.split_whitespace().filter_map(|w| w.strip_prefix(key)).collect()
}

/// `@seconds.micros` or a civil text of these files, in microseconds.
fn micros_of(text: &str) -> i64 {
    let (second, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits: String = fraction.chars().filter(char::is_ascii_digit).collect();
    second.parse::<i64>().unwrap() * SECOND + format!("{digits:0<6}").parse::<i64>().unwrap()
}

/// Days, hours, minutes and seconds of a civil text within its month, in microseconds since `start`'s month began:
/// all recordings in these tests lie in one month.
fn civil_of(text: &str) -> i64 {
    let (day, rest) = (&text[8..10], &text[11..19]);
    let n = |s: &str| s.trim().parse::<i64>().unwrap();
    let milli = text.get(20..23).filter(|_| text.get(19..20) == Some(".")).map_or(0, n);
    let month = 1_793_491_200 * SECOND;
    month
        + (n(day) - 1) * 86_400 * SECOND
        + (n(&rest[..2]) * 3_600 + n(&rest[3..5]) * 60 + n(&rest[6..8])) * SECOND
        + milli * MILLI_SECOND
}

const MILLI_SECOND: i64 = 1_000;

/// A session as the log alone tells it.
#[derive(Clone, Debug)]
struct Logged {
    protocol: String,
    inside: String,
    outside: String,
    port: u16,
    far: String,
    far_port: Option<u16>,
    new: i64,
    stop: Option<i64>,
    destroyed: Option<i64>,
    updates: u32,
    is_killed: bool,
}

/// Pairs the lines by id and tuple; fails on a line that does not fit.
fn read_conntrack(text: &str) -> Vec<Logged> {
    let (mut all, mut open) = (Vec::<Logged>::new(), HashMap::<String, usize>::new());
    let mut last = 0;
    for line in text.lines() {
        let (stamp, rest) = line.strip_prefix('[').unwrap().split_once(']').unwrap();
        let stamp = micros_of(stamp);
        assert!(stamp > last, "{line}");
        last = stamp;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (src, dst) = (values(line, "src="), values(line, "dst="));
        let ids = values(line, "id=");
        let icmp = words[3] == "icmp";
        let ports = if icmp {
            ids[..2].to_vec()
        } else {
            vec![values(line, "sport=")[0], values(line, "dport=")[1]]
        };
        let id = if icmp { ids[2] } else { ids[0] };
        let key = format!("{id} {src:?} {dst:?} {ports:?}");
        match words[0] {
            "[NEW]" => {
                let session = Logged {
                    protocol: words[3].to_owned(),
                    inside: src[0].to_owned(),
                    outside: dst[1].to_owned(),
                    port: ports[1].parse().unwrap(),
                    far: dst[0].to_owned(),
                    far_port: (!icmp).then(|| values(line, "dport=")[0].parse().unwrap()),
                    new: stamp,
                    stop: None,
                    destroyed: None,
                    updates: 0,
                    is_killed: false,
                };
                assert!(open.insert(key, all.len()).is_none(), "twice: {line}");
                all.push(session);
            }
            "[UPDATE]" => all[open[&key]].updates += 1,
            "[DESTROY]" => {
                let session =
                    &mut all[open.remove(&key).unwrap_or_else(|| panic!("no NEW: {line}"))];
                session.destroyed = Some(stamp);
                // `[stop=Mon Nov  2 18:00:00 2026]`: the day stands where the civil form has it.
                let stop = line.split("[stop=").nth(1).unwrap();
                session.stop = Some(civil_of(&stop.replace(' ', "0")));
                session.is_killed = words[5].parse::<u32>().is_ok();
            }
            other => panic!("{other}"),
        }
    }
    all
}

/// One accounting session: what was given, to whom, from when to when.
#[derive(Debug)]
struct Binding {
    given: String,
    user: String,
    start: i64,
    stop: Option<i64>,
}

fn read_detail(text: &str) -> Vec<Binding> {
    let mut all: Vec<Binding> = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let mut received = 0;
    for record in text.split("\n\n").filter(|r| !r.trim().is_empty()) {
        let fields: BTreeMap<&str, &str> = record
            .lines()
            .filter_map(|l| l.trim().split_once(" = "))
            .map(|(k, v)| (k, v.trim_matches('"')))
            .collect();
        let at: i64 = fields["Timestamp"].parse().unwrap();
        assert!(at >= received, "{record}");
        received = at;
        // `Nov  2 2026 18:00:00 UTC`: two digits of the day, then the time.
        let event = fields["Event-Timestamp"];
        let event =
            civil_of(&format!("2026-11-{}T{}", event[4..6].replace(' ', "0"), &event[12..20]));
        let given =
            fields.get("Framed-IP-Address").or(fields.get("Delegated-IPv6-Prefix")).unwrap();
        let index =
            *by_id.entry(fields["Acct-Unique-Session-Id"].to_owned()).or_insert_with(|| {
                assert_eq!(fields["Acct-Status-Type"], "Start");
                let (given, user) = ((*given).to_owned(), fields["User-Name"].to_owned());
                all.push(Binding { given, user, start: event, stop: None });
                all.len() - 1
            });
        if fields["Acct-Status-Type"] == "Stop" {
            let delay: i64 = fields.get("Acct-Delay-Time").map_or(0, |d| d.parse().unwrap());
            assert!((event / SECOND + delay - at).abs() <= 1, "{record}");
            all[index].stop = Some(event + SECOND);
        }
    }
    all
}

/// Whose the address or prefix was: the one binding that stands, or the last one begun of those without a Stop.
fn subscriber<'a>(bindings: &'a [Binding], given: &str, at: i64) -> Option<&'a str> {
    let begun = bindings.iter().filter(|b| b.given == given && b.start <= at);
    let latest = begun.max_by_key(|b| b.start)?;
    latest.stop.is_none_or(|stop| at < stop).then_some(latest.user.as_str())
}

/// `id,...` rows by id, in order.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().skip(1).map(|l| l.split(',').collect()).collect()
}

#[test]
fn one_seed_makes_the_same_bytes_for_ever() {
    let config = ProviderConfig { subscribers: 40, hours: 1, questions: 100, ..small() };
    let (_, dir, _) = written(&config);
    let mut all: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    let names: Vec<String> =
        all.iter().map(|p| p.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(
        names,
        [
            "blocks-cgn-b.csv",
            "conntrack-cgn-a.log",
            "detail-br",
            "detail-cgn-a",
            "detail-cgn-b",
            "questions.csv",
            "softwire-br-1.json",
            "softwire-br-2.json",
            "truth.csv"
        ]
    );
    let hashes: Vec<u64> = all.iter().map(|p| fnv(&fs::read(p).unwrap())).collect();
    assert_eq!(
        hashes,
        [
            9_230_973_813_905_574_225,
            4_911_590_019_201_768_353,
            17_459_239_149_333_570_389,
            1_523_397_347_532_789_815,
            13_441_757_150_365_073_475,
            11_761_559_147_440_213_168,
            5_796_514_396_943_267_439,
            16_447_329_435_616_225_619,
            5_520_194_727_195_771_031,
        ]
    );
    let (_, other, _) = written(&ProviderConfig { seed: 8, ..config });
    assert_ne!(
        fs::read(other.path().join("truth.csv")).unwrap(),
        fs::read(dir.path().join("truth.csv")).unwrap()
    );
}

#[test]
fn every_session_has_one_new_and_one_destroy_or_is_open_at_the_end() {
    let (provider, _dir, files) = written(&small());
    let text = fs::read_to_string(&files.logs[0].path).unwrap();
    let sessions = read_conntrack(&text);
    let until = files.covers.end().as_microsecond();
    let translated: Vec<&Logged> =
        sessions.iter().filter(|s| s.inside.starts_with("100.64.")).collect();
    let summary = provider.summary();
    // A line read after the end is not written, so the last moment's flows may be missing.
    assert!(summary.sessions - translated.len() as u64 <= 2);
    assert_eq!(summary.log_lines, text.lines().count() as u64);
    assert_eq!(summary.killed_sessions, sessions.iter().filter(|s| s.is_killed).count() as u64);
    let (mut latest, mut updates) = (0, 0);
    for s in &sessions {
        updates += s.updates;
        if let (Some(stop), Some(destroyed)) = (s.stop, s.destroyed) {
            assert!(destroyed >= stop && destroyed < stop + 22 * SECOND, "{s:?}");
            assert!(stop + SECOND > s.new, "{s:?}");
            latest = latest.max(destroyed - stop);
        } else {
            // The longest silence of an entry, then the collector.
            assert!(s.new + 1_600 * SECOND > until, "{s:?}");
        }
        if s.inside.starts_with("10.255.") {
            assert_eq!(s.inside, s.outside);
        }
    }
    assert!(latest > 18 * SECOND && updates > 10_000, "{latest} {updates}");
    let flushed = text.matches("progname=conntrack").count();
    assert!(flushed > 5, "{flushed}");
}

#[test]
fn ports_pass_on_and_are_shared_towards_different_destinations_only() {
    let (_, _dir, files) = written(&small());
    let sessions = read_conntrack(&fs::read_to_string(&files.logs[0].path).unwrap());
    let mut by_port: BTreeMap<(&str, &str, u16), Vec<&Logged>> = BTreeMap::new();
    for s in sessions.iter().filter(|s| s.inside.starts_with("100.64.")) {
        by_port.entry((&s.protocol, &s.outside, s.port)).or_default().push(s);
    }
    let (mut passed, mut shared, mut close) = (0, 0, 0);
    for held in by_port.values() {
        for (i, later) in held.iter().enumerate() {
            for earlier in &held[..i] {
                let same_key = (&earlier.far, earlier.far_port) == (&later.far, later.far_port);
                let over = earlier.destroyed.is_some_and(|d| d < later.new);
                assert!(!same_key || over, "{earlier:?} {later:?}");
                let other = earlier.inside != later.inside;
                passed += u32::from(other && over);
                shared += u32::from(other && !over);
                close += u32::from(
                    same_key && other && earlier.destroyed.is_some_and(|d| later.new - d < 10_000),
                );
            }
        }
    }
    assert!(passed > 1_000 && shared > 50 && close > 20, "{passed} {shared} {close}");
}

#[test]
fn truth_follows_from_the_logs_alone() {
    let (provider, _dir, files) = written(&small());
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let sessions = read_conntrack(&read(&files.logs[0].path));
    let block_text = read(&files.logs[1].path);
    let blocks = rows(&block_text);
    let [a, b, br]: [Vec<Binding>; 3] =
        [0, 1, 2].map(|i| read_detail(&read(&files.accounting[i].path)));
    let (questions, truth) = (read(&files.questions), read(&files.truth));
    let truth: HashMap<&str, &str> = rows(&truth).iter().map(|r| (r[0], r[1])).collect();
    let cut_over = files.rules[1].in_force.start().as_microsecond();
    let (mut by_log, mut nobody) = ([0; 3], 0);
    for (q, asked) in rows(&questions).iter().zip(&provider.asked) {
        let [id, public, port, protocol, time, to_ip, to_port, _] = q[..] else { panic!("{q:?}") };
        let port: u16 = port.parse().unwrap();
        let truth = Some(truth[id]).filter(|&t| t != "none");
        let written = civil_of(time);
        let width = if time.contains('.') { 1_000 } else { SECOND };
        // The time that was cut; what follows uses it and nothing else of the model.
        let at = asked.at;
        assert!(written <= at && at < written + width);
        let mut candidates: Vec<&str> = Vec::new();
        if files.pools[0].prefix.contains(&public.parse::<Ipv4Addr>().unwrap()) {
            for s in sessions.iter().filter(|s| s.outside == public && s.port == port) {
                let other = !to_ip.is_empty()
                    && (s.far != to_ip
                        || (!to_port.is_empty() && s.far_port != to_port.parse().ok()));
                let held = s.new - 31_000 <= at && s.stop.is_none_or(|stop| at < stop + SECOND);
                if held && !other && (protocol.is_empty() || s.protocol == protocol) {
                    candidates.push(subscriber(&a, &s.inside, s.new).unwrap());
                }
            }
            by_log[0] += 1;
        } else if files.pools[1].prefix.contains(&public.parse::<Ipv4Addr>().unwrap()) {
            let mut held: Vec<&str> = Vec::new();
            for row in blocks.iter().take_while(|r| civil_of(r[1]) <= at) {
                if row[3] == public
                    && row[4].parse::<u16>().unwrap() <= port
                    && port <= row[5].parse().unwrap()
                {
                    match row[0] {
                        "block_alloc" => held.push(row[2]),
                        _ => held.retain(|&inside| inside != row[2]),
                    }
                }
            }
            assert!(held.len() <= 1, "{q:?} {held:?}");
            candidates.extend(held.iter().filter_map(|inside| subscriber(&b, inside, at)));
            by_log[1] += 1;
        } else {
            // RFC 7597: the EA bits behind the rule's /40 are the last octet, then the PSID.
            let octet: u16 = public.strip_prefix("198.51.100.").unwrap().parse().unwrap();
            let psid = port >> 2 & 0xff;
            let rule = if at < cut_over { "a0" } else { "b0" };
            let prefix = format!("2001:db8:{rule}{octet:02x}:{:x}::/56", psid << 8);
            candidates.extend(subscriber(&br, &prefix, at).filter(|_| port >= 1024));
            by_log[2] += 1;
        }
        match truth {
            Some(user) => assert!(candidates.contains(&user), "{q:?} {user} {candidates:?}"),
            None => assert_eq!(candidates, [""; 0], "{q:?}"),
        }
        nobody += u32::from(truth.is_none());
        let alone = candidates.iter().all(|c| Some(*c) == truth);
        let full = !to_ip.is_empty() && !protocol.is_empty();
        // With all that could be asked, only a successor within the second or the late stamps leaves a doubt.
        assert!(alone || !full || candidates.len() <= 2, "{q:?} {candidates:?}");
    }
    assert!(by_log.iter().all(|&n| n > 400), "{by_log:?}");
    assert!((90..=100).contains(&nobody), "{nobody}");
}

#[test]
fn providers_are_what_their_labels_say() {
    for config in [
        small(),
        ProviderConfig { subscribers: 20, hours: 1, questions: 20, ..small() },
        ProviderConfig { subscribers: 1_000, hours: 1, seed: 1, ..small() },
        ProviderConfig { subscribers: 120, hours: 8, seed: 2, ..small() },
    ] {
        let provider = Provider::generate(&config);
        assert_eq!(provider.check(), Ok(()), "{config:?} {:?}", provider.summary());
    }
    let provider = Provider::generate(&small());
    let fails = |change: &dyn Fn(&mut ProviderSummary)| {
        let mut summary = provider.summary().clone();
        change(&mut summary);
        summary.check(&small()).unwrap_err()
    };
    assert!(fails(&|s| s.reuse = 1.0).contains("sessions a port"));
    assert!(fails(&|s| s.hit_share = 1.0).contains("share of questions"));
    assert!(fails(&|s| s.handovers = 0).contains("handovers"));
    assert!(fails(&|s| s.lost_stops = 0).contains("lost Stops"));
}

#[test]
fn accounting_has_the_flaws_it_promises() {
    let (provider, _dir, files) = written(&small());
    let text: String =
        files.accounting.iter().map(|f| fs::read_to_string(&f.path).unwrap()).collect();
    let count = |what: &str| text.matches(what).count() as u64;
    let summary = provider.summary();
    assert_eq!(count("Acct-Status-Type"), summary.accounting_records);
    assert_eq!(count("Acct-Delay-Time"), summary.delayed_stops);
    assert!(count("= Interim-Update") > count("= Start"));
    assert!(count("Lost-Carrier") > 5 && summary.lost_stops > 0 && summary.duplicate_starts > 20);
}

#[test]
fn larger_providers_move_to_the_benchmark_range() {
    let plan = Plan::new(&ProviderConfig { subscribers: 60_000, hours: 1, ..small() });
    assert_eq!(plan.pool_a.to_string(), "198.18.0.0/16");
    assert!(plan.pool_a.contains(&plan.outside_a(u32::MAX)));
    let inside: Vec<Ipv4Addr> = plan.lines_a.iter().map(|t| inside_a(t.slot)).collect();
    assert!(inside.iter().all(|a| a.octets()[..2] == [100, 64]));
    assert!(plan.blocks.iter().all(|b| plan.pool_b.contains(&plan.outside_b(b.outside()))));
    assert!(plan.lines_b.iter().all(|t| inside_b(t.slot).octets()[..2] == [100, 65]));
}
