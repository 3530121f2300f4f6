//! Templates as they were sent, for the records that the decoder leaves out, and for those that it need not see.
//!
//! `netflow_parser` stops at strings of no length, takes no template with a field of none, no options without a scope,
//! and drops a whole message of NetFlow 9 for one such set. What it leaves is read by these, and so are messages with
//! nothing but records of templates that were taken in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fields::sent_number;
use super::scope::MAX_FIELDS;

/// The length of a field that says its length in every record (RFC 7011, section 7).
const VARIABLE: u16 = u16::MAX;

/// The fields of one template, in their order.
#[derive(Debug)]
pub(super) struct Layout {
    fields: Vec<Place>,
    /// The least that a record takes, in bytes; all that it takes if no field is of variable length.
    least: usize,
    is_fixed: bool,
    pub(super) is_options: bool,
}

/// A field: its number among those that concern us, and its length.
#[derive(Clone, Copy, Debug)]
struct Place {
    number: Option<u32>,
    len: u16,
}

/// What a set of templates came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Learnt {
    /// Templates that were taken in.
    pub(super) taken: usize,
    /// Whether there were others, that nothing can be read by.
    pub(super) has_bad: bool,
    /// Whether the set ends within a template.
    pub(super) is_cut: bool,
}

/// The two bytes at the head of a slice, and what is behind them.
fn half(bytes: &mut &[u8]) -> Option<u16> {
    let (half, rest) = bytes.split_first_chunk::<2>()?;
    *bytes = rest;
    Some(u16::from_be_bytes(*half))
}

impl Layout {
    /// Takes in the templates of a set: of its id, without its head.
    pub(super) fn learn(
        set_id: u16,
        mut set: &[u8],
        max: usize,
        into: &mut BTreeMap<u16, Arc<Layout>>,
    ) -> Learnt {
        let mut learnt = Learnt { taken: 0, has_bad: false, is_cut: false };
        while let Some(id) = half(&mut set) {
            if id < 256 {
                if id == set_id {
                    // All of them are withdrawn (RFC 7011, section 8.1).
                    into.retain(|_, layout| layout.is_options != (id == 3));
                }
                // Padding.
                break;
            }
            let Some(layout) = Layout::read(set_id, &mut set) else {
                learnt.is_cut = true;
                break;
            };
            into.remove(&id);
            let has_place = into.len() < max;
            if layout.fields.is_empty() {
                // Withdrawn.
            } else if has_place && layout.fields.len() <= MAX_FIELDS && layout.least > 0 {
                into.insert(id, Arc::new(layout));
                learnt.taken += 1;
            } else {
                learnt.has_bad = true;
            }
        }
        learnt
    }

    /// One template, behind its id.
    fn read(set_id: u16, set: &mut &[u8]) -> Option<Layout> {
        let is_options = matches!(set_id, 1 | 3);
        let (count, scopes) = match set_id {
            // Lengths in bytes (RFC 3954, section 6.1).
            1 => {
                let scopes = usize::from(half(set)? / 4);
                (scopes + usize::from(half(set)? / 4), scopes)
            }
            3 => match usize::from(half(set)?) {
                0 => (0, 0),
                count => {
                    half(set)?;
                    (count, 0)
                }
            },
            _ => (usize::from(half(set)?), 0),
        };
        let mut fields = Vec::with_capacity(count.min(MAX_FIELDS));
        for at in 0..count {
            let (mut number, len) = (half(set)?, half(set)?);
            let mut enterprise = 0;
            if set_id >= 2 && number >= 0x8000 {
                number &= 0x7fff;
                enterprise = u32::from(half(set)?) << 16 | u32::from(half(set)?);
            } else if at < scopes && number <= 5 {
                // A kind of scope, not a field: system, interface, card, cache, template.
                enterprise = u32::MAX;
            }
            if fields.len() <= MAX_FIELDS {
                fields.push(Place { number: sent_number(enterprise, number), len });
            }
        }
        let is_fixed = fields.iter().all(|field| field.len != VARIABLE);
        let len = |field: &Place| if field.len == VARIABLE { 1 } else { usize::from(field.len) };
        let least = fields.iter().map(len).sum();
        Some(Layout { fields, least, is_fixed, is_options })
    }

    /// Takes a record off a set, telling the bytes of each field of ours that is not empty; none if no further one fits.
    pub(super) fn next<'a>(
        &self,
        set: &mut &'a [u8],
        mut each: impl FnMut(u32, &'a [u8]),
    ) -> Option<()> {
        if self.least == 0 || set.len() < self.least {
            return None;
        }
        let mut rest = *set;
        for field in &self.fields {
            let mut len = usize::from(field.len);
            if field.len == VARIABLE {
                let (&short, behind) = rest.split_first()?;
                (len, rest) = (usize::from(short), behind);
                if short == u8::MAX {
                    len = usize::from(half(&mut rest)?);
                }
            }
            let (bytes, behind) = rest.split_at_checked(len)?;
            if let Some(number) = field.number.filter(|_| !bytes.is_empty()) {
                each(number, bytes);
            }
            rest = behind;
        }
        *set = rest;
        Some(())
    }

    /// How many records there are in a set, and whether nothing but padding is behind them.
    pub(super) fn count(&self, mut set: &[u8]) -> (usize, bool) {
        if self.is_fixed {
            return (set.len().checked_div(self.least).unwrap_or(0), true);
        }
        let mut count = 0;
        while self.next(&mut set, |_, _| ()).is_some() {
            count += 1;
        }
        (count, set.iter().all(|&b| b == 0))
    }
}
