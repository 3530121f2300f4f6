//! The incident's logs: what two NATs, a MAP domain and an accounting server wrote on 2 November 2026.

use std::fs;
use std::path::Path;

use super::conntrack::{Flow, log, microsecond};
use crate::Failure;
use crate::commands::synth::path_text;
use crate::shell::CommandLine;

/// The time for which both NATs recorded everything.
const COVERS: &str = "2026-11-02T12:00:00Z/2026-11-02T20:00:00Z";
const NAT_1: &str = "198.18.1.7";
const WEB: &str = "192.0.2.10";
const MAIL: &str = "192.0.2.25";
const RESOLVER: &str = "192.0.2.53";
const VIDEO: &str = "192.0.2.80";

/// A NAT that logs sessions.
const FLOWS: [Flow; 7] = [
    tcp("100.64.9.8", 30_001, WEB, ["12:15:00.201877", "12:16:10.450102", "12:18:10.790233"], 101),
    tcp("100.64.9.5", 40_213, WEB, ["17:20:11.008120", "17:41:00.700004", "17:43:01.100300"], 102),
    tcp("100.64.9.1", 40_213, WEB, ["18:09:41.350112", "19:31:02.118640", "19:33:02.410907"], 103),
    tcp("100.64.9.2", 31_337, MAIL, ["18:20:05.667001", "18:50:00.310222", "18:52:00.901417"], 104),
    tcp(
        "100.64.9.6",
        33_001,
        VIDEO,
        ["19:10:00.120009", "19:20:31.500120", "19:22:31.777001"],
        105,
    ),
    Flow {
        protocol: "udp",
        ..tcp(
            "100.64.9.7",
            33_001,
            VIDEO,
            ["19:12:04.000731", "19:15:40.120003", "19:16:10.830412"],
            106,
        )
    },
    Flow {
        ended: ("19:00:45.371402", "19:00:45"),
        ..udp("100.64.9.4", 20_017, ["19:00:14.204410", "19:00:14.221007", "19:00:45.371402"], 107)
    },
];
const SUCCESSOR: Flow =
    udp("100.64.9.5", 20_017, ["19:00:45.371498", "19:00:45.389220", "19:01:16.004102"], 108);

const fn tcp(
    inside: &'static str,
    port: u16,
    far: &'static str,
    [created, changed, ended]: [&'static str; 3],
    id: u32,
) -> Flow {
    Flow {
        protocol: "tcp",
        inside,
        inside_port: port,
        outside: NAT_1,
        outside_port: port,
        far,
        far_port: if id == 104 { 993 } else { 443 },
        created,
        changed,
        ended: (ended, ended),
        id,
    }
}

const fn udp(inside: &'static str, port: u16, times: [&'static str; 3], id: u32) -> Flow {
    Flow { protocol: "udp", far_port: 53, ..tcp(inside, port, RESOLVER, times, id) }
}

/// A NAT that gives out blocks of 512 ports: inside, outside, first port, given, taken back.
const BLOCKS: [(&str, &str, u16, &str, Option<&str>); 9] = [
    ("100.65.9.1", "198.18.2.30", 10_240, "18:05:00.120", Some("19:40:00.871")),
    ("100.65.9.2", "198.18.2.30", 10_752, "17:58:10.004", Some("18:40:00.300")),
    ("100.65.9.3", "198.18.2.30", 10_752, "18:42:00.700", None),
    ("100.65.9.4", "198.18.2.30", 11_264, "18:00:31.550", Some("19:15:00.090")),
    ("100.65.9.5", "198.18.2.30", 11_264, "19:15:20.400", Some("19:50:07.345")),
    ("100.65.9.6", "198.18.2.31", 12_288, "18:00:02.000", Some("19:30:00.120")),
    ("100.65.9.7", "198.18.2.31", 12_288, "18:50:40.310", Some("19:10:12.006")),
    ("100.65.9.99", "198.18.2.31", 12_800, "18:01:00.000", Some("19:59:00.000")),
    ("100.65.9.8", "198.18.2.31", 13_312, "18:10:00.000", Some("18:55:00.500")),
];

/// Who had which address: name, attribute, online, offline or still online when the recording ended.
const PEOPLE: [(&str, &str, &str, Option<&str>); 18] = [
    ("peggy", "Framed-IP-Address = 100.64.9.8", "11:00:00", Some("12:40:00")),
    ("alice", "Framed-IP-Address = 100.64.9.1", "11:00:10", None),
    ("bob", "Framed-IP-Address = 100.64.9.2", "11:20:41", Some("18:41:30")),
    ("carol", "Framed-IP-Address = 100.64.9.2", "18:42:10", None),
    ("dave", "Framed-IP-Address = 100.64.9.4", "11:31:00", None),
    ("erin", "Framed-IP-Address = 100.64.9.5", "11:32:07", None),
    ("frank", "Framed-IP-Address = 100.64.9.6", "11:32:30", None),
    ("grace", "Framed-IP-Address = 100.64.9.7", "11:33:55", None),
    ("heidi", "Framed-IP-Address = 100.65.9.1", "11:40:00", None),
    ("ivan", "Framed-IP-Address = 100.65.9.2", "11:41:12", None),
    ("judy", "Framed-IP-Address = 100.65.9.3", "11:42:50", None),
    ("kim", "Framed-IP-Address = 100.65.9.4", "11:43:01", None),
    ("lee", "Framed-IP-Address = 100.65.9.5", "11:44:44", None),
    ("mallory", "Framed-IP-Address = 100.65.9.6", "11:45:30", None),
    ("niaj", "Framed-IP-Address = 100.65.9.7", "11:46:02", None),
    ("pat", "Framed-IP-Address = 100.65.9.8", "11:47:19", None),
    // 198.18.64.77 and PSID 82 in the 16 EA bits behind 2001:db8:c000::/40 (RFC 7597 section 5.2).
    ("olivia", "Delegated-IPv6-Prefix = 2001:db8:c04d:5200::/56", "11:50:00", None),
    ("rupert", "Delegated-IPv6-Prefix = 2001:db8:c04d:5300::/56", "11:51:00", None),
];

/// A MAP-E domain: 256 subscribers an address, ports below 4096 nobody's (RFC 7597 section 5.1, RFC 8676).
const RULES: &str = r#"{
 "ietf-softwire-br:br-instances": {
  "algorithm": {
   "algo-instance": [
    {
     "name": "br-9",
     "enable": true,
     "algo-versioning": { "version": "2026-11" },
     "br-ipv6-addr": "2001:db8:ffff::9",
     "ea-len": 16,
     "rule-ipv6-prefix": "2001:db8:c000::/40",
     "rule-ipv4-prefix": "198.18.64.0/24",
     "forwarding": true,
     "port-set": { "psid-offset": 4, "psid-len": 8 }
    }
   ]
  }
 }
}
"#;

/// Writes the logs into `dir`, and says by which commands they get into `ledger`.
pub(super) fn write(dir: &Path, ledger: &str) -> Result<Vec<CommandLine>, Failure> {
    let mut flows = FLOWS.to_vec();
    flows.push(SUCCESSOR);
    let file = |name: &str, text: &str| -> Result<String, Failure> {
        let path = dir.join(name);
        fs::write(&path, text)?;
        path_text(&path)
    };
    let sessions = file("conntrack-cgn-1.log", &log(&flows))?;
    let blocks = file("blocks-cgn-2.csv", &blocks())?;
    let rules = file("softwire-br-9.json", RULES)?;
    let detail = file("detail-incident", &detail())?;
    let command = |words: &[&str]| CommandLine::new(words.iter().copied());
    let import = |format, source, path: &str| {
        command(&["import", "--ledger", ledger, "--format", format, "--source", source])
            .with(["--covers", COVERS, path])
    };
    let pool = |prefix, device| {
        command(&["pools", "add", "--ledger", ledger, prefix]).with([
            "--ports",
            "1024-65535",
            "--device",
            device,
            "--exclusive",
        ])
    };
    Ok(vec![
        pool("198.18.1.0/24", "cgn-1"),
        pool("198.18.2.0/24", "cgn-2"),
        command(&["rules", "add", "--ledger", ledger, "--from", "2026-11-01T00:00:00Z", &rules]),
        import("conntrack", "cgn-1", &sessions),
        import("csv", "cgn-2", &blocks),
        command(&[
            "subscribers",
            "import",
            "--ledger",
            ledger,
            "--format",
            "radius-detail",
            &detail,
        ]),
        command(&["expire", "--ledger", ledger, "--older-than", "2026-11-02T13:00:00Z"]),
    ])
}

fn blocks() -> String {
    let mut rows = Vec::new();
    for (inside, outside, first, given, taken) in BLOCKS {
        let mut row = |event: &str, at: &str| {
            let last = first + 511;
            let text = format!("{event},2026-11-02T{at}Z,{inside},{outside},{first},{last}\n");
            rows.push((microsecond(at), text));
        };
        row("block_alloc", given);
        if let Some(taken) = taken {
            row("block_release", taken);
        }
    }
    rows.sort();
    let header = "event,time,inside,outside,first,last\n".to_owned();
    rows.into_iter().fold(header, |text, (_, row)| text + &row)
}

fn detail() -> String {
    let mut records = Vec::new();
    for (number, (name, address, online, offline)) in PEOPLE.into_iter().enumerate() {
        let mut record = |status: &str, at: &str| {
            let microsecond = microsecond(at);
            let text = format!(
                "Mon Nov  2 {at} 2026\n\tAcct-Status-Type = {status}\n\tUser-Name = \"{name}@isp.example\"\n\
                 \tAcct-Session-Id = \"{number:08x}\"\n\tNAS-IP-Address = 10.255.9.1\n\
                 \tEvent-Timestamp = \"Nov  2 2026 {at} UTC\"\n\t{address}\n\tTimestamp = {}\n\n",
                microsecond / 1_000_000
            );
            records.push((microsecond, text));
        };
        record("Start", online);
        match offline {
            Some(offline) => record("Stop", offline),
            // Whoever is online is heard of until the recording ends.
            None => record("Interim-Update", "19:59:59"),
        }
    }
    records.sort();
    records.into_iter().map(|(_, text)| text).collect()
}
