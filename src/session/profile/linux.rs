//! What the stamps of the Linux connection tracker mean, whoever writes them.

use super::{EndIs, Idle, Kills, Profile};
use crate::time::TimeDelta;

impl Profile {
    /// `conntrack -E -o xml` of a Linux NAT.
    ///
    /// Everything as in [`Profile::conntrack`], from the same recording and kernel: the same collector reads the same
    /// events. Only the digits differ. `<when>` is cut off to whole seconds, which each stamp shows by itself, and the
    /// start of a destroyed flow is known to the nanosecond, before which no record of it begins.
    pub fn conntrack_xml() -> Profile {
        Profile { name: "conntrack-xml".to_owned(), ..Profile::conntrack() }
    }

    /// The JSON of ulogd2's NFCT input.
    ///
    /// | field | value | basis |
    /// |---|---|---|
    /// | `late` | 1 s | a new flow is stamped when ulogd reads it: at most 2.2 ms late in the recording, on an idle machine; 0.32 s was seen of conntrack, which reads the same socket, under load |
    /// | `end_is` | `logged-stop` | `flow.end` is the kernel's stop; the record is written up to 27 s later |
    /// | `kills` | `hidden` | no key tells a flush or reset from an expiry |
    /// | `idle` | zero | follows from it; no timeout is logged either |
    /// | `key_has_destination`, `exclusive` | `true` | the table of the kernel holds a reply tuple once |
    /// | `late_starts` | `true` | in hash mode `flow.start` is when ulogd read the new flow; where the new flow is logged too, the start beside its end is the kernel's |
    /// | `max_life` | unlimited | a flow with packets lives on |
    pub fn ulogd_json() -> Profile {
        Profile {
            name: "ulogd-json".to_owned(),
            version: 1,
            late: TimeDelta::from_second(1),
            resolution: None,
            end_is: EndIs::LoggedStop,
            idle: Idle::default(),
            kills: Kills::Hidden,
            key_has_destination: true,
            exclusive: true,
            max_life: None,
            survivors: None,
            late_starts: true,
        }
    }

    /// The text of ulogd2's NFCT input (PRINTFLOW, LOGEMU, GPRINT).
    ///
    /// As [`Profile::ulogd_json`]. PRINTFLOW logs no stop, so a flow ends with the line that says it is gone: up to
    /// 27 s late in the recording, yet the kernel gives its port to nobody else before that event.
    pub fn ulogd() -> Profile {
        Profile { name: "ulogd".to_owned(), ..Profile::ulogd_json() }
    }
}
