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
fn ipfix<'a>(lab: &Path, more: &'a [&'a str]) -> [Log<'a>; 2] {
    [
        ("cgnA", "ipfix", more, lab.join("cgnA/nat_events.ipfix")),
        ("cgnB", "conntrack", &[], lab.join("cgnB/conntrack_E.log")),
    ]
}

/// What an operator of that box may know: nobody flushed its table, and the shortest TCP timeout is two seconds.
const OPERATOR: &str = r#"{
    "name": "cgn-a", "version": 1, "late": "500ms", "end_is": "event", "kills": "none",
    "idle": { "least": [["tcp", "1s"], ["udp", "9s"], ["icmp", "4s"]] },
    "key_has_destination": true, "exclusive": true
}"#;

#[test]
fn nat_events_in_ipfix_wrong_nobody() {
    let Some(lab) = lab() else { return };
    let (rfc8158, export) = (["--profile", "rfc8158"], ["--profile", "linux-conntrack-export"]);
    for (more, with_destination, least) in [
        (&[][..], true, 0.98),
        (&rfc8158, true, 0.98),
        (&rfc8158, false, 0.94),
        (&export, true, 0.99),
        (&export, false, 0.94),
    ] {
        let score = score(&lab, &ipfix(&lab, more), with_destination);
        assert!(score.right_share() >= least, "{more:?}: {score:?}");
        assert_eq!(score.overclaimed, 0, "{more:?}: {score:?}");
    }
}

#[test]
fn nat_events_in_ipfix_find_nearly_everybody_for_who_knows_the_box() {
    let Some(lab) = lab() else { return };
    let dir = tempfile::tempdir().unwrap();
    let profile = dir.path().join("cgn-a.json");
    std::fs::write(&profile, OPERATOR).unwrap();
    let more = ["--profile", profile.to_str().unwrap()];
    let with = score(&lab, &ipfix(&lab, &more), true);
    assert!(with.right_share() >= 0.999, "{with:?}");
    assert_eq!(with.named_nobody, 60, "negatives that were rejected: {with:?}");
    let without = score(&lab, &ipfix(&lab, &more), false);
    assert_eq!(without.overclaimed, 0, "{without:?}");
    assert!(without.right_share() >= 0.95, "{without:?}");
}
