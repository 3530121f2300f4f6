//! The simple segment file: allocations and the hosts they name, as one checked block.
//!
//! ```text
//! offset  width  field
//!      0      8  magic "PLSEG\0\0\1", the last byte is the version
//!      8      8  length of the payload, little-endian
//!     16      n  payload: postcard of (hosts, allocations)
//!   16+n     32  SHA-256 of everything before
//! ```

use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::{LedgerError, io_error};
use super::files;
use super::manifest::FileEntry;
use crate::allocation::Allocation;
use crate::index::Index;
use crate::inside::InsideHost;

const MAGIC: [u8; 8] = *b"PLSEG\0\0\x01";
const HEADER: usize = 16;
const DIGEST: usize = 32;

/// Allocations that can be looked up, and the hosts that they name.
#[derive(Debug)]
pub struct Segment {
    index: Index,
    hosts: Vec<InsideHost>,
}

impl Segment {
    /// A segment in memory.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Corrupt`] when an allocation names a host that is not there.
    pub fn new(
        hosts: Vec<InsideHost>,
        allocations: Vec<Allocation>,
    ) -> Result<Segment, LedgerError> {
        let known = |a: &Allocation| usize::try_from(a.inside.0).is_ok_and(|at| at < hosts.len());
        if !allocations.iter().all(known) {
            return Err(LedgerError::corrupt(
                "segment",
                "an allocation names a host that is not in it",
            ));
        }
        Ok(Segment { index: Index::build(allocations), hosts })
    }

    /// The index over its allocations.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The host of an allocation of this segment.
    pub fn host(&self, allocation: &Allocation) -> Option<&InsideHost> {
        self.hosts.get(usize::try_from(allocation.inside.0).ok()?)
    }

    /// The hosts, by number.
    pub fn hosts(&self) -> &[InsideHost] {
        &self.hosts
    }

    pub(super) fn write(
        dir: &Path,
        name: &str,
        hosts: &[InsideHost],
        allocations: &[Allocation],
    ) -> Result<FileEntry, LedgerError> {
        let payload = postcard::to_stdvec(&(hosts, allocations))
            .map_err(|e| LedgerError::corrupt(name, &e.to_string()))?;
        let mut bytes = Vec::with_capacity(HEADER + payload.len() + DIGEST);
        bytes.extend_from_slice(&MAGIC);
        let length = u64::try_from(payload.len()).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&payload);
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        files::write(dir, name, &bytes)
    }

    pub(super) fn read(dir: &Path, entry: &FileEntry) -> Result<Segment, LedgerError> {
        let path = dir.join(&entry.file);
        let bytes = std::fs::read(&path).map_err(|e| io_error(&path, e))?;
        let (hosts, allocations) = decode(&entry.file, &bytes)?;
        Segment::new(hosts, allocations)
    }
}

fn decode(name: &str, bytes: &[u8]) -> Result<(Vec<InsideHost>, Vec<Allocation>), LedgerError> {
    let corrupt = |why: &str| LedgerError::corrupt(name, why);
    let body_len = bytes
        .len()
        .checked_sub(DIGEST)
        .filter(|n| *n >= HEADER)
        .ok_or_else(|| corrupt("it is cut short"))?;
    let (body, digest) = bytes.split_at(body_len);
    if body.get(..MAGIC.len()) != Some(&MAGIC) {
        return Err(corrupt("it does not begin like a segment of this version"));
    }
    if *Sha256::digest(body) != *digest {
        return Err(corrupt("its checksum does not match: a byte was changed"));
    }
    let payload = body.get(HEADER..).unwrap_or_default();
    postcard::from_bytes(payload).map_err(|e| corrupt(&e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let hosts = vec!["100.64.0.10".parse().unwrap()];
        let entry = Segment::write(dir.path(), "s", &hosts, &[]).unwrap();
        std::fs::read(dir.path().join(entry.file)).unwrap()
    }

    #[test]
    fn every_changed_or_missing_byte_is_an_error() {
        let good = sample();
        assert!(decode("s", &good).is_ok());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(decode("s", &bad).is_err(), "byte {at} changed");
            assert!(decode("s", &good[..at]).is_err(), "cut at {at}");
        }
    }
}
