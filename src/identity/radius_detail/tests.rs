//! What becomes of a record, attribute by attribute and byte by byte.

use super::*;
use crate::identity::{AccountingStatus, BindingKey, ReadLimits};
use crate::inside::Realm;
use crate::time::WrittenTime;

const HEADER: &str = "Sun Nov 22 00:18:55 2026\n";

/// Reads `attributes` (separated by `;`) on top of a Start that lacks nothing but a time.
fn read_with(
    attributes: &str,
    options: DetailOptions,
) -> Result<AccountingRecord, (RejectReason, String)> {
    let mut text = HEADER.to_owned();
    for attribute in attributes.split(';') {
        text.extend(["\t", attribute.trim(), "\n"]);
    }
    text.push('\n');
    let mut records = DetailReader::new(text.as_bytes(), options);
    let record = records.next().unwrap().unwrap();
    assert!(records.next().is_none());
    record.map_err(|reject| (reject.reason, reject.detail.into()))
}

fn read(attributes: &str) -> Result<AccountingRecord, (RejectReason, String)> {
    read_with(attributes, DetailOptions::default())
}

fn reason(attributes: &str) -> RejectReason {
    read(attributes).unwrap_err().0
}

const START: &str = "Acct-Status-Type = Start; Acct-Session-Id = \"17\"; User-Name = \"ann\"";
const AT: &str = "Event-Timestamp = \"Nov 22 2026 00:18:59 UTC\"";

fn time(attributes: &str, zone: Option<&str>) -> Result<WrittenTime, RejectReason> {
    let zone = zone.map(|zone| zone.parse().unwrap());
    let options = DetailOptions { zone, ..DetailOptions::default() };
    read_with(&format!("{START}; {attributes}"), options)
        .map(|record| record.time)
        .map_err(|(reason, _)| reason)
}

#[test]
fn all_that_a_record_says() {
    let record = read(&format!(
        "{START}; {AT}; NAS-IP-Address = 10.255.0.2; NAS-Identifier = \"cgnA\"; \
         Framed-IP-Address = 100.64.0.10; Framed-IPv6-Prefix = 2001:db8:1::/64; \
         Framed-IPv6-Address = 2001:db8:1::7; Delegated-IPv6-Prefix = \"2001:db8:2::/56\"; \
         Acct-Session-Time = 60; Acct-Interim-Interval = 300; Timestamp = 1795306735"
    ))
    .unwrap();
    assert_eq!(record.status, AccountingStatus::Start);
    assert_eq!(record.subscriber, Some("ann".into()));
    assert_eq!((&*record.nas, &*record.session), ("10.255.0.2", "10.255.0.2\t17\tann"));
    let keys = ["100.64.0.10", "2001:db8:1::7", "2001:db8:1::/64", "2001:db8:2::/56"];
    assert_eq!(record.keys, keys.map(|key| key.parse().unwrap()));
    assert_eq!(record.time, WrittenTime::from_second(1_795_306_739));
    assert_eq!((record.session_time_second, record.interim_second), (Some(60), Some(300)));
}

#[test]
fn the_unique_session_id_comes_first() {
    let record = read(&format!("{START}; {AT}; Acct-Unique-Session-Id = \"77ab\"")).unwrap();
    assert_eq!(&*record.session, "77ab");
    let without = "Acct-Status-Type = Stop; User-Name = \"ann\"";
    assert_eq!(reason(&format!("{without}; {AT}")), RejectReason::NoSession);
}

#[test]
fn status_by_name_and_number() {
    for (text, status) in [
        ("Start", AccountingStatus::Start),
        ("Interim-Update", AccountingStatus::Interim),
        ("Alive", AccountingStatus::Interim),
        ("Accounting-Off", AccountingStatus::Off),
        ("1", AccountingStatus::Start),
        ("2", AccountingStatus::Stop),
        ("3", AccountingStatus::Interim),
        ("7", AccountingStatus::On),
        ("8", AccountingStatus::Off),
    ] {
        let record = read(&format!("Acct-Status-Type = {text}; Acct-Session-Id = 1; {AT}"));
        assert_eq!(record.unwrap().status, status, "{text}");
    }
    for text in ["Tunnel-Start", "15", "start"] {
        let attributes = format!("Acct-Status-Type = {text}; {AT}");
        assert_eq!(reason(&attributes), RejectReason::UnknownStatus, "{text}");
    }
    assert_eq!(reason(&format!("User-Name = x; {AT}")), RejectReason::UnknownStatus);
}

#[test]
fn times_whose_zone_is_known() {
    let second = Ok(WrittenTime::from_second(1_433_808_227));
    for text in [
        "\"Jun  9 2015 00:03:47 UTC\"",
        "\"Jun 9 2015 00:03:47 GMT\"",
        "\"Jun  9 2015 00:03:47 Z\"",
        "\"2015-06-09T02:03:47+02:00\"",
        "1433808227",
    ] {
        let attributes = format!("Event-Timestamp = {text}; Timestamp = 1500000000");
        assert_eq!(time(&attributes, None), second, "{text}");
    }
}

#[test]
fn a_zone_abbreviation_is_not_guessed() {
    let cest = "Event-Timestamp = \"Jun  9 2015 00:03:47 CEST\"";
    assert_eq!(time(cest, None), Err(RejectReason::NoZone));
    let berlin = time(cest, Some("Europe/Berlin"));
    assert_eq!(berlin, Ok(WrittenTime::from_second(1_433_801_027)));
    let bare = "Event-Timestamp = \"Jun  9 2015 00:03:47\"";
    assert_eq!(time(bare, None), Err(RejectReason::NoZone));
    assert_eq!(time(bare, Some("+02:00")), berlin);
}

#[test]
fn receipt_less_delay_is_known_to_two_seconds() {
    //  received 1000.9 (1000), delayed 3.9 s (3): it happened at 997.0
    //  received 1000.0 (1000), delayed 3.9 s (3): it happened at 996.1
    let window = WrittenTime::new(crate::time::Timestamp::from_second(996), 2_000_000);
    for event in
        ["Event-Timestamp = \"Jun  9 2015 00:03:47 CEST\"; ", "Event-Timestamp = junk; ", ""]
    {
        let attributes = format!("{event}Timestamp = 1000; Acct-Delay-Time = 3");
        assert_eq!(time(&attributes, Some("Europe/Berlin")), Ok(window), "{event}");
    }
}

#[test]
fn what_is_no_time_is_refused() {
    assert_eq!(time("Acct-Delay-Time = 3", Some("UTC")), Err(RejectReason::NoTime));
    for text in ["junk", "\"Foo  9 2015 00:03:47 UTC\"", "\"Jun 31 2015 00:03:47 UTC\"", "-5"] {
        let attributes = format!("Event-Timestamp = {text}");
        assert_eq!(time(&attributes, Some("UTC")), Err(RejectReason::BadValue), "{text}");
    }
    let fold = "Event-Timestamp = \"Oct 25 2026 02:30:00 CET\"";
    assert!(time(fold, Some("Europe/Berlin")).is_err(), "it came twice");
    assert_eq!(time("Timestamp = 99999999999999", None), Err(RejectReason::BadValue));
}

#[test]
fn another_attribute_may_name_the_subscriber() {
    let options = |name: &str| DetailOptions {
        id_attribute: Some(name.to_owned()),
        ..DetailOptions::default()
    };
    let attributes = format!("{START}; {AT}; Class = 0x636c73; Calling-Station-Id = \"02:00\"");
    let named = |name| read_with(&attributes, options(name)).unwrap().subscriber;
    assert_eq!(named("Class"), Some("0x636c73".into()));
    assert_eq!(named("calling-station-id"), Some("02:00".into()));
    assert_eq!(named("Circuit-Id"), None, "the record still ends what others held");
}

#[test]
fn two_values_of_one_attribute_are_not_chosen_between() {
    let twice = format!("{START}; {AT}; User-Name = \"bob\"");
    assert_eq!(reason(&twice), RejectReason::TwoValues);
    assert!(read(&format!("{START}; {AT}; User-Name = \"ann\"")).is_ok());
}

#[test]
fn quoted_values_lose_their_escapes() {
    let name = |value: &str| {
        let rest = "Acct-Status-Type = Stop; Acct-Session-Id = 1";
        let record = read(&format!("{rest}; {AT}; User-Name = {value}"))?;
        Ok(record.subscriber.unwrap().as_str().to_owned())
    };
    for (value, text) in [
        (r#""a\"b\\c""#, r#"a"b\c"#),
        (r#""caf\303\251""#, "caf\u{e9}"),
        (r#""a\tb""#, "a\tb"),
        ("'ann'", "ann"),
        ("ann", "ann"),
    ] {
        assert_eq!(name(value), Ok(text.to_owned()), "{value}");
    }
    for value in [r#""ann"#, r#""ann\"#, r#""a"b"#, r#""caf\351""#] {
        let (reason, _) = name(value).unwrap_err();
        assert_eq!(reason, RejectReason::BadValue, "{value}");
    }
}

#[test]
fn what_stands_for_no_address_is_no_key() {
    for none in [
        "Framed-IP-Address = 0.0.0.0",
        "Framed-IP-Address = 255.255.255.254",
        "Framed-IP-Address = 255.255.255.255",
        "Framed-IPv6-Prefix = ::/0",
        "Framed-IPv6-Address = ::",
    ] {
        assert_eq!(read(&format!("{START}; {AT}; {none}")).unwrap().keys, [], "{none}");
    }
    for bad in [
        "Framed-IP-Address = 10.0.0",
        "Delegated-IPv6-Prefix = 2001:db8::",
        "Framed-IPv6-Prefix = 2001:db8::/129",
    ] {
        assert_eq!(reason(&format!("{START}; {AT}; {bad}")), RejectReason::BadValue, "{bad}");
    }
    let many = "; Framed-IP-Address = 10.0.0.1".repeat(300);
    assert_eq!(reason(&format!("{START}; {AT}{many}")), RejectReason::TooLarge);
}

#[test]
fn the_realm_is_that_of_the_options() {
    let options = DetailOptions { realm: Realm::new("blue"), ..DetailOptions::default() };
    let attributes = format!(
        "{START}; {AT}; Framed-IP-Address = 10.0.0.1; Delegated-IPv6-Prefix = 2001:db8::1/56"
    );
    let keys = read_with(&attributes, options).unwrap().keys;
    let expected: [BindingKey; 2] =
        [("10.0.0.1%blue"), ("2001:db8::/56")].map(|key| key.parse().unwrap());
    assert_eq!(keys, expected);
}

#[test]
fn a_record_cut_short_is_rejected_with_its_place() {
    let start = "\tAcct-Status-Type = Start\r\n\tAcct-Session-Id = 1\r\n\tTimestamp = 5\r\n";
    let text = format!(
        "{start}\r\n{HEADER}{start}{HEADER}{start}\r\n{HEADER}\n{HEADER}{start}\tFramed-IP-Address = 10.0.0.1"
    );
    let found: Vec<_> = DetailReader::new(text.as_bytes(), DetailOptions::default())
        .map(|record| match record.unwrap() {
            Ok(record) => (record.span, None),
            Err(reject) => (reject.span, Some((reject.line, reject.reason))),
        })
        .collect();
    let shown: Vec<(&str, _)> = found
        .iter()
        .map(|(span, reject)| {
            let from = usize::try_from(span.offset).unwrap();
            (&text[from..from + span.length as usize], *reject)
        })
        .collect();
    let (body, header) = (start.trim_end(), HEADER.trim_end());
    let whole = format!("{HEADER}{body}");
    let last = format!("{HEADER}{start}\tFramed-IP-Address = 10.0.0.1");
    assert_eq!(
        shown,
        [
            (body, Some((1, RejectReason::CutShort))),
            (&*whole, Some((5, RejectReason::CutShort))),
            (&*whole, None),
            (header, Some((14, RejectReason::Empty))),
            (&*last, Some((16, RejectReason::CutShort))),
        ]
    );
}

#[test]
fn limits_reject_and_the_next_record_is_read() {
    let limits = ReadLimits { line_bytes: 60, record_bytes: 120, ..ReadLimits::default() };
    let options = || DetailOptions { limits, ..DetailOptions::default() };
    let good = format!("{HEADER}\tAcct-Status-Type = 7\n\tTimestamp = 5\n\n");
    let long_line = format!("{HEADER}\tUser-Name = \"{}\"\n\n{good}", "x".repeat(100));
    let long_record = format!("{HEADER}{}\n{good}", "\tClass = 0x00\n".repeat(100));
    for (text, reason) in
        [(long_line, RejectReason::LineTooLong), (long_record, RejectReason::TooLarge)]
    {
        let mut records = DetailReader::new(text.as_bytes(), options());
        let reject = records.next().unwrap().unwrap().unwrap_err();
        assert_eq!(reject.reason, reason);
        assert_eq!(reject.span.length as usize, text.len() - good.len() - 2);
        assert!(records.next().unwrap().unwrap().is_ok());
        assert!(records.next().is_none());
    }
}

#[test]
fn an_io_error_ends_the_records() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let mut records = DetailReader::new(Broken, DetailOptions::default());
    assert!(records.next().unwrap().is_err());
    assert!(records.next().is_none());
}
