//! Every rule of [`bindings_from`] by name. Times are seconds; `=` is certain, `.` possible.

use super::*;

/// `Start ann s1 10.0.0.1 @10`, with `+60` for Acct-Session-Time, `~60` for Acct-Interim-Interval, `nas:x`, `-` for
/// no name, and any number of keys; `On` and `Off` take only their NAS and time.
fn record(line: &str) -> AccountingRecord {
    let mut words = line.split_whitespace();
    let status = match words.next().unwrap() {
        "Start" => AccountingStatus::Start,
        "Interim" => AccountingStatus::Interim,
        "Stop" => AccountingStatus::Stop,
        "On" => AccountingStatus::On,
        "Off" => AccountingStatus::Off,
        other => panic!("{other}"),
    };
    let is_restart = matches!(status, AccountingStatus::On | AccountingStatus::Off);
    let mut record = AccountingRecord {
        status,
        subscriber: None,
        session: "".into(),
        nas: "nas".into(),
        keys: Vec::new(),
        time: WrittenTime::from_second(0),
        session_time_second: None,
        interim_second: None,
        span: Span::default(),
    };
    if !is_restart {
        let name = words.next().unwrap();
        record.subscriber = (name != "-").then(|| name.into());
        record.session = words.next().unwrap().into();
    }
    for word in words {
        if let Some(rest) = word.strip_prefix("nas:") {
            record.nas = rest.into();
        } else if word.starts_with('@') {
            record.time = WrittenTime::from_epoch_text(word).unwrap();
        } else if let Some(rest) = word.strip_prefix('+') {
            record.session_time_second = Some(rest.parse().unwrap());
        } else if let Some(rest) = word.strip_prefix('~') {
            record.interim_second = Some(rest.parse().unwrap());
        } else {
            record.keys.push(word.parse().unwrap());
        }
    }
    record
}

fn short(range: TimeRange) -> String {
    range.to_string().replace(".000000", "").replace('@', "")
}

/// Every binding as `KEY who OUTER INNER began ended`.
fn told(lines: &[&str]) -> (Vec<String>, AccountingAudit) {
    let records = lines.iter().enumerate().map(|(at, line)| {
        let mut record = record(line);
        record.span = Span { offset: at as u64, length: 1 };
        (SourceId(1), record)
    });
    let (bindings, audit) = bindings_from(records);
    let shown = bindings.iter().map(|b| {
        let inner = b.inner.map_or("none".to_owned(), short);
        let outer = short(b.outer);
        format!("{} {} {outer} {inner} {} {}", b.key, b.subscriber, b.began, b.ended)
    });
    (shown.collect(), audit)
}

#[track_caller]
fn check(lines: &[&str], expected: &[&str]) -> AccountingAudit {
    let (bindings, audit) = told(lines);
    assert_eq!(bindings, expected);
    let mut reversed = lines.to_vec();
    reversed.reverse();
    assert_eq!(told(&reversed).0, expected, "the order in which records arrive must not matter");
    audit
}

#[test]
fn a_start_and_a_stop_nest() {
    //  10  11        20  21
    //  |...|=========|...|
    let audit = check(
        &["Start ann s1 10.0.0.1 @10", "Stop ann s1 10.0.0.1 @20"],
        &["10.0.0.1 ann 10/21 11/20 logged logged"],
    );
    assert_eq!((audit.sessions, audit.lost_starts, audit.lost_stops), (1, 0, 0));
}

#[test]
fn a_session_within_one_second_is_never_certain() {
    check(
        &["Start ann s1 10.0.0.1 @10", "Stop ann s1 10.0.0.1 @10"],
        &["10.0.0.1 ann 10/11 none logged logged"],
    );
}

#[test]
fn finer_stamps_nest_closer() {
    check(
        &["Start ann s1 10.0.0.1 @10.500", "Stop ann s1 10.0.0.1 @20"],
        &["10.0.0.1 ann 10.500000/21 10.501000/20 logged logged"],
    );
}

#[test]
fn a_stop_may_come_without_its_address() {
    check(
        &["Start ann s1 10.0.0.1 2001:db8::/56 @10", "Stop - s1 @20"],
        &["10.0.0.1 ann 10/21 11/20 logged logged", "2001:db8::/56 ann 10/21 11/20 logged logged"],
    );
}

#[test]
fn duplicates_collapse_and_are_counted() {
    let lines = [
        "Start ann s1 10.0.0.1 @10",
        "Start ann s1 10.0.0.1 @10",
        "Stop ann s1 10.0.0.1 @20",
        "Stop ann s1 10.0.0.1 @20",
        "Stop ann s1 10.0.0.1 @20",
    ];
    let audit = check(&lines, &["10.0.0.1 ann 10/21 11/20 logged logged"]);
    assert_eq!((audit.duplicates, audit.records, audit.sessions), (3, 5, 1));
}

#[test]
fn a_start_and_its_stop_pair_across_sources() {
    let mut start = record("Start ann s1 10.0.0.1 @10");
    let mut stop = record("Stop ann s1 10.0.0.1 @20");
    start.span = Span { offset: 5, length: 1 };
    stop.span = Span { offset: 7, length: 1 };
    let spans = (Some(start.span), Some(stop.span));
    let (bindings, _) = bindings_from([(SourceId(2), stop), (SourceId(1), start)].into_iter());
    let origin = bindings[0].origin;
    assert_eq!((origin.start, origin.end), spans);
    assert_eq!((origin.source, origin.end_source), (SourceId(1), Some(SourceId(2))));
}

#[test]
fn start_lost_session_time_reckons_it() {
    //  s1 reports at 70 that it has lasted 60 s: it began in 10, give or take a second
    //  9     12            80  81
    //  |.....|=============|...|
    let audit = check(
        &["Interim ann s1 10.0.0.1 @70 +60", "Stop ann s1 10.0.0.1 @80 +70"],
        &["10.0.0.1 ann 9/81 12/80 logged logged"],
    );
    assert_eq!(audit.lost_starts, 1);
}

#[test]
fn start_lost_without_session_time_reaches_back_to_the_last_other_report() {
    //  bob  10 =======|20|
    //  ann            20 ........... 70 |=====| 80
    check(
        &[
            "Start bob s0 10.0.0.1 @10",
            "Stop bob s0 10.0.0.1 @20",
            "Interim ann s1 10.0.0.1 @70",
            "Stop ann s1 10.0.0.1 @80",
        ],
        &["10.0.0.1 bob 10/21 11/20 logged logged", "10.0.0.1 ann 20/81 71/80 assumed logged"],
    );
}

#[test]
fn start_lost_a_stop_in_the_second_of_the_first_report_came_before_it() {
    check(
        &[
            "Start bob s0 10.0.0.1 @10",
            "Stop bob s0 10.0.0.1 @70",
            "Interim ann s1 10.0.0.1 @70",
            "Stop ann s1 10.0.0.1 @80",
        ],
        &["10.0.0.1 bob 10/71 11/70 logged logged", "10.0.0.1 ann 70/81 71/80 assumed logged"],
    );
}

#[test]
fn start_lost_with_nothing_before_reaches_back_to_the_first_stamp_of_the_source() {
    check(
        &["Start bob s0 10.0.0.9 @5", "Stop bob s0 10.0.0.9 @6", "Stop ann s1 10.0.0.1 @80"],
        &["10.0.0.1 ann 5/81 none assumed logged", "10.0.0.9 bob 5/7 none logged logged"],
    );
}

#[test]
fn start_lost_a_reckoned_start_is_uncertain_while_another_still_reports() {
    //  bob  10 ======= 50 (Stop)
    //  ann        39 . . . |===== 100     the session began at 40, the address came later
    check(
        &["Start bob s0 10.0.0.1 @10", "Stop bob s0 10.0.0.1 @50", "Stop ann s1 10.0.0.1 @100 +60"],
        &["10.0.0.1 bob 10/51 11/50 logged logged", "10.0.0.1 ann 39/101 51/100 logged logged"],
    );
}

#[test]
fn stop_lost_the_next_start_of_another_session_ends_it() {
    //  ann  10 |====40 . . . . . . .|71          Implied
    //  bob                       70 |=====| 90
    let audit = check(
        &[
            "Start ann s1 10.0.0.1 @10",
            "Interim ann s1 10.0.0.1 @40",
            "Start bob s2 10.0.0.1 @70",
            "Stop bob s2 10.0.0.1 @90",
        ],
        &["10.0.0.1 ann 10/71 11/40 logged implied", "10.0.0.1 bob 70/91 71/90 logged logged"],
    );
    assert_eq!(audit.lost_stops, 1);
}

#[test]
fn stop_lost_the_first_report_of_another_session_ends_it_too() {
    //  ann  10 |. . . . . . . . . .|81           Implied
    //  bob  10  . . . . . . .80|===| 90          Start lost as well
    check(
        &["Start ann s1 10.0.0.1 @10", "Interim bob s2 10.0.0.1 @80", "Stop bob s2 10.0.0.1 @90"],
        &["10.0.0.1 ann 10/81 none logged implied", "10.0.0.1 bob 10/91 81/90 assumed logged"],
    );
}

#[test]
fn stop_lost_a_report_in_the_second_of_the_next_start_came_before_it() {
    check(
        &[
            "Start ann s1 10.0.0.1 @10",
            "Interim ann s1 10.0.0.1 @70",
            "Start bob s2 10.0.0.1 @70",
            "Stop bob s2 10.0.0.1 @90",
        ],
        &["10.0.0.1 ann 10/71 11/70 logged implied", "10.0.0.1 bob 70/91 71/90 logged logged"],
    );
}

#[test]
fn stop_lost_two_starts_of_one_second_do_not_end_each_other() {
    // Which came first is unknown, so ann stays possible as long as the NAS reports.
    check(
        &["Start ann s1 10.0.0.1 @10", "Start bob s2 10.0.0.1 @10", "Stop bob s2 10.0.0.1 @90"],
        &["10.0.0.1 ann 10/91 none logged open", "10.0.0.1 bob 10/91 11/90 logged logged"],
    );
}

#[test]
fn stop_lost_an_older_session_that_still_reports_does_not_end_it() {
    //  bob  10 |====================70=======| 90
    //  ann            40 |. . . . . . . . . . . .|91
    check(
        &[
            "Start bob s2 10.0.0.1 @10",
            "Start ann s1 10.0.0.1 @40",
            "Interim bob s2 10.0.0.1 @70",
            "Stop bob s2 10.0.0.1 @90",
        ],
        &["10.0.0.1 bob 10/91 11/90 logged logged", "10.0.0.1 ann 40/91 none logged open"],
    );
}

#[test]
fn stop_lost_an_overlapping_key_ends_it_but_not_one_of_another_realm() {
    check(
        &[
            "Start ann s1 2001:db8::/56 @10",
            "Start bob s2 2001:db8:0:7::/64 @70",
            "Stop bob s2 2001:db8:0:7::/64 @90",
        ],
        &[
            "2001:db8::/56 ann 10/71 none logged implied",
            "2001:db8:0:7::/64 bob 70/91 71/90 logged logged",
        ],
    );
    check(
        &[
            "Start ann s1 2001:db8:0:7::/64 @10",
            "Start bob s2 2001:db8::/56 @70",
            "Stop bob s2 2001:db8::/56 @90",
        ],
        &[
            "2001:db8::/56 bob 70/91 71/90 logged logged",
            "2001:db8:0:7::/64 ann 10/71 none logged implied",
        ],
    );
    check(
        &["Start ann s1 10.0.0.1%red @10", "Start bob s2 10.0.0.1%blue @70", "Stop bob s2 @90"],
        &["10.0.0.1%blue bob 70/91 71/90 logged logged", "10.0.0.1%red ann 10/91 none logged open"],
    );
}

#[test]
fn stop_lost_a_session_without_a_name_ends_it() {
    //  ann  10 |. . . . . . . .|71      somebody else came, whoever it was
    //  ?                    70 |======
    let audit = check(
        &["Start ann s1 10.0.0.1 @10", "Start - s2 10.0.0.1 @70"],
        &["10.0.0.1 ann 10/71 none logged implied"],
    );
    assert_eq!(audit.without_subscriber, 1);
}

#[test]
fn stop_lost_two_intervals_of_silence_end_it() {
    //  ann  10 |====40 . . . . .|161             Assumed: 41 + 2 x 60
    //  far away, on another address, the NAS lives on
    check(
        &[
            "Start ann s1 10.0.0.1 @10 ~60",
            "Interim ann s1 10.0.0.1 @40",
            "Start bob s2 10.0.0.2 @900",
            "Stop bob s2 10.0.0.2 @901",
        ],
        &["10.0.0.1 ann 10/161 11/40 logged assumed", "10.0.0.2 bob 900/902 none logged logged"],
    );
}

#[test]
fn stop_lost_the_interval_is_learned_from_three_spacings_of_the_same_nas() {
    let reports = |nas: &str, spacings: usize| -> Vec<String> {
        let mut lines = vec![format!("Start ann s1 10.0.0.1 nas:{nas} @0")];
        lines.extend(
            (1..=spacings).map(|n| format!("Interim ann s1 10.0.0.1 nas:{nas} @{}", n * 60)),
        );
        lines.push("Stop ann s1 @5000".to_owned());
        lines.push("Start bob s2 10.0.0.2 nas:a @100".to_owned());
        lines
    };
    let bob = |nas: &str, spacings: usize| {
        let lines = reports(nas, spacings);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        told(&lines).0.pop().unwrap()
    };
    assert_eq!(bob("a", 3), "10.0.0.2 bob 100/221 none logged assumed");
    assert_eq!(bob("a", 2), "10.0.0.2 bob 100/121 none logged open");
    assert_eq!(bob("b", 3), "10.0.0.2 bob 100/101 none logged open");
}

#[test]
fn stop_lost_with_nothing_known_the_last_stamp_of_its_nas_bounds_it() {
    check(
        &[
            "Start ann s1 10.0.0.1 @10",
            "Start bob s2 10.0.0.2 @50",
            "Start eve s3 10.0.0.3 nas:b @99",
        ],
        &[
            "10.0.0.1 ann 10/51 none logged open",
            "10.0.0.2 bob 50/51 none logged open",
            "10.0.0.3 eve 99/100 none logged open",
        ],
    );
}

#[test]
fn a_restart_of_the_nas_ends_its_open_sessions_and_no_others() {
    //  ann  10 |. . . . .|51           On 50
    //  bob  stopped before; eve on another NAS; zed began in the second of the restart
    let audit = check(
        &[
            "Start ann s1 10.0.0.1 @10",
            "Start bob s2 10.0.0.2 @10",
            "Stop bob s2 10.0.0.2 @20",
            "Start eve s3 10.0.0.3 nas:b @10",
            "On @50",
            "Start zed s4 10.0.0.4 @50",
            "Start end s5 10.0.0.5 @90",
            "Stop end s5 @95",
        ],
        &[
            "10.0.0.1 ann 10/51 none logged implied",
            "10.0.0.2 bob 10/21 11/20 logged logged",
            "10.0.0.3 eve 10/11 none logged open",
            "10.0.0.4 zed 50/96 none logged open",
            "10.0.0.5 end 90/96 91/95 logged logged",
        ],
    );
    assert_eq!(audit.restarts, 1);
}

#[test]
fn an_id_used_again_after_a_restart_is_another_session() {
    //  ann  10 |====20. . .|51                On 50
    //  ann            20 . . . 70|====|80     the same id; the new Start was lost
    check(
        &[
            "Start ann s1 10.0.0.1 @10",
            "Interim ann s1 10.0.0.1 @20",
            "Off @50",
            "Interim ann s1 10.0.0.1 @70",
            "Stop ann s1 10.0.0.1 @80",
        ],
        &["10.0.0.1 ann 10/51 11/20 logged implied", "10.0.0.1 ann 20/81 71/80 assumed logged"],
    );
}

#[test]
fn an_id_used_again_after_its_stop_is_another_session() {
    let audit = check(
        &[
            "Start ann s1 10.0.0.1 @10",
            "Stop ann s1 10.0.0.1 @20",
            "Start ann s1 10.0.0.2 @30",
            "Stop ann s1 10.0.0.2 @40",
            "Stop ann s1 10.0.0.3 @90 +30",
        ],
        &[
            "10.0.0.1 ann 10/21 11/20 logged logged",
            "10.0.0.2 ann 30/41 31/40 logged logged",
            "10.0.0.3 ann 59/91 62/90 logged logged",
        ],
    );
    assert_eq!((audit.sessions, audit.after_stop), (3, 0));
}

#[test]
fn a_second_stop_makes_the_end_doubtful() {
    //  ann  10 |=====20 . .|26
    let audit = check(
        &[
            "Start ann s1 10.0.0.1 @10",
            "Stop ann s1 10.0.0.1 @20 +10",
            "Stop ann s1 10.0.0.1 @25 +15",
        ],
        &["10.0.0.1 ann 10/26 11/20 logged logged"],
    );
    assert_eq!(audit.after_stop, 1);
}

#[test]
fn another_address_within_a_session_ends_the_earlier_one() {
    //  .1   10 |====40 . . .|71
    //  .2           40 . . .|=======| 90
    //  /56  10 |====================| 90      of another kind, and stays
    let audit = check(
        &[
            "Start ann s1 10.0.0.1 2001:db8::/56 @10",
            "Interim ann s1 10.0.0.1 2001:db8::/56 @40",
            "Interim ann s1 10.0.0.2 2001:db8::/56 @70",
            "Stop ann s1 10.0.0.2 2001:db8::/56 @90",
        ],
        &[
            "10.0.0.1 ann 10/71 11/40 logged implied",
            "10.0.0.2 ann 40/91 71/90 assumed logged",
            "2001:db8::/56 ann 10/91 11/90 logged logged",
        ],
    );
    assert_eq!(audit.address_changes, 1);
}

#[test]
fn an_address_given_up_within_a_session_ends_with_its_next_holder() {
    check(
        &[
            "Start ann s1 10.0.0.1 @10",
            "Start bob s2 10.0.0.1 @30",
            "Stop bob s2 @35",
            "Interim ann s1 10.0.0.2 @70",
            "Stop ann s1 10.0.0.2 @90",
        ],
        &[
            "10.0.0.1 ann 10/31 none logged implied",
            "10.0.0.1 bob 30/36 31/35 logged logged",
            "10.0.0.2 ann 10/91 71/90 assumed logged",
        ],
    );
}

#[test]
fn an_address_named_only_later_is_certain_only_from_then() {
    //  Start without address, the first report names it
    check(
        &["Start ann s1 @10", "Interim ann s1 10.0.0.1 @40", "Stop ann s1 @90"],
        &["10.0.0.1 ann 10/91 41/90 assumed logged"],
    );
}

#[test]
fn a_kind_of_address_that_is_no_longer_named_is_no_longer_certain() {
    check(
        &[
            "Start ann s1 10.0.0.1 2001:db8::/56 @10",
            "Interim ann s1 10.0.0.1 2001:db8::/56 @40",
            "Stop ann s1 10.0.0.1 @90",
        ],
        &["10.0.0.1 ann 10/91 11/90 logged logged", "2001:db8::/56 ann 10/91 11/40 logged logged"],
    );
}

#[test]
fn logged_sessions_that_overlap_are_left_as_they_are() {
    check(
        &[
            "Start ann s1 10.0.0.1 @10",
            "Start bob s2 10.0.0.1 @30",
            "Stop ann s1 10.0.0.1 @50",
            "Stop bob s2 10.0.0.1 @70",
        ],
        &["10.0.0.1 ann 10/51 11/50 logged logged", "10.0.0.1 bob 30/71 31/70 logged logged"],
    );
}

#[test]
fn a_session_under_two_names_binds_both_and_is_certain_of_neither() {
    let audit = check(
        &["Start ann s1 10.0.0.1 @10", "Start bob s1 10.0.0.1 @10", "Stop ann s1 10.0.0.1 @50"],
        &["10.0.0.1 ann 10/51 none logged logged", "10.0.0.1 bob 10/51 none logged logged"],
    );
    assert_eq!((audit.renamed, audit.sessions), (1, 1));
}

#[test]
fn an_id_under_very_many_names_does_not_multiply() {
    let lines: Vec<String> =
        (0..300).map(|n| format!("Interim u{n} s1 10.0.{}.{} @{n}", n / 250, n % 250)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (bindings, _) = told(&lines);
    assert!(bindings.len() <= 300 * 16, "{}", bindings.len());
}

#[test]
fn a_report_after_a_long_silence_may_be_of_a_session_that_began_meanwhile() {
    //  ann  10 |. . . . . .|72         nothing of the first session after its Start
    //  ann            69 . |===| 200   by its session time the second began at 70
    check(
        &["Start ann s1 10.0.0.1 @10", "Stop ann s1 10.0.0.1 @200 +130"],
        &["10.0.0.1 ann 10/72 none logged implied", "10.0.0.1 ann 69/201 72/200 logged logged"],
    );
}

#[test]
fn a_session_time_cut_off_twice_is_still_of_the_same_session() {
    // Start at 10.9, Stop at 70.1: 59.2 s, of which some devices report 58.
    check(
        &["Start ann s1 10.0.0.1 @10", "Stop ann s1 10.0.0.1 @70 +58"],
        &["10.0.0.1 ann 10/71 11/70 logged logged"],
    );
}

#[test]
fn extreme_stamps_do_not_break_it() {
    let mut low = record("Stop ann s1 10.0.0.1 +4294967295 ~4294967295");
    low.time = WrittenTime::new(Timestamp::from_microsecond(i64::MIN + 1), i64::MAX);
    let mut high = record("Interim ann s2 10.0.0.1 ~4294967295");
    high.time = WrittenTime::new(Timestamp::MAX, i64::MAX);
    let mut restart = record("On");
    restart.time = WrittenTime::new(Timestamp::MAX, 1);
    let all = [low, high, restart];
    let (bindings, _) = bindings_from(all.into_iter().map(|r| (SourceId(0), r)));
    assert_eq!(bindings.len(), 2);
}

#[cfg(feature = "serde")]
#[test]
fn records_survive_storage() {
    let record = record("Interim ann s1 10.0.0.1%blue 2001:db8::/56 name:x @10.5 +60 ~30");
    let json = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<AccountingRecord>(&json).unwrap(), record);
    #[cfg(feature = "readers")]
    {
        let bytes = postcard::to_stdvec(&record).unwrap();
        assert_eq!(postcard::from_bytes::<AccountingRecord>(&bytes).unwrap(), record);
    }
}
