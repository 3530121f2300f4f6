use super::*;

const ADDR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

fn row(addr: &str, (a, k, psid): (u8, u8, u16), b4: &str, lifetime: &str) -> Softwire {
    let b4: LwB4 = b4.parse().unwrap();
    let params = PsidParams::new_assert(a, k);
    let row = Softwire::new(addr.parse().unwrap(), params, psid, b4).unwrap();
    row.with_lifetime(lifetime.parse().unwrap())
}

fn time(s: &str) -> TimeRange {
    s.parse().unwrap()
}

/// Kind, PSID, holder.
fn said(table: &BindingTable, port: u16, during: &str) -> (String, Option<u16>, String) {
    let answer = table.reverse(ADDR, port, time(during));
    let b4 = answer.b4().map(|b4| b4.to_string()).unwrap_or_default();
    (answer.kind().to_string(), answer.psid(), b4)
}

fn is(kind: &str, psid: impl Into<Option<u16>>, b4: &str) -> (String, Option<u16>, String) {
    (kind.to_owned(), psid.into(), b4.to_owned())
}

#[test]
fn the_psid_of_the_port_finds_the_row() {
    let table = BindingTable::new(vec![
        row("192.0.2.1", (0, 6, 4), "2001:db8::4", "/"),
        row("192.0.2.1", (0, 6, 63), "2001:db8::63", "/"),
    ]);
    assert_eq!(said(&table, 4095, "/"), is("no-softwire", 3, ""));
    assert_eq!(said(&table, 4096, "/"), is("mapped", 4, "2001:db8::4"));
    assert_eq!(said(&table, 5119, "/"), is("mapped", 4, "2001:db8::4"));
    assert_eq!(said(&table, 5120, "/"), is("no-softwire", 5, ""));
    assert_eq!(said(&table, 65_535, "/"), is("mapped", 63, "2001:db8::63"));
    let unknown = table.reverse(Ipv4Addr::new(192, 0, 2, 2), 4096, TimeRange::ALL);
    assert_eq!(unknown.kind(), LwKind::UnknownAddress);
    assert!(table.covers(ADDR) && !table.covers(Ipv4Addr::new(192, 0, 2, 2)));
}

#[test]
fn with_an_offset_ports_of_the_first_stretch_are_excluded() {
    let table = BindingTable::new(vec![row("192.0.2.1", (4, 8, 224), "2001:db8::1", "/")]);
    assert_eq!(said(&table, 3839, "/"), is("excluded-port", None, ""));
    assert_eq!(said(&table, 4095, "/"), is("excluded-port", None, ""));
    assert_eq!(said(&table, 4096, "/"), is("no-softwire", 0, ""));
    assert_eq!(said(&table, 4096 + 224 * 16, "/"), is("mapped", 224, "2001:db8::1"));
}

#[test]
fn the_instant_on_a_boundary_belongs_to_the_later_row() {
    //  @100        @200     @300     @400
    //   |--- a -----|--- b ---|        |--- a ...
    let table = BindingTable::new(vec![
        row("192.0.2.1", (0, 8, 1), "2001:db8::b", "@200/@300"),
        row("192.0.2.1", (0, 8, 1), "2001:db8::a", "@400/"),
        row("192.0.2.1", (0, 8, 1), "2001:db8::a", "@100/@200"),
    ]);
    let at = |s: &str| {
        let answer = table.reverse(ADDR, 256, TimeRange::instant(s.parse().unwrap()));
        (answer.kind().to_string(), answer.b4().map(|b4| b4.to_string()).unwrap_or_default())
    };
    let mapped = |b4: &str| ("mapped".to_owned(), b4.to_owned());
    assert_eq!(at("@99.999999").0, "no-softwire");
    assert_eq!(at("@100"), mapped("2001:db8::a"));
    assert_eq!(at("@199.999999"), mapped("2001:db8::a"));
    assert_eq!(at("@200"), mapped("2001:db8::b"));
    assert_eq!(at("@300").0, "no-softwire");
    assert_eq!(at("@400"), mapped("2001:db8::a"));
    // A window over one tenant and free time names the tenant, over two it cannot.
    assert_eq!(said(&table, 256, "@250/@350"), is("mapped", 1, "2001:db8::b"));
    assert_eq!(said(&table, 256, "@199/@201"), is("ambiguous", 1, ""));
    assert_eq!(table.reverse(ADDR, 256, TimeRange::ALL).rows().len(), 3);
    // Nobody's parameters are in force: not even the PSID is known.
    assert_eq!(said(&table, 256, "@300/@400"), is("no-softwire", None, ""));
}

#[test]
fn a_renewed_lease_is_one_holder() {
    let table = BindingTable::new(vec![
        row("192.0.2.1", (0, 8, 1), "2001:db8::a", "@100/@200"),
        row("192.0.2.1", (0, 8, 1), "2001:db8::a", "@200/@300")
            .with_br("2001:db8::ff".parse().unwrap()),
    ]);
    assert_eq!(said(&table, 256, "@150/@250"), is("mapped", 1, "2001:db8::a"));
    let answer = table.reverse(ADDR, 256, time("@150/@250"));
    assert_eq!((answer.br(), answer.rows().len()), (None, 2));
    let answer = table.reverse(ADDR, 256, time("@200/@250"));
    assert_eq!(answer.br(), Some("2001:db8::ff".parse().unwrap()));
}

#[test]
fn a_long_row_before_short_ones_is_still_found() {
    //  |------------------ long -------------------|
    //     |--|  |--|  |--|
    let mut rows = vec![row("192.0.2.1", (0, 8, 1), "2001:db8::a", "@0/@100")];
    for start in (10..60).step_by(10) {
        let during = format!("@{start}/@{}", start + 5);
        rows.push(row("192.0.2.1", (0, 8, 1), "2001:db8::b", &during));
    }
    let table = BindingTable::new(rows);
    assert_eq!(said(&table, 256, "@90/@91"), is("mapped", 1, "2001:db8::a"));
    assert_eq!(said(&table, 256, "@52/@53"), is("ambiguous", 1, ""));
}

#[test]
fn mixed_port_parameters_ask_every_row() {
    // 4096-5119 by six bits, 4096-4351 by eight.
    let table = BindingTable::new(vec![
        row("192.0.2.1", (0, 6, 4), "2001:db8::a", "/"),
        row("192.0.2.1", (0, 8, 16), "2001:db8::b", "/"),
    ]);
    assert_eq!(said(&table, 4096, "/"), is("ambiguous", None, ""));
    assert_eq!(said(&table, 4500, "/"), is("mapped", 4, "2001:db8::a"));
    assert!(table.reverse(ADDR, 4500, TimeRange::ALL).is_mixed());
    assert_eq!(said(&table, 60_000, "/"), is("no-softwire", None, ""));
    // Excluded only where every row in force excludes it.
    let table = BindingTable::new(vec![
        row("192.0.2.1", (4, 8, 16), "2001:db8::a", "/"),
        row("192.0.2.1", (6, 8, 16), "2001:db8::b", "/"),
    ]);
    assert_eq!(said(&table, 1023, "/"), is("excluded-port", None, ""));
    assert_eq!(said(&table, 1024, "/"), is("no-softwire", None, ""));
}

#[test]
fn port_parameters_that_follow_each_other_are_not_mixed() {
    let table = BindingTable::new(vec![
        row("192.0.2.1", (0, 6, 4), "2001:db8::a", "@0/@100"),
        row("192.0.2.1", (0, 8, 17), "2001:db8::b", "@100/"),
    ]);
    assert_eq!(said(&table, 4400, "@99/@100"), is("mapped", 4, "2001:db8::a"));
    assert_eq!(said(&table, 4400, "@100/@101"), is("mapped", 17, "2001:db8::b"));
    assert_eq!(said(&table, 4096, "@100/@101"), is("no-softwire", 16, ""));
    assert!(!table.reverse(ADDR, 4400, time("@100/@101")).is_mixed());
}

#[test]
fn one_b4_can_hold_several_rows() {
    let table = BindingTable::new(vec![
        row("192.0.2.1", (0, 4, 1), "2001:db8::1", "/"),
        row("192.0.2.1", (0, 4, 0), "2001:db8::1", "/"),
        row("192.0.2.2", (0, 0, 0), "2001:db8::1", "@0/@10"),
        row("192.0.2.3", (0, 0, 0), "2001:db8::/64", "/"),
    ]);
    let held = |b4: &str, during: &str| -> Vec<String> {
        let b4: LwB4 = b4.parse().unwrap();
        let held = table.forward(b4, time(during));
        held.iter().map(|(addr, ports)| format!("{addr}:{ports}")).collect()
    };
    assert_eq!(held("2001:db8::1", "/"), ["192.0.2.1:0-8191", "192.0.2.2:0-65535"]);
    assert_eq!(held("2001:db8::1", "@10/"), ["192.0.2.1:0-8191"]);
    assert_eq!(held("2001:db8::/64", "/"), ["192.0.2.3:0-65535"]);
    assert!(held("2001:db8::2", "/").is_empty());
    let sharers: Vec<u16> = table.owners(ADDR, TimeRange::ALL).map(Softwire::psid).collect();
    assert_eq!(sharers, [0, 1]);
}

#[test]
fn a_prefix_finds_what_it_holds_and_what_holds_it() {
    let table = BindingTable::new(vec![
        row("192.0.2.1", (0, 0, 0), "2001:db8:0:1::1", "/"),
        row("192.0.2.2", (0, 0, 0), "2001:db8:0:1::/64", "/"),
        row("192.0.2.3", (0, 0, 0), "2001:db8::/32", "/"),
        row("192.0.2.4", (0, 0, 0), "2001:db8:0:2::1", "/"),
        row("192.0.2.5", (0, 0, 0), "::/0", "@0/@1"),
    ]);
    let found = |prefix: &str, during: &str| -> Vec<u8> {
        let rows = table.rows_in(prefix.parse().unwrap(), time(during));
        let mut last: Vec<u8> = rows.iter().map(|row| row.ipv4().octets()[3]).collect();
        last.sort_unstable();
        last
    };
    assert_eq!(found("2001:db8:0:1::/64", "@5/"), [1, 2, 3]);
    assert_eq!(found("2001:db8:0:1::1/128", "/"), [1, 2, 3, 5]);
    assert_eq!(found("2001:db8:0:1::2/128", "@5/"), [2, 3]);
    assert_eq!(found("2001:db8::/48", "@5/"), [1, 2, 3, 4]);
    assert_eq!(found("2001:db9::/32", "@5/"), [0_u8; 0]);
}

#[test]
fn tables_are_equal_by_their_rows() {
    let a = row("192.0.2.1", (0, 4, 1), "2001:db8::1", "/");
    let b = row("192.0.2.1", (0, 4, 2), "2001:db8::2", "/");
    assert_eq!(BindingTable::new(vec![a, b]), BindingTable::new(vec![b, a, b]));
    assert_ne!(BindingTable::new(vec![a]), BindingTable::new(vec![b]));
}
