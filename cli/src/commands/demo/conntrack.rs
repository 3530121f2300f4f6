//! Flows as `conntrack -E -o timestamp,extended,id,ktimestamp` would have logged them.

use std::fmt::Write;

/// 2026-11-02T00:00:00Z, in seconds. It was a Monday.
const MIDNIGHT: i64 = 1_793_577_600;

/// One flow through the NAT; times are `HH:MM:SS.ffffff` of the day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) protocol: &'static str,
    pub(super) inside: &'static str,
    pub(super) inside_port: u16,
    pub(super) outside: &'static str,
    pub(super) outside_port: u16,
    pub(super) far: &'static str,
    pub(super) far_port: u16,
    pub(super) created: &'static str,
    /// The last change of state that the tracker logged.
    pub(super) changed: &'static str,
    /// When the line of its end was read, and the second at which the kernel stopped it.
    pub(super) ended: (&'static str, &'static str),
    pub(super) id: u32,
}

/// The log of these flows, in the order of its stamps.
pub(super) fn log(flows: &[Flow]) -> String {
    let mut lines: Vec<(i64, String)> = flows.iter().flat_map(lines).collect();
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn lines(flow: &Flow) -> [(i64, String); 3] {
    let Flow { protocol, inside, inside_port, outside, outside_port, far, far_port, id, .. } = flow;
    let is_tcp = *protocol == "tcp";
    let number = if is_tcp { 6 } else { 17 };
    let original = format!("src={inside} dst={far} sport={inside_port} dport={far_port}");
    let reply = format!("src={far} dst={outside} sport={far_port} dport={outside_port}");
    let (first, last, at_end) =
        if is_tcp { ("120 SYN_SENT ", "120 TIME_WAIT ", "TIME_WAIT ") } else { ("30 ", "30 ", "") };
    let head = |at: &str, event: &str, state: &str| {
        let microsecond = microsecond(at);
        let (second, fraction) = (microsecond / 1_000_000, microsecond % 1_000_000);
        let text = format!(
            "[{second}.{fraction:06}]\t{event} ipv4     2 {protocol:<8} {number} {state}{original} "
        );
        (microsecond, text)
    };
    let (created, mut new) = head(flow.created, "    [NEW]", first);
    let _ = writeln!(new, "[UNREPLIED] {reply} id={id}");
    let (changed, mut update) = head(flow.changed, " [UPDATE]", last);
    let assured = if is_tcp { " [ASSURED]" } else { "" };
    let _ = writeln!(update, "{reply}{assured} id={id}");
    let (ended, mut destroy) = head(flow.ended.0, "[DESTROY]", at_end);
    let (start, stop) = (whole_second(flow.created), whole_second(flow.ended.1));
    let _ = writeln!(
        destroy,
        "packets=9 bytes=828 {reply} packets=7 bytes=980{assured} delta-time={} [start=Mon Nov  2 {start} 2026] \
         [stop=Mon Nov  2 {stop} 2026] id={id}",
        (microsecond(stop) - microsecond(start)) / 1_000_000
    );
    [(created, new), (changed, update), (ended, destroy)]
}

/// Microseconds since 1970 of a time of the day.
pub(super) fn microsecond(at: &str) -> i64 {
    let (clock, fraction) = at.split_once('.').unwrap_or((at, "0"));
    let second = clock.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i64>().unwrap_or(0));
    let fraction = format!("{fraction:0<6}").parse::<i64>().unwrap_or(0);
    (MIDNIGHT + second) * 1_000_000 + fraction
}

fn whole_second(at: &str) -> &str {
    at.split_once('.').map_or(at, |(clock, _)| clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_as_conntrack_writes_them() {
        let flow = Flow {
            protocol: "udp",
            inside: "100.64.9.4",
            inside_port: 5_353,
            outside: "198.18.1.7",
            outside_port: 20_017,
            far: "192.0.2.53",
            far_port: 53,
            created: "18:00:00.5",
            changed: "18:00:01.25",
            ended: ("18:00:33.000001", "18:00:32"),
            id: 7,
        };
        assert_eq!(
            log(&[flow]),
            "[1793642400.500000]\t    [NEW] ipv4     2 udp      17 30 src=100.64.9.4 dst=192.0.2.53 sport=5353 dport=53 \
             [UNREPLIED] src=192.0.2.53 dst=198.18.1.7 sport=53 dport=20017 id=7\n\
             [1793642401.250000]\t [UPDATE] ipv4     2 udp      17 30 src=100.64.9.4 dst=192.0.2.53 sport=5353 dport=53 \
             src=192.0.2.53 dst=198.18.1.7 sport=53 dport=20017 id=7\n\
             [1793642433.000001]\t[DESTROY] ipv4     2 udp      17 src=100.64.9.4 dst=192.0.2.53 sport=5353 dport=53 \
             packets=9 bytes=828 src=192.0.2.53 dst=198.18.1.7 sport=53 dport=20017 packets=7 bytes=980 delta-time=32 \
             [start=Mon Nov  2 18:00:00 2026] [stop=Mon Nov  2 18:00:32 2026] id=7\n"
        );
    }
}
