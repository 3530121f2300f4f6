//! Bytes to containers.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use super::error::Within;
use super::{
    BR, CONT_LW, CONT_MAPE, CONT_MAPT, DMR, PORTPARAMS, RULE, S46Binding, S46Container, S46Error,
    S46Rule, V4V6BIND,
};
use crate::mapping::{BasicMappingRule, DefaultMappingRule, PsidParams, RuleError};

/// Reads options 94, 95 and 96, one after the other, each with its code and length.
///
/// - Bits of an IPv4 prefix beyond its length are ignored, as section 4.1 has it. All other bits that must be zero are
///   checked: flags beside F, the padding of IPv6 prefixes and of PSIDs.
/// - Without option 93 the PSID offset is 6 in a rule and 0 in a binding, and the PSID length of a rule follows from its
///   EA length. A PSID length of 0 says the same about the length (section 4.5).
/// - A client ignores a container that breaks the rules of section 5; here it is an error, for whoever reads options to
///   know what customers were given.
///
/// ```
/// use portledger::mapping::{S46Container, parse_s46};
/// let bytes = [
///     0, 94, 0, 45, // CONT_MAPE
///     0, 89, 0, 21, 1, 16, // RULE: F, EA length 16,
///     24, 192, 0, 2, 0, 40, 0x20, 0x01, 0x0d, 0xb8, 0, // 192.0.2.0/24, 2001:db8::/40
///     0, 93, 0, 4, 4, 0, 0, 0, // PORTPARAMS: offset 4, the length follows
///     0, 90, 0, 16, 0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, // BR
/// ];
/// let containers = parse_s46(&bytes)?;
/// let set = containers[0].rule_set("customer").unwrap();
/// let params = set.rules()[0].rule().psid_params();
/// assert_eq!((params.offset(), params.len()), (4, 8));
/// assert_eq!(set.rules()[0].forwarding(), Some(true));
/// # Ok::<(), portledger::mapping::S46Error>(())
/// ```
///
/// # Errors
///
/// [`S46Error`], with the place of the fault. Any bytes end in containers or an error; memory is linear in them.
pub fn parse_s46(bytes: &[u8]) -> Result<Vec<S46Container>, S46Error> {
    let mut input = Bytes { left: bytes, offset: 0 };
    let mut containers = Vec::new();
    while let Some(option) = input.option()? {
        containers.push(match option.code {
            CONT_MAPE | CONT_MAPT => map(option)?,
            CONT_LW => lw(option)?,
            _ => return Err(option.misplaced(Within::Top)),
        });
    }
    Ok(containers)
}

/// What is left of an option, and where it starts in the whole.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    left: &'a [u8],
    offset: usize,
}

#[derive(Clone, Copy)]
struct Option6<'a> {
    code: u16,
    /// Where its code stands.
    offset: usize,
    body: Bytes<'a>,
}

impl Option6<'_> {
    fn misplaced(self, within: Within) -> S46Error {
        S46Error::Misplaced { offset: self.offset, code: self.code, within }
    }

    fn missing(self, missing: u16) -> S46Error {
        S46Error::Missing { offset: self.offset, code: self.code, missing }
    }

    fn rule_error(self) -> impl Fn(RuleError) -> S46Error + use<> {
        let offset = self.offset;
        move |source| S46Error::Rule { offset, source }
    }
}

impl<'a> Bytes<'a> {
    fn take(&mut self, needed: usize, what: &'static str) -> Result<&'a [u8], S46Error> {
        let Some((taken, left)) = self.left.split_at_checked(needed) else {
            let (offset, left) = (self.offset, self.left.len());
            return Err(S46Error::Truncated { offset, what, needed, left });
        };
        self.offset += needed;
        self.left = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], S46Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    fn byte(&mut self, what: &'static str) -> Result<u8, S46Error> {
        Ok(u8::from_be_bytes(self.array(what)?))
    }

    fn u16(&mut self, what: &'static str) -> Result<u16, S46Error> {
        Ok(u16::from_be_bytes(self.array(what)?))
    }

    /// The next option, if there is a byte left.
    fn option(&mut self) -> Result<Option<Option6<'a>>, S46Error> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let offset = self.offset;
        let code = self.u16("the code of an option")?;
        let len = self.u16("the length of an option")?;
        let start = self.offset;
        let body = self.take(usize::from(len), "the body of an option")?;
        Ok(Some(Option6 { code, offset, body: Bytes { left: body, offset: start } }))
    }

    fn end(&self, code: u16) -> Result<(), S46Error> {
        match self.left.len() {
            0 => Ok(()),
            extra => Err(S46Error::TooLong { offset: self.offset, code, extra }),
        }
    }

    /// A length in bits, then as many bytes as hold them.
    fn prefix6(&mut self) -> Result<Ipv6Net, S46Error> {
        let at = self.offset;
        let len = self.byte("the length of an IPv6 prefix")?;
        if len > 128 {
            return Err(S46Error::PrefixLen { offset: at, what: "IPv6", len });
        }
        let offset = self.offset;
        let given = self.take(usize::from(len.div_ceil(8)), "an IPv6 prefix")?;
        let mut octets = [0; 16];
        for (octet, byte) in octets.iter_mut().zip(given) {
            *octet = *byte;
        }
        let net = Ipv6Net::new(Ipv6Addr::from(octets), len).map_err(|_| S46Error::PrefixLen {
            offset: at,
            what: "IPv6",
            len,
        })?;
        if net.addr() != net.network() {
            // Less than a byte of padding: it is all in the last byte that was given.
            let found = given.last().copied().unwrap_or(0) & (0xff >> (len % 8));
            let what = "the padding of an IPv6 prefix";
            let offset = offset + given.len() - 1;
            return Err(S46Error::NotZero { offset, what, found: found.into() });
        }
        Ok(net)
    }
}

/// Option 94 or 95.
fn map(container: Option6<'_>) -> Result<S46Container, S46Error> {
    let (mut rules, mut brs, mut dmr) = (Vec::new(), Vec::new(), None);
    let is_map_e = container.code == CONT_MAPE;
    let mut body = container.body;
    while let Some(option) = body.option()? {
        match option.code {
            RULE => rules.push(rule(option)?),
            BR if is_map_e => brs.push(br(option)?),
            DMR if !is_map_e => {
                if dmr.is_some() {
                    return Err(S46Error::Twice { offset: option.offset, code: DMR });
                }
                let mut fields = option.body;
                let prefix = fields.prefix6()?;
                fields.end(DMR)?;
                dmr = Some(DefaultMappingRule::new(prefix).map_err(option.rule_error())?);
            }
            _ => return Err(option.misplaced(Within::Option(container.code))),
        }
    }
    if rules.is_empty() {
        return Err(container.missing(RULE));
    }
    if is_map_e {
        if brs.is_empty() {
            return Err(container.missing(BR));
        }
        return Ok(S46Container::MapE { rules, brs });
    }
    let dmr = dmr.ok_or_else(|| container.missing(DMR))?;
    Ok(S46Container::MapT { rules, dmr })
}

/// Option 96.
fn lw(container: Option6<'_>) -> Result<S46Container, S46Error> {
    let (mut brs, mut binding) = (Vec::new(), None);
    let mut body = container.body;
    while let Some(option) = body.option()? {
        match option.code {
            BR => brs.push(br(option)?),
            V4V6BIND if binding.is_some() => {
                return Err(S46Error::Twice { offset: option.offset, code: V4V6BIND });
            }
            V4V6BIND => binding = Some(bind(option)?),
            _ => return Err(option.misplaced(Within::Option(CONT_LW))),
        }
    }
    if brs.is_empty() {
        return Err(container.missing(BR));
    }
    Ok(S46Container::Lw { brs, binding })
}

fn br(option: Option6<'_>) -> Result<Ipv6Addr, S46Error> {
    let mut fields = option.body;
    let octets: [u8; 16] = fields.array("the address of a border relay")?;
    fields.end(BR)?;
    Ok(octets.into())
}

fn rule(option: Option6<'_>) -> Result<S46Rule, S46Error> {
    let mut fields = option.body;
    let offset = fields.offset;
    let flags = fields.byte("the flags of a rule")?;
    if flags & !1 != 0 {
        let what = "the flags beside F";
        return Err(S46Error::NotZero { offset, what, found: u32::from(flags & !1) });
    }
    let ea_len = fields.byte("the EA length")?;
    let at = fields.offset;
    let len = fields.byte("the length of an IPv4 prefix")?;
    let octets: [u8; 4] = fields.array("an IPv4 prefix")?;
    let v4 = Ipv4Net::new(octets.into(), len)
        .map_err(|_| S46Error::PrefixLen { offset: at, what: "IPv4", len })?
        .trunc();
    let v6 = fields.prefix6()?;
    let rule = match port_params(fields, RULE)? {
        None => BasicMappingRule::new(v6, v4, ea_len, PsidParams::DEFAULT_OFFSET, None),
        Some(ports) if ea_len == 0 => PsidParams::new(ports.offset, ports.len)
            .and_then(|params| BasicMappingRule::one_to_one(v6, v4, params, ports.psid)),
        Some(ports) if ports.psid != 0 => {
            let (offset, psid) = (ports.place, ports.psid);
            return Err(S46Error::PsidBesideEa { offset, psid, ea_len });
        }
        Some(ports) => {
            let len = (ports.len > 0).then_some(ports.len);
            BasicMappingRule::new(v6, v4, ea_len, ports.offset, len)
        }
    };
    let rule = rule.map_err(option.rule_error())?;
    Ok(S46Rule { rule, is_forwarding: flags == 1 })
}

fn bind(option: Option6<'_>) -> Result<S46Binding, S46Error> {
    let mut fields = option.body;
    let octets: [u8; 4] = fields.array("an IPv4 address")?;
    let prefix = fields.prefix6()?;
    let binding = match port_params(fields, V4V6BIND)? {
        None => S46Binding::new(Ipv4Addr::from(octets), prefix, PsidParams::new_assert(0, 0), 0),
        Some(ports) => PsidParams::new(ports.offset, ports.len)
            .and_then(|params| S46Binding::new(octets.into(), prefix, params, ports.psid)),
    };
    binding.map_err(option.rule_error())
}

/// Option 93, its PSID right-aligned.
struct PortParams {
    offset: u8,
    len: u8,
    psid: u16,
    place: usize,
}

/// The options after the fields of option `code`: at most one, option 93.
fn port_params(mut fields: Bytes<'_>, code: u16) -> Result<Option<PortParams>, S46Error> {
    let mut found = None;
    while let Some(option) = fields.option()? {
        if option.code != PORTPARAMS {
            return Err(option.misplaced(Within::Option(code)));
        }
        if found.is_some() {
            return Err(S46Error::Twice { offset: option.offset, code: PORTPARAMS });
        }
        let mut body = option.body;
        let offset = body.byte("the PSID offset")?;
        let len = body.byte("the PSID length")?;
        let at = body.offset;
        let left_aligned = body.u16("the PSID")?;
        body.end(PORTPARAMS)?;
        if offset > 15 {
            return Err(option.rule_error()(RuleError::PsidOffset { offset }));
        }
        let place = option.offset;
        // With a length of 0 the field is to be ignored.
        let Some(shift) = 16u32.checked_sub(u32::from(len)) else {
            return Err(option.rule_error()(RuleError::PsidTooLong { offset, len }));
        };
        let psid = if len == 0 { 0 } else { left_aligned >> shift };
        if len > 0 && psid << shift != left_aligned {
            let what = "the padding of a PSID (it is left-aligned here)";
            let found = u32::from(left_aligned & !(u16::MAX << shift));
            return Err(S46Error::NotZero { offset: at, what, found });
        }
        found = Some(PortParams { offset, len, psid, place });
    }
    Ok(found)
}
