//! The keys of a configuration, read as their algorithm needs them.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::Deterministic;
use super::config::DetNatConfig;
use super::crunchnat::CrunchNat;
use super::error::{DetNatError, short};
use super::juniper::BlockSpread;
use super::pool::{AddressPool, BoundaryAddresses, parse_prefix};
use super::record::Rfc7422Record;
use super::record_reading::{PortZero, RecordReading};
use super::rfc7422::{Arrangement, Rfc7422};
use super::vyos_cgnat::VyosCheck;
use crate::port::{PortRange, PortSet};

/// The keys of one algorithm, read.
pub(super) struct Keys<'a> {
    pub(super) config: &'a DetNatConfig,
    pub(super) algorithm: &'static str,
}

impl<'a> Keys<'a> {
    pub(super) fn need<T>(
        &self,
        key: &'static str,
        value: Option<T>,
        advice: &'static str,
    ) -> Result<T, DetNatError> {
        value.ok_or(DetNatError::Missing { algorithm: self.algorithm, key, advice })
    }

    pub(super) fn inside(&self) -> Result<&'a str, DetNatError> {
        self.need("inside", self.config.inside.as_deref(), "the addresses before translation")
    }

    pub(super) fn outside(&self) -> Result<&'a str, DetNatError> {
        self.need("outside", self.config.outside.as_deref(), "the addresses after translation")
    }

    pub(super) fn crunchnat(&self, variant: CrunchNat) -> Result<Deterministic, DetNatError> {
        Deterministic::crunchnat(
            parse_prefix(self.inside()?)?,
            parse_prefix(self.outside()?)?,
            variant,
        )
    }

    pub(super) fn rfc7422(&self) -> Result<Deterministic, DetNatError> {
        if let Some(record) = &self.config.record {
            return self.record(&record.parse()?);
        }
        let advice = "write address-major, port-major, staggered or round-robin: RFC 7422 calls two of them sequential";
        let order = self.need("order", self.config.order.as_deref(), advice)?;
        let advice =
            "write the ports that no host gets, such as `0-1023`, and say whether port 0 is one";
        let reserved = self.need("reserved", self.config.reserved.as_deref(), advice)?;
        Deterministic::rfc7422(Rfc7422 {
            inside: self.inside()?.parse()?,
            outside: self.outside()?.parse()?,
            compression: self.config.compression,
            dynamic_factor: self.config.dynamic_factor.unwrap_or(0),
            reserved: parse_ports("reserved", reserved)?,
            arrangement: arrangement(order)?,
        })
    }

    fn record(&self, record: &Rfc7422Record) -> Result<Deterministic, DetNatError> {
        let config = self.config;
        let boundary = |key, value: Option<&str>| {
            let advice = "write `use` or `skip`: the record does not say whether the first and last address count";
            match self.need(key, value, advice)? {
                "use" => Ok(BoundaryAddresses::Use),
                "skip" => Ok(BoundaryAddresses::Skip),
                other => Err(DetNatError::Value { key, value: short(other), advice }),
            }
        };
        let key = "port_zero";
        let advice = "write `use` or `reserve`: the record's list does not name port 0";
        let port_zero = match config.port_zero.as_deref() {
            None if record.reserved.contains(0) => PortZero::Reserve,
            zero => match self.need(key, zero, advice)? {
                "use" if !record.reserved.contains(0) => PortZero::Use,
                "reserve" => PortZero::Reserve,
                other => return Err(DetNatError::Value { key, value: short(other), advice }),
            },
        };
        let sequential = match (record.algorithm, config.order.as_deref()) {
            (0, order) => {
                let advice = "write address-major or port-major: the record says sequential, which may be either";
                arrangement(self.need("order", order, advice)?)?
            }
            (_, None) => Arrangement::AddressMajor,
            (_, Some(_)) => {
                return Err(DetNatError::Unexpected { algorithm: self.algorithm, key: "order" });
            }
        };
        record.deterministic(RecordReading {
            sequential,
            inside: boundary("inside_boundary", config.inside_boundary.as_deref())?,
            outside: boundary("outside_boundary", config.outside_boundary.as_deref())?,
            port_zero,
        })
    }

    pub(super) fn vyos(&self) -> Result<Deterministic, DetNatError> {
        let config = self.config;
        let advice = "write `per-user-limit port` of the external pool";
        let ports_per_user = self.need("ports_per_user", config.ports_per_user, advice)?;
        let key = "external_port_range";
        let range = config.external_port_range.as_deref().unwrap_or("1024-65535");
        let advice = "write two ports as `1024-65535`";
        let range: PortRange =
            range.parse().map_err(|_| DetNatError::Value { key, value: short(range), advice })?;
        let check = match config.checks_whole_blocks {
            Some(true) => VyosCheck::WholeBlocks,
            _ => VyosCheck::TotalPorts,
        };
        let (inside, outside) = (self.inside()?.parse()?, self.outside()?.parse()?);
        Deterministic::vyos_cgnat(inside, outside, ports_per_user, range, check)
    }

    pub(super) fn src_nat(&self) -> Result<Deterministic, DetNatError> {
        let addr =
            |text: &str| text.parse::<Ipv4Addr>().map_err(|_| DetNatError::Addresses(short(text)));
        let inside = self.inside()?;
        let inside = inside.strip_suffix('+').unwrap_or(inside);
        let inside = inside.parse().map_err(|_| DetNatError::Value {
            key: "inside",
            value: short(inside),
            advice: "write the first inside address alone, such as `100.64.0.1`: the script counts on from it",
        })?;
        let outside = self.outside()?;
        let (first, last) = match outside.split_once('-') {
            Some((first, last)) => (addr(first)?, addr(last)?),
            None if outside.contains('/') => {
                let prefix: Ipv4Net = parse_prefix(outside)?;
                (prefix.network(), prefix.broadcast())
            }
            None => (addr(outside)?, addr(outside)?),
        };
        let advice = "write how many inside addresses stand behind one outside address";
        let clients = self.need("clients_per_public", self.config.clients_per_public, advice)?;
        Deterministic::mikrotik_src_nat(inside, first, last, clients)
    }

    pub(super) fn juniper(&self) -> Result<Deterministic, DetNatError> {
        let config = self.config;
        let boundary = match config.include_boundary_addresses {
            Some(true) => BoundaryAddresses::Use,
            _ => BoundaryAddresses::Skip,
        };
        let inside = self.inside()?;
        let inside = if inside.contains('/') {
            AddressPool::of(parse_prefix(inside)?, boundary)
        } else {
            inside.parse()?
        };
        let outside = self.outside()?;
        let is_open = outside
            .split(',')
            .any(|piece| piece.parse::<Ipv4Net>().is_ok_and(|prefix| prefix.prefix_len() < 31));
        if is_open {
            return Err(DetNatError::Unsettled {
                what: "whether the first and last address of the pool are used",
                advice: "write `outside` as the range of addresses that log lines show",
            });
        }
        let spread = match config.spread.as_deref() {
            None => None,
            Some("rounded") => Some(BlockSpread::Rounded),
            Some("packed") => Some(BlockSpread::Packed),
            Some(other) => {
                let advice = "write `rounded` or `packed`";
                return Err(DetNatError::Value { key: "spread", value: short(other), advice });
            }
        };
        let block_size = config.block_size.unwrap_or(256);
        Deterministic::juniper_napt44(inside, outside.parse()?, block_size, spread)
    }
}

fn arrangement(text: &str) -> Result<Arrangement, DetNatError> {
    Ok(match text {
        "address-major" => Arrangement::AddressMajor,
        "port-major" => Arrangement::PortMajor,
        "staggered" => Arrangement::Staggered,
        "round-robin" => Arrangement::RoundRobin,
        other => {
            let advice = "write address-major, port-major, staggered or round-robin";
            return Err(DetNatError::Value { key: "order", value: short(other), advice });
        }
    })
}

fn parse_ports(key: &'static str, text: &str) -> Result<PortSet, DetNatError> {
    let advice = "write ports and ranges joined by commas, such as `0-1023,5004`";
    text.parse().map_err(|_| DetNatError::Value { key, value: short(text), advice })
}
