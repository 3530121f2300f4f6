//! What the rules say of an address and a port, over time.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use rangemap::RangeSet;

use super::fact::{Fact, Kind, Rule};
use crate::inside::InsideHost;
use crate::mapping::{NamedRule, Reverse, RulesInForce};
use crate::protocol::Protocol;
use crate::store::Ledger;
use crate::time::{TimeRange, Timestamp};

/// What the rules of all times that were asked for say.
///
/// At an instant, by the first line that holds:
///
/// | the instant is in | the port then is |
/// |---|---|
/// | [`dynamic`](Ruling::dynamic) | for the log to decide |
/// | [`mapped`](Ruling::mapped) | somebody's: of those in `facts` |
/// | [`excluded`](Ruling::excluded) | nobody's |
/// | [`unlisted`](Ruling::unlisted) | in no row or rule of those that share the address out one by one |
/// | [`ruled`](Ruling::ruled) | none of the rules' |
/// | none of these | unknown: no rule set of the address was in force |
#[derive(Debug, Default)]
pub(super) struct Ruling<'l> {
    pub(super) asked: Asked,
    /// Everybody to whom a rule gives the port.
    pub(super) facts: Vec<Fact<'l>>,
    /// When a rule set that holds the address was in force.
    pub(super) ruled: RangeSet<Timestamp>,
    /// When the rules gave the port to somebody, and when a rule gave it to nobody.
    pub(super) mapped: RangeSet<Timestamp>,
    pub(super) excluded: RangeSet<Timestamp>,
    /// When a rule could have given the port out, but gave it to nobody; these instants are excluded too.
    pub(super) leftover: RangeSet<Timestamp>,
    /// When a rule handed ports that were asked about out on demand: it decides nothing then.
    pub(super) dynamic: RangeSet<Timestamp>,
    /// When binding tables had no row for the port, and when the rules for one subscriber each had none for its PSID.
    pub(super) no_row: RangeSet<Timestamp>,
    pub(super) no_psid: RangeSet<Timestamp>,
    /// Which rules gave the port to nobody, each in its own time.
    pub(super) withheld: Vec<Withheld<'l>>,
    /// Up to this port every rule says the same as of the one asked about.
    pub(super) same_until: u16,
}

/// What the rules are asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) addr: Ipv4Addr,
    /// None asks for everybody on the address.
    pub(super) port: Option<u16>,
    pub(super) protocol: Option<Protocol>,
    pub(super) during: TimeRange,
}

impl Default for Asked {
    fn default() -> Asked {
        Asked { addr: Ipv4Addr::UNSPECIFIED, port: None, protocol: None, during: TimeRange::ALL }
    }
}

/// A rule that gives a port to nobody.
#[derive(Clone, Debug)]
pub(super) struct Withheld<'l> {
    pub(super) rule: Rule<'l>,
    pub(super) during: TimeRange,
    /// It could have given the port out.
    pub(super) is_leftover: bool,
}

impl<'l> Ruling<'l> {
    /// What the rules say of a port, or without one of everybody on the address.
    ///
    /// # Complexity
    ///
    /// Linear in the rule sets of the ledger, and in those that share the address where no port is asked for.
    pub(super) fn of(
        ledger: &'l Ledger,
        addr: Ipv4Addr,
        port: Option<u16>,
        protocol: Option<Protocol>,
        during: TimeRange,
    ) -> Ruling<'l> {
        let asked = Asked { addr, port, protocol, during };
        let mut ruling = Ruling { asked, same_until: u16::MAX, ..Ruling::default() };
        for (rules, rule) in ledger.rules().matching(addr, during) {
            ruling.add_map(rules, rule);
        }
        ruling.add_tables(ledger);
        ruling.settle();
        ruling
    }

    fn add_map(&mut self, rules: RulesInForce<'l>, rule: &'l NamedRule) {
        let in_force = rules.in_force;
        let range = in_force.start()..in_force.end();
        self.ruled.insert(range.clone());
        let params = rule.rule().psid_params();
        let by = |psid: Option<u16>| Rule {
            version: rule.version(),
            psid,
            // Without a PSID the holder has every port.
            ports: params.ports(psid.unwrap_or(0)).unwrap_or_default(),
            ..Rule::new(rules, rule.name())
        };
        let mut add = |psid: Option<u16>, prefix: ipnet::Ipv6Net| {
            self.mapped.insert(range.clone());
            self.facts.push(Fact {
                host: Cow::Owned(InsideHost::prefix(prefix)),
                outer: in_force,
                inner: Some(in_force),
                used_until: in_force.end(),
                kind: Kind::Rule(by(psid)),
            });
        };
        let Some(port) = self.asked.port else {
            for (psid, prefix) in rule.rule().end_users(self.asked.addr) {
                add(psid, prefix);
            }
            return;
        };
        match rule.rule().reverse(self.asked.addr, port) {
            Reverse::Mapped { end_user_prefix, psid } => add(psid, end_user_prefix),
            Reverse::MappedPrefix { end_user_prefix, .. } => add(None, end_user_prefix),
            Reverse::ExcludedPort => {
                self.excluded.insert(range);
                let rule = Rule { version: rule.version(), ..Rule::new(rules, rule.name()) };
                self.withheld.push(Withheld { rule, during: in_force, is_leftover: false });
            }
            Reverse::OtherPsid { .. } => self.no_psid.insert(range),
            _ => {}
        }
        // The bits below the PSID change nothing.
        let low_bits = match params.len() {
            0 => 16,
            len => 16 - params.offset() - len,
        };
        let last = u32::from(port) | ((1 << low_bits) - 1);
        self.is_same_until(u16::try_from(last).unwrap_or(u16::MAX));
    }

    pub(super) fn is_same_until(&mut self, last: u16) {
        self.same_until = self.same_until.min(last);
    }

    /// Brings what several rules say of one instant into the order of precedence.
    fn settle(&mut self) {
        // Where a rule leaves the port to a list that need not be whole, somebody may have it.
        for range in self.no_psid.iter().chain(self.no_row.iter()) {
            self.excluded.remove(range.clone());
            self.leftover.remove(range.clone());
        }
        // Whoever got the port on demand is in a log only, whatever another rule says of it.
        for range in self.dynamic.iter() {
            self.excluded.remove(range.clone());
            self.mapped.remove(range.clone());
        }
        // A port that one rule leaves to nobody and another gives out is left over by neither.
        for range in self.mapped.iter() {
            self.leftover.remove(range.clone());
            self.excluded.remove(range.clone());
        }
    }
}
