//! What binding tables and deterministic NATs say of the address and port asked about.

use std::borrow::Cow;

use rangemap::RangeSet;

use super::fact::{Fact, Kind, Rule};
use super::ruling::{Ruling, Withheld};
use crate::inside::InsideHost;
use crate::mapping::detnat::{Algorithm, DetReverse, Deterministic, Owner};
use crate::mapping::lw4o6::{BindingTable, LwKind, Softwire};
use crate::mapping::{RulesInForce, Stateless};
use crate::port::PortSet;
use crate::store::Ledger;
use crate::time::{TimeRange, Timestamp};

const BINDING_TABLE: &str = "binding-table";

impl<'l> Ruling<'l> {
    /// Adds what the rules other than MAP say; every set in force speaks, none outranks another.
    pub(super) fn add_tables(&mut self, ledger: &'l Ledger) {
        let addr = self.asked.addr;
        for rules in ledger.rules().in_force(self.asked.during) {
            if rules.set.as_map().is_some() || !rules.set.covers(addr) {
                continue;
            }
            self.ruled.insert(rules.in_force.start()..rules.in_force.end());
            match rules.set {
                Stateless::Map(_) => {}
                Stateless::Lw4o6(table) => self.add_table(rules, table),
                Stateless::Deterministic(nats) => {
                    for nat in nats.iter().filter(|nat| nat.covers(addr)) {
                        self.add_nat(rules, nat);
                    }
                }
            }
        }
    }

    fn add_table(&mut self, rules: RulesInForce<'l>, table: &'l BindingTable) {
        let addr = self.asked.addr;
        let Some(port) = self.asked.port else {
            for row in table.owners(addr, rules.in_force) {
                self.add_row(rules, row, rules.in_force, true);
            }
            return;
        };
        let answer = table.reverse(addr, port, rules.in_force);
        if answer.kind() == LwKind::ExcludedPort {
            self.excluded.insert(rules.in_force.start()..rules.in_force.end());
            self.withhold(Rule::new(rules, BINDING_TABLE), false);
        } else {
            self.add_times_without_row(rules.in_force, answer.rows());
        }
        let mut last = port;
        for row in answer.rows() {
            self.add_row(rules, row, rules.in_force, !answer.is_mixed());
            if !answer.is_mixed() {
                last = end_of_range(&row.ports(), port);
            }
            // The relay follows the port parameters of one row of an address only, and which is not known: where they
            // are mixed, everybody else may have the port.
            let Some(then) = row.lifetime().intersection(rules.in_force) else { continue };
            for other in table.owners(addr, then) {
                if other.psid_params() != row.psid_params() {
                    self.add_row(rules, other, then, false);
                }
            }
        }
        self.is_same_until(last);
    }

    fn add_times_without_row(&mut self, in_force: TimeRange, rows: &[&Softwire]) {
        let listed: RangeSet<Timestamp> =
            rows.iter().map(|r| r.lifetime().start()..r.lifetime().end()).collect();
        self.no_row.extend(listed.gaps(&(in_force.start()..in_force.end())));
    }

    fn withhold(&mut self, rule: Rule<'l>, is_leftover: bool) {
        self.withheld.push(Withheld { during: rule.rules.in_force, rule, is_leftover });
    }

    fn add_row(
        &mut self,
        rules: RulesInForce<'l>,
        row: &Softwire,
        during: TimeRange,
        is_certain: bool,
    ) {
        let Some(held) = row.lifetime().intersection(during) else { return };
        self.mapped.insert(held.start()..held.end());
        self.facts.push(Fact {
            host: Cow::Owned(row.inside_host()),
            outer: held,
            inner: is_certain.then_some(held),
            used_until: held.end(),
            kind: Kind::Rule(Rule {
                psid: (row.psid_params().len() > 0).then(|| row.psid()),
                ports: row.ports(),
                ..Rule::new(rules, BINDING_TABLE)
            }),
        });
    }

    fn add_nat(&mut self, rules: RulesInForce<'l>, nat: &'l Deterministic) {
        let range = rules.in_force.start()..rules.in_force.end();
        let addr = self.asked.addr;
        let is_bound = self.asked.protocol.is_none_or(|protocol| nat.applies_to(protocol));
        let Some(port) = self.asked.port.filter(|_| is_bound) else {
            // Everybody on the address, and behind a dynamic pool others too.
            if nat.has_dynamic_pool() {
                self.dynamic.insert(range);
            }
            for owner in nat.owners(addr) {
                self.add_owner(rules, nat, owner, is_bound);
            }
            return;
        };
        let mut last = port;
        match nat.reverse(addr, port) {
            DetReverse::Mapped { inside, ports } => {
                // Of a block table others may have rows within these ports.
                if nat.algorithm() != Algorithm::BlockTable {
                    last = end_of_range(&ports, port);
                }
                self.add_owner(rules, nat, Owner { inside, ports }, true);
            }
            DetReverse::Ambiguous { owners } => {
                for owner in owners {
                    self.add_owner(rules, nat, owner, true);
                }
            }
            DetReverse::DynamicPool => self.dynamic.insert(range),
            DetReverse::ExcludedPort => {
                self.excluded.insert(range);
                self.withhold(Rule::of_nat(rules, nat), false);
            }
            DetReverse::LeftoverPort => {
                self.excluded.insert(range.clone());
                self.leftover.insert(range);
                self.withhold(Rule::of_nat(rules, nat), true);
            }
            DetReverse::OutsidePool => {}
        }
        self.is_same_until(last);
    }

    fn add_owner(
        &mut self,
        rules: RulesInForce<'l>,
        nat: &'l Deterministic,
        owner: Owner,
        is_certain: bool,
    ) {
        let held = rules.in_force;
        self.mapped.insert(held.start()..held.end());
        self.facts.push(Fact {
            host: Cow::Owned(InsideHost::v4(owner.inside)),
            outer: held,
            inner: is_certain.then_some(held),
            used_until: held.end(),
            kind: Kind::Rule(Rule { ports: owner.ports, ..Rule::of_nat(rules, nat) }),
        });
    }
}

/// The last port of the range that holds the port.
fn end_of_range(ports: &PortSet, port: u16) -> u16 {
    let after = ports.ranges().partition_point(|r| r.last() < port);
    ports.ranges().get(after).filter(|r| r.contains(port)).map_or(port, |r| r.last())
}
