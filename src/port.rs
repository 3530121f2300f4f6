//! Ports: closed ranges, and sets of them.
//!
//! Ranges of ports are closed, `first..=last`, because 65535 must be sayable in 16 bits; ranges of time are
//! half-open (see [`crate::time`]), because one tenant's end is the next one's start.

use std::fmt;
use std::str::FromStr;

/// A closed, never empty range of ports, `first..=last`.
///
/// # Text form
///
/// `80` for one port, `1024-1087` for several.
///
/// ```
/// use portledger::PortRange;
/// let block: PortRange = "1024-1087".parse()?;
/// assert_eq!((block.first(), block.last(), block.len()), (1024, 1087, 64));
/// assert!(block.contains(1087) && !block.contains(1088));
/// # Ok::<(), portledger::port::PortRangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

/// Why two numbers, or a text, are not a port range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PortRangeError {
    /// `first` is above `last`.
    #[error("port range {first}-{last} runs backwards: write the lower port first")]
    Backwards {
        /// The first port as given.
        first: u16,
        /// The last port as given.
        last: u16,
    },
    /// The text is not a port or two ports with a hyphen.
    #[error(
        "`{0}` is not a port range: write one port, or two ports from 0 to 65535 as `1024-1087`"
    )]
    Unreadable(String),
}

impl PortRange {
    /// Every port, 0 to 65535.
    pub const ALL: PortRange = PortRange { first: 0, last: u16::MAX };

    /// The range `first..=last`.
    ///
    /// # Errors
    ///
    /// [`PortRangeError::Backwards`] when `first > last`.
    pub const fn new(first: u16, last: u16) -> Result<PortRange, PortRangeError> {
        if first > last {
            return Err(PortRangeError::Backwards { first, last });
        }
        Ok(PortRange { first, last })
    }

    /// The range `first..=last`, for constants.
    ///
    /// # Panics
    ///
    /// When `first > last`; in a constant that is a compile error.
    pub const fn new_assert(first: u16, last: u16) -> PortRange {
        assert!(first <= last, "a port range runs from the lower port to the higher");
        PortRange { first, last }
    }

    /// The range that holds one port.
    pub const fn single(port: u16) -> PortRange {
        PortRange { first: port, last: port }
    }

    /// The lowest port.
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The highest port.
    pub const fn last(self) -> u16 {
        self.last
    }

    /// How many ports the range holds, 1 to 65536.
    #[expect(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub const fn len(self) -> u32 {
        self.last as u32 - self.first as u32 + 1
    }

    /// Whether the port is in the range.
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }

    /// Whether the two ranges share a port.
    pub const fn overlaps(self, other: PortRange) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// The ports that both ranges hold.
    pub fn intersection(self, other: PortRange) -> Option<PortRange> {
        PortRange::new(self.first.max(other.first), self.last.min(other.last)).ok()
    }
}

impl From<u16> for PortRange {
    fn from(port: u16) -> Self {
        PortRange::single(port)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl FromStr for PortRange {
    type Err = PortRangeError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let unreadable = || PortRangeError::Unreadable(s.to_owned());
        let (first, last) = s.split_once('-').unwrap_or((s, s));
        PortRange::new(
            parse_port(first).ok_or_else(unreadable)?,
            parse_port(last).ok_or_else(unreadable)?,
        )
    }
}

/// A port in plain decimal digits; no sign, no blanks.
pub(crate) fn parse_port(s: &str) -> Option<u16> {
    if s.is_empty() || !s.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    s.parse().ok()
}

/// A set of ports, kept as sorted ranges that neither overlap nor touch.
///
/// # Text form
///
/// The ranges joined by commas, `1232-1235,2256-2259`; the empty set is the empty text.
///
/// ```
/// use portledger::port::{PortRange, PortSet};
/// let set: PortSet = [1024..=1030, 1031..=1040, 5..=5]
///     .map(|r| PortRange::new_assert(*r.start(), *r.end()))
///     .into_iter()
///     .collect();
/// assert_eq!(set.to_string(), "5,1024-1040");
/// assert_eq!(set.len(), 18);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PortSet {
    ranges: Vec<PortRange>,
}

impl PortSet {
    /// The ranges, ascending, with a gap between any two.
    pub fn ranges(&self) -> &[PortRange] {
        &self.ranges
    }

    /// How many ports the set holds, 0 to 65536.
    pub fn len(&self) -> u32 {
        self.ranges.iter().map(|r| r.len()).sum()
    }

    /// Whether the set holds no port.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether the port is in the set.
    ///
    /// # Complexity
    ///
    /// Logarithmic in the number of ranges.
    pub fn contains(&self, port: u16) -> bool {
        let after = self.ranges.partition_point(|r| r.first <= port);
        after.checked_sub(1).and_then(|i| self.ranges.get(i)).is_some_and(|r| r.contains(port))
    }
}

impl FromIterator<PortRange> for PortSet {
    fn from_iter<I: IntoIterator<Item = PortRange>>(iter: I) -> Self {
        let mut given: Vec<PortRange> = iter.into_iter().collect();
        given.sort_unstable();
        let mut ranges: Vec<PortRange> = Vec::with_capacity(given.len());
        for range in given {
            match ranges.last_mut() {
                Some(last) if u32::from(range.first) <= u32::from(last.last) + 1 => {
                    last.last = last.last.max(range.last);
                }
                _ => ranges.push(range),
            }
        }
        PortSet { ranges }
    }
}

impl From<PortRange> for PortSet {
    fn from(range: PortRange) -> Self {
        PortSet { ranges: vec![range] }
    }
}

impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.ranges.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            range.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for PortSet {
    type Err = PortRangeError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if s.is_empty() {
            return Ok(PortSet::default());
        }
        s.split(',').map(str::parse).collect()
    }
}

#[cfg(feature = "serde")]
crate::serde_text::serde_text!(PortRange, (u16, u16), |r: &PortRange| (r.first, r.last), |(
    first,
    last,
)| {
    PortRange::new(first, last)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ports_are_65536() {
        assert_eq!(PortRange::ALL.len(), 65_536);
        assert!(PortRange::ALL.contains(0) && PortRange::ALL.contains(65_535));
    }

    #[test]
    fn text_forms_are_inverses() {
        for r in [PortRange::ALL, PortRange::single(0), PortRange::new_assert(1024, 65_535)] {
            assert_eq!(r.to_string().parse(), Ok(r));
        }
        let set: PortSet = "1-5,7,65535".parse().unwrap();
        assert_eq!(set.to_string(), "1-5,7,65535");
        assert_eq!("".parse::<PortSet>().unwrap().to_string(), "");
    }

    #[test]
    fn bad_texts_are_refused() {
        for bad in ["", "-", "5-", "-5", "65536", "1-2-3", "+1", " 1"] {
            assert!(bad.parse::<PortRange>().is_err(), "{bad}");
        }
        assert_eq!(
            "9-3".parse::<PortRange>(),
            Err(PortRangeError::Backwards { first: 9, last: 3 })
        );
    }

    #[test]
    fn a_set_joins_what_overlaps_or_touches_up_to_the_last_port() {
        //  1024      1040
        //   |---------|   given as two that touch and one inside
        let set: PortSet = "1031-1040,1024-1030,1026,65530-65535,65535".parse().unwrap();
        assert_eq!(set.to_string(), "1024-1040,65530-65535");
        for (port, is_in) in
            [(1023, false), (1024, true), (1040, true), (1041, false), (65_535, true)]
        {
            assert_eq!(set.contains(port), is_in, "{port}");
        }
    }
}
