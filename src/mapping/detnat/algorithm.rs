//! The algorithms of deterministic NATs, by name.

use std::fmt;

/// The algorithm of a [`Deterministic`](super::Deterministic).
///
/// The text form is the one of the key `algorithm` in a [`DetNatConfig`](super::DetNatConfig).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RFC 7422.
    Rfc7422,
    /// The det44 plugin of VPP.
    VppDet44,
    /// CrunchNAT `simple`.
    CrunchNatSimple,
    /// CrunchNAT `stripe`.
    CrunchNatStripe,
    /// CrunchNAT `secure`.
    CrunchNatSecure,
    /// VyOS `nat cgnat`.
    VyosCgnat,
    /// MikroTik `netmap` rules with a port range for each inside subnet.
    MikrotikNetmap,
    /// MikroTik `src-nat` rules with a port range for each inside address.
    MikrotikSrcNat,
    /// Juniper deterministic NAPT44.
    JuniperNapt44,
    /// Blocks that are listed.
    BlockTable,
}

/// How well the arithmetic of an algorithm is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sourcing {
    /// Compared with what the vendor's own program answers or generates.
    Checked,
    /// A published text defines it.
    Published,
    /// Documents leave a part open, and no device was asked: compare an answer with one log line before relying on it.
    Unverified,
    /// Nothing is computed: the blocks are listed.
    Listed,
}

impl Algorithm {
    /// How well its arithmetic is known.
    pub const fn sourcing(self) -> Sourcing {
        match self {
            Algorithm::Rfc7422 => Sourcing::Published,
            Algorithm::JuniperNapt44 => Sourcing::Unverified,
            Algorithm::BlockTable => Sourcing::Listed,
            _ => Sourcing::Checked,
        }
    }

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Rfc7422 => "rfc7422",
            Algorithm::VppDet44 => "vpp-det44",
            Algorithm::CrunchNatSimple => "crunchnat-simple",
            Algorithm::CrunchNatStripe => "crunchnat-stripe",
            Algorithm::CrunchNatSecure => "crunchnat-secure",
            Algorithm::VyosCgnat => "vyos-cgnat",
            Algorithm::MikrotikNetmap => "mikrotik-netmap",
            Algorithm::MikrotikSrcNat => "mikrotik-src-nat",
            Algorithm::JuniperNapt44 => "juniper-napt44",
            Algorithm::BlockTable => "block-table",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
