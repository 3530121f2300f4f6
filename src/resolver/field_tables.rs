//! What binding tables and deterministic NATs say of the address and port asked about.

use std::borrow::Cow;

use super::fact::{Fact, Kind, Rule};
use super::field::Field;
use crate::inside::InsideHost;
use crate::mapping::detnat::{DetReverse, Deterministic, Owner};
use crate::mapping::lw4o6::{BindingTable, LwKind, Softwire};
use crate::mapping::{RulesInForce, Stateless};
use crate::store::Ledger;
use crate::time::TimeRange;

impl<'l> Field<'l> {
    /// Adds what the rules other than MAP say; every set in force speaks, none outranks another.
    pub(super) fn gather_tables(&mut self, ledger: &'l Ledger) {
        let addr = self.asked.addr;
        for rules in ledger.rules().in_force(self.reach) {
            if rules.set.as_map().is_some() || !rules.set.covers(addr) {
                continue;
            }
            self.ruled.insert(rules.in_force.start()..rules.in_force.end());
            match rules.set {
                Stateless::Map(_) => {}
                Stateless::Lw4o6(table) => self.gather_table(rules, table),
                Stateless::Deterministic(nats) => {
                    for nat in nats.iter().filter(|nat| nat.covers(addr)) {
                        self.gather_nat(rules, nat);
                    }
                }
            }
        }
        // Whoever got the port on demand is in a log only, whatever another rule says of it.
        for range in self.dynamic.iter() {
            self.excluded.remove(range.clone());
            self.mapped.remove(range.clone());
        }
        // A port that one rule leaves to nobody and another to no row is left over by neither alone.
        for range in self.mapped.iter() {
            self.leftover.remove(range.clone());
        }
    }

    fn gather_table(&mut self, rules: RulesInForce<'l>, table: &'l BindingTable) {
        let addr = self.asked.addr;
        let Some(port) = self.asked.one_port() else {
            for row in table.owners(addr, rules.in_force) {
                self.add_row(rules, row, rules.in_force, true);
            }
            return;
        };
        let answer = table.reverse(addr, port, rules.in_force);
        if answer.kind() == LwKind::ExcludedPort {
            self.excluded.insert(rules.in_force.start()..rules.in_force.end());
        }
        for row in answer.rows() {
            self.add_row(rules, row, rules.in_force, !answer.is_mixed());
            // The relay follows the port parameters of one row of an address only, and which is not known: where they
            // are mixed, everybody else may have the port.
            let Some(then) = row.lifetime().intersection(rules.in_force) else { continue };
            for other in table.owners(addr, then) {
                if other.psid_params() != row.psid_params() {
                    self.add_row(rules, other, then, false);
                }
            }
        }
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
                rules,
                name: "binding-table",
                version: None,
                psid: (row.psid_params().len() > 0).then(|| row.psid()),
                ports: row.ports(),
            }),
        });
    }

    fn gather_nat(&mut self, rules: RulesInForce<'l>, nat: &'l Deterministic) {
        let range = rules.in_force.start()..rules.in_force.end();
        let addr = self.asked.addr;
        let is_bound = self.asked.protocol.is_none_or(|protocol| nat.applies_to(protocol));
        let Some(port) = self.asked.one_port().filter(|_| is_bound) else {
            // Everybody on the address, and behind a dynamic pool others too.
            if nat.has_dynamic_pool() {
                self.dynamic.insert(range);
            }
            for owner in nat.owners(addr) {
                self.add_owner(rules, nat, owner, is_bound);
            }
            return;
        };
        match nat.reverse(addr, port) {
            DetReverse::Mapped { inside, ports } => {
                self.add_owner(rules, nat, Owner { inside, ports }, true);
            }
            DetReverse::Ambiguous { owners } => {
                for owner in owners {
                    self.add_owner(rules, nat, owner, true);
                }
            }
            DetReverse::DynamicPool => self.dynamic.insert(range),
            DetReverse::ExcludedPort => self.excluded.insert(range),
            DetReverse::LeftoverPort => {
                self.excluded.insert(range.clone());
                self.leftover.insert(range);
            }
            DetReverse::OutsidePool => {}
        }
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
            kind: Kind::Rule(Rule {
                rules,
                name: nat.name().unwrap_or(nat.algorithm().as_str()),
                version: None,
                psid: None,
                ports: owner.ports,
            }),
        });
    }
}
