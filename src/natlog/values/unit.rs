use super::*;

#[test]
fn columns_are_where_the_part_begins() {
    let line = b"abc def";
    assert_eq!(placed(line, (RejectReason::BadPort, &line[4..])).1, 5);
    assert_eq!(placed(line, (RejectReason::BadPort, end_of(line))).1, 8);
    // A part of another text has no place; the column stays inside the line.
    assert!(placed(line, (RejectReason::BadPort, b"elsewhere")).1 <= 8);
}

#[test]
fn epochs_are_as_fine_as_their_digits() {
    for (text, micros, resolution) in [
        ("1717243200", 1_717_243_200_000_000, 1_000_000),
        ("1717243200123", 1_717_243_200_123_000, 1_000),
        ("1717243200123456", 1_717_243_200_123_456, 1),
        ("1717243200123456789", 1_717_243_200_123_456, 1),
        ("1717243200.5", 1_717_243_200_500_000, 100_000),
    ] {
        let time = epoch(text.as_bytes()).unwrap();
        assert_eq!(
            (time.start().as_microsecond(), time.resolution_microsecond()),
            (micros, resolution),
            "{text}"
        );
    }
    for bad in ["", "-5", "+5", "5.", "99999999999999999999", "12:00"] {
        assert!(epoch(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_duration_in_whole_seconds_leaves_the_start_a_second() {
    let end = WrittenTime::new(Timestamp::from_microsecond(100_250_000), 1);
    let start = before(end, 10).unwrap();
    assert_eq!(start.start().as_microsecond(), 89_250_000);
    assert_eq!(start.end().as_microsecond(), 90_250_001);
    assert_eq!(before(end, u64::MAX), None);
}

#[test]
fn endpoints_have_one_reading() {
    assert_eq!(endpoint(b"192.0.2.1:80").unwrap().1, b"80");
    assert!(endpoint(b"[2001:db8::1]:80").unwrap().0.is_ipv6());
    for bad in ["2001:db8::1:80", "192.0.2.1", "[192.0.2.1]:80", "192.0.2.01:80", ":80", ""] {
        assert!(endpoint(bad.as_bytes()).is_err(), "{bad}");
    }
    for bad in ["65536", "", "+1", "-1", " 1", "1 "] {
        assert!(port(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(dashed_range(b"1 - 512").is_ok_and(|r| r.len() == 512));
    assert!(dashed_range(b"512-1").is_err());
}

#[test]
fn pairs_end_where_their_values_do() {
    let mut pairs = Pairs::new(br#"a=1 b="x y \" z",c=2 word d="#);
    let all: Vec<_> = pairs.by_ref().map(Result::unwrap).collect();
    let expected: [(&[u8], &[u8]); 5] =
        [(b"a", b"1"), (b"b", br#"x y \" z"#), (b"c", b"2"), (b"word", b""), (b"d", b"")];
    assert_eq!(all, expected);
    assert_eq!(pairs.open, Some(&b"d"[..]));
    let mut cut = Pairs::new(br#"a="1"#);
    assert!(cut.next().unwrap().is_err());
    let mut bracket = Pairs::in_brackets(br#"A="1" B=2] after"#);
    assert_eq!(bracket.by_ref().count(), 2);
    assert_eq!(bracket.rest(), b"] after");
}

#[test]
fn realms_are_kept_once_and_not_without_end() {
    let mut realms = Realms::new(Realm::new("default"));
    for none in ["", "0", "-"] {
        assert_eq!(realms.of(none.as_bytes()).unwrap().as_str(), "default");
    }
    for n in 0..3 * Realms::MOST {
        assert_eq!(realms.of(format!("vrf{n}").as_bytes()).unwrap().as_str(), format!("vrf{n}"));
    }
    assert!(realms.known.len() <= Realms::MOST);
    assert!(realms.of(b"\xff").is_err());
}
