//! The segment file: an index, byte for byte, with the hosts that its allocations name.

use std::fs::File;
use std::path::Path;

use super::error::{LedgerError, io_error};
use super::files;
use super::hosts::{self, Hosts};
use super::manifest::FileEntry;
use crate::allocation::Allocation;
use crate::index::{Index, IndexBuilder};
use crate::inside::InsideHost;

/// Allocations that can be looked up, and the hosts that they name.
#[derive(Debug)]
pub struct Segment {
    index: Index,
    hosts: Hosts,
}

impl Segment {
    /// A segment in memory.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Corrupt`] when an allocation names a host that is not there, [`LedgerError::Index`] when there
    /// are too many for one segment.
    pub fn new(hosts: &[InsideHost], allocations: &[Allocation]) -> Result<Segment, LedgerError> {
        let known = |a: &Allocation| usize::try_from(a.inside.0).is_ok_and(|at| at < hosts.len());
        if !allocations.iter().all(known) {
            return Err(LedgerError::corrupt(
                "segment",
                "an allocation names a host that is not in it",
            ));
        }
        let index = IndexBuilder::new().hosts(hosts::encode(hosts)).build(allocations)?;
        Segment::over("segment", index)
    }

    fn over(name: &str, index: Index) -> Result<Segment, LedgerError> {
        let hosts = Hosts::of(index.hosts())
            .ok_or_else(|| LedgerError::corrupt(name, "it has no table of hosts"))?;
        let segment = Segment { index, hosts };
        // A record whose host cannot be read would be passed over, and another be named alone.
        if segment.hosts().count() != segment.hosts.len() {
            return Err(LedgerError::corrupt(name, "a host of it cannot be read"));
        }
        Ok(segment)
    }

    /// The index over its allocations.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The host of an allocation of this segment.
    pub fn host(&self, allocation: &Allocation) -> Option<&InsideHost> {
        self.hosts.get(self.index.hosts(), usize::try_from(allocation.inside.0).ok()?)
    }

    /// The hosts, by number.
    pub fn hosts(&self) -> impl Iterator<Item = &InsideHost> {
        (0..self.hosts.len()).map_while(|number| self.hosts.get(self.index.hosts(), number))
    }

    pub(super) fn write(&self, dir: &Path, name: &str) -> Result<FileEntry, LedgerError> {
        files::write(dir, name, self.index.as_bytes())
    }

    /// Reads a segment into memory and checks all of it.
    pub(super) fn read(dir: &Path, entry: &FileEntry) -> Result<Segment, LedgerError> {
        let path = dir.join(&entry.file);
        let bytes = std::fs::read(&path).map_err(|e| io_error(&path, e))?;
        let corrupt =
            |e: crate::index::FormatError| LedgerError::corrupt(&entry.file, &e.to_string());
        let index = Index::from_bytes(&bytes).map_err(corrupt)?;
        index.verify().map_err(corrupt)?;
        Segment::over(&entry.file, index)
    }

    /// Maps a segment, and checks its header and its hosts only.
    ///
    /// # Safety
    ///
    /// As [`Index::from_map`].
    #[expect(unsafe_code, reason = "hands the duty of the map on")]
    pub(super) unsafe fn map(dir: &Path, entry: &FileEntry) -> Result<Segment, LedgerError> {
        let path = dir.join(&entry.file);
        let file = File::open(&path).map_err(|e| io_error(&path, e))?;
        // SAFETY: the caller's duty is this function's own.
        let index = unsafe { Index::from_map(&file) }
            .map_err(|e| io_error(&path, e))?
            .map_err(|e| LedgerError::corrupt(&entry.file, &e.to_string()))?;
        Segment::over(&entry.file, index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_does_not_come_back_is_an_error() {
        let index = IndexBuilder::new();
        let mut bytes = hosts::encode(&["100.64.0.10".parse().unwrap()]);
        *bytes.last_mut().unwrap() = b'x';
        assert!(Segment::over("s", index.hosts(bytes).build(&[]).unwrap()).is_err());
    }

    #[test]
    fn every_changed_or_missing_byte_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = ["100.64.0.10".parse().unwrap()];
        let segment = Segment::new(&hosts, &[]).unwrap();
        let entry = segment.write(dir.path(), "s").unwrap();
        let path = dir.path().join(&entry.file);
        let good = std::fs::read(&path).unwrap();
        assert!(Segment::read(dir.path(), &entry).is_ok());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            std::fs::write(&path, &bad).unwrap();
            assert!(Segment::read(dir.path(), &entry).is_err(), "byte {at} changed");
            std::fs::write(&path, &good[..at]).unwrap();
            assert!(Segment::read(dir.path(), &entry).is_err(), "cut at {at}");
        }
    }
}
