//! The source profile: what the stamps of one kind of log mean.

use crate::natlog::TcpState;
use crate::protocol::Protocol;
use crate::time::TimeDelta;

/// What a release stamp means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum EndIs {
    /// The stamp is the end, or later than it by an unknown delay.
    Event,
    /// The source logs the real end beside the stamp (`[stop=]` of conntrack).
    LoggedStop,
}

/// Whether early ends (reset, flush, early drop) are told apart from expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Kills {
    /// Each release says which it was.
    Marked,
    /// They happen and look like any other end.
    Hidden,
    /// The device has none: every end is an expiry.
    None,
}

/// The least time from the last packet of a flow to its expiry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Idle {
    /// Use the timeout that the log prints last for the flow, less this much.
    pub logged_timeout_less: Option<TimeDelta>,
    /// What holds where the log prints none, by protocol; a protocol that is not named has zero.
    pub least: Vec<(Protocol, TimeDelta)>,
}

impl Idle {
    fn least(&self, protocol: Option<Protocol>) -> TimeDelta {
        let named = |p| self.least.iter().find(|(q, _)| *q == p).map(|(_, d)| *d);
        protocol.and_then(named).unwrap_or(TimeDelta::ZERO)
    }
}

/// What the log last said of a flow's timer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timer {
    pub(super) timeout_second: Option<u32>,
    pub(super) state: Option<TcpState>,
    pub(super) state_at_release: Option<TcpState>,
    pub(super) seen_update: bool,
}

/// What the stamps of a source mean: a named, versioned set of statements, from which every interval is made.
///
/// An answer names the profile it rests on. Three are built in, see [`Profile::builtin`]; others are JSON files:
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use portledger::session::Profile;
/// let text = r#"{
///   "name": "edge-7", "version": 1, "late": "2s", "end_is": "event", "kills": "marked",
///   "idle": { "least": [["udp", "30s"], ["tcp", "4s"]] },
///   "key_has_destination": false, "exclusive": true, "max_life": "24h"
/// }"#;
/// let profile: Profile = serde_json::from_str(text)?;
/// assert!(profile.exclusive && profile.survivors.is_none());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Profile {
    /// The name that answers carry.
    pub name: String,
    /// Grows with every change of a value.
    pub version: u32,
    /// How late a create stamp may be (L).
    pub late: TimeDelta,
    /// How far each stamp is cut off, where its digits do not tell; zero says that stamps are exact.
    #[cfg_attr(feature = "serde", serde(default))]
    pub resolution: Option<TimeDelta>,
    /// What the release stamp means.
    pub end_is: EndIs,
    /// The least time from the last packet to expiry.
    #[cfg_attr(feature = "serde", serde(default))]
    pub idle: Idle,
    /// Whether early ends are told apart.
    pub kills: Kills,
    /// Whether one port may serve different hosts towards different destinations at once.
    pub key_has_destination: bool,
    /// Whether two hosts can never hold one full key at once.
    pub exclusive: bool,
    /// The longest life of a mapping; none is unlimited, and then absence is never covered by the log alone.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_life: Option<TimeDelta>,
    /// How long old flows outlive a block that was given to somebody else.
    #[cfg_attr(feature = "serde", serde(default))]
    pub survivors: Option<TimeDelta>,
}

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
        }
    }

    /// The built-in profile of that name: `unknown`, `conntrack` or `exact`.
    pub fn builtin(name: &str) -> Option<Profile> {
        match name {
            "unknown" => Some(Profile::unknown()),
            "conntrack" => Some(Profile::conntrack()),
            "exact" => Some(Profile::exact()),
            _ => None,
        }
    }

    /// The name and version as answers print them, `conntrack/1`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }

    /// The least time from a flow's last packet to its end, given how it ended and what the log printed.
    ///
    /// Zero for an end that may have been a kill. A printed timeout counts only where the log prints every change of
    /// it, that is where the source logs updates and the state at release is the one last printed.
    pub(super) fn idle_before_end(
        &self,
        protocol: Option<Protocol>,
        killed: Option<bool>,
        timer: Timer,
        source_logs_updates: bool,
    ) -> TimeDelta {
        let expired = match self.kills {
            Kills::None => true,
            Kills::Marked => killed == Some(false),
            Kills::Hidden => false,
        };
        if expired {
            self.shortest_timeout(protocol, timer, source_logs_updates)
        } else {
            TimeDelta::ZERO
        }
    }

    /// The least time that a flow lives on after a packet.
    pub(super) fn shortest_timeout(
        &self,
        protocol: Option<Protocol>,
        timer: Timer,
        source_logs_updates: bool,
    ) -> TimeDelta {
        let least = self.idle.least(protocol);
        let (Some(less), Some(timeout)) = (self.idle.logged_timeout_less, timer.timeout_second)
        else {
            return least;
        };
        let printed = TimeDelta::from_second(i64::from(timeout)).minus(less).max(TimeDelta::ZERO);
        let state_is_last = match (timer.state, timer.state_at_release) {
            (Some(last), Some(at_release)) => last == at_release,
            _ => true,
        };
        if source_logs_updates && state_is_last {
            printed
        } else if protocol == Some(Protocol::TCP) && !timer.seen_update {
            // The timeout of a first SYN says nothing of the state that the flow ended in.
            least
        } else {
            least.min(printed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(timeout: u32, last: Option<TcpState>, at_release: Option<TcpState>) -> Timer {
        Timer {
            timeout_second: Some(timeout),
            state: last,
            state_at_release: at_release,
            seen_update: true,
        }
    }

    #[test]
    fn a_printed_timeout_counts_rather_than_a_constant() {
        let p = Profile::conntrack();
        let t = timer(30, None, None);
        let idle = p.idle_before_end(Some(Protocol::UDP), Some(false), t, true);
        assert_eq!(idle, TimeDelta::from_second(29));
    }

    #[test]
    fn without_updates_the_constants_hold() {
        let p = Profile::conntrack();
        for (protocol, timeout, idle) in [
            (Protocol::TCP, 120, 1),
            (Protocol::UDP, 30, 9),
            (Protocol::UDP, 6, 5),
            (Protocol::ICMP, 30, 4),
        ] {
            let t = Timer { timeout_second: Some(timeout), ..Timer::default() };
            let found = p.idle_before_end(Some(protocol), Some(false), t, false);
            assert_eq!(found, TimeDelta::from_second(idle), "{protocol} {timeout}");
        }
    }

    #[test]
    fn a_state_change_whose_line_was_lost_takes_the_printed_timeout_out_of_force() {
        let p = Profile::conntrack();
        let t = timer(432_000, Some(TcpState::Established), Some(TcpState::TimeWait));
        let idle = p.idle_before_end(Some(Protocol::TCP), Some(false), t, true);
        assert_eq!(idle, TimeDelta::from_second(1));
    }

    #[test]
    fn a_killed_or_undeclared_end_has_no_idle() {
        let p = Profile::conntrack();
        let t = timer(30, None, None);
        for killed in [Some(true), None] {
            let idle = p.idle_before_end(Some(Protocol::UDP), killed, t, true);
            assert_eq!(idle, TimeDelta::ZERO, "{killed:?}");
        }
    }

    #[test]
    fn where_kills_are_hidden_every_end_may_be_one() {
        let hidden = Profile { kills: Kills::Hidden, ..Profile::conntrack() };
        let none = Profile { kills: Kills::None, ..Profile::conntrack() };
        let t = timer(30, None, None);
        let idle = |p: &Profile| p.idle_before_end(Some(Protocol::UDP), Some(false), t, true);
        assert_eq!(idle(&hidden), TimeDelta::ZERO);
        assert_eq!(idle(&none), TimeDelta::from_second(29));
    }

    #[test]
    fn the_unknown_profile_claims_nothing() {
        let p = Profile::unknown();
        assert_eq!(p.late, TimeDelta::from_second(1));
        assert!(!p.exclusive && p.max_life.is_none() && p.kills == Kills::Hidden);
        assert_eq!(Profile::builtin("unknown"), Some(p));
        assert_eq!(Profile::builtin("nobody"), None);
    }
}
