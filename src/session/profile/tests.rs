use super::*;
fn timer(timeout: u32, last: Option<TcpState>, at_release: Option<TcpState>) -> Timer {
    Timer {
        timeout_second: Some(timeout),
        state: last,
        state_at_release: at_release,
        seen_update: true,
    }
}

#[test]
fn a_printed_timeout_counts_rather_than_a_constant() {
    let p = Profile::conntrack();
    let t = timer(30, None, None);
    let idle = p.idle_before_end(Some(Protocol::UDP), Some(false), t, true);
    assert_eq!(idle, TimeDelta::from_second(29));
}

#[test]
fn without_updates_the_constants_hold() {
    let p = Profile::conntrack();
    for (protocol, timeout, idle) in [
        (Protocol::TCP, 120, 1),
        (Protocol::UDP, 30, 9),
        (Protocol::UDP, 6, 5),
        (Protocol::ICMP, 30, 4),
    ] {
        let t = Timer { timeout_second: Some(timeout), ..Timer::default() };
        let found = p.idle_before_end(Some(protocol), Some(false), t, false);
        assert_eq!(found, TimeDelta::from_second(idle), "{protocol} {timeout}");
    }
}

#[test]
fn a_state_change_whose_line_was_lost_takes_the_printed_timeout_out_of_force() {
    let p = Profile::conntrack();
    let t = timer(432_000, Some(TcpState::Established), Some(TcpState::TimeWait));
    let idle = p.idle_before_end(Some(Protocol::TCP), Some(false), t, true);
    assert_eq!(idle, TimeDelta::from_second(1));
}

#[test]
fn a_killed_or_undeclared_end_has_no_idle() {
    let p = Profile::conntrack();
    let t = timer(30, None, None);
    for killed in [Some(true), None] {
        let idle = p.idle_before_end(Some(Protocol::UDP), killed, t, true);
        assert_eq!(idle, TimeDelta::ZERO, "{killed:?}");
    }
}

#[test]
fn where_kills_are_hidden_every_end_may_be_one() {
    let hidden = Profile { kills: Kills::Hidden, ..Profile::conntrack() };
    let none = Profile { kills: Kills::None, ..Profile::conntrack() };
    let t = timer(30, None, None);
    let idle = |p: &Profile| p.idle_before_end(Some(Protocol::UDP), Some(false), t, true);
    assert_eq!(idle(&hidden), TimeDelta::ZERO);
    assert_eq!(idle(&none), TimeDelta::from_second(29));
}

#[test]
fn the_unknown_profile_claims_nothing() {
    let p = Profile::unknown();
    assert_eq!(p.late, TimeDelta::from_second(1));
    assert!(!p.exclusive && p.max_life.is_none() && p.kills == Kills::Hidden);
    assert_eq!(Profile::builtin("unknown"), Some(p));
    assert_eq!(Profile::builtin("nobody"), None);
}

#[test]
fn a_printed_timeout_counts_only_as_far_as_the_device_may_cut_it_in_silence() {
    let p = Profile::conntrack();
    let t = timer(432_000, Some(TcpState::Established), Some(TcpState::Established));
    let idle = p.idle_before_end(Some(Protocol::TCP), Some(false), t, true);
    assert_eq!(idle, TimeDelta::from_second(299));
}

#[cfg(feature = "readers")]
mod files {
    use super::*;

    const TEXT: &str = r#"{
        "name": "edge-7", "version": 3, "late": "2s", "resolution": "10ms", "end_is": "logged-stop",
        "idle": { "logged_timeout_less": "1s", "least": [["udp", "30s"], ["tcp", "4s"]] },
        "kills": "hidden", "key_has_destination": false, "exclusive": true,
        "max_life": "24h", "survivors": "5m"
    }"#;

    fn read(text: &str) -> Result<Profile, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn the_text_form_is_inverse() {
        let from_file = read(TEXT).unwrap();
        assert_eq!(from_file.max_life, Some(TimeDelta::from_second(86_400)));
        assert_eq!(from_file.idle.least.len(), 2);
        for p in [from_file, Profile::unknown(), Profile::conntrack(), Profile::exact()] {
            assert_eq!(p.validate(), Ok(()));
            let text = serde_json::to_string(&p).unwrap();
            assert_eq!(read(&text).unwrap(), p, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_true_is_refused_by_name() {
        for (from, to, says) in [
            (r#""late": "2s""#, r#""late": "-2s""#, "`late` is -2s"),
            (r#""10ms""#, r#""-10ms""#, "`resolution` is -0.01s"),
            (r#""30s""#, r#""-30s""#, "`idle.least` is -30s"),
            (r#"_less": "1s""#, r#"_less": "-1s""#, "`idle.logged_timeout_less` is -1s"),
            (r#"["tcp","#, r#"["udp","#, "`idle.least` names udp twice"),
            (r#""24h""#, r#""0s""#, "`max_life` is 0s"),
            (r#""5m""#, r#""-5m""#, "`survivors` is -300s"),
            ("edge-7", "", "the profile name `` is empty"),
            ("edge-7", "a/b", "the profile name `a/b`"),
            ("survivors", "survivor", "unknown field `survivor`"),
            (r#""hidden""#, r#""never""#, "unknown variant `never`"),
            (r#""late": "2s","#, "", "missing field `late`"),
            (r#""2s""#, r#""soon""#, "`soon` is not a length of time"),
        ] {
            assert!(TEXT.contains(from), "{from}");
            let error = read(&TEXT.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
