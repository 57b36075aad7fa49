//! Doc examples that register checks, and which rustdoc merges into one program.
//!
//! ```
//! use management_core::{Management, health_check};
//!
//! #[health_check("doc")]
//! fn check() {}
//!
//! let error = Management::new().unwrap_err().to_string();
//! assert!(error.contains("two checks are named `doc`"), "{error}");
//! assert_eq!(error.matches("standalone_crate").count(), 4, "{error}");
//! ```
//!
//! The other has the same name, and takes what this one does not have.
//!
//! ```
//! use management_core::{Management, health_check, info_contributor, version_provider};
//!
//! #[health_check("doc")]
//! fn check(_: &u8) {}
//!
//! #[version_provider]
//! fn version() -> &'static str { "1" }
//!
//! #[info_contributor("git")]
//! fn git() {}
//!
//! let error = Management::builder().build().unwrap_err().to_string();
//! assert!(error.contains("takes `u8`"), "{error}");
//! ```
//!
//! ```
//! use management_core::{info_contributor, version_provider};
//!
//! #[version_provider]
//! fn version() -> &'static str { "2" }
//!
//! #[info_contributor("git")]
//! fn git() {}
//! ```
//!
//! What is marked has what it registers, and nothing else.
//!
//! ```standalone_crate
//! use management_core::{Management, health_check};
//!
//! #[health_check("doc")]
//! fn check() {}
//!
//! assert_eq!(Management::new().unwrap().checks().len(), 1);
//! ```
