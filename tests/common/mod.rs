//! A small ledger in memory, and questions to it, in few words.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod index_oracle;
pub mod small_ledger;

use std::io::Cursor;

use portledger::identity::IdentityFormat;
use portledger::natlog::Format;
use portledger::resolver::{Answer, Inquiry, Reason, Resolver, Verdict};
use portledger::session::{EndIs, Idle, Kills, Profile};
use portledger::store::{Input, Ledger, LogImport, Pool, SubscriberImport};
use portledger::time::{TimeDelta, WrittenTime};
use portledger::{PortRange, Protocol, TimeRange, Timestamp};

/// The address that most questions are about.
pub const ADDR: &str = "203.0.113.7";

/// A ledger in memory that is filled step by step.
pub struct World {
    pub ledger: Ledger,
}

impl World {
    pub fn new() -> World {
        World { ledger: Ledger::in_memory() }
    }

    fn import(mut self, text: &str, request: &LogImport) -> World {
        let input = Input::Stream(format!("{}.csv", request.source), reader(text));
        let report = self.ledger.import(request, vec![input], &mut |_| {}).unwrap();
        for stream in &report.streams {
            assert!(stream.first_damage.is_none(), "{:?}", stream.first_damage);
            assert!(stream.accepted > 0, "{stream:?}");
        }
        self
    }

    /// Imports a CSV log, of which nothing is declared complete.
    pub fn log(self, source: &str, profile: Profile, csv: &str) -> World {
        let request = LogImport { profile: Some(profile), ..LogImport::new(Format::Csv, source) };
        self.import(csv, &request)
    }

    /// Imports a CSV log that is declared complete for a time.
    pub fn log_covering(self, source: &str, profile: Profile, covers: &str, csv: &str) -> World {
        let request = LogImport {
            profile: Some(profile),
            covers: Some(covers.parse().unwrap()),
            ..LogImport::new(Format::Csv, source)
        };
        self.import(csv, &request)
    }

    /// Imports a CSV log whose inside addresses are of a realm.
    pub fn log_in_realm(self, source: &str, profile: Profile, realm: &str, csv: &str) -> World {
        let request = LogImport {
            profile: Some(profile),
            realm: portledger::inside::Realm::new(realm),
            ..LogImport::new(Format::Csv, source)
        };
        self.import(csv, &request)
    }

    /// Imports bindings: `inside,subscriber,start,end`, with `realm` where the header has it.
    pub fn people(mut self, csv: &str) -> World {
        let request = SubscriberImport::new(IdentityFormat::Csv);
        let input = Input::Stream("people.csv".to_owned(), reader(csv));
        let reports = self.ledger.import_subscribers(&request, vec![input], &mut |_| {}).unwrap();
        for report in &reports {
            assert!(report.first_reject.is_none(), "{:?}", report.first_reject);
            assert!(report.bindings > 0);
        }
        self
    }

    /// Binds each host to the subscriber beside it, for ever.
    pub fn bound(self, pairs: &[(&str, &str)]) -> World {
        let mut table = "inside,subscriber,start,end\n".to_owned();
        for (host, who) in pairs {
            table.extend([host, ",", who, ",,\n"]);
        }
        self.people(&table)
    }

    /// 100.64.0.1 is ann's, 100.64.0.2 bob's, 100.64.0.3 cat's.
    pub fn ann_bob_cat(self) -> World {
        self.bound(&[("100.64.0.1", "ann"), ("100.64.0.2", "bob"), ("100.64.0.3", "cat")])
    }

    pub fn pool(mut self, pool: Pool) -> World {
        assert!(self.ledger.add_pool(pool).unwrap());
        self
    }

    /// Adds MAP rules, each `(name, rule IPv6 prefix, rule IPv4 prefix, EA length, PSID offset)`.
    pub fn rules(self, in_force: &str, rules: &[(&str, &str, &str, u8, u8)]) -> World {
        let instances: Vec<_> = rules
            .iter()
            .map(|(name, v6, v4, ea_len, offset)| {
                let suffix = 32 - v4.split_once('/').unwrap().1.parse::<u8>().unwrap();
                serde_json::json!({
                    "name": name, "ea-len": ea_len, "rule-ipv6-prefix": v6,
                    "rule-ipv4-prefix": v4,
                    "port-set": { "psid-offset": offset, "psid-len": ea_len - suffix },
                })
            })
            .collect();
        let file = serde_json::json!({ "ietf-softwire-br:br-instances": {
            "algorithm": { "algo-instance": instances } } });
        let bytes = serde_json::to_vec(&file).unwrap();
        self.rule_file(in_force, &bytes)
    }

    /// Adds a rule file of whichever mechanism.
    pub fn rule_file(mut self, in_force: &str, bytes: &[u8]) -> World {
        assert!(self.ledger.add_rules("rules.json", bytes, in_force.parse().unwrap()).unwrap());
        self
    }

    pub fn expire(mut self, before: &str) -> World {
        let _ = self.ledger.expire(before.parse().unwrap()).unwrap();
        self
    }

    pub fn ask(&self, question: &Question) -> Answer {
        Resolver::new(&self.ledger).resolve(&question.0)
    }

    /// The verdict on TCP port 4000 of the usual address.
    pub fn at(&self, time: &str) -> Answer {
        self.ask(&q(time).port(4000).tcp())
    }
}

fn reader(text: &str) -> Box<dyn std::io::Read> {
    Box::new(Cursor::new(text.as_bytes().to_vec()))
}

/// A question without early allowance, unless it asks for one.
pub struct Question(pub Inquiry);

/// Asks about the usual address.
pub fn q(time: &str) -> Question {
    about(ADDR, time)
}

pub fn about(addr: &str, time: &str) -> Question {
    let time = WrittenTime::from_epoch_text(time).unwrap();
    Question(Inquiry::new(addr.parse().unwrap(), time).early(TimeDelta::ZERO))
}

impl Question {
    pub fn port(self, port: u16) -> Question {
        Question(self.0.port(port))
    }

    pub fn protocol(self, protocol: Protocol) -> Question {
        Question(self.0.protocol(protocol))
    }

    pub fn tcp(self) -> Question {
        self.protocol(Protocol::TCP)
    }

    pub fn udp(self) -> Question {
        self.protocol(Protocol::UDP)
    }

    pub fn to(self, destination: &str) -> Question {
        Question(self.0.to(destination.parse().unwrap()))
    }

    pub fn tolerance(self, tolerance: &str) -> Question {
        Question(self.0.tolerance(tolerance.parse().unwrap()))
    }

    pub fn early(self, early: &str) -> Question {
        Question(self.0.early(early.parse().unwrap()))
    }
}

/// What is asserted of most answers: verdict, reason, and everybody named.
pub fn told(answer: &Answer) -> (Verdict, Reason, Vec<String>) {
    let names = answer.names().iter().map(ToString::to_string).collect();
    assert_eq!(answer.candidate_count, answer.names().len());
    assert_eq!(answer.subscriber.is_some(), answer.verdict == Verdict::Unique);
    (answer.verdict, answer.reason, names)
}

/// Asserts verdict, reason and names, `;` between them.
#[track_caller]
pub fn assert_told(answer: &Answer, verdict: Verdict, reason: Reason, names: &str) {
    let expected: Vec<String> = names.split_terminator(';').map(str::to_owned).collect();
    assert_eq!(told(answer), (verdict, reason, expected), "{answer:#?}");
}

/// Stamps are exact, a key is held by one host at a time, flows expire after 30 s of silence.
pub fn expiring() -> Profile {
    Profile {
        name: "expiring".to_owned(),
        kills: Kills::Marked,
        idle: Idle {
            logged_timeout_at_most: None,
            logged_timeout_less: None,
            least: vec![
                (Protocol::TCP, TimeDelta::from_second(30)),
                (Protocol::UDP, TimeDelta::from_second(30)),
            ],
        },
        key_has_destination: true,
        end_is: EndIs::Event,
        ..Profile::exact()
    }
}

/// As [`expiring`], without a promise that keys are exclusive.
pub fn shared() -> Profile {
    Profile { name: "shared".to_owned(), exclusive: false, ..expiring() }
}

/// Declares the prefix without a device, for all time.
pub fn pool(prefix: &str, ports: &str) -> Pool {
    Pool {
        prefix: prefix.parse().unwrap(),
        ports: if ports.is_empty() { PortRange::ALL } else { ports.parse().unwrap() },
        device: None,
        in_force: TimeRange::ALL,
        exclusive: false,
    }
}

/// The margins as the answer writes them: earlier, later, other earlier, other later; `-` where none is known.
pub fn margins(answer: &Answer) -> [String; 4] {
    let m = answer.margins;
    [m.earlier, m.later, m.other_earlier, m.other_later]
        .map(|m| m.map_or("-".to_owned(), |m| m.to_string()))
}

pub fn micros(at: i64) -> Timestamp {
    Timestamp::from_microsecond(at)
}
