//! The lab recording through its conntrack logs.

#[path = "common/lab.rs"]
mod recording;

use std::path::Path;

use recording::{Log, lab, score};

fn conntrack<'a>(lab: &Path, more: &'a [&'a str]) -> [Log<'a>; 2] {
    ["cgnA", "cgnB"].map(|nat| (nat, "conntrack", more, lab.join(nat).join("conntrack_E.log")))
}

#[test]
fn with_destination_nobody_is_wronged_and_nearly_everybody_found() {
    let Some(lab) = lab() else { return };
    let score = score(&lab, &conntrack(&lab, &[]), true);
    assert!(score.right_share() >= 0.999, "{score:?}");
    assert_eq!(score.named_nobody, 60, "negatives that were rejected: {score:?}");
}

#[test]
fn without_destination_nobody_is_wronged_or_overclaimed() {
    let Some(lab) = lab() else { return };
    let score = score(&lab, &conntrack(&lab, &[]), false);
    assert_eq!(score.overclaimed, 0, "{score:?}");
    assert!(score.right_share() >= 0.97, "{score:?}");
}

#[test]
fn without_a_profile_nobody_is_wronged() {
    let Some(lab) = lab() else { return };
    for with_destination in [true, false] {
        let score = score(&lab, &conntrack(&lab, &["--profile", "unknown"]), with_destination);
        assert!(score.right_share() >= 0.94, "{score:?}");
    }
}

/// cgnA by its NAT events in IPFIX (RFC 8158), cgnB by conntrack.
#[test]
fn nat_events_in_ipfix_wrong_nobody() {
    let Some(lab) = lab() else { return };
    let unknown = ["--profile", "unknown"];
    for more in [&[][..], &unknown] {
        let logs: [Log<'_>; 2] = [
            ("cgnA", "ipfix", more, lab.join("cgnA/nat_events.ipfix")),
            ("cgnB", "conntrack", &[], lab.join("cgnB/conntrack_E.log")),
        ];
        for with_destination in [true, false] {
            println!("{:?}", score(&lab, &logs, with_destination));
        }
    }
}
