//! Why a line is no event, and how many were not.

use std::fmt;

use crate::allocation::Span;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $expected:literal;)*) => {
        /// Why a line yields no event.
        ///
        /// # Text form
        ///
        /// The name in kebab case, `no-translation`; [`RejectReason::advice`] says what to do about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum RejectReason {
            $($(#[$doc])* $variant,)*
        }

        impl RejectReason {
            /// Every reason.
            pub const ALL: &'static [RejectReason] = &[$(RejectReason::$variant,)*];

            /// The name in kebab case.
            pub const fn name(self) -> &'static str {
                match self {
                    $(RejectReason::$variant => $name,)*
                }
            }

            /// Whether the line shows a public port in use that no event is of: such a log proves nobody's absence.
            pub const fn is_of_unnamed_flow(self) -> bool {
                matches!(self, RejectReason::DestinationTranslation | RejectReason::PortNotLogged)
            }

            /// Whether the time beside it is one at which the source was being written: the line is in order, or
            /// tells when others were lost.
            #[cfg(feature = "readers")]
            pub(super) const fn has_time(self) -> bool {
                self.is_expected() || matches!(self, RejectReason::EventsLost)
            }

            /// Whether the line is in order and only holds no fact about a NAT; every other reason is damage, and
            /// a reason to doubt what stands around it.
            pub const fn is_expected(self) -> bool {
                match self {
                    $(RejectReason::$variant => $expected,)*
                }
            }
        }
    };
}

reasons! {
    /// Nothing but blanks.
    Empty, "empty", true;
    /// A comment of our own CSV, `#` first.
    Comment, "comment", true;
    /// The header row of our own CSV.
    Header, "header", true;
    /// A line that the logging tool says about itself, `conntrack v1.4.7 ... have been shown.`
    ToolMessage, "tool-message", true;
    /// A flow that was not translated.
    NoTranslation, "no-translation", true;
    /// A flow whose destination alone was translated: a port forward, nobody's outbound port.
    DestinationTranslation, "destination-translation", true;
    /// A translated IPv6 flow: no shared IPv4 address in it.
    Ipv6Translation, "ipv6-translation", true;
    /// A record in order that gives nobody a port and takes none away: an exhausted pool, a quota, a match of a rule.
    OtherEvent, "other-event", true;
    /// A line of another program: a file of syslog mixes them.
    NotNat, "not-nat", true;
    /// A packet of a capture that holds no log: of another protocol, or to another port than the one named.
    OtherTraffic, "other-traffic", true;
    /// A translated flow whose public port, or echo identifier, the format leaves out: it says nothing of who held which.
    PortNotLogged, "port-not-logged", true;
    /// A record without an event, such as a line of a table dump.
    NoEvent, "no-event", false;
    /// An event with a name that is not read.
    UnknownEvent, "unknown-event", false;
    /// The record has no time at all.
    NoStamp, "no-stamp", false;
    /// The logging tool says that it lost events.
    EventsLost, "events-lost", false;
    /// A record whose fields the dialect named does not have.
    DialectMismatch, "dialect-mismatch", false;
    /// Records whose template was not seen.
    NoTemplate, "no-template", false;
    /// Bytes that are no message of this format.
    BadMessage, "bad-message", false;
    /// A part of a packet that was cut in pieces on its way.
    Fragment, "fragment", false;
    /// A translated flow whose public port the record does not name.
    NoTranslatedPort, "no-translated-port", false;
    /// A set of ports that is no range.
    PortStep, "port-step", false;
    /// The line is longer than the limit.
    LineTooLong, "line-too-long", false;
    /// The bytes are not UTF-8 where text is needed.
    NotUtf8, "not-utf8", false;
    /// The line ends before its record does.
    CutShort, "cut-short", false;
    /// A quote that nothing closes, or one in the middle of a field.
    BadQuote, "bad-quote", false;
    /// A row with another number of fields than the header.
    FieldCount, "field-count", false;
    /// Not one JSON object.
    BadJson, "bad-json", false;
    /// A column of our own formats that does not exist; at the header it refuses the whole file.
    UnknownColumn, "unknown-column", false;
    /// A column that comes twice, or two that say the same; at the header it refuses the whole file.
    RepeatedColumn, "repeated-column", false;
    /// A field that such a record cannot do without.
    MissingField, "missing-field", false;
    /// A field that comes again where it must not: two records in one line.
    RepeatedField, "repeated-field", false;
    /// Text that is no field of this format.
    UnknownField, "unknown-field", false;
    /// A time that cannot be read, or an end before its start.
    BadTime, "bad-time", false;
    /// A time without zone, and no zone was named.
    NoZone, "no-zone", false;
    /// A time without year, and no year was named.
    NoYear, "no-year", false;
    /// A local time that is nowhere near the stamp of its own line: it was read in the wrong zone.
    ZoneMismatch, "zone-mismatch", false;
    /// A protocol that cannot be read, or whose name and number differ.
    BadProtocol, "bad-protocol", false;
    /// An address that cannot be read.
    BadAddress, "bad-address", false;
    /// A port, or range of ports, that cannot be read.
    BadPort, "bad-port", false;
    /// An inside host or realm that cannot be read, or two realms for one host.
    BadHost, "bad-host", false;
    /// Another value that cannot be read.
    BadValue, "bad-value", false;
    /// The line says that whoever wrote it rejected its record.
    RejectedUpstream, "rejected-upstream", false;
}

impl RejectReason {
    /// The reason with that name.
    pub fn from_name(name: &str) -> Option<RejectReason> {
        RejectReason::ALL.iter().copied().find(|reason| reason.name() == name)
    }

    /// What to do about it, as one sentence; empty where there is nothing to do.
    pub const fn advice(self) -> &'static str {
        match self {
            RejectReason::NoEvent => {
                "the line names no event: conntrack logs are read from `conntrack -E`, our own formats need `event`, or `start` for an allocation"
            }
            RejectReason::UnknownEvent => {
                "events are session_create, session_delete, port_create, port_delete, block_alloc, block_release, update, block_interim, allocation, device_restart; for conntrack NEW, UPDATE, DESTROY"
            }
            RejectReason::PortNotLogged => {
                "this format leaves out the identifiers of ICMP: it answers no question about echo flows, and cannot prove that there was none"
            }
            RejectReason::NoStamp => "log with `conntrack -E -o timestamp`",
            RejectReason::EventsLost => {
                "the collector dropped events: declare the gap, and raise --buffer-size of conntrack"
            }
            RejectReason::DialectMismatch => {
                "makers number NAT events differently: name the one that exported this with --dialect (rfc8158, cisco, cgv6, junos, asa, nokia, fortios)"
            }
            RejectReason::NoTemplate => {
                "records cannot be read without the template that the exporter sends now and then: begin the recording before it, or put the file that has it first"
            }
            RejectReason::BadMessage => {
                "messages of version 10 are read with --format ipfix, of version 9 with --format netflow9; captures are pcap or pcapng"
            }
            RejectReason::Fragment => {
                "record every fragment (a capture filter by port leaves out all but the first), or make the exporter's messages fit the path's MTU"
            }
            RejectReason::NoTranslatedPort => {
                "have the device export postNAPTSourceTransportPort (227) too: an address alone names nobody"
            }
            RejectReason::LineTooLong => "raise the limit if such lines are in order",
            RejectReason::NotUtf8 => "write the file in UTF-8",
            RejectReason::BadQuote => {
                "a field with quotes begins and ends with one, and doubles those inside"
            }
            RejectReason::FieldCount => "give each row one field per column of the header",
            RejectReason::BadJson => "write one JSON object a line",
            RejectReason::UnknownColumn => super::KNOWN_COLUMNS,
            RejectReason::NoZone => {
                "add an offset (Z, +09:00) to each time, or name the zone of the source"
            }
            RejectReason::NoYear => "name the year of the first line",
            RejectReason::ZoneMismatch => {
                "name the zone that the logging box runs in: its local times are not in the one named"
            }
            RejectReason::BadTime => "write RFC 3339 (2026-11-02T03:04:05Z) or @seconds",
            RejectReason::BadPort => {
                "write a port from 0 to 65535 in `port`, or two in `first` and `last`"
            }
            RejectReason::BadHost => {
                "write an IPv4 address, an IPv6 address or prefix, b4[ADDRESS] or name:NAME; a realm goes with an IPv4 address"
            }
            _ => "",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A line that yields no event, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reject {
    /// Why.
    pub reason: RejectReason,
    /// Where the record stands in its stream.
    pub span: Span,
    /// The number of its first line, from 1.
    pub line: u64,
    /// The byte of the record at which reading stopped, from 1.
    pub column: u32,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.reason)?;
        match self.reason.advice() {
            "" => Ok(()),
            advice => write!(f, " ({advice})"),
        }
    }
}

/// How many lines were rejected, by reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    counts: [u64; RejectReason::ALL.len()],
}

impl Default for Skipped {
    fn default() -> Self {
        Skipped { counts: [0; RejectReason::ALL.len()] }
    }
}

impl Skipped {
    /// How many were rejected for that reason.
    pub fn get(&self, reason: RejectReason) -> u64 {
        self.counts.get(reason as usize).copied().unwrap_or(0)
    }

    /// How many were rejected.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many were rejected for a reason that is not [expected](RejectReason::is_expected).
    pub fn damaged(&self) -> u64 {
        self.iter().filter(|(reason, _)| !reason.is_expected()).map(|(_, count)| count).sum()
    }

    /// The reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (RejectReason, u64)> + '_ {
        RejectReason::ALL
            .iter()
            .map(|&reason| (reason, self.get(reason)))
            .filter(|&(_, count)| count > 0)
    }

    /// Counts one more.
    pub fn add(&mut self, reason: RejectReason) {
        if let Some(count) = self.counts.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_inverse_and_kebab() {
        for &reason in RejectReason::ALL {
            assert_eq!(RejectReason::from_name(reason.name()), Some(reason));
            assert!(
                reason
                    .name()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit())
            );
        }
    }

    #[test]
    fn counts_add_up_and_damage_leaves_out_what_is_expected() {
        let mut skipped = Skipped::default();
        for reason in [RejectReason::Empty, RejectReason::BadPort, RejectReason::BadPort] {
            skipped.add(reason);
        }
        assert_eq!((skipped.total(), skipped.damaged()), (3, 2));
        assert_eq!(
            skipped.iter().collect::<Vec<_>>(),
            [(RejectReason::Empty, 1), (RejectReason::BadPort, 2)]
        );
    }
}
