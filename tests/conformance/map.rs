//! One MAP rule, one question.

use portledger::mapping::{BasicMappingRule, CeLayout, PsidParams, Reverse, RuleError, Share};

use super::vectors::{Row, Tally, rows};

const FILE: &str = "vectors_map.csv";

const COLUMNS: [&str; 18] = [
    "rule_id",
    "category",
    "rule_v6",
    "rule_v4",
    "ea_len",
    "psid_offset",
    "psid_len",
    "psid_explicit",
    "ipv4",
    "port",
    "expect_kind",
    "psid",
    "end_user_prefix",
    "ce_address_rfc7597",
    "ce_address_draft03",
    "port_ranges",
    "n_ports",
    "oracle",
];

/// The rule of a row, its columns taken as they stand.
pub(crate) fn rule(row: &Row) -> Result<BasicMappingRule, RuleError> {
    let (v6, v4) = (row.need("rule_v6"), row.need("rule_v4"));
    let (ea_len, offset, len) = (row.need("ea_len"), row.need("psid_offset"), row.need("psid_len"));
    match row.get("psid_explicit") {
        Some(psid) => {
            assert_eq!(ea_len, 0, "psid_explicit is for rules without EA bits: {row:?}");
            BasicMappingRule::one_to_one(v6, v4, PsidParams::new(offset, len)?, psid)
        }
        None => BasicMappingRule::new(v6, v4, ea_len, offset, Some(len)),
    }
}

/// The first four ranges.
fn ranges(share: &Share) -> String {
    if share.ports.len() == 65_536 {
        return "all".to_owned();
    }
    let all = share.ports.ranges();
    let mut shown: Vec<String> =
        all.iter().take(4).map(|r| format!("{}-{}", r.first(), r.last())).collect();
    if all.len() > 4 {
        shown.push("...".to_owned());
    }
    shown.join(" ")
}

/// What the library says, in the words of the columns from `expect_kind` to `n_ports`.
fn said(row: &Row) -> [String; 7] {
    let mut said = [const { String::new() }; 7];
    let Ok(rule) = rule(row) else {
        said[0].push_str("invalid-rule");
        return said;
    };
    let (addr, port) = (row.need("ipv4"), row.need("port"));
    let reverse = rule.reverse(addr, port);
    said[0].push_str(match reverse {
        Reverse::Mapped { .. } => "mapped",
        Reverse::MappedPrefix { .. } => "mapped-prefix",
        Reverse::ExcludedPort => "excluded-port",
        Reverse::OtherPsid { .. } => "other-psid",
        Reverse::OutsideRule => "outside-rule",
        other => panic!("{other:?}"),
    });
    if let Reverse::OtherPsid { psid } = reverse {
        said[1] = psid.to_string();
    }
    let Some(prefix) = reverse.end_user_prefix() else { return said };
    let share = rule.forward(prefix).unwrap();
    // Forward is the inverse of reverse.
    assert!(share.v4.contains(&addr) && share.ports.contains(port), "{row:?}");
    assert_eq!(share.end_user_prefix, prefix, "{row:?}");
    match reverse {
        Reverse::Mapped { psid, .. } => assert_eq!((share.v4.prefix_len(), share.psid), (32, psid)),
        Reverse::MappedPrefix { v4, .. } => assert_eq!((share.v4, share.psid), (v4, None)),
        _ => {}
    }
    said[1] = share.psid.map(|p| p.to_string()).unwrap_or_default();
    said[2] = prefix.to_string();
    // An empty column says that nobody confirmed an address.
    for (at, column, layout) in
        [(3, "ce_address_rfc7597", CeLayout::Rfc7597), (4, "ce_address_draft03", CeLayout::Draft03)]
    {
        if !row.text(column).is_empty() {
            said[at] = rule.ce_address(prefix, layout).unwrap().to_string();
        }
    }
    said[5] = ranges(&share);
    said[6] = share.ports.len().to_string();
    said
}

#[test]
fn every_row_agrees() {
    let mut tally = Tally::new(FILE);
    let (mut rfc, mut draft) = (0, 0);
    for row in rows(FILE, &COLUMNS) {
        let kind = row.text("expect_kind");
        assert!(
            [
                "mapped",
                "mapped-prefix",
                "excluded-port",
                "other-psid",
                "outside-rule",
                "invalid-rule"
            ]
            .contains(&kind),
            "unknown kind: {row:?}"
        );
        let expected: [String; 7] = std::array::from_fn(|i| row.text(COLUMNS[10 + i]).to_owned());
        rfc += usize::from(!row.text("ce_address_rfc7597").is_empty());
        draft += usize::from(!row.text("ce_address_draft03").is_empty());
        tally.compare(&row, kind, &said(&row), &expected);
    }
    println!("{FILE}: addresses of customer edges compared: {rfc} RFC 7597, {draft} drafts");
    tally.finish();
}
