//! Containers to bytes.

use ipnet::Ipv6Net;

use super::{
    BR, CONT_LW, CONT_MAPE, CONT_MAPT, DMR, PORTPARAMS, RULE, S46Container, S46Error, V4V6BIND,
};
use crate::mapping::PsidParams;

/// Writes options 94, 95 and 96: what [`parse_s46`](super::parse_s46) reads as the same containers again.
///
/// Option 93 is written where the port parameters are not those that its absence means.
///
/// # Errors
///
/// [`S46Error::Missing`] for a container without rule or border relay, [`S46Error::OffsetUnwritable`],
/// [`S46Error::ContainerTooLong`].
pub fn write_s46(containers: &[S46Container]) -> Result<Vec<u8>, S46Error> {
    let mut out = Vec::new();
    for container in containers {
        let mut body = Vec::new();
        let code = match container {
            S46Container::MapE { rules, brs } => {
                need(CONT_MAPE, RULE, rules)?;
                need(CONT_MAPE, BR, brs)?;
                for rule in rules {
                    write_rule(rule, &mut body)?;
                }
                for br in brs {
                    option(BR, &br.octets(), &mut body)?;
                }
                CONT_MAPE
            }
            S46Container::MapT { rules, dmr } => {
                need(CONT_MAPT, RULE, rules)?;
                for rule in rules {
                    write_rule(rule, &mut body)?;
                }
                let mut fields = Vec::new();
                prefix6(dmr.prefix(), &mut fields);
                option(DMR, &fields, &mut body)?;
                CONT_MAPT
            }
            S46Container::Lw { brs, binding } => {
                need(CONT_LW, BR, brs)?;
                if let Some(binding) = binding {
                    let mut fields = binding.v4().octets().to_vec();
                    prefix6(binding.prefix(), &mut fields);
                    let params = binding.psid_params();
                    if params != PsidParams::new_assert(0, 0) {
                        port_params(params, binding.psid(), &mut fields)?;
                    }
                    option(V4V6BIND, &fields, &mut body)?;
                }
                for br in brs {
                    option(BR, &br.octets(), &mut body)?;
                }
                CONT_LW
            }
        };
        option(code, &body, &mut out)?;
    }
    Ok(out)
}

fn need<T>(code: u16, missing: u16, items: &[T]) -> Result<(), S46Error> {
    if items.is_empty() {
        return Err(S46Error::Missing { offset: 0, code, missing });
    }
    Ok(())
}

fn option(code: u16, body: &[u8], out: &mut Vec<u8>) -> Result<(), S46Error> {
    let len = u16::try_from(body.len())
        .map_err(|_| S46Error::ContainerTooLong { code, bytes: body.len() })?;
    out.extend(code.to_be_bytes());
    out.extend(len.to_be_bytes());
    out.extend(body);
    Ok(())
}

fn write_rule(rule: &super::S46Rule, out: &mut Vec<u8>) -> Result<(), S46Error> {
    let is_forwarding = rule.is_forwarding;
    let rule = &rule.rule;
    let mut fields = vec![u8::from(is_forwarding), rule.ea_len(), rule.v4().prefix_len()];
    fields.extend(rule.v4().addr().octets());
    prefix6(rule.v6(), &mut fields);
    let params = rule.psid_params();
    if params.offset() != PsidParams::DEFAULT_OFFSET || rule.own_psid().is_some() {
        // With EA bits the PSID is in them, and the field stays zero.
        port_params(params, rule.own_psid().unwrap_or(0), &mut fields)?;
    }
    option(RULE, &fields, out)
}

fn port_params(params: PsidParams, psid: u16, out: &mut Vec<u8>) -> Result<(), S46Error> {
    if params.offset() > 15 {
        return Err(S46Error::OffsetUnwritable);
    }
    // A PSID of no bits is 0, which no shift changes.
    let left_aligned = psid.checked_shl(16 - u32::from(params.len())).unwrap_or(0);
    let [high, low] = left_aligned.to_be_bytes();
    option(PORTPARAMS, &[params.offset(), params.len(), high, low], out)
}

fn prefix6(net: Ipv6Net, out: &mut Vec<u8>) {
    out.push(net.prefix_len());
    let bytes = usize::from(net.prefix_len().div_ceil(8));
    out.extend(net.network().octets().iter().take(bytes));
}
