//! Services and programs that talk to each other over sockets.
//!
//! Nothing here registers a check with an attribute, since a registered check is in every `Management` of its binary.

mod cascade;
mod dependencies;
mod environment;
mod identity;
mod migration;
mod processes;
mod spring;
mod wire;
