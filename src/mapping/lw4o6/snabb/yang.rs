//! Configurations in the syntax of YANG: `softwire-config { binding-table { ... } }`.

use super::super::read::{port_params, short_bytes};
use super::super::{BadBinding, BindingReadError, BindingTable, TextPosition};
use super::rows::{Parts, PsidMapEntry, RawBr, RawSoftwire, Value, map_params, need};
use super::tokens::{Kind, Tokens};
use super::{BrBase, SnabbOptions};
use crate::mapping::PsidParams;

pub(super) fn read(
    mut tokens: Tokens<'_>,
    options: &SnabbOptions,
) -> Result<BindingTable, BindingReadError> {
    let mut table = None;
    // Where the blocks that are open end: the file itself, or `softwire-config`.
    let mut is_in_config = false;
    loop {
        let token = tokens.next()?;
        match token.kind {
            Kind::Word(b"softwire-config") if !is_in_config => {
                tokens.need(b'{', "`{`")?;
                is_in_config = true;
            }
            // First versions had the table beside the configuration.
            Kind::Word(b"binding-table") => {
                tokens.need(b'{', "`{`")?;
                let value = Value { at: token.at, field: "binding-table", text: b"" };
                value.put(&mut table, read_table(&mut tokens, options)?)?;
            }
            Kind::Word(_) => skip(&mut tokens)?,
            Kind::Mark(b'}') if is_in_config => is_in_config = false,
            Kind::End if !is_in_config => break,
            _ => return Err(token.unexpected("a statement such as `binding-table { ... }`")),
        }
    }
    let advice = "look for `softwire-config { binding-table { ... } }`, or for `psid_map { ... }`";
    let parts: Parts = table.ok_or(BindingReadError::NoTable { advice })?;
    parts.table(options, BrBase::One)
}

/// Passes over the rest of a statement, with all that it holds.
fn skip(tokens: &mut Tokens<'_>) -> Result<(), BindingReadError> {
    let mut depth: usize = 0;
    loop {
        let token = tokens.next()?;
        match token.kind {
            Kind::Mark(b';') if depth == 0 => return Ok(()),
            Kind::Mark(b'{') => depth += 1,
            Kind::Mark(b'}') if depth == 1 => return Ok(()),
            Kind::Mark(b'}') if depth > 1 => depth -= 1,
            Kind::End | Kind::Mark(b'}') => return Err(token.unexpected("`;` or `}`")),
            _ => {}
        }
    }
}

/// The keyword of the next statement in a block; `None` at its end.
fn keyword<'a>(
    tokens: &mut Tokens<'a>,
) -> Result<Option<(TextPosition, &'a [u8])>, BindingReadError> {
    let token = tokens.next()?;
    match token.kind {
        Kind::Word(name) => Ok(Some((token.at, name))),
        Kind::Mark(b'}') => Ok(None),
        _ => Err(token.unexpected("a statement or `}`")),
    }
}

/// The value of a leaf, up to its semicolon.
fn leaf<'a>(tokens: &mut Tokens<'a>, field: &'static str) -> Result<Value<'a>, BindingReadError> {
    let token = tokens.next()?;
    let (Kind::Word(text) | Kind::Quoted(text)) = token.kind else {
        return Err(token.unexpected("a value"));
    };
    tokens.need(b';', "`;`")?;
    Ok(Value { at: token.at, field, text })
}

fn unknown(at: TextPosition, name: &[u8], known: &'static str) -> BindingReadError {
    at.bad(BadBinding::Unknown { found: short_bytes(name), known })
}

fn read_table(tokens: &mut Tokens<'_>, options: &SnabbOptions) -> Result<Parts, BindingReadError> {
    let mut parts = Parts::default();
    while let Some((at, name)) = keyword(tokens)? {
        options.limits.check_rows(parts.count())?;
        match name {
            b"softwire" => {
                tokens.need(b'{', "`{`")?;
                parts.softwires.push(read_softwire(tokens, at)?);
            }
            b"psid-map" => {
                tokens.need(b'{', "`{`")?;
                parts.psid_map.push(read_psid_map(tokens, at)?);
            }
            b"br-address" => parts.br_addresses.push(leaf(tokens, "br-address")?.ipv6()?),
            b"version" => skip(tokens)?,
            _ => return Err(unknown(at, name, "softwire, psid-map, br-address, version")),
        }
    }
    Ok(parts)
}

fn read_psid_map(
    tokens: &mut Tokens<'_>,
    at: TextPosition,
) -> Result<PsidMapEntry, BindingReadError> {
    let (mut addr, mut end_addr, mut len, mut shift, mut reserved) = (None, None, None, None, None);
    while let Some((at, name)) = keyword(tokens)? {
        match name {
            b"addr" => {
                let value = leaf(tokens, "addr")?;
                value.put(&mut addr, value.ipv4()?)?;
            }
            b"end-addr" => {
                let value = leaf(tokens, "end-addr")?;
                value.put(&mut end_addr, value.ipv4()?)?;
            }
            b"psid-length" => {
                let value = leaf(tokens, "psid-length")?;
                value.put(&mut len, value.bits()?)?;
            }
            b"shift" => {
                let value = leaf(tokens, "shift")?;
                value.put(&mut shift, value.bits()?)?;
            }
            b"reserved-ports-bit-count" => {
                let value = leaf(tokens, "reserved-ports-bit-count")?;
                value.put(&mut reserved, value.bits()?)?;
            }
            _ => {
                let known = "addr, end-addr, psid-length, shift, reserved-ports-bit-count";
                return Err(unknown(at, name, known));
            }
        }
    }
    let addr = need(addr, at, "addr")?;
    let last = end_addr.unwrap_or(addr);
    if last < addr {
        let found = format!("`end-addr {last}`");
        let expected = "an address not below `addr`";
        return Err(at.bad(BadBinding::Unexpected { found, expected }));
    }
    let params = map_params(need(len, at, "psid-length")?, shift, reserved);
    Ok(PsidMapEntry {
        at,
        first: u32::from(addr),
        last: u32::from(last),
        params: params.map_err(|e| at.bad(e))?,
    })
}

fn read_softwire(
    tokens: &mut Tokens<'_>,
    at: TextPosition,
) -> Result<RawSoftwire, BindingReadError> {
    const KNOWN: &str = "ipv4, psid, b4-ipv6, br-address, br, padding, port-set";
    let (mut ipv4, mut psid, mut b4) = (None, None, None);
    let (mut br_address, mut br, mut padding, mut params) = (None, None, None, None);
    while let Some((at, name)) = keyword(tokens)? {
        match name {
            b"ipv4" => {
                let value = leaf(tokens, "ipv4")?;
                value.put(&mut ipv4, value.ipv4()?)?;
            }
            b"psid" => {
                let value = leaf(tokens, "psid")?;
                value.put(&mut psid, value.psid()?)?;
            }
            b"b4-ipv6" => {
                let value = leaf(tokens, "b4-ipv6")?;
                value.put(&mut b4, value.ipv6()?)?;
            }
            b"br-address" => {
                let value = leaf(tokens, "br-address")?;
                value.put(&mut br_address, value.ipv6()?)?;
            }
            b"br" => {
                let value = leaf(tokens, "br")?;
                value.put(&mut br, value.index()?)?;
            }
            b"padding" => {
                let value = leaf(tokens, "padding")?;
                value.put(&mut padding, value.psid()?)?;
            }
            b"port-set" => {
                tokens.need(b'{', "`{`")?;
                let value = Value { at, field: "port-set", text: b"" };
                value.put(&mut params, read_port_set(tokens, at)?)?;
            }
            _ => return Err(unknown(at, name, KNOWN)),
        }
    }
    let br = match (br_address, br) {
        (Some(_), Some(_)) => {
            return Err(at.bad(BadBinding::TwoForms { first: "br-address", second: "br" }));
        }
        (Some(addr), None) => RawBr::Address(addr),
        (None, Some(index)) => RawBr::Index(index),
        (None, None) => RawBr::First,
    };
    Ok(RawSoftwire {
        at,
        ipv4: need(ipv4, at, "ipv4")?,
        psid: need(psid, at, "psid")?,
        b4: need(b4, at, "b4-ipv6")?,
        params,
        br,
    })
}

fn read_port_set(
    tokens: &mut Tokens<'_>,
    at: TextPosition,
) -> Result<PsidParams, BindingReadError> {
    let (mut len, mut reserved) = (None, None);
    while let Some((at, name)) = keyword(tokens)? {
        match name {
            b"psid-length" => {
                let value = leaf(tokens, "psid-length")?;
                value.put(&mut len, value.bits()?)?;
            }
            b"reserved-ports-bit-count" => {
                let value = leaf(tokens, "reserved-ports-bit-count")?;
                value.put(&mut reserved, value.bits()?)?;
            }
            _ => return Err(unknown(at, name, "psid-length, reserved-ports-bit-count")),
        }
    }
    let len = need(len, at, "psid-length")?;
    port_params(reserved.unwrap_or(0), len).map_err(|e| at.bad(e))
}
