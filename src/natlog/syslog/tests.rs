use proptest::prelude::*;

use super::*;
use crate::natlog::ReaderOptions;

fn clock() -> Clock {
    Clock::new(&ReaderOptions::new().with_zone("Asia/Tokyo".parse().unwrap()).with_year(2026))
}

/// `time|relay|host|app|message id|structured|body`
fn read(line: &str) -> String {
    let head = head(line.as_bytes(), &mut clock());
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"-")).into_owned();
    let time = match head.time {
        Some(Ok(time)) => time.rfc3339(),
        Some(Err(reason)) => reason.to_string(),
        None => "-".to_owned(),
    };
    assert_eq!(line.as_bytes()[head.body_at..], *head.body);
    assert!(head.tagged(line.as_bytes()).ends_with(head.body));
    if let Some(data) = head.structured {
        assert!(line.as_bytes()[head.structured_at..].starts_with(data));
    }
    [
        time,
        head.relay_time.map_or("-".to_owned(), WrittenTime::rfc3339),
        text(head.host),
        text(head.app),
        text(head.message_id),
        text(head.structured),
        text(Some(head.body)),
    ]
    .join("|")
}

#[test]
fn heads_of_rfc_3164_with_what_makers_make_of_them() {
    for (line, parts) in [
        ("87 <14>Jul  9 16:13:02 gw nat: x", "2026-07-09T07:13:02Z|-|gw|nat|-|-|x"),
        (
            "2026-07-09 16:13:03\tLocal7.Info\tgw\t12: Jul  9 16:13:02.5: %NAT-6-X: x",
            "2026-07-09T07:13:02.5Z|2026-07-09T07:13:03Z|gw|-|-|-|%NAT-6-X: x",
        ),
        ("Jul  9 16:13:02 local4.notice gw nat: x", "2026-07-09T07:13:02Z|-|gw|nat|-|-|x"),
        ("Jul  9 16:13:02 gw7.info nat: x", "2026-07-09T07:13:02Z|-|gw7.info|nat|-|-|x"),
        ("<14>Jul  9 16:13:02 gw nat[12]: x y", "2026-07-09T07:13:02Z|-|gw|nat|-|-|x y"),
        ("Jul 19 16:13:02 gw x y", "2026-07-19T07:13:02Z|-|gw|-|-|-|x y"),
        ("<14> Jul 19 16:13:02  gw RT_NAT: R: x", "2026-07-19T07:13:02Z|-|gw|RT_NAT|-|-|R: x"),
        ("Jul 19 2025 16:13:02 gw nat: x", "2025-07-19T07:13:02Z|-|gw|nat|-|-|x"),
        ("Jul 19 2025 16:13:02: %ASA-6-1: x", "2025-07-19T07:13:02Z|-|-|-|-|-|%ASA-6-1: x"),
        ("Jul 19 2025 16:13:02 gw : %ASA-6-1: x", "2025-07-19T07:13:02Z|-|gw|-|-|-|%ASA-6-1: x"),
        ("Jul 19 2025 16:13:02 gw: %ASA-6-1: x", "2025-07-19T07:13:02Z|-|gw|-|-|-|%ASA-6-1: x"),
        (
            "<14>123: gw: *May 21 12:00:01.123 gmt: %NAT-6-X: x",
            "2026-05-21T12:00:01.123Z|-|gw|-|-|-|%NAT-6-X: x",
        ),
        (
            "<190>123456789: *May 21 12:00:01.123: %NAT-6-X: x",
            "2026-05-21T03:00:01.123Z|-|-|-|-|-|%NAT-6-X: x",
        ),
        (
            "<190>: 2026 May 21 12:00:01 UTC: %NAT-6-X: x",
            "2026-05-21T12:00:01Z|-|-|-|-|-|%NAT-6-X: x",
        ),
        (
            "RP/0/RSP0/CPU0:May 21 12:00:01.5 UTC: nat[1]: x",
            "2026-05-21T12:00:01.5Z|-|RP/0/RSP0/CPU0|nat|-|-|x",
        ),
        (
            "2026-07-19 16:13:02: gw{SET}[jservices-nat]: x",
            "2026-07-19T07:13:02Z|-|-|gw{SET}|-|-|x",
        ),
        (
            "2026-07-19T16:13:02.123456+00:00 gw nat: x",
            "2026-07-19T16:13:02.123456Z|-|gw|nat|-|-|x",
        ),
        ("Jul 19 16:13:02 gw  (FPC Slot 2) x", "2026-07-19T07:13:02Z|-|gw|-|-|-|(FPC Slot 2) x"),
        ("Jul 19 16:13:02 2001:db8::1 nat: x", "2026-07-19T07:13:02Z|-|2001:db8::1|nat|-|-|x"),
        ("Feb 29 16:13:02 gw nat: x", "bad-time|-|gw|nat|-|-|x"),
    ] {
        assert_eq!(read(line), parts, "{line}");
    }
}

#[test]
fn heads_of_rfc_5424() {
    for (line, parts) in [
        (
            r#"<14>1 2026-07-19T07:13:02.1Z gw RT_NAT 77 PBA [a@1 x="b\"]c" y=""][b] hello"#,
            r#"2026-07-19T07:13:02.1Z|-|gw|RT_NAT|PBA|[a@1 x="b\"]c" y=""][b]|hello"#,
        ),
        ("<14>1 2026-07-19T07:13:02Z gw app - - - x", "2026-07-19T07:13:02Z|-|gw|app|-|-|x"),
        ("<14>1 - - - - - -", "-|-|-|-|-|-|"),
        ("<14>1 - gw app - id - \u{feff}x", "-|-|gw|app|id|-|x"),
        (
            "1 2026 May 31 11:30:00 10.0.0.1 - - NAT44 - [A - 1]",
            "2026-05-31T02:30:00Z|-|10.0.0.1|-|NAT44|-|[A - 1]",
        ),
        (
            "<14>1 2026-07-19T07:13:02Z gw app - id [a@1 x=\"unclosed] y",
            "2026-07-19T07:13:02Z|-|gw|app|id|-|[a@1 x=\"unclosed] y",
        ),
    ] {
        assert_eq!(read(line), parts, "{line}");
    }
}

#[test]
fn heads_in_heads() {
    for (line, parts) in [
        (
            "2026-07-19T16:13:02.123456+00:00 <158>2026-07-20 01:13:02: gw{S}[nat]: x",
            "2026-07-19T16:13:02Z|2026-07-19T16:13:02.123456Z|-|gw{S}|-|-|x",
        ),
        (
            "2027-01-01T00:00:01+09:00 relay 77: gw: Dec 31 23:59:59.5: %NAT-6-X: x",
            "2026-12-31T14:59:59.5Z|2026-12-31T15:00:01Z|gw|-|-|-|%NAT-6-X: x",
        ),
        (
            "Jan  1 00:00:01 relay <14>1 2026-12-31T14:59:59Z gw app - id - x",
            "2026-12-31T14:59:59Z|2026-12-31T15:00:01Z|gw|app|id|-|x",
        ),
        (
            "Jul 19 16:13:02 10.0.0.1 1 2026 Jul 19 16:13:01 10.0.0.2 - - NAT44 - [x]",
            "2026-07-19T07:13:01Z|-|10.0.0.2|-|NAT44|-|[x]",
        ),
    ] {
        let got = read(line);
        let got = if line.starts_with("Jul") { got.replace("07:13:02Z", "-") } else { got };
        let parts = parts.replace("07:13:02Z", "-");
        assert_eq!(got.replace("2026-07-19T-|10", "-|10"), parts, "{line}");
    }
}

#[test]
fn what_is_no_head_is_the_message() {
    for line in [
        "",
        "RT_NAT - RT_SRC_NAT_PBA_ALLOC [internal-ip=\"10.0.0.1\"]",
        "%ASA-6-305014: Allocated TCP block",
        "[1795306735.123403]\t    [NEW] tcp",
        "<x>",
        "12 34 56",
        "Jul",
    ] {
        assert_eq!(read(line), format!("-|-|-|-|-|-|{line}"));
    }
    assert_eq!(read("<14>x: y"), "-|-|-|-|-|-|x: y");
}

#[test]
fn a_stamp_inside_the_message_stays_there() {
    let line = "Jul 19 16:13:02 gw nat: 2026-07-19 16:13:01 x";
    assert_eq!(read(line), "2026-07-19T07:13:02Z|-|gw|nat|-|-|2026-07-19 16:13:01 x");
}

#[test]
fn a_stamp_that_cannot_be_placed_says_why() {
    let line = b"Jul 19 16:13:02 gw nat: x";
    let time = |options: &ReaderOptions| head(line, &mut Clock::new(options)).time;
    let options = ReaderOptions::new();
    assert_eq!(time(&options), Some(Err(RejectReason::NoYear)));
    assert_eq!(time(&options.with_year(2026)), Some(Err(RejectReason::NoZone)));
}

proptest! {
    #[test]
    fn any_bytes_have_a_head(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        let head = head(&line, &mut clock());
        prop_assert!(line.ends_with(head.body));
    }

    #[test]
    fn any_text_of_its_own_words_has_a_head(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "<14>", "1", "-", "Jul", "19", "16:13:02", "2026", "2026-07-19T16:13:02Z", "gw", "tag:",
            "123:", "[a", "b=\"", "]", "UTC", "*", ":", "%X:", "\\",
        ]), 0..14), glue in proptest::bool::ANY) {
        let line = words.join(if glue { "" } else { " " });
        let head = head(line.as_bytes(), &mut clock());
        prop_assert!(line.as_bytes().ends_with(head.body));
    }
}
