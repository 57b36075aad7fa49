//! Requires a check of its own package's library, without naming that library.

use management_axum::{Error, Management};

fn main() -> Result<(), Error> {
    Management::builder().require(["unnamed"]).build().map(drop)
}
