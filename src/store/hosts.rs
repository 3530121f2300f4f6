//! The inside hosts of a segment, read one by one as answers name them.
//!
//! ```text
//! u32                number of hosts n
//! (n + 1) x u32      where each text begins, and where the last one ends, counted from the first text
//! texts              text forms of the hosts, UTF-8
//! ```

use std::sync::OnceLock;

use crate::inside::InsideHost;

/// The hosts as the segment keeps them.
pub(super) fn encode(hosts: &[InsideHost]) -> Vec<u8> {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut texts = String::new();
    let mut out = number(hosts.len()).to_vec();
    out.extend_from_slice(&number(0));
    for host in hosts {
        texts.push_str(&host.to_string());
        out.extend_from_slice(&number(texts.len()));
    }
    out.extend_from_slice(texts.as_bytes());
    out
}

/// The hosts, each read when it is first asked for.
#[derive(Debug)]
pub(super) struct Hosts(Box<[OnceLock<Option<InsideHost>>]>);

impl Hosts {
    /// As many hosts as the bytes say; none where they cannot be hosts.
    pub(super) fn of(bytes: &[u8]) -> Option<Hosts> {
        let count = usize::try_from(u32_at(bytes, 0)?).ok()?;
        // The table of begins bounds what is reserved.
        if count.checked_add(2)?.checked_mul(4)? > bytes.len() {
            return None;
        }
        Some(Hosts((0..count).map(|_| OnceLock::new()).collect()))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The host of a number; none where its bytes are no host.
    pub(super) fn get(&self, bytes: &[u8], number: usize) -> Option<&InsideHost> {
        self.0.get(number)?.get_or_init(|| decode(bytes, self.0.len(), number)).as_ref()
    }
}

fn decode(bytes: &[u8], count: usize, number: usize) -> Option<InsideHost> {
    let texts = bytes.get((count + 2) * 4..)?;
    let at = |entry: usize| usize::try_from(u32_at(bytes, (entry + 1) * 4)?).ok();
    std::str::from_utf8(texts.get(at(number)?..at(number + 1)?)?).ok()?.parse().ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_come_back_and_damage_is_none() {
        let hosts: Vec<InsideHost> =
            ["100.64.0.1", "b4[2001:db8::1]10.0.0.2", "name:ppp-17", "10.0.0.1%blue"]
                .map(|text| text.parse().unwrap())
                .into();
        let bytes = encode(&hosts);
        let read = Hosts::of(&bytes).unwrap();
        assert_eq!(read.len(), 4);
        for (number, host) in hosts.iter().enumerate() {
            assert_eq!(read.get(&bytes, number), Some(host));
        }
        assert_eq!(read.get(&bytes, 4), None);
        for cut in 0..bytes.len() {
            if let Some(read) = Hosts::of(&bytes[..cut]) {
                assert_eq!(read.get(&bytes[..cut], 3), None);
            }
        }
        assert!(Hosts::of(&[0xFF; 12]).is_none());
    }
}
