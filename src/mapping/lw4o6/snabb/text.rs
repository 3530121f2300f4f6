//! The older text form: `psid_map`, `br_addresses`, `softwires`.

use super::super::read::short_bytes;
use super::super::{BadBinding, BindingReadError, BindingTable, TextPosition};
use super::rows::{Parts, PsidMapEntry, RawBr, RawSoftwire, Value, map_params, need};
use super::tokens::{Kind, Token, Tokens};
use super::{BrBase, SnabbOptions};

pub(super) fn read(
    mut tokens: Tokens<'_>,
    options: &SnabbOptions,
) -> Result<BindingTable, BindingReadError> {
    let mut parts = Parts::default();
    read_psid_map(&mut tokens, &mut parts, options)?;
    read_br_addresses(&mut tokens, &mut parts, options)?;
    read_softwires(&mut tokens, &mut parts, options)?;
    let token = tokens.next()?;
    if token.kind != Kind::End {
        return Err(token.unexpected("the end of the file"));
    }
    parts.table(options, BrBase::Zero)
}

/// The name of a part and its opening brace.
fn open(
    tokens: &mut Tokens<'_>,
    name: &[u8],
    expected: &'static str,
) -> Result<(), BindingReadError> {
    let token = tokens.next()?;
    match token.kind {
        Kind::Word(word) if word.eq_ignore_ascii_case(name) => tokens.need(b'{', "`{`").map(|_| ()),
        _ => Err(token.unexpected(expected)),
    }
}

/// Passes over one of these marks, where it stands next.
fn pass(tokens: &mut Tokens<'_>, marks: &[u8]) -> Result<bool, BindingReadError> {
    let is_next = matches!(tokens.peek_token()?.kind, Kind::Mark(m) if marks.contains(&m));
    if is_next {
        tokens.next()?;
    }
    Ok(is_next)
}

/// The next token, which must be a word.
fn word<'a>(
    tokens: &mut Tokens<'a>,
    field: &'static str,
    expected: &'static str,
) -> Result<Value<'a>, BindingReadError> {
    let token = tokens.next()?;
    match token.kind {
        Kind::Word(text) => Ok(Value { at: token.at, field, text }),
        _ => Err(token.unexpected(expected)),
    }
}

fn read_psid_map(
    tokens: &mut Tokens<'_>,
    parts: &mut Parts,
    options: &SnabbOptions,
) -> Result<(), BindingReadError> {
    open(tokens, b"psid_map", "`psid_map`")?;
    while !pass(tokens, b"}")? {
        let of_entry = parts.psid_map.len();
        loop {
            options.limits.check_rows(parts.count())?;
            let from = word(tokens, "psid_map", "an IPv4 address or `}`")?;
            let first = u32::from(from.ipv4()?);
            let last = if pass(tokens, b"-")? {
                let to = word(tokens, "psid_map", "the last IPv4 address of the range")?;
                let last = u32::from(to.ipv4()?);
                if last < first {
                    let found = format!("`{}`", short_bytes(to.text));
                    let expected = "an address not below the first of the range";
                    return Err(to.at.bad(BadBinding::Unexpected { found, expected }));
                }
                last
            } else {
                first
            };
            // The parameters follow the addresses.
            let params = super::super::read::port_params(0, 0).map_err(|e| from.at.bad(e))?;
            parts.psid_map.push(PsidMapEntry { at: from.at, first, last, params });
            if !pass(tokens, b",")? {
                break;
            }
        }
        let (mut len, mut shift) = (None, None);
        let at = properties(tokens, |key, value| match key {
            b"psid_length" => {
                let value = Value { field: "psid_length", ..value };
                value.put(&mut len, value.bits()?).map(|()| true)
            }
            b"shift" => {
                let value = Value { field: "shift", ..value };
                value.put(&mut shift, value.bits()?).map(|()| true)
            }
            _ => Ok(false),
        })?;
        // The defaults of the format: what is not given fills the 16 bits; neither is the whole address.
        let length = len.unwrap_or(16 - shift.unwrap_or(16));
        let shift = shift.unwrap_or(16 - length);
        let params = map_params(length, Some(shift), None).map_err(|e| at.bad(e))?;
        for entry in parts.psid_map.iter_mut().skip(of_entry) {
            entry.params = params;
        }
        pass(tokens, b",;")?;
    }
    Ok(())
}

fn read_br_addresses(
    tokens: &mut Tokens<'_>,
    parts: &mut Parts,
    options: &SnabbOptions,
) -> Result<(), BindingReadError> {
    open(tokens, b"br_addresses", "`br_addresses`")?;
    while !pass(tokens, b"}")? {
        options.limits.check_rows(parts.count())?;
        let addr = word(tokens, "br_addresses", "an IPv6 address or `}`")?.ipv6()?;
        parts.br_addresses.push(addr);
        pass(tokens, b",")?;
    }
    Ok(())
}

fn read_softwires(
    tokens: &mut Tokens<'_>,
    parts: &mut Parts,
    options: &SnabbOptions,
) -> Result<(), BindingReadError> {
    open(tokens, b"softwires", "`softwires`")?;
    while !pass(tokens, b"}")? {
        options.limits.check_rows(parts.count())?;
        let (mut ipv4, mut psid, mut b4, mut aftr) = (None, None, None, None);
        let at = properties(tokens, |key, value| {
            match key {
                b"ipv4" => {
                    let value = Value { field: "ipv4", ..value };
                    value.put(&mut ipv4, value.ipv4()?)?;
                }
                b"psid" => {
                    let value = Value { field: "psid", ..value };
                    value.put(&mut psid, value.psid()?)?;
                }
                b"b4" => {
                    let value = Value { field: "b4", ..value };
                    value.put(&mut b4, value.ipv6()?)?;
                }
                b"aftr" => {
                    let value = Value { field: "aftr", ..value };
                    value.put(&mut aftr, value.index()?)?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        parts.softwires.push(RawSoftwire {
            at,
            ipv4: need(ipv4, at, "ipv4")?,
            // The default of the format.
            psid: psid.unwrap_or(0),
            b4: need(b4, at, "b4")?,
            params: None,
            br: aftr.map_or(RawBr::First, RawBr::Index),
        });
        pass(tokens, b",")?;
    }
    Ok(())
}

/// Properties in braces; `set` says whether it knows the key. Where the brace opens.
fn properties<'a>(
    tokens: &mut Tokens<'a>,
    mut set: impl FnMut(&'a [u8], Value<'a>) -> Result<bool, BindingReadError>,
) -> Result<TextPosition, BindingReadError> {
    let at = tokens.need(b'{', "`{`, with properties")?;
    while !pass(tokens, b"}")? {
        let key: Token<'a> = tokens.next()?;
        let Kind::Word(name) = key.kind else {
            return Err(key.unexpected("a property such as `psid=1`, or `}`"));
        };
        tokens.need(b'=', "`=` and a value")?;
        let value = word(tokens, "value", "a value")?;
        if !set(name, value)? {
            let found = short_bytes(name);
            let known = "psid_length, shift; ipv4, psid, b4, aftr";
            return Err(key.at.bad(BadBinding::Unknown { found, known }));
        }
        pass(tokens, b",")?;
    }
    Ok(at)
}
