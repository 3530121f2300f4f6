//! What a flow does: when its packets leave, and which states a connection tracker sees it in.

use crate::protocol::Protocol;
use crate::synth::day::{MILLI, SECOND};
use crate::synth::rng::{SplitMix64, micros};

/// A change that a tracker reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// When, microseconds.
    pub(super) at: i64,
    /// How long the entry lives on without another packet, in seconds.
    pub(super) timeout: i64,
    /// The state of a TCP flow; empty for others.
    pub(super) state: &'static str,
    /// Whether the far side has answered.
    pub(super) replied: bool,
    /// Whether the flow is held to be real, and not the first to be dropped.
    pub(super) assured: bool,
}

/// The life of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    /// The reported changes; the first is its creation.
    pub(super) steps: Vec<Step>,
    /// When the inside sent a packet, ascending.
    pub(super) packets: Vec<i64>,
    /// When the entry expires: the last packet of either side, and the timeout of its state then.
    pub(super) stop: i64,
    /// The same flow is opened anew at this instant, while the old entry still stands after a reset.
    pub(super) reopened: Option<i64>,
}

/// Timeouts in seconds: UDP and ICMP as Linux has them, TCP shorter, as CGNs do (RFC 5382 allows two hours for an
/// established flow at the least, and is seldom obeyed).
const SYN: i64 = 20;
const ESTABLISHED: i64 = 600;
const FIN_WAIT: i64 = 30;
const LAST_ACK: i64 = 10;
const TIME_WAIT: i64 = 30;
const CLOSE: i64 = 5;
const UDP: i64 = 30;
const UDP_STREAM: i64 = 120;
const ICMP: i64 = 10;

/// Collects steps and packets until the line goes silent.
struct Writer {
    steps: Vec<Step>,
    packets: Vec<i64>,
    last: i64,
    touched: i64,
}

impl Writer {
    /// A packet from the inside, and the change that it makes; false once the line is silent.
    fn send(&mut self, at: i64, step: Option<Step>) -> bool {
        if at > self.last {
            return false;
        }
        self.packets.push(at);
        self.touch(at, step)
    }

    /// A packet from the far side.
    fn receive(&mut self, at: i64, step: Option<Step>) -> bool {
        at <= self.last && self.touch(at, step)
    }

    fn touch(&mut self, at: i64, step: Option<Step>) -> bool {
        self.touched = self.touched.max(at);
        self.steps.extend(step.map(|s| Step { at, ..s }));
        true
    }

    fn finish(self, reopened: Option<i64>) -> Script {
        let timeout = self.steps.last().map_or(0, |s| s.timeout);
        Script {
            stop: self.touched + timeout * SECOND,
            steps: self.steps,
            packets: self.packets,
            reopened,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the steps beside it are optional")]
const fn step(timeout: i64, state: &'static str, replied: bool, assured: bool) -> Option<Step> {
    Some(Step { at: 0, timeout, state, replied, assured })
}

/// Makes the life of a flow that begins at `start`, from a line that is silent after `last`.
pub(super) fn script(protocol: Protocol, start: i64, last: i64, rng: &mut SplitMix64) -> Script {
    let w = Writer { steps: Vec::new(), packets: Vec::new(), last, touched: start };
    let rtt = micros(rng.lognormal(0.02, 0.6)).clamp(MILLI, 300 * MILLI);
    match protocol {
        Protocol::TCP => tcp(w, start, rtt, rng),
        Protocol::UDP => udp(w, start, rtt, rng),
        _ => icmp(w, start, rtt, rng),
    }
}

fn tcp(mut w: Writer, start: i64, rtt: i64, rng: &mut SplitMix64) -> Script {
    w.send(start, step(SYN, "SYN_SENT", false, false));
    if rng.chance(0.04) {
        // Nobody answers.
        for retry in [1, 3, 7] {
            w.send(start + retry * SECOND, None);
        }
        return w.finish(None);
    }
    let open = start + rtt;
    if !w.receive(open, step(SYN, "SYN_RECV", true, false))
        || !w.send(open + rng.between(5, 80), step(ESTABLISHED, "ESTABLISHED", true, true))
    {
        return w.finish(None);
    }
    let length = micros(rng.lognormal(3.0, 1.6).clamp(0.02, 900.0)).max(2 * rtt);
    let (mut at, end) = (open + MILLI, open + length);
    while at < end {
        w.send(at, None);
        w.receive(at + rtt, None);
        at += micros(rng.exponential(8.0)).clamp(rtt, 200 * SECOND);
    }
    let end = end.max(w.touched + MILLI);
    if rng.chance(0.12) {
        if !w.send(end, step(CLOSE, "CLOSE", true, true)) {
            return w.finish(None);
        }
        let again = end + rng.between(300 * MILLI, 3_500 * MILLI);
        return w.finish(rng.chance(0.25).then_some(again));
    }
    let _ = w.send(end, step(FIN_WAIT, "FIN_WAIT", true, true))
        && w.receive(end + rtt, step(LAST_ACK, "LAST_ACK", true, true))
        && w.send(end + rtt + rng.between(5, 80), step(TIME_WAIT, "TIME_WAIT", true, true));
    w.finish(None)
}

fn udp(mut w: Writer, start: i64, rtt: i64, rng: &mut SplitMix64) -> Script {
    w.send(start, step(UDP, "", false, false));
    if rng.chance(0.08) {
        w.send(start + 5 * SECOND, None);
        return w.finish(None);
    }
    if !w.receive(start + rtt, step(UDP, "", true, false)) || rng.chance(0.6) {
        return w.finish(None);
    }
    let end = start + micros(rng.lognormal(5.0, 1.3).clamp(0.1, 600.0));
    let (mut at, mut assured) = (start + 2 * rtt, false);
    while at < end {
        // An answered flow that is still busy after two seconds becomes a stream.
        let becomes = !assured && at > start + 2 * SECOND;
        assured |= becomes;
        w.send(at, if becomes { step(UDP_STREAM, "", true, true) } else { None });
        w.receive(at + rtt, None);
        at += micros(rng.exponential(2.0)).clamp(rtt, 20 * SECOND);
    }
    w.finish(None)
}

fn icmp(mut w: Writer, start: i64, rtt: i64, rng: &mut SplitMix64) -> Script {
    w.send(start, step(ICMP, "", false, false));
    if rng.chance(0.9) {
        w.receive(start + rtt, step(ICMP, "", true, false));
    }
    for echo in 1..=i64::try_from(rng.poisson(2.0)).unwrap_or(0) {
        w.send(start + echo * SECOND, None);
    }
    w.finish(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_entry_expires_between_two_packets_and_nothing_follows_silence() {
        let mut rng = SplitMix64::new(1);
        let mut states = std::collections::BTreeSet::new();
        for round in 0..6_000 {
            let protocol = [Protocol::TCP, Protocol::UDP, Protocol::ICMP][round % 3];
            let last = if rng.chance(0.2) { rng.between(0, 30 * SECOND) } else { i64::MAX };
            let script = script(protocol, 0, last, &mut rng);
            assert_eq!((script.steps[0].at, script.packets[0]), (0, 0));
            assert!(script.steps.windows(2).all(|s| s[0].at <= s[1].at));
            assert!(script.packets.windows(2).all(|p| p[0] <= p[1]));
            assert!(script.packets.iter().all(|&p| p <= last && p < script.stop));
            for pair in script.packets.windows(2) {
                let state = script.steps.iter().rfind(|s| s.at <= pair[0]).unwrap();
                assert!(pair[1] - pair[0] < state.timeout * SECOND, "{script:?}");
            }
            assert!(
                script
                    .reopened
                    .is_none_or(|r| r > *script.packets.last().unwrap() && r < script.stop)
            );
            states.extend(script.steps.iter().map(|s| (s.state, s.replied, s.assured)));
        }
        assert_eq!(states.len(), 9 + 1, "{states:?}");
    }
}
