//! Deterministic NAT: outside address and port to inside address by arithmetic, without logs (RFC 7422).
//!
//! A [`Deterministic`] is one configuration of one algorithm, with an inverse that is checked against its bounds: nobody
//! is named for a port that no forward mapping gives out. That matters: the reverse formula that vendors print names the
//! neighbour's subscriber for the ports behind the last block.
//!
//! | algorithm | how blocks lie | how well its source is known |
//! |---|---|---|
//! | [RFC 7422](Deterministic::rfc7422) | four arrangements ([`Arrangement`]), a dynamic pool, sparse reserved ports | published |
//! | [VPP det44](Deterministic::vpp_det44) | address-major | checked against the program |
//! | [CrunchNAT](Deterministic::crunchnat) simple, stripe, secure | address-major | checked against the program |
//! | [VyOS](Deterministic::vyos_cgnat) | address-major; of an older release blocks may repeat | checked against the program |
//! | [MikroTik netmap](Deterministic::mikrotik_netmap) | port-major | checked against the program |
//! | [MikroTik src-nat](Deterministic::mikrotik_src_nat) | blocks of two sizes | checked against the program |
//! | [Juniper](Deterministic::juniper_napt44) | address-major | from documents, not checked on a device |
//! | [block table](Deterministic::block_table) | any | what the table says |
//!
//! For vendors whose arithmetic is not public, export the blocks and import them as a table.
//!
//! # Orders
//!
//! ```text
//!                  address-major            port-major
//!  ports        .0   .1   .2             .0   .1   .2     outside address
//!  block 0       0    4    8              0    1    2
//!  block 1       1    5    9              3    4    5     number of the inside host
//!  block 2       2    6   10              6    7    8
//!  block 3       3    7   11              9   10   11
//! ```
//!
//! RFC 7422 calls both "sequential" (its section 2.2), so the order has to be said.

mod algorithm;
mod block_table;
#[cfg(feature = "readers")]
mod block_table_csv;
mod config;
mod config_keys;
mod crunchnat;
mod error;
mod juniper;
mod mikrotik_netmap;
mod permuted;
mod pool;
#[cfg(feature = "readers")]
mod read;
mod record;
mod record_reading;
mod rfc7422;
mod shares;
mod sharing;
mod space;
mod src_nat;
mod vpp_det44;
mod vyos_cgnat;

use std::net::Ipv4Addr;

pub use algorithm::{Algorithm, Sourcing};
pub use block_table::{Block, BlockHolder};
#[cfg(feature = "readers")]
pub use block_table_csv::{BlockTableCsvError, BlockTableLimits, read_block_table};
pub use config::{BlockConfig, DetNatConfig};
pub use crunchnat::{CrunchNat, SecureKeys};
pub use error::DetNatError;
pub use juniper::BlockSpread;
pub use pool::{AddressPool, BoundaryAddresses};
#[cfg(feature = "readers")]
pub use read::{ReadDetNatError, read_detnat};
pub use record::Rfc7422Record;
pub use record_reading::{ParseRecordReadingError, PortZero, RecordReading};
pub use rfc7422::{Arrangement, Rfc7422};
pub use vyos_cgnat::VyosCheck;

use crate::port::{PortRange, PortSet};
use crate::protocol::Protocol;
use block_table::BlockTable;
use shares::{Shares, Spread};
use src_nat::SrcNat;

/// One configuration of a deterministic NAT, both ways.
///
/// ```
/// use portledger::mapping::detnat::{DetReverse, Deterministic};
/// let nat = Deterministic::vpp_det44("100.64.0.0/18".parse().unwrap(), "192.0.2.8/29".parse().unwrap())?;
/// let (addr, ports) = nat.forward("100.64.0.1".parse().unwrap()).remove(0);
/// assert_eq!((addr.to_string().as_str(), ports.to_string().as_str()), ("192.0.2.8", "1055-1085"));
/// assert_eq!(nat.reverse(addr, 1085).inside(), Some("100.64.0.1".parse().unwrap()));
/// // 2048 hosts with 31 ports each leave 1024 ports to nobody; VPP itself answers 100.64.8.33 here.
/// assert_eq!(nat.reverse(addr, 65_535), DetReverse::LeftoverPort);
/// # Ok::<(), portledger::mapping::detnat::DetNatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deterministic {
    name: Option<String>,
    algorithm: Algorithm,
    layout: Layout,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Layout {
    Shares(Shares),
    SrcNat(SrcNat),
    Table(BlockTable),
}

/// What a deterministic NAT says about an outside address and port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetReverse {
    /// One inside host has the port.
    Mapped {
        /// The inside host.
        inside: Ipv4Addr,
        /// All its ports on this outside address.
        ports: PortSet,
    },
    /// The port is reserved: no inside host is given it.
    ExcludedPort,
    /// The port could be given out, but no inside host has it.
    LeftoverPort,
    /// The address is none of this NAT's.
    OutsidePool,
    /// The port is handed out on demand: only the log of blocks can tell (RFC 7422 section 2.3).
    DynamicPool,
    /// Several inside hosts have the port.
    Ambiguous {
        /// Every one of them, at least two.
        owners: Vec<Owner>,
    },
}

/// An inside host and its ports on one outside address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The inside host.
    pub inside: Ipv4Addr,
    /// All its ports on the address.
    pub ports: PortSet,
}

impl DetReverse {
    /// From those who have a port that is not reserved.
    fn of(mut owners: Vec<Owner>) -> DetReverse {
        match owners.len() {
            0 => DetReverse::LeftoverPort,
            1 => owners.pop().map_or(DetReverse::LeftoverPort, |Owner { inside, ports }| {
                DetReverse::Mapped { inside, ports }
            }),
            _ => DetReverse::Ambiguous { owners },
        }
    }

    /// The kind in one word: `mapped`, `excluded-port`, `leftover-port`, `outside-pool`, `dynamic-pool`, `ambiguous`.
    pub const fn kind(&self) -> &'static str {
        match self {
            DetReverse::Mapped { .. } => "mapped",
            DetReverse::ExcludedPort => "excluded-port",
            DetReverse::LeftoverPort => "leftover-port",
            DetReverse::OutsidePool => "outside-pool",
            DetReverse::DynamicPool => "dynamic-pool",
            DetReverse::Ambiguous { .. } => "ambiguous",
        }
    }

    /// The one inside host, where there is exactly one.
    pub const fn inside(&self) -> Option<Ipv4Addr> {
        match self {
            DetReverse::Mapped { inside, .. } => Some(*inside),
            _ => None,
        }
    }

    /// The range from the first to the last port of the one inside host. Where its ports are scattered
    /// (staggered, permuted), others have ports in between.
    pub fn block(&self) -> Option<PortRange> {
        match self {
            DetReverse::Mapped { ports, .. } => span(ports),
            _ => None,
        }
    }
}

impl Owner {
    /// The range from the first to the last of the ports.
    pub fn block(&self) -> Option<PortRange> {
        span(&self.ports)
    }
}

fn span(ports: &PortSet) -> Option<PortRange> {
    PortRange::new(ports.ranges().first()?.first(), ports.ranges().last()?.last()).ok()
}

impl Deterministic {
    fn new(algorithm: Algorithm, layout: Layout) -> Deterministic {
        Deterministic { name: None, algorithm, layout }
    }

    /// The same NAT under a name, such as that of its pool.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Deterministic {
        Deterministic { name: Some(name.into()), ..self }
    }

    /// The name, where it was given one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whose port it is.
    ///
    /// The port sets hold for the protocols that [`Deterministic::applies_to`] names; for an ICMP query the identifier
    /// takes the place of the port.
    ///
    /// # Complexity
    ///
    /// Arithmetic and two binary searches; the set of the owner's ports is built, which is one range for contiguous
    /// blocks and up to 65,536 where ports are scattered. Of a block table also every row of the address that may hold
    /// the port.
    pub fn reverse(&self, addr: Ipv4Addr, port: u16) -> DetReverse {
        match &self.layout {
            Layout::Shares(shares) => shares.reverse(addr, port),
            Layout::SrcNat(src_nat) => src_nat.reverse(addr, port),
            Layout::Table(table) => table.reverse(addr, port),
        }
    }

    /// Every outside address on which an inside host has ports, with them. Empty when it is none of this NAT's hosts.
    pub fn forward(&self, inside: Ipv4Addr) -> Vec<(Ipv4Addr, PortSet)> {
        match &self.layout {
            Layout::Shares(shares) => shares.forward(inside),
            Layout::SrcNat(src_nat) => src_nat.forward(inside).into_iter().collect(),
            Layout::Table(table) => table.forward(inside),
        }
    }

    /// Everybody who has ports on an outside address, by ports or rows: the answer to a question without a port.
    ///
    /// Computed one by one. None when the address is not covered; users of the dynamic pool are not among them.
    pub fn owners(&self, addr: Ipv4Addr) -> Box<dyn Iterator<Item = Owner> + '_> {
        match &self.layout {
            Layout::Shares(shares) => Box::new(shares.owners(addr)),
            Layout::SrcNat(src_nat) => Box::new(src_nat.owners(addr)),
            Layout::Table(table) => Box::new(table.owners(addr)),
        }
    }

    /// Whether the address is one of the outside addresses.
    pub fn covers(&self, addr: Ipv4Addr) -> bool {
        match &self.layout {
            Layout::Shares(shares) => shares.outside().contains(addr),
            Layout::SrcNat(src_nat) => src_nat.covers(addr),
            Layout::Table(table) => table.covers(addr),
        }
    }

    /// The ports of an outside address that are handed out on demand: only the log of blocks can tell whose they are.
    pub fn dynamic_ports(&self, addr: Ipv4Addr) -> PortSet {
        match &self.layout {
            Layout::Shares(shares) if shares.outside().contains(addr) => {
                shares.sharing().dynamic_ports()
            }
            Layout::Shares(_) | Layout::SrcNat(_) => PortSet::default(),
            Layout::Table(table) => table.dynamic_ports(addr),
        }
    }

    /// Whether two inside hosts of its own may have one port.
    pub(crate) const fn may_repeat_blocks(&self) -> bool {
        match &self.layout {
            Layout::Shares(shares) => matches!(shares.spread(), Spread::AddressMajorAgain),
            Layout::SrcNat(_) => false,
            Layout::Table(_) => true,
        }
    }

    /// How many rows of a block table were there before.
    pub(crate) const fn repeated_rows(&self) -> usize {
        match &self.layout {
            Layout::Table(table) => table.repeated(),
            Layout::Shares(_) | Layout::SrcNat(_) => 0,
        }
    }

    /// Whether it is the same NAT, under whatever name.
    pub(crate) fn is_same_as(&self, other: &Deterministic) -> bool {
        self.layout == other.layout
    }

    /// The outside addresses as closed ranges of numbers, in any order.
    pub(crate) fn outside_ranges(&self) -> Vec<(u32, u32)> {
        match &self.layout {
            Layout::Shares(shares) => shares.outside().pieces().collect(),
            Layout::SrcNat(src_nat) => src_nat.outside_ranges().collect(),
            Layout::Table(table) => table.addresses().map(|addr| (addr, addr)).collect(),
        }
    }

    /// Whether some ports are handed out on demand, so that others than [`Deterministic::owners`] use its addresses.
    pub fn has_dynamic_pool(&self) -> bool {
        match &self.layout {
            Layout::Shares(shares) => shares.sharing().has_dynamic_pool,
            Layout::SrcNat(_) => false,
            Layout::Table(table) => table.has_dynamic_ports(),
        }
    }

    /// Whether the blocks are known to bind flows of a protocol. Where not, everybody on the address may have sent
    /// them.
    ///
    /// TCP and UDP always; ICMP queries, by identifier, for VPP and VyOS, whose programs do so. The MikroTik scripts
    /// write ICMP rules without ports.
    pub const fn applies_to(&self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::TCP | Protocol::UDP => true,
            Protocol::ICMP => matches!(self.algorithm, Algorithm::VppDet44 | Algorithm::VyosCgnat),
            _ => false,
        }
    }

    /// The configuration in one line, for people.
    pub fn describe(&self) -> String {
        let what = match &self.layout {
            Layout::Shares(shares) => describe(shares),
            Layout::SrcNat(src_nat) => src_nat.describe(),
            Layout::Table(table) => table.describe(),
        };
        let mark = match self.algorithm.sourcing() {
            Sourcing::Unverified => " (formula not verified on a device)",
            _ => "",
        };
        format!("{}: {what}{mark}", self.algorithm)
    }

    /// The parts of one outside address and the ports of each, where the algorithm divides evenly.
    fn parts(&self) -> Option<(u32, u32)> {
        match &self.layout {
            Layout::Shares(shares) => Some((shares.sharing().parts, shares.sharing().block)),
            Layout::SrcNat(_) | Layout::Table(_) => None,
        }
    }
}

fn describe(shares: &Shares) -> String {
    let sharing = shares.sharing();
    let order = match shares.spread() {
        Spread::AddressMajor => "address-major",
        Spread::AddressMajorAgain => "address-major, repeating when blocks run out",
        Spread::PortMajor => "port-major",
        Spread::Everywhere => "the same ports on every address",
    };
    let cut = match sharing.cut {
        sharing::Cut::Contiguous => "contiguous",
        sharing::Cut::Staggered => "staggered",
        sharing::Cut::Permuted(_) => "permuted",
    };
    let pool = if sharing.has_dynamic_pool { ", the rest dynamic" } else { "" };
    format!(
        "{} to {}: {} hosts an address, {} {cut} ports each, {order}{pool}",
        shares.inside(),
        shares.outside(),
        sharing.parts,
        sharing.block
    )
}
