//! From the results of many checks to one answer.

pub(crate) mod about;
pub(crate) mod ask;
pub(crate) mod availability;
pub(crate) mod component;
pub(crate) mod health_group;
pub(crate) mod health_report;
pub(crate) mod log;
pub(crate) mod news;
pub(crate) mod registered;
pub(crate) mod signals;
pub(crate) mod slow;
