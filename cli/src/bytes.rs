//! The few byte-level helpers that the model file and the compressed file share.

use anyhow::{Result, bail};

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// Appends the checksum of everything before it.
pub(crate) fn seal(bytes: &mut Vec<u8>) {
    let sum = checksum(bytes);
    bytes.extend(sum.to_le_bytes());
}

/// Reads little-endian fields one after the other.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..len)) {
            Some(taken) => {
                self.at += len;
                Ok(taken)
            }
            None => bail!(
                "the file is truncated: it ends at byte {}, inside a field of {len} bytes at byte {}",
                self.bytes.len(),
                self.at
            ),
        }
    }

    /// A little-endian number of `len` ≤ 8 bytes.
    pub(crate) fn number(&mut self, len: usize) -> Result<u64> {
        let taken = self.take(len)?;
        Ok(taken.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte)))
    }
}
