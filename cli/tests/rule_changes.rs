//! Rules over time on the command line: changes, checks, differences.

mod common;

use std::fs;
use std::path::Path;

use common::{done, portledger};
use serde_json::Value;
use tempfile::TempDir;

/// A block table: 192.0.2.1, `A-B` to a host.
fn blocks(dir: &Path, name: &str, rows: &[(&str, &str)]) {
    let row = |(ports, host): &(&str, &str)| {
        let (first, last) = ports.split_once('-').unwrap();
        format!("192.0.2.1,{first},{last},{host}\n")
    };
    let rows: String = rows.iter().map(row).collect();
    fs::write(dir.join(name), format!("address,first,last,inside\n{rows}")).unwrap();
}

/// A ledger whose port 2000 passes from ann to bob at @1000, and port 1500 stays.
fn changed() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    blocks(dir.path(), "old.csv", &[("1024-2047", "100.64.0.1")]);
    blocks(dir.path(), "new.csv", &[("1024-1535", "100.64.0.1"), ("1536-2559", "100.64.0.2")]);
    let people = "inside,subscriber,start,end\n100.64.0.1,ann,@0,\n100.64.0.2,bob,@0,@1005\n";
    fs::write(dir.path().join("people.csv"), people).unwrap();
    done(dir.path(), "rules add --ledger L --from @100 old.csv");
    done(dir.path(), "subscribers import --ledger L --format csv people.csv");
    dir
}

#[test]
fn a_change_closes_the_old_version_and_says_so() {
    let dir = changed();
    let ran = done(dir.path(), "rules add --ledger L --from @1000 new.csv");
    assert_eq!(
        ran.stderr,
        "1 rule(s) in force 1970-01-01T00:16:40Z/ as version 2\n\
         version 1 is closed: it was in force 1970-01-01T00:01:40Z/, now 1970-01-01T00:01:40Z/1970-01-01T00:16:40Z\n"
    );
    let listed = done(dir.path(), "rules list --ledger L").stdout;
    let first = listed.lines().next().unwrap();
    assert!(
        first.starts_with(
            "version 1  1970-01-01T00:01:40Z/1970-01-01T00:16:40Z  deterministic  1 pool(s)  closed by version 2  old.csv  sha256 "
        ),
        "{first}"
    );
    assert!(listed.contains("version 2  1970-01-01T00:16:40Z/  deterministic  1 pool(s)  new.csv"));
    // The same again, both of them.
    for (from, file, version) in [("@100", "old.csv", 1), ("@1000", "new.csv", 2)] {
        let ran = done(dir.path(), &format!("rules add --ledger L --from {from} {file}"));
        let wanted = format!("those rules are version {version} already: nothing to do\n");
        assert_eq!(ran.stderr, wanted);
    }
    assert_eq!(done(dir.path(), "rules list --ledger L").stdout, listed);
}

#[test]
fn a_question_near_a_change_shows_it_in_the_margin() {
    let dir = changed();
    done(dir.path(), "rules add --ledger L --from @1000 new.csv");
    let questions = "id,public_ip,port,protocol,time\n\
                     before,192.0.2.1,2000,tcp,@989\nbehind,192.0.2.1,2000,tcp,@1003\nsame,192.0.2.1,1500,tcp,@989\n";
    fs::write(dir.path().join("q.csv"), questions).unwrap();
    let ran = done(dir.path(), "resolve --ledger L --batch q.csv --input csv --output csv");
    let rows: Vec<&str> = ran.stdout.lines().skip(1).collect();
    // The asker's stamp may be 0.15 s early.
    assert!(rows[0].starts_with("before,unique,rule,ann,100.64.0.1,rule,ann,1,"), "{}", rows[0]);
    assert!(rows[0].contains(",9.85,"), "{}", rows[0]);
    assert!(rows[0].contains(",block-table:1,"), "{}", rows[0]);
    assert!(rows[1].starts_with("behind,unique,rule,bob,100.64.0.2,rule,bob,1,3,"), "{}", rows[1]);
    assert!(rows[1].contains(",block-table:2,"), "{}", rows[1]);
    // Nothing changes there.
    assert!(rows[2].starts_with("same,unique,rule,ann,"), "{}", rows[2]);
    assert!(rows[2].contains(",>=889,,,,block-table:1,"), "{}", rows[2]);
}

#[test]
fn what_a_change_leaves_without_rules_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let two = "address,first,last,inside\n192.0.2.1,1024,2047,100.64.0.1\n192.0.2.2,1024,2047,100.64.0.2\n";
    fs::write(dir.path().join("two.csv"), two).unwrap();
    blocks(dir.path(), "one.csv", &[("1024-2047", "100.64.0.3")]);
    done(dir.path(), "rules add --ledger L --from @0 two.csv");
    let ran = done(dir.path(), "rules add --ledger L --from @10 --until @20 one.csv");
    assert!(ran.stderr.contains("warning dropped: 1 address(es) of version 1 are in no rule of version 2: 192.0.2.2; --beside"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("version 1 does not come back at 1970-01-01T00:00:20Z"),
        "{}",
        ran.stderr
    );
    // A set that comes late ends where the next one begins.
    blocks(dir.path(), "late.csv", &[("1024-2047", "100.64.0.4")]);
    let ran = done(dir.path(), "rules add --ledger L --from @5 late.csv");
    assert!(ran.stderr.contains("version 3 ends where version 2 begins"), "{}", ran.stderr);
    // On purpose both.
    blocks(dir.path(), "beside.csv", &[("2000-2100", "100.64.0.5")]);
    let ran = done(dir.path(), "rules add --ledger L --from @15 --beside beside.csv");
    assert!(!ran.stderr.contains("closed"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains(
            "error beside: version 2 is in force at the same time and names another holder, first on 192.0.2.1 port 2000-2047: 100.64.0.3 against 100.64.0.5"
        ),
        "{}",
        ran.stderr
    );
}

#[test]
fn findings_are_printed_on_add_and_by_check() {
    let dir = tempfile::tempdir().unwrap();
    blocks(dir.path(), "bad.csv", &[("1024-2047", "100.64.0.1"), ("2000-2100", "100.64.0.2")]);
    blocks(dir.path(), "twice.csv", &[("1024-2047", "100.64.0.1"), ("1024-2047", "100.64.0.1")]);
    blocks(dir.path(), "good.csv", &[("1024-2047", "100.64.0.1")]);
    let added = done(dir.path(), "rules add --ledger L --from @0 bad.csv").stderr;
    let finding = "error two-holders: `#1` gives 192.0.2.1 port 2000-2047 to 100.64.0.1 and to 100.64.0.2: correct its blocks\n";
    assert!(added.contains(finding), "{added}");
    let check = |line: &str| {
        let words: Vec<&str> = ["rules", "check"].into_iter().chain(line.split(' ')).collect();
        portledger(dir.path(), &words)
    };
    let ran = check("bad.csv");
    assert_eq!((ran.code, ran.stdout.as_str()), (3, finding));
    assert_eq!(ran.stderr, "1 rule(s): 1 error(s), 0 warning(s)\n");
    let ran = check("twice.csv --output csv");
    assert_eq!(ran.code, 3);
    assert_eq!(
        ran.stdout,
        "severity,kind,rules,detail\nwarning,repeated,#1,1 row(s) are there more than once and count once\n"
    );
    let ran = check("bad.csv --output ndjson");
    let line: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((line["severity"].as_str(), line["rules"][0].as_str()), (Some("error"), Some("#1")));
    let ran = check("good.csv");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(check("preset:v6plus").code, 0);
    for bad in ["nowhere.csv", "preset:softbank"] {
        assert_eq!((check(bad).code, check(bad).stdout.as_str()), (2, ""), "{bad}");
    }
}

#[test]
fn a_diff_of_files_lists_every_port_that_moves() {
    let dir = changed();
    let ran = done(dir.path(), "rules diff old.csv new.csv --output csv");
    assert_eq!(
        ran.stdout,
        "first_address,last_address,first_port,last_port,change,old,new\n\
         192.0.2.1,192.0.2.1,1536,2047,moved,100.64.0.1,100.64.0.2\n\
         192.0.2.1,192.0.2.1,2048,2559,gained,nobody,100.64.0.2\n"
    );
    assert_eq!(
        ran.stderr,
        "1 address(es) touched, 1024 port(s) changed; 1 holder(s) lose ports, 1 gain\n"
    );
    let same = done(dir.path(), "rules diff new.csv new.csv");
    assert_eq!(same.stdout, "");
    assert!(same.stderr.starts_with("0 address(es) touched, 0 port(s)"), "{}", same.stderr);
    let back = done(dir.path(), "rules diff new.csv old.csv --output ndjson").stdout;
    let lines: Vec<Value> = back.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["change"], "lost");
    assert_eq!((&lines[1]["first_port"], &lines[1]["last_port"]), (&2048.into(), &2559.into()));
    let preset = done(dir.path(), "rules diff preset:v6plus preset:v6plus");
    assert_eq!(preset.stdout, "");
}

#[test]
fn a_diff_of_versions_has_the_subscribers_of_the_change() {
    let dir = changed();
    done(dir.path(), "rules add --ledger L --from @1000 new.csv");
    blocks(dir.path(), "third.csv", &[("1024-2559", "100.64.0.2")]);
    done(dir.path(), "rules add --ledger L --from @2000 third.csv");
    let ran = done(dir.path(), "rules diff --ledger L 1 2");
    assert_eq!(
        ran.stdout,
        "192.0.2.1       1536-2047   moved    100.64.0.1 (ann) -> 100.64.0.2 (bob)\n\
         192.0.2.1       2048-2559   gained   nobody -> 100.64.0.2 (bob)\n"
    );
    assert!(ran.stderr.contains("subscribers at 1970-01-01T00:16:40Z"), "{}", ran.stderr);
    // At @2000 bob's binding has ended.
    let ran = done(dir.path(), "rules diff --ledger L 2 3 --output csv");
    assert_eq!(
        ran.stdout.lines().nth(1).unwrap(),
        "192.0.2.1,192.0.2.1,1024,1535,moved,100.64.0.1,100.64.0.2,ann,unbound"
    );
    for (old, new) in [("0", "1"), ("1", "4"), ("old.csv", "2")] {
        let ran = portledger(dir.path(), &["rules", "diff", "--ledger", "L", old, new]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.contains("is no version"), "{}", ran.stderr);
    }
}

#[test]
fn another_name_of_the_same_subscriber_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    blocks(dir.path(), "old.csv", &[("1024-2047", "100.64.0.1")]);
    let table = "ipv4,psid_offset,psid_len,psid,b4\n192.0.2.1,0,6,1,2001:db8::1\n";
    fs::write(dir.path().join("table.csv"), table).unwrap();
    let people = "inside,subscriber,start,end\n100.64.0.1,ann,,\n2001:db8::/56,ann,,\n";
    fs::write(dir.path().join("people.csv"), people).unwrap();
    done(dir.path(), "subscribers import --ledger L --format csv people.csv");
    done(dir.path(), "rules add --ledger L --from @0 old.csv");
    let ran = done(dir.path(), "rules add --ledger L --from @10 table.csv");
    assert!(ran.stderr.contains("version 1 is closed"), "{}", ran.stderr);
    let ran = done(dir.path(), "rules diff --ledger L 1 2 --output csv");
    assert_eq!(
        ran.stdout.lines().nth(1).unwrap(),
        "192.0.2.1,192.0.2.1,1024,2047,same-subscriber,100.64.0.1,b4[2001:db8::1],ann,ann"
    );
    assert!(ran.stderr.contains("1024 of the ports stay"), "{}", ran.stderr);
}

#[test]
fn a_bare_record_is_added_with_its_reading() {
    let dir = tempfile::tempdir().unwrap();
    let record =
        "[Wed Oct 11 14:32:52 2000]:198.51.100.0:28:192.0.2.0:32:2:5040:0:1-1023,5004,5060\n";
    fs::write(dir.path().join("record.log"), record).unwrap();
    let line = ["rules", "add", "--ledger", "L", "--from", "@0", "record.log"];
    let ran = portledger(dir.path(), &line);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--record"), "{}", ran.stderr);
    let with = "--record address-major,skip,use,reserve";
    done(dir.path(), &format!("rules add --ledger L --from @0 {with} record.log"));
    // It reads back as it was added, and answers.
    let listed = done(dir.path(), "rules list --ledger L").stdout;
    assert!(listed.contains("record address-major,skip,use,reserve"), "{listed}");
    let words =
        ["resolve", "--ledger", "L", "192.0.2.0:5056", "@100", "--protocol", "tcp", "--json"];
    let ran = portledger(dir.path(), &words);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(ran.code, 8, "{answer}");
    assert!(answer["candidates"][0]["inside"].to_string().contains("198.51.100.2"), "{answer}");
    // Another reading is another set.
    let other = "--record address-major,skip,use,use";
    let ran = done(dir.path(), &format!("rules add --ledger L --from @0 {other} record.log"));
    assert!(ran.stderr.contains("as version 2"), "{}", ran.stderr);
    let wanted = "error beside: version 1 is in force at the same time and names another holder";
    assert!(ran.stderr.contains(wanted), "{}", ran.stderr);
    // The same file for an overlapping time is loaded twice.
    let ran =
        done(dir.path(), &format!("rules add --ledger L --from @0 --until @9 {with} record.log"));
    assert!(ran.stderr.contains("error loaded-twice: version 1 is the same"), "{}", ran.stderr);
}

#[test]
fn the_evidence_names_the_version_that_rules_list_shows() {
    let dir = tempfile::tempdir().unwrap();
    // Both files say of themselves that they are version 7.
    for (name, v6) in [("old.json", "2001:db8::/40"), ("new.json", "2001:db8:8000::/40")] {
        let text = format!(
            r#"{{"ietf-softwire-br:br-instances": {{"algorithm": {{"algo-instance": [
                {{"name": "west", "enable": true, "algo-versioning": {{"version": "7"}},
                "br-ipv6-addr": "2001:db8:ffff::1", "ea-len": 16, "rule-ipv6-prefix": "{v6}",
                "rule-ipv4-prefix": "192.0.2.0/24", "forwarding": true,
                "port-set": {{"psid-offset": 6, "psid-len": 8}}}}]}}}}}}"#
        );
        fs::write(dir.path().join(name), text).unwrap();
    }
    done(dir.path(), "rules add --ledger L --from @100 old.json");
    done(dir.path(), "rules add --ledger L --from @1000 new.json");
    for (time, version, file) in [("@500", "1", "old.json"), ("@1500", "2", "new.json")] {
        let words = ["resolve", "--ledger", "L", "192.0.2.18:1232", time, "--protocol", "tcp"];
        let ran = portledger(dir.path(), &words);
        let wanted =
            format!("evidence rule west version {version} (in its file: 7), PSID 52 in {file}");
        assert!(ran.stdout.contains(&wanted), "{}", ran.stdout);
        let ran = portledger(dir.path(), &[&words[..], &["--json"]].concat());
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        let evidence = &answer["candidates"][0]["evidence"]["rule"];
        assert_eq!(
            (&evidence["version"], &evidence["file_version"]),
            (&version.into(), &"7".into())
        );
    }
    fs::write(
        dir.path().join("q.csv"),
        "id,public_ip,port,protocol,time\na,192.0.2.18,1232,tcp,@1500\n",
    )
    .unwrap();
    let ran = done(dir.path(), "resolve --ledger L --batch q.csv --input csv --output csv");
    assert!(ran.stdout.contains(",west:2,"), "{}", ran.stdout);
}

#[test]
fn a_file_that_does_not_read_leaves_no_ledger_behind() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("bad.csv"), "address,first,last,host\n192.0.2.1,1,2,100.64.0.1\n")
        .unwrap();
    for file in ["bad.csv", "nowhere.csv"] {
        let ran = portledger(dir.path(), &["rules", "add", "--ledger", "L", "--from", "@0", file]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(file), "{}", ran.stderr);
        assert!(!dir.path().join("L").exists(), "{file}");
    }
}
