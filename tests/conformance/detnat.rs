//! What independent implementations of deterministic NAT answer: one row, one question, and every row must agree.
//!
//! The rows are `tests/data/vectors/vectors_detnat.csv`; `PORTLEDGER_VECTORS` names a directory with another file of that
//! name to read instead. An algorithm, a parameter, a kind or a column that is not known fails: nothing is passed over.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use portledger::PortRange;
use portledger::mapping::detnat::{DetNatConfig, DetNatError, DetReverse, Deterministic};

const COLUMNS: [&str; 13] = [
    "config_id",
    "inside_prefix",
    "outside_prefix",
    "params",
    "algorithm",
    "outside_ip",
    "port",
    "expect_kind",
    "inside_ip",
    "block_lo",
    "block_hi",
    "oracle",
    "oracle_raw",
];

const KINDS: [&str; 7] = [
    "mapped",
    "excluded-port",
    "leftover-port",
    "outside-pool",
    "dynamic-pool",
    "ambiguous",
    "invalid-config",
];

type Row = HashMap<String, String>;

/// The parameters of a row; each must be asked for.
struct Params<'a> {
    left: BTreeMap<&'a str, &'a str>,
}

impl<'a> Params<'a> {
    fn new(text: &'a str) -> Self {
        let pairs = text.split(';').map(|part| part.split_once('=').unwrap_or((part, "")));
        let mut left = BTreeMap::new();
        for (key, value) in pairs.filter(|pair| !pair.0.is_empty()) {
            assert!(left.insert(key, value).is_none(), "{key} is there twice: {text}");
        }
        Params { left }
    }

    fn take(&mut self, key: &str) -> Option<&'a str> {
        self.left.remove(key)
    }

    fn number(&mut self, key: &str) -> Option<u32> {
        let value = self.take(key)?;
        Some(value.parse().unwrap_or_else(|_| panic!("{key}={value} is no number")))
    }

    /// A parameter that is part of the algorithm and cannot be anything else.
    fn fixed(&mut self, key: &str, only: &str) {
        if let Some(value) = self.take(key) {
            assert_eq!(value, only, "the algorithm has no other {key}");
        }
    }

    fn end(&self) {
        assert!(self.left.is_empty(), "parameters that are not known: {:?}", self.left);
    }
}

/// What stands beside a NAT in a row and follows from it.
#[derive(Default)]
struct Derived {
    dynamic: Option<PortRange>,
}

fn build(row: &Row) -> (Result<Deterministic, DetNatError>, Derived) {
    let mut params = Params::new(&row["params"]);
    let mut config = DetNatConfig {
        inside: Some(row["inside_prefix"].clone()),
        outside: Some(row["outside_prefix"].clone()),
        ..DetNatConfig::default()
    };
    let mut derived = Derived::default();
    let algorithm: &str;
    let mut hosts = None;
    let mut ports = None;
    // Long names say in parentheses what the short ones mean.
    match row["algorithm"].split('(').next().unwrap() {
        "vpp-det44" => {
            algorithm = "vpp-det44";
            hosts = params.number("ratio");
            ports = params.number("ports_per_host");
            params.fixed("first_port", "1024");
        }
        name @ ("crunchnat-simple" | "crunchnat-stripe" | "crunchnat-secure") => {
            algorithm = name;
            hosts = params.number("hosts_per_external");
            ports = params.number("ports_per_host");
            params.fixed("reserved", "0-1023");
            (config.p, config.q, config.e) =
                (params.number("p"), params.number("q"), params.number("e"));
        }
        "vyos-cgnat" => {
            algorithm = "vyos-cgnat";
            config.ports_per_user = params.number("ports_per_user");
            config.external_port_range = params.take("external_port_range").map(str::to_owned);
        }
        "netmap-blocks" => {
            algorithm = "mikrotik-netmap";
            config.first_port = params.take("first_port").map(|p| p.parse().unwrap());
            config.block = params.number("block");
            let order = "port-major(block b -> inside subnet b; host part preserved)";
            // The `;` in it splits the text.
            let (first, second) = order.split_once(';').unwrap();
            params.fixed("order", first);
            params.fixed(second, "");
        }
        "mikrotik-src-nat-blocks" => {
            algorithm = "mikrotik-src-nat";
            config.clients_per_public = params.number("clients_per_public");
            params.fixed("p", "ceil(64511/n)");
            params.fixed("first_block", "[1025,1025+p]");
            params.fixed("next", "[prev_hi+1,prev_hi+p]");
            params.fixed("clamp", "65535");
            params.fixed("skip_last_octet_0_255", "");
        }
        "rfc7422-sequential" => {
            algorithm = "rfc7422";
            params.fixed("A", "0");
            config.order = Some(params.take("order").unwrap_or("address-major").to_owned());
            if let Some(usable) = params.take("inside_usable") {
                config.inside = Some(usable.to_owned());
            }
            config.compression = params.number("C");
            config.dynamic_factor = params.number("D");
            config.reserved = params.take("R").map(str::to_owned);
            ports = params.number("block");
            // M bounds how many ports a user uses, not which.
            params.number("M");
            derived.dynamic = params.take("dynamic").map(|text| text.parse().unwrap());
        }
        other => panic!("the algorithm {other} is not known"),
    }
    params.end();
    config.algorithm.push_str(algorithm);
    // What was worked out for an invalid configuration is no check of it.
    if row["expect_kind"] != "invalid-config" {
        config.hosts_per_address = hosts.map(u64::from);
        config.ports_per_host = ports.map(u64::from);
    }
    (config.build(), derived)
}

/// The answer in the words of the columns: kind, inside, first port, last port.
fn answer(nat: &Deterministic, row: &Row) -> [String; 4] {
    let addr = row["outside_ip"].parse().unwrap();
    let port = row["port"].parse().unwrap();
    let reverse = nat.reverse(addr, port);
    assert_eq!(nat.covers(addr), reverse != DetReverse::OutsidePool, "{row:?}");
    let kind = reverse.kind().to_owned();
    let (hosts, block) = match &reverse {
        DetReverse::Mapped { inside, ports } => {
            assert!(ports.contains(port), "the port is not in its own set: {row:?}");
            let forward = nat.forward(*inside);
            assert!(
                forward.contains(&(addr, ports.clone())),
                "forward is not the inverse: {row:?}"
            );
            (inside.to_string(), reverse.block())
        }
        DetReverse::Ambiguous { owners } => {
            let block = owners[0].block();
            assert!(owners.iter().all(|o| o.block() == block), "{row:?}");
            let hosts: Vec<String> = owners.iter().map(|o| o.inside.to_string()).collect();
            (hosts.join("|"), block)
        }
        _ => ("none".to_owned(), None),
    };
    let end = |port: Option<u16>| port.map(|p| p.to_string()).unwrap_or_default();
    [kind, hosts, end(block.map(PortRange::first)), end(block.map(PortRange::last))]
}

fn check_dynamic(nat: &Deterministic, row: &Row, dynamic: PortRange) {
    let addr = row["outside_prefix"].split('/').next().unwrap().parse().unwrap();
    for port in 0..=u16::MAX {
        let is_dynamic = nat.reverse(addr, port) == DetReverse::DynamicPool;
        assert_eq!(is_dynamic, dynamic.contains(port), "{addr}:{port} {row:?}");
    }
}

#[test]
fn every_row_agrees() {
    let dir = std::env::var_os("PORTLEDGER_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors"),
        PathBuf::from,
    );
    let path = dir.join("vectors_detnat.csv");
    let mut reader = csv::Reader::from_path(&path)
        .unwrap_or_else(|err| panic!("{}: {err}: is it the right directory?", path.display()));
    let mut columns: Vec<&str> = reader.headers().unwrap().iter().collect();
    columns.sort_unstable();
    let mut known = COLUMNS;
    known.sort_unstable();
    assert_eq!(columns, known, "columns that are not known, or are missing");

    let mut nats: HashMap<Vec<String>, Result<Deterministic, DetNatError>> = HashMap::new();
    let (mut by_algorithm, mut by_oracle) = (BTreeMap::new(), BTreeMap::new());
    let (mut read, mut differing) = (0, Vec::new());
    for row in reader.deserialize() {
        let row: Row = row.unwrap();
        assert!(KINDS.contains(&row["expect_kind"].as_str()), "a kind that is not known: {row:?}");
        let is_invalid = row["expect_kind"] == "invalid-config";
        let mut key: Vec<String> = ["inside_prefix", "outside_prefix", "params", "algorithm"]
            .map(|c| row[c].clone())
            .into();
        key.push(is_invalid.to_string());
        let nat = nats.entry(key).or_insert_with(|| {
            let (nat, derived) = build(&row);
            if let (Ok(nat), Some(dynamic)) = (&nat, derived.dynamic) {
                check_dynamic(nat, &row, dynamic);
            }
            nat
        });
        let answered = match nat {
            Ok(nat) => answer(nat, &row),
            Err(_) if is_invalid => ["invalid-config", "none", "", ""].map(str::to_owned),
            Err(err) => {
                [format!("invalid-config: {err}"), "none".into(), String::new(), String::new()]
            }
        };
        let wanted = ["expect_kind", "inside_ip", "block_lo", "block_hi"].map(|c| row[c].clone());
        let does_agree = answered == wanted;
        if !does_agree {
            differing.push(format!("{row:?}\n  answered {answered:?}"));
        }
        read += 1;
        for (counts, key) in
            [(&mut by_algorithm, &row["algorithm"]), (&mut by_oracle, &row["oracle"])]
        {
            let (seen, agreed): &mut (usize, usize) = counts.entry(key.clone()).or_default();
            *seen += 1;
            *agreed += usize::from(does_agree);
        }
    }

    for (what, counts) in [("algorithm", &by_algorithm), ("oracle", &by_oracle)] {
        for (name, (seen, agreed)) in counts {
            println!("{what} {name}: {seen} rows read, {agreed} agreed");
        }
    }
    println!("vectors_detnat.csv: {read} rows read, {} agreed", read - differing.len());
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(read > 0, "{} has no rows", path.display());
}
