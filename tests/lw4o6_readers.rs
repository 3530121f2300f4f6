//! Readers of binding tables: what they read, what they refuse and where, and that no bytes make them panic.
#![cfg(feature = "readers")]

use std::net::{Ipv4Addr, Ipv6Addr};

use portledger::mapping::PsidParams;
use portledger::mapping::lw4o6::{
    BadBinding, BindInstance, BindingLimits, BindingReadError, BindingTable, BrBase, LwB4,
    SnabbOptions, Softwire, read_bindings_csv, read_snabb, read_softwire_bindings,
    write_bindings_csv, write_softwire_bindings,
};
use portledger::{TimeRange, Timestamp};
use proptest::prelude::*;

// One table in every form.

const V3: &str = r#"// exported
softwire-config {
  binding-table {
    softwire {
      ipv4 203.0.113.233;
      psid 80;
      b4-ipv6 2001:db8:2::128;
      br-address 2001:db8:ff::1;
      port-set { psid-length 16; }
    }
    softwire { psid 0; ipv4 "203.0.113.1"; padding 0; b4-ipv6 '2001:db8:10::128';
      br-address 2001:db8:ff::1; port-set { psid-length 0; reserved-ports-bit-count 0; } }
    softwire {
      /* at the second relay */
      ipv4 203.0.113.3; psid 4; b4-ipv6 2001:db8:14::128; br-address 2001:db8:ff::3;
      port-set { psid-length 6; reserved-ports-bit-count 4; }
    }
    version { number 3; date 2021-11-08T00:00:00Z; }
  }
  external-interface { allow-incoming-icmp false; ingress-filter "ip { \" ;"; }
  instance { device test; queue { id 0; next-hop { mac 68:68:68:68:68:68; } } }
}
"#;

const V1: &str = "softwire-config {
  binding-table {
    br-address 2001:db8:ff::1;
    br-address 2001:db8:ff::2;
    br-address 2001:db8:ff::3;
    softwire { ipv4 203.0.113.233; psid 80; b4-ipv6 2001:db8:2::128; }
    softwire { ipv4 203.0.113.1; psid 0; b4-ipv6 2001:db8:10::128; br 1; }
    softwire { ipv4 203.0.113.3; psid 4; b4-ipv6 2001:db8:14::128; br 3; }
    psid-map { addr 203.0.113.1; psid-length 0; shift 16; }
    psid-map { addr 203.0.113.2; end-addr 203.0.113.9; psid-length 6; shift 6; }
    psid-map { addr 203.0.113.233; psid-length 16; }
  }
}
";

const TEXT: &str = "# comment
psid_map {
  203.0.113.1 {psid_length=0}
  203.0.113.2-203.0.113.3, 203.0.113.9 { psid_length=6, shift=6 },
  203.0.113.233 {shift=0}
}
br_addresses {
  2001:db8:ff::1,
  2001:DB8:FF::2,
  2001:db8:ff::3,
}
softwires {
  { ipv4=203.0.113.1, b4=2001:db8:10::128 }
  { ipv4=203.0.113.3, psid=4, b4=2001:db8:14::128, aftr=2 }
  { ipv4=203.0.113.233
    psid=80
    b4=2001:db8:2::128, aftr=0 },
}
";

const JSON: &str = r#"{ "ietf-interfaces:interfaces": {}, "ietf-softwire-br:br-instances": {
 "algorithm": { "algo-instance": [] },
 "binding": { "bind-instance": [ {
  "name": "mybinding", "binding-table-versioning": { "version": "7", "date": "2021-11-08T00:00:00Z" },
  "softwire-num-max": 1024, "softwire-payload-mtu": 1540, "softwire-path-mru": 1540,
  "enable-hairpinning": true, "icmp-policy": { "icmpv4-errors": { "icmpv4-rate": 10 } },
  "traffic-stat": {},
  "binding-table": { "binding-entry": [
   { "binding-ipv6info": "2001:db8:2::128", "binding-ipv4-addr": "203.0.113.233",
     "port-set": { "psid-len": 16, "psid": 80 }, "br-ipv6-addr": "2001:db8:ff::1" },
   { "binding-ipv6info": "2001:db8:10::128/128", "binding-ipv4-addr": "203.0.113.1",
     "port-set": { "psid-offset": 16, "psid-len": 0 },
     "encapsulation": { "br-ipv6-addr": "2001:db8:ff::1" } },
   { "binding-ipv6info": "2001:db8:14::128", "binding-ipv4-addr": "203.0.113.3",
     "port-set": { "psid-offset": 4, "psid-len": 6, "psid": 4 }, "br-ipv6-addr": "2001:db8:ff::3" }
  ] } } ] } } }"#;

const CSV: &str = "b4, ipv4,psid_len,psid_offset,psid,br,until,from
2001:db8:2::128,203.0.113.233,16,0,80,2001:db8:ff::1,,

\"2001:db8:10::128\",203.0.113.1,0,0,,2001:db8:ff::1,,
2001:db8:14::128,203.0.113.3,6,4,4,2001:db8:ff::3,,\r
";

fn expected() -> BindingTable {
    let row = |addr: [u8; 4], (a, k, psid), b4: &str, br: &str| {
        let b4: LwB4 = b4.parse().unwrap();
        let row = Softwire::new(Ipv4Addr::from(addr), PsidParams::new_assert(a, k), psid, b4);
        row.unwrap().with_br(br.parse().unwrap())
    };
    BindingTable::new(vec![
        row([203, 0, 113, 233], (0, 16, 80), "2001:db8:2::128", "2001:db8:ff::1"),
        row([203, 0, 113, 1], (0, 0, 0), "2001:db8:10::128", "2001:db8:ff::1"),
        row([203, 0, 113, 3], (4, 6, 4), "2001:db8:14::128", "2001:db8:ff::3"),
    ])
}

fn snabb(text: &str) -> Result<BindingTable, BindingReadError> {
    read_snabb(text.as_bytes(), &SnabbOptions::default())
}

fn json(text: &str) -> Result<Vec<BindInstance>, BindingReadError> {
    read_softwire_bindings(text.as_bytes(), TimeRange::ALL, BindingLimits::default())
}

fn csv(text: &str) -> Result<BindingTable, BindingReadError> {
    read_bindings_csv(text.as_bytes(), BindingLimits::default(), None)
}

/// Reads `sample` with one text changed, and gives the refusal.
fn refusal<T: std::fmt::Debug>(
    read: impl Fn(&str) -> Result<T, BindingReadError>,
    sample: &str,
    (from, to): (&str, &str),
) -> String {
    assert!(sample.contains(from), "`{from}` is not in the sample");
    read(&sample.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn every_form_says_the_same() {
    assert_eq!(snabb(V3).unwrap(), expected());
    assert_eq!(snabb(V1).unwrap(), expected());
    assert_eq!(snabb(TEXT).unwrap(), expected());
    assert_eq!(csv(CSV).unwrap(), expected());
    let instances = json(JSON).unwrap();
    assert_eq!(instances.len(), 1);
    let BindInstance { name, version, table } = &instances[0];
    assert_eq!((name.as_str(), version.as_deref(), table), ("mybinding", Some("7"), &expected()));
}

#[test]
fn the_first_form_of_v1_counts_relays_from_0() {
    let counted_from_0 =
        V1.replace("br 3;", "br 2;").replace("br 1;", "").replace("softwire-config {", "");
    let counted_from_0 = counted_from_0.strip_suffix("}\n").unwrap();
    let options = |br_base| SnabbOptions { br_base, ..SnabbOptions::default() };
    let zero = options(Some(BrBase::Zero));
    assert_eq!(read_snabb(counted_from_0.as_bytes(), &zero).unwrap(), expected());
    let one = options(Some(BrBase::One));
    let text = TEXT.replace("aftr=2", "aftr=3").replace("aftr=0", "aftr=1");
    assert_eq!(read_snabb(text.as_bytes(), &one).unwrap(), expected());
    // Counted otherwise the index leads nowhere, or to another relay, never to another holder.
    let err = read_snabb(V1.as_bytes(), &zero).unwrap_err().to_string();
    assert!(err.contains("no relay address 3") && err.contains("br_base"), "{err}");
    let err = snabb(&V1.replace("br 1;", "br 0;")).unwrap_err().to_string();
    assert!(err.contains("no relay address 0, the file has 3"), "{err}");
}

#[test]
fn a_file_without_times_gets_the_lifetime_of_its_reader() {
    let lifetime: TimeRange = "@100/@200".parse().unwrap();
    let options = SnabbOptions { lifetime, ..SnabbOptions::default() };
    let table = read_snabb(V3.as_bytes(), &options).unwrap();
    assert!(table.rows().iter().all(|row| row.lifetime() == lifetime));
    let limits = BindingLimits::default();
    let instances = read_softwire_bindings(JSON.as_bytes(), lifetime, limits).unwrap();
    assert!(instances[0].table.rows().iter().all(|row| row.lifetime() == lifetime));
}

#[test]
fn what_snabb_texts_get_wrong_is_refused_where_it_stands() {
    for (change, texts) in [
        (("psid 80;", "psid 65536;"), &["line 6, column 12", "`psid` is `65536`"][..]),
        (("psid 80;", ""), &["line 4, column 5", "`psid` is missing"]),
        (("psid 80;", "psid 80; psid 81;"), &["line 6", "`psid` is written twice"]),
        (("psid 80;", "pzid 80;"), &["line 6, column 7", "`pzid` is not known"]),
        (("psid 80;", "psid 80"), &["line 7", "`b4-ipv6` stands where `;`"]),
        (("psid 80;", "psid;"), &["line 6", "a value"]),
        (("psid 4;", "psid 64;"), &["line 13, column 5", "right-aligned"]),
        (("psid-length 16;", "psid-length 17;"), &["line 9", "from 0 to 16"]),
        (("psid-length 16;", ""), &["line 9, column 7", "`psid-length` is missing"]),
        (("bit-count 4;", "bit-count 11;"), &["line 16", "11 reserved bits, 6 bits of PSID"]),
        (("2001:db8:2::128", "203.0.113.1"), &["line 7, column 15", "an IPv6 address"]),
        (("ipv4 203.0.113.3;", "ipv4 203.0.113.300;"), &["line 15", "an IPv4 address"]),
        (("softwire {\n", "softwires {\n"), &["line 4, column 5", "`softwires` is not known"]),
        (("binding-table {", "bindingtable {"), &["no binding table"]),
        (("  binding-table {", "  "), &["line 22, column 1", "`}` stands"]),
        (("/* at", "* at"), &["line 14", "is not known"]),
        (("/* at the second relay */", "/* at"), &["line 14, column 7", "without end"]),
        (
            ("br-address 2001:db8:ff::1;", "br-address 2001:db8:ff::1; br 1;"),
            &["line 4", "two forms"],
        ),
        (("version {", "psid-map { addr 203.0.113.1; psid-length 0; } version {"), &["two forms"]),
        (("version {", "binding-table"), &["line 18", "is not known"]),
        (("  external-interface", "binding-table { }"), &["`binding-table` is written twice"]),
    ] {
        let err = refusal(snabb, V3, change);
        for text in texts {
            assert!(err.contains(text), "{change:?}: `{text}` is not in: {err}");
        }
    }
    // Files that were cut short.
    for end in 0..V3.trim_end().len() {
        assert!(snabb(&V3[..end]).is_err(), "{end}");
    }
    for end in 0..TEXT.trim_end().len() {
        assert!(snabb(&TEXT[..end]).is_err(), "{end}");
    }
}

#[test]
fn what_psid_maps_get_wrong_is_refused_where_it_stands() {
    for (change, texts) in [
        (("addr 203.0.113.1;", "addr 203.0.113.10;"), &["line 7", "does not hold 203.0.113.1"][..]),
        (("end-addr 203.0.113.9", "end-addr 203.0.113.1"), &["line 10", "not below `addr`"]),
        (
            ("end-addr 203.0.113.9", "end-addr 203.0.113.255"),
            &["line 11", "203.0.113.233 different port parameters"],
        ),
        (("shift 6;", "shift 11;"), &["line 10", "6 bits of PSID and 11 bits below"]),
        (
            ("shift 6;", "shift 6; reserved-ports-bit-count 3;"),
            &["line 10", "3 reserved bits, 6 bits of PSID and 6 bits below"],
        ),
        (("br 3;", "br 4;"), &["line 8", "no relay address 4"]),
        (("br 3;", "br -1;"), &["line 8", "`br` is `-1`"]),
    ] {
        let err = refusal(snabb, V1, change);
        for text in texts {
            assert!(err.contains(text), "{change:?}: `{text}` is not in: {err}");
        }
    }
    // Reserved bits that agree, and entries that overlap and agree.
    let same = V1.replace("shift 6;", "shift 6; reserved-ports-bit-count 4;").replace(
        "psid-map { addr 203.0.113.233",
        "psid-map { addr 203.0.113.5; end-addr \
            203.0.113.6; psid-length 6; shift 6; } psid-map { addr 203.0.113.233",
    );
    assert_eq!(snabb(&same).unwrap(), expected());
    for (change, texts) in [
        (("psid=4", "psid=64"), &["line 14, column 3", "does not fit into 6 bits"][..]),
        (("psid=4", "psid=x"), &["line 14", "`psid` is `x`"]),
        (("psid=4", "pzid=4"), &["line 14, column 23", "`pzid` is not known"]),
        (("psid=4", "psid 4"), &["line 14", "`=` and a value"]),
        (("psid=4", "psid=4, psid=4"), &["line 14", "twice"]),
        ((", aftr=2", ", aftr=3"), &["no relay address 3", "counted from 0"]),
        (("b4=2001:db8:14::128,", ""), &["line 14, column 3", "`b4` is missing"]),
        (("shift=6", "shift=11"), &["line 4", "6 bits of PSID and 11 bits below"]),
        (("-203.0.113.3,", "-203.0.112.3,"), &["line 4", "not below the first"]),
        (("203.0.113.1 {", "203.0.114.1 {"), &["does not hold 203.0.113.1"]),
        (("br_addresses", "br_adresses"), &["line 7", "`br_addresses`"]),
        (("softwires {", "} softwires {"), &["`softwires`"]),
        (("2001:db8:ff::3,\n}", "2001:db8:ff::3,\n;}"), &["an IPv6 address or `}`"]),
    ] {
        let err = refusal(snabb, TEXT, change);
        for text in texts {
            assert!(err.contains(text), "{change:?}: `{text}` is not in: {err}");
        }
    }
    let err = snabb(&format!("{TEXT} x")).unwrap_err().to_string();
    assert!(err.contains("the end of the file"), "{err}");
}

#[test]
fn what_json_gets_wrong_is_refused_where_it_stands() {
    for (change, texts) in [
        ((r#""psid": 80"#, r#""psid": 65536"#), &["line 10", "65536"][..]),
        ((r#", "psid": 80"#, ""), &["203.0.113.233", "`psid` is missing"]),
        ((r#""psid-len": 16, "#, ""), &["line 10", "psid-len"]),
        ((r#""psid-len": 16"#, r#""psid-len": 17"#), &["203.0.113.233", "17 bits of PSID"]),
        ((r#""psid": 4 "#, r#""psid": 1024 "#), &["203.0.113.3", "right-aligned"]),
        ((r#""port-set": { "psid-len": 16, "psid": 80 },"#, ""), &["port-set"]),
        ((r#""port-set""#, r#""portset""#), &["line 10", "portset"]),
        ((r#""psid-len""#, r#""psid-len": 16, "psid-len""#), &["line 10", "duplicate"]),
        (("2001:db8:2::128", "203.0.113.1"), &["line 9", "`203.0.113.1` is not an IPv6 address"]),
        ((r#""203.0.113.1""#, r#""2001:db8::1""#), &["line 11", "is not an IPv4 address"]),
        (
            (r#""encapsulation""#, r#""br-ipv6-addr": "2001:db8::1", "encapsulation""#),
            &["203.0.113.1 and", "`br-ipv6-addr` is written twice"],
        ),
        ((r#""version": "7""#, r#""version": [7]"#), &["line 4", "a version"]),
        ((r#""binding": {"#, r#""x": {"#), &["line 3", "`x`"]),
        ((r#""ietf-softwire-br:br-instances""#, r#""x""#), &["no binding table", "RFC 8676"]),
        ((r#""ietf-interfaces:interfaces""#, r#""br-instances""#), &["duplicate"]),
        (("] } } }", "] } } } }"), &["trailing"]),
    ] {
        let err = refusal(json, JSON, change);
        for text in texts {
            assert!(err.contains(text), "{change:?}: `{text}` is not in: {err}");
        }
    }
    let twice = r#"{"br-instances":{"binding":{"bind-instance":[{"name":"a"},{"name":"a"}]}}}"#;
    let err = json(twice).unwrap_err();
    assert_eq!(err, BindingReadError::DuplicateName { name: "a".to_owned() });
    assert!(json(r#"{"br-instances":{"algorithm":{}}}"#).is_err());
    let number = JSON.replace(r#""version": "7""#, r#""version": 7"#);
    assert_eq!(json(&number).unwrap(), json(JSON).unwrap());
}

#[test]
fn what_csv_gets_wrong_is_refused_where_it_stands() {
    for (change, texts) in [
        (("16,0,80,", "16,0,65536,"), &["line 2, column 36", "`psid` is `65536`"][..]),
        (("16,0,80,", "17,0,80,"), &["line 2, column 31", "17 bits of PSID"]),
        (("16,0,80,", "16,,80,"), &["line 2", "`psid_offset` is ``"]),
        (("16,0,80,", "16,0,,"), &["line 2", "`psid` is ``"]),
        (("6,4,4,", "6,4,64,"), &["line 5", "right-aligned"]),
        (("203.0.113.3,", "203.0.113.3,,"), &["line 5, column 1", "as many fields"]),
        (("2001:db8:ff::3,", "x,"), &["line 5", "`br` is `x`"]),
        (("2001:db8:14::128,", "x,"), &["line 5, column 1", "`b4` is `x`"]),
        (("ff::3,,", "ff::3,@5,@6"), &["line 5", "the end must be after the start"]),
        (("ff::3,,", "ff::3,@5,@5"), &["line 5", "the end must be after the start"]),
        (("ff::3,,", "ff::3,2026-11-02T03:04:05,"), &["line 5", "has no zone"]),
        (("psid_len", "psid_length"), &["line 1, column 10", "`psid_length` is not known"]),
        (("br,", "psid,"), &["line 1", "`psid` is written twice"]),
        (("b4,", "from,"), &["line 1", "`from` is written twice"]),
    ] {
        let err = refusal(csv, CSV, change);
        for text in texts {
            assert!(err.contains(text), "{change:?}: `{text}` is not in: {err}");
        }
    }
    let err = csv("ipv4,psid_offset,psid_len,psid\n").unwrap_err().to_string();
    assert!(err.contains("`b4` is missing"), "{err}");
    assert!(matches!(csv("\n \n"), Err(BindingReadError::NoTable { .. })));
    let limits = BindingLimits::default();
    let err = read_bindings_csv(b"ipv4\xff", limits, None).unwrap_err().to_string();
    assert!(err.contains("line 1, column 5") && err.contains("UTF-8"), "{err}");
}

#[test]
fn csv_lifetimes_are_instants() {
    let text = "ipv4,psid_offset,psid_len,psid,b4,from,until
192.0.2.1,0,8,52,2001:db8::a,,2026-11-02T03:04:05Z
192.0.2.1,0,8,52,2001:db8::b,2026-11-02T12:04:05+09:00,
";
    let table = csv(text).unwrap();
    assert_eq!(table.validate(), []);
    let change: Timestamp = "@1793588645".parse().unwrap();
    let holder = |micros: i64| {
        let at = Timestamp::from_microsecond(change.as_microsecond() + micros);
        table.reverse(Ipv4Addr::new(192, 0, 2, 1), 13_400, TimeRange::instant(at)).b4()
    };
    assert_eq!(holder(-1), Some("2001:db8::a".parse().unwrap()));
    assert_eq!(holder(0), Some("2001:db8::b".parse().unwrap()));
}

#[test]
fn files_beyond_the_limits_are_refused() {
    let limits = BindingLimits::default();
    let options = |limits| SnabbOptions { limits, ..SnabbOptions::default() };
    for (text, rows) in [(V3, 4), (V1, 9), (TEXT, 10)] {
        let exact = options(limits.with_max_bytes(text.len()).with_max_rows(rows));
        assert!(read_snabb(text.as_bytes(), &exact).is_ok(), "{text}");
        let err = read_snabb(text.as_bytes(), &options(limits.with_max_bytes(text.len() - 1)));
        assert!(matches!(err, Err(BindingReadError::TooLarge { .. })), "{err:?}");
        let err = read_snabb(text.as_bytes(), &options(limits.with_max_rows(2)));
        assert_eq!(err, Err(BindingReadError::TooManyRows { limit: 2 }));
    }
    let err = read_softwire_bindings(JSON.as_bytes(), TimeRange::ALL, limits.with_max_rows(2));
    assert_eq!(err, Err(BindingReadError::TooManyRows { limit: 2 }));
    let err = read_bindings_csv(CSV.as_bytes(), limits.with_max_rows(2), None);
    assert_eq!(err, Err(BindingReadError::TooManyRows { limit: 2 }));
    assert!(read_bindings_csv(CSV.as_bytes(), limits.with_max_rows(3), None).is_ok());
}

#[test]
fn errors_stay_short_whatever_the_file_says() {
    let long = "x".repeat(1_000_000);
    let errors = [
        snabb(&V3.replace("203.0.113.233", &long)).unwrap_err(),
        snabb(&V3.replace("br-address", &long)).unwrap_err(),
        snabb(&TEXT.replace("psid=4", &format!("{long}=4"))).unwrap_err(),
        json(&JSON.replace("203.0.113.233", &long)).unwrap_err(),
        json(&JSON.replace("port-set", &long)).unwrap_err(),
        json(&JSON.replace("\"psid\": 4", &format!("\"psid\": \"{long}\""))).unwrap_err(),
        csv(&CSV.replace("203.0.113.233", &long)).unwrap_err(),
        csv(&CSV.replace("br,", &format!("{long},"))).unwrap_err(),
    ];
    for err in errors {
        assert!(matches!(err, BindingReadError::Bad { .. }), "{}", err.to_string().len());
        assert!(err.to_string().len() < 700, "{}", err.to_string().len());
    }
    let err = csv(&CSV.replace(",16,0,80", ",16,0,\u{e9}")).unwrap_err();
    assert!(matches!(
        err,
        BindingReadError::Bad { what: BadBinding::Value { field: "psid", .. }, .. }
    ));
}

fn softwires(lifetimes: BoxedStrategy<TimeRange>) -> impl Strategy<Value = Vec<Softwire>> {
    let b4 = (any::<u128>(), prop_oneof![Just(128_u8), 0..=128_u8])
        .prop_map(|(bits, len)| ipnet::Ipv6Net::new(Ipv6Addr::from(bits), len).unwrap());
    let params = (0..=15_u8).prop_flat_map(|a| (Just(a), 0..=16 - a));
    let br = prop::option::of(any::<u128>().prop_map(Ipv6Addr::from));
    let one = (any::<u32>(), params, any::<u16>(), b4, br, lifetimes);
    let one = one.prop_map(|(addr, (a, k), psid, b4, br, lifetime)| {
        let params = PsidParams::new_assert(a, k);
        let psid = u16::try_from(u32::from(psid) % params.sharing_ratio()).unwrap();
        let row = Softwire::new(Ipv4Addr::from(addr), params, psid, b4).unwrap();
        let row = row.with_lifetime(lifetime);
        br.map_or(row, |br| row.with_br(br))
    });
    prop::collection::vec(one, 0..12)
}

fn any_lifetime() -> BoxedStrategy<TimeRange> {
    prop_oneof![
        Just(TimeRange::ALL),
        (any::<i64>(), any::<i64>()).prop_filter_map("empty", |(a, b)| {
            let (a, b) = (Timestamp::from_microsecond(a), Timestamp::from_microsecond(b));
            TimeRange::new(a, b).ok()
        }),
    ]
    .boxed()
}

/// A valid file with some bytes changed, taken out or put in.
fn mutated(sample: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let bytes =
        prop_oneof![any::<u8>(), prop::sample::select(b"{}[];,=-\"'/*#:.\n 0123456789".to_vec()),];
    let edit = (any::<prop::sample::Index>(), 0..3_u8, bytes, 1..40_usize);
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut text = sample.as_bytes().to_vec();
        for (at, kind, byte, len) in edits {
            if text.is_empty() {
                break;
            }
            let at = at.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => drop(text.drain(at..text.len().min(at + len))),
            }
        }
        text
    })
}

/// Reads with everything; whatever is read must answer and be written back.
fn read_all(bytes: &[u8]) {
    let limits = BindingLimits::default().with_max_rows(1000);
    let mut tables = Vec::new();
    for br_base in [None, Some(BrBase::Zero), Some(BrBase::One)] {
        tables.extend(read_snabb(bytes, &SnabbOptions { br_base, limits, ..Default::default() }));
    }
    tables.extend(read_bindings_csv(bytes, limits, None));
    let instances = read_softwire_bindings(bytes, TimeRange::ALL, limits);
    tables.extend(instances.into_iter().flatten().map(|i| i.table));
    for table in tables {
        table.validate();
        for row in table.rows() {
            assert!(!row.ports().is_empty());
            table.reverse(row.ipv4(), row.psid(), TimeRange::ALL);
        }
        assert_eq!(csv(&write_bindings_csv(&table)).unwrap(), table);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn no_bytes_panic(
        prefix in prop::sample::select(vec!["", "psid_map", "softwire-config {", "{\"br-instances\":"]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        read_all(&[prefix.as_bytes(), &bytes].concat());
    }

    #[test]
    fn no_tokens_panic(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "{", "}", ";", ",", "=", "-", "/*", "*/", "//", "#", "\n", "\"", "'", "1.2.3.4", "::1",
            "16", "0", "psid_map", "br_addresses", "softwires", "softwire-config", "binding-table",
            "softwire", "psid-map", "port-set", "psid-length", "shift", "psid", "ipv4", "b4-ipv6",
            "psid_length", "aftr", "b4", "br", "addr", "end-addr",
        ]), 0..60),
    ) {
        read_all(tokens.join(" ").as_bytes());
    }

    #[test]
    fn no_changed_v3_panics(bytes in mutated(V3)) {
        read_all(&bytes);
    }

    #[test]
    fn no_changed_v1_panics(bytes in mutated(V1)) {
        read_all(&bytes);
    }

    #[test]
    fn no_changed_text_panics(bytes in mutated(TEXT)) {
        read_all(&bytes);
    }

    #[test]
    fn no_changed_json_panics(bytes in mutated(JSON)) {
        read_all(&bytes);
    }

    #[test]
    fn no_changed_csv_panics(bytes in mutated(CSV)) {
        read_all(&bytes);
    }

    #[test]
    fn csv_written_then_read_is_the_identity(rows in softwires(any_lifetime())) {
        let table = BindingTable::new(rows);
        prop_assert_eq!(csv(&write_bindings_csv(&table)).unwrap(), table);
    }

    #[test]
    fn json_written_then_read_is_the_identity(
        tables in prop::collection::vec(
            (".{0,5}", prop::option::of(".{0,5}"), softwires(Just(TimeRange::ALL).boxed())),
            0..3,
        ),
        lifetime in any_lifetime(),
    ) {
        let instances: Vec<BindInstance> = tables
            .into_iter()
            .enumerate()
            .map(|(i, (name, version, rows))| BindInstance {
                name: format!("{name}{i}"),
                version,
                table: rows.into_iter().map(|row| row.with_lifetime(lifetime)).collect(),
            })
            .collect();
        let mut bytes = Vec::new();
        write_softwire_bindings(&mut bytes, &instances, lifetime.start()).unwrap();
        let back = read_softwire_bindings(&bytes, lifetime, BindingLimits::default()).unwrap();
        prop_assert_eq!(back, instances);
    }

    #[test]
    fn json_holds_the_rows_of_one_instant(
        rows in softwires(any_lifetime()),
        at in any::<i64>().prop_map(Timestamp::from_microsecond),
    ) {
        let in_force = rows.iter().filter(|r| r.lifetime().overlaps(TimeRange::instant(at)));
        let in_force: BindingTable =
            in_force.map(|r| r.with_lifetime(TimeRange::ALL)).collect();
        let instance = BindInstance { table: BindingTable::new(rows), ..BindInstance::default() };
        let mut bytes = Vec::new();
        write_softwire_bindings(&mut bytes, &[instance], at).unwrap();
        let limits = BindingLimits::default();
        let back = read_softwire_bindings(&bytes, TimeRange::ALL, limits).unwrap();
        prop_assert_eq!(&back[0].table, &in_force);
    }
}
