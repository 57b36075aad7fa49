//! From the results of many checks to one answer.

pub(crate) mod about;
pub(crate) mod ask;
pub(crate) mod availability;
pub(crate) mod component;
pub(crate) mod health_report;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod news;
pub(crate) mod scope;
pub(crate) mod signals;
pub(crate) mod slot;
pub(crate) mod slow;
