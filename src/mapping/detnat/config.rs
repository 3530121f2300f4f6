//! A deterministic NAT as configuration: one flat list of keys, each checked against its algorithm.

use super::block_table::{Block, BlockHolder};
use super::config_keys::Keys;
use super::crunchnat::{CrunchNat, SecureKeys};
use super::error::{DetNatError, short};
use super::pool::parse_prefix;
use super::{Algorithm, Deterministic};
use crate::port::PortRange;

/// Every algorithm by its text form.
pub(super) const ALGORITHMS: [&str; 10] = [
    Algorithm::Rfc7422.as_str(),
    Algorithm::VppDet44.as_str(),
    Algorithm::CrunchNatSimple.as_str(),
    Algorithm::CrunchNatStripe.as_str(),
    Algorithm::CrunchNatSecure.as_str(),
    Algorithm::VyosCgnat.as_str(),
    Algorithm::MikrotikNetmap.as_str(),
    Algorithm::MikrotikSrcNat.as_str(),
    Algorithm::JuniperNapt44.as_str(),
    Algorithm::BlockTable.as_str(),
];

/// The keys of a deterministic NAT, as they stand in a rule file.
///
/// Texts are in the forms of [`super::AddressPool`] and of ports. A key without meaning for the algorithm is refused, not passed
/// over: a misspelt or misplaced one would move every port to another subscriber.
///
/// | algorithm | keys beside `algorithm`, `name` and the two checks |
/// |---|---|
/// | `rfc7422` | `inside`, `outside`, `order`, `reserved`, `compression` (optional when inside / outside is whole), `dynamic_factor` (0) |
/// | `rfc7422` from its record | `record`, `inside_boundary`, `outside_boundary`, `port_zero` (unless `R` has it), `order` (when A is 0) |
/// | `vpp-det44` | `inside`, `outside`: one prefix each |
/// | `crunchnat-simple`, `crunchnat-stripe` | `inside`, `outside`: one prefix each |
/// | `crunchnat-secure` | the same, and `p` (251), `q` (257), `e` (19) |
/// | `vyos-cgnat` | `inside`, `outside`, `ports_per_user`, `external_port_range` (`1024-65535`), `checks_whole_blocks` (false) |
/// | `mikrotik-netmap` | `inside`, `outside`: one prefix each; `first_port` (1536), `block` (2000) |
/// | `mikrotik-src-nat` | `inside`: the first address, with or without `+`; `outside`: one range; `clients_per_public` |
/// | `juniper-napt44` | `inside`, `outside`, `block_size` (256), `include_boundary_addresses` (false), `spread` (only where readings differ) |
/// | `block-table` | `blocks`: objects with `address`, `first`, `last`, `stride` (1), `inside` (an address, `excluded` or `dynamic`) |
///
/// In parentheses: the value when the key is left out. `order` is `address-major`, `port-major`, `staggered` or
/// `round-robin`; the boundaries are `use` or `skip`, `port_zero` is `use` or `reserve`, `spread` is `rounded` or
/// `packed`.
///
/// `hosts_per_address` and `ports_per_host` are checks: given, they must be what the other keys make. Copy them from the
/// device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, default))]
#[expect(missing_docs, reason = "the table above says what each key is")]
pub struct DetNatConfig {
    pub algorithm: String,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub name: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub inside: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub outside: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub order: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub reserved: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub compression: Option<u32>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub dynamic_factor: Option<u32>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub record: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub inside_boundary: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub outside_boundary: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub port_zero: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub p: Option<u32>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub q: Option<u32>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub e: Option<u32>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub ports_per_user: Option<u32>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub external_port_range: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub checks_whole_blocks: Option<bool>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub first_port: Option<u16>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub block: Option<u32>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub clients_per_public: Option<u32>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub block_size: Option<u32>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub include_boundary_addresses: Option<bool>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub spread: Option<String>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub blocks: Option<Vec<BlockConfig>>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub hosts_per_address: Option<u64>,
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub ports_per_host: Option<u64>,
}

/// One block in the key `blocks`; see [`Block`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct BlockConfig {
    /// The outside address.
    pub address: std::net::Ipv4Addr,
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
    /// 1 for every port, 16 for every 16th; left out, 1.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub stride: Option<u16>,
    /// An inside IPv4 address, `excluded` or `dynamic`.
    pub inside: String,
}

impl BlockConfig {
    /// The block.
    ///
    /// # Errors
    ///
    /// [`DetNatError::Block`].
    pub fn block(&self) -> Result<Block, DetNatError> {
        let refuse = |why| DetNatError::Block {
            address: self.address,
            ports: format!("{}-{}", self.first, self.last),
            why,
        };
        let ports = PortRange::new(self.first, self.last)
            .map_err(|_| refuse("the ports run backwards: write the lower one first"))?;
        let holder = parse_holder(&self.inside).ok_or_else(|| {
            refuse("`inside` is no IPv4 address, `excluded` or `dynamic`: write one of these")
        })?;
        Ok(Block { address: self.address, ports, stride: self.stride.unwrap_or(1), holder })
    }
}

pub(super) fn parse_holder(text: &str) -> Option<BlockHolder> {
    match text {
        "excluded" => Some(BlockHolder::Excluded),
        "dynamic" => Some(BlockHolder::Dynamic),
        addr => addr.parse().ok().map(BlockHolder::Inside),
    }
}

impl DetNatConfig {
    /// The NAT that the keys describe.
    ///
    /// # Errors
    ///
    /// [`DetNatError`], with the key where one is at fault.
    pub fn build(&self) -> Result<Deterministic, DetNatError> {
        let algorithm = match self.algorithm.as_str() {
            "rfc7422" => Algorithm::Rfc7422,
            "vpp-det44" => Algorithm::VppDet44,
            "crunchnat-simple" => Algorithm::CrunchNatSimple,
            "crunchnat-stripe" => Algorithm::CrunchNatStripe,
            "crunchnat-secure" => Algorithm::CrunchNatSecure,
            "vyos-cgnat" => Algorithm::VyosCgnat,
            "mikrotik-netmap" => Algorithm::MikrotikNetmap,
            "mikrotik-src-nat" => Algorithm::MikrotikSrcNat,
            "juniper-napt44" => Algorithm::JuniperNapt44,
            "block-table" => Algorithm::BlockTable,
            other => return Err(DetNatError::UnknownAlgorithm(short(other))),
        };
        self.check_keys(algorithm)?;
        let keys = Keys { config: self, algorithm: algorithm.as_str() };
        let nat = match algorithm {
            Algorithm::Rfc7422 => keys.rfc7422()?,
            Algorithm::VppDet44 => {
                // VPP clears host bits.
                let any =
                    |text: &str| text.parse().map_err(|_| DetNatError::Addresses(short(text)));
                Deterministic::vpp_det44(any(keys.inside()?)?, any(keys.outside()?)?)?
            }
            Algorithm::CrunchNatSimple => keys.crunchnat(CrunchNat::Simple)?,
            Algorithm::CrunchNatStripe => keys.crunchnat(CrunchNat::Stripe)?,
            Algorithm::CrunchNatSecure => {
                let plain = SecureKeys::default();
                let or = |key: Option<u32>, plain| key.unwrap_or(plain);
                keys.crunchnat(CrunchNat::Secure(SecureKeys {
                    p: or(self.p, plain.p),
                    q: or(self.q, plain.q),
                    e: or(self.e, plain.e),
                }))?
            }
            Algorithm::VyosCgnat => keys.vyos()?,
            Algorithm::MikrotikNetmap => Deterministic::mikrotik_netmap(
                parse_prefix(keys.inside()?)?,
                parse_prefix(keys.outside()?)?,
                self.first_port.unwrap_or(1536),
                self.block.unwrap_or(2000),
            )?,
            Algorithm::MikrotikSrcNat => keys.src_nat()?,
            Algorithm::JuniperNapt44 => keys.juniper()?,
            Algorithm::BlockTable => {
                let advice = "list the blocks, `[]` for none";
                let blocks = keys.need("blocks", self.blocks.as_ref(), advice)?;
                let blocks: Result<Vec<Block>, _> = blocks.iter().map(BlockConfig::block).collect();
                Deterministic::block_table(&blocks?)?
            }
        };
        self.check_derived(&nat)?;
        Ok(match &self.name {
            Some(name) => nat.with_name(name.clone()),
            None => nat,
        })
    }

    /// Refuses keys without meaning for the algorithm.
    fn check_keys(&self, algorithm: Algorithm) -> Result<(), DetNatError> {
        use Algorithm as A;
        let all = [
            ("inside", self.inside.is_some()),
            ("outside", self.outside.is_some()),
            ("order", self.order.is_some()),
            ("reserved", self.reserved.is_some()),
            ("compression", self.compression.is_some()),
            ("dynamic_factor", self.dynamic_factor.is_some()),
            ("record", self.record.is_some()),
            ("inside_boundary", self.inside_boundary.is_some()),
            ("outside_boundary", self.outside_boundary.is_some()),
            ("port_zero", self.port_zero.is_some()),
            ("p", self.p.is_some()),
            ("q", self.q.is_some()),
            ("e", self.e.is_some()),
            ("ports_per_user", self.ports_per_user.is_some()),
            ("external_port_range", self.external_port_range.is_some()),
            ("checks_whole_blocks", self.checks_whole_blocks.is_some()),
            ("first_port", self.first_port.is_some()),
            ("block", self.block.is_some()),
            ("clients_per_public", self.clients_per_public.is_some()),
            ("block_size", self.block_size.is_some()),
            ("include_boundary_addresses", self.include_boundary_addresses.is_some()),
            ("spread", self.spread.is_some()),
            ("blocks", self.blocks.is_some()),
        ];
        let allowed: &[&str] = match algorithm {
            A::Rfc7422 if self.record.is_some() => {
                &["record", "inside_boundary", "outside_boundary", "port_zero", "order"]
            }
            A::Rfc7422 => {
                &["inside", "outside", "order", "reserved", "compression", "dynamic_factor"]
            }
            A::VppDet44 | A::CrunchNatSimple | A::CrunchNatStripe => &["inside", "outside"],
            A::CrunchNatSecure => &["inside", "outside", "p", "q", "e"],
            A::VyosCgnat => &[
                "inside",
                "outside",
                "ports_per_user",
                "external_port_range",
                "checks_whole_blocks",
            ],
            A::MikrotikNetmap => &["inside", "outside", "first_port", "block"],
            A::MikrotikSrcNat => &["inside", "outside", "clients_per_public"],
            A::JuniperNapt44 => {
                &["inside", "outside", "block_size", "include_boundary_addresses", "spread"]
            }
            A::BlockTable => &["blocks"],
        };
        match all.into_iter().find(|(key, is_given)| *is_given && !allowed.contains(key)) {
            None => Ok(()),
            Some((key, _)) => Err(DetNatError::Unexpected { algorithm: algorithm.as_str(), key }),
        }
    }

    fn check_derived(&self, nat: &Deterministic) -> Result<(), DetNatError> {
        let parts = nat.parts().map(|(parts, block)| (u64::from(parts), u64::from(block)));
        for (key, given, derived) in [
            ("hosts_per_address", self.hosts_per_address, parts.map(|p| p.0)),
            ("ports_per_host", self.ports_per_host, parts.map(|p| p.1)),
        ] {
            match (given, derived) {
                (Some(given), Some(derived)) if given != derived => {
                    return Err(DetNatError::Disagrees { key, given, derived });
                }
                (Some(_), None) => {
                    let algorithm = nat.algorithm().as_str();
                    return Err(DetNatError::Unexpected { algorithm, key });
                }
                _ => {}
            }
        }
        Ok(())
    }
}
