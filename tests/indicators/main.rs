//! Indicators on real servers.
