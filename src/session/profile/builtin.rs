//! The profiles that come with the crate, and which log they are of.

use super::{EndIs, Idle, Kills, Profile};
use crate::protocol::Protocol;
use crate::time::TimeDelta;

/// A profile by name.
struct Builtin {
    name: &'static str,
    /// The formats whose logs it is the default of, each with a dialect behind a slash where it is of that one only.
    formats: &'static [&'static str],
    /// Where its values come from.
    basis: &'static str,
    make: fn() -> Profile,
}

/// Every built-in profile. A format that is in none of the lists is read by the first, which claims the least: what a
/// device does is not written down here unless a recording or its maker shows it.
const BUILTINS: &[Builtin] = &[
    Builtin {
        name: "unknown",
        formats: &[],
        basis: "nothing: the least that is true of any NAT log",
        make: Profile::unknown,
    },
    Builtin {
        name: "conntrack",
        formats: &["conntrack"],
        basis: "a lab recording of Linux with known senders; nf_conntrack_proto_tcp.c",
        make: Profile::conntrack,
    },
    Builtin {
        name: "conntrack-xml",
        formats: &["conntrack-xml"],
        basis: "as conntrack: the same collector on the same events, other digits",
        make: Profile::conntrack_xml,
    },
    Builtin {
        name: "ulogd",
        formats: &["ulogd"],
        basis: "the same recording",
        make: Profile::ulogd,
    },
    Builtin {
        name: "ulogd-json",
        formats: &["ulogd-json"],
        basis: "the same recording",
        make: Profile::ulogd_json,
    },
    Builtin {
        name: "rfc8158",
        formats: &[],
        basis: "RFC 8158, and what a NAT is",
        make: Profile::rfc8158,
    },
    Builtin {
        name: "linux-conntrack-export",
        formats: &[],
        basis: "the same recording, exported as IPFIX",
        make: Profile::linux_conntrack_export,
    },
    Builtin {
        name: "exact",
        formats: &[],
        basis: "the definition: a table that is the truth itself",
        make: Profile::exact,
    },
];

impl Profile {
    /// Nothing is known: stamps up to a second late, any end may be a kill, keys are not exclusive, no bounds.
    pub fn unknown() -> Profile {
        Profile {
            name: "unknown".to_owned(),
            version: 1,
            late: TimeDelta::from_second(1),
            resolution: None,
            end_is: EndIs::Event,
            idle: Idle::default(),
            kills: Kills::Hidden,
            key_has_destination: true,
            exclusive: false,
            max_life: None,
            survivors: None,
            late_starts: false,
        }
    }

    /// `conntrack -E` of a Linux NAT.
    ///
    /// `late` is one second although 82 ms was the worst seen on an idle machine and 0.32 s on a loaded one: with
    /// starts logged in whole seconds the file itself cannot show more.
    pub fn conntrack() -> Profile {
        Profile {
            name: "conntrack".to_owned(),
            version: 1,
            late: TimeDelta::from_second(1),
            resolution: None,
            end_is: EndIs::LoggedStop,
            idle: Idle {
                logged_timeout_less: Some(TimeDelta::from_second(1)),
                // An established flow with unacknowledged data falls to 300 s, and no event says so
                // (nf_conntrack_tcp_timeout_unacknowledged, nf_conntrack_tcp_timeout_max_retrans).
                logged_timeout_at_most: Some(TimeDelta::from_second(299)),
                least: vec![
                    (Protocol::TCP, TimeDelta::from_second(1)),
                    (Protocol::UDP, TimeDelta::from_second(9)),
                    (Protocol::ICMP, TimeDelta::from_second(4)),
                ],
            },
            kills: Kills::Marked,
            key_has_destination: true,
            exclusive: true,
            max_life: None,
            survivors: None,
            late_starts: false,
        }
    }

    /// A table that is the truth itself: stamps are exact, a port is held by one host at a time.
    ///
    /// For allocation tables exported from the allocator, not for logs.
    pub fn exact() -> Profile {
        Profile {
            name: "exact".to_owned(),
            version: 1,
            late: TimeDelta::ZERO,
            resolution: Some(TimeDelta::ZERO),
            end_is: EndIs::Event,
            idle: Idle::default(),
            kills: Kills::Hidden,
            key_has_destination: false,
            exclusive: true,
            max_life: None,
            survivors: None,
            late_starts: false,
        }
    }

    /// NAT events by RFC 8158, of a device that nothing else is known of: one flow holds one full key at a time, as
    /// with any NAT; nothing tells an early end from an expiry, so nobody is taken to have been idle.
    pub fn rfc8158() -> Profile {
        Profile { name: "rfc8158".to_owned(), exclusive: true, ..Profile::unknown() }
    }

    /// NAT events that an exporter makes of the conntrack events of a Linux NAT.
    ///
    /// What such an exporter adds to [`Profile::rfc8158`] is knowledge of the kernel: UDP and ICMP flows end no earlier
    /// than their shortest default timeout as the lab had it (10 s, 5 s). It says nothing of TCP, where a reset ends an
    /// unanswered flow at once and the export does not tell; and it holds only where nobody flushes the table
    /// (`conntrack -D`, `-F`) and it never overflows.
    pub fn linux_conntrack_export() -> Profile {
        Profile {
            name: "linux-conntrack-export".to_owned(),
            kills: Kills::None,
            idle: Idle {
                least: vec![
                    (Protocol::UDP, TimeDelta::from_second(9)),
                    (Protocol::ICMP, TimeDelta::from_second(4)),
                ],
                ..Idle::default()
            },
            ..Profile::rfc8158()
        }
    }

    /// The built-in profile of that name, one of [`Profile::builtin_names`].
    ///
    /// | name | default of | rests on |
    /// |---|---|---|
    /// | `unknown` | every format not named here | nothing: the least that is true of any NAT log |
    /// | `conntrack` | `conntrack` | a lab recording of Linux with known senders; `nf_conntrack_proto_tcp.c` |
    /// | `conntrack-xml` | `conntrack-xml` | the same: the same collector on the same events |
    /// | `ulogd`, `ulogd-json` | the formats of these names | the same recording |
    /// | `rfc8158` | | RFC 8158, and what a NAT is |
    /// | `linux-conntrack-export` | | the same recording, exported as IPFIX |
    /// | `exact` | | the definition: a table that is the truth itself |
    pub fn builtin(name: &str) -> Option<Profile> {
        BUILTINS.iter().find(|builtin| builtin.name == name).map(|builtin| (builtin.make)())
    }

    /// The names of the built-in profiles.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTINS.iter().map(|builtin| builtin.name)
    }

    /// What the values of a built-in profile rest on.
    pub fn builtin_basis(name: &str) -> Option<&'static str> {
        BUILTINS.iter().find(|builtin| builtin.name == name).map(|builtin| builtin.basis)
    }

    /// What the stamps of a format mean where nothing else is said: the profile of the dialect, else that of the format,
    /// else [`Profile::unknown`].
    ///
    /// ```
    /// use portledger::session::Profile;
    /// assert_eq!(Profile::for_format("conntrack", None), Profile::conntrack());
    /// assert_eq!(Profile::for_format("csv", None), Profile::unknown());
    /// ```
    pub fn for_format(format: &str, dialect: Option<&str>) -> Profile {
        let of = |entry: &str, dialect: Option<&str>| match entry.split_once('/') {
            Some((name, own)) => name == format && Some(own) == dialect,
            None => entry == format && dialect.is_none(),
        };
        let find = |dialect| BUILTINS.iter().find(|b| b.formats.iter().any(|e| of(e, dialect)));
        let found = dialect.and_then(|d| find(Some(d))).or_else(|| find(None));
        found.map_or_else(Profile::unknown, |builtin| (builtin.make)())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtins_are_valid_and_found_by_their_own_names() {
        for builtin in BUILTINS {
            let profile = (builtin.make)();
            assert_eq!(profile.name, builtin.name);
            assert_eq!(profile.validate(), Ok(()));
            assert_eq!(Profile::builtin(builtin.name), Some(profile));
            for entry in builtin.formats {
                let (format, dialect) =
                    entry.split_once('/').map_or((*entry, None), |(f, d)| (f, Some(d)));
                assert_eq!(Profile::for_format(format, dialect).name, builtin.name, "{entry}");
            }
        }
    }

    #[test]
    fn a_dialect_without_a_profile_of_its_own_has_its_formats() {
        assert_eq!(Profile::for_format("conntrack", Some("any")), Profile::conntrack());
        assert_eq!(Profile::for_format("new-box", Some("any")), Profile::unknown());
    }

    #[test]
    fn no_log_but_a_proven_one_is_less_than_a_second_late() {
        for builtin in BUILTINS.iter().filter(|b| !b.formats.is_empty()) {
            assert!((builtin.make)().late >= TimeDelta::from_second(1), "{}", builtin.name);
        }
    }

    #[cfg(feature = "netflow")]
    #[test]
    fn every_format_that_a_profile_is_of_is_read() {
        for entry in BUILTINS.iter().flat_map(|builtin| builtin.formats) {
            let format = entry.split('/').next().unwrap();
            assert!(format.parse::<crate::natlog::Format>().is_ok(), "{format}");
        }
    }
}
