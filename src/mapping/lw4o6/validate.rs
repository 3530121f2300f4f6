//! Where a binding table contradicts itself.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::Ipv4Addr;

use super::{BindingTable, LwB4, Softwire};
use crate::mapping::PsidParams;
use crate::time::TimeRange;

/// Something in a table that makes answers doubtful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BindingFinding {
    /// Two rows with different port parameters are in force on one address at once, so their port sets can overlap and
    /// a relay can follow one of them only. Reported once for each address and pair of parameters.
    MixedParams {
        /// The row that began first.
        first: Softwire,
        /// A row that began while it was in force.
        second: Softwire,
    },
    /// Two B4s have the same share at once.
    TwoHolders {
        /// The row that began first.
        first: Softwire,
        /// A row that began while it was in force.
        second: Softwire,
    },
    /// One B4 has the same share twice at once; harmless to answers.
    Duplicate {
        /// The row that began first.
        first: Softwire,
        /// A row that began while it was in force.
        second: Softwire,
    },
}

impl BindingFinding {
    /// The row that began first, then the other.
    pub const fn rows(&self) -> (Softwire, Softwire) {
        let (BindingFinding::MixedParams { first, second }
        | BindingFinding::TwoHolders { first, second }
        | BindingFinding::Duplicate { first, second }) = *self;
        (first, second)
    }

    /// The address.
    pub const fn addr(&self) -> Ipv4Addr {
        self.rows().0.ipv4()
    }

    /// When both rows are in force.
    pub fn during(&self) -> TimeRange {
        let (first, second) = self.rows();
        first.lifetime().intersection(second.lifetime()).unwrap_or(second.lifetime())
    }
}

impl fmt::Display for BindingFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.rows();
        let (addr, during) = (self.addr(), self.during());
        match self {
            BindingFinding::MixedParams { .. } => {
                let (p, q) = (first.psid_params(), second.psid_params());
                write!(
                    f,
                    "{addr} has rows with PSID offset {} and length {}, and with {} and {} ({}, {}; both in force {during}): give all rows of an address the same",
                    p.offset(),
                    p.len(),
                    q.offset(),
                    q.len(),
                    first.b4(),
                    second.b4()
                )
            }
            BindingFinding::TwoHolders { .. } => write!(
                f,
                "{addr} PSID {} is bound to {} and to {} (both in force {during}): end the older row where the newer begins",
                first.psid(),
                first.b4(),
                second.b4()
            ),
            BindingFinding::Duplicate { .. } => write!(
                f,
                "{addr} PSID {} is bound to {} twice (both in force {during}): remove one row",
                first.psid(),
                first.b4()
            ),
        }
    }
}

impl BindingTable {
    /// Where the table contradicts itself, by address.
    ///
    /// Whenever two B4s have one port of an address at one instant, there is a finding for the address:
    /// [`BindingFinding::TwoHolders`] for the later row, or [`BindingFinding::MixedParams`].
    ///
    /// # Complexity
    ///
    /// `O(n log n)` in the number of rows, times the number of different port parameters on one address.
    pub fn validate(&self) -> Vec<BindingFinding> {
        let mut findings = Vec::new();
        for rows in self.rows().chunk_by(|a, b| a.ipv4() == b.ipv4()) {
            let mut rows: Vec<Softwire> = rows.to_vec();
            rows.sort_by_key(Softwire::lifetime);
            check_address(&rows, &mut findings);
        }
        findings
    }
}

/// The rows of one address, ascending by lifetime.
fn check_address(rows: &[Softwire], findings: &mut Vec<BindingFinding>) {
    let mut params: HashMap<PsidParams, Softwire> = HashMap::new();
    let mut reported: HashSet<(PsidParams, PsidParams)> = HashSet::new();
    let mut shares: HashMap<(PsidParams, u16), Longest> = HashMap::new();
    for &second in rows {
        let own = second.psid_params();
        let mut others: Vec<Softwire> = params
            .values()
            .filter(|first| first.psid_params() != own && reaches(first, &second))
            .copied()
            .collect();
        others.sort_unstable();
        for first in others {
            let pair = (first.psid_params().min(own), first.psid_params().max(own));
            if reported.insert(pair) {
                findings.push(BindingFinding::MixedParams { first, second });
            }
        }
        longer(params.entry(own).or_insert(second), second);

        let share = shares.entry((own, second.psid())).or_default();
        if let Some(first) = share.other(second.b4()).filter(|first| reaches(first, &second)) {
            findings.push(BindingFinding::TwoHolders { first, second });
        } else if let Some(first) = share.own(second.b4()).filter(|f| reaches(f, &second)) {
            findings.push(BindingFinding::Duplicate { first, second });
        }
        share.add(second);
    }
}

/// Whether a row that began before is still in force when the other begins.
fn reaches(first: &Softwire, second: &Softwire) -> bool {
    first.lifetime().overlaps(second.lifetime())
}

fn longer(held: &mut Softwire, row: Softwire) {
    if row.lifetime().end() > held.lifetime().end() {
        *held = row;
    }
}

/// Of the rows seen on one share, the one that ends last, and the one of another B4 that ends last.
#[derive(Default)]
struct Longest {
    last: Option<Softwire>,
    last_of_others: Option<Softwire>,
}

impl Longest {
    fn other(&self, b4: LwB4) -> Option<Softwire> {
        self.last.filter(|row| row.b4() != b4).or(self.last_of_others.filter(|r| r.b4() != b4))
    }

    fn own(&self, b4: LwB4) -> Option<Softwire> {
        self.last.filter(|row| row.b4() == b4).or(self.last_of_others.filter(|r| r.b4() == b4))
    }

    fn add(&mut self, row: Softwire) {
        match &mut self.last {
            None => self.last = Some(row),
            Some(last) if last.b4() == row.b4() => longer(last, row),
            Some(last) if row.lifetime().end() > last.lifetime().end() => {
                self.last_of_others = Some(std::mem::replace(last, row));
            }
            Some(_) => longer(self.last_of_others.get_or_insert(row), row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row((a, k, psid): (u8, u8, u16), b4: &str, lifetime: &str) -> Softwire {
        let b4: LwB4 = b4.parse().unwrap();
        let params = PsidParams::new_assert(a, k);
        let row = Softwire::new(Ipv4Addr::new(192, 0, 2, 1), params, psid, b4).unwrap();
        row.with_lifetime(lifetime.parse().unwrap())
    }

    fn texts(rows: &[Softwire]) -> Vec<String> {
        let findings = BindingTable::new(rows.to_vec()).validate();
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_clean_history_has_no_findings() {
        assert!(
            texts(&[
                row((0, 8, 1), "2001:db8::a", "/@100"),
                row((0, 8, 1), "2001:db8::b", "@100/@200"),
                row((0, 8, 2), "2001:db8::c", "/@200"),
                row((0, 6, 1), "2001:db8::b", "@200/"),
            ])
            .is_empty()
        );
    }

    #[test]
    fn two_holders_are_reported_through_a_renewal() {
        //  a |-------------------|
        //  b       |----------------------|
        //  b             |---|                 twice b, and still against a
        let texts = texts(&[
            row((0, 8, 1), "2001:db8::a", "@0/@50"),
            row((0, 8, 1), "2001:db8::b", "@10/@100"),
            row((0, 8, 1), "2001:db8::b", "@20/@30"),
        ]);
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts.iter().all(|t| t.contains("2001:db8::a and to 2001:db8::b")), "{texts:?}");
        assert!(texts[0].contains("@10.000000/@50.000000"), "{texts:?}");
    }

    #[test]
    fn a_row_twice_is_a_duplicate() {
        let twice =
            [row((0, 8, 1), "2001:db8::a", "@0/@50"), row((0, 8, 1), "2001:db8::a", "@10/@20")];
        assert!(matches!(
            BindingTable::new(twice.to_vec()).validate()[..],
            [BindingFinding::Duplicate { .. }]
        ));
    }

    #[test]
    fn mixed_parameters_are_reported_once_for_a_pair() {
        let rows: Vec<Softwire> = (0..20)
            .map(|psid| row((0, if psid % 2 == 0 { 6 } else { 8 }, psid), "2001:db8::a", "/"))
            .collect();
        let texts = texts(&rows);
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert!(texts[0].contains("give all rows of an address the same"), "{texts:?}");
    }
}
