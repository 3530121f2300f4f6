//! The lab recording through what other programs logged of the same NATs.
//!
//! None of them says as much as `conntrack -E`: `-o xml` and ulogd2 leave out the identifiers of ICMP (444 of the 10,045
//! questions, 162 of them about cgnB), and the ulogd2 in hash mode beside cgnA was stopped for 20 s. What they leave
//! out may cost answers, never name anybody wrongly.

#[path = "common/lab.rs"]
mod recording;

use std::path::Path;

use recording::{Log, lab, score};

const UTC: &[&str] = &["--timezone", "UTC"];

#[test]
fn the_xml_of_conntrack_answers_like_its_text() {
    let Some(lab) = lab() else { return };
    let xml = lab.join("cgnB/conntrack_E.xml.gz");
    let logs: [Log<'_>; 2] = [
        ("cgnA", "conntrack", &[], lab.join("cgnA/conntrack_E.log")),
        ("cgnB", "conntrack-xml", UTC, xml),
    ];
    let score = score(&lab, &logs, true);
    // All but the questions about echo flows of cgnB.
    assert!(score.right + 162 >= score.people - score.people / 1000, "{score:?}");
}

fn ulogd<'a>(lab: &Path, format: &'a str, name: &str) -> [Log<'a>; 2] {
    ["cgnA", "cgnB"].map(|nat| (nat, format, UTC, lab.join(nat).join(name)))
}

#[test]
fn finished_flows_of_ulogd_answer_what_they_saw() {
    let Some(lab) = lab() else { return };
    let score = score(&lab, &ulogd(&lab, "ulogd-json", "ulogd_flow.json"), true);
    // 4.4 % asked about echo flows; the 20 s gap, and flows of cgnA that began in it or before, take the rest.
    assert!(score.right_share() >= 0.92, "{score:?}");
}

#[test]
fn events_of_ulogd_answer_what_they_saw() {
    let Some(lab) = lab() else { return };
    for (format, name) in [("ulogd-json", "ulogd_event.json.gz"), ("ulogd", "ulogd_gprint.log.gz")]
    {
        let score = score(&lab, &ulogd(&lab, format, name), true);
        assert!(score.right_share() >= 0.92, "{score:?}");
    }
}
