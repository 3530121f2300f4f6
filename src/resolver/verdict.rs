//! The kinds of answer, and the reasons for them.

use std::fmt;

use serde::Serialize;

/// The kind of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// One subscriber, if the clock is right within the tolerance.
    Unique,
    /// Several could have been it.
    Ambiguous,
    /// The records do not reach that time.
    NotCovered,
    /// The records contradict one another.
    Conflict,
    /// The records were deleted.
    Purged,
    /// The address was never ours.
    NotOurs,
    /// One inside host, but nobody knows whose it was.
    Unbound,
    /// Nobody held it.
    Free,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Verdict; 8] = [
        Verdict::Unique,
        Verdict::Ambiguous,
        Verdict::NotCovered,
        Verdict::Conflict,
        Verdict::Purged,
        Verdict::NotOurs,
        Verdict::Unbound,
        Verdict::Free,
    ];

    /// The name on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Unique => "unique",
            Verdict::Ambiguous => "ambiguous",
            Verdict::NotCovered => "not-covered",
            Verdict::Conflict => "conflict",
            Verdict::Purged => "purged",
            Verdict::NotOurs => "not-ours",
            Verdict::Unbound => "unbound",
            Verdict::Free => "free",
        }
    }

    /// The exit code of a single `resolve`.
    pub const fn exit_code(self) -> u8 {
        match self {
            Verdict::Unique => 0,
            Verdict::Ambiguous => 3,
            Verdict::NotCovered => 4,
            Verdict::Conflict => 5,
            Verdict::Purged => 6,
            Verdict::NotOurs => 7,
            Verdict::Unbound => 8,
            Verdict::Free => 9,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the verdict is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// A record that was in use at that time.
    Used,
    /// A record that still held the port, though its last packet was earlier.
    Held,
    /// The rules in force.
    Rule,
    /// Several hosts could have held it.
    SeveralHolders,
    /// Several subscribers were bound to the one inside host.
    SeveralBindings,
    /// A protocol without ports on an address that several share.
    PortlessProtocol,
    /// Part of the time lies outside the recorded time of the logs.
    OutsideRecords,
    /// Only an open record speaks for it, and lines were lost.
    OpenRecordAlone,
    /// No rule set was in force for part of the time.
    RuleHistoryGap,
    /// The binding table in force has no row for the port; the relay drops such packets, and the table may not be whole.
    NoBindingRow,
    /// The rules in force share the address out one by one, and none of them is for the PSID of the port.
    NoRuleForPsid,
    /// Nobody is recorded, but a mapping older than the log could still have stood.
    NoMaxLife,
    /// Nobody is recorded, but the source was seen to lose lines.
    LostLines,
    /// Nobody is recorded, but the source shows flows without saying who held which public port.
    UnnamedFlows,
    /// Two hosts certainly held one key that only one can hold.
    TwoHoldersOfAnExclusiveKey,
    /// A rule names one holder and a log another.
    RuleAgainstLog,
    /// The rules give the port to nobody, and a log says that somebody certainly had it.
    NobodyAgainstLog,
    /// Two bindings certainly name two people at the deciding instant.
    TwoBindings,
    /// The records of that time were deleted.
    Expired,
    /// No pool, rule or record ever had the address.
    NeverSeen,
    /// No binding names the host at the deciding time.
    NoBinding,
    /// Recorded time, and nobody held the port.
    Idle,
    /// A port that the rule gives to nobody.
    ExcludedPort,
    /// A port that the rule could give out, but no inside host has.
    LeftoverPort,
    /// A port that the rule hands out on demand: only a log can tell.
    DynamicPool,
    /// A port that the pool does not use.
    OutsidePoolRange,
    /// The port was held, but towards other destinations.
    OtherDestination,
    /// The port was held, but with another protocol.
    OtherProtocol,
}
