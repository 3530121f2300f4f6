//! CrunchNAT, <https://github.com/isometry/crunchnat>.

use ipnet::Ipv4Net;

use super::error::DetNatError;
use super::permuted::Permuted;
use super::pool::AddressPool;
use super::sharing::Cut;
use super::vpp_det44::{FROM_1024, equal_blocks};
use super::{Algorithm, Deterministic, Layout};

/// The three ways in which CrunchNAT cuts the ports 1024 to 65535 of an outside address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrunchNat {
    /// Contiguous blocks, as VPP det44.
    Simple,
    /// Every C-th port, as the staggered order of RFC 7422.
    Stripe,
    /// Blocks of offsets that textbook RSA permutes.
    Secure(SecureKeys),
}

/// The numbers of [`CrunchNat::Secure`]. Ports from `1024 + p * q` are nobody's: with the default the top five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecureKeys {
    /// A prime.
    pub p: u32,
    /// Another prime; `p * q` is at most 64,512.
    pub q: u32,
    /// The exponent, without a common factor with `(p - 1) * (q - 1)`.
    pub e: u32,
}

impl Default for SecureKeys {
    /// 251, 257 and 19, the defaults of the program.
    fn default() -> Self {
        SecureKeys { p: 251, q: 257, e: 19 }
    }
}

impl Deterministic {
    /// A NAT that CrunchNAT computes.
    ///
    /// # Errors
    ///
    /// [`DetNatError`]: what the program refuses, more outside than inside addresses and more than 256 hosts an address;
    /// also keys that do not permute.
    pub fn crunchnat(
        inside: Ipv4Net,
        outside: Ipv4Net,
        variant: CrunchNat,
    ) -> Result<Deterministic, DetNatError> {
        let (algorithm, cut) = match variant {
            CrunchNat::Simple => (Algorithm::CrunchNatSimple, Cut::Contiguous),
            CrunchNat::Stripe => (Algorithm::CrunchNatStripe, Cut::Staggered),
            CrunchNat::Secure(SecureKeys { p, q, e }) => {
                let permuted = Permuted::new(p, q, e, FROM_1024.len())?;
                (Algorithm::CrunchNatSecure, Cut::Permuted(permuted))
            }
        };
        if outside.prefix_len() > inside.prefix_len().saturating_add(8) {
            return Err(DetNatError::Value {
                key: "inside",
                value: inside.to_string(),
                advice: "CrunchNAT takes at most 256 inside addresses for each outside one",
            });
        }
        let (inside, outside) = (AddressPool::prefix(inside), AddressPool::prefix(outside));
        let shares = equal_blocks(inside, outside, cut, FROM_1024)?;
        Ok(Deterministic::new(algorithm, Layout::Shares(shares)))
    }
}
