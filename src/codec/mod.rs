//! The compressor: windows of samples to frames and back, with a promised error.
