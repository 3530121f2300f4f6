//! The Common Event Format: a header between bars, then `key=value` pairs whose values may hold blanks.

use super::RejectReason;
use super::values::Refusal;

/// The next bar, equals sign or other mark that no backslash takes away.
fn unescaped(text: &[u8], mark: u8) -> Option<usize> {
    let mut is_escaped = false;
    text.iter().position(|&b| {
        let found = b == mark && !is_escaped;
        is_escaped = b == b'\\' && !is_escaped;
        found
    })
}

/// The next field of a header, and what is behind its bar.
pub(super) fn header_field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (field, rest) = text.split_at_checked(unescaped(text, b'|')?)?;
    Some((field, rest.get(1..)?))
}

/// Hands on each pair of an extension; a value ends before the blank before the next key. Returns the last key, more of
/// whose value may be missing where the text was cut.
pub(super) fn pairs<'a>(
    extension: &'a [u8],
    mut each: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), Refusal<'a>>,
) -> Result<&'a [u8], Refusal<'a>> {
    let mut rest = extension.trim_ascii();
    let mut last_key: &[u8] = &[];
    while !rest.is_empty() {
        let cut_short = (RejectReason::CutShort, rest);
        let (key, value) =
            unescaped(rest, b'=').and_then(|at| rest.split_at_checked(at)).ok_or(cut_short)?;
        let value = value.get(1..).unwrap_or_default();
        if key.is_empty() || !key.iter().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(b)) {
            return Err((RejectReason::UnknownField, rest));
        }
        let end = value_end(value);
        let (value, behind) = value.split_at_checked(end).unwrap_or((value, &[]));
        each(key, value.trim_ascii_end())?;
        last_key = key;
        rest = behind.trim_ascii_start();
    }
    Ok(last_key)
}

/// Where a value ends: before the word that the next equals sign makes a key.
fn value_end(value: &[u8]) -> usize {
    let mut from = 0;
    loop {
        let Some(rest) = value.get(from..) else { return value.len() };
        let Some(at) = unescaped(rest, b'=') else { return value.len() };
        let before = value.get(..from + at).unwrap_or_default();
        // An equals sign within the first word is part of it.
        if let Some(blank) = before.iter().rposition(|&b| b == b' ')
            && blank + 1 < before.len()
        {
            return blank;
        }
        from += at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let text_of = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        pairs(text.as_bytes(), |key, value| {
            all.push((text_of(key), text_of(value)));
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn values_may_hold_blanks_bars_and_escapes() {
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
        };
        assert_eq!(
            all("cn3=22271 cn3Label=Last Nat Port src=10.0.0.1"),
            owned(&[("cn3", "22271"), ("cn3Label", "Last Nat Port"), ("src", "10.0.0.1")])
        );
        assert_eq!(
            all(r"msg=a\=b c|d request=http://x/?q=1 end="),
            owned(&[("msg", r"a\=b c|d"), ("request", "http://x/?q=1"), ("end", "")])
        );
        assert_eq!(all(""), []);
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for bad in ["word", "=x", "a b=1", "\u{7f}=1"] {
            assert!(pairs(bad.as_bytes(), |_, _| Ok(())).is_err(), "{bad}");
        }
    }

    #[test]
    fn header_fields_end_at_bare_bars() {
        assert_eq!(header_field(br"a\|b|c"), Some((&br"a\|b"[..], &b"c"[..])));
        assert_eq!(header_field(b"no bar"), None);
    }
}
