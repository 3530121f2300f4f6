//! Floor 5: the only room where rules, logs and identity meet. [`Inquiry`] -> [`Answer`].
//!
//! Containment, never proximity: the nearest event is never an answer. A record *claims* a question when its outer
//! interval meets it; a claim is dropped only when its use was over and another holder of the very same key came
//! after it. What is left decides, in this order:
//!
//! | verdict | when | exit code |
//! |---|---|---|
//! | `not-ours` | the address was never in a declared pool, a rule or a record | 7 |
//! | `conflict` | two certain holders of an exclusive key, a rule against a log, or two certain bindings | 5 |
//! | `ambiguous` | two or more different names | 3 |
//! | `purged`, `not-covered` | one name or none, and the records of that time were deleted or never reached it | 6, 4 |
//! | `unbound` | one host, and no binding names it | 8 |
//! | `unique` | one subscriber, if the clock is right within the tolerance | 0 |
//! | `free` | nobody, in time for which absence is covered | 9 |

mod answer;
mod carry;
mod claim;
mod contradiction;
mod discriminate;
mod edges;
mod explain;
mod fact;
mod field;
mod inquiry;
mod judge;
mod margin;
mod naming;
mod ruling;
mod ruling_tables;
mod timeline;
mod verdict;

pub use answer::{
    Answer, Basis, BindingEvidence, Candidate, Discriminator, Evidence, Margin, Margins, Name,
    RecordPlace,
};
pub use contradiction::{Contradiction, ContradictionKind, contradictions};
pub use inquiry::{DEFAULT_EARLY, Inquiry, ShownInquiry};
pub use verdict::{Reason, Verdict};

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::index::{Hits, Question};
use crate::store::{Coverage, Ledger, Pool};
use field::Field;

/// Answers questions about a ledger.
///
/// ```
/// use portledger::resolver::{Inquiry, Resolver, Verdict};
/// use portledger::store::Ledger;
/// use portledger::time::WrittenTime;
///
/// let ledger = Ledger::in_memory();
/// let time = WrittenTime::parse("2026-11-02T03:04:05Z", None)?;
/// let answer = Resolver::new(&ledger).resolve(&Inquiry::new("203.0.113.7".parse()?, time));
/// assert_eq!(answer.verdict, Verdict::NotOurs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Resolver<'l> {
    ledger: &'l Ledger,
    coverage: Mutex<Remembered>,
}

/// The coverage of an address is the same for every question about ports of the same declared pools.
type Remembered = HashMap<(Ipv4Addr, Vec<usize>), Arc<Coverage>>;

/// Questions that are fetched for at a time: what they read stays in the caches until they are answered.
const AT_ONCE: usize = 256;

/// How many addresses' coverage is remembered.
const MAX_REMEMBERED: usize = 1 << 16;

impl<'l> Resolver<'l> {
    /// A resolver over an open ledger.
    pub fn new(ledger: &'l Ledger) -> Resolver<'l> {
        Resolver { ledger, coverage: Mutex::new(HashMap::new()) }
    }

    /// The ledger that is asked.
    pub fn ledger(&self) -> &'l Ledger {
        self.ledger
    }

    /// Answers one question. Every question has an answer; a miss is a verdict, not an error.
    ///
    /// # Complexity
    ///
    /// Grows with the allocations ever made on the asked port, as margins look beyond the question; a question
    /// without port with those of the address within an hour, and with the sharing ratio of a rule.
    pub fn resolve(&self, inquiry: &Inquiry) -> Answer {
        let field = Field::gather(self.ledger, self.coverage(inquiry), inquiry);
        let identity = self.ledger.identity();
        let judgement = judge::judge(&field, identity, inquiry.window());
        let margins = margin::margins(&field, identity, inquiry.window(), &judgement);
        explain::answer(self.ledger, &field, inquiry, &judgement, margins)
    }

    /// Answers many questions, in their order: the same answers as one by one.
    ///
    /// Some hundreds at a time go through the index's batch call first, which brings the records that they stand at into
    /// the caches all at once, rather than one miss after another.
    pub fn resolve_each<'a>(
        &'a self,
        inquiries: &'a [Inquiry],
    ) -> impl Iterator<Item = Answer> + 'a {
        inquiries.chunks(AT_ONCE).flat_map(move |part| {
            self.fetch(part);
            part.iter().map(|inquiry| self.resolve(inquiry))
        })
    }

    /// Has the records fetched that these questions stand at.
    fn fetch(&self, inquiries: &[Inquiry]) {
        let question = |inquiry: &Inquiry| {
            let (addr, port) = (inquiry.addr(), inquiry.one_port()?);
            // Margins and other protocols are looked at too.
            Some(Question { addr, port, protocol: None, at: inquiry.window().start() })
        };
        let questions: Vec<Question> = inquiries.iter().filter_map(question).collect();
        let mut hits = Hits::default();
        for segment in self.ledger.segments() {
            segment.index().view().at_each(&questions, &mut hits);
        }
    }

    fn coverage(&self, inquiry: &Inquiry) -> Arc<Coverage> {
        let (addr, ports) = (inquiry.addr(), inquiry.pool_ports());
        let manifest = self.ledger.manifest();
        let is_asked = |p: &Pool| p.prefix.contains(&addr) && p.ports.overlaps(ports);
        let pools = manifest.pools.iter().enumerate().filter(|(_, p)| is_asked(p));
        let key = (addr, pools.map(|(at, _)| at).collect());
        let mut remembered = self.coverage.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        let find = || Arc::new(Coverage::of(manifest, addr, ports));
        Arc::clone(remembered.entry(key).or_insert_with(find))
    }
}
