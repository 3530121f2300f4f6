//! The source profile: what the stamps of one kind of log mean.

mod builtin;
mod linux;

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
    /// But never more than this: how short the device may cut a printed timeout without a record of it.
    pub logged_timeout_at_most: Option<TimeDelta>,
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
/// An answer names the profile it rests on. Some are built in, see [`Profile::builtin`]; others are JSON files.
///
/// # Text form
///
/// A JSON object; lengths of time are texts, `"150ms"`, `"2s"`, `"24h"`. A key that is not in the table is refused,
/// and so are values that mean nothing, see [`ProfileError`].
///
/// | key | value | without it |
/// |---|---|---|
/// | `name`, `version` | a text without `/`, a number; answers carry both | an error |
/// | `late` | how late a create stamp may be | an error |
/// | `resolution` | how far each stamp is cut off; `"0s"`: stamps are exact | what the digits of each stamp tell |
/// | `end_is` | `"event"` or `"logged-stop"` | an error |
/// | `idle.logged_timeout_less` | printed timeouts count, less this | they do not count |
/// | `idle.logged_timeout_at_most` | but never more than this | no limit |
/// | `idle.least` | pairs of protocol and time, `[["udp", "9s"]]` | zero for every protocol |
/// | `kills` | `"marked"`, `"hidden"` or `"none"` | an error |
/// | `key_has_destination`, `exclusive` | `true` or `false` | an error |
/// | `max_life` | the longest life of a mapping | unlimited |
/// | `survivors` | how long old flows outlive a reassigned block | they do not |
/// | `late_starts` | `true` where the start that a release carries alone, without a create of its own, is as late as a create stamp | it is the device's own, and nothing begins before it |
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
#[cfg_attr(feature = "serde", serde(try_from = "Written"))]
pub struct Profile {
    /// The name that answers carry.
    pub name: String,
    /// Grows with every change of a value.
    pub version: u32,
    /// How late a create stamp may be (L).
    pub late: TimeDelta,
    /// How far each stamp is cut off, where its digits do not tell; zero says that stamps are exact.
    pub resolution: Option<TimeDelta>,
    /// What the release stamp means.
    pub end_is: EndIs,
    /// The least time from the last packet to expiry.
    pub idle: Idle,
    /// Whether early ends are told apart.
    pub kills: Kills,
    /// Whether one port may serve different hosts towards different destinations at once.
    pub key_has_destination: bool,
    /// Whether two hosts can never hold one full key at once.
    pub exclusive: bool,
    /// The longest life of a mapping; none is unlimited, and then absence is never covered by the log alone.
    pub max_life: Option<TimeDelta>,
    /// How long old flows outlive a block that was given to somebody else.
    pub survivors: Option<TimeDelta>,
    /// Whether the start that a release carries alone, without a create of its own, is as late as a create stamp.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "std::ops::Not::not"))]
    pub late_starts: bool,
}

impl Profile {
    /// The name and version as answers print them, `conntrack/1`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }

    /// Checks that the statements can be true.
    ///
    /// # Errors
    ///
    /// [`ProfileError`] for the first that cannot. Reading a profile file checks it too.
    pub fn validate(&self) -> Result<(), ProfileError> {
        if self.name.is_empty() || self.name.contains(|c: char| c == '/' || c.is_control()) {
            return Err(ProfileError::Name(self.name.clone()));
        }
        let at_least = |key: &'static str, value: Option<TimeDelta>, least: TimeDelta| match value {
            Some(value) if value < least => Err(ProfileError::TooShort { key, value, least }),
            _ => Ok(()),
        };
        let (zero, tick) = (TimeDelta::ZERO, TimeDelta::from_microsecond(1));
        at_least("late", Some(self.late), zero)?;
        at_least("resolution", self.resolution, zero)?;
        at_least("idle.logged_timeout_less", self.idle.logged_timeout_less, zero)?;
        at_least("idle.logged_timeout_at_most", self.idle.logged_timeout_at_most, zero)?;
        at_least("max_life", self.max_life, tick)?;
        at_least("survivors", self.survivors, zero)?;
        for (at, &(protocol, least)) in self.idle.least.iter().enumerate() {
            at_least("idle.least", Some(least), zero)?;
            if self.idle.least.iter().skip(at + 1).any(|(other, _)| *other == protocol) {
                return Err(ProfileError::ProtocolTwice(protocol));
            }
        }
        Ok(())
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
        let most = self.idle.logged_timeout_at_most.unwrap_or(TimeDelta::MAX);
        let printed = TimeDelta::from_second(i64::from(timeout)).minus(less);
        let printed = printed.min(most).max(TimeDelta::ZERO);
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

/// Why a profile cannot be true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// A name that answers cannot carry.
    #[error("the profile name `{0}` is empty or holds `/`: give it a name such as edge-7")]
    Name(String),
    /// A length of time below what it can be.
    #[error("`{key}` is {value}, and cannot be less than {least}: correct it or leave the key out")]
    TooShort {
        /// The key in the profile file.
        key: &'static str,
        /// Its value.
        value: TimeDelta,
        /// The least that it can be.
        least: TimeDelta,
    },
    /// Two idle times for one protocol.
    #[error("`idle.least` names {0} twice: keep the shorter time")]
    ProtocolTwice(Protocol),
}

/// A profile as a file says it, before it is checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    version: u32,
    late: TimeDelta,
    #[serde(default)]
    resolution: Option<TimeDelta>,
    end_is: EndIs,
    #[serde(default)]
    idle: Idle,
    kills: Kills,
    key_has_destination: bool,
    exclusive: bool,
    #[serde(default)]
    max_life: Option<TimeDelta>,
    #[serde(default)]
    survivors: Option<TimeDelta>,
    #[serde(default)]
    late_starts: bool,
}

#[cfg(feature = "serde")]
impl TryFrom<Written> for Profile {
    type Error = ProfileError;

    fn try_from(written: Written) -> Result<Profile, ProfileError> {
        let profile = Profile {
            name: written.name,
            version: written.version,
            late: written.late,
            resolution: written.resolution,
            end_is: written.end_is,
            idle: written.idle,
            kills: written.kills,
            key_has_destination: written.key_has_destination,
            exclusive: written.exclusive,
            max_life: written.max_life,
            survivors: written.survivors,
            late_starts: written.late_starts,
        };
        profile.validate()?;
        Ok(profile)
    }
}

#[cfg(test)]
mod tests;
