use super::*;
use crate::natlog::scan::Cursor;
use crate::natlog::stamp::stamp;

fn clock(zone: Option<&str>, year: Option<i16>) -> Clock {
    let mut options = ReaderOptions::new();
    if let Some(zone) = zone {
        options = options.with_zone(zone.parse().unwrap());
    }
    if let Some(year) = year {
        options = options.with_year(year);
    }
    Clock::new(&options)
}

fn read(clock: &mut Clock, text: &str) -> Result<String, RejectReason> {
    let time = clock.read(&stamp(&mut Cursor::new(text.as_bytes())).unwrap())?;
    Ok(time.range().rfc3339())
}

#[test]
fn a_repeated_hour_is_both_of_its_instants() {
    for (zone, text, range) in [
        ("Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25T00:30:00Z/2026-10-25T01:30:01Z"),
        ("Europe/Berlin", "2026-10-25 01:59:59", "2026-10-24T23:59:59Z/2026-10-25T00:00:00Z"),
        ("Europe/Berlin", "2026-10-25 03:00:00", "2026-10-25T02:00:00Z/2026-10-25T02:00:01Z"),
        (
            "America/New_York",
            "2026-11-01 01:59:59.25",
            "2026-11-01T05:59:59.25Z/2026-11-01T06:59:59.26Z",
        ),
        ("UTC", "2026-10-25 02:30:00", "2026-10-25T02:30:00Z/2026-10-25T02:30:01Z"),
    ] {
        let mut clock = clock(Some(zone), None);
        assert_eq!(read(&mut clock, text).as_deref(), Ok(range), "{zone} {text}");
        // Once more, from the minute that is kept.
        assert_eq!(read(&mut clock, text).as_deref(), Ok(range), "{zone} {text}");
    }
}

#[test]
fn a_name_or_offset_tells_the_instants_apart() {
    let mut berlin = clock(Some("Europe/Berlin"), Some(2026));
    let summer = "2026-10-25T00:30:00Z/2026-10-25T00:30:01Z";
    let winter = "2026-10-25T01:30:00Z/2026-10-25T01:30:01Z";
    assert_eq!(read(&mut berlin, "Oct 25 02:30:00 CEST: %X").as_deref(), Ok(summer));
    assert_eq!(read(&mut berlin, "Oct 25 02:30:00 CET: %X").as_deref(), Ok(winter));
    assert_eq!(read(&mut berlin, "2026-10-25T02:30:00+01:00").as_deref(), Ok(winter));
    assert_eq!(read(&mut berlin, "Oct 25 00:30:00 UTC: %X").as_deref(), Ok(summer));
    assert_eq!(read(&mut berlin, "Oct 25 02:30:00 EST: %X"), Err(RejectReason::ZoneMismatch));
    // Winter time in July: the box is not set as the caller thinks.
    assert_eq!(read(&mut berlin, "Jul 25 02:30:00 CET: %X"), Err(RejectReason::ZoneMismatch));
}

#[test]
fn a_name_alone_is_no_zone() {
    let mut none = clock(None, Some(2026));
    for name in ["CET", "EST", "IST", "BRT"] {
        let text = format!("Jul 25 02:30:00 {name}: %X");
        assert_eq!(read(&mut none, &text), Err(RejectReason::NoZone), "{name}");
    }
    assert!(read(&mut none, "Jul 25 02:30:00.5 gmt: %X").is_ok());
    assert_eq!(read(&mut none, "Jul 25 02:30:00"), Err(RejectReason::NoZone));
}

#[test]
fn a_zone_without_name_takes_one_name_and_no_other() {
    let mut fixed = clock(Some("-03:00"), Some(2026));
    assert!(read(&mut fixed, "Jul 25 02:30:00 BRT: %X").is_ok());
    assert!(read(&mut fixed, "Jul 25 02:30:01 BRT: %X").is_ok());
    assert_eq!(read(&mut fixed, "Jul 25 02:30:01 BRST: %X"), Err(RejectReason::ZoneMismatch));
}

#[test]
fn a_time_that_clocks_skipped_is_refused() {
    for (zone, text) in
        [("Europe/Berlin", "2026-03-29 02:30:00"), ("America/New_York", "2026-03-08 02:00:00")]
    {
        let mut clock = clock(Some(zone), None);
        assert_eq!(read(&mut clock, text), Err(RejectReason::BadTime), "{zone}");
    }
}

fn days(first: i16, texts: &[&str]) -> Vec<String> {
    let mut clock = clock(Some("UTC"), Some(first));
    texts
        .iter()
        .map(|text| match read(&mut clock, &format!("{text} 23:59:59")) {
            Ok(range) => range[..10].to_owned(),
            Err(reason) => reason.to_string(),
        })
        .collect()
}

#[test]
fn the_year_follows_the_stamps_over_new_year_and_back() {
    assert_eq!(
        days(2026, &["Dec 30", "Dec 31", "Jan  1", "Dec 31", "Jan  1", "Jan  2", "Jul  1"]),
        [
            "2026-12-30",
            "2026-12-31",
            "2027-01-01",
            "2026-12-31",
            "2027-01-01",
            "2027-01-02",
            "2027-07-01"
        ]
    );
    // The first line may be a late one of the old year.
    assert_eq!(days(2027, &["Jan  1", "Dec 31"]), ["2027-01-01", "2026-12-31"]);
    assert_eq!(days(2026, &["Nov  9", "Feb  3"]), ["2026-11-09", "2027-02-03"]);
}

#[test]
fn one_stamp_out_of_order_moves_no_other() {
    // A box that restarts begins with a clock of its own.
    for stray in ["Jan  1", "Mar  1", "Sep  1", "Nov 30"] {
        let got = days(2026, &["Dec 15", stray, "Dec 15"]);
        assert_eq!([&got[0], &got[2]], ["2026-12-15", "2026-12-15"], "{stray}");
    }
}

#[test]
fn a_stamp_that_may_be_of_either_year_is_refused() {
    assert_eq!(days(2026, &["Nov  9", "Apr  3"]), ["2026-11-09", "no-year"]);
    assert_eq!(days(2026, &["Jan  9", "Aug  3"]), ["2026-01-09", "2026-08-03"]);
}

#[test]
fn the_last_of_february_needs_its_year() {
    assert_eq!(days(2027, &["Feb 29"]), ["bad-time"]);
    assert_eq!(days(2028, &["Feb 29"]), ["2028-02-29"]);
    assert_eq!(read(&mut clock(Some("UTC"), None), "Feb 28 01:00:00"), Err(RejectReason::NoYear));
}

fn beside(clock: &mut Clock, text: &str, other: &str) -> Result<String, RejectReason> {
    let other = WrittenTime::parse(other, None).unwrap();
    let stamp = stamp(&mut Cursor::new(text.as_bytes())).unwrap();
    Ok(clock.read_beside(&stamp, other)?.range().rfc3339())
}

#[test]
fn a_stamp_beside_another_takes_its_year() {
    let mut clock = clock(Some("Asia/Karachi"), None);
    for (text, other, start) in [
        ("Jun 30 22:44:25", "2026-06-30T17:44:26Z", "2026-06-30T17:44:25Z"),
        ("Jan  1 04:59:59", "2026-12-31T23:59:59Z", "2026-12-31T23:59:59Z"),
        ("Dec 31 23:59:59", "2027-01-01T00:00:00Z", "2026-12-31T18:59:59Z"),
    ] {
        let range = beside(&mut clock, text, other).unwrap();
        assert!(range.starts_with(start), "{text}: {range}");
    }
    // From then on the stream has a year.
    assert_eq!(read(&mut clock, "Dec 31 23:59:59").unwrap()[..10], *"2026-12-31");
    assert_eq!(
        beside(&mut clock, "Jul  1 00:00:00", "2026-12-31T23:59:59Z"),
        Err(RejectReason::NoYear)
    );
}

#[test]
fn a_stray_date_moves_no_named_year() {
    let mut clock = clock(Some("UTC"), Some(2026));
    beside(&mut clock, "Jan  1 00:00:09", "1970-01-01T00:00:09Z").unwrap();
    assert_eq!(read(&mut clock, "Jun 30 00:00:00").unwrap()[..10], *"2026-06-30");
    beside(&mut clock, "Mar  1 00:00:09", "2027-03-01T00:00:09Z").unwrap();
    assert_eq!(read(&mut clock, "Jun 30 00:00:00").unwrap()[..10], *"2027-06-30");
}

#[test]
fn another_clock_tells_the_instants_apart() {
    let mut clock = clock(Some("Europe/Berlin"), None);
    let text = "2026-10-25 02:30:00";
    for (other, range) in [
        ("2026-10-25T00:29:59Z", "2026-10-25T00:30:00Z/2026-10-25T00:30:01Z"),
        ("2026-10-25T01:30:02Z", "2026-10-25T01:30:00Z/2026-10-25T01:30:01Z"),
        ("2026-10-25T01:00:00Z", "2026-10-25T00:30:00Z/2026-10-25T01:30:01Z"),
    ] {
        assert_eq!(beside(&mut clock, text, other).as_deref(), Ok(range), "{other}");
    }
}

#[test]
fn a_leap_second_reaches_into_the_next() {
    assert_eq!(
        read(&mut clock(None, None), "2016-12-31T23:59:60Z").as_deref(),
        Ok("2016-12-31T23:59:59Z/2017-01-01T00:00:01Z")
    );
}
