//! Files that are either whole or not there: written aside, synced, renamed.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::{LedgerError, io_error};
use super::manifest::FileEntry;

/// Writes `bytes` to `dir/name` so that a crash leaves either the old file or the new one.
pub(super) fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<FileEntry, LedgerError> {
    let path = dir.join(name);
    let parent = path.parent().unwrap_or(dir);
    fs::create_dir_all(parent).map_err(|e| io_error(parent, e))?;
    let aside = path.with_extension("tmp");
    let written = (|| {
        let mut file = File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, &path)?;
        File::open(parent)?.sync_all()
    })();
    written.map_err(|e| io_error(&path, e))?;
    Ok(FileEntry {
        file: name.to_owned(),
        sha256: hex(&Sha256::digest(bytes)),
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    })
}

/// Whether the file is still what was written.
pub(super) fn check(dir: &Path, entry: &FileEntry) -> Result<(), LedgerError> {
    let path = dir.join(&entry.file);
    let bytes = fs::read(&path).map_err(|e| io_error(&path, e))?;
    if hex(&Sha256::digest(&bytes)) == entry.sha256 {
        Ok(())
    } else {
        Err(LedgerError::corrupt(&entry.file, "its checksum is not the recorded one"))
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What [`write`] would have recorded, for a ledger without a directory.
pub(super) fn describe(name: &str, bytes: &[u8]) -> FileEntry {
    FileEntry {
        file: name.to_owned(),
        sha256: hex(&Sha256::digest(bytes)),
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    }
}
