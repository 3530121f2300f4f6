//! What a provider really has: counted from what it made.

use std::collections::HashMap;

use super::conntrack::Tuple;
use super::plan::Plan;
use super::tenancy::handovers;
use super::truth::Asked;
use super::{ProviderConfig, accounting, cgn_session};
use crate::synth::rng::to_f64;

/// Figures of a provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProviderSummary {
    /// Lines of the log of `cgn-a`.
    pub log_lines: u64,
    /// Flows of subscribers that `cgn-a` translated.
    pub sessions: u64,
    /// Pings among them.
    pub pings: u64,
    /// Flows of the box itself, which it did not translate.
    pub own_sessions: u64,
    /// Entries still open when the recording ended.
    pub open_sessions: u64,
    /// Entries that were killed before they expired.
    pub killed_sessions: u64,
    /// Sessions whose first packet made an expired entry give way.
    pub reclaimed: u64,
    /// Sessions that got a port which another session held towards another destination.
    pub shared: u64,
    /// Sessions a pair of outside address and port that was used at all.
    pub reuse: f64,
    /// Blocks that `cgn-b` gave out.
    pub blocks: u64,
    /// Accounting records.
    pub accounting_records: u64,
    /// Starts that came twice.
    pub duplicate_starts: u64,
    /// Stops that came late.
    pub delayed_stops: u64,
    /// Stops that never came.
    pub lost_stops: u64,
    /// How often an address or prefix passed from one subscriber to another.
    pub handovers: u64,
    /// Questions asked.
    pub questions: u64,
    /// The share of them that has a subscriber behind it.
    pub hit_share: f64,
}

impl ProviderSummary {
    pub(super) fn new(
        plan: &Plan,
        flows: &cgn_session::Tally,
        used: &PortCount,
        accounts: &[accounting::Tally],
        asked: &[Asked],
    ) -> ProviderSummary {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let questions = count(asked.len());
        let hits = count(asked.iter().filter(|a| a.subscriber.is_some()).count());
        let sum = |field: fn(&accounting::Tally) -> u64| accounts.iter().map(field).sum();
        ProviderSummary {
            log_lines: flows.lines,
            sessions: flows.sessions,
            pings: flows.icmp,
            own_sessions: flows.own,
            open_sessions: flows.open,
            killed_sessions: flows.killed,
            reclaimed: flows.reclaimed,
            shared: flows.shared,
            reuse: used.reuse(),
            blocks: count(plan.blocks.len()),
            accounting_records: sum(|t| t.records),
            duplicate_starts: sum(|t| t.duplicates),
            delayed_stops: sum(|t| t.delayed_stops),
            lost_stops: sum(|t| t.lost_stops),
            handovers: [&plan.lines_a, &plan.lines_b, &plan.lines_c]
                .map(|lines| handovers(lines))
                .iter()
                .sum(),
            questions,
            hit_share: to_f64(hits) / to_f64(questions.max(1)),
        }
    }

    /// Says whether everything that a test or a tour relies on is there: flows of all kinds, ports with several
    /// holders, addresses that pass on, flaws in the accounting, questions with and without an answer. The rare
    /// kinds are asked for from 100 subscribers on.
    ///
    /// # Errors
    ///
    /// The figure that is off, and what it should be.
    pub fn check(&self, config: &ProviderConfig) -> Result<(), String> {
        let fail = |what: &str, is: f64, least: f64, most: f64| {
            if (least..=most).contains(&is) {
                return Ok(());
            }
            Err(format!(
                "{what}: {is:.3}, outside {least:.3} to {most:.3}; the provider is not what it says"
            ))
        };
        let many = |what: &str, is: u64, least: u64| fail(what, to_f64(is), to_f64(least), 1e18);
        let lines = u64::from(config.subscribers.clamp(20, 100_000));
        let hours = u64::from(config.hours.clamp(1, 744));
        many("sessions", self.sessions, lines * hours * 5)?;
        fail("sessions a port", self.reuse, 1.3, 12.0)?;
        many("lines of the log", self.log_lines, self.sessions * 2)?;
        many("blocks", self.blocks, lines * hours / 5)?;
        many("accounting records", self.accounting_records, lines)?;
        many("questions", self.questions, u64::from(config.questions) * 9 / 10)?;
        fail("the share of questions with an answer", self.hit_share, 0.93, 0.97)?;
        if lines < 100 {
            return Ok(());
        }
        for (what, is) in [
            ("pings", self.pings),
            ("untranslated flows", self.own_sessions),
            ("killed entries", self.killed_sessions),
            ("entries that gave way", self.reclaimed),
            ("shared ports", self.shared),
            ("duplicate Starts", self.duplicate_starts),
            ("delayed Stops", self.delayed_stops),
            ("handovers", self.handovers),
        ] {
            many(what, is, 1)?;
        }
        if lines * hours >= 400 {
            many("lost Stops", self.lost_stops, 1)?;
        }
        Ok(())
    }
}

/// How often each outside port was used.
#[derive(Debug, Default)]
pub(super) struct PortCount {
    /// For each address, one bit a port.
    used: HashMap<u32, Vec<u64>>,
    sessions: u64,
    ports: u64,
}

impl PortCount {
    /// Counts a session.
    pub(super) fn add(&mut self, tuple: &Tuple) {
        let bits = self.used.entry(tuple.outside.to_bits()).or_insert_with(|| vec![0; 1_024]);
        let port = tuple.outside_port;
        let Some(word) = bits.get_mut(usize::from(port / 64)) else { return };
        let bit = 1 << (port % 64);
        self.ports += u64::from(*word & bit == 0);
        *word |= bit;
        self.sessions += 1;
    }

    fn reuse(&self) -> f64 {
        to_f64(self.sessions) / to_f64(self.ports.max(1))
    }
}
